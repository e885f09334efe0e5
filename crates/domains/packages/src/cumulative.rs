//! Stars and other running counts: interpolation and totals (spec/packages §10.5).

use jiff::civil::Date;
use serde::Serialize;
use tallykeep_model::PointState;

use crate::{
    days::{after, before, days_between, divide_rounded},
    index::{MetricRows, Observation},
};

/// One day of a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DayPoint {
    pub period_start: Date,
    pub period_end: Date,
    pub value: i64,
    /// Nothing was observed on this day; the value lies on the line between its neighbours.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub interpolated: bool,
    pub state: PointState,
    /// The value before the last correction.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<i64>,
}

/// The value on a day by the rule of §10.5: known, else on the line between the neighbours, else the nearest end.
/// `None` without rows. Rows are sorted by end day.
pub fn value_on(rows: &[Observation], day: Date) -> Option<i64> {
    let next = rows.partition_point(|row| row.end < day);
    match (next.checked_sub(1).and_then(|n| rows.get(n)), rows.get(next)) {
        (_, Some(exact)) if exact.end == day => Some(exact.value),
        (Some(left), Some(right)) => {
            let span = i128::from(days_between(left.end, right.end));
            let offset = i128::from(days_between(left.end, day));
            let (left, right) = (i128::from(left.value), i128::from(right.value));
            Some(divide_rounded(left * span + (right - left) * offset, span))
        }
        (Some(only), None) | (None, Some(only)) => Some(only.value),
        (None, None) => None,
    }
}

/// The value stored at or before a day; `None` when the first is later.
pub fn value_at_or_before(rows: &[Observation], day: Date) -> Option<i64> {
    rows.partition_point(|row| row.end <= day).checked_sub(1).map(|n| rows[n].value)
}

/// One point per day from the first to the last stored day, the last `days` of them. Rows are sorted by end day.
pub fn daily_line(rows: &[Observation], days: i64) -> Vec<DayPoint> {
    let (Some(first), Some(last)) = (rows.first(), rows.last()) else { return Vec::new() };
    let start = before(last.end, days - 1).max(first.end);
    let mut points = Vec::new();
    let mut next = rows.partition_point(|row| row.end < start);
    for n in 0..=days_between(start, last.end) {
        let day = after(start, n);
        let exact = rows.get(next).filter(|row| row.end == day);
        let (value, state, was) = match exact {
            Some(row) => {
                next += 1;
                (Some(row.value), if row.was.is_some() { PointState::Restated } else { PointState::Final }, row.was)
            }
            None => (value_on(rows, day), PointState::Provisional, None),
        };
        if let Some(value) = value {
            points.push(DayPoint {
                period_start: day,
                period_end: day,
                value,
                interpolated: exact.is_none(),
                state,
                was,
            });
        }
    }
    points
}

/// The sum of several running counts per day, the last `days` days on which any of them is known. A count that starts later
/// is extended backwards with its first value, one that ends earlier with its last.
pub fn total_line(metrics: &[&MetricRows], days: i64) -> Vec<DayPoint> {
    let lines: Vec<&[Observation]> =
        metrics.iter().map(|m| m.rows.as_slice()).filter(|rows| !rows.is_empty()).collect();
    let Some(last) = lines.iter().filter_map(|rows| rows.last()).map(|row| row.end).max() else { return Vec::new() };
    let Some(first) = lines.iter().filter_map(|rows| rows.first()).map(|row| row.end).min() else { return Vec::new() };
    let mut points = Vec::new();
    let mut day = last;
    while day >= first && i64::try_from(points.len()).unwrap_or(i64::MAX) < days {
        let known = |rows: &&&[Observation]| {
            rows.first().is_some_and(|row| row.end <= day) && rows.last().is_some_and(|row| day <= row.end)
        };
        if lines.iter().any(|rows| known(&rows)) {
            let value = lines.iter().filter_map(|rows| value_on(rows, day)).sum();
            let interpolated = lines.iter().any(|rows| rows.binary_search_by_key(&day, |row| row.end).is_err());
            let state = if interpolated { PointState::Provisional } else { PointState::Final };
            points.push(DayPoint { period_start: day, period_end: day, value, interpolated, state, was: None });
        }
        day = before(day, 1);
    }
    points.reverse();
    points
}
