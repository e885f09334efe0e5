//! The report that arrives by itself: content and use of a community, or of all, in a month or week beside the one before.
//!
//! The figures are sums of the days the data series answer (`record_delta`, `usage_delta`, date basis `added`), and the state at the end of the
//! last day. What no rollup covers has no figure.

use jiff::civil::Date;
use tallykeep_reports::{Document, Figure, Section, Span};

use crate::{
    RepositoryError, TeamRepository,
    aggregate::Aggregator,
    documents::Community,
    read::{Category, Params, Query},
    state::Basis,
};

/// Values of a breakdown named in a report, at most.
const TOP: usize = 5;

/// What is known of a scope in a span.
struct Known {
    records: bool,
    usage: bool,
}

impl TeamRepository {
    /// The document of a span for a community, or for everything.
    pub async fn periodic(
        &self,
        report: &str,
        community: Option<&Community>,
        span: &Span,
    ) -> Result<Document, RepositoryError> {
        let scope = community.map_or("global", |community| community.id.as_str());
        let before = span.before();
        let mut remarks = Vec::new();
        let known = self.known(scope, span, &mut remarks).await?;
        let known_before = self.known(scope, &before, &mut Vec::new()).await?;
        let added = self
            .pair(scope, "record_delta_data_added", "global", (span, known.records), (&before, known_before.records))
            .await?;
        let removed = self
            .pair(scope, "record_delta_data_removed", "global", (span, known.records), (&before, known_before.records))
            .await?;
        let usage =
            self.pair(scope, "usage_delta", "global", (span, known.usage), (&before, known_before.usage)).await?;
        let types = self
            .pair(scope, "usage_delta", "resource_types", (span, known.usage), (&before, known_before.usage))
            .await?;
        let at_end = (
            self.records_at(scope, span.last, known.records).await?,
            self.records_at(scope, before.last, known_before.records).await?,
        );
        let mut sections = vec![
            Section {
                title: "Content".to_owned(),
                figures: vec![
                    Figure::count("Records at the end", at_end.0, at_end.1),
                    Figure::count("Records added", added.now("records"), added.before("records")),
                    Figure::count("Records removed", removed.now("records"), removed.before("records")),
                    Figure::count("Files added", added.now("file_count"), added.before("file_count")),
                    Figure::bytes("Data added", added.now("data_volume"), added.before("data_volume")),
                ],
            },
            Section {
                title: "Use".to_owned(),
                figures: vec![
                    Figure::count("Views", usage.now("views"), usage.before("views")),
                    Figure::count("Downloads", usage.now("downloads"), usage.before("downloads")),
                    Figure::bytes("Data downloaded", usage.now("data_volume"), usage.before("data_volume")),
                ],
            },
        ];
        for (title, metric) in [("Views by resource type", "views"), ("Downloads by resource type", "downloads")] {
            let figures = types.top(metric);
            if !figures.is_empty() {
                sections.push(Section { title: title.to_owned(), figures });
            }
        }
        Ok(Document {
            report: report.to_owned(),
            scope: community.map_or_else(String::new, |community| community.id.clone()),
            slug: community.map_or_else(String::new, |community| community.slug.clone()),
            title: match community {
                Some(community) => format!("Statistics of {}", community.title),
                None => "Statistics of the repository".to_owned(),
            },
            about: "Views and downloads without robots; days are UTC days.".to_owned(),
            period: *span,
            before,
            sections,
            remarks,
            link: None,
        })
    }

    /// Whether rollups cover a span, wholly or in part; what is missing of it is told.
    async fn known(&self, scope: &str, span: &Span, remarks: &mut Vec<String>) -> Result<Known, RepositoryError> {
        let mut known = [false, false];
        for (place, (what, aggregator)) in
            [("Content", Aggregator::RecordDelta(Basis::Added)), ("Use", Aggregator::UsageDelta)]
                .into_iter()
                .enumerate()
        {
            let coverage = self.control().coverage_of(aggregator.name(), scope).await?;
            let Some(coverage) = coverage.filter(|c| c.first_day <= span.last && c.last_day >= span.first) else {
                remarks.push(format!("{what}: nothing is counted for these days yet"));
                continue;
            };
            known[place] = true;
            if coverage.first_day > span.first {
                remarks.push(format!("{what}: counted from {} on", coverage.first_day));
            }
            let complete = coverage.provisional_from.yesterday().unwrap_or(coverage.last_day).min(coverage.last_day);
            if complete < span.last {
                remarks.push(format!("{what}: complete until {complete}; later days may still change"));
            }
        }
        Ok(Known { records: known[0], usage: known[1] })
    }

