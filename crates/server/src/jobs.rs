//! Doing queued jobs: claim, run, beat, end. The CLI queues; `serve` does.

use std::{any::Any, future::Future, pin::Pin, sync::Arc, time::Duration};

use serde_json::Value;
use tallykeep_control::{Job, JobProgress, JobState, TeamControl};
use tallykeep_model::Clock;
use tokio::sync::watch;
use tokio_util::{sync::CancellationToken, task::TaskTracker};

use crate::app::{App, MissingService, System};

/// How often a running job says that it lives.
const BEAT: Duration = Duration::from_secs(2);
/// How often idle hands look for work.
const LOOK: Duration = Duration::from_millis(500);
/// How many jobs run at the same time in one process.
const HANDS: usize = 2;

/// Why a job failed, in words that are kept with it.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
pub struct JobError(pub String);

impl From<MissingService> for JobError {
    fn from(error: MissingService) -> Self {
        Self(error.to_string())
    }
}

impl From<tallykeep_control::ControlError> for JobError {
    fn from(error: tallykeep_control::ControlError) -> Self {
        Self(error.to_string())
    }
}

/// The JSON document kept as the job's result, or why there is none.
pub type JobOutcome = Result<Value, JobError>;

pub(crate) type JobRunner = Arc<dyn Fn(JobContext) -> Pin<Box<dyn Future<Output = JobOutcome> + Send>> + Send + Sync>;

/// What a running job has: its team, its arguments, the domains' services, a way to tell progress and to notice a cancel.
#[derive(Clone)]
pub struct JobContext {
    pub job: Arc<Job>,
    app: App,
    team: TeamControl,
    progress: Arc<watch::Sender<JobProgress>>,
    cancelled: CancellationToken,
}

impl JobContext {
    pub fn team(&self) -> &TeamControl {
        &self.team
    }

    pub fn clock(&self) -> Clock {
        self.app.clock()
    }

    pub fn service<T: Any + Send + Sync>(&self) -> Result<Arc<T>, MissingService> {
        self.app.service()
    }

    /// Tells how far the job is; stored with the next beat.
    pub fn progress(&self, done: i64, all: Option<i64>, step: &str) {
        self.progress.send_replace(JobProgress { done, all, step: Some(step.to_owned()) });
    }

    /// Whether somebody asked the job, or the whole server, to stop. Look between units of work, end with what is done.
    pub fn is_cancelled(&self) -> bool {
        self.cancelled.is_cancelled()
    }

    /// Resolves when the job should stop.
    pub async fn cancelled(&self) {
        self.cancelled.cancelled().await;
    }
}

/// Does queued jobs until `stop`; then asks the running ones to stop and waits for them.
pub(crate) async fn run_queued(app: App, stop: CancellationToken) {
    let tracker = TaskTracker::new();
    let hands = Arc::new(tokio::sync::Semaphore::new(HANDS));
    while !stop.is_cancelled() {
        if let Err(error) = app.system(System::Jobs).reap_jobs().await {
            tracing::warn!("could not look for jobs whose process is gone: {error}");
        }
        loop {
            let Ok(hand) = hands.clone().try_acquire_owned() else { break };
            match app.system(System::Jobs).claim_job().await {
                Ok(Some(job)) => {
                    let (app, stop) = (app.clone(), stop.child_token());
                    tracker.spawn(async move {
                        run(&app, job, stop).await;
                        drop(hand);
                    });
                }
                Ok(None) => break,
                Err(error) => {
                    tracing::warn!("could not look for queued jobs: {error}");
                    break;
                }
            }
        }
        tokio::select! {
            () = tokio::time::sleep(LOOK) => {}
            () = stop.cancelled() => {}
        }
    }
    tracker.close();
    tracker.wait().await;
}

/// Does every job queued now, one after the other; for commands and tests that wait for the end.
pub async fn run_until_idle(app: &App) -> Result<usize, tallykeep_control::ControlError> {
    let mut done = 0;
    while let Some(job) = app.system(System::Jobs).claim_job().await? {
        run(app, job, CancellationToken::new()).await;
        done += 1;
    }
    Ok(done)
}

/// Does one claimed job to its end and writes down how it ended.
async fn run(app: &App, job: Job, stop: CancellationToken) {
    let control = app.system(System::Jobs).clone();
    let (id, kind, team) = (job.id.clone(), job.kind.clone(), job.team.clone());
    tracing::info!("job {id} {kind} of team {team} starts");
    let (progress, told) = watch::channel(JobProgress::default());
    let outcome = match (app.job_runner(&kind), app.team_of_job(&team).await) {
        (Some(runner), Ok(team)) => {
            let context = JobContext {
                job: Arc::new(job),
                app: app.clone(),
                team,
                progress: Arc::new(progress),
                cancelled: stop.clone(),
            };
            // On a task of its own, so that a panic ends the job and not the server.
            let mut running = tokio::spawn(async move { runner(context).await });
            loop {
                tokio::select! {
                    ended = &mut running => {
                        break ended.unwrap_or_else(|error| Err(JobError(format!("the job broke off: {error}"))));
                    }
                    () = tokio::time::sleep(BEAT) => {
                        let so_far = told.borrow().clone();
                        match control.beat_job(&id, &so_far).await {
                            Ok(true) => stop.cancel(),
                            Ok(false) => {}
                            Err(error) => tracing::warn!("job {id} {kind} could not tell its progress: {error}"),
                        }
                    }
                }
            }
        }
        (None, _) => Err(JobError(format!("nothing here does jobs of kind `{kind}`"))),
        (_, Err(error)) => Err(error.into()),
    };
    let state = match &outcome {
        Ok(_) if stop.is_cancelled() => JobState::Cancelled,
        Ok(_) => JobState::Done,
        Err(_) => JobState::Failed,
    };
    match &outcome {
        Ok(_) => tracing::info!("job {id} {kind} of team {team} ended: {}", state.as_str()),
        Err(error) => tracing::error!("job {id} {kind} of team {team} failed: {error}"),
    }
    let last = told.borrow().clone();
    let error = outcome.as_ref().err().map(ToString::to_string);
    let ended = async {
        control.beat_job(&id, &last).await?;
        control.end_job(&id, state, outcome.as_ref().ok(), error.as_deref()).await
    };
    if let Err(error) = ended.await {
        tracing::error!("job {id} {kind}: its end could not be written down: {error}");
    }
}
