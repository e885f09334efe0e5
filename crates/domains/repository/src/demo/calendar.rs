//! How busy a day is: growth, weekends, seasons, holidays, chance.

use jiff::civil::{Date, Weekday};

use super::random::Random;

/// Seconds of a day.
pub(super) const DAY: i64 = 86_400;

/// Share of each month, January first.
const SEASONS: [f64; 12] = [1.0, 1.02, 1.1, 1.05, 1.08, 0.92, 0.72, 0.66, 1.0, 1.15, 1.18, 0.82];

/// Share of each hour (UTC) of a day's activity.
const HOURS: [f64; 24] = [
    1.6, 1.3, 1.1, 1.0, 1.1, 1.5, 2.4, 3.8, 5.2, 6.0, 6.3, 6.1, 5.8, 6.2, 6.6, 6.5, 6.0, 5.3, 4.6, 4.2, 3.9, 3.4, 2.8,
    2.2,
];

/// A day and how busy it is beside others.
pub(super) fn weight(day: Date, random: &mut Random) -> f64 {
    let week = match day.weekday() {
        Weekday::Saturday => 0.42,
        Weekday::Sunday => 0.48,
        _ => 1.0,
    };
    let holidays = (day.month() == 12 && day.day() >= 22) || (day.month() == 1 && day.day() <= 2);
    let season = SEASONS[usize::try_from(day.month() - 1).unwrap_or(0)];
    let chance = 0.8 + 0.4 * random.unit();
    // Now and then somebody with many readers links to something.
    let burst = if random.chance(0.008) { 2.5 } else { 1.0 };
    week * season * chance * burst * if holidays { 0.5 } else { 1.0 }
}

/// A second of a day, most of them in working hours.
pub(super) fn second_of_day(random: &mut Random, hours: &[f64]) -> i64 {
    let hour = i64::try_from(random.weighted(hours)).unwrap_or(0);
    hour * 3_600 + i64::try_from(random.below(3_600)).unwrap_or(0)
}

/// Running sums of the hours' shares.
pub(super) fn hours() -> Vec<f64> {
    super::random::sums(HOURS.into_iter())
}

/// Shares `total` among weights so that the parts add up to it.
pub(super) fn share(total: usize, weights: &[f64]) -> Vec<usize> {
    let sums = super::random::sums(weights.iter().copied());
    let all = sums.last().copied().unwrap_or(1.0);
    let mut given = 0;
    sums.iter()
        .map(|sum| {
            let until = rounded(to_float(total) * sum / all);
            let part = until - given;
            given = until;
            part
        })
        .collect()
}

#[expect(clippy::cast_precision_loss, reason = "numbers of events are far below 2^52")]
fn to_float(number: usize) -> f64 {
    number as f64
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a positive whole number")]
fn rounded(number: f64) -> usize {
    number.round() as usize
}
