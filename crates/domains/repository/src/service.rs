//! The domain as the rest of the program sees it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tallykeep_control::{Control, ControlError, TeamControl};
use tallykeep_lake::{Lake, LakeError, TeamLake};
use tallykeep_rollup::RollupError;

use crate::{ConfigError, Settings, read::Labels};

/// Why the repository domain could not do what was asked. Knows nothing of HTTP.
#[derive(Debug, thiserror::Error)]
pub enum RepositoryError {
    #[error("Community {0} not found: no community has this id or slug")]
    UnknownCommunity(String),
    #[error("No results found for community {community} for the period {start} to {end}")]
    NoResults { community: String, start: String, end: String },
    #[error("{0}")]
    BadRequest(String),
    #[error("stored data is damaged: {0}")]
    Damaged(String),
    #[error("stopped on request; what was finished is kept and the next run carries on")]
    Stopped,
    #[error(transparent)]
    Config(#[from] ConfigError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error(transparent)]
    Rollup(#[from] RollupError),
    #[error(transparent)]
    Set(#[from] tallykeep_rollup::sets::SetError),
    #[error(transparent)]
    Json(#[from] serde_json::Error),
    #[error(transparent)]
    File(#[from] tallykeep_collect::FileError),
    #[error("a worker stopped: {0}")]
    Worker(String),
}

impl RepositoryError {
    /// Whether somebody else changed the same files of the lake first: read again, decide again.
    pub fn is_conflict(&self) -> bool {
        match self {
            Self::Lake(error) => matches!(error, LakeError::Conflict { .. }),
            Self::Rollup(error) => error.is_conflict(),
            _ => false,
        }
    }
}

/// The domain for every team.
#[derive(Clone)]
pub struct Repository {
    control: Control,
    lake: Lake,
    settings: Arc<Settings>,
    label_cache: Arc<LabelCache>,
    works_cache: Arc<WorksCache>,
}

/// Views and downloads by work of every team that was asked for, with the version they were counted at.
#[derive(Default)]
pub(crate) struct WorksCache(Mutex<HashMap<i64, (Option<u64>, Arc<WorkCounts>)>>);

/// (views, downloads) by work.
pub(crate) type WorkCounts = HashMap<String, (i64, i64)>;

impl WorksCache {
    pub(crate) fn get(&self, team: i64, version: Option<u64>) -> Option<Arc<WorkCounts>> {
        let known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.get(&team).filter(|(v, _)| *v == version).map(|(_, counts)| counts.clone())
    }

    pub(crate) fn put(&self, team: i64, version: Option<u64>, counts: WorkCounts) {
        let mut known = self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        known.insert(team, (version, Arc::new(counts)));
    }
}

/// The labels of every team that was read, with the version they were read at.
#[derive(Default)]
pub(crate) struct LabelCache(Mutex<HashMap<i64, (String, Arc<Labels>)>>);

impl LabelCache {
    pub(crate) fn get(&self, team: i64) -> Option<(String, Arc<Labels>)> {
        // A panic elsewhere leaves the map as valid as it was.
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&team).cloned()
    }

    pub(crate) fn put(&self, team: i64, version: String, labels: Arc<Labels>) {
        self.0.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(team, (version, labels));
    }
}

impl Repository {
    pub fn new(control: Control, lake: Lake, settings: Settings) -> Self {
        Self { control, lake, settings: Arc::new(settings), label_cache: Arc::default(), works_cache: Arc::default() }
    }

    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn control(&self) -> &Control {
        &self.control
    }

    /// The domain of the team a control handle is bound to.
    pub fn of(&self, control: TeamControl) -> TeamRepository {
        let lake = self.lake.team(&control.team().slug);
        TeamRepository {
            control,
            lake,
            settings: self.settings.clone(),
            label_cache: self.label_cache.clone(),
            works_cache: self.works_cache.clone(),
        }
    }
}

/// The domain of one team.
#[derive(Clone)]
pub struct TeamRepository {
    pub(crate) control: TeamControl,
    pub(crate) lake: TeamLake,
    pub(crate) settings: Arc<Settings>,
    pub(crate) label_cache: Arc<LabelCache>,
    pub(crate) works_cache: Arc<WorksCache>,
}

impl TeamRepository {
    pub fn settings(&self) -> &Settings {
        &self.settings
    }

    pub fn control(&self) -> &TeamControl {
        &self.control
    }

    pub fn lake(&self) -> &TeamLake {
        &self.lake
    }
}

impl TeamRepository {
    /// Every community, by slug.
    pub async fn communities(&self) -> Result<Vec<crate::documents::Community>, RepositoryError> {
        let mut found = Vec::new();
        for stored in crate::state::current(&self.lake, &crate::tables::COMMUNITIES).await?.into_values() {
            let document: serde_json::Value = serde_json::from_str(&stored.doc)?;
            let community = crate::documents::Community::from_json(&document);
            found.push(community.map_err(|e| RepositoryError::Damaged(e.to_string()))?);
        }
        found.sort_by(|a, b| (&a.slug, &a.id).cmp(&(&b.slug, &b.id)));
        Ok(found)
    }

    /// The community an id or slug names; `None` for `global`.
    ///
    /// Errors: `UnknownCommunity`.
    pub async fn community(&self, name: &str) -> Result<Option<crate::documents::Community>, RepositoryError> {
        if name == "global" {
            return Ok(None);
        }
        let mut all = self.communities().await?;
        let at = all.iter().position(|c| c.id == name).or_else(|| all.iter().position(|c| c.slug == name));
        at.map(|at| Some(all.swap_remove(at))).ok_or_else(|| RepositoryError::UnknownCommunity(name.to_owned()))
    }

    /// Stores the labels that are new, and those that changed when they come from all records.
    pub(crate) async fn save_labels(
        &self,
        labels: &std::collections::BTreeMap<(String, String), tallykeep_model::Label>,
        of_all: bool,
    ) -> Result<(), RepositoryError> {
        let stored: std::collections::HashMap<(String, String), String> =
            self.control.labels().await?.into_iter().map(|(d, v, l)| ((d, v), l)).collect();
        let mut changed = Vec::new();
        for (key, label) in labels {
            let text = serde_json::to_string(label)?;
            if stored.get(key).is_none_or(|known| of_all && *known != text) {
                changed.push((key.0.clone(), key.1.clone(), text));
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        self.control.save_labels(&changed).await?;
        Ok(self.control.set_watermark("labels", "all", &uuid::Uuid::now_v7().to_string()).await?)
    }
}
