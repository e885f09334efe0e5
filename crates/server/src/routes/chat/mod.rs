//! Routes of chat (spec/chat §4, §7, §9): `/a/{team}/dashboard/…`.

mod charts;
mod cost_panel;
mod export;
mod form;
mod links;
mod live;
mod options;
mod presets;
mod searches;

use axum::{
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use jiff::tz::TimeZone;
use serde_json::{Value, json};
use tallykeep_access::{Dashboard, Decision};
use tallykeep_chat::{
    charts::Chart,
    filter::{FieldErrors, Params},
    service::{Chat, ChatError},
};
use utoipa_axum::routes;

use super::Route;
use crate::{
    app::{
        App,
        extractors::{TeamAccess, Visitor},
        identity::Actor,
    },
    error::ApiError,
    extract::pairs,
    page::{PageRequest, page},
};

const READ: Decision = Decision::Read(Dashboard::Chat);
const PERSONAL: Decision = Decision::Personal(Dashboard::Chat);
const WRITE: Decision = Decision::Write(Dashboard::Chat);

pub fn routes() -> Vec<Route> {
    let mut routes = vec![
        Route::page("/dashboard/", READ, get(chat_page)),
        Route::page("/chatbots/{id}/", READ, get(links::chatbot)),
        Route::page("/participants/{id}", READ, get(links::participant)),
        Route::page("/chatbots/sessions/", READ, get(links::sessions)),
        Route::api(READ, routes!(cost_panel::get_cost_tracking_panel)),
        Route::api(READ, routes!(options::get_filter_options)),
        Route::api(READ, routes!(options::get_snapshots)),
        Route::api(READ, routes!(options::get_version_comparison)),
        Route::api(PERSONAL, routes!(options::post_time_zone)),
        Route::api(READ, routes!(searches::get_searches)),
        Route::api(WRITE, routes!(searches::post_search)),
        Route::api(WRITE, routes!(searches::delete_search)),
        Route::api(PERSONAL, routes!(presets::get_presets)),
        Route::api(PERSONAL, routes!(presets::post_preset)),
        Route::api(PERSONAL, routes!(presets::load_preset)),
        Route::api(PERSONAL, routes!(presets::delete_preset)),
        Route::api(READ, routes!(export::post_export)),
        Route::api(READ, routes!(live::get_live)),
    ];
    routes.extend(charts::routes());
    routes.into_iter().map(|route| if route.is_page() { route } else { route.errors(chat_shape) }).collect()
}

async fn chat_page(visitor: Visitor) -> Response {
    page(&visitor, &PageRequest { title: "Chat".to_owned(), mount: String::new() })
}

/// `{"success": false, "errors": {field: [reason]}}` where a field is wrong, else `{"success": false, "error": sentence}`.
fn chat_shape(error: &ApiError) -> Value {
    match &error.field {
        Some(field) => json!({"success": false, "errors": {field: [error.message]}}),
        None => json!({"success": false, "error": error.message}),
    }
}

impl From<FieldErrors> for ApiError {
    fn from(errors: FieldErrors) -> Self {
        Self::bad_request(errors.to_string()).body(errors.body())
    }
}

impl From<ChatError> for ApiError {
    fn from(error: ChatError) -> Self {
        match error {
            ChatError::Fields(errors) => errors.into(),
            error => Self::internal(error),
        }
    }
}

fn params_of(uri: &Uri) -> Params {
    Params::from_pairs(pairs(uri.query().unwrap_or("").as_bytes()))
}

/// The zone of the asker: as saved, else the team's, else UTC.
async fn zone_of(chat: &Chat, reader: &TeamAccess) -> Result<TimeZone, ApiError> {
    Ok(chat.zone(reader.control(), &reader.actor().key()).await?)
}

/// Members, admins and tokens of the team see who people are; guests of an opened dashboard see pseudonyms.
fn sees_names(reader: &TeamAccess) -> bool {
    reader.role().is_some() || matches!(reader.actor(), Actor::Token { .. } | Actor::Local)
}

fn pseudonym(reader: &TeamAccess, participant: i64) -> String {
    reader.key().pseudonym(reader.team().slug.as_str(), "participant", &participant.to_string())
}

/// How many rows an answer shows, for the audit log.
fn rows_of(body: &Value) -> i64 {
    let rows = match body {
        Value::Array(rows) => rows.len(),
        Value::Object(fields) => fields.values().filter_map(Value::as_array).map(Vec::len).sum(),
        _ => 0,
    };
    i64::try_from(rows.max(1)).unwrap_or(i64::MAX)
}

/// A chart's answer with the headers that say where it came from. The read is written down without keeping the reader waiting.
async fn chart_response(app: App, reader: &TeamAccess, uri: &Uri, chart: Chart) -> Result<Response, ApiError> {
    let chat = app.service::<Chat>()?;
    let zone = zone_of(&chat, reader).await?;
    let answer = chat.answer(reader.control(), chart, &params_of(uri), &zone).await?;
    let mut body = answer.body;
    if !sees_names(reader) {
        tallykeep_chat::export::anonymise(&mut body, |id| pseudonym(reader, id));
    }
    let (by, filter_key, rows) = (reader.clone(), answer.filter_key, rows_of(&body));
    tokio::spawn(async move { by.record("chat.read", chart.as_str(), Some(&filter_key), Some(rows)).await });
    let mut headers = HeaderMap::new();
    headers.insert("x-cache", HeaderValue::from_static(if answer.hit { "hit" } else { "miss" }));
    headers.insert(header::AGE, HeaderValue::from(answer.age_seconds.max(0)));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    Ok((StatusCode::OK, headers, axum::Json(body)).into_response())
}
