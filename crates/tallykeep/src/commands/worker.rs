//! `tallykeep worker`: does queued jobs until there are none. Commands start it when no server runs.

use crate::{context::Context, domains};

/// Does queued jobs until none is left
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep worker")]
pub struct Worker {}

impl Worker {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let app = domains::app(context, true).await?.build();
        let done = tallykeep_server::run_until_idle(&app).await?;
        context.print(&serde_json::json!({ "jobs": done }), || format!("{done} jobs done"))
    }
}
