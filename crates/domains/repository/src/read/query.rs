//! The queries of spec/invenio §6: names, parameters, results.

use std::collections::HashMap;

use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};

use super::{
    Components,
    frame::{Frame, Labels},
    series::{Category, Side, Wanted, categories},
    write,
};
use crate::{
    RepositoryError, Settings, TeamRepository,
    aggregate::{Aggregator, record_deltas},
    dates::{instant, utc_day},
    documents::Community,
    state::Basis,
    tables::USAGE_FAMILY,
};

/// What a query answers with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SeriesKind {
    RecordDelta,
    RecordSnapshot,
    UsageDelta,
    UsageSnapshot,
}

impl SeriesKind {
    pub fn is_records(self) -> bool {
        matches!(self, Self::RecordDelta | Self::RecordSnapshot)
    }

    pub fn is_snapshot(self) -> bool {
        matches!(self, Self::RecordSnapshot | Self::UsageSnapshot)
    }

    /// The aggregator whose rows it reads.
    pub fn aggregator(self, basis: Basis) -> Aggregator {
        match self {
            Self::RecordDelta => Aggregator::RecordDelta(basis),
            Self::RecordSnapshot => Aggregator::RecordSnapshot(basis),
            Self::UsageDelta => Aggregator::UsageDelta,
            Self::UsageSnapshot => Aggregator::UsageSnapshot,
        }
    }
}

/// The shape of a query's result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape {
    /// Documents of one aggregator; `None` takes the basis from the parameters.
    Documents(Aggregator),
    /// All document families of one basis, or of all.
    Combined,
    /// True distinct visitors over the whole range.
    Distinct,
    /// One metric: an array of series.
    Series(SeriesKind),
    /// All series by category and metric.
    Category(SeriesKind, Side, &'static [&'static str]),
}

/// A query by name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Query {
    pub name: &'static str,
    pub shape: Shape,
}

const VIEWS: &[&str] = &["views", "view_visitors", "view_unique_records", "view_unique_parents"];
const DOWNLOADS: &[&str] = &[
    "downloads",
    "download_visitors",
    "download_unique_files",
    "download_unique_records",
    "download_unique_parents",
    "data_volume",
];

const QUERIES: &[(&str, Shape)] = &[
    ("community-record-delta-created", Shape::Documents(Aggregator::RecordDelta(Basis::Created))),
    ("community-record-delta-published", Shape::Documents(Aggregator::RecordDelta(Basis::Published))),
    ("community-record-delta-added", Shape::Documents(Aggregator::RecordDelta(Basis::Added))),
    ("community-record-snapshot-created", Shape::Documents(Aggregator::RecordSnapshot(Basis::Created))),
    ("community-record-snapshot-published", Shape::Documents(Aggregator::RecordSnapshot(Basis::Published))),
    ("community-record-snapshot-added", Shape::Documents(Aggregator::RecordSnapshot(Basis::Added))),
    ("community-usage-delta", Shape::Documents(Aggregator::UsageDelta)),
    ("community-usage-snapshot", Shape::Documents(Aggregator::UsageSnapshot)),
    ("community-stats", Shape::Combined),
    ("global-stats", Shape::Combined),
    ("community-usage-distinct", Shape::Distinct),
    ("usage-snapshot-series", Shape::Series(SeriesKind::UsageSnapshot)),
    ("usage-delta-series", Shape::Series(SeriesKind::UsageDelta)),
    ("record-snapshot-series", Shape::Series(SeriesKind::RecordSnapshot)),
    ("record-delta-series", Shape::Series(SeriesKind::RecordDelta)),
    ("usage-snapshot-category", Shape::Category(SeriesKind::UsageSnapshot, Side::Net, &[])),
    ("usage-delta-category", Shape::Category(SeriesKind::UsageDelta, Side::Net, &[])),
    ("record-snapshot-category", Shape::Category(SeriesKind::RecordSnapshot, Side::Net, &[])),
    ("record-delta-category", Shape::Category(SeriesKind::RecordDelta, Side::Net, &[])),
    // Names of seed 004.
    ("record_delta", Shape::Category(SeriesKind::RecordDelta, Side::Net, &[])),
    ("record_snapshot", Shape::Category(SeriesKind::RecordSnapshot, Side::Net, &[])),
    ("usage_delta", Shape::Category(SeriesKind::UsageDelta, Side::Net, &[])),
    ("usage_snapshot", Shape::Category(SeriesKind::UsageSnapshot, Side::Net, &[])),
    ("record_delta_data_added", Shape::Category(SeriesKind::RecordDelta, Side::Added, &[])),
    ("record_delta_data_removed", Shape::Category(SeriesKind::RecordDelta, Side::Removed, &[])),
    ("usage_delta_data_views", Shape::Category(SeriesKind::UsageDelta, Side::Net, VIEWS)),
    ("usage_delta_data_downloads", Shape::Category(SeriesKind::UsageDelta, Side::Net, DOWNLOADS)),
];

