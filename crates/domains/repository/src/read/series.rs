//! Data series (spec/invenio §7): per breakdown and metric, points of the days a value occurs on.

use std::{cmp::Reverse, collections::BTreeMap};

use tallykeep_lake::day_number;
use tallykeep_model::{Label, PointState};
use tallykeep_rollup::{Cell, Sum};

use super::{Components, frame::Frame, query::SeriesKind};
use crate::config::Settings;

/// One data series.
#[derive(Debug, Clone, PartialEq)]
pub struct SeriesOut {
    pub id: String,
    pub name: Label,
    /// `bar` for the global series, `line` for others.
    pub bar: bool,
    /// Bytes rather than a count.
    pub filesize: bool,
    /// Ascending by day.
    pub points: Vec<(i32, i64)>,
    /// Days among the points that are not final, with the value before where one was restated.
    pub states: Vec<(i32, PointState, Option<i64>)>,
}

/// The series of one breakdown: its key (snake case) and its metrics in order.
#[derive(Debug, Clone, PartialEq)]
pub struct Category {
    pub key: String,
    pub metrics: Vec<(&'static str, Vec<SeriesOut>)>,
}

/// A metric: its name and its value in a row of measures.
#[derive(Clone, Copy)]
pub(super) struct MetricOf {
    pub name: &'static str,
    value: fn(&[i64], Side) -> i64,
    /// Measures whose restatement restates it.
    measures: &'static [&'static str],
}

/// Which side of a record delta is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    Net,
    Added,
    Removed,
}

impl Side {
    fn of(self, added: i64, removed: i64) -> i64 {
        match self {
            Self::Net => added - removed,
            Self::Added => added,
            Self::Removed => removed,
        }
    }
}

macro_rules! record_metric {
    ($name:literal, $added:expr, $removed:expr) => {
        MetricOf {
            name: $name,
            value: |m, side| {
                side.of($added.iter().map(|&i: &usize| m[i]).sum(), $removed.iter().map(|&i: &usize| m[i]).sum())
            },
            measures: &[],
        }
    };
}

const RECORDS: MetricOf = record_metric!("records", [0, 1], [2, 3]);

/// Records that are there after a record delta, or after the sum of many.
pub(crate) fn records(measures: &[i64]) -> i64 {
    (RECORDS.value)(measures, Side::Net)
}

const PARENTS: MetricOf = record_metric!("parents", [4, 5], [6, 7]);
const FILE_COUNT: MetricOf = record_metric!("file_count", [8], [11]);
const DATA_VOLUME: MetricOf = record_metric!("data_volume", [9], [12]);
const CONTRIBUTIONS: MetricOf = record_metric!("contributions", [10], [13]);
const UPLOADERS: MetricOf =
    MetricOf { name: "uploaders", value: |m, side| if side == Side::Removed { 0 } else { m[14] }, measures: &[] };
const DISTINCT_UPLOADERS: MetricOf = MetricOf { name: "distinct_uploaders", value: |m, _| m[15], measures: &[] };

const USAGE: [MetricOf; 10] = [
    usage_metric("views", |m, _| m[0], &["view_events"]),
    usage_metric("downloads", |m, _| m[4], &["download_events"]),
    usage_metric("view_visitors", |m, _| m[1], &["view_visitors"]),
    usage_metric("download_visitors", |m, _| m[5], &["download_visitors"]),
    usage_metric("data_volume", |m, _| m[9], &["download_bytes"]),
    usage_metric("view_unique_records", |m, _| m[2], &["view_records"]),
    usage_metric("view_unique_parents", |m, _| m[3], &["view_parents"]),
    usage_metric("download_unique_files", |m, _| m[8], &["download_files"]),
    usage_metric("download_unique_records", |m, _| m[6], &["download_records"]),
    usage_metric("download_unique_parents", |m, _| m[7], &["download_parents"]),
];

const fn usage_metric(
    name: &'static str,
    value: fn(&[i64], Side) -> i64,
    measures: &'static [&'static str],
) -> MetricOf {
    MetricOf { name, value, measures }
}

/// What is asked for of the set.
pub(super) struct Wanted {
    pub kind: SeriesKind,
    pub side: Side,
    /// Metric names; empty means all.
    pub metrics: Vec<String>,
    /// One breakdown key (snake case), or all.
    pub category: Option<String>,
    pub subcount_id: Option<String>,
    /// The components to which the answer is cut down; `None` for everything.
    pub needed: Option<Components>,
}

