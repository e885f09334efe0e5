//! The figures (spec §4), each defined once over one image; endpoints, exports, snapshots and live views all ask here.

mod bots;
mod channels;
mod compare;
mod cost;
mod engagement;
mod overview;
mod response_time;
mod series;
mod snapshot;
mod tags;
mod views;

use std::cell::OnceCell;

pub use bots::{BotOrder, BotPage, BotRow, bot_page, bot_rows, sort_bots};
pub use channels::{ChannelBreakdown, PlatformRow, channel_breakdown};
pub use compare::{Comparison, Interval, Measure, Variant, Verdict, compare_versions};
pub use cost::{
    BotP95, CostBreakdown, CostPoint, CostSummary, KindCost, ModelCost, ModelCount, P95Point, cost_breakdown, cost_p95,
    cost_summary, cost_timeseries,
};
pub use engagement::{Bin, Engagement, ParticipantRow, session_lengths, user_engagement};
pub use overview::{Overview, overview};
pub use response_time::{ResponseTimePoint, average_response_time};
pub use series::{
    ActiveParticipants, ActiveSessions, Count, MessageVolume, SessionAnalytics, VolumeTotals, active_participants,
    message_volume, session_analytics,
};
pub use snapshot::{ChannelStats, Snapshot, snapshot};
pub use tags::{TagAnalytics, tag_analytics};
pub use views::{EngagementViews, engagement_views};

use crate::{
    filter::{Bucketing, FieldErrors, Filter, Selection},
    image::{ChatImage, NEVER, NO_SESSION, Usage},
    instant::Micros,
    words::UsageSource,
};

/// One question to one image: a checked filter and what passes it.
pub struct Question<'a> {
    pub image: &'a ChatImage,
    pub filter: &'a Filter,
    pub selection: Selection,
    pub bucketing: Bucketing,
    /// Return every bucket, with zeros where nothing happened.
    pub fill: bool,
    /// Whether the team tracks cost.
    pub cost_tracking: bool,
    activity: OnceCell<Activity>,
}

/// Turns in the window, by session slot, whatever the filter.
#[derive(Debug)]
pub struct Activity {
    pub human: Vec<u32>,
    pub ai: Vec<u32>,
    /// Instant of the latest human message in the window; `NEVER` without one.
    pub last_human: Vec<Micros>,
}

impl<'a> Question<'a> {
    pub fn new(image: &'a ChatImage, filter: &'a Filter, bucketing: Bucketing) -> Self {
        let selection = filter.select(image);
        Self { image, filter, selection, bucketing, fill: false, cost_tracking: false, activity: OnceCell::new() }
    }

    /// Turns in the window, read once per question.
    pub fn activity(&self) -> &Activity {
        self.activity.get_or_init(|| {
            let slots = self.image.sessions.slots();
            let mut activity = Activity { human: vec![0; slots], ai: vec![0; slots], last_human: vec![NEVER; slots] };
            let span = self.filter.window.span;
            self.image.visit_turns(span.start, span.end, |turns| {
                let slot = turns.session as usize;
                activity.human[slot] += turns.human;
                activity.ai[slot] += turns.ai;
                activity.last_human[slot] = activity.last_human[slot].max(turns.last_human);
            });
            activity
        })
    }

    /// The active session set `S` (§2): slots of sessions that pass and have a turn in the window.
    pub fn active_sessions(&self) -> impl Iterator<Item = usize> + '_ {
        let activity = self.activity();
        (NO_SESSION as usize + 1..self.selection.sessions.len())
            .filter(move |slot| self.selection.sessions[*slot] && activity.human[*slot] + activity.ai[*slot] > 0)
    }

    /// Usage records of the window that the filter lets through (§4.11).
    ///
    /// Unfiltered, every source counts. Narrowed, or with `chat_only`, it is an attribution: chats only. Channels, tags and expressions
    /// match through the record's session; a record without one is left out then.
    pub fn usage(&self, chat_only: bool) -> impl Iterator<Item = &'a Usage> + '_ {
        let span = self.filter.window.span;
        let usage = &self.image.usage;
        let rows = usage.partition_point(|u| u.at < span.start)..usage.partition_point(|u| u.at < span.end);
        let chat_only = chat_only || self.filter.is_narrowed();
        let by_session = UsageSessions::of(self.filter, self.image);
        usage[rows.start..rows.end.max(rows.start)].iter().filter(move |usage| {
            let experiment = self.image.experiments.get(usage.experiment as usize).map(|row| row.id);
            let participant = self.image.participants.id.get(usage.participant as usize).copied();
            (!chat_only || usage.source == UsageSource::Chat)
                && (self.filter.experiments.is_empty()
                    || experiment.is_some_and(|id| self.filter.experiments.contains(&id)))
                && (self.filter.participants.is_empty()
                    || participant.is_some_and(|id| self.filter.participants.contains(&id)))
                && by_session.passes(usage.session)
        })
    }
}

/// Which sessions let their usage records through: those that pass channels, tags and expressions.
struct UsageSessions(Option<Vec<bool>>);

impl UsageSessions {
    fn of(filter: &Filter, image: &ChatImage) -> Self {
        if filter.channels.is_empty() && filter.tags.is_empty() && filter.expressions.is_empty() {
            return Self(None);
        }
        Self(Some(filter.sessions_by_conversation(image)))
    }

    fn passes(&self, session: u32) -> bool {
        match &self.0 {
            None => true,
            Some(passing) => session != NO_SESSION && passing[session as usize],
        }
    }
}

/// `a / b`, 0 when there is nothing to divide by.
pub(crate) fn ratio(a: f64, b: f64) -> f64 {
    if b == 0.0 { 0.0 } else { a / b }
}

/// Rounded half away from zero to so many decimals.
pub(crate) fn rounded(value: f64, decimals: i32) -> f64 {
    let factor = 10_f64.powi(decimals);
    (value * factor).round() / factor
}

/// Money from its exact form of 1/100,000,000.
pub(crate) fn money(units: i128) -> f64 {
    units as f64 / 1e8
}

/// Marks things by number, and forgets all marks at once.
pub(crate) struct Stamps {
    last: Vec<u32>,
    current: u32,
}

impl Stamps {
    pub fn new(len: usize) -> Self {
        Self { last: vec![0; len], current: 1 }
    }

    pub fn clear(&mut self) {
        self.current += 1;
    }

    /// Whether it was not marked since the last `clear`.
    pub fn mark(&mut self, index: u32) -> bool {
        let last = &mut self.last[index as usize];
        let new = *last != self.current;
        *last = self.current;
        new
    }
}

pub(crate) type Answer<T> = Result<T, FieldErrors>;
