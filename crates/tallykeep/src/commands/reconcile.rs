//! `tallykeep reconcile repository`

use tallykeep_repository::reconcile::Reconciliation;

use crate::{context::Context, domains};

#[derive(Debug, clap::Subcommand)]
pub enum Reconcile {
    /// Documents, events of each month and counters of records: theirs, ours, and why they differ
    #[command(after_help = "Example: tallykeep reconcile repository --json")]
    Repository,
}

impl Reconcile {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let Self::Repository = self;
        let reconciliation = domains::repository(context).await?.reconcile().await?;
        context.print(&reconciliation, || text(&reconciliation))
    }
}

/// Rows as a table, each reason on its own line below.
pub fn text(found: &Reconciliation) -> String {
    let number = |n: Option<i64>| n.map_or_else(|| "-".to_owned(), |n| n.to_string());
    let mut out = format!("\n{:<10} {:<34} {:>12} {:>12} {:>12}\n", "", "", "theirs", "ours", "difference");
    for row in &found.rows {
        out.push_str(&format!(
            "{:<10} {:<34} {:>12} {:>12} {:>12}\n",
            row.part,
            row.what,
            number(row.theirs),
            row.ours,
            number(row.difference)
        ));
        for reason in &row.reasons {
            let about = if reason.estimated { " (what is left over)" } else { "" };
            out.push_str(&format!("{:<10} {:+} {}{about}\n", "", reason.count, reason.reason));
        }
        if row.unexplained != 0 {
            out.push_str(&format!("{:<10} {:+} not explained\n", "", row.unexplained));
        }
    }
    if !found.works.is_empty() {
        out.push_str("\nworks that differ most: views theirs/ours, downloads theirs/ours\n");
        for work in &found.works {
            out.push_str(&format!(
                "  {:<20} {:>8}/{:<8} {:>8}/{:<8}\n",
                work.id, work.views[0], work.views[1], work.downloads[0], work.downloads[1]
            ));
        }
    }
    out.push_str(if found.explained {
        "every difference has its reason\n"
    } else {
        "some differences have no reason yet\n"
    });
    out
}
