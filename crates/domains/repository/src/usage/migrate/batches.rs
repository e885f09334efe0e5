//! One month batch by batch: enrich, write, commit, and the bookmark behind the commit.

use std::{collections::HashSet, time::Duration};

use futures::StreamExt;
use tallykeep_lake::{
    Change, DataFile, Scan,
    arrow::array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray},
};

use super::{COMMIT_BATCHES, MonthResult, Progress, Work};
use crate::{
    RepositoryError, TeamRepository,
    documents::UsageKind,
    tables::{ENRICHED, USAGE},
    usage::{
        Slice,
        enricher::{COLUMNS, EnrichedEvent},
        of_kind,
    },
};

/// How long the control database may take to answer before a migration stops.
const ANSWER: Duration = Duration::from_secs(5);
/// Passes over a month that keeps getting events while it is migrated.
const PASSES: usize = 10;

impl TeamRepository {
    /// Enriches the events of a month that have no row, until none is left: events that come in meanwhile are taken too.
    pub(super) async fn enrich_slice(
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
    pub(super) async fn commit_staged(&self, work: &mut Work<'_, '_>, mut results: Vec<(&Slice, &mut MonthResult)>) {
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
