//! What the page needs beside the seed's API: coverage, points with states, windows, revisions, report, comparison, export.

use axum::{
    Json,
    extract::State,
    response::{IntoResponse, Response},
};
use jiff::{Timestamp, civil::Date};
use serde::Deserialize;
use serde_json::{Value, json};
use tallykeep_packages::{
    Index,
    cumulative::daily_line,
    dashboard::{MAX_DAYS, line_rows},
    days::{after, before, days_between, latest_completed_month, midnight},
    gaps::coverage,
    index::Observation,
    months::month_points,
    report::{compare, monthly_report},
    rollups::{days_counted, downloads_between},
    transfer::{ExportFilter, ExportFormat, csv_of, export_stats},
};

use super::{Asked, asked, csv_response, day, failed, file_response};
use crate::{
    app::{App, extractors::Reader},
    error::ApiError,
    extract::{Path, Query},
};

/// Coverage, staleness, missing and pending days, last attempts, collection gaps.
#[utoipa::path(get, path = "/api/v1/packages/coverage", tag = "packages", responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_coverage(State(app): State<App>, reader: Reader) -> Result<Response, ApiError> {
    let asked = asked(&app, &reader).await?;
    let document = coverage(asked.reader.store(), &asked.index, &asked.config, asked.latest, app.clock().now()).await?;
    Ok(Json(document).into_response())
}

#[derive(Deserialize)]
pub(super) struct MetricPath {
    metric_id: String,
}

#[derive(Deserialize)]
pub(super) struct PointsQuery {
    granularity: Option<String>,
    days: Option<i64>,
    as_known_on: Option<String>,
    format: Option<String>,
}

/// Points of a metric with state and old value, by day or month; also as they were known on a day, also as CSV.
#[utoipa::path(get, path = "/api/v1/packages/points/{metric_id}", tag = "packages",
    params(("metric_id" = String, Path), ("granularity" = Option<String>, Query), ("days" = Option<i64>, Query), ("as_known_on" = Option<String>, Query), ("format" = Option<String>, Query)),
    responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_points(
    State(app): State<App>,
    reader: Reader,
    Path(path): Path<MetricPath>,
    Query(query): Query<PointsQuery>,
) -> Result<Response, ApiError> {
    let asked = asked(&app, &reader).await?;
    let days = query.days.unwrap_or(MAX_DAYS);
    if !(1..=20_000).contains(&days) {
        return Err(ApiError::field("days", "days must be from 1 to 20000"));
    }
    let points = points(
        &asked,
        &path.metric_id,
        query.granularity.as_deref().unwrap_or("day"),
        days,
        query.as_known_on.as_deref(),
    )
    .await?;
    if query.format.as_deref() == Some("csv") {
        return Ok(csv_response(&format!("{}.csv", path.metric_id.replace(':', "-")), csv_of(&points)));
    }
    Ok(Json(json!({"metric_id": path.metric_id, "days": days, "as_known_on": query.as_known_on, "points": points}))
        .into_response())
}

/// The points as JSON objects; also used for CSV.
pub(super) async fn points(
    asked: &Asked,
    metric_id: &str,
    granularity: &str,
    days: i64,
    known: Option<&str>,
) -> Result<Vec<Value>, ApiError> {
    let metric =
        asked.index.metric(metric_id).ok_or_else(|| ApiError::not_found(format!("Unknown metric_id: {metric_id}")))?;
    let at: Option<Timestamp> = match known {
        None => None,
        Some(text) => Some(match text.parse::<Date>() {
            Ok(on) => midnight(after(on, 1)),
            Err(_) => text
                .parse()
                .map_err(|_| ApiError::field("as_known_on", "as_known_on must be a day or an instant with a zone"))?,
        }),
    };
    let index = match at {
        None => (*asked.index).clone(),
        Some(at) => {
            let rows = asked.reader.store().stats_as_known(metric_id, at).await?;
            Index::of(vec![metric.clone()], [(metric_id.to_owned(), rows.iter().map(Observation::from).collect())])
        }
    };
    let rows = index.rows(metric_id);
    let values = match granularity {
        "month" if metric.metric_family == "downloads" => {
            let all = month_points(rows, asked.latest.last_of_month(), &asked.config.months);
            let from = before(asked.latest, days - 1).first_of_month();
            all.iter().filter(|p| p.period_end >= from).map(serde_json::to_value).collect::<Result<Vec<_>, _>>()
        }
        "day" => {
            let mut line = daily_line(&line_rows(metric, rows), days);
            if metric.metric_family == "downloads" {
                // A day without a count is missing here, not a value on a line.
                line.retain(|point| !point.interpolated);
            }
            line.iter().map(serde_json::to_value).collect()
        }
        _ => return Err(ApiError::field("granularity", "granularity must be day, or month for downloads")),
    };
    let mut values = values.map_err(ApiError::internal)?;
    for value in &mut values {
        // One set of columns for all rows, so that a CSV has them too.
        for (name, empty) in [("was", Value::Null), ("interpolated", json!(false)), ("synthetic", json!(false))] {
            if let Some(fields) = value.as_object_mut() {
                fields.entry(name).or_insert(empty);
            }
        }
    }
    Ok(values)
}

