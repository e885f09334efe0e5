//! `POST /api/stats` (seed 001) and `POST /api/stats-dashboard`: several named queries in one body.

use axum::{
    body::Bytes,
    extract::State,
    http::{HeaderMap, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tallykeep_repository::read::{Params, Query, Shape};

use super::{repository, visible_community};
use crate::{
    app::{App, extractors::Reader},
    error::ApiError,
};

/// Queries by any name; the answer has the same names.
///
/// Body: `{"<any name>": {"stat": "<query>", "params": {…}}}`. Shape: `{"<any name>": documents or series}`.
/// Errors: 400 `{"message", "status"}` for unknown queries, parameters and communities, and where nothing was found.
#[utoipa::path(post, path = "/api/stats", tag = "repository", request_body = serde_json::Value,
               responses((status = 200, body = serde_json::Value), (status = 400, description = "`{message, status}`")))]
pub async fn post_stats(
    State(app): State<App>,
    reader: Reader,
    headers: HeaderMap,
    body: Bytes,
) -> Result<Response, ApiError> {
    let requests = requests(&body, "the body must be a JSON object of queries")?;
    let mut named = Vec::new();
    for (name, request) in &requests {
        let stat = request.get("stat").and_then(Value::as_str).ok_or_else(|| ApiError::bad_request(format!("{name}: `stat` is missing")))?;
        let query = Query::find(stat).ok_or_else(|| ApiError::bad_request(format!("Unknown stat: {stat}")))?;
        named.push((name.as_str(), query, params(stat, request)?));
    }
    answer(&app, &reader, &headers, named, StatusCode::BAD_REQUEST).await
}

/// Data series by query name.
///
/// Body: `{"<query>": {"stat": "<query>", "params": {…}}}`; the key selects the query. Shape: `{"<query>": {category: {metric: [series]}}}`.
/// Errors: 400 `{"error"}`; 404 for an unknown community, 403 or 401 for one that is not open to the caller.
#[utoipa::path(post, path = "/api/stats-dashboard", tag = "repository", request_body = serde_json::Value,
               responses((status = 200, body = serde_json::Value), (status = 400, description = "`{error}`")))]
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
    negotiate(headers)?;
    let repository = repository(app, reader)?;
    let today = app.clock().today();
    let (mut out, mut past) = (vec![b'{'], true);
    for (index, (name, query, params)) in named.into_iter().enumerate() {
        let scope = params.community_id.as_deref().unwrap_or("global");
        visible_community(&repository, reader, scope, unknown_community).await?;
        past &= params.end.is_some_and(|end| end.year() < today.year()) && !matches!(query.shape, Shape::Combined);
        let answer = repository.query(query, &params).await?;
        if index > 0 {
            out.push(b',');
        }
        serde_json::to_writer(&mut out, name).map_err(ApiError::internal)?;
        out.push(b':');
        out.extend_from_slice(&answer.json);
    }
    out.push(b'}');
    Ok(json_answer(headers, out, past, reader.is_public()))
}

/// JSON is what these routes speak.
fn negotiate(headers: &HeaderMap) -> Result<(), ApiError> {
    let Some(accept) = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()) else { return Ok(()) };
    let speaks = accept.split(',').map(|part| part.split(';').next().unwrap_or("").trim()).any(|kind| {
        matches!(kind, "" | "*/*" | "application/*" | "application/json")
    });
    if speaks {
        return Ok(());
    }
    Err(ApiError::new(StatusCode::NOT_ACCEPTABLE, format!("none of `{accept}` can be given; there is application/json")))
}

/// A JSON body with a strong tag; 304 when the caller has it. Past years may be kept for a day, the current one for an hour.
fn json_answer(headers: &HeaderMap, body: Vec<u8>, past: bool, public: bool) -> Response {
    let tag = format!("\"{}\"", Sha256::digest(&body)[..16].iter().map(|b| format!("{b:02x}")).collect::<String>());
    let age = if past { 86_400 } else { 3_600 };
    let control = format!("{}, max-age={age}", if public { "public" } else { "private" });
    let known = headers.get(header::IF_NONE_MATCH).and_then(|v| v.to_str().ok());
    let same = known.is_some_and(|list| list.split(',').any(|one| one.trim().trim_start_matches("W/") == tag || one.trim() == "*"));
    let mut response = if same {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        ([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))], body).into_response()
    };
    let own = response.headers_mut();
    for (name, value) in [(header::ETAG, tag), (header::CACHE_CONTROL, control)] {
        if let Ok(value) = HeaderValue::from_str(&value) {
            own.insert(name, value);
        }
    }
    own.append(header::VARY, HeaderValue::from_static("Accept"));
    response
}
