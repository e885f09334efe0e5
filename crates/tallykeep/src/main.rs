//! The `tallykeep` program: reads the command line, opens what a command needs, says how it ended.

#![deny(clippy::print_stdout, clippy::print_stderr)]

mod background;
mod commands;
mod config;
mod context;
#[cfg(test)]
mod documentation;
mod domains;
mod exit;
mod memory;
mod output;

use std::{io::IsTerminal, process::ExitCode};

use clap::Parser;

use crate::{commands::Command, context::Context};

/// Statistics of communities: repositories, packages and chatbots, counted exactly and explained
#[derive(Debug, Parser)]
#[command(name = "tallykeep", version, about, propagate_version = true)]
#[command(after_help = "Example: tallykeep demo --listen 127.0.0.1:8080")]
pub struct Cli {
    #[command(flatten)]
    pub global: GlobalOptions,

    #[command(subcommand)]
    pub command: Command,
}

/// Options every command takes, anywhere on the line.
#[derive(Debug, Clone, clap::Args)]
pub struct GlobalOptions {
    /// Folder that holds the installation
    #[arg(long, global = true, env = "TALLYKEEP_DATA_DIR", default_value_os_t = context::default_data_dir(), value_name = "DIR")]
    pub data_dir: std::path::PathBuf,

    /// Configuration file (TOML); flag over environment over file
    #[arg(long, global = true, env = "TALLYKEEP_CONFIG", value_name = "FILE")]
    pub config: Option<std::path::PathBuf>,

    /// Control database, if not the SQLite file in the data dir (postgres://…)
    #[arg(long, global = true, env = "TALLYKEEP_DATABASE", value_name = "URL", hide_env_values = true)]
    pub database: Option<String>,

    /// Team the command is about
    #[arg(long, global = true, env = "TALLYKEEP_TEAM", default_value = "default", value_name = "SLUG")]
    pub team: tallykeep_model::TeamSlug,

    /// What to log, e.g. `info` or `tallykeep_chat=debug`
    #[arg(long, global = true, env = "TALLYKEEP_LOG", default_value = "warn", value_name = "FILTER")]
    pub log: String,

    /// Log queries slower than this many milliseconds
    #[arg(long, global = true, env = "TALLYKEEP_SLOW_QUERY_MS", default_value_t = 500, value_name = "MS")]
    pub slow_query_ms: u64,

    /// Print one JSON document instead of text
    #[arg(long, global = true)]
    pub json: bool,
}

fn main() -> ExitCode {
    // Usage errors leave through clap itself, with exit code 2.
    let cli = Cli::parse();
    if matches!(cli.command, Command::Serve(_) | Command::Demo(_)) {
        memory::be_sparing();
    }
    exit::report(run(cli))
}

fn run(cli: Cli) -> anyhow::Result<()> {
    start_logging(&cli.global.log)?;
    let context = Context::new(cli.global)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let outcome = runtime.block_on(cli.command.run(&context));
    // Background renewals and file work that nobody waits for must not hold up the exit.
    runtime.shutdown_timeout(std::time::Duration::from_secs(2));
    outcome
}

fn start_logging(filter: &str) -> anyhow::Result<()> {
    let filter = tracing_subscriber::EnvFilter::try_new(filter)
        .map_err(|error| exit::usage(format!("--log {filter}: {error}")))?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::stderr().is_terminal())
        .init();
    Ok(())
}
