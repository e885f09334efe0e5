//! Does a daily series still run as it usually does?
//!
//! A day is held against the eight weeks before it: against the same weekdays, on a logarithmic scale, with a spread that a few wild days do
//! not move (the median of absolute deviations) and that is never smaller than counting noise. A level or ratio that leaves its band far
//! enough in one day, or a little less far on two days running, has departed; it departed on the first of those days. Series that are too
//! short, too small or too full of holes are not judged.

use jiff::{ToSpan, civil::Date};
use serde::Serialize;

/// One day of a series. Nothing known is nothing, never zero.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Day {
    pub date: Date,
    pub value: Option<f64>,
}

/// What is watched.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A count a day.
    Level,
    /// One count divided by another.
    Ratio,
}

/// How a series left its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Course {
    /// No value comes any more.
    Quiet,
    /// To zero.
    Silent,
    Below,
    Above,
}

/// A series that left its usual band.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Departure {
    /// The first day of it.
    pub since: Date,
    pub course: Course,
    /// On the newest judged day; `None` when nothing comes.
    pub value: Option<f64>,
    /// The band of that day.
    pub low: f64,
    pub high: f64,
}

/// Days a day is compared with.
const REFERENCE: i64 = 56;
/// Known days among them, at least.
const LEAST_KNOWN: usize = 28;
/// Below this usual count a day, nothing can be said.
const LEAST_LEVEL: f64 = 10.0;
/// Spreads a single day, or each of two days running, must be away.
const FAR: f64 = 8.0;
const TWICE: f64 = 5.0;
/// Days without a value after which a daily series has gone quiet.
const QUIET_DAYS: i64 = 3;
/// The least spread of a level: an eighth of a factor e. A holiday's fall by two fifths is within eight of them.
const LEAST_SPREAD: f64 = 0.12;
/// How far back a departure is followed to its first day.
const LONGEST: i64 = 60;

/// Whether a series, oldest day first and one entry a day, runs as usual on its last day.
pub fn departure(kind: Kind, days: &[Day]) -> Option<Departure> {
    let last = days.last()?.date;
    if let Some(quiet) = gone_quiet(kind, days, last) {
        return Some(quiet);
    }
    let newest = days.iter().rposition(|day| day.value.is_some())?;
    let course = judged(kind, days, newest)?;
    // Held against the time before it began, as if its own days were not known: a departure must not become usual by lasting.
    let mut first = newest;
    while first > 0
        && (days[newest].date - days[first - 1].date).get_days() < i32::try_from(LONGEST).unwrap_or(i32::MAX)
    {
        let is_out = |at: usize| {
            days[at].value.is_none()
                || course_of(kind, days, at, at).is_some_and(|(c, away)| c == course && away >= TWICE)
        };
        if !is_out(first - 1) {
            break;
        }
        first -= 1;
    }
    while days[first].value.is_none() && first < newest {
        first += 1;
    }
    let band = Band::of(kind, days, first, newest)?;
    Some(Departure {
        since: days[first].date,
        course,
        value: days[newest].value,
        low: band.low(FAR),
        high: band.high(FAR),
    })
}

/// The course of a day that is far out, or out twice running.
fn judged(kind: Kind, days: &[Day], at: usize) -> Option<Course> {
    let start = started(kind, days, at);
    let (course, away) = course_of(kind, days, start, at)?;
    if course == Course::Silent || away >= FAR {
        return Some(course);
    }
    let before = (0..at).rev().find(|place| days[*place].value.is_some())?;
    let (earlier, was) = course_of(kind, days, start.min(before), before)?;
    (earlier == course && away >= TWICE && was >= TWICE).then_some(course)
}

/// Where a run of days that are out begins, so that the reference lies before it.
fn started(kind: Kind, days: &[Day], at: usize) -> usize {
    let mut first = at;
    while first > 0 {
        let out = course_of(kind, days, first - 1, first - 1).is_some_and(|(_, away)| away >= TWICE);
        if !out && days[first - 1].value.is_some() {
            break;
        }
        first -= 1;
    }
    first
}

