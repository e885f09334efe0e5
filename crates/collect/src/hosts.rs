//! Where our requests may go, so that nobody makes the server ask what only the server can reach.
//!
//! Hosts that the operator wrote down (a base address, a webhook, an issuer) may be anywhere but at a link-local address,
//! where clouds keep their secrets. Every other host, that is those that answers name (redirects, endpoints of a discovery
//! document) and the public services we know, must have a public address. What counts is the address a connection is made
//! to: the check is in the resolver, so a name that changes its address between two looks (DNS rebinding) gains nothing.

use std::{
    collections::BTreeSet,
    future::Future,
    net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr},
    pin::Pin,
    sync::Arc,
};

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// Why a request was not made.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OutOfReach {
    #[error("only http and https addresses are asked, not `{0}`")]
    Scheme(String),
    #[error("`{0}` names no host")]
    NoHost(String),
    #[error("{host} is at {address}, which is not a public address, and no setting names that host")]
    Private { host: String, address: IpAddr },
    #[error("{host} is at {address}, which is never asked")]
    Never { host: String, address: IpAddr },
    #[error("a redirect from https to http is not followed")]
    Downgrade,
}

type Found = Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>;

/// How a name becomes addresses; a fake in tests.
pub type Lookup = Arc<dyn Fn(String) -> Found + Send + Sync>;

/// The hosts that may have private addresses, and how names are looked up.
#[derive(Clone)]
pub struct AllowedHosts {
    named: Arc<BTreeSet<String>>,
    all_named: bool,
    lookup: Lookup,
}

impl std::fmt::Debug for AllowedHosts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AllowedHosts").field("named", &self.named).finish_non_exhaustive()
    }
}

impl Default for AllowedHosts {
    fn default() -> Self {
        Self::naming([])
    }
}

impl AllowedHosts {
    /// `addresses` are what the operator wrote down; what is no address with a host is passed over. The machine's proxies
    /// count as written down too.
    pub fn naming<'a>(addresses: impl IntoIterator<Item = &'a str>) -> Self {
        let proxies = ["http_proxy", "https_proxy", "all_proxy"];
        let proxies: Vec<String> = proxies
            .into_iter()
            .flat_map(|name| [name.to_owned(), name.to_uppercase()])
            .filter_map(|name| std::env::var(name).ok())
            .map(|proxy| if proxy.contains("://") { proxy } else { format!("http://{proxy}") })
            .collect();
        let addresses: Vec<&str> = addresses.into_iter().collect();
        let hosts = addresses.into_iter().chain(proxies.iter().map(String::as_str)).filter_map(|address| {
            let url = Url::parse(address).ok()?;
            url.host_str().map(normal)
        });
        let hosts = hosts.collect();
        let lookup: Lookup = Arc::new(|host| {
            Box::pin(async move {
                let found = tokio::net::lookup_host((host.as_str(), 0)).await?;
                Ok(found.map(|address| address.ip()).collect())
            })
        });
        Self { named: Arc::new(hosts), all_named: false, lookup }
    }

    /// Every host may be private: for a client that asks nothing but what the operator wrote down and follows no redirect.
    pub fn only_named() -> Self {
        Self { all_named: true, ..Self::naming([]) }
    }

    /// The same with another way to look names up.
    #[must_use]
    pub fn with_lookup(mut self, lookup: Lookup) -> Self {
        self.lookup = lookup;
        self
    }

    /// What can be told from the address alone: its scheme, and the host where it is an IP address. Names are checked when
    /// they are connected to.
    pub fn check(&self, url: &Url) -> Result<(), OutOfReach> {
        if !matches!(url.scheme(), "http" | "https") {
            return Err(OutOfReach::Scheme(url.scheme().to_owned()));
        }
        let host = url.host_str().unwrap_or_default();
        match url.host() {
            None => Err(OutOfReach::NoHost(url.scheme().to_owned())),
            Some(Host::Ipv4(address)) => self.check_address(host, address.into()),
            Some(Host::Ipv6(address)) => self.check_address(host, address.into()),
            Some(Host::Domain(_)) => Ok(()),
        }
    }

    fn check_address(&self, host: &str, address: IpAddr) -> Result<(), OutOfReach> {
        let host = normal(host);
        if is_never(address) {
            return Err(OutOfReach::Never { host, address });
        }
        if is_public(address) || self.all_named || self.named.contains(&host) {
            return Ok(());
        }
        Err(OutOfReach::Private { host, address })
    }

    /// Makes a client keep to this: names are looked up here, and `redirects` many redirects are followed if they keep to
    /// it as well.
    pub fn keep(&self, builder: reqwest::ClientBuilder, redirects: usize) -> reqwest::ClientBuilder {
        let reach = self.clone();
        let policy = reqwest::redirect::Policy::custom(move |attempt| {
            if attempt.previous().len() > redirects {
                return if redirects == 0 { attempt.stop() } else { attempt.error("too many redirects") };
            }
            let left = attempt.previous().last().map(Url::scheme);
            if left == Some("https") && attempt.url().scheme() != "https" {
                return attempt.error(OutOfReach::Downgrade);
            }
            match reach.check(attempt.url()) {
                Ok(()) => attempt.follow(),
                Err(error) => attempt.error(error),
            }
        });
        builder.redirect(policy).dns_resolver(Arc::new(self.clone()))
    }
}

