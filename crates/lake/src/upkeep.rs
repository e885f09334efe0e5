//! Upkeep: few large files instead of many small ones, and old files gone.

use std::{collections::BTreeMap, time::Duration};

use arrow::{
    array::RecordBatch,
    compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch},
};

use crate::{Change, Commit, DataFile, LakeError, Scan, Table};

/// What a compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    pub files_before: usize,
    pub files_after: usize,
}

impl Table {
    /// Rewrites every partition that has more than `most_files` files as one file, sorted by `order`.
    ///
    /// Another writer's change of the same files makes it give up that partition: the next run takes it.
    pub async fn compact(&self, most_files: usize, order: &[&'static str]) -> Result<Compacted, LakeError> {
        let view = self.view().await?;
        let mut partitions: BTreeMap<Vec<String>, Vec<DataFile>> = BTreeMap::new();
        for file in &view.files {
            partitions.entry(file.partition.clone()).or_default().push(file.clone());
        }
        let mut done = Compacted::default();
        for (partition, files) in partitions.into_iter().filter(|(_, files)| files.len() > most_files) {
            let batches = self.scan_files(&files, &Scan::default()).await?;
            let sorted = self.sorted(&batches, order)?;
            let table = self.clone();
            let staged = tokio::task::spawn_blocking(move || table.stage(&partition, &[sorted]))
                .await
                .map_err(|e| LakeError::Damaged { table: self.def.name.to_owned(), what: e.to_string() })??;
            let before = files.len();
            match self.commit(Change { add: vec![staged], remove: files, position: None }).await {
                Ok(Commit::Done { .. } | Commit::AlreadyThere) => {
                    done.files_before += before;
                    done.files_after += 1;
                }
                Err(LakeError::Conflict { .. }) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(done)
    }

    /// One batch of all rows, sorted by columns.
    pub fn sorted(&self, batches: &[RecordBatch], order: &[&'static str]) -> Result<RecordBatch, LakeError> {
        let all = concat_batches(&self.def.schema(), batches).map_err(self.arrow())?;
        let columns: Vec<SortColumn> = order
            .iter()
            .filter_map(|name| all.column_by_name(name))
            .map(|values| SortColumn { values: values.clone(), options: None })
            .collect();
        if columns.is_empty() {
            return Ok(all);
        }
        let indices = lexsort_to_indices(&columns, None).map_err(self.arrow())?;
        take_record_batch(&all, &indices).map_err(self.arrow())
    }

    /// Removes files that no version within `keep` needs, and writes that a crash left behind. Answers how many.
    pub async fn vacuum(&self, keep: Duration) -> Result<usize, LakeError> {
        let _turn = self.take_turn().await?;
        if !self.path.join("_delta_log").exists() {
            return Ok(0);
        }
        let table = self.open().await?;
        let keep = chrono::Duration::from_std(keep).unwrap_or(chrono::Duration::days(7));
        let (_, metrics) = table
            .vacuum()
            .with_retention_period(keep)
            .with_enforce_retention_duration(false)
            .await
            .map_err(|e| self.delta(e))?;
        Ok(metrics.files_deleted.len())
    }
}
