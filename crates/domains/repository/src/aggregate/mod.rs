//! Rolling up: dirty days and new days of every family, window by window (spec/invenio §4).

mod changes;
pub(crate) mod health;
mod ledger;
pub(crate) mod record_deltas;
mod report;
#[cfg(test)]
mod tests;
mod usage_deltas;
mod usage_month;
mod visitor_sets;
mod window;

pub(crate) use usage_month::DAY_MICROS;

use std::{collections::HashMap, time::Instant};

use jiff::civil::Date;
use serde_json::Value;
use tallykeep_control::{Coverage, Reached};

use crate::{
    RepositoryError, TeamRepository,
    events::BackfillRequest,
    records::ENRICHMENT,
    state::{Basis, State},
    tables::MEMBERSHIPS,
    usage::MigrateRequest,
};

use health::Care;
pub use report::{AggregateResult, AggregatorResult, CommunityDetails};

/// The eight aggregators, in the order they run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Aggregator {
    UsageDelta,
    RecordDelta(Basis),
    RecordSnapshot(Basis),
    UsageSnapshot,
}

impl Aggregator {
    pub const ALL: [Self; 8] = [
        Self::UsageDelta,
        Self::RecordDelta(Basis::Created),
        Self::RecordDelta(Basis::Published),
        Self::RecordDelta(Basis::Added),
        Self::RecordSnapshot(Basis::Created),
        Self::RecordSnapshot(Basis::Published),
        Self::RecordSnapshot(Basis::Added),
        Self::UsageSnapshot,
    ];

    /// Its name in bookmarks, options and reports.
    pub fn name(self) -> &'static str {
        match self {
            Self::UsageDelta => "community-usage-delta-agg",
            Self::UsageSnapshot => "community-usage-snapshot-agg",
            Self::RecordDelta(Basis::Created) => "community-records-delta-created-agg",
            Self::RecordDelta(Basis::Published) => "community-records-delta-published-agg",
            Self::RecordDelta(Basis::Added) => "community-records-delta-added-agg",
            Self::RecordSnapshot(Basis::Created) => "community-records-snapshot-created-agg",
            Self::RecordSnapshot(Basis::Published) => "community-records-snapshot-published-agg",
            Self::RecordSnapshot(Basis::Added) => "community-records-snapshot-added-agg",
        }
    }

    /// The name of its collection (spec/invenio §2).
    pub fn collection(self) -> &'static str {
        match self {
            Self::UsageDelta => "stats-community-usage-delta",
            Self::UsageSnapshot => "stats-community-usage-snapshot",
            Self::RecordDelta(Basis::Created) => "stats-community-records-delta-created",
            Self::RecordDelta(Basis::Published) => "stats-community-records-delta-published",
            Self::RecordDelta(Basis::Added) => "stats-community-records-delta-added",
            Self::RecordSnapshot(Basis::Created) => "stats-community-records-snapshot-created",
            Self::RecordSnapshot(Basis::Published) => "stats-community-records-snapshot-published",
            Self::RecordSnapshot(Basis::Added) => "stats-community-records-snapshot-added",
        }
    }

    /// The short name of the `status` command.
    pub fn short(self) -> &'static str {
        match self {
            Self::UsageDelta => "usage-delta",
            Self::UsageSnapshot => "usage-snapshot",
            Self::RecordDelta(Basis::Created) => "delta-created",
            Self::RecordDelta(Basis::Published) => "delta-published",
            Self::RecordDelta(Basis::Added) => "delta-added",
            Self::RecordSnapshot(Basis::Created) => "snapshot-created",
            Self::RecordSnapshot(Basis::Published) => "snapshot-published",
            Self::RecordSnapshot(Basis::Added) => "snapshot-added",
        }
    }

    pub fn is_snapshot(self) -> bool {
        matches!(self, Self::RecordSnapshot(_) | Self::UsageSnapshot)
    }

    /// The delta a snapshot is the running sum of; of a delta itself.
    pub fn delta(self) -> Self {
        match self {
            Self::RecordSnapshot(basis) => Self::RecordDelta(basis),
            Self::UsageSnapshot => Self::UsageDelta,
            delta => delta,
        }
    }

    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .into_iter()
            .find(|a| a.name() == name || a.name().strip_suffix("-agg") == Some(name) || a.short() == name)
    }
}

