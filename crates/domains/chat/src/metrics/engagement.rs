//! Who talks most and least, and how long sessions last (spec §4.7).

use serde::Serialize;

use super::{Question, money, ratio, rounded};
use crate::{
    image::{NEVER, NONE},
    instant::{Micros, iso_utc},
};

/// One person with at least one human message in the window; `total_sessions` are those they wrote in.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParticipantRow {
    pub participant_id: i64,
    pub participant_name: String,
    pub participant_url: String,
    pub total_messages: u64,
    pub total_sessions: u64,
    pub avg_messages_per_session: f64,
    pub experiments_count: u64,
    pub last_activity: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

/// Sessions that lasted from `bin_start` to `bin_end` minutes; closed-open, the last bin closed.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Bin {
    pub bin_start: f64,
    pub bin_end: f64,
    pub count: u64,
    pub label: String,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Engagement {
    pub most_active_participants: Vec<ParticipantRow>,
    pub least_active_participants: Vec<ParticipantRow>,
    pub session_length_distribution: Vec<Bin>,
    /// People with at least one human message.
    pub total_participants: usize,
}

#[derive(Clone, Copy)]
struct Writer {
    person: u32,
    messages: u64,
    sessions: u64,
    last: Micros,
}

/// Top and bottom `limit` people by human messages (ties: latest activity first, then id), and the histogram of lengths.
pub fn user_engagement(question: &Question<'_>, limit: usize, link: impl Fn(i64) -> String) -> Engagement {
    let image = question.image;
    let mut writers = writers(question);
    let by_recency = |a: &Writer, b: &Writer| {
        b.last
            .cmp(&a.last)
            .then_with(|| image.participants.id[a.person as usize].cmp(&image.participants.id[b.person as usize]))
    };
    writers.sort_by(|a, b| b.messages.cmp(&a.messages).then_with(|| by_recency(a, b)));
    let most: Vec<Writer> = writers.iter().take(limit).copied().collect();
    writers.sort_by(|a, b| a.messages.cmp(&b.messages).then_with(|| by_recency(a, b)));
    let least: Vec<Writer> = writers.iter().take(limit).copied().collect();
    let shown = Shown::of(question, most.iter().chain(&least).map(|writer| writer.person));
    let rows = |writers: &[Writer]| writers.iter().map(|writer| shown.row(question, writer, &link)).collect();
    Engagement {
        most_active_participants: rows(&most),
        least_active_participants: rows(&least),
        session_length_distribution: session_lengths(question),
        total_participants: writers.len(),
    }
}

fn writers(question: &Question<'_>) -> Vec<Writer> {
    let (image, activity) = (question.image, question.activity());
    let mut by_person = vec![Writer { person: NONE, messages: 0, sessions: 0, last: NEVER }; image.participants.len()];
    for slot in question.active_sessions() {
        let person = image.sessions.participant[slot];
        if person != NONE && activity.human[slot] > 0 {
            let writer = &mut by_person[person as usize];
            writer.person = person;
            writer.messages += u64::from(activity.human[slot]);
            writer.sessions += 1;
            writer.last = writer.last.max(activity.last_human[slot]);
        }
    }
    by_person.retain(|writer| writer.person != NONE);
    by_person
}

/// What only the people shown need: how many bots they wrote to, and what they cost.
struct Shown {
    bots: hashbrown::HashMap<u32, Vec<u32>>,
    costs: hashbrown::HashMap<u32, i128>,
}

impl Shown {
    fn of(question: &Question<'_>, people: impl Iterator<Item = u32>) -> Self {
        let (image, activity) = (question.image, question.activity());
        let mut bots: hashbrown::HashMap<u32, Vec<u32>> = people.map(|person| (person, Vec::new())).collect();
        for slot in question.active_sessions().filter(|slot| activity.human[*slot] > 0) {
            if let Some(bots) = bots.get_mut(&image.sessions.participant[slot]) {
                let bot = image.sessions.experiment[slot];
                if bot != NONE && !bots.contains(&bot) {
                    bots.push(bot);
                }
            }
        }
        let mut costs = hashbrown::HashMap::new();
        if question.cost_tracking {
            for usage in question.usage(true).filter(|usage| bots.contains_key(&usage.participant)) {
                *costs.entry(usage.participant).or_insert(0) += i128::from(usage.cost);
            }
        }
        Self { bots, costs }
    }

    fn row(&self, question: &Question<'_>, writer: &Writer, link: impl Fn(i64) -> String) -> ParticipantRow {
        let people = &question.image.participants;
        let id = people.id[writer.person as usize];
        ParticipantRow {
            participant_id: id,
            participant_name: people.display_name(writer.person).to_owned(),
            participant_url: link(id),
            total_messages: writer.messages,
            total_sessions: writer.sessions,
            avg_messages_per_session: ratio(writer.messages as f64, writer.sessions as f64),
            experiments_count: self.bots.get(&writer.person).map_or(0, |bots| bots.len() as u64),
            last_activity: iso_utc(writer.last),
            cost: question.cost_tracking.then(|| money(self.costs.get(&writer.person).copied().unwrap_or(0))),
        }
    }
}

/// Ten equal bins of minutes over completed active sessions; one bin when all last equally long, none without any.
pub fn session_lengths(question: &Question<'_>) -> Vec<Bin> {
    let sessions = &question.image.sessions;
    let lengths: Vec<Micros> = question
        .active_sessions()
        .filter(|slot| sessions.ended_at[*slot] != NEVER)
        .map(|slot| sessions.ended_at[slot] - sessions.created_at[slot])
        .collect();
    let (Some(shortest), Some(longest)) = (lengths.iter().min().copied(), lengths.iter().max().copied()) else {
        return Vec::new();
    };
    let minutes = |length: f64| length / 60_000_000.0;
    let bin = |start: f64, end: f64, count: u64| Bin {
        bin_start: rounded(start, 2),
        bin_end: rounded(end, 2),
        count,
        label: format!("{start:.1}-{end:.1} min"),
    };
    if shortest == longest {
        let value = minutes(shortest as f64);
        return vec![bin(value, value, lengths.len() as u64)];
    }
    // Whole numbers decide the bin, so none is ever lost to rounding.
    let range = i128::from(longest) - i128::from(shortest);
    let mut counts = [0_u64; 10];
    for length in &lengths {
        let index = (i128::from(*length) - i128::from(shortest)) * 10 / range;
        counts[usize::try_from(index.min(9)).unwrap_or(9)] += 1;
    }
    let edge = |index: usize| minutes(shortest as f64 + range as f64 * index as f64 / 10.0);
    counts.iter().enumerate().map(|(index, count)| bin(edge(index), edge(index + 1), *count)).collect()
}
