//! Every figure of the page as CSV: the same numbers, in the same order.

use axum::{extract::State, response::Response};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};
use tallykeep_packages::{
    dashboard::dashboard,
    gaps::{coverage, gap_rows},
    rollups::window_days,
    transfer::csv_of,
};

use super::{asked, csv_response, day, extra};
use crate::{
    app::{App, extractors::Reader},
    error::ApiError,
    extract::{Path, Query},
};

#[derive(Deserialize)]
pub(super) struct FigurePath {
    figure: String,
}

#[derive(Deserialize)]
pub(super) struct FigureQuery {
    days: Option<i64>,
    start: Option<String>,
    end: Option<String>,
}

/// Without lists and objects, which a cell cannot hold.
fn flat(rows: &[impl Serialize]) -> Vec<Value> {
    rows.iter()
        .filter_map(|row| serde_json::to_value(row).ok())
        .map(|row| match row {
            Value::Object(fields) => Value::Object(
                fields.into_iter().filter(|(_, v)| !v.is_array() && !v.is_object()).collect::<Map<_, _>>(),
            ),
            other => other,
        })
        .collect()
}

/// A figure as CSV: `monthly-download-snapshots`, `window`, `stars-total`, `duckdb`, `movers`, `signals`, `gaps`, `coverage`, or a
/// metric's id for its card.
#[utoipa::path(get, path = "/api/v1/packages/figures/{figure}", tag = "packages",
    params(("figure" = String, Path), ("days" = Option<i64>, Query), ("start" = Option<String>, Query), ("end" = Option<String>, Query)),
    responses((status = 200, body = String, content_type = "text/csv")))]
pub(super) async fn get_figure(
    State(app): State<App>,
    reader: Reader,
    Path(path): Path<FigurePath>,
    Query(query): Query<FigureQuery>,
) -> Result<Response, ApiError> {
    let asked = asked(&app, &reader).await?;
    let days = query.days.unwrap_or(730);
    if !(1..=20_000).contains(&days) {
        return Err(ApiError::field("days", "days must be from 1 to 20000"));
    }
    let figure = path.figure.trim_end_matches(".csv");
    let now = app.clock().now();
    let rows = match figure {
        "window" => {
            let (first, last, _, _) = window_days("30d", asked.latest);
            let start = query.start.as_deref().map_or(Ok(first), |text| day("start", text))?;
            let end = query.end.as_deref().map_or(Ok(last), |text| day("end", text))?;
            extra::window_rows(&asked, start.min(end).min(asked.latest), start.max(end).min(asked.latest))
        }
        "gaps" | "coverage" => {
            let document = coverage(asked.reader.store(), &asked.index, &asked.config, asked.latest, now).await?;
            if figure == "gaps" { gap_rows(&document) } else { flat(&document.metrics) }
        }
        "monthly-download-snapshots" | "stars-total" | "duckdb" | "movers" | "signals" => {
            let document = dashboard(&asked.index, &asked.config, days, asked.latest, now);
            match figure {
                "monthly-download-snapshots" => {
                    let mut rows = flat(&document.monthly_download_snapshots);
                    for row in &mut rows {
                        for (name, empty) in [("synthetic", json!(false)), ("was", Value::Null)] {
                            if let Some(fields) = row.as_object_mut() {
                                let value = fields.shift_remove(name).unwrap_or(empty);
                                fields.insert(name.to_owned(), value);
                            }
                        }
                    }
                    rows
                }
                "stars-total" => document
                    .total_stars_sparkline
                    .iter()
                    .map(|p| json!({"period_end": p.period_end, "value": p.value, "interpolated": p.interpolated}))
                    .collect(),
                "duckdb" => document.duckdb_lance_extension_downloads,
                "movers" => document.movers,
                _ => document.signal_candidates,
            }
        }
        metric => {
            let known = asked
                .index
                .metric(metric)
                .ok_or_else(|| ApiError::not_found(format!("there is no figure `{figure}`")))?;
            let granularity = if known.metric_family == "downloads" { "month" } else { "day" };
            extra::points(&asked, metric, granularity, days, None).await?
        }
    };
    Ok(csv_response(&format!("{}.csv", figure.replace(':', "-")), csv_of(&rows)))
}
