//! `update_all` (spec/packages §7.5): recompute a window from every source. Resumable: each finished chunk is stored with its mark.

use std::{collections::BTreeMap, path::Path};

use jiff::civil::Date;
use serde_json::{Value, json};

use super::{JobError, Jobs, MetricOutcome, Report, Run, chunk::Chunk, downloads::chunks, seeds, stars::Steps};
use crate::{
    collectors::{daily_source, github},
    config::{Family, Metric},
    days::{before, each_day},
};

#[derive(Debug, Clone)]
pub struct UpdateAllOptions<'a> {
    pub lookback_days: i64,
    pub reset_tables: bool,
    /// Where the CSV seeds are, if anywhere.
    pub seed_dir: &'a Path,
    pub accept_drops: bool,
}

impl Jobs {
    pub async fn update_all(&self, options: UpdateAllOptions<'_>) -> Result<Report, JobError> {
        if options.lookback_days <= 0 {
            return Err(JobError::Usage(format!("lookback_days is {}; it must be above 0", options.lookback_days)));
        }
        let guard = self.writer("update_all").await?;
        let report = self.update_all_held(&options).await;
        guard.release().await?;
        report
    }

    async fn update_all_held(&self, options: &UpdateAllOptions<'_>) -> Result<Report, JobError> {
        if options.reset_tables {
            self.bootstrap_held().await?;
        } else {
            (self.say)("[bootstrap] tables are assumed to exist");
            self.sync_catalogue().await?;
        }
        let latest = self.latest();
        let first = before(latest, options.lookback_days - 1);
        let mut run = self.start("update_all", None).await?;
        run.extra.insert("lookback_days".to_owned(), json!(options.lookback_days));
        self.seed_points(&mut run, options.seed_dir, first).await?;
        // The mark says what was asked for: another window or another day is another backfill.
        let name = format!("update_all:{first}..{latest}");
        let done: BTreeMap<String, Value> = self.store.finished_steps(&name).await?.into_iter().collect();
        if !done.is_empty() {
            (self.say)(&format!("[update_all] resuming: {} finished steps are not asked for again", done.len()));
        }
        let mut steps = Steps { name: &name, done };
        for metric in self.config.metrics.iter().filter(|metric| metric.is_active) {
            match metric.family {
                Family::Downloads => self.backfill_downloads(&mut run, metric, (first, latest), &mut steps).await?,
                Family::Stars => {
                    self.backfill_stars(&mut run, metric, (first, latest), options.accept_drops, &mut steps).await?
                }
            }
        }
        if run.errors.is_empty() {
            self.store.clear_steps(&name).await?;
        }
        self.finish(run).await
    }

    /// Seed points strictly before the window.
    async fn seed_points(&self, run: &mut Run, dir: &Path, first: Date) -> Result<(), JobError> {
        if !dir.is_dir() {
            return Ok(());
        }
        match seeds::read(dir, &self.config, &run.id, false) {
            Ok(mut seeds) => {
                for error in seeds.errors {
                    (self.say)(&format!("[update_all] error: {error}"));
                    run.errors.push(error.to_string());
                }
                seeds.rows.retain(|row| row.period_end < first);
                run.counts += self.store.write_stats(&seeds.rows).await?;
            }
            Err(seeds::SeedError::Nothing(_)) => {}
            Err(error) => {
                (self.say)(&format!("[update_all] error: {error}"));
                run.errors.push(error.to_string());
            }
        }
        Ok(())
    }

