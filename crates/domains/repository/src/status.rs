//! How complete the aggregations are (spec/invenio §15 `status`).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde::Serialize;

use crate::{RepositoryError, TeamRepository, aggregate::Aggregator};

#[derive(Debug, Clone, Serialize)]
pub struct AggregationStatus {
    pub bookmark_date: Option<String>,
    pub index_exists: bool,
    pub document_count: i64,
    pub first_document_date: Option<Date>,
    pub last_document_date: Option<Date>,
    pub days_since_last_document: Option<i32>,
    pub error: Option<String>,
    /// Share of the days from the first document to today that have a document, 0 to 1.
    pub completeness: f64,
}

#[derive(Debug, Clone, Serialize)]
pub struct CommunityStatus {
    pub community_id: String,
    pub community_slug: String,
    /// By aggregation name, in the order the aggregators are listed.
    pub aggregations: BTreeMap<String, AggregationStatus>,
}

impl TeamRepository {
    /// The status of the named communities (ids or slugs), else of all and `global`.
    ///
    /// Errors: `UnknownCommunity`.
    pub async fn status(&self, names: &[String]) -> Result<Vec<CommunityStatus>, RepositoryError> {
        let communities = self.communities().await?;
        let mut wanted: Vec<(String, String)> = Vec::new();
        if names.is_empty() {
            wanted.extend(communities.iter().map(|c| (c.id.clone(), c.slug.clone())));
            wanted.push(("global".to_owned(), "global".to_owned()));
        }
        for name in names {
            let found =
                communities.iter().find(|c| c.id == *name).or_else(|| communities.iter().find(|c| c.slug == *name));
            match found {
                Some(c) => wanted.push((c.id.clone(), c.slug.clone())),
                None if name == "global" => wanted.push((name.clone(), name.clone())),
                None => return Err(RepositoryError::UnknownCommunity(name.clone())),
            }
        }
        let today = self.control.clock().today();
        let mut statuses: Vec<CommunityStatus> = wanted
            .into_iter()
            .map(|(community_id, community_slug)| CommunityStatus {
                community_id,
                community_slug,
                aggregations: BTreeMap::new(),
            })
            .collect();
        for aggregator in Aggregator::ALL {
            let covered: BTreeMap<String, _> =
                self.control.coverage(aggregator.name()).await?.into_iter().map(|c| (c.scope.clone(), c)).collect();
            let bookmarks: BTreeMap<String, String> =
                self.control.watermarks(aggregator.name()).await?.into_iter().collect();
            for status in &mut statuses {
                let coverage = covered.get(&status.community_id);
                let count = coverage.map_or(0, |c| i64::from((c.last_day - c.first_day).get_days()) + 1);
                let span = coverage.map_or(1, |c| i64::from((today.max(c.last_day) - c.first_day).get_days()) + 1);
                #[expect(clippy::cast_precision_loss, reason = "days")]
                let completeness = count as f64 / span as f64;
                status.aggregations.insert(
                    aggregator.name().to_owned(),
                    AggregationStatus {
                        bookmark_date: bookmarks.get(&status.community_id).cloned(),
                        index_exists: !covered.is_empty(),
                        document_count: count,
                        first_document_date: coverage.map(|c| c.first_day),
                        last_document_date: coverage.map(|c| c.last_day),
                        days_since_last_document: coverage.map(|c| (today - c.last_day).get_days().max(0)),
                        error: None,
                        completeness,
                    },
                );
            }
        }
        Ok(statuses)
    }
}
