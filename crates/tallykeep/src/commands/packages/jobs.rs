//! The jobs of spec/packages §7 as commands.

use std::path::PathBuf;

use tallykeep_control::ControlError;
use tallykeep_packages::jobs::{
    JobError, downloads::DownloadOptions, stars::StarOptions, update_all::UpdateAllOptions,
};

use super::{Of, confirmed, ended, tell};
use crate::context::Context;

/// Drop and recreate metrics, observations and runs
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages bootstrap-tables --yes")]
pub struct BootstrapTables {
    /// Confirm that stored observations are dropped
    #[arg(long)]
    yes: bool,
}

impl BootstrapTables {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        if !jobs.is_empty().await.map_err(ended)? {
            confirmed(self.yes, "this drops every stored metric, observation, revision and run of packages")?;
        }
        tell(context, &jobs.bootstrap_tables().await.map_err(ended)?, false)
    }
}

/// Refresh downloads, then stars
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages daily-refresh --lookback-days 7")]
pub struct DailyRefresh {
    /// Completed days to fetch again beside the missing ones [default: as configured, 1]
    #[arg(long, alias = "lookback_days", value_name = "N", allow_negative_numbers = true)]
    lookback_days: Option<i64>,
    /// Shared id of the two runs
    #[arg(long, alias = "run_id", value_name = "ID")]
    run_id: Option<String>,
    /// Store star counts more than a fifth below the day before
    #[arg(long)]
    accept_drops: bool,
    /// Do not rebuild rollups and signals afterwards
    #[arg(long)]
    no_derive: bool,
    /// End with 1 when any metric failed
    #[arg(long)]
    strict: bool,
}

impl DailyRefresh {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let lookback = self.lookback_days.unwrap_or(jobs.config.refresh.lookback_days);
        let report = jobs.daily_refresh(lookback, self.accept_drops, self.run_id).await.map_err(ended)?;
        if !self.no_derive {
            match jobs.derive_dashboard().await {
                // The refresh is done and stored; whoever writes now derives, or the next run does.
                Err(JobError::Control(ControlError::Busy { owner, .. })) => {
                    crate::output::note!("rollups and signals are not rebuilt: {owner} writes now");
                }
                other => _ = other.map_err(ended)?,
            }
        }
        tell(context, &report, self.strict)
    }
}

/// Recompute a window from every source; a killed one continues where it was
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages update-all --lookback-days 90")]
pub struct UpdateAll {
    /// Completed days to recompute
    #[arg(long, alias = "lookback_days", value_name = "N", default_value_t = 90, allow_negative_numbers = true)]
    lookback_days: i64,
    /// Drop and recreate the tables first
    #[arg(long, alias = "reset_tables")]
    reset_tables: bool,
    /// Confirm --reset-tables
    #[arg(long)]
    yes: bool,
    /// Folder of the CSV seeds
    #[arg(long, value_name = "DIR", default_value = "./seed_data")]
    seed_dir: PathBuf,
    /// Store star counts more than a fifth below the day before
    #[arg(long)]
    accept_drops: bool,
    /// End with 1 when any metric failed
    #[arg(long)]
    strict: bool,
}

impl UpdateAll {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        if self.reset_tables && !jobs.is_empty().await.map_err(ended)? {
            confirmed(self.yes, "--reset-tables drops every stored metric, observation, revision and run of packages")?;
        }
        let options = UpdateAllOptions {
            lookback_days: self.lookback_days,
            reset_tables: self.reset_tables,
            seed_dir: &self.seed_dir,
            accept_drops: self.accept_drops,
        };
        tell(context, &jobs.update_all(options).await.map_err(ended)?, self.strict)
    }
}

/// Refresh downloads only
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages update-daily-downloads --reconcile")]
pub struct UpdateDailyDownloads {
    /// Completed days to fetch again beside the missing ones
    #[arg(long, alias = "lookback_days", value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    lookback_days: i64,
    /// Id of the run
    #[arg(long, alias = "run_id", value_name = "ID")]
    run_id: Option<String>,
    /// Compare everything the sources return with what is stored, due or not
    #[arg(long)]
    reconcile: bool,
    /// End with 1 when any metric failed
    #[arg(long)]
    strict: bool,
}

