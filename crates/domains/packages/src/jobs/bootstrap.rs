//! `bootstrap_tables`: a clean slate for metrics, observations and runs. Derived tables are not touched.

use indexmap::IndexMap;
use serde_json::json;
use tallykeep_control::packages::RunStatus;

use super::{JobError, Jobs, Report};

impl Jobs {
    /// Whether there is anything to lose.
    pub async fn is_empty(&self) -> Result<bool, JobError> {
        let (generation, _) = self.store.generation().await?;
        let nothing = generation == 0 || self.store.metrics_with_stats().await?.is_empty();
        Ok(nothing && self.store.history(1).await?.is_empty())
    }

    /// Drops and recreates. The caller made sure that is wanted.
    pub async fn bootstrap_tables(&self) -> Result<Report, JobError> {
        let guard = self.writer("bootstrap_tables").await?;
        let report = self.bootstrap_held().await;
        guard.release().await?;
        report
    }

    pub(crate) async fn bootstrap_held(&self) -> Result<Report, JobError> {
        self.store.drop_observations().await?;
        for table in ["metrics", "stats", "history"] {
            (self.say)(&format!("[bootstrap] table {table} recreated"));
        }
        let (inserted, updated) = self.sync_catalogue().await?;
        (self.say)(&format!("[bootstrap] metrics_inserted={inserted} metrics_updated={updated}"));
        Ok(Report {
            job: "bootstrap_tables".to_owned(),
            run_id: self.run_id("bootstrap_tables"),
            status: RunStatus::Success,
            inserted,
            updated,
            unchanged: 0,
            errors: Vec::new(),
            pending: Vec::new(),
            gaps: Vec::new(),
            metrics: Vec::new(),
            extra: IndexMap::from([
                ("metrics_inserted".to_owned(), json!(inserted)),
                ("metrics_updated".to_owned(), json!(updated)),
            ]),
            parts: Vec::new(),
        })
    }
}
