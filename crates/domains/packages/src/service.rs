//! What commands and the server share: which configuration a team has, its reader, its jobs.

use std::{
    collections::HashMap,
    path::Path,
    sync::{Arc, Mutex},
};

use tallykeep_control::{TeamControl, packages::PackagesStore};
use tallykeep_model::TeamSlug;
use tallykeep_notify::{MailConfig, MailSettings};

use crate::{
    config::{Config, ConfigError},
    environment::{Environment, Settings},
    index::Reader,
    jobs::{JobError, Jobs, Say},
};

/// The packages domain of one process.
pub struct Packages {
    /// From a file.
    explicit: Option<Config>,
    /// The file was named on the command line: it is meant for whatever team the command is about.
    is_for_every_team: bool,
    environment: Environment,
    mail: MailConfig,
    readers: Mutex<HashMap<i64, Reader>>,
}

impl Packages {
    /// `section` is `[packages]` of the main configuration; a file of its own (flag, else `COMMUNITY_METRICS_CONFIG`) wins over it.
    ///
    /// Errors: a file that cannot be read or says what it may not.
    pub fn new(section: Option<Config>, file: Option<&Path>, environment: Environment) -> Result<Self, ConfigError> {
        let is_for_every_team = file.is_some();
        let file = file.map(Path::to_owned).or_else(|| environment.get("COMMUNITY_METRICS_CONFIG").map(Into::into));
        let explicit = match (file, section) {
            (Some(file), _) => Some(Config::read(&file)?),
            (None, Some(section)) => {
                Some(section.checked().map_err(|error| ConfigError(format!("[packages] {error}")))?)
            }
            (None, None) => None,
        };
        Ok(Self { explicit, is_for_every_team, environment, mail: MailConfig::default(), readers: Mutex::default() })
    }

    /// With the installation's mail server.
    pub fn with_mail(mut self, mail: MailConfig) -> Self {
        self.mail = mail;
        self
    }

    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The configuration of a team: the file's, else the one its jobs last ran with, else the shipped example. Another team than
    /// `default` keeps its own over an installation's file.
    pub async fn config(&self, store: &PackagesStore) -> Result<Config, JobError> {
        let is_default = store.team().team().slug.as_str() == TeamSlug::DEFAULT;
        if let Some(config) = self.explicit.as_ref().filter(|_| is_default || self.is_for_every_team) {
            return Ok(config.clone());
        }
        match store.stored_config().await? {
            None => Ok(self.explicit.clone().unwrap_or_else(Config::example)),
            Some(text) => serde_json::from_str(&text).map_err(|error| {
                JobError::Failed(format!("the stored packages configuration cannot be read: {error}"))
            }),
        }
    }

    /// Whether a team counts packages at all: it has metrics, or the installation's file is about it.
    pub async fn is_set_up(&self, store: &PackagesStore) -> Result<bool, JobError> {
        let is_default = store.team().team().slug.as_str() == TeamSlug::DEFAULT;
        Ok((is_default && self.explicit.is_some()) || !store.metrics().await?.is_empty())
    }

    /// The configuration as far as it is known without any team: for the timetable.
    pub fn instance_config(&self) -> Config {
        self.explicit.clone().unwrap_or_else(Config::example)
    }

    /// The jobs of a team. Errors name the variable or the setting that is wrong.
    pub async fn jobs(&self, team: &TeamControl, say: Say) -> Result<Jobs, JobError> {
        let store = team.packages();
        let config = self.config(&store).await?;
        let settings =
            Settings::from_environment(self.environment.clone()).map_err(|error| JobError::Usage(error.to_string()))?;
        let mail = MailSettings::resolve(&self.mail, &|name| self.environment.get(name).map(str::to_owned))
            .map_err(|error| JobError::Usage(error.to_string()))?;
        Ok(Jobs { mail, ..Jobs::new(store, config, settings, say)? })
    }

    /// The team's reader; one per process, so that its index stays.
    pub fn reader(&self, team: &TeamControl) -> Reader {
        let mut readers = self.readers.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        readers.entry(team.team().id).or_insert_with(|| Reader::new(team.packages())).clone()
    }
}

/// Says nothing.
pub fn silent() -> Say {
    Arc::new(|_| {})
}