/// Where a day lies, and by how many spreads, held against the days before `until`.
fn course_of(kind: Kind, days: &[Day], until: usize, at: usize) -> Option<(Course, f64)> {
    let value = days[at].value?;
    let band = Band::of(kind, days, until, at)?;
    let away = (scaled(value) - band.centre) / band.spread;
    if kind == Kind::Level && value == 0.0 && away <= -TWICE {
        return Some((Course::Silent, -away));
    }
    Some(if away < 0.0 { (Course::Below, -away) } else { (Course::Above, away) })
}

fn gone_quiet(kind: Kind, days: &[Day], last: Date) -> Option<Departure> {
    // A ratio is unknown whenever its parts are small; that they stopped is theirs to tell.
    let newest = days.iter().rposition(|day| day.value.is_some()).filter(|_| kind == Kind::Level)?;
    let silent = i64::from((last - days[newest].date).get_days());
    if silent < QUIET_DAYS {
        return None;
    }
    let band = Band::of(kind, days, newest + 1, newest)?;
    let since = days[newest].date.saturating_add(1.day());
    Some(Departure { since, course: Course::Quiet, value: None, low: band.low(FAR), high: band.high(FAR) })
}

fn scaled(value: f64) -> f64 {
    value.max(0.0).ln_1p()
}

/// What is usual on a day, on the logarithmic scale.
struct Band {
    centre: f64,
    spread: f64,
}

impl Band {
    /// Of the known days among the reference days before `until`, with the weekday of the day at `at`.
    fn of(kind: Kind, days: &[Day], until: usize, at: usize) -> Option<Self> {
        let weekday = days[at].date.weekday();
        let from = days.get(until.checked_sub(1)?)?.date.saturating_sub((REFERENCE - 1).days());
        let known: Vec<(jiff::civil::Weekday, f64)> = days[..until]
            .iter()
            .filter(|day| day.date >= from)
            .filter_map(|day| Some((day.date.weekday(), day.value?)))
            .collect();
        if known.len() < LEAST_KNOWN {
            return None;
        }
        let usual = median(known.iter().map(|(_, value)| *value).collect())?;
        if kind == Kind::Level && usual < LEAST_LEVEL {
            return None;
        }
        let of_weekday = |wanted| {
            median(known.iter().filter(|(weekday, _)| *weekday == wanted).map(|(_, value)| scaled(*value)).collect())
        };
        let centre = of_weekday(weekday)?;
        let away = known.iter().filter_map(|(weekday, value)| Some((scaled(*value) - of_weekday(*weekday)?).abs()));
        let spread = 1.4826 * median(away.collect())?;
        // Counts of a mean m vary by about 1/√m on this scale; ratios by what they are made of, which is not known here.
        let noise = match kind {
            Kind::Level => 1.0 / centre.exp_m1().max(1.0).sqrt(),
            Kind::Ratio => 0.05 * centre.max(0.05),
        };
        let least = if kind == Kind::Level { LEAST_SPREAD } else { 0.02 };
        Some(Self { centre, spread: spread.max(noise).max(least) })
    }

    fn low(&self, spreads: f64) -> f64 {
        (self.centre - spreads * self.spread).exp_m1().max(0.0)
    }

    fn high(&self, spreads: f64) -> f64 {
        (self.centre + spreads * self.spread).exp_m1()
    }
}

