//! Data files: written whole, synced, described; they become visible only by a commit.

use std::{
    collections::HashMap,
    fs::File,
    path::Path,
    time::{SystemTime, UNIX_EPOCH},
};

use arrow::{
    array::{Array, ArrayRef, AsArray, RecordBatch},
    compute,
    datatypes::{DataType, Date32Type, Int64Type, TimestampMicrosecondType},
};
use datafusion::parquet::{
    arrow::ArrowWriter,
    basic::{Compression, ZstdLevel},
    file::properties::{EnabledStatistics, WriterProperties},
};
use deltalake::kernel::{Action, Add};
use jiff::ToSpan;
use serde_json::{Map, Value};

use crate::{LakeError, Table};

/// A data file of a table's snapshot.
#[derive(Debug, Clone)]
pub struct DataFile {
    /// Relative to the table's folder.
    pub path: String,
    pub size: u64,
    pub rows: u64,
    /// Values of the partition columns, in the order of the definition.
    pub partition: Vec<String>,
    /// Least and greatest value per statistics column, as Delta writes them.
    pub(crate) least: Map<String, Value>,
    pub(crate) greatest: Map<String, Value>,
}

/// A data file that is written and synced but belongs to no snapshot yet.
#[derive(Debug, Clone)]
pub struct Staged {
    pub(crate) add: Add,
    pub rows: u64,
}

impl Staged {
    pub(crate) fn action(self) -> Action {
        Action::Add(self.add)
    }

    pub(crate) fn path(&self) -> &str {
        &self.add.path
    }
}

impl Table {
    /// Writes one data file of one partition and syncs it. Blocking; callable from any thread.
    ///
    /// `partition` holds the values of the partition columns in the order of the definition; rows should be sorted the way they
    /// are read. A staged file that is never committed is an orphan that vacuum removes.
    pub fn stage(&self, partition: &[String], batches: &[RecordBatch]) -> Result<Staged, LakeError> {
        let folder: String = self
            .def
            .partition
            .iter()
            .zip(partition)
            .map(|(name, value)| format!("{name}={}/", folder_name(value)))
            .collect();
        let relative = format!("{folder}part-{}.zstd.parquet", uuid::Uuid::now_v7().simple());
        let full = self.path.join(&relative);
        let parent = full.parent().unwrap_or(&self.path);
        std::fs::create_dir_all(parent).map_err(LakeError::io(parent))?;
        let rows = batches.iter().map(|b| b.num_rows() as u64).sum();
        // Half a file helps nobody, least of all on a full disk.
        let size = self.write_file(&full, batches).inspect_err(|_| {
            let _ = std::fs::remove_file(&full);
        })?;
        sync_folder(parent)?;
        let modified = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |d| d.as_millis());
        let add = Add {
            path: relative,
            partition_values: self
                .def
                .partition
                .iter()
                .zip(partition)
                .map(|(name, value)| ((*name).to_owned(), Some(value.clone())))
                .collect::<HashMap<_, _>>(),
            size: i64::try_from(size).unwrap_or(i64::MAX),
            modification_time: i64::try_from(modified).unwrap_or(i64::MAX),
            data_change: true,
            stats: Some(self.statistics(batches)?.to_string()),
            tags: None,
            deletion_vector: None,
            base_row_id: None,
            default_row_commit_version: None,
            clustering_provider: None,
        };
        Ok(Staged { add, rows })
    }

    fn write_file(&self, full: &Path, batches: &[RecordBatch]) -> Result<u64, LakeError> {
        let parquet = |source| LakeError::Parquet { table: self.def.name.to_owned(), source };
        let properties = WriterProperties::builder()
            .set_compression(Compression::ZSTD(ZstdLevel::default()))
            .set_max_row_group_row_count(Some(131_072))
            .set_data_page_row_count_limit(8_192)
            .set_write_batch_size(8_192)
            .set_statistics_enabled(EnabledStatistics::Page)
            .build();
        let file = File::create(full).map_err(LakeError::io(full))?;
        let mut writer =
            ArrowWriter::try_new(std::io::BufWriter::with_capacity(1 << 20, file), self.def.schema(), Some(properties))
                .map_err(parquet)?;
        for batch in batches {
            writer.write(batch).map_err(parquet)?;
        }
        let buffered = writer.into_inner().map_err(parquet)?;
        let file = buffered.into_inner().map_err(|error| LakeError::io(full)(error.into_error()))?;
        file.sync_all().map_err(LakeError::io(full))?;
        Ok(file.metadata().map_err(LakeError::io(full))?.len())
    }

    fn statistics(&self, batches: &[RecordBatch]) -> Result<Value, LakeError> {
        let rows: usize = batches.iter().map(RecordBatch::num_rows).sum();
        let (mut least, mut greatest) = (Map::new(), Map::new());
        for name in self.def.statistics {
            let ends = batches.iter().filter_map(|b| b.column_by_name(name)).filter_map(ends);
            let Some((low, high)) = ends.reduce(|(low, high), (l, h)| {
                (if less(&l, &low) { l } else { low }, if less(&high, &h) { h } else { high })
            }) else {
                continue;
            };
            least.insert((*name).to_owned(), low);
            greatest.insert((*name).to_owned(), high);
        }
        Ok(serde_json::json!({ "numRecords": rows, "minValues": least, "maxValues": greatest, "nullCount": {} }))
    }
}

