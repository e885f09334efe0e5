//! How mail leaves: `[mail]` of the configuration, the environment over it, the password from the environment or a file only.

use std::{path::PathBuf, time::Duration};

use lettre::{message::Mailbox, transport::smtp::client::Certificate};
use secrecy::SecretString;
use serde::{Deserialize, Serialize};

use crate::NotifyError;

/// How the connection to the mail server is protected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Encryption {
    /// TLS from the first byte (port 465).
    Tls,
    /// Plain at first, TLS before anything is said; without it nothing is sent (port 587).
    Starttls,
    /// None: for a server on this machine or a trusted wire.
    Off,
}

/// `[mail]`. Without a server no mail is sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct MailConfig {
    /// `host` or `host:port`.
    pub server: Option<String>,
    /// Left out: none for this machine, `tls` for port 465, else `starttls`.
    pub tls: Option<Encryption>,
    /// `Name <name@host>`.
    pub from: Option<String>,
    pub user: Option<String>,
    /// A file whose first line is the password; `TALLYKEEP_MAIL_PASSWORD` wins over it.
    pub password_file: Option<PathBuf>,
    /// Certificates (PEM) trusted beside the machine's own.
    pub ca_file: Option<PathBuf>,
    /// For each answer of the server; 30 when left out.
    pub timeout_seconds: Option<u64>,
}

/// What a [`crate::Mailer`] is made of. Holds the password and does not show it.
#[derive(Debug, Clone)]
pub struct MailSettings {
    pub host: String,
    pub port: u16,
    pub encryption: Encryption,
    pub from: Mailbox,
    pub login: Option<(String, SecretString)>,
    pub roots: Vec<Certificate>,
    pub timeout: Duration,
    /// Tries per message; only temporary failures are tried again.
    pub tries: u32,
    /// First wait between two tries, doubled each time. Zero for none.
    pub retry_base: Duration,
}

const FROM: &str = "Tallykeep <tallykeep@localhost>";

impl MailSettings {
    /// The configuration with `TALLYKEEP_MAIL_SERVER`, `_TLS`, `_FROM`, `_USER`, `_PASSWORD`, `_PASSWORD_FILE`, `_CA_FILE` and
    /// `_TIMEOUT_SECONDS` over it; `None` without a server.
    ///
    /// Errors: a setting that cannot be used, by its name.
    pub fn resolve(
        config: &MailConfig,
        variable: &dyn Fn(&str) -> Option<String>,
    ) -> Result<Option<Self>, NotifyError> {
        let set = |name: &str| variable(&format!("TALLYKEEP_MAIL_{name}")).filter(|value| !value.trim().is_empty());
        let Some(server) = set("SERVER").or_else(|| config.server.clone()) else { return Ok(None) };
        let (host, port) = split(&server)?;
        let encryption = match set("TLS") {
            Some(word) => Some(encryption_of(&word)?),
            None => config.tls,
        };
        let encryption = encryption.unwrap_or(match port {
            _ if is_this_machine(&host) => Encryption::Off,
            Some(465) => Encryption::Tls,
            _ => Encryption::Starttls,
        });
        let from = set("FROM").or_else(|| config.from.clone()).unwrap_or_else(|| FROM.to_owned());
        let from = crate::letter::mailbox(&from)
            .map_err(|error| NotifyError::Settings(format!("[mail] from (TALLYKEEP_MAIL_FROM): {error}")))?;
        let seconds = match set("TIMEOUT_SECONDS") {
            Some(text) => Some(text.trim().parse().map_err(|_| {
                NotifyError::Settings(format!(
                    "TALLYKEEP_MAIL_TIMEOUT_SECONDS is `{text}`, which is not a whole number"
                ))
            })?),
            None => config.timeout_seconds,
        };
        let seconds = seconds.unwrap_or(30);
        if seconds == 0 {
            return Err(NotifyError::Settings("[mail] timeout_seconds is 0; it must be at least 1".to_owned()));
        }
        let user = set("USER").or_else(|| config.user.clone());
        let password_file = set("PASSWORD_FILE").map(PathBuf::from).or_else(|| config.password_file.clone());
        let password = match (set("PASSWORD"), password_file) {
            (Some(password), _) => Some(password),
            (None, Some(file)) => {
                let text = std::fs::read_to_string(&file).map_err(|error| {
                    NotifyError::Settings(format!("[mail] password_file {}: {error}", file.display()))
                })?;
                Some(text.lines().next().unwrap_or("").to_owned())
            }
            (None, None) => None,
        };
        let login = match (user, password) {
            (Some(user), Some(password)) => Some((user, SecretString::from(password))),
            (Some(user), None) => {
                return Err(NotifyError::Settings(format!(
                    "[mail] user is `{user}`, but there is no password: set TALLYKEEP_MAIL_PASSWORD or password_file"
                )));
            }
            (None, _) => None,
        };
        if login.is_some() && encryption == Encryption::Off && !is_this_machine(&host) {
            return Err(NotifyError::Settings(format!(
                "[mail] tls is `off`: a password is not sent to {host} in the clear"
            )));
        }
        let ca_file = set("CA_FILE").map(PathBuf::from).or_else(|| config.ca_file.clone());
        let roots = match ca_file {
            None => Vec::new(),
            Some(file) => {
                let fail =
                    |reason: String| NotifyError::Settings(format!("[mail] ca_file {}: {reason}", file.display()));
                let pem = std::fs::read(&file).map_err(|error| fail(error.to_string()))?;
                vec![Certificate::from_pem(&pem).map_err(|error| fail(error.to_string()))?]
            }
        };
        let port = port.unwrap_or(match encryption {
            Encryption::Tls => 465,
            Encryption::Starttls => 587,
            Encryption::Off => 25,
        });
        Ok(Some(Self {
            host,
            port,
            encryption,
            from,
            login,
            roots,
            timeout: Duration::from_secs(seconds),
            tries: 3,
            retry_base: Duration::from_secs(2),
        }))
    }
}

