//! Engagement over the trailing seven months (spec §4.12): UTC, no date filter, the other filters apply.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde::Serialize;

use super::{Stamps, ratio};
use crate::{
    filter::{Filter, Span},
    image::{ChatImage, NEVER, NO_SESSION, NONE},
    instant::utc_midnight,
};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonthlyUsers {
    /// `2026-06`.
    pub month: String,
    pub in_progress: bool,
    /// Distinct people with a human message in the month.
    pub monthly_active_users: u64,
    /// Share (0–1) of the people active in the month's weeks who were active in two or more of them.
    pub core_user_rate: f64,
}

/// People of the month's weeks by the number of weeks they were active in. A week belongs to the month of its Monday.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonthlyFrequency {
    pub month: String,
    pub in_progress: bool,
    #[serde(rename = "1_week")]
    pub one_week: u64,
    #[serde(rename = "2_weeks")]
    pub two_weeks: u64,
    #[serde(rename = "3_weeks")]
    pub three_weeks: u64,
    #[serde(rename = "4_plus_weeks")]
    pub four_plus_weeks: u64,
}

/// Active people of a week; new are those created in it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeeklyUsers {
    /// The Monday.
    pub week: Date,
    pub new: u64,
    pub returning: u64,
}

/// Mean minutes of completed sessions active in the month; null without any.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct MonthlyLength {
    pub month: String,
    pub in_progress: bool,
    pub avg_session_minutes: Option<f64>,
}

/// Active sessions of the current month by bot or platform; share in percent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BreakdownRow {
    pub name: String,
    pub sessions: u64,
    pub share: f64,
    pub previous_month_sessions: u64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct EngagementViews {
    pub monthly_active_users: Vec<MonthlyUsers>,
    pub frequency: Vec<MonthlyFrequency>,
    pub weekly_new_returning: Vec<WeeklyUsers>,
    pub session_length: Vec<MonthlyLength>,
    pub top_chatbots: Vec<BreakdownRow>,
    pub top_channels: Vec<BreakdownRow>,
}

/// Everything of §4.12; the filter's window is not looked at.
pub fn engagement_views(image: &ChatImage, filter: &Filter, now: Timestamp) -> EngagementViews {
    let this_month = now.to_zoned(TimeZone::UTC).date().first_of_month();
    let months: Vec<Date> = (0..7).rev().map(|back: i64| this_month.saturating_sub(back.months())).collect();
    let month_span = |month: Date| span(month, month.saturating_add(1.month()));
    let label = |month: Date| month.strftime("%Y-%m").to_string();
    let weeks = weeks(months[0], now);
    // Which sessions pass does not depend on the window.
    let selected = filter.select(image).sessions;
    let weekly: Vec<(Date, Vec<u32>)> = weeks
        .iter()
        .map(|week| (*week, authors(image, &selected, span(*week, week.saturating_add(7.days())))))
        .collect();
    let mut weeks_active: BTreeMap<Date, BTreeMap<u32, u64>> = BTreeMap::new();
    for (week, people) in &weekly {
        let month = weeks_active.entry(week.first_of_month()).or_default();
        people.iter().for_each(|person| *month.entry(*person).or_default() += 1);
    }
    let mut views = EngagementViews {
        monthly_active_users: Vec::new(),
        frequency: Vec::new(),
        weekly_new_returning: Vec::new(),
        session_length: Vec::new(),
        top_chatbots: Vec::new(),
        top_channels: Vec::new(),
    };
    for month in &months {
        let in_progress = *month == this_month;
        let active = weeks_active.remove(month).unwrap_or_default();
        let with =
            |least: u64, most: u64| active.values().filter(|weeks| (least..=most).contains(*weeks)).count() as u64;
        views.monthly_active_users.push(MonthlyUsers {
            month: label(*month),
            in_progress,
            monthly_active_users: authors(image, &selected, month_span(*month)).len() as u64,
            core_user_rate: ratio(with(2, u64::MAX) as f64, active.len() as f64),
        });
        views.frequency.push(MonthlyFrequency {
            month: label(*month),
            in_progress,
            one_week: with(1, 1),
            two_weeks: with(2, 2),
            three_weeks: with(3, 3),
            four_plus_weeks: with(4, u64::MAX),
        });
        views.session_length.push(MonthlyLength {
            month: label(*month),
            in_progress,
            avg_session_minutes: mean_minutes(image, &selected, month_span(*month)),
        });
    }
    for (week, people) in &weekly {
        let week_span = span(*week, week.saturating_add(7.days()));
        let is_new = |person: &&u32| {
            let at = image.participants.created_at[**person as usize];
            at != NEVER && week_span.contains(at)
        };
        let new = people.iter().filter(is_new).count() as u64;
        views.weekly_new_returning.push(WeeklyUsers { week: *week, new, returning: people.len() as u64 - new });
    }
    let (current, previous) = (month_span(this_month), month_span(this_month.saturating_sub(1.month())));
    let by_bot = |slot: usize| {
        image.experiments.get(image.sessions.experiment[slot] as usize).map(|bot| bot.name.clone()).unwrap_or_default()
    };
    let by_platform = |slot: usize| {
        let platform = u32::try_from(slot).ok().and_then(|slot| image.sessions.platform(slot));
        platform.map_or("Unknown", |platform| platform.label()).to_owned()
    };
    views.top_chatbots = top(image, &selected, current, previous, &by_bot);
    views.top_channels = top(image, &selected, current, previous, &by_platform);
    views
}

