//! Collection gaps: days on which several sources drop together are the collection's fault, not demand (spec/packages §16.9).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;

use crate::{
    days::{before, each_day},
    index::{Index, MetricRows, Window},
};

/// A day on which at least half of the metrics of several sources dropped, or of one source with several metrics went missing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CollectionGap {
    pub day: Date,
    /// `collection_gap` for several sources, `source_outage` for all metrics of one.
    pub kind: &'static str,
    pub sources: Vec<String>,
    pub metrics: Vec<String>,
}

/// Below this share of the usual value a day has dropped.
const DROP: f64 = 0.25;
/// Days before a day that say what is usual, and how many of them must be known.
const USUAL_DAYS: i64 = 14;
const USUAL_KNOWN: usize = 7;
/// Fewer downloads a day than this say nothing.
const USUAL_LEAST: i64 = 20;

/// Collection gaps in `[first, last]`, oldest first.
pub fn collection_gaps(index: &Index, first: Date, last: Date) -> Vec<CollectionGap> {
    // day → source → (judged, dropped or missing, missing)
    let mut seen: BTreeMap<Date, BTreeMap<&str, (usize, Vec<&str>, usize)>> = BTreeMap::new();
    for metric in index.active("downloads") {
        let rows = index.rows(&metric.metric_id);
        let counts: BTreeMap<Date, i64> = rows
            .ending_in(before(first, USUAL_DAYS), last)
            .iter()
            .filter(|row| row.window == Window::Counted && row.is_single_day())
            .map(|row| (row.end, row.value))
            .collect();
        let Some(newest) = newest_settled(rows, last) else { continue };
        for day in each_day(first, last.min(newest)) {
            let mut usual: Vec<i64> = counts.range(before(day, USUAL_DAYS)..day).map(|(_, value)| *value).collect();
            if usual.len() < USUAL_KNOWN {
                continue;
            }
            usual.sort_unstable();
            let median = usual[usual.len() / 2];
            if median < USUAL_LEAST {
                continue;
            }
            let value = counts.get(&day);
            #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
            let dropped = value.is_none_or(|value| (*value as f64) < median as f64 * DROP);
            let entry = seen.entry(day).or_default().entry(metric.source.as_str()).or_default();
            entry.0 += 1;
            if dropped {
                entry.1.push(&metric.metric_id);
                entry.2 += usize::from(value.is_none());
            }
        }
    }
    let mut gaps = Vec::new();
    for (day, sources) in seen {
        let hit: Vec<_> = sources
            .iter()
            .filter(|(_, (judged, dropped, _))| dropped.len() * 2 >= *judged && !dropped.is_empty())
            .collect();
        let outage =
            |(_, (judged, _, missing)): &(&&str, &(usize, Vec<&str>, usize))| *judged >= 2 && missing == judged;
        let kind = if hit.len() >= 2 {
            "collection_gap"
        } else if hit.iter().any(outage) {
            "source_outage"
        } else {
            continue;
        };
        gaps.push(CollectionGap {
            day,
            kind,
            sources: hit.iter().map(|(source, _)| (**source).to_owned()).collect(),
            metrics: hit.iter().flat_map(|(_, (_, dropped, _))| dropped.iter().map(|m| (*m).to_owned())).collect(),
        });
    }
    gaps
}

/// The newest day that is not merely late: the newest stored one.
fn newest_settled(rows: &MetricRows, last: Date) -> Option<Date> {
    rows.newest_counted().map(|newest| newest.min(last))
}

/// The days of collection gaps, for quick questions.
pub fn gap_days(gaps: &[CollectionGap]) -> BTreeSet<Date> {
    gaps.iter().map(|gap| gap.day).collect()
}
