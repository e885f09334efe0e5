//! `usage-events migrate` (spec/invenio §12): the enrichment of every event, written beside it.
//!
//! What is done is what stands in the table: an event is enriched exactly when a row carries its identity. A run that was killed loses at most the group of
//! batches it had not committed, and the next one carries on with the events that have no row.

use std::{
    collections::{BTreeMap, HashMap, HashSet},
    time::{Duration, Instant},
};

use futures::StreamExt;
use serde::Serialize;
use serde_json::{Value, json};
use tallykeep_lake::{
    Change, DataFile, Scan, Staged,
    arrow::{
        array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray},
        datatypes::Int64Type,
    },
};

use super::{
    Bookmark, KINDS, Slice, config_name,
    enricher::{COLUMNS, EnrichedEvent, Enricher},
    memory_percent, months, of_kind,
};
use crate::{
    RepositoryError, Settings, TeamRepository,
    documents::UsageKind,
    records::ENRICHMENT,
    tables::{ENRICHED, MEMBERSHIPS, USAGE},
};

/// Batches in one commit: few large files instead of one per batch.
const COMMIT_BATCHES: usize = 100;
/// How long the control database may take to answer before a migration stops.
const ANSWER: Duration = Duration::from_secs(5);
/// Most events in a batch.
pub const MAX_BATCH: usize = 10_000;
/// Passes over a month that keeps getting events while it is migrated.
const PASSES: usize = 10;

/// What to migrate.
#[derive(Debug, Clone)]
pub struct MigrateRequest {
    /// Empty means both.
    pub kinds: Vec<UsageKind>,
    /// Months and ranges `A:B`; empty means all.
    pub months: Vec<String>,
    /// Batches per kind and month; `None`: as configured.
    pub max_batches: Option<u64>,
    pub batch_size: Option<usize>,
    pub max_memory_percent: Option<f64>,
    /// Forget what was enriched in these months and do it again.
    pub fresh_start: bool,
    /// Delete replaced files of a month once it is complete.
    pub delete_old: bool,
    /// Where the share of memory that is taken comes from.
    pub memory: fn() -> Option<f64>,
}

impl Default for MigrateRequest {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            months: Vec::new(),
            max_batches: None,
            batch_size: None,
            max_memory_percent: None,
            fresh_start: false,
            delete_old: false,
            memory: memory_percent,
        }
    }
}

impl MigrateRequest {
    /// As arguments of a job.
    pub fn to_json(&self) -> Value {
        json!({
            "event_types": self.kinds.iter().map(|k| k.as_str()).collect::<Vec<_>>(),
            "months": self.months, "max_batches": self.max_batches, "batch_size": self.batch_size,
            "max_memory_percent": self.max_memory_percent, "fresh_start": self.fresh_start,
            "delete_old_indices": self.delete_old,
        })
    }

    /// The inverse of [`Self::to_json`]; what is missing has its default.
    pub fn from_json(args: &Value) -> Self {
        let texts = |key: &str| -> Vec<String> {
            let list = args.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let flag = |key: &str| args.get(key).and_then(Value::as_bool).unwrap_or(false);
        let kinds = texts("event_types");
        Self {
            kinds: KINDS.into_iter().filter(|kind| kinds.iter().any(|text| text == kind.as_str())).collect(),
            months: texts("months"),
            max_batches: args.get("max_batches").and_then(Value::as_u64),
            batch_size: args.get("batch_size").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()),
            max_memory_percent: args.get("max_memory_percent").and_then(Value::as_f64),
            fresh_start: flag("fresh_start"),
            delete_old: flag("delete_old_indices"),
            ..Self::default()
        }
    }

    fn batch_size(&self, settings: &Settings) -> usize {
        let configured = usize::try_from(settings.migrate_batch).unwrap_or(MAX_BATCH);
        self.batch_size.unwrap_or(configured).clamp(1, MAX_BATCH)
    }