fn span(from: Date, to: Date) -> Span {
    Span { start: utc_midnight(from), end: utc_midnight(to) }
}

/// Mondays from the first one in the first month up to now.
fn weeks(first_month: Date, now: Timestamp) -> Vec<Date> {
    let offset = i64::from(first_month.weekday().to_monday_zero_offset());
    let mut week = first_month.saturating_add(((7 - offset) % 7).days());
    let today = now.to_zoned(TimeZone::UTC).date();
    let mut weeks = Vec::new();
    while week <= today {
        weeks.push(week);
        week = week.saturating_add(7.days());
    }
    weeks
}

/// Distinct people with a human message in a selected session.
fn authors(image: &ChatImage, selected: &[bool], span: Span) -> Vec<u32> {
    let mut seen = Stamps::new(image.participants.len());
    let mut people = Vec::new();
    image.visit_turns(span.start, span.end, |turns| {
        let slot = turns.session as usize;
        let person = image.sessions.participant[slot];
        if turns.human > 0 && turns.session != NO_SESSION && selected[slot] && person != NONE && seen.mark(person) {
            people.push(person);
        }
    });
    people
}

/// Selected sessions with a turn in the span.
fn active(image: &ChatImage, selected: &[bool], span: Span) -> Vec<usize> {
    let mut seen = Stamps::new(image.sessions.slots());
    let mut slots = Vec::new();
    image.visit_turns(span.start, span.end, |turns| {
        if turns.session != NO_SESSION && selected[turns.session as usize] && seen.mark(turns.session) {
            slots.push(turns.session as usize);
        }
    });
    slots
}

fn mean_minutes(image: &ChatImage, selected: &[bool], span: Span) -> Option<f64> {
    let active = active(image, selected, span);
    let lengths: Vec<f64> = active.into_iter().filter_map(|slot| image.sessions.minutes(slot)).collect();
    (!lengths.is_empty()).then(|| lengths.iter().sum::<f64>() / lengths.len() as f64)
}

fn top(
    image: &ChatImage,
    selected: &[bool],
    current: Span,
    previous: Span,
    name: &dyn Fn(usize) -> String,
) -> Vec<BreakdownRow> {
    let count = |span: Span| {
        let mut counts: BTreeMap<String, u64> = BTreeMap::new();
        active(image, selected, span).into_iter().for_each(|slot| *counts.entry(name(slot)).or_default() += 1);
        counts
    };
    let (now, before) = (count(current), count(previous));
    let all: u64 = now.values().sum();
    let names: BTreeSet<&String> = now.keys().chain(before.keys()).collect();
    let mut rows: Vec<BreakdownRow> = names
        .into_iter()
        .map(|name| {
            let sessions = now.get(name).copied().unwrap_or(0);
            BreakdownRow {
                name: name.clone(),
                sessions,
                share: ratio(sessions as f64, all as f64) * 100.0,
                previous_month_sessions: before.get(name).copied().unwrap_or(0),
            }
        })
        .collect();
    rows.sort_by(|a, b| b.sessions.cmp(&a.sessions).then_with(|| a.name.cmp(&b.name)));
    rows.truncate(8);
    rows
}
