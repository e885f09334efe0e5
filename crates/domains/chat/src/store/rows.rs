//! Rows ↔ record batches.

use std::{
    hash::{Hash, Hasher},
    str::FromStr,
    sync::Arc,
};

use tallykeep_lake::{
    TableDef,
    arrow::{
        array::{
            Array, ArrayRef, AsArray, BooleanArray, Int64Array, RecordBatch, StringArray, StringDictionaryBuilder,
            TimestampMicrosecondArray,
        },
        datatypes::{Int32Type, Int64Type, TimestampMicrosecondType},
    },
};

use super::{CHANNELS, EXPERIMENTS, MESSAGES, PARTICIPANTS, SESSIONS, StoreError, TAG_LINKS, TAGS, TRACES, USAGE};
use crate::{instant::Micros, rows::*};

/// A kind of row the lake keeps.
pub(crate) trait Stored: Clone + Send + Sync + 'static {
    fn table() -> &'static TableDef;
    fn id(&self) -> i64;
    /// Equal rows have equal fingerprints; compared within one process only.
    fn fingerprint(&self) -> u64;
    /// Its columns after `seq`, `gone`, `id`.
    fn columns(rows: &[Self]) -> Vec<ArrayRef>;
    fn read(batch: &Batch<'_>, row: usize) -> Result<Self, StoreError>;
    /// A number of its partition, where the table has a partition column.
    fn partition(&self) -> i64 {
        0
    }
    /// The partition column's value for such a number; `None` where the table has no such column.
    fn partition_name(_partition: i64) -> Option<String> {
        None
    }
}

/// Lays rows out as a batch of their table.
pub(super) fn encode<T: Stored>(rows: &[T], seq: i64, gone: bool) -> Result<RecordBatch, StoreError> {
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(Int64Array::from(vec![seq; rows.len()])),
        Arc::new(BooleanArray::from(vec![gone; rows.len()])),
        Arc::new(rows.iter().map(|row| Some(row.id())).collect::<Int64Array>()),
    ];
    columns.extend(T::columns(rows));
    let table = T::table();
    RecordBatch::try_new(table.schema(), columns).map_err(|source| StoreError::Layout { table: table.name, source })
}

fn ints<T>(rows: &[T], value: impl Fn(&T) -> Option<i64>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<Int64Array>())
}

fn truths<T>(rows: &[T], value: impl Fn(&T) -> bool) -> ArrayRef {
    Arc::new(rows.iter().map(|row| Some(value(row))).collect::<BooleanArray>())
}

fn texts<'a, T>(rows: &'a [T], value: impl Fn(&'a T) -> &'a str) -> ArrayRef {
    Arc::new(rows.iter().map(|row| Some(value(row))).collect::<StringArray>())
}

fn words<'a, T>(rows: &'a [T], value: impl Fn(&'a T) -> Option<&'a str>) -> ArrayRef {
    let mut builder = StringDictionaryBuilder::<Int32Type>::new();
    rows.iter().for_each(|row| builder.append_option(value(row)));
    Arc::new(builder.finish())
}

fn instants<T>(rows: &[T], value: impl Fn(&T) -> Option<Micros>) -> ArrayRef {
    Arc::new(rows.iter().map(value).collect::<TimestampMicrosecondArray>().with_timezone("UTC"))
}

/// A batch as it was read, with its columns found by name.
pub(crate) struct Batch<'a> {
    table: &'static TableDef,
    batch: &'a RecordBatch,
    order: Vec<usize>,
}

impl<'a> Batch<'a> {
    pub fn new(table: &'static TableDef, batch: &'a RecordBatch) -> Result<Self, StoreError> {
        let order = table
            .columns
            .iter()
            .map(|column| batch.schema().index_of(column.name).map_err(|_| damaged(table, column.name)))
            .collect::<Result<_, _>>()?;
        Ok(Self { table, batch, order })
    }

