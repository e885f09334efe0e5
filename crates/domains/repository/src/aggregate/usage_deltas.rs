//! Usage deltas: views and downloads per day, scope and value, with exact daily distincts (spec/invenio §4.5).

use std::collections::{BTreeMap, BTreeSet, HashMap};

use jiff::{Timestamp, civil::Date};
use serde_json::Value;
use tallykeep_lake::{
    DataFile, Filter, Scan, Table,
    arrow::{
        array::{Array, AsArray, RecordBatch},
        datatypes::{Int32Type, Int64Type, TimestampMicrosecondType},
    },
    day_number, day_of,
};
use tallykeep_rollup::{Cell, Group, Recompute, Rows, Store, Tally, Words};
use xxhash_rust::xxh3::xxh3_128;

use super::{
    AggregateProgress, Aggregator, AggregatorResult, Run, Watch,
    record_deltas::{note, recomputed_days},
    visitor_sets::{self, Sets},
    window::Plan,
};
use crate::{
    RepositoryError, TeamRepository,
    dates::utc_day,
    import::USAGE_FAMILY,
    state::{ANY_SCOPE, State, file_type_of},
    tables::{USAGE, USAGE_FAMILY as FAMILY},
};

const COLUMNS: [&str; 12] = [
    "ts",
    "kind",
    "recid",
    "parent_recid",
    "visitor_id",
    "country",
    "referrer",
    "is_robot",
    "is_machine",
    "file_id",
    "file_key",
    "size",
];

/// Views and downloads: events, then visitors, records, parents (and files, bytes).
const GROUPS: [Group; 2] = [Group { distincts: 3, sums: 0 }, Group { distincts: 4, sums: 1 }];

/// One event, with everything looked up.
struct Event {
    day: i32,
    download: bool,
    /// Number of its cells in [`Month::sets`].
    set: u32,
    /// Range of its scopes in [`Month::scopes`].
    scopes: (u32, u32),
    extra: [Option<Cell>; 3],
    entities: [u32; 4],
    /// The visitor as sets know it; 0 for events without one.
    visitor: u64,
    size: i64,
}

/// The events of one month, looked up.
#[derive(Default)]
struct Month {
    events: Vec<Event>,
    scopes: Vec<u32>,
    sets: Vec<Vec<Cell>>,
}

