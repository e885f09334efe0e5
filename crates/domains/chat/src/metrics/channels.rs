//! Sessions by platform (spec §4.8).

use serde::Serialize;

use super::{Question, ratio};
use crate::{
    image::{NO_SESSION, NONE},
    words::Platform,
};

/// One platform, by the session's own column; `platform` is null for sessions without one.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct PlatformRow {
    pub platform: Option<&'static str>,
    pub label: &'static str,
    pub sessions: u64,
    pub messages: u64,
    pub human_messages: u64,
    pub ai_messages: u64,
    /// Distinct people of its active sessions.
    pub participants: u64,
    pub session_percentage: f64,
    pub message_percentage: f64,
    /// Of all distinct people; a person on two platforms counts in both.
    pub participant_percentage: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelTotals {
    pub sessions: u64,
    pub messages: u64,
    pub participants: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelBreakdown {
    pub platforms: Vec<PlatformRow>,
    /// The name the first version of the dashboard used.
    pub channels: Vec<PlatformRow>,
    pub totals: ChannelTotals,
}

/// Every platform with a live channel (0 when unused) or with sessions, evaluations left out; most sessions first, then by name.
pub fn channel_breakdown(question: &Question<'_>) -> ChannelBreakdown {
    let (image, activity) = (question.image, question.activity());
    // Index 11 stands for sessions without a platform.
    let without = Platform::ALL.len();
    let mut counts = vec![(0_u64, 0_u64, 0_u64); without + 1];
    let mut platforms_of_person = vec![0_u16; image.participants.len()];
    for slot in question.active_sessions() {
        let number = u32::try_from(slot).unwrap_or(NO_SESSION);
        let platform = image.sessions.platform(number).map_or(without, |platform| usize::from(platform.code()));
        let (sessions, human, ai) = &mut counts[platform];
        *sessions += 1;
        *human += u64::from(activity.human[slot]);
        *ai += u64::from(activity.ai[slot]);
        let person = image.sessions.participant[slot];
        if person != NONE {
            platforms_of_person[person as usize] |= 1 << platform;
        }
    }
    let people: Vec<u64> = (0..=without)
        .map(|bit| platforms_of_person.iter().filter(|bits| **bits >> bit & 1 == 1).count() as u64)
        .collect();
    let totals = ChannelTotals {
        sessions: counts.iter().map(|(sessions, ..)| sessions).sum(),
        messages: counts.iter().map(|(_, human, ai)| human + ai).sum(),
        participants: platforms_of_person.iter().filter(|bits| **bits != 0).count() as u64,
    };
    let live =
        |platform: Platform| image.channels.iter().any(|channel| !channel.deleted && channel.platform == platform);
    let mut platforms: Vec<PlatformRow> = (0..=without)
        .filter(|index| {
            let platform = u8::try_from(*index).ok().and_then(Platform::from_code);
            platform != Some(Platform::Evaluations) && (counts[*index].0 > 0 || platform.is_some_and(live))
        })
        .map(|index| {
            let platform = u8::try_from(index).ok().and_then(Platform::from_code);
            let (sessions, human, ai) = counts[index];
            let share = |part: u64, all: u64| ratio(part as f64, all as f64) * 100.0;
            PlatformRow {
                platform: platform.map(Platform::as_str),
                label: platform.map_or("Unknown", Platform::label),
                sessions,
                messages: human + ai,
                human_messages: human,
                ai_messages: ai,
                participants: people[index],
                session_percentage: share(sessions, totals.sessions),
                message_percentage: share(human + ai, totals.messages),
                participant_percentage: share(people[index], totals.participants),
            }
        })
        .collect();
    platforms.sort_by(|a, b| b.sessions.cmp(&a.sessions).then(a.platform.cmp(&b.platform)));
    ChannelBreakdown { channels: platforms.clone(), platforms, totals }
}
