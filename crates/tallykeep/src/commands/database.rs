//! `tallykeep database …`

use anyhow::Context as _;
use serde_json::json;
use tallykeep_control::Control;

use super::people::record;
use crate::{context::Context, domains, exit::usage};

#[derive(Debug, clap::Subcommand)]
pub enum Database {
    /// Copy the whole control database into another, empty one, e.g. from SQLite to PostgreSQL
    #[command(
        after_help = "Example: tallykeep database copy --to postgres://tallykeep@db.example.org/tallykeep\n\nStop `serve` first: what it writes afterwards stays behind. The lake is not touched; the same data dir goes on with --database."
    )]
    Copy(Copy),
}

#[derive(Debug, clap::Args)]
pub struct Copy {
    /// Database to read, if not this installation's own (sqlite:///path/control.db or postgres://…)
    #[arg(long, value_name = "URL")]
    from: Option<String>,
    /// Database to fill: new and empty (postgres://… or sqlite:///path/control.db)
    #[arg(long, value_name = "URL")]
    to: String,
}

impl Database {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Copy(copy) => copy.run(context).await,
        }
    }
}

impl Copy {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let from = match &self.from {
            Some(url) => open(url, "--from", context).await?,
            None => context.control().await?.clone(),
        };
        let to = open(&self.to, "--to", context).await?;
        if let Some(holder) = from.lease_holder(domains::SERVE_LEASE).await? {
            anyhow::bail!("{} is running; stop it first, or what it writes from now on stays behind", holder.what);
        }
        if self.from.is_none() {
            // Before it is done, so that the note moves along.
            record(context, None, "database.copy", "into another database".to_owned()).await?;
        }
        let copied = from.copy_into(&to).await.context("nothing was copied")?;
        let document = json!({ "tables": copied.tables, "rows": copied.rows });
        context.print(&document, || {
            let lines: String = copied.tables.iter().map(|(table, rows)| format!("{table}\t{rows}\n")).collect();
            format!(
                "{lines}copied {} rows; from now on start every command with --database or TALLYKEEP_DATABASE",
                copied.rows
            )
        })
    }
}

/// Opens a database by its URL. The URL may hold a password and is never repeated.
async fn open(url: &str, option: &str, context: &Context) -> anyhow::Result<Control> {
    let is_ours = ["postgres://", "postgresql://", "sqlite://"].iter().any(|scheme| url.starts_with(scheme));
    if !is_ours {
        return Err(usage(format!("{option}: use postgres://… or sqlite:///path/control.db")));
    }
    let url =
        if url.starts_with("sqlite://") && !url.contains('?') { format!("{url}?mode=rwc") } else { url.to_owned() };
    Ok(Control::open_url(&url, context.clock).await?)
}