impl TeamRepository {
    pub(super) async fn usage_deltas(
        &self,
        state: &mut State,
        run: &Run<'_>,
        watch: &mut Watch<'_>,
    ) -> Result<AggregatorResult, RepositoryError> {
        let aggregator = Aggregator::UsageDelta;
        let mut result = AggregatorResult::new(aggregator);
        let store = Store::new(&self.lake, &FAMILY);
        let table = self.lake.table(&USAGE);
        let named: Vec<(u32, String)> =
            run.scopes.iter().map(|&s| (s, state.vocabulary.scopes.text(s).to_owned())).collect();
        let first_source = self.first_usage_days(state, &named, &table, run).await?;
        let plans = self.plans(aggregator.name(), USAGE_FAMILY, &named, run, &first_source).await?;
        let reasons: BTreeMap<i32, String> = self
            .control
            .dirty_days(USAGE_FAMILY, 0)
            .await?
            .into_iter()
            .map(|d| (day_number(d.day), d.reason))
            .collect();
        let months = months(&plans, &table).await?;
        let all = i64::try_from(months.len()).unwrap_or(i64::MAX);
        let mut earliest: BTreeMap<u32, i32> = BTreeMap::new();
        for (done, (month, files)) in (1_i64..).zip(months) {
            let (rows_of_month, sets) = self.fold_month(state, &table, &files, &plans).await?;
            let (first, last) = month_days(&month);
            for index in 0..rows_of_month.len() {
                let (scope, day) = (rows_of_month.cells[index].scope(), rows_of_month.days[index]);
                earliest.entry(scope).and_modify(|d| *d = day.min(*d)).or_insert(day);
            }
            let with_rows: BTreeSet<i32> = rows_of_month.days.iter().copied().collect();
            let days: BTreeSet<i32> = plans
                .values()
                .flat_map(|p| recomputed_days(p, with_rows.iter().copied()))
                .filter(|d| (first..=last).contains(d))
                .collect();
            let written = store
                .write(Recompute {
                    rows: rows_of_month,
                    vocabulary: &mut state.vocabulary,
                    days,
                    scopes: run.scopes.clone(),
                    covers: |scope, day| plans.get(&scope).is_some_and(|p| p.covers(day)),
                    watch: |scope, day| plans.get(&scope).is_some_and(|p| p.was_final(day)),
                })
                .await?;
            let number_of: HashMap<&str, u32> = named.iter().map(|(s, id)| (id.as_str(), *s)).collect();
            let covers =
                |scope: &str, day| number_of.get(scope).and_then(|s| plans.get(s)).is_some_and(|p| p.covers(day));
            self.write_visitor_sets(&month, sets, covers).await?;
            let restated = self.restatements(
                aggregator.name(),
                FAMILY.measures,
                &written.touched,
                &state.vocabulary,
                &reasons,
                run,
            );
            result.restated += restated.len();
            // Months are committed one by one: a run that is stopped here carries on behind this month.
            let reached = (done < all).then(|| day_of(last));
            let covered: Vec<_> = plans
                .iter()
                .filter(|(_, plan)| reached.is_some() && plan.ahead.is_some_and(|(f, _)| day_number(f) <= last))
                .filter_map(|(scope, plan)| {
                    let mut partial = plan.clone();
                    // Dirty days of later months are still to come.
                    partial.dirty_seq = plan.before.as_ref().map_or(0, |b| b.dirty_seq);
                    partial.coverage(&named_id(&named, *scope), earliest.get(scope).copied(), reached, run)
                })
                .collect();
            self.control.commit_coverage(aggregator.name(), &covered, &restated).await?;
            if run.request.update_bookmark {
                for coverage in &covered {
                    let day = coverage.last_day.min(run.today).to_string();
                    self.control.set_watermark(aggregator.name(), &coverage.scope, &day).await?;
                }
            }
            let step = format!("{month}: {} rows in {} files", written.rows, written.files);
            if !watch(AggregateProgress { aggregator: aggregator.name(), done, all, step }) {
                return Err(RepositoryError::Stopped);
            }
        }
        let mut covered = Vec::new();
        for (scope, plan) in plans.iter().filter(|(_, p)| !p.is_idle() || p.before.is_some()) {
            let id = named_id(&named, *scope);
            let Some(coverage) = plan.coverage(&id, earliest.get(scope).copied(), plan.ahead.map(|a| a.1), run) else {
                continue;
            };
            note(&mut result, plan, &id, run);
            if run.request.update_bookmark && plan.ahead.is_some() {
                self.control
                    .set_watermark(aggregator.name(), &id, &coverage.last_day.min(run.today).to_string())
                    .await?;
            }
            covered.push(coverage);
        }
        self.control.commit_coverage(aggregator.name(), &covered, &[]).await?;
        result.finish(run);
        Ok(result)
    }

    /// The first day with usage of every scope that has no coverage yet.
    async fn first_usage_days(
        &self,
        state: &State,
        named: &[(u32, String)],
        table: &Table,
        run: &Run<'_>,
    ) -> Result<BTreeMap<u32, Date>, RepositoryError> {
        let covered: BTreeSet<String> =
            self.control.coverage(Aggregator::UsageDelta.name()).await?.into_iter().map(|c| c.scope).collect();
        let mut wanted: BTreeSet<u32> = named
            .iter()
            .filter(|(_, id)| run.request.ignore_bookmark || !covered.contains(id))
            .map(|(s, _)| *s)
            .collect();
        let mut first: BTreeMap<u32, Date> = BTreeMap::new();
        if wanted.is_empty() {
            return Ok(first);
        }
        let view = table.view().await?;
        let mut by_month: BTreeMap<&str, Vec<DataFile>> = BTreeMap::new();
        for file in &view.files {
            by_month.entry(&file.partition[0]).or_default().push(file.clone());
        }
        // Oldest month first: a scope is done with the first month it appears in.
        for files in by_month.into_values() {
            if wanted.is_empty() {
                break;
            }
            let scan = Scan { columns: vec!["ts", "recid", "is_robot", "is_machine", "own"], filters: Vec::new() };
            for batch in table.scan_files(&files, &scan).await? {
                first_days_of_batch(state, &batch, &wanted, &mut first)?;
            }
            wanted.retain(|scope| !first.contains_key(scope));
        }
        Ok(first)
    }

