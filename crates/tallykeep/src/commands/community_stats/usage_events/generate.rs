//! `usage-events generate` and `generate-background`.

use std::time::Duration;

use anyhow::bail;
use indicatif::{ProgressBar, ProgressStyle};
use jiff::civil::Date;
use tallykeep_repository::usage::{GenerateRequest, Generated};

use crate::{
    background::{self, Folder, Process, Reporter},
    context::{Context, confirmed},
    domains,
};

/// What to invent, for both commands.
#[derive(Debug, clap::Args)]
struct Selection {
    /// Records created on this day or later [default: the first record's day]
    #[arg(long, value_name = "DATE")]
    start_date: Option<Date>,

    /// Records created on this day or before [default: today]
    #[arg(long, value_name = "DATE")]
    end_date: Option<Date>,

    /// First day of the events [default: that of the records]
    #[arg(long, value_name = "DATE")]
    event_start_date: Option<Date>,

    /// Last day of the events [default: that of the records]
    #[arg(long, value_name = "DATE")]
    event_end_date: Option<Date>,

    /// Views of each record, and as many downloads where it has files
    #[arg(long, value_name = "N", default_value_t = 5)]
    events_per_record: usize,

    /// Records at most; 0 means all
    #[arg(long, value_name = "N", default_value_t = 0)]
    max_records: usize,

    /// Write what each event counts for into the event
    #[arg(long)]
    enrich_events: bool,

    /// The same seed makes the same events [default: a new one, which is said]
    #[arg(long, value_name = "N")]
    seed: Option<u64>,
}

impl Selection {
    fn request(&self, dry_run: bool) -> GenerateRequest {
        // 53 bits, so that every JSON reader can hand the number back.
        let invented = || uuid::Uuid::new_v4().as_u64_pair().0 >> 11;
        GenerateRequest {
            start: self.start_date,
            end: self.end_date,
            event_start: self.event_start_date,
            event_end: self.event_end_date,
            events_per_record: self.events_per_record,
            max_records: self.max_records,
            enrich: self.enrich_events,
            dry_run,
            seed: self.seed.unwrap_or_else(invented),
        }
    }
}

/// The events are stored like real ones and count like real ones
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats usage-events generate --max-records 100 --events-per-record 3 --enrich-events --yes-i-know"
)]
pub struct Generate {
    #[command(flatten)]
    selection: Selection,

    /// Invent, and store nothing
    #[arg(long)]
    dry_run: bool,

    /// Do not ask
    #[arg(long)]
    yes_i_know: bool,

    /// Accepted: enriched and other events are in one table here
    #[arg(long)]
    use_migrated_indices: bool,
}

/// Does not ask: who names a folder of processes means it
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats usage-events generate-background --events-per-record 10 --enrich-events"
)]
pub struct GenerateBackground {
    #[command(flatten)]
    selection: Selection,

    #[command(flatten)]
    folder: Folder,
}

impl Generate {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        if !self.dry_run && !confirmed(self.yes_i_know, "Invented events count like real ones.", "--yes-i-know")? {
            bail!("nothing was generated");
        }
        let bar = if context.is_terminal() { ProgressBar::new(0) } else { ProgressBar::hidden() };
        let style = ProgressStyle::with_template("[{bar:40}] {pos}/{len} records {per_sec} left {eta}");
        bar.set_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
        bar.enable_steady_tick(Duration::from_millis(120));
        let stop = crate::context::interrupted();
        let request = self.selection.request(self.dry_run);
        let done = domains::repository(context)
            .await?
            .generate_usage(&request, &mut |at, all| {
                bar.set_length(all);
                bar.set_position(at);
                !stop.is_cancelled()
            })
            .await?;
        bar.finish_and_clear();
        context.print(&done, || text(&done))
    }
}

impl GenerateBackground {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        background::check(context, Process::UsageEventGeneration, &self.folder)?;
        let request = self.selection.request(false);
        let repository = domains::repository(context).await?;
        background::run(context, Process::UsageEventGeneration, &self.folder, async |reporter: Reporter| {
            let done = repository
                .generate_usage(&request, &mut |at, all| reporter.tell(at, all, &format!("{at} of {all} records")))
                .await?;
            crate::output::say!("{}", text(&done));
            Ok(())
        })
        .await
    }
}

fn text(done: &Generated) -> String {
    let mut out = format!(
        "Records processed: {}\nViews generated: {}\nDownloads generated: {}\nEvents indexed: {}\nErrors: {}\n",
        done.records_processed, done.views, done.downloads, done.indexed, done.errors
    );
    if done.unchanged > 0 {
        out.push_str(&format!("Stored before: {}\n", done.unchanged));
    }
    if let (Some(first), Some(last)) = (&done.first_event, &done.last_event) {
        out.push_str(&format!("From {first} to {last}\n"));
    }
    out.push_str(&format!("Seed: {}", done.seed));
    if done.dry_run {
        out.push_str("\nDry run: nothing was stored");
    }
    out
}
