//! One file per command. A command is a struct whose comments are its help, and a thin call into a library.
//!
//! To add one: a file, `pub mod`, a variant, a line in `run`, a test. Every command's help ends with an example.

mod audit;
mod import;
mod people;
mod team;
mod token;
mod user;

use crate::context::Context;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Read files into the lake
    #[command(subcommand)]
    Import(import::Import),
    /// Teams, their members, who sees their dashboards
    #[command(subcommand)]
    Team(team::Team),
    /// Users and how they get in
    #[command(subcommand)]
    User(user::User),
    /// Tokens with which programs read or send data
    #[command(subcommand)]
    Token(token::Token),
    /// Who did what
    #[command(after_help = "Example: tallykeep audit --of-team default --action member.")]
    Audit(audit::Audit),
}

impl Command {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Import(command) => command.run(context).await,
            Self::Team(command) => command.run(context).await,
            Self::User(command) => command.run(context).await,
            Self::Token(command) => command.run(context).await,
            Self::Audit(command) => command.run(context).await,
        }
    }
}
