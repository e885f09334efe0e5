//! `usage-events migrate` (spec/invenio §12): the enrichment of every event, written beside it.
//!
//! What is done is what stands in the table: an event is enriched exactly when a row carries its identity. A run that was killed loses at most the group of
//! batches it had not committed, and the next one carries on with the events that have no row.

mod batches;
mod request;

use std::{
    collections::{HashMap, HashSet},
    time::Instant,
};

use tallykeep_lake::{
    Change, Scan, Staged,
    arrow::{array::AsArray, datatypes::Int64Type},
};

pub use self::request::{MigrateRequest, Migrated, MonthResult, OperationalError, Progress, TypeResult, Watch};
use super::{Bookmark, Slice, config_name, enricher::Enricher, months};
use crate::{
    RepositoryError, TeamRepository,
    records::ENRICHMENT,
    tables::{ENRICHED, MEMBERSHIPS},
};

/// Batches in one commit: few large files instead of one per batch.
const COMMIT_BATCHES: usize = 100;

/// Name of the lease of a team's migration.
pub fn lease_name(team: &tallykeep_model::TeamSlug) -> String {
    format!("usage_events_migration:{team}")
}

/// What one run works with.
pub(super) struct Work<'a, 'w> {
    pub request: &'a MigrateRequest,
    pub enricher: Enricher,
    pub config: String,
    /// Only rows of the current configuration count as done.
    pub again: bool,
    pub done: u64,
    pub all: u64,
    pub health_issues: Vec<String>,
    /// Nothing more is begun.
    pub stopped: bool,
    /// Enrichments that were read back, and whether they are what they should be.
    pub verified: HashMap<i64, bool>,
    pub verified_files: HashSet<String>,
    /// Written and not yet committed: for whom, how many events, the last of them.
    pub staged: Vec<(Slice, Staged, Option<(String, i64)>)>,
    pub watch: &'a mut Watch<'w>,
}

impl TeamRepository {
    /// Enriches what lacks it, month by month. Every group of batches is committed by itself.
    ///
    /// Errors: `Busy` while another migration of the team runs; the stores' errors before anything began. What goes wrong with one month is in the result.
    pub async fn migrate_usage(
        &self,
        request: &MigrateRequest,
        watch: &mut Watch<'_>,
    ) -> Result<Migrated, RepositoryError> {
        let what = format!("usage-events migrate (process {})", std::process::id());
        let guard = self.control.control().lease_or_busy(&lease_name(&self.control.team().slug), &what).await?;
        let outcome = self.migrate_under_lease(request, watch).await;
        guard.release().await?;
        outcome
    }

    /// What a migration would do: events without enrichment by kind and month.
    pub async fn migrate_dry_run(
        &self,
        request: &MigrateRequest,
    ) -> Result<Vec<(String, String, u64)>, RepositoryError> {
        let mut open = Vec::new();
        for (slice, events) in self.wanted_slices(request).await?.0 {
            let enriched =
                if request.fresh_start { 0 } else { self.enriched_identities(&slice, None).await?.len() as u64 };
            open.push((slice.kind.as_str().to_owned(), slice.month, events.saturating_sub(enriched)));
        }
        Ok(open)
    }

    async fn wanted_slices(
        &self,
        request: &MigrateRequest,
    ) -> Result<(Vec<(Slice, u64)>, Vec<String>), RepositoryError> {
        let (ranges, wrong) = months(&request.months);
        let kinds = request.kinds();
        let mut slices: Vec<(Slice, u64)> = self
            .stored_events()
            .await?
            .into_iter()
            .filter(|(slice, _)| kinds.contains(&slice.kind))
            .filter(|(slice, _)| {
                ranges.as_ref().is_none_or(|r| r.iter().any(|(first, last)| (first..=last).contains(&&slice.month)))
            })
            .collect();
        slices.sort();
        Ok((slices, wrong.into_iter().map(|text| format!("{text}: skipped")).collect()))
    }

