//! Window values and rollups (spec/packages §11.1).

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use tallykeep_control::packages::PackagesMetric;

use crate::{
    cumulative::value_at_or_before,
    days::{before, days_between, divide_rounded, latest_completed_month, month_before},
    index::{Index, MetricRows, Window},
};

/// Windows in the order rollups are written and shown.
pub const WINDOWS: [&str; 5] = ["7d", "15d", "30d", "90d", "last_full_month"];

/// One row of `dashboard_metric_rollups`. `current_value` and what follows from it are null when the window cannot be known.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Rollup {
    pub rollup_id: String,
    pub metric_id: String,
    pub metric_family: String,
    pub product: String,
    pub sdk: String,
    pub subject: String,
    pub window: String,
    pub window_start: Date,
    pub window_end: Date,
    pub current_value: Option<i64>,
    pub previous_value: Option<i64>,
    pub delta: Option<i64>,
    pub percent_change: Option<f64>,
    pub sdk_share: f64,
    pub previous_sdk_share: f64,
    pub sdk_share_delta: f64,
    pub trend_slope: f64,
    /// Days with a count in the window and the one before; a window with missing days is too low.
    #[serde(default)]
    pub days_present: i64,
    #[serde(default)]
    pub days_expected: i64,
    #[serde(default)]
    pub previous_days_present: i64,
    pub updated_at: Timestamp,
}

/// Downloads in `[first, last]`: each counted row's share of its span that lies inside, rounded (half away from zero).
pub fn downloads_between(rows: &MetricRows, first: Date, last: Date) -> i64 {
    // Spans end inside or after the window; a span longer than a quarter does not occur.
    rows.ending_in(first, before(last, -92))
        .iter()
        .filter(|row| row.window == Window::Counted && row.start <= last)
        .map(|row| {
            let span = days_between(row.start, row.end) + 1;
            let overlap = days_between(row.start.max(first), row.end.min(last)) + 1;
            if overlap <= 0 { 0 } else { divide_rounded(i128::from(row.value) * i128::from(overlap), i128::from(span)) }
        })
        .sum()
}

/// Days of `[first, last]` that have a count.
pub fn days_counted(rows: &MetricRows, first: Date, last: Date) -> i64 {
    rows.ending_in(first, before(last, -92))
        .iter()
        .filter(|row| row.window == Window::Counted && row.start <= last)
        .map(|row| days_between(row.start.max(first), row.end.min(last)) + 1)
        .sum()
}

/// Stars gained in `[first, last]`; `None` without a row before the window.
pub fn stars_between(rows: &MetricRows, first: Date, last: Date) -> Option<i64> {
    let base = value_at_or_before(&rows.rows, before(first, 1))?;
    Some((value_at_or_before(&rows.rows, last)? - base).max(0))
}

/// `100 × delta / previous`; from nothing to something is 100, from nothing to nothing 0.
pub fn percent_change(current: i64, previous: i64) -> f64 {
    if previous == 0 {
        return if current > 0 { 100.0 } else { 0.0 };
    }
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let percent = 100.0 * (current - previous) as f64 / previous as f64;
    percent
}

/// Least-squares slope of values against 0, 1, 2, …; 0 with fewer than two.
pub fn slope(values: &[(f64, f64)]) -> f64 {
    if values.len() < 2 {
        return 0.0;
    }
    #[expect(clippy::cast_precision_loss, reason = "six values")]
    let n = values.len() as f64;
    let (mx, my) = (values.iter().map(|v| v.0).sum::<f64>() / n, values.iter().map(|v| v.1).sum::<f64>() / n);
    let spread: f64 = values.iter().map(|v| (v.0 - mx).powi(2)).sum();
    if spread == 0.0 { 0.0 } else { values.iter().map(|v| (v.0 - mx) * (v.1 - my)).sum::<f64>() / spread }
}

/// The window of a name that ends on `latest`, and the one before it: (first, last, previous first, previous last).
pub fn window_days(window: &str, latest: Date) -> (Date, Date, Date, Date) {
    let days = match window {
        "7d" => 7,
        "15d" => 15,
        "30d" => 30,
        "90d" => 90,
        _ => {
            let month = latest_completed_month(latest);
            let previous = month_before(month);
            return (month.first_of_month(), month, previous.first_of_month(), previous);
        }
    };
    (before(latest, days - 1), latest, before(latest, 2 * days - 1), before(latest, days))
}