impl Resolve for AllowedHosts {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let mut allowed = Vec::new();
            let mut refused = None;
            for address in (reach.lookup)(host.clone()).await? {
                match reach.check_address(&host, address) {
                    Ok(()) => allowed.push(SocketAddr::new(address, 0)),
                    Err(error) => refused = Some(error),
                }
            }
            match refused {
                Some(error) if allowed.is_empty() => Err(error.into()),
                _ => Ok(Box::new(allowed.into_iter()) as Addrs),
            }
        })
    }
}

/// As hosts are compared: lower case, no brackets, no dot at the end.
fn normal(host: &str) -> String {
    host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase()
}

/// Addresses no setting opens: link-local ones (cloud metadata), "this host", groups.
fn is_never(address: IpAddr) -> bool {
    match embedded(address) {
        IpAddr::V4(a) => a.is_unspecified() || a.is_link_local() || a.is_multicast() || a.is_broadcast(),
        IpAddr::V6(a) => {
            let metadata = Ipv6Addr::new(0xfd00, 0xec2, 0, 0, 0, 0, 0, 0x254);
            a.is_unspecified() || a.is_multicast() || a.is_unicast_link_local() || a == metadata
        }
    }
}

/// Addresses that the internet routes (IANA's special-purpose registries).
fn is_public(address: IpAddr) -> bool {
    match embedded(address) {
        IpAddr::V4(a) => {
            let [first, second, third, _] = a.octets();
            let special = a.is_private()
                || a.is_loopback()
                || a.is_link_local()
                || a.is_documentation()
                || a.is_multicast()
                || first == 0
                || first >= 240
                || (first == 100 && (64..128).contains(&second))
                || (first == 192 && second == 0 && third == 0)
                || (first == 198 && (second & 0xfe) == 18);
            !special
        }
        IpAddr::V6(a) => {
            let first = a.segments()[0];
            // Of all of IPv6 only 2000::/3 is given out; of that, documentation and benchmarks are not routed.
            (first & 0xe000) == 0x2000 && !(first == 0x2001 && matches!(a.segments()[1], 0xdb8 | 2)) && first != 0x3fff
        }
    }
}

