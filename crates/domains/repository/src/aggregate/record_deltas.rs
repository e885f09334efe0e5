//! Record deltas: what enters and leaves, from membership intervals (spec/invenio §4.2, §4.3).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use tallykeep_control::Reached;
use tallykeep_lake::{day_number, day_of};
use tallykeep_rollup::{
    Cell, Family, Level, Produce, Recompute, Rows, Store,
    population::{Change, Stay, fold},
};

use super::{
    AggregateProgress, Aggregator, AggregatorResult, Run, changes::changed_years, health::Care, ledger::Reasons,
    window::Plan,
};
use crate::{
    RepositoryError, TeamRepository,
    import::RECORDS_FAMILY,
    state::{Basis, State},
    tables::{ADDED, CREATED, PUBLISHED},
};

pub(crate) fn family(basis: Basis) -> &'static Family {
    match basis {
        Basis::Created => &CREATED,
        Basis::Published => &PUBLISHED,
        Basis::Added => &ADDED,
    }
}

/// The stays of every record in one scope, in its total and in each of its values.
pub(crate) fn stays(state: &State, scope: u32, basis: Basis) -> Vec<Stay> {
    let mut stays = Vec::new();
    for known in &state.records {
        let class = u8::from(known.record.with_files);
        let files = i64::try_from(known.record.files.len()).unwrap_or(i64::MAX);
        let bytes: i64 = known.record.files.iter().map(|f| f.size).sum();
        for (start, end) in state.stays(known, scope, basis) {
            let (start, end) = (day_number(start), end.map(day_number));
            let stay = |cell, amounts, actor| Stay { cell, class, entity: known.parent, start, end, amounts, actor };
            stays.push(stay(Cell::total(scope), [files, bytes, 0], known.owner));
            stays.extend(known.values.iter().map(|v| stay(Cell::new(scope, v.dimension, v.value), v.amounts, None)));
        }
    }
    stays
}

/// A change as the measures of [`crate::tables::RECORD_MEASURES`].
fn measures(change: &Change) -> [i64; 16] {
    let c = change;
    [
        c.members_in[0],
        c.members_in[1],
        c.members_out[0],
        c.members_out[1],
        c.entities_in[0],
        c.entities_in[1],
        c.entities_out[0],
        c.entities_out[1],
        c.amounts_in[0],
        c.amounts_in[1],
        c.amounts_in[2],
        c.amounts_out[0],
        c.amounts_out[1],
        c.amounts_out[2],
        c.actors,
        c.first_actors,
    ]
}

impl TeamRepository {
    pub(super) async fn record_deltas(
        &self,
        state: &mut State,
        run: &Run<'_>,
        basis: Basis,
        care: &mut Care<'_, '_>,
    ) -> Result<AggregatorResult, RepositoryError> {
        let aggregator = Aggregator::RecordDelta(basis);
        let mut result = AggregatorResult::new(aggregator);
        state.load_all(&self.lake).await?;
        let reasons = self.reasons(RECORDS_FAMILY).await?;
        // One shard of scopes at a time: bounded memory, and one commit each.
        let mut shards: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for &scope in &run.scopes {
            shards.entry(family(basis).shard(state.vocabulary.scopes.text(scope))).or_default().push(scope);
        }
        let all = i64::try_from(run.scopes.len()).unwrap_or(i64::MAX);
        let mut done = 0;
        for (shard, scopes) in shards {
            if !care.well(self).await {
                return Err(RepositoryError::Stopped);
            }
            let changes = changes(state, &scopes, basis);
            let first_source: BTreeMap<u32, Date> = changes
                .iter()
                .filter_map(|(scope, folded)| Some((*scope, day_of(folded.keys().map(|k| k.1).min()?))))
                .collect();
            let named: Vec<(u32, String)> =
                scopes.iter().map(|&s| (s, state.vocabulary.scopes.text(s).to_owned())).collect();
            let plans = self.plans(aggregator.name(), RECORDS_FAMILY, &named, run, &first_source).await?;
            let restated = match self.write_shard(state, run, basis, (&shard, &changes), (&plans, &reasons), care).await
            {
                Err(error) if error.is_conflict() => {
                    tracing::warn!(%error, "writing the shard again");
                    self.settle_ledger().await?;
                    self.write_shard(state, run, basis, (&shard, &changes), (&plans, &reasons), care).await?
                }
                other => other?,
            };
            result.restated += restated;
            for (scope, plan) in plans.iter().filter(|(_, p)| p.before.is_some() || p.ahead.is_some()) {
                note(&mut result, plan, state.vocabulary.scopes.text(*scope), run);
            }
            done += i64::try_from(scopes.len()).unwrap_or(0);
            let step = format!("{done} of {all} communities");
            if !care.step(AggregateProgress { aggregator: aggregator.name(), done, all, step }) {
                return Err(RepositoryError::Stopped);
            }
        }
        result.finish(run);
        Ok(result)
    }