    async fn migrate_under_lease(
        &self,
        request: &MigrateRequest,
        watch: &mut Watch<'_>,
    ) -> Result<Migrated, RepositoryError> {
        let mut migrated = Migrated::default();
        if self.lake.table(&MEMBERSHIPS).view().await?.rows() == 0 {
            migrated.error = Some("Community events index does not exist - cannot proceed with reindexing".to_owned());
            return Ok(migrated);
        }
        let (slices, warnings) = self.wanted_slices(request).await?;
        migrated.warnings = warnings;
        self.lake.table(&ENRICHED).ensure().await?;
        let all = slices.iter().map(|(_, events)| events).sum();
        let mut work = self.work(request, false, all, watch).await?;
        for kind in request.kinds() {
            migrated.event_types.insert(kind.as_str().to_owned(), TypeResult::default());
        }
        let mut todo = Vec::new();
        let mut results = Vec::new();
        for (slice, events) in slices {
            match self.completed_before(&slice, events, request).await? {
                Some(result) => {
                    work.done += events;
                    results.push((slice, result));
                }
                None => todo.push((slice, events)),
            }
        }
        results.extend(self.migrate_slices(&todo, &mut work).await?);
        for (slice, result) in results {
            let of_kind = migrated.event_types.entry(slice.kind.as_str().to_owned()).or_default();
            of_kind.processed += result.processed;
            of_kind.errors += (result.operational_errors.len() + result.validation_errors.len()) as u64;
            of_kind.months.insert(slice.month.clone(), result);
        }
        migrated.total_processed = migrated.event_types.values().map(|t| t.processed).sum();
        migrated.total_errors = migrated.event_types.values().map(|t| t.errors).sum();
        migrated.completed =
            !work.stopped && migrated.event_types.values().all(|t| t.months.values().all(|month| month.completed));
        migrated.health_issues = work.health_issues;
        Ok(migrated)
    }

    pub(super) async fn work<'a, 'w>(
        &self,
        request: &'a MigrateRequest,
        again: bool,
        all: u64,
        watch: &'a mut Watch<'w>,
    ) -> Result<Work<'a, 'w>, RepositoryError> {
        Ok(Work {
            request,
            enricher: Enricher::load(&self.lake, &self.settings).await?,
            config: config_name(&self.settings),
            again,
            done: 0,
            all,
            health_issues: Vec::new(),
            stopped: false,
            verified: HashMap::new(),
            verified_files: HashSet::new(),
            staged: Vec::new(),
            watch,
        })
    }

    /// Migrates kinds and months in their order, as many as together make a commit at a time, until something stops it.
    pub(super) async fn migrate_slices(
        &self,
        slices: &[(Slice, u64)],
        work: &mut Work<'_, '_>,
    ) -> Result<Vec<(Slice, MonthResult)>, RepositoryError> {
        let most = (COMMIT_BATCHES * work.request.batch_size(&self.settings)) as u64;
        let mut results = Vec::new();
        let mut rest = slices;
        while !rest.is_empty() && !work.stopped {
            let mut events = 0;
            let fits = |(_, more): &&(Slice, u64)| {
                events += more;
                events <= most
            };
            let (together, after) = rest.split_at(rest.iter().take_while(fits).count().max(1));
            rest = after;
            results.extend(self.migrate_together(together, work).await?);
        }
        Ok(results)
    }

    /// Enriches some months, commits them at once, then reads each back.
    async fn migrate_together(
        &self,
        slices: &[(Slice, u64)],
        work: &mut Work<'_, '_>,
    ) -> Result<Vec<(Slice, MonthResult)>, RepositoryError> {
        let mut results = Vec::new();
        for (slice, _) in slices {
            if work.stopped {
                break;
            }
            let begun = Instant::now();
            let mut result = MonthResult::of(slice, self.control.clock().now());
            if work.request.fresh_start {
                self.forget_enrichment(slice).await?;
            }
            if let Err(error) = self.enrich_slice(slice, work, &mut result).await {
                result.operational_errors.push(self.operational("error", &error.to_string()));
                result.interrupted = true;
            }
            result.total_time = begun.elapsed().as_secs_f64();
            results.push((slice.clone(), result));
        }
        self.commit_staged(work, results.iter_mut().map(|(slice, result)| (&*slice, result)).collect()).await;
        for (slice, result) in &mut results {
            let begun = Instant::now();
            if !result.interrupted {
                result.validation_errors = self.validate_slice(slice, work).await?;
                if result.validation_errors.is_empty() {
                    result.completed = true;
                    self.complete(slice, work, result).await?;
                } else {
                    // Nothing of it can be relied on: the next run starts the month over. The events themselves are as they were.
                    self.forget_enrichment(slice).await?;
                }
            }
            result.total_time = ((result.total_time + begun.elapsed().as_secs_f64()) * 1e3).round() / 1e3;
        }
        Ok(results)
    }

