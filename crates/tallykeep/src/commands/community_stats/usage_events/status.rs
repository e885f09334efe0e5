//! `usage-events status`

use std::fmt::Write;

use tallykeep_control::Job;
use tallykeep_repository::usage::{MigrationStatus, MonthState, MonthStatus};

use super::super::tasks;
use crate::{context::Context, domains};

/// Events stored, enriched and not yet, counted in the tables; what `--async` handed over
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats usage-events status --show-bookmarks")]
pub struct Status {
    /// How far each month got
    #[arg(long)]
    show_bookmarks: bool,

    /// Every month by the names the replaced systems give it
    #[arg(long)]
    show_indices: bool,

    /// List the months that are in progress
    #[arg(long)]
    show_incomplete: bool,

    /// List the months that are completed
    #[arg(long)]
    show_completed: bool,

    /// List the months that are not started
    #[arg(long)]
    show_not_started: bool,
}

impl Status {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let status = domains::repository(context).await?.migration_status().await?;
        let jobs = tasks::tasks(context, domains::MIGRATE).await?;
        let mut document = serde_json::to_value(&status)?;
        document["tasks"] = tasks::to_json(&jobs);
        context.print(&document, || self.text(&status, &jobs))
    }

    fn text(&self, status: &MigrationStatus, jobs: &[Job]) -> String {
        let mut out = String::new();
        // Writing into a String cannot fail.
        let _ = self.write(&mut out, status, jobs);
        out
    }

    fn write(&self, out: &mut String, status: &MigrationStatus, jobs: &[Job]) -> std::fmt::Result {
        writeln!(out, "Usage event migration")?;
        writeln!(out, "{}", "-".repeat(60))?;
        for (kind, counts) in &status.event_types {
            writeln!(
                out,
                "{kind:<9} {:>10} events, {:>10} migrated, {:>10} remaining",
                counts.old, counts.migrated, counts.remaining
            )?;
        }
        writeln!(
            out,
            "Months: {} completed, {} in progress, {} not started",
            status.completed.len(),
            status.in_progress.len(),
            status.not_started.len()
        )?;
        let months: Vec<&MonthStatus> = status.event_types.values().flat_map(|t| &t.months).collect();
        let older: u64 = months.iter().map(|month| month.older_configuration).sum();
        if older > 0 {
            writeln!(
                out,
                "{older} events are enriched by an older configuration of breakdowns; `usage-events re-enrich` brings them up to date"
            )?;
        }
        let memory =
            status.health.memory_percent.map_or_else(|| "unknown".to_owned(), |percent| format!("{percent:.0}%"));
        writeln!(out, "Health: {} (memory {memory})", status.health.reason)?;
        for job in jobs {
            writeln!(out, "{}", tasks::line(job))?;
        }
        if self.show_indices {
            section(out, "Indices", months.iter().copied(), |month| {
                format!(
                    "{} -> {}: {} of {} ({})",
                    month.source_index,
                    month.target_index,
                    month.migrated,
                    month.old,
                    month.state.as_str()
                )
            })?;
        }
        for (wanted, title, state) in [
            (self.show_incomplete, "In progress", MonthState::InProgress),
            (self.show_completed, "Completed", MonthState::Completed),
            (self.show_not_started, "Not started", MonthState::NotStarted),
        ] {
            if wanted {
                section(out, title, months.iter().copied().filter(|month| month.state == state), |month| {
                    format!("{}: {} of {}", month.source_index, month.migrated, month.old)
                })?;
            }
        }
        if self.show_bookmarks {
            section(out, "Bookmarks", months.iter().copied(), |month| match &month.bookmark {
                None => format!("{}: none", month.source_index),
                Some(bookmark) => format!(
                    "{}: {} events up to {} ({}), {}",
                    month.source_index,
                    bookmark.processed,
                    bookmark.last_processed_timestamp.as_deref().unwrap_or("no event"),
                    bookmark.last_processed_id.as_deref().unwrap_or("no id"),
                    if bookmark.completed { "completed" } else { "in progress" }
                ),
            })?;
        }
        Ok(())
    }
}

fn section<'a>(
    out: &mut String,
    title: &str,
    months: impl Iterator<Item = &'a MonthStatus>,
    line: impl Fn(&MonthStatus) -> String,
) -> std::fmt::Result {
    writeln!(out, "\n{title}:")?;
    let mut any = false;
    for month in months {
        any = true;
        writeln!(out, "  {}", line(month))?;
    }
    if any { Ok(()) } else { writeln!(out, "  none") }
}
