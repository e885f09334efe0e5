//! Reading a repository's exports into the lake: validated line by line, idempotent, bounded in memory.

mod events;
mod marks;
pub(crate) use marks::{Marks, RECORDS_FAMILY, USAGE_FAMILY};
mod versions;

use std::path::{Path, PathBuf};

use serde::Serialize;
use tallykeep_collect::{JsonValues, LineError};

use crate::{
    RepositoryError, TeamRepository,
    documents::{Community, Record},
    tables::{COMMUNITIES, RECORDS},
};

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
        let lease = format!("repository_import:{}", self.control.team().slug);
        let what = format!("import repository (process {})", std::process::id());
        let guard = self.control.control().lease_or_busy(&lease, &what).await?;
        let mut report = ImportReport { dry_run: request.dry_run, ..ImportReport::default() };
        let outcome = self.import_all(request, &mut report, watch).await;
        guard.release().await?;
        outcome?;
        report.add_up();
        Ok(report)
    }

    async fn import_all(
        &self,
        request: &ImportRequest,
        report: &mut ImportReport,
        watch: &mut Watch<'_>,
    ) -> Result<(), RepositoryError> {
        let mut marks = marks::Marks::default();
        let (communities, _) = self
            .import_versions(&COMMUNITIES, &request.communities, request.dry_run, report, watch, |document| {
                Community::from_json(document).map(|c| (c.id, None))
            })
            .await?;
        report.communities = communities;
        let (records, changed) = self
            .import_versions(&RECORDS, &request.records, request.dry_run, report, watch, |document| {
                Record::from_json(document).map(|r| (r.id, r.updated.map(jiff::Timestamp::as_microsecond)))
            })
            .await?;
        report.records = records;
        marks.records.extend(changed);
        self.import_memberships(&request.community_events, request.dry_run, report, &mut marks, watch).await?;
        if !request.dry_run {
            self.mark_record_days(&marks).await?;
        }
        self.import_usage(&request.usage_events, request.dry_run, report, watch).await?;
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
