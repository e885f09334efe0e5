//! The timetable: what runs when. Due entries are queued as jobs; `serve` and `schedule run` use the same code.
//!
//! Per entry and team the last slot served is kept as a watermark. A slot that passed while nothing ran is caught up
//! once, however many passed. One process at a time serves the timetable (the lease `timetable`). An entry may be queued again after
//! its job failed: how often it did is read from the jobs themselves.

use std::{str::FromStr, time::Duration};

use croner::Cron;
use jiff::{SignedDuration, Timestamp, tz::TimeZone};
use serde_json::Value;
use tallykeep_control::{Control, ControlError, JobState, Lease, NewJob, TeamControl};
use tokio_util::sync::CancellationToken;

use crate::app::{App, System};

/// How often the timetable is looked at.
const LOOK: Duration = Duration::from_secs(5);
const LEASE: &str = "timetable";

/// Whom an entry runs for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Audience {
    /// One job for each team.
    EachTeam,
    /// One job, under the team `default`.
    Once,
}

/// What follows a failure before the next slot: the job is queued again after a wait that doubles, so many times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Retry {
    pub first_wait: SignedDuration,
    pub times: u32,
}

/// Jobs looked at to learn how often one failed since its slot.
const RECENT: i64 = 100;

/// One line of the timetable.
#[derive(Debug, Clone)]
pub struct TimetableEntry {
    pub name: &'static str,
    pub cron: Cron,
    pub kind: &'static str,
    pub args: Value,
    pub audience: Audience,
    /// `None`: a failed job waits for the next slot.
    pub retry: Option<Retry>,
}

