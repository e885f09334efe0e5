//! `POST /api/stats` (seed 001) and `POST /api/stats-dashboard`: several named queries in one body.

use std::collections::HashMap;

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, StatusCode},
    response::Response,
};
use serde_json::{Map, Value};
use tallykeep_export::{self as export, Collection, DateStyle};
use tallykeep_repository::{
    cache,
    documents::Community,
    read::{Category, Params, Query, SeriesKind, Shape},
};

use super::{
    files::{Content, Format, Part, query_series, respond},
    repository, visible_community,
};
use crate::{
    app::{App, extractors::Reader},
    error::ApiError,
};

/// Queries by any name; the answer has the same names.
///
/// Body: `{"<any name>": {"stat": "<query>", "params": {…}}}`. Shape: `{"<any name>": documents or series}`.
/// Forms: JSON, also compressed; queries of data series as tables and XML, too (see `/api/stats-dashboard`).
/// Errors: 400 `{"message", "status"}` for unknown queries, parameters and communities, and where nothing was found.
#[utoipa::path(post, path = "/api/stats", tag = "repository", request_body = serde_json::Value,
               responses((status = 200, body = serde_json::Value), (status = 304, description = "`If-None-Match` has it"),
                         (status = 400, description = "`{message, status}`"), (status = 406, description = "The form cannot be given, with the reason")))]
pub async fn post_stats(
    State(app): State<App>,
    reader: Reader,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let requests = requests(&body, "the body must be a JSON object of queries")?;
    let mut named = Vec::new();
    for (name, request) in &requests {
        let stat = request
            .get("stat")
            .and_then(Value::as_str)
            .ok_or_else(|| ApiError::bad_request(format!("{name}: `stat` is missing")))?;
        let query = Query::find(stat).ok_or_else(|| ApiError::bad_request(format!("Unknown stat: {stat}")))?;
        named.push((name.as_str(), query, params(stat, request)?));
    }
    answer(&app, &reader, &headers, named, StatusCode::BAD_REQUEST).await
}

/// Data series by query name.
///
/// Body: `{"<query>": {"stat": "<query>", "params": {…}}}`; the key selects the query. Shape: `{"<query>": {category: {metric: [series]}}}`.
/// A request for whole categories of one whole year (January 1 to December 31) is answered from kept answers (`X-Cache: HIT`), which are served
/// only while they are true; others are put together. `as_known_on` gives the numbers as they stood at the end of an earlier day.
/// Forms, by `Accept`: `application/json`, `application/json+gzip`, `application/json+br`, `text/csv` and XLSX (`.tar.gz` of tables), `application/xml`.
/// Errors: 400 `{"error"}`; 404 for an unknown community, 403 or 401 for one that is not open to the caller.
#[utoipa::path(post, path = "/api/stats-dashboard", tag = "repository", request_body = serde_json::Value,
               responses((status = 200, body = serde_json::Value), (status = 304, description = "`If-None-Match` has it"),
                         (status = 400, description = "`{error}`"), (status = 406, description = "The form cannot be given, with the reason")))]
pub async fn post_stats_dashboard(
    State(app): State<App>,
    reader: Reader,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let requests = requests(&body, "No JSON data provided")?;
    let mut named = Vec::new();
    for (name, request) in &requests {
        let query = Query::find(name).ok_or_else(|| ApiError::bad_request(format!("Unknown query: {name}")))?;
        named.push((name.as_str(), query, params(name, request)?));
    }
    answer(&app, &reader, &headers, named, StatusCode::NOT_FOUND).await
}

fn requests(body: &[u8], empty: &str) -> Result<Map<String, Value>, ApiError> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(map)) if !map.is_empty() => Ok(map),
        _ => Err(ApiError::bad_request(empty)),
    }
}

fn params(query: &str, request: &Value) -> Result<Params, ApiError> {
    if let Some(unknown) = request.as_object().and_then(|o| o.keys().find(|k| *k != "stat" && *k != "params")) {
        return Err(ApiError::bad_request(format!("{query}: unknown key `{unknown}`")));
    }
    let value = request.get("params").unwrap_or(&Value::Null);
    Params::from_json(query, value).map_err(|error| ApiError::bad_request(error.to_string()))
}

async fn answer(
    app: &App,
    reader: &Reader,
    headers: &HeaderMap,
    named: Vec<(&str, Query, Params)>,
    unknown_community: StatusCode,
) -> Result<Response, ApiError> {
    let documents = named.iter().find(|(_, query, _)| series_kind(*query).is_none()).map(|one| one.0);
    let format = Format::negotiate(headers, documents)?;
    let repository = repository(app, reader)?;
    let today = app.clock().today();
    let (mut about, mut past) = (Vec::new(), true);
    for (_, query, params) in &named {
        let scope = params.community_id.as_deref().unwrap_or("global");
        about.push(visible_community(&repository, reader, scope, unknown_community).await?);
        past &= params.end.is_some_and(|end| end.year() < today.year()) && !matches!(query.shape, Shape::Combined);
    }
    let part = async |(name, query, params): &(&str, Query, Params)| {
        let name = (*name).to_owned();
        if let Some(kept) = repository.kept_answer(*query, params).await? {
            return Ok((Part { name, json: kept.body, digest: kept.digest, hit: kept.hit }, None));
        }
        let answer = repository.query(*query, params).await?;
        let digest = cache::digest(&answer.json);
        // What tables are made of is as large as the text; other forms do without.
        let categories = format.is_made_of_series().then_some(answer.categories);
        Ok::<_, ApiError>((Part { name, json: answer.json.into(), digest, hit: false }, categories))
    };
    let mut parts = Vec::new();
    let mut made: HashMap<String, Vec<Category>> = HashMap::new();
    for (part, categories) in futures::future::try_join_all(named.iter().map(part)).await? {
        made.extend(categories.map(|categories| (part.name.clone(), categories)));
        parts.push(part);
    }
    let community = one_community(about);
    let dates = if repository.settings().legacy_mmdd { DateStyle::LegacyMonthDay } else { DateStyle::Full };
    let generated_at = app.clock().now();
    let (public, team) = (reader.is_public(), reader.team().slug.as_str());
    let content = Content { team, parts, community: community.as_ref(), dates, past, public };
    let series = async || {
        let mut queries = Vec::new();
        for (name, query, params) in &named {
            let Some(kind) = series_kind(*query) else { continue };
            let categories = match made.remove(*name) {
                Some(categories) => categories,
                None => repository.query(*query, params).await?.categories,
            };
            queries.push(query_series(name, kind, categories));
        }
        Ok(Collection { queries, community: community.clone(), generated_at, dates })
    };
    respond(headers, format, content, series).await
}

/// What a query's series are; `None` when it answers with documents.
fn series_kind(query: Query) -> Option<SeriesKind> {
    match query.shape {
        Shape::Series(kind) | Shape::Category(kind, ..) => Some(kind),
        Shape::Documents(_) | Shape::Combined | Shape::Distinct => None,
    }
}

/// The community that all queries are about, if they are about one.
fn one_community(about: Vec<Option<Community>>) -> Option<export::Community> {
    let first = about.first().cloned().flatten()?;
    let same = about.iter().all(|one| one.as_ref().is_some_and(|c| c.id == first.id));
    same.then_some(export::Community { id: first.id, slug: first.slug, title: first.title })
}
