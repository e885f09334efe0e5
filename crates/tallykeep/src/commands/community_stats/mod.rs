//! `tallykeep community-stats …`: the commands of seed 001.

mod aggregate;
mod bookmarks;
pub mod cache;
mod community_events;
mod dashboards;
mod destroy;
mod locks;
mod processes;
mod read;
mod status;
mod tasks;
mod usage_events;

use anyhow::bail;

use crate::{context::Context, domains};

#[derive(Debug, clap::Subcommand)]
pub enum CommunityStats {
    /// Roll up what came in since the last run
    Aggregate(aggregate::Aggregate),
    /// Roll up in a process of its own
    AggregateBackground(aggregate::AggregateBackground),
    /// Print stored statistics of a community or the whole repository
    Read(read::Read),
    /// Answers that are made before anybody asks
    #[command(subcommand)]
    Cache(cache::Cache),
    /// How complete the aggregations are
    Status(status::Status),
    /// Switch on the dashboards of communities
    EnableDashboards(dashboards::EnableDashboards),
    /// Membership events
    #[command(subcommand)]
    CommunityEvents(community_events::CommunityEvents),
    /// Usage events: their enrichment, and invented ones
    #[command(subcommand)]
    UsageEvents(usage_events::UsageEvents),
    /// Forget how far aggregations got
    ClearBookmarks(bookmarks::ClearBookmarks),
    /// Free a lock that a process holds
    ClearLock(locks::ClearLock),
    /// Delete everything that is derived
    DestroyIndices(destroy::DestroyIndices),
    /// Background processes
    #[command(subcommand)]
    Processes(processes::Processes),
}

impl CommunityStats {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let settings = domains::settings(context)?;
        if !settings.enabled {
            bail!("community statistics are switched off (COMMUNITY_STATS_ENABLED is False)");
        }
        match self {
            Self::Aggregate(command) => command.run(context, &settings).await,
            Self::AggregateBackground(command) => command.run(context, &settings).await,
            Self::Read(command) => command.run(context).await,
            Self::Cache(command) => command.run(context, &settings).await,
            Self::Status(command) => command.run(context).await,
            Self::EnableDashboards(command) => command.run(context).await,
            Self::CommunityEvents(command) => command.run(context).await,
            Self::UsageEvents(command) => command.run(context).await,
            Self::ClearBookmarks(command) => command.run(context).await,
            Self::ClearLock(command) => command.run(context).await,
            Self::DestroyIndices(command) => command.run(context).await,
            Self::Processes(command) => command.run(context).await,
        }
    }
}
