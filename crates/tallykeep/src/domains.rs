//! The one list of domains. To add one: its crate, and its lines here.

use std::{path::PathBuf, process::Stdio};

use anyhow::Context as _;
use jiff::SignedDuration;
use serde_json::{Value, json};
use tallykeep_control::{ControlError, NewJob, TeamControl};
use tallykeep_repository::{
    Repository, RepositoryError, Settings, TeamRepository,
    aggregate::AggregateRequest,
    cache::GenerateRequest,
    sources::{SourceError, SourceRequest},
    usage::MigrateRequest,
};
use tallykeep_server::{App, AppBuilder, Audience, JobContext, JobError, LoginMode, Retry, TimetableEntry};

use crate::{commands::people::accounts, context::Context};

/// Job kind of repository aggregation.
pub const AGGREGATE: &str = "repository.aggregate";
/// Job kind of the migration of usage events.
pub const MIGRATE: &str = "repository.migrate";
/// Job kind of reading a configured source.
pub const IMPORT_SOURCE: &str = "repository.import_source";
/// A source that could not be read to its end: after 10, 20, 40 and 80 minutes, then at its next slot.
const SOURCE_RETRY: Retry = Retry { first_wait: SignedDuration::from_mins(10), times: 4 };
/// Job kind of cache generation.
pub const GENERATE: &str = "repository.cache-generate";
/// Job kind of the lake's upkeep.
pub const UPKEEP: &str = "lake.upkeep";
/// Held by a live `serve`: queued jobs will be done.
pub const SERVE_LEASE: &str = "serve";

/// The repository settings, with the environment over the file; mistakes are usage errors.
pub fn settings(context: &Context) -> anyhow::Result<Settings> {
    let config = context.config.repository.clone().with_env(|key| std::env::var(key).ok());
    note_without_meaning(&config.without_meaning());
    config.settings().map_err(|error| crate::exit::usage(error.to_string()))
}

/// Says once per process which given keys mean nothing here.
fn note_without_meaning(keys: &[&str]) {
    static SAID: std::sync::Once = std::sync::Once::new();
    if !keys.is_empty() {
        SAID.call_once(|| crate::output::note!("note: accepted, but without meaning here: {}", keys.join(", ")));
    }
}

/// The repository domain of the chosen team.
pub async fn repository(context: &Context) -> anyhow::Result<TeamRepository> {
    let repository =
        Repository::new(context.control().await?.clone(), context.lake().await?.clone(), settings(context)?);
    Ok(repository.of(context.team_control().await?))
}

/// The server with every domain in it.
pub async fn app(context: &Context, loopback: bool) -> anyhow::Result<AppBuilder> {
    let control = context.control().await?.clone();
    let settings = settings(context)?;
    let scheduled = std::env::var("TALLYKEEP_SCHEDULE").map_or(true, |value| value != "off");
    let mut timetable = Vec::new();
    if settings.enabled && settings.scheduled_aggregation {
        timetable.push(TimetableEntry::new(
            "repository aggregation",
            "40 * * * *",
            AGGREGATE,
            json!({}),
            Audience::EachTeam,
        )?);
    }
    for source in settings.sources.iter().filter(|source| settings.enabled && source.schedule.is_some()) {
        let line = source.schedule.as_deref().unwrap_or_default();
        // The timetable's names last as long as the process, and there are as many as configured sources.
        let name: &'static str = Box::leak(format!("repository source {}", source.name).into_boxed_str());
        let args = json!({ "source": source.name });
        let entry = TimetableEntry::new(name, line, IMPORT_SOURCE, args, Audience::EachTeam)?;
        timetable.push(entry.retried(SOURCE_RETRY));
    }
    let spool = spool(context);
    if settings.enabled && settings.scheduled_caching {
        let args = GenerateRequest { all_communities: true, ..GenerateRequest::default() }.to_json();
        timetable.push(TimetableEntry::new("repository cache", "50 * * * *", GENERATE, args, Audience::EachTeam)?);
    }
    // At night, after the work of the day.
    timetable.push(TimetableEntry::new("lake upkeep", "20 3 * * *", UPKEEP, json!({}), Audience::EachTeam)?);
    let repository = Repository::new(control.clone(), context.lake().await?.clone(), settings);
    let login = if loopback { LoginMode::AfterFirstUser } else { LoginMode::Required };
    let builder = App::builder(control, accounts(context).await?)
        .login(login)
        .serves_timetable(scheduled)
        .with(repository)
        .job(AGGREGATE, aggregate_job)
        .job(MIGRATE, migrate_job)
        .job(IMPORT_SOURCE, move |context| import_source_job(context, spool.clone()))
        .job(GENERATE, generate_job)
        .job(UPKEEP, upkeep_job)
        .timetable(timetable);
    let builder = crate::commands::packages::wiring::install(builder, context)?;
    let builder = crate::commands::chat::wiring::install(builder, context).await?;
    let builder = crate::commands::report::wiring::install(builder, context)?;
    let builder = crate::commands::watch::install(builder, context)?;
    Ok(builder)
}