    fn column(&self, column: usize) -> &'a ArrayRef {
        self.batch.column(self.order[column])
    }

    pub fn int(&self, column: usize, row: usize) -> Result<i64, StoreError> {
        self.some_int(column, row)?.ok_or_else(|| damaged(self.table, self.table.columns[column].name))
    }

    pub fn some_int(&self, column: usize, row: usize) -> Result<Option<i64>, StoreError> {
        let array = self.column(column).as_primitive_opt::<Int64Type>();
        let array = array.ok_or_else(|| damaged(self.table, self.table.columns[column].name))?;
        Ok(array.is_valid(row).then(|| array.value(row)))
    }

    pub fn truth(&self, column: usize, row: usize) -> Result<bool, StoreError> {
        let array = self.column(column).as_boolean_opt();
        Ok(array.ok_or_else(|| damaged(self.table, self.table.columns[column].name))?.value(row))
    }

    fn instant(&self, column: usize, row: usize) -> Result<Option<Micros>, StoreError> {
        let array = self.column(column).as_primitive_opt::<TimestampMicrosecondType>();
        let array = array.ok_or_else(|| damaged(self.table, self.table.columns[column].name))?;
        Ok(array.is_valid(row).then(|| array.value(row)))
    }

    fn some_instant(&self, column: usize, row: usize) -> Result<Micros, StoreError> {
        self.instant(column, row)?.ok_or_else(|| damaged(self.table, self.table.columns[column].name))
    }

    fn text(&self, column: usize, row: usize) -> Result<Option<&'a str>, StoreError> {
        let array = self.column(column);
        if !array.is_valid(row) {
            return Ok(None);
        }
        let bad = || damaged(self.table, self.table.columns[column].name);
        if let Some(texts) = array.as_string_opt::<i32>() {
            return Ok(Some(texts.value(row)));
        }
        if let Some(texts) = array.as_string_view_opt() {
            return Ok(Some(texts.value(row)));
        }
        let words = array.as_dictionary_opt::<Int32Type>().ok_or_else(bad)?;
        let key = usize::try_from(words.keys().value(row)).map_err(|_| bad())?;
        Ok(Some(words.values().as_string_opt::<i32>().ok_or_else(bad)?.value(key)))
    }

    fn word<W: FromStr>(&self, column: usize, row: usize) -> Result<W, StoreError> {
        self.some_word(column, row)?.ok_or_else(|| damaged(self.table, self.table.columns[column].name))
    }

    fn some_word<W: FromStr>(&self, column: usize, row: usize) -> Result<Option<W>, StoreError> {
        let bad = |text: &str| StoreError::Damaged {
            table: self.table.name,
            what: format!("{} `{text}`", self.table.columns[column].name),
        };
        self.text(column, row)?.map(|text| text.parse().map_err(|_| bad(text))).transpose()
    }

    fn owned(&self, column: usize, row: usize) -> Result<String, StoreError> {
        Ok(self.text(column, row)?.unwrap_or_default().to_owned())
    }
}

fn damaged(table: &'static TableDef, column: &str) -> StoreError {
    StoreError::Damaged { table: table.name, what: format!("column `{column}`") }
}

fn fingerprint(value: &impl Hash) -> u64 {
    let mut hasher = xxhash_rust::xxh3::Xxh3::new();
    value.hash(&mut hasher);
    hasher.finish()
}

impl Stored for ExperimentRow {
    fn table() -> &'static TableDef {
        &EXPERIMENTS
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn fingerprint(&self) -> u64 {
        fingerprint(&(&self.name, self.archived, self.working_version))
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![texts(rows, |r| &r.name), truths(rows, |r| r.archived), ints(rows, |r| r.working_version)]
    }

    fn read(batch: &Batch<'_>, row: usize) -> Result<Self, StoreError> {
        Ok(Self {
            id: batch.int(2, row)?,
            name: batch.owned(3, row)?,
            archived: batch.truth(4, row)?,
            working_version: batch.some_int(5, row)?,
        })
    }
}

impl Stored for ChannelRow {
    fn table() -> &'static TableDef {
        &CHANNELS
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn fingerprint(&self) -> u64 {
        fingerprint(&(self.experiment, self.platform, self.deleted))
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![ints(rows, |r| r.experiment), words(rows, |r| Some(r.platform.as_str())), truths(rows, |r| r.deleted)]
    }

    fn read(batch: &Batch<'_>, row: usize) -> Result<Self, StoreError> {
        Ok(Self {
            id: batch.int(2, row)?,
            experiment: batch.some_int(3, row)?,
            platform: batch.word(4, row)?,
            deleted: batch.truth(5, row)?,
        })
    }
}

impl Stored for ParticipantRow {
    fn table() -> &'static TableDef {
        &PARTICIPANTS
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn fingerprint(&self) -> u64 {
        fingerprint(&(&self.name, &self.identifier, self.platform, self.created_at))
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![
            texts(rows, |r| &r.name),
            texts(rows, |r| &r.identifier),
            words(rows, |r| Some(r.platform.as_str())),
            instants(rows, |r| r.created_at),
        ]
    }

    fn read(batch: &Batch<'_>, row: usize) -> Result<Self, StoreError> {
        Ok(Self {
            id: batch.int(2, row)?,
            name: batch.owned(3, row)?,
            identifier: batch.owned(4, row)?,
            platform: batch.word(5, row)?,
            created_at: batch.instant(6, row)?,
        })
    }
}

impl Stored for SessionRow {
    fn table() -> &'static TableDef {
        &SESSIONS
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn fingerprint(&self) -> u64 {
        let words = (self.platform, self.status);
        fingerprint(&(self.experiment, self.participant, words, self.created_at, self.ended_at))
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![
            ints(rows, |r| Some(r.experiment)),
            ints(rows, |r| r.participant),
            words(rows, |r| r.platform.map(crate::words::Platform::as_str)),
            words(rows, |r| Some(r.status.as_str())),
            instants(rows, |r| Some(r.created_at)),
            instants(rows, |r| r.ended_at),
        ]
    }

