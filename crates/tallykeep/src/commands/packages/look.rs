//! Looking at what is stored: gaps, debug documents, reports, comparisons, alerts.

use jiff::civil::Date;
use serde_json::{Value, json};
use tallykeep_packages::{
    Reader,
    dashboard::definitions,
    days::{before, latest_completed_month, midnight, python_instant},
    gaps::coverage,
    report::{compare, monthly_report},
    transfer::csv_of,
};

use super::{Of, ended, transfer::known_at};
use crate::{context::Context, exit::usage};

/// List missing days and whether their source can still deliver them
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages gaps --csv")]
pub struct Gaps {
    /// Print CSV
    #[arg(long)]
    csv: bool,
}

impl Gaps {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let index = Reader::new(jobs.store.clone()).index().await?;
        let document = coverage(&jobs.store, &index, &jobs.config, jobs.latest(), jobs.clock.now()).await?;
        if self.csv {
            crate::output::write_out(&csv_of(&tallykeep_packages::gaps::gap_rows(&document)))?;
            return Ok(());
        }
        context.print(&document, || {
            let mut text = String::new();
            for metric in &document.metrics {
                let newest = metric.newest_day.map_or_else(|| "nothing stored".to_owned(), |day| format!("newest {day}"));
                text.push_str(&format!("{}: {newest}, {} missing, {} pending\n", metric.metric_id, metric.missing.len(), metric.pending.len()));
                for missing in &metric.missing {
                    let can = match (missing.deliverable, missing.until) {
                        (true, Some(until)) => format!("can be fetched until {until}"),
                        (true, None) => "can be fetched".to_owned(),
                        (false, _) => "lost at the source".to_owned(),
                    };
                    text.push_str(&format!("  {} {can}\n", missing.day));
                }
                if !metric.leaving_soon.is_empty() {
                    text.push_str(&format!("  warning: {} days leave the source's window within two weeks; run update-daily-downloads --reconcile\n", metric.leaving_soon.len()));
                }
            }
            for gap in &document.collection_gaps {
                text.push_str(&format!("{}: {} ({})\n", gap.day, gap.kind.replace('_', " "), gap.sources.join(", ")));
            }
            text
        })
    }
}

/// Show what is stored, as JSON
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages debug stats --metric-id downloads:lance:python --days 30")]
pub struct Debug {
    #[command(subcommand)]
    what: DebugWhat,
}

#[derive(Debug, clap::Subcommand)]
enum DebugWhat {
    /// Every definition
    #[command(after_help = "Example: tallykeep packages debug metrics")]
    Metrics,
    /// Stored points of a metric with where they came from
    #[command(after_help = "Example: tallykeep packages debug stats --metric-id downloads:lance:python --days 30")]
    Stats {
        /// Metric, e.g. downloads:lance:python
        #[arg(long, alias = "metric_id", value_name = "ID")]
        metric_id: String,
        /// Days before now
        #[arg(long, value_name = "N", default_value_t = 30)]
        days: i64,
        /// The values as they were known at a day's end or an instant
        #[arg(long, value_name = "INSTANT")]
        as_known_on: Option<String>,
    },
    /// Runs, successes too
    #[command(after_help = "Example: tallykeep packages debug history --start-date 2026-03-01 --end-date 2026-03-05")]
    History {
        /// First day
        #[arg(long, alias = "start_date", value_name = "DATE")]
        start_date: Option<Date>,
        /// Last day
        #[arg(long, alias = "end_date", value_name = "DATE")]
        end_date: Option<Date>,
        /// Rows at most
        #[arg(long, value_name = "N", default_value_t = 200)]
        limit: i64,
    },
    /// The revision log
    #[command(after_help = "Example: tallykeep packages debug revisions --metric-id downloads:lance:python")]
    Revisions {
        /// Only this metric
        #[arg(long, alias = "metric_id", value_name = "ID")]
        metric_id: Option<String>,
        /// Rows at most
        #[arg(long, value_name = "N", default_value_t = 1000)]
        limit: i64,
    },
    /// Evidence, hidden kinds too
    #[command(after_help = "Example: tallykeep packages debug evidence --limit 20")]
    Evidence {
        /// Rows at most
        #[arg(long, value_name = "N", default_value_t = 500)]
        limit: i64,
    },
    /// Metrics, the last 30 days of each, and runs
    #[command(after_help = "Example: tallykeep packages debug all")]
    All,
}