/// What to aggregate.
#[derive(Debug, Clone)]
pub struct AggregateRequest {
    /// Ids or slugs; empty means every enabled community and `global`.
    pub communities: Vec<String>,
    pub start: Option<Date>,
    pub end: Option<Date>,
    pub update_bookmark: bool,
    pub ignore_bookmark: bool,
    /// Empty means all.
    pub aggregators: Vec<Aggregator>,
    /// Where the bytes of memory that are taken come from.
    pub memory: fn() -> Option<u64>,
    /// Usage events that are read together and committed together; a day is never parted, and with 0 each stands for itself.
    pub pass_events: u64,
}

impl Default for AggregateRequest {
    fn default() -> Self {
        Self {
            communities: Vec::new(),
            start: None,
            end: None,
            update_bookmark: true,
            ignore_bookmark: false,
            aggregators: Vec::new(),
            memory: health::memory_in_use,
            pass_events: 400_000,
        }
    }
}

impl AggregateRequest {
    /// As arguments of a job.
    pub fn to_json(&self) -> Value {
        serde_json::json!({
            "communities": self.communities,
            "start": self.start.map(|d| d.to_string()),
            "end": self.end.map(|d| d.to_string()),
            "update_bookmark": self.update_bookmark,
            "ignore_bookmark": self.ignore_bookmark,
            "aggregators": self.aggregators.iter().map(|a| a.name()).collect::<Vec<_>>(),
        })
    }

    /// The inverse of [`Self::to_json`]; what is missing has its default.
    pub fn from_json(args: &Value) -> Self {
        let texts = |key: &str| -> Vec<String> {
            let list = args.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let day = |key: &str| args.get(key).and_then(Value::as_str).and_then(|t| t.parse().ok());
        let flag = |key: &str, default| args.get(key).and_then(Value::as_bool).unwrap_or(default);
        Self {
            communities: texts("communities"),
            start: day("start"),
            end: day("end"),
            update_bookmark: flag("update_bookmark", true),
            ignore_bookmark: flag("ignore_bookmark", false),
            aggregators: texts("aggregators").iter().filter_map(|n| Aggregator::from_name(n)).collect(),
            ..Self::default()
        }
    }
}

/// How far an aggregation is.
#[derive(Debug, Clone)]
pub struct AggregateProgress {
    pub aggregator: &'static str,
    pub done: i64,
    pub all: i64,
    pub step: String,
}

/// Watches an aggregation; answering `false` stops it after the step at hand.
pub type Watch<'a> = dyn FnMut(AggregateProgress) -> bool + Send + 'a;

/// What one run works with.
pub(crate) struct Run<'a> {
    pub request: &'a AggregateRequest,
    pub scopes: Vec<u32>,
    pub run_id: String,
    pub today: Date,
}

/// Name of the lease of a team's aggregation.
pub fn lease_name(team: &tallykeep_model::TeamSlug) -> String {
    format!("community_stats_aggregation:{team}")
}

impl TeamRepository {
    /// Aggregates until caught up. Every window is committed by itself, so a stopped run loses nothing.
    ///
    /// Errors: `Busy` while another aggregation of the team runs, `UnknownCommunity`, `Stopped`, and the stores' errors.
    pub async fn aggregate(
        &self,
        request: &AggregateRequest,
        run_id: &str,
        watch: &mut Watch<'_>,
    ) -> Result<AggregateResult, RepositoryError> {
        if let (Some(start), Some(end)) = (request.start, request.end)
            && end < start
        {
            return Err(RepositoryError::BadRequest(format!("--end-date {end} is before --start-date {start}")));
        }
        let lease = lease_name(&self.control.team().slug);
        let what = format!("aggregate (process {})", std::process::id());
        let guard = self.control.control().lease_or_busy(&lease, &what).await?;
        let outcome = self.aggregate_under_lease(request, run_id, watch).await;
        let released = guard.release().await;
        let result = outcome?;
        released?;
        Ok(result)
    }

