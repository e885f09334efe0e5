//! What stands beside the numbers: evidence, installs of a DuckDB extension, notes on charts.

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{
    PackagesStore, blocks,
    derived::{DatedColumns, dated},
};
use crate::{ControlError, from_micros, micros};

#[derive(Debug, Clone, PartialEq)]
pub struct EvidenceRow {
    pub evidence_id: String,
    pub source_type: String,
    pub occurred_at: Timestamp,
    pub document: Value,
}

/// Installs of one DuckDB extension in one month, as the two extension hosts report them by week.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DuckdbMonth {
    pub extension: String,
    pub month_start: Date,
    pub month_label: String,
    pub core_downloads: i64,
    pub community_downloads: i64,
    pub total_downloads: i64,
    pub is_partial_month: bool,
    pub latest_source_update_at: Timestamp,
    pub weeks_present: i64,
    pub weeks_expected: i64,
}

/// A note on charts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Annotation {
    pub annotation_id: String,
    pub day: Date,
    pub text: String,
    pub url: String,
    pub kind: String,
    pub product: String,
    pub metric_id: String,
    pub author: String,
    pub created_at: Timestamp,
}

type DuckdbColumns = (String, String, String, i64, i64, i64, i64, i64, i64, i64);
type AnnotationColumns = (String, String, String, String, String, String, String, String, i64);

impl PackagesStore {
    /// Upserts evidence by id. Answers (inserted, updated); equal items count as neither.
    pub async fn write_evidence(&self, items: &[EvidenceRow]) -> Result<(u64, u64), ControlError> {
        let (mut inserted, mut updated) = (0, 0);
        let mut transaction = self.pool().begin().await?;
        super::bump(&mut transaction, self.id()).await?;
        for item in items {
            let known: Option<(String,)> =
                sqlx::query_as("select document from packages_evidence where team_id = $1 and evidence_id = $2")
                    .bind(self.id())
                    .bind(&item.evidence_id)
                    .fetch_optional(&mut *transaction)
                    .await?;
            let document = item.document.to_string();
            match known {
                None => inserted += 1,
                Some((old,)) if same_but_observed(&old, &item.document)? => continue,
                Some(_) => updated += 1,
            }
            sqlx::query(
                "insert into packages_evidence (team_id, evidence_id, source_type, occurred_at, document)
                 values ($1, $2, $3, $4, $5)
                 on conflict (team_id, evidence_id) do update set source_type = excluded.source_type,
                     occurred_at = excluded.occurred_at, document = excluded.document",
            )
            .bind(self.id())
            .bind(&item.evidence_id)
            .bind(&item.source_type)
            .bind(micros(item.occurred_at))
            .bind(document)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok((inserted, updated))
    }

    /// Evidence with occurred_at ≥ `since`, newest first.
    pub async fn evidence(&self, since: Timestamp, limit: i64) -> Result<Vec<EvidenceRow>, ControlError> {
        let rows: Vec<DatedColumns> = sqlx::query_as(
            "select evidence_id, source_type, occurred_at, document from packages_evidence
             where team_id = $1 and occurred_at >= $2 order by occurred_at desc, evidence_id limit $3",
        )
        .bind(self.id())
        .bind(micros(since))
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        let dated = rows.into_iter().map(dated);
        dated
            .map(|row| {
                let (evidence_id, source_type, occurred_at, document) = row?;
                Ok(EvidenceRow { evidence_id, source_type, occurred_at, document })
            })
            .collect()
    }

    pub async fn delete_evidence(&self, id: &str) -> Result<bool, ControlError> {
        self.delete("delete from packages_evidence where team_id = $1 and evidence_id = $2", id).await
    }

    /// Upserts months. Answers (inserted, updated); equal months count as neither.
    pub async fn write_duckdb_months(&self, months: &[DuckdbMonth]) -> Result<(u64, u64), ControlError> {
        let known = self.duckdb_months().await?;
        let (mut inserted, mut updated) = (0, 0);
        for month in months {
            match known.iter().find(|k| k.extension == month.extension && k.month_start == month.month_start) {
                None => inserted += 1,
                Some(old) if old == month => continue,
                Some(_) => updated += 1,
            }
            sqlx::query(
                "insert into packages_duckdb_month (team_id, extension, month_start, month_label, core_downloads,
                     community_downloads, total_downloads, is_partial_month, latest_source_update_at, weeks_present, weeks_expected)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
                 on conflict (team_id, extension, month_start) do update set month_label = excluded.month_label,
                     core_downloads = excluded.core_downloads, community_downloads = excluded.community_downloads,
                     total_downloads = excluded.total_downloads, is_partial_month = excluded.is_partial_month,
                     latest_source_update_at = excluded.latest_source_update_at, weeks_present = excluded.weeks_present,
                     weeks_expected = excluded.weeks_expected",
            )
            .bind(self.id())
            .bind(&month.extension)
            .bind(month.month_start.to_string())
            .bind(&month.month_label)
            .bind(month.core_downloads)
            .bind(month.community_downloads)
            .bind(month.total_downloads)
            .bind(i64::from(month.is_partial_month))
            .bind(micros(month.latest_source_update_at))
            .bind(month.weeks_present)
            .bind(month.weeks_expected)
            .execute(self.pool())
            .await?;
        }
        self.moved().await?;
        Ok((inserted, updated))
    }

