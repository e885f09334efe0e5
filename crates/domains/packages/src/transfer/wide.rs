//! The wide table: one line per day, one column per download metric.

use std::{collections::BTreeMap, path::Path};

use jiff::civil::Date;
use tallykeep_control::packages::PackagesMetric;

use super::{
    TransferError,
    records::{Fields, records, whole},
};
use crate::{days::each_day, jobs::Jobs};

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
