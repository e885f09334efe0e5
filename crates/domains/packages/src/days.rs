//! Days, months and rounding (spec/packages §1, §6.1).

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use tallykeep_model::Clock;

/// The latest completed day `L`: yesterday in UTC.
pub fn latest_completed_day(clock: Clock) -> Date {
    before(clock.today(), 1)
}

/// The last day of the latest completed month `M*`: the newest month whose last day is ≤ `latest`.
pub fn latest_completed_month(latest: Date) -> Date {
    let end = latest.last_of_month();
    if end <= latest { end } else { before(latest.first_of_month(), 1) }
}

/// The end of the month before the one that ends on `month_end`.
pub fn month_before(month_end: Date) -> Date {
    before(month_end.first_of_month(), 1)
}

/// The end of the month after the one that ends on `month_end`.
pub fn month_after(month_end: Date) -> Date {
    after(month_end, 1).last_of_month()
}

pub fn before(day: Date, days: i64) -> Date {
    day.saturating_sub(days.days())
}

pub fn after(day: Date, days: i64) -> Date {
    day.saturating_add(days.days())
}

/// Days from `from` to `to`, negative when `to` is earlier.
pub fn days_between(from: Date, to: Date) -> i64 {
    i64::from((to - from).get_days())
}

/// Both ends included.
pub fn each_day(first: Date, last: Date) -> impl Iterator<Item = Date> {
    (0..=days_between(first, last)).map(move |n| after(first, n))
}

pub fn utc_day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

pub fn midnight(day: Date) -> Timestamp {
    day.to_zoned(TimeZone::UTC).map_or(Timestamp::UNIX_EPOCH, |zoned| zoned.timestamp())
}

/// `lookback_days` is negative.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("lookback_days is {0}, which is below 0")]
pub struct LookbackError(pub i64);

/// The days to fetch for a metric whose newest stored day is `newest` (spec §6.1), oldest first; none when it is up to date.
pub fn target_days(newest: Option<Date>, latest: Date, lookback: i64) -> Result<Vec<Date>, LookbackError> {
    if lookback < 0 {
        return Err(LookbackError(lookback));
    }
    let mut start = newest.map_or(latest, |day| after(day, 1));
    if lookback > 0 {
        start = start.min(before(latest, lookback - 1));
    }
    Ok(each_day(start, latest).collect())
}

/// `numerator / denominator`, rounded half away from zero. The denominator must be positive.
pub fn divide_rounded(numerator: i128, denominator: i128) -> i64 {
    let doubled = 2 * numerator.abs() + denominator;
    let magnitude = doubled / (2 * denominator);
    i64::try_from(if numerator < 0 { -magnitude } else { magnitude }).unwrap_or(i64::MAX)
}

/// `2026-03-05T09:10:11.123456+00:00`, the way the reference writes instants; without a fraction when there is none.
pub fn python_instant(at: Timestamp) -> String {
    let fraction = at.subsec_microsecond_total();
    let seconds = at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    if fraction == 0 { format!("{seconds}+00:00") } else { format!("{seconds}.{fraction:06}+00:00") }
}

trait Micros {
    fn subsec_microsecond_total(&self) -> i64;
}

impl Micros for Timestamp {
    fn subsec_microsecond_total(&self) -> i64 {
        self.as_microsecond().rem_euclid(1_000_000)
    }
}

/// `2026-02-24T07:28:50.000Z`.
pub fn javascript_instant(at: Timestamp) -> String {
    let seconds = at.to_zoned(TimeZone::UTC).strftime("%Y-%m-%dT%H:%M:%S").to_string();
    format!("{seconds}.{:03}Z", at.as_millisecond().rem_euclid(1000))
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    fn targets(newest: Option<Date>, lookback: i64) -> String {
        let days = target_days(newest, date(2026, 3, 7), lookback).expect("fine");
        days.iter().map(|day| day.strftime("%m-%d").to_string()).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn example_a_target_days() {
        let newest = |day| Some(date(2026, 3, day));
        assert_eq!(targets(newest(4), 0), "03-05 03-06 03-07");
        assert_eq!(targets(newest(4), 5), "03-03 03-04 03-05 03-06 03-07");
        assert_eq!(targets(newest(7), 0), "");
        assert_eq!(targets(newest(7), 2), "03-06 03-07");
        assert_eq!(targets(None, 0), "03-07");
        assert_eq!(targets(None, 4), "03-04 03-05 03-06 03-07");
        let eight = targets(Some(date(2026, 2, 27)), 2);
        assert_eq!(eight, "02-28 03-01 03-02 03-03 03-04 03-05 03-06 03-07");
        assert_eq!(target_days(None, date(2026, 3, 7), -1), Err(LookbackError(-1)));
    }

    #[test]
    fn months_complete_on_their_last_day() {
        let month = |day| latest_completed_month(day).to_string();
        assert_eq!(month(date(2026, 3, 4)), "2026-02-28");
        assert_eq!(month(date(2026, 2, 28)), "2026-02-28");
        assert_eq!(month(date(2026, 2, 27)), "2026-01-31");
    }

    #[test]
    fn halves_round_away_from_zero() {
        let halves = [(5, 2, 3), (-5, 2, -3), (1, 3, 0), (2, 3, 1), (-2, 3, -1), (1101, 2, 551), (4, 2, 2)];
        for (numerator, denominator, expected) in halves {
            assert_eq!(divide_rounded(numerator, denominator), expected, "{numerator}/{denominator}");
        }
    }

    #[test]
    fn instants_look_like_the_references() {
        let at: Timestamp = "2026-03-05T09:10:11.123456Z".parse().expect("an instant");
        assert_eq!(python_instant(at), "2026-03-05T09:10:11.123456+00:00");
        let at: Timestamp = "2026-02-24T07:28:50Z".parse().expect("an instant");
        assert_eq!(
            (python_instant(at).as_str(), javascript_instant(at).as_str()),
            ("2026-02-24T07:28:50+00:00", "2026-02-24T07:28:50.000Z")
        );
    }
}