    async fn aggregate_under_lease(
        &self,
        request: &AggregateRequest,
        run_id: &str,
        watch: &mut Watch<'_>,
    ) -> Result<AggregateResult, RepositoryError> {
        let started = Instant::now();
        self.settle_ledger().await?;
        self.mark_what_a_dead_import_left().await?;
        if self.lake.table(&MEMBERSHIPS).view().await?.rows() == 0 {
            // Precondition A (spec/invenio §4.1, §4.7): the back-fill takes this run's place.
            let done = self.backfill_community_events(&BackfillRequest::default(), &mut |_, _| true).await?;
            if done.new_events_created > 0 {
                return Ok(AggregateResult::displaced(
                    "displaced by community events initialization",
                    started.elapsed(),
                ));
            }
        }
        let mut state = State::open(&self.lake, &self.settings).await?;
        let raw: Vec<(String, String)> = self.control.watermarks(ENRICHMENT).await?;
        let wanted = |a: Aggregator| request.aggregators.is_empty() || request.aggregators.contains(&a);
        if wanted(Aggregator::UsageDelta) && raw.iter().any(|(_, state)| state == "raw") {
            // Precondition B: events nobody enriched yet.
            return self.migrate_instead(&raw, started, watch).await;
        }
        let enabled = self.enabled_communities(&state).await?;
        let scopes = state.scopes(&request.communities, |c| enabled.contains(&c.id))?;
        let run = Run { request, scopes, run_id: run_id.to_owned(), today: self.control.clock().today() };
        let wanted = Aggregator::ALL.into_iter().filter(|a| wanted(*a));
        let names: Vec<String> = run.scopes.iter().map(|&s| state.vocabulary.scopes.text(s).to_owned()).collect();
        self.aggregation_begins(&names).await?;
        let mut results = Vec::new();
        let outcome = self.run_all(wanted, &mut state, &run, watch, &mut results).await;
        // Also of a run that stopped: what it rolled up has values whose labels nobody stored yet.
        self.save_labels(&state.labels, state.knows_all()).await?;
        match outcome {
            Ok(None) => {
                let whole = request.aggregators.is_empty() && request.update_bookmark;
                let day = request.end.map_or(run.today, |end| end.min(run.today));
                self.aggregation_ends(whole.then_some((names.as_slice(), day))).await?;
                Ok(AggregateResult::completed(results, started.elapsed()))
            }
            Ok(Some(reason)) => {
                self.aggregation_ends(None).await?;
                Ok(AggregateResult::stopped(results, started.elapsed(), &reason))
            }
            Err(error) => {
                // What was stopped on request left nothing half done; of other errors nobody knows.
                if matches!(error, RepositoryError::Stopped) {
                    self.aggregation_ends(None).await?;
                }
                Err(error)
            }
        }
    }

    /// Runs the wanted aggregators. Between days it looks after the memory, between commits, each of which has its bookmark, after the stores too
    /// (docs/adr/0200-what-a-day-is-to-a-pass.md); answers why it stopped, if it did.
    async fn run_all(
        &self,
        aggregators: impl Iterator<Item = Aggregator>,
        state: &mut State,
        run: &Run<'_>,
        watch: &mut Watch<'_>,
        results: &mut Vec<AggregatorResult>,
    ) -> Result<Option<String>, RepositoryError> {
        let mut care = Care::new(&self.settings, run.request.memory, watch);
        for aggregator in aggregators {
            let result = match aggregator {
                _ if !care.well(self).await => Err(RepositoryError::Stopped),
                Aggregator::UsageDelta => self.usage_deltas(state, run, &mut care).await,
                Aggregator::RecordDelta(basis) => self.record_deltas(state, run, basis, &mut care).await,
                snapshot => self.snapshots(state, run, snapshot, &mut care).await,
            };
            match (result, care.reason()) {
                (Ok(result), _) => results.push(result),
                (Err(RepositoryError::Stopped), Some(reason)) => return Ok(Some(reason.to_owned())),
                (Err(error), _) => return Err(error),
            }
        }
        Ok(None)
    }