impl Wanted {
    fn metrics(&self, list: &[MetricOf]) -> Vec<MetricOf> {
        let asked = |m: &&MetricOf| self.metrics.is_empty() || self.metrics.iter().any(|name| name == m.name);
        list.iter().filter(asked).copied().collect()
    }

    /// The metrics of one breakdown.
    fn metrics_of(&self, key: &str, list: &[MetricOf]) -> Vec<MetricOf> {
        let mut metrics = self.metrics(list);
        metrics.retain(|m| self.needed.as_ref().is_none_or(|needed| needed.need(self.kind, key, m.name)));
        metrics
    }

    fn category(&self, key: &str) -> bool {
        self.category.as_ref().is_none_or(|wanted| wanted == key)
    }
}

/// Builds the categories of a frame, in the order of the configuration, `global` first.
pub(super) fn categories(frame: &Frame, settings: &Settings, wanted: &Wanted) -> Vec<Category> {
    let mut found = Vec::new();
    let (records, snapshot) = (wanted.kind.is_records(), wanted.kind.is_snapshot());
    let global_metrics: Vec<MetricOf> = match (records, snapshot) {
        (true, false) => wanted.metrics(&[RECORDS, FILE_COUNT, DATA_VOLUME, PARENTS, UPLOADERS]),
        (true, true) => wanted.metrics(&[RECORDS, PARENTS, UPLOADERS, DATA_VOLUME, FILE_COUNT, DISTINCT_UPLOADERS]),
        (false, _) => wanted.metrics(&USAGE),
    };
    if wanted.category("global") {
        let metrics = wanted.metrics_of("global", &global_metrics);
        found.push(global(frame, &metrics, wanted, snapshot));
    }
    if records && wanted.category("file_presence") {
        found.push(file_presence(frame, wanted, snapshot));
    }
    for subcount in &settings.subcounts {
        let Some(side) = (if records { &subcount.records } else { &subcount.usage }) else { continue };
        let mut metrics =
            if records { wanted.metrics(&[RECORDS, PARENTS, DATA_VOLUME, FILE_COUNT]) } else { wanted.metrics(&USAGE) };
        if records && subcount.name == "affiliations" {
            metrics.extend(wanted.metrics(&[CONTRIBUTIONS]));
        }
        let by = |measure: fn(&[i64]) -> i64| Some((measure, settings.top_limit));
        let lists: Vec<(String, Option<Ranking>)> = match (records, snapshot, side.top) {
            (true, true, true) => vec![(subcount.name.clone(), by(|m| m[0] + m[1] - m[2] - m[3]))],
            (false, true, true) => vec![
                (format!("{}_by_view", subcount.name), by(|m| m[0])),
                (format!("{}_by_download", subcount.name), by(|m| m[4])),
            ],
            _ => vec![(subcount.name.clone(), None)],
        };
        for (key, ranking) in lists {
            if wanted.category(&key) {
                let values = values(frame, &subcount.name, snapshot, ranking, wanted.subcount_id.as_deref());
                let metrics = wanted.metrics_of(&key, &metrics);
                found.push(category(frame, key, &subcount.name, &metrics, &values, wanted));
            }
        }
    }
    found
}

type Ranking = (fn(&[i64]) -> i64, usize);

/// A value's rows, only of the days it occurs on; the measures of all rows lie one behind the other.
#[derive(Default)]
struct Table {
    /// The day the value was first seen on.
    first: i32,
    days: Vec<i32>,
    measures: Vec<i64>,
}

impl Table {
    fn push(&mut self, day: i32, measures: impl IntoIterator<Item = i64>) {
        self.days.push(day);
        self.measures.extend(measures);
    }

    fn rows(&self, width: usize) -> impl DoubleEndedIterator<Item = (i32, &[i64])> {
        self.days.iter().copied().zip(self.measures.chunks_exact(width))
    }
}

type ValueRows<'a> = BTreeMap<&'a str, Table>;

fn values<'a>(
    frame: &'a Frame,
    dimension: &str,
    snapshot: bool,
    ranking: Option<Ranking>,
    only: Option<&str>,
) -> ValueRows<'a> {
    let mut found = ValueRows::new();
    if !snapshot {
        for (value, (_, range)) in frame.cells_of(dimension) {
            let mut table = Table { first: frame.rows.days[range.start], ..Table::default() };
            range.for_each(|i| table.push(frame.rows.days[i], frame.rows.row(i)));
            found.insert(value, table);
        }
    } else {
        running(frame, dimension, ranking, &mut found);
    }
    if let Some(only) = only {
        found.retain(|value, _| *value == only);
    }
    found
}

