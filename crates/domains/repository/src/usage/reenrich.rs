//! `usage-events re-enrich`: the configuration of breakdowns that holds now, applied to what was enriched and rolled up by another one.
//!
//! Nothing stops meanwhile: rows of both configurations stand side by side until a month is complete, and rolled-up days are replaced one commit at a time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use serde::Serialize;
use tallykeep_lake::{
    Scan,
    arrow::{
        array::{ArrayAccessor, AsArray, StringArray},
        datatypes::{Int32Type, TimestampMicrosecondType},
    },
    day_of,
};

use super::{
    Slice, config_name,
    migrate::{MigrateRequest, MonthResult, Watch, lease_name},
};
use crate::{
    RepositoryError, TeamRepository,
    aggregate::Aggregator,
    dates::utc_day,
    import::{RECORDS_FAMILY, USAGE_FAMILY},
    tables::{ADDED, CREATED, ENRICHED, PUBLISHED, USAGE, USAGE_FAMILY as USAGE_ROLLUP},
};

/// Begins the reason of days marked because breakdowns came; their names follow, separated by commas.
pub(crate) const ADDED_BREAKDOWNS: &str = "breakdowns added: ";
const CHANGED: &str = "breakdowns changed";

/// What to enrich anew.
#[derive(Debug, Clone, Default)]
pub struct ReenrichRequest {
    pub migrate: MigrateRequest,
    /// Months enriched by the present configuration too.
    pub all: bool,
}

/// What was enriched anew.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Reenriched {
    pub total_processed: u64,
    pub months: Vec<MonthResult>,
    /// Months that were up to date already.
    pub up_to_date: usize,
    /// Breakdowns that have no past yet, by family: `usage`, `records`.
    pub added: BTreeMap<String, Vec<String>>,
    /// Days the next aggregation redoes, by family.
    pub dirty_days: BTreeMap<String, usize>,
    pub configuration: String,
    pub completed: bool,
    pub health_issues: Vec<String>,
}

impl TeamRepository {
    /// Enriches by the present configuration what was enriched by another, then marks every rolled-up day to be redone.
    ///
    /// Errors: `Busy` while a migration of the team runs, and the stores' errors.
    pub async fn reenrich_usage(
        &self,
        request: &ReenrichRequest,
        watch: &mut Watch<'_>,
    ) -> Result<Reenriched, RepositoryError> {
        let what = format!("usage-events re-enrich (process {})", std::process::id());
        let guard = self.control.control().lease_or_busy(&lease_name(&self.control.team().slug), &what).await?;
        let outcome = self.reenrich_under_lease(request, watch).await;
        guard.release().await?;
        outcome
    }

    async fn reenrich_under_lease(
        &self,
        request: &ReenrichRequest,
        watch: &mut Watch<'_>,
    ) -> Result<Reenriched, RepositoryError> {
        let configuration = config_name(&self.settings);
        let kinds = request.migrate.kinds();
        let (ranges, _) = super::months(&request.migrate.months);
        let view = self.lake.table(&ENRICHED).view().await?;
        let mut slices: Vec<(Slice, u64)> = Vec::new();
        let mut known = 0;
        for (slice, events) in self.stored_events().await? {
            let wanted = kinds.contains(&slice.kind)
                && ranges.as_ref().is_none_or(|r| r.iter().any(|(a, b)| (a..=b).contains(&&slice.month)));
            let files: Vec<_> = view.files.iter().filter(|f| slice.has(f)).collect();
            if !wanted || files.is_empty() {
                continue;
            }
            known += 1;
            if request.all || files.iter().any(|f| f.partition[2] != configuration) {
                slices.push((slice, events));
            }
        }
        let mut done = Reenriched {
            configuration: configuration.clone(),
            up_to_date: known - slices.len(),
            completed: true,
            ..Reenriched::default()
        };
        let all = slices.iter().map(|(_, events)| events).sum();
        let mut migrate = request.migrate.clone();
        // The limit is one of first migrations: a month that is half of each configuration helps nobody.
        migrate.max_batches = migrate.max_batches.or(Some(u64::MAX));
        migrate.fresh_start = false;
        let mut work = self.work(&migrate, true, all, watch).await?;
        for (slice, _) in slices.iter().filter(|_| request.all) {
            if view.files.iter().filter(|f| slice.has(f)).all(|f| f.partition[2] == configuration) {
                self.forget_enrichment(slice).await?;
            }
        }
        let results = self.migrate_slices(&slices, &mut work).await?;
        done.completed = results.len() == slices.len();
        for (slice, result) in results {
            if result.completed {
                self.drop_other_configs(&slice, &configuration).await?;
            }
            done.completed &= result.completed;
            done.total_processed += result.processed;
            done.months.push(result);
        }
        done.health_issues = work.health_issues;
        if done.completed {
            done.added = self.breakdowns_without_past().await?;
            done.dirty_days = self.mark_everything(&done.added).await?;
        }
        Ok(done)
    }

