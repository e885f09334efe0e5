//! The documents of the API (spec/packages §9): definitions, series, dashboard, window totals, coverage.

use indexmap::IndexMap;
use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use serde_json::{Map, Value, json};
use tallykeep_control::{
    ControlError,
    packages::{Annotation, DuckdbMonth, EvidenceRow, GuidanceRow, PackagesMetric, PackagesStore},
};

use crate::{
    anomalies::CollectionGap,
    config::Config,
    cumulative::{DayPoint, daily_line, total_line},
    days::{before, javascript_instant, latest_completed_month, month_after, python_instant},
    index::{Index, MetricRows, Observation, Window},
    months::{Coverage, MonthPoint, find, headline, headline_coverage, in_window, month_points, stale_days},
    rollups::{Rollup, downloads_between, window_days},
    signals::identity,
};

pub const DEFAULT_DAYS: i64 = 180;
pub const MAX_DAYS: i64 = 730;

/// What derived tables hold, read once per document.
#[derive(Debug, Clone, Default)]
pub struct Derived {
    pub rollups: Vec<Value>,
    /// Of the rollups, what the dashboard shows, and the movers; sorted once per derivation.
    pub shown_rollups: Vec<Value>,
    pub movers: Vec<Value>,
    pub signals: Vec<Value>,
    pub guidance: Vec<GuidanceRow>,
    pub evidence: Vec<EvidenceRow>,
    pub duckdb: Vec<DuckdbMonth>,
    pub annotations: Vec<Annotation>,
}

impl Derived {
    pub async fn read(store: &PackagesStore) -> Result<Self, ControlError> {
        let rollups = store.rollups().await?;
        Ok(Self {
            shown_rollups: shown_rollups(&rollups),
            movers: movers(&rollups),
            rollups,
            signals: store.signals().await?,
            guidance: store.guidance().await?,
            evidence: store.evidence(Timestamp::MIN, 500).await?,
            duckdb: store.duckdb_months().await?,
            annotations: store.annotations().await?,
        })
    }
}

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
        metric_id: metric.metric_id.clone(),
        display_name: metric.display_name.clone(),
        metric_family: metric.metric_family.clone(),
        sdk: metric.sdk.clone(),
        subject: metric.subject.clone(),
        source: metric.source.clone(),
        latest_value: card.map(|point| point.value),
        latest_period_end: card.map(|point| point.period_end),
        latest_provenance: rows.newest().map(|row| row.provenance.to_string()),
        total_stars: None,
        coverage: headline_coverage(points, latest),
        stale_days: stale_days(rows, latest),
        restated: shown.iter().filter(|point| point.was.is_some()).count(),
        sparkline: Sparkline::Months(shown),
        running_month,
    }
}

fn star_item(index: &Index, metric: &PackagesMetric, days: i64, latest: Date, total_stars: Option<i64>) -> Item {
    let rows = index.rows(&metric.metric_id);
    let line = daily_line(&rows.rows, days);
    let last = line.last();
    let first = before(latest, 29);
    let known = rows.ending_in(first, latest).len();
    Item {
        metric_id: metric.metric_id.clone(),
        display_name: metric.display_name.clone(),
        metric_family: metric.metric_family.clone(),
        sdk: metric.sdk.clone(),
        subject: metric.subject.clone(),
        source: metric.source.clone(),
        latest_value: last.map(|point| point.value),
        latest_period_end: last.map(|point| point.period_end),
        latest_provenance: rows.newest().map(|row| row.provenance.to_string()),
        total_stars,
        coverage: Coverage { days_present: i64::try_from(known).unwrap_or(0), days_expected: 30 },
        stale_days: stale_days(rows, latest),
        restated: line.iter().filter(|point| point.was.is_some()).count(),
        sparkline: Sparkline::Days(line),
        running_month: None,
    }
}

