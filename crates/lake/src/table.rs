//! Tables, and the handles that bind a team.

use std::{
    collections::{HashMap, VecDeque},
    path::{Path, PathBuf},
    sync::{Arc, Mutex},
    time::Duration,
};

use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use deltalake::kernel::{DataType as DeltaType, StructField};
use tallykeep_model::TeamSlug;

use crate::{
    LakeError,
    read::{Remembered, View},
};

/// What a column holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ColumnType {
    /// Text with many different values.
    Text,
    /// Text with few different values per file; read and written dictionary-encoded.
    Word,
    Bool,
    Int,
    Float,
    /// A UTC day.
    Day,
    /// Microseconds UTC.
    Instant,
    Bytes,
    /// A list of texts.
    Texts,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Column {
    pub name: &'static str,
    pub kind: ColumnType,
    pub nullable: bool,
}

impl Column {
    pub const fn new(name: &'static str, kind: ColumnType) -> Self {
        Self { name, kind, nullable: false }
    }

    pub const fn nullable(name: &'static str, kind: ColumnType) -> Self {
        Self { name, kind, nullable: true }
    }
}

/// A table, declared once. Partition columns are texts that name folders; they are not in the data files, so queries prune by
/// them but never name them.
#[derive(Debug, PartialEq, Eq)]
pub struct TableDef {
    pub name: &'static str,
    pub columns: &'static [Column],
    pub partition: &'static [&'static str],
    /// Columns whose least and greatest value are kept per file for pruning (`Word`, `Text`, `Int`, `Day`, `Instant`).
    pub statistics: &'static [&'static str],
}

impl TableDef {
    /// The arrow schema of its data files.
    pub fn schema(&self) -> SchemaRef {
        let fields: Vec<Field> =
            self.columns.iter().map(|c| Field::new(c.name, arrow_type(c.kind), c.nullable)).collect();
        Arc::new(Schema::new(fields))
    }

    pub(crate) fn delta_fields(&self) -> Vec<StructField> {
        let own = self.columns.iter().map(|c| StructField::new(c.name, delta_type(c.kind), c.nullable));
        let partition = self.partition.iter().map(|name| StructField::new(*name, DeltaType::STRING, false));
        own.chain(partition).collect()
    }
}

fn arrow_type(kind: ColumnType) -> DataType {
    match kind {
        ColumnType::Text => DataType::Utf8,
        ColumnType::Word => DataType::Dictionary(Box::new(DataType::Int32), Box::new(DataType::Utf8)),
        ColumnType::Bool => DataType::Boolean,
        ColumnType::Int => DataType::Int64,
        ColumnType::Float => DataType::Float64,
        ColumnType::Day => DataType::Date32,
        ColumnType::Instant => DataType::Timestamp(TimeUnit::Microsecond, Some("UTC".into())),
        ColumnType::Bytes => DataType::Binary,
        ColumnType::Texts => DataType::List(Arc::new(Field::new("element", DataType::Utf8, true))),
    }
}

fn delta_type(kind: ColumnType) -> DeltaType {
    match kind {
        ColumnType::Text | ColumnType::Word => DeltaType::STRING,
        ColumnType::Bool => DeltaType::BOOLEAN,
        ColumnType::Int => DeltaType::LONG,
        ColumnType::Float => DeltaType::DOUBLE,
        ColumnType::Day => DeltaType::DATE,
        ColumnType::Instant => DeltaType::TIMESTAMP,
        ColumnType::Bytes => DeltaType::BINARY,
        ColumnType::Texts => DeltaType::Array(Box::new(deltalake::kernel::ArrayType::new(DeltaType::STRING, true))),
    }
}

/// The lake of an installation. Cheap to clone; clones share the cache of file lists.
#[derive(Clone)]
pub struct Lake {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    root: PathBuf,
    pub(crate) slow_query: Duration,
    pub(crate) views: Mutex<HashMap<PathBuf, Arc<View>>>,
    /// The last answers of scans that are asked again soon, newest first.
    pub(crate) recent: Mutex<VecDeque<Remembered>>,
    pub(crate) footers: crate::direct::Footers,
    pub(crate) session: datafusion::prelude::SessionContext,
}

impl Lake {
    /// Opens the lake under `root` (created when absent). Queries slower than `slow_query` are logged.
    pub fn open(root: &Path, slow_query: Duration) -> Result<Self, LakeError> {
        std::fs::create_dir_all(root).map_err(LakeError::io(root))?;
        let root = std::fs::canonicalize(root).map_err(LakeError::io(root))?;
        let session = crate::sql::session();
        Ok(Self {
            inner: Arc::new(Inner {
                root,
                slow_query,
                views: Mutex::default(),
                recent: Mutex::default(),
                footers: crate::direct::footers(),
                session,
            }),
        })
    }

    /// Queries slower than this are logged.
    pub fn slow_query(&self) -> Duration {
        self.inner.slow_query
    }

    /// The lake as one team sees it. There is no way to name another team's tables through it.
    pub fn team(&self, team: &TeamSlug) -> TeamLake {
        TeamLake { lake: self.clone(), team: team.clone() }
    }
}

/// The tables of one team.
#[derive(Clone)]
pub struct TeamLake {
    pub(crate) lake: Lake,
    team: TeamSlug,
}

impl TeamLake {
    pub fn team(&self) -> &TeamSlug {
        &self.team
    }

    pub fn table(&self, def: &'static TableDef) -> Table {
        let path = self.lake.inner.root.join(self.team.as_str()).join(def.name);
        Table { lake: self.lake.clone(), def, path }
    }
}

/// One table of one team.
#[derive(Clone)]
pub struct Table {
    pub(crate) lake: Lake,
    pub(crate) def: &'static TableDef,
    pub(crate) path: PathBuf,
}

impl Table {
    pub fn def(&self) -> &'static TableDef {
        self.def
    }

    /// Its folder: `<lake>/<team>/<table>`.
    pub fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn delta(&self, source: deltalake::DeltaTableError) -> LakeError {
        use deltalake::{DeltaTableError, kernel::transaction::TransactionError};
        let table = self.def.name.to_owned();
        match source {
            DeltaTableError::Transaction {
                source: TransactionError::CommitConflict(_) | TransactionError::MaxCommitAttempts(_),
            }
            | DeltaTableError::VersionAlreadyExists(_) => LakeError::Conflict { table },
            source => LakeError::Delta { table, source },
        }
    }

    pub(crate) fn query(&self) -> impl Fn(datafusion::error::DataFusionError) -> LakeError + use<> {
        let name = self.def.name;
        move |source| LakeError::Query { table: name.to_owned(), source }
    }

    pub(crate) fn arrow(&self) -> impl Fn(arrow::error::ArrowError) -> LakeError + use<> {
        let name = self.def.name;
        move |source| LakeError::Arrow { table: name.to_owned(), source }
    }
}