/// Fills the domains beside the repository with demo data.
pub async fn seed_others(context: &Context, seed: u64) -> anyhow::Result<()> {
    crate::commands::packages::wiring::seed(context, seed).await?;
    crate::commands::chat::wiring::seed(context, seed).await?;
    Ok(())
}

async fn aggregate_job(context: JobContext) -> Result<Value, JobError> {
    let repository = context.service::<Repository>()?.of(context.team().clone());
    let request = AggregateRequest::from_json(&context.job.args);
    let outcome = repository
        .aggregate(&request, &context.job.id, &mut |p| {
            context.progress(p.done, Some(p.all), &format!("{}: {}", p.aggregator, p.step));
            !context.is_cancelled()
        })
        .await;
    let result = match outcome {
        Err(RepositoryError::Control(ControlError::Busy { what, .. })) => return Ok(skipped(&what)),
        outcome => outcome.map_err(|error| JobError(error.to_string()))?,
    };
    if result.status == "completed" && repository.settings().scheduled_caching {
        follow_up(context.team()).await?;
    }
    if result.status.starts_with("displaced by ") {
        // What took this run's place is done: now the run itself.
        context.team().queue_job(&NewJob { kind: AGGREGATE, args: request.to_json() }).await?;
    }
    Ok(json!({"status": result.status, "total_duration": result.total_duration,
        "documents": result.results.iter().map(|r| r.docs_indexed).sum::<i64>()}))
}

async fn migrate_job(context: JobContext) -> Result<Value, JobError> {
    let repository = context.service::<Repository>()?.of(context.team().clone());
    let request = MigrateRequest::from_json(&context.job.args);
    let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
    let migrated = repository
        .migrate_usage(&request, &mut |p| {
            context.progress(number(p.done), Some(number(p.all)), &p.step);
            !context.is_cancelled()
        })
        .await
        .map_err(|error| JobError(error.to_string()))?;
    match &migrated.error {
        Some(error) => Err(JobError(error.clone())),
        None => Ok(json!({"total_processed": migrated.total_processed, "total_errors": migrated.total_errors,
            "completed": migrated.completed, "health_issues": migrated.health_issues})),
    }
}

/// Where fetched documents wait for their import.
pub fn spool(context: &Context) -> PathBuf {
    context.options.data_dir.join("spool")
}

async fn import_source_job(context: JobContext, spool: PathBuf) -> Result<Value, JobError> {
    let service = context.service::<Repository>()?;
    let name = context.job.args["source"].as_str().unwrap_or_default().to_owned();
    let source = service.settings().sources.iter().find(|source| source.name == name).cloned();
    let Some(source) = source else { return Err(JobError(format!("no source `{name}` is configured"))) };
    let team = context.team().team().slug.clone();
    if source.team.as_deref().unwrap_or("default") != team.as_str() {
        return Ok(json!({"status": "not this team's source"}));
    }
    let repository = service.of(context.team().clone());
    let outcome = repository
        .import_source(&source, &SourceRequest::default(), &spool, &|key| std::env::var(key).ok(), &mut |p| {
            let number = |n: u64| i64::try_from(n).unwrap_or(i64::MAX);
            context.progress(number(p.fetched), p.all.map(number), &format!("{}: {}", p.kind.as_str(), p.slice));
            !context.is_cancelled()
        })
        .await;
    let report = match outcome {
        // Somebody reads it by hand.
        Err(SourceError::Repository(RepositoryError::Control(ControlError::Busy { what, .. }))) => {
            return Ok(skipped(&what));
        }
        outcome => outcome.map_err(|error| JobError(error.to_string()))?,
    };
    Ok(
        json!({"source": name, "resumed": report.resumed, "total": report.total, "deleted": report.deleted, "notes": report.notes}),
    )
}

