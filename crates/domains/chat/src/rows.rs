//! What goes in: one row per thing, as a file or a database names it. A later version of an id replaces the earlier one.

use crate::{
    instant::Micros,
    words::{Confidence, MessageKind, Platform, ServiceKind, Status, TargetKind, UsageSource},
};

/// A bot ("chatbot"). A row with `working_version` set is a frozen version of another row.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExperimentRow {
    pub id: i64,
    pub name: String,
    pub archived: bool,
    pub working_version: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelRow {
    pub id: i64,
    pub experiment: Option<i64>,
    pub platform: Platform,
    pub deleted: bool,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParticipantRow {
    pub id: i64,
    pub name: String,
    pub identifier: String,
    pub platform: Platform,
    /// Absent in the interchange files: the start of their first session stands in for it.
    pub created_at: Option<Micros>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    pub id: i64,
    pub experiment: i64,
    pub participant: Option<i64>,
    pub platform: Option<Platform>,
    pub status: Status,
    pub created_at: Micros,
    pub ended_at: Option<Micros>,
}

/// `session` is absent when the message's chat has no session: it counts in totals nobody filters.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MessageRow {
    pub id: i64,
    pub session: Option<i64>,
    pub kind: MessageKind,
    pub created_at: Micros,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TagRow {
    pub id: i64,
    pub name: String,
    pub category: String,
}

/// `own`: tag and target belong to the team that keeps the link. A link across teams is kept but never counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct TagLinkRow {
    pub tag: i64,
    pub kind: TargetKind,
    pub target: i64,
    pub own: bool,
}

/// One bot turn. Without a duration it is not finished.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceRow {
    pub id: i64,
    pub session: i64,
    pub experiment: Option<i64>,
    pub at: Micros,
    pub duration_ms: Option<i64>,
}

/// What one call cost. `key` identifies the record: a file gives none, so it is drawn from its content.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UsageRow {
    pub key: i64,
    pub at: Micros,
    pub source: UsageSource,
    pub service: ServiceKind,
    pub provider: String,
    pub model: String,
    pub quantity: Option<i64>,
    /// In 1/100,000,000 of the currency, so that sums are exact.
    pub cost: i64,
    pub confidence: Confidence,
    pub priced: bool,
    pub experiment: Option<i64>,
    pub session: Option<i64>,
    pub participant: Option<i64>,
    pub trace: Option<i64>,
}

/// A change of one team's data: new versions of rows, and the ids of rows that are gone.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Changes {
    pub experiments: Vec<ExperimentRow>,
    pub channels: Vec<ChannelRow>,
    pub participants: Vec<ParticipantRow>,
    pub sessions: Vec<SessionRow>,
    pub messages: Vec<MessageRow>,
    pub tags: Vec<TagRow>,
    pub tag_links: Vec<TagLinkRow>,
    pub traces: Vec<TraceRow>,
    pub usage: Vec<UsageRow>,
    pub gone: Gone,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Gone {
    pub sessions: Vec<i64>,
    pub messages: Vec<i64>,
    pub tag_links: Vec<(i64, TargetKind, i64)>,
    pub traces: Vec<i64>,
    pub usage: Vec<i64>,
}
