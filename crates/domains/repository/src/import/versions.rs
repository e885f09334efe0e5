//! Documents with versions: records and communities.

use std::{collections::HashMap, path::PathBuf, sync::Arc};

use serde_json::Value;
use tallykeep_lake::{
    Change, Scan, TableDef,
    arrow::{
        array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
        datatypes::{Int64Type, TimestampMicrosecondType},
    },
};
use xxhash_rust::xxh3::xxh3_64;

use super::{
    Counts,
    marks::Unmarked,
    reading::{Reading, Taken, Taking},
};
use crate::{
    RepositoryError, TeamRepository,
    documents::{Community, Record, Rejection},
    tables::{COMMUNITIES, RECORDS},
};
/// Documents written per commit: bounded memory, and few commits.
const BATCH_BYTES: usize = 48 << 20;

/// What is known of a document's current version.
struct Version {
    updated: Option<i64>,
    hash: i64,
    seq: i64,
}

#[derive(Default)]
struct Pending {
    ids: Vec<String>,
    seqs: Vec<i64>,
    updated: Vec<Option<i64>>,
    hashes: Vec<i64>,
    docs: Vec<String>,
    bytes: usize,
}

/// Takes versions: of two the higher `updated` wins, else the later import.
struct Versions<'a> {
    repository: &'a TeamRepository,
    def: &'static TableDef,
    read: fn(&Value) -> Result<(String, Option<i64>), Rejection>,
    /// Whether days hang on these documents.
    marked: bool,
    dry_run: bool,
    known: HashMap<String, Version>,
    next: i64,
    pending: Pending,
}

impl Taking for Versions<'_> {
    /// Id, `updated`, the text as it is stored.
    type Document = (String, Option<i64>, String);

    fn read(&self, document: &Value) -> Result<Self::Document, Rejection> {
        let (id, updated) = (self.read)(document)?;
        Ok((id, updated, document.to_string()))
    }

    async fn take(&mut self, (id, updated, doc): Self::Document) -> Result<Taken, RepositoryError> {
        let hash = xxh3_64(doc.as_bytes()).cast_signed();
        let before = self.known.get(&id);
        if before.is_some_and(|v| v.hash == hash || is_newer(v.updated, updated)) {
            return Ok(Taken::Unchanged);
        }
        let taken = if before.is_some() { Taken::Changed } else { Taken::New };
        self.known.insert(id.clone(), Version { updated, hash, seq: self.next });
        if !self.dry_run {
            self.pending.push(id, self.next, updated, hash, doc);
        }
        self.next += 1;
        Ok(taken)
    }

    fn is_full(&self) -> bool {
        self.pending.bytes > BATCH_BYTES
    }

    async fn store(&mut self) -> Result<(), RepositoryError> {
        let pending = std::mem::take(&mut self.pending);
        let Some(first) = pending.seqs.first() else { return Ok(()) };
        if self.marked {
            self.repository.note_unmarked(&Unmarked::RecordsFrom(*first)).await?;
        }
        self.repository.append_versions(self.def, pending).await
    }
}

impl TeamRepository {
    pub(super) async fn import_records(
        &self,
        files: &[PathBuf],
        reading: &mut Reading<'_, '_>,
    ) -> Result<Counts, RepositoryError> {
        let read = |document: &Value| {
            Record::from_json(document).map(|r| (r.id, r.updated.map(jiff::Timestamp::as_microsecond)))
        };
        self.import_versions(&RECORDS, read, true, files, reading).await
    }

    pub(super) async fn import_communities(
        &self,
        files: &[PathBuf],
        reading: &mut Reading<'_, '_>,
    ) -> Result<Counts, RepositoryError> {
        let read = |document: &Value| Community::from_json(document).map(|c| (c.id, None));
        self.import_versions(&COMMUNITIES, read, false, files, reading).await
    }

    async fn import_versions(
        &self,
        def: &'static TableDef,
        read: fn(&Value) -> Result<(String, Option<i64>), Rejection>,
        marked: bool,
        files: &[PathBuf],
        reading: &mut Reading<'_, '_>,
    ) -> Result<Counts, RepositoryError> {
        let known = self.versions(def).await?;
        let next = known.values().map(|v| v.seq).max().unwrap_or(0) + 1;
        let mut taking = Versions {
            repository: self,
            def,
            read,
            marked,
            dry_run: reading.dry_run,
            known,
            next,
            pending: Pending::default(),
        };
        self.read_documents(files, reading, &mut taking).await
    }

    async fn versions(&self, def: &'static TableDef) -> Result<HashMap<String, Version>, RepositoryError> {
        let scan = Scan { columns: vec!["id", "seq", "updated", "hash"], filters: Vec::new() };
        let mut known: HashMap<String, Version> = HashMap::new();
        for batch in self.lake.table(def).scan(&scan).await? {
            let ids = batch.column(0).as_string::<i32>();
            let seqs = batch.column(1).as_primitive::<Int64Type>();
            let updated = batch.column(2).as_primitive::<TimestampMicrosecondType>();
            let hashes = batch.column(3).as_primitive::<Int64Type>();
            for row in 0..batch.num_rows() {
                let version = Version {
                    updated: updated.is_valid(row).then(|| updated.value(row)),
                    hash: hashes.value(row),
                    seq: seqs.value(row),
                };
                if known.get(ids.value(row)).is_none_or(|v| v.seq < version.seq) {
                    known.insert(ids.value(row).to_owned(), version);
                }
            }
        }
        Ok(known)
    }

    async fn append_versions(&self, def: &'static TableDef, pending: Pending) -> Result<(), RepositoryError> {
        let table = self.lake.table(def);
        table.ensure().await?;
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from(pending.ids)),
            Arc::new(Int64Array::from(pending.seqs)),
            Arc::new(TimestampMicrosecondArray::from(pending.updated).with_timezone("UTC")),
            Arc::new(Int64Array::from(pending.hashes)),
            Arc::new(StringArray::from(pending.docs)),
        ];
        let batch = RecordBatch::try_new(def.schema(), columns).map_err(|e| RepositoryError::Worker(e.to_string()))?;
        let staged = table.stage(&[], &[batch])?;
        table.commit(Change { add: vec![staged], ..Change::default() }).await?;
        Ok(())
    }
}

impl Pending {
    fn push(&mut self, id: String, seq: i64, updated: Option<i64>, hash: i64, doc: String) {
        self.bytes += doc.len() + id.len() + 40;
        self.ids.push(id);
        self.seqs.push(seq);
        self.updated.push(updated);
        self.hashes.push(hash);
        self.docs.push(doc);
    }
}

/// Whether what is stored is newer than what comes; documents without `updated` go by the order of imports.
fn is_newer(stored: Option<i64>, incoming: Option<i64>) -> bool {
    matches!((stored, incoming), (Some(stored), Some(incoming)) if stored > incoming)
}