#[derive(Debug, thiserror::Error)]
pub enum ScheduleError {
    #[error("timetable entry `{name}`: `{line}` is no cron line: {reason}")]
    Line { name: &'static str, line: String, reason: String },
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl TimetableEntry {
    /// An entry whose cron line (five fields, UTC) names the slots at which a job of `kind` is queued.
    pub fn new(
        name: &'static str,
        line: &str,
        kind: &'static str,
        args: Value,
        audience: Audience,
    ) -> Result<Self, ScheduleError> {
        let cron = Cron::from_str(line).map_err(|error| ScheduleError::Line {
            name,
            line: line.to_owned(),
            reason: error.to_string(),
        })?;
        Ok(Self { name, cron, kind, args, audience, retry: None })
    }

    #[must_use]
    pub fn retried(mut self, retry: Retry) -> Self {
        self.retry = Some(retry);
        self
    }

    /// The latest slot at or before `now`, if there ever was one.
    fn latest_slot(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.to_zoned(TimeZone::UTC);
        self.cron.find_previous_occurrence(&now, true).ok().map(|slot| slot.timestamp())
    }

    /// The next slot after `now`.
    pub fn next_slot(&self, now: Timestamp) -> Option<Timestamp> {
        let now = now.to_zoned(TimeZone::UTC);
        self.cron.find_next_occurrence(&now, false).ok().map(|slot| slot.timestamp())
    }

    fn watermark(&self) -> String {
        format!("timetable:{}", self.name)
    }
}

/// Serves the timetable of an app.
pub struct Scheduler {
    app: App,
}

impl Scheduler {
    pub fn new(app: App) -> Self {
        Self { app }
    }

    /// Queues what is due at the clock's now. Answers (entry, team, job id) of what was queued.
    pub async fn queue_due(&self) -> Result<Vec<(&'static str, String, String)>, ScheduleError> {
        let now = self.app.clock().now();
        let mut queued = Vec::new();
        for entry in self.app.timetable() {
            let Some(slot) = entry.latest_slot(now) else { continue };
            for team in self.audience(entry).await? {
                if let Some(job) = queue_if_due(entry, &team, slot, now).await? {
                    tracing::info!("timetable: {} for team {} is job {job}", entry.name, team.team().slug);
                    queued.push((entry.name, team.team().slug.to_string(), job));
                }
            }
        }
        Ok(queued)
    }

    /// How many entries (counted per team) have a slot that passed `grace` ago and is still unserved. For `/healthz`.
    pub(crate) async fn overdue(&self, grace: jiff::SignedDuration) -> Result<usize, ScheduleError> {
        let now = self.app.clock().now();
        let mut overdue = 0;
        for entry in self.app.timetable() {
            let Some(slot) = entry.latest_slot(now) else { continue };
            if now.duration_since(slot) < grace {
                continue;
            }
            for team in self.audience(entry).await? {
                if let Some(served) = served_slot(entry, &team).await?
                    && served < slot
                {
                    overdue += 1;
                }
            }
        }
        Ok(overdue)
    }

    /// Serves the timetable until `stop`, as long as no other process does.
    pub async fn run(self, stop: CancellationToken) {
        let mut lease = None;
        while !stop.is_cancelled() {
            if lease.is_none() {
                match self.control().lease(LEASE, &format!("timetable (process {})", std::process::id())).await {
                    Ok(Lease::Taken(guard)) => lease = Some(guard),
                    Ok(Lease::HeldBy(holder)) => tracing::debug!("the timetable is served by {}", holder.what),
                    Err(error) => tracing::warn!("could not ask for the timetable: {error}"),
                }
            }
            if let Some(guard) = &lease {
                match guard.is_held().await {
                    Ok(true) => {
                        if let Err(error) = self.queue_due().await {
                            tracing::error!("timetable: {error}");
                        }
                    }
                    Ok(false) => lease = None,
                    Err(error) => tracing::warn!("could not check the timetable's lease: {error}"),
                }
            }
            tokio::select! {
                () = tokio::time::sleep(LOOK) => {}
                () = stop.cancelled() => {}
            }
        }
        if let Some(guard) = lease
            && let Err(error) = guard.release().await
        {
            tracing::warn!("the timetable's lease ends by itself: {error}");
        }
    }

    fn control(&self) -> &Control {
        self.app.system(System::Timetable)
    }

    async fn audience(&self, entry: &TimetableEntry) -> Result<Vec<TeamControl>, ControlError> {
        let control = self.control();
        match entry.audience {
            Audience::EachTeam => Ok(control.teams().await?.into_iter().map(|team| control.for_team(team)).collect()),
            Audience::Once => Ok(vec![control.team(&tallykeep_model::TeamSlug::default()).await?]),
        }
    }
}

async fn served_slot(entry: &TimetableEntry, team: &TeamControl) -> Result<Option<Timestamp>, ControlError> {
    let stored = team.watermark(&entry.watermark(), "").await?;
    Ok(stored.and_then(|text| text.parse().ok()))
}

/// Queues one job when the slot was not served, or when the job of the slot failed and it is time for another. A team seen for the first
/// time starts with the next slot.
async fn queue_if_due(
    entry: &TimetableEntry,
    team: &TeamControl,
    slot: Timestamp,
    now: Timestamp,
) -> Result<Option<String>, ControlError> {
    let served = served_slot(entry, team).await?;
    let new_job = || NewJob { kind: entry.kind, args: entry.args.clone() };
    if served.is_some_and(|served| served >= slot) {
        return if is_time_again(entry, team, slot, now).await? {
            team.queue_job(&new_job()).await.map(Some)
        } else {
            Ok(None)
        };
    }
    let job = if served.is_none() { None } else { Some(team.queue_job(&new_job()).await?) };
    team.set_watermark(&entry.watermark(), "", &slot.to_string()).await?;
    Ok(job)
}

/// Whether the latest job of a slot failed, and its wait is over.
async fn is_time_again(
    entry: &TimetableEntry,
    team: &TeamControl,
    slot: Timestamp,
    now: Timestamp,
) -> Result<bool, ControlError> {
    let Some(retry) = entry.retry else { return Ok(false) };
    let mut jobs = team.jobs(Some(entry.kind), RECENT).await?;
    jobs.retain(|job| job.args == entry.args && job.created_at >= slot);
    let Some((last, Some(ended))) = jobs.first().map(|job| (job, job.ended_at)) else { return Ok(false) };
    let failed = jobs.iter().filter(|job| job.state == JobState::Failed).count();
    let failed = u32::try_from(failed).unwrap_or(u32::MAX);
    if last.state != JobState::Failed || failed > retry.times {
        return Ok(false);
    }
    let wait = retry.first_wait.saturating_mul(2_i32.saturating_pow(failed - 1));
    Ok(ended.saturating_add(wait).is_ok_and(|at| now >= at))
}
