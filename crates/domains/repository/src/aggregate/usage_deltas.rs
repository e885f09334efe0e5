//! Usage deltas: views and downloads per day, scope and value, with exact daily distincts (spec/invenio §4.5).

use std::{
    collections::{BTreeMap, BTreeSet, HashMap, HashSet},
    sync::{Mutex, PoisonError},
};

use jiff::civil::Date;
use tallykeep_control::Reached;
use tallykeep_lake::{
    DataFile, Filter, LakeError, Scan, Table,
    arrow::{
        array::{Array, AsArray, RecordBatch},
        datatypes::{Int32Type, TimestampMicrosecondType},
    },
    day_number, day_of,
};
use tallykeep_rollup::{Group, Produce, Recompute, Rows, Store, Tally};
use tokio::task::JoinHandle;

use super::{
    AggregateProgress, Aggregator, AggregatorResult, Run,
    changes::changed_years,
    health::Care,
    ledger::Reasons,
    record_deltas::note,
    usage_month::{COLUMNS, DAY_MICROS, DOWNLOAD, Lookup, Month, Wanted, instant, key, own_scopes, record_numbers},
    visitor_sets::{Sets, sets_of},
    window::Plan,
};
use crate::{
    RepositoryError, TeamRepository,
    dates::utc_day,
    import::USAGE_FAMILY,
    state::State,
    tables::{USAGE, USAGE_FAMILY as FAMILY},
};

/// Views and downloads: events, then visitors, records, parents (and files, bytes).
const GROUPS: [Group; 2] = [Group { distincts: 3, sum: false }, Group { distincts: 4, sum: true }];

/// Days of one month that are read together: as many as have no more events than a pass may have, at least one.
struct Pass {
    /// Of one month; a month of few events is one pass.
    days: (i32, i32),
    month: String,
    files: Vec<DataFile>,
    /// Guessed from the files, for their days are not known before they are read.
    events: u64,
}

/// What several windows of one run share.
struct Usage<'a> {
    run: &'a Run<'a>,
    plans: BTreeMap<u32, Plan>,
    reasons: Reasons,
    passes: Vec<Pass>,
    /// The pass whose events are being read while the one before it is folded, by its place.
    ahead: Option<(usize, Reading)>,
    /// The first day with rows, by scope, among the days that were redone.
    earliest: BTreeMap<u32, i32>,
}

/// Events of the days of a pass that are redone; one corrected day costs one day.
type Reading = JoinHandle<Result<Vec<RecordBatch>, LakeError>>;

impl Usage<'_> {
    /// Begins to read a pass that is not begun yet.
    fn read(&mut self, table: &Table, pass: usize) {
        if self.ahead.as_ref().is_some_and(|(begun, _)| *begun == pass) {
            return;
        }
        self.ahead = self.passes.get(pass).map(|Pass { days, files, .. }| {
            let filter = instants(&Wanted::new(&self.plans, *days));
            let (table, files) = (table.clone(), files.clone());
            let reading = async move {
                let Some(filter) = filter else { return Ok(Vec::new()) };
                table.scan_files(&files, &Scan { columns: COLUMNS.to_vec(), filters: vec![filter] }).await
            };
            (pass, tokio::spawn(reading))
        });
    }

    /// The events of a pass; those of the next are read meanwhile.
    async fn events(&mut self, table: &Table, pass: usize) -> Result<Vec<RecordBatch>, RepositoryError> {
        self.read(table, pass);
        let Some((_, reading)) = self.ahead.take() else { return Ok(Vec::new()) };
        let events = reading.await.map_err(|e| RepositoryError::Worker(e.to_string()))?;
        self.read(table, pass + 1);
        Ok(events?)
    }
}

/// How far a window came.
struct Reach {
    /// Passes that are done, this window's included.
    done: usize,
    restated: usize,
    stopped: bool,
}

