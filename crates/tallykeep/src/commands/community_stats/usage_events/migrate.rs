//! `usage-events migrate`, `migrate-background` and `re-enrich`.

use std::{fmt::Write, time::Duration};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use serde_json::json;
use tallykeep_control::NewJob;
use tallykeep_repository::usage::{MigrateRequest, Migrated, MonthResult, Progress, ReenrichRequest, Reenriched};

use super::{super::aggregate::hand_over, Kind, kinds};
use crate::{
    background::{self, Folder, Process, Reporter},
    context::Context,
    domains,
    exit::{Exit, usage},
};

/// What to migrate and how carefully, for every command.
#[derive(Debug, clap::Args)]
struct Selection {
    /// view, download [default: both]
    #[arg(long, short = 'e', value_name = "TYPE", num_args = 1..)]
    event_types: Vec<Kind>,

    /// Batches per kind and month at most [default: STATS_DASHBOARD_REINDEXING_MAX_BATCHES]
    #[arg(long, short = 'b', value_name = "N")]
    max_batches: Option<u64>,

    /// Events per batch, up to 10,000 [default: STATS_DASHBOARD_REINDEXING_BATCH_SIZE]
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=10_000))]
    batch_size: Option<u64>,

    /// Stop when more of the memory than this is taken [default: STATS_DASHBOARD_REINDEXING_MAX_MEMORY_PERCENT]
    #[arg(long, value_name = "PERCENT", value_parser = clap::value_parser!(u8).range(0..=100))]
    max_memory_percent: Option<u8>,

    /// Months (YYYY-MM) or ranges (YYYY-MM:YYYY-MM, both included) [default: all]
    #[arg(long, short = 'm', value_name = "MONTH", num_args = 1..)]
    months: Vec<String>,
}

impl Selection {
    fn request(&self) -> MigrateRequest {
        MigrateRequest {
            kinds: kinds(&self.event_types),
            months: self.months.clone(),
            max_batches: self.max_batches,
            batch_size: self.batch_size.and_then(|size| usize::try_from(size).ok()),
            max_memory_percent: self.max_memory_percent.map(f64::from),
            ..MigrateRequest::default()
        }
    }
}

/// Months are done one after the other and each batch is looked after (memory, the stores); what is interrupted carries on with the next run
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats usage-events migrate --event-types view --months 2024-01:2024-06"
)]
pub struct Migrate {
    #[command(flatten)]
    selection: Selection,

    /// Say what would be migrated and do nothing
    #[arg(long)]
    dry_run: bool,

    /// Hand the work to a running `serve`, or to a process of its own
    #[arg(long = "async")]
    run_async: bool,

    /// Delete the files a later enrichment replaced once a month is complete. Events stay as imported
    #[arg(long)]
    delete_old_indices: bool,

    /// Forget what was enriched in these months and do it again
    #[arg(long)]
    fresh_start: bool,
}

/// Batches of 1000 events, 85 % of the memory at most, where nothing else is configured or said
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats usage-events migrate-background --event-types view download --batch-size 500"
)]
pub struct MigrateBackground {
    #[command(flatten)]
    selection: Selection,

    /// Delete the files a later enrichment replaced once a month is complete. Events stay as imported
    #[arg(long)]
    delete_old_indices: bool,

    /// Forget what was enriched in these months and do it again
    #[arg(long)]
    fresh_start: bool,

    #[command(flatten)]
    folder: Folder,
}

/// For after a change of `COMMUNITY_STATS_SUBCOUNTS`: a breakdown that was added gets its past with the next aggregation. Nothing stops meanwhile
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats usage-events re-enrich && tallykeep community-stats aggregate"
)]
pub struct ReEnrich {
    #[command(flatten)]
    selection: Selection,

    /// Months that are up to date too
    #[arg(long)]
    all: bool,
}

impl Migrate {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let request = MigrateRequest {
            delete_old: self.delete_old_indices,
            fresh_start: self.fresh_start,
            ..self.selection.request()
        };
        let repository = domains::repository(context).await?;
        if self.dry_run {
            let open = repository.migrate_dry_run(&request).await?;
            let list: Vec<_> = open
                .iter()
                .map(|(kind, month, events)| json!({"event_type": kind, "month": month, "events": events}))
                .collect();
            let total: u64 = open.iter().map(|(.., events)| events).sum();
            return context.print(&json!({"dry_run": true, "months": list, "total": total}), || {
                let mut out = String::from("Dry run: nothing is migrated\n");
                for (kind, month, events) in &open {
                    let _ = writeln!(out, "{kind:<9} {month}  {events:>10} events to migrate");
                }
                let _ = writeln!(out, "Total: {total}");
                out
            });
        }
        if self.run_async {
            let job = NewJob { kind: domains::MIGRATE, args: request.to_json() };
            return hand_over(context, &job, "tallykeep community-stats usage-events status").await;
        }
        let bar = bar(context);
        let stop = crate::context::interrupted();
        let migrated = repository.migrate_usage(&request, &mut |p| show(&bar, &p) && !stop.is_cancelled()).await?;
        bar.finish_and_clear();
        context.print(&migrated, || text(&migrated))?;
        ended(&migrated, context.options.json)
    }
}