#[derive(Deserialize)]
pub(super) struct WindowQuery {
    start: String,
    end: String,
    format: Option<String>,
}

/// Rows of a window: sums per product and metric, the window before, and the days that have a count.
pub(super) fn window_rows(asked: &Asked, start: Date, end: Date) -> Vec<Value> {
    let length = days_between(start, end) + 1;
    let (before_start, before_end) = (before(start, length), before(start, 1));
    let mut rows = Vec::new();
    let mut totals = [0_i64; 4];
    for product in &asked.config.products {
        let metrics: Vec<_> = asked.index.active("downloads").filter(|m| m.product == product.id).collect();
        if metrics.is_empty() {
            continue;
        }
        let mut sums = [0_i64; 4];
        for metric in &metrics {
            let counted = asked.index.rows(&metric.metric_id);
            sums[0] += downloads_between(counted, start, end);
            sums[1] += downloads_between(counted, before_start, before_end);
            sums[2] += days_counted(counted, start, end);
            sums[3] += length;
        }
        for (total, sum) in totals.iter_mut().zip(sums) {
            *total += sum;
        }
        rows.push(json!({"product": product.id, "title": product.title, "window": sums[0], "window_before": sums[1], "days_present": sums[2], "days_expected": sums[3]}));
    }
    rows.push(json!({"product": "total", "title": "Total", "window": totals[0], "window_before": totals[1], "days_present": totals[2], "days_expected": totals[3]}));
    rows
}

/// Downloads in a window per product, with the window before it and its coverage.
#[utoipa::path(get, path = "/api/v1/packages/window", tag = "packages",
    params(("start" = String, Query), ("end" = String, Query), ("format" = Option<String>, Query)), responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_window(
    State(app): State<App>,
    reader: Reader,
    Query(query): Query<WindowQuery>,
) -> Result<Response, ApiError> {
    let (start, end) = (day("start", &query.start)?, day("end", &query.end)?);
    let asked = asked(&app, &reader).await?;
    let (start, end) = (start.min(end).min(asked.latest), start.max(end).min(asked.latest));
    let rows = window_rows(&asked, start, end);
    if query.format.as_deref() == Some("csv") {
        return Ok(csv_response(&format!("downloads-{start}-{end}.csv"), csv_of(&rows)));
    }
    Ok(Json(json!({"start": start, "end": end, "rows": rows})).into_response())
}

/// Every rollup, whole.
#[utoipa::path(get, path = "/api/v1/packages/rollups", tag = "packages", responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_rollups(State(app): State<App>, reader: Reader) -> Result<Json<Value>, ApiError> {
    let asked = asked(&app, &reader).await?;
    Ok(Json(json!({"count": asked.index.derived.rollups.len(), "rollups": asked.index.derived.rollups})))
}

#[derive(Deserialize)]
pub(super) struct RevisionsQuery {
    metric_id: Option<String>,
    limit: Option<i64>,
}

/// The revision log: what was replaced, by what, when, in which run.
#[utoipa::path(get, path = "/api/v1/packages/revisions", tag = "packages", params(("metric_id" = Option<String>, Query), ("limit" = Option<i64>, Query)), responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_revisions(
    State(app): State<App>,
    reader: Reader,
    Query(query): Query<RevisionsQuery>,
) -> Result<Json<Value>, ApiError> {
    let asked = asked(&app, &reader).await?;
    let limit = query.limit.unwrap_or(500);
    if !(1..=10_000).contains(&limit) {
        return Err(ApiError::field("limit", "limit must be from 1 to 10000"));
    }
    let revisions = asked.reader.store().revisions(query.metric_id.as_deref(), limit).await?;
    let total = asked.reader.store().revision_count().await?;
    Ok(Json(json!({"total": total, "revisions": revisions})))
}

#[derive(Deserialize)]
pub(super) struct ReportQuery {
    month: Option<String>,
    format: Option<String>,
}