    async fn fold_month(
        &self,
        state: &mut State,
        table: &Table,
        files: &[DataFile],
        plans: &BTreeMap<u32, Plan>,
    ) -> Result<(Rows, Sets), RepositoryError> {
        let mut lookup = Lookup::default();
        let mut month = Month::default();
        let mut columns = COLUMNS.to_vec();
        columns.push("own");
        // Only the days that are redone are read: one corrected day costs one day.
        let days: BTreeSet<i32> = days_to_read(plans, files);
        let (Some(low), Some(high)) = (days.first(), days.last()) else {
            return Ok((Rows::new(FAMILY.measures.len()), Sets::new()));
        };
        let filter = Filter::Instants {
            column: "ts",
            from: i64::from(*low) * DAY_MICROS,
            to: (i64::from(*high) + 1) * DAY_MICROS,
        };
        for batch in table.scan_files(files, &Scan { columns, filters: vec![filter] }).await? {
            lookup.add(state, &batch, plans, &days, &mut month)?;
        }
        let scopes = state.vocabulary.scopes.clone();
        tokio::task::spawn_blocking(move || {
            let workers = std::thread::available_parallelism().map_or(1, usize::from);
            let sets = visitor_sets::encode(visitors(&month, &scopes))?;
            Ok((fold(month, workers), sets))
        })
        .await
        .map_err(|e| RepositoryError::Worker(e.to_string()))?
    }
}

pub(crate) const DAY_MICROS: i64 = 86_400_000_000;

fn named_id(named: &[(u32, String)], scope: u32) -> String {
    named.iter().find(|(s, _)| *s == scope).map_or_else(String::new, |(_, id)| id.clone())
}

/// First and last day of a month, as numbers.
fn month_days(month: &str) -> (i32, i32) {
    let first: Date = format!("{month}-01").parse().unwrap_or(Date::ZERO);
    (day_number(first), day_number(first.last_of_month()))
}

/// The days of the plans that a month's files can hold.
fn days_to_read(plans: &BTreeMap<u32, Plan>, files: &[DataFile]) -> BTreeSet<i32> {
    let mut days = BTreeSet::new();
    let months: BTreeSet<&str> = files.iter().map(|f| f.partition[0].as_str()).collect();
    for month in months {
        let (first, last) = month_days(month);
        days.extend((first..=last).filter(|day| plans.values().any(|p| p.covers(*day))));
    }
    days
}

/// The months the plans redo and the files of each; months without files are there when something may be stored for them.
async fn months(plans: &BTreeMap<u32, Plan>, table: &Table) -> Result<Vec<(String, Vec<DataFile>)>, RepositoryError> {
    let view = table.view().await?;
    let mut months: BTreeMap<String, Vec<DataFile>> = BTreeMap::new();
    for file in &view.files {
        let (first, last) = month_days(&file.partition[0]);
        let touched = plans.values().any(|p| {
            p.dirty.range(first..=last).next().is_some()
                || p.ahead.is_some_and(|(f, l)| day_number(f) <= last && first <= day_number(l))
        });
        if touched {
            months.entry(file.partition[0].clone()).or_default().push(file.clone());
        }
    }
    Ok(months.into_iter().collect())
}

fn first_days_of_batch(
    state: &State,
    batch: &RecordBatch,
    wanted: &BTreeSet<u32>,
    first: &mut BTreeMap<u32, Date>,
) -> Result<(), RepositoryError> {
    let at = batch.column(0).as_primitive::<TimestampMicrosecondType>();
    let recids = batch.column(1).as_dictionary::<Int32Type>();
    let known = record_numbers(state, recids.values().as_string::<i32>().iter());
    let (robots, machines) = (batch.column(2).as_boolean(), batch.column(3).as_boolean());
    let own = batch.column(4).as_string::<i32>();
    for row in 0..batch.num_rows() {
        if (robots.value(row) && state.settings.exclude_robots)
            || (machines.value(row) && state.settings.exclude_machines)
        {
            continue;
        }
        let instant = instant(at.value(row))?;
        let mut seen = |scope: u32| {
            if wanted.contains(&scope) {
                let day = utc_day(instant);
                first.entry(scope).and_modify(|d| *d = day.min(*d)).or_insert(day);
            }
        };
        seen(State::GLOBAL);
        if own.is_valid(row) {
            own_scopes(state, &serde_json::from_str(own.value(row))?).into_iter().for_each(&mut seen);
        } else if let Some(record) = key(recids.keys(), row).and_then(|k| known[k]) {
            state.scopes_at(record, instant).for_each(&mut seen);
        }
    }
    Ok(())
}