impl Query {
    pub fn find(name: &str) -> Option<Self> {
        QUERIES.iter().find(|q| q.0 == name).map(|q| Self { name: q.0, shape: q.1 })
    }

    pub fn names() -> impl Iterator<Item = &'static str> {
        QUERIES.iter().map(|q| q.0)
    }
}

/// Why a request's parameters cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum QueryError {
    #[error("Unknown parameter in request body for query {query}: {name}")]
    UnknownParameter { query: String, name: String },
    #[error("{name}: {reason}")]
    Parameter { name: &'static str, reason: String },
}

/// Parameters of a query.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Params {
    pub community_id: Option<String>,
    pub start: Option<Date>,
    pub end: Option<Date>,
    /// `None`: `added`.
    pub basis: Option<Basis>,
    pub all_bases: bool,
    pub category: Option<String>,
    pub metric: Option<String>,
    pub subcount_id: Option<String>,
    /// Only the metrics that the components of the scope's page layout show.
    pub optimize: bool,
    /// Numbers as they were known at the end of this day.
    pub known_on: Option<Date>,
}

impl Params {
    /// Reads parameters, all of which must be known. Dates may be full instants (the seed's own client sends these).
    pub fn from_json(query: &str, value: &Value) -> Result<Self, QueryError> {
        let mut params = Self::default();
        let empty = serde_json::Map::new();
        let map = match value {
            Value::Null => &empty,
            Value::Object(map) => map,
            _ => return Err(QueryError::Parameter { name: "params", reason: "must be an object".to_owned() }),
        };
        for (name, value) in map {
            match name.as_str() {
                "community_id" => params.community_id = text("community_id", value)?,
                "start_date" => params.start = date("start_date", value)?,
                "end_date" => params.end = date("end_date", value)?,
                "as_known_on" => params.known_on = date("as_known_on", value)?,
                "category" => params.category = text("category", value)?.map(|c| write::snake(&c)),
                "metric" => params.metric = text("metric", value)?.map(|m| write::snake(&m)),
                "subcount_id" => params.subcount_id = text("subcount_id", value)?,
                "date_basis" => match text("date_basis", value)?.as_deref() {
                    None | Some("added") => params.basis = Some(Basis::Added),
                    Some("created") => params.basis = Some(Basis::Created),
                    Some("published") => params.basis = Some(Basis::Published),
                    Some("all") => params.all_bases = true,
                    Some(other) => {
                        let reason = format!("`{other}` is none of added, created, published");
                        return Err(QueryError::Parameter { name: "date_basis", reason });
                    }
                },
                "optimize" => match value {
                    Value::Bool(flag) => params.optimize = *flag,
                    Value::Null => {}
                    other => {
                        return Err(QueryError::Parameter {
                            name: "optimize",
                            reason: format!("{other} is not true or false"),
                        });
                    }
                },
                other => return Err(QueryError::UnknownParameter { query: query.to_owned(), name: other.to_owned() }),
            }
        }
        if let (Some(start), Some(end)) = (params.start, params.end)
            && end < start
        {
            return Err(QueryError::Parameter {
                name: "end_date",
                reason: format!("{end} is before start_date {start}"),
            });
        }
        Ok(params)
    }
}

fn text(name: &'static str, value: &Value) -> Result<Option<String>, QueryError> {
    match value {
        Value::Null => Ok(None),
        Value::String(text) => Ok((!text.is_empty()).then(|| text.clone())),
        other => Err(QueryError::Parameter { name, reason: format!("{other} is not a text") }),
    }
}

fn date(name: &'static str, value: &Value) -> Result<Option<Date>, QueryError> {
    let Some(text) = text(name, value)? else { return Ok(None) };
    match instant(&text) {
        Some(at) => Ok(Some(utc_day(at))),
        None => Err(QueryError::Parameter { name, reason: format!("`{text}` is not a date that exists (YYYY-MM-DD)") }),
    }
}

