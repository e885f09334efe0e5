//! What a question is narrowed to (spec/chat §5): parameters → checked filter → the sessions that pass.

mod expression;
mod params;
mod selection;
mod window;

use serde::Serialize;
use std::collections::BTreeMap;

pub use expression::{Expression, ExpressionError};
pub use params::Params;
pub use selection::{ChannelChoice, Filter, Selection};
pub(crate) use window::zone_named;
pub use window::{Bucket, Bucketing, Span, Window, label_of};

/// What is wrong with a question, by the parameter it is about (`__all__` for a range).
#[derive(Debug, Clone, PartialEq, Eq, Default, thiserror::Error, Serialize)]
#[error("{}", self.text())]
pub struct FieldErrors(pub BTreeMap<String, Vec<String>>);

impl FieldErrors {
    pub fn one(field: &str, reason: impl Into<String>) -> Self {
        let mut errors = Self::default();
        errors.add(field, reason);
        errors
    }

    pub fn add(&mut self, field: &str, reason: impl Into<String>) {
        self.0.entry(field.to_owned()).or_default().push(reason.into());
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// `Ok` when nothing is wrong.
    pub fn check(self) -> Result<(), Self> {
        if self.is_empty() { Ok(()) } else { Err(self) }
    }

    /// The body of a 400.
    pub fn body(&self) -> serde_json::Value {
        serde_json::json!({"success": false, "errors": self.0})
    }

    fn text(&self) -> String {
        self.0.iter().map(|(field, reasons)| format!("{field}: {}", reasons.join("; "))).collect::<Vec<_>>().join(", ")
    }
}