/// Month totals by `<product>_<sdk>`, `<sdk>`, `<product>` and `total` (spec §10.6).
pub fn monthly_snapshots(
    config: &Config,
    points: &[(&PackagesMetric, &[MonthPoint])],
    latest: Date,
) -> Vec<IndexMap<String, Value>> {
    let Some(first) = points.iter().filter_map(|(_, p)| p.first()).map(|p| p.period_end).min() else {
        return Vec::new();
    };
    let name = |metric: &PackagesMetric| metric.sdk.clone().unwrap_or_else(|| metric.source.clone());
    let mut columns: Vec<(String, String)> = Vec::new();
    let mut products: Vec<String> = config.products.iter().map(|product| product.id.clone()).collect();
    let mut sdks: Vec<String> = Vec::new();
    for (metric, _) in points {
        let sdk = name(metric);
        if !columns.contains(&(metric.product.clone(), sdk.clone())) {
            columns.push((metric.product.clone(), sdk.clone()));
        }
        if !sdks.contains(&sdk) {
            sdks.push(sdk);
        }
        if !products.contains(&metric.product) {
            products.push(metric.product.clone());
        }
    }
    products.retain(|id| columns.iter().any(|(product, _)| product == id));
    // Where each metric's number goes: its column, SDK and product, by place.
    let places: Vec<(usize, usize, usize)> = points
        .iter()
        .map(|(metric, _)| {
            let sdk = name(metric);
            let column = columns.iter().position(|(product, name)| *product == metric.product && *name == sdk);
            let place = |list: &[String], text: &str| list.iter().position(|entry| entry == text).unwrap_or(0);
            (column.unwrap_or(0), place(&sdks, &sdk), place(&products, &metric.product))
        })
        .collect();
    let column_names: Vec<String> = columns.iter().map(|(product, sdk)| format!("{product}_{sdk}")).collect();
    let mut rows = Vec::new();
    let mut end = first;
    while end <= latest_completed_month(latest) {
        let (mut by_column, mut by_sdk, mut by_product) =
            (vec![None::<i64>; columns.len()], vec![0; sdks.len()], vec![0; products.len()]);
        let (mut total, mut present, mut expected, mut sources) = (0, 0, 0, 0);
        let (mut was, mut synthetic) = (None::<i64>, false);
        for ((_, points), (column, sdk, product)) in points.iter().zip(&places) {
            let Some(point) = find(points, end) else { continue };
            *by_column[*column].get_or_insert(0) += point.value;
            by_sdk[*sdk] += point.value;
            by_product[*product] += point.value;
            total += point.value;
            present += point.days_present;
            expected += point.days_expected;
            sources += 1;
            synthetic |= point.synthetic;
            if let Some(old) = point.was {
                *was.get_or_insert(0) += old - point.value;
            }
        }
        if sources > 0 {
            let mut row = IndexMap::with_capacity(columns.len() + sdks.len() + products.len() + 9);
            row.insert("period_end".to_owned(), json!(end));
            for (name, value) in column_names.iter().zip(&by_column) {
                row.insert(name.clone(), Value::from(value.unwrap_or(0)));
            }
            for (sdk, value) in sdks.iter().zip(by_sdk) {
                row.entry(sdk.clone()).or_insert(Value::from(value));
            }
            for (product, value) in products.iter().zip(by_product) {
                row.entry(product.clone()).or_insert(Value::from(value));
            }
            row.insert("total".to_owned(), json!(total));
            row.insert("days_present".to_owned(), json!(present));
            row.insert("days_expected".to_owned(), json!(expected));
            row.insert("metrics_present".to_owned(), json!(sources));
            row.insert("metrics_expected".to_owned(), json!(points.len()));
            if synthetic {
                row.insert("synthetic".to_owned(), json!(true));
            }
            let state = if present < expected || synthetic {
                "provisional"
            } else if was.is_some() {
                "restated"
            } else {
                "final"
            };
            row.insert("state".to_owned(), json!(state));
            if let Some(difference) = was {
                row.insert("was".to_owned(), json!(total + difference));
            }
            // Columns no metric had a point for are unknown, which the clients cannot read as null: they are named here.
            let missing: Vec<&String> = column_names
                .iter()
                .zip(&by_column)
                .filter(|(_, value)| value.is_none())
                .map(|(name, _)| name)
                .collect();
            row.insert("missing".to_owned(), json!(missing));
            rows.push(row);
        }
        end = month_after(end);
    }
    rows
}