fn median(mut values: Vec<f64>) -> Option<f64> {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    let upper = *values.get(middle)?;
    Some(if values.len().is_multiple_of(2) { (values[middle - 1] + upper) / 2.0 } else { upper })
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    /// A believable line: a weekly wave, slow growth, noise; the same for the same seed.
    fn line(days: usize, mean: f64, seed: u64) -> Vec<Day> {
        let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
        let mut random = || {
            // Twelve uniform numbers make a fair bell.
            let mut sum = 0.0;
            for _ in 0..12 {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                sum += (state >> 11) as f64 / (1_u64 << 53) as f64;
            }
            sum - 6.0
        };
        let start = date(2025, 1, 1);
        (0..days)
            .map(|n| {
                let date = start.saturating_add(i64::try_from(n).unwrap_or(0).days());
                let weekend = if matches!(date.weekday().to_monday_zero_offset(), 5 | 6) { 0.45 } else { 1.0 };
                let growth = 1.0 + n as f64 / 1000.0;
                let usual = mean * weekend * growth;
                let value = usual * (random() * 0.08).exp() + random() * usual.sqrt();
                Day { date, value: Some(value.round().max(0.0)) }
            })
            .collect()
    }

    #[test]
    fn a_line_that_goes_flat_is_told_the_same_day_and_since_when() {
        for seed in 1..12 {
            let mut days = line(200, 120.0, seed);
            assert_eq!(departure(Kind::Level, &days), None, "seed {seed}");
            let began = days[180].date;
            for day in &mut days[180..] {
                day.value = Some(0.0);
            }
            for until in [181, 182, 190, 200] {
                let found =
                    departure(Kind::Level, &days[..until]).unwrap_or_else(|| panic!("seed {seed}, day {until}"));
                assert_eq!(
                    (found.since, found.course, found.value),
                    (began, Course::Silent, Some(0.0)),
                    "seed {seed}, {until}"
                );
                assert!(found.low > 0.0 && found.high > found.low);
            }
        }
    }

    #[test]
    fn a_year_of_usual_days_is_told_at_most_once() {
        for seed in 1..6 {
            for mean in [30.0, 400.0, 20_000.0] {
                let days = line(365 + 56, mean, seed);
                let mut told = 0;
                let mut is_open = false;
                for until in 57..=days.len() {
                    let out = departure(Kind::Level, &days[..until]).is_some();
                    told += usize::from(out && !is_open);
                    is_open = out;
                }
                assert!(told <= 1, "seed {seed}, mean {mean}: {told} times");
            }
        }
    }

    #[test]
    fn a_fall_to_a_third_a_rise_to_the_fourfold_and_a_ratio_that_tips() {
        let mut days = line(150, 300.0, 7);
        for day in &mut days[140..] {
            day.value = day.value.map(|value| (value / 3.0).round());
        }
        let fall = departure(Kind::Level, &days).expect("it fell");
        assert_eq!((fall.since, fall.course), (days[140].date, Course::Below));
        let mut days = line(150, 300.0, 8);
        for day in &mut days[148..] {
            day.value = day.value.map(|value| value * 4.0);
        }
        assert_eq!(departure(Kind::Level, &days).map(|d| (d.since, d.course)), Some((days[148].date, Course::Above)));
        let mut days = line(150, 300.0, 9);
        for (n, day) in days.iter_mut().enumerate() {
            // Downloads a view: 0.3, and twice that in the end.
            let wobble = 0.3 + f64::from(u8::try_from(n % 7).unwrap_or(0)) * 0.004;
            day.value = Some(if n < 148 { wobble } else { wobble * 2.0 });
        }
        assert_eq!(departure(Kind::Ratio, &days).map(|d| (d.since, d.course)), Some((days[148].date, Course::Above)));
    }

    #[test]
    fn a_source_that_gives_nothing_has_gone_quiet_and_late_is_not_quiet() {
        let mut days = line(120, 300.0, 3);
        for day in &mut days[118..] {
            day.value = None;
        }
        assert_eq!(departure(Kind::Level, &days), None, "two days late");
        for day in &mut days[115..] {
            day.value = None;
        }
        let quiet = departure(Kind::Level, &days).expect("quiet");
        assert_eq!((quiet.since, quiet.course, quiet.value), (days[115].date, Course::Quiet, None));
    }

    #[test]
    fn what_is_short_small_or_full_of_holes_is_not_judged() {
        let flat = |days: &mut Vec<Day>| {
            if let Some(day) = days.last_mut() {
                day.value = Some(0.0);
            }
        };
        for (length, mean) in [(25, 300.0), (120, 3.0)] {
            let mut days = line(length, mean, 5);
            flat(&mut days);
            assert_eq!(departure(Kind::Level, &days), None, "{length} days of {mean}");
        }
        let mut days = line(120, 300.0, 5);
        for (n, day) in days.iter_mut().enumerate() {
            if n % 3 != 0 {
                day.value = None;
            }
        }
        flat(&mut days);
        assert_eq!(departure(Kind::Level, &days), None, "a third of the days");
        assert_eq!(departure(Kind::Level, &[]), None);
    }
}