impl Debug {
    pub async fn run(self, _: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let document = match self.what {
            DebugWhat::Metrics => metrics(jobs).await?,
            DebugWhat::Stats { metric_id, days, as_known_on } => {
                stats(jobs, &metric_id, days, as_known_on.as_deref()).await?
            }
            DebugWhat::History { start_date, end_date, limit } => history(jobs, start_date, end_date, limit).await?,
            DebugWhat::Revisions { metric_id, limit } => {
                let list = jobs.store.revisions(metric_id.as_deref(), limit).await?;
                json!({"metric_id": metric_id, "count": list.len(), "revisions": list})
            }
            DebugWhat::Evidence { limit } => {
                let list = jobs.store.evidence(jiff::Timestamp::MIN, limit).await?;
                json!({"count": list.len(), "evidence": list.into_iter().map(|item| item.document).collect::<Vec<_>>()})
            }
            DebugWhat::All => {
                let definitions = metrics(jobs).await?;
                let mut all = Vec::new();
                for metric in jobs.store.metrics().await? {
                    all.push(stats(jobs, &metric.metric_id, 30, None).await?);
                }
                json!({"metrics": definitions, "stats": all, "history": history(jobs, None, None, 200).await?})
            }
        };
        crate::output::write_out(&format!("{}\n", serde_json::to_string_pretty(&document)?))?;
        Ok(())
    }
}

async fn metrics(jobs: Of<'_>) -> anyhow::Result<Value> {
    let index = Reader::new(jobs.store.clone()).index().await?;
    Ok(Value::Array(definitions(&index)))
}

async fn stats(jobs: Of<'_>, metric: &str, days: i64, known: Option<&str>) -> anyhow::Result<Value> {
    if days < 1 {
        return Err(usage(format!("--days {days}: must be at least 1")));
    }
    if !jobs.store.metrics().await?.iter().any(|m| m.metric_id == metric) {
        return Err(usage(format!("--metric-id {metric}: Unknown metric_id")));
    }
    let mut rows = match known {
        Some(text) => jobs.store.stats_as_known(metric, known_at(text)?).await?,
        None => jobs.store.stats(metric, Date::MIN, Date::MAX).await?,
    };
    if let Some(newest) = rows.last().map(|row| row.period_end) {
        rows.retain(|row| row.period_end > before(newest, days));
    }
    Ok(json!({"metric_id": metric, "days": days, "points": rows}))
}

