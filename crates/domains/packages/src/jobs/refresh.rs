//! `daily_refresh`: downloads, then stars, then what follows from them.

use indexmap::IndexMap;
use serde_json::json;
use tallykeep_control::packages::RunStatus;

use super::{
    JobError, Jobs, Report,
    downloads::{DownloadOptions, check_lookback},
    stars::StarOptions,
};

impl Jobs {
    /// Runs both sub-jobs under one turn of the writer; stars run although downloads had errors.
    pub async fn daily_refresh(
        &self,
        lookback_days: i64,
        accept_drops: bool,
        run_id: Option<String>,
    ) -> Result<Report, JobError> {
        check_lookback(lookback_days)?;
        let guard = self.writer("daily_refresh").await?;
        let shared = run_id.unwrap_or_else(|| self.run_id("daily_refresh"));
        let reports = self.both(&shared, lookback_days, accept_drops).await;
        guard.release().await?;
        let (downloads, stars) = reports?;
        let mut report = Report {
            job: "daily_refresh".to_owned(),
            run_id: shared,
            status: joined(downloads.status, stars.status),
            inserted: downloads.inserted + stars.inserted,
            updated: downloads.updated + stars.updated,
            unchanged: downloads.unchanged + stars.unchanged,
            errors: [downloads.errors.clone(), stars.errors.clone()].concat(),
            pending: [downloads.pending.clone(), stars.pending.clone()].concat(),
            gaps: [downloads.gaps.clone(), stars.gaps.clone()].concat(),
            metrics: [downloads.metrics.clone(), stars.metrics.clone()].concat(),
            extra: IndexMap::new(),
            parts: Vec::new(),
        };
        report.extra.insert("lookback_days".to_owned(), json!(lookback_days));
        report.parts = vec![downloads, stars];
        Ok(report)
    }

    async fn both(&self, shared: &str, lookback_days: i64, accept_drops: bool) -> Result<(Report, Report), JobError> {
        let run_id = |name: &str| Some(format!("{shared}:{name}"));
        let options = DownloadOptions { run_id: run_id("downloads"), lookback_days, reconcile: false };
        let downloads = self.downloads_held(options).await?;
        let options = StarOptions { run_id: run_id("stars"), lookback_days, accept_drops };
        let stars = self.stars_held(options).await?;
        Ok((downloads, stars))
    }
}

fn joined(one: RunStatus, two: RunStatus) -> RunStatus {
    match (one, two) {
        (RunStatus::Success, RunStatus::Success) => RunStatus::Success,
        (RunStatus::Failed, RunStatus::Failed) => RunStatus::Failed,
        _ => RunStatus::Partial,
    }
}