pub fn duckdb_month(month: &DuckdbMonth) -> Value {
    json!({
        "month_start": month.month_start, "month_label": month.month_label, "core_downloads": month.core_downloads,
        "community_downloads": month.community_downloads, "total_downloads": month.total_downloads,
        "is_partial_month": month.is_partial_month,
        "latest_source_update_at": javascript_instant(month.latest_source_update_at),
        "weeks_present": month.weeks_present, "weeks_expected": month.weeks_expected, "extension": month.extension,
    })
}

fn window_place(window: &str) -> usize {
    crate::rollups::WINDOWS.iter().position(|w| *w == window).unwrap_or(usize::MAX)
}

/// By window, then by the size of the change; at most 80. The client cannot read nulls, so windows that cannot be known are left
/// out here; `/api/v1/packages/rollups` has every one.
fn shown_rollups(rollups: &[Value]) -> Vec<Value> {
    let mut shown: Vec<&Value> = rollups.iter().filter(|rollup| !rollup["percent_change"].is_null()).collect();
    shown.sort_by(|a, b| {
        let place = |r: &Value| window_place(r["window"].as_str().unwrap_or(""));
        let change = |r: &Value| r["percent_change"].as_f64().unwrap_or(0.0).abs();
        place(a).cmp(&place(b)).then(change(b).total_cmp(&change(a)))
    });
    shown.into_iter().take(80).cloned().collect()
}

/// Up to six 7-day download rollups by the size of the change, from all rollups.
fn movers(rollups: &[Value]) -> Vec<Value> {
    let mut movers: Vec<&Value> = rollups
        .iter()
        .filter(|r| r["window"] == "7d" && r["metric_family"] == "downloads" && !r["percent_change"].is_null())
        .collect();
    let change = |r: &Value| r["percent_change"].as_f64().unwrap_or(0.0).abs();
    movers.sort_by(|a, b| change(b).total_cmp(&change(a)));
    movers.into_iter().take(6).cloned().collect()
}

fn shown_evidence(evidence: &[EvidenceRow]) -> Vec<Value> {
    evidence
        .iter()
        .filter(|item| !matches!(item.source_type.as_str(), "hackernews" | "manual"))
        .take(8)
        .map(|item| item.document.clone())
        .collect()
}

fn shown_signals(signals: &[Value]) -> Vec<Value> {
    let mut shown: Vec<&Value> =
        signals.iter().filter(|signal| signal["signal_type"] != "social_mention_burst").collect();
    shown.sort_by(|a, b| b["score"].as_f64().unwrap_or(0.0).total_cmp(&a["score"].as_f64().unwrap_or(0.0)));
    shown.into_iter().take(8).cloned().collect()
}

/// Guidance of current signals, by id or identity, newest first, at most 20 per identity, without the raw answer.
fn shown_guidance(guidance: &[GuidanceRow], signals: &[Value]) -> Vec<Value> {
    let ids: Vec<&str> = signals.iter().filter_map(|signal| signal["signal_id"].as_str()).collect();
    let identities: Vec<String> = ids.iter().filter_map(|id| identity(id)).collect();
    let mut counts: IndexMap<String, usize> = IndexMap::new();
    let mut shown = Vec::new();
    for row in guidance {
        let key = identity(&row.signal_id);
        let current = ids.contains(&row.signal_id.as_str()) || key.as_ref().is_some_and(|key| identities.contains(key));
        let count = counts.entry(key.unwrap_or_else(|| row.signal_id.clone())).or_default();
        if !current || *count >= 20 {
            continue;
        }
        *count += 1;
        let mut document: Map<String, Value> = row.document.as_object().cloned().unwrap_or_default();
        document.remove("raw_response");
        let citations: Vec<Value> = document
            .get("citations")
            .and_then(Value::as_array)
            .map(|list| list.iter().filter(|c| c["source_id"].is_string() && c["fact"].is_string()).cloned().collect())
            .unwrap_or_default();
        document.insert("citations".to_owned(), Value::Array(citations));
        shown.push(Value::Object(document));
    }
    shown
}

/// Every rollup, whole (`GET /api/v1/packages/rollups`).
pub fn parsed_rollups(documents: &[Value]) -> Vec<Rollup> {
    documents.iter().filter_map(|document| serde_json::from_value(document.clone()).ok()).collect()
}
