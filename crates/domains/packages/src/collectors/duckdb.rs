//! DuckDB extension installs: weekly files of two hosts, booked to the month of their last update (spec/packages §4.5).

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::Value;
use tallykeep_collect::CollectError;
use tallykeep_control::packages::DuckdbMonth;

use super::{Asker, shape};
use crate::{
    days::{after, utc_day},
    upstreams::{DUCKDB_COMMUNITY, DUCKDB_CORE, Upstream},
};

/// One weekly number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Week {
    pub community: bool,
    pub installs: i64,
    pub updated_at: Timestamp,
}

/// The days whose ISO weeks are asked for: every seventh from `first` to `today`, without week 53.
pub fn probes(first: Date, today: Date) -> Vec<(i16, i8)> {
    let mut probes = Vec::new();
    let mut day = first;
    while day <= today {
        let week = day.iso_week_date().week();
        if week != 53 {
            probes.push((day.year(), week));
        }
        day = after(day, 7);
    }
    probes
}

/// Every archived week of an extension. Weeks the hosts did not archive are absent.
pub async fn weeks(asker: &Asker, extension: &str, first: Date, today: Date) -> Result<Vec<Week>, CollectError> {
    let mut weeks = Vec::new();
    for (year, week) in probes(first, today) {
        for (upstream, community) in [(DUCKDB_CORE, false), (DUCKDB_COMMUNITY, true)] {
            let path = format!("/download-stats-weekly/{year}/{week}.json");
            match asker.client.ask(&asker.get(upstream, &path).conditional()).await {
                Ok(answer) => weeks.push(read(&answer.json()?, extension, upstream, community)?),
                Err(error) if error.is_not_found() => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(weeks)
}

fn read(body: &Value, extension: &str, upstream: Upstream, community: bool) -> Result<Week, CollectError> {
    let updated = body["_last_update"].as_str().ok_or_else(|| shape(upstream, "`_last_update` is missing"))?;
    let updated_at = instant(updated).ok_or_else(|| shape(upstream, format!("`_last_update` is `{updated}`")))?;
    let installs = match &body[extension] {
        Value::Null => 0,
        value => {
            value.as_i64().filter(|n| *n >= 0).ok_or_else(|| shape(upstream, format!("`{extension}` is no count")))?
        }
    };
    Ok(Week { community, installs, updated_at })
}

/// RFC 3339, or `YYYY-MM-DD HH:MM:SS` taken as UTC.
pub fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    text.parse().ok().or_else(|| {
        let naive: jiff::civil::DateTime = text.parse().ok()?;
        naive.to_zoned(TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
    })
}

/// Weeks summed by the month of their update, from `first`'s month on.
pub fn months(weeks: &[Week], extension: &str, first: Date, today: Date) -> Vec<DuckdbMonth> {
    let mut months: BTreeMap<Date, DuckdbMonth> = BTreeMap::new();
    for week in weeks {
        let start = utc_day(week.updated_at).first_of_month();
        if start < first.first_of_month() {
            continue;
        }
        let month = months.entry(start).or_insert_with(|| DuckdbMonth {
            extension: extension.to_owned(),
            month_start: start,
            month_label: start.strftime("%Y-%m").to_string(),
            core_downloads: 0,
            community_downloads: 0,
            total_downloads: 0,
            is_partial_month: start == today.first_of_month(),
            latest_source_update_at: week.updated_at,
            weeks_present: 0,
            // Both hosts publish once a week: the number of Tuesdays, when the archive is written.
            weeks_expected: 2 * i64::try_from(tuesdays(start, start.last_of_month().min(today))).unwrap_or(0),
        });
        if week.community {
            month.community_downloads += week.installs;
        } else {
            month.core_downloads += week.installs;
        }
        month.total_downloads = month.core_downloads + month.community_downloads;
        month.latest_source_update_at = month.latest_source_update_at.max(week.updated_at);
        month.weeks_present += 1;
    }
    months.into_values().collect()
}

fn tuesdays(first: Date, last: Date) -> usize {
    crate::days::each_day(first, last).filter(|day| day.weekday() == jiff::civil::Weekday::Tuesday).count()
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn example_o_duckdb() {
        let week =
            |community, installs, at: &str| Week { community, installs, updated_at: instant(at).expect("an instant") };
        let weeks = [
            week(false, 40, "2026-03-31 07:28:50"),
            week(false, 50, "2026-04-07 07:28:50"),
            week(true, 70, "2026-04-07T07:28:50Z"),
            week(true, 9, "2025-12-30 07:00:00"),
        ];
        let months = months(&weeks, "lance", date(2026, 1, 1), date(2026, 4, 10));
        let rows: Vec<String> = months
            .iter()
            .map(|m| {
                format!(
                    "{}: {}/{}/{} {} {} {}",
                    m.month_label,
                    m.core_downloads,
                    m.community_downloads,
                    m.total_downloads,
                    m.is_partial_month,
                    m.latest_source_update_at,
                    m.weeks_present
                )
            })
            .collect();
        assert_eq!(
            rows,
            ["2026-03: 40/0/40 false 2026-03-31T07:28:50Z 1", "2026-04: 50/70/120 true 2026-04-07T07:28:50Z 2"]
        );
    }

    #[test]
    fn probes_skip_week_53() {
        let probes = probes(date(2026, 12, 24), date(2027, 1, 8));
        assert_eq!(probes, [(2026, 52), (2027, 1)], "2026-12-31 is in week 53");
    }
}
