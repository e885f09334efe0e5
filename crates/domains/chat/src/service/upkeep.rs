//! Upkeep of the lake's tables: imports leave many small files, reading wants few.

use std::time::Duration;

use serde::Serialize;
use tallykeep_control::TeamControl;

use super::{Chat, ChatError};
use crate::store::{StoreError, TABLES};

/// A partition with more files than this is rewritten as one.
const MOST_FILES: usize = 4;
/// Files no version within this time names are removed: whoever reads now has them open no longer.
const KEEP: Duration = Duration::from_secs(7 * 86_400);

/// What upkeep did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct CompactionReport {
    pub teams_processed: u64,
    pub files_before: usize,
    pub files_after: usize,
    pub files_removed: usize,
    /// Team, table and reason; one table's failure does not stop the rest.
    pub errors: Vec<String>,
}

impl Chat {
    /// Joins small files of every team's tables and removes old ones. Rows and their numbers stay as they are: no answer changes.
    pub async fn compact_tables(&self) -> Result<CompactionReport, ChatError> {
        let mut report = CompactionReport::default();
        for team in self.control.chat_teams().await? {
            let team = self.control.for_team(team);
            self.compact_team(&team, &mut report).await;
            report.teams_processed += 1;
        }
        Ok(report)
    }

    async fn compact_team(&self, team: &TeamControl, report: &mut CompactionReport) {
        let lake = self.lake.team(&team.team().slug);
        for def in TABLES {
            let table = lake.table(def);
            let done: Result<(), StoreError> = async {
                // Ids follow time, as in the files imports write.
                let compacted = table.compact(MOST_FILES, &["id", "seq"]).await?;
                report.files_before += compacted.files_before;
                report.files_after += compacted.files_after;
                report.files_removed += table.vacuum(KEEP).await?;
                Ok(())
            }
            .await;
            if let Err(error) = done {
                let slug = &team.team().slug;
                tracing::error!(team = %slug, table = def.name, %error, "could not compact {} of {slug}", def.name);
                report.errors.push(format!("{slug} {}: {error}", def.name));
            }
        }
    }
}
