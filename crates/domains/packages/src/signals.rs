//! Signals: deterministic remarks about rollups (spec/packages §11.2), with collection gaps kept from looking like demand.

use std::collections::BTreeSet;

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};

use crate::{
    config::{Config, Signals},
    days::{days_between, each_day},
    index::{Index, Window},
    rollups::{Rollup, percent_change, window_days},
};

/// One row of `signal_candidates`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Signal {
    pub signal_id: String,
    pub signal_type: String,
    pub detected_at: Timestamp,
    pub window_start: Date,
    pub window_end: Date,
    pub title: String,
    pub summary: String,
    pub related_metrics: Vec<String>,
    pub evidence_ids: Vec<String>,
    pub score: f64,
    pub confidence: String,
    pub suggested_action: String,
    /// `collection_gap` when days of the window or the one before were lost by the collection.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub flags: Vec<String>,
}

/// What the rollups gave: signals, and those that only a collection gap would have raised.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Found {
    pub signals: Vec<Signal>,
    pub suppressed: Vec<Signal>,
}

/// Signals of rollups, in rollup order; within one rollup spike before growth before share.
pub fn signals(rollups: &[Rollup], config: &Config, index: &Index, gaps: &BTreeSet<Date>, now: Timestamp) -> Found {
    let mut found = Found::default();
    for rollup in rollups.iter().filter(|rollup| rollup.metric_family == "downloads") {
        for mut signal in of_rollup(rollup, config, now) {
            let (first, last, previous_first, previous_last) = window_days(&rollup.window, rollup.window_end);
            let lost = each_day(previous_first, last).filter(|day| gaps.contains(day)).count();
            if lost == 0 {
                found.signals.push(signal);
                continue;
            }
            signal.flags.push("collection_gap".to_owned());
            let fair = without_gaps(rollup, index, gaps, (first, last), (previous_first, previous_last));
            let still = of_rollup(&fair, config, now).iter().any(|other| other.signal_type == signal.signal_type);
            if still { found.signals.push(signal) } else { found.suppressed.push(signal) }
        }
    }
    found
}

/// The rollup with lost days left out of both windows and the averages spread over the whole windows again.
fn without_gaps(
    rollup: &Rollup,
    index: &Index,
    gaps: &BTreeSet<Date>,
    now: (Date, Date),
    before: (Date, Date),
) -> Rollup {
    let fair = |metric: &str, (first, last): (Date, Date)| -> i64 {
        let (mut sum, mut known) = (0_i128, 0_i128);
        for row in index.rows(metric).ending_in(first, last) {
            if row.window == Window::Counted && row.is_single_day() && !gaps.contains(&row.end) {
                sum += i128::from(row.value);
                known += 1;
            }
        }
        if known == 0 { 0 } else { crate::days::divide_rounded(sum * i128::from(days_between(first, last) + 1), known) }
    };
    let siblings: Vec<&str> = index
        .active("downloads")
        .filter(|metric| metric.product == rollup.product)
        .map(|metric| metric.metric_id.as_str())
        .collect();
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let share = |part: i64, window| {
        let whole: i64 = siblings.iter().map(|metric| fair(metric, window)).sum();
        if whole == 0 { 0.0 } else { part as f64 / whole as f64 }
    };
    let (current, previous) = (fair(&rollup.metric_id, now), fair(&rollup.metric_id, before));
    Rollup {
        current_value: Some(current),
        previous_value: Some(previous),
        delta: Some(current - previous),
        percent_change: Some(percent_change(current, previous)),
        sdk_share: share(current, now),
        previous_sdk_share: share(previous, before),
        sdk_share_delta: share(current, now) - share(previous, before),
        ..rollup.clone()
    }
}

/// The signals one rollup raises by itself.
pub fn of_rollup(rollup: &Rollup, config: &Config, now: Timestamp) -> Vec<Signal> {
    let Signals { spike_min_downloads, spike_percent, spike_high_percent, growth_percent, share_shift } =
        config.signals;
    let (Some(current), Some(percent)) = (rollup.current_value, rollup.percent_change) else { return Vec::new() };
    let label = label(rollup, config);
    let make = |kind: &str, title: String, summary: String, score: f64, confidence: &str, action: &str| Signal {
        signal_id: format!("{kind}:{}:{}:{}", rollup.window_start, rollup.window_end, slug(&title)),
        signal_type: kind.to_owned(),
        detected_at: now,
        window_start: rollup.window_start,
        window_end: rollup.window_end,
        title,
        summary,
        related_metrics: vec![rollup.metric_id.clone()],
        evidence_ids: Vec::new(),
        score,
        confidence: confidence.to_owned(),
        suggested_action: action.to_owned(),
        flags: Vec::new(),
    };
    let mut signals = Vec::new();
    if rollup.window == "30d" && current >= spike_min_downloads && percent >= spike_percent {
        let confidence = if percent >= spike_high_percent { "high" } else { "medium" };
        signals.push(make(
            "download_spike",
            format!("{label} downloads spiked"),
            format!("Downloads rose {:.0}% compared with the prior 30 days.", percent.round()),
            percent.clamp(0.0, 100.0),
            confidence,
            "community_outreach",
        ));
    }
    if rollup.window == "90d" && rollup.trend_slope > 0.0 && percent >= growth_percent {
        signals.push(make(
            "sustained_growth",
            format!("{label} shows sustained growth"),
            format!(
                "Downloads rose {:.0}% compared with the prior 90 days, and the monthly trend is upward.",
                percent.round()
            ),
            percent.clamp(0.0, 100.0),
            "medium",
            "docs_content",
        ));
    }
    let shift = rollup.sdk_share_delta;
    // A share is a quotient of counts: 0.15 must not fail for its last bit.
    if rollup.window == "30d" && shift.abs() >= share_shift - 1e-12 {
        let verb = if shift > 0.0 { "gained" } else { "lost" };
        signals.push(make(
            "sdk_share_shift",
            format!("{label} {verb} SDK share"),
            format!("The share of the product's downloads moved by {:+.0} percentage points compared with the prior 30 days.", (shift * 100.0).round()),
            shift.abs() * 100.0,
            "medium",
            "sdk_investment",
        ));
    }
    signals
}

/// Product title, a blank, and the SDK with a capital: `LanceDB Nodejs`.
fn label(rollup: &Rollup, config: &Config) -> String {
    let mut letters = rollup.sdk.chars();
    let sdk: String = letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect());
    format!("{} {sdk}", config.product_title(&rollup.product)).trim().to_owned()
}

/// Lower case, everything that is no letter or digit becomes `-`, runs merged, ends trimmed.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for letter in text.to_lowercase().chars() {
        if letter.is_ascii_alphanumeric() {
            slug.push(letter);
        } else if !slug.ends_with('-') && !slug.is_empty() {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}

/// What stays the same from week to week: `<type>:<everything after the two dates>` (spec §12.3).
pub fn identity(signal_id: &str) -> Option<String> {
    let mut parts = signal_id.splitn(4, ':');
    let kind = parts.next()?;
    let (_, _, rest) = (parts.next()?, parts.next()?, parts.next()?);
    Some(format!("{kind}:{rest}"))
}
