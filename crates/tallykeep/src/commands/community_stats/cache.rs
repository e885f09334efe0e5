//! `community-stats cache …` (seeds 001 and 004)

mod clear;
mod generate;
mod show;

use tallykeep_repository::{Settings, cache::Category};

use crate::{context::Context, exit::usage};

#[derive(Debug, clap::Subcommand)]
pub enum Cache {
    /// Make answers before anybody asks
    Generate(generate::Generate),
    /// The same in a process of its own
    GenerateBackground(generate::GenerateBackground),
    /// Forget every kept answer
    ClearAll(clear::ClearAll),
    /// Forget the kept answers of one community and category
    ClearItem(clear::ClearItem),
    /// Forget kept answers by key or identity
    ClearPattern(clear::ClearPattern),
    /// What keeps answers, and how much there is
    Info(show::Info),
    /// Every kept answer with its identity and key
    List(show::List),
    /// Keep, read and forget an answer, to see that it works
    Test(show::Test),
}

impl Cache {
    pub async fn run(self, context: &Context, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Generate(command) => command.run(context, settings).await,
            Self::GenerateBackground(command) => command.run(context, settings).await,
            Self::ClearAll(command) => command.run(context).await,
            Self::ClearItem(command) => command.run(context).await,
            Self::ClearPattern(command) => command.run(context).await,
            Self::Info(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
            Self::Test(command) => command.run(context).await,
        }
    }
}

fn category(name: &str) -> anyhow::Result<Category> {
    Category::find(name)
        .ok_or_else(|| usage(format!("no category `{name}`; there are {}", Category::names().join(", "))))
}