    /// DuckDB months, oldest first, by extension.
    pub async fn duckdb_months(&self) -> Result<Vec<DuckdbMonth>, ControlError> {
        let rows: Vec<DuckdbColumns> = sqlx::query_as(
            "select extension, month_start, month_label, core_downloads, community_downloads, total_downloads,
                 is_partial_month, latest_source_update_at, weeks_present, weeks_expected
             from packages_duckdb_month where team_id = $1 order by month_start, extension",
        )
        .bind(self.id())
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|r| {
                Ok(DuckdbMonth {
                    extension: r.0,
                    month_start: blocks::day(&r.1)?,
                    month_label: r.2,
                    core_downloads: r.3,
                    community_downloads: r.4,
                    total_downloads: r.5,
                    is_partial_month: r.6 != 0,
                    latest_source_update_at: from_micros(r.7)?,
                    weeks_present: r.8,
                    weeks_expected: r.9,
                })
            })
            .collect()
    }

    pub async fn write_annotation(&self, note: &Annotation) -> Result<(), ControlError> {
        sqlx::query(
            "insert into packages_annotation (team_id, annotation_id, day, text, url, kind, product, metric_id, author, created_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             on conflict (team_id, annotation_id) do update set day = excluded.day, text = excluded.text, url = excluded.url,
                 kind = excluded.kind, product = excluded.product, metric_id = excluded.metric_id, author = excluded.author",
        )
        .bind(self.id())
        .bind(&note.annotation_id)
        .bind(note.day.to_string())
        .bind(&note.text)
        .bind(&note.url)
        .bind(&note.kind)
        .bind(&note.product)
        .bind(&note.metric_id)
        .bind(&note.author)
        .bind(micros(note.created_at))
        .execute(self.pool())
        .await?;
        self.moved().await?;
        Ok(())
    }

    /// Every annotation, oldest day first.
    pub async fn annotations(&self) -> Result<Vec<Annotation>, ControlError> {
        let rows: Vec<AnnotationColumns> = sqlx::query_as(
            "select annotation_id, day, text, url, kind, product, metric_id, author, created_at
             from packages_annotation where team_id = $1 order by day, created_at, annotation_id",
        )
        .bind(self.id())
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|r| {
                Ok(Annotation {
                    annotation_id: r.0,
                    day: blocks::day(&r.1)?,
                    text: r.2,
                    url: r.3,
                    kind: r.4,
                    product: r.5,
                    metric_id: r.6,
                    author: r.7,
                    created_at: from_micros(r.8)?,
                })
            })
            .collect()
    }

    pub async fn delete_annotation(&self, id: &str) -> Result<bool, ControlError> {
        self.delete("delete from packages_annotation where team_id = $1 and annotation_id = $2", id).await
    }
}

/// Equal apart from when we saw it.
fn same_but_observed(old: &str, new: &Value) -> Result<bool, ControlError> {
    let (mut old, mut new): (Value, Value) = (serde_json::from_str(old)?, new.clone());
    for document in [&mut old, &mut new] {
        if let Some(fields) = document.as_object_mut() {
            fields.remove("observed_at");
        }
    }
    Ok(old == new)
}
