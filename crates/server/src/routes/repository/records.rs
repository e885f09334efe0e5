//! `GET /api/records`: works by use, as the repository's own search lists them.

use axum::{Json, extract::State};
use serde::Deserialize;
use serde_json::Value;
use tallykeep_repository::records::WorkOrder;

use super::{repository, visible_community};
use crate::{
    app::{App, extractors::Reader},
    error::ApiError,
    extract::Query,
};

/// The parameters of the search the page asks. `q` holds dates in the browser's own words and `l` a list style: both are
/// accepted and have no effect on all-time figures.
#[derive(Debug, Deserialize, utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
pub struct RecordsParams {
    q: Option<String>,
    l: Option<String>,
    /// Page, from 1.
    p: Option<String>,
    /// Works per page, at most 100.
    s: Option<String>,
    size: Option<String>,
    /// `mostviewed`, `mostdownloaded` or `newest`.
    sort: Option<String>,
    /// Id or slug of a community.
    community: Option<String>,
}

/// Works, most viewed, most downloaded or newest first.
#[utoipa::path(get, path = "/api/records", tag = "repository", params(RecordsParams), responses((status = 200, body = serde_json::Value)))]
pub async fn get_records(
    State(app): State<App>,
    reader: Reader,
    Query(params): Query<RecordsParams>,
) -> Result<Json<Value>, ApiError> {
    tracing::trace!(q = ?params.q, l = ?params.l, "search terms have no effect on all-time lists");
    let repository = repository(&app, &reader)?;
    let name = params.community.as_deref().unwrap_or("global");
    let community = visible_community(&repository, &reader, name, axum::http::StatusCode::NOT_FOUND).await?;
    // Pages and sizes that are no numbers mean the first page of ten, never an error: the old search did the same.
    let number =
        |text: &Option<String>, default: usize| text.as_deref().and_then(|t| t.parse().ok()).unwrap_or(default);
    let size = number(if params.s.is_some() { &params.s } else { &params.size }, 10).clamp(1, 100);
    let order = WorkOrder::from_name(params.sort.as_deref().unwrap_or("newest"));
    let id = community.as_ref().map(|c| c.id.as_str());
    Ok(Json(repository.works(id, order, number(&params.p, 1).max(1), size).await?))
}
