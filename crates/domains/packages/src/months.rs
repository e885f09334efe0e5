//! Months of a download metric (spec/packages §10).

use jiff::civil::Date;
use serde::Serialize;
use tallykeep_model::PointState;

use crate::{
    config::Months,
    days::{self, days_between, divide_rounded, latest_completed_month, month_after, month_before},
    index::{MetricRows, MonthSum, Window},
};

/// One month's total.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct MonthPoint {
    pub period_start: Date,
    pub period_end: Date,
    pub value: i64,
    pub days_present: i64,
    pub days_expected: i64,
    /// Estimated from both neighbours.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub synthetic: bool,
    pub state: PointState,
    /// The total before corrections.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub was: Option<i64>,
}

impl MonthPoint {
    pub fn is_complete(&self) -> bool {
        self.days_present >= self.days_expected
    }
}

/// Every complete month of a metric, oldest first, month ends as days. Months without a point are absent, never 0.
///
/// Unit: downloads per calendar month. Source: month snapshots up to the cutoff, sums of counted days from `daily_start`.
pub fn month_points(rows: &MetricRows, latest: Date, months: &Months) -> Vec<MonthPoint> {
    let mut points: Vec<MonthPoint> = Vec::with_capacity(rows.months.len() + 1);
    // Later days of one month replace earlier ones: they are totals of the same month.
    for row in rows.rows.iter().take_while(|row| row.end <= months.snapshot_cutoff) {
        if row.window == Window::Snapshot {
            let end = row.end.last_of_month();
            let expected = i64::from(end.day());
            let state = if row.was.is_some() { PointState::Restated } else { PointState::Final };
            let point = MonthPoint {
                period_start: end,
                period_end: end,
                value: row.value,
                days_present: expected,
                days_expected: expected,
                synthetic: false,
                state,
                was: row.was,
            };
            put(&mut points, point);
        }
    }
    for sum in counted_months(rows, months) {
        let expected = i64::from(sum.end.day());
        let state = match sum.was {
            _ if sum.days < expected => PointState::Provisional,
            Some(_) => PointState::Restated,
            None => PointState::Final,
        };
        let point = MonthPoint {
            period_start: sum.end,
            period_end: sum.end,
            value: sum.value,
            days_present: sum.days,
            days_expected: expected,
            synthetic: false,
            state,
            was: sum.was,
        };
        put(&mut points, point);
    }
    points.retain(|point| point.period_end <= latest);
    for end in &months.synthetic {
        let neighbour = |end: Date| find(&points, end).map(|point| point.value);
        let (left, right) = (neighbour(month_before(*end)), neighbour(month_after(*end)));
        if let (None, Some(left), Some(right), true) = (find(&points, *end), left, right, *end <= latest) {
            let point = MonthPoint {
                period_start: *end,
                period_end: *end,
                value: divide_rounded(i128::from(left) + i128::from(right), 2),
                days_present: 0,
                days_expected: i64::from(end.day()),
                synthetic: true,
                state: PointState::Provisional,
                was: None,
            };
            put(&mut points, point);
        }
    }
    points
}

/// The point of a month end in sorted points.
pub fn find(points: &[MonthPoint], end: Date) -> Option<&MonthPoint> {
    points.binary_search_by_key(&end, |point| point.period_end).ok().map(|place| &points[place])
}

/// Puts a point in its place; one for the same month is replaced. Almost always the place is the end.
fn put(points: &mut Vec<MonthPoint>, point: MonthPoint) {
    match points.last() {
        Some(last) if last.period_end >= point.period_end => {
            match points.binary_search_by_key(&point.period_end, |p| p.period_end) {
                Ok(place) => points[place] = point,
                Err(place) => points.insert(place, point),
            }
        }
        _ => points.push(point),
    }
}

/// Sums of counted days from `daily_start` on.
fn counted_months(rows: &MetricRows, months: &Months) -> Vec<MonthSum> {
    let start = months.daily_start;
    let first_end = start.last_of_month();
    let mut sums: Vec<MonthSum> = rows.months.iter().filter(|sum| sum.end >= first_end).copied().collect();
    if start != start.first_of_month() {
        // The first month begins inside: only its later days count.
        let part = rows.ending_in(start, first_end);
        let part = MetricRows::new(part.iter().filter(|row| row.start >= start).cloned().collect());
        sums.retain(|sum| sum.end != first_end);
        sums.splice(0..0, part.months.into_iter().filter(|sum| sum.end == first_end));
    }
    sums
}

/// The points of a window of `days` days that ends on the newest stored day; a month that starts before the window but ends in
/// it is shown whole.
pub fn in_window<'a>(points: &'a [MonthPoint], rows: &MetricRows, days: i64) -> &'a [MonthPoint] {
    let Some(newest) = rows.newest() else { return &[] };
    let start = days::before(newest.end, days - 1).first_of_month();
    let from = points.partition_point(|point| point.period_end < start);
    &points[from..]
}

/// The headline of a download card: the point of the latest completed month.
pub fn headline(points: &[MonthPoint], latest: Date) -> Option<&MonthPoint> {
    let month = latest_completed_month(latest);
    find(points, month)
}

/// Days of the latest completed month that are stored, of those expected, and how old the newest stored day is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Coverage {
    pub days_present: i64,
    pub days_expected: i64,
}

/// Coverage of the headline month, from counted days (a month snapshot covers its month).
pub fn headline_coverage(points: &[MonthPoint], latest: Date) -> Coverage {
    headline(points, latest).map_or_else(
        || Coverage { days_present: 0, days_expected: i64::from(latest_completed_month(latest).day()) },
        |point| Coverage { days_present: point.days_present, days_expected: point.days_expected },
    )
}

/// `L` − newest stored day.
pub fn stale_days(rows: &MetricRows, latest: Date) -> Option<i64> {
    rows.newest().map(|newest| days_between(newest.end, latest).max(0))
}
