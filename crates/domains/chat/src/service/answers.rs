//! Questions → answers, kept for 30 minutes while the data stays as it is (spec §8).

use std::sync::{Arc, PoisonError, atomic::Ordering};

use jiff::{Timestamp, ToSpan, tz::TimeZone};
use serde::Serialize;
use serde_json::Value;
use tallykeep_control::{TeamControl, chat::NewCacheEntry};

use super::{Chat, ChatError, ImageGuard};
use crate::{
    charts::{self, Asked, Chart},
    filter::{Bucketing, FieldErrors, Filter, Params, Window},
    metrics::{BotOrder, Comparison, Question, compare_versions},
};

/// How long an answer may be served.
pub const MINUTES: i64 = 30;
/// The form of kept answers. Raise it when an answer's form changes: older entries are computed again.
const SHAPE: i64 = 1;

/// An answer, and where it came from.
#[derive(Debug, Clone)]
pub struct Answer {
    pub body: Value,
    pub hit: bool,
    pub age_seconds: i64,
    /// Fingerprint of the filter, for the audit log.
    pub filter_key: String,
    /// The filter as people read it.
    pub filters: Value,
}

/// What a cleanup of kept answers did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CleanupReport {
    pub expired_entries_deleted: u64,
    pub timestamp: Timestamp,
    /// Hits and misses of this process since the last cleanup; the rate in percent, null without any.
    pub hits: u64,
    pub misses: u64,
    pub hit_rate: Option<f64>,
}

/// The parts of a question that are checked before anything is computed.
struct Checked {
    filter: Filter,
    asked: Asked,
    bucketing: Bucketing,
}

impl Chat {
    /// Answers a chart for a team. `zone` is the zone of a question without `tz`; with the parameter `refresh` a kept answer is replaced.
    ///
    /// Errors: `Fields` for a question that cannot be answered, naming each value.
    pub async fn answer(
        &self,
        team: &TeamControl,
        chart: Chart,
        params: &Params,
        zone: &TimeZone,
    ) -> Result<Answer, ChatError> {
        let cost_tracking = self.cost_tracking(team).await?;
        let params = self.with_saved_expressions(team, params).await?;
        let order = BotOrder::from_params(&params)?;
        let refresh = params.flag("refresh")?;
        let guard = self.image(team).await?;
        let checked = check(&params, &guard, zone, team.clock().now(), cost_tracking)?;
        let filter_key = checked.filter.key();
        let filters = checked.filter.describe();
        let key = chart.key(&checked.asked, &filter_key);
        let generation = guard.generation();
        let flight = self.flight(team.team().id, &key);
        let _alone = flight.lock().await;
        let kept = if refresh || !self.config.cache { None } else { team.chat_cached(&key, SHAPE, generation).await? };
        let now = team.clock().now();
        let kept = kept.and_then(|entry| Some((serde_json::from_str(&entry.data).ok()?, entry.created_at)));
        let (body, hit, age_seconds) = match kept {
            Some((body, created_at)) => (body, true, now.as_second() - created_at.as_second()),
            None => {
                let body = self.compute(team, guard, chart, checked).await?;
                if self.config.cache {
                    let data = body.to_string();
                    let expires_at = now.saturating_add(MINUTES.minutes()).unwrap_or(now);
                    let entry = NewCacheEntry { key: &key, shape: SHAPE, generation, data: &data, expires_at };
                    team.chat_cache_put(entry).await?;
                }
                (body, false, 0)
            }
        };
        let counter = if hit { &self.hits } else { &self.misses };
        counter.fetch_add(1, Ordering::Relaxed);
        let told = if hit { "hit" } else { "miss" };
        tracing::debug!(team = %team.team().slug, chart = chart.as_str(), cache = told, "{} {told}", chart.as_str());
        let body = match chart {
            Chart::BotPerformance => charts::bot_page(body, &order, cost_tracking).unwrap_or(Value::Null),
            _ => body,
        };
        Ok(Answer { body, hit, age_seconds, filter_key, filters })
    }

    /// The versions of one bot side by side (never kept: it is rarely asked). `None`: the team has no such bot.
    pub async fn compare(
        &self,
        team: &TeamControl,
        experiment: i64,
        params: &Params,
        zone: &TimeZone,
    ) -> Result<Option<Comparison>, ChatError> {
        let params = self.with_saved_expressions(team, params).await?;
        let guard = self.image(team).await?;
        let checked = check(&params, &guard, zone, team.clock().now(), false)?;
        let comparison = tokio::task::spawn_blocking(move || {
            let question = Question::new(guard.image(), &checked.filter, checked.bucketing);
            compare_versions(&question, experiment)
        });
        Ok(comparison.await?)
    }

