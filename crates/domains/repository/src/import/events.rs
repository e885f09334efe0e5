//! Events: memberships and usage.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use jiff::{Timestamp, civil::Date};
use tallykeep_collect::LineError;
use tallykeep_lake::{
    Change, Scan,
    arrow::{
        array::{
            ArrayRef, AsArray, BooleanArray, DictionaryArray, Int64Array, RecordBatch, StringArray,
            TimestampMicrosecondArray,
        },
        datatypes::{Int32Type, Int64Type},
    },
};

use super::{
    Counts, ImportProgress, ImportReport, Watch,
    marks::{Marks, USAGE_FAMILY},
    versions::is_broken_file,
};
use crate::{
    RepositoryError, TeamRepository,
    dates::utc_day,
    documents::{MembershipEvent, MembershipKind, UsageEvent},
    membership::intervals,
    state::{current, membership_events},
    tables::{COMMUNITIES, MEMBERSHIPS, USAGE},
};

/// Usage events held before they are written.
const BATCH_EVENTS: usize = 200_000;

impl TeamRepository {
    /// Imports membership events. All of them are kept; one without an effect counts as unchanged.
    pub(super) async fn import_memberships(
        &self,
        files: &[PathBuf],
        dry_run: bool,
        report: &mut ImportReport,
        marks: &mut Marks,
        watch: &mut Watch<'_>,
    ) -> Result<(), RepositoryError> {
        if files.is_empty() {
            return Ok(());
        }
        let communities: HashSet<String> = current(&self.lake, &COMMUNITIES).await?.into_keys().collect();
        let mut known: HashMap<(String, String), Vec<(Timestamp, MembershipKind)>> = HashMap::new();
        for (record, community, kind, at) in membership_events(&self.lake).await? {
            known.entry((record, community)).or_default().push((at, kind));
        }
        let (mut counts, mut unknown, mut fresh) = (Counts::default(), BTreeSet::new(), Vec::new());
        for file in files {
            let Some(values) = Self::open(file, report) else { continue };
            let mut lines = 0_u64;
            for value in values {
                lines += 1;
                counts.read += 1;
                let event = match value {
                    Ok((line, document)) => MembershipEvent::from_json(&document).map_err(|rejection| LineError {
                        file: file.display().to_string(),
                        line,
                        reason: rejection.to_string(),
                    }),
                    Err(error) => {
                        if is_broken_file(&error) {
                            report.unreadable.push(error.to_string());
                        }
                        Err(error)
                    }
                };
                let event = match event {
                    Ok(event) => event,
                    Err(error) => {
                        counts.rejected += 1;
                        report.reject(error);
                        continue;
                    }
                };
                let list = known.entry((event.record_id.clone(), event.community_id.clone())).or_default();
                if list.contains(&(event.at, event.kind)) {
                    counts.unchanged += 1;
                    continue;
                }
                let before = intervals(list);
                list.push((event.at, event.kind));
                if intervals(list) == before {
                    counts.unchanged += 1;
                } else {
                    counts.new += 1;
                }
                if event.community_id != "global" && !communities.contains(&event.community_id) {
                    unknown.insert(event.community_id.clone());
                }
                fresh.push(event);
                if lines.is_multiple_of(4_096) && !watch(ImportProgress { file, lines }) {
                    return Err(RepositoryError::Stopped);
                }
            }
            watch(ImportProgress { file, lines });
        }
        report.community_events = counts;
        report.unknown_communities = unknown.into_iter().collect();
        if !dry_run {
            self.store_memberships(&fresh, "import", marks).await?;
        }
        Ok(())
    }

