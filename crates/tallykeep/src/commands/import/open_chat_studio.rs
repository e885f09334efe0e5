//! `tallykeep import open-chat-studio`

use std::io::Write;

use anyhow::Context as _;
use tallykeep_chat::interchange::{StudioOptions, StudioProgress, import_studio};
use tallykeep_model::TeamSlug;

use super::chat::ended;
use crate::context::Context;

/// Conversations straight from the database of Open Chat Studio (PostgreSQL)
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep import open-chat-studio postgres://reader@db.example.org/studio --teams acme\n\n\
    Only reads, in one snapshot; the content of messages is never asked for. A run goes on where the last one ended, also where it\n\
    was killed. Each team keeps its slug. See docs/chat.md for the columns the database role needs."
)]
pub struct OpenChatStudio {
    /// postgres://user:password@host:port/database; better in the environment than on the line
    #[arg(value_name = "URL", env = "TALLYKEEP_STUDIO_URL", hide_env_values = true)]
    url: String,
    /// Teams by slug; all of the database where left out
    #[arg(long, value_name = "SLUG", num_args = 1..)]
    teams: Vec<TeamSlug>,
    /// Read everything again, and take out what the database no longer has
    #[arg(long)]
    full: bool,
    /// Rows read at a time
    #[arg(long, default_value_t = 100_000, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=5_000_000))]
    page: u32,
    /// Fail when a row cannot be used (good rows are kept all the same)
    #[arg(long)]
    strict: bool,
}

impl OpenChatStudio {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let options = StudioOptions { teams: self.teams, full: self.full, page: self.page as usize };
        let (control, lake) = (context.control().await?, context.lake().await?);
        // When standard error is closed there is nobody left to tell.
        let mut on_reject = |reject: &tallykeep_collect::LineError| {
            let _ = writeln!(std::io::stderr(), "{reject}");
        };
        let quiet = context.options.json;
        let mut on_progress = |progress: &StudioProgress| {
            if !quiet && progress.rows > 0 {
                let _ = writeln!(std::io::stderr(), "{}: {} {}", progress.team, progress.rows, progress.kind);
            }
        };
        let report = import_studio(control, lake, &self.url, &options, &mut on_reject, &mut on_progress)
            .await
            .context("could not import from the database")?;
        ended(context, &report, self.strict)
    }
}
