//! Rows of `stats` from files: good lines are kept, bad ones told with file, line and reason.

use std::path::Path;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::json;
use tallykeep_collect::LineError;
use tallykeep_control::packages::{MetricOrigin, PackagesMetric, StatRow, WriteCounts};

use super::{
    TransferError,
    records::{Fields, Record, records, whole},
};
use crate::{
    collectors::duckdb::instant,
    jobs::{JobError, Jobs, MetricOutcome, Report},
    signals::slug,
};

/// Rows of one transaction of an import.
const BATCH: usize = 20_000;

/// How a file is to be understood.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// Pairs `field=column`; a right side with `{column}` in it is a pattern.
    pub map: Vec<(String, String)>,
    /// `metrics.source` of metrics that are not in the catalogue; they are then added as imported ones.
    pub source: Option<String>,
    /// `source_window` of rows that do not say one.
    pub window: Option<String>,
    pub provenance: Option<String>,
    /// Product of metrics that are added; each its own when left out.
    pub product: Option<String>,
    pub sdk: Option<String>,
    /// Rows are running counts (stars) instead of downloads.
    pub stars: bool,
    pub dry_run: bool,
}

/// What an import did.
#[derive(Debug, Clone, Serialize)]
pub struct Imported {
    #[serde(flatten)]
    pub report: Report,
    pub read: u64,
    pub new: u64,
    pub rejected: u64,
    pub kept: u64,
    pub metrics_added: u64,
    /// The first hundred refused lines.
    pub rejects: Vec<LineError>,
}

const STAT_FIELDS: [&str; 10] = [
    "metric_id",
    "period_start",
    "period_end",
    "observed_at",
    "value",
    "provenance",
    "source_window",
    "ingestion_run_id",
    "source_ref",
    "subject",
];

impl Jobs {
    /// Loads rows of `stats`. Good lines are kept, bad ones are told with file, line and reason.
    pub async fn import_stats(&self, files: &[&Path], options: &ImportOptions) -> Result<Imported, TransferError> {
        for (field, _) in &options.map {
            if !STAT_FIELDS.contains(&field.as_str()) {
                return Err(TransferError::Usage(format!(
                    "--map {field}=…: there is no field `{field}`; fields are {}",
                    STAT_FIELDS.join(", ")
                )));
            }
        }
        let guard = self.writer("import_stats").await?;
        let imported = self.import_held(files, options).await;
        guard.release().await?;
        imported
    }

    async fn import_held(&self, files: &[&Path], options: &ImportOptions) -> Result<Imported, TransferError> {
        self.sync_catalogue().await?;
        let mut metrics: Vec<PackagesMetric> = self.store.metrics().await?;
        let mut added = Vec::new();
        let mut run = self.start("import_stats", None).await?;
        let (mut read, mut rejected, mut rejects) = (0, 0, Vec::new());
        let mut counts = WriteCounts::default();
        let fields = Fields { map: &options.map };
        for file in files {
            let mut batch = Vec::new();
            for record in records(file)? {
                read += 1;
                let row = record.and_then(|(line, record)| {
                    self.stat_row(&record, &fields, options, &run.id, &mut metrics, &mut added)
                        .map_err(|reason| LineError { file: file.display().to_string(), line, reason })
                });
                match row {
                    Ok(row) => batch.push(row),
                    Err(error) => {
                        rejected += 1;
                        if rejects.len() < 100 {
                            rejects.push(error);
                        }
                    }
                }
                if batch.len() >= BATCH && !options.dry_run {
                    self.store.write_metrics(&added, false).await?;
                    counts += self.store.write_stats(&batch).await?;
                    batch.clear();
                }
            }
            if !options.dry_run {
                self.store.write_metrics(&added, false).await?;
                counts += self.store.write_stats(&batch).await?;
            }
        }
        for error in &rejects {
            (self.say)(&format!("[import_stats] rejected: {error}"));
        }
        run.errors.extend(rejects.iter().take(20).map(ToString::to_string));
        if rejected > 0 {
            run.errors.truncate(20);
        }
        run.counts = counts;
        run.tried = 1;
        let outcome = if read > 0 && rejected == read { "failed" } else { "ok" };
        run.metrics.push(MetricOutcome {
            metric_id: "import".to_owned(),
            outcome: outcome.to_owned(),
            ..MetricOutcome::default()
        });
        let mut report = self.finish_import(run).await?;
        report.extra.insert("rejected".to_owned(), json!(rejected));
        Ok(Imported {
            new: report.inserted,
            report,
            read,
            rejected,
            kept: counts.kept,
            metrics_added: added.len() as u64,
            rejects,
        })
    }

    async fn finish_import(&self, mut run: crate::jobs::Run) -> Result<Report, JobError> {
        // What became of "import" is no attempt at a metric.
        let metrics = std::mem::take(&mut run.metrics);
        let all_failed = metrics.iter().all(|m| m.outcome == "failed") && !run.errors.is_empty();
        run.tried = usize::from(!all_failed);
        self.finish(run).await
    }

