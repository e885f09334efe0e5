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
pub(super) fn snake(key: &str) -> String {
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

/// `{categoryCamel: {metricCamel: [series]}}`
pub(super) fn categories(out: &mut Vec<u8>, categories: &[Category], coverage: Option<&Coverage>, as_of: Timestamp) -> std::io::Result<()> {
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
            series_list(out, list, coverage, as_of)?;
        }
        out.push(b'}');
    }
    out.push(b'}');
    Ok(())
}

pub(super) fn series_list(out: &mut Vec<u8>, list: &[SeriesOut], coverage: Option<&Coverage>, as_of: Timestamp) -> std::io::Result<()> {
    out.push(b'[');
    for (index, one) in list.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        series(out, one, coverage, as_of)?;
    }
    out.push(b']');
    Ok(())
}

fn series(out: &mut Vec<u8>, series: &SeriesOut, coverage: Option<&Coverage>, as_of: Timestamp) -> std::io::Result<()> {
    let years = || series.points.iter().map(|p| day_of(p.0).year());
    let year = years().next().filter(|first| years().all(|y| y == *first));
    out.extend_from_slice(b"{\"id\":");
    serde_json::to_writer(&mut *out, &series.id)?;
    out.extend_from_slice(b",\"name\":");
    serde_json::to_writer(&mut *out, &series.name)?;
    let (kind, value) = (if series.bar { "bar" } else { "line" }, if series.filesize { "filesize" } else { "number" });
    write!(out, ",\"type\":\"{kind}\",\"valueType\":\"{value}\"")?;
    if let Some(year) = year {
        write!(out, ",\"year\":{year}")?;
    }
    out.extend_from_slice(b",\"data\":[");
    for (index, (day, value)) in series.points.iter().enumerate() {
        if index > 0 {
            out.push(b',');
        }
        out.extend_from_slice(b"[\"");
        date(out, *day, year.is_some());
        out.extend_from_slice(b"\",");
        out.extend_from_slice(itoa::Buffer::new().format(*value).as_bytes());
        out.push(b']');
    }
    out.push(b']');
    if !series.states.is_empty() {
        out.extend_from_slice(b",\"states\":[");
        for (index, (day, state, was)) in series.states.iter().enumerate() {
            if index > 0 {
                out.push(b',');
            }
            out.extend_from_slice(b"[\"");
            date(out, *day, year.is_some());
            let word = match state {
                PointState::Missing => "missing",
                PointState::Provisional => "provisional",
                PointState::Final => "final",
                PointState::Restated => "restated",
            };
            write!(out, "\",\"{word}\"")?;
            if let Some(was) = was {
                write!(out, ",{was}")?;
            }
            out.push(b']');
        }
        out.push(b']');
    }
    if let Some(c) = coverage.filter(|_| series.bar) {
        write!(
            out,
            ",\"coverage\":{{\"first\":\"{}\",\"last\":\"{}\",\"provisional_from\":\"{}\",\"as_of\":\"{as_of}\"}}",
            c.first_day, c.last_day, c.provisional_from
        )?;
    }
    out.push(b'}');
    Ok(())
}

/// `MM-DD`, or `YYYY-MM-DD`.
fn date(out: &mut Vec<u8>, day: i32, short: bool) {
    let day = day_of(day);
    let two = |out: &mut Vec<u8>, n: i8| {
        let n = n.unsigned_abs();
        out.push(b'0' + n / 10);
        out.push(b'0' + n % 10);
    };
    if !short {
        // Years before 1000 need their zeros; writing into a vector cannot fail.
        let _ = write!(out, "{:04}-", day.year());
    }
    two(out, day.month());
    out.push(b'-');
    two(out, day.day());
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