    async fn covered(&self, aggregator: Aggregator) -> Result<HashMap<String, Coverage>, RepositoryError> {
        let list = self.control.coverage(aggregator.name()).await?;
        Ok(list.into_iter().map(|c| (c.scope.clone(), c)).collect())
    }

    /// The migration of the months nobody enriched takes this run's place (spec/invenio §4.7).
    async fn migrate_instead(
        &self,
        raw: &[(String, String)],
        started: Instant,
        watch: &mut Watch<'_>,
    ) -> Result<AggregateResult, RepositoryError> {
        let months = raw.iter().filter(|(_, state)| state == "raw");
        let months = months.filter_map(|(key, _)| key.split_once('-').map(|(_, month)| month.to_owned())).collect();
        let request = MigrateRequest { months, max_batches: Some(u64::MAX), ..MigrateRequest::default() };
        let migrated = self
            .migrate_usage(&request, &mut |p| {
                let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
                let (done, all) = (number(p.done), number(p.all));
                watch(AggregateProgress { aggregator: "usage-events-migration", done, all, step: p.step })
            })
            .await?;
        let failed = migrated.error.is_some() || migrated.total_errors > 0;
        let status =
            if failed { "failed - usage events migration error" } else { "displaced by usage events migration" };
        Ok(AggregateResult::displaced(status, started.elapsed()))
    }

    /// Snapshots are sums of deltas on reading; what is kept of them is how far they are known.
    async fn snapshots(
        &self,
        state: &State,
        run: &Run<'_>,
        aggregator: Aggregator,
        care: &mut Care<'_, '_>,
    ) -> Result<AggregatorResult, RepositoryError> {
        let mut result = AggregatorResult::new(aggregator);
        let deltas = self.covered(aggregator.delta()).await?;
        let known = self.covered(aggregator).await?;
        let (mut covered, mut bookmarks) = (Vec::new(), Vec::new());
        for &scope in &run.scopes {
            if !care.day() {
                break;
            }
            let id = state.vocabulary.scopes.text(scope).to_owned();
            let Some(delta) = deltas.get(&id) else { continue };
            let before = known.get(&id);
            let last = run.request.end.map_or(delta.last_day, |end| end.min(delta.last_day));
            // A snapshot fills any gap between its last day and the requested start by itself.
            let resume = match (before, run.request.ignore_bookmark, run.request.start) {
                (Some(b), true, Some(start)) => start.min(b.last_day).max(delta.first_day),
                (Some(b), false, _) => b.last_day.max(delta.first_day),
                _ => delta.first_day,
            };
            if last < resume {
                continue;
            }
            let last_day = before.map_or(last, |b| b.last_day.max(last));
            let provisional_from = delta.provisional_from;
            covered.push(Coverage {
                scope: id.clone(),
                first_day: delta.first_day,
                last_day,
                provisional_from,
                dirty_seq: delta.dirty_seq,
                run_id: run.run_id.clone(),
            });
            result.add(&id, resume, last, run.request);
            if run.request.update_bookmark {
                bookmarks.push((id, last_day));
            }
        }
        let reached = Reached { covered: &covered, bookmarks: &bookmarks, ..Reached::default() };
        self.control.commit_coverage(aggregator.name(), &reached).await?;
        let all = i64::try_from(covered.len()).unwrap_or(i64::MAX);
        let progress =
            AggregateProgress { aggregator: aggregator.name(), done: all, all, step: "running sums".to_owned() };
        if !care.step(progress) {
            return Err(RepositoryError::Stopped);
        }
        result.finish(run);
        Ok(result)
    }
}
