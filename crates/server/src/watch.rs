//! What watchdogs watch: the daily series of the domains of an app.

use std::collections::BTreeMap;

use jiff::{ToSpan, civil::Date, tz::TimeZone};
use serde_json::Value;
use tallykeep_chat::{charts::Chart, filter::Params};
use tallykeep_control::TeamControl;
use tallykeep_packages::index::Window;
use tallykeep_repository::{
    aggregate::Aggregator,
    read::{Params as RepositoryParams, Query},
};
use tallykeep_watch::{Day, Kind, Source, SourceError, Watched};

use crate::DomainSource;

fn failed(error: impl std::fmt::Display) -> SourceError {
    SourceError(error.to_string())
}

/// One entry a day.
fn daily(first: Date, last: Date, value: impl Fn(Date) -> Option<f64>) -> Vec<Day> {
    let days = std::iter::successors(Some(first), |day| Some(day.saturating_add(1.day())));
    days.take_while(|day| *day <= last).map(|date| Day { date, value: value(date) }).collect()
}

#[expect(clippy::cast_precision_loss, reason = "bands need no more")]
fn number(value: i64) -> f64 {
    value as f64
}

/// One count by another; nothing where either is unknown or the second is too small to divide by.
fn ratio(above: &[Day], below: &[Day]) -> Vec<Day> {
    let divided = |(above, below): (&Day, &Day)| {
        let value =
            above.value.zip(below.value).filter(|(_, below)| *below >= 20.0).map(|(above, below)| above / below);
        Day { date: above.date, value }
    };
    above.iter().zip(below).map(divided).collect()
}

impl DomainSource {
    /// Views and downloads of everything, and downloads a view.
    async fn watched_repository(
        &self,
        team: &TeamControl,
        first: Date,
        last: Date,
    ) -> Result<Vec<Watched>, SourceError> {
        let Some(repository) = &self.repository else { return Ok(Vec::new()) };
        let repository = repository.of(team.clone());
        let coverage = team.coverage_of(Aggregator::UsageDelta.name(), "global").await.map_err(failed)?;
        let Some((coverage, query)) = coverage.zip(Query::find("usage_delta")) else { return Ok(Vec::new()) };
        let params = RepositoryParams {
            start: Some(first),
            end: Some(last),
            category: Some("global".to_owned()),
            ..RepositoryParams::default()
        };
        let categories = repository.query(query, &params).await.map_err(failed)?.categories;
        let series = |metric: &str| {
            let mut values: BTreeMap<Date, i64> = BTreeMap::new();
            let list = categories.first().and_then(|c| c.metrics.iter().find(|(name, _)| *name == metric));
            for (day, value) in list.iter().flat_map(|(_, list)| list).flat_map(|series| &series.points) {
                if let Ok(day) = Date::constant(1970, 1, 1).checked_add(i64::from(*day).days()) {
                    *values.entry(day).or_default() += value;
                }
            }
            daily(first, last, |day| {
                let is_known = coverage.first_day <= day && day <= coverage.last_day && day < coverage.provisional_from;
                is_known.then(|| number(values.get(&day).copied().unwrap_or(0)))
            })
        };
        let (views, downloads) = (series("views"), series("downloads"));
        let watched = |key: &str, name: &str, kind, days, check: &str| Watched {
            key: format!("repository:{key}"),
            name: name.to_owned(),
            kind,
            days,
            check: check.to_owned(),
        };
        let events = "Check whether usage events still arrive (import, live ingest) and whether aggregation runs: `tallykeep community-stats status`.";
        Ok(vec![
            watched(
                "downloads_per_view",
                "Downloads a view",
                Kind::Ratio,
                ratio(&downloads, &views),
                "Check whether one kind of event is missing or doubled, and whether robots got through.",
            ),
            watched("views", "Views", Kind::Level, views, events),
            watched("downloads", "Downloads", Kind::Level, downloads, events),
        ])
    }