    async fn backfill_downloads(
        &self,
        run: &mut Run,
        metric: &Metric,
        (first, latest): (Date, Date),
        steps: &mut Steps<'_>,
    ) -> Result<(), JobError> {
        let mut outcome = MetricOutcome::of(metric);
        let Some(source) = daily_source(&metric.source) else {
            outcome.outcome = "no_collector".to_owned();
            run.metrics.push(outcome);
            return Ok(());
        };
        run.tried += 1;
        let source_ref = source.source_ref(&self.asker, &metric.subject);
        for (from, to) in chunks(source, first, latest) {
            let step = format!("{}|{from}..{to}", metric.id);
            if let Some(details) = steps.done.get(&step) {
                outcome.pending.extend(days_of(&details["pending"]));
                outcome.gaps.extend(days_of(&details["gaps"]));
                continue;
            }
            (self.say)(&format!(
                "[downloads] request source={} subject={} range={from}..{to}",
                metric.source, metric.subject
            ));
            let targets: Vec<Date> = each_day(from, to).collect();
            let chunk = Chunk { metric, source, from, to, is_window: true };
            let Some(settled) = self.fetch(run, &mut outcome, &chunk, &targets).await else { break };
            let rows: Vec<_> = settled
                .values
                .iter()
                .map(|(day, value)| self.stat(&metric.id, *day, *value, ("recomputed", "1d", &source_ref), &run.id))
                .collect();
            let details = json!({"pending": settled.pending, "gaps": settled.gaps});
            run.counts += self.store.write_stats_and_finish(&rows, Some((steps.name, &step, &details))).await?;
            outcome.days_written += rows.len();
            steps.done.insert(step, details);
        }
        outcome.settle();
        run.metrics.push(outcome);
        Ok(())
    }

    /// History, list or GraphQL; no snapshot: a failure is an error and no rows.
    async fn backfill_stars(
        &self,
        run: &mut Run,
        metric: &Metric,
        (first, latest): (Date, Date),
        accept_drops: bool,
        steps: &mut Steps<'_>,
    ) -> Result<(), JobError> {
        let mut outcome = MetricOutcome::of(metric);
        if metric.source != "github" {
            outcome.outcome = "no_collector".to_owned();
            run.metrics.push(outcome);
            return Ok(());
        }
        run.tried += 1;
        let step = format!("{}|{first}..{latest}", metric.id);
        if steps.done.contains_key(&step) {
            run.metrics.push(outcome);
            return Ok(());
        }
        (self.say)(&format!("[stars] request source=github subject={} range={first}..{latest}", metric.subject));
        let days: Vec<Date> = each_day(first, latest).collect();
        let snapshot_step = format!("{}|repository", metric.id);
        let known = steps.done.get(&snapshot_step).and_then(|details| details["stars"].as_i64());
        let repository = match known {
            Some(stars) => Ok(github::Repository { stars, full_name: None, token_rejected: false }),
            None => github::repository(&self.asker, &metric.subject).await,
        };
        let repository = match repository {
            Ok(repository) => repository,
            Err(error) => {
                self.refused(run, &mut outcome, &error);
                run.metrics.push(outcome);
                return Ok(());
            }
        };
        if known.is_none() {
            self.store.finish_step(steps.name, &snapshot_step, &json!({"stars": repository.stars})).await?;
        }
        match self.star_counts(metric, Some(&repository), &days, Some(steps)).await {
            Ok(counts) => {
                if let Some(drop) = self.drop_of(&metric.id, &counts.values).await?.filter(|_| !accept_drops) {
                    run.error(
                        &self.say,
                        &metric.id,
                        &format!("{drop}; the stored values are kept (--accept-drops stores it)"),
                    );
                    outcome.outcome = "failed".to_owned();
                } else {
                    let rows: Vec<_> = counts
                        .values
                        .iter()
                        .map(|(day, value)| {
                            self.stat(
                                &metric.id,
                                *day,
                                *value,
                                ("recomputed", "cumulative_snapshot", &counts.source_ref),
                                &run.id,
                            )
                        })
                        .collect();
                    run.counts +=
                        self.store.write_stats_and_finish(&rows, Some((steps.name, &step, &json!({})))).await?;
                    outcome.days_written = rows.len();
                    outcome.notes.extend(counts.notes);
                }
            }
            Err(reason) => {
                run.error(&self.say, &metric.id, &format!("stargazer backfill failed ({reason})"));
                outcome.outcome = "failed".to_owned();
            }
        }
        run.metrics.push(outcome);
        Ok(())
    }
}

fn days_of(list: &Value) -> Vec<Date> {
    serde_json::from_value(list.clone()).unwrap_or_default()
}