/// Texts and integers compare as themselves; days and instants are written so that their texts compare in time order.
pub(crate) fn less(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::String(a), Value::String(b)) => a < b,
        _ => a.as_i64() < b.as_i64(),
    }
}

/// The least and greatest value of a column as Delta writes statistics; `None` for all-null columns and other types.
fn ends(column: &ArrayRef) -> Option<(Value, Value)> {
    match column.data_type() {
        DataType::Utf8 => {
            let texts = column.as_string::<i32>();
            Some((compute::min_string(texts)?.into(), compute::max_string(texts)?.into()))
        }
        DataType::Dictionary(..) => {
            // The dictionary of a batch may hold values its rows do not use; wider ends only prune less.
            let values = column.as_any_dictionary().values().clone();
            ends(&values)
        }
        DataType::Int64 => {
            let numbers = column.as_primitive::<Int64Type>();
            Some((compute::min(numbers)?.into(), compute::max(numbers)?.into()))
        }
        DataType::Date32 => {
            let days = column.as_primitive::<Date32Type>();
            Some((day_text(compute::min(days)?).into(), day_text(compute::max(days)?).into()))
        }
        DataType::Timestamp(..) => {
            let instants = column.as_primitive::<TimestampMicrosecondType>();
            Some((instant_text(compute::min(instants)?)?.into(), instant_text(compute::max(instants)?)?.into()))
        }
        _ => None,
    }
}

pub(crate) fn day_text(days_since_epoch: i32) -> String {
    jiff::civil::date(1970, 1, 1).saturating_add(i64::from(days_since_epoch).days()).to_string()
}

pub(crate) fn instant_text(micros: i64) -> Option<String> {
    let instant = jiff::Timestamp::from_microsecond(micros).ok()?;
    Some(instant.strftime("%Y-%m-%dT%H:%M:%S.%6fZ").to_string())
}

/// A partition value as a folder name, as Hive writes it.
fn folder_name(value: &str) -> String {
    let mut name = String::with_capacity(value.len());
    for byte in value.bytes() {
        if byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_' || byte == b'.' {
            name.push(char::from(byte));
        } else {
            name.push_str(&format!("%{byte:02X}"));
        }
    }
    name
}

/// Makes the entries of a folder durable.
pub(crate) fn sync_folder(folder: &Path) -> Result<(), LakeError> {
    File::open(folder).and_then(|f| f.sync_all()).map_err(LakeError::io(folder))
}
