//! The month or week a report is about: whole UTC days, weeks from Monday to Sunday.

use jiff::{
    ToSpan,
    civil::{Date, ISOWeekDate, Weekday},
};
use serde::{Deserialize, Serialize};

/// How often a report comes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Every {
    Month,
    Week,
}

/// One month or week. Both days are in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    pub every: Every,
    pub first: Date,
    pub last: Date,
}

/// A text that names no month or week.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is no {wanted}")]
pub struct SpanError {
    pub text: String,
    wanted: &'static str,
}

impl Span {
    /// The one a day lies in.
    pub fn containing(every: Every, day: Date) -> Self {
        match every {
            Every::Month => Self { every, first: day.first_of_month(), last: day.last_of_month() },
            Every::Week => {
                let first = day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days());
                Self { every, first, last: first.saturating_add(6.days()) }
            }
        }
    }

    /// The newest one that was over before `today` began.
    pub fn latest(every: Every, today: Date) -> Self {
        Self::containing(every, Self::containing(every, today).first.saturating_sub(1.day()))
    }

    pub fn before(&self) -> Self {
        Self::containing(self.every, self.first.saturating_sub(1.day()))
    }

    /// `2026-02`, `2026-W10`.
    pub fn key(&self) -> String {
        match self.every {
            Every::Month => self.first.strftime("%Y-%m").to_string(),
            Every::Week => {
                let week = self.first.iso_week_date();
                format!("{:04}-W{:02}", week.year(), week.week())
            }
        }
    }

    /// From such a key. Errors: of another form, or a month or week that does not exist.
    pub fn parse(every: Every, text: &str) -> Result<Self, SpanError> {
        let day = match every {
            Every::Month => format!("{text}-01").parse::<Date>().ok().filter(|_| text.len() == 7),
            Every::Week => text.split_once("-W").and_then(|(year, week)| {
                let week = ISOWeekDate::new(year.parse().ok()?, week.parse().ok()?, Weekday::Monday).ok()?;
                Some(week.date())
            }),
        };
        let wanted = match every {
            Every::Month => "month (2026-02)",
            Every::Week => "week (2026-W10)",
        };
        day.map(|day| Self::containing(every, day)).ok_or_else(|| SpanError { text: text.to_owned(), wanted })
    }

    /// For people: `February 2026`, `week 10 of 2026 (2026-03-02 to 2026-03-08)`.
    pub fn label(&self) -> String {
        match self.every {
            Every::Month => self.first.strftime("%B %Y").to_string(),
            Every::Week => {
                let week = self.first.iso_week_date();
                format!("week {} of {} ({} to {})", week.week(), week.year(), self.first, self.last)
            }
        }
    }

    /// Number of days.
    pub fn days(&self) -> i64 {
        i64::from((self.last - self.first).get_days()) + 1
    }
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn months_and_weeks_that_are_over() {
        let month = |day| Span::latest(Every::Month, day).key();
        assert_eq!((month(date(2026, 3, 1)), month(date(2026, 2, 28))), ("2026-02".to_owned(), "2026-01".to_owned()));
        let week = Span::latest(Every::Week, date(2026, 3, 9));
        assert_eq!((week.first, week.last, week.key().as_str()), (date(2026, 3, 2), date(2026, 3, 8), "2026-W10"));
        assert_eq!(Span::latest(Every::Week, date(2026, 3, 8)).key(), "2026-W09", "the Sunday belongs to its week");
        assert_eq!((week.before().key().as_str(), week.days()), ("2026-W09", 7));
        let new_year = Span::containing(Every::Week, date(2027, 1, 1));
        assert_eq!((new_year.key().as_str(), new_year.first), ("2026-W53", date(2026, 12, 28)));
        assert_eq!(Span::latest(Every::Month, date(2024, 3, 5)).days(), 29);
    }

    #[test]
    fn keys_are_read_back() {
        for (every, key) in [(Every::Month, "2026-02"), (Every::Week, "2026-W53"), (Every::Week, "2026-W01")] {
            assert_eq!(Span::parse(every, key).expect("fine").key(), key);
        }
        for (every, key) in [
            (Every::Month, "2026-13"),
            (Every::Month, "2026-02-01"),
            (Every::Week, "2027-W53"),
            (Every::Week, "2026-02"),
        ] {
            assert!(Span::parse(every, key).is_err(), "{key}");
        }
    }
}
