//! Sessions, people and messages over time (spec §4.3–4.5). Distinct counts are exact within each bucket.

use serde::Serialize;

use super::{Answer, Question, Stamps};
use crate::image::{NO_SESSION, NONE};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActiveParticipants {
    pub date: String,
    pub active_participants: u64,
    /// The name the first version of the dashboard used.
    pub unique_participants: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ActiveSessions {
    pub date: String,
    pub active_sessions: u64,
    /// The name the first version of the dashboard used.
    pub total_sessions: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SessionAnalytics {
    pub sessions: Vec<ActiveSessions>,
    pub participants: Vec<ActiveParticipants>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Count {
    pub date: String,
    pub count: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct VolumeTotals {
    pub date: String,
    pub human_messages: u64,
    pub ai_messages: u64,
    pub total_messages: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MessageVolume {
    pub human_messages: Vec<Count>,
    pub ai_messages: Vec<Count>,
    pub totals: Vec<VolumeTotals>,
}

/// What one bucket holds.
struct BucketCounts {
    label: String,
    sessions: u64,
    people: u64,
    human: u64,
    ai: u64,
}

/// Every bucket that holds a turn of a selected session; with `fill` every bucket.
fn count_buckets(question: &Question<'_>) -> Answer<Vec<BucketCounts>> {
    let (image, selected) = (question.image, &question.selection.sessions);
    let mut sessions = Stamps::new(image.sessions.slots());
    let mut people = Stamps::new(image.participants.len());
    let mut found = Vec::new();
    for bucket in question.filter.window.buckets(question.bucketing)? {
        let mut counts = BucketCounts { label: bucket.label, sessions: 0, people: 0, human: 0, ai: 0 };
        image.visit_turns(bucket.span.start, bucket.span.end, |turns| {
            if !selected[turns.session as usize] {
                return;
            }
            counts.human += u64::from(turns.human);
            counts.ai += u64::from(turns.ai);
            if turns.session == NO_SESSION {
                return;
            }
            counts.sessions += u64::from(sessions.mark(turns.session));
            let person = image.sessions.participant[turns.session as usize];
            if turns.human > 0 && person != NONE {
                counts.people += u64::from(people.mark(person));
            }
        });
        sessions.clear();
        people.clear();
        if question.fill || counts.human + counts.ai > 0 {
            found.push(counts);
        }
    }
    Ok(found)
}

/// Distinct people with a human message, per bucket; buckets without one are absent unless filled.
pub fn active_participants(question: &Question<'_>) -> Answer<Vec<ActiveParticipants>> {
    let keep = |counts: &BucketCounts| question.fill || counts.people > 0;
    Ok(count_buckets(question)?.into_iter().filter(keep).map(|counts| people_point(&counts)).collect())
}

fn people_point(counts: &BucketCounts) -> ActiveParticipants {
    ActiveParticipants {
        date: counts.label.clone(),
        active_participants: counts.people,
        unique_participants: counts.people,
    }
}

/// Distinct sessions with a turn, and distinct human authors, per bucket that holds a turn; both lists have the same dates.
pub fn session_analytics(question: &Question<'_>) -> Answer<SessionAnalytics> {
    let buckets = count_buckets(question)?;
    Ok(SessionAnalytics {
        sessions: buckets
            .iter()
            .map(|counts| ActiveSessions {
                date: counts.label.clone(),
                active_sessions: counts.sessions,
                total_sessions: counts.sessions,
            })
            .collect(),
        participants: buckets.iter().map(people_point).collect(),
    })
}

/// Turns per bucket by who wrote them; a bucket of system messages only is absent.
pub fn message_volume(question: &Question<'_>) -> Answer<MessageVolume> {
    let buckets = count_buckets(question)?;
    let list = |count: fn(&BucketCounts) -> u64| {
        buckets.iter().map(|bucket| Count { date: bucket.label.clone(), count: count(bucket) }).collect()
    };
    Ok(MessageVolume {
        human_messages: list(|bucket| bucket.human),
        ai_messages: list(|bucket| bucket.ai),
        totals: buckets
            .iter()
            .map(|bucket| VolumeTotals {
                date: bucket.label.clone(),
                human_messages: bucket.human,
                ai_messages: bucket.ai,
                total_messages: bucket.human + bucket.ai,
            })
            .collect(),
    })
}