/// Every rollup of every active metric, five per metric, in the order of §11.1.
pub fn rollups(index: &Index, latest: Date, now: Timestamp) -> Vec<Rollup> {
    let metrics: Vec<&PackagesMetric> = index.metrics.iter().filter(|metric| metric.is_active).collect();
    let mut rollups: Vec<Rollup> = metrics
        .iter()
        .flat_map(|metric| {
            let rows = index.rows(&metric.metric_id);
            let trend = trend_slope(metric, rows, latest);
            WINDOWS.map(|window| rollup(metric, rows, window, latest, trend, now))
        })
        .collect();
    // Shares need every metric of the product first.
    let sum = |rollups: &[Rollup], of: &Rollup, value: fn(&Rollup) -> Option<i64>| -> i64 {
        rollups
            .iter()
            .filter(|r| r.metric_family == "downloads" && r.product == of.product && r.window == of.window)
            .filter_map(value)
            .sum()
    };
    for n in 0..rollups.len() {
        if rollups[n].metric_family != "downloads" {
            continue;
        }
        let current = share(rollups[n].current_value, sum(&rollups, &rollups[n], |r| r.current_value));
        let previous = share(rollups[n].previous_value, sum(&rollups, &rollups[n], |r| r.previous_value));
        let rollup = &mut rollups[n];
        rollup.sdk_share = current;
        rollup.previous_sdk_share = previous;
        rollup.sdk_share_delta = current - previous;
    }
    rollups
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn share(part: Option<i64>, whole: i64) -> f64 {
    if whole == 0 { 0.0 } else { part.unwrap_or(0) as f64 / whole as f64 }
}

fn rollup(
    metric: &PackagesMetric,
    rows: &MetricRows,
    window: &str,
    latest: Date,
    trend_slope: f64,
    now: Timestamp,
) -> Rollup {
    let (first, last, previous_first, previous_last) = window_days(window, latest);
    let downloads = metric.metric_family == "downloads";
    let (current, previous) = if downloads {
        (Some(downloads_between(rows, first, last)), Some(downloads_between(rows, previous_first, previous_last)))
    } else {
        let (current, previous) =
            (stars_between(rows, first, last), stars_between(rows, previous_first, previous_last));
        // Without a baseline the whole base would look like growth.
        if current.is_none() || previous.is_none() { (None, None) } else { (current, previous) }
    };
    let both = current.zip(previous);
    Rollup {
        rollup_id: format!("{}:{window}:{last}", metric.metric_id),
        metric_id: metric.metric_id.clone(),
        metric_family: metric.metric_family.clone(),
        product: metric.product.clone(),
        sdk: metric.sdk.clone().unwrap_or_default(),
        subject: metric.subject.clone(),
        window: window.to_owned(),
        window_start: first,
        window_end: last,
        current_value: current,
        previous_value: previous,
        delta: both.map(|(current, previous)| current - previous),
        percent_change: both.map(|(current, previous)| percent_change(current, previous)),
        sdk_share: 0.0,
        previous_sdk_share: 0.0,
        sdk_share_delta: 0.0,
        trend_slope,
        days_present: if downloads { days_counted(rows, first, last) } else { 0 },
        days_expected: if downloads { days_between(first, last) + 1 } else { 0 },
        previous_days_present: if downloads { days_counted(rows, previous_first, previous_last) } else { 0 },
        updated_at: now,
    }
}

/// Slope over the last six complete months; months without any row are left out but keep their place on the time axis.
fn trend_slope(metric: &PackagesMetric, rows: &MetricRows, latest: Date) -> f64 {
    let mut values = Vec::new();
    let mut end = latest_completed_month(latest);
    for place in (0..6_u8).rev() {
        let first = end.first_of_month();
        let value = if metric.metric_family == "downloads" {
            (days_counted(rows, first, end) > 0).then(|| downloads_between(rows, first, end))
        } else if rows.ending_in(first, end).is_empty() {
            None
        } else {
            stars_between(rows, first, end)
        };
        #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
        values.extend(value.map(|value| (f64::from(place), value as f64)));
        end = month_before(end);
    }
    slope(&values)
}
