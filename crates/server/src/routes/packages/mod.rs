//! Routes of the packages domain: the seed's API (spec/packages §9) and what the page needs beside it.

mod extra;
mod figures;
mod notes;
mod seed;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::civil::Date;
use serde_json::{Value, json};
use tallykeep_access::{Dashboard, Decision};
use tallykeep_packages::{Config, Index, Packages, Reader as PackagesReader, jobs::JobError};
use utoipa_axum::routes;

use super::Route;
use crate::{
    app::{
        App,
        extractors::{TeamAccess, Visitor},
    },
    error::ApiError,
    page::{PageRequest, page},
};

const READ: Decision = Decision::Read(Dashboard::Packages);
const WRITE: Decision = Decision::Write(Dashboard::Packages);

pub fn routes() -> Vec<Route> {
    let shared = [
        Route::api(READ, routes!(seed::get_health)),
        Route::api(READ, routes!(seed::get_definitions)),
        Route::api(READ, routes!(seed::get_series)),
        Route::api(READ, routes!(seed::get_dashboard)),
        Route::api(READ, routes!(seed::get_refresh_errors)),
    ];
    let own = [
        Route::api(READ, routes!(extra::get_coverage)),
        Route::api(READ, routes!(extra::get_points)),
        Route::api(READ, routes!(extra::get_window)),
        Route::api(READ, routes!(extra::get_rollups)),
        Route::api(READ, routes!(extra::get_revisions)),
        Route::api(READ, routes!(extra::get_report)),
        Route::api(READ, routes!(extra::get_comparison)),
        Route::api(READ, routes!(extra::get_alerts)),
        Route::api(READ, routes!(extra::get_export)),
        Route::api(READ, routes!(figures::get_figure)),
        Route::api(READ, routes!(notes::get_annotations)),
        Route::api(WRITE, routes!(notes::post_annotation)),
        Route::api(WRITE, routes!(notes::delete_annotation)),
        Route::api(READ, routes!(notes::get_evidence)),
        Route::api(WRITE, routes!(notes::post_evidence)),
        Route::api(WRITE, routes!(notes::delete_evidence)),
    ];
    let mut routes = vec![Route::page("/packages", READ, get(packages_page))];
    routes.extend(shared.into_iter().map(|route| route.shared_while_public().errors(detail)));
    routes.extend(own.into_iter().map(|route| route.errors(detail)));
    routes
}

async fn packages_page(visitor: Visitor) -> Response {
    page(&visitor, &PageRequest { title: "Packages".to_owned(), mount: String::new() })
}

/// `{"detail": "…"}`, as the seed writes errors.
fn detail(error: &ApiError) -> Value {
    let message = if error.status == StatusCode::UNAUTHORIZED { "Unauthorized" } else { &error.message };
    json!({"detail": message})
}

/// What handlers answer from: the team's index, its configuration, the reader that holds the store.
struct Asked {
    index: std::sync::Arc<Index>,
    config: Config,
    reader: PackagesReader,
    latest: Date,
}

async fn asked(app: &App, team: &TeamAccess) -> Result<Asked, ApiError> {
    let packages = app.service::<Packages>().map_err(ApiError::internal)?;
    let reader = packages.reader(team.control());
    let config = packages.config(reader.store()).await.map_err(failed)?;
    let index = reader.index().await?;
    Ok(Asked { index, config, reader, latest: tallykeep_packages::days::latest_completed_day(app.clock()) })
}

/// A job's error as an answer: arguments are the caller's fault.
fn failed(error: JobError) -> ApiError {
    match error {
        JobError::Usage(message) => {
            let field = message.split_once(':').map(|(field, _)| field.to_owned()).filter(|field| !field.contains(' '));
            ApiError { field, ..ApiError::bad_request(message) }
        }
        JobError::Control(error) => error.into(),
        other => ApiError::internal(other),
    }
}

fn csv_response(name: &str, text: String) -> Response {
    file_response(name, "text/csv; charset=utf-8", text.into_bytes())
}

fn file_response(name: &str, kind: &'static str, bytes: Vec<u8>) -> Response {
    let mut response = bytes.into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    // Names are our own words; what is no header value gets a plain name.
    let disposition = HeaderValue::from_str(&format!("attachment; filename=\"{name}\""))
        .unwrap_or(HeaderValue::from_static("attachment"));
    headers.insert(header::CONTENT_DISPOSITION, disposition);
    response
}

/// A day out of a query. Errors: 400 naming the parameter.
fn day(name: &str, text: &str) -> Result<Date, ApiError> {
    text.trim().parse().map_err(|_| ApiError::field(name, format!("Invalid {name}: expected YYYY-MM-DD")))
}
