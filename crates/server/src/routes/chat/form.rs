//! Bodies as the dashboards send them: a form (URL-encoded or multipart) or a JSON object, into names and values.

use axum::{
    body::Bytes,
    extract::{FromRequest, Request},
    http::{StatusCode, header},
};
use serde_json::Value;

use crate::{error::ApiError, extract::pairs};

/// The fields of a form or JSON body. A JSON value that is no text is its JSON.
pub(super) struct Fields(Vec<(String, String)>);

impl Fields {
    pub fn get(&self, name: &str) -> Option<&str> {
        self.0.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A checkbox: absent or a word for no is off.
    pub fn is_on(&self, name: &str) -> bool {
        matches!(self.get(name), Some("on" | "true" | "1" | "yes" | "True"))
    }
}

impl<S: Send + Sync> FromRequest<S> for Fields {
    type Rejection = ApiError;

    async fn from_request(request: Request, state: &S) -> Result<Self, ApiError> {
        let value =
            request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("").to_owned();
        let kind = value.split(';').next().unwrap_or("").trim().to_ascii_lowercase();
        let bytes = Bytes::from_request(request, state)
            .await
            .map_err(|rejection| ApiError::new(rejection.status(), rejection.body_text()))?;
        match kind.as_str() {
            "" | "application/x-www-form-urlencoded" => Ok(Self(pairs(&bytes))),
            "multipart/form-data" => {
                let boundary = value.split(';').find_map(|part| part.trim().strip_prefix("boundary="));
                let boundary = boundary.map(|text| text.trim_matches('"')).filter(|text| !text.is_empty());
                let boundary = boundary.ok_or_else(|| ApiError::bad_request("the multipart body has no boundary"))?;
                Ok(Self(multipart(&bytes, boundary)))
            }
            "application/json" => match serde_json::from_slice(&bytes) {
                Ok(Value::Object(map)) => Ok(Self(
                    map.into_iter()
                        .filter(|(_, value)| !value.is_null())
                        .map(|(key, value)| match value {
                            Value::String(text) => (key, text),
                            other => (key, other.to_string()),
                        })
                        .collect(),
                )),
                Ok(_) => Err(ApiError::bad_request("the body must be a JSON object")),
                Err(error) => Err(ApiError::bad_request(format!("the body is no JSON: {error}"))),
            },
            _ => Err(ApiError::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "send a form or a JSON object")),
        }
    }
}

/// The text fields of a multipart body: between boundaries, a part's headers end with an empty line.
fn multipart(body: &[u8], boundary: &str) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(body);
    let mark = format!("--{boundary}");
    let mut fields = Vec::new();
    for part in text.split(mark.as_str()).skip(1) {
        let Some((headers, value)) = part.split_once("\r\n\r\n") else { continue };
        let name = headers.split("name=\"").nth(1).and_then(|rest| rest.split('"').next());
        if let Some(name) = name {
            fields.push((name.to_owned(), value.strip_suffix("\r\n").unwrap_or(value).to_owned()));
        }
    }
    fields
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_multipart_form_is_its_fields() {
        let body = "--x\r\nContent-Disposition: form-data; name=\"name\"\r\n\r\nMy preset\r\n--x\r\nContent-Disposition: form-data; name=\"filter_data\"\r\n\r\n{\"a\":\r\n1}\r\n--x--\r\n";
        let fields = Fields(multipart(body.as_bytes(), "x"));
        assert_eq!(fields.get("name"), Some("My preset"));
        assert_eq!(fields.get("filter_data"), Some("{\"a\":\r\n1}"));
        assert!(!fields.is_on("is_default"));
    }
}
