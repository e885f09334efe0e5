//! `tallykeep chat …`: the jobs of chat by hand. `serve` runs the same code by its timetable.

mod prices;
mod tables;
pub mod wiring;

use jiff::civil::Date;
use serde::Serialize;
use tallykeep_chat::service::HistoricalReport;
use tallykeep_model::{Period, TeamSlug};

use crate::{
    context::Context,
    exit::{Exit, usage},
};

#[derive(Debug, clap::Subcommand)]
pub enum Chat {
    /// Daily snapshots
    #[command(subcommand)]
    Snapshots(Snapshots),
    /// Kept answers
    #[command(subcommand)]
    Cache(Cache),
    /// What a thousand tokens cost, from one day to another
    #[command(subcommand)]
    Prices(prices::Prices),
    /// The team's tables in the lake
    #[command(subcommand)]
    Tables(tables::Tables),
}

#[derive(Debug, clap::Subcommand)]
pub enum Snapshots {
    /// Compute one day's snapshot for every team
    #[command(after_help = "Example: tallykeep chat snapshots generate --date 2026-06-14")]
    Generate {
        /// The UTC day; today where left out
        #[arg(long, value_name = "DATE")]
        date: Option<Date>,
    },
    /// Compute every day of a range, both ends included
    #[command(after_help = "Example: tallykeep chat snapshots backfill --start 2026-06-01 --end 2026-06-14")]
    Backfill {
        #[arg(long, value_name = "DATE")]
        start: Date,
        #[arg(long, value_name = "DATE")]
        end: Date,
        /// This team only; every team where left out
        #[arg(long = "of-team", value_name = "SLUG")]
        of_team: Option<TeamSlug>,
    },
    /// Compute the last days of one team again
    #[command(after_help = "Example: tallykeep chat snapshots regenerate --team acme --days-back 30")]
    Regenerate {
        #[arg(long, default_value_t = 30, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=36_500))]
        days_back: i64,
    },
    /// Delete snapshots of days before today minus N
    #[command(after_help = "Example: tallykeep chat snapshots cleanup --days-to-keep 365")]
    Cleanup {
        #[arg(long, default_value_t = 365, value_name = "N", value_parser = clap::value_parser!(i64).range(0..=36_500))]
        days_to_keep: i64,
    },
}

#[derive(Debug, clap::Subcommand)]
pub enum Cache {
    /// Delete answers that have expired
    #[command(after_help = "Example: tallykeep chat cache cleanup --json")]
    Cleanup,
}

impl Chat {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let chat = wiring::chat(context).await?;
        match self {
            Self::Prices(command) => command.run(context).await,
            Self::Tables(command) => command.run(context, &chat).await,
            Self::Snapshots(Snapshots::Generate { date }) => {
                let report = chat.generate_daily(date.unwrap_or_else(|| context.clock.today())).await?;
                show(context, &report, !report.errors.is_empty())
            }
            Self::Snapshots(Snapshots::Backfill { start, end, of_team }) => {
                let period =
                    Period::inclusive(start, end).map_err(|error| usage(format!("--start, --end: {error}")))?;
                let team = match of_team {
                    Some(slug) => Some(context.control().await?.team(&slug).await?),
                    None => None,
                };
                let report = chat.generate_historical(period, team, |_| ()).await?;
                historical(context, &report)
            }
            Self::Snapshots(Snapshots::Regenerate { days_back }) => {
                let report = chat.regenerate_team(context.team_control().await?, days_back).await?;
                historical(context, &report)
            }
            Self::Snapshots(Snapshots::Cleanup { days_to_keep }) => {
                show(context, &chat.cleanup_snapshots(days_to_keep).await?, false)
            }
            Self::Cache(Cache::Cleanup) => show(context, &chat.cleanup_cache().await?, false),
        }
    }
}

fn historical(context: &Context, report: &HistoricalReport) -> anyhow::Result<()> {
    show(context, report, report.total_errors > 0)
}

/// Prints a report, as lines of `key: value` for people.
fn show(context: &Context, report: &impl Serialize, failed: bool) -> anyhow::Result<()> {
    let fields = serde_json::to_value(report)?;
    context.print(report, || {
        let lines = fields.as_object().into_iter().flatten();
        lines.map(|(key, value)| format!("{key}: {value}\n")).collect()
    })?;
    if failed { Err(Exit::Said.into()) } else { Ok(()) }
}