/// Answers about what an aggregation changed are made anew at once, by whoever does queued jobs.
pub async fn follow_up(team: &TeamControl) -> Result<(), ControlError> {
    let request = GenerateRequest { all_communities: true, only_changed: true, ..GenerateRequest::default() };
    team.queue_job(&NewJob { kind: GENERATE, args: request.to_json() }).await.map(drop)
}

/// What a job answers when another process is doing the same (spec/invenio §10).
fn skipped(what: &str) -> Value {
    json!({"success": false, "skipped": true, "reason": format!("another instance is running: {what}")})
}

/// Makes answers. A scheduled one is skipped while another runs; one that somebody asked for (`wait`) takes its turn.
async fn generate_job(context: JobContext) -> Result<Value, JobError> {
    let repository = context.service::<Repository>()?.of(context.team().clone());
    let request = GenerateRequest::from_json(&context.job.args);
    let waits = context.job.args.get("wait").and_then(Value::as_bool).unwrap_or(false);
    loop {
        let outcome = repository
            .cached_responses()
            .generate(&request, &mut |p| {
                context.progress(p.done, Some(p.all), &p.step);
                !context.is_cancelled()
            })
            .await;
        match outcome {
            Err(RepositoryError::Control(ControlError::Busy { what, .. })) => {
                if !waits || context.is_cancelled() {
                    return Ok(skipped(&what));
                }
                tokio::select! {
                    () = tokio::time::sleep(std::time::Duration::from_millis(300)) => {}
                    () = context.cancelled() => {}
                }
            }
            Err(error) => return Err(JobError(error.to_string())),
            Ok(report) => {
                return Ok(json!({"success": report.failed == 0, "generated": report.success, "failed": report.failed,
                    "skipped": report.skipped, "errors": report.errors}));
            }
        }
    }
}

/// Small files together, old files gone, for every table of the team's lake.
async fn upkeep_job(context: JobContext) -> Result<Value, JobError> {
    let repository = context.service::<Repository>()?.of(context.team().clone());
    let outcome = repository
        .upkeep(&mut |done, all, table| {
            context.progress(i64::try_from(done).unwrap_or(0), i64::try_from(all).ok(), table);
            !context.is_cancelled()
        })
        .await;
    let done = match outcome {
        Err(RepositoryError::Control(ControlError::Busy { what, .. })) => return Ok(skipped(&what)),
        outcome => outcome.map_err(|error| JobError(error.to_string()))?,
    };
    Ok(json!({"tables": done.tables, "checkpoints": done.checkpoints, "files_before": done.files_before,
        "files_after": done.files_after, "files_removed": done.files_removed}))
}

/// Starts `tallykeep worker` as a process of its own, which outlives this one. Answers its PID and log.
pub fn start_worker(context: &Context) -> anyhow::Result<(u32, PathBuf)> {
    use std::os::unix::process::CommandExt;
    let folder = context.options.data_dir.join("logs");
    std::fs::create_dir_all(&folder).with_context(|| format!("could not create {}", folder.display()))?;
    let log = folder.join("worker.log");
    let file = std::fs::OpenOptions::new().create(true).append(true).open(&log)?;
    let options = &context.options;
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.arg("worker").arg("--data-dir").arg(&options.data_dir).arg("--team").arg(options.team.as_str());
    command.arg("--log").arg(&options.log);
    if let Some(config) = &options.config {
        command.arg("--config").arg(config);
    }
    if let Some(database) = &options.database {
        command.env("TALLYKEEP_DATABASE", database);
    }
    command.stdin(Stdio::null()).stdout(file.try_clone()?).stderr(file).process_group(0);
    Ok((command.spawn()?.id(), log))
}
