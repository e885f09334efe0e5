//! The table of bots (spec §4.6).

use std::cmp::Ordering;

use serde::{Deserialize, Deserializer, Serialize};

use super::{Question, Stamps, money, ratio};
use crate::{
    filter::{FieldErrors, Params},
    image::{NEVER, NONE},
};

/// One listed bot, active or not. `completion_rate` is a fraction, `avg_session_duration` minutes over completed sessions.
/// `cost` and `cost_per_session` are there only with cost tracking; the latter is null without sessions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BotRow {
    pub experiment_id: i64,
    pub experiment_name: String,
    pub experiment_url: String,
    pub participants: u64,
    pub sessions: u64,
    pub messages: u64,
    pub avg_session_duration: f64,
    pub completion_rate: f64,
    pub avg_messages_per_session: f64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "there")]
    pub cost_per_session: Option<Option<f64>>,
}

/// A field that is there may be null.
fn there<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Option<f64>>, D::Error> {
    Option::deserialize(deserializer).map(Some)
}

/// One page of the table; `order_by` and `order_dir` echo the request.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BotPage {
    pub results: Vec<BotRow>,
    pub total_count: usize,
    pub page: usize,
    pub page_size: usize,
    pub total_pages: usize,
    pub has_next: bool,
    pub has_previous: bool,
    pub order_by: String,
    pub order_dir: String,
}

/// Page and order of a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BotOrder {
    page: usize,
    page_size: usize,
    order_by: String,
    order_dir: String,
}

impl BotOrder {
    /// Errors: `page` or `page_size` that is no number, zero, negative or (size) above 100.
    pub fn from_params(params: &Params) -> Result<Self, FieldErrors> {
        Ok(Self {
            page: params.number("page", 1, 1, 1_000_000_000)?,
            page_size: params.number("page_size", 10, 1, 100)?,
            order_by: params.get("order_by").unwrap_or("messages").to_owned(),
            order_dir: params.get("order_dir").unwrap_or("desc").to_owned(),
        })
    }
}

/// One row per listed bot after filters, by name, then id. `link` makes the address of a bot's page.
pub fn bot_rows(question: &Question<'_>, link: impl Fn(i64) -> String) -> Vec<BotRow> {
    let (image, activity) = (question.image, question.activity());
    let bots = image.experiments.len();
    let mut slots: Vec<(u32, u32, u32)> = Vec::new();
    for slot in question.active_sessions() {
        let bot = image.sessions.experiment[slot];
        if bot != NONE && question.selection.experiments[bot as usize] {
            slots.push((bot, image.sessions.participant[slot], u32::try_from(slot).unwrap_or(NONE)));
        }
    }
    slots.sort_unstable_by_key(|(bot, ..)| *bot);
    let mut costs = vec![0_i128; bots];
    if question.cost_tracking {
        for usage in question.usage(true).filter(|usage| usage.experiment != NONE) {
            costs[usage.experiment as usize] += i128::from(usage.cost);
        }
    }
    let mut people = Stamps::new(image.participants.len());
    let mut rows: Vec<BotRow> = Vec::new();
    for bot in (0..bots).filter(|bot| question.selection.experiments[*bot]) {
        let index = u32::try_from(bot).unwrap_or(NONE);
        let start = slots.partition_point(|(known, ..)| *known < index);
        let end = slots.partition_point(|(known, ..)| *known <= index);
        people.clear();
        let (mut participants, mut messages, mut completed, mut minutes) = (0_u64, 0_u64, 0_u64, 0.0);
        for (_, person, slot) in &slots[start..end] {
            let slot = *slot as usize;
            participants += u64::from(*person != NONE && people.mark(*person));
            messages += u64::from(activity.human[slot]) + u64::from(activity.ai[slot]);
            if image.sessions.ended_at[slot] != NEVER {
                completed += 1;
                minutes += image.sessions.minutes(slot).unwrap_or(0.0);
            }
        }
        let sessions = (end - start) as u64;
        let row = &image.experiments[bot];
        let cost = money(costs[bot]);
        rows.push(BotRow {
            experiment_id: row.id,
            experiment_name: row.name.clone(),
            experiment_url: link(row.id),
            participants,
            sessions,
            messages,
            avg_session_duration: ratio(minutes, completed as f64),
            completion_rate: ratio(completed as f64, sessions as f64),
            avg_messages_per_session: ratio(messages as f64, sessions as f64),
            cost: question.cost_tracking.then_some(cost),
            cost_per_session: question.cost_tracking.then(|| (sessions > 0).then(|| cost / sessions as f64)),
        });
    }
    rows.sort_by(|a, b| a.experiment_name.cmp(&b.experiment_name).then(a.experiment_id.cmp(&b.experiment_id)));
    rows
}

/// Sorts rows that are in order of name: stable, so ties stay by name in both directions. Null counts as 0.
pub fn sort_bots(rows: &mut [BotRow], order_by: &str, order_dir: &str, cost_tracking: bool) {
    let descending = order_dir.eq_ignore_ascii_case("desc");
    let key: fn(&BotRow) -> f64 = match order_by {
        "name" => {
            if descending {
                rows.sort_by(|a, b| {
                    b.experiment_name.cmp(&a.experiment_name).then(a.experiment_id.cmp(&b.experiment_id))
                });
            }
            return;
        }
        "participants" => |row| row.participants as f64,
        "sessions" => |row| row.sessions as f64,
        "completion_rate" => |row| row.completion_rate,
        "avg_session_duration" => |row| row.avg_session_duration,
        "avg_messages_per_session" => |row| row.avg_messages_per_session,
        "cost" if cost_tracking => |row| row.cost.unwrap_or(0.0),
        "cost_per_session" if cost_tracking => |row| row.cost_per_session.flatten().unwrap_or(0.0),
        _ => |row| row.messages as f64,
    };
    rows.sort_by(|a, b| {
        let order = key(a).partial_cmp(&key(b)).unwrap_or(Ordering::Equal);
        if descending { order.reverse() } else { order }
    });
}

/// Cuts one page out of all rows (in order of name).
pub fn bot_page(mut rows: Vec<BotRow>, order: &BotOrder, cost_tracking: bool) -> BotPage {
    sort_bots(&mut rows, &order.order_by, &order.order_dir, cost_tracking);
    let total_count = rows.len();
    let total_pages = total_count.div_ceil(order.page_size);
    let start = (order.page - 1).saturating_mul(order.page_size);
    BotPage {
        results: rows.into_iter().skip(start).take(order.page_size).collect(),
        total_count,
        page: order.page,
        page_size: order.page_size,
        total_pages,
        has_next: order.page < total_pages,
        has_previous: order.page > 1,
        order_by: order.order_by.clone(),
        order_dir: order.order_dir.clone(),
    }
}
