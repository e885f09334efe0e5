//! `tallykeep packages …`: thin calls into `tallykeep_packages`.

mod jobs;
mod look;
mod setup;
mod transfer;
pub mod wiring;

use std::{path::PathBuf, sync::Arc};

use tallykeep_packages::{
    Packages as Service,
    environment::Environment,
    jobs::{JobError, Jobs, Report, Say},
};

use crate::{
    context::Context,
    exit::{Exit, usage},
};

/// Downloads and stars of packages and repositories
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages daily-refresh --lookback-days 7")]
pub struct Packages {
    /// Catalogue and settings of packages, a file of its own (TOML)
    #[arg(long, global = true, env = "COMMUNITY_METRICS_CONFIG", value_name = "FILE")]
    packages_config: Option<PathBuf>,

    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, clap::Subcommand)]
enum Command {
    /// Drop and recreate metrics, observations and runs
    #[command(alias = "bootstrap_tables")]
    BootstrapTables(jobs::BootstrapTables),
    /// Refresh downloads, then stars
    #[command(alias = "daily_refresh")]
    DailyRefresh(jobs::DailyRefresh),
    /// Recompute a window from every source; a killed one continues
    #[command(alias = "update_all")]
    UpdateAll(jobs::UpdateAll),
    /// Refresh downloads only
    #[command(alias = "update_daily_downloads")]
    UpdateDailyDownloads(jobs::UpdateDailyDownloads),
    /// Refresh stars only
    #[command(alias = "update_daily_stars")]
    UpdateDailyStars(jobs::UpdateDailyStars),
    /// Load the CSV seeds
    #[command(alias = "seed_from_csv")]
    SeedFromCsv(jobs::SeedFromCsv),
    /// Rebuild rollups and signals
    #[command(alias = "derive_dashboard")]
    DeriveDashboard(jobs::DeriveDashboard),
    /// Collect stories and comments that name the configured terms
    #[command(alias = "collect_hn_evidence")]
    CollectHnEvidence(jobs::CollectHnEvidence),
    /// Ask the configured language model about this week's signals
    #[command(alias = "generate_signal_guidance")]
    GenerateSignalGuidance(jobs::GenerateSignalGuidance),
    /// Update installs of the configured DuckDB extension
    #[command(alias = "update_duckdb_extension_downloads")]
    UpdateDuckdbExtensionDownloads(jobs::UpdateDuckdb),
    /// Compare what sources return with what is stored, and store the differences
    Reconcile(jobs::Reconcile),
    /// Load rows of stats, metrics or history from files
    #[command(alias = "import_stats")]
    ImportStats(transfer::ImportStats),
    /// Print stored rows
    #[command(alias = "export_stats")]
    ExportStats(transfer::ExportStats),
    /// Print one line per day with a column per download metric
    #[command(alias = "export_wide")]
    ExportWide(transfer::ExportWide),
    /// List missing days and whether their source can still deliver them
    Gaps(look::Gaps),
    /// Show what is stored, as JSON
    Debug(look::Debug),
    /// The report of a month
    Report(look::MonthlyReport),
    /// Compare average downloads before and after a day
    Compare(look::Compare),
    /// Look for alerts and send new ones
    Alerts(look::Alerts),
    /// Write a configuration from package and repository names
    Init(setup::Init),
    /// Add, list or remove notes on charts
    #[command(subcommand)]
    Annotations(setup::Annotations),
    /// Enter evidence by hand
    #[command(alias = "add_evidence")]
    AddEvidence(setup::AddEvidence),
    /// Forget old run rows
    #[command(alias = "prune_history")]
    PruneHistory(setup::PruneHistory),
}

/// The packages domain as this command line configures it.
pub(crate) fn service(context: &Context, file: Option<&std::path::Path>) -> anyhow::Result<Service> {
    let environment = Environment::load(&std::env::current_dir()?);
    let service = Service::new(context.config.packages.clone(), file, environment);
    Ok(service.map_err(|error| usage(error.to_string()))?.with_mail(context.config.mail.clone()))
}