    /// Every row a bot export needs: all bots, not one page.
    pub async fn all_bots(&self, team: &TeamControl, params: &Params, zone: &TimeZone) -> Result<Answer, ChatError> {
        let cost_tracking = self.cost_tracking(team).await?;
        let params = self.with_saved_expressions(team, params).await?;
        let guard = self.image(team).await?;
        let checked = check(&params, &guard, zone, team.clock().now(), cost_tracking)?;
        let (filter_key, filters) = (checked.filter.key(), checked.filter.describe());
        let body = self.compute(team, guard, Chart::BotPerformance, checked).await?;
        Ok(Answer { body, hit: false, age_seconds: 0, filter_key, filters })
    }

    pub(super) async fn compute(
        &self,
        team: &TeamControl,
        guard: ImageGuard,
        chart: Chart,
        checked: impl Into<Box<CheckedQuestion>>,
    ) -> Result<Value, ChatError> {
        let checked: Box<CheckedQuestion> = checked.into();
        let (links, slug, now) = (self.config.links.clone(), team.team().slug.to_string(), team.clock().now());
        let slow = self.lake.slow_query();
        let computed = tokio::task::spawn_blocking(move || {
            let started = std::time::Instant::now();
            let mut question = Question::new(guard.image(), &checked.0.filter, checked.0.bucketing);
            question.fill = checked.0.asked.fill;
            question.cost_tracking = checked.0.asked.cost_tracking;
            let answer = charts::answer(chart, &question, &checked.0.asked, &links, &slug, now);
            let (took, name) = (started.elapsed(), chart.as_str());
            if took > slow {
                let rows = guard.image().messages.len();
                tracing::warn!(team = %slug, chart = name, ?took, rows, "slow query: chart {name} of {slug}");
            }
            answer
        });
        Ok(computed.await??)
    }

    /// Replaces `saved` (names or ids of saved expressions) by their text under `q`.
    pub(super) async fn with_saved_expressions(
        &self,
        team: &TeamControl,
        params: &Params,
    ) -> Result<Params, ChatError> {
        let wanted: Vec<&str> = params.all("saved").collect();
        if wanted.is_empty() {
            return Ok(params.clone());
        }
        let saved = team.chat_expressions().await?;
        let mut pairs: Vec<(String, String)> =
            params.pairs().filter(|(key, _)| *key != "saved").map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        for name in wanted {
            match saved.iter().find(|known| known.name == name || known.id.to_string() == name) {
                Some(known) => pairs.push(("q".to_owned(), known.expression.clone())),
                None => {
                    return Err(
                        FieldErrors::one("saved", format!("`{name}` is not a saved search of this team")).into()
                    );
                }
            }
        }
        Ok(Params::from_pairs(pairs))
    }

    fn flight(&self, team: i64, key: &str) -> Arc<tokio::sync::Mutex<()>> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.retain(|_, flight| Arc::strong_count(flight) > 1);
        flights.entry(format!("{team}:{key}")).or_default().clone()
    }

    /// Deletes expired answers, and says how often keeping them helped.
    pub async fn cleanup_cache(&self) -> Result<CleanupReport, ChatError> {
        let expired_entries_deleted = self.control.chat_cache_cleanup().await?;
        let (hits, misses) = (self.hits.swap(0, Ordering::Relaxed), self.misses.swap(0, Ordering::Relaxed));
        let hit_rate = (hits + misses > 0).then(|| hits as f64 / (hits + misses) as f64 * 100.0);
        match hit_rate {
            Some(rate) => tracing::info!(hits, misses, "chat answers: {rate:.1} % came from the cache"),
            None => tracing::info!("chat answers: none were asked for"),
        }
        Ok(CleanupReport { expired_entries_deleted, timestamp: self.control.clock().now(), hits, misses, hit_rate })
    }
}

/// A question whose filter was checked against the image it will be put to.
pub(super) struct CheckedQuestion(Checked);

impl From<Checked> for Box<CheckedQuestion> {
    fn from(checked: Checked) -> Self {
        Self::new(CheckedQuestion(checked))
    }
}

pub(super) fn check_question(
    params: &Params,
    guard: &ImageGuard,
    zone: &TimeZone,
    now: Timestamp,
    cost_tracking: bool,
) -> Result<Box<CheckedQuestion>, FieldErrors> {
    check(params, guard, zone, now, cost_tracking).map(Into::into)
}

fn check(
    params: &Params,
    guard: &ImageGuard,
    zone: &TimeZone,
    now: Timestamp,
    cost_tracking: bool,
) -> Result<Checked, FieldErrors> {
    let asked = Asked::from_params(params, cost_tracking)?;
    let bucketing = Bucketing::from_params(params)?;
    let window = Window::from_params(params, now, zone)?;
    Ok(Checked { filter: Filter::from_params(params, window, guard.image())?, asked, bucketing })
}
