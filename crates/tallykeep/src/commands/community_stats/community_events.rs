//! `community-stats community-events …`

use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use tallykeep_repository::events::{BackfillRequest, Backfilled};

use crate::{
    background::{self, Folder, Process, Reporter},
    context::Context,
    domains,
};

#[derive(Debug, clap::Subcommand)]
pub enum CommunityEvents {
    /// Write the membership events that records ask for and nobody has written
    Generate(Generate),
    /// Count what `generate` would write
    Status(Status),
    /// Write them in a process of its own, which outlives this one
    GenerateBackground(GenerateBackground),
}

#[derive(Debug, clap::Args)]
struct Filters {
    /// UUID or slug of a community, or `global` [default: all]
    #[arg(long, value_name = "ID", num_args = 1..)]
    community_id: Vec<String>,

    /// Only these records
    #[arg(long, value_name = "ID", num_args = 1..)]
    record_ids: Vec<String>,

    /// Records created on this day or later
    #[arg(long, value_name = "DATE")]
    start_date: Option<Date>,

    /// Records created on this day or before
    #[arg(long, value_name = "DATE")]
    end_date: Option<Date>,
}

impl Filters {
    fn request(self) -> BackfillRequest {
        BackfillRequest {
            communities: self.community_id,
            record_ids: self.record_ids,
            start: self.start_date,
            end: self.end_date,
        }
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats community-events generate --community-id my-community")]
pub struct Generate {
    #[command(flatten)]
    filters: Filters,

    /// Show how far it is (the default on a terminal)
    #[arg(long, overrides_with = "no_show_progress")]
    show_progress: bool,

    /// Show nothing until it is done
    #[arg(long)]
    no_show_progress: bool,
}

#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats community-events generate-background --community-id my-community"
)]
pub struct GenerateBackground {
    #[command(flatten)]
    filters: Filters,

    #[command(flatten)]
    folder: Folder,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats community-events status --community-details")]
pub struct Status {
    #[command(flatten)]
    filters: Filters,

    /// Name the communities that lack events
    #[arg(long)]
    community_details: bool,
}

impl CommunityEvents {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Generate(command) => command.run(context).await,
            Self::Status(command) => command.run(context).await,
            Self::GenerateBackground(command) => command.run(context).await,
        }
    }
}

impl GenerateBackground {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        background::check(context, Process::CommunityEventGeneration, &self.folder)?;
        let request = self.filters.request();
        let repository = domains::repository(context).await?;
        for name in &request.communities {
            repository.community(name).await?;
        }
        background::run(context, Process::CommunityEventGeneration, &self.folder, async |reporter: Reporter| {
            let done = repository
                .backfill_community_events(&request, &mut |at, all| {
                    reporter.tell(at, all, &format!("{at} of {all} records"))
                })
                .await?;
            crate::output::say!("{}", generated(&done));
            Ok(())
        })
        .await
    }
}

fn generated(done: &Backfilled) -> String {
    format!(
        "Records processed: {}\nNew events created: {}\nEvents found: {}",
        done.records_processed, done.new_events_created, done.old_events_found
    )
}

impl Generate {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let bar =
            if context.is_terminal() && !self.no_show_progress { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("[{bar:40}] {pos}/{len} records {per_sec} left {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(120));
        let stop = crate::context::interrupted();
        let repository = domains::repository(context).await?;
        let done = repository
            .backfill_community_events(&self.filters.request(), &mut |at, all| {
                bar.set_length(all);
                bar.set_position(at);
                !stop.is_cancelled()
            })
            .await?;
        bar.finish_and_clear();
        context.print(&done, || generated(&done))
    }
}

impl Status {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let details = self.community_details;
        let status = domains::repository(context).await?.backfill_status(&self.filters.request()).await?;
        context.print(&status, || {
            let mut out = format!(
                "Records: {}\nRecords that need events: {}\nEvents needed: {}\nCommunities checked: {}\n",
                status.total_records,
                status.records_needing_events,
                status.total_events_needed,
                status.communities_checked.len()
            );
            if details {
                status.community_breakdown.iter().for_each(|(id, n)| out.push_str(&format!("  {id}: {n}\n")));
            }
            out
        })
    }
}
