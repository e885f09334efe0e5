//! `tallykeep demo`

use std::net::SocketAddr;

use tallykeep_model::TeamSlug;
use tallykeep_repository::{
    aggregate::AggregateRequest,
    demo::{Size, write_files},
    import::ImportRequest,
};

use crate::{context::Context, domains};

/// Fills an installation with a believable repository, then serves it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep demo --listen 127.0.0.1:8080")]
pub struct Demo {
    /// Address to listen on
    #[arg(long, env = "TALLYKEEP_LISTEN", default_value_t = crate::context::default_listen(), value_name = "ADDRESS")]
    listen: SocketAddr,

    /// The same seed makes the same data
    #[arg(long, default_value_t = 7)]
    seed: u64,

    /// Seed the data and stop
    #[arg(long)]
    no_serve: bool,
}

impl Demo {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let mut options = context.options.clone();
        options.team = TeamSlug::default();
        seed_repository(context, self.seed).await?;
        domains::seed_others(context, self.seed).await?;
        if self.no_serve {
            return Ok(());
        }
        super::serve::Serve { listen: self.listen }.run(context).await
    }
}

/// Seeding twice changes nothing: the import knows what it has, and aggregation carries on.
async fn seed_repository(context: &Context, seed: u64) -> anyhow::Result<()> {
    let repository = domains::repository(context).await?;
    let today = context.clock.today();
    let folder = tempfile::tempdir()?;
    if repository.communities().await?.is_empty() {
        crate::output::say!("Inventing a repository …");
        let files = write_files(folder.path(), Size::Demo, seed, today)?;
        let request = ImportRequest {
            records: vec![files.records],
            communities: vec![files.communities],
            community_events: vec![files.community_events],
            usage_events: vec![files.usage_events],
            dry_run: false,
        };
        let report = repository.import(&request, &mut |_| true).await?;
        crate::output::say!("{} records, {} usage events", report.records.new, report.usage_events.new);
    }
    crate::output::say!("Aggregating …");
    let id = uuid::Uuid::now_v7().to_string();
    repository.aggregate(&AggregateRequest::default(), &id, &mut |_| true).await?;
    Ok(())
}