/// Running sums day by day: of every value from its first sight on, or of the day's largest.
fn running<'a>(frame: &'a Frame, dimension: &str, ranking: Option<Ranking>, found: &mut ValueRows<'a>) {
    let Some(number) = frame.vocabulary.dimensions.find(dimension) else { return };
    let width = frame.rows.measures.len();
    let mut names: Vec<&str> = Vec::new();
    let mut sums: Vec<Sum> = Vec::new();
    let mut index: BTreeMap<Cell, usize> = BTreeMap::new();
    let range = Cell::new(0, number, 0)..=Cell::new(0, number, u32::MAX);
    let mut seen: Vec<bool> = Vec::new();
    for (cell, sum) in frame.before.range(range) {
        index.insert(*cell, names.len());
        names.push(frame.vocabulary.values.text(cell.value()));
        sums.push(sum.clone());
        seen.push(true);
    }
    let mut changes: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
    for (value, (cell, rows)) in frame.cells_of(dimension) {
        index.entry(cell).or_insert_with(|| {
            names.push(value);
            sums.push(Sum::since(frame.rows.days[rows.start], width));
            seen.push(false);
            names.len() - 1
        });
        for row in rows {
            changes.entry(frame.rows.days[row]).or_default().push(row);
        }
    }
    let mut rows: Vec<Table> = sums.iter().map(|sum| Table { first: sum.first, ..Table::default() }).collect();
    let mut top: Vec<usize> = Vec::new();
    for day in frame.each_day().map(day_number) {
        let changed = changes.get(&day);
        for &row in changed.map_or(&[][..], Vec::as_slice) {
            let at = index[&frame.rows.cells[row]];
            seen[at] = true;
            sums[at].add(day, frame.rows.row(row));
        }
        match ranking {
            None => {
                for at in (0..names.len()).filter(|at| seen[*at]) {
                    rows[at].push(day, sums[at].measures.iter().copied());
                }
            }
            Some((measure, limit)) => {
                if changed.is_some() || top.is_empty() {
                    top = (0..names.len()).filter(|at| measure(&sums[*at].measures) > 0).collect();
                    // Of equal ones the one seen first, then by id (spec/invenio §4.4).
                    let place = |at: &usize| (Reverse(measure(&sums[*at].measures)), sums[*at].first, names[*at]);
                    if top.len() > limit {
                        top.select_nth_unstable_by_key(limit, place);
                        top.truncate(limit);
                    }
                }
                for &at in &top {
                    rows[at].push(day, sums[at].measures.iter().copied());
                }
            }
        }
    }
    for (name, rows) in names.into_iter().zip(rows).filter(|(_, rows)| !rows.days.is_empty()) {
        found.insert(name, rows);
    }
}

fn category(
    frame: &Frame,
    key: String,
    dimension: &str,
    metrics: &[MetricOf],
    values: &ValueRows<'_>,
    wanted: &Wanted,
) -> Category {
    // The busiest first, as the documents list them; of equal ones the one seen first, then by id.
    let width = frame.rows.measures.len();
    let mut order: Vec<(&&str, &Table)> = values.iter().collect();
    let weight = |table: &Table| -> i64 {
        let first = |m: &[i64]| metrics.first().map_or(0, |metric| (metric.value)(m, wanted.side));
        if wanted.kind.is_snapshot() {
            table.rows(width).next_back().map_or(0, |r| first(r.1))
        } else {
            table.rows(width).map(|r| first(r.1)).sum()
        }
    };
    order.sort_by_cached_key(|(value, table)| (Reverse(weight(table)), table.first, **value));
    let metrics = metrics
        .iter()
        .map(|metric| {
            let series = order.iter().map(|(value, table)| SeriesOut {
                id: (**value).to_owned(),
                name: name(frame, dimension, value, wanted.kind.is_records()),
                bar: false,
                filesize: metric.name == "data_volume",
                points: table.rows(width).map(|(day, m)| (day, (metric.value)(m, wanted.side))).collect(),
                states: states(frame, table.days.iter().copied(), dimension, value, metric),
            });
            (metric.name, series.collect())
        })
        .collect();
    Category { key, metrics }
}

/// The label; without one the id for usage and an empty label for records, as their documents have it.
fn name(frame: &Frame, dimension: &str, value: &str, records: bool) -> Label {
    match frame.label(dimension, value) {
        Some(label) => label.clone(),
        None if records => Label::Text(String::new()),
        None if matches!(dimension, "resource_types" | "languages" | "rights") => {
            Label::Languages([("en".to_owned(), value.to_owned())].into())
        }
        None => Label::Text(value.to_owned()),
    }
}

