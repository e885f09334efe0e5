//! One team's chats as columns in memory: what every figure is computed from.
//!
//! Sessions have dense slots; slot 0 stands for "no session" (a message whose chat has none). Messages lie in order of time; beside
//! them lie *facts*, one per quarter of an hour and session, from which every window is answered: quarters cut by a window's edge are
//! completed from the messages. Distinct counts stay exact because facts keep the session, and a session its participant.
//! The image is derived: dropped and read again from the lake it gives the same numbers (docs/adr/0400).

mod apply;
mod facts;
mod messages;
mod tags;

use hashbrown::HashMap;

pub use facts::{Facts, QUARTER};
pub use messages::Messages;
pub use tags::TaggedMessage;

use crate::{
    instant::Micros,
    rows::{ChannelRow, ExperimentRow, TagRow},
    words::{Confidence, Platform, ServiceKind, Status, UsageSource},
};

/// An index that points nowhere.
pub const NONE: u32 = u32::MAX;
/// The slot of messages without a session.
pub const NO_SESSION: u32 = 0;
/// An instant that never was.
pub const NEVER: Micros = Micros::MIN;
pub(crate) const NO_PLATFORM: u8 = u8::MAX;

/// One team's chats in columns.
#[derive(Debug)]
pub struct ChatImage {
    pub experiments: Vec<ExperimentRow>,
    pub channels: Vec<ChannelRow>,
    pub tags: Vec<TagRow>,
    pub participants: Participants,
    pub sessions: Sessions,
    pub messages: Messages,
    pub facts: Facts,
    /// Finished turns of bots, in order of time.
    pub traces: Vec<Trace>,
    /// What calls cost, in order of time.
    pub usage: Vec<Usage>,
    /// Provider and model, by the number in `Usage::model`.
    pub models: Vec<(String, String)>,
    pub tagged: tags::TagIndex,
    pub(crate) experiment_of: HashMap<i64, u32>,
    pub(crate) participant_of: HashMap<i64, u32>,
    pub(crate) session_of: HashMap<i64, u32>,
    pub(crate) tag_of: HashMap<i64, u32>,
}

/// People, in columns.
#[derive(Debug, Default)]
pub struct Participants {
    pub id: Vec<i64>,
    pub platform: Vec<Platform>,
    /// As told, else the start of their first session; `NEVER` when there is neither.
    pub created_at: Vec<Micros>,
    told: Vec<bool>,
    texts: Texts,
}

/// Two texts per row in one piece of memory.
#[derive(Debug, Default)]
struct Texts {
    bytes: String,
    spans: Vec<(u32, u32, u32)>,
}

/// Conversations, in columns; a slot is an index into each.
#[derive(Debug)]
pub struct Sessions {
    pub id: Vec<i64>,
    /// Index into `experiments`, or `NONE`.
    pub experiment: Vec<u32>,
    /// Index into `participants`, or `NONE`.
    pub participant: Vec<u32>,
    platform: Vec<u8>,
    pub status: Vec<Status>,
    pub created_at: Vec<Micros>,
    /// `NEVER` while it goes on.
    pub ended_at: Vec<Micros>,
    /// False for slot 0 and for sessions that were deleted.
    pub exists: Vec<bool>,
}

#[derive(Debug, Clone, Copy)]
pub struct Trace {
    pub at: Micros,
    pub id: i64,
    pub session: u32,
    pub experiment: u32,
    pub duration_ms: i64,
}

#[derive(Debug, Clone, Copy)]
pub struct Usage {
    pub at: Micros,
    pub key: i64,
    /// In 1/100,000,000.
    pub cost: i64,
    pub quantity: i64,
    /// The trace it belongs to, if any.
    pub trace: Option<i64>,
    pub experiment: u32,
    pub session: u32,
    pub participant: u32,
    pub model: u32,
    pub source: UsageSource,
    pub service: ServiceKind,
    pub confidence: Confidence,
    pub priced: bool,
}

impl Default for ChatImage {
    fn default() -> Self {
        let mut sessions = Sessions {
            id: Vec::new(),
            experiment: Vec::new(),
            participant: Vec::new(),
            platform: Vec::new(),
            status: Vec::new(),
            created_at: Vec::new(),
            ended_at: Vec::new(),
            exists: Vec::new(),
        };
        sessions.push_empty(0);
        Self {
            experiments: Vec::new(),
            channels: Vec::new(),
            tags: Vec::new(),
            participants: Participants::default(),
            sessions,
            messages: Messages::default(),
            facts: Facts::default(),
            traces: Vec::new(),
            usage: Vec::new(),
            models: Vec::new(),
            tagged: tags::TagIndex::default(),
            experiment_of: HashMap::new(),
            participant_of: HashMap::new(),
            session_of: HashMap::new(),
            tag_of: HashMap::new(),
        }
    }
}

