//! The documents of the API (spec/packages §9): definitions, series, dashboard, window totals, coverage.

mod derived;
mod months;

use indexmap::IndexMap;
use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use serde_json::{Value, json};
use tallykeep_control::packages::{Annotation, PackagesMetric};

use crate::{
    anomalies::CollectionGap,
    config::Config,
    cumulative::{DayPoint, daily_line, total_line},
    days::{before, python_instant},
    index::{Index, MetricRows, Observation, Window},
    months::{Coverage, MonthPoint, headline, headline_coverage, in_window, month_points, stale_days},
    rollups::{downloads_between, window_days},
};

pub use derived::{Derived, parsed_rollups};
pub use months::{duckdb_month, monthly_snapshots};

use derived::{shown_evidence, shown_guidance, shown_signals};

pub const DEFAULT_DAYS: i64 = 180;
pub const MAX_DAYS: i64 = 730;

/// All metrics sorted by product, family, display name, id; without `created_at`.
pub fn definitions(index: &Index) -> Vec<Value> {
    let mut metrics: Vec<&PackagesMetric> = index.metrics.iter().collect();
    metrics.sort_by_key(|m| (&m.product, &m.metric_family, &m.display_name, &m.metric_id));
    metrics
        .into_iter()
        .map(|metric| {
            json!({
                "metric_id": metric.metric_id, "metric_family": metric.metric_family, "product": metric.product,
                "subject": metric.subject, "sdk": metric.sdk, "source": metric.source, "value_kind": metric.value_kind,
                "unit": metric.unit, "is_active": metric.is_active, "display_name": metric.display_name,
            })
        })
        .collect()
}

/// A metric's rows as they make its line: counted single days of downloads, every row of running counts.
pub fn line_rows(metric: &PackagesMetric, rows: &MetricRows) -> Vec<Observation> {
    if metric.metric_family == "downloads" {
        rows.rows.iter().filter(|row| row.window == Window::Counted).cloned().collect()
    } else {
        rows.rows.clone()
    }
}

/// One point per day, gaps on the line between their neighbours, the last `days` of them.
#[derive(Debug, Serialize)]
pub struct SeriesDocument {
    pub metric_id: String,
    pub days: i64,
    pub points: Vec<DayPoint>,
}

/// `None` for an unknown metric.
pub fn series(index: &Index, metric_id: &str, days: i64) -> Option<SeriesDocument> {
    let metric = index.metric(metric_id)?;
    let rows = line_rows(metric, index.rows(metric_id));
    Some(SeriesDocument { metric_id: metric_id.to_owned(), days, points: daily_line(&rows, days) })
}

/// One card.
#[derive(Debug, Serialize)]
pub struct Item {
    pub metric_id: String,
    pub display_name: String,
    pub metric_family: String,
    pub sdk: Option<String>,
    pub subject: String,
    pub source: String,
    pub latest_value: Option<i64>,
    pub latest_period_end: Option<Date>,
    pub latest_provenance: Option<String>,
    pub total_stars: Option<i64>,
    pub sparkline: Sparkline,
    /// Downloads: of the headline month. Stars: of the last 30 days.
    pub coverage: Coverage,
    pub stale_days: Option<i64>,
    /// Downloads: the days of the running month so far. Absent for stars.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running_month: Option<MonthPoint>,
    /// Points of the sparkline whose values were corrected, with the value before.
    pub restated: usize,
}

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Sparkline {
    Months(Vec<MonthPoint>),
    Days(Vec<DayPoint>),
}

#[derive(Debug, Serialize)]
pub struct Group {
    pub product: String,
    pub title: String,
    pub items: Vec<Item>,
}