impl UpdateDailyDownloads {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let options =
            DownloadOptions { run_id: self.run_id, lookback_days: self.lookback_days, reconcile: self.reconcile };
        tell(context, &jobs.update_daily_downloads(options).await.map_err(ended)?, self.strict)
    }
}

/// Refresh stars only
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages update-daily-stars --lookback-days 180")]
pub struct UpdateDailyStars {
    /// Completed days to fetch again beside the missing ones
    #[arg(long, alias = "lookback_days", value_name = "N", default_value_t = 0, allow_negative_numbers = true)]
    lookback_days: i64,
    /// Id of the run
    #[arg(long, alias = "run_id", value_name = "ID")]
    run_id: Option<String>,
    /// Store star counts more than a fifth below the day before
    #[arg(long)]
    accept_drops: bool,
    /// End with 1 when any metric failed
    #[arg(long)]
    strict: bool,
}

impl UpdateDailyStars {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let options =
            StarOptions { run_id: self.run_id, lookback_days: self.lookback_days, accept_drops: self.accept_drops };
        tell(context, &jobs.update_daily_stars(options).await.map_err(ended)?, self.strict)
    }
}

/// Load the CSV seeds
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages seed-from-csv --seed-dir ./seed_data")]
pub struct SeedFromCsv {
    /// Folder with download_stats.csv and *star*.csv
    #[arg(long, value_name = "DIR", default_value = "./seed_data")]
    seed_dir: PathBuf,
    /// End with 1 when any line was refused
    #[arg(long)]
    strict: bool,
}

impl SeedFromCsv {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        tell(context, &jobs.seed_from_csv(&self.seed_dir).await.map_err(ended)?, self.strict)
    }
}

/// Rebuild rollups and signals
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages derive-dashboard")]
pub struct DeriveDashboard {
    /// Accepted for scripts of the system this replaces: as many days are read as the formulas need
    #[arg(long, value_name = "N", default_value_t = 210)]
    days: i64,
}

impl DeriveDashboard {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        tracing::debug!("--days {} is not needed", self.days);
        tell(context, &jobs.derive_dashboard().await.map_err(ended)?, false)
    }
}

/// Collect stories and comments that name the configured terms
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages collect-hn-evidence --lookback-days 30")]
pub struct CollectHnEvidence {
    /// Days back from now
    #[arg(long, alias = "lookback_days", value_name = "N", default_value_t = 30, allow_negative_numbers = true)]
    lookback_days: i64,
}

impl CollectHnEvidence {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        tell(context, &jobs.collect_hn_evidence(self.lookback_days).await.map_err(ended)?, false)
    }
}

/// Ask the configured language model about this week's signals
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages generate-signal-guidance --window-days 7")]
pub struct GenerateSignalGuidance {
    /// Only 7 is accepted
    #[arg(long, alias = "window_days", value_name = "N", default_value_t = 7, allow_negative_numbers = true)]
    window_days: i64,
}

impl GenerateSignalGuidance {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        tell(context, &jobs.generate_signal_guidance(self.window_days).await.map_err(ended)?, false)
    }
}

/// Update installs of the configured DuckDB extension
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages update-duckdb-extension-downloads")]
pub struct UpdateDuckdb {}

impl UpdateDuckdb {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        tell(context, &jobs.update_duckdb_extension_downloads().await.map_err(ended)?, false)
    }
}

/// Compare what sources return with what is stored, and store the differences
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages reconcile --strict")]
pub struct Reconcile {
    /// End with 1 when any metric failed
    #[arg(long)]
    strict: bool,
}

impl Reconcile {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let options = DownloadOptions { reconcile: true, ..DownloadOptions::default() };
        tell(context, &jobs.update_daily_downloads(options).await.map_err(ended)?, self.strict)
    }
}
