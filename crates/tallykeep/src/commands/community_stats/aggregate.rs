//! `community-stats aggregate` and `aggregate-background`

use std::time::Duration;

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use serde_json::json;
use tallykeep_control::{JobState, NewJob};
use tallykeep_repository::{
    Settings, TeamRepository,
    aggregate::{AggregateProgress, AggregateRequest, AggregateResult, Aggregator},
};
use tokio_util::sync::CancellationToken;

use crate::{
    background::{self, Folder, Process, Reporter},
    context::Context,
    domains,
    exit::usage,
};

/// What to aggregate, for both commands.
#[derive(Debug, clap::Args)]
pub struct Selection {
    /// UUID or slug of a community, or `global` [default: all enabled communities and global]
    #[arg(long, value_name = "ID", num_args = 1..)]
    community_id: Vec<String>,

    /// First day [default: the day of the first record]
    #[arg(long, value_name = "DATE")]
    start_date: Option<Date>,

    /// Last day [default: today]
    #[arg(long, value_name = "DATE")]
    end_date: Option<Date>,

    /// Update the bookmarks (the default)
    #[arg(long, overrides_with = "no_update_bookmark")]
    update_bookmark: bool,

    /// Leave the bookmarks as they are
    #[arg(long)]
    no_update_bookmark: bool,

    /// Start at the first day, whatever the bookmarks say
    #[arg(long)]
    ignore_bookmark: bool,

    /// Details of every aggregation
    #[arg(long)]
    verbose: bool,

    /// Aggregate although scheduled aggregation is switched off
    #[arg(long)]
    force: bool,
}

/// Carries on window by window until caught up; each window is kept by itself.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats aggregate --eager --verbose")]
pub struct Aggregate {
    #[command(flatten)]
    selection: Selection,

    /// Aggregate in this process and wait
    #[arg(long, overrides_with = "no_eager")]
    eager: bool,

    /// Hand the work to a running `serve`, or to a process of its own
    #[arg(long)]
    no_eager: bool,

    /// Only these aggregations
    #[arg(long, value_name = "NAME", num_args = 1..)]
    aggregation_type: Vec<String>,
}

/// Aggregates as a process of its own, which outlives this one
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats aggregate-background --ignore-bookmark --pid-dir /var/run/tallykeep"
)]
pub struct AggregateBackground {
    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    folder: Folder,
}

impl Selection {
    /// The request, checked as far as it can be before anything runs.
    async fn request(
        &self,
        context: &Context,
        settings: &Settings,
        aggregators: Vec<Aggregator>,
    ) -> anyhow::Result<(TeamRepository, AggregateRequest)> {
        if !settings.scheduled_aggregation {
            if !self.force {
                bail!(
                    "scheduled aggregation is switched off (COMMUNITY_STATS_SCHEDULED_TASKS_ENABLED is False); use --force to aggregate anyway"
                );
            }
            crate::output::note!(
                "Bypassing the scheduled tasks check (COMMUNITY_STATS_SCHEDULED_TASKS_ENABLED) because of --force"
            );
            tracing::info!("bypassing COMMUNITY_STATS_SCHEDULED_TASKS_ENABLED because of --force");
        }
        let request = AggregateRequest {
            communities: self.community_id.clone(),
            start: self.start_date,
            end: self.end_date,
            update_bookmark: !self.no_update_bookmark,
            ignore_bookmark: self.ignore_bookmark,
            aggregators,
            ..AggregateRequest::default()
        };
        if let (Some(start), Some(end)) = (request.start, request.end)
            && end < start
        {
            return Err(usage(format!("--end-date {end} is before --start-date {start}")));
        }
        // A wrong name is said now, not by a job nobody watches.
        let repository = domains::repository(context).await?;
        for name in &request.communities {
            repository.community(name).await?;
        }
        Ok((repository, request))
    }
}

impl AggregateBackground {
    pub async fn run(self, context: &Context, settings: &Settings) -> anyhow::Result<()> {
        background::check(context, Process::Aggregation, &self.folder)?;
        let (repository, request) = self.selection.request(context, settings, Vec::new()).await?;
        background::run(context, Process::Aggregation, &self.folder, async |reporter: Reporter| {
            let stop = reporter.stop().clone();
            let steps = Aggregator::ALL.map(Aggregator::name);
            let result = aggregate_here(context, &repository, &request, &stop, &mut |p| {
                // Eight aggregators, each with steps of its own: how far it is counts both.
                let at = steps.iter().position(|name| *name == p.aggregator).unwrap_or(0);
                let (at, all) = (at as u64, steps.len() as u64);
                let part = (p.done.unsigned_abs() * 1000).checked_div(p.all.unsigned_abs()).unwrap_or(1000);
                reporter.tell(at * 1000 + part, all * 1000, &format!("{}: {}", p.aggregator, p.step));
            })
            .await?;
            let verbose = self.selection.verbose;
            crate::output::say!(
                "{}",
                if verbose { &result.formatted_report_verbose } else { &result.formatted_report }
            );
            Ok(())
        })
        .await
    }
}

