//! Records, one document per version (spec/invenio §1.1).

use jiff::{Timestamp, civil::Date};
use serde_json::Value;

use super::{Rejection, boolean, instant, object, optional, reject, required};
use crate::dates::publication_day;

/// What is taken from a record besides its breakdowns.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    pub id: String,
    pub parent: String,
    pub owner: Option<String>,
    pub communities: Vec<String>,
    pub created: Timestamp,
    pub updated: Option<Timestamp>,
    pub published: Option<Date>,
    pub is_published: bool,
    /// When it was deleted, if it is deleted now.
    pub deleted: Option<Timestamp>,
    pub with_files: bool,
    pub files: Vec<FileEntry>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileEntry {
    pub id: Option<String>,
    pub key: Option<String>,
    pub ext: Option<String>,
    pub size: i64,
}

impl Record {
    /// Reads and checks a record. Errors name the field.
    pub fn from_json(document: &Value) -> Result<Self, Rejection> {
        object(document)?;
        let id = required(document, "id")?;
        let null = Value::Null;
        let parent_doc = document.get("parent").unwrap_or(&null);
        let parent = match parent_doc.get("id") {
            Some(Value::String(text)) if !text.is_empty() => text.clone(),
            Some(Value::Number(number)) => number.to_string(),
            None | Some(Value::Null) => id.clone(),
            Some(other) => return reject("parent.id", format!("{other} is not a text")),
        };
        let owner = match parent_doc.pointer("/access/owned_by/user") {
            Some(Value::String(text)) if !text.is_empty() => Some(text.clone()),
            Some(Value::Number(number)) => Some(number.to_string()),
            _ => None,
        };
        let communities = match parent_doc.pointer("/communities/ids") {
            None | Some(Value::Null) => Vec::new(),
            Some(Value::Array(list)) => list.iter().filter_map(Value::as_str).map(str::to_owned).collect(),
            Some(other) => return reject("parent.communities.ids", format!("{other} is not a list")),
        };
        let created = instant("created", &required(document, "created")?)?;
        let updated = optional(document, "updated")?.map(|text| instant("updated", &text)).transpose()?;
        let is_deleted = boolean(document, "is_deleted", false)?;
        let deleted = if is_deleted {
            match document.pointer("/tombstone/removal_date").and_then(Value::as_str) {
                Some(text) => Some(instant("tombstone.removal_date", text)?),
                None => return reject("tombstone.removal_date", "is missing in a deleted record"),
            }
        } else {
            None
        };
        let with_files = match document.pointer("/files/enabled") {
            None | Some(Value::Null) => false,
            Some(Value::Bool(enabled)) => *enabled,
            Some(other) => return reject("files.enabled", format!("{other} is not true or false")),
        };
        let published =
            document.pointer("/metadata/publication_date").and_then(Value::as_str).and_then(publication_day);
        Ok(Self {
            id,
            parent,
            owner,
            communities,
            created,
            updated,
            published,
            is_published: boolean(document, "is_published", false)?,
            deleted,
            with_files,
            files: if with_files { files(document)? } else { Vec::new() },
        })
    }
}

/// Its files: a list, or a map by key as some versions of the software write it.
fn files(document: &Value) -> Result<Vec<FileEntry>, Rejection> {
    let entry = |key: Option<&str>, value: &Value| {
        let text = |field: &str| value.get(field).and_then(Value::as_str).filter(|t| !t.is_empty()).map(str::to_owned);
        let size = match value.get("size") {
            None | Some(Value::Null) => 0,
            Some(Value::Number(n)) => match n.as_i64().or_else(|| n.as_f64().map(float_size)) {
                Some(size) if size >= 0 => size,
                _ => return reject("files.entries.size", format!("{n} is not a size")),
            },
            Some(other) => return reject("files.entries.size", format!("{other} is not a number")),
        };
        let key = key.map(str::to_owned).or_else(|| text("key"));
        let ext = text("ext").map(|e| e.to_lowercase()).or_else(|| key.as_deref().and_then(extension));
        Ok(FileEntry { id: text("file_id"), key, ext, size })
    };
    match document.pointer("/files/entries") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(list)) => list.iter().map(|value| entry(None, value)).collect(),
        Some(Value::Object(map)) => map.iter().map(|(key, value)| entry(Some(key), value)).collect(),
        Some(other) => reject("files.entries", format!("{other} is not a list")),
    }
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "sizes are whole numbers of bytes; a fraction of one means nothing"
)]
fn float_size(size: f64) -> i64 {
    size as i64
}

/// The text after the last dot of a file's name, lowercased (spec/invenio §1.5).
pub fn extension(key: &str) -> Option<String> {
    key.rsplit_once('.').map(|(_, ext)| ext.to_lowercase()).filter(|ext| !ext.is_empty())
}
