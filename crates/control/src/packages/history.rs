//! Runs: one row each, `running` from the first moment so that a crash leaves a trace.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::PackagesStore;
use crate::{ControlError, from_micros, micros};

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum RunStatus {
    Running,
    Success,
    Partial,
    Failed,
    /// Found running although nobody runs it: its process is gone.
    Abandoned,
}

impl RunStatus {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Success => "success",
            Self::Partial => "partial",
            Self::Failed => "failed",
            Self::Abandoned => "abandoned",
        }
    }

    pub fn parse(text: &str) -> Option<Self> {
        [Self::Running, Self::Success, Self::Partial, Self::Failed, Self::Abandoned]
            .into_iter()
            .find(|status| status.as_str() == text)
    }
}

/// One row of `history` (spec §2.1).
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoryRow {
    pub ingestion_run_id: String,
    pub job_name: String,
    pub started_at: Timestamp,
    pub finished_at: Option<Timestamp>,
    pub status: RunStatus,
    pub rows_inserted: i64,
    pub rows_updated: i64,
    pub error_summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub details: Option<Value>,
}

/// A row to store under its id; a second one for the same id replaces the first.
pub type NewHistory = HistoryRow;

type Row = (String, String, i64, Option<i64>, String, i64, i64, Option<String>, Option<String>);

const COLUMNS: &str =
    "ingestion_run_id, job_name, started_at, finished_at, status, rows_inserted, rows_updated, error_summary, details";

impl PackagesStore {
    pub async fn write_history(&self, row: &NewHistory) -> Result<(), ControlError> {
        sqlx::query(
            "insert into packages_history (team_id, ingestion_run_id, job_name, started_at, finished_at, status,
                 rows_inserted, rows_updated, error_summary, details, owner)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
             on conflict (team_id, ingestion_run_id) do update set job_name = excluded.job_name,
                 started_at = excluded.started_at, finished_at = excluded.finished_at, status = excluded.status,
                 rows_inserted = excluded.rows_inserted, rows_updated = excluded.rows_updated,
                 error_summary = excluded.error_summary, details = excluded.details, owner = excluded.owner",
        )
        .bind(self.id())
        .bind(&row.ingestion_run_id)
        .bind(&row.job_name)
        .bind(micros(row.started_at))
        .bind(row.finished_at.map(micros))
        .bind(row.status.as_str())
        .bind(row.rows_inserted)
        .bind(row.rows_updated)
        .bind(row.error_summary.as_deref())
        .bind(row.details.as_ref().map(Value::to_string))
        .bind(self.control().owner())
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Runs, newest first by when they finished, else started.
    pub async fn history(&self, limit: i64) -> Result<Vec<HistoryRow>, ControlError> {
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "select {COLUMNS} from packages_history where team_id = $1
             order by coalesce(finished_at, started_at) desc, ingestion_run_id desc limit $2"
        )))
        .bind(self.id())
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(history).collect()
    }

    /// Runs with from ≤ finished (else started) < until, newest first; with `only_errors`, those with a non-blank summary.
    pub async fn history_between(
        &self,
        from: Timestamp,
        until: Timestamp,
        only_errors: bool,
        limit: i64,
    ) -> Result<Vec<HistoryRow>, ControlError> {
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "select {COLUMNS} from packages_history where team_id = $1 and coalesce(finished_at, started_at) >= $2
                 and coalesce(finished_at, started_at) < $3 and ($4 = 0 or trim(coalesce(error_summary, '')) <> '')
             order by coalesce(finished_at, started_at) desc, ingestion_run_id desc limit $5"
        )))
        .bind(self.id())
        .bind(micros(from))
        .bind(micros(until))
        .bind(i64::from(only_errors))
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(history).collect()
    }

    /// The newest run of each job with one of these states, newest first.
    pub async fn latest_runs(&self, statuses: &[RunStatus]) -> Result<Vec<HistoryRow>, ControlError> {
        let wanted = |status: RunStatus| if statuses.contains(&status) { status.as_str() } else { "" };
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "select {COLUMNS} from packages_history h where team_id = $1 and status in ($2, $3, $4, $5)
                 and not exists (select 1 from packages_history n where n.team_id = h.team_id and n.job_name = h.job_name
                     and n.status in ($2, $3, $4, $5)
                     and (n.started_at > h.started_at or (n.started_at = h.started_at and n.ingestion_run_id > h.ingestion_run_id)))
             order by coalesce(finished_at, started_at) desc, ingestion_run_id desc"
        )))
        .bind(self.id())
        .bind(wanted(RunStatus::Success))
        .bind(wanted(RunStatus::Partial))
        .bind(wanted(RunStatus::Failed))
        .bind(wanted(RunStatus::Running))
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(history).collect()
    }

    /// Turns rows still `running` into `abandoned`. Only the holder of the writer lease may ask: then nobody runs them.
    pub async fn abandon_running(&self) -> Result<u64, ControlError> {
        let done = sqlx::query(
            "update packages_history set status = 'abandoned', finished_at = $1,
                 error_summary = 'the process that ran it is gone' where team_id = $2 and status = 'running'",
        )
        .bind(micros(self.team.clock().now()))
        .bind(self.id())
        .execute(self.pool())
        .await?;
        Ok(done.rows_affected())
    }

    /// Forgets runs that finished before an instant. Observations keep their run ids. Answers how many.
    pub async fn prune_history(&self, before: Timestamp) -> Result<u64, ControlError> {
        let done = sqlx::query(
            "delete from packages_history where team_id = $1 and status <> 'running' and coalesce(finished_at, started_at) < $2",
        )
        .bind(self.id())
        .bind(micros(before))
        .execute(self.pool())
        .await?;
        Ok(done.rows_affected())
    }
}

fn history(row: Row) -> Result<HistoryRow, ControlError> {
    Ok(HistoryRow {
        ingestion_run_id: row.0,
        job_name: row.1,
        started_at: from_micros(row.2)?,
        finished_at: row.3.map(from_micros).transpose()?,
        status: RunStatus::parse(&row.4).ok_or_else(|| ControlError::Damaged(format!("run status `{}`", row.4)))?,
        rows_inserted: row.5,
        rows_updated: row.6,
        error_summary: row.7,
        details: row.8.as_deref().map(serde_json::from_str).transpose()?,
    })
}
