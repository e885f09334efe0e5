//! The domain as the rest of the program sees it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use tallykeep_control::{Control, ControlError, TeamControl};
use tallykeep_lake::{Lake, LakeError, TeamLake};
use tallykeep_rollup::RollupError;
use tokio::sync::Semaphore;

use crate::{ConfigError, Settings, documents::Community, read::Labels};

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
    communities_cache: Arc<CommunitiesCache>,
    memory: crate::cache::Memory,
    making: Arc<Semaphore>,
}

/// The communities of every team that was asked for, with the version they were read at.
#[derive(Default)]
pub(crate) struct CommunitiesCache(Mutex<HashMap<i64, (Option<u64>, Arc<Vec<Community>>)>>);

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
        Self {
            control,
            lake,
            memory: crate::cache::memory(),
            making: Arc::new(Semaphore::new(1)),
            settings: Arc::new(settings),
            label_cache: Arc::default(),
            works_cache: Arc::default(),
            communities_cache: Arc::default(),
        }
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
            communities_cache: self.communities_cache.clone(),
            memory: self.memory.clone(),
            making: self.making.clone(),
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
    communities_cache: Arc<CommunitiesCache>,
    pub(crate) memory: crate::cache::Memory,
    /// Answers that are to be kept are made one after the other: a page asks for four at once, and each takes several times its size.
    pub(crate) making: Arc<Semaphore>,
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
    pub async fn communities(&self) -> Result<Vec<Community>, RepositoryError> {
        Ok(self.known_communities().await?.to_vec())
    }

    /// The same, read once as long as none changes: every request asks.
    pub(crate) async fn known_communities(&self) -> Result<Arc<Vec<Community>>, RepositoryError> {
        let (team, known) = (self.control.team().id, &self.communities_cache.0);
        let version = self.lake.table(&crate::tables::COMMUNITIES).view().await?.version;
        // A panic elsewhere leaves the map as valid as it was.
        let stored = known.lock().unwrap_or_else(std::sync::PoisonError::into_inner).get(&team).cloned();
        if let Some((_, communities)) = stored.filter(|(v, _)| *v == version) {
            return Ok(communities);
        }
        let mut found = Vec::new();
        for stored in crate::state::current(&self.lake, &crate::tables::COMMUNITIES).await?.into_values() {
            let document: serde_json::Value = serde_json::from_str(&stored.doc)?;
            let community = Community::from_json(&document);
            found.push(community.map_err(|e| RepositoryError::Damaged(e.to_string()))?);
        }
        found.sort_by(|a, b| (&a.slug, &a.id).cmp(&(&b.slug, &b.id)));
        let found = Arc::new(found);
        // Read after the version: at worst it is newer than it says and is read again.
        known.lock().unwrap_or_else(std::sync::PoisonError::into_inner).insert(team, (version, found.clone()));
        Ok(found)
    }

    /// The community an id or slug names; `None` for `global`.
    ///
    /// Errors: `UnknownCommunity`.
    pub async fn community(&self, name: &str) -> Result<Option<Community>, RepositoryError> {
        if name == "global" {
            return Ok(None);
        }
        let all = self.known_communities().await?;
        let found = all.iter().find(|c| c.id == name).or_else(|| all.iter().find(|c| c.slug == name));
        found.cloned().map(Some).ok_or_else(|| RepositoryError::UnknownCommunity(name.to_owned()))
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
        let mut replaced = false;
        for (key, label) in labels {
            let text = serde_json::to_string(label)?;
            let before = stored.get(key);
            if before.is_none_or(|known| of_all && *known != text) {
                replaced |= before.is_some();
                changed.push((key.0.clone(), key.1.clone(), text));
            }
        }
        if changed.is_empty() {
            return Ok(());
        }
        self.control.save_labels(&changed).await?;
        self.control.set_watermark("labels", "all", &uuid::Uuid::now_v7().to_string()).await?;
        // Kept answers show the labels there were: one that changes, or comes later than its value, makes them old. Asked last: an answer
        // that is kept meanwhile notes its bare values first and then looks whether labels have changed.
        let bare = self.control.unlabelled().await?;
        let late = changed.iter().any(|(dimension, value, _)| bare.contains(&(dimension.clone(), value.clone())));
        if replaced || late {
            self.control.make_old(tallykeep_control::EVERY, tallykeep_control::EVERY).await?;
        }
        Ok(())
    }
}