    /// The result of a month with nothing to do: its migration is completed and nothing came in since.
    async fn completed_before(
        &self,
        slice: &Slice,
        events: u64,
        request: &MigrateRequest,
    ) -> Result<Option<MonthResult>, RepositoryError> {
        let bookmark = self.bookmark(slice).await?.filter(|bookmark| bookmark.completed && !request.fresh_start);
        let rows: u64 = self.enriched_files(slice).await?.iter().map(|file| file.rows).sum();
        let Some(bookmark) = bookmark.filter(|_| rows == events) else { return Ok(None) };
        let old_files_deleted = if request.delete_old { self.delete_old_files(slice).await?.0 } else { 0 };
        Ok(Some(MonthResult {
            completed: true,
            last_processed_id: bookmark.last_processed_id,
            old_files_deleted,
            ..MonthResult::of(slice, self.control.clock().now())
        }))
    }

    async fn complete(
        &self,
        slice: &Slice,
        work: &mut Work<'_, '_>,
        result: &mut MonthResult,
    ) -> Result<(), RepositoryError> {
        let now = self.control.clock().now().to_string();
        let mut bookmark =
            self.bookmark(slice).await?.unwrap_or_else(|| Bookmark { started: now.clone(), ..Bookmark::default() });
        bookmark.completed = true;
        bookmark.updated = now;
        bookmark.config.clone_from(&work.config);
        bookmark.processed = self.enriched_files(slice).await?.iter().map(|file| file.rows).sum();
        result.last_processed_id = result.last_processed_id.take().or_else(|| bookmark.last_processed_id.clone());
        self.set_bookmark(slice, &bookmark).await?;
        // Precondition B of the specification looks at this.
        self.control.set_watermark(ENRICHMENT, &slice.enrichment_key(), "completed").await?;
        if work.request.delete_old {
            result.old_files_deleted = self.delete_old_files(slice).await?.0;
        }
        Ok(())
    }

    fn operational(&self, kind: &str, message: &str) -> OperationalError {
        OperationalError {
            kind: kind.to_owned(),
            message: message.to_owned(),
            timestamp: self.control.clock().now().to_string(),
        }
    }

    /// Takes a month's enrichment out of the table, with its bookmark.
    pub(super) async fn forget_enrichment(&self, slice: &Slice) -> Result<(), RepositoryError> {
        let remove = self.enriched_files(slice).await?;
        if !remove.is_empty() {
            self.lake.table(&ENRICHED).commit(Change { remove, ..Change::default() }).await?;
        }
        self.control.clear_watermarks(Some(super::BOOKMARKS), Some(&slice.bookmark())).await?;
        Ok(())
    }

    /// Identities with a row: of one configuration, or of any.
    pub(super) async fn enriched_identities(
        &self,
        slice: &Slice,
        config: Option<&str>,
    ) -> Result<HashSet<(i64, i64)>, RepositoryError> {
        let mut files = self.enriched_files(slice).await?;
        files.retain(|file| config.is_none_or(|config| file.partition[2] == config));
        let scan = Scan { columns: vec!["identity_high", "identity_low"], filters: Vec::new() };
        let mut found = HashSet::with_capacity(usize::try_from(files.iter().map(|f| f.rows).sum::<u64>()).unwrap_or(0));
        for batch in self.lake.table(&ENRICHED).scan_files(&files, &scan).await? {
            let (high, low) =
                (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
            found.extend(high.values().iter().copied().zip(low.values().iter().copied()));
        }
        Ok(found)
    }
}