fn instant(micros: i64) -> Result<Timestamp, RepositoryError> {
    Timestamp::from_microsecond(micros).map_err(|_| RepositoryError::Damaged("instant of a usage event".to_owned()))
}

/// The communities an event that came enriched names, as far as they are known.
fn own_scopes(state: &State, own: &Value) -> Vec<u32> {
    let ids = own.get("community_ids").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut scopes: Vec<u32> = ids
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|id| state.vocabulary.scopes.find(id))
        .filter(|scope| *scope != State::GLOBAL)
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

fn record_numbers<'a>(state: &State, ids: impl Iterator<Item = Option<&'a str>>) -> Vec<Option<u32>> {
    ids.map(|id| id.and_then(|id| state.by_id.get(id)).copied()).collect()
}

fn key(keys: &tallykeep_lake::arrow::array::PrimitiveArray<Int32Type>, row: usize) -> Option<usize> {
    keys.is_valid(row).then(|| usize::try_from(keys.value(row)).unwrap_or(0))
}

/// Small dense numbers for what a month's events name.
#[derive(Default)]
struct Lookup {
    visitors: HashMap<u128, u32>,
    records: Words,
    parents: Words,
    files: Words,
    /// Set numbers: of a record's views, of its downloads, of an enrichment text.
    view_sets: HashMap<u32, u32>,
    download_sets: HashMap<u32, u32>,
    own_sets: HashMap<u128, (u32, Vec<u32>)>,
    file_types: HashMap<(Option<u32>, u32), Option<Cell>>,
    nothing: Option<u32>,
}

