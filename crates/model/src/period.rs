//! Half-open spans of UTC days, and the buckets they are cut into.

use std::{fmt, str::FromStr};

use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};

/// A half-open span of UTC days, `[start, end)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
pub struct Period {
    pub start: Date,
    pub end: Date,
}

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PeriodError {
    #[error("the period ends ({end}) before it starts ({start})")]
    Reversed { start: Date, end: Date },
    #[error("`{0}` is not a granularity: use hour, day, week, month, quarter or year")]
    Granularity(String),
}

impl Period {
    /// From two inclusive days, as the seeds name ranges.
    pub fn inclusive(first: Date, last: Date) -> Result<Self, PeriodError> {
        if last < first {
            return Err(PeriodError::Reversed { start: first, end: last });
        }
        Ok(Self { start: first, end: last.saturating_add(1.day()) })
    }

    pub fn contains(&self, day: Date) -> bool {
        self.start <= day && day < self.end
    }

    pub fn is_empty(&self) -> bool {
        self.start >= self.end
    }

    /// Number of days.
    pub fn len(&self) -> usize {
        usize::try_from((self.end - self.start).get_days()).unwrap_or(0)
    }

    /// The last day inside, for the seeds' inclusive ranges. Of an empty period: the day before its start.
    pub fn last(&self) -> Date {
        self.end.saturating_sub(1.day())
    }

    pub fn intersect(&self, other: Self) -> Self {
        let start = self.start.max(other.start);
        Self { start, end: self.end.min(other.end).max(start) }
    }

    /// Its days, oldest first.
    pub fn days(&self) -> impl Iterator<Item = Date> + use<> {
        let (mut day, end) = (self.start, self.end);
        std::iter::from_fn(move || {
            let today = day;
            (today < end).then(|| {
                day = day.saturating_add(1.day());
                today
            })
        })
    }
}

/// Size of a bucket of a series. Weeks start on Monday.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Granularity {
    Hour,
    Day,
    Week,
    Month,
    Quarter,
    Year,
}

impl Granularity {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Hour => "hour",
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
            Self::Quarter => "quarter",
            Self::Year => "year",
        }
    }

    /// First day of the bucket that holds `day`. An hour's bucket starts on its own day.
    pub fn floor(self, day: Date) -> Date {
        match self {
            Self::Hour | Self::Day => day,
            Self::Week => day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days()),
            Self::Month => day.first_of_month(),
            Self::Quarter => {
                let month = (day.month() - 1) / 3 * 3 + 1;
                Date::new(day.year(), month, 1).unwrap_or(day)
            }
            Self::Year => day.first_of_year(),
        }
    }

    /// First day of the next bucket after the one that holds `day`.
    pub fn next(self, day: Date) -> Date {
        let start = self.floor(day);
        match self {
            Self::Hour | Self::Day => start.saturating_add(1.day()),
            Self::Week => start.saturating_add(7.days()),
            Self::Month => start.saturating_add(1.month()),
            Self::Quarter => start.saturating_add(3.months()),
            Self::Year => start.saturating_add(1.year()),
        }
    }
}

impl FromStr for Granularity {
    type Err = PeriodError;

    fn from_str(text: &str) -> Result<Self, PeriodError> {
        Ok(match text {
            "hour" | "hourly" => Self::Hour,
            "day" | "daily" => Self::Day,
            "week" | "weekly" => Self::Week,
            "month" | "monthly" => Self::Month,
            "quarter" | "quarterly" => Self::Quarter,
            "year" | "yearly" => Self::Year,
            other => return Err(PeriodError::Granularity(other.to_owned())),
        })
    }
}

impl fmt::Display for Granularity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn buckets_start_where_people_expect() {
        let day = date(2024, 5, 16); // a Thursday
        assert_eq!(Granularity::Week.floor(day), date(2024, 5, 13));
        assert_eq!(Granularity::Quarter.floor(day), date(2024, 4, 1));
        assert_eq!(Granularity::Quarter.next(date(2024, 12, 31)), date(2025, 1, 1));
        assert_eq!(Granularity::Month.next(date(2024, 1, 31)), date(2024, 2, 1));
    }

    #[test]
    fn an_inclusive_range_holds_both_ends() {
        let period = Period::inclusive(date(2024, 2, 28), date(2024, 3, 1)).expect("in order");
        assert_eq!(period.len(), 3);
        assert_eq!(period.days().last(), Some(date(2024, 3, 1)));
        assert!(Period::inclusive(date(2024, 3, 1), date(2024, 2, 1)).is_err());
    }
}