async fn history(jobs: Of<'_>, start: Option<Date>, end: Option<Date>, limit: i64) -> anyhow::Result<Value> {
    let from = start.map_or(jiff::Timestamp::MIN, midnight);
    let until = end.map_or(jiff::Timestamp::MAX, |day| midnight(tallykeep_packages::days::after(day, 1)));
    let runs = jobs.store.history_between(from, until, false, limit).await?;
    let rows: Vec<Value> = runs
        .iter()
        .map(|run| {
            json!({"ingestion_run_id": run.ingestion_run_id, "job_name": run.job_name, "status": run.status,
                "started_at": python_instant(run.started_at), "finished_at": run.finished_at.map(python_instant),
                "rows_inserted": run.rows_inserted, "rows_updated": run.rows_updated, "error_summary": run.error_summary,
                "details": run.details})
        })
        .collect();
    Ok(json!({"start_date": start, "end_date": end, "count": rows.len(), "history": rows}))
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
enum ReportFormat {
    Text,
    Csv,
    Html,
}

/// The report of a month: scorecard, composition, quarter to date
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages report --month 2026-02 --format html --output report.html")]
pub struct MonthlyReport {
    /// Month, YYYY-MM [default: the latest completed one]
    #[arg(long, value_name = "MONTH")]
    month: Option<String>,
    /// How to write it
    #[arg(long, value_enum, default_value_t = ReportFormat::Text)]
    format: ReportFormat,
    /// File to write instead of standard output
    #[arg(long, short, value_name = "FILE")]
    output: Option<std::path::PathBuf>,
}

impl MonthlyReport {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let latest = jobs.latest();
        let month = match &self.month {
            None => latest_completed_month(latest),
            Some(text) => format!("{text}-01")
                .parse::<Date>()
                .map(Date::last_of_month)
                .map_err(|_| usage(format!("--month {text}: write YYYY-MM")))?,
        };
        let index = Reader::new(jobs.store.clone()).index().await?;
        let report = monthly_report(&index, &jobs.config, month, latest);
        let text = match self.format {
            ReportFormat::Csv => report.to_csv(),
            ReportFormat::Html => report.to_html(),
            ReportFormat::Text => {
                let mut text = format!(
                    "{} {}: {} downloads ({:+.1}% on the month before)\n",
                    report.title,
                    month.strftime("%Y-%m"),
                    report.total,
                    report.percent_change
                );
                for line in &report.lines {
                    let number =
                        |value: Option<i64>| value.map_or_else(|| "no data".to_owned(), |value| value.to_string());
                    let change = line.percent_change.map_or_else(String::new, |percent| format!(" ({percent:+.1}%)"));
                    text.push_str(&format!(
                        "{}: {}{change}, {} of {} days\n",
                        line.metric_id,
                        number(line.value),
                        line.days_present,
                        line.days_expected
                    ));
                }
                text
            }
        };
        if let Some(file) = &self.output {
            return Ok(std::fs::write(file, text)?);
        }
        context.print(&report, || text)
    }
}

/// Compare average downloads a day before and after a day
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages compare --on 2026-02-10 --days 28")]
pub struct Compare {
    /// First day of the time after
    #[arg(long, value_name = "DATE")]
    on: Date,
    /// Days on each side
    #[arg(long, value_name = "N", default_value_t = 28)]
    days: i64,
    /// Only these metrics
    #[arg(long, alias = "metric_id", value_name = "ID", num_args = 1..)]
    metric_id: Vec<String>,
}

impl Compare {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        if self.days < 1 {
            return Err(usage(format!("--days {}: must be at least 1", self.days)));
        }
        let index = Reader::new(jobs.store.clone()).index().await?;
        let list: Vec<_> = index
            .active("downloads")
            .filter(|metric| self.metric_id.is_empty() || self.metric_id.contains(&metric.metric_id))
            .map(|metric| compare(&index, metric, self.on, self.days, jobs.latest()))
            .collect();
        context.print(&list, || {
            let number = |value: Option<f64>| value.map_or_else(|| "no data".to_owned(), |value| format!("{value:.1}"));
            list.iter()
                .map(|c| {
                    let percent = c.percent.map_or_else(String::new, |p| format!(" ({p:+.1}%)"));
                    format!(
                        "{}: {} a day before, {} after{percent}; {} and {} of {} days",
                        c.metric_id,
                        number(c.before_average),
                        number(c.after_average),
                        c.before_days_present,
                        c.after_days_present,
                        c.days
                    )
                })
                .collect::<Vec<_>>()
                .join("\n")
        })
    }
}

/// Look for alerts and send new ones
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages alerts --json")]
pub struct Alerts {}

impl Alerts {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let looked = jobs.look_for_alerts().await.map_err(ended)?;
        for error in &looked.send_errors {
            crate::output::note!("not sent: {error}");
        }
        context.print(&looked, || {
            if looked.open.is_empty() {
                return "nothing is wrong".to_owned();
            }
            looked
                .open
                .iter()
                .map(|alert| format!("{}: {} (since {})", alert.kind, alert.message, alert.opened_at))
                .collect::<Vec<_>>()
                .join("\n")
        })
    }
}