    /// Counted downloads of every active package.
    async fn watched_packages(&self, team: &TeamControl, first: Date, last: Date) -> Result<Vec<Watched>, SourceError> {
        let Some(packages) = &self.packages else { return Ok(Vec::new()) };
        let config = packages.config(&team.packages()).await.map_err(failed)?;
        let index = packages.reader(team).index().await.map_err(failed)?;
        let watched = index.active("downloads").map(|metric| {
            let rows = index.rows(&metric.metric_id).ending_in(first, last);
            let counted = rows.iter().filter(|row| row.window == Window::Counted && row.is_single_day());
            let values: BTreeMap<Date, i64> = counted.map(|row| (row.end, row.value)).collect();
            Watched {
                key: format!("packages:{}", metric.metric_id),
                name: format!("Downloads of {} {}", config.product_title(&metric.product), metric.display_name),
                kind: Kind::Level,
                days: daily(first, last, |day| values.get(&day).copied().map(number)),
                check: format!(
                    "Check {} for {} and the last runs: `tallykeep packages gaps`, `tallykeep packages debug history`.",
                    metric.source, metric.subject
                ),
            }
        });
        Ok(watched.collect())
    }

    /// Sessions and messages of all bots, and sessions a message.
    async fn watched_chat(&self, team: &TeamControl, first: Date, last: Date) -> Result<Vec<Watched>, SourceError> {
        let Some(chat) = &self.chat else { return Ok(Vec::new()) };
        let params = Params::from_pairs([
            ("date_range", "custom".to_owned()),
            ("start_date", first.to_string()),
            ("end_date", last.to_string()),
            ("tz", "UTC".to_owned()),
            ("granularity", "daily".to_owned()),
        ]);
        let sessions = chat.answer(team, Chart::SessionAnalytics, &params, &TimeZone::UTC).await.map_err(failed)?.body;
        let messages = chat.answer(team, Chart::MessageVolume, &params, &TimeZone::UTC).await.map_err(failed)?.body;
        let values = |list: &Value, field: &str| -> BTreeMap<Date, i64> {
            let rows = list.as_array().into_iter().flatten();
            rows.filter_map(|row| Some((row["date"].as_str()?.get(..10)?.parse().ok()?, row[field].as_i64()?)))
                .collect()
        };
        let sessions = values(&sessions["sessions"], "active_sessions");
        let messages = values(&messages["totals"], "total_messages");
        // Before the first message nothing was counted; after it a day without one is zero.
        let Some(began) = messages.keys().next().copied() else { return Ok(Vec::new()) };
        let line = |values: &BTreeMap<Date, i64>| {
            daily(first, last, |day| (day >= began).then(|| number(values.get(&day).copied().unwrap_or(0))))
        };
        let (sessions, messages) = (line(&sessions), line(&messages));
        let watched = |key: &str, name: &str, kind, days, check: &str| Watched {
            key: format!("chat:{key}"),
            name: name.to_owned(),
            kind,
            days,
            check: check.to_owned(),
        };
        let arrive = "Check whether the bots answer and whether their conversations are still handed over.";
        Ok(vec![
            watched(
                "sessions_per_message",
                "Sessions a message",
                Kind::Ratio,
                ratio(&sessions, &messages),
                "Check whether conversations break off, or messages are handed over twice or not at all.",
            ),
            watched("sessions", "Sessions", Kind::Level, sessions, arrive),
            watched("messages", "Messages", Kind::Level, messages, arrive),
        ])
    }
}

#[async_trait::async_trait]
impl Source for DomainSource {
    async fn watched(&self, team: &TeamControl, first: Date, last: Date) -> Result<Vec<Watched>, SourceError> {
        let mut watched = self.watched_repository(team, first, last).await?;
        watched.extend(self.watched_packages(team, first, last).await?);
        watched.extend(self.watched_chat(team, first, last).await?);
        Ok(watched)
    }
}
