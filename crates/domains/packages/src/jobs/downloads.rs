//! `update_daily_downloads` (spec/packages §7.3), its reconciling form (§6.2), and refilling of gaps.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use tallykeep_control::packages::StatRow;

use super::{JobError, Jobs, MetricOutcome, Report, Run, chunk::Chunk};
use crate::{
    collectors::{DailySource, daily_source},
    config::{Family, Metric},
    days::{after, before, days_between, each_day, target_days},
};

/// How a download job is to run.
#[derive(Debug, Clone, Default)]
pub struct DownloadOptions {
    pub run_id: Option<String>,
    pub lookback_days: i64,
    /// Compare the whole window each source returns with what is stored, and store the differences.
    pub reconcile: bool,
}

/// Days of history a reconcile asks ranged sources for.
const RECONCILE_DAYS: i64 = 365;

impl Jobs {
    pub async fn update_daily_downloads(&self, options: DownloadOptions) -> Result<Report, JobError> {
        check_lookback(options.lookback_days)?;
        let guard = self.writer("update_daily_downloads").await?;
        let report = self.downloads_held(options).await;
        guard.release().await?;
        report
    }

    pub(crate) async fn downloads_held(&self, options: DownloadOptions) -> Result<Report, JobError> {
        self.sync_catalogue().await?;
        let mut run = self.start("update_daily_downloads", options.run_id.clone()).await?;
        let mut rows = Vec::new();
        for metric in self.config.metrics.iter().filter(|m| m.family == Family::Downloads && m.is_active) {
            self.download_metric(&mut run, metric, &options, &mut rows).await?;
        }
        run.counts += self.store.write_stats(&rows).await?;
        self.finish(run).await
    }

    async fn download_metric(
        &self,
        run: &mut Run,
        metric: &Metric,
        options: &DownloadOptions,
        rows: &mut Vec<StatRow>,
    ) -> Result<(), JobError> {
        let mut outcome = MetricOutcome::of(metric);
        let Some(source) = daily_source(&metric.source) else {
            outcome.outcome = "no_collector".to_owned();
            outcome.notes.push(format!("`{}` has no collector: its rows are imported", metric.source));
            run.metrics.push(outcome);
            return Ok(());
        };
        let latest = self.latest();
        let newest = self.store.newest_day(&metric.id).await?;
        let mut targets: BTreeSet<Date> = target_days(newest, latest, options.lookback_days)
            .map_err(|error| JobError::Usage(error.to_string()))?
            .into_iter()
            .collect();
        if options.reconcile {
            let days = source.about().reach.days.unwrap_or(RECONCILE_DAYS);
            targets.extend(each_day(before(latest, days - 1), latest));
        } else if self.config.refresh.refill_gaps && !targets.is_empty() {
            targets.extend(self.refillable(metric, source, latest).await?);
        }
        let (Some(first), Some(last)) = (targets.first().copied(), targets.last().copied()) else {
            outcome.outcome = "up_to_date".to_owned();
            run.metrics.push(outcome);
            return Ok(());
        };
        run.tried += 1;
        (self.say)(&format!(
            "[downloads] request source={} subject={} range={first}..{last}",
            metric.source, metric.subject
        ));
        let targets: Vec<Date> = targets.into_iter().collect();
        let mut values = BTreeMap::new();
        for (from, to) in chunks(source, first, last) {
            let chunk = Chunk { metric, source, from, to, is_window: options.reconcile };
            let part: Vec<Date> = targets.iter().copied().filter(|day| from <= *day && *day <= to).collect();
            let Some(settled) = self.fetch(run, &mut outcome, &chunk, &part).await else { break };
            values.extend(settled.values);
        }
        outcome.settle();
        let source_ref = source.source_ref(&self.asker, &metric.subject);
        if options.reconcile {
            // Only differences: what is equal keeps its provenance and its run.
            for row in self.store.stats(&metric.id, first, last).await? {
                if values.get(&row.period_end) == Some(&row.value) && row.source_window == "1d" {
                    values.remove(&row.period_end);
                }
            }
        }
        let provenance = if options.reconcile { "recomputed" } else { "api_daily" };
        outcome.days_written = values.len();
        for (day, value) in values {
            rows.push(self.stat(&metric.id, day, value, (provenance, "1d", &source_ref), &run.id));
        }
        run.metrics.push(outcome);
        Ok(())
    }

    /// Gaps between the first and the newest stored day that the source can still deliver and that cost no further call.
    async fn refillable(&self, metric: &Metric, source: &dyn DailySource, latest: Date) -> Result<Vec<Date>, JobError> {
        let reach = source.about().reach;
        let window = if reach.whole { reach.days.unwrap_or(0) } else { 30 };
        Ok(self.missing_days(&metric.id, before(latest, window - 1)).await?)
    }

    /// Days without a count between the later of `from` and the first counted day, and the newest counted day.
    pub async fn missing_days(&self, metric: &str, from: Date) -> Result<Vec<Date>, tallykeep_control::ControlError> {
        let rows = self.store.stats(metric, from, Date::MAX).await?;
        let counted: BTreeSet<Date> =
            rows.iter().filter(|row| row.source_window == "1d").map(|row| row.period_end).collect();
        let (Some(first), Some(last)) = (counted.first().copied(), counted.last().copied()) else {
            return Ok(Vec::new());
        };
        Ok(each_day(first, last).filter(|day| !counted.contains(day)).collect())
    }
}

pub(crate) fn check_lookback(days: i64) -> Result<(), JobError> {
    if days < 0 {
        return Err(JobError::Usage(format!("lookback_days is {days}, which is below 0")));
    }
    Ok(())
}

/// The calls a range takes. Boundaries of ranged sources are fixed from the source's first day on, so that a backfill that is
/// resumed on another day asks for the same chunks.
pub fn chunks(source: &dyn DailySource, first: Date, last: Date) -> Vec<(Date, Date)> {
    let reach = source.about().reach;
    if reach.whole || days_between(first, last) < reach.chunk_days {
        return vec![(first, last)];
    }
    let anchor = reach.since.unwrap_or(first);
    let mut from = first.max(anchor);
    let mut chunks = Vec::new();
    while from <= last {
        let number = days_between(anchor, from) / reach.chunk_days;
        let to = before(after(anchor, (number + 1) * reach.chunk_days), 1).min(last);
        chunks.push((from, to));
        from = after(to, 1);
    }
    chunks
}
