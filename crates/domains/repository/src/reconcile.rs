//! Their totals beside ours, with the reason of each difference.
//!
//! Theirs are what sources told while they were read (documents of each index, counters of each record) or what imported records carry in
//! `stats`. Ours are counted here from the stored documents and events. Every row adds up: theirs, plus its reasons, plus what nobody can
//! explain, is ours.

mod usage;

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{ToSpan, civil::Date};
use serde::Serialize;
use serde_json::Value;

use self::usage::{Month, count_usage};
use crate::{
    RepositoryError, TeamRepository,
    documents::Record,
    sources::{REPORTED_INDICES, REPORTED_RECORDS, REPORTED_REJECTS},
    state::current,
    tables::{COMMUNITIES, MEMBERSHIPS, RECORDS},
};

/// Works listed with their own differences.
const LISTED_WORKS: usize = 20;

/// Why two numbers differ, and by how much: ours has this many more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    pub reason: String,
    pub count: i64,
    /// Not counted but what is left over, where it cannot be told apart.
    pub estimated: bool,
}

/// One number of theirs beside ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Row {
    /// `documents`, `usage` or `totals`.
    pub part: &'static str,
    pub what: String,
    /// `None`: nobody told.
    pub theirs: Option<i64>,
    pub ours: i64,
    pub difference: Option<i64>,
    pub reasons: Vec<Reason>,
    pub unexplained: i64,
}

impl Row {
    fn new(part: &'static str, what: String, theirs: Option<i64>, ours: i64) -> Self {
        let difference = theirs.map(|theirs| ours - theirs);
        Self { part, what, theirs, ours, difference, reasons: Vec::new(), unexplained: difference.unwrap_or(0) }
    }

    fn because(&mut self, reason: impl Into<String>, count: i64, estimated: bool) {
        if count != 0 && self.theirs.is_some() {
            self.reasons.push(Reason { reason: reason.into(), count, estimated });
            self.unexplained -= count;
        }
    }
}

/// A work whose counters differ most from ours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WorkRow {
    pub id: String,
    pub views: [i64; 2],
    pub downloads: [i64; 2],
}

#[derive(Debug, Clone, Serialize)]
pub struct Reconciliation {
    pub as_of: String,
    pub rows: Vec<Row>,
    /// Theirs and ours, the largest differences first.
    pub works: Vec<WorkRow>,
    /// Months between the oldest work and today in which no usage is stored.
    pub missing_months: Vec<String>,
    /// Whether every difference is explained.
    pub explained: bool,
}

/// What a source counted for a work, over all versions.
#[derive(Debug, Clone, Copy, Default)]
struct Theirs {
    views: i64,
    downloads: i64,
}

impl TeamRepository {
    /// Lays what sources told beside what is stored and counted here.
    pub async fn reconcile(&self) -> Result<Reconciliation, RepositoryError> {
        let mut rows = Vec::new();
        let (mut parents, mut theirs) = (HashMap::new(), HashMap::<String, Theirs>::new());
        let mut oldest: Option<Date> = None;
        let records = current(&self.lake, &RECORDS).await?;
        let number_of_records = records.len();
        for (id, stored) in records {
            let document: Value = serde_json::from_str(&stored.doc)?;
            let Ok(record) = Record::from_json(&document) else { continue };
            let day = crate::dates::utc_day(record.created);
            oldest = Some(oldest.map_or(day, |known| known.min(day)));
            let number = |name: &str| document.pointer(&format!("/stats/all_versions/{name}")).and_then(Value::as_i64);
            if let (Some(views), Some(downloads)) = (number("views"), number("downloads")) {
                keep(&mut theirs, &record.parent, views, downloads);
            }
            parents.insert(id, record.parent);
        }
        for reported in self.control.reported(REPORTED_RECORDS).await? {
            let all = &reported.figures["all_versions"];
            let (Some(views), Some(downloads)) = (all["views"].as_i64(), all["downloads"].as_i64()) else { continue };
            let told = reported.figures["parent"].as_str().map(str::to_owned);
            let work = parents.get(&reported.id).cloned().or(told).unwrap_or(reported.id);
            keep(&mut theirs, &work, views, downloads);
        }
        let counted = count_usage(self, &parents).await?;
        self.documents_rows(number_of_records, &mut rows).await?;
        self.usage_rows(&counted.months, &mut rows).await?;
        let missing_months = self.missing_months(oldest, &counted.months);
        self.totals_rows(&theirs, &counted, &missing_months, &mut rows);
        let mut works: Vec<WorkRow> = theirs
            .iter()
            .map(|(id, theirs)| {
                let ours = counted.works.get(id).copied().unwrap_or_default();
                WorkRow {
                    id: id.clone(),
                    views: [theirs.views, ours.views],
                    downloads: [theirs.downloads, ours.downloads],
                }
            })
            .filter(|work| work.views[0] != work.views[1] || work.downloads[0] != work.downloads[1])
            .collect();
        let distance = |w: &WorkRow| (w.views[0] - w.views[1]).abs() + (w.downloads[0] - w.downloads[1]).abs();
        works.sort_by(|a, b| distance(b).cmp(&distance(a)).then_with(|| a.id.cmp(&b.id)));
        works.truncate(LISTED_WORKS);
        let explained = rows.iter().all(|row| row.unexplained == 0);
        Ok(Reconciliation { as_of: self.control.clock().now().to_string(), rows, works, missing_months, explained })
    }

