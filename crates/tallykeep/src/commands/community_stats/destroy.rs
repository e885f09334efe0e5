//! `community-stats destroy-indices`

use std::fmt::Write;

use anyhow::bail;
use tallykeep_repository::usage::DestroyPlan;

use crate::{
    context::{Context, confirmed},
    domains,
};

/// Membership events, rollups, enrichments, coverage and both kinds of bookmarks, for good. Records, communities and usage events stay as imported:
/// `community-events generate` and `aggregate` make the rest again
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats destroy-indices --yes-i-know")]
pub struct DestroyIndices {
    /// Do not ask
    #[arg(long)]
    yes_i_know: bool,

    /// Accepted: what does not exist is passed over in any case
    #[arg(long)]
    force: bool,
}

impl DestroyIndices {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let repository = domains::repository(context).await?;
        if !self.yes_i_know {
            let plan = repository.destroy_plan().await?;
            crate::output::ask(&warning(&plan));
        }
        let sentence = "This permanently deletes all statistics derived by Tallykeep; it cannot be undone.";
        if !confirmed(self.yes_i_know, sentence, "--yes-i-know")? {
            bail!("nothing was deleted");
        }
        let done = repository.destroy_indices().await?;
        context.print(&done, || {
            let mut out = String::new();
            for plan in &done.deleted {
                let _ = writeln!(out, "Deleted {} ({} rows)", plan.name, plan.rows);
            }
            for name in &done.not_found {
                let _ = writeln!(out, "Not found: {name}");
            }
            let _ = writeln!(out, "Bookmarks deleted: {}", done.bookmarks_deleted);
            let _ = writeln!(out, "Files deleted: {} ({} bytes)", done.files_deleted, done.bytes_deleted);
            let _ = writeln!(out, "Records, communities and usage events are as they were imported.");
            out
        })
    }
}

fn warning(plan: &[DestroyPlan]) -> String {
    let mut out = String::from("To be deleted:\n");
    for one in plan {
        let _ = writeln!(
            out,
            "  {}: {}",
            one.name,
            if one.exists { format!("{} rows", one.rows) } else { "not there".to_owned() }
        );
    }
    out.push_str("  bookmarks of aggregations and of migrations\n");
    out
}
