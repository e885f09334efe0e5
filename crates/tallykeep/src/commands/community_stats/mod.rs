//! `tallykeep community-stats …`: the commands of seed 001.

mod aggregate;
mod community_events;
mod dashboards;
mod read;
mod status;

use anyhow::bail;

use crate::{context::Context, domains};

#[derive(Debug, clap::Subcommand)]
pub enum CommunityStats {
    /// Roll up what came in since the last run
    Aggregate(aggregate::Aggregate),
    /// Print stored statistics of a community or the whole repository
    Read(read::Read),
    /// How complete the aggregations are
    Status(status::Status),
    /// Switch on the dashboards of communities
    EnableDashboards(dashboards::EnableDashboards),
    /// Membership events
    #[command(subcommand)]
    CommunityEvents(community_events::CommunityEvents),
}

impl CommunityStats {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let settings = domains::settings(context)?;
        if !settings.enabled {
            bail!("community statistics are switched off (COMMUNITY_STATS_ENABLED is False)");
        }
        match self {
            Self::Aggregate(command) => command.run(context, &settings).await,
            Self::Read(command) => command.run(context).await,
            Self::Status(command) => command.run(context).await,
            Self::EnableDashboards(command) => command.run(context).await,
            Self::CommunityEvents(command) => command.run(context).await,
        }
    }
}
