//! `usage-events clear-bookmarks`, `cleanup-old-indices` and `remove-backup-aliases`.

use std::fmt::Write;

use serde_json::json;
use tallykeep_repository::usage;

use super::{Kind, kinds};
use crate::{context::Context, domains, exit::usage as usage_error};

/// Never asks. What was enriched stays; the next migration finds it and carries on with what lacks it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats usage-events clear-bookmarks --event-type view --months 2024-01 --months 2024-02"
)]
pub struct ClearBookmarks {
    /// view, download [default: both]
    #[arg(long, value_name = "TYPE", num_args = 1..)]
    event_type: Vec<Kind>,

    /// Months (YYYY-MM) or ranges (YYYY-MM:YYYY-MM)
    #[arg(long, alias = "month", value_name = "MONTH", num_args = 1..)]
    months: Vec<String>,

    /// All of them
    #[arg(long)]
    fresh_start: bool,

    /// Accepted: nothing is asked
    #[arg(long)]
    confirm: bool,
}

impl ClearBookmarks {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        if !self.fresh_start && self.event_type.is_empty() && self.months.is_empty() {
            return Err(usage_error("say which: --event-type, --months, or --fresh-start for all of them"));
        }
        let request = if self.fresh_start {
            usage::ClearBookmarks::default()
        } else {
            usage::ClearBookmarks { kinds: kinds(&self.event_type), months: self.months }
        };
        let (cleared, wrong) = domains::repository(context).await?.clear_migration_bookmarks(&request).await?;
        if let Some(wrong) = wrong.first() {
            crate::output::note!("Skipped: {wrong}");
        }
        context.print(&json!({"cleared": cleared, "count": cleared.len(), "skipped": wrong}), || {
            let mut out = String::new();
            cleared.iter().for_each(|name| {
                let _ = writeln!(out, "Cleared {name}");
            });
            let _ = writeln!(out, "{} bookmarks cleared", cleared.len());
            out
        })
    }
}

/// Only of months whose migration is completed and has at least 95 % of the events. Events as imported are never deleted
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats usage-events cleanup-old-indices --dry-run")]
pub struct CleanupOldIndices {
    /// view, download [default: both]
    #[arg(long, short = 'e', value_name = "TYPE", num_args = 1..)]
    event_types: Vec<Kind>,

    /// Say what would be deleted and delete nothing
    #[arg(long)]
    dry_run: bool,
}

impl CleanupOldIndices {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let repository = domains::repository(context).await?;
        let done = repository.cleanup_old_enrichment(&kinds(&self.event_types), self.dry_run).await?;
        context.print(&done, || {
            if done.months.is_empty() {
                return "Nothing to clean up: no enrichment was replaced by a later one. Events are kept as imported."
                    .to_owned();
            }
            let mut out = String::new();
            for month in &done.months {
                let reason = month.reason.as_ref().map_or_else(String::new, |reason| format!(" ({reason})"));
                let _ = writeln!(
                    out,
                    "{:<9} {}: {} replaced files, {} bytes: {}{reason}",
                    month.event_type,
                    month.month,
                    month.files,
                    month.bytes,
                    month.action.replace('_', " ")
                );
            }
            let _ = writeln!(out, "{} files with {} bytes deleted", done.files_deleted, done.bytes_deleted);
            out
        })
    }
}

/// The replaced systems leave aliases to backups of the month that was going on. Here the events of a month are one table under one name, before and after
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats usage-events remove-backup-aliases --dry-run")]
pub struct RemoveBackupAliases {
    /// Say what would be removed
    #[arg(long)]
    dry_run: bool,
}

impl RemoveBackupAliases {
    pub fn run(self, context: &Context) -> anyhow::Result<()> {
        context.print(&json!({"removed": [], "dry_run": self.dry_run}), || {
            "No backup aliases: Tallykeep makes no backup copies of a month that is migrated, so there is nothing to remove.".to_owned()
        })
    }
}
