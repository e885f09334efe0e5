//! From when to when (spec/chat §5), in whose days (§6), and the buckets a series is cut into (§4.1).

use jiff::{
    Timestamp, ToSpan, Zoned,
    civil::{Date, DateTime},
    tz::TimeZone,
};

use super::{FieldErrors, Params};
use crate::instant::{DAY, MINUTE, Micros};

/// A half-open stretch of time, `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Span {
    pub start: Micros,
    pub end: Micros,
}

/// The window of a question and the zone its days are days of.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    pub span: Span,
    pub zone: TimeZone,
}

/// Size of a bucket.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Bucketing {
    Hourly,
    Daily,
    Weekly,
    Monthly,
}

/// One bucket of a series, cut to the window.
#[derive(Debug, Clone, PartialEq)]
pub struct Bucket {
    /// `2026-06-01` for days, else the instant the bucket starts at, with its offset.
    pub label: String,
    pub span: Span,
}

/// More buckets than this are refused: nobody reads them, and a question must not eat the machine.
const MOST_BUCKETS: i64 = 200_000;

impl Bucketing {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hourly => "hourly",
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }

    /// The `granularity` parameter; daily when absent.
    pub fn from_params(params: &Params) -> Result<Self, FieldErrors> {
        Ok(match params.get("granularity") {
            None | Some("daily") => Self::Daily,
            Some("hourly") => Self::Hourly,
            Some("weekly") => Self::Weekly,
            Some("monthly") => Self::Monthly,
            Some(other) => {
                let reason = format!("`{other}` is not a granularity: use hourly, daily, weekly or monthly");
                return Err(FieldErrors::one("granularity", reason));
            }
        })
    }
}

impl Span {
    pub fn contains(self, at: Micros) -> bool {
        self.start <= at && at < self.end
    }

    /// The equally long stretch before it.
    pub fn before(self) -> Self {
        Self { start: self.start - (self.end - self.start), end: self.start }
    }
}

impl Window {
    /// From `tz`, else the zone given (the user's, the team's or UTC), and the date parameters.
    ///
    /// Errors: `tz`, `date_range`, `start_date`, `end_date`, and `__all__` for a range that is unfinished or reversed.
    pub fn from_params(params: &Params, now: Timestamp, default_zone: &TimeZone) -> Result<Self, FieldErrors> {
        let zone = match params.get("tz") {
            Some(name) => {
                zone_named(name).ok_or_else(|| FieldErrors::one("tz", format!("`{name}` is not a time zone")))?
            }
            None => default_zone.clone(),
        };
        let today = now.to_zoned(zone.clone()).date();
        let span = match params.get("date_range") {
            Some("custom") => {
                let (start, end) = dates(params)?;
                match (start, end) {
                    (Some(start), Some(end)) => days(start, end, &zone)?,
                    _ => return Err(FieldErrors::one("__all__", "a custom range needs both start_date and end_date")),
                }
            }
            Some(text @ ("7" | "30" | "90" | "365")) => {
                let back: i64 = text.parse().unwrap_or(30);
                days(today.saturating_sub(back.days()), today, &zone)?
            }
            Some(other) => {
                let reason = format!("`{other}` is not a range: use 7, 30, 90, 365 or custom");
                return Err(FieldErrors::one("date_range", reason));
            }
            None => match dates(params)? {
                (Some(start), Some(end)) => days(start, end, &zone)?,
                (Some(start), None) => {
                    let start = midnight(start, &zone)?;
                    Span { start, end: round_up(now).max(start) }
                }
                (None, Some(end)) => {
                    let Span { end, .. } = days(end, end, &zone)?;
                    Span { start: end - 30 * DAY, end }
                }
                (None, None) => {
                    let end = round_up(now);
                    Span { start: end - 30 * DAY, end }
                }
            },
        };
        Ok(Self { span, zone })
    }

    /// The buckets of the window, oldest first; the first and last are cut to it, their labels are not.
    ///
    /// Errors: under `granularity`, when there would be more than 200,000.
    pub fn buckets(&self, size: Bucketing) -> Result<Vec<Bucket>, FieldErrors> {
        let Span { start, end } = self.span;
        let shortest = match size {
            Bucketing::Hourly => 60 * MINUTE,
            Bucketing::Daily => 23 * 60 * MINUTE,
            Bucketing::Weekly => 6 * DAY,
            Bucketing::Monthly => 27 * DAY,
        };
        if (end - start) / shortest > MOST_BUCKETS {
            let reason = format!("{} buckets of this range would be more than {MOST_BUCKETS}", size.as_str());
            return Err(FieldErrors::one("granularity", reason));
        }
        let mut buckets = Vec::new();
        let mut at = start;
        while at < end {
            let (label, next) = self.bucket_at(at, size);
            let next = next.clamp(at + 1, end);
            buckets.push(Bucket { label, span: Span { start: at, end: next } });
            at = next;
        }
        Ok(buckets)
    }

