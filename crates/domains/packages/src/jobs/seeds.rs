//! CSV seeds: month totals and star points from before the APIs were asked (spec/packages §3).

use std::path::{Path, PathBuf};

use jiff::{Timestamp, civil::Date};
use tallykeep_collect::{CsvFile, FileError, LineError};
use tallykeep_control::packages::StatRow;

use super::{JobError, Jobs, MetricOutcome, Report};
use crate::{
    config::{Config, Family},
    days::{midnight, utc_day},
};

/// The reference's column names and what they mean.
const COLUMNS: [(&str, &str); 5] = [
    ("Python (lance)", "downloads:lance:python"),
    ("Python (lanceDB)", "downloads:lancedb:python"),
    ("NodeJS (lancedb)", "downloads:lancedb:nodejs"),
    ("Rust (lance)", "downloads:lance:rust"),
    ("Rust (lancedb)", "downloads:lancedb:rust"),
];

/// What the seed files hold.
#[derive(Debug, Default)]
pub struct Seeds {
    pub rows: Vec<StatRow>,
    pub files: Vec<PathBuf>,
    pub errors: Vec<LineError>,
    /// Repositories without a metric.
    pub skipped: u64,
}

/// Why the seeds cannot be read.
#[derive(Debug, thiserror::Error)]
pub enum SeedError {
    #[error(transparent)]
    File(#[from] FileError),
    #[error("no seed files in {}: expected download_stats.csv or *star*.csv", .0.display())]
    Nothing(PathBuf),
}

impl Jobs {
    /// Loads all seed files in full.
    pub async fn seed_from_csv(&self, dir: &Path) -> Result<Report, JobError> {
        let guard = self.writer("seed_from_csv").await?;
        let report = self.seed_held(dir).await;
        guard.release().await?;
        report
    }

    async fn seed_held(&self, dir: &Path) -> Result<Report, JobError> {
        self.sync_catalogue().await?;
        let mut run = self.start("seed_from_csv", None).await?;
        run.tried = 1;
        match read(dir, &self.config, &run.id, true) {
            Ok(seeds) => {
                for error in &seeds.errors {
                    (self.say)(&format!("[seed_from_csv] error: {error}"));
                    run.errors.push(error.to_string());
                }
                for metric in &self.config.metrics {
                    let days_written = seeds.rows.iter().filter(|row| row.metric_id == metric.id).count();
                    if days_written > 0 {
                        run.metrics.push(MetricOutcome {
                            metric_id: metric.id.clone(),
                            outcome: "ok".to_owned(),
                            days_written,
                            ..MetricOutcome::default()
                        });
                    }
                }
                run.tried = run.metrics.len().max(1);
                run.counts += self.store.write_stats(&seeds.rows).await?;
            }
            Err(error) => {
                run.tried = 0;
                (self.say)(&format!("[seed_from_csv] error: {error}"));
                run.errors.push(error.to_string());
            }
        }
        self.finish(run).await
    }
}

/// Reads `download_stats.csv` and every `*star*.csv` of a folder. `seed_job` gives star points the window of that job.
pub fn read(dir: &Path, config: &Config, run: &str, seed_job: bool) -> Result<Seeds, SeedError> {
    let mut seeds = Seeds::default();
    let downloads = dir.join("download_stats.csv");
    if downloads.is_file() {
        read_downloads(&downloads, config, run, &mut seeds)?;
        seeds.files.push(downloads);
    }
    let mut stars: Vec<PathBuf> = std::fs::read_dir(dir)
        .map(|entries| entries.filter_map(|entry| Some(entry.ok()?.path())).collect())
        .unwrap_or_default();
    stars.retain(|file| {
        let name = file.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        name.contains("star") && name.ends_with(".csv")
    });
    stars.sort();
    for file in stars {
        read_stars(&file, config, run, if seed_job { "cumulative_snapshot" } else { "discrete_snapshot" }, &mut seeds)?;
        seeds.files.push(file);
    }
    if seeds.files.is_empty() {
        return Err(SeedError::Nothing(dir.to_owned()));
    }
    Ok(seeds)
}

fn seed_ref(file: &Path) -> String {
    format!("seed_data/{}", file.file_name().map(|name| name.to_string_lossy()).unwrap_or_default())
}

fn read_downloads(file: &Path, config: &Config, run: &str, seeds: &mut Seeds) -> Result<(), SeedError> {
    let mut csv = CsvFile::open(file)?;
    let day_column = csv.column("Day")?;
    let mut columns = Vec::new();
    for (place, name) in csv.header().iter().enumerate().filter(|(place, _)| *place != day_column) {
        let id = COLUMNS.iter().find(|(column, _)| column == name).map_or(name.as_str(), |(_, id)| *id);
        match config.metric(id) {
            Some(metric) if metric.family == Family::Downloads => columns.push((place, id.to_owned())),
            _ => seeds.errors.push(csv.error(1, format!("column `{name}` is no download metric of the catalogue"))),
        }
    }
    while let Some(line) = csv.next_line() {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                seeds.errors.push(error);
                continue;
            }
        };
        let day: Date = match line.field(day_column).parse() {
            Ok(day) => day,
            Err(_) => {
                seeds.errors.push(csv.error(line.line, format!("Day `{}` is not YYYY-MM-DD", line.field(day_column))));
                continue;
            }
        };
        for (place, id) in &columns {
            let text: String = line.field(*place).chars().filter(|c| *c != ',' && !c.is_whitespace()).collect();
            if text.is_empty() {
                continue;
            }
            match text.parse::<i64>().ok().filter(|value| *value >= 0) {
                Some(value) => seeds.rows.push(seed_row(id, day, value, midnight(day), "discrete_snapshot", file, run)),
                None => {
                    seeds.errors.push(csv.error(line.line, format!("`{}` is not a count ({id})", line.field(*place))))
                }
            }
        }
    }
    Ok(())
}

