//! `tallykeep audit`

use jiff::Timestamp;
use serde_json::json;
use tallykeep_control::{AuditEntry, AuditFilter, AuditRow};
use tallykeep_model::TeamSlug;

use super::people::day_or_instant;
use crate::{
    context::Context,
    exit::{Exit, usage},
};

/// Who did what, newest first
#[derive(Debug, clap::Args)]
#[command(args_conflicts_with_subcommands = true)]
pub struct Audit {
    #[command(subcommand)]
    command: Option<Command>,
    #[command(flatten)]
    show: Show,
}

#[derive(Debug, clap::Args)]
struct Show {
    /// Only rows about this team
    #[arg(long, value_name = "SLUG")]
    of_team: Option<TeamSlug>,
    /// Only what this one did: a mail address, a token's name, `user:7`
    #[arg(long, value_name = "WHO")]
    actor: Option<String>,
    /// Only this action, or with a trailing dot all that begin so (`member.`)
    #[arg(long, value_name = "ACTION")]
    action: Option<String>,
    /// From this instant on
    #[arg(long, value_name = "INSTANT")]
    since: Option<Timestamp>,
    /// Up to the end of this day, or before this instant
    #[arg(long, value_name = "DATE", value_parser = day_or_instant)]
    until: Option<Timestamp>,
    /// At most so many rows
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(i64).range(1..))]
    limit: i64,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Recompute the chain of hashes: exit 1 when a row was changed or is missing
    #[command(after_help = "Example: tallykeep audit check")]
    Check,
    /// Forget rows before a day; that it was done is itself written down
    #[command(after_help = "Example: tallykeep audit forget --before 2024-01-01")]
    Forget {
        /// First day to keep (UTC)
        #[arg(long, value_name = "DATE")]
        before: jiff::civil::Date,
    },
}

impl Audit {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self.command {
            None => self.show.run(context).await,
            Some(Command::Check) => {
                let check = context.control().await?.check_audit().await?;
                context.print(&check, || match &check.problem {
                    None => format!("{} rows, the chain is intact", check.rows),
                    Some(problem) => format!("the chain is broken: {problem}"),
                })?;
                if check.intact { Ok(()) } else { Err(Exit::Said.into()) }
            }
            Some(Command::Forget { before }) => {
                let start = before
                    .to_zoned(jiff::tz::TimeZone::UTC)
                    .map_err(|error| usage(format!("--before {before}: {error}")))?
                    .timestamp();
                let actor = AuditEntry {
                    actor: "cli".to_owned(),
                    actor_name: "cli".to_owned(),
                    address: "cli".to_owned(),
                    ..AuditEntry::default()
                };
                let forgotten = context.control().await?.forget_audit(start, &actor).await?;
                context.print(&json!({ "forgotten": forgotten }), || format!("forgot {forgotten} rows before {before}"))
            }
        }
    }
}

impl Show {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let filter = AuditFilter {
            team: self.of_team.map(|team| team.to_string()),
            actor: self.actor,
            action: self.action,
            since: self.since,
            until: self.until,
            before: None,
            limit: self.limit,
        };
        let rows = context.control().await?.audit_rows(&filter).await?;
        context.print(&rows, || {
            let line = |row: &AuditRow| {
                let team = row.team.as_deref().unwrap_or("-");
                format!("{}\t{}\t{team}\t{}\t{}\t{}\n", row.at, row.actor_name, row.action, row.target, row.address)
            };
            rows.iter().map(line).collect()
        })
    }
}
