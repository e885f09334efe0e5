//! What a handler answers when it cannot. One place turns it into a status and a body, and logs it once.

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value, json};
use tallykeep_access::Refusal;
use tallykeep_control::ControlError;

use crate::app::MissingService;

/// An answer that is not the one asked for: a status, a sentence, and where it helps the field it is about.
#[derive(Debug, Clone)]
pub struct ApiError {
    pub status: StatusCode,
    /// What went wrong, for the caller. Of a 5xx nothing else than that.
    pub message: String,
    /// The parameter or body field it is about.
    pub field: Option<String>,
    /// A body of the route's own making (seed-shaped errors); wins over every shape.
    pub body: Option<Value>,
    /// What is logged and never sent.
    pub(crate) cause: Option<String>,
    pub(crate) headers: Vec<(HeaderName, HeaderValue)>,
}

/// How a route writes its errors: seeds differ (`{"detail": …}`, `{"message": …, "status": …}`).
pub type ErrorShape = fn(&ApiError) -> Value;

impl ApiError {
    pub fn new(status: StatusCode, message: impl Into<String>) -> Self {
        Self { status, message: message.into(), field: None, body: None, cause: None, headers: Vec::new() }
    }

    /// 400 about one field.
    pub fn field(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self { field: Some(field.into()), ..Self::new(StatusCode::BAD_REQUEST, message) }
    }

    /// 400 about the request as a whole.
    pub fn bad_request(message: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, message)
    }

    pub fn not_found(message: impl Into<String>) -> Self {
        Self::new(StatusCode::NOT_FOUND, message)
    }

    pub fn forbidden(message: impl Into<String>) -> Self {
        Self::new(StatusCode::FORBIDDEN, message)
    }

    /// 500: the cause is logged with the request's id, the caller reads only that something failed.
    pub fn internal(cause: impl std::fmt::Display) -> Self {
        Self {
            cause: Some(cause.to_string()),
            ..Self::new(
                StatusCode::INTERNAL_SERVER_ERROR,
                "something failed inside; the log has it under this request id",
            )
        }
    }

    /// Another status for the same thing, e.g. packages' 422.
    #[must_use]
    pub fn status(mut self, status: StatusCode) -> Self {
        self.status = status;
        self
    }

    /// A body of the route's own making.
    #[must_use]
    pub fn body(mut self, body: Value) -> Self {
        self.body = Some(body);
        self
    }

    #[must_use]
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.push((name, value));
        self
    }

    /// The body as a shape writes it.
    pub(crate) fn render(&self, shape: ErrorShape, request_id: Option<&str>) -> Response {
        let body = self.body.clone().unwrap_or_else(|| shape(self));
        let body = match (body, request_id) {
            (Value::Object(mut object), Some(id)) if self.status.is_server_error() => {
                object.insert("request_id".to_owned(), json!(id));
                Value::Object(object)
            }
            (body, _) => body,
        };
        let mut response = (self.status, axum::Json(body)).into_response();
        for (name, value) in &self.headers {
            response.headers_mut().append(name, value.clone());
        }
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response
    }
}

/// Our own shape: `{"error": sentence, "status": code}` and `field` where there is one.
pub(crate) fn our_shape(error: &ApiError) -> Value {
    let mut body = Map::new();
    body.insert("error".to_owned(), json!(error.message));
    body.insert("status".to_owned(), json!(error.status.as_u16()));
    if let Some(field) = &error.field {
        body.insert("field".to_owned(), json!(field));
    }
    Value::Object(body)
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let mut response = self.render(our_shape, None);
        // The guard finds it here, logs it and writes it again in the route's shape.
        response.extensions_mut().insert(self);
        response
    }
}

impl From<MissingService> for ApiError {
    fn from(error: MissingService) -> Self {
        Self::internal(error)
    }
}

impl From<Refusal> for ApiError {
    fn from(refusal: Refusal) -> Self {
        let status = match refusal {
            Refusal::SignIn => StatusCode::UNAUTHORIZED,
            Refusal::Hidden => StatusCode::NOT_FOUND,
            Refusal::Forbidden(_) => StatusCode::FORBIDDEN,
        };
        Self::new(status, refusal.to_string())
    }
}

impl From<ControlError> for ApiError {
    fn from(error: ControlError) -> Self {
        match error {
            ControlError::NoTeam(_) => Self::not_found("not found"),
            ControlError::TeamExists(_) => Self::new(StatusCode::CONFLICT, error.to_string()),
            ControlError::Busy { .. } => Self::new(StatusCode::CONFLICT, error.to_string()),
            _ => Self::internal(error),
        }
    }
}