impl Participants {
    pub fn len(&self) -> usize {
        self.id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    pub fn name(&self, index: u32) -> &str {
        let (start, middle, _) = self.texts.spans[index as usize];
        &self.texts.bytes[start as usize..middle as usize]
    }

    pub fn identifier(&self, index: u32) -> &str {
        let (_, middle, end) = self.texts.spans[index as usize];
        &self.texts.bytes[middle as usize..end as usize]
    }

    /// The name, or the identifier when there is no name.
    pub fn display_name(&self, index: u32) -> &str {
        let name = self.name(index);
        if name.is_empty() { self.identifier(index) } else { name }
    }
}

impl Texts {
    fn add(&mut self, first: &str, second: &str) -> (u32, u32, u32) {
        let place = |bytes: &String| u32::try_from(bytes.len()).expect("names of one team stay below 4 GiB");
        let start = place(&self.bytes);
        self.bytes.push_str(first);
        let middle = place(&self.bytes);
        self.bytes.push_str(second);
        (start, middle, place(&self.bytes))
    }
}

impl Sessions {
    /// Number of slots, slot 0 and deleted ones included.
    pub fn slots(&self) -> usize {
        self.id.len()
    }

    pub fn platform(&self, slot: u32) -> Option<Platform> {
        Platform::from_code(self.platform[slot as usize])
    }

    pub(crate) fn platform_code(&self, slot: usize) -> u8 {
        self.platform[slot]
    }

    /// Whether the session takes part in figures at all: neither an evaluation nor still being set up.
    pub fn counts(&self, slot: usize) -> bool {
        self.exists[slot] && self.platform[slot] != Platform::Evaluations.code() && self.status[slot] != Status::Setup
    }

    /// Minutes from creation to end, of a session that has ended.
    pub fn minutes(&self, slot: usize) -> Option<f64> {
        let ended = self.ended_at[slot];
        (ended != NEVER).then(|| (ended - self.created_at[slot]) as f64 / 60_000_000.0)
    }

    fn push_empty(&mut self, id: i64) -> u32 {
        let slot = u32::try_from(self.id.len()).expect("fewer than 2^32 sessions");
        self.id.push(id);
        self.experiment.push(NONE);
        self.participant.push(NONE);
        self.platform.push(NO_PLATFORM);
        self.status.push(Status::Unknown);
        self.created_at.push(NEVER);
        self.ended_at.push(NEVER);
        self.exists.push(false);
        slot
    }
}

impl ChatImage {
    pub fn experiment_index(&self, id: i64) -> Option<u32> {
        self.experiment_of.get(&id).copied()
    }

    pub fn participant_index(&self, id: i64) -> Option<u32> {
        self.participant_of.get(&id).copied()
    }

    pub fn session_slot(&self, id: i64) -> Option<u32> {
        self.session_of.get(&id).copied().filter(|slot| self.sessions.exists[*slot as usize])
    }

    pub fn tag_index(&self, id: i64) -> Option<u32> {
        self.tag_of.get(&id).copied()
    }

    pub fn channel(&self, id: i64) -> Option<&ChannelRow> {
        self.channels.iter().find(|channel| channel.id == id)
    }

    /// Bots that are listed: working rows that are not archived.
    pub fn is_listed(&self, experiment: u32) -> bool {
        let row = &self.experiments[experiment as usize];
        row.working_version.is_none() && !row.archived
    }

    /// Bytes its columns hold, roughly: what the memory bound is checked against.
    pub fn bytes(&self) -> usize {
        self.messages.len() * 21
            + self.facts.len() * 20
            + self.sessions.slots() * (8 + 4 + 4 + 1 + 1 + 8 + 8 + 1 + 24)
            + self.participants.len() * (8 + 1 + 8 + 1 + 12 + 24)
            + self.participants.texts.bytes.len()
            + self.traces.len() * size_of::<Trace>()
            + self.usage.len() * size_of::<Usage>()
            + self.tagged.bytes()
    }
}
