//! What `--async` handed over, in the words of the commands that tell how things stand.

use serde_json::{Value, json};
use tallykeep_control::{Job, JobState};

use crate::context::Context;

/// How many of the newest tasks are looked at.
const NEWEST: i64 = 50;

/// Tasks of a kind that are not ended yet, and the one that ended last; oldest first.
pub(super) async fn tasks(context: &Context, kind: &str) -> anyhow::Result<Vec<Job>> {
    let newest = context.team_control().await?.jobs(Some(kind), NEWEST).await?;
    let open = |job: &Job| matches!(job.state, JobState::Queued | JobState::Running);
    let last = newest.iter().filter(|job| !open(job)).max_by_key(|job| job.ended_at).map(|job| job.id.clone());
    let mut wanted: Vec<Job> = newest.into_iter().filter(|job| open(job) || Some(&job.id) == last.as_ref()).collect();
    wanted.sort_by(|a, b| (a.created_at, &a.id).cmp(&(b.created_at, &b.id)));
    Ok(wanted)
}

/// `Task 0199…: running, 3 of 8: one 2024`
pub(super) fn line(job: &Job) -> String {
    let progress = match (job.state, job.progress.all, &job.progress.step) {
        (JobState::Running, Some(all), Some(step)) => format!(", {} of {all}: {step}", job.progress.done),
        _ => job.error.as_ref().map_or_else(String::new, |error| format!(": {error}")),
    };
    format!("Task {}: {}{progress}", job.id, job.state.as_str())
}

pub(super) fn to_json(jobs: &[Job]) -> Value {
    let one = |job: &Job| {
        json!({"id": job.id, "state": job.state, "done": job.progress.done, "all": job.progress.all,
            "step": job.progress.step, "error": job.error, "result": job.result})
    };
    Value::Array(jobs.iter().map(one).collect())
}
