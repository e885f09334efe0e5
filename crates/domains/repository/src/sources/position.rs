//! How far a source was read, as it is kept in control.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// How far one kind of a source was read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(super) struct Position {
    /// When the last reading that came to its end began.
    pub complete_until: Option<Timestamp>,
    pub run: Option<Run>,
}

/// A reading that did not come to its end yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Run {
    /// Tells its spooled pages from those of other runs.
    pub id: String,
    pub started: Timestamp,
    pub since: Option<Timestamp>,
    /// Slices read to their ends.
    pub done: Vec<String>,
    /// The slice at hand and where it goes on.
    pub slice: Option<String>,
    pub at: Value,
    /// Documents refused, by slice.
    pub rejected: BTreeMap<String, u64>,
}
