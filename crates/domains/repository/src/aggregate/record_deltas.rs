//! Record deltas: what enters and leaves, from membership intervals (spec/invenio §4.2, §4.3).

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use tallykeep_lake::{day_number, day_of};
use tallykeep_rollup::{
    Cell, Family, Recompute, Rows, Store,
    population::{Change, Stay, fold},
};

use super::{AggregateProgress, Aggregator, AggregatorResult, Run, Watch, window::Plan};
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
        watch: &mut Watch<'_>,
    ) -> Result<AggregatorResult, RepositoryError> {
        let aggregator = Aggregator::RecordDelta(basis);
        let mut result = AggregatorResult::new(aggregator);
        let store = Store::new(&self.lake, family(basis));
        let reasons: BTreeMap<i32, String> = self
            .control
            .dirty_days(RECORDS_FAMILY, 0)
            .await?
            .into_iter()
            .map(|d| (day_number(d.day), d.reason))
            .collect();
        // One shard of scopes at a time: bounded memory, and one commit each.
        let mut shards: BTreeMap<String, Vec<u32>> = BTreeMap::new();
        for &scope in &run.scopes {
            shards.entry(store.family().shard(state.vocabulary.scopes.text(scope))).or_default().push(scope);
        }
        let all = i64::try_from(run.scopes.len()).unwrap_or(i64::MAX);
        let mut done = 0;
        for scopes in shards.into_values() {
            let mut changes: BTreeMap<u32, BTreeMap<(Cell, i32), Change>> = BTreeMap::new();
            let mut first_source: BTreeMap<u32, Date> = BTreeMap::new();
            for &scope in &scopes {
                let folded = fold(&stays(state, scope, basis));
                if let Some(first) = folded.keys().map(|k| k.1).min() {
                    first_source.insert(scope, day_of(first));
                }
                changes.insert(scope, folded);
            }
            let named: Vec<(u32, String)> =
                scopes.iter().map(|&s| (s, state.vocabulary.scopes.text(s).to_owned())).collect();
            let plans = self.plans(aggregator.name(), RECORDS_FAMILY, &named, run, &first_source).await?;
            let mut rows = Rows::new(store.family().measures.len());
            let mut days = BTreeSet::new();
            for (scope, plan) in &plans {
                let Some(folded) = changes.get(scope) else { continue };
                for ((cell, day), change) in folded.iter().filter(|((_, day), _)| plan.covers(*day)) {
                    rows.push(*day, *cell, &measures(change));
                }
                days.extend(recomputed_days(plan, folded.keys().map(|k| k.1)));
            }
            let earliest: BTreeMap<u32, i32> = changes
                .iter()
                .filter_map(|(s, c)| {
                    let plan = plans.get(s)?;
                    c.keys().map(|k| k.1).filter(|d| plan.covers(*d)).min().map(|d| (*s, d))
                })
                .collect();
            drop(changes);
            let written = store
                .write(Recompute {
                    rows,
                    vocabulary: &mut state.vocabulary,
                    days,
                    scopes: scopes.clone(),
                    covers: |scope, day| plans.get(&scope).is_some_and(|p| p.covers(day)),
                    watch: |scope, day| plans.get(&scope).is_some_and(|p| p.was_final(day)),
                })
                .await?;
            let restated = self.restatements(
                aggregator.name(),
                store.family().measures,
                &written.touched,
                &state.vocabulary,
                &reasons,
                run,
            );
            let mut covered = Vec::new();
            for (scope, plan) in &plans {
                let id = state.vocabulary.scopes.text(*scope).to_owned();
                let Some(coverage) = plan.coverage(&id, earliest.get(scope).copied(), plan.ahead.map(|a| a.1), run)
                else {
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
            result.restated += restated.len();
            self.control.commit_coverage(aggregator.name(), &covered, &restated).await?;
            done += i64::try_from(scopes.len()).unwrap_or(0);
            let step = format!("{done} of {all} communities");
            if !watch(AggregateProgress { aggregator: aggregator.name(), done, all, step }) {
                return Err(RepositoryError::Stopped);
            }
        }
        result.finish(run);
        Ok(result)
    }
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