/// `GET /api/v1/dashboard/daily`.
#[derive(Debug, Serialize)]
pub struct Dashboard {
    pub generated_at: String,
    pub days: i64,
    pub project: Value,
    pub products: Vec<Value>,
    pub latest_completed_day: Date,
    pub groups: Vec<Group>,
    pub total_stars: Option<i64>,
    pub total_stars_sparkline: Vec<DayPoint>,
    pub last_30d_download_totals: IndexMap<String, Value>,
    pub monthly_download_snapshots: Vec<IndexMap<String, Value>>,
    pub duckdb_lance_extension_downloads: Vec<Value>,
    pub metric_rollups: Vec<Value>,
    /// Rollups there are; more than shown when it exceeds the length of `metric_rollups`.
    pub metric_rollups_total: usize,
    pub movers: Vec<Value>,
    pub recent_evidence: Vec<Value>,
    pub signal_candidates: Vec<Value>,
    pub signal_guidance: Vec<Value>,
    pub collection_gaps: Vec<CollectionGap>,
    pub annotations: Vec<Annotation>,
}

/// Sums of counted downloads per product over `[first, last]`, with the keys of §9.4.
pub fn window_totals(index: &Index, config: &Config, first: Date, last: Date) -> IndexMap<String, Value> {
    let mut totals = IndexMap::new();
    totals.insert("window_start".to_owned(), json!(first));
    totals.insert("window_end".to_owned(), json!(last));
    for product in &config.products {
        totals.insert(product.id.clone(), json!(0));
    }
    for metric in index.active("downloads") {
        let sum = downloads_between(index.rows(&metric.metric_id), first, last);
        let total = totals.entry(metric.product.clone()).or_insert(json!(0));
        *total = json!(total.as_i64().unwrap_or(0) + sum);
    }
    totals
}

/// Products that have an active metric, in configured order; those only the store knows come after.
fn shown_products(index: &Index, config: &Config) -> Vec<(String, String)> {
    let mut ids: Vec<String> = config.products.iter().map(|product| product.id.clone()).collect();
    for metric in index.metrics.iter().filter(|metric| metric.is_active) {
        if !ids.contains(&metric.product) {
            ids.push(metric.product.clone());
        }
    }
    ids.retain(|id| index.metrics.iter().any(|metric| metric.is_active && metric.product == *id));
    ids.into_iter()
        .map(|id| {
            let title = config
                .products
                .iter()
                .find(|p| p.id == id)
                .map_or_else(|| crate::config::titled(&id), |p| p.title.clone());
            (id, title)
        })
        .collect()
}

/// The whole dashboard, computed from the index: no request, no cached answer.
pub fn dashboard(index: &Index, config: &Config, days: i64, latest: Date, now: Timestamp) -> Dashboard {
    let derived = &index.derived;
    let stars: Vec<&MetricRows> = index.active("stars").map(|metric| index.rows(&metric.metric_id)).collect();
    let total_stars_sparkline = total_line(&stars, days);
    let total_stars = total_stars_sparkline.last().map(|point| point.value);
    let points: Vec<(&PackagesMetric, Vec<MonthPoint>)> = index
        .active("downloads")
        .map(|metric| (metric, month_points(index.rows(&metric.metric_id), latest, &config.months)))
        .collect();
    let by_id: std::collections::HashMap<&str, &Vec<MonthPoint>> =
        points.iter().map(|(metric, points)| (metric.metric_id.as_str(), points)).collect();
    let groups = shown_products(index, config)
        .into_iter()
        .map(|(product, title)| {
            let mut metrics: Vec<&PackagesMetric> =
                index.metrics.iter().filter(|metric| metric.is_active && metric.product == product).collect();
            metrics.sort_by_key(|m| (&m.metric_family, &m.display_name, &m.metric_id));
            let items = metrics
                .into_iter()
                .map(|metric| match by_id.get(metric.metric_id.as_str()) {
                    Some(months) => download_item(index, config, metric, months, days, latest),
                    None => star_item(index, metric, days, latest, total_stars),
                })
                .collect();
            Group { product, title, items }
        })
        .collect();
    // The table shows 730 days of months (spec §10.6), more only when more days are asked for.
    let shown: Vec<(&PackagesMetric, &[MonthPoint])> = points
        .iter()
        .map(|(metric, points)| (*metric, in_window(points, index.rows(&metric.metric_id), days.max(MAX_DAYS))))
        .collect();
    let (first, last, _, _) = window_days("30d", latest);
    Dashboard {
        generated_at: python_instant(now),
        days,
        project: json!({"title": config.project.title, "subtitle": config.project.subtitle}),
        products: config
            .products
            .iter()
            .map(|p| json!({"id": p.id, "title": p.title, "color": p.color, "subtitle": p.subtitle}))
            .collect(),
        latest_completed_day: latest,
        groups,
        total_stars,
        total_stars_sparkline,
        last_30d_download_totals: window_totals(index, config, first, last),
        monthly_download_snapshots: monthly_snapshots(config, &shown, latest),
        duckdb_lance_extension_downloads: derived.duckdb.iter().map(duckdb_month).collect(),
        metric_rollups: derived.shown_rollups.clone(),
        metric_rollups_total: derived.rollups.len(),
        movers: derived.movers.clone(),
        recent_evidence: shown_evidence(&derived.evidence),
        signal_candidates: shown_signals(&derived.signals),
        signal_guidance: shown_guidance(&derived.guidance, &derived.signals),
        collection_gaps: index.recent_gaps(latest),
        annotations: derived.annotations.clone(),
    }
}

