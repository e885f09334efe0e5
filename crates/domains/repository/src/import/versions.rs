//! Documents with versions: records and communities.

use std::{
    collections::{BTreeSet, HashMap},
    path::PathBuf,
    sync::Arc,
};

use serde_json::Value;
use tallykeep_collect::LineError;
use tallykeep_lake::{
    Change, Scan, TableDef,
    arrow::{
        array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray},
        datatypes::{Int64Type, TimestampMicrosecondType},
    },
};
use xxhash_rust::xxh3::xxh3_64;

use super::{Counts, ImportProgress, ImportReport, Watch};
use crate::{RepositoryError, TeamRepository, documents::Rejection};

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

impl TeamRepository {
    /// Imports documents of one kind: of two versions the higher `updated` wins, else the later import.
    ///
    /// Answers the counts and the ids whose current version changed.
    pub(super) async fn import_versions(
        &self,
        def: &'static TableDef,
        files: &[PathBuf],
        dry_run: bool,
        report: &mut ImportReport,
        watch: &mut Watch<'_>,
        read: impl Fn(&Value) -> Result<(String, Option<i64>), Rejection>,
    ) -> Result<(Counts, BTreeSet<String>), RepositoryError> {
        let (mut counts, mut changed) = (Counts::default(), BTreeSet::new());
        if files.is_empty() {
            return Ok((counts, changed));
        }
        let mut known = self.versions(def).await?;
        let mut next = known.values().map(|v| v.seq).max().unwrap_or(0) + 1;
        let mut pending = Pending::default();
        for file in files {
            let Some(values) = Self::open(file, report) else { continue };
            let mut lines = 0_u64;
            for value in values {
                lines += 1;
                let (line, document) = match value {
                    Ok(found) => found,
                    Err(error) => {
                        counts.read += 1;
                        counts.rejected += 1;
                        if is_broken_file(&error) {
                            report.unreadable.push(error.to_string());
                        }
                        report.reject(error);
                        continue;
                    }
                };
                counts.read += 1;
                let (id, updated) = match read(&document) {
                    Ok(found) => found,
                    Err(rejection) => {
                        counts.rejected += 1;
                        report.reject(LineError {
                            file: file.display().to_string(),
                            line,
                            reason: rejection.to_string(),
                        });
                        continue;
                    }
                };
                let doc = document.to_string();
                let hash = xxh3_64(doc.as_bytes()).cast_signed();
                let before = known.get(&id);
                if before.is_some_and(|v| v.hash == hash || is_newer(v.updated, updated)) {
                    counts.unchanged += 1;
                } else {
                    counts.new += 1;
                    counts.changed += u64::from(before.is_some());
                    known.insert(id.clone(), Version { updated, hash, seq: next });
                    changed.insert(id.clone());
                    pending.push(id, next, updated, hash, doc);
                    next += 1;
                }
                if pending.bytes > BATCH_BYTES && !dry_run {
                    self.store(def, std::mem::take(&mut pending)).await?;
                }
                if lines.is_multiple_of(4_096) && !watch(ImportProgress { file, lines }) {
                    return Err(RepositoryError::Stopped);
                }
            }
            watch(ImportProgress { file, lines });
        }
        if !dry_run {
            self.store(def, pending).await?;
        }
        Ok((counts, changed))
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

    async fn store(&self, def: &'static TableDef, pending: Pending) -> Result<(), RepositoryError> {
        if pending.ids.is_empty() {
            return Ok(());
        }
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

/// Errors of reading (a broken archive) end a file; errors of a line do not.
pub(super) fn is_broken_file(error: &LineError) -> bool {
    !error.reason.starts_with("not JSON")
}
