//! Jobs (spec/packages §7): one writer at a time, a run row from the first moment, one metric's failure never another's.

pub mod bootstrap;
mod chunk;
pub mod derive;
pub mod downloads;
pub mod evidence;
pub mod guidance;
pub mod refresh;
pub mod seeds;
pub mod stars;
pub mod update_all;

use std::{collections::BTreeMap, sync::Arc};

use indexmap::IndexMap;
use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use serde_json::{Value, json};
use tallykeep_collect::{CollectError, http::one_line};
use tallykeep_control::{
    ControlError, LeaseGuard,
    packages::{Attempt, HistoryRow, PackagesStore, RunStatus, StatRow, WriteCounts},
};
use tallykeep_model::Clock;
use tallykeep_notify::MailSettings;

use crate::{
    collectors::{Asker, StoredMemory},
    config::Config,
    days::latest_completed_day,
    environment::Settings,
};

/// A thing not found for so long is gone; until then a 404 may be a slip. With daily runs it is the third one.
const GONE_AFTER: jiff::SignedDuration = jiff::SignedDuration::from_hours(47);

/// Why a job could not run at all. What goes wrong with one metric is in its report instead.
#[derive(Debug, thiserror::Error)]
pub enum JobError {
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error(transparent)]
    Collect(#[from] CollectError),
    /// The arguments or the environment ask for something that cannot be.
    #[error("{0}")]
    Usage(String),
    #[error("{0}")]
    Failed(String),
}

/// What a job says while it works: one line at a time.
pub type Say = Arc<dyn Fn(&str) + Send + Sync>;

/// Everything a job works with.
#[derive(Clone)]
pub struct Jobs {
    pub store: PackagesStore,
    pub config: Config,
    pub settings: Settings,
    pub asker: Asker,
    pub clock: Clock,
    pub say: Say,
    /// The installation's mail server, for alerts.
    pub mail: Option<MailSettings>,
}

/// What became of one metric in a run.
#[derive(Debug, Clone, Default, Serialize)]
pub struct MetricOutcome {
    pub metric_id: String,
    /// `ok`, `up_to_date`, `pending`, `gaps`, `fallback`, `failed`, `throttled`, `vanished`, `no_collector`.
    pub outcome: String,
    pub days_written: usize,
    pub pending: Vec<Date>,
    pub gaps: Vec<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub try_again_at: Option<Timestamp>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
}

/// What a run came to.
#[derive(Debug, Clone, Serialize)]
pub struct Report {
    pub job: String,
    pub run_id: String,
    pub status: RunStatus,
    pub inserted: u64,
    pub updated: u64,
    pub unchanged: u64,
    pub errors: Vec<String>,
    pub pending: Vec<Value>,
    pub gaps: Vec<Value>,
    pub metrics: Vec<MetricOutcome>,
    /// Fields only this job has, e.g. `lookback_days`.
    #[serde(flatten)]
    pub extra: IndexMap<String, Value>,
    /// Reports of the jobs it is made of.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Report>,
}

impl Report {
    /// `<job> complete: inserted=<n> updated=<n> errors=<n>` and the job's own fields.
    pub fn last_line(&self) -> String {
        let mut line = format!(
            "{} complete: inserted={} updated={} errors={}",
            self.job,
            self.inserted,
            self.updated,
            self.errors.len()
        );
        for (name, value) in &self.extra {
            if let Some(text) =
                value.as_str().map(str::to_owned).or_else(|| value.is_number().then(|| value.to_string()))
            {
                line.push_str(&format!(" {name}={text}"));
            }
        }
        line
    }
}

/// A run in progress.
pub struct Run {
    pub job: String,
    pub id: String,
    started_at: Timestamp,
    pub counts: WriteCounts,
    pub errors: Vec<String>,
    pub metrics: Vec<MetricOutcome>,
    /// Metrics that were asked for or computed at all.
    pub tried: usize,
    /// Metrics whose upstream has said for days that they do not exist, and since when.
    pub(crate) known_gone: BTreeMap<String, Timestamp>,
    pub extra: IndexMap<String, Value>,
}

