//! `collect_hn_evidence`, `update_duckdb_extension_downloads`, and evidence people enter themselves.

use jiff::{Timestamp, ToSpan};
use serde_json::json;
use tallykeep_control::packages::{Annotation, EvidenceRow};

use super::{JobError, Jobs, MetricOutcome, Report};
use crate::{
    collectors::{duckdb, hn},
    days::python_instant,
};

/// Evidence a person enters.
#[derive(Debug, Clone, Default, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ManualEvidence {
    pub title: String,
    pub url: String,
    pub snippet: String,
    /// When it was published; now when left out.
    pub occurred_at: Option<Timestamp>,
    pub related_metrics: Vec<String>,
    pub related_packages: Vec<String>,
    pub related_repos: Vec<String>,
    pub communities: Vec<String>,
    /// `weak`, `medium` or `strong`; medium when left out.
    pub evidence_strength: Option<String>,
    /// Where it was seen, e.g. a forum's name.
    pub source_name: Option<String>,
}

impl Jobs {
    pub async fn collect_hn_evidence(&self, lookback_days: i64) -> Result<Report, JobError> {
        if lookback_days <= 0 {
            return Err(JobError::Usage(format!("lookback_days is {lookback_days}; it must be above 0")));
        }
        let guard = self.writer("collect_hn_evidence").await?;
        let report = self.hn_held(lookback_days).await;
        guard.release().await?;
        report
    }

    async fn hn_held(&self, lookback_days: i64) -> Result<Report, JobError> {
        let mut run = self.start("collect_hn_evidence", None).await?;
        run.tried = 1;
        let until = self.clock.now();
        let from = until - (24 * lookback_days).hours();
        match hn::evidence(&self.asker, &self.config.evidence, from, until).await {
            Ok(items) => {
                let (inserted, updated) = self.store.write_evidence(&items).await?;
                (run.counts.inserted, run.counts.updated) = (inserted, updated);
                run.extra.insert("items".to_owned(), json!(items.len()));
            }
            Err(error) => {
                run.error(&self.say, "hackernews", &error.to_string());
                run.tried = 0;
            }
        }
        self.finish(run).await
    }

    pub async fn update_duckdb_extension_downloads(&self) -> Result<Report, JobError> {
        let guard = self.writer("update_duckdb_extension_downloads").await?;
        let report = self.duckdb_held().await;
        guard.release().await?;
        report
    }

    async fn duckdb_held(&self) -> Result<Report, JobError> {
        let mut run = self.start("update_duckdb_extension_downloads", None).await?;
        let (extension, first) = (self.config.duckdb.extension.clone(), self.config.duckdb.first_day);
        run.tried = 1;
        if extension.is_empty() {
            (self.say)("[update_duckdb_extension_downloads] no extension is configured ([duckdb] extension)");
        } else {
            let today = self.clock.today();
            match duckdb::weeks(&self.asker, &extension, first, today).await {
                Ok(weeks) => {
                    let months = duckdb::months(&weeks, &extension, first, today);
                    (run.counts.inserted, run.counts.updated) = self.store.write_duckdb_months(&months).await?;
                    run.extra.insert("weekly_rows".to_owned(), json!(weeks.len()));
                    run.metrics.push(MetricOutcome {
                        metric_id: format!("duckdb:{extension}"),
                        outcome: "ok".to_owned(),
                        days_written: months.len(),
                        ..MetricOutcome::default()
                    });
                }
                Err(error) => {
                    run.error(&self.say, &format!("duckdb:{extension}"), &error.to_string());
                    run.tried = 0;
                }
            }
        }
        self.finish(run).await
    }

    /// Stores evidence a person entered. Answers its id. Errors name the field.
    pub async fn add_evidence(&self, entry: ManualEvidence, by: &str) -> Result<String, JobError> {
        let fail = |text: &str| Err(JobError::Usage(text.to_owned()));
        if entry.title.trim().is_empty() {
            return fail("title: must not be empty");
        }
        if !entry.url.is_empty() && !entry.url.starts_with("https://") && !entry.url.starts_with("http://") {
            return fail("url: must start with http:// or https://");
        }
        let strength = entry.evidence_strength.as_deref().unwrap_or("medium");
        if !["weak", "medium", "strong"].contains(&strength) {
            return fail("evidence_strength: use weak, medium or strong");
        }
        let occurred_at = entry.occurred_at.unwrap_or_else(|| self.clock.now());
        let id = format!("manual:{}", uuid::Uuid::now_v7());
        let document = json!({
            "evidence_id": id, "source_type": "manual", "source_name": entry.source_name.as_deref().unwrap_or("Entered by hand"),
            "observed_at": python_instant(self.clock.now()), "occurred_at": python_instant(occurred_at),
            "title": entry.title.trim(), "url": entry.url, "snippet": hn::snippet(&entry.snippet), "matched_terms": [],
            "related_metrics": entry.related_metrics, "related_packages": entry.related_packages,
            "related_repos": entry.related_repos, "communities": entry.communities, "evidence_strength": strength,
            "raw_ref": json!({"entered_by": by}).to_string(),
        });
        let row = EvidenceRow { evidence_id: id.clone(), source_type: "manual".to_owned(), occurred_at, document };
        self.store.write_evidence(&[row]).await?;
        Ok(id)
    }
}

impl Jobs {
    /// Stores a note on charts under an id of its own. Errors name the field.
    pub async fn annotate(&self, note: Annotation) -> Result<Annotation, JobError> {
        let fail = |text: String| Err(JobError::Usage(text));
        if note.text.trim().is_empty() || note.text.chars().count() > 500 {
            return fail("text: must have 1 to 500 characters".to_owned());
        }
        if !note.url.is_empty() && !note.url.starts_with("https://") && !note.url.starts_with("http://") {
            return fail("url: must start with http:// or https://".to_owned());
        }
        if !note.product.is_empty() && !self.config.products.iter().any(|p| p.id == note.product) {
            return fail(format!("product: there is no product `{}`", note.product));
        }
        if !note.metric_id.is_empty() && !self.store.metrics().await?.iter().any(|m| m.metric_id == note.metric_id) {
            return fail(format!("metric_id: there is no metric `{}`", note.metric_id));
        }
        let note = Annotation { annotation_id: uuid::Uuid::now_v7().to_string(), created_at: self.clock.now(), ..note };
        self.store.write_annotation(&note).await?;
        Ok(note)
    }
}
