//! `tallykeep import …`

mod repository;

use crate::context::Context;

#[derive(Debug, clap::Subcommand)]
pub enum Import {
    /// Records, communities, memberships and usage events of a repository
    Repository(repository::Repository),
}

impl Import {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Repository(command) => command.run(context).await,
        }
    }
}