/// A query's result: JSON text, and the series behind it where it is made of series.
#[derive(Debug, Clone)]
pub struct Answer {
    pub json: Vec<u8>,
    pub categories: Vec<Category>,
}

impl TeamRepository {
    /// Answers a query.
    ///
    /// Errors: `UnknownCommunity`; `NoResults` for document queries that find nothing; `BadRequest` for a category or metric the set
    /// does not have. Series queries never fail on no data: they answer the whole skeleton with empty arrays.
    pub async fn query(&self, query: Query, params: &Params) -> Result<Answer, RepositoryError> {
        let name = params.community_id.as_deref().unwrap_or("global");
        let community = self.community(name).await?;
        let scope = community.as_ref().map_or_else(|| "global".to_owned(), |c| c.id.clone());
        let needed = self.needed_components(params, community.as_ref()).await?;
        let known_on = params.known_on;
        let basis = params.basis.unwrap_or(Basis::Added);
        let days = (params.start, params.end);
        match query.shape {
            Shape::Documents(aggregator) => {
                let documents = self.documents_known_on(aggregator, &scope, days, known_on).await?;
                if documents.is_empty() {
                    return Err(no_results(name, params));
                }
                Ok(Answer { json: serde_json::to_vec(&documents)?, categories: Vec::new() })
            }
            Shape::Combined => {
                let bases: &[Basis] = if params.all_bases { &Basis::ALL } else { std::slice::from_ref(&basis) };
                let mut result = serde_json::Map::new();
                for basis in bases {
                    let deltas =
                        self.documents_known_on(Aggregator::RecordDelta(*basis), &scope, days, known_on).await?;
                    let snapshots =
                        self.documents_known_on(Aggregator::RecordSnapshot(*basis), &scope, days, known_on).await?;
                    result.insert(format!("record_deltas_{}", basis.as_str()), json!(deltas));
                    result.insert(format!("record_snapshots_{}", basis.as_str()), json!(snapshots));
                }
                result.insert(
                    "usage_deltas".to_owned(),
                    json!(self.documents_known_on(Aggregator::UsageDelta, &scope, days, known_on).await?),
                );
                result.insert(
                    "usage_snapshots".to_owned(),
                    json!(self.documents_known_on(Aggregator::UsageSnapshot, &scope, days, known_on).await?),
                );
                if result.values().all(|list| list.as_array().is_none_or(Vec::is_empty)) {
                    return Err(no_results(name, params));
                }
                Ok(Answer { json: serde_json::to_vec(&result)?, categories: Vec::new() })
            }
            Shape::Distinct => {
                let known_today = known_on.is_none_or(|day| day >= self.control.clock().today());
                if !known_today {
                    let reason = "sets of visitors are kept as they are now; they have no ledger";
                    return Err(RepositoryError::BadRequest(format!("as_known_on: {reason}")));
                }
                let found = self.distinct_visitors(&scope, days).await?.ok_or_else(|| no_results(name, params))?;
                Ok(Answer { json: serde_json::to_vec(&found)?, categories: Vec::new() })
            }
            Shape::Series(kind) => {
                let metric = params
                    .metric
                    .clone()
                    .unwrap_or_else(|| if kind.is_records() { "records" } else { "views" }.to_owned());
                let category = params.category.clone().unwrap_or_else(|| "global".to_owned());
                let wanted = Wanted {
                    kind,
                    side: Side::Net,
                    metrics: vec![metric],
                    category: Some(category),
                    subcount_id: params.subcount_id.clone(),
                    needed: None,
                };
                self.series(&scope, basis, (days, known_on), wanted, true).await
            }
            Shape::Category(kind, side, metrics) => {
                let metrics = metrics.iter().map(|m| (*m).to_owned()).collect();
                let category = params.category.clone();
                let wanted = Wanted { kind, side, metrics, category, subcount_id: None, needed };
                self.series(&scope, basis, (days, known_on), wanted, false).await
            }
        }
    }

    async fn series(
        &self,
        scope: &str,
        basis: Basis,
        (days, known_on): ((Option<Date>, Option<Date>), Option<Date>),
        wanted: Wanted,
        one_metric: bool,
    ) -> Result<Answer, RepositoryError> {
        let frame = self.frame_of(wanted.kind, basis, scope, days, known_on).await?;
        let (settings, as_of) = (self.settings.clone(), self.control.clock().now());
        // A year of a busy scope takes longer than a worker of the server may be held.
        let made = tokio::task::spawn_blocking(move || answer(&frame, &settings, &wanted, one_metric, as_of));
        made.await.map_err(|e| RepositoryError::Worker(e.to_string()))?
    }

