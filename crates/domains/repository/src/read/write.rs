//! Series as JSON text, written directly: a year of a busy scope is a million numbers.

use std::io::Write;

use jiff::Timestamp;
use tallykeep_control::Coverage;
use tallykeep_lake::day_of;
use tallykeep_model::PointState;

use super::series::{Category, SeriesOut};

/// `data_volume` → `dataVolume`.
pub(super) fn camel(key: &str) -> String {
    let mut out = String::with_capacity(key.len());
    let mut upper = false;
    for c in key.chars() {
        if c == '_' {
            upper = true;
        } else if upper {
            out.extend(c.to_uppercase());
            upper = false;
        } else {
            out.push(c);
        }
    }
    out
}

/// `dataVolume` → `data_volume`; snake case stays.
pub(crate) fn snake(key: &str) -> String {
    let mut out = String::with_capacity(key.len() + 4);
    for c in key.chars() {
        if c.is_ascii_uppercase() {
            out.push('_');
            out.push(c.to_ascii_lowercase());
        } else {
            out.push(c);
        }
    }
    out
}

/// The texts of a run of days: a date is written a million times, and made once.
struct Dates {
    first: i32,
    /// Of every day how a point of it begins, `,["YYYY-MM-DD",`.
    texts: Vec<[u8; DATED.len()]>,
}

const DATED: &[u8; 15] = b",[\"YYYY-MM-DD\",";
/// Where its date lies.
const DATE: std::ops::Range<usize> = 3..13;
/// How a point begins whose year is said elsewhere.
const SHORT: &[u8; 10] = b",[\"MM-DD\",";

impl Dates {
    fn of<'a>(series: impl Iterator<Item = &'a SeriesOut> + Clone) -> Self {
        let first = series.clone().filter_map(|s| s.points.first()).map(|p| p.0).min().unwrap_or(0);
        let last = series.filter_map(|s| s.points.last()).map(|p| p.0).max().unwrap_or(first);
        let texts = (first..=last)
            .map(|day| {
                let mut text = *DATED;
                for (to, byte) in text[DATE].iter_mut().zip(day_of(day).to_string().bytes()) {
                    *to = byte;
                }
                text
            })
            .collect();
        Self { first, texts }
    }

    /// Every day that is written lies between the first and the last.
    fn of_point(&self, day: i32) -> &[u8; DATED.len()] {
        usize::try_from(day - self.first).ok().and_then(|at| self.texts.get(at)).unwrap_or(DATED)
    }

    /// `YYYY-MM-DD`, or its `MM-DD`.
    fn text(&self, day: i32, short: bool) -> &[u8] {
        let date = &self.of_point(day)[DATE];
        if short { &date[5..] } else { date }
    }

    fn year(&self, day: i32) -> &[u8] {
        &self.text(day, false)[..4]
    }
}

/// `[["YYYY-MM-DD",1],…]`, with `MM-DD` where the year is said elsewhere. What is done a million times is put together first and added at once.
fn points(out: &mut Vec<u8>, dates: &Dates, points: &[(i32, i64)], short: bool) {
    let mut number = itoa::Buffer::new();
    let mut point = [0; DATED.len() + 21];
    let begin = out.len();
    for (day, value) in points {
        let dated = dates.of_point(*day);
        let start = if short {
            point[..SHORT.len()].copy_from_slice(SHORT);
            point[3..8].copy_from_slice(&dated[8..13]);
            SHORT.len()
        } else {
            point[..DATED.len()].copy_from_slice(dated);
            DATED.len()
        };
        let digits = number.format(*value).as_bytes();
        let end = start + digits.len();
        point[start..end].copy_from_slice(digits);
        point[end] = b']';
        out.extend_from_slice(&point[..=end]);
    }
    match out.get_mut(begin) {
        // The comma before the first point is where the list begins.
        Some(first) => *first = b'[',
        None => out.push(b'['),
    }
    out.push(b']');
}

/// What every global series says of what is covered: `"coverage":{…}`.
pub(crate) fn coverage_block(c: &Coverage, as_of: Timestamp) -> String {
    format!(
        "\"coverage\":{{\"first\":\"{}\",\"last\":\"{}\",\"provisional_from\":\"{}\",\"as_of\":\"{as_of}\"}}",
        c.first_day, c.last_day, c.provisional_from
    )
}

