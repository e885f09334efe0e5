//! Routes of the repository domain (spec/invenio §8).

mod accept;
mod files;
mod layouts;
mod overview;
mod pages;
mod records;
mod stats;
mod switch;

pub use files::query_series;

use axum::{http::StatusCode, routing::get};
use serde_json::{Value, json};
use tallykeep_access::{Dashboard, Decision};
use tallykeep_repository::{RepositoryError, TeamRepository, documents::Community};
use utoipa_axum::routes;

use super::Route;
use crate::{
    app::{App, extractors::TeamAccess},
    error::ApiError,
};

pub fn routes() -> Vec<Route> {
    let read = Decision::Read(Dashboard::Repository);
    let write = Decision::Write(Dashboard::Repository);
    vec![
        Route::api(read, routes!(stats::post_stats)).errors(message_shape),
        Route::api(read, routes!(stats::post_stats_dashboard)).errors(error_shape),
        Route::api(read, routes!(records::get_records)),
        Route::api(write, routes!(switch::put_dashboard_switch)),
        Route::api(write, routes!(layouts::get_layouts)),
        Route::api(read, routes!(layouts::get_layout)),
        Route::api(write, routes!(layouts::put_layout)),
        Route::api(write, routes!(layouts::delete_layout)),
        Route::api(Decision::ReadSome, routes!(overview::get_overview)),
        Route::page("/stats", read, get(pages::global_page)),
        Route::page("/communities/{id}/stats", read, get(pages::community_page)),
        Route::page("/stats/layout", write, get(pages::global_layout_page)),
        Route::page("/communities/{id}/stats/layout", write, get(pages::community_layout_page)),
    ]
}

/// `/api/stats` (seed 001): `{"message", "status"}`.
fn message_shape(error: &ApiError) -> Value {
    json!({"message": error.message, "status": error.status.as_u16()})
}

/// `/api/stats-dashboard`: `{"error"}`.
fn error_shape(error: &ApiError) -> Value {
    json!({ "error": error.message })
}

impl From<RepositoryError> for ApiError {
    fn from(error: RepositoryError) -> Self {
        match &error {
            RepositoryError::UnknownCommunity(_) => Self::not_found(error.to_string()),
            RepositoryError::NoResults { .. } | RepositoryError::BadRequest(_) => Self::bad_request(error.to_string()),
            _ => Self::internal(error),
        }
    }
}

/// The domain of the caller's team.
fn repository(app: &App, access: &TeamAccess) -> Result<TeamRepository, ApiError> {
    let service = app.service::<tallykeep_repository::Repository>().map_err(ApiError::internal)?;
    Ok(service.of(access.control().clone()))
}

/// The community a request is about, once its visibility was checked; `None` is the whole repository.
async fn visible_community(
    repository: &TeamRepository,
    access: &TeamAccess,
    name: &str,
    unknown: StatusCode,
) -> Result<Option<Community>, ApiError> {
    match repository.community(name).await {
        Ok(Some(community)) => {
            if community.restricted {
                access.require_restricted(&community.id).await?;
            }
            Ok(Some(community))
        }
        Ok(None) => Ok(None),
        Err(error @ RepositoryError::UnknownCommunity(_)) => Err(ApiError::from(error).status(unknown)),
        Err(error) => Err(error.into()),
    }
}
