//! Membership events (spec/invenio §1.3).

use jiff::Timestamp;
use serde_json::Value;

use super::{Rejection, instant, object, optional, reject, required};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum MembershipKind {
    Added,
    Removed,
}

impl MembershipKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Added => "added",
            Self::Removed => "removed",
        }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct MembershipEvent {
    pub record_id: String,
    pub community_id: String,
    pub kind: MembershipKind,
    pub at: Timestamp,
}

impl MembershipEvent {
    /// Reads and checks an event; `add` and `remove` of the seed era are understood. Errors name the field.
    pub fn from_json(document: &Value) -> Result<Self, Rejection> {
        object(document)?;
        let kind = match required(document, "event_type")?.as_str() {
            "added" | "add" => MembershipKind::Added,
            "removed" | "remove" => MembershipKind::Removed,
            other => return reject("event_type", format!("`{other}` is neither `added` nor `removed`")),
        };
        let at = match optional(document, "event_date")? {
            Some(text) => instant("event_date", &text)?,
            None => return reject("event_date", "is missing"),
        };
        Ok(Self {
            record_id: required(document, "record_id")?,
            community_id: required(document, "community_id")?,
            kind,
            at,
        })
    }
}
