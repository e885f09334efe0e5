//! What runs say of themselves for pages (spec/invenio §10): which scopes are being aggregated or cached, and whether a scope was ever done.
//!
//! "Running" is believed only while the lease of the run is held, so that a dead run stops running within ten seconds.

use jiff::civil::Date;
use serde::Serialize;

use crate::{RepositoryError, TeamRepository, aggregate};

const REGISTRY: &str = "registry";
/// Scopes whose first calculation was begun or done.
const FIRST_RUN: &str = "first_run";
/// The last day up to which a whole run has seen a scope, whether or not it found anything.
const AGGREGATED: &str = "aggregated";

/// The three flags of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct PageFlags {
    pub agg_in_progress: bool,
    pub caching_in_progress: bool,
    /// Nothing about this scope was ever calculated to its end.
    pub first_run_incomplete: bool,
}

/// Name of the lease under which a team's answers are generated.
pub fn cache_lease_name(team: &tallykeep_model::TeamSlug) -> String {
    format!("community_stats_cache_generation:{team}")
}

impl TeamRepository {
    /// What a page of a scope (a community id or `global`) is told.
    pub async fn page_flags(&self, scope: &str) -> Result<PageFlags, RepositoryError> {
        let slug = &self.control.team().slug;
        Ok(PageFlags {
            agg_in_progress: self.runs(&aggregate::lease_name(slug), "aggregate", "agg", scope).await?,
            caching_in_progress: self.runs(&cache_lease_name(slug), "cache generate", "cache", scope).await?,
            first_run_incomplete: self.control.watermark(FIRST_RUN, scope).await?.as_deref() != Some("completed"),
        })
    }

    async fn runs(&self, lease: &str, doing: &str, list: &str, scope: &str) -> Result<bool, RepositoryError> {
        // Upkeep takes the lease of aggregation too, and is no calculation.
        let holder = self.control.control().lease_holder(lease).await?;
        if !holder.is_some_and(|holder| holder.what.starts_with(doing)) {
            return Ok(false);
        }
        let listed = self.control.watermark(REGISTRY, list).await?.unwrap_or_default();
        let scopes: Vec<String> = serde_json::from_str(&listed).unwrap_or_default();
        Ok(scopes.iter().any(|s| s == scope))
    }

    /// The caller holds the lease of aggregation.
    pub(crate) async fn aggregation_begins(&self, scopes: &[String]) -> Result<(), RepositoryError> {
        // A run that died between the lake and control changed numbers without saying so: nothing kept can be trusted.
        if self.control.watermark(REGISTRY, "in_flight").await?.is_some_and(|run| !run.is_empty()) {
            self.control.make_old(tallykeep_control::EVERY, tallykeep_control::EVERY).await?;
        }
        let known: Vec<String> =
            self.control.watermarks(FIRST_RUN).await?.into_iter().map(|(scope, _)| scope).collect();
        let fresh: Vec<(String, String)> =
            scopes.iter().filter(|s| !known.contains(s)).map(|s| (s.clone(), "in_progress".to_owned())).collect();
        self.control.set_watermarks(FIRST_RUN, &fresh).await?;
        let list = serde_json::to_string(scopes)?;
        Ok(self
            .control
            .set_watermarks(REGISTRY, &[("agg".to_owned(), list), ("in_flight".to_owned(), "run".to_owned())])
            .await?)
    }

    /// The run left nothing half done. `caught_up` has the scopes that were seen to the end, and up to which day.
    pub(crate) async fn aggregation_ends(&self, caught_up: Option<(&[String], Date)>) -> Result<(), RepositoryError> {
        if let Some((scopes, day)) = caught_up {
            let positions = |text: &str| scopes.iter().map(|s| (s.clone(), text.to_owned())).collect::<Vec<_>>();
            self.control.set_watermarks(AGGREGATED, &positions(&day.to_string())).await?;
            self.control.set_watermarks(FIRST_RUN, &positions("completed")).await?;
        }
        Ok(self
            .control
            .set_watermarks(REGISTRY, &[("agg".to_owned(), "[]".to_owned()), ("in_flight".to_owned(), String::new())])
            .await?)
    }

    /// The last day up to which a whole run has seen a scope.
    pub(crate) async fn seen_up_to(&self, scope: &str) -> Result<Option<Date>, RepositoryError> {
        Ok(self.control.watermark(AGGREGATED, scope).await?.and_then(|day| day.parse().ok()))
    }

    /// The caller holds the lease of cache generation.
    pub(crate) async fn caching_says(&self, scopes: &[String]) -> Result<(), RepositoryError> {
        Ok(self.control.set_watermark(REGISTRY, "cache", &serde_json::to_string(scopes)?).await?)
    }

    /// Every category of the current year of a scope is kept.
    pub(crate) async fn first_run_completed(&self, scope: &str) -> Result<(), RepositoryError> {
        if self.control.watermark(FIRST_RUN, scope).await?.as_deref() != Some("completed") {
            self.control.set_watermark(FIRST_RUN, scope, "completed").await?;
        }
        Ok(())
    }
}
