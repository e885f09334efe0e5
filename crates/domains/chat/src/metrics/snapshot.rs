//! One day of a team, kept (spec §10). UTC days; the exclusions of §2 apply throughout.

use std::collections::BTreeMap;

use jiff::{civil::Date, tz::TimeZone};
use serde::{Deserialize, Serialize};

use super::{Question, overview, ratio};
use crate::{
    filter::{Bucketing, Filter, Span, Window},
    image::{ChatImage, NEVER, NO_SESSION, NONE},
    instant::{DAY, Micros, utc_midnight},
    words::Platform,
};

/// What one platform saw on a day; `participants` are distinct per platform.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStats {
    pub sessions: u64,
    pub messages: u64,
    pub participants: u64,
}

/// The totals are as of the end of the day, `active_*`, messages and channels of the day itself; the three averages are over sessions
/// created on the day and null without any (the duration also without a completed one). `session_completion_rate` is a fraction.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub date: Date,
    pub total_experiments: u64,
    pub total_participants: u64,
    pub total_sessions: u64,
    pub total_messages: u64,
    pub active_experiments: u64,
    pub active_participants: u64,
    pub new_participants: u64,
    pub new_sessions: u64,
    pub messages_sent: u64,
    pub human_messages: u64,
    pub ai_messages: u64,
    pub channel_stats: BTreeMap<String, ChannelStats>,
    pub avg_session_duration_minutes: Option<f64>,
    pub avg_messages_per_session: Option<f64>,
    pub session_completion_rate: Option<f64>,
}

/// The snapshot of one UTC day, computed from everything known now.
pub fn snapshot(image: &ChatImage, date: Date) -> Snapshot {
    let start = utc_midnight(date);
    let day = Span { start, end: start + DAY };
    let filter = |span| Filter::everything(Window { span, zone: TimeZone::UTC });
    let (of_day, until) = (filter(day), filter(Span { start: earliest(image).min(start), end: day.end }));
    let today = Question::new(image, &of_day, Bucketing::Daily);
    let ever = Question::new(image, &until, Bucketing::Daily);
    let (today_counts, ever_counts) = (overview(&today), overview(&ever));
    let averages = Averages::of(&ever, day);
    let sessions = &image.sessions;
    let born = |at: Micros| at != NEVER && day.contains(at);
    let people = &image.participants;
    let known_by_then = |at: Micros| at == NEVER || at < day.end;
    let counted = |index: &usize| people.platform[*index] != Platform::Evaluations;
    Snapshot {
        date,
        total_experiments: experiments_until(image, day.end),
        total_participants: (0..people.len())
            .filter(counted)
            .filter(|index| known_by_then(people.created_at[*index]))
            .count() as u64,
        total_sessions: ever_counts.total_sessions,
        total_messages: ever_counts.total_messages,
        active_experiments: today_counts.active_experiments,
        active_participants: today_counts.active_participants,
        new_participants: (0..people.len()).filter(counted).filter(|index| born(people.created_at[*index])).count()
            as u64,
        new_sessions: (1..sessions.slots())
            .filter(|slot| sessions.counts(*slot) && day.contains(sessions.created_at[*slot]))
            .count() as u64,
        messages_sent: today_counts.total_messages,
        human_messages: today_counts.human_messages,
        ai_messages: today_counts.ai_messages,
        channel_stats: super::channel_breakdown(&today)
            .platforms
            .into_iter()
            .filter(|row| row.sessions > 0)
            .map(|row| {
                let stats =
                    ChannelStats { sessions: row.sessions, messages: row.messages, participants: row.participants };
                (row.platform.unwrap_or("unknown").to_owned(), stats)
            })
            .collect(),
        avg_session_duration_minutes: averages.minutes,
        avg_messages_per_session: averages.messages,
        session_completion_rate: averages.completion,
    }
}

fn earliest(image: &ChatImage) -> Micros {
    image.messages.at.first().copied().unwrap_or(0)
}

/// Listed bots there were by then. When a bot was made is not told: its first session stands in; one without any counts always.
fn experiments_until(image: &ChatImage, end: Micros) -> u64 {
    let mut first = vec![NEVER; image.experiments.len()];
    let sessions = &image.sessions;
    for slot in (1..sessions.slots()).filter(|slot| sessions.exists[*slot] && sessions.experiment[*slot] != NONE) {
        let first = &mut first[sessions.experiment[slot] as usize];
        *first = if *first == NEVER { sessions.created_at[slot] } else { (*first).min(sessions.created_at[slot]) };
    }
    (0..).zip(first).filter(|(index, first)| image.is_listed(*index) && *first < end).count() as u64
}

struct Averages {
    minutes: Option<f64>,
    messages: Option<f64>,
    completion: Option<f64>,
}

impl Averages {
    /// Over sessions created in `day`; their messages until its end.
    fn of(ever: &Question<'_>, day: Span) -> Self {
        let (sessions, activity) = (&ever.image.sessions, ever.activity());
        let (mut count, mut completed, mut messages, mut minutes) = (0_u64, 0_u64, 0_u64, 0.0);
        for slot in NO_SESSION as usize + 1..sessions.slots() {
            if !sessions.counts(slot) || !day.contains(sessions.created_at[slot]) {
                continue;
            }
            count += 1;
            messages += u64::from(activity.human[slot]) + u64::from(activity.ai[slot]);
            if let Some(length) = sessions.minutes(slot) {
                completed += 1;
                minutes += length;
            }
        }
        let some = |all: u64, value: f64| (all > 0).then_some(value);
        Self {
            minutes: some(completed, ratio(minutes, completed as f64)),
            messages: some(count, ratio(messages as f64, count as f64)),
            completion: some(count, ratio(completed as f64, count as f64)),
        }
    }
}
