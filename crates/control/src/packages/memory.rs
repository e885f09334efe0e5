//! What collectors and jobs remember between runs: bodies with validators, finished steps, attempts, alerts.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use serde_json::Value;

use super::PackagesStore;
use crate::{ControlError, from_micros, micros};

/// A body an upstream gave, and its validators.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredBody {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub body: Vec<u8>,
}

/// What the last attempt at a metric came to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Attempt {
    pub metric_id: String,
    pub attempted_at: Timestamp,
    /// The last attempt without an error, which may be an earlier one.
    pub succeeded_at: Option<Timestamp>,
    /// `ok`, `pending`, `gaps`, `fallback`, `failed`, `vanished`, `renamed`, `throttled`.
    pub outcome: String,
    pub message: Option<String>,
    pub pending: Vec<Date>,
    pub gaps: Vec<Date>,
    pub try_again_at: Option<Timestamp>,
    /// Since when the upstream says it does not exist; the first of such attempts in a row counts.
    pub not_found_since: Option<Timestamp>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AlertRow {
    pub alert_key: String,
    pub kind: String,
    pub message: String,
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    pub sent_at: Option<Timestamp>,
    pub send_error: Option<String>,
    /// Receivers that got it, as the sender names them. Addresses of people: shown to nobody.
    #[serde(skip)]
    pub told: Vec<String>,
}

type AttemptColumns = (String, i64, Option<i64>, String, Option<String>, String, String, Option<i64>, Option<i64>);
type AlertColumns = (String, String, String, i64, Option<i64>, Option<i64>, Option<String>, String);

impl PackagesStore {
    pub async fn body(&self, url: &str) -> Result<Option<StoredBody>, ControlError> {
        let row: Option<(Option<String>, Option<String>, Vec<u8>)> =
            sqlx::query_as("select etag, last_modified, body from packages_http where team_id = $1 and url = $2")
                .bind(self.id())
                .bind(url)
                .fetch_optional(self.pool())
                .await?;
        Ok(row.map(|(etag, last_modified, body)| StoredBody { etag, last_modified, body }))
    }