    /// A breakdown in a span and in the one before; nothing where nothing is known.
    async fn pair(
        &self,
        scope: &str,
        query: &str,
        category: &str,
        (span, is_known): (&Span, bool),
        (before, was_known): (&Span, bool),
    ) -> Result<Pair, RepositoryError> {
        Ok(Pair {
            now: if is_known { self.sums(scope, query, category, span).await? } else { None },
            before: if was_known { self.sums(scope, query, category, before).await? } else { None },
        })
    }

    async fn sums(
        &self,
        scope: &str,
        query: &str,
        category: &str,
        span: &Span,
    ) -> Result<Option<Category>, RepositoryError> {
        // A breakdown may be configured away: then it has no part in the report.
        let is_there =
            category == "global" || self.settings().subcounts.iter().any(|s| s.name == category && s.usage.is_some());
        let Some(query) = Query::find(query).filter(|_| is_there) else { return Ok(None) };
        let params = Params {
            community_id: Some(scope.to_owned()),
            start: Some(span.first),
            end: Some(span.last),
            category: Some(category.to_owned()),
            ..Params::default()
        };
        Ok(self.query(query, &params).await?.categories.into_iter().next())
    }

    async fn records_at(&self, scope: &str, day: Date, is_known: bool) -> Result<Option<i64>, RepositoryError> {
        let Some(query) = Query::find("record-snapshot-series").filter(|_| is_known) else { return Ok(None) };
        let coverage = self.control().coverage_of(Aggregator::RecordSnapshot(Basis::Added).name(), scope).await?;
        let Some(day) = coverage.map(|coverage| coverage.last_day.min(day)) else { return Ok(None) };
        let params = Params {
            community_id: Some(scope.to_owned()),
            start: Some(day),
            end: Some(day),
            metric: Some("records".to_owned()),
            ..Params::default()
        };
        let answer = self.query(query, &params).await?;
        let series = answer.categories.first().and_then(|c| c.metrics.first()).and_then(|m| m.1.first());
        Ok(series.and_then(|series| series.points.last()).map(|point| point.1))
    }
}

/// A breakdown now and before.
struct Pair {
    now: Option<Category>,
    before: Option<Category>,
}

impl Pair {
    fn now(&self, metric: &str) -> Option<i64> {
        total(self.now.as_ref()?, metric)
    }

    fn before(&self, metric: &str) -> Option<i64> {
        total(self.before.as_ref()?, metric)
    }

    /// The largest values of a metric, beside what they were.
    fn top(&self, metric: &str) -> Vec<Figure> {
        let Some(now) = &self.now else { return Vec::new() };
        let mut values = values(now, metric);
        values.retain(|(_, _, value)| *value > 0);
        values.sort_by(|a, b| b.2.cmp(&a.2).then_with(|| a.0.cmp(&b.0)));
        let before = self.before.as_ref().map(|category| self::values(category, metric));
        let was = |id: &str| {
            before.as_ref().map(|list| list.iter().find(|(known, _, _)| known == id).map_or(0, |(_, _, value)| *value))
        };
        values.into_iter().take(TOP).map(|(id, name, value)| Figure::count(name, Some(value), was(&id))).collect()
    }
}

/// The sum over a metric's days and values. A known day without an event is zero.
fn total(category: &Category, metric: &str) -> Option<i64> {
    let (_, series) = category.metrics.iter().find(|(name, _)| *name == metric)?;
    Some(series.iter().flat_map(|series| &series.points).map(|point| point.1).sum())
}

/// (id, name, sum) of each value.
fn values(category: &Category, metric: &str) -> Vec<(String, String, i64)> {
    let list =
        category.metrics.iter().find(|(name, _)| *name == metric).map_or(&[][..], |(_, series)| series.as_slice());
    list.iter()
        .map(|series| {
            let sum = series.points.iter().map(|point| point.1).sum();
            (series.id.clone(), series.name.text().to_owned(), sum)
        })
        .collect()
}
