//! Observations in memory, by metric: what every document is computed from. Follows the store by generation.

use std::{collections::HashMap, sync::Arc};

use jiff::civil::Date;
use tallykeep_control::{
    ControlError,
    packages::{BlockStat, PackagesMetric, PackagesStore, StatRow},
};
use tokio::sync::Mutex;

use crate::{
    anomalies::{CollectionGap, collection_gaps},
    dashboard::Derived,
    days,
};

/// What kind of number a row holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Window {
    /// One day's (or span's) own count: `1d`, and explicit spans of sources that report them.
    Counted,
    /// A month's total seen on a day.
    Snapshot,
    /// A running count.
    Cumulative,
    /// Anything else is kept, exported, and not used.
    Other,
}

/// One observation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    pub start: Date,
    pub end: Date,
    pub value: i64,
    pub window: Window,
    pub provenance: Arc<str>,
    /// The value before the last correction.
    pub was: Option<i64>,
}

impl Observation {
    fn new(start: Date, end: Date, value: i64, window: &str, provenance: Arc<str>, was: Option<i64>) -> Self {
        let window = match window {
            "1d" => Window::Counted,
            "discrete_snapshot" => Window::Snapshot,
            "cumulative_snapshot" => Window::Cumulative,
            "legacy_unknown" => Window::Other,
            _ if start < end => Window::Counted,
            _ => Window::Other,
        };
        Self { start, end, value, window, provenance, was }
    }

    pub fn is_single_day(&self) -> bool {
        self.start == self.end
    }
}

impl From<&StatRow> for Observation {
    fn from(row: &StatRow) -> Self {
        Self::new(row.period_start, row.period_end, row.value, &row.source_window, row.provenance.as_str().into(), None)
    }
}

/// The counted days of one month.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct MonthSum {
    /// Last day of the month.
    pub end: Date,
    pub value: i64,
    /// Days with a count.
    pub days: i64,
    /// The sum with the values before corrections, when any day was corrected.
    pub was: Option<i64>,
}

/// All observations of one metric, oldest first.
#[derive(Debug, Clone, Default)]
pub struct MetricRows {
    pub rows: Vec<Observation>,
    /// Sums per month of the counted rows, oldest first.
    pub months: Vec<MonthSum>,
}

impl MetricRows {
    /// From rows in any order; one per end day.
    pub fn new(mut rows: Vec<Observation>) -> Self {
        rows.sort_by_key(|row| row.end);
        let mut months: Vec<MonthSum> = Vec::new();
        for row in rows.iter().filter(|row| row.window == Window::Counted) {
            for (end, value, was, days) in split_by_month(row) {
                let place = match months.binary_search_by_key(&end, |month| month.end) {
                    Ok(place) => place,
                    Err(place) => {
                        months.insert(place, MonthSum { end, value: 0, days: 0, was: None });
                        place
                    }
                };
                let month = &mut months[place];
                if let Some(was) = was {
                    month.was = Some(month.was.unwrap_or(month.value) + was);
                } else if let Some(sum) = month.was.as_mut() {
                    *sum += value;
                }
                month.value += value;
                month.days += days;
            }
        }
        Self { rows, months }
    }

    pub fn newest(&self) -> Option<&Observation> {
        self.rows.last()
    }

    /// Rows with first ≤ end ≤ last.
    pub fn ending_in(&self, first: Date, last: Date) -> &[Observation] {
        let from = self.rows.partition_point(|row| row.end < first);
        let to = self.rows.partition_point(|row| row.end <= last);
        &self.rows[from..to.max(from)]
    }

    /// The newest counted row's day.
    pub fn newest_counted(&self) -> Option<Date> {
        self.rows.iter().rev().find(|row| row.window == Window::Counted).map(|row| row.end)
    }
}

/// A row's parts by month: (month end, value, value before a correction, days).
fn split_by_month(row: &Observation) -> Vec<(Date, i64, Option<i64>, i64)> {
    if row.is_single_day() {
        return vec![(row.end.last_of_month(), row.value, row.was, 1)];
    }
    let span = days::days_between(row.start, row.end) + 1;
    let mut parts = Vec::new();
    let mut first = row.start;
    while first <= row.end {
        let last = first.last_of_month().min(row.end);
        let overlap = days::days_between(first, last) + 1;
        let share = |value: i64| days::divide_rounded(i128::from(value) * i128::from(overlap), i128::from(span));
        parts.push((first.last_of_month(), share(row.value), row.was.map(share), overlap));
        first = days::after(last, 1);
    }
    parts
}

