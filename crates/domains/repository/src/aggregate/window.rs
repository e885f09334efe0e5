//! Which days a run redoes for a scope: the days after its bookmark, and dirty days behind it.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{ToSpan, civil::Date};
use tallykeep_control::{Coverage, DirtyDay};
use tallykeep_lake::{day_number, day_of};

use super::Run;
use crate::{RepositoryError, TeamRepository};

/// The days one scope redoes.
#[derive(Debug, Clone)]
pub(super) struct Plan {
    pub before: Option<Coverage>,
    /// Inclusive days from the bookmark to the end; `None` when there is nothing ahead.
    pub ahead: Option<(Date, Date)>,
    /// Dirty days elsewhere.
    pub dirty: BTreeSet<i32>,
    pub dirty_seq: i64,
}

impl Plan {
    pub fn covers(&self, day: i32) -> bool {
        self.dirty.contains(&day)
            || self.ahead.is_some_and(|(first, last)| (day_number(first)..=day_number(last)).contains(&day))
    }

    /// Whether a day was final before this run, so that a change of it is a restatement.
    pub fn was_final(&self, day: i32) -> bool {
        self.before.as_ref().is_some_and(|b| b.state(day_of(day)) == tallykeep_model::PointState::Final)
    }

    pub fn is_idle(&self) -> bool {
        self.ahead.is_none() && self.dirty.is_empty()
    }

    /// What is covered once days up to `reached` are done. `first_rows` is the earliest day that has rows now.
    pub fn coverage(
        &self,
        scope: &str,
        first_rows: Option<i32>,
        reached: Option<Date>,
        run: &Run<'_>,
    ) -> Option<Coverage> {
        let ahead = self.ahead.and_then(|(first, last)| reached.map(|r| (first, r.min(last)))).filter(|(f, l)| f <= l);
        let early = first_rows.map(day_of);
        let (first, last) = match (&self.before, ahead) {
            (Some(b), Some((f, l))) => (b.first_day.min(f), b.last_day.max(l)),
            (Some(b), None) => (b.first_day, b.last_day),
            (None, Some((f, l))) => (f, l),
            (None, None) => return None,
        };
        let first = early.map_or(first, |e| e.min(first));
        // Days of today and later were rolled up before they were over; those behind a bookmark that was redone are final now.
        let fresh = run.today.min(last.saturating_add(1.day()));
        let provisional_from = match (&self.before, ahead) {
            (Some(b), Some((f, l))) if f > b.provisional_from || l < b.last_day => b.provisional_from.min(fresh),
            (Some(b), None) => b.provisional_from,
            _ => fresh,
        };
        Some(Coverage {
            scope: scope.to_owned(),
            first_day: first,
            last_day: last,
            provisional_from,
            dirty_seq: self.dirty_seq,
            run_id: run.run_id.clone(),
        })
    }
}

impl TeamRepository {
    /// Plans a family for every scope of the run. `first_source` tells the first day a scope has anything on.
    pub(super) async fn plans(
        &self,
        aggregator: &str,
        family: &str,
        scopes: &[(u32, String)],
        run: &Run<'_>,
        first_source: &BTreeMap<u32, Date>,
    ) -> Result<BTreeMap<u32, Plan>, RepositoryError> {
        let covered: BTreeMap<String, Coverage> =
            self.control.coverage(aggregator).await?.into_iter().map(|c| (c.scope.clone(), c)).collect();
        let bookmarks: BTreeMap<String, String> = self.control.watermarks(aggregator).await?.into_iter().collect();
        let dirty = self.control.dirty_days(family, 0).await?;
        let mut plans = BTreeMap::new();
        for (scope, id) in scopes {
            let before = covered.get(id).cloned();
            let bookmark: Option<Date> = bookmarks.get(id).and_then(|text| text.parse().ok());
            if before.is_none() && !first_source.contains_key(scope) {
                continue;
            }
            plans.insert(*scope, plan(before, bookmark, first_source.get(scope).copied(), &dirty, run));
        }
        Ok(plans)
    }
}

fn plan(
    before: Option<Coverage>,
    bookmark: Option<Date>,
    first_source: Option<Date>,
    dirty: &[DirtyDay],
    run: &Run<'_>,
) -> Plan {
    let request = run.request;
    let source = first_source.map(|d| d.min(run.today)).or(before.as_ref().map(|b| b.first_day));
    let lower = match bookmark.filter(|_| !request.ignore_bookmark) {
        Some(bookmark) => Some(bookmark),
        None => request.start.or(source),
    };
    let upper = request.end.unwrap_or(run.today).min(run.today.max(request.end.unwrap_or(run.today)));
    let mut ahead = lower.filter(|l| *l <= upper).map(|l| (l, upper));
    if let (Some((first, _)), Some(b)) = (&mut ahead, &before) {
        // No gaps: days between what is covered and what is asked for are done too.
        *first = (*first).min(b.last_day.saturating_add(1.day()));
    }
    let done = before.as_ref().map_or(0, |b| b.dirty_seq);
    let dirty_seq = dirty.iter().map(|d| d.seq).max().unwrap_or(0).max(done);
    let in_ahead = |day: Date| ahead.is_some_and(|(first, last)| first <= day && day <= last);
    let reach = before.as_ref().map(|b| b.last_day);
    let days = dirty
        .iter()
        .filter(|d| d.seq > done && !in_ahead(d.day) && reach.is_some_and(|last| d.day <= last))
        .map(|d| day_number(d.day))
        .collect();
    Plan { before, ahead, dirty: days, dirty_seq }
}
