//! `update_daily_stars` (spec/packages §7.4): history, then list or GraphQL, then the snapshot.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Value, json};
use tallykeep_collect::{CollectError, http::one_line};
use tallykeep_control::packages::StatRow;

use super::{JobError, Jobs, MetricOutcome, Report, Run, downloads::check_lookback};
use crate::{
    collectors::github::{self, Repository},
    config::{Family, Metric, StarFallback},
    cumulative::value_at_or_before,
    days::{after, before, target_days},
    index::Observation,
};

#[derive(Debug, Clone, Default)]
pub struct StarOptions {
    pub run_id: Option<String>,
    pub lookback_days: i64,
    /// Store values more than a fifth below the day before.
    pub accept_drops: bool,
}

/// Running counts per day, and where they came from.
pub(crate) struct Counts {
    pub values: BTreeMap<Date, i64>,
    pub source_ref: String,
    pub notes: Vec<String>,
}

/// A cumulative value may not fall by more than this share of the day before.
const LARGEST_DROP: f64 = 0.2;

impl Jobs {
    pub async fn update_daily_stars(&self, options: StarOptions) -> Result<Report, JobError> {
        check_lookback(options.lookback_days)?;
        let guard = self.writer("update_daily_stars").await?;
        let report = self.stars_held(options).await;
        guard.release().await?;
        report
    }

    pub(crate) async fn stars_held(&self, options: StarOptions) -> Result<Report, JobError> {
        self.sync_catalogue().await?;
        let mut run = self.start("update_daily_stars", options.run_id.clone()).await?;
        let mut rows = Vec::new();
        for metric in self.config.metrics.iter().filter(|m| m.family == Family::Stars && m.is_active) {
            self.star_metric(&mut run, metric, &options, &mut rows).await?;
        }
        run.counts += self.store.write_stats(&rows).await?;
        self.finish(run).await
    }

    async fn star_metric(
        &self,
        run: &mut Run,
        metric: &Metric,
        options: &StarOptions,
        rows: &mut Vec<StatRow>,
    ) -> Result<(), JobError> {
        let mut outcome = MetricOutcome::of(metric);
        if metric.source != "github" {
            outcome.outcome = "no_collector".to_owned();
            outcome.notes.push(format!("`{}` has no collector of stars: its rows are imported", metric.source));
            run.metrics.push(outcome);
            return Ok(());
        }
        let latest = self.latest();
        let newest = self.store.newest_day(&metric.id).await?;
        let targets =
            target_days(newest, latest, options.lookback_days).map_err(|error| JobError::Usage(error.to_string()))?;
        let (Some(first), Some(last)) = (targets.first(), targets.last()) else {
            outcome.outcome = "up_to_date".to_owned();
            run.metrics.push(outcome);
            return Ok(());
        };
        run.tried += 1;
        (self.say)(&format!("[stars] request source=github subject={} range={first}..{last}", metric.subject));
        let repository = github::repository(&self.asker, &metric.subject).await;
        if let Ok(repository) = &repository {
            self.remark(metric, repository, &mut outcome);
        }
        let snapshot_only = targets.len() == 1 && options.lookback_days == 0;
        let counts = match &repository {
            Ok(repository) if snapshot_only => Ok(snapshot(metric, repository, &targets)),
            _ => self.star_counts(metric, repository.as_ref().ok(), &targets, None).await,
        };
        let counts = match (counts, repository) {
            (Ok(counts), _) => counts,
            (Err(reason), Ok(repository)) => {
                let message = format!("stargazer backfill failed ({reason}); fell back to snapshot");
                run.error(&self.say, &metric.id, &message);
                outcome.outcome = "fallback".to_owned();
                let days = match self.config.refresh.star_fallback {
                    StarFallback::LatestDay => vec![latest],
                    StarFallback::AllDays => targets.clone(),
                };
                outcome.gaps = targets.iter().copied().filter(|day| !days.contains(day)).collect();
                snapshot(metric, &repository, &days)
            }
            (Err(_), Err(error)) => {
                self.refused(run, &mut outcome, &error);
                run.metrics.push(outcome);
                return Ok(());
            }
        };
        outcome.notes.extend(counts.notes.iter().cloned());
        if let Some(drop) = self.drop_of(&metric.id, &counts.values).await?.filter(|_| !options.accept_drops) {
            run.error(&self.say, &metric.id, &format!("{drop}; the stored values are kept (--accept-drops stores it)"));
            outcome.outcome = "failed".to_owned();
            run.metrics.push(outcome);
            return Ok(());
        }
        outcome.days_written = counts.values.len();
        for (day, value) in counts.values {
            rows.push(self.stat(
                &metric.id,
                day,
                value,
                ("api_daily", "cumulative_snapshot", &counts.source_ref),
                &run.id,
            ));
        }
        run.metrics.push(outcome);
        Ok(())
    }

    fn remark(&self, metric: &Metric, repository: &Repository, outcome: &mut MetricOutcome) {
        if let Some(name) = repository.full_name.as_ref().filter(|name| !name.eq_ignore_ascii_case(&metric.subject)) {
            outcome.outcome = "renamed".to_owned();
            outcome.notes.push(format!("{} is now {name}: change its subject in the configuration", metric.subject));
            (self.say)(&format!("[stars] note: {} is now {name}", metric.subject));
        }
        if repository.token_rejected {
            outcome.notes.push(
                "GitHub rejects the token; asked without it. A token needs read access to metadata only".to_owned(),
            );
            (self.say)("[stars] warning: GitHub rejects GITHUB_TOKEN (expired, revoked or mistyped)");
        }
    }

