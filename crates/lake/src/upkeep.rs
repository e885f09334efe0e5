//! Upkeep: few large files instead of many small ones, and old files gone.

use std::{collections::BTreeMap, time::Duration};

use arrow::{
    array::RecordBatch,
    compute::{SortColumn, concat_batches, lexsort_to_indices, take_record_batch},
};

use crate::{Change, Commit, DataFile, LakeError, Scan, Table, TableDef, TeamLake};

/// Files that are large already are left alone by compaction: rewriting them gains nothing and takes memory.
const LARGE: u64 = 64 * 1024 * 1024;
/// Commits since the last checkpoint that are worth a new one.
const WORTH_A_CHECKPOINT: u64 = 20;
/// Files of a partition that are worth one file.
const MOST_FILES: usize = 8;
/// How long files stay that no version needs: readers may still hold the version that did.
const KEEP: Duration = Duration::from_secs(7 * 24 * 3600);

/// What an upkeep did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Upkept {
    pub tables: usize,
    pub checkpoints: usize,
    pub files_before: usize,
    pub files_after: usize,
    pub files_removed: usize,
}

/// Where a table is known by its folder alone.
static BY_FOLDER: TableDef = TableDef { name: "table", columns: &[], partition: &[], statistics: &[] };

impl TeamLake {
    /// Looks after every table of the team: those of `compacted` get few files in place of many, sorted by their columns; all get a checkpoint
    /// and lose files that nobody needs. `watch` is told (done, all, table) before each table; answering `false` ends it.
    pub async fn upkeep(
        &self,
        compacted: &[(&'static TableDef, &[&'static str])],
        watch: &mut (dyn FnMut(usize, usize, &str) -> bool + Send),
    ) -> Result<Upkept, LakeError> {
        let mut done = Upkept::default();
        let folder = self.table(&BY_FOLDER).path.parent().map(std::path::Path::to_path_buf).unwrap_or_default();
        let mut names: Vec<String> = match std::fs::read_dir(&folder) {
            Ok(entries) => entries.filter_map(|e| e.ok()?.file_name().into_string().ok()).collect(),
            // A team without tables has no folder.
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(LakeError::io(&folder)(error)),
        };
        names.retain(|name| folder.join(name).join("_delta_log").is_dir());
        names.sort();
        for (at, name) in names.iter().enumerate() {
            if !watch(at, names.len(), name) {
                break;
            }
            if let Some((def, order)) = compacted.iter().find(|(def, _)| def.name == name.as_str()) {
                let files = self.table(def).compact(MOST_FILES, order).await?;
                done.files_before += files.files_before;
                done.files_after += files.files_after;
            }
            let table = Table { lake: self.lake.clone(), def: &BY_FOLDER, path: folder.join(name) };
            done.checkpoints += usize::from(table.checkpoint().await?);
            done.files_removed += table.vacuum(KEEP).await?;
            done.tables += 1;
        }
        Ok(done)
    }
}

/// What a compaction did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Compacted {
    pub files_before: usize,
    pub files_after: usize,
}

impl Table {
    /// Rewrites the small files of every partition that has more than `most_files` of them as one file, sorted by `order`.
    ///
    /// Another writer's change of the same files makes it give up that partition: the next run takes it.
    pub async fn compact(&self, most_files: usize, order: &[&'static str]) -> Result<Compacted, LakeError> {
        let view = self.view().await?;
        let mut partitions: BTreeMap<Vec<String>, Vec<DataFile>> = BTreeMap::new();
        for file in view.files.iter().filter(|file| file.size < LARGE) {
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

    /// Writes a checkpoint, so that opening the table reads one file and not every commit. Answers whether there was reason to.
    pub async fn checkpoint(&self) -> Result<bool, LakeError> {
        let _turn = self.take_turn().await?;
        let log = self.path.join("_delta_log");
        if !log.exists() {
            return Ok(false);
        }
        let table = self.open().await?;
        let version = table.version().unwrap_or(0);
        let last = std::fs::read(log.join("_last_checkpoint")).ok();
        let last = last.and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
        let last = last.and_then(|hint| hint.get("version")?.as_u64());
        if version.saturating_sub(last.unwrap_or(0)) < WORTH_A_CHECKPOINT {
            return Ok(false);
        }
        deltalake::checkpoints::create_checkpoint(&table, None).await.map_err(|e| self.delta(e))?;
        self.sync_log(version)?;
        Ok(true)
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