impl Lookup {
    fn add(
        &mut self,
        state: &mut State,
        batch: &RecordBatch,
        plans: &BTreeMap<u32, Plan>,
        days: &BTreeSet<i32>,
        month: &mut Month,
    ) -> Result<(), RepositoryError> {
        let at = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        let kinds = batch.column(1).as_dictionary::<Int32Type>();
        let is_download: Vec<bool> = kinds.values().as_string::<i32>().iter().map(|k| k == Some("download")).collect();
        let recids = batch.column(2).as_dictionary::<Int32Type>();
        let recid_texts = recids.values().as_string::<i32>();
        let record_of = record_numbers(state, recid_texts.iter());
        let record_entity: Vec<u32> = recid_texts.iter().map(|t| self.records.add(t.unwrap_or(""))).collect();
        let parents = batch.column(3).as_dictionary::<Int32Type>();
        let parent_entity: Vec<u32> =
            parents.values().as_string::<i32>().iter().map(|t| self.parents.add(t.unwrap_or(""))).collect();
        let visitors = batch.column(4).as_string::<i32>();
        let raw_field = |name: &str| {
            let subcounts = &state.settings.subcounts;
            subcounts
                .iter()
                .find(|s| {
                    s.usage.as_ref().is_some_and(|u| {
                        u.event_field.is_none() && u.sources.iter().any(|x| x.path == [name.to_owned()])
                    })
                })
                .map(|s| s.name.clone())
        };
        let (country_name, referrer_name) = (raw_field("country"), raw_field("referrer"));
        let countries = batch.column(5).as_dictionary::<Int32Type>();
        let country_cells: Vec<Option<Cell>> = match country_name {
            None => vec![None; countries.values().len()],
            Some(name) => {
                let dimension = state.vocabulary.dimensions.add(&name);
                let texts = countries.values().as_string::<i32>();
                texts
                    .iter()
                    .map(|t| {
                        t.filter(|t| !t.is_empty())
                            .map(|t| Cell::new(ANY_SCOPE, dimension, state.vocabulary.values.add(t)))
                    })
                    .collect()
            }
        };
        let referrer_dimension = referrer_name.map(|name| state.vocabulary.dimensions.add(&name));
        let referrers = batch.column(6).as_string::<i32>();
        let (robots, machines) = (batch.column(7).as_boolean(), batch.column(8).as_boolean());
        let (file_ids, file_keys) =
            (batch.column(9).as_dictionary::<Int32Type>(), batch.column(10).as_dictionary::<Int32Type>());
        let (file_id_texts, file_key_texts) =
            (file_ids.values().as_string::<i32>(), file_keys.values().as_string::<i32>());
        let sizes = batch.column(11).as_primitive::<Int64Type>();
        let own = batch.column(12).as_string::<i32>();
        let types = state
            .settings
            .subcounts
            .iter()
            .find(|s| s.name == "file_types" && s.usage.is_some())
            .map(|s| s.name.clone())
            .map(|name| state.vocabulary.dimensions.add(&name));

        for row in 0..batch.num_rows() {
            if (robots.value(row) && state.settings.exclude_robots)
                || (machines.value(row) && state.settings.exclude_machines)
            {
                continue;
            }
            let micros = at.value(row);
            let day = i32::try_from(micros.div_euclid(DAY_MICROS)).unwrap_or(i32::MAX);
            if !days.contains(&day) {
                continue;
            }
            let download = key(kinds.keys(), row).is_some_and(|k| is_download[k]);
            let recid = key(recids.keys(), row).unwrap_or(0);
            let record = record_of[recid];
            let mut extra = [None; 3];
            extra[0] = key(countries.keys(), row).and_then(|k| country_cells[k]);
            if let Some(dimension) = referrer_dimension.filter(|_| referrers.is_valid(row)) {
                extra[1] = Some(Cell::new(ANY_SCOPE, dimension, state.vocabulary.values.add(referrers.value(row))));
            }
            let from = u32::try_from(month.scopes.len()).unwrap_or(u32::MAX);
            if plans.get(&State::GLOBAL).is_some_and(|p| p.covers(day)) {
                month.scopes.push(State::GLOBAL);
            }
            let set = if own.is_valid(row) {
                let (set, scopes) = self.own_set(state, own.value(row), month)?;
                month.scopes.extend(scopes.iter().filter(|s| plans.get(s).is_some_and(|p| p.covers(day))));
                set
            } else {
                if let Some(record) = record {
                    let scopes = state.scopes_at(record, instant(micros)?);
                    month.scopes.extend(scopes.filter(|s| plans.get(s).is_some_and(|p| p.covers(day))));
                }
                if let Some(dimension) = types.filter(|_| download) {
                    extra[2] = self.file_type(
                        state,
                        record,
                        key(file_ids.keys(), row).map(|k| file_id_texts.value(k)),
                        key(file_keys.keys(), row).map(|k| file_key_texts.value(k)),
                        dimension,
                    );
                }
                self.set(state, record, download, month)
            };
            let to = u32::try_from(month.scopes.len()).unwrap_or(u32::MAX);
            if from == to {
                continue;
            }
            let file = key(file_ids.keys(), row)
                .map(|k| file_id_texts.value(k))
                .or_else(|| key(file_keys.keys(), row).map(|k| file_key_texts.value(k)))
                .unwrap_or("");
            let parent = match (key(parents.keys(), row), record) {
                (Some(k), _) => parent_entity[k],
                (None, Some(r)) => self.parents.add(&state.records[r as usize].record.parent),
                (None, None) => self.parents.add(recid_texts.value(recid)),
            };
            let visitor = if visitors.is_valid(row) { visitors.value(row) } else { "" };
            let fresh = u32::try_from(self.visitors.len()).unwrap_or(u32::MAX);
            let visitor_hash = xxh3_128(visitor.as_bytes());
            month.events.push(Event {
                day,
                download,
                set,
                scopes: (from, to),
                extra,
                entities: [
                    *self.visitors.entry(visitor_hash).or_insert(fresh),
                    record_entity[recid],
                    parent,
                    if download { self.files.add(file) } else { 0 },
                ],
                visitor: low_half(visitor_hash),
                size: if sizes.is_valid(row) { sizes.value(row) } else { 0 },
            });
        }
        Ok(())
    }