/// The monthly report; `format` json, csv or html.
#[utoipa::path(get, path = "/api/v1/packages/report", tag = "packages", params(("month" = Option<String>, Query), ("format" = Option<String>, Query)), responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_report(
    State(app): State<App>,
    reader: Reader,
    Query(query): Query<ReportQuery>,
) -> Result<Response, ApiError> {
    let asked = asked(&app, &reader).await?;
    let month = match &query.month {
        None => latest_completed_month(asked.latest),
        Some(text) => format!("{text}-01")
            .parse::<Date>()
            .map(Date::last_of_month)
            .map_err(|_| ApiError::field("month", "month must be YYYY-MM"))?,
    };
    let report = monthly_report(&asked.index, &asked.config, month, asked.latest);
    let name = format!("packages-{}", month.strftime("%Y-%m"));
    Ok(match query.format.as_deref() {
        Some("csv") => csv_response(&format!("{name}.csv"), report.to_csv()),
        Some("html") => {
            file_response(&format!("{name}.html"), "text/html; charset=utf-8", report.to_html().into_bytes())
        }
        None | Some("json") => Json(report).into_response(),
        Some(_) => return Err(ApiError::field("format", "format must be json, csv or html")),
    })
}

#[derive(Deserialize)]
pub(super) struct CompareQuery {
    on: String,
    days: Option<i64>,
}

/// Average downloads a day before and after a day, per metric.
#[utoipa::path(get, path = "/api/v1/packages/compare", tag = "packages", params(("on" = String, Query), ("days" = Option<i64>, Query)), responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_comparison(
    State(app): State<App>,
    reader: Reader,
    Query(query): Query<CompareQuery>,
) -> Result<Json<Value>, ApiError> {
    let on = day("on", &query.on)?;
    let days = query.days.unwrap_or(28);
    if !(1..=366).contains(&days) {
        return Err(ApiError::field("days", "days must be from 1 to 366"));
    }
    let asked = asked(&app, &reader).await?;
    let list: Vec<_> =
        asked.index.active("downloads").map(|metric| compare(&asked.index, metric, on, days, asked.latest)).collect();
    Ok(Json(json!({"on": on, "days": days, "comparisons": list})))
}

/// Alerts, open ones first.
#[utoipa::path(get, path = "/api/v1/packages/alerts", tag = "packages", responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_alerts(State(app): State<App>, reader: Reader) -> Result<Json<Value>, ApiError> {
    let asked = asked(&app, &reader).await?;
    let mut alerts = asked.reader.store().alerts().await?;
    alerts.sort_by_key(|alert| alert.closed_at.is_some());
    for alert in &mut alerts {
        // A server's words name servers and people; `tallykeep packages alerts` tells them to the operator.
        alert.send_error = alert.send_error.take().map(|_| "could not be sent to every receiver".to_owned());
    }
    Ok(Json(json!({"alerts": alerts})))
}

#[derive(Deserialize)]
pub(super) struct ExportQuery {
    format: Option<String>,
    metric_id: Option<String>,
}

/// Stored rows as JSON lines, CSV or Parquet.
#[utoipa::path(get, path = "/api/v1/packages/export", tag = "packages", params(("format" = Option<String>, Query), ("metric_id" = Option<String>, Query)), responses((status = 200, body = Vec<u8>)))]
pub(super) async fn get_export(
    State(app): State<App>,
    reader: Reader,
    Query(query): Query<ExportQuery>,
) -> Result<Response, ApiError> {
    let (format, name, kind) = match query.format.as_deref() {
        None | Some("csv") => (ExportFormat::Csv, "stats.csv", "text/csv; charset=utf-8"),
        Some("jsonl") => (ExportFormat::JsonLines, "stats.jsonl", "application/x-ndjson"),
        Some("parquet") => (ExportFormat::Parquet, "stats.parquet", "application/vnd.apache.parquet"),
        Some(_) => return Err(ApiError::field("format", "format must be csv, jsonl or parquet")),
    };
    let asked = asked(&app, &reader).await?;
    let filter = ExportFilter { metrics: query.metric_id.into_iter().collect(), ..ExportFilter::default() };
    let mut bytes = Vec::new();
    export_stats(asked.reader.store(), &filter, format, &mut bytes).await.map_err(|error| match error {
        tallykeep_packages::transfer::TransferError::Usage(_) => {
            ApiError::not_found("nothing is stored for this metric")
        }
        tallykeep_packages::transfer::TransferError::Job(error) => failed(error),
        other => ApiError::internal(other),
    })?;
    Ok(file_response(name, kind, bytes))
}
