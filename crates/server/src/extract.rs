//! Query, path, JSON and form as our types; what cannot be read is an [`ApiError`] that names the field.

use axum::{
    body::Bytes,
    extract::{FromRequest, FromRequestParts, Request},
    http::{StatusCode, header, request::Parts},
};
use serde::de::DeserializeOwned;

use crate::error::ApiError;

/// Path parameters into a struct whose fields are named like the parameters; `{team}` may be left out. What cannot be
/// read is 404: such a path does not exist.
pub struct Path<T>(pub T);

/// Query parameters into a struct. Repeated keys need [`crate::extract::pairs`] instead.
pub struct Query<T>(pub T);

/// A JSON body. Errors: 415 for another type, 400 naming the field and where it broke.
pub struct Json<T>(pub T);

/// A form body (`application/x-www-form-urlencoded`).
pub struct Form<T>(pub T);

impl<S: Send + Sync, T: DeserializeOwned + Send> FromRequestParts<S> for Path<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, state: &S) -> Result<Self, ApiError> {
        match axum::extract::Path::<T>::from_request_parts(parts, state).await {
            Ok(path) => Ok(Self(path.0)),
            Err(_) => Err(ApiError::not_found("not found")),
        }
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequestParts<S> for Query<T> {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        from_urlencoded(parts.uri.query().unwrap_or("").as_bytes()).map(Self)
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Json<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let kind = content_type(&request);
        // A browser's script can send a body without a type to any site, unasked; what it sends as JSON it asks for first.
        let is_browser = [header::ORIGIN, header::HeaderName::from_static("sec-fetch-site")]
            .iter()
            .any(|name| request.headers().contains_key(name));
        if (!kind.is_empty() || is_browser) && kind != "application/json" && !kind.ends_with("+json") {
            return Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "the body must be `application/json`"));
        }
        let bytes = body(request, state).await?;
        let mut deserializer = serde_json::Deserializer::from_slice(&bytes);
        let value = serde_path_to_error::deserialize(&mut deserializer).map_err(field_error)?;
        deserializer.end().map_err(|error| ApiError::bad_request(format!("the body is not JSON: {error}")))?;
        Ok(Self(value))
    }
}

impl<S: Send + Sync, T: DeserializeOwned> FromRequest<S> for Form<T> {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        if content_type(&request) != "application/x-www-form-urlencoded" {
            return Err(ApiError::new(
                StatusCode::UNSUPPORTED_MEDIA_TYPE,
                "the body must be `application/x-www-form-urlencoded`",
            ));
        }
        from_urlencoded(&body(request, state).await?).map(Self)
    }
}

/// The pairs of a query or form in order, repeated keys kept.
pub fn pairs(text: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(text).into_owned().collect()
}

fn from_urlencoded<T: DeserializeOwned>(text: &[u8]) -> Result<T, ApiError> {
    let deserializer = serde_urlencoded::Deserializer::new(url::form_urlencoded::parse(text));
    serde_path_to_error::deserialize(deserializer).map_err(field_error)
}

/// The bytes of a body. Errors: 413 past the limit, 400 when it breaks off.
async fn body<S: Send + Sync>(request: Request, state: &S) -> Result<Bytes, ApiError> {
    Bytes::from_request(request, state)
        .await
        .map_err(|rejection| ApiError::new(rejection.status(), rejection.body_text()))
}

pub(crate) fn content_type(request: &Request) -> String {
    let value = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    value.split(';').next().unwrap_or("").trim().to_ascii_lowercase()
}

fn field_error<E: std::fmt::Display>(error: serde_path_to_error::Error<E>) -> ApiError {
    let field = error.path().to_string();
    let message = error.inner().to_string();
    if field == "." {
        // A missing field is reported for the whole: serde names it in backticks.
        return match message.strip_prefix("missing field `").and_then(|rest| rest.split_once('`')) {
            Some((name, _)) => ApiError::field(name, "this field is required"),
            None => ApiError::bad_request(message),
        };
    }
    ApiError { field: Some(field.clone()), ..ApiError::bad_request(format!("{field}: {message}")) }
}
