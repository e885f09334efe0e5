//! Reading: the file list of the newest version, pruned, then read directly, or streamed by a standard plan node over Parquet.

use std::{
    path::{Path, PathBuf},
    sync::Arc,
};

use arrow::{array::RecordBatch, datatypes::SchemaRef};
use datafusion::{
    common::ToDFSchema,
    datasource::{
        listing::PartitionedFile,
        physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource},
        source::DataSourceExec,
    },
    execution::object_store::ObjectStoreUrl,
    logical_expr::utils::conjunction,
    physical_plan::{ExecutionPlan, collect, execute_stream},
};
use futures::StreamExt;
use serde_json::{Map, Value};

use crate::{DataFile, Filter, LakeError, Table};

/// One version of a table: its files.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// `None` while the table has never been written.
    pub version: Option<u64>,
    pub files: Vec<DataFile>,
}

impl View {
    pub fn rows(&self) -> u64 {
        self.files.iter().map(|f| f.rows).sum()
    }
}

/// What to read.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Scan {
    /// Columns, in the order wanted; empty means all.
    pub columns: Vec<&'static str>,
    pub filters: Vec<Filter>,
}

/// An answer kept for the next who asks the same.
pub(crate) struct Remembered {
    paths: Vec<PathBuf>,
    scan: Scan,
    batches: Arc<Vec<RecordBatch>>,
}

/// How many answers are kept, and how large one may be.
const REMEMBERED: usize = 2;
const REMEMBERED_BYTES: usize = 12 << 20;

/// The files that may hold matching rows.
fn matching<'a>(files: &'a [DataFile], scan: &Scan) -> Vec<&'a DataFile> {
    files.iter().filter(|file| scan.filters.iter().all(|filter| filter.may_match(file))).collect()
}

pub type BatchStream = futures::stream::BoxStream<'static, Result<RecordBatch, LakeError>>;

impl Table {
    /// The newest version. Costs one look at the log folder while nothing has changed.
    pub async fn view(&self) -> Result<Arc<View>, LakeError> {
        let cached = self.cached();
        if let Some(view) = &cached {
            let next = view.version.map_or(0, |v| v + 1);
            if !self.path.join("_delta_log").join(format!("{next:020}.json")).exists() {
                return Ok(view.clone());
            }
        } else if !self.path.join("_delta_log").join(format!("{:020}.json", 0)).exists() {
            return Ok(Arc::default());
        }
        let table = self.open().await?;
        let snapshot = table.snapshot().map_err(|e| self.delta(e))?;
        let mut files = Vec::new();
        for file in snapshot.log_data().iter() {
            let mut partition = file.partition_values_map();
            let stats: Value = file.stats().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or(Value::Null);
            let map = |key: &str| stats.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
            files.push(DataFile {
                path: file.path().into_owned(),
                size: u64::try_from(file.size()).unwrap_or(0),
                rows: stats.get("numRecords").and_then(Value::as_u64).unwrap_or(0),
                partition: self
                    .def
                    .partition
                    .iter()
                    .map(|name| partition.remove(*name).flatten().unwrap_or_default())
                    .collect(),
                least: self.instants_as_we_write(map("minValues")),
                greatest: self.instants_as_we_write(map("maxValues")),
            });
        }
        files.sort_by(|a, b| (&a.partition, &a.path).cmp(&(&b.partition, &b.path)));
        let view = Arc::new(View { version: table.version(), files });
        self.remember(view.clone());
        Ok(view)
    }

    /// Checkpoints rewrite instants with fewer digits; text order needs all of them.
    fn instants_as_we_write(&self, mut ends: Map<String, Value>) -> Map<String, Value> {
        for column in self.def.columns.iter().filter(|c| c.kind == crate::ColumnType::Instant) {
            if let Some(Value::String(text)) = ends.get_mut(column.name)
                && let Some(full) =
                    text.parse::<jiff::Timestamp>().ok().and_then(|at| crate::files::instant_text(at.as_microsecond()))
            {
                *text = full;
            }
        }
        ends
    }

    fn cached(&self) -> Option<Arc<View>> {
        // A panic while the map was held leaves it as valid as it was.
        let views = self.lake.inner.views.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        views.get(&self.path).cloned()
    }

    fn remember(&self, view: Arc<View>) {
        let mut views = self.lake.inner.views.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        views.insert(self.path.clone(), view);
    }

    /// All matching rows of the newest version, file by file in partition order, rows in file order.
    pub async fn scan(&self, scan: &Scan) -> Result<Vec<RecordBatch>, LakeError> {
        let view = self.view().await?;
        let files: Vec<DataFile> = view.files.clone();
        self.scan_files(&files, scan).await
    }