fn split(server: &str) -> Result<(String, Option<u16>), NotifyError> {
    let server = server.trim();
    let wrong = || NotifyError::Settings(format!("[mail] server is `{server}`: write host or host:port"));
    // An IPv6 address has colons of its own and stands in brackets when a port follows.
    if let Some((host, rest)) = server.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        let port = rest.strip_prefix(':').map(str::parse).transpose().map_err(|_| wrong())?;
        return Ok((host.to_owned(), port));
    }
    let (host, port) = match server.split_once(':') {
        Some((host, port)) => (host, Some(port.parse().map_err(|_| wrong())?)),
        None => (server, None),
    };
    if host.is_empty() || host.contains(char::is_whitespace) || host.contains('/') {
        return Err(wrong());
    }
    Ok((host.to_owned(), port))
}

fn encryption_of(word: &str) -> Result<Encryption, NotifyError> {
    match word.trim().to_lowercase().as_str() {
        "tls" => Ok(Encryption::Tls),
        "starttls" => Ok(Encryption::Starttls),
        "off" => Ok(Encryption::Off),
        _ => Err(NotifyError::Settings(format!("TALLYKEEP_MAIL_TLS is `{word}`: write tls, starttls or off"))),
    }
}

fn is_this_machine(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use secrecy::ExposeSecret;

    use super::*;

    fn resolved(config: &MailConfig, pairs: &[(&str, &str)]) -> Result<Option<MailSettings>, NotifyError> {
        let of = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
        MailSettings::resolve(config, &of)
    }

    fn server(name: &str) -> MailConfig {
        MailConfig { server: Some(name.to_owned()), ..MailConfig::default() }
    }

    #[test]
    fn without_a_server_there_is_no_mail_and_defaults_are_safe() {
        assert!(resolved(&MailConfig::default(), &[]).expect("fine").is_none());
        for (name, port, encryption) in [
            ("mail.example.org", 587, Encryption::Starttls),
            ("mail.example.org:465", 465, Encryption::Tls),
            ("mail.example.org:25", 25, Encryption::Starttls),
            ("localhost", 25, Encryption::Off),
            ("[::1]:2525", 2525, Encryption::Off),
        ] {
            let settings = resolved(&server(name), &[]).expect("fine").expect("a server");
            assert_eq!((settings.port, settings.encryption), (port, encryption), "{name}");
        }
    }

    #[test]
    fn the_environment_wins_and_the_password_is_never_shown() {
        let dir = tempfile::tempdir().expect("a folder");
        let file = dir.path().join("password");
        std::fs::write(&file, "from the file\n").expect("written");
        let config = MailConfig { user: Some("u".to_owned()), password_file: Some(file), ..server("mail.example.org") };
        let settings = resolved(&config, &[]).expect("fine").expect("a server");
        assert_eq!(settings.login.as_ref().map(|l| l.1.expose_secret()), Some("from the file"));
        assert!(!format!("{settings:?}").contains("from the file"));
        let pairs = [("TALLYKEEP_MAIL_PASSWORD", "s3cret"), ("TALLYKEEP_MAIL_SERVER", "other.example.org:2525")];
        let settings = resolved(&config, &pairs).expect("fine").expect("a server");
        assert_eq!((settings.host.as_str(), settings.port), ("other.example.org", 2525));
        assert_eq!(settings.login.as_ref().map(|l| l.1.expose_secret()), Some("s3cret"));
    }

    #[test]
    fn what_cannot_be_used_is_named() {
        let user = MailConfig { user: Some("u".to_owned()), ..server("mail.example.org") };
        let clear = MailConfig { tls: Some(Encryption::Off), ..user.clone() };
        for (config, pairs, expected) in [
            (server("mail:no"), &[][..], "write host or host:port"),
            (user, &[], "TALLYKEEP_MAIL_PASSWORD"),
            (clear, &[("TALLYKEEP_MAIL_PASSWORD", "p")], "in the clear"),
            (server("h"), &[("TALLYKEEP_MAIL_TLS", "yes")], "TALLYKEEP_MAIL_TLS is `yes`"),
            (server("h"), &[("TALLYKEEP_MAIL_FROM", "nobody")], "TALLYKEEP_MAIL_FROM"),
            (server("h"), &[("TALLYKEEP_MAIL_TIMEOUT_SECONDS", "soon")], "TIMEOUT_SECONDS is `soon`"),
            (server("h"), &[("TALLYKEEP_MAIL_CA_FILE", "/nowhere")], "ca_file /nowhere"),
        ] {
            let error = resolved(&config, pairs).expect_err(expected).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
