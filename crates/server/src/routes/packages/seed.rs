//! The seed's own API, exactly (spec/packages §9).

use axum::{
    Json,
    extract::{RawQuery, State},
    http::StatusCode,
};
use indexmap::IndexMap;
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use tallykeep_control::packages::RunStatus;
use tallykeep_packages::{
    dashboard::{DEFAULT_DAYS, Dashboard, MAX_DAYS, SeriesDocument, dashboard, definitions, series, window_totals},
    days::{after, before, midnight, python_instant},
};

use super::{asked, failed};
use crate::{
    app::{App, extractors::Reader},
    error::ApiError,
    extract::{Path, pairs},
};

#[derive(Deserialize)]
pub(super) struct MetricPath {
    metric_id: String,
}

/// One value of a query; the last of several counts.
fn parameter(query: &Option<String>, name: &str) -> Option<String> {
    pairs(query.as_deref().unwrap_or("").as_bytes())
        .into_iter()
        .rev()
        .find(|(key, _)| key == name)
        .map(|(_, value)| value)
}

/// 422 the way the seed's framework words it.
fn unprocessable(kind: &str, name: &str, message: &str, input: &Value, ctx: Option<Value>) -> ApiError {
    let mut entry = json!({"type": kind, "loc": ["query", name], "msg": message, "input": input});
    if let Some(ctx) = ctx {
        entry["ctx"] = ctx;
    }
    ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, message).body(json!({"detail": [entry]}))
}

fn whole(query: &Option<String>, name: &str, default: i64, least: i64, most: i64) -> Result<i64, ApiError> {
    let Some(text) = parameter(query, name) else { return Ok(default) };
    let input = json!(text);
    let Ok(number) = text.trim().parse::<i64>() else {
        let message = "Input should be a valid integer, unable to parse string as an integer";
        return Err(unprocessable("int_parsing", name, message, &input, None));
    };
    if number < least {
        let message = format!("Input should be greater than or equal to {least}");
        return Err(unprocessable("greater_than_equal", name, &message, &input, Some(json!({"ge": least}))));
    }
    if number > most {
        let message = format!("Input should be less than or equal to {most}");
        return Err(unprocessable("less_than_equal", name, &message, &input, Some(json!({"le": most}))));
    }
    Ok(number)
}

/// Whether the API answers; with `verbose=1` the newest success of each job and how old it is.
#[utoipa::path(get, path = "/api/v1/health", tag = "packages", params(("verbose" = Option<String>, Query)), responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_health(
    State(app): State<App>,
    reader: Reader,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    if !parameter(&query, "verbose").is_some_and(|value| !matches!(value.as_str(), "" | "0" | "false")) {
        return Ok(Json(json!({"status": "ok"})));
    }
    let asked = asked(&app, &reader).await?;
    let now = app.clock().now();
    let store = asked.reader.store();
    let mut jobs = IndexMap::new();
    for run in store.latest_runs(&[RunStatus::Success]).await? {
        let finished = run.finished_at.unwrap_or(run.started_at);
        let hours = now.duration_since(finished).as_hours();
        jobs.insert(run.job_name, json!({"newest_success": python_instant(finished), "age_hours": hours, "stale": hours >= asked.config.schedule.stale_hours}));
    }
    let newest = tallykeep_packages::jobs::newest_success(store).await?;
    let stale = newest
        .and_then(|run| run.finished_at)
        .is_none_or(|at| now.duration_since(at).as_hours() >= asked.config.schedule.stale_hours);
    Ok(Json(
        json!({"status": "ok", "store": "reachable", "stale": stale, "latest_completed_day": asked.latest, "jobs": jobs}),
    ))
}

/// Every metric that is counted.
#[utoipa::path(get, path = "/api/v1/definitions", tag = "packages", responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_definitions(State(app): State<App>, reader: Reader) -> Result<Json<Vec<Value>>, ApiError> {
    Ok(Json(definitions(&asked(&app, &reader).await?.index)))
}

/// One metric, a point per day, gaps interpolated and marked.
#[utoipa::path(get, path = "/api/v1/series/{metric_id}", tag = "packages", params(("metric_id" = String, Path), ("days" = Option<i64>, Query)), responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_series(
    State(app): State<App>,
    reader: Reader,
    Path(path): Path<MetricPath>,
    RawQuery(query): RawQuery,
) -> Result<Json<SeriesDocument>, ApiError> {
    let days = whole(&query, "days", DEFAULT_DAYS, 1, MAX_DAYS)?;
    let asked = asked(&app, &reader).await?;
    series(&asked.index, &path.metric_id, days)
        .map(Json)
        .ok_or_else(|| ApiError::not_found(format!("Unknown metric_id: {}", path.metric_id)))
}