    fn set(&mut self, state: &State, record: Option<u32>, download: bool, month: &mut Month) -> u32 {
        let next = u32::try_from(month.sets.len()).unwrap_or(u32::MAX);
        match record {
            None => *self.nothing.get_or_insert_with(|| {
                month.sets.push(Vec::new());
                next
            }),
            Some(record) => {
                let sets = if download { &mut self.download_sets } else { &mut self.view_sets };
                *sets.entry(record).or_insert_with(|| {
                    let known = &state.records[record as usize];
                    month.sets.push(if download { known.download.clone() } else { known.view.clone() });
                    next
                })
            }
        }
    }

    /// The cells and communities of an enrichment that came with an event.
    fn own_set(
        &mut self,
        state: &mut State,
        text: &str,
        month: &mut Month,
    ) -> Result<(u32, Vec<u32>), RepositoryError> {
        let hash = xxh3_128(text.as_bytes());
        if let Some(found) = self.own_sets.get(&hash) {
            return Ok(found.clone());
        }
        let own: Value = serde_json::from_str(text)?;
        let set = u32::try_from(month.sets.len()).unwrap_or(u32::MAX);
        month.sets.push(state.usage_cells(&own, true));
        let found = (set, own_scopes(state, &own));
        self.own_sets.insert(hash, found.clone());
        Ok(found)
    }

    fn file_type(
        &mut self,
        state: &mut State,
        record: Option<u32>,
        id: Option<&str>,
        name: Option<&str>,
        dimension: u32,
    ) -> Option<Cell> {
        let file = self.files.add(id.or(name).unwrap_or(""));
        if let Some(found) = self.file_types.get(&(record, file)) {
            return *found;
        }
        let found = file_type_of(record.map(|r| &state.records[r as usize].record), id, name)
            .map(|ext| Cell::new(ANY_SCOPE, dimension, state.vocabulary.values.add(&ext)));
        self.file_types.insert((record, file), found);
        found
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the low half of 128 bits")]
fn low_half(hash: u128) -> u64 {
    hash as u64
}

/// The visitors of every scope and day, views and downloads apart.
fn visitors(month: &Month, scopes: &Words) -> BTreeMap<(String, i32, bool), Vec<u64>> {
    let mut found: HashMap<(u32, i32, bool), Vec<u64>> = HashMap::new();
    for event in &month.events {
        for &scope in &month.scopes[event.scopes.0 as usize..event.scopes.1 as usize] {
            found.entry((scope, event.day, event.download)).or_default().push(event.visitor);
        }
    }
    found.into_iter().map(|((scope, day, kind), list)| ((scopes.text(scope).to_owned(), day, kind), list)).collect()
}

/// Folds a month on several threads, each with whole days.
fn fold(month: Month, workers: usize) -> Rows {
    let mut by_day: BTreeMap<i32, Vec<u32>> = BTreeMap::new();
    for (number, event) in (0_u32..).zip(&month.events) {
        by_day.entry(event.day).or_default().push(number);
    }
    let days: Vec<(i32, Vec<u32>)> = by_day.into_iter().collect();
    let month = &month;
    let fold_days = |days: &[(i32, Vec<u32>)]| {
        let mut tally = Tally::new(&GROUPS);
        let mut rows = Rows::new(tally.measures());
        for (day, numbers) in days {
            for &number in numbers {
                let event = &month.events[number as usize];
                let scopes = &month.scopes[event.scopes.0 as usize..event.scopes.1 as usize];
                let set = &month.sets[event.set as usize];
                let cells = scopes.iter().flat_map(|&scope| {
                    let own = set.iter().chain(event.extra.iter().flatten()).map(move |cell| cell.in_scope(scope));
                    [Cell::total(scope)].into_iter().chain(own)
                });
                if event.download {
                    tally.add(1, cells, &event.entities, &[event.size]);
                } else {
                    tally.add(0, cells, &event.entities[..3], &[]);
                }
            }
            tally.fold(*day, &mut rows);
        }
        rows
    };
    let share = days.len().div_ceil(workers.max(1)).max(1);
    std::thread::scope(|scope| {
        let fold_days = &fold_days;
        let handles: Vec<_> = days.chunks(share).map(|chunk| scope.spawn(move || fold_days(chunk))).collect();
        let mut rows = Rows::new(FAMILY.measures.len());
        for handle in handles {
            match handle.join() {
                Ok(part) => rows.append(part),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        rows
    })
}
