//! `community-stats status`

use std::fmt::Write;

use tallykeep_repository::{
    aggregate::Aggregator,
    status::{AggregationStatus, CommunityStatus},
};

use crate::{context::Context, domains};

/// Bookmarks, counts and completeness of every aggregation
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats status --community-id my-community --verbose")]
pub struct Status {
    /// UUID or slug of a community, or `global` [default: all]
    #[arg(long, short = 'c', value_name = "ID", num_args = 1..)]
    community_id: Vec<String>,

    /// Everything that is known of each aggregation
    #[arg(long, short = 'v')]
    verbose: bool,
}

impl Status {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let statuses = domains::repository(context).await?.status(&self.community_id).await?;
        context.print(&serde_json::json!({ "communities": statuses }), || {
            let mut out = String::new();
            for status in &statuses {
                // Writing into a String cannot fail.
                let _ = write_status(&mut out, status, self.verbose);
            }
            out
        })
    }
}

fn write_status(out: &mut String, status: &CommunityStatus, verbose: bool) -> std::fmt::Result {
    writeln!(out, "Community: {} ({})", status.community_slug, status.community_id)?;
    writeln!(out, "{}", "-".repeat(60))?;
    for aggregator in ORDER {
        let Some(one) = status.aggregations.get(aggregator.name()) else { continue };
        if verbose {
            details(out, aggregator, one)?;
        } else {
            writeln!(out, "{:<26} {}", aggregator.short(), summary(one))?;
        }
    }
    writeln!(out)
}

/// The order of seed 001's example.
const ORDER: [Aggregator; 8] = {
    use tallykeep_repository::state::Basis::{Added, Created, Published};
    [
        Aggregator::RecordDelta(Created),
        Aggregator::RecordDelta(Published),
        Aggregator::RecordDelta(Added),
        Aggregator::RecordSnapshot(Created),
        Aggregator::RecordSnapshot(Published),
        Aggregator::RecordSnapshot(Added),
        Aggregator::UsageDelta,
        Aggregator::UsageSnapshot,
    ]
};

fn summary(status: &AggregationStatus) -> String {
    if let Some(error) = &status.error {
        return format!("[ERROR: {error}]");
    }
    if !status.index_exists {
        return "[No index]".to_owned();
    }
    format!("[{}] {}% {}", bar(status.completeness, 30), percent(status.completeness), age(status))
}

fn details(out: &mut String, aggregator: Aggregator, status: &AggregationStatus) -> std::fmt::Result {
    let day = |day: Option<jiff::civil::Date>| day.map_or_else(|| "none".to_owned(), |d| d.to_string());
    writeln!(out, "{}", aggregator.name())?;
    writeln!(out, "  Index: {}{}", aggregator.collection(), if status.index_exists { "" } else { " [No index]" })?;
    writeln!(out, "  Documents: {}", status.document_count)?;
    writeln!(out, "  Bookmark: {}", status.bookmark_date.as_deref().unwrap_or("none"))?;
    writeln!(out, "  First document: {}", day(status.first_document_date))?;
    writeln!(out, "  Last document: {}", day(status.last_document_date))?;
    let days = status.days_since_last_document.map_or_else(|| "none".to_owned(), |d| d.to_string());
    writeln!(out, "  Days since last document: {days}")?;
    writeln!(out, "  [{}] {}%", bar(status.completeness, 50), percent(status.completeness))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of a bar")]
fn bar(share: f64, width: usize) -> String {
    let full = ((share.clamp(0.0, 1.0) * width as f64).floor() as usize).min(width);
    format!("{}{}", "█".repeat(full), "░".repeat(width - full))
}

fn percent(share: f64) -> String {
    format!("{:.0}", (share.clamp(0.0, 1.0) * 100.0).floor())
}

fn age(status: &AggregationStatus) -> String {
    match status.days_since_last_document {
        None => "(no documents)".to_owned(),
        Some(0) => "(today)".to_owned(),
        Some(days) => format!("({days}d ago)"),
    }
}