impl Aggregate {
    pub async fn run(self, context: &Context, settings: &Settings) -> anyhow::Result<()> {
        let aggregators = self
            .aggregation_type
            .iter()
            .map(|name| {
                let known = || Aggregator::ALL.map(Aggregator::name).join(", ");
                Aggregator::from_name(name)
                    .ok_or_else(|| usage(format!("--aggregation-type: no `{name}`; there are {}", known())))
            })
            .collect::<anyhow::Result<Vec<_>>>()?;
        let verbose = self.selection.verbose;
        let (repository, request) = self.selection.request(context, settings, aggregators).await?;
        if !self.eager {
            let job = NewJob { kind: domains::AGGREGATE, args: request.to_json() };
            return hand_over(context, &job, "tallykeep community-stats status").await;
        }
        let bar = bar(context);
        let plain = !context.is_terminal() && !context.options.json;
        if plain {
            crate::output::say!("Aggregating statistics of {}", scope_text(&request));
        }
        let stop = crate::context::interrupted();
        let outcome = aggregate_here(context, &repository, &request, &stop, &mut |p| {
            bar.set_length(p.all.unsigned_abs());
            bar.set_position(p.done.unsigned_abs());
            bar.set_message(format!("{}: {}", p.aggregator, p.step));
            if plain && (p.done == p.all || verbose) {
                crate::output::say!("  {} {}/{} {}", p.aggregator, p.done, p.all, p.step);
            }
        })
        .await;
        bar.finish_and_clear();
        let result = outcome?;
        let report = if verbose { &result.formatted_report_verbose } else { &result.formatted_report };
        context.print(&result, || report.clone())?;
        // What was done is kept; a script must still see that it is not all.
        if result.is_stopped() { Err(crate::exit::Exit::Said.into()) } else { Ok(()) }
    }
}

/// Aggregates in this process, as a job that others see and may cancel.
async fn aggregate_here(
    context: &Context,
    repository: &TeamRepository,
    request: &AggregateRequest,
    stop: &CancellationToken,
    tell: &mut (dyn FnMut(&AggregateProgress) + Send),
) -> anyhow::Result<AggregateResult> {
    let control = context.team_control().await?;
    let id = control.start_job(&NewJob { kind: domains::AGGREGATE, args: request.to_json() }).await?;
    let (beats, mut progress) = tokio::sync::watch::channel(tallykeep_control::JobProgress::default());
    let beater = {
        let (control, id) = (control.control().clone(), id.clone());
        let stop = stop.clone();
        tokio::spawn(async move {
            loop {
                let now = progress.borrow_and_update().clone();
                if matches!(control.beat_job(&id, &now).await, Ok(true)) {
                    stop.cancel();
                }
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        })
    };
    let outcome = repository
        .aggregate(request, &id, &mut |p| {
            tell(&p);
            let step = Some(format!("{}: {}", p.aggregator, p.step));
            beats.send_replace(tallykeep_control::JobProgress { done: p.done, all: Some(p.all), step });
            !stop.is_cancelled()
        })
        .await;
    beater.abort();
    let team = control;
    let control = team.control();
    match outcome {
        Ok(result) => {
            // Answers about what changed are made by a server, where one runs; without one they are made when somebody asks.
            let served = control.lease_holder(domains::SERVE_LEASE).await?.is_some();
            if served && repository.settings().scheduled_caching && result.status == "completed" {
                domains::follow_up(&team).await?;
            }
            let kept = json!({"status": result.status, "total_duration": result.total_duration,
                "documents": result.results.iter().map(|r| r.docs_indexed).sum::<i64>()});
            control.end_job(&id, JobState::Done, Some(&kept), None).await?;
            Ok(result)
        }
        Err(error) => {
            let state = if stop.is_cancelled() { JobState::Cancelled } else { JobState::Failed };
            control.end_job(&id, state, None, Some(&error.to_string())).await?;
            Err(error.into())
        }
    }
}

fn scope_text(request: &AggregateRequest) -> String {
    if request.communities.is_empty() {
        "all enabled communities and the whole repository".to_owned()
    } else {
        request.communities.join(", ")
    }
}

/// Queues the job for a live `serve`; where there is none, starts a process of its own.
pub(super) async fn hand_over(context: &Context, job: &NewJob, follow: &str) -> anyhow::Result<()> {
    let control = context.team_control().await?;
    let id = control.queue_job(job).await?;
    let holder = control.control().lease_holder(domains::SERVE_LEASE).await?;
    let (how, text) = match holder {
        Some(holder) => ("queued", format!("Queued as job {id} for the running server ({}).", holder.what)),
        None => {
            let (pid, log) = domains::start_worker(context)?;
            (
                "started",
                format!(
                    "No server is running: started a process of its own (PID {pid}) for job {id}; it logs to {}.",
                    log.display()
                ),
            )
        }
    };
    let document = json!({"job": id, "status": how, "async": true, "task_count": 1, "task_ids": [id]});
    context.print(&document, || format!("{text}\n📋 Task IDs: ['{id}']\nFollow it with: {follow}"))
}

fn bar(context: &Context) -> ProgressBar {
    if !context.is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_msg}\n[{bar:40}] {pos}/{len} {elapsed} left {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(0).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}