impl Run {
    /// Counts and prints an error of one metric.
    pub fn error(&mut self, say: &Say, metric: &str, message: &str) {
        let message = one_line(message, 300);
        say(&format!("[{}] error: {metric}: {message}", self.job));
        self.errors.push(format!("{metric}: {message}"));
    }
}

impl Jobs {
    /// Errors: the settings cannot make a client.
    pub fn new(store: PackagesStore, config: Config, settings: Settings, say: Say) -> Result<Self, JobError> {
        let clock = store.team().clock();
        let asker = Asker::new(settings.clone(), &config, clock, Arc::new(StoredMemory(store.clone())))?;
        Ok(Self { store, config, settings, asker, clock, say, mail: None })
    }

    pub fn latest(&self) -> Date {
        latest_completed_day(self.clock)
    }

    /// Takes the writer's turn; runs found dead become `abandoned`. Errors: `Busy`.
    pub async fn writer(&self, job: &str) -> Result<LeaseGuard, JobError> {
        let guard = self.store.writer(job).await?;
        let dead = self.store.abandon_running().await?;
        if dead > 0 {
            (self.say)(&format!(
                "[{job}] {dead} earlier run{} ended without a word: marked abandoned",
                if dead == 1 { "" } else { "s" }
            ));
        }
        Ok(guard)
    }

    /// `<job>:<YYYYMMDDTHHMMSSZ>:<8 hex>`.
    pub fn run_id(&self, job: &str) -> String {
        let at = self.clock.now().to_zoned(jiff::tz::TimeZone::UTC).strftime("%Y%m%dT%H%M%SZ").to_string();
        let random = uuid::Uuid::new_v4().simple().to_string();
        format!("{job}:{at}:{}", &random[..8])
    }

    /// Writes the catalogue into the store, and the configuration it came from.
    pub async fn sync_catalogue(&self) -> Result<(u64, u64), JobError> {
        let text = serde_json::to_string(&self.config).map_err(ControlError::from)?;
        if self.store.stored_config().await?.as_deref() != Some(&text) {
            self.store.store_config(&text).await?;
        }
        Ok(self.store.write_metrics(&self.config.definitions(self.clock.now()), true).await?)
    }

    /// Opens a run: its row says `running` from now on.
    pub async fn start(&self, job: &str, run_id: Option<String>) -> Result<Run, JobError> {
        let sure = self.clock.now() - GONE_AFTER;
        let known_gone = self.store.attempts().await?.into_iter().filter_map(|attempt| {
            attempt.not_found_since.filter(|since| *since <= sure).map(|since| (attempt.metric_id, since))
        });
        let run = Run {
            known_gone: known_gone.collect(),
            job: job.to_owned(),
            id: run_id.unwrap_or_else(|| self.run_id(job)),
            started_at: self.clock.now(),
            counts: WriteCounts::default(),
            errors: Vec::new(),
            metrics: Vec::new(),
            tried: 0,
            extra: IndexMap::new(),
        };
        self.store.write_history(&self.row(&run, RunStatus::Running, None)).await?;
        Ok(run)
    }

    fn row(&self, run: &Run, status: RunStatus, finished_at: Option<Timestamp>) -> HistoryRow {
        HistoryRow {
            ingestion_run_id: run.id.clone(),
            job_name: run.job.clone(),
            started_at: run.started_at,
            finished_at,
            status,
            rows_inserted: i64::try_from(run.counts.inserted).unwrap_or(i64::MAX),
            rows_updated: i64::try_from(run.counts.updated).unwrap_or(i64::MAX),
            error_summary: (!run.errors.is_empty()).then(|| run.errors.join(" | ")),
            details: finished_at.map(|_| {
                let told: Vec<&MetricOutcome> =
                    run.metrics.iter().filter(|m| m.outcome != "up_to_date" && m.outcome != "ok").collect();
                json!({"unchanged": run.counts.unchanged, "kept": run.counts.kept, "metrics": told})
            }),
        }
    }