    pub async fn store_body(&self, url: &str, what: &StoredBody) -> Result<(), ControlError> {
        sqlx::query(
            "insert into packages_http (team_id, url, etag, last_modified, body, stored_at) values ($1, $2, $3, $4, $5, $6)
             on conflict (team_id, url) do update set etag = excluded.etag, last_modified = excluded.last_modified,
                 body = excluded.body, stored_at = excluded.stored_at",
        )
        .bind(self.id())
        .bind(url)
        .bind(what.etag.as_deref())
        .bind(what.last_modified.as_deref())
        .bind(what.body.as_slice())
        .bind(micros(self.team.clock().now()))
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Finished steps of a backfill, with what they noted.
    pub async fn finished_steps(&self, backfill: &str) -> Result<Vec<(String, Value)>, ControlError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "select step, details from packages_step where team_id = $1 and backfill = $2 order by step",
        )
        .bind(self.id())
        .bind(backfill)
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(|(step, details)| Ok((step, serde_json::from_str(&details)?))).collect()
    }

    pub async fn finish_step(&self, backfill: &str, step: &str, details: &Value) -> Result<(), ControlError> {
        let now = micros(self.team.clock().now());
        let mut connection = self.pool().acquire().await?;
        mark_step(&mut connection, self.id(), (backfill, step, details), now).await
    }

    /// Forgets the steps of a backfill that is over.
    pub async fn clear_steps(&self, backfill: &str) -> Result<(), ControlError> {
        sqlx::query("delete from packages_step where team_id = $1 and backfill = $2")
            .bind(self.id())
            .bind(backfill)
            .execute(self.pool())
            .await?;
        Ok(())
    }

    /// Stores the last attempt at a metric. Since when it is not found stays the first such instant while it is not found.
    pub async fn write_attempt(&self, attempt: &Attempt) -> Result<(), ControlError> {
        sqlx::query(
            "insert into packages_attempt (team_id, metric_id, attempted_at, succeeded_at, outcome, message, pending, gaps,
                 try_again_at, not_found_since)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)
             on conflict (team_id, metric_id) do update set attempted_at = excluded.attempted_at,
                 succeeded_at = coalesce(excluded.succeeded_at, packages_attempt.succeeded_at), outcome = excluded.outcome,
                 message = excluded.message, pending = excluded.pending, gaps = excluded.gaps,
                 try_again_at = excluded.try_again_at,
                 not_found_since = case when excluded.not_found_since is null then null
                     else coalesce(packages_attempt.not_found_since, excluded.not_found_since) end",
        )
        .bind(self.id())
        .bind(&attempt.metric_id)
        .bind(micros(attempt.attempted_at))
        .bind(attempt.succeeded_at.map(micros))
        .bind(&attempt.outcome)
        .bind(attempt.message.as_deref())
        .bind(serde_json::to_string(&attempt.pending)?)
        .bind(serde_json::to_string(&attempt.gaps)?)
        .bind(attempt.try_again_at.map(micros))
        .bind(attempt.not_found_since.map(micros))
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// The last attempt at every metric that was ever asked for.
    pub async fn attempts(&self) -> Result<Vec<Attempt>, ControlError> {
        let rows: Vec<AttemptColumns> = sqlx::query_as(
            "select metric_id, attempted_at, succeeded_at, outcome, message, pending, gaps, try_again_at, not_found_since
             from packages_attempt where team_id = $1",
        )
        .bind(self.id())
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|r| {
                Ok(Attempt {
                    metric_id: r.0,
                    attempted_at: from_micros(r.1)?,
                    succeeded_at: r.2.map(from_micros).transpose()?,
                    outcome: r.3,
                    message: r.4,
                    pending: serde_json::from_str(&r.5)?,
                    gaps: serde_json::from_str(&r.6)?,
                    try_again_at: r.7.map(from_micros).transpose()?,
                    not_found_since: r.8.map(from_micros).transpose()?,
                })
            })
            .collect()
    }

    /// Stores an alert under its key.
    pub async fn write_alert(&self, alert: &AlertRow) -> Result<(), ControlError> {
        sqlx::query(
            "insert into packages_alert (team_id, alert_key, kind, message, opened_at, closed_at, sent_at, send_error, told)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
             on conflict (team_id, alert_key) do update set kind = excluded.kind, message = excluded.message,
                 opened_at = excluded.opened_at, closed_at = excluded.closed_at, sent_at = excluded.sent_at,
                 send_error = excluded.send_error, told = excluded.told",
        )
        .bind(self.id())
        .bind(&alert.alert_key)
        .bind(&alert.kind)
        .bind(&alert.message)
        .bind(micros(alert.opened_at))
        .bind(alert.closed_at.map(micros))
        .bind(alert.sent_at.map(micros))
        .bind(alert.send_error.as_deref())
        .bind(serde_json::to_string(&alert.told)?)
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Every alert, newest first.
    pub async fn alerts(&self) -> Result<Vec<AlertRow>, ControlError> {
        let rows: Vec<AlertColumns> = sqlx::query_as(
            "select alert_key, kind, message, opened_at, closed_at, sent_at, send_error, told from packages_alert
             where team_id = $1 order by opened_at desc, alert_key",
        )
        .bind(self.id())
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|r| {
                Ok(AlertRow {
                    alert_key: r.0,
                    kind: r.1,
                    message: r.2,
                    opened_at: from_micros(r.3)?,
                    closed_at: r.4.map(from_micros).transpose()?,
                    sent_at: r.5.map(from_micros).transpose()?,
                    send_error: r.6,
                    told: serde_json::from_str(&r.7)?,
                })
            })
            .collect()
    }
}

pub(super) async fn mark_step(
    connection: &mut sqlx::AnyConnection,
    team: i64,
    (backfill, step, details): (&str, &str, &Value),
    now: i64,
) -> Result<(), ControlError> {
    sqlx::query(
        "insert into packages_step (team_id, backfill, step, finished_at, details) values ($1, $2, $3, $4, $5)
         on conflict (team_id, backfill, step) do update set finished_at = excluded.finished_at, details = excluded.details",
    )
    .bind(team)
    .bind(backfill)
    .bind(step)
    .bind(now)
    .bind(details.to_string())
    .execute(connection)
    .await?;
    Ok(())
}