    /// Appends membership events and notes what they touch.
    pub(crate) async fn store_memberships(
        &self,
        events: &[MembershipEvent],
        source: &str,
        marks: &mut Marks,
    ) -> Result<(), RepositoryError> {
        if events.is_empty() {
            return Ok(());
        }
        let now = self.control.clock().now().as_microsecond();
        let words = |text: fn(&MembershipEvent) -> &str| -> ArrayRef {
            Arc::new(events.iter().map(|e| Some(text(e))).collect::<DictionaryArray<Int32Type>>())
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(events.iter().map(|e| e.record_id.as_str()))),
            words(|e| &e.community_id),
            words(|e| e.kind.as_str()),
            instants(events.iter().map(|e| Some(e.at))),
            Arc::new(TimestampMicrosecondArray::from(vec![now; events.len()]).with_timezone("UTC")),
            Arc::new(events.iter().map(|_| Some(source)).collect::<DictionaryArray<Int32Type>>()),
        ];
        let table = self.lake.table(&MEMBERSHIPS);
        table.ensure().await?;
        let batch =
            RecordBatch::try_new(MEMBERSHIPS.schema(), columns).map_err(|e| RepositoryError::Worker(e.to_string()))?;
        let staged = table.stage(&[], &[batch])?;
        table.commit(Change { add: vec![staged], ..Change::default() }).await?;
        for event in events {
            marks.records.insert(event.record_id.clone());
            marks.days.insert(utc_day(event.at));
        }
        Ok(())
    }

    /// Imports usage events, each identity once.
    pub(super) async fn import_usage(
        &self,
        files: &[PathBuf],
        dry_run: bool,
        report: &mut ImportReport,
        watch: &mut Watch<'_>,
    ) -> Result<(), RepositoryError> {
        if files.is_empty() {
            return Ok(());
        }
        let mut counts = Counts::default();
        let mut identities = Identities::new(self);
        let mut pending: Vec<UsageEvent> = Vec::new();
        let mut days: BTreeSet<Date> = BTreeSet::new();
        for file in files {
            let Some(values) = Self::open(file, report) else { continue };
            let mut lines = 0_u64;
            for value in values {
                lines += 1;
                counts.read += 1;
                let event = match value {
                    Ok((line, document)) => UsageEvent::from_json(&document).map_err(|rejection| LineError {
                        file: file.display().to_string(),
                        line,
                        reason: rejection.to_string(),
                    }),
                    Err(error) => {
                        if is_broken_file(&error) {
                            report.unreadable.push(error.to_string());
                        }
                        Err(error)
                    }
                };
                match event {
                    Err(error) => {
                        counts.rejected += 1;
                        report.reject(error);
                    }
                    Ok(event) => {
                        if identities.add(month(event.at), event.identity()).await? {
                            counts.new += 1;
                            days.insert(utc_day(event.at));
                            if !dry_run {
                                pending.push(event);
                            }
                        } else {
                            counts.unchanged += 1;
                        }
                    }
                }
                if pending.len() >= BATCH_EVENTS {
                    self.store_usage(std::mem::take(&mut pending), &mut days).await?;
                }
                if lines.is_multiple_of(4_096) && !watch(ImportProgress { file, lines }) {
                    self.store_usage(std::mem::take(&mut pending), &mut days).await?;
                    return Err(RepositoryError::Stopped);
                }
            }
            watch(ImportProgress { file, lines });
        }
        report.dirty_days += days.len();
        if !dry_run {
            self.store_usage(pending, &mut days).await?;
        }
        report.usage_events = counts;
        Ok(())
    }

    /// Appends events, sorted by time within their months, and marks their days. The marks come first: a crash in between
    /// leaves days to redo, never days forgotten.
    pub(crate) async fn store_usage(
        &self,
        events: Vec<UsageEvent>,
        days: &mut BTreeSet<Date>,
    ) -> Result<(), RepositoryError> {
        if events.is_empty() {
            return Ok(());
        }
        let touched: Vec<Date> = std::mem::take(days).into_iter().collect();
        self.control.mark_dirty(USAGE_FAMILY, &touched, "usage events came in").await?;
        let mut by_month: BTreeMap<String, Vec<UsageEvent>> = BTreeMap::new();
        for event in events {
            by_month.entry(month(event.at)).or_default().push(event);
        }
        let table = self.lake.table(&USAGE);
        table.ensure().await?;
        let enriched = self.lake.table(&MEMBERSHIPS).view().await?.rows() > 0;
        let mut add = Vec::new();
        let mut months: BTreeSet<(String, bool)> = BTreeSet::new();
        for (month, mut events) in by_month {
            events.sort_by_key(|e| e.at);
            for event in &events {
                months.insert((format!("{}-{month}", event.kind.as_str()), enriched || event.own.is_some()));
            }
            let batch = usage_batch(&events)?;
            add.push(table.stage(&[month], &[batch])?);
        }
        table.commit(Change { add, ..Change::default() }).await?;
        // A month is enriched when all of its events are: `false` sorts first and is set last.
        for (month, enriched) in months.into_iter().rev() {
            let before = self.control.watermark(crate::records::ENRICHMENT, &month).await?;
            let state = if enriched && before.as_deref() != Some("raw") { "completed" } else { "raw" };
            self.control.set_watermark(crate::records::ENRICHMENT, &month, state).await?;
        }
        Ok(())
    }
}