    fn stat_row(
        &self,
        record: &Record,
        fields: &Fields<'_>,
        options: &ImportOptions,
        run: &str,
        metrics: &mut Vec<PackagesMetric>,
        added: &mut Vec<PackagesMetric>,
    ) -> Result<StatRow, String> {
        let text = |field: &str| fields.text(record, field);
        let day = |field: &str, text: String| {
            let day: Option<Date> = text.get(..10).and_then(|text| text.parse().ok());
            day.filter(|_| text.len() == 10 || text.as_bytes().get(10).is_some_and(|b| matches!(b, b'T' | b' ')))
                .ok_or_else(|| format!("{field}: `{text}` is not YYYY-MM-DD"))
        };
        let end = day("period_end", text("period_end").ok_or("period_end: is missing")?)?;
        let start = text("period_start").map_or(Ok(end), |text| day("period_start", text))?;
        if start > end {
            return Err(format!("period_start: {start} is after period_end {end}"));
        }
        let value = text("value").ok_or("value: is missing")?;
        let value = whole(&value).ok_or_else(|| format!("value: `{value}` is not a count"))?;
        if value < 0 {
            return Err(format!("value: {value} is below 0"));
        }
        let metric_id = self.metric_of(text("metric_id"), text("subject"), options, metrics, added)?;
        let observed_at = match text("observed_at") {
            None => self.clock.now(),
            Some(text) => instant(&text).ok_or_else(|| format!("observed_at: `{text}` is not an instant"))?,
        };
        let or = |field: &str, option: Option<&String>, otherwise: &str| {
            text(field).or_else(|| option.cloned()).unwrap_or_else(|| otherwise.to_owned())
        };
        Ok(StatRow {
            metric_id,
            period_start: start,
            period_end: end,
            observed_at,
            value,
            provenance: or("provenance", options.provenance.as_ref(), "unknown"),
            source_window: or("source_window", options.window.as_ref(), "unknown"),
            ingestion_run_id: or("ingestion_run_id", None, run),
            source_ref: or("source_ref", None, ""),
        })
    }

    /// The metric a record is about: by id, else by source and subject; added when `--source` says where it is from.
    fn metric_of(
        &self,
        id: Option<String>,
        subject: Option<String>,
        options: &ImportOptions,
        metrics: &mut Vec<PackagesMetric>,
        added: &mut Vec<PackagesMetric>,
    ) -> Result<String, String> {
        let family = if options.stars { "stars" } else { "downloads" };
        if let Some(id) = &id {
            if metrics.iter().any(|metric| metric.metric_id == *id) {
                return Ok(id.clone());
            }
        } else if let Some(subject) = &subject {
            let known = metrics.iter().find(|metric| {
                metric.subject.eq_ignore_ascii_case(subject)
                    && metric.metric_family == family
                    && options.source.as_ref().is_none_or(|source| metric.source == *source)
            });
            if let Some(metric) = known {
                return Ok(metric.metric_id.clone());
            }
        } else {
            return Err("metric_id: is missing, and there is no subject either".to_owned());
        }
        let Some(source) = &options.source else {
            return Err(match (&id, &subject) {
                (Some(id), _) => format!("metric_id: `{id}` is not in the catalogue (with --source it would be added)"),
                (_, Some(subject)) => {
                    format!("subject: no metric counts `{subject}` (with --source it would be added)")
                }
                _ => "metric_id: is missing".to_owned(),
            });
        };
        let subject =
            subject.or_else(|| id.as_ref().and_then(|id| id.split(':').nth(1)).map(str::to_owned)).unwrap_or_default();
        let facet = options.sdk.clone().unwrap_or_else(|| source.clone());
        let name = slug(&subject);
        let id = id.unwrap_or_else(|| format!("{family}:{name}:{facet}"));
        let parts: Vec<&str> = id.split(':').collect();
        if parts.len() != 3 || parts.iter().any(|part| part.is_empty()) || !matches!(parts[0], "downloads" | "stars") {
            return Err(format!(
                "metric_id: `{id}` is not <family>:<product>:<facet> with the family downloads or stars"
            ));
        }
        // Two subjects may become one name.
        if let Some(other) = metrics.iter().find(|metric| metric.metric_id == id) {
            return Err(format!("subject: `{subject}` and `{}` would both be `{id}`; map metric_id", other.subject));
        }
        let metric = PackagesMetric {
            metric_family: parts[0].to_owned(),
            product: options.product.clone().unwrap_or_else(|| parts[1].to_owned()),
            sdk: (parts[0] == "downloads").then(|| options.sdk.clone().unwrap_or_else(|| parts[2].to_owned())),
            source: source.clone(),
            value_kind: if parts[0] == "downloads" { "daily_downloads" } else { "cumulative_stars" }.to_owned(),
            unit: "count".to_owned(),
            is_active: true,
            display_name: subject.clone(),
            subject,
            created_at: self.clock.now(),
            position: 1_000_000,
            origin: MetricOrigin::Imported,
            metric_id: id.clone(),
        };
        metrics.push(metric.clone());
        added.push(metric);
        Ok(id)
    }
}
