//! Usage events, raw or enriched (spec/invenio §1.5).

use jiff::Timestamp;
use serde_json::{Map, Value};
use xxhash_rust::xxh3::xxh3_128;

use super::{Rejection, boolean, instant, object, optional, reject, required};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum UsageKind {
    View,
    Download,
}

impl UsageKind {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::View => "view",
            Self::Download => "download",
        }
    }
}

#[derive(Debug, Clone, PartialEq)]
pub struct UsageEvent {
    pub kind: UsageKind,
    pub at: Timestamp,
    pub event_id: Option<String>,
    pub recid: String,
    pub parent_recid: Option<String>,
    pub unique_id: Option<String>,
    pub visitor_id: Option<String>,
    pub session_id: Option<String>,
    pub country: Option<String>,
    pub referrer: Option<String>,
    pub via_api: bool,
    pub is_robot: bool,
    pub is_machine: bool,
    pub bucket_id: Option<String>,
    pub file_id: Option<String>,
    pub file_key: Option<String>,
    pub size: Option<i64>,
    pub updated: Option<Timestamp>,
    /// The enrichment it came with, as JSON; `None` for raw events.
    pub own: Option<String>,
}

/// Fields enrichment adds. An event that has `community_ids` came enriched.
pub const ENRICHMENT: &[&str] = &[
    "community_ids",
    "resource_type",
    "access_status",
    "languages",
    "subjects",
    "rights",
    "publisher",
    "journal_title",
    "funders",
    "affiliations",
    "file_types",
];

/// Fields of an event that are no enrichment.
const RAW: &[&str] = &[
    "id",
    "_id",
    "event_type",
    "timestamp",
    "recid",
    "parent_recid",
    "unique_id",
    "unique_session_id",
    "session_id",
    "visitor_id",
    "country",
    "referrer",
    "via_api",
    "is_robot",
    "is_machine",
    "updated_timestamp",
    "bucket_id",
    "file_id",
    "file_key",
    "size",
    // Before anonymisation; never kept.
    "user_id",
    "ip_address",
    "user_agent",
];

fn is_known(field: &str) -> bool {
    RAW.contains(&field) || ENRICHMENT.contains(&field)
}

impl UsageEvent {
    /// Reads and checks an event. Errors name the field.
    pub fn from_json(document: &Value) -> Result<Self, Rejection> {
        object(document)?;
        let at = instant("timestamp", &required(document, "timestamp")?)?;
        let file_id = optional(document, "file_id")?;
        let kind = match optional(document, "event_type")?.as_deref() {
            Some("view" | "record-view") => UsageKind::View,
            Some("download" | "file-download") => UsageKind::Download,
            Some(other) => return reject("event_type", format!("`{other}` is neither `view` nor `download`")),
            None if file_id.is_some() => UsageKind::Download,
            None => UsageKind::View,
        };
        let size = match document.get("size") {
            None | Some(Value::Null) => None,
            Some(value) => match value.as_i64().or_else(|| whole(value)) {
                Some(size) if size >= 0 => Some(size),
                _ => return reject("size", format!("{value} is not a number of bytes")),
            },
        };
        Ok(Self {
            kind,
            at,
            event_id: optional(document, "id")?.or(optional(document, "_id")?),
            recid: required(document, "recid")?,
            parent_recid: optional(document, "parent_recid")?,
            unique_id: optional(document, "unique_id")?,
            visitor_id: optional(document, "visitor_id")?,
            session_id: optional(document, "unique_session_id")?.or(optional(document, "session_id")?),
            country: optional(document, "country")?,
            referrer: optional(document, "referrer")?,
            via_api: boolean(document, "via_api", false)?,
            is_robot: boolean(document, "is_robot", false)?,
            is_machine: boolean(document, "is_machine", false)?,
            bucket_id: optional(document, "bucket_id")?,
            file_id,
            file_key: optional(document, "file_key")?,
            size,
            updated: optional(document, "updated_timestamp")?.map(|t| instant("updated_timestamp", &t)).transpose()?,
            own: own(document)?,
        })
    }

    /// What makes it the same event as another: its id where it has one, else instant, `unique_id` and `visitor_id`.
    pub fn identity(&self) -> u128 {
        let kind = self.kind.as_str();
        let text = match &self.event_id {
            Some(id) => format!("id\u{0}{kind}\u{0}{id}"),
            None => format!(
                "{}\u{0}{}\u{0}{}",
                self.at.as_microsecond(),
                self.unique_id.as_deref().unwrap_or(""),
                self.visitor_id.as_deref().unwrap_or("")
            ),
        };
        xxh3_128(text.as_bytes())
    }
}

fn own(document: &Value) -> Result<Option<String>, Rejection> {
    match document.get("community_ids") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::Array(_)) => {
            // Fields of an enrichment come first and in one order; further ones belong to breakdowns somebody configured.
            let standard = ENRICHMENT.iter().filter_map(|f| document.get(*f).map(|v| ((*f).to_owned(), v.clone())));
            let further = document.as_object().into_iter().flatten().filter(|(name, _)| !is_known(name));
            let fields: Map<String, Value> =
                standard.chain(further.map(|(name, value)| (name.clone(), value.clone()))).collect();
            Ok(Some(Value::Object(fields).to_string()))
        }
        Some(other) => reject("community_ids", format!("{other} is not a list")),
    }
}

#[expect(clippy::cast_possible_truncation, reason = "only whole numbers pass the check")]
fn whole(value: &Value) -> Option<i64> {
    value.as_f64().filter(|f| f.fract() == 0.0 && f.abs() < 9e15).map(|f| f as i64)
}
