//! `tallykeep import …`

mod chat;
mod open_chat_studio;
mod repository;

use crate::context::Context;

#[derive(Debug, clap::Subcommand)]
pub enum Import {
    /// Conversations of chatbots: a folder or archive of CSV files
    Chat(chat::Chat),
    /// Conversations straight from the database of Open Chat Studio (PostgreSQL)
    OpenChatStudio(open_chat_studio::OpenChatStudio),
    /// Records, communities, memberships and usage events of a repository
    Repository(repository::Repository),
}

impl Import {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Chat(command) => command.run(context).await,
            Self::OpenChatStudio(command) => command.run(context).await,
            Self::Repository(command) => command.run(context).await,
        }
    }
}
