//! Moving observations in and out: JSON lines, CSV, Parquet (spec/packages §17, §16.13).

use std::{
    collections::{BTreeMap, HashMap},
    io::Write,
    path::Path,
    sync::Arc,
};

use arrow::array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tallykeep_collect::{CsvFile, FileError, JsonValues, LineError};
use tallykeep_control::{
    ControlError,
    packages::{HistoryRow, MetricOrigin, PackagesMetric, PackagesStore, RunStatus, StatRow, WriteCounts},
};

use crate::{
    collectors::duckdb::instant,
    days::{each_day, midnight, python_instant},
    jobs::{JobError, Jobs, MetricOutcome, Report},
    signals::slug,
};

/// Rows of one transaction of an import.
const BATCH: usize = 20_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Table {
    Stats,
    Metrics,
    History,
}

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
    #[error("could not write {at}: {reason}")]
    Write { at: String, reason: String },
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

/// Names other tools give to our fields, taken when nothing is mapped.
const ALIASES: [(&str, &[&str]); 3] = [
    ("period_end", &["day", "date"]),
    ("value", &["downloads", "count", "stars"]),
    ("subject", &["package", "repository", "crate"]),
];

/// One record of a file by column.
type Record = HashMap<String, Value>;

/// The records of a file, JSON or CSV told by the first byte, each with its line.
fn records(file: &Path) -> Result<Box<dyn Iterator<Item = Result<(u64, Record), LineError>>>, FileError> {
    use std::io::BufRead;
    let mut peek = tallykeep_collect::open_text(file)?;
    let fail = |source| FileError::Read { file: file.to_owned(), source };
    let start = peek.fill_buf().map_err(fail)?;
    let first = start.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    if matches!(first, Some(b'{' | b'[')) {
        let name = file.display().to_string();
        return Ok(Box::new(JsonValues::open(file)?.map(move |record| {
            let (line, value) = record?;
            match value {
                Value::Object(map) => Ok((line, map.into_iter().collect())),
                _ => Err(LineError { file: name.clone(), line, reason: "not an object".to_owned() }),
            }
        })));
    }
    let mut csv = CsvFile::open(file)?;
    let header = csv.header().to_vec();
    Ok(Box::new(std::iter::from_fn(move || {
        let line = csv.next_line()?;
        Some(line.map(|line| {
            let record = header.iter().cloned().zip((0..header.len()).map(|n| json!(line.field(n)))).collect();
            (line.line, record)
        }))
    })))
}

/// Reads fields of records by mapping, own name, alias.
struct Fields<'a> {
    map: &'a [(String, String)],
}

impl Fields<'_> {
    fn text(&self, record: &Record, field: &str) -> Option<String> {
        let plain = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text.trim().to_owned()),
            other => Some(other.to_string()),
        };
        if let Some((_, column)) = self.map.iter().find(|(name, _)| name == field) {
            if column.contains('{') {
                let mut text = column.clone();
                for (name, value) in record {
                    text = text.replace(&format!("{{{name}}}"), &plain(value).unwrap_or_default());
                }
                return Some(text);
            }
            return record.get(column).and_then(plain);
        }
        let aliases = ALIASES.iter().find(|(name, _)| *name == field).map_or(&[][..], |(_, names)| names);
        std::iter::once(&field).chain(aliases).find_map(|name| record.get(*name)).and_then(plain)
    }
}

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

