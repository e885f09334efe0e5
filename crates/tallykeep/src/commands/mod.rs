//! One file per command. A command is a struct whose comments are its help, and a thin call into a library.
//!
//! To add one: a file, `pub mod`, a variant, a line in `run`, a test. Every command's help ends with an example.

mod audit;
pub mod chat;
mod community_stats;
mod database;
mod demo;
mod import;
mod layout;
mod openapi;
pub mod packages;
pub mod people;
pub mod reconcile;
pub mod report;
mod schedule;
mod serve;
mod team;
mod token;
mod user;
pub mod watch;
mod worker;

use crate::context::Context;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Read files into the lake
    #[command(subcommand)]
    Import(import::Import),
    /// Snapshots and kept answers of chat
    #[command(subcommand)]
    Chat(chat::Chat),
    /// How dashboards are laid out
    #[command(subcommand)]
    Layout(layout::Layout),
    /// What sources say beside what is stored, with the reason of each difference
    #[command(subcommand)]
    Reconcile(reconcile::Reconcile),
    /// Statistics of a repository's communities
    #[command(subcommand)]
    CommunityStats(community_stats::CommunityStats),
    /// Fill an installation with believable data and serve it
    Demo(demo::Demo),
    /// Serve the API and the dashboard, run jobs and the timetable
    Serve(serve::Serve),
    /// Downloads and stars of packages and repositories
    Packages(packages::Packages),
    /// Reports that arrive by themselves: what there is, a preview, sending now, history
    #[command(subcommand)]
    Report(report::Report),
    /// Look whether levels and ratios run as they usually do
    Watch(watch::Watch),
    /// The timetable
    #[command(subcommand)]
    Schedule(schedule::Schedule),
    /// Do queued jobs until none is left
    Worker(worker::Worker),
    /// The HTTP API as an OpenAPI document
    Openapi(openapi::Openapi),
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
    /// The control database: SQLite in the data dir, or PostgreSQL
    #[command(subcommand)]
    Database(database::Database),
}

impl Command {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Import(command) => command.run(context).await,
            Self::Chat(command) => command.run(context).await,
            Self::Layout(command) => command.run(context).await,
            Self::Reconcile(command) => command.run(context).await,
            Self::CommunityStats(command) => command.run(context).await,
            Self::Demo(command) => command.run(context).await,
            Self::Serve(command) => command.run(context).await,
            Self::Packages(command) => command.run(context).await,
            Self::Report(command) => command.run(context).await,
            Self::Watch(command) => command.run(context).await,
            Self::Schedule(command) => command.run(context).await,
            Self::Worker(command) => command.run(context).await,
            Self::Openapi(command) => command.run(context).await,
            Self::Team(command) => command.run(context).await,
            Self::User(command) => command.run(context).await,
            Self::Token(command) => command.run(context).await,
            Self::Audit(command) => command.run(context).await,
            Self::Database(command) => command.run(context).await,
        }
    }
}