    /// Closes a run: its row, what became of each metric, its report.
    pub async fn finish(&self, mut run: Run) -> Result<Report, JobError> {
        let now = self.clock.now();
        let failed =
            run.metrics.iter().filter(|m| matches!(m.outcome.as_str(), "failed" | "throttled" | "vanished")).count();
        if run.errors.is_empty() && run.tried > 0 && failed == run.tried {
            // Nothing is left of what is counted: that is no success, however well known.
            let gone = run.metrics.iter().filter(|m| m.outcome == "vanished");
            run.errors = gone.map(|m| format!("{}: {}", m.metric_id, m.notes.join("; "))).collect();
        }
        let status = match run.errors.len() {
            0 => RunStatus::Success,
            _ if run.tried > 0 && failed == run.tried => RunStatus::Failed,
            _ if run.tried == 0 => RunStatus::Failed,
            _ => RunStatus::Partial,
        };
        // Only jobs that ask a metric's source make attempts at it.
        let asks = matches!(run.job.as_str(), "update_daily_downloads" | "update_daily_stars" | "update_all");
        for metric in
            run.metrics.iter().filter(|m| asks && !matches!(m.outcome.as_str(), "up_to_date" | "no_collector"))
        {
            let bad = matches!(metric.outcome.as_str(), "failed" | "throttled" | "vanished");
            let message = run.errors.iter().find_map(|error| error.strip_prefix(&format!("{}: ", metric.metric_id)));
            let note = || (metric.outcome == "vanished").then(|| metric.notes.join("; "));
            self.store
                .write_attempt(&Attempt {
                    metric_id: metric.metric_id.clone(),
                    attempted_at: now,
                    succeeded_at: (!bad).then_some(now),
                    outcome: metric.outcome.clone(),
                    message: message.map(str::to_owned).or_else(note),
                    pending: metric.pending.clone(),
                    gaps: metric.gaps.clone(),
                    try_again_at: metric.try_again_at,
                    not_found_since: (metric.outcome == "vanished").then_some(now),
                })
                .await?;
        }
        self.store.write_history(&self.row(&run, status, Some(now))).await?;
        let days = |of: fn(&MetricOutcome) -> &Vec<Date>| -> Vec<Value> {
            run.metrics
                .iter()
                .filter(|m| !of(m).is_empty())
                .map(|m| json!({"metric_id": m.metric_id, "days": of(m)}))
                .collect()
        };
        Ok(Report {
            job: run.job.clone(),
            run_id: run.id.clone(),
            status,
            inserted: run.counts.inserted,
            updated: run.counts.updated,
            unchanged: run.counts.unchanged,
            pending: days(|m| &m.pending),
            gaps: days(|m| &m.gaps),
            errors: run.errors,
            metrics: run.metrics,
            extra: run.extra,
            parts: Vec::new(),
        })
    }

    /// A row of one single day.
    pub(crate) fn stat(&self, metric: &str, day: Date, value: i64, how: (&str, &str, &str), run: &str) -> StatRow {
        let (provenance, window, source_ref) = how;
        let observed_at = if provenance == "recomputed" { crate::days::midnight(day) } else { self.clock.now() };
        StatRow {
            metric_id: metric.to_owned(),
            period_start: day,
            period_end: day,
            observed_at,
            value,
            provenance: provenance.to_owned(),
            source_window: window.to_owned(),
            ingestion_run_id: run.to_owned(),
            source_ref: source_ref.to_owned(),
        }
    }
}

/// The outcome word of an error.
pub(crate) fn outcome_of(error: &CollectError) -> &'static str {
    match error {
        _ if error.is_not_found() => "vanished",
        CollectError::Throttled { .. } => "throttled",
        _ => "failed",
    }
}

/// Days since the newest success of any refresh, for staleness.
pub async fn newest_success(store: &PackagesStore) -> Result<Option<HistoryRow>, ControlError> {
    let runs = store.latest_runs(&[RunStatus::Success]).await?;
    Ok(runs
        .into_iter()
        .filter(|run| matches!(run.job_name.as_str(), "update_daily_downloads" | "update_daily_stars" | "update_all"))
        .max_by_key(|run| run.finished_at))
}