/// Everything a team's documents are computed from, as of one generation.
#[derive(Debug, Clone, Default)]
pub struct Index {
    pub generation: i64,
    pub epoch: i64,
    pub metrics: Vec<PackagesMetric>,
    pub derived: Derived,
    /// Collection gaps of the last 90 days, worked out once per index and day: they look at every day of every metric.
    gaps: Arc<std::sync::Mutex<Option<(Date, Vec<CollectionGap>)>>>,
    rows: HashMap<String, Arc<MetricRows>>,
}

impl Index {
    pub fn rows(&self, metric: &str) -> &MetricRows {
        static NONE: MetricRows = MetricRows { rows: Vec::new(), months: Vec::new() };
        self.rows.get(metric).map_or(&NONE, |rows| rows)
    }

    pub fn metric(&self, id: &str) -> Option<&PackagesMetric> {
        self.metrics.iter().find(|metric| metric.metric_id == id)
    }

    /// Active metrics of a family, in catalogue order.
    pub fn active<'a>(&'a self, family: &'a str) -> impl Iterator<Item = &'a PackagesMetric> {
        self.metrics.iter().filter(move |metric| metric.is_active && metric.metric_family == family)
    }

    /// Collection gaps of the 90 days up to `latest`.
    pub fn recent_gaps(&self, latest: Date) -> Vec<CollectionGap> {
        let mut known = self.gaps.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
        match known.as_ref() {
            Some((day, gaps)) if *day == latest => gaps.clone(),
            _ => {
                let gaps = collection_gaps(self, days::before(latest, 89), latest);
                *known = Some((latest, gaps.clone()));
                gaps
            }
        }
    }

    /// From definitions and rows, for tests and reads "as known on".
    pub fn of(metrics: Vec<PackagesMetric>, rows: impl IntoIterator<Item = (String, Vec<Observation>)>) -> Self {
        let rows = rows.into_iter().map(|(id, rows)| (id, Arc::new(MetricRows::new(rows)))).collect();
        Self { generation: 0, epoch: 0, metrics, derived: Derived::default(), gaps: Arc::default(), rows }
    }
}

/// A team's index, brought up to date when asked.
#[derive(Clone)]
pub struct Reader {
    store: PackagesStore,
    index: Arc<Mutex<Arc<Index>>>,
}

impl Reader {
    pub fn new(store: PackagesStore) -> Self {
        Self { store, index: Arc::new(Mutex::new(Arc::new(Index { generation: -1, epoch: -1, ..Index::default() }))) }
    }

    pub fn store(&self) -> &PackagesStore {
        &self.store
    }

    /// The index as of now: one small question to the store when nothing changed, else the changed years only.
    pub async fn index(&self) -> Result<Arc<Index>, ControlError> {
        let mut held = self.index.lock().await;
        // Asked first: what is written between this and the reads below is read again next time.
        if self.store.generation().await? == (held.generation, held.epoch) {
            return Ok(held.clone());
        }
        let blocks = self.store.blocks_since(held.generation, held.epoch).await?;
        let metrics = self.store.metrics().await?;
        let derived = Derived::read(&self.store).await?;
        let mut index = if blocks.epoch == held.epoch { (**held).clone() } else { Index::default() };
        let mut changed: HashMap<String, Vec<(i64, Vec<BlockStat>)>> = HashMap::new();
        for (metric, year, stats) in blocks.changed {
            changed.entry(metric).or_default().push((year, stats));
        }
        for (metric, years) in changed {
            let mut rows: Vec<Observation> = index.rows(&metric).rows.clone();
            rows.retain(|row| !years.iter().any(|(year, _)| i64::from(row.end.year()) == *year));
            // A metric has a handful of provenances: share their texts.
            let mut texts: HashMap<String, Arc<str>> = HashMap::new();
            for stat in years.into_iter().flat_map(|(_, stats)| stats) {
                let provenance = texts.entry(stat.provenance).or_insert_with_key(|text| text.as_str().into()).clone();
                rows.push(Observation::new(
                    stat.start,
                    stat.end,
                    stat.value,
                    &stat.source_window,
                    provenance,
                    stat.was,
                ));
            }
            index.rows.insert(metric, Arc::new(MetricRows::new(rows)));
        }
        index.generation = blocks.generation;
        index.epoch = blocks.epoch;
        index.metrics = metrics;
        index.derived = derived;
        index.gaps = Arc::default();
        *held = Arc::new(index);
        Ok(held.clone())
    }
}