#[derive(serde::Serialize)]
#[serde(untagged)]
pub(super) enum DashboardAnswer {
    Whole(Box<Dashboard>),
    Totals(IndexMap<String, Value>),
}

/// The dashboard, or with `response=download_window_totals` the sums of a window.
#[utoipa::path(get, path = "/api/v1/dashboard/daily", tag = "packages",
    params(("days" = Option<i64>, Query), ("response" = Option<String>, Query), ("window_start" = Option<String>, Query), ("window_end" = Option<String>, Query)),
    responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_dashboard(
    State(app): State<App>,
    reader: Reader,
    RawQuery(query): RawQuery,
) -> Result<Json<DashboardAnswer>, ApiError> {
    if parameter(&query, "response").as_deref() == Some("download_window_totals") {
        let filled = |name| parameter(&query, name).filter(|text| !text.trim().is_empty());
        let (Some(start), Some(end)) = (filled("window_start"), filled("window_end")) else {
            return Err(ApiError::bad_request("Missing required query params: window_start and window_end"));
        };
        let (start, end) = (window_day("window_start", &start)?, window_day("window_end", &end)?);
        let asked = asked(&app, &reader).await?;
        let earliest = before(asked.latest, MAX_DAYS - 1);
        let clamp = |day: Date| day.clamp(earliest, asked.latest);
        let (start, end) = (clamp(start.min(end)), clamp(start.max(end)));
        return Ok(Json(DashboardAnswer::Totals(window_totals(&asked.index, &asked.config, start, end))));
    }
    let days = whole(&query, "days", DEFAULT_DAYS, 1, MAX_DAYS)?;
    let asked = asked(&app, &reader).await?;
    Ok(Json(DashboardAnswer::Whole(Box::new(dashboard(
        &asked.index,
        &asked.config,
        days,
        asked.latest,
        app.clock().now(),
    )))))
}

/// Malformed and impossible days are told apart.
fn window_day(name: &str, text: &str) -> Result<Date, ApiError> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(n, b)| if n == 4 || n == 7 { *b == b'-' } else { b.is_ascii_digit() });
    if !shaped {
        return Err(ApiError::field(name, format!("Invalid {name}: expected YYYY-MM-DD")));
    }
    text.parse().map_err(|_| ApiError::field(name, format!("Invalid {name}: {text}")))
}

/// Runs that had errors, newest first.
#[utoipa::path(get, path = "/api/v1/history/refresh-errors", tag = "packages",
    params(("start_date" = String, Query), ("end_date" = String, Query), ("limit" = Option<i64>, Query)),
    responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_refresh_errors(
    State(app): State<App>,
    reader: Reader,
    RawQuery(query): RawQuery,
) -> Result<Json<Value>, ApiError> {
    let required = |name: &str| {
        parameter(&query, name).ok_or_else(|| unprocessable("missing", name, "Field required", &Value::Null, None))
    };
    let (start, end) = (required("start_date")?, required("end_date")?);
    let limit = whole(&query, "limit", 500, 1, 5000)?;
    let parsed = |text: &str| {
        let text = text.trim().trim_matches('"').trim();
        text.parse::<Date>().ok().filter(|_| text.len() == 10)
    };
    let (Some(start), Some(end)) = (parsed(&start), parsed(&end)) else {
        return Err(ApiError::bad_request("start_date/end_date must be YYYY-MM-DD"));
    };
    if end < start {
        return Err(ApiError::bad_request("end_date must be on or after start_date"));
    }
    let packages = app.service::<tallykeep_packages::Packages>().map_err(ApiError::internal)?;
    let store = packages.reader(reader.control()).store().clone();
    let runs = store
        .history_between(midnight(start), midnight(after(end, 1)), true, limit)
        .await
        .map_err(|error| failed(error.into()))?;
    let errors: Vec<Value> = runs
        .iter()
        .map(|run| {
            json!({"ingestion_run_id": run.ingestion_run_id, "job_name": run.job_name, "status": run.status,
                "started_at": python_instant(run.started_at), "finished_at": run.finished_at.map(python_instant),
                "error_summary": run.error_summary})
        })
        .collect();
    Ok(Json(json!({"start_date": start, "end_date": end, "count": errors.len(), "errors": errors})))
}
