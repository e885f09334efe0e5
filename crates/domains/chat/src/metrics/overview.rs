//! The tiles (spec §4.2).

use serde::Serialize;

use super::{Question, ratio};
use crate::image::{NEVER, NO_SESSION, NONE};

/// Counts over the window; `total_experiments` and `total_participants` are lists after filters, whatever the window.
///
/// Units: bots, people, sessions, turns; `completion_rate` in percent; the averages are turns per session and sessions per person.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Overview {
    pub total_experiments: u64,
    pub total_participants: u64,
    pub total_sessions: u64,
    pub total_messages: u64,
    pub human_messages: u64,
    pub ai_messages: u64,
    pub active_experiments: u64,
    pub active_participants: u64,
    pub completed_sessions: u64,
    pub completion_rate: f64,
    pub avg_messages_per_session: f64,
    pub avg_sessions_per_participant: f64,
}

pub fn overview(question: &Question<'_>) -> Overview {
    let (image, selection, activity) = (question.image, &question.selection, question.activity());
    let mut active_bots = vec![false; image.experiments.len()];
    let mut active_people = vec![false; image.participants.len()];
    let (mut sessions, mut completed, mut human, mut ai) = (0_u64, 0_u64, 0_u64, 0_u64);
    if selection.sessions[NO_SESSION as usize] {
        human += u64::from(activity.human[NO_SESSION as usize]);
        ai += u64::from(activity.ai[NO_SESSION as usize]);
    }
    for slot in question.active_sessions() {
        sessions += 1;
        completed += u64::from(image.sessions.ended_at[slot] != NEVER);
        human += u64::from(activity.human[slot]);
        ai += u64::from(activity.ai[slot]);
        let (bot, person) = (image.sessions.experiment[slot], image.sessions.participant[slot]);
        if bot != NONE {
            active_bots[bot as usize] = true;
        }
        if person != NONE && activity.human[slot] > 0 {
            active_people[person as usize] = true;
        }
    }
    let count = |flags: &[bool]| flags.iter().filter(|flag| **flag).count() as u64;
    let listed_and_active =
        active_bots.iter().zip(&selection.experiments).filter(|(active, listed)| **active && **listed).count() as u64;
    let active_participants = count(&active_people);
    let messages = human + ai;
    Overview {
        total_experiments: count(&selection.experiments),
        total_participants: count(&selection.participants),
        total_sessions: sessions,
        total_messages: messages,
        human_messages: human,
        ai_messages: ai,
        active_experiments: listed_and_active,
        active_participants,
        completed_sessions: completed,
        completion_rate: ratio(completed as f64, sessions as f64) * 100.0,
        avg_messages_per_session: ratio(messages as f64, sessions as f64),
        avg_sessions_per_participant: ratio(sessions as f64, active_participants as f64),
    }
}
