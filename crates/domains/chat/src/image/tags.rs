//! Tags: links on messages tied to their message's instant and session, and which sessions a tag marks.

use hashbrown::{HashMap, HashSet};

use super::{ChatImage, messages::Settled};
use crate::{
    instant::Micros,
    rows::TagLinkRow,
    words::{EXPERIMENT_VERSION, TargetKind},
};

/// A tag on a message, with what is asked about it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct TaggedMessage {
    pub at: Micros,
    pub message: i64,
    pub session: u32,
    /// Index into `tags`.
    pub tag: u32,
}

#[derive(Debug, Default)]
pub struct TagIndex {
    /// In order of time, then message, then tag; no pair twice.
    pub on_messages: Vec<TaggedMessage>,
    /// Session slot and tag index; sorted, no pair twice.
    pub on_sessions: Vec<(u32, u32)>,
    /// Links whose message is not known (yet): message id, tag id.
    waiting: HashSet<(i64, i64)>,
    /// Links whose session or tag is not known (yet): session id, tag id.
    waiting_sessions: HashSet<(i64, i64)>,
    /// Slots each tag marks, through the session or any message in it; sorted. Version tags too.
    marked: Vec<Vec<u32>>,
    changed: bool,
}

impl TagIndex {
    /// Session slots a tag marks, ascending.
    pub fn marked(&self, tag: u32) -> &[u32] {
        self.marked.get(tag as usize).map_or(&[], Vec::as_slice)
    }

    pub(super) fn bytes(&self) -> usize {
        self.on_messages.len() * (size_of::<TaggedMessage>() + 4)
            + self.on_sessions.len() * 12
            + self.waiting.len() * 24
    }

    pub(super) fn add(&mut self, link: &TagLinkRow) {
        if !link.own {
            return;
        }
        match link.kind {
            TargetKind::Message => self.waiting.insert((link.target, link.tag)),
            TargetKind::Chat => self.waiting_sessions.insert((link.target, link.tag)),
        };
        self.changed = true;
    }
}

impl ChatImage {
    pub(super) fn unlink(&mut self, gone: &HashSet<(i64, TargetKind, i64)>) {
        if gone.is_empty() {
            return;
        }
        let (tags, sessions, index) = (&self.tags, &self.sessions, &mut self.tagged);
        index.changed = true;
        index
            .on_messages
            .retain(|link| !gone.contains(&(tags[link.tag as usize].id, TargetKind::Message, link.message)));
        index.on_sessions.retain(|(slot, tag)| {
            !gone.contains(&(tags[*tag as usize].id, TargetKind::Chat, sessions.id[*slot as usize]))
        });
        index.waiting.retain(|(target, tag)| !gone.contains(&(*tag, TargetKind::Message, *target)));
        index.waiting_sessions.retain(|(target, tag)| !gone.contains(&(*tag, TargetKind::Chat, *target)));
    }

    /// Ties waiting links to the messages and sessions there are now.
    pub(super) fn settle_tags(&mut self, settled: &Settled) {
        if !settled.touched.is_empty() {
            // An edited message may lie elsewhere now, a deleted one nowhere: its links wait again.
            let touched: HashSet<i64> = settled.touched.iter().copied().collect();
            let (tags, index) = (&self.tags, &mut self.tagged);
            let waiting = &mut index.waiting;
            index.on_messages.retain(|link| {
                let stays = !touched.contains(&link.message);
                if !stays {
                    waiting.insert((link.message, tags[link.tag as usize].id));
                }
                stays
            });
            index.changed = true;
        }
        if !self.tagged.waiting.is_empty() {
            let from = if self.tagged.changed { 0 } else { settled.first_new_row };
            self.tie_messages(from);
        }
        let waiting = std::mem::take(&mut self.tagged.waiting_sessions);
        for (session, tag) in waiting {
            match (self.session_of.get(&session), self.tag_of.get(&tag)) {
                (Some(slot), Some(index)) => self.tagged.on_sessions.push((*slot, *index)),
                _ => {
                    self.tagged.waiting_sessions.insert((session, tag));
                }
            }
        }
        if self.tagged.changed || settled.changed_from.is_some() {
            self.tagged.on_sessions.sort_unstable();
            self.tagged.on_sessions.dedup();
            self.mark_sessions();
            self.tagged.changed = false;
        }
    }

    fn tie_messages(&mut self, from: usize) {
        let mut by_message: HashMap<i64, Vec<i64>> = HashMap::with_capacity(self.tagged.waiting.len());
        for (message, tag) in &self.tagged.waiting {
            by_message.entry(*message).or_default().push(*tag);
        }
        let before = self.tagged.on_messages.len();
        for row in from..self.messages.len() {
            let id = self.messages.id[row];
            let Some(tags) = by_message.get(&id) else { continue };
            for tag in tags {
                if let Some(index) = self.tag_of.get(tag) {
                    self.tagged.waiting.remove(&(id, *tag));
                    let (at, session) = (self.messages.at[row], self.messages.session[row]);
                    self.tagged.on_messages.push(TaggedMessage { at, message: id, session, tag: *index });
                }
            }
        }
        if self.tagged.on_messages.len() > before {
            self.tagged.on_messages.sort();
            self.tagged.on_messages.dedup();
            self.tagged.changed = true;
        }
    }

    fn mark_sessions(&mut self) {
        let mut marked = vec![Vec::new(); self.tags.len()];
        for link in &self.tagged.on_messages {
            marked[link.tag as usize].push(link.session);
        }
        for (slot, tag) in &self.tagged.on_sessions {
            marked[*tag as usize].push(*slot);
        }
        for slots in &mut marked {
            slots.sort_unstable();
            slots.dedup();
        }
        self.tagged.marked = marked;
    }

    /// Whether a tag is offered as a filter and listed in answers.
    pub fn is_listed_tag(&self, tag: u32) -> bool {
        self.tags[tag as usize].category != EXPERIMENT_VERSION
    }
}