fn seed_row(
    metric: &str,
    day: Date,
    value: i64,
    observed_at: Timestamp,
    window: &str,
    file: &Path,
    run: &str,
) -> StatRow {
    StatRow {
        metric_id: metric.to_owned(),
        period_start: day,
        period_end: day,
        observed_at,
        value,
        provenance: "csv_seed".to_owned(),
        source_window: window.to_owned(),
        ingestion_run_id: run.to_owned(),
        source_ref: seed_ref(file),
    }
}

fn read_stars(file: &Path, config: &Config, run: &str, window: &str, seeds: &mut Seeds) -> Result<(), SeedError> {
    let mut csv = CsvFile::open(file)?;
    let (repository, date, stars) = (csv.column("Repository")?, csv.column("Date")?, csv.column("Stars")?);
    while let Some(line) = csv.next_line() {
        let line = match line {
            Ok(line) => line,
            Err(error) => {
                seeds.errors.push(error);
                continue;
            }
        };
        let name = line.field(repository);
        let Some(metric) =
            config.metrics.iter().find(|m| m.family == Family::Stars && m.subject.eq_ignore_ascii_case(name))
        else {
            seeds.skipped += 1;
            continue;
        };
        let at = star_instant(line.field(date));
        let count = line.field(stars).replace([',', ' '], "").parse::<i64>().ok().filter(|count| *count >= 0);
        match (at, count) {
            (Some(at), Some(count)) => seeds.rows.push(seed_row(&metric.id, utc_day(at), count, at, window, file, run)),
            (None, _) => {
                seeds.errors.push(csv.error(line.line, format!("Date `{}` is not understood", line.field(date))))
            }
            (_, None) => {
                seeds.errors.push(csv.error(line.line, format!("Stars `{}` is not a count", line.field(stars))))
            }
        }
    }
    Ok(())
}

/// `Tue Mar 03 2026 10:00:00 GMT-0500 (Eastern Standard Time)`.
pub fn star_instant(text: &str) -> Option<Timestamp> {
    let text = text.split(" (").next().unwrap_or(text).trim();
    if let Ok(at) = text.parse() {
        return Some(at);
    }
    // The weekday says nothing the date does not.
    let (_, rest) = text.split_once(' ')?;
    jiff::fmt::strtime::parse("%b %d %Y %H:%M:%S GMT%z", rest).ok()?.to_timestamp().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn star_dates_are_utc_days() {
        let at = star_instant("Tue Mar 03 2026 22:00:00 GMT-0500 (Eastern Standard Time)").expect("understood");
        assert_eq!((at.to_string().as_str(), utc_day(at).to_string().as_str()), ("2026-03-04T03:00:00Z", "2026-03-04"));
        assert!(star_instant("yesterday").is_none());
    }
}