    /// The rows that series of a kind are made of.
    pub(crate) async fn frame_of(
        &self,
        kind: SeriesKind,
        basis: Basis,
        scope: &str,
        days: (Option<Date>, Option<Date>),
        known_on: Option<Date>,
    ) -> Result<super::frame::Frame, RepositoryError> {
        let family = if kind.is_records() { record_deltas::family(basis) } else { &USAGE_FAMILY };
        self.frame(kind.aggregator(basis), family, scope, days, known_on).await
    }

    /// The JSON text of a whole category from rows read before.
    pub(crate) fn category_json(
        &self,
        frame: &super::frame::Frame,
        query: Query,
        as_of: Timestamp,
    ) -> Result<Vec<u8>, RepositoryError> {
        let Shape::Category(kind, side, metrics) = query.shape else {
            return Err(RepositoryError::BadRequest(format!("{} is no category", query.name)));
        };
        let metrics = metrics.iter().map(|m| (*m).to_owned()).collect();
        let wanted = Wanted { kind, side, metrics, category: None, subcount_id: None, needed: None };
        let built = categories(frame, &self.settings, &wanted);
        let mut json = Vec::new();
        write::categories(&mut json, &built, frame.coverage.as_ref(), as_of)
            .map_err(|e| RepositoryError::Worker(e.to_string()))?;
        Ok(json)
    }

    /// What a cut-down answer is cut down to; `None` for one with everything.
    pub(crate) async fn needed_components(
        &self,
        params: &Params,
        community: Option<&Community>,
    ) -> Result<Option<Components>, RepositoryError> {
        if !params.optimize || !self.settings.optimize {
            return Ok(None);
        }
        let settings = &self.settings;
        let nothing_set = settings.layout.is_none()
            && settings.custom_components == Default::default()
            && community.is_none_or(|c| c.dashboard_layout.is_none());
        if nothing_set && self.control.layouts().await?.is_empty() {
            return Ok(Some(Components::of_default_layout()));
        }
        let layout = self.layout(community).await?;
        Ok(Some(Components::of_layout(&layout, &settings.custom_components)))
    }

    /// Labels of all values, cached until they change.
    pub(crate) async fn labels(&self) -> Result<std::sync::Arc<Labels>, RepositoryError> {
        let version = self.control.watermark("labels", "all").await?.unwrap_or_default();
        let key = self.control.team().id;
        if let Some((known, labels)) = self.label_cache.get(key)
            && known == version
        {
            return Ok(labels);
        }
        let mut labels: Labels = HashMap::new();
        for (dimension, value, label) in self.control.labels().await? {
            labels.entry(dimension).or_default().insert(value, serde_json::from_str(&label)?);
        }
        let labels = std::sync::Arc::new(labels);
        self.label_cache.put(key, version, labels.clone());
        Ok(labels)
    }
}

fn answer(
    frame: &Frame,
    settings: &Settings,
    wanted: &Wanted,
    one_metric: bool,
    as_of: Timestamp,
) -> Result<Answer, RepositoryError> {
    let built = categories(frame, settings, wanted);
    let mut json = Vec::new();
    let broken = |e: std::io::Error| RepositoryError::Worker(e.to_string());
    if one_metric {
        let list = built.first().and_then(|c| c.metrics.first());
        let Some((_, list)) = list else {
            let category = wanted.category.as_deref().unwrap_or("global");
            let metric = wanted.metrics.first().map_or("", String::as_str);
            let reason = format!("no series of metric `{metric}` in category `{category}`");
            return Err(RepositoryError::BadRequest(reason));
        };
        write::series_list(&mut json, list, frame.coverage.as_ref(), as_of).map_err(broken)?;
    } else {
        if let (Some(category), true) = (&wanted.category, built.is_empty()) {
            return Err(RepositoryError::BadRequest(format!("no category `{category}` in this query")));
        }
        write::categories(&mut json, &built, frame.coverage.as_ref(), as_of).map_err(broken)?;
    }
    Ok(Answer { json, categories: built })
}

fn no_results(name: &str, params: &Params) -> RepositoryError {
    let text = |day: Option<Date>, open: &str| day.map_or_else(|| open.to_owned(), |d| d.to_string());
    RepositoryError::NoResults {
        community: name.to_owned(),
        start: text(params.start, "the beginning"),
        end: text(params.end, "today"),
    }
}
