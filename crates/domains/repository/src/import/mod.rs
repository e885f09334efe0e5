//! Reading a repository's exports into the lake: validated line by line, idempotent, bounded in memory.

mod marks;
mod memberships;
mod reading;
#[cfg(test)]
mod tests;
mod usage;
mod versions;

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use jiff::Timestamp;
use serde::Serialize;
use tallykeep_collect::{JsonValues, LineError};
use tallykeep_control::LeaseGuard;
use tallykeep_lake::arrow::array::{ArrayRef, TimestampMicrosecondArray};

pub(crate) use self::marks::{RECORDS_FAMILY, USAGE_FAMILY};
use self::reading::Reading;
use crate::{RepositoryError, TeamRepository, dates::utc_day};

/// Rejections listed one by one in a report; further ones are only counted.
const LISTED_REJECTS: usize = 1_000;

/// What to import.
#[derive(Debug, Clone, Default)]
pub struct ImportRequest {
    pub records: Vec<PathBuf>,
    pub communities: Vec<PathBuf>,
    pub community_events: Vec<PathBuf>,
    pub usage_events: Vec<PathBuf>,
    pub dry_run: bool,
}

/// Numbers of one kind of document.
#[derive(Debug, Clone, Default, Serialize, PartialEq, Eq)]
pub struct Counts {
    pub read: u64,
    /// Stored now: ids nobody had seen, and newer versions of known ones (`changed` says how many of these).
    pub new: u64,
    pub changed: u64,
    /// Known already, or older than what is known.
    pub unchanged: u64,
    pub rejected: u64,
}

/// What an import did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ImportReport {
    pub communities: Counts,
    pub records: Counts,
    pub community_events: Counts,
    pub usage_events: Counts,
    pub total: Counts,
    pub rejects: Vec<LineError>,
    /// Rejections beyond the listed ones.
    pub rejects_not_listed: u64,
    /// Files that could not be read to their end.
    pub unreadable: Vec<String>,
    /// Memberships of communities nobody knows yet; kept, and counted once the community is imported.
    pub unknown_communities: Vec<String>,
    pub dirty_days: usize,
    pub dry_run: bool,
}

impl ImportReport {
    pub(crate) fn reject(&mut self, error: LineError) {
        if self.rejects.len() < LISTED_REJECTS {
            self.rejects.push(error);
        } else {
            self.rejects_not_listed += 1;
        }
    }

    fn add_up(&mut self) {
        let mut total = Counts::default();
        for counts in [&self.communities, &self.records, &self.community_events, &self.usage_events] {
            total.read += counts.read;
            total.new += counts.new;
            total.changed += counts.changed;
            total.unchanged += counts.unchanged;
            total.rejected += counts.rejected;
        }
        self.total = total;
    }

    /// Whether anything was accepted.
    pub fn accepted(&self) -> bool {
        self.total.new + self.total.unchanged > 0
    }
}

/// How far an import is.
pub struct ImportProgress<'a> {
    pub file: &'a Path,
    pub lines: u64,
}

/// Watches an import; answering `false` stops it at the next batch.
pub type Watch<'a> = dyn FnMut(ImportProgress<'_>) -> bool + Send + 'a;

impl TeamRepository {
    /// Reads the files in the order communities, records, memberships, usage. Good lines are kept whatever the others are.
    ///
    /// Errors: `Busy` while another import of the team runs, `Stopped` when `watch` says so (what was read so far is kept, and
    /// the next import of the same files carries on), and the stores' errors. Bad lines and files are in the report.
    pub async fn import(
        &self,
        request: &ImportRequest,
        watch: &mut Watch<'_>,
    ) -> Result<ImportReport, RepositoryError> {
        let guard = self.import_lease("import repository").await?;
        let mut report = ImportReport { dry_run: request.dry_run, ..ImportReport::default() };
        let outcome = self.import_all(request, &mut report, watch).await;
        // Whatever was stored before it ended counts from the next aggregation on.
        let marked = self.mark_unmarked().await;
        let released = guard.release().await;
        outcome?;
        report.dirty_days += marked?;
        released?;
        report.add_up();
        Ok(report)
    }

    /// What only one process of a team may do at a time: store documents, and mark the days that hang on them.
    pub(crate) async fn import_lease(&self, what: &str) -> Result<LeaseGuard, RepositoryError> {
        let what = format!("{what} (process {})", std::process::id());
        Ok(self.control.control().lease_or_busy(&import_lease_name(&self.control.team().slug), &what).await?)
    }

    async fn import_all(
        &self,
        request: &ImportRequest,
        report: &mut ImportReport,
        watch: &mut Watch<'_>,
    ) -> Result<(), RepositoryError> {
        // An import that died may have left some.
        self.mark_unmarked().await?;
        let mut reading = Reading { dry_run: request.dry_run, report, watch };
        // What is known already is read before the files are: not for nothing.
        if !request.communities.is_empty() {
            reading.report.communities = self.import_communities(&request.communities, &mut reading).await?;
        }
        if !request.records.is_empty() {
            reading.report.records = self.import_records(&request.records, &mut reading).await?;
        }
        if !request.community_events.is_empty() {
            reading.report.community_events = self.import_memberships(&request.community_events, &mut reading).await?;
        }
        reading.report.dirty_days += self.mark_unmarked().await?;
        if !request.usage_events.is_empty() {
            reading.report.usage_events = self.import_usage(&request.usage_events, &mut reading).await?;
        }
        Ok(())
    }

    /// Opens a file for reading; one that cannot be opened is reported and the others go on.
    pub(crate) fn open(file: &Path, report: &mut ImportReport) -> Option<JsonValues> {
        match JsonValues::open(file) {
            Ok(values) => Some(values),
            Err(error) => {
                report.unreadable.push(error.to_string());
                None
            }
        }
    }
}

/// Name of the lease of a team's imports.
pub(crate) fn import_lease_name(team: &tallykeep_model::TeamSlug) -> String {
    format!("repository_import:{team}")
}

/// `YYYY-MM` of an instant.
pub(crate) fn month(at: Timestamp) -> String {
    utc_day(at).to_string()[..7].to_owned()
}

fn instants(at: impl Iterator<Item = Option<Timestamp>>) -> ArrayRef {
    let numbers: Vec<Option<i64>> = at.map(|at| at.map(Timestamp::as_microsecond)).collect();
    Arc::new(TimestampMicrosecondArray::from(numbers).with_timezone("UTC"))
}