    /// All matching rows of the given files of a view.
    pub async fn scan_files(&self, files: &[DataFile], scan: &Scan) -> Result<Vec<RecordBatch>, LakeError> {
        let started = std::time::Instant::now();
        let wanted = matching(files, scan);
        let projection = self.projection(&self.def.schema(), &scan.columns)?;
        // Consecutive files on each core; put together again in their order.
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let parts: Vec<_> = wanted
            .chunks(wanted.len().div_ceil(cores).max(1))
            .map(|part| {
                let paths: Vec<Arc<Path>> = part.iter().map(|file| self.path.join(&file.path).into()).collect();
                let (table, projection, scan) = (self.clone(), projection.clone(), scan.clone());
                tokio::task::spawn_blocking(move || table.read_each(&paths, projection.as_deref(), &scan))
            })
            .collect();
        let mut batches = Vec::new();
        let mut left = wanted.iter();
        for part in parts {
            let worker =
                |e: tokio::task::JoinError| LakeError::Worker { table: self.def.name.to_owned(), why: e.to_string() };
            for (read, file) in part.await.map_err(worker)??.into_iter().zip(left.by_ref()) {
                match read {
                    Some(own) => batches.extend(own),
                    // Written before the table had all its columns: the engine fills in what is missing.
                    None => batches.extend(self.scan_planned(std::slice::from_ref(*file), scan).await?),
                }
            }
        }
        let (took, rows) = (started.elapsed(), batches.iter().map(RecordBatch::num_rows).sum::<usize>());
        if took > self.lake.inner.slow_query {
            tracing::warn!(table = self.def.name, folder = %self.path.display(), ?took, rows, "slow query: scan of {}", self.def.name);
        }
        Ok(batches)
    }

    fn read_each(
        &self,
        paths: &[Arc<Path>],
        projection: Option<&[usize]>,
        scan: &Scan,
    ) -> Result<Vec<Option<Vec<RecordBatch>>>, LakeError> {
        let footers = &self.lake.inner.footers;
        let each = paths.iter().map(|path| {
            let known = footers.get(path);
            let new = known.is_none();
            let (rows, footer) = self.read_file(path, known, projection, scan)?;
            if new {
                footers.insert(path.clone(), footer);
            }
            Ok(rows)
        });
        each.collect()
    }

    /// The same rows by way of the engine's plan.
    async fn scan_planned(&self, files: &[DataFile], scan: &Scan) -> Result<Vec<RecordBatch>, LakeError> {
        let Some(plan) = self.plan(files, scan, 1)? else { return Ok(Vec::new()) };
        collect(plan, self.lake.inner.session.task_ctx()).await.map_err(self.query())
    }

    /// The same, remembered for a while: data files never change, so the same question about the same files has the same answer. One page
    /// asks for a year's days twice, as deltas and as running totals.
    pub async fn scan_files_again(&self, files: &[DataFile], scan: &Scan) -> Result<Arc<Vec<RecordBatch>>, LakeError> {
        let paths: Vec<PathBuf> = files.iter().map(|file| self.path.join(&file.path)).collect();
        // A panic while the list was held leaves it as valid as it was.
        let recent = || self.lake.inner.recent.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        if let Some(known) = recent().iter().find(|known| known.paths == paths && known.scan == *scan) {
            return Ok(known.batches.clone());
        }
        let batches = Arc::new(self.scan_files(files, scan).await?);
        let size: usize = batches.iter().map(RecordBatch::get_array_memory_size).sum();
        if size <= REMEMBERED_BYTES {
            let mut recent = recent();
            recent.truncate(REMEMBERED - 1);
            recent.push_front(Remembered { paths, scan: scan.clone(), batches: batches.clone() });
        }
        Ok(batches)
    }

    /// Matching rows of the given files as a stream, for tables that need not fit in memory.
    pub fn stream_files(&self, files: &[DataFile], scan: &Scan) -> Result<BatchStream, LakeError> {
        let Some(plan) = self.plan(files, scan, 1)? else { return Ok(futures::stream::empty().boxed()) };
        let stream = execute_stream(plan, self.lake.inner.session.task_ctx()).map_err(self.query())?;
        let query = self.query();
        Ok(stream.map(move |batch| batch.map_err(&query)).boxed())
    }

    /// The plan node that reads the files; `None` when no file can match.
    pub(crate) fn plan(
        &self,
        files: &[DataFile],
        scan: &Scan,
        partitions: usize,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>, LakeError> {
        let schema = self.def.schema();
        let wanted = matching(files, scan);
        if wanted.is_empty() {
            return Ok(None);
        }
        let projection = self.projection(&schema, &scan.columns)?;
        let mut source = ParquetSource::new(schema.clone()).with_pushdown_filters(true).with_enable_page_index(true);
        if let Some(predicate) = conjunction(scan.filters.iter().map(Filter::expr)) {
            let df_schema = schema.clone().to_dfschema().map_err(self.query())?;
            // The session coerces the literals to the columns' types.
            let typed = self.lake.inner.session.create_physical_expr(predicate, &df_schema).map_err(self.query())?;
            source = source.with_predicate(typed);
        }
        let groups = wanted.chunks(wanted.len().div_ceil(partitions.max(1))).map(|chunk| {
            FileGroup::new(
                chunk
                    .iter()
                    .map(|file| {
                        PartitionedFile::new(self.path.join(&file.path).to_string_lossy().into_owned(), file.size)
                    })
                    .collect(),
            )
        });
        let config = FileScanConfigBuilder::new(ObjectStoreUrl::local_filesystem(), Arc::new(source))
            .with_file_groups(groups.collect())
            .with_projection_indices(projection)
            .map_err(self.query())?
            .build();
        Ok(Some(DataSourceExec::from_data_source(config)))
    }

    fn projection(&self, schema: &SchemaRef, columns: &[&'static str]) -> Result<Option<Vec<usize>>, LakeError> {
        if columns.is_empty() {
            return Ok(None);
        }
        let index = |name: &&str| {
            schema
                .index_of(name)
                .map_err(|_| LakeError::NoColumn { table: self.def.name.to_owned(), column: (*name).to_owned() })
        };
        columns.iter().map(index).collect::<Result<Vec<_>, _>>().map(Some)
    }
}
