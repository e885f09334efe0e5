//! How far the enrichment of usage events is.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{BOOKMARKS, Bookmark, KINDS, Slice, config_name, memory_percent, upkeep::slice_of};
use crate::{RepositoryError, TeamRepository, documents::UsageKind};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum MonthState {
    NotStarted,
    InProgress,
    Completed,
}

impl MonthState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::NotStarted => "not started",
            Self::InProgress => "in progress",
            Self::Completed => "completed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonthStatus {
    pub month: String,
    pub source_index: String,
    pub target_index: String,
    pub state: MonthState,
    /// Events stored, enriched, and not yet.
    pub old: u64,
    pub migrated: u64,
    pub remaining: u64,
    /// Enriched by another configuration of breakdowns than the one that holds now.
    pub older_configuration: u64,
    pub bookmark: Option<Bookmark>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TypeStatus {
    pub old: u64,
    pub migrated: u64,
    pub remaining: u64,
    pub months: Vec<MonthStatus>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MigrationHealth {
    pub memory_percent: Option<f64>,
    pub is_healthy: bool,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MigrationStatus {
    pub event_types: BTreeMap<String, TypeStatus>,
    /// Names of months as the systems we replace call them.
    pub old_indices: Vec<String>,
    pub not_started: Vec<String>,
    pub in_progress: Vec<String>,
    pub completed: Vec<String>,
    /// Months whose enrichment is there and whose events are not: none, events are kept as imported.
    pub old_deleted: Vec<String>,
    /// The configuration of breakdowns that holds now.
    pub configuration: String,
    pub health: MigrationHealth,
}

impl TeamRepository {
    /// Counts what is enriched, in the tables themselves.
    pub async fn migration_status(&self) -> Result<MigrationStatus, RepositoryError> {
        let stored = self.stored_events().await?;
        let configuration = config_name(&self.settings);
        let bookmarks: BTreeMap<Slice, Bookmark> = self
            .control
            .watermarks(BOOKMARKS)
            .await?
            .into_iter()
            .filter_map(|(scope, text)| Some((slice_of(&scope)?, serde_json::from_str(&text).ok()?)))
            .collect();
        let percent = memory_percent();
        let most = self.settings.migrate_memory_percent;
        #[expect(clippy::cast_precision_loss, reason = "percent")]
        let healthy = percent.is_none_or(|percent| percent <= most as f64);
        let mut status = MigrationStatus {
            event_types: KINDS.iter().map(|kind| (kind.as_str().to_owned(), TypeStatus::default())).collect(),
            old_indices: Vec::new(),
            not_started: Vec::new(),
            in_progress: Vec::new(),
            completed: Vec::new(),
            old_deleted: Vec::new(),
            configuration: configuration.clone(),
            health: MigrationHealth {
                memory_percent: percent.map(|percent| (percent * 10.0).round() / 10.0),
                is_healthy: healthy,
                reason: match percent {
                    Some(percent) if !healthy => format!("Memory usage too high: {percent:.0}%"),
                    _ => "OK".to_owned(),
                },
            },
        };
        for (slice, old) in &stored {
            let month = self.month_status(slice, *old, &configuration, bookmarks.get(slice).cloned()).await?;
            status.old_indices.push(month.source_index.clone());
            let list = match month.state {
                MonthState::NotStarted => &mut status.not_started,
                MonthState::InProgress => &mut status.in_progress,
                MonthState::Completed => &mut status.completed,
            };
            list.push(month.source_index.clone());
            let of_kind = status.event_types.entry(slice.kind.as_str().to_owned()).or_default();
            of_kind.old += month.old;
            of_kind.migrated += month.migrated;
            of_kind.remaining += month.remaining;
            of_kind.months.push(month);
        }
        for (slice, _) in bookmarks.iter().filter(|(slice, _)| !stored.contains_key(slice)) {
            status.old_deleted.push(slice.source());
        }
        Ok(status)
    }

    async fn month_status(
        &self,
        slice: &Slice,
        old: u64,
        configuration: &str,
        bookmark: Option<Bookmark>,
    ) -> Result<MonthStatus, RepositoryError> {
        let files = self.enriched_files(slice).await?;
        let rows = |own: bool| -> u64 {
            files.iter().filter(|f| (f.partition[2] == configuration) == own).map(|f| f.rows).sum()
        };
        let (current, others) = (rows(true), rows(false));
        // While a month is enriched anew its events stand under both configurations; each counts once.
        let migrated = if current > 0 && others > 0 {
            self.enriched_identities(slice, None).await?.len() as u64
        } else {
            current + others
        };
        let remaining = old.saturating_sub(migrated);
        let state = match (migrated, remaining) {
            (0, _) => MonthState::NotStarted,
            (_, 0) if bookmark.as_ref().is_none_or(|b| b.completed) => MonthState::Completed,
            _ => MonthState::InProgress,
        };
        Ok(MonthStatus {
            month: slice.month.clone(),
            source_index: slice.source(),
            target_index: slice.target(),
            state,
            old,
            migrated,
            remaining,
            older_configuration: migrated.saturating_sub(current),
            bookmark,
        })
    }

    /// The kinds by the words of the command line.
    pub fn usage_kind(name: &str) -> Option<UsageKind> {
        KINDS.into_iter().find(|kind| kind.as_str() == name)
    }
}