/// A whole number; fractions are rounded half away from zero, blanks and thousands commas left out.
fn whole(text: &str) -> Option<i64> {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    if let Ok(whole) = text.parse() {
        return Some(whole);
    }
    let number: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be inside what an i64 and a double both hold")]
    (number.is_finite() && number.abs() < 9.0e15).then(|| number.round() as i64)
}

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
    let fail =
        |error: &dyn std::fmt::Display| TransferError::Write { at: "the export".to_owned(), reason: error.to_string() };
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
                    serde_json::to_writer(&mut *out, &Exported::new(row)).map_err(|e| fail(&e))?;
                    out.write_all(b"\n").map_err(|e| fail(&e))?;
                }
            }
            ExportFormat::Csv => {
                if let Some(csv) = csv.as_mut() {
                    for row in &rows {
                        csv.serialize(Exported::new(row)).map_err(|e| fail(&e))?;
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
        out.write_all(&bytes).map_err(|e| fail(&e))?;
    }
    if format == ExportFormat::Parquet {
        write_parquet(&all, out).map_err(|e| fail(&e))?;
    }
    Ok(rows_written)
}

fn write_parquet(rows: &[StatRow], out: &mut (dyn Write + Send)) -> Result<(), parquet::errors::ParquetError> {
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

/// One line per day from the first to the last stored download day, one column per download metric; blank where nothing is stored.
pub async fn export_wide(jobs: &Jobs) -> Result<String, TransferError> {
    let mut columns: Vec<(String, BTreeMap<Date, i64>)> = Vec::new();
    for metric in jobs.store.metrics().await?.iter().filter(|m| m.is_active && m.metric_family == "downloads") {
        let rows = jobs.store.stats(&metric.metric_id, Date::MIN, Date::MAX).await?;
        let days =
            rows.into_iter().filter(|row| row.source_window == "1d").map(|row| (row.period_end, row.value)).collect();
        columns.push((wide_column(metric), days));
    }
    Ok(wide(&columns))
}

fn wide_column(metric: &PackagesMetric) -> String {
    let name = |text: &str| text.replace(|c: char| !c.is_alphanumeric() && c != '_', "_");
    format!("{}_{}_downloads", name(&metric.product), name(metric.sdk.as_deref().unwrap_or(&metric.source)))
}

/// The wide table of an exported JSON lines file. Errors: two rows for one metric and day, naming them.
pub fn wide_of_file(jobs: &Jobs, file: &Path) -> Result<String, TransferError> {
    let metrics: Vec<PackagesMetric> =
        jobs.config.definitions(jobs.clock.now()).into_iter().filter(|m| m.metric_family == "downloads").collect();
    let mut columns: Vec<(String, BTreeMap<Date, i64>)> =
        metrics.iter().map(|m| (wide_column(m), BTreeMap::new())).collect();
    let fields = Fields { map: &[] };
    for record in records(file)? {
        let (line, record) = record.map_err(|error| TransferError::Usage(error.to_string()))?;
        let text = |field: &str| fields.text(&record, field).unwrap_or_default();
        let Some(place) = metrics.iter().position(|m| m.metric_id == text("metric_id")) else { continue };
        if !matches!(text("source_window").as_str(), "1d" | "") {
            continue;
        }
        let at = |reason: &str| TransferError::Usage(format!("{}:{line}: {reason}", file.display()));
        let day: Date = text("period_end").parse().map_err(|_| at("period_end: is not YYYY-MM-DD"))?;
        let value = whole(&text("value")).ok_or_else(|| at("value: is not a count"))?;
        if columns[place].1.insert(day, value).is_some() {
            return Err(at(&format!("a second row for {} on {day}", metrics[place].metric_id)));
        }
    }
    Ok(wide(&columns))
}

fn wide(columns: &[(String, BTreeMap<Date, i64>)]) -> String {
    let mut text = String::from("date");
    for (name, _) in columns {
        text.push(',');
        text.push_str(name);
    }
    text.push('\n');
    let days = || columns.iter().flat_map(|(_, days)| days.keys().copied());
    if let (Some(first), Some(last)) = (days().min(), days().max()) {
        for day in each_day(first, last) {
            text.push_str(&day.to_string());
            for (_, values) in columns {
                text.push(',');
                if let Some(value) = values.get(&day) {
                    text.push_str(&value.to_string());
                }
            }
            text.push('\n');
        }
    }
    text
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
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        }));
    }
    writer.into_inner().ok().and_then(|bytes| String::from_utf8(bytes).ok()).unwrap_or_default()
}

/// Midnight of a day, for callers that turn days into instants.
pub fn start_of(day: Date) -> Timestamp {
    midnight(day)
}
