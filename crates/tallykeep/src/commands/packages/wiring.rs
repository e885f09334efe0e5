//! Packages inside the program: the service, its jobs, its timetable, its health.

use std::sync::Arc;

use serde_json::{Value, json};
use tallykeep_control::packages::RunStatus;
use tallykeep_packages::{
    Packages,
    config::Schedule,
    demo::seed_demo,
    jobs::{JobError as PackagesError, Jobs, Report, Say, newest_success},
};
use tallykeep_server::{AppBuilder, Audience, HealthContext, JobContext, JobError, TimetableEntry};

use crate::context::Context;

/// Puts packages into a server: the service, and the timetable of spec/packages §8.
pub fn install(builder: AppBuilder, context: &Context) -> anyhow::Result<AppBuilder> {
    let service = super::service(context, None)?;
    let schedule = service.instance_config().schedule;
    let Schedule {
        daily_refresh,
        update_duckdb_extension_downloads,
        reconcile,
        collect_hn_evidence,
        generate_signal_guidance,
        ..
    } = &schedule;
    let mut entries = Vec::new();
    for (name, line, kind) in [
        ("packages-daily-refresh", daily_refresh, "packages.daily-refresh"),
        ("packages-reconcile", reconcile, "packages.reconcile"),
        ("packages-duckdb", update_duckdb_extension_downloads, "packages.duckdb"),
        ("packages-evidence", collect_hn_evidence, "packages.evidence"),
        ("packages-guidance", generate_signal_guidance, "packages.guidance"),
    ] {
        if !line.trim().is_empty() {
            entries.push(TimetableEntry::new(name, line, kind, json!({}), Audience::EachTeam)?);
        }
    }
    Ok(builder
        .with(service)
        .job("packages.daily-refresh", |context| run(context, Kind::Refresh))
        .job("packages.reconcile", |context| run(context, Kind::Reconcile))
        .job("packages.duckdb", |context| run(context, Kind::Duckdb))
        .job("packages.evidence", |context| run(context, Kind::Evidence))
        .job("packages.guidance", |context| run(context, Kind::Guidance))
        .health("packages", health)
        .timetable(entries))
}

#[derive(Clone, Copy)]
enum Kind {
    Refresh,
    Reconcile,
    Duckdb,
    Evidence,
    Guidance,
}

async fn run(context: JobContext, kind: Kind) -> Result<Value, JobError> {
    let service = context.service::<Packages>()?;
    let store = context.team().packages();
    if !service.is_set_up(&store).await.map_err(failed)? {
        return Ok(json!({"skipped": "this team counts no packages"}));
    }
    let config = service.config(&store).await.map_err(failed)?;
    if matches!(kind, Kind::Refresh) && config.schedule.daily_refresh.trim().is_empty() {
        return Ok(json!({"skipped": "this team's own configuration asks for no refresh"}));
    }
    // Many installations ask the same registries at nine: not all in the same second.
    let jitter = config.schedule.jitter_seconds;
    if jitter > 0 && context.clock() == tallykeep_model::Clock::System {
        let nanos = u64::from(
            std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |d| d.subsec_nanos()),
        );
        tokio::select! {
            () = tokio::time::sleep(std::time::Duration::from_secs(nanos % (jitter + 1))) => {}
            () = context.cancelled() => return Ok(json!({"skipped": "asked to stop"})),
        }
    }
    let told = context.clone();
    let say: Say = Arc::new(move |line: &str| {
        tracing::info!("{line}");
        told.progress(0, None, line);
    });
    let jobs = service.jobs(context.team(), say).await.map_err(failed)?;
    let report = one(&jobs, kind).await.map_err(failed)?;
    if matches!(kind, Kind::Refresh | Kind::Reconcile) {
        if report.status != RunStatus::Failed {
            jobs.derive_dashboard().await.map_err(failed)?;
        }
        let looked = jobs.look_for_alerts().await.map_err(failed)?;
        for message in &looked.opened {
            tracing::warn!("packages of team {}: {message}", context.team().team().slug);
        }
        if config.schedule.history_days > 0 {
            let before = context.clock().now() - jiff::SignedDuration::from_hours(24 * config.schedule.history_days);
            store.prune_history(before).await?;
        }
    }
    if report.status == RunStatus::Failed {
        return Err(JobError(report.errors.join(" | ")));
    }
    serde_json::to_value(&report).map_err(|error| JobError(error.to_string()))
}

async fn one(jobs: &Jobs, kind: Kind) -> Result<Report, PackagesError> {
    match kind {
        Kind::Refresh => jobs.daily_refresh(jobs.config.refresh.lookback_days, false, None).await,
        Kind::Reconcile => {
            let options =
                tallykeep_packages::jobs::downloads::DownloadOptions { reconcile: true, ..Default::default() };
            jobs.update_daily_downloads(options).await
        }
        Kind::Duckdb => jobs.update_duckdb_extension_downloads().await,
        Kind::Evidence => jobs.collect_hn_evidence(30).await,
        Kind::Guidance => jobs.generate_signal_guidance(7).await,
    }
}

fn failed(error: PackagesError) -> JobError {
    JobError(error.to_string())
}

/// Stale when a team that is refreshed by the timetable had its newest success too long ago.
async fn health(context: Arc<HealthContext>) -> Result<(), String> {
    let service = context.app.service::<Packages>().map_err(|error| error.to_string())?;
    for team in &context.teams {
        let store = team.packages();
        let Some(newest) =
            newest_success(&store).await.map_err(|error| error.to_string())?.and_then(|run| run.finished_at)
        else {
            continue;
        };
        let schedule = service.config(&store).await.map_err(|error| error.to_string())?.schedule;
        let hours = context.clock.now().duration_since(newest).as_hours();
        if !schedule.daily_refresh.trim().is_empty() && hours >= schedule.stale_hours {
            return Err(format!("packages of team {}: no successful refresh for {hours} h", team.team().slug));
        }
    }
    Ok(())
}

/// Fills the default team with the demo's packages, unless it counts some already.
pub async fn seed(context: &Context, seed: u64) -> anyhow::Result<()> {
    let team = context.team_control().await?;
    if !team.packages().metrics().await?.is_empty() {
        return Ok(());
    }
    crate::output::say!("Inventing packages …");
    let rows = seed_demo(&team, seed, context.clock).await.map_err(super::ended)?;
    crate::output::say!("{rows} observations of packages");
    Ok(())
}
