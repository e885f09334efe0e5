//! `[access]` of the configuration file.

use std::net::IpAddr;

use jiff::SignedDuration;
use tallykeep_control::SessionLife;

/// How people get in. Every key has a default that is safe.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AccessConfig {
    /// Address people type, e.g. `https://stats.example.org`: used in links; `https` makes cookies `Secure` and sends HSTS.
    pub public_url: Option<String>,
    /// Hours without a request after which a session ends.
    pub session_idle_hours: i64,
    /// Days after which a session ends in any case.
    pub session_days: i64,
    /// Hours for which a one-time link works.
    pub link_hours: i64,
    /// Days the audit log is kept; 0 keeps it for good.
    pub audit_days: i64,
    /// Requests a minute from one address; 0 switches the limit off.
    pub requests_per_minute: u32,
    /// Requests a minute by one user or one token; 0 switches the limit off.
    pub requests_per_minute_signed_in: u32,
    /// Proxies in front of us whose `X-Forwarded-For`, `-Proto` and sign-in header are believed.
    pub trusted_proxies: Vec<IpAddr>,
    /// Header in which a trusted proxy names the signed-in user's mail address, e.g. `X-Forwarded-Email`.
    pub proxy_user_header: Option<String>,
    /// Mail domains that may sign in through a provider or a proxy; empty means those who are users already.
    pub mail_domains: Vec<String>,
    /// Origins that other sites' scripts may read public package numbers from.
    pub cors_origins: Vec<String>,
    pub oidc: Option<OidcConfig>,
}

/// An OpenID Connect provider.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct OidcConfig {
    /// The issuer, e.g. `https://accounts.example.org`.
    pub issuer: String,
    pub client_id: String,
    /// Name of the environment variable that holds the client's secret; none for public clients.
    #[serde(default)]
    pub client_secret_variable: Option<String>,
    /// What the button says.
    #[serde(default = "provider_name")]
    pub name: String,
    /// Hosted domain the provider must name in `hd` (spec/packages §9.6).
    #[serde(default)]
    pub hosted_domain: Option<String>,
    /// Scopes to ask for beside `openid`, `email` and `profile`, e.g. `groups`.
    #[serde(default)]
    pub scopes: Vec<String>,
    /// Claim that lists the person's groups.
    #[serde(default = "groups_claim")]
    pub groups_claim: String,
    /// What a group gives.
    #[serde(default)]
    pub groups: Vec<GroupRule>,
}

/// Members of `group` get `role` in `team`, or become instance admins.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GroupRule {
    pub group: String,
    #[serde(default)]
    pub team: Option<tallykeep_model::TeamSlug>,
    #[serde(default)]
    pub role: Option<crate::Role>,
    #[serde(default)]
    pub instance_admin: bool,
}

fn provider_name() -> String {
    "single sign-on".to_owned()
}

fn groups_claim() -> String {
    "groups".to_owned()
}

impl Default for AccessConfig {
    fn default() -> Self {
        Self {
            public_url: None,
            session_idle_hours: 7 * 24,
            session_days: 30,
            link_hours: 24,
            audit_days: 730,
            requests_per_minute: 1000,
            requests_per_minute_signed_in: 3000,
            trusted_proxies: Vec::new(),
            proxy_user_header: None,
            mail_domains: Vec::new(),
            cors_origins: vec!["*".to_owned()],
            oidc: None,
        }
    }
}

impl AccessConfig {
    pub fn session_life(&self) -> SessionLife {
        SessionLife {
            idle: SignedDuration::from_hours(self.session_idle_hours.max(1)),
            absolute: SignedDuration::from_hours(self.session_days.max(1) * 24),
        }
    }

    pub fn is_https(&self) -> bool {
        self.public_url.as_deref().is_some_and(|url| url.starts_with("https://"))
    }

    /// Whether a mail address belongs to an allowed domain. Without domains nobody new may come in this way.
    pub fn allows_domain_of(&self, email: &str) -> bool {
        let Some((_, domain)) = email.rsplit_once('@') else { return false };
        self.mail_domains.iter().any(|allowed| allowed.trim_start_matches('@').eq_ignore_ascii_case(domain))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_domains_are_allowed() {
        let config = AccessConfig { mail_domains: vec!["Example.org".to_owned()], ..AccessConfig::default() };
        assert!(config.allows_domain_of("ada@example.ORG"));
        for bad in
            ["ada@evil-example.org", "ada@sub.example.org", "ada@example.org.evil", "example.org", "a@example.org@evil"]
        {
            assert!(!config.allows_domain_of(bad), "{bad}");
        }
        assert!(!AccessConfig::default().allows_domain_of("ada@example.org"));
    }
}