/// The IPv4 address that an IPv6 one carries (mapped, NAT64, 6to4), else the address itself.
fn embedded(address: IpAddr) -> IpAddr {
    let IpAddr::V6(six) = address.to_canonical() else { return address.to_canonical() };
    let [a, b, c, d, e, f, g, h] = six.segments();
    let four = |high: u16, low: u16| {
        let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
        IpAddr::V4(Ipv4Addr::new(a, b, c, d))
    };
    match (a, b) {
        (0x64, 0xff9b) if (c, d, e, f) == (0, 0, 0, 0) => four(g, h),
        (0x2002, _) => four(b, c),
        (0, 0) if (c, d, e, f) == (0, 0, 0, 0) && six != Ipv6Addr::LOCALHOST && six != Ipv6Addr::UNSPECIFIED => {
            four(g, h)
        }
        _ => IpAddr::V6(six),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(reach: &AllowedHosts, url: &str) -> Result<(), OutOfReach> {
        reach.check(&url.parse().expect("an address"))
    }

    #[test]
    fn private_addresses_in_every_disguise_are_out_of_reach() {
        let reach = AllowedHosts::default();
        for url in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://10.0.0.1/",
            "http://172.16.0.1/",
            "http://172.31.255.255/",
            "http://192.168.1.1/",
            "http://100.64.0.1/",
            "http://198.18.0.1/",
            "http://192.0.0.8/",
            "http://0.0.0.0/",
            "http://169.254.169.254/latest/meta-data",
            "http://224.0.0.1/",
            "http://255.255.255.255/",
            "http://240.0.0.1/",
            "http://[::1]/",
            "http://[::]/",
            "http://[fe80::1]/",
            "http://[fc00::1]/",
            "http://[fd00:ec2::254]/",
            "http://[::ffff:127.0.0.1]/",
            "http://[::ffff:a9fe:a9fe]/",
            "http://[64:ff9b::a00:1]/",
            "http://[2002:7f00:1::]/",
            "http://[::127.0.0.1]/",
            "http://[2001:db8::1]/",
            "http://[ff02::1]/",
        ] {
            assert!(outcome(&reach, url).is_err(), "{url}");
        }
        for url in ["https://93.184.216.34/", "http://172.32.0.1/", "http://[2606:4700::1111]/", "https://example.org/"]
        {
            assert_eq!(outcome(&reach, url), Ok(()), "{url}");
        }
        for url in ["file:///etc/passwd", "gopher://example.org/", "ftp://example.org/", "data:text/plain,x"] {
            assert!(matches!(outcome(&reach, url), Err(OutOfReach::Scheme(_))), "{url}");
        }
    }

    #[test]
    fn what_the_operator_named_may_be_private_but_never_link_local() {
        let reach = AllowedHosts::naming([
            "http://127.0.0.1:9/x",
            "http://10.0.0.1",
            "http://169.254.169.254",
            "http://[::1]:8",
            "nonsense",
        ]);
        for url in ["http://127.0.0.1:9/y", "https://10.0.0.1/", "http://[::1]/"] {
            assert_eq!(outcome(&reach, url), Ok(()), "{url}");
        }
        assert!(matches!(outcome(&reach, "http://169.254.169.254/"), Err(OutOfReach::Never { .. })));
        assert!(matches!(outcome(&reach, "http://10.0.0.2/"), Err(OutOfReach::Private { .. })));
        assert_eq!(outcome(&AllowedHosts::only_named(), "http://10.0.0.2/"), Ok(()));
        assert!(matches!(
            outcome(&AllowedHosts::only_named(), "http://169.254.169.254/"),
            Err(OutOfReach::Never { .. })
        ));
    }

    #[tokio::test]
    async fn a_name_is_what_it_resolves_to_when_it_is_connected_to() {
        let lookup: Lookup = Arc::new(|host| {
            Box::pin(async move {
                Ok(match host.as_str() {
                    "public.example" => vec![IpAddr::from([93, 184, 216, 34])],
                    // One good address beside bad ones: only the good one is connected to.
                    "mixed.example" => vec![IpAddr::from([10, 0, 0, 1]), IpAddr::from([93, 184, 216, 34])],
                    "metadata.example" => vec![IpAddr::from([169, 254, 169, 254])],
                    _ => vec![IpAddr::from([10, 0, 0, 1])],
                })
            })
        });
        let reach = AllowedHosts::naming(["https://own.example/", "https://metadata.example"]).with_lookup(lookup);
        let found = |host: &'static str| {
            let reach = reach.clone();
            async move {
                let found = reach.resolve(host.parse().expect("a name")).await;
                found
                    .map(|all| all.map(|address| address.ip().to_string()).collect::<Vec<_>>())
                    .map_err(|e| e.to_string())
            }
        };
        assert_eq!(found("public.example").await, Ok(vec!["93.184.216.34".to_owned()]));
        assert_eq!(found("mixed.example").await, Ok(vec!["93.184.216.34".to_owned()]));
        assert_eq!(found("own.example").await, Ok(vec!["10.0.0.1".to_owned()]));
        assert!(found("metadata.example").await.expect_err("never").contains("never asked"));
        assert!(found("rebound.example").await.expect_err("private").contains("not a public address"));
    }
}