/// The scope's own measures on every day that has a document.
fn totals(frame: &Frame, snapshot: bool) -> Vec<(i32, Vec<i64>)> {
    let width = frame.rows.measures.len();
    let mut by_day: BTreeMap<i32, Vec<i64>> = BTreeMap::new();
    for row in frame.total_rows() {
        by_day.insert(frame.rows.days[row], frame.rows.row(row).collect());
    }
    let mut sum = frame.before.get(&Cell::total(0)).map_or_else(|| vec![0; width], |before| before.measures.clone());
    frame
        .each_day()
        .map(|day| {
            let day = day_number(day);
            let own = by_day.remove(&day).unwrap_or_else(|| vec![0; width]);
            if !snapshot {
                return (day, own);
            }
            for (total, number) in sum.iter_mut().zip(own) {
                *total += number;
            }
            (day, sum.clone())
        })
        .collect()
}

fn global(frame: &Frame, metrics: &[MetricOf], wanted: &Wanted, snapshot: bool) -> Category {
    let rows = totals(frame, snapshot);
    let metrics = metrics
        .iter()
        .map(|metric| {
            if rows.is_empty() {
                return (metric.name, Vec::new());
            }
            let series = SeriesOut {
                id: "global".to_owned(),
                name: Label::Text("Global".to_owned()),
                bar: true,
                filesize: metric.name == "data_volume",
                points: rows.iter().map(|(day, m)| (*day, (metric.value)(m, wanted.side))).collect(),
                states: states(frame, rows.iter().map(|r| r.0), "", "", metric),
            };
            (metric.name, vec![series])
        })
        .collect();
    Category { key: "global".to_owned(), metrics }
}

/// Records with and without files; files belong to those with files.
fn file_presence(frame: &Frame, wanted: &Wanted, snapshot: bool) -> Category {
    let rows = totals(frame, snapshot);
    let value = |name: &str, with_files: usize, m: &[i64]| match (name, with_files) {
        ("records", class) => wanted.side.of(m[class], m[class + 2]),
        ("parents", class) => wanted.side.of(m[4 + class], m[6 + class]),
        ("file_count", 1) => wanted.side.of(m[8], m[11]),
        ("data_volume", 1) => wanted.side.of(m[9], m[12]),
        _ => 0,
    };
    let metrics = wanted
        .metrics(&[RECORDS, PARENTS, FILE_COUNT, DATA_VOLUME])
        .iter()
        .map(|metric| {
            if rows.is_empty() {
                return (metric.name, Vec::new());
            }
            let series = [("metadata_only", "Metadata Only"), ("with_files", "With Files")]
                .into_iter()
                .enumerate()
                .map(|(class, (id, name))| SeriesOut {
                    id: id.to_owned(),
                    name: Label::Text(name.to_owned()),
                    bar: false,
                    filesize: metric.name == "data_volume",
                    points: rows.iter().map(|(day, m)| (*day, value(metric.name, class, m))).collect(),
                    states: Vec::new(),
                });
            (metric.name, series.collect())
        })
        .collect();
    Category { key: "file_presence".to_owned(), metrics }
}

/// States of the days that are not final. `was` is known where the metric is one measure.
fn states(
    frame: &Frame,
    days: impl Iterator<Item = i32>,
    dimension: &str,
    value: &str,
    metric: &MetricOf,
) -> Vec<(i32, PointState, Option<i64>)> {
    let Some(coverage) = &frame.coverage else { return Vec::new() };
    let mut restated: BTreeMap<i32, Option<i64>> = BTreeMap::new();
    // The ledger is empty most of the time; then nothing is compared.
    for r in frame.restated.iter().filter(|r| r.dimension == dimension && r.value == value) {
        if metric.measures.is_empty() || metric.measures.contains(&r.measure.as_str()) {
            let was = r.old.filter(|_| !metric.measures.is_empty());
            restated.insert(day_number(r.day), was.map(whole));
        }
    }
    let provisional = day_number(coverage.provisional_from);
    if restated.is_empty() {
        return days.filter(|day| *day >= provisional).map(|day| (day, PointState::Provisional, None)).collect();
    }
    days.filter_map(|day| match restated.get(&day) {
        Some(was) => Some((day, PointState::Restated, *was)),
        None if day >= provisional => Some((day, PointState::Provisional, None)),
        None => None,
    })
    .collect()
}

#[expect(clippy::cast_possible_truncation, reason = "the ledger holds whole numbers")]
fn whole(number: f64) -> i64 {
    number as i64
}
