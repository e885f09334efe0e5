//! What commands run in: the options, the configuration, and the stores, opened when first needed.

use std::io::{IsTerminal, Write};

use serde::Serialize;
use tallykeep_control::{Control, TeamControl};
use tallykeep_lake::{Lake, TeamLake};
use tallykeep_model::Clock;
use tokio::sync::OnceCell;

use crate::{GlobalOptions, config::Config, exit::usage};

pub struct Context {
    pub options: GlobalOptions,
    pub config: Config,
    pub clock: Clock,
    control: OnceCell<Control>,
    lake: OnceCell<Lake>,
}

impl Context {
    pub fn new(options: GlobalOptions) -> anyhow::Result<Self> {
        let clock = Clock::from_env().map_err(|error| usage(error.to_string()))?;
        let config = Config::read(options.config.as_deref())?;
        Ok(Self { options, config, clock, control: OnceCell::new(), lake: OnceCell::new() })
    }

    /// The control database, opened and migrated once per process.
    pub async fn control(&self) -> anyhow::Result<&Control> {
        self.control
            .get_or_try_init(|| async {
                Ok(match &self.options.database {
                    Some(url) => Control::open_url(url, self.clock).await?,
                    None => Control::open(&self.options.data_dir, self.clock).await?,
                })
            })
            .await
    }

    /// The control database as the chosen team sees it.
    pub async fn team_control(&self) -> anyhow::Result<TeamControl> {
        Ok(self.control().await?.team(&self.options.team).await?)
    }

    /// The lake of the data dir.
    pub async fn lake(&self) -> anyhow::Result<&Lake> {
        self.lake
            .get_or_try_init(|| async {
                let slow = std::time::Duration::from_millis(self.options.slow_query_ms);
                Ok(Lake::open(&self.options.data_dir.join("lake"), slow)?)
            })
            .await
    }

    /// The lake as the chosen team sees it; the team must exist.
    pub async fn team_lake(&self) -> anyhow::Result<TeamLake> {
        let team = self.team_control().await?.team().slug.clone();
        Ok(self.lake().await?.team(&team))
    }

    /// Whether a person watches: progress bars then, plain lines otherwise.
    pub fn is_terminal(&self) -> bool {
        std::io::stderr().is_terminal() && !self.options.json
    }

    /// Prints a result: the JSON document with `--json`, else the text (nothing when empty).
    pub fn print(&self, document: &impl Serialize, text: impl FnOnce() -> String) -> anyhow::Result<()> {
        let mut out = std::io::stdout().lock();
        if self.options.json {
            // As the error of the writing side, by which a reader that is gone is recognised.
            serde_json::to_writer_pretty(&mut out, document).map_err(std::io::Error::from)?;
            writeln!(out)?;
        } else {
            let text = text();
            if !text.is_empty() {
                writeln!(out, "{}", text.trim_end_matches('\n'))?;
            }
        }
        Ok(())
    }
}

/// Cancelled by the first Ctrl-C or TERM, so that work stops after the step at hand; the second one ends the process.
pub fn interrupted() -> tokio_util::sync::CancellationToken {
    use tokio::signal::unix::{SignalKind, signal};
    let token = tokio_util::sync::CancellationToken::new();
    let cancel = token.clone();
    tokio::spawn(async move {
        let Ok(mut terminate) = signal(SignalKind::terminate()) else { return };
        for round in 0..2 {
            tokio::select! {
                _ = tokio::signal::ctrl_c() => {}
                _ = terminate.recv() => {}
            }
            if round > 0 {
                std::process::exit(130);
            }
            cancel.cancel();
        }
    });
    token
}

/// Whether the person at the terminal, or the confirming flag, wants it.
///
/// Errors: bad usage where nobody can be asked and the flag is not given.
pub fn confirmed(flag_given: bool, warning: &str, flag: &str) -> anyhow::Result<bool> {
    if flag_given {
        return Ok(true);
    }
    if !std::io::stdin().is_terminal() {
        return Err(usage(format!("{warning} Nobody can be asked here: give {flag} to confirm")));
    }
    crate::output::ask(&format!("{warning} Continue? [y/N] "));
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(["y", "yes"].contains(&line.trim().to_lowercase().as_str()))
}

/// The data dir where neither flag nor `TALLYKEEP_DATA_DIR` names one: `COMMUNITY_METRICS_STORE` of the seed, else ours.
pub fn default_data_dir() -> std::path::PathBuf {
    let store = std::env::var_os("COMMUNITY_METRICS_STORE").filter(|store| !store.is_empty());
    store.map_or_else(|| "./tallykeep-data".into(), Into::into)
}

/// The address where neither flag nor `TALLYKEEP_LISTEN` names one: `COMMUNITY_METRICS_API_HOST` and `_API_PORT` of the seed,
/// else loopback and 8080. A value that is no address or port is passed over with a word on standard error.
pub fn default_listen() -> std::net::SocketAddr {
    let given = |name: &str, default: &str| {
        std::env::var(name).ok().filter(|value| !value.is_empty()).unwrap_or_else(|| default.to_owned())
    };
    let (host, port) = (given("COMMUNITY_METRICS_API_HOST", "127.0.0.1"), given("COMMUNITY_METRICS_API_PORT", "8080"));
    let host = if host == "localhost" { "127.0.0.1".to_owned() } else { host };
    match (host.parse(), port.parse()) {
        (Ok(host), Ok(port)) => std::net::SocketAddr::new(host, port),
        _ => {
            crate::output::note!(
                "COMMUNITY_METRICS_API_HOST={host} and COMMUNITY_METRICS_API_PORT={port} are no address: passed over"
            );
            std::net::SocketAddr::from(([127, 0, 0, 1], 8080))
        }
    }
}