    /// Running counts on `days`, by the first way that works; else why none does. With `steps`, pages already read are not read
    /// again and new ones are noted.
    pub(crate) async fn star_counts(
        &self,
        metric: &Metric,
        repository: Option<&Repository>,
        days: &[Date],
        steps: Option<&Steps<'_>>,
    ) -> Result<Counts, String> {
        let Some(stars) = repository.map(|repository| repository.stars) else {
            return Err("the repository cannot be read".to_owned());
        };
        let mut reasons: Vec<CollectError> = Vec::new();
        match self.history_counts(metric, stars, days, steps).await {
            Ok(counts) => return Ok(counts),
            Err(StepsOrCollect::Collect(error)) => reasons.push(error),
            Err(StepsOrCollect::Store(reason)) => return Err(reason),
        }
        if self.settings.github_token(&metric.subject).is_some() {
            let source_ref = format!("github-stargazers:{}", metric.subject);
            match github::stargazers(&self.asker, &metric.subject, stars).await {
                Ok(events) => {
                    let values = github::counts_of_events(&events, days);
                    return Ok(Counts { values, source_ref, notes: Vec::new() });
                }
                Err(error) => reasons.push(error),
            }
            match github::graphql_counts(&self.asker, &metric.subject, days).await {
                Ok(values) => return Ok(Counts { values, source_ref, notes: Vec::new() }),
                Err(error) => reasons.push(error),
            }
        }
        // Short enough that what follows in the message is not cut off.
        Err(one_line(&reasons.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "), 200))
    }

    async fn history_counts(
        &self,
        metric: &Metric,
        stars: i64,
        days: &[Date],
        steps: Option<&Steps<'_>>,
    ) -> Result<Counts, StepsOrCollect> {
        let Some(first) = days.first().copied() else {
            return Ok(Counts { values: BTreeMap::new(), source_ref: String::new(), notes: Vec::new() });
        };
        let mut adds: BTreeMap<Date, i64> = BTreeMap::new();
        let mut notes = Vec::new();
        for page in 1.. {
            let step = format!("{}|history page {page}", metric.id);
            let known = steps.and_then(|steps| steps.done.get(&step));
            let (page_adds, oldest, last) = match known.and_then(page_from) {
                Some(known) => known,
                None => {
                    let read = github::history_page(&self.asker, &metric.subject, page)
                        .await
                        .map_err(StepsOrCollect::Collect)?;
                    if let Some(steps) = steps {
                        let details = json!({"adds": read.adds, "oldest": read.oldest, "last": read.last});
                        steps.finish(self, &step, &details).await.map_err(StepsOrCollect::Store)?;
                    }
                    (read.adds, read.oldest, read.last)
                }
            };
            adds.extend(page_adds);
            if adds.is_empty() && stars > 0 {
                return Err(StepsOrCollect::Collect(CollectError::Shape {
                    upstream: "GitHub".to_owned(),
                    reason: format!("the star history is empty although there are {stars} stars"),
                }));
            }
            if last {
                let sum: i64 = adds.values().sum();
                #[expect(
                    clippy::cast_precision_loss,
                    clippy::cast_possible_truncation,
                    reason = "star counts are small"
                )]
                let tolerance = ((stars as f64) * 0.01) as i64;
                if (sum - stars).abs() > tolerance.max(2) {
                    notes.push(format!("the star history adds up to {sum}, the repository says {stars}"));
                }
                break;
            }
            if oldest.is_some_and(|oldest| oldest <= after(first, 1)) {
                break;
            }
        }
        let values = github::running_counts(stars, &adds, days);
        Ok(Counts { values, source_ref: format!("github-history:{}", metric.subject), notes })
    }

    /// A fall of more than a fifth against the stored day before, or between two new days.
    pub(crate) async fn drop_of(&self, metric: &str, values: &BTreeMap<Date, i64>) -> Result<Option<String>, JobError> {
        let Some((first, last)) = values.keys().next().zip(values.keys().last()) else { return Ok(None) };
        let stored: Vec<Observation> =
            self.store.stats(metric, before(*first, 400), *last).await?.iter().map(Observation::from).collect();
        let mut previous = value_at_or_before(&stored, before(*first, 1));
        for (day, value) in values {
            if let Some(known) = previous {
                #[expect(clippy::cast_precision_loss, reason = "star counts are small")]
                if (*value as f64) < known as f64 * (1.0 - LARGEST_DROP) {
                    return Ok(Some(format!("stars fall from {known} to {value} on {day}")));
                }
            }
            previous = Some(*value);
        }
        Ok(None)
    }
}

enum StepsOrCollect {
    Collect(CollectError),
    Store(String),
}

/// Finished steps of a backfill, so that a killed one continues.
pub(crate) struct Steps<'a> {
    pub name: &'a str,
    pub done: BTreeMap<String, Value>,
}

impl Steps<'_> {
    pub(crate) async fn finish(&self, jobs: &Jobs, step: &str, details: &Value) -> Result<(), String> {
        jobs.store.finish_step(self.name, step, details).await.map_err(|error| error.to_string())
    }
}

fn page_from(details: &Value) -> Option<(BTreeMap<Date, i64>, Option<Date>, bool)> {
    let adds = serde_json::from_value(details.get("adds")?.clone()).ok()?;
    let oldest = serde_json::from_value(details.get("oldest")?.clone()).ok()?;
    Some((adds, oldest, details.get("last")?.as_bool()?))
}

fn snapshot(metric: &Metric, repository: &Repository, days: &[Date]) -> Counts {
    Counts {
        values: days.iter().map(|day| (*day, repository.stars)).collect(),
        source_ref: format!("github:{}", metric.subject),
        notes: Vec::new(),
    }
}
