//! Coverage, staleness and gaps per metric, and whether the source can still deliver what is missing (spec/packages §16.3).

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use serde_json::{Value, json};
use tallykeep_control::{
    ControlError,
    packages::{Attempt, PackagesStore},
};

use crate::{
    anomalies::CollectionGap,
    collectors::daily_source,
    config::Config,
    days::{after, before, days_between, each_day},
    index::{Index, Window},
    jobs::newest_success,
};

/// Days before a gap leaves the window at which people are warned.
pub const WARN_DAYS: i64 = 14;
const STRIP_DAYS: i64 = 30;

/// A missing day.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MissingDay {
    pub day: Date,
    /// Whether the source can still deliver it.
    pub deliverable: bool,
    /// The last day on which it can be asked for; `None` when the source keeps everything or nothing.
    pub until: Option<Date>,
}

/// What is known about one metric.
#[derive(Debug, Clone, Serialize)]
pub struct MetricCoverage {
    pub metric_id: String,
    pub product: String,
    pub display_name: String,
    pub source: String,
    pub registry: String,
    pub subject: String,
    pub has_collector: bool,
    pub first_day: Option<Date>,
    pub newest_day: Option<Date>,
    pub stale_days: Option<i64>,
    pub days_present: i64,
    pub days_expected: i64,
    /// One letter per day of the last 30, oldest first: `f` final, `p` pending, `r` restated, `m` missing.
    pub strip: String,
    pub missing: Vec<MissingDay>,
    /// Missing days that are lost when nobody asks within two weeks.
    pub leaving_soon: Vec<Date>,
    pub pending: Vec<Date>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub last_attempt: Option<Attempt>,
}

/// `GET /api/v1/packages/coverage`.
#[derive(Debug, Clone, Serialize)]
pub struct CoverageDocument {
    pub latest_completed_day: Date,
    pub newest_success_at: Option<Timestamp>,
    pub age_hours: Option<i64>,
    /// The newest success is older than the configured hours.
    pub is_stale: bool,
    pub metrics: Vec<MetricCoverage>,
    pub collection_gaps: Vec<CollectionGap>,
    pub open_gaps: usize,
}

/// Coverage of every active metric.
pub async fn coverage(
    store: &PackagesStore,
    index: &Index,
    config: &Config,
    latest: Date,
    now: Timestamp,
) -> Result<CoverageDocument, ControlError> {
    let attempts = store.attempts().await?;
    let metrics: Vec<MetricCoverage> = index
        .metrics
        .iter()
        .filter(|metric| metric.is_active)
        .map(|metric| {
            let attempt = attempts.iter().find(|attempt| attempt.metric_id == metric.metric_id).cloned();
            let rows = index.rows(&metric.metric_id);
            let downloads = metric.metric_family == "downloads";
            let source = daily_source(&metric.source).filter(|_| downloads);
            let wanted: Vec<_> = rows.rows.iter().filter(|row| !downloads || row.window == Window::Counted).collect();
            let known: BTreeSet<Date> = wanted
                .iter()
                .flat_map(|row| if downloads { each_day(row.start, row.end).collect() } else { vec![row.end] })
                .collect();
            let (first, newest) = (known.first().copied(), known.last().copied());
            let pending: Vec<Date> = attempt.as_ref().map(|a| a.pending.clone()).unwrap_or_default();
            let missing: Vec<MissingDay> = match (first, downloads) {
                (Some(first), true) => each_day(first, latest)
                    .filter(|day| !known.contains(day) && !pending.contains(day))
                    .map(|day| missing_day(day, source.map(|s| s.about().reach.days), latest))
                    .collect(),
                _ => Vec::new(),
            };
            let soon = after(latest, WARN_DAYS);
            let strip = each_day(before(latest, STRIP_DAYS - 1), latest)
                .map(|day| match wanted.binary_search_by_key(&day, |row| row.end) {
                    Ok(place) if wanted[place].was.is_some() => 'r',
                    Ok(_) => 'f',
                    Err(_) if known.contains(&day) => 'f',
                    Err(_) if pending.contains(&day) => 'p',
                    Err(_) => 'm',
                })
                .collect();
            MetricCoverage {
                metric_id: metric.metric_id.clone(),
                product: metric.product.clone(),
                display_name: metric.display_name.clone(),
                source: metric.source.clone(),
                registry: source.map_or_else(
                    || if metric.source == "github" { "GitHub" } else { &metric.source }.to_owned(),
                    |s| s.about().registry.to_owned(),
                ),
                subject: metric.subject.clone(),
                has_collector: source.is_some() || metric.source == "github",
                first_day: first,
                newest_day: newest,
                stale_days: newest.map(|newest| days_between(newest, latest).max(0)),
                days_present: i64::try_from(known.len()).unwrap_or(i64::MAX),
                days_expected: first.map_or(0, |first| (days_between(first, latest) + 1).max(0)),
                strip,
                leaving_soon: missing
                    .iter()
                    .filter(|m| m.deliverable && m.until.is_some_and(|until| until <= soon))
                    .map(|m| m.day)
                    .collect(),
                missing,
                pending,
                last_attempt: attempt,
            }
        })
        .collect();
    let newest = newest_success(store).await?.and_then(|run| run.finished_at);
    let age_hours = newest.map(|at| now.duration_since(at).as_hours());
    Ok(CoverageDocument {
        latest_completed_day: latest,
        newest_success_at: newest,
        age_hours,
        is_stale: age_hours.is_none_or(|hours| hours >= config.schedule.stale_hours),
        open_gaps: metrics.iter().map(|m| m.missing.len()).sum(),
        metrics,
        collection_gaps: index.recent_gaps(latest),
    })
}

fn missing_day(day: Date, reach: Option<Option<i64>>, latest: Date) -> MissingDay {
    match reach {
        // No collector: nobody can be asked.
        None => MissingDay { day, deliverable: false, until: None },
        Some(None) => MissingDay { day, deliverable: true, until: None },
        Some(Some(days)) => {
            let today = after(latest, 1);
            let until = after(day, days - 1);
            MissingDay { day, deliverable: until >= today, until: Some(until) }
        }
    }
}

/// Rows for a table or a CSV of gaps.
pub fn gap_rows(document: &CoverageDocument) -> Vec<Value> {
    document
        .metrics
        .iter()
        .flat_map(|metric| {
            metric.missing.iter().map(|missing| {
                json!({"metric_id": metric.metric_id, "day": missing.day, "deliverable": missing.deliverable, "deliverable_until": missing.until})
            })
        })
        .collect()
}