    pub(super) fn kinds(&self) -> Vec<UsageKind> {
        if self.kinds.is_empty() { KINDS.to_vec() } else { self.kinds.clone() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperationalError {
    #[serde(rename = "type")]
    pub kind: String,
    pub message: String,
    pub timestamp: String,
}

/// What a run did to one kind and month.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MonthResult {
    pub month: String,
    pub event_type: String,
    pub source_index: String,
    pub target_index: String,
    /// Events enriched by this run.
    pub processed: u64,
    pub interrupted: bool,
    pub batches_succeeded: u64,
    pub batches_attempted: u64,
    pub completed: bool,
    pub last_processed_id: Option<String>,
    pub validation_errors: Vec<String>,
    pub operational_errors: Vec<OperationalError>,
    pub start_time: String,
    /// Seconds.
    pub total_time: f64,
    /// Replaced files deleted for good.
    pub old_files_deleted: usize,
}

impl MonthResult {
    fn of(slice: &Slice, now: jiff::Timestamp) -> Self {
        Self {
            month: slice.month.clone(),
            event_type: slice.kind.as_str().to_owned(),
            source_index: slice.source(),
            target_index: slice.target(),
            start_time: now.to_string(),
            ..Self::default()
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TypeResult {
    pub processed: u64,
    pub errors: u64,
    pub months: BTreeMap<String, MonthResult>,
}

/// What a migration did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Migrated {
    pub total_processed: u64,
    pub total_errors: u64,
    pub event_types: BTreeMap<String, TypeResult>,
    pub health_issues: Vec<String>,
    /// Invalid months, which were skipped.
    pub warnings: Vec<String>,
    pub completed: bool,
    pub error: Option<String>,
}

/// How far a migration is.
#[derive(Debug, Clone)]
pub struct Progress {
    pub done: u64,
    pub all: u64,
    pub step: String,
}

/// Watches a migration; answering `false` stops it after the batch at hand.
pub type Watch<'a> = dyn FnMut(Progress) -> bool + Send + 'a;

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

    /// Enriches the events of a month that have no row, until none is left: events that come in meanwhile are taken too.
    async fn enrich_slice(
        &self,
        slice: &Slice,
        work: &mut Work<'_, '_>,
        result: &mut MonthResult,
    ) -> Result<(), RepositoryError> {
        let config = work.again.then(|| work.config.clone());
        let mut group = Group::new(self.enriched_identities(slice, config.as_deref()).await?);
        work.done += group.done.len() as u64;
        let mut seen: HashSet<String> = HashSet::new();
        for _ in 0..PASSES {
            let view = self.lake.table(&USAGE).view().await?;
            let mut files: Vec<DataFile> = view
                .files
                .iter()
                .filter(|f| f.partition[0] == slice.month && !seen.contains(&f.path))
                .cloned()
                .collect();
            files.sort_by(|a, b| a.path.cmp(&b.path));
            if files.is_empty() {
                return Ok(());
            }
            for file in files {
                self.enrich_file(slice, &file, work, &mut group, result).await?;
                if result.interrupted {
                    break;
                }
                seen.insert(file.path);
            }
            self.stage_group(slice, work, &mut group, result).await?;
            if result.interrupted {
                return Ok(());
            }
        }
        Ok(())
    }

    async fn enrich_file(
        &self,
        slice: &Slice,
        file: &DataFile,
        work: &mut Work<'_, '_>,
        group: &mut Group,
        result: &mut MonthResult,
    ) -> Result<(), RepositoryError> {
        let download = slice.kind == UsageKind::Download;
        let scan = Scan { columns: COLUMNS.to_vec(), filters: vec![of_kind(slice.kind)] };
        let mut batches = self.lake.table(&USAGE).stream_files(std::slice::from_ref(file), &scan)?;
        let size = work.request.batch_size(&self.settings);
        let most = work.request.max_batches.unwrap_or(self.settings.migrate_batches.unsigned_abs());
        let mut enriched = Vec::new();
        while let Some(batch) = batches.next().await {
            let batch = batch?;
            enriched.clear();
            let done = &mut group.done;
            work.enricher.batch(&batch, download, &mut |identity| done.insert(identity), &mut enriched)?;
            let ids = batch.column(3).as_string::<i32>();
            let mut rest = enriched.drain(..).peekable();
            while rest.peek().is_some() {
                if group.in_batch == 0 && !self.may_begin(slice, work, result, most) {
                    // What was not begun is not done: the next run finds it without a row.
                    return Ok(());
                }
                let part: Vec<EnrichedEvent> = rest.by_ref().take(size - group.in_batch).collect();
                group.in_batch = (group.in_batch + part.len()) % size;
                if let Some(last) = part.last() {
                    let own = ids.is_valid(last.row).then(|| ids.value(last.row).to_owned());
                    group.last = Some((
                        own.unwrap_or_else(|| format!("{:016x}{:016x}", last.identity.0, last.identity.1)),
                        last.ts,
                    ));
                }
                group.events.extend(part);
                if group.in_batch == 0 && group.events.len() >= COMMIT_BATCHES * size {
                    self.stage_group(slice, work, group, result).await?;
                    self.commit_staged(work, vec![(slice, result)]).await;
                    if work.stopped {
                        return Ok(());
                    }
                }
            }
        }
        Ok(())
    }

    /// Looks after health and limits before a batch is begun.
    fn may_begin(&self, slice: &Slice, work: &mut Work<'_, '_>, result: &mut MonthResult, most: u64) -> bool {
        if result.batches_attempted >= most {
            result.interrupted = true;
            return false;
        }
        let limit = work
            .request
            .max_memory_percent
            .unwrap_or(f64::from(i32::try_from(self.settings.migrate_memory_percent).unwrap_or(100)));
        if let Some(percent) = (work.request.memory)().filter(|percent| *percent > limit) {
            let issue = format!("Memory usage too high: {percent:.0}%");
            result.operational_errors.push(self.operational("health", &issue));
            work.health_issues.push(issue);
            (result.interrupted, work.stopped) = (true, true);
            return false;
        }
        let step = format!("{} {}: {} events", slice.kind.as_str(), slice.month, result.processed);
        if !(work.watch)(Progress { done: work.done, all: work.all, step }) {
            (result.interrupted, work.stopped) = (true, true);
            return false;
        }
        result.batches_attempted += 1;
        true
    }

    /// Writes what was enriched since the last time into a file that the next commit takes.
    async fn stage_group(
        &self,
        slice: &Slice,
        work: &mut Work<'_, '_>,
        group: &mut Group,
        result: &mut MonthResult,
    ) -> Result<(), RepositoryError> {
        if group.events.is_empty() {
            return Ok(());
        }
        let mut events = std::mem::take(&mut group.events);
        events.sort_unstable_by_key(|event| (event.ts, event.identity));
        let count = events.len() as u64;
        let table = self.lake.table(&ENRICHED);
        let partition = [slice.month.clone(), slice.kind.as_str().to_owned(), work.config.clone()];
        let staged = tokio::task::spawn_blocking(move || {
            table.stage(&partition, &[rows(&events)?]).map_err(RepositoryError::from)
        })
        .await
        .map_err(|e| RepositoryError::Worker(e.to_string()))??;
        result.processed += count;
        work.done += count;
        result.batches_succeeded = result.batches_attempted;
        work.staged.push((slice.clone(), staged, group.last.take()));
        Ok(())
    }

    /// Commits what was written, then moves the bookmarks. What cannot be committed is not done: those months are interrupted, and nothing more is begun.
    async fn commit_staged(&self, work: &mut Work<'_, '_>, mut results: Vec<(&Slice, &mut MonthResult)>) {
        let staged = std::mem::take(&mut work.staged);
        if staged.is_empty() {
            return;
        }
        let counts: Vec<(Slice, u64, Option<(String, i64)>)> =
            staged.iter().map(|(slice, file, last)| (slice.clone(), file.rows, last.clone())).collect();
        let committed = async {
            work.enricher.store(&self.lake).await?;
            let add = staged.into_iter().map(|(_, file, _)| file).collect();
            self.lake.table(&ENRICHED).commit(Change { add, ..Change::default() }).await?;
            Ok::<(), RepositoryError>(())
        };
        let committed = committed.await;
        for (slice, count, last) in counts {
            let Some((_, result)) = results.iter_mut().find(|(other, _)| **other == slice) else { continue };
            let problem = match &committed {
                Err(error) => {
                    result.processed = result.processed.saturating_sub(count);
                    work.done = work.done.saturating_sub(count);
                    Some(("error", error.to_string()))
                }
                Ok(()) => {
                    let moved = self.move_bookmark(&slice, &work.config, count, last, result);
                    match tokio::time::timeout(ANSWER, moved).await {
                        Ok(Ok(())) => None,
                        Ok(Err(error)) => Some(("error", error.to_string())),
                        Err(_) => {
                            let issue = format!("The control database did not answer within {} s", ANSWER.as_secs());
                            work.health_issues.push(issue.clone());
                            Some(("health", issue))
                        }
                    }
                }
            };
            if let Some((kind, message)) = problem {
                result.operational_errors.push(self.operational(kind, &message));
                (result.interrupted, work.stopped) = (true, true);
            }
        }
    }

    async fn move_bookmark(
        &self,
        slice: &Slice,
        config: &str,
        count: u64,
        last: Option<(String, i64)>,
        result: &mut MonthResult,
    ) -> Result<(), RepositoryError> {
        let mut bookmark = self.bookmark(slice).await?.unwrap_or_default();
        if bookmark.started.is_empty() {
            bookmark.started.clone_from(&result.start_time);
        }
        bookmark.processed += count;
        bookmark.completed = false;
        config.clone_into(&mut bookmark.config);
        bookmark.updated = self.control.clock().now().to_string();
        if let Some((id, at)) = last {
            bookmark.last_processed_timestamp = jiff::Timestamp::from_microsecond(at).ok().map(|at| at.to_string());
            bookmark.last_processed_id = Some(id.clone());
            result.last_processed_id = Some(id);
        }
        self.set_bookmark(slice, &bookmark).await
    }
}

/// Events enriched and not yet committed.
struct Group {
    /// Identities that have a row or are about to.
    done: HashSet<(i64, i64)>,
    events: Vec<EnrichedEvent>,
    /// Events of the batch at hand; 0 between batches.
    in_batch: usize,
    last: Option<(String, i64)>,
}

impl Group {
    fn new(done: HashSet<(i64, i64)>) -> Self {
        Self { done, events: Vec::new(), in_batch: 0, last: None }
    }
}

fn rows(events: &[EnrichedEvent]) -> Result<RecordBatch, RepositoryError> {
    let ints = |value: fn(&EnrichedEvent) -> i64| -> ArrayRef {
        std::sync::Arc::new(events.iter().map(value).collect::<Int64Array>())
    };
    let columns: Vec<ArrayRef> = vec![
        std::sync::Arc::new(
            TimestampMicrosecondArray::from_iter_values(events.iter().map(|e| e.ts)).with_timezone("UTC"),
        ),
        ints(|e| e.identity.0),
        ints(|e| e.identity.1),
        ints(|e| e.enrichment),
    ];
    RecordBatch::try_new(ENRICHED.schema(), columns).map_err(|e| RepositoryError::Worker(e.to_string()))
}
