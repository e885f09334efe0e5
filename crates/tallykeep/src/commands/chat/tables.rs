//! `tallykeep chat tables …`

use tallykeep_chat::service::Chat;

use crate::{context::Context, exit::Exit};

#[derive(Debug, clap::Subcommand)]
pub enum Tables {
    /// Join the many small files of imports into few, and remove files nothing needs any more; `serve` does so every night
    #[command(after_help = "Example: tallykeep chat tables compact --json")]
    Compact,
}

impl Tables {
    pub async fn run(self, context: &Context, chat: &Chat) -> anyhow::Result<()> {
        match self {
            Self::Compact => {
                let report = chat.compact_tables().await?;
                context.print(&report, || {
                    let errors: String = report.errors.iter().map(|error| format!("{error}\n")).collect();
                    format!(
                        "{} teams, {} files joined into {}, {} old files removed\n{errors}",
                        report.teams_processed, report.files_before, report.files_after, report.files_removed
                    )
                })?;
                if report.errors.is_empty() { Ok(()) } else { Err(Exit::Said.into()) }
            }
        }
    }
}
