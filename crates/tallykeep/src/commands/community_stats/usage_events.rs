//! `community-stats usage-events …`: enrichment of usage events, its state, invented events.

mod generate;
mod migrate;
mod status;
mod upkeep;

use tallykeep_repository::documents::UsageKind;

use crate::context::Context;

#[derive(Debug, clap::Subcommand)]
pub enum UsageEvents {
    /// Invent usage of stored records, for trying things out
    Generate(generate::Generate),
    /// The same in a process of its own
    GenerateBackground(generate::GenerateBackground),
    /// Write beside every usage event what it counts for
    Migrate(migrate::Migrate),
    /// The same in a process of its own
    MigrateBackground(migrate::MigrateBackground),
    /// Apply the present breakdowns to what was enriched and rolled up before
    ReEnrich(migrate::ReEnrich),
    /// How far the migration is, month by month
    Status(status::Status),
    /// Forget how far migrations got
    ClearBookmarks(upkeep::ClearBookmarks),
    /// Delete files that a later enrichment replaced
    CleanupOldIndices(upkeep::CleanupOldIndices),
    /// Aliases of old indices: there are none here
    RemoveBackupAliases(upkeep::RemoveBackupAliases),
}

impl UsageEvents {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Generate(command) => command.run(context).await,
            Self::GenerateBackground(command) => command.run(context).await,
            Self::Migrate(command) => command.run(context).await,
            Self::MigrateBackground(command) => command.run(context).await,
            Self::ReEnrich(command) => command.run(context).await,
            Self::Status(command) => command.run(context).await,
            Self::ClearBookmarks(command) => command.run(context).await,
            Self::CleanupOldIndices(command) => command.run(context).await,
            Self::RemoveBackupAliases(command) => command.run(context),
        }
    }
}

/// A kind of usage event on the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Kind {
    View,
    Download,
}

fn kinds(list: &[Kind]) -> Vec<UsageKind> {
    let mut found: Vec<UsageKind> = Vec::new();
    for kind in list {
        let kind = match kind {
            Kind::View => UsageKind::View,
            Kind::Download => UsageKind::Download,
        };
        if !found.contains(&kind) {
            found.push(kind);
        }
    }
    found
}
