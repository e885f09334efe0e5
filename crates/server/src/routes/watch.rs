//! `/watch` and `GET /api/v1/watch`: series that left their usual band.

use axum::{Json, response::Response, routing::get};
use serde_json::{Value, json};
use tallykeep_access::Decision;
use utoipa_axum::routes;

use super::Route;
use crate::{
    app::extractors::{Reader, Visitor},
    error::ApiError,
    page::named_page,
};

pub fn routes() -> Vec<Route> {
    vec![Route::api(Decision::ReadTeam, routes!(get_watch)), Route::page("/watch", Decision::ReadTeam, get(watch_page))]
}

async fn watch_page(visitor: Visitor) -> Response {
    named_page(&visitor, "watch", "Watchdogs")
}

/// What watchdogs found, open ones first: each since when, what is usual, and what to check.
#[utoipa::path(get, path = "/api/v1/watch", tag = "server", responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_watch(reader: Reader) -> Result<Json<Value>, ApiError> {
    let mut alerts = reader.control().watch_alerts().await?;
    alerts.sort_by_key(|alert| alert.closed_at.is_some());
    Ok(Json(json!({"alerts": alerts})))
}