    /// Label of the bucket that holds an instant, and where the next one begins.
    fn bucket_at(&self, at: Micros, size: Bucketing) -> (String, Micros) {
        let local = zoned(at, &self.zone);
        let first_day = match size {
            Bucketing::Hourly => return self.hour_at(&local),
            Bucketing::Daily => local.date(),
            Bucketing::Weekly => local.date().saturating_sub(i64::from(local.weekday().to_monday_zero_offset()).days()),
            Bucketing::Monthly => local.date().first_of_month(),
        };
        let next_day = match size {
            Bucketing::Hourly | Bucketing::Daily => first_day.saturating_add(1.day()),
            Bucketing::Weekly => first_day.saturating_add(7.days()),
            Bucketing::Monthly => first_day.saturating_add(1.month()),
        };
        let next = midnight(next_day, &self.zone).unwrap_or(Micros::MAX);
        let label = if size == Bucketing::Daily {
            first_day.to_string()
        } else {
            label_of(midnight(first_day, &self.zone).unwrap_or(at), &self.zone)
        };
        (label, next)
    }

    /// A local hour ends at the next full hour of the clock on the wall, or where that clock is changed.
    fn hour_at(&self, local: &Zoned) -> (String, Micros) {
        let at = local.timestamp().as_microsecond();
        let offset = i64::from(local.offset().seconds()) * 1_000_000;
        let hour = 60 * MINUTE;
        let floor = (at + offset).div_euclid(hour) * hour - offset;
        let mut next = floor + hour;
        if let Some(change) = self.zone.following(local.timestamp()).next() {
            next = next.min(change.timestamp().as_microsecond().max(at + 1));
        }
        let label = local
            .datetime()
            .with()
            .minute(0)
            .second(0)
            .subsec_nanosecond(0)
            .build()
            .map_or_else(|_| label_of(floor, &self.zone), |civil| label_with(civil, local));
        (label, next)
    }
}

/// A zone by its IANA name. Only names: a path or an offset is none.
pub(crate) fn zone_named(name: &str) -> Option<TimeZone> {
    let plain = name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'/' | b'_' | b'-' | b'+'));
    if !plain || name.starts_with('/') {
        return None;
    }
    TimeZone::get(name).ok()
}

/// An instant as `2026-06-01T00:00:00+00:00`, with the offset valid then.
pub fn label_of(at: Micros, zone: &TimeZone) -> String {
    let local = zoned(at, zone);
    label_with(local.datetime(), &local)
}

fn label_with(civil: DateTime, local: &Zoned) -> String {
    let seconds = local.offset().seconds();
    let (sign, minutes) = (if seconds < 0 { '-' } else { '+' }, seconds.abs() / 60);
    format!("{}{sign}{:02}:{:02}", civil.strftime("%Y-%m-%dT%H:%M:%S"), minutes / 60, minutes % 60)
}

fn zoned(at: Micros, zone: &TimeZone) -> Zoned {
    Timestamp::from_microsecond(at).unwrap_or(Timestamp::UNIX_EPOCH).to_zoned(zone.clone())
}

fn round_up(now: Timestamp) -> Micros {
    let now = now.as_microsecond();
    now.div_euclid(MINUTE) * MINUTE + if now.rem_euclid(MINUTE) == 0 { 0 } else { MINUTE }
}

/// The first instant of a day: where a clock change skips midnight, the first there is.
fn midnight(day: Date, zone: &TimeZone) -> Result<Micros, FieldErrors> {
    day.to_zoned(zone.clone())
        .and_then(|at| at.start_of_day())
        .map(|at| at.timestamp().as_microsecond())
        .map_err(|_| FieldErrors::one("__all__", format!("{day} is out of range")))
}

fn days(first: Date, last: Date, zone: &TimeZone) -> Result<Span, FieldErrors> {
    if last < first {
        return Err(FieldErrors::one("__all__", format!("the range ends ({last}) before it starts ({first})")));
    }
    let after =
        last.checked_add(1.day()).map_err(|_| FieldErrors::one("__all__", format!("{last} is out of range")))?;
    Ok(Span { start: midnight(first, zone)?, end: midnight(after, zone)? })
}

fn dates(params: &Params) -> Result<(Option<Date>, Option<Date>), FieldErrors> {
    let mut errors = FieldErrors::default();
    let mut read = |name: &str| {
        let text = params.get(name)?;
        let date = read_date(text);
        if date.is_none() {
            errors.add(name, format!("`{text}` is not a date such as 2026-06-01"));
        }
        date
    };
    let found = (read("start_date"), read("end_date"));
    errors.check()?;
    if let (Some(start), Some(end)) = found
        && end < start
    {
        return Err(FieldErrors::one("__all__", format!("the range ends ({end}) before it starts ({start})")));
    }
    Ok(found)
}

/// `YYYY-MM-DD` and nothing else, between the years 1 and 9998.
pub(crate) fn read_date(text: &str) -> Option<Date> {
    let bytes = text.as_bytes();
    let shaped = bytes.len() == 10
        && bytes.iter().enumerate().all(|(i, b)| if i == 4 || i == 7 { *b == b'-' } else { b.is_ascii_digit() });
    let date: Date = shaped.then(|| text.parse().ok()).flatten()?;
    (1..=9998).contains(&date.year()).then_some(date)
}
