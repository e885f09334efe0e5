//! Working changes into the image.

use hashbrown::{HashMap, HashSet};

use super::{ChatImage, NEVER, NO_PLATFORM, NO_SESSION, NONE, Trace, Usage};
use crate::rows::{Changes, ExperimentRow, MessageRow, ParticipantRow, SessionRow, TagRow, TraceRow, UsageRow};

impl ChatImage {
    /// Works a change in: later versions replace earlier ones, gone rows go, everything derived follows.
    pub fn apply(&mut self, changes: Changes) {
        self.apply_entities(&changes);
        self.messages.reserve(changes.messages.len());
        for message in &changes.messages {
            self.add_message(message, 1);
        }
        for id in &changes.gone.messages {
            self.remove_message(*id, 2);
        }
        self.settle();
    }

    /// Everything but messages; parents before children. Call `settle` when all is in.
    pub fn apply_entities(&mut self, changes: &Changes) {
        for row in &changes.experiments {
            self.put_experiment(row);
        }
        for row in &changes.channels {
            match self.channels.iter_mut().find(|known| known.id == row.id) {
                Some(known) => known.clone_from(row),
                None => self.channels.push(row.clone()),
            }
        }
        for row in &changes.tags {
            self.put_tag(row);
        }
        for row in &changes.participants {
            self.put_participant(row);
        }
        for row in &changes.sessions {
            self.put_session(row);
        }
        for id in &changes.gone.sessions {
            if let Some(slot) = self.session_of.get(id) {
                self.sessions.exists[*slot as usize] = false;
            }
        }
        let gone: HashSet<_> = changes.gone.tag_links.iter().copied().collect();
        self.unlink(&gone);
        for link in &changes.tag_links {
            self.tagged.add(link);
        }
        self.put_traces(&changes.traces, &changes.gone.traces);
        self.put_usage(&changes.usage, &changes.gone.usage);
    }

    /// Makes room for messages that are about to be added.
    pub fn expect_messages(&mut self, count: usize) {
        self.messages.reserve(count);
    }

    /// Adds a version of a message; of two versions the one with the higher `order` stays. Counted after `settle`.
    pub fn add_message(&mut self, row: &MessageRow, order: u32) {
        let session = row.session.map_or(NO_SESSION, |id| self.slot_for(id));
        self.messages.push(row.id, row.created_at, session, row.kind, order);
    }

    pub fn remove_message(&mut self, id: i64, order: u32) {
        self.messages.push_gone(id, order);
    }

    /// Brings everything derived in line with what was added.
    pub fn settle(&mut self) {
        let settled = self.messages.settle();
        if let Some(from) = settled.changed_from {
            self.facts.rebuild_from(from, &self.messages, self.sessions.slots());
        }
        self.settle_tags(&settled);
    }

    fn put_experiment(&mut self, row: &ExperimentRow) {
        if let Some(index) = self.experiment_of.get(&row.id) {
            self.experiments[*index as usize].clone_from(row);
        } else {
            self.experiment_of.insert(row.id, number(self.experiments.len()));
            self.experiments.push(row.clone());
        }
    }

    fn put_tag(&mut self, row: &TagRow) {
        if let Some(index) = self.tag_of.get(&row.id) {
            self.tags[*index as usize].clone_from(row);
        } else {
            self.tag_of.insert(row.id, number(self.tags.len()));
            self.tags.push(row.clone());
        }
    }

    fn put_participant(&mut self, row: &ParticipantRow) {
        let people = &mut self.participants;
        let texts = people.texts.add(&row.name, &row.identifier);
        let told = row.created_at.is_some();
        if let Some(index) = self.participant_of.get(&row.id) {
            let index = *index as usize;
            people.platform[index] = row.platform;
            people.texts.spans[index] = texts;
            if let Some(at) = row.created_at {
                people.created_at[index] = at;
                people.told[index] = true;
            }
        } else {
            self.participant_of.insert(row.id, number(people.id.len()));
            people.id.push(row.id);
            people.platform.push(row.platform);
            people.created_at.push(row.created_at.unwrap_or(NEVER));
            people.told.push(told);
            people.texts.spans.push(texts);
        }
    }

