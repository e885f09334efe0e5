//! Metric definitions as the store knows them.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::PackagesStore;
use crate::{ControlError, from_micros, micros};

/// Where a definition came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MetricOrigin {
    Catalogue,
    Imported,
    /// Was in the catalogue once. Its observations are kept; it is shown nowhere.
    Retired,
}

impl MetricOrigin {
    fn as_str(self) -> &'static str {
        match self {
            Self::Catalogue => "catalogue",
            Self::Imported => "imported",
            Self::Retired => "retired",
        }
    }

    fn parse(text: &str) -> Result<Self, ControlError> {
        [Self::Catalogue, Self::Imported, Self::Retired]
            .into_iter()
            .find(|o| o.as_str() == text)
            .ok_or_else(|| ControlError::Damaged(format!("metric origin `{text}`")))
    }
}

/// One row of `metrics` (spec §2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct PackagesMetric {
    pub metric_id: String,
    pub metric_family: String,
    pub product: String,
    pub subject: String,
    pub sdk: Option<String>,
    pub source: String,
    pub value_kind: String,
    pub unit: String,
    pub is_active: bool,
    pub display_name: String,
    pub created_at: Timestamp,
    #[serde(skip)]
    pub position: i64,
    #[serde(skip)]
    pub origin: MetricOrigin,
}

#[derive(sqlx::FromRow)]
struct MetricRow {
    metric_id: String,
    metric_family: String,
    product: String,
    subject: String,
    sdk: Option<String>,
    source: String,
    value_kind: String,
    unit: String,
    is_active: i64,
    display_name: String,
    created_at: i64,
    position: i64,
    origin: String,
}

impl PackagesStore {
    /// Every metric that is not retired, in catalogue order, imported ones after it by id.
    pub async fn metrics(&self) -> Result<Vec<PackagesMetric>, ControlError> {
        Ok(self.all_metrics().await?.into_iter().filter(|m| m.origin != MetricOrigin::Retired).collect())
    }

    async fn all_metrics(&self) -> Result<Vec<PackagesMetric>, ControlError> {
        let rows: Vec<MetricRow> = sqlx::query_as(
            "select metric_id, metric_family, product, subject, sdk, source, value_kind, unit, is_active, display_name,
                 created_at, position, origin
             from packages_metric where team_id = $1",
        )
        .bind(self.id())
        .fetch_all(self.pool())
        .await?;
        let mut metrics = rows
            .into_iter()
            .map(|row| {
                Ok(PackagesMetric {
                    metric_id: row.metric_id,
                    metric_family: row.metric_family,
                    product: row.product,
                    subject: row.subject,
                    sdk: row.sdk,
                    source: row.source,
                    value_kind: row.value_kind,
                    unit: row.unit,
                    is_active: row.is_active != 0,
                    display_name: row.display_name,
                    created_at: from_micros(row.created_at)?,
                    position: row.position,
                    origin: MetricOrigin::parse(&row.origin)?,
                })
            })
            .collect::<Result<Vec<_>, ControlError>>()?;
        // Byte order, whatever the database's collation.
        metrics.sort_by(|a, b| (a.position, &a.metric_id).cmp(&(b.position, &b.metric_id)));
        Ok(metrics)
    }

    /// Writes definitions, keeping the first `created_at` of each. With `whole_catalogue`, catalogue metrics that are not
    /// among them are retired. Answers (inserted, updated) definitions.
    pub async fn write_metrics(
        &self,
        metrics: &[PackagesMetric],
        whole_catalogue: bool,
    ) -> Result<(u64, u64), ControlError> {
        let known = self.all_metrics().await?;
        let (mut inserted, mut updated) = (0, 0);
        let mut transaction = self.pool().begin().await?;
        let same = |metric: &PackagesMetric| {
            known.iter().any(|k| PackagesMetric { created_at: metric.created_at, ..k.clone() } == *metric)
        };
        let gone = |k: &PackagesMetric| {
            k.origin == MetricOrigin::Catalogue && !metrics.iter().any(|m| m.metric_id == k.metric_id)
        };
        if metrics.iter().all(same) && !(whole_catalogue && known.iter().any(gone)) {
            return Ok((0, 0));
        }
        super::bump(&mut transaction, self.id()).await?;
        for metric in metrics {
            match known.iter().find(|k| k.metric_id == metric.metric_id) {
                None => inserted += 1,
                Some(k) if PackagesMetric { created_at: metric.created_at, ..k.clone() } != *metric => updated += 1,
                Some(_) => continue,
            }
            sqlx::query(
                "insert into packages_metric (team_id, metric_id, metric_family, product, subject, sdk, source, value_kind,
                     unit, is_active, display_name, created_at, position, origin)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)
                 on conflict (team_id, metric_id) do update set metric_family = excluded.metric_family,
                     product = excluded.product, subject = excluded.subject, sdk = excluded.sdk, source = excluded.source,
                     value_kind = excluded.value_kind, unit = excluded.unit, is_active = excluded.is_active,
                     display_name = excluded.display_name, position = excluded.position, origin = excluded.origin",
            )
            .bind(self.id())
            .bind(&metric.metric_id)
            .bind(&metric.metric_family)
            .bind(&metric.product)
            .bind(&metric.subject)
            .bind(metric.sdk.as_deref())
            .bind(&metric.source)
            .bind(&metric.value_kind)
            .bind(&metric.unit)
            .bind(i64::from(metric.is_active))
            .bind(&metric.display_name)
            .bind(micros(metric.created_at))
            .bind(metric.position)
            .bind(metric.origin.as_str())
            .execute(&mut *transaction)
            .await?;
        }
        if whole_catalogue {
            for gone in known.iter().filter(|k| {
                k.origin == MetricOrigin::Catalogue && !metrics.iter().any(|metric| metric.metric_id == k.metric_id)
            }) {
                sqlx::query("update packages_metric set origin = 'retired' where team_id = $1 and metric_id = $2")
                    .bind(self.id())
                    .bind(&gone.metric_id)
                    .execute(&mut *transaction)
                    .await?;
                updated += 1;
            }
        }
        transaction.commit().await?;
        Ok((inserted, updated))
    }
}
