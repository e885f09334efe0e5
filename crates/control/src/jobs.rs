//! Jobs: work with an owner, a heartbeat, progress, a result and a history.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use tallykeep_model::TeamSlug;

use crate::{Control, ControlError, TeamControl, from_micros, micros};

/// A running job whose owner has been silent for this long is taken for dead.
const SILENCE_MICROS: i64 = 9_000_000;

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum JobState {
    Queued,
    Running,
    Done,
    Failed,
    Cancelled,
}

impl JobState {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Queued => "queued",
            Self::Running => "running",
            Self::Done => "done",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }

    fn parse(text: &str) -> Result<Self, ControlError> {
        [Self::Queued, Self::Running, Self::Done, Self::Failed, Self::Cancelled]
            .into_iter()
            .find(|state| state.as_str() == text)
            .ok_or_else(|| ControlError::Damaged(format!("job state `{text}`")))
    }
}

/// What is to be done: a kind the domain knows and its arguments.
#[derive(Debug, Clone)]
pub struct NewJob {
    pub kind: &'static str,
    pub args: Value,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Default)]
pub struct JobProgress {
    pub done: i64,
    pub all: Option<i64>,
    pub step: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct Job {
    pub id: String,
    pub team: TeamSlug,
    pub kind: String,
    pub args: Value,
    pub state: JobState,
    pub owner: Option<String>,
    pub created_at: Timestamp,
    pub started_at: Option<Timestamp>,
    pub ended_at: Option<Timestamp>,
    pub cancel_requested: bool,
    pub progress: JobProgress,
    pub result: Option<Value>,
    pub error: Option<String>,
}

#[derive(sqlx::FromRow)]
struct JobRow {
    id: String,
    slug: String,
    kind: String,
    args: String,
    state: String,
    owner: Option<String>,
    created_at: i64,
    started_at: Option<i64>,
    ended_at: Option<i64>,
    cancel_requested: i64,
    done_steps: i64,
    all_steps: Option<i64>,
    step: Option<String>,
    result: Option<String>,
    error: Option<String>,
}

const COLUMNS: &str = "job.id, team.slug, job.kind, job.args, job.state, job.owner, job.created_at, job.started_at,
    job.ended_at, job.cancel_requested, job.done_steps, job.all_steps, job.step, job.result, job.error";

impl TeamControl {
    /// Queues a job; a running `serve` picks it up. Answers its id.
    pub async fn queue_job(&self, job: &NewJob) -> Result<String, ControlError> {
        self.insert_job(job, JobState::Queued).await
    }

    /// Records a job this process starts itself, now. Answers its id.
    pub async fn start_job(&self, job: &NewJob) -> Result<String, ControlError> {
        self.insert_job(job, JobState::Running).await
    }

    async fn insert_job(&self, job: &NewJob, state: JobState) -> Result<String, ControlError> {
        let id = uuid::Uuid::now_v7().to_string();
        let now = micros(self.clock().now());
        let running = state == JobState::Running;
        sqlx::query(
            "insert into job (id, team_id, kind, args, state, owner, created_at, started_at, heartbeat_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9)",
        )
        .bind(&id)
        .bind(self.team.id)
        .bind(job.kind)
        .bind(job.args.to_string())
        .bind(state.as_str())
        .bind(running.then(|| self.control.owner().to_owned()))
        .bind(now)
        .bind(running.then_some(now))
        .bind(running.then(|| micros(Timestamp::now())))
        .execute(&self.control.pool)
        .await?;
        Ok(id)
    }

    /// The team's latest jobs of a kind (all kinds when `None`), newest first.
    pub async fn jobs(&self, kind: Option<&str>, limit: i64) -> Result<Vec<Job>, ControlError> {
        let rows: Vec<JobRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "select {COLUMNS} from job join team on team.id = job.team_id
             where job.team_id = $1 and ($2 = '' or job.kind = $2) order by job.created_at desc, job.id desc limit $3"
        )))
        .bind(self.team.id)
        .bind(kind.unwrap_or(""))
        .bind(limit)
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter().map(job).collect()
    }

    pub async fn job(&self, id: &str) -> Result<Option<Job>, ControlError> {
        let row: Option<JobRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "select {COLUMNS} from job join team on team.id = job.team_id where job.team_id = $1 and job.id = $2"
        )))
        .bind(self.team.id)
        .bind(id)
        .fetch_optional(&self.control.pool)
        .await?;
        row.map(job).transpose()
    }

    /// Asks a queued or running job to stop; a queued one ends at once. Answers whether there was one to ask.
    pub async fn cancel_job(&self, id: &str) -> Result<bool, ControlError> {
        let done = sqlx::query(
            "update job set cancel_requested = 1,
                 state = case when state = 'queued' then 'cancelled' else state end,
                 ended_at = case when state = 'queued' then $1 else ended_at end
             where team_id = $2 and id = $3 and state in ('queued', 'running')",
        )
        .bind(micros(self.clock().now()))
        .bind(self.team.id)
        .bind(id)
        .execute(&self.control.pool)
        .await?;
        Ok(done.rows_affected() > 0)
    }
}