    /// Documents of the indices beside stored documents.
    async fn documents_rows(&self, records: usize, rows: &mut Vec<Row>) -> Result<(), RepositoryError> {
        let told = self.told_documents().await?;
        let rejected = self.rejected().await?;
        let communities = current(&self.lake, &COMMUNITIES).await?.len();
        let memberships = usize::try_from(self.lake.table(&MEMBERSHIPS).view().await?.rows()).unwrap_or(usize::MAX);
        for (kind, ours) in [("communities", communities), ("records", records), ("community-events", memberships)] {
            let theirs = told.iter().filter(|(_, k, _)| k == kind).map(|t| t.2).collect::<Vec<i64>>();
            let theirs = (!theirs.is_empty()).then(|| theirs.iter().sum());
            let mut row = Row::new("documents", kind.to_owned(), theirs, whole(ours));
            let refused: i64 = rejected.iter().filter(|(id, _)| id.starts_with(&format!("{kind}/"))).map(|r| r.1).sum();
            row.because("refused by the import (the report names each)", -refused, false);
            if row.unexplained > 0 {
                let more = row.unexplained;
                row.because("stored from other files or sources, or gone from the index since", more, true);
            }
            rows.push(row);
        }
        Ok(())
    }

    /// Index, kind and documents, as sources told.
    async fn told_documents(&self) -> Result<Vec<(String, String, i64)>, RepositoryError> {
        let told = self.control.reported(REPORTED_INDICES).await?;
        Ok(told
            .into_iter()
            .filter_map(|r| {
                let kind = r.figures["kind"].as_str()?.to_owned();
                Some((r.id, kind, r.figures["documents"].as_i64()?))
            })
            .collect())
    }

    async fn rejected(&self) -> Result<Vec<(String, i64)>, RepositoryError> {
        let told = self.control.reported(REPORTED_REJECTS).await?;
        Ok(told.into_iter().filter_map(|r| Some((r.id, r.figures["documents"].as_i64()?))).collect())
    }

    /// Events of every month: what the indices have, what is stored, what counts.
    async fn usage_rows(
        &self,
        months: &BTreeMap<(String, bool), Month>,
        rows: &mut Vec<Row>,
    ) -> Result<(), RepositoryError> {
        let rejected: BTreeMap<String, i64> = self.rejected().await?.into_iter().collect();
        let mut told: BTreeMap<(String, bool), (i64, i64)> = BTreeMap::new();
        for (index, kind, documents) in self.told_documents().await? {
            let Some((month, is_download)) = (kind == "usage-events").then(|| month_of(&index)).flatten() else {
                continue;
            };
            // An original and its enriched copy hold the same events.
            let known = told.entry((month, is_download)).or_default();
            known.0 = known.0.max(documents);
            known.1 += rejected.get(&format!("usage-events/{index}")).copied().unwrap_or(0);
        }
        let keys: BTreeSet<&(String, bool)> = months.keys().chain(told.keys()).collect();
        for key in keys {
            let ours = months.get(key).cloned().unwrap_or_default();
            let theirs = told.get(key).map(|t| t.0);
            let name = format!("{} {}", if key.1 { "downloads" } else { "views" }, key.0);
            let mut row = Row::new("usage", name, theirs, ours.counted);
            row.because("refused by the import (the report names each)", -told.get(key).map_or(0, |t| t.1), false);
            row.because("robots, which do not count", -ours.robots, false);
            row.because("machines, which do not count", -ours.machines, false);
            if row.unexplained < 0 {
                let left = row.unexplained;
                let why = if ours.stored == 0 {
                    "the month is not imported"
                } else {
                    "not imported yet, or the same event under two ids"
                };
                row.because(why, left, true);
            } else if row.unexplained > 0 {
                let left = row.unexplained;
                row.because("stored from other files or sources, or gone from the index since", left, true);
            }
            rows.push(row);
        }
        Ok(())
    }

