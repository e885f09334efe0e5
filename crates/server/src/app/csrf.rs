//! Proof that a write with a cookie was meant: the page's own token, in a header or a form field.

use axum::{
    body::{Body, Bytes},
    extract::Request,
    http::HeaderMap,
};
use tallykeep_access::same_secret;

use crate::{error::ApiError, extract::pairs};

pub(super) const FIELD: &str = "csrfmiddlewaretoken";

/// Demands the token of a request that changes something. A form's body is read for it and put back.
pub(super) async fn demand(request: Request, expected: &str, most: usize) -> Result<Request, ApiError> {
    // GET asks; the seeds' clients send the token there too, where nobody needs it.
    if request.method().is_safe() {
        return Ok(request);
    }
    if let Some(sent) = in_header(request.headers()) {
        return if same_secret(sent, expected) { Ok(request) } else { Err(refused()) };
    }
    let kind = crate::extract::content_type(&request);
    if kind != "application/x-www-form-urlencoded" && kind != "multipart/form-data" {
        return Err(refused());
    }
    let (parts, body) = request.into_parts();
    let bytes = axum::body::to_bytes(body, most).await.map_err(|_| {
        ApiError::new(axum::http::StatusCode::PAYLOAD_TOO_LARGE, format!("the body is larger than {most} bytes"))
    })?;
    let sent = if kind.starts_with("multipart") { in_multipart(&bytes) } else { in_form(&bytes) };
    match sent {
        Some(sent) if same_secret(&sent, expected) => Ok(Request::from_parts(parts, Body::from(bytes))),
        _ => Err(refused()),
    }
}

fn refused() -> ApiError {
    ApiError::forbidden("the CSRF token is missing or wrong; send the cookie `csrftoken` as header `X-CSRFToken`")
}

fn in_header(headers: &HeaderMap) -> Option<&str> {
    headers.get("x-csrftoken").and_then(|value| value.to_str().ok()).filter(|value| !value.is_empty())
}

pub(super) fn in_form(body: &[u8]) -> Option<String> {
    pairs(body).into_iter().find(|(name, _)| name == FIELD).map(|(_, value)| value)
}

/// The field's part of a multipart body: its header line names it, an empty line ends the headers, a line end the value.
fn in_multipart(body: &Bytes) -> Option<String> {
    let mark = format!("name=\"{FIELD}\"");
    let at = body.windows(mark.len()).position(|window| window == mark.as_bytes())? + mark.len();
    let rest = &body[at..];
    let value = rest.windows(4).position(|window| window == b"\r\n\r\n").map(|end| &rest[end + 4..])?;
    let end = value.windows(2).position(|window| window == b"\r\n")?;
    String::from_utf8(value[..end].to_vec()).ok()
}

/// Whether what a form sent is what its page's cookie says, for forms of people who are not signed in yet.
pub(super) fn matches_cookie(sent: Option<&str>, cookie: Option<&str>) -> bool {
    match (sent, cookie) {
        (Some(sent), Some(cookie)) => sent.len() >= 32 && same_secret(sent, cookie),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use axum::http::header;

    use super::*;

    async fn outcome(kind: &str, body: &str, expected: &str) -> bool {
        let request =
            Request::post("/").header(header::CONTENT_TYPE, kind).body(Body::from(body.to_owned())).expect("it");
        match demand(request, expected, 1000).await {
            Ok(request) => {
                let kept = axum::body::to_bytes(request.into_body(), 1000).await.expect("a body");
                assert_eq!(kept, body, "the handler still reads the whole body");
                true
            }
            Err(_) => false,
        }
    }

    #[tokio::test]
    async fn the_token_is_found_in_forms_of_both_kinds() {
        let form = "application/x-www-form-urlencoded";
        assert!(outcome(form, "a=1&csrfmiddlewaretoken=secret&b=2", "secret").await);
        assert!(!outcome(form, "a=1&csrfmiddlewaretoken=secreT", "secret").await);
        assert!(!outcome(form, "a=1", "secret").await);
        let multipart = "multipart/form-data; boundary=x";
        let part = "--x\r\nContent-Disposition: form-data; name=\"csrfmiddlewaretoken\"\r\n\r\nsecret\r\n--x--\r\n";
        assert!(outcome(multipart, part, "secret").await);
        assert!(!outcome(multipart, &part.replace("secret", "other!"), "secret").await);
        assert!(!outcome("application/json", r#"{"csrfmiddlewaretoken":"secret"}"#, "secret").await);
    }
}
