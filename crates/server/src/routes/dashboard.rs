//! The start page, the built assets, and the API's own description.

use axum::{
    Json,
    http::{HeaderMap, HeaderValue, StatusCode, Uri, header},
    response::{IntoResponse, Response},
    routing::get,
};
use tallykeep_access::Decision;
use utoipa_axum::routes;

use super::Route;
use crate::{
    app::extractors::Visitor,
    error::ApiError,
    page::{Built, PageRequest, html_response, page},
};

pub fn routes() -> Vec<Route> {
    vec![
        Route::page("/", Decision::ReadSome, get(start_page)),
        Route::api(Decision::Anyone { reason: "describes the API, holds no data" }, routes!(get_openapi)),
    ]
}

async fn start_page(visitor: Visitor) -> Response {
    page(&visitor, &PageRequest { title: "Tallykeep".to_owned(), mount: String::new() })
}

/// This API's description.
#[utoipa::path(get, path = "/api/v1/openapi.json", tag = "server", responses((status = 200, body = serde_json::Value)))]
async fn get_openapi() -> Json<utoipa::openapi::OpenApi> {
    Json(super::openapi())
}

/// Whatever no route answers: a built asset, else 404. Assets are the program's own and the same for everybody.
pub(crate) async fn asset_or_not_found(method: axum::http::Method, uri: Uri, headers: HeaderMap) -> Response {
    let path = uri.path().trim_start_matches('/');
    let is_hidden = path.split('/').any(|part| part.starts_with('.')) || path == "index.html";
    let file = if is_hidden || path.is_empty() { None } else { Built::get(path) };
    let Some(file) = file else {
        let wants_page =
            headers.get(header::ACCEPT).and_then(|v| v.to_str().ok()).is_some_and(|v| v.starts_with("text/html"));
        return if wants_page {
            html_response(StatusCode::NOT_FOUND, NOT_FOUND.to_owned())
        } else {
            ApiError::not_found("not found").into_response()
        };
    };
    if !method.is_safe() {
        let allow = [(header::ALLOW, HeaderValue::from_static("GET, HEAD"))];
        return (allow, ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "method not allowed")).into_response();
    }
    let tag = format!(
        "\"{}\"",
        file.metadata.sha256_hash().iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
    );
    // Vite puts a hash of the content into the names under assets/.
    let caching = if path.starts_with("assets/") { "public, max-age=31536000, immutable" } else { "no-cache" };
    let kind = mime_guess::from_path(path).first_or_octet_stream();
    let common = [
        (header::ETAG, HeaderValue::from_str(&tag).unwrap_or(HeaderValue::from_static("\"\""))),
        (header::CACHE_CONTROL, HeaderValue::from_static(caching)),
    ];
    if headers.get(header::IF_NONE_MATCH).and_then(|value| value.to_str().ok()) == Some(tag.as_str()) {
        return (StatusCode::NOT_MODIFIED, common).into_response();
    }
    let mut response = (common, file.data.into_owned()).into_response();
    if let Ok(kind) = HeaderValue::from_str(kind.as_ref()) {
        response.headers_mut().insert(header::CONTENT_TYPE, kind);
    }
    response
}

const NOT_FOUND: &str = r#"<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>Not found</title></head>
<body><main><h1>Not found</h1><p>There is no such page, or it is not yours to see. <a href="/">Start page</a></p></main></body></html>
"#;