impl MigrateBackground {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        background::check(context, Process::EventMigration, &self.folder)?;
        let request = MigrateRequest {
            delete_old: self.delete_old_indices,
            fresh_start: self.fresh_start,
            ..self.selection.request()
        };
        let repository = domains::repository(context).await?;
        background::run(context, Process::EventMigration, &self.folder, async |reporter: Reporter| {
            let migrated = repository.migrate_usage(&request, &mut |p| reporter.tell(p.done, p.all, &p.step)).await?;
            crate::output::say!("{}", text(&migrated).trim_end());
            ended(&migrated, false)
        })
        .await
    }
}

impl ReEnrich {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let (_, wrong) = tallykeep_repository::usage::months(&self.selection.months);
        if let Some(wrong) = wrong.first() {
            return Err(usage(format!("--months: {wrong}")));
        }
        let request = ReenrichRequest { migrate: self.selection.request(), all: self.all };
        let repository = domains::repository(context).await?;
        let bar = bar(context);
        let stop = crate::context::interrupted();
        let done = repository.reenrich_usage(&request, &mut |p| show(&bar, &p) && !stop.is_cancelled()).await?;
        bar.finish_and_clear();
        context.print(&done, || reenriched(&done))?;
        if done.months.iter().any(|month| !month.validation_errors.is_empty()) {
            return Err(Exit::Said.into());
        }
        Ok(())
    }
}

fn show(bar: &ProgressBar, progress: &Progress) -> bool {
    bar.set_length(progress.all);
    bar.set_position(progress.done);
    bar.set_message(progress.step.clone());
    true
}

fn bar(context: &Context) -> ProgressBar {
    if !context.is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{wide_msg}\n[{bar:40}] {human_pos}/{human_len} {per_sec} left {eta}")
        .unwrap_or_else(|_| ProgressStyle::default_bar());
    let bar = ProgressBar::new(0).with_style(style);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

/// What could not begin or did not pass is a failure; what was interrupted is not: the next run carries on.
fn ended(migrated: &Migrated, said: bool) -> anyhow::Result<()> {
    let invalid =
        migrated.event_types.values().flat_map(|t| t.months.values()).any(|month| {
            !month.validation_errors.is_empty() || month.operational_errors.iter().any(|e| e.kind == "error")
        });
    match &migrated.error {
        Some(_) if said => Err(Exit::Said.into()),
        Some(error) => bail!("{error}"),
        None if invalid => Err(Exit::Said.into()),
        None => Ok(()),
    }
}

fn text(migrated: &Migrated) -> String {
    let mut out = String::new();
    for month in migrated.event_types.values().flat_map(|t| t.months.values()) {
        line(&mut out, month);
    }
    migrated.warnings.iter().for_each(|warning| {
        let _ = writeln!(out, "Warning: {warning}");
    });
    migrated.health_issues.iter().for_each(|issue| {
        let _ = writeln!(out, "Stopped: {issue}");
    });
    let _ = writeln!(out, "Total processed: {}", migrated.total_processed);
    let _ = writeln!(out, "Total errors: {}", migrated.total_errors);
    let _ = writeln!(out, "Completed: {}", if migrated.completed { "yes" } else { "no" });
    out
}

fn line(out: &mut String, month: &MonthResult) {
    let how = match (month.completed, month.interrupted) {
        (true, _) => "completed",
        (_, true) => "interrupted; run it again to carry on",
        _ => "not valid; the next run starts it over",
    };
    let _ = writeln!(
        out,
        "{:<9} {}  {:>10} events in {} of {} batches, {:.2} s: {how}",
        month.event_type,
        month.month,
        month.processed,
        month.batches_succeeded,
        month.batches_attempted,
        month.total_time
    );
    month.validation_errors.iter().for_each(|error| {
        let _ = writeln!(out, "  not valid: {error}");
    });
    month.operational_errors.iter().for_each(|error| {
        let _ = writeln!(out, "  {}: {}", error.kind, error.message);
    });
    if month.old_files_deleted > 0 {
        let _ = writeln!(out, "  {} replaced files deleted", month.old_files_deleted);
    }
}

fn reenriched(done: &Reenriched) -> String {
    let mut out = String::new();
    done.months.iter().for_each(|month| line(&mut out, month));
    done.health_issues.iter().for_each(|issue| {
        let _ = writeln!(out, "Stopped: {issue}");
    });
    let _ = writeln!(out, "Events enriched anew: {}", done.total_processed);
    let _ = writeln!(out, "Months up to date before: {}", done.up_to_date);
    for (family, names) in done.added.iter().filter(|(_, names)| !names.is_empty()) {
        let _ = writeln!(out, "Breakdowns of {family} without a past: {}", names.join(", "));
    }
    for (family, days) in &done.dirty_days {
        let _ = writeln!(out, "Days of {family} to be redone: {days}");
    }
    let _ = writeln!(
        out,
        "{}",
        if done.completed {
            "The next aggregation brings the numbers: tallykeep community-stats aggregate"
        } else {
            "Not completed; run it again to carry on"
        }
    );
    out
}