    /// The slot of a session id; a new one that does not exist yet when the id is new.
    fn slot_for(&mut self, id: i64) -> u32 {
        if let Some(slot) = self.session_of.get(&id) {
            return *slot;
        }
        let slot = self.sessions.push_empty(id);
        self.session_of.insert(id, slot);
        slot
    }

    fn put_session(&mut self, row: &SessionRow) {
        let slot = self.slot_for(row.id) as usize;
        let participant = row.participant.and_then(|id| self.participant_index(id)).unwrap_or(NONE);
        self.sessions.experiment[slot] = self.experiment_index(row.experiment).unwrap_or(NONE);
        self.sessions.participant[slot] = participant;
        self.sessions.platform[slot] = row.platform.map_or(NO_PLATFORM, crate::words::Platform::code);
        self.sessions.status[slot] = row.status;
        self.sessions.created_at[slot] = row.created_at;
        self.sessions.ended_at[slot] = row.ended_at.unwrap_or(NEVER);
        self.sessions.exists[slot] = true;
        if participant != NONE && !self.participants.told[participant as usize] {
            let first = &mut self.participants.created_at[participant as usize];
            *first = if *first == NEVER { row.created_at } else { (*first).min(row.created_at) };
        }
    }

    fn put_traces(&mut self, rows: &[TraceRow], gone: &[i64]) {
        if rows.is_empty() && gone.is_empty() {
            return;
        }
        let replaced: HashSet<i64> = rows.iter().map(|row| row.id).chain(gone.iter().copied()).collect();
        self.traces.retain(|trace| !replaced.contains(&trace.id));
        let latest: HashMap<i64, &TraceRow> = rows.iter().map(|row| (row.id, row)).collect();
        self.traces.reserve_exact(latest.len());
        for row in latest.into_values() {
            let Some(duration_ms) = row.duration_ms else { continue };
            let session = self.slot_for(row.session);
            let experiment = row.experiment.and_then(|id| self.experiment_index(id)).unwrap_or(NONE);
            self.traces.push(Trace { at: row.at, id: row.id, session, experiment, duration_ms });
        }
        self.traces.sort_by_key(|trace| (trace.at, trace.id));
    }

    fn put_usage(&mut self, rows: &[UsageRow], gone: &[i64]) {
        if rows.is_empty() && gone.is_empty() {
            return;
        }
        let replaced: HashSet<i64> = rows.iter().map(|row| row.key).chain(gone.iter().copied()).collect();
        self.usage.retain(|usage| !replaced.contains(&usage.key));
        let mut models: HashMap<(String, String), u32> =
            self.models.iter().cloned().enumerate().map(|(index, model)| (model, number(index))).collect();
        let latest: HashMap<i64, &UsageRow> = rows.iter().map(|row| (row.key, row)).collect();
        self.usage.reserve_exact(latest.len());
        for row in latest.into_values() {
            let name = (row.provider.clone(), row.model.clone());
            let model = *models.entry(name).or_insert_with_key(|name| {
                self.models.push(name.clone());
                number(self.models.len() - 1)
            });
            let usage = Usage {
                at: row.at,
                key: row.key,
                cost: row.cost,
                quantity: row.quantity.unwrap_or(0),
                trace: row.trace,
                experiment: row.experiment.and_then(|id| self.experiment_index(id)).unwrap_or(NONE),
                session: row.session.map_or(NO_SESSION, |id| self.slot_for(id)),
                participant: row.participant.and_then(|id| self.participant_index(id)).unwrap_or(NONE),
                model,
                source: row.source,
                service: row.service,
                confidence: row.confidence,
                priced: row.priced,
            };
            self.usage.push(usage);
        }
        self.usage.sort_by_key(|usage| (usage.at, usage.key));
    }
}

fn number(index: usize) -> u32 {
    u32::try_from(index).expect("fewer than 2^32 rows of a kind")
}
