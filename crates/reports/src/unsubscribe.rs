//! The link that ends a subscription: signed with the installation's key, so that nobody unsubscribes others.

use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use tallykeep_access::{InstallationKey, same_secret};

/// Makes and checks unsubscribe links.
#[derive(Clone)]
pub struct Unsubscribing {
    key: InstallationKey,
    /// `https://stats.example.org`, without a slash at the end.
    base: Option<String>,
}

impl Unsubscribing {
    /// `public_url` is the address people type; without it there are no links.
    pub fn new(key: InstallationKey, public_url: Option<&str>) -> Self {
        Self { key, base: public_url.map(|url| url.trim_end_matches('/').to_owned()) }
    }

    /// The address of the installation, for links to pages.
    pub fn base(&self) -> Option<&str> {
        self.base.as_deref()
    }

    /// Proves that a link came from us: of one team, report and address only.
    pub fn signature(&self, team: &str, report: &str, address: &str) -> String {
        // Lengths stand before the parts, so that no two triples look alike.
        let about = [team, report, address].map(|part| format!("{}:{part}", part.len())).join(",");
        let mac = self.key.derive("report unsubscribe", &about);
        mac.iter().fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"))
    }

    pub fn is_signed(&self, team: &str, report: &str, address: &str, signature: &str) -> bool {
        same_secret(&self.signature(team, report, address), signature)
    }

    /// The link for a mail; `None` without a public address.
    pub fn link(&self, team: &str, report: &str, address: &str) -> Option<String> {
        let encoded = |text: &str| utf8_percent_encode(text, NON_ALPHANUMERIC).to_string();
        let base = self.base.as_ref()?;
        Some(format!(
            "{base}/reports/unsubscribe?team={}&report={}&to={}&signature={}",
            encoded(team),
            encoded(report),
            encoded(address),
            self.signature(team, report, address)
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_for_one_address_of_one_report() {
        let dir = tempfile::tempdir().expect("a folder");
        let key = InstallationKey::open(dir.path()).expect("a key");
        let ours = Unsubscribing::new(key, Some("https://stats.example.org/"));
        let link = ours.link("default", "board", "Ann <ann@example.org>").expect("a link");
        assert!(link.starts_with("https://stats.example.org/reports/unsubscribe?team=default&report=board&to=Ann%20%3Cann%40example%2Eorg%3E&signature="), "{link}");
        let signature = ours.signature("default", "board", "ann@example.org");
        assert!(ours.is_signed("default", "board", "ann@example.org", &signature));
        for (team, report, address) in [
            ("other", "board", "ann@example.org"),
            ("default", "boar", "d,ann@example.org"),
            ("default", "board", "bob@example.org"),
        ] {
            assert!(!ours.is_signed(team, report, address, &signature), "{team} {report} {address}");
        }
        assert!(!ours.is_signed("default", "board", "ann@example.org", ""));
        let other = tempfile::tempdir().expect("a folder");
        let theirs = Unsubscribing::new(InstallationKey::open(other.path()).expect("a key"), None);
        assert!(!theirs.is_signed("default", "board", "ann@example.org", &signature), "another installation");
        assert_eq!(theirs.link("default", "board", "a@example.org"), None);
    }
}
