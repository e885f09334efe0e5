//! `tallykeep import repository`

use std::{path::PathBuf, time::Duration};

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use tallykeep_repository::import::{Counts, ImportReport, ImportRequest};

use crate::{
    context::Context,
    domains,
    exit::{Exit, usage},
};

/// Reads NDJSON or JSON arrays, plain, .gz or .zst; documents as InvenioRDM stores them. Reading a file twice changes nothing.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep import repository --records records.ndjson.gz --communities communities.ndjson.gz \\
    --community-events community_events.ndjson.gz --usage-events usage_events.ndjson.gz"
)]
pub struct Repository {
    /// Record documents, one per version
    #[arg(long, value_name = "FILE", num_args = 1..)]
    records: Vec<PathBuf>,

    /// Community documents
    #[arg(long, value_name = "FILE", num_args = 1..)]
    communities: Vec<PathBuf>,

    /// Membership events (added, removed)
    #[arg(long, value_name = "FILE", num_args = 1..)]
    community_events: Vec<PathBuf>,

    /// Usage events (views, downloads), raw or enriched
    #[arg(long, value_name = "FILE", num_args = 1..)]
    usage_events: Vec<PathBuf>,

    /// Read and check everything, store nothing
    #[arg(long)]
    dry_run: bool,

    /// Fail when any line is rejected (what is good is kept all the same)
    #[arg(long)]
    strict: bool,
}

impl Repository {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let request = ImportRequest {
            records: self.records,
            communities: self.communities,
            community_events: self.community_events,
            usage_events: self.usage_events,
            dry_run: self.dry_run,
        };
        let files = [&request.records, &request.communities, &request.community_events, &request.usage_events];
        if files.iter().all(|list| list.is_empty()) {
            return Err(usage(
                "name at least one file: --records, --communities, --community-events or --usage-events",
            ));
        }
        let repository = domains::repository(context).await?;
        let bar = bar(context);
        let stop = crate::context::interrupted();
        let mut shown = PathBuf::new();
        let report = repository
            .import(&request, &mut |progress| {
                if shown != progress.file {
                    shown = progress.file.to_owned();
                    bar.set_message(shown.file_name().unwrap_or_default().to_string_lossy().into_owned());
                }
                bar.set_position(progress.lines);
                !stop.is_cancelled()
            })
            .await?;
        bar.finish_and_clear();
        context.print(&report, || text(&report))?;
        if !report.unreadable.is_empty() {
            if context.options.json {
                return Err(Exit::Said.into());
            }
            bail!("{}", report.unreadable.join("\n"));
        }
        if !report.accepted() || (self.strict && report.total.rejected > 0) {
            if context.options.json {
                return Err(Exit::Said.into());
            }
            bail!("{} of {} lines were rejected", report.total.rejected, report.total.read);
        }
        Ok(())
    }
}

/// Lines, rate and time on a terminal; nothing otherwise.
fn bar(context: &Context) -> ProgressBar {
    if !context.is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{spinner} {msg:<32} {human_pos} lines, {per_sec}, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    let bar = ProgressBar::new_spinner().with_style(style);
    bar.enable_steady_tick(Duration::from_millis(120));
    bar
}

fn text(report: &ImportReport) -> String {
    let mut out = String::new();
    let mut line = |name: &str, c: &Counts| {
        out.push_str(&format!(
            "{name:<18} read {:>10}  new {:>10}  unchanged {:>10}  rejected {:>8}\n",
            c.read, c.new, c.unchanged, c.rejected
        ));
    };
    for (name, counts) in [
        ("communities", &report.communities),
        ("records", &report.records),
        ("community events", &report.community_events),
        ("usage events", &report.usage_events),
        ("total", &report.total),
    ] {
        line(name, counts);
    }
    for reject in &report.rejects {
        out.push_str(&format!("rejected {reject}\n"));
    }
    if report.rejects_not_listed > 0 {
        out.push_str(&format!("… and {} more rejected lines\n", report.rejects_not_listed));
    }
    if !report.unknown_communities.is_empty() {
        out.push_str(&format!(
            "note: memberships of communities nobody knows yet were kept: {}\n",
            report.unknown_communities.join(", ")
        ));
    }
    if report.dry_run {
        out.push_str("dry run: nothing was stored\n");
    }
    out
}