    /// Writes what is planned of a shard and what it covers now; answers how many final numbers changed.
    async fn write_shard(
        &self,
        state: &mut State,
        run: &Run<'_>,
        basis: Basis,
        (shard, changes): (&str, &Changes),
        (plans, reasons): (&BTreeMap<u32, Plan>, &Reasons),
        care: &mut Care<'_, '_>,
    ) -> Result<usize, RepositoryError> {
        let aggregator = Aggregator::RecordDelta(basis).name();
        let family = family(basis);
        let mut months: BTreeMap<String, Rows> = BTreeMap::new();
        let of_day = |day: i32| Level::Day.bucket(day_of(day));
        for (scope, plan) in plans {
            let Some(folded) = changes.get(scope) else { continue };
            for day in recomputed_days(plan, folded.keys().map(|k| k.1)) {
                if !care.day() {
                    // Nothing of this shard is written yet: the next run does it.
                    return Err(RepositoryError::Stopped);
                }
                months.entry(of_day(day)).or_insert_with(|| Rows::new(family.measures.len()));
            }
            for ((cell, day), change) in folded.iter().filter(|((_, day), _)| plan.covers(*day)) {
                if let Some(rows) = months.get_mut(&of_day(*day)) {
                    rows.push(*day, *cell, &measures(change));
                }
            }
        }
        let store = Store::new(&self.lake, family);
        let mut writing = store.begin().await?;
        let part = |(month, rows): (String, Rows)| (month, shard.to_owned(), Box::new(move || rows) as Produce<'_>);
        writing
            .days(Recompute {
                parts: months.into_iter().map(part).collect(),
                vocabulary: &mut state.vocabulary,
                covers: |scope, day| plans.get(&scope).is_some_and(|p| p.covers(day)),
                watch: |scope, day| plans.get(&scope).is_some_and(|p| p.was_final(day)),
            })
            .await?;
        let written = writing.finish(&mut state.vocabulary).await?;
        let restated =
            self.restatements(aggregator, family.measures, &written.touched, &state.vocabulary, reasons, run);
        let (mut covered, mut bookmarks) = (Vec::new(), Vec::new());
        for (scope, plan) in plans {
            let id = state.vocabulary.scopes.text(*scope).to_owned();
            let earliest = written.earliest.get(scope).copied();
            let Some(coverage) = plan.coverage(&id, earliest, plan.ahead.map(|a| a.1), run) else { continue };
            if run.request.update_bookmark && plan.ahead.is_some() {
                bookmarks.push((id, coverage.last_day.min(run.today)));
            }
            covered.push(coverage);
        }
        let changed = changed_years(written, &state.vocabulary);
        let announced = self.announce(aggregator, &restated).await?;
        writing.commit(announced.as_ref().map(|a| a.number)).await?;
        let announced = announced.as_ref().map(|a| (a.name.as_str(), a.number));
        let reached =
            Reached { covered: &covered, restated: &restated, changed: &changed, bookmarks: &bookmarks, announced };
        self.control.commit_coverage(aggregator, &reached).await?;
        Ok(restated.len())
    }
}

/// What enters and leaves, by scope.
type Changes = BTreeMap<u32, BTreeMap<(Cell, i32), Change>>;

/// Folds the stays of every scope, on every core.
fn changes(state: &State, scopes: &[u32], basis: Basis) -> Changes {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let next = std::sync::atomic::AtomicUsize::new(0);
    let work = || {
        let take = || scopes.get(next.fetch_add(1, std::sync::atomic::Ordering::Relaxed));
        std::iter::from_fn(take).map(|&scope| (scope, fold(&stays(state, scope, basis)))).collect::<Vec<_>>()
    };
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(work)).collect();
        let mut all: Changes = work().into_iter().collect();
        for other in others {
            match other.join() {
                Ok(folded) => all.extend(folded),
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

/// The days of a plan on which something is or may have been stored.
pub(super) fn recomputed_days(plan: &Plan, with_rows: impl Iterator<Item = i32>) -> BTreeSet<i32> {
    let mut days: BTreeSet<i32> = with_rows.filter(|day| plan.covers(*day)).collect();
    days.extend(plan.dirty.iter().copied());
    if let (Some((first, last)), Some(before)) = (plan.ahead, &plan.before) {
        // Days redone that were stored before may have lost their rows.
        let overlap = day_number(first)..=day_number(last.min(before.last_day));
        days.extend(overlap);
    }
    days
}

/// Notes the documents of a plan in the result: one per day, zero days included.
pub(super) fn note(result: &mut AggregatorResult, plan: &Plan, id: &str, run: &Run<'_>) {
    if let Some((first, last)) = plan.ahead {
        result.add(id, first, last, run.request);
    }
    for &day in &plan.dirty {
        result.add(id, day_of(day), day_of(day), run.request);
    }
}