impl TeamRepository {
    pub(super) async fn usage_deltas(
        &self,
        state: &mut State,
        run: &Run<'_>,
        care: &mut Care<'_, '_>,
    ) -> Result<AggregatorResult, RepositoryError> {
        let aggregator = Aggregator::UsageDelta;
        let mut result = AggregatorResult::new(aggregator);
        let table = self.lake.table(&USAGE);
        let named: Vec<(u32, String)> =
            run.scopes.iter().map(|&s| (s, state.vocabulary.scopes.text(s).to_owned())).collect();
        let first_source = self.first_usage_days(state, &named, &table, run).await?;
        let plans = self.plans(aggregator.name(), USAGE_FAMILY, &named, run, &first_source).await?;
        let passes = passes(&plans, &table, run.request.pass_events).await?;
        self.know_records(state, &table, &plans, &passes).await?;
        let reasons = self.reasons(USAGE_FAMILY).await?;
        let mut usage = Usage { run, plans, reasons, passes, ahead: None, earliest: BTreeMap::new() };
        let mut done = 0;
        while done < usage.passes.len() {
            if !care.well(self).await {
                return Err(RepositoryError::Stopped);
            }
            let reach = match self.usage_window(state, &mut usage, done, care).await {
                Err(error) if error.is_conflict() => {
                    tracing::warn!(%error, "folding the window again");
                    // What is committed of it and not yet in the ledger.
                    self.settle_ledger().await?;
                    self.usage_window(state, &mut usage, done, care).await?
                }
                other => other?,
            };
            result.restated += reach.restated;
            done = reach.done;
            if reach.stopped {
                return Err(RepositoryError::Stopped);
            }
        }
        let (mut covered, mut bookmarks) = (Vec::new(), Vec::new());
        for (scope, plan) in usage.plans.iter().filter(|(_, p)| !p.is_idle() || p.before.is_some()) {
            let id = state.vocabulary.scopes.text(*scope).to_owned();
            let earliest = usage.earliest.get(scope).copied();
            let Some(coverage) = plan.coverage(&id, earliest, plan.ahead.map(|a| a.1), run) else { continue };
            note(&mut result, plan, &id, run);
            if run.request.update_bookmark && plan.ahead.is_some() {
                bookmarks.push((id, coverage.last_day.min(run.today)));
            }
            covered.push(coverage);
        }
        let reached = Reached { covered: &covered, bookmarks: &bookmarks, ..Reached::default() };
        self.control.commit_coverage(aggregator.name(), &reached).await?;
        result.finish(run);
        Ok(result)
    }

