//! What is exported: `{query: {subcount: {metric: [series]}}}`.

use jiff::{Timestamp, civil::Date};

/// The series of several queries, and what is said about all of them.
#[derive(Debug, Clone, PartialEq)]
pub struct Collection {
    pub queries: Vec<QuerySeries>,
    /// The community all queries are about; `None` for the whole repository or for several communities.
    pub community: Option<Community>,
    /// When it was asked for. Only XML says it.
    pub generated_at: Timestamp,
    pub dates: DateStyle,
}

/// Whom the numbers are about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Community {
    pub id: String,
    pub slug: String,
    pub title: String,
}

/// How days are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum DateStyle {
    /// Always `YYYY-MM-DD`.
    #[default]
    Full,
    /// `MM-DD` for a series that lies in one year, as the system before wrote it: its year is lost.
    LegacyMonthDay,
}

/// The series of one query.
#[derive(Debug, Clone, PartialEq)]
pub struct QuerySeries {
    pub name: String,
    pub aggregation: Aggregation,
    pub subcounts: Vec<Subcount>,
}

/// How a point relates to its day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Aggregation {
    /// The change of that day alone.
    Daily,
    /// The state at the end of that day.
    Cumulative,
}

impl Aggregation {
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Cumulative => "cumulative",
        }
    }
}

/// One breakdown. Keys are those of the JSON answer (`accessStatuses`).
#[derive(Debug, Clone, PartialEq)]
pub struct Subcount {
    pub key: String,
    pub metrics: Vec<Metric>,
}

/// One metric (`dataVolume`) and its series.
#[derive(Debug, Clone, PartialEq)]
pub struct Metric {
    pub key: String,
    pub series: Vec<Series>,
}

/// One series. Points ascend by day; a day without a point is no zero.
#[derive(Debug, Clone, PartialEq)]
pub struct Series {
    pub id: String,
    pub label: String,
    /// Drawn as bars (the global series) rather than as a line.
    pub bar: bool,
    /// Bytes rather than a count.
    pub filesize: bool,
    pub points: Vec<(Date, i64)>,
}

impl Collection {
    /// How many points there are in all.
    pub fn points(&self) -> usize {
        self.metrics().map(Metric::points).sum()
    }

    /// First and last day that have a point.
    pub fn time_range(&self) -> Option<(Date, Date)> {
        let series = || self.metrics().flat_map(|m| &m.series);
        let first = series().filter_map(|s| s.points.first()).map(|p| p.0).min()?;
        let last = series().filter_map(|s| s.points.last()).map(|p| p.0).max()?;
        Some((first, last))
    }

    /// The day files are dated with: that of the newest number, so that the same numbers are the same bytes.
    pub(crate) fn file_day(&self) -> Date {
        // ZIP knows no day before 1980.
        let earliest = jiff::civil::date(1980, 1, 1);
        self.time_range().map_or(earliest, |(_, last)| last.max(earliest))
    }

    fn metrics(&self) -> impl Iterator<Item = &Metric> {
        self.queries.iter().flat_map(|q| &q.subcounts).flat_map(|s| &s.metrics)
    }
}

impl Metric {
    pub(crate) fn points(&self) -> usize {
        self.series.iter().map(|s| s.points.len()).sum()
    }
}

impl Series {
    /// Calls with the text of each day and its value.
    pub(crate) fn each_point<E>(
        &self,
        style: DateStyle,
        mut each: impl FnMut(&str, i64) -> Result<(), E>,
    ) -> Result<(), E> {
        let one_year = match (self.points.first(), self.points.last()) {
            (Some(first), Some(last)) => first.0.year() == last.0.year(),
            _ => false,
        };
        let short = style == DateStyle::LegacyMonthDay && one_year;
        for (day, value) in &self.points {
            let text = day.to_string();
            each(if short { &text[text.len() - 5..] } else { &text }, *value)?;
        }
        Ok(())
    }
}
