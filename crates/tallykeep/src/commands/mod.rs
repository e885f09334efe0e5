//! One file per command. A command is a struct whose comments are its help, and a thin call into a library.
//!
//! To add one: a file, `pub mod`, a variant, a line in `run`, a test. Every command's help ends with an example.

mod import;

use crate::context::Context;

#[derive(Debug, clap::Subcommand)]
pub enum Command {
    /// Read files into the lake
    #[command(subcommand)]
    Import(import::Import),
}

impl Command {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Import(command) => command.run(context).await,
        }
    }
}