/// `YYYY-MM` of an instant.
pub(crate) fn month(at: Timestamp) -> String {
    utc_day(at).to_string()[..7].to_owned()
}

fn instants(at: impl Iterator<Item = Option<Timestamp>>) -> ArrayRef {
    let numbers: Vec<Option<i64>> = at.map(|at| at.map(Timestamp::as_microsecond)).collect();
    Arc::new(TimestampMicrosecondArray::from(numbers).with_timezone("UTC"))
}

fn usage_batch(events: &[UsageEvent]) -> Result<RecordBatch, RepositoryError> {
    let words = |text: fn(&UsageEvent) -> Option<&str>| -> ArrayRef {
        Arc::new(events.iter().map(text).collect::<DictionaryArray<Int32Type>>())
    };
    let texts = |text: fn(&UsageEvent) -> Option<&str>| -> ArrayRef {
        Arc::new(events.iter().map(text).collect::<StringArray>())
    };
    let flags = |flag: fn(&UsageEvent) -> bool| -> ArrayRef {
        Arc::new(BooleanArray::from_iter(events.iter().map(|e| Some(flag(e)))))
    };
    let (high, low): (Vec<i64>, Vec<i64>) = events.iter().map(|e| halves(e.identity())).unzip();
    let columns: Vec<ArrayRef> = vec![
        instants(events.iter().map(|e| Some(e.at))),
        words(|e| Some(e.kind.as_str())),
        Arc::new(Int64Array::from(high)),
        Arc::new(Int64Array::from(low)),
        texts(|e| e.event_id.as_deref()),
        words(|e| Some(&e.recid)),
        words(|e| e.parent_recid.as_deref()),
        texts(|e| e.unique_id.as_deref()),
        texts(|e| e.visitor_id.as_deref()),
        texts(|e| e.session_id.as_deref()),
        words(|e| e.country.as_deref()),
        texts(|e| e.referrer.as_deref()),
        flags(|e| e.via_api),
        flags(|e| e.is_robot),
        flags(|e| e.is_machine),
        words(|e| e.bucket_id.as_deref()),
        words(|e| e.file_id.as_deref()),
        words(|e| e.file_key.as_deref()),
        Arc::new(events.iter().map(|e| e.size).collect::<Int64Array>()),
        instants(events.iter().map(|e| e.updated)),
        texts(|e| e.own.as_deref()),
    ];
    RecordBatch::try_new(USAGE.schema(), columns).map_err(|e| RepositoryError::Worker(e.to_string()))
}

#[expect(clippy::cast_possible_truncation, reason = "the two halves of 128 bits")]
fn halves(identity: u128) -> (i64, i64) {
    (((identity >> 64) as u64).cast_signed(), (identity as u64).cast_signed())
}

/// Identities of stored events, read month by month as the import meets them: 16 bytes an event.
struct Identities<'a> {
    repository: &'a TeamRepository,
    months: HashMap<String, HashSet<(i64, i64)>>,
}

impl<'a> Identities<'a> {
    fn new(repository: &'a TeamRepository) -> Self {
        Self { repository, months: HashMap::new() }
    }

    /// Adds an identity; answers whether it was new.
    async fn add(&mut self, month: String, identity: u128) -> Result<bool, RepositoryError> {
        if !self.months.contains_key(&month) {
            let stored = self.stored(&month).await?;
            self.months.insert(month.clone(), stored);
        }
        Ok(self.months.entry(month).or_default().insert(halves(identity)))
    }

    async fn stored(&self, month: &str) -> Result<HashSet<(i64, i64)>, RepositoryError> {
        let table = self.repository.lake.table(&USAGE);
        let view = table.view().await?;
        let files: Vec<_> = view.files.iter().filter(|f| f.partition[0] == month).cloned().collect();
        let scan = Scan { columns: vec!["identity_high", "identity_low"], filters: Vec::new() };
        let mut set = HashSet::new();
        for batch in table.scan_files(&files, &scan).await? {
            let (high, low) =
                (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
            set.extend(high.values().iter().copied().zip(low.values().iter().copied()));
        }
        Ok(set)
    }
}