    /// Configured breakdowns of which no rollup has a row.
    async fn breakdowns_without_past(&self) -> Result<BTreeMap<String, Vec<String>>, RepositoryError> {
        let mut without = BTreeMap::new();
        let sides: [(&str, Vec<&str>, Vec<&'static tallykeep_lake::TableDef>); 2] = [
            (
                "usage",
                self.settings.subcounts.iter().filter(|s| s.usage.is_some()).map(|s| s.name.as_str()).collect(),
                vec![USAGE_ROLLUP.table],
            ),
            (
                "records",
                self.settings.subcounts.iter().filter(|s| s.records.is_some()).map(|s| s.name.as_str()).collect(),
                vec![CREATED.table, PUBLISHED.table, ADDED.table],
            ),
        ];
        for (family, configured, tables) in sides {
            let mut found: BTreeSet<String> = BTreeSet::new();
            let mut rows = 0;
            for table in tables {
                let table = self.lake.table(table);
                let view = table.view().await?;
                // Sums of years have a row for everything that ever had one.
                let years: Vec<_> = view.files.iter().filter(|f| f.partition[0] == "year").cloned().collect();
                rows += view.rows();
                for batch in table.scan_files(&years, &Scan { columns: vec!["dimension"], filters: Vec::new() }).await?
                {
                    let words = batch.column(0).as_dictionary::<Int32Type>();
                    let Some(words) = words.downcast_dict::<StringArray>() else { continue };
                    found.extend((0..batch.num_rows()).map(|row| words.value(row).to_owned()));
                }
            }
            // Before the first aggregation nothing has a past and nothing lacks one.
            if rows > 0 {
                let missing = configured.into_iter().filter(|name| !found.contains(*name)).map(str::to_owned);
                without.insert(family.to_owned(), missing.collect());
            }
        }
        Ok(without)
    }

    /// Marks every day that has numbers, of both families.
    async fn mark_everything(
        &self,
        added: &BTreeMap<String, Vec<String>>,
    ) -> Result<BTreeMap<String, usize>, RepositoryError> {
        let reason = |family: &str| match added.get(family).filter(|names| !names.is_empty()) {
            Some(names) => format!("{ADDED_BREAKDOWNS}{}", names.join(",")),
            None => CHANGED.to_owned(),
        };
        let mut usage: BTreeSet<Date> = BTreeSet::new();
        for batch in self.lake.table(&USAGE).scan(&Scan { columns: vec!["ts"], filters: Vec::new() }).await? {
            let at = batch.column(0).as_primitive::<TimestampMicrosecondType>();
            let mut last = i64::MIN;
            for micros in at.values() {
                let day = micros.div_euclid(crate::aggregate::DAY_MICROS);
                if day != last {
                    usage.extend(jiff::Timestamp::from_microsecond(*micros).ok().map(utc_day));
                    last = day;
                }
            }
        }
        let usage: Vec<Date> = usage.into_iter().collect();
        self.control.mark_dirty(USAGE_FAMILY, &usage, &reason("usage")).await?;
        let mut records: BTreeSet<Date> = BTreeSet::new();
        for family in [&CREATED, &PUBLISHED, &ADDED] {
            let table = self.lake.table(family.table);
            let view = table.view().await?;
            let days: Vec<_> = view.files.iter().filter(|f| f.partition[0] == "day").cloned().collect();
            for batch in table.scan_files(&days, &Scan { columns: vec!["day"], filters: Vec::new() }).await? {
                use tallykeep_lake::arrow::datatypes::Date32Type;
                records.extend(batch.column(0).as_primitive::<Date32Type>().values().iter().map(|day| day_of(*day)));
            }
        }
        // A scope that is covered and has no rows yet has its first day marked, so that a breakdown may begin there.
        for aggregator in Aggregator::ALL.into_iter().filter(|a| !a.is_snapshot() && *a != Aggregator::UsageDelta) {
            records.extend(self.control.coverage(aggregator.name()).await?.into_iter().map(|c| c.first_day));
        }
        let records: Vec<Date> = records.into_iter().collect();
        self.control.mark_dirty(RECORDS_FAMILY, &records, &reason("records")).await?;
        Ok(BTreeMap::from([("usage".to_owned(), usage.len()), ("records".to_owned(), records.len())]))
    }
}

/// Whether a number of a day marked for `reason` is one of a breakdown that had no past: it was missing before, and nothing is restated by its coming.
pub(crate) fn came_with(reason: &str, dimension: &str) -> bool {
    reason.strip_prefix(ADDED_BREAKDOWNS).is_some_and(|names| names.split(',').any(|name| name == dimension))
}
