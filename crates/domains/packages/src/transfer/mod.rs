//! Moving observations in and out: JSON lines, CSV, Parquet (spec/packages §17, §16.13).

mod export;
mod import;
mod records;
mod tables;
mod wide;

use serde_json::{Map, Value};
use tallykeep_collect::FileError;
use tallykeep_control::ControlError;

use crate::jobs::JobError;

pub use export::{ExportFilter, ExportFormat, export_stats};
pub use import::{ImportOptions, Imported};
pub use tables::Table;
pub use wide::{export_wide, wide_of_file};

/// Why rows did not come in or go out.
#[derive(Debug, thiserror::Error)]
pub enum TransferError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Job(#[from] JobError),
    #[error("{0}")]
    Usage(String),
    #[error("could not write the export")]
    Write(#[from] std::io::Error),
    #[error("could not write the export: {0}")]
    Format(String),
}

/// A flat list of JSON objects as CSV; the columns are those of the first.
pub fn csv_of(rows: &[Value]) -> String {
    let Some(first) = rows.first().and_then(Value::as_object) else { return String::new() };
    let columns: Vec<&String> = first.iter().filter(|(_, v)| !v.is_object() && !v.is_array()).map(|(k, _)| k).collect();
    let mut writer = csv::Writer::from_writer(Vec::new());
    let _ = writer.write_record(&columns);
    let empty = Map::new();
    for row in rows {
        let row = row.as_object().unwrap_or(&empty);
        let _ = writer.write_record(columns.iter().map(|column| match row.get(*column) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => harmless(text),
            Some(other) => other.to_string(),
        }));
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// Texts may come from anybody who sends rows. One that a spreadsheet would take for a formula gets an apostrophe; numbers stay.
pub(super) fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}