    /// Folds and commits passes from the `begin`-th on, until there are enough events for a commit, a pass begins within a month of this window
    /// (a month's days lie in one file), or somebody says stop.
    async fn usage_window(
        &self,
        state: &mut State,
        usage: &mut Usage<'_>,
        begin: usize,
        care: &mut Care<'_, '_>,
    ) -> Result<Reach, RepositoryError> {
        let aggregator = Aggregator::UsageDelta.name();
        let store = Store::new(&self.lake, &FAMILY);
        let table = self.lake.table(&USAGE);
        let run = usage.run;
        let mut writing = store.begin().await?;
        let (mut done, mut events, mut stopped) = (begin, 0, false);
        let mut sets = Vec::new();
        while let Some(pass) = usage.passes.get(done).filter(|_| !stopped) {
            if done > begin && (events >= run.request.pass_events || usage.passes[done - 1].month == pass.month) {
                break;
            }
            let read = usage.events(&table, done).await?;
            let (plans, pass) = (&usage.plans, &usage.passes[done]);
            let Pass { month, days: (first, last), .. } = pass;
            let wanted = Wanted::new(plans, pass.days);
            let Some(looked_up) = look_up(state, read, &wanted, care)? else {
                // What was read of these days is dropped; the days before are committed.
                stopped = true;
                break;
            };
            let of_month = Mutex::new(Ok(Sets::new()));
            let scopes = run.scopes.iter().copied().filter(|s| wanted.scope(*s));
            writing
                .days(Recompute {
                    parts: shards(state, month, &looked_up, scopes, &of_month),
                    vocabulary: &mut state.vocabulary,
                    covers: |scope, day| {
                        (*first..=*last).contains(&day) && plans.get(&scope).is_some_and(|p| p.covers(day))
                    },
                    watch: |scope, day| plans.get(&scope).is_some_and(|p| p.was_final(day)),
                })
                .await?;
            sets.push((month.clone(), of_month.into_inner().unwrap_or_else(PoisonError::into_inner)?));
            events += pass.events;
            done += 1;
            let all = usage.passes.len();
            let progress = AggregateProgress {
                aggregator,
                done: i64::try_from(done).unwrap_or(i64::MAX),
                all: i64::try_from(all).unwrap_or(i64::MAX),
                step: format!("{month}: {} events", looked_up.facts.len()),
            };
            stopped = !care.step(progress);
        }
        if done == begin {
            return Ok(Reach { done, restated: 0, stopped });
        }
        let plans = &usage.plans;
        let days = (usage.passes[begin].days.0, usage.passes[done - 1].days.1);
        let written = writing.finish(&mut state.vocabulary).await?;
        let measures = FAMILY.measures;
        let restated =
            self.restatements(aggregator, measures, &written.touched, &state.vocabulary, &usage.reasons, run);
        for (scope, day) in &written.earliest {
            usage.earliest.entry(*scope).and_modify(|d| *d = (*day).min(*d)).or_insert(*day);
        }
        let changed = changed_years(written, &state.vocabulary);
        let announced = self.announce(aggregator, &restated).await?;
        writing.commit(announced.as_ref().map(|a| a.number)).await?;
        let number_of: HashMap<&str, u32> = plans.keys().map(|s| (state.vocabulary.scopes.text(*s), *s)).collect();
        let covers = |scope: &str, day| {
            (days.0..=days.1).contains(&day)
                && number_of.get(scope).and_then(|s| plans.get(s)).is_some_and(|p| p.covers(day))
        };
        self.write_visitor_sets(sets, covers).await?;
        // Windows are committed one by one: a run that is stopped here carries on behind this one.
        let last = days.1;
        let (mut covered, mut bookmarks) = (Vec::new(), Vec::new());
        if done < usage.passes.len() {
            for (scope, plan) in plans.iter().filter(|(_, p)| p.ahead.is_some_and(|(f, _)| day_number(f) <= last)) {
                let mut partial = plan.clone();
                // Dirty days of later months are still to come.
                partial.dirty_seq = plan.before.as_ref().map_or(0, |b| b.dirty_seq);
                let id = state.vocabulary.scopes.text(*scope);
                let earliest = usage.earliest.get(scope).copied();
                covered.extend(partial.coverage(id, earliest, Some(day_of(last)), run));
            }
            if run.request.update_bookmark {
                bookmarks = covered.iter().map(|c| (c.scope.clone(), c.last_day.min(run.today))).collect();
            }
        }
        let announced = announced.as_ref().map(|a| (a.name.as_str(), a.number));
        let reached =
            Reached { covered: &covered, restated: &restated, changed: &changed, bookmarks: &bookmarks, announced };
        self.control.commit_coverage(aggregator, &reached).await?;
        Ok(Reach { done, restated: restated.len(), stopped })
    }

