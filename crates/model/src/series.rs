//! Ordered points of one metric, each with how sure it is.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// How sure a number is. Missing is never zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PointState {
    /// Nothing is known for the period.
    Missing,
    /// Known, but the period or its sources are not complete: it may still change.
    Provisional,
    /// Complete.
    Final,
    /// Was final once with another value; the ledger has both.
    Restated,
}

/// One value of a series; `value` is `None` exactly when `state` is `Missing`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Point {
    /// First day of the period.
    pub start: Date,
    pub value: Option<f64>,
    pub state: PointState,
    /// The final value before the last restatement.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<f64>,
}

/// Ordered points of one metric, oldest first.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Series {
    pub id: String,
    pub label: Label,
    pub points: Vec<Point>,
}

/// What people read for a value: one text, or one text per language.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Label {
    Text(String),
    Languages(BTreeMap<String, String>),
}

impl Label {
    /// The English text, else the first there is.
    pub fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Languages(map) => map.get("en").or_else(|| map.values().next()).map_or("", String::as_str),
        }
    }
}

impl From<&str> for Label {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}
