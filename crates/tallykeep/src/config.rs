//! The configuration file: one struct, unknown keys refused with their line. Flags win over the environment, the
//! environment over the file; domains read their own variables in their `from_env` functions.

use std::path::Path;

use anyhow::Context as _;
use serde::Deserialize;

use crate::exit::usage;

/// Everything a configuration file may hold. Each domain owns its section.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub access: tallykeep_access::AccessConfig,
    pub chat: crate::commands::chat::wiring::ChatSection,
    /// The server mail leaves by; `TALLYKEEP_MAIL_*` over it.
    pub mail: tallykeep_notify::MailConfig,
    pub packages: Option<tallykeep_packages::Config>,
    /// What is reported to whom.
    pub reports: tallykeep_reports::ReportsConfig,
    pub repository: tallykeep_repository::Config,
    /// What is looked after, and who is told.
    pub watch: tallykeep_watch::WatchConfig,
}

impl Config {
    /// Reads a file, or the defaults when none is named. Errors name file and line.
    pub fn read(file: Option<&Path>) -> anyhow::Result<Self> {
        let Some(file) = file else { return Ok(Self::default()) };
        let text = std::fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?;
        toml::from_str(&text).map_err(|error| usage(format!("{}: {error}", file.display())))
    }
}