    fn missing_months(&self, oldest: Option<Date>, months: &BTreeMap<(String, bool), Month>) -> Vec<String> {
        let Some(oldest) = oldest else { return Vec::new() };
        let stored: BTreeSet<&str> = months.keys().map(|key| key.0.as_str()).collect();
        let mut missing = Vec::new();
        let mut month = oldest.first_of_month();
        while month <= self.control.clock().today() {
            let name = month.to_string()[..7].to_owned();
            if !stored.contains(name.as_str()) {
                missing.push(name);
            }
            month = month.saturating_add(1.month());
        }
        missing
    }

    /// The counters of all records beside what counts here.
    fn totals_rows(
        &self,
        theirs: &HashMap<String, Theirs>,
        counted: &usage::Counted,
        missing: &[String],
        rows: &mut Vec<Row>,
    ) {
        if theirs.is_empty() {
            return;
        }
        for (name, is_download) in [("views", false), ("downloads", true)] {
            let sum: i64 = theirs.values().map(|t| if is_download { t.downloads } else { t.views }).sum();
            let of = |pick: fn(&usage::Work) -> [i64; 4]| -> i64 {
                theirs
                    .keys()
                    .filter_map(|work| counted.works.get(work))
                    .map(|w| pick(w)[usize::from(is_download)])
                    .sum()
            };
            let ours = of(|w| [w.views, w.downloads, 0, 0]);
            let mut row = Row::new("totals", format!("{name} of {} works", theirs.len()), Some(sum), ours);
            row.because(
                "repeats within ten seconds by one visitor (double-clicks), which they count once",
                of(|w| [w.view_repeats, w.download_repeats, 0, 0]),
                false,
            );
            if !is_download {
                row.because("views through the API, which they do not count", of(|w| [w.api_views, 0, 0, 0]), false);
            }
            if self.settings.exclude_machines {
                row.because(
                    "machines, which do not count here",
                    -of(|w| [w.view_machines, w.download_machines, 0, 0]),
                    false,
                );
            }
            if !self.settings.exclude_robots {
                row.because("robots, which they do not count", of(|w| [w.view_robots, w.download_robots, 0, 0]), false);
            }
            if row.unexplained < 0 && !missing.is_empty() {
                let left = row.unexplained;
                row.because(
                    format!("in {} months without stored events ({})", missing.len(), spans(missing)),
                    left,
                    true,
                );
            }
            rows.push(row);
        }
    }
}

/// The higher of two readings: counters only grow, and every version of a work tells the same total.
fn keep(theirs: &mut HashMap<String, Theirs>, work: &str, views: i64, downloads: i64) {
    let known = theirs.entry(work.to_owned()).or_default();
    known.views = known.views.max(views);
    known.downloads = known.downloads.max(downloads);
}

/// `2024-01…2024-06, 2024-09` of months in order.
fn spans(months: &[String]) -> String {
    let number = |month: &str| -> i64 {
        let (year, month) = month.split_once('-').unwrap_or((month, "0"));
        year.parse::<i64>().unwrap_or(0) * 12 + month.parse::<i64>().unwrap_or(0)
    };
    let mut spans: Vec<(&str, &str)> = Vec::new();
    for month in months {
        match spans.last_mut() {
            Some(span) if number(span.1) + 1 == number(month) => span.1 = month,
            _ => spans.push((month, month)),
        }
    }
    let texts: Vec<String> =
        spans.iter().map(|(a, b)| if a == b { (*a).to_owned() } else { format!("{a}…{b}") }).collect();
    texts.join(", ")
}

/// Month of an index of usage events, and whether it holds downloads.
fn month_of(index: &str) -> Option<(String, bool)> {
    let is_download = index.contains("file-download-");
    let (_, rest) = index.split_once(if is_download { "file-download-" } else { "record-view-" })?;
    rest.get(..7).map(|month| (month.to_owned(), is_download))
}

fn whole(number: usize) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_in_a_row_are_one_span() {
        let months: Vec<String> = ["2023-11", "2023-12", "2024-01", "2024-03"].map(str::to_owned).to_vec();
        assert_eq!(spans(&months), "2023-11…2024-01, 2024-03");
    }

    #[test]
    fn a_row_adds_up() {
        let mut row = Row::new("usage", "views 2026-01".to_owned(), Some(10), 6);
        row.because("robots", -3, false);
        assert_eq!((row.difference, row.unexplained), (Some(-4), -1));
    }
}
