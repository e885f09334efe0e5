//! `tallykeep import …`

mod chat;
mod open_chat_studio;
mod repository;
pub mod source;

use crate::context::Context;

#[derive(Debug, clap::Subcommand)]
pub enum Import {
    /// Conversations of chatbots: a folder or archive of CSV files
    Chat(chat::Chat),
    /// Conversations straight from the database of Open Chat Studio (PostgreSQL)
    OpenChatStudio(open_chat_studio::OpenChatStudio),
    /// Records, communities, memberships and usage events of a repository
    Repository(repository::Repository),
    /// The same from the search server of a running InvenioRDM
    Opensearch(source::OpenSearch),
    /// Records and communities from the REST API of a running InvenioRDM
    InvenioApi(source::InvenioApi),
}

impl Import {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Chat(command) => command.run(context).await,
            Self::OpenChatStudio(command) => command.run(context).await,
            Self::Repository(command) => command.run(context).await,
            Self::Opensearch(command) => command.run(context).await,
            Self::InvenioApi(command) => command.run(context).await,
        }
    }
}
