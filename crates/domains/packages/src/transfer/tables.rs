//! Rows of `metrics` and `history` of an existing store.

use std::path::Path;

use jiff::Timestamp;
use tallykeep_collect::LineError;
use tallykeep_control::packages::{HistoryRow, MetricOrigin, PackagesMetric, RunStatus};

use super::{
    TransferError,
    records::{Fields, records, whole},
};
use crate::{collectors::duckdb::instant, jobs::Jobs};

/// Which table a file holds rows of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Stats,
    Metrics,
    History,
}

impl Jobs {
    /// Loads rows of `metrics` or `history` of an existing store. Answers (stored, refused lines).
    pub async fn import_table(&self, table: Table, file: &Path) -> Result<(u64, Vec<LineError>), TransferError> {
        let guard = self.writer("import").await?;
        let done = self.import_table_held(table, file).await;
        guard.release().await?;
        done
    }

    async fn import_table_held(&self, table: Table, file: &Path) -> Result<(u64, Vec<LineError>), TransferError> {
        let (mut stored, mut refused, mut metrics) = (0, Vec::new(), Vec::new());
        let fields = Fields { map: &[] };
        for record in records(file)? {
            let parsed = record.and_then(|(line, record)| {
                let fail = |reason: String| LineError { file: file.display().to_string(), line, reason };
                let text = |field: &str| fields.text(&record, field);
                let need = |field: &str| text(field).ok_or_else(|| fail(format!("{field}: is missing")));
                let at = |field: &str| -> Result<Option<Timestamp>, LineError> {
                    text(field)
                        .map(|t| instant(&t).ok_or_else(|| fail(format!("{field}: `{t}` is not an instant"))))
                        .transpose()
                };
                if table == Table::Metrics {
                    let yes = text("is_active")
                        .is_none_or(|text| matches!(text.to_lowercase().as_str(), "true" | "1" | "t" | "yes"));
                    return Ok(Parsed::Metric(PackagesMetric {
                        metric_id: need("metric_id")?,
                        metric_family: need("metric_family")?,
                        product: need("product")?,
                        subject: need("subject")?,
                        sdk: text("sdk"),
                        source: need("source")?,
                        value_kind: need("value_kind")?,
                        unit: text("unit").unwrap_or_else(|| "count".to_owned()),
                        is_active: yes,
                        display_name: need("display_name")?,
                        created_at: at("created_at")?.unwrap_or_else(|| self.clock.now()),
                        position: 1_000_000,
                        origin: MetricOrigin::Imported,
                    }));
                }
                let status = need("status")?;
                let count = |field: &str| text(field).and_then(|t| whole(&t)).unwrap_or(0);
                Ok(Parsed::History(HistoryRow {
                    ingestion_run_id: need("ingestion_run_id")?,
                    job_name: need("job_name")?,
                    started_at: at("started_at")?.ok_or_else(|| fail("started_at: is missing".to_owned()))?,
                    finished_at: at("finished_at")?,
                    status: RunStatus::parse(&status).ok_or_else(|| fail(format!("status: `{status}` is not one")))?,
                    rows_inserted: count("rows_inserted"),
                    rows_updated: count("rows_updated"),
                    error_summary: text("error_summary"),
                    details: None,
                }))
            });
            match parsed {
                Ok(Parsed::Metric(metric)) => metrics.push(metric),
                Ok(Parsed::History(row)) => {
                    self.store.write_history(&row).await?;
                    stored += 1;
                }
                Err(error) => refused.push(error),
            }
        }
        // Definitions of the catalogue stay the catalogue's.
        metrics.retain(|metric| self.config.metric(&metric.metric_id).is_none());
        let (inserted, updated) = self.store.write_metrics(&metrics, false).await?;
        Ok((stored + inserted + updated, refused))
    }
}

enum Parsed {
    Metric(PackagesMetric),
    History(HistoryRow),
}
