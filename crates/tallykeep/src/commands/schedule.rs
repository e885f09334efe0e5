//! `tallykeep schedule run`

use crate::{context::Context, domains};

#[derive(Debug, clap::Subcommand)]
pub enum Schedule {
    /// Run the timetable alone, without a server
    #[command(after_help = "Example: tallykeep schedule run")]
    Run,
}

impl Schedule {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let Self::Run = self;
        let app = domains::app(context, true).await?.build();
        crate::output::say!("The timetable runs; stop it with Ctrl-C.");
        tallykeep_server::run_jobs_and_timetable(app, crate::context::interrupted()).await;
        Ok(())
    }
}