    fn read(batch: &Batch<'_>, row: usize) -> Result<Self, StoreError> {
        Ok(Self {
            id: batch.int(2, row)?,
            experiment: batch.int(3, row)?,
            participant: batch.some_int(4, row)?,
            platform: batch.some_word(5, row)?,
            status: batch.word(6, row)?,
            created_at: batch.some_instant(7, row)?,
            ended_at: batch.instant(8, row)?,
        })
    }
}

impl Stored for MessageRow {
    fn table() -> &'static TableDef {
        &MESSAGES
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn fingerprint(&self) -> u64 {
        fingerprint(&(self.session, self.kind, self.created_at))
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![ints(rows, |r| r.session), words(rows, |r| Some(r.kind.as_str())), instants(rows, |r| Some(r.created_at))]
    }

    fn read(batch: &Batch<'_>, row: usize) -> Result<Self, StoreError> {
        Ok(Self {
            id: batch.int(2, row)?,
            session: batch.some_int(3, row)?,
            kind: batch.word(4, row)?,
            created_at: batch.some_instant(5, row)?,
        })
    }

    fn partition(&self) -> i64 {
        crate::instant::month_number(self.created_at)
    }

    fn partition_name(partition: i64) -> Option<String> {
        Some(crate::instant::month_name(partition))
    }
}

impl Stored for TagRow {
    fn table() -> &'static TableDef {
        &TAGS
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn fingerprint(&self) -> u64 {
        fingerprint(&(&self.name, &self.category))
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![texts(rows, |r| &r.name), texts(rows, |r| &r.category)]
    }

    fn read(batch: &Batch<'_>, row: usize) -> Result<Self, StoreError> {
        Ok(Self { id: batch.int(2, row)?, name: batch.owned(3, row)?, category: batch.owned(4, row)? })
    }
}

impl Stored for TagLinkRow {
    fn table() -> &'static TableDef {
        &TAG_LINKS
    }

    fn id(&self) -> i64 {
        self.target
    }

    fn fingerprint(&self) -> u64 {
        fingerprint(self)
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![ints(rows, |r| Some(r.tag)), words(rows, |r| Some(r.kind.as_str())), truths(rows, |r| r.own)]
    }

    fn read(batch: &Batch<'_>, row: usize) -> Result<Self, StoreError> {
        Ok(Self {
            target: batch.int(2, row)?,
            tag: batch.int(3, row)?,
            kind: batch.word(4, row)?,
            own: batch.truth(5, row)?,
        })
    }
}

impl Stored for TraceRow {
    fn table() -> &'static TableDef {
        &TRACES
    }

    fn id(&self) -> i64 {
        self.id
    }

    fn fingerprint(&self) -> u64 {
        fingerprint(&(self.session, self.experiment, self.at, self.duration_ms))
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![
            ints(rows, |r| Some(r.session)),
            ints(rows, |r| r.experiment),
            instants(rows, |r| Some(r.at)),
            ints(rows, |r| r.duration_ms),
        ]
    }

    fn read(batch: &Batch<'_>, row: usize) -> Result<Self, StoreError> {
        Ok(Self {
            id: batch.int(2, row)?,
            session: batch.int(3, row)?,
            experiment: batch.some_int(4, row)?,
            at: batch.some_instant(5, row)?,
            duration_ms: batch.some_int(6, row)?,
        })
    }
}

impl Stored for UsageRow {
    fn table() -> &'static TableDef {
        &USAGE
    }

    fn id(&self) -> i64 {
        self.key
    }

    fn fingerprint(&self) -> u64 {
        let words = (self.source, self.service, self.confidence, self.priced);
        let links = (self.experiment, self.session, self.participant, self.trace);
        fingerprint(&(self.key, self.at, words, &self.provider, &self.model, self.quantity, self.cost, links))
    }

    fn columns(rows: &[Self]) -> Vec<ArrayRef> {
        vec![
            instants(rows, |r| Some(r.at)),
            words(rows, |r| Some(r.source.as_str())),
            words(rows, |r| Some(r.service.as_str())),
            words(rows, |r| Some(&r.provider)),
            words(rows, |r| Some(&r.model)),
            ints(rows, |r| r.quantity),
            ints(rows, |r| Some(r.cost)),
            words(rows, |r| Some(r.confidence.as_str())),
            truths(rows, |r| r.priced),
            ints(rows, |r| r.experiment),
            ints(rows, |r| r.session),
            ints(rows, |r| r.participant),
            ints(rows, |r| r.trace),
        ]
    }

    fn read(batch: &Batch<'_>, row: usize) -> Result<Self, StoreError> {
        Ok(Self {
            key: batch.int(2, row)?,
            at: batch.some_instant(3, row)?,
            source: batch.word(4, row)?,
            service: batch.word(5, row)?,
            provider: batch.owned(6, row)?,
            model: batch.owned(7, row)?,
            quantity: batch.some_int(8, row)?,
            cost: batch.int(9, row)?,
            confidence: batch.word(10, row)?,
            priced: batch.truth(11, row)?,
            experiment: batch.some_int(12, row)?,
            session: batch.some_int(13, row)?,
            participant: batch.some_int(14, row)?,
            trace: batch.some_int(15, row)?,
        })
    }
}
