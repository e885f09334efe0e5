//! What the reading of a source came to.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;

use super::{Kind, spool::Spool};
use crate::import::{Counts, ImportReport};

/// Refused documents listed one by one; further ones are only counted.
const LISTED: usize = 1_000;

/// An index, or a list, and what was fetched of it.
#[derive(Debug, Clone, Serialize)]
pub struct SliceReport {
    pub kind: &'static str,
    pub name: String,
    /// Documents the source says it has, as far as they were asked for.
    pub documents: Option<u64>,
    /// Fetched by this import; a resumed one fetches the rest only.
    pub fetched: u64,
    pub since: Option<Timestamp>,
    /// Read to its end by an import that was interrupted later.
    pub skipped: bool,
}

impl SliceReport {
    pub(super) fn new(kind: Kind, name: &str, documents: Option<u64>, since: Option<Timestamp>) -> Self {
        Self { kind: kind.as_str(), name: name.to_owned(), documents, fetched: 0, since, skipped: false }
    }
}

/// A document that was refused, by its id in the source.
#[derive(Debug, Clone, Serialize, PartialEq, Eq)]
pub struct SourceReject {
    pub kind: &'static str,
    pub id: String,
    pub reason: String,
}

#[derive(Debug, Clone, Default, Serialize)]
pub struct SourceReport {
    pub source: String,
    /// Whether it went on where an earlier import stopped.
    pub resumed: bool,
    pub slices: Vec<SliceReport>,
    pub communities: Counts,
    pub records: Counts,
    pub community_events: Counts,
    pub usage_events: Counts,
    pub total: Counts,
    /// Records the source answered a tombstone for.
    pub deleted: u64,
    /// Stored records that the source neither lists nor knows; nothing was done about them.
    pub not_in_source: Vec<String>,
    pub rejects: Vec<SourceReject>,
    pub rejects_not_listed: u64,
    pub unknown_communities: Vec<String>,
    pub dirty_days: usize,
    pub notes: Vec<String>,
    pub dry_run: bool,
}

impl SourceReport {
    /// Adds what an import of spooled documents came to; refused ones are named by their ids.
    pub(super) fn take(&mut self, kind: Kind, imported: ImportReport, spool: &Spool) {
        let numbers: Vec<u64> = imported.rejects.iter().map(|reject| reject.line).collect();
        let documents = if numbers.is_empty() { Vec::new() } else { spool.named(&numbers) };
        for reject in imported.rejects {
            let document = documents.iter().find(|(number, _)| *number == reject.line).map(|(_, document)| document);
            let id = document.map_or_else(|| "?".to_owned(), name);
            if self.rejects.len() < LISTED {
                self.rejects.push(SourceReject { kind: kind.as_str(), id, reason: reject.reason });
            } else {
                self.rejects_not_listed += 1;
            }
        }
        self.rejects_not_listed += imported.rejects_not_listed;
        add(&mut self.communities, &imported.communities);
        add(&mut self.records, &imported.records);
        add(&mut self.community_events, &imported.community_events);
        add(&mut self.usage_events, &imported.usage_events);
        self.dirty_days += imported.dirty_days;
        for community in imported.unknown_communities {
            if !self.unknown_communities.contains(&community) {
                self.unknown_communities.push(community);
            }
        }
    }

    pub(super) fn add_up(&mut self) {
        let mut total = Counts::default();
        for counts in [&self.communities, &self.records, &self.community_events, &self.usage_events] {
            add(&mut total, counts);
        }
        self.total = total;
    }
}

fn add(sum: &mut Counts, more: &Counts) {
    sum.read += more.read;
    sum.new += more.new;
    sum.changed += more.changed;
    sum.unchanged += more.unchanged;
    sum.rejected += more.rejected;
}

/// What a person can look up in the source.
fn name(document: &Value) -> String {
    let text = |field: &str| document.get(field).map(|v| v.as_str().map_or_else(|| v.to_string(), str::to_owned));
    match (text("id"), text("record_id")) {
        (Some(id), _) => id,
        (None, Some(record)) => format!("{record} in {}", text("community_id").unwrap_or_default()),
        (None, None) => "without an id".to_owned(),
    }
}