    /// The first day with usage of every scope that has no coverage yet.
    async fn first_usage_days(
        &self,
        state: &mut State,
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
        state.load_all(&self.lake).await?;
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

    /// Loads the records that were used on the days to redo: of a few days a few, else all.
    async fn know_records(
        &self,
        state: &mut State,
        table: &Table,
        plans: &BTreeMap<u32, Plan>,
        passes: &[Pass],
    ) -> Result<(), RepositoryError> {
        if state.knows_all() {
            return Ok(());
        }
        let days: usize = passes.iter().filter_map(|pass| Wanted::new(plans, pass.days).days()).sum();
        if days > FEW_DAYS {
            return state.load_all(&self.lake).await;
        }
        let mut used: HashSet<String> = HashSet::new();
        for pass in passes {
            let wanted = Wanted::new(plans, pass.days);
            let Some(filter) = instants(&wanted) else { continue };
            for batch in table.scan_files(&pass.files, &Scan { columns: vec!["recid"], filters: vec![filter] }).await? {
                let recids = batch.column(0).as_dictionary::<Int32Type>();
                let texts = recids.values().as_string::<i32>();
                let named: HashSet<usize> = (0..batch.num_rows()).filter_map(|row| key(recids.keys(), row)).collect();
                used.extend(named.into_iter().map(|k| texts.value(k).to_owned()));
            }
        }
        state.load_some(&self.lake, &used).await
    }
}

/// Up to this many days only the records used on them are loaded.
const FEW_DAYS: usize = 14;

/// What a scan needs for the days that are redone.
fn instants(wanted: &Wanted) -> Option<Filter> {
    let (low, high) = wanted.ends()?;
    Some(Filter::Instants { column: "ts", from: i64::from(low) * DAY_MICROS, to: (i64::from(high) + 1) * DAY_MICROS })
}

/// What the events of a pass count for. `None` when memory ran short on the way.
fn look_up(
    state: &mut State,
    events: Vec<RecordBatch>,
    wanted: &Wanted,
    care: &mut Care<'_, '_>,
) -> Result<Option<Month>, RepositoryError> {
    let mut lookup = Lookup::default();
    for batch in events {
        if !care.day() {
            return Ok(None);
        }
        lookup.add(state, &batch, wanted)?;
    }
    Ok(Some(lookup.finish(&state.vocabulary)))
}

/// How the rows of every shard are made, the largest first. The visitor sets of its scopes are made with them.
fn shards<'a>(
    state: &State,
    name: &str,
    month: &'a Month,
    scopes: impl Iterator<Item = u32>,
    sets: &'a Mutex<Result<Sets, RepositoryError>>,
) -> Vec<(String, String, Produce<'a>)> {
    let mut by_shard: BTreeMap<String, (usize, Vec<(String, u32)>)> = BTreeMap::new();
    for scope in scopes {
        let id = state.vocabulary.scopes.text(scope);
        let (events, list) = by_shard.entry(FAMILY.shard(id)).or_default();
        *events += month.scopes.get(&scope).map_or(0, Vec::len);
        list.push((id.to_owned(), scope));
    }
    let mut shards: Vec<_> = by_shard.into_iter().collect();
    shards.sort_by_key(|(_, (events, _))| std::cmp::Reverse(*events));
    let produce = |mut scopes: Vec<(String, u32)>| -> Produce<'a> {
        scopes.sort();
        Box::new(move || {
            let mut tally = Tally::new(&GROUPS, &month.cells, &month.sets, month.entities);
            let mut rows = Rows::new(FAMILY.measures.len());
            let mut own = Ok(Sets::new());
            for (id, scope) in scopes {
                let Some(picked) = month.scopes.get(&scope) else { continue };
                tally.fold(scope, &month.facts, picked, &mut rows);
                own = own.and_then(|mut own| {
                    sets_of(month, &id, picked, DOWNLOAD, &mut own)?;
                    Ok(own)
                });
            }
            let mut all = sets.lock().unwrap_or_else(PoisonError::into_inner);
            match (&mut *all, own) {
                (Ok(all), Ok(own)) => all.extend(own),
                (all @ Ok(_), Err(error)) => *all = Err(error),
                (Err(_), _) => {}
            }
            rows
        })
    };
    shards.into_iter().map(|(shard, (_, scopes))| (name.to_owned(), shard, produce(scopes))).collect()
}

/// First and last day of a month, as numbers.
fn month_days(month: &str) -> (i32, i32) {
    let first: Date = format!("{month}-01").parse().unwrap_or(Date::ZERO);
    (day_number(first), day_number(first.last_of_month()))
}

/// The days the plans redo in the order of time, a month at a time, those of months with more than `most` events in parts.
async fn passes(plans: &BTreeMap<u32, Plan>, table: &Table, most: u64) -> Result<Vec<Pass>, RepositoryError> {
    let view = table.view().await?;
    let mut months: BTreeMap<&str, Vec<DataFile>> = BTreeMap::new();
    for file in &view.files {
        months.entry(&file.partition[0]).or_default().push(file.clone());
    }
    let touched = |(first, last): (i32, i32)| {
        plans.values().any(|p| {
            p.dirty.range(first..=last).next().is_some()
                || p.ahead.is_some_and(|(f, l)| day_number(f) <= last && first <= day_number(l))
        })
    };
    let mut passes = Vec::new();
    for (month, files) in months {
        let (first, last) = month_days(month);
        if !touched((first, last)) {
            continue;
        }
        let events = files.iter().map(|f| f.rows).sum::<u64>();
        let parts = if most == 0 { u64::MAX } else { events.div_ceil(most) };
        let parts = i32::try_from(parts).unwrap_or(i32::MAX).clamp(1, last - first + 1);
        let begin = |part: i32| first + (last - first + 1) * part / parts;
        for days in (0..parts).map(|part| (begin(part), begin(part + 1) - 1)).filter(|days| touched(*days)) {
            let events = events / u64::try_from(parts).unwrap_or(1);
            passes.push(Pass { days, month: month.to_owned(), files: files.clone(), events });
        }
    }
    Ok(passes)
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
