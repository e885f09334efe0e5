//! Rows of `stats` as JSON lines, CSV or Parquet.

use std::{io::Write, sync::Arc};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use tallykeep_control::packages::{PackagesStore, StatRow};

use super::{TransferError, harmless};
use crate::days::python_instant;

/// How exported rows are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ExportFormat {
    JsonLines,
    Csv,
    Parquet,
}

/// One row as exported.
#[derive(Serialize)]
struct Exported<'a> {
    metric_id: &'a str,
    period_start: Date,
    period_end: Date,
    observed_at: String,
    value: i64,
    provenance: &'a str,
    source_window: &'a str,
    ingestion_run_id: &'a str,
    source_ref: &'a str,
}

impl<'a> Exported<'a> {
    fn new(row: &'a StatRow) -> Self {
        Self {
            metric_id: &row.metric_id,
            period_start: row.period_start,
            period_end: row.period_end,
            observed_at: python_instant(row.observed_at),
            value: row.value,
            provenance: &row.provenance,
            source_window: &row.source_window,
            ingestion_run_id: &row.ingestion_run_id,
            source_ref: &row.source_ref,
        }
    }
}

/// Which rows to export.
#[derive(Debug, Clone, Default)]
pub struct ExportFilter {
    pub metrics: Vec<String>,
    pub from: Option<Date>,
    pub to: Option<Date>,
    /// The values as they were known at an instant.
    pub as_known: Option<Timestamp>,
}

/// Writes `stats` sorted by metric and day. Answers the number of rows.
pub async fn export_stats(
    store: &PackagesStore,
    filter: &ExportFilter,
    format: ExportFormat,
    out: &mut (dyn Write + Send),
) -> Result<u64, TransferError> {
    let fail = |error: &dyn std::fmt::Display| TransferError::Format(error.to_string());
    let ids = store.metrics_with_stats().await?;
    for wanted in &filter.metrics {
        if !ids.contains(wanted) {
            return Err(TransferError::Usage(format!("--metric-id {wanted}: nothing is stored for it")));
        }
    }
    let mut rows_written = 0;
    let mut all = Vec::new();
    let mut csv = (format == ExportFormat::Csv).then(|| csv::Writer::from_writer(Vec::new()));
    for id in ids.iter().filter(|id| filter.metrics.is_empty() || filter.metrics.contains(id)) {
        let (from, to) = (filter.from.unwrap_or(Date::MIN), filter.to.unwrap_or(Date::MAX));
        let mut rows = match filter.as_known {
            Some(at) => store.stats_as_known(id, at).await?,
            None => store.stats(id, from, to).await?,
        };
        rows.retain(|row| from <= row.period_end && row.period_end <= to);
        rows_written += rows.len() as u64;
        match format {
            ExportFormat::JsonLines => {
                for row in &rows {
                    // Of the writing side, its own error: a reader that is gone is told apart.
                    serde_json::to_writer(&mut *out, &Exported::new(row)).map_err(std::io::Error::from)?;
                    out.write_all(b"\n")?;
                }
            }
            ExportFormat::Csv => {
                if let Some(csv) = csv.as_mut() {
                    for row in &rows {
                        let row = StatRow {
                            metric_id: harmless(&row.metric_id),
                            provenance: harmless(&row.provenance),
                            source_window: harmless(&row.source_window),
                            ingestion_run_id: harmless(&row.ingestion_run_id),
                            source_ref: harmless(&row.source_ref),
                            ..row.clone()
                        };
                        csv.serialize(Exported::new(&row)).map_err(|e| fail(&e))?;
                    }
                }
            }
            ExportFormat::Parquet => all.extend(rows),
        }
    }
    if let Some(csv) = csv {
        let mut bytes = csv.into_inner().map_err(|e| fail(&e))?;
        if bytes.is_empty() {
            bytes = b"metric_id,period_start,period_end,observed_at,value,provenance,source_window,ingestion_run_id,source_ref\n".to_vec();
        }
        out.write_all(&bytes)?;
    }
    if format == ExportFormat::Parquet {
        let mut bytes = Vec::new();
        write_parquet(&all, &mut bytes).map_err(|e| fail(&e))?;
        out.write_all(&bytes)?;
    }
    Ok(rows_written)
}

fn write_parquet(rows: &[StatRow], out: &mut Vec<u8>) -> Result<(), parquet::errors::ParquetError> {
    let text =
        |of: &dyn Fn(&StatRow) -> String| -> ArrayRef { Arc::new(StringArray::from_iter_values(rows.iter().map(of))) };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("metric_id", text(&|r| r.metric_id.clone())),
        ("period_start", text(&|r| r.period_start.to_string())),
        ("period_end", text(&|r| r.period_end.to_string())),
        ("observed_at", text(&|r| python_instant(r.observed_at))),
        ("value", Arc::new(Int64Array::from_iter_values(rows.iter().map(|r| r.value)))),
        ("provenance", text(&|r| r.provenance.clone())),
        ("source_window", text(&|r| r.source_window.clone())),
        ("ingestion_run_id", text(&|r| r.ingestion_run_id.clone())),
        ("source_ref", text(&|r| r.source_ref.clone())),
    ];
    let batch = RecordBatch::try_from_iter(columns)?;
    let mut writer = parquet::arrow::ArrowWriter::try_new(out, batch.schema(), None)?;
    writer.write(&batch)?;
    writer.close()?;
    Ok(())
}
