//! Usage events.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use jiff::civil::Date;
use serde_json::Value;
use tallykeep_lake::{
    Change, Scan,
    arrow::{
        array::{ArrayRef, AsArray, BooleanArray, DictionaryArray, Int64Array, RecordBatch, StringArray},
        datatypes::{Int32Type, Int64Type},
    },
};

use super::{
    Counts, instants,
    marks::Unmarked,
    month,
    reading::{Reading, Taken, Taking},
};
use crate::{
    RepositoryError, TeamRepository,
    dates::utc_day,
    documents::{Rejection, UsageEvent},
    tables::{MEMBERSHIPS, USAGE},
};

/// Usage events held before they are written.
const BATCH_EVENTS: usize = 200_000;

/// Takes usage events, each identity once.
struct Usage<'a> {
    repository: &'a TeamRepository,
    dry_run: bool,
    identities: Identities<'a>,
    pending: Vec<UsageEvent>,
    days: BTreeSet<Date>,
}

impl Taking for Usage<'_> {
    type Document = UsageEvent;

    fn read(&self, document: &Value) -> Result<UsageEvent, Rejection> {
        UsageEvent::from_json(document)
    }

    async fn take(&mut self, event: UsageEvent) -> Result<Taken, RepositoryError> {
        if !self.identities.add(month(event.at), event.identity()).await? {
            return Ok(Taken::Unchanged);
        }
        self.days.insert(utc_day(event.at));
        if !self.dry_run {
            self.pending.push(event);
        }
        Ok(Taken::New)
    }

    fn is_full(&self) -> bool {
        self.pending.len() >= BATCH_EVENTS
    }

    async fn store(&mut self) -> Result<(), RepositoryError> {
        self.repository.store_usage(std::mem::take(&mut self.pending)).await
    }
}

impl TeamRepository {
    pub(super) async fn import_usage(
        &self,
        files: &[PathBuf],
        reading: &mut Reading<'_, '_>,
    ) -> Result<Counts, RepositoryError> {
        let mut taking = Usage {
            repository: self,
            dry_run: reading.dry_run,
            identities: Identities::new(self),
            pending: Vec::new(),
            days: BTreeSet::new(),
        };
        let outcome = self.read_documents(files, reading, &mut taking).await;
        reading.report.dirty_days += taking.days.len();
        outcome
    }

    /// Appends events and marks their days. The caller holds the lease of imports.
    pub(crate) async fn store_usage(&self, events: Vec<UsageEvent>) -> Result<(), RepositoryError> {
        if events.is_empty() {
            return Ok(());
        }
        self.append_usage(events).await?;
        self.mark_unmarked_usage().await
    }

    /// Appends events, sorted by time within their months, after noting their days. The days are marked after the commit: an
    /// aggregation that ran in between would have taken a mark without its events.
    pub(super) async fn append_usage(&self, events: Vec<UsageEvent>) -> Result<(), RepositoryError> {
        let days: BTreeSet<Date> = events.iter().map(|event| utc_day(event.at)).collect();
        self.note_unmarked(&Unmarked::Usage(days.into_iter().collect())).await?;
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
