//! The documents of spec/invenio §1 as they are read: what is checked, and what is taken from them.

mod community;
mod membership;
mod record;
mod usage;

pub use community::Community;
pub use membership::{MembershipEvent, MembershipKind};
pub use record::{FileEntry, Record, extension};
pub use usage::{ENRICHMENT, UsageEvent, UsageKind};

use serde_json::Value;

/// Why a document was rejected: the field and what is wrong with it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{field}: {reason}")]
pub struct Rejection {
    pub field: &'static str,
    pub reason: String,
}

pub(crate) fn reject<T>(field: &'static str, reason: impl Into<String>) -> Result<T, Rejection> {
    Err(Rejection { field, reason: reason.into() })
}

/// A required, non-empty text (ids may be numbers in JSON).
pub(crate) fn required(document: &Value, field: &'static str) -> Result<String, Rejection> {
    match document.get(field) {
        Some(Value::String(text)) if !text.trim().is_empty() => Ok(text.clone()),
        Some(Value::Number(number)) => Ok(number.to_string()),
        None | Some(Value::Null) => reject(field, "is missing"),
        Some(Value::String(_)) => reject(field, "is empty"),
        Some(other) => reject(field, format!("{} is not a text", short(other))),
    }
}

/// An optional text; null and absent are none.
pub(crate) fn optional(document: &Value, field: &'static str) -> Result<Option<String>, Rejection> {
    match document.get(field) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok((!text.is_empty()).then(|| text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(other) => reject(field, format!("{} is not a text", short(other))),
    }
}

pub(crate) fn boolean(document: &Value, field: &'static str, default: bool) -> Result<bool, Rejection> {
    match document.get(field) {
        None | Some(Value::Null) => Ok(default),
        Some(Value::Bool(value)) => Ok(*value),
        Some(other) => reject(field, format!("{} is not true or false", short(other))),
    }
}

pub(crate) fn instant(field: &'static str, text: &str) -> Result<jiff::Timestamp, Rejection> {
    match crate::dates::instant(text) {
        Some(at) => Ok(at),
        None => reject(field, format!("`{text}` is not a date and time that exists")),
    }
}

pub(crate) fn object(document: &Value) -> Result<(), Rejection> {
    if document.is_object() { Ok(()) } else { reject("document", format!("{} is not an object", short(document))) }
}

fn short(value: &Value) -> String {
    let text = value.to_string();
    text.char_indices().nth(40).map_or_else(|| text.clone(), |(at, _)| format!("{}…", &text[..at]))
}