impl Packages {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let service = service(context, self.packages_config.as_deref())?;
        let json = context.options.json;
        // With --json standard output is one document; what happens meanwhile is told beside it.
        let say: Say = Arc::new(
            move |line: &str| if json { crate::output::note!("{line}") } else { crate::output::say!("{line}") },
        );
        let team = context.team_control().await?;
        let jobs = service.jobs(&team, say).await.map_err(ended)?;
        for note in jobs.settings.notes() {
            crate::output::note!("{note}");
        }
        match self.command {
            Command::BootstrapTables(command) => command.run(context, &jobs).await,
            Command::DailyRefresh(command) => command.run(context, &jobs).await,
            Command::UpdateAll(command) => command.run(context, &jobs).await,
            Command::UpdateDailyDownloads(command) => command.run(context, &jobs).await,
            Command::UpdateDailyStars(command) => command.run(context, &jobs).await,
            Command::SeedFromCsv(command) => command.run(context, &jobs).await,
            Command::DeriveDashboard(command) => command.run(context, &jobs).await,
            Command::CollectHnEvidence(command) => command.run(context, &jobs).await,
            Command::GenerateSignalGuidance(command) => command.run(context, &jobs).await,
            Command::UpdateDuckdbExtensionDownloads(command) => command.run(context, &jobs).await,
            Command::Reconcile(command) => command.run(context, &jobs).await,
            Command::ImportStats(command) => command.run(context, &jobs).await,
            Command::ExportStats(command) => command.run(context, &jobs).await,
            Command::ExportWide(command) => command.run(context, &jobs).await,
            Command::Gaps(command) => command.run(context, &jobs).await,
            Command::Debug(command) => command.run(context, &jobs).await,
            Command::Report(command) => command.run(context, &jobs).await,
            Command::Compare(command) => command.run(context, &jobs).await,
            Command::Alerts(command) => command.run(context, &jobs).await,
            Command::Init(command) => command.run(context, &jobs).await,
            Command::Annotations(command) => command.run(context, &jobs).await,
            Command::AddEvidence(command) => command.run(context, &jobs).await,
            Command::PruneHistory(command) => command.run(context, &jobs).await,
        }
    }
}

/// A job's error with the exit code that belongs to it.
pub(crate) fn ended(error: JobError) -> anyhow::Error {
    match error {
        JobError::Usage(text) => usage(text),
        JobError::Control(error) => error.into(),
        other => other.into(),
    }
}

/// Prints a report; a failed run ends with 1, with `strict` a partial one too.
pub(crate) fn tell(context: &Context, report: &Report, strict: bool) -> anyhow::Result<()> {
    use tallykeep_control::packages::RunStatus;
    context.print(report, || {
        let mut lines = Vec::new();
        for (what, list) in [("pending", &report.pending), ("gaps", &report.gaps)] {
            for entry in list {
                let days = entry["days"].as_array().map_or(0, Vec::len);
                let first = entry["days"][0].as_str().unwrap_or("");
                let last = entry["days"][days.saturating_sub(1)].as_str().unwrap_or("");
                let range = if days > 1 { format!("{days} days, {first} to {last}") } else { first.to_owned() };
                lines.push(format!("[{}] {what}: {}: {range}", report.job, entry["metric_id"].as_str().unwrap_or("")));
            }
        }
        for metric in &report.metrics {
            lines
                .extend(metric.notes.iter().map(|note| format!("[{}] note: {}: {note}", report.job, metric.metric_id)));
        }
        lines.push(report.last_line());
        lines.join("\n")
    })?;
    match report.status {
        RunStatus::Failed => Err(Exit::Said.into()),
        RunStatus::Partial if strict => Err(Exit::Said.into()),
        _ => Ok(()),
    }
}

/// Refuses what destroys unless a flag confirms it or a person does.
pub(crate) fn confirmed(yes: bool, what: &str) -> anyhow::Result<()> {
    use std::io::IsTerminal;
    if yes {
        return Ok(());
    }
    if std::io::stdin().is_terminal() {
        crate::output::ask(&format!("{what}. Type `yes` to go on: "));
        let mut answer = String::new();
        std::io::stdin().read_line(&mut answer)?;
        if answer.trim() == "yes" {
            return Ok(());
        }
        anyhow::bail!("not confirmed, nothing was changed");
    }
    Err(usage(format!("{what}; give --yes to confirm")))
}

/// What every command here is run with.
pub(crate) type Of<'a> = &'a Jobs;