impl Control {
    /// Takes the oldest queued job of any team for this process.
    pub async fn claim_job(&self) -> Result<Option<Job>, ControlError> {
        let claimed: Option<(String,)> = sqlx::query_as(
            "update job set state = 'running', owner = $1, started_at = $2, heartbeat_at = $3
             where id = (select id from job where state = 'queued' order by created_at, id limit 1) and state = 'queued'
             returning id",
        )
        .bind(self.owner())
        .bind(micros(self.clock.now()))
        .bind(micros(Timestamp::now()))
        .fetch_optional(&self.pool)
        .await?;
        let Some((id,)) = claimed else { return Ok(None) };
        let row: JobRow = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "select {COLUMNS} from job join team on team.id = job.team_id where job.id = $1"
        )))
        .bind(&id)
        .fetch_one(&self.pool)
        .await?;
        job(row).map(Some)
    }

    /// Stores progress and says whether somebody asked the job to stop.
    pub async fn beat_job(&self, id: &str, progress: &JobProgress) -> Result<bool, ControlError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "update job set heartbeat_at = $1, done_steps = $2, all_steps = $3, step = $4
             where id = $5 and owner = $6 returning cancel_requested",
        )
        .bind(micros(Timestamp::now()))
        .bind(progress.done)
        .bind(progress.all)
        .bind(progress.step.as_deref())
        .bind(id)
        .bind(self.owner())
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.is_none_or(|r| r.0 != 0))
    }

    pub async fn end_job(
        &self,
        id: &str,
        state: JobState,
        result: Option<&Value>,
        error: Option<&str>,
    ) -> Result<(), ControlError> {
        sqlx::query("update job set state = $1, ended_at = $2, result = $3, error = $4 where id = $5 and owner = $6")
            .bind(state.as_str())
            .bind(micros(self.clock.now()))
            .bind(result.map(Value::to_string))
            .bind(error)
            .bind(id)
            .bind(self.owner())
            .execute(&self.pool)
            .await?;
        Ok(())
    }

    /// Ends jobs whose owner died without a word: silent for too long, or known to be gone. Answers their ids.
    pub async fn reap_jobs(&self) -> Result<Vec<String>, ControlError> {
        let running: Vec<(String, Option<String>)> =
            sqlx::query_as("select id, owner from job where state = 'running'").fetch_all(&self.pool).await?;
        let gone = |owner: &Option<String>| owner.as_deref().is_some_and(crate::owner::is_gone);
        let mut ended = Vec::new();
        for (id, _) in running.iter().filter(|(_, owner)| gone(owner)) {
            ended.extend(self.end_dead(id, i64::MAX).await?);
        }
        ended.extend(self.end_dead("", micros(Timestamp::now()) - SILENCE_MICROS).await?);
        Ok(ended)
    }

    /// Ends one running job (any where `id` is empty) that was not heard of since an instant.
    async fn end_dead(&self, id: &str, silent_since: i64) -> Result<Vec<String>, ControlError> {
        let rows: Vec<(String,)> = sqlx::query_as(
            "update job set state = 'failed', ended_at = $1, error = 'the process that ran it is gone'
             where state = 'running' and heartbeat_at < $2 and ($3 = '' or id = $3) returning id",
        )
        .bind(micros(self.clock.now()))
        .bind(silent_since)
        .bind(id)
        .fetch_all(&self.pool)
        .await?;
        Ok(rows.into_iter().map(|r| r.0).collect())
    }
}

fn job(row: JobRow) -> Result<Job, ControlError> {
    let slug = row.slug;
    Ok(Job {
        id: row.id,
        team: slug.parse().map_err(|_| ControlError::Damaged(format!("team slug `{slug}`")))?,
        kind: row.kind,
        args: serde_json::from_str(&row.args)?,
        state: JobState::parse(&row.state)?,
        owner: row.owner,
        created_at: from_micros(row.created_at)?,
        started_at: row.started_at.map(from_micros).transpose()?,
        ended_at: row.ended_at.map(from_micros).transpose()?,
        cancel_requested: row.cancel_requested != 0,
        progress: JobProgress { done: row.done_steps, all: row.all_steps, step: row.step },
        result: row.result.as_deref().map(serde_json::from_str).transpose()?,
        error: row.error,
    })
}