/// What every series of an answer is written with.
struct Writer<'a> {
    dates: Dates,
    coverage: Option<&'a Coverage>,
    as_of: Timestamp,
}

/// `{categoryCamel: {metricCamel: [series]}}`
pub(super) fn categories(
    out: &mut Vec<u8>,
    categories: &[Category],
    coverage: Option<&Coverage>,
    as_of: Timestamp,
) -> std::io::Result<()> {
    let all = categories.iter().flat_map(|c| &c.metrics).flat_map(|m| &m.1);
    out.reserve(all.clone().map(length).sum());
    let writer = Writer { dates: Dates::of(all), coverage, as_of };
    out.push(b'{');
    for (index, category) in categories.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        write!(out, "\"{}\":{{", camel(&category.key))?;
        for (index, (metric, list)) in category.metrics.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            write!(out, "\"{}\":", camel(metric))?;
            writer.list(out, list)?;
        }
        out.push(b'}');
    }
    out.push(b'}');
    Ok(())
}

pub(super) fn series_list(
    out: &mut Vec<u8>,
    list: &[SeriesOut],
    coverage: Option<&Coverage>,
    as_of: Timestamp,
) -> std::io::Result<()> {
    out.reserve(list.iter().map(length).sum());
    Writer { dates: Dates::of(list.iter()), coverage, as_of }.list(out, list)
}

/// About how long a series' text gets. Text that grows as it is written is copied again and again.
fn length(series: &SeriesOut) -> usize {
    let digits = |point: Option<&(i32, i64)>| point.map_or(1, |p| p.1.checked_ilog10().unwrap_or(0) as usize + 1);
    let widest = digits(series.points.first()).max(digits(series.points.last()));
    160 + series.points.len() * (widest + 12) + series.states.len() * 28
}

impl Writer<'_> {
    fn list(&self, out: &mut Vec<u8>, list: &[SeriesOut]) -> std::io::Result<()> {
        out.push(b'[');
        for (index, one) in list.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            self.series(out, one)?;
        }
        out.push(b']');
        Ok(())
    }

    fn series(&self, out: &mut Vec<u8>, series: &SeriesOut) -> std::io::Result<()> {
        // Points ascend, so the first and the last tell whether they lie in one year.
        let year = match (series.points.first(), series.points.last()) {
            (Some(first), Some(last)) if self.dates.year(first.0) == self.dates.year(last.0) => {
                Some(day_of(first.0).year())
            }
            _ => None,
        };
        out.extend_from_slice(b"{\"id\":");
        serde_json::to_writer(&mut *out, &series.id)?;
        out.extend_from_slice(b",\"name\":");
        serde_json::to_writer(&mut *out, &series.name)?;
        let (kind, value) =
            (if series.bar { "bar" } else { "line" }, if series.filesize { "filesize" } else { "number" });
        write!(out, ",\"type\":\"{kind}\",\"valueType\":\"{value}\"")?;
        if let Some(year) = year {
            write!(out, ",\"year\":{year}")?;
        }
        out.extend_from_slice(b",\"data\":");
        points(out, &self.dates, &series.points, year.is_some());
        self.states(out, series, year.is_some())?;
        if let Some(c) = self.coverage.filter(|_| series.bar) {
            write!(out, ",{}", coverage_block(c, self.as_of))?;
        }
        out.push(b'}');
        Ok(())
    }

    fn states(&self, out: &mut Vec<u8>, series: &SeriesOut, short: bool) -> std::io::Result<()> {
        if series.states.is_empty() {
            return Ok(());
        }
        out.extend_from_slice(b",\"states\":[");
        for (index, (day, state, was)) in series.states.iter().enumerate() {
            let word = match state {
                PointState::Missing => "missing",
                PointState::Provisional => "provisional",
                PointState::Final => "final",
                PointState::Restated => "restated",
            };
            out.extend_from_slice(if index > 0 { b",[\"" } else { b"[\"" });
            out.extend_from_slice(self.dates.text(*day, short));
            write!(out, "\",\"{word}\"")?;
            if let Some(was) = was {
                write!(out, ",{was}")?;
            }
            out.push(b']');
        }
        out.push(b']');
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_go_both_ways() {
        for key in ["access_statuses", "data_volume", "countries_by_view", "global"] {
            assert_eq!(snake(&camel(key)), key);
        }
        assert_eq!(camel("download_unique_files"), "downloadUniqueFiles");
    }
}
