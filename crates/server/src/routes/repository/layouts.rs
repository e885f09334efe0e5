//! Layouts of dashboards: reading, setting, resetting.

use axum::{Json, body::Bytes, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tallykeep_repository::layout::{LayoutError, LayoutScope, components};

use super::repository;
use crate::{
    app::{
        App,
        extractors::{Reader, TeamAccess, Writer},
    },
    error::ApiError,
    extract::Path,
};

#[derive(Deserialize)]
pub struct LayoutPath {
    scope: String,
}

/// The scope a path names, once the caller may know of it.
async fn scope(app: &App, access: &TeamAccess, name: &str) -> Result<LayoutScope, ApiError> {
    let scope = repository(app, access)?.layout_scope(name).await?;
    if let LayoutScope::Community(community) = &scope
        && community.restricted
    {
        access.require_restricted(&community.id).await?;
    }
    Ok(scope)
}

/// Which layouts were set and what a layout may name.
///
/// Shape: `{"layouts": [{scope, community, set_at, set_by}], "components": [name], "custom": [name]}`; `components` are all of
/// them, `custom` those that the configuration adds. For those who may change them.
#[utoipa::path(get, path = "/api/v1/repository/layouts", tag = "repository", responses((status = 200, body = serde_json::Value)))]
pub async fn get_layouts(State(app): State<App>, writer: Writer) -> Result<Json<Value>, ApiError> {
    let repository = repository(&app, &writer)?;
    let custom: Vec<&str> = repository.settings().custom_components.names().collect();
    let mut names = components();
    names.extend(custom.iter().map(|&name| name.to_owned()));
    Ok(Json(json!({"layouts": repository.set_layouts().await?, "components": names, "custom": custom})))
}

/// The layout a page is drawn with. `scope` is `global`, `communities`, or a community's id or slug.
///
/// Shape: `{scope, from, set_at, set_by, layout: {tabs}}`; `from` says which of the layouts it is.
#[utoipa::path(get, path = "/api/v1/repository/layouts/{scope}", tag = "repository", params(("scope" = String, Path)),
               responses((status = 200, body = serde_json::Value), (status = 404, description = "No such community")))]
pub async fn get_layout(
    State(app): State<App>,
    reader: Reader,
    Path(path): Path<LayoutPath>,
) -> Result<Json<Value>, ApiError> {
    let scope = scope(&app, &reader, &path.scope).await?;
    let shown = repository(&app, &reader)?.shown_layout(&scope).await?;
    serde_json::to_value(shown).map(Json).map_err(ApiError::internal)
}

/// Sets a layout: `{"tabs": […]}`. Errors: 422 with every problem, `{"error", "problems": [{path, reason}]}`; nothing is stored then.
#[utoipa::path(put, path = "/api/v1/repository/layouts/{scope}", tag = "repository", params(("scope" = String, Path)),
               request_body = serde_json::Value,
               responses((status = 200, body = serde_json::Value), (status = 422, description = "Every problem with its JSON path")))]
pub async fn put_layout(
    State(app): State<App>,
    writer: Writer,
    Path(path): Path<LayoutPath>,
    body: Bytes,
) -> Result<Json<Value>, ApiError> {
    let scope = scope(&app, &writer, &path.scope).await?;
    let value: Value = serde_json::from_slice(&body)
        .map_err(|error| ApiError::bad_request(format!("the body is not JSON: {error}")))?;
    let repository = repository(&app, &writer)?;
    match repository.set_layout(&scope, &value, writer.actor().name()).await {
        Ok(set) => Ok(Json(json!({ "set": set }))),
        Err(LayoutError::Problems(problems)) => {
            let first = problems.first().map(ToString::to_string).unwrap_or_default();
            let body = json!({"error": format!("the layout cannot be used: {first}"), "problems": problems});
            Err(ApiError::new(StatusCode::UNPROCESSABLE_ENTITY, first).body(body))
        }
        Err(LayoutError::Repository(error)) => Err(error.into()),
    }
}

/// Forgets a layout that was set, so that the next wider one holds. Shape: `{"was_set", "from"}`.
#[utoipa::path(delete, path = "/api/v1/repository/layouts/{scope}", tag = "repository", params(("scope" = String, Path)),
               responses((status = 200, body = serde_json::Value)))]
pub async fn delete_layout(
    State(app): State<App>,
    writer: Writer,
    Path(path): Path<LayoutPath>,
) -> Result<Json<Value>, ApiError> {
    let scope = scope(&app, &writer, &path.scope).await?;
    let repository = repository(&app, &writer)?;
    let was_set = repository.reset_layout(&scope).await?;
    Ok(Json(json!({"was_set": was_set, "from": repository.shown_layout(&scope).await?.from})))
}