/// The days of the month that is not over, when it has any.
fn running_month(rows: &MetricRows, config: &Config, latest: Date) -> Option<MonthPoint> {
    let end = latest.last_of_month();
    let sum = rows.months.last().filter(|sum| end > latest && sum.end == end && end >= config.months.daily_start)?;
    Some(MonthPoint {
        period_start: end,
        period_end: end,
        value: sum.value,
        days_present: sum.days,
        days_expected: i64::from(end.day()),
        synthetic: false,
        state: tallykeep_model::PointState::Provisional,
        was: sum.was,
    })
}

fn download_item(
    index: &Index,
    config: &Config,
    metric: &PackagesMetric,
    points: &[MonthPoint],
    days: i64,
    latest: Date,
) -> Item {
    let rows = index.rows(&metric.metric_id);
    let shown = in_window(points, rows, days).to_vec();
    let card = headline(points, latest);
    let running_month = running_month(rows, config, latest);
    Item {
        latest_value: card.map(|point| point.value),
        latest_period_end: card.map(|point| point.period_end),
        restated: shown.iter().filter(|point| point.was.is_some()).count(),
        running_month,
        ..item(metric, rows, latest, headline_coverage(points, latest), Sparkline::Months(shown))
    }
}

/// What every card has; it has no value yet.
fn item(metric: &PackagesMetric, rows: &MetricRows, latest: Date, coverage: Coverage, sparkline: Sparkline) -> Item {
    Item {
        metric_id: metric.metric_id.clone(),
        display_name: metric.display_name.clone(),
        metric_family: metric.metric_family.clone(),
        sdk: metric.sdk.clone(),
        subject: metric.subject.clone(),
        source: metric.source.clone(),
        latest_value: None,
        latest_period_end: None,
        latest_provenance: rows.newest().map(|row| row.provenance.to_string()),
        total_stars: None,
        coverage,
        stale_days: stale_days(rows, latest),
        restated: 0,
        sparkline,
        running_month: None,
    }
}

fn star_item(index: &Index, metric: &PackagesMetric, days: i64, latest: Date, total_stars: Option<i64>) -> Item {
    let rows = index.rows(&metric.metric_id);
    let line = daily_line(&rows.rows, days);
    let last = line.last().map(|point| (point.value, point.period_end));
    let known = rows.ending_in(before(latest, 29), latest).len();
    let coverage = Coverage { days_present: i64::try_from(known).unwrap_or(0), days_expected: 30 };
    Item {
        latest_value: last.map(|(value, _)| value),
        latest_period_end: last.map(|(_, end)| end),
        total_stars,
        restated: line.iter().filter(|point| point.was.is_some()).count(),
        ..item(metric, rows, latest, coverage, Sparkline::Days(line))
    }
}
