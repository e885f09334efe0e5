//! `community-stats processes …`: background processes, watched and ended.

use std::{
    fmt::Write,
    path::Path,
    time::{Duration, Instant},
};

use anyhow::bail;
use jiff::Timestamp;
use rustix::process::Signal;
use serde_json::{Value, json};

use crate::{
    background::{
        DEFAULT_FOLDER, Files, Folder, Process,
        files::{Found, PREFIX, Phase, Status as Written},
        kernel,
    },
    context::Context,
};

/// How often a process that was asked to end is looked at.
const LOOK: Duration = Duration::from_millis(50);

#[derive(Debug, clap::Subcommand)]
pub enum Processes {
    /// How far a background process is
    Status(Status),
    /// End a background process, gently first
    Cancel(Cancel),
    /// The background processes that run
    List(List),
}

/// Its PID, progress, task and command, held against the kernel's list of processes
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats processes status event-migration --show-log --log-lines 50")]
pub struct Status {
    /// aggregation, cache-generation, event-migration, community-event-generation or usage-event-generation
    #[arg(value_name = "PROCESS", default_value = Process::EventMigration.name())]
    name: String,

    /// Show the end of its log too
    #[arg(long)]
    show_log: bool,

    /// Lines of the log to show
    #[arg(long, value_name = "N", default_value_t = 20)]
    log_lines: usize,

    #[command(flatten)]
    folder: Folder,
}

/// Asks it to end after the step at hand; after the timeout it is killed. Its PID and status files go away, the log stays
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats processes cancel event-migration --timeout 60")]
pub struct Cancel {
    /// aggregation, cache-generation, event-migration, community-event-generation or usage-event-generation
    #[arg(value_name = "PROCESS", default_value = Process::EventMigration.name())]
    name: String,

    /// Seconds to wait before it is killed
    #[arg(long, value_name = "SECONDS", default_value_t = 30)]
    timeout: u64,

    #[command(flatten)]
    folder: Folder,
}

/// Every live process that has a PID file in the folder
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats processes list --package-only")]
pub struct List {
    /// Only Tallykeep's own
    #[arg(long)]
    package_only: bool,

    #[command(flatten)]
    folder: Folder,
}

impl Processes {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Status(command) => command.run(context),
            Self::Cancel(command) => command.run(context).await,
            Self::List(command) => command.run(context),
        }
    }
}

fn files(name: &str, folder: &Folder) -> anyhow::Result<Files> {
    if !Process::ALL.iter().any(|process| process.name() == name) {
        let known = Process::ALL.map(Process::name).join(", ");
        return Err(crate::exit::usage(format!("no process `{name}`; there are {known}")));
    }
    Ok(Files::new(&std::path::absolute(&folder.pid_dir)?, name))
}

/// The name, or what it is the default of, for messages.
fn place(files: &Files) -> String {
    files.folder.display().to_string()
}

impl Status {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let files = files(&self.name, &self.folder)?;
        let found = files.look()?;
        let log = if self.show_log { files.last_lines(self.log_lines)? } else { None };
        let mut document = describe(&files, &found, Timestamp::now());
        if self.show_log {
            document["log"] = json!(log.clone().unwrap_or_default());
        }
        context.print(&document, || {
            let mut out = text(&document, context, &found);
            if self.show_log {
                let _ = match &log {
                    None => writeln!(out, "Log file: none at {}", files.log().display()),
                    Some(lines) => {
                        let _ = writeln!(out, "Last {} lines of {}:", lines.len(), files.log().display());
                        lines.iter().try_for_each(|line| writeln!(out, "  {line}"))
                    }
                };
            }
            out
        })
    }
}

/// What is known of a process, as one document. `process` is `running`, `stale`, `ended` or `none`.
fn describe(files: &Files, found: &Found, now: Timestamp) -> Value {
    let status = found.status.as_ref();
    let process = match (found, status) {
        (Found { alive: Some(_), .. }, _) => "running",
        (Found { pid: Some(_), .. }, _) => "stale",
        (_, Some(status)) if status.status == Phase::Running => "stale",
        (_, Some(_)) => "ended",
        _ => "none",
    };
    let until = match process {
        "running" => Some(now),
        _ => status.map(|s| s.ended.unwrap_or(s.last_update)),
    };
    let runtime = status.zip(until).map(|(s, until)| until.as_second().saturating_sub(s.start_time.as_second()).max(0));
    let reason = match (process, &found.stranger) {
        ("stale", Some(other)) => Some(format!("its number belongs to another process now: {}", other.command)),
        ("stale", None) => Some("the process is gone and has not said how it ended".to_owned()),
        _ => None,
    };
    json!({
        "name": files.name,
        "process": process,
        "stale": process == "stale",
        "reason": reason,
        "pid": found.pid.or(status.map(|s| s.pid)),
        "status": status.map(|s| s.status.as_str()),
        "start_time": status.map(|s| s.start_time),
        "runtime_seconds": runtime,
        "progress": status.map(|s| s.progress),
        "current_task": status.map(|s| s.current_task.clone()),
        "command": status.map(|s| s.command.clone()),
        "last_update": status.map(|s| s.last_update),
        "ended": status.and_then(|s| s.ended),
        "exit_code": status.and_then(|s| s.exit_code),
        "error": status.and_then(|s| s.error.clone()),
        "data_dir": status.and_then(|s| s.data_dir.clone()),
        "team": status.map(|s| s.team.clone()),
        "pid_file": files.pid(),
        "status_file": files.status(),
        "log_file": files.log(),
    })
}

fn text(document: &Value, context: &Context, found: &Found) -> String {
    let mut out = String::new();
    let word = |key: &str| document[key].as_str().unwrap_or("").to_owned();
    let process = word("process");
    let mut line = |name: &str, value: String| {
        if !value.is_empty() {
            let _ = writeln!(out, "{name}: {value}");
        }
    };
    line("Process", word("name"));
    if process == "none" {
        line(
            "Status",
            format!(
                "not running (no PID file in {})",
                Path::new(&word("pid_file")).parent().unwrap_or(Path::new(DEFAULT_FOLDER)).display()
            ),
        );
        return out;
    }
    line("PID", document["pid"].to_string());
    line("Status", word("status"));
    line("Started", word("start_time"));
    line("Runtime", document["runtime_seconds"].as_i64().map(clock).unwrap_or_default());
    line(
        "Progress",
        document["progress"].as_f64().map(|percent| format!("[{}] {percent:.0}%", bar(percent))).unwrap_or_default(),
    );
    line("Current task", word("current_task"));
    line("Command", word("command"));
    line("Last update", word("last_update"));
    if let Some(code) = document["exit_code"].as_u64() {
        line("Exit code", code.to_string());
    }
    line("Error", word("error"));
    if found.status.as_ref().is_some_and(|s| of_another(s, context)) {
        line("Data dir", format!("{} (another than this one)", word("data_dir")));
    }
    line(
        "Process is",
        match process.as_str() {
            "stale" => format!("not running: stale PID file ({})", word("reason")),
            "ended" => "not running".to_owned(),
            other => other.to_owned(),
        },
    );
    out
}

fn of_another(status: &Written, context: &Context) -> bool {
    let own = crate::background::data_dir(context).ok();
    status.data_dir.as_ref().is_some_and(|dir| Some(dir) != own.as_ref())
}

/// 50 characters.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of 50")]
fn bar(percent: f64) -> String {
    let full = ((percent.clamp(0.0, 100.0) / 2.0).floor() as usize).min(50);
    format!("{}{}", "█".repeat(full), "░".repeat(50 - full))
}

/// `HH:MM:SS`
fn clock(seconds: i64) -> String {
    format!("{:02}:{:02}:{:02}", seconds / 3600, seconds / 60 % 60, seconds % 60)
}

impl Cancel {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let files = files(&self.name, &self.folder)?;
        let found = files.look()?;
        files.check_owner(&found, &crate::background::data_dir(context)?)?;
        let (Some(pid), Some(status)) = (found.pid, &found.status) else {
            bail!("Process {} is not running (no PID file in {})", files.name, place(&files));
        };
        let begun = Instant::now();
        let is_it = |seen: &kernel::Seen| status.is(seen);
        let outcome = if kernel::signal(pid, Signal::TERM, is_it)? {
            if gone(pid, status, begun + Duration::from_secs(self.timeout)).await {
                "terminated"
            } else {
                kernel::signal(pid, Signal::KILL, is_it)?;
                // A killed process is gone as soon as the kernel has taken it down; what it waits for in the kernel may take a moment.
                if !gone(pid, status, Instant::now() + Duration::from_secs(10)).await {
                    bail!("process {pid} was killed and is still listed; its files are left as they are");
                }
                "killed"
            }
        } else {
            "stale"
        };
        let took = begun.elapsed().as_secs_f64();
        files.remove_pid(pid)?;
        files.remove_status()?;
        let document = json!({"name": files.name, "pid": pid, "outcome": outcome, "seconds": (took * 10.0).round() / 10.0,
            "log_file": files.log()});
        context.print(&document, || {
            let said = match outcome {
                "terminated" => format!("Process {} (PID: {pid}) ended after {took:.1} s", files.name),
                "killed" => {
                    format!("Process {} (PID: {pid}) did not end within {} s and was killed", files.name, self.timeout)
                }
                _ => format!("Process {} (PID: {pid}) was not running any more", files.name),
            };
            format!("{said}\nIts PID and status files are removed; its log is kept: {}", files.log().display())
        })
    }
}

/// Waits for a process to be gone. Answers `false` when it is still there at the deadline.
async fn gone(pid: u32, status: &Written, deadline: Instant) -> bool {
    loop {
        if !kernel::look(pid).is_some_and(|seen| status.is(&seen)) {
            return true;
        }
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(LOOK).await;
    }
}

impl List {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let folder = std::path::absolute(&self.folder.pid_dir)?;
        let mut names: Vec<(bool, String)> = match std::fs::read_dir(&folder) {
            Ok(entries) => entries
                .filter_map(|entry| entry.ok()?.file_name().into_string().ok())
                .filter_map(|file| {
                    let stem = file.strip_suffix(".pid")?;
                    let own = stem.strip_prefix(PREFIX);
                    Some((own.is_some(), own.unwrap_or(stem).to_owned()))
                })
                .collect(),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(anyhow::anyhow!("could not read {}: {error}", folder.display())),
        };
        names.sort();
        let mut running = Vec::new();
        for (own, name) in names {
            if own {
                // A file that cannot be read is somebody else's; it hides nothing of ours.
                let files = Files::new(&folder, &name);
                let Ok(found) = files.look() else { continue };
                if found.alive.is_some() {
                    running.push(describe(&files, &found, Timestamp::now()));
                }
            } else if !self.package_only {
                let number = std::fs::read_to_string(folder.join(format!("{name}.pid"))).ok();
                let Some(pid) = number.and_then(|text| text.trim().parse::<u32>().ok()) else { continue };
                if let Some(seen) = kernel::look(pid) {
                    let started = Timestamp::from_second(seen.started).ok();
                    running.push(json!({"name": name, "process": "running", "pid": pid, "start_time": started,
                        "command": seen.command}));
                }
            }
        }
        context.print(&json!({"folder": folder, "processes": running}), || {
            if running.is_empty() {
                return format!("No background processes are running in {}", folder.display());
            }
            let mut out =
                format!("{:<28} {:>8} {:<10} {:>9} {:>9}  COMMAND\n", "NAME", "PID", "STATUS", "RUNTIME", "PROGRESS");
            for one in &running {
                let progress = one["progress"].as_f64().map_or_else(|| "-".to_owned(), |p| format!("{p:.0}%"));
                let runtime = one["runtime_seconds"].as_i64().map_or_else(|| "-".to_owned(), clock);
                let _ = writeln!(
                    out,
                    "{:<28} {:>8} {:<10} {runtime:>9} {progress:>9}  {}",
                    one["name"].as_str().unwrap_or(""),
                    one["pid"],
                    one["process"].as_str().unwrap_or(""),
                    one["command"].as_str().unwrap_or(""),
                );
            }
            out
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_have_fifty_characters_and_clocks_two_digits() {
        assert_eq!(bar(0.0), "░".repeat(50));
        assert_eq!(bar(50.9), format!("{}{}", "█".repeat(25), "░".repeat(25)));
        assert_eq!(bar(100.0).chars().count(), 50);
        assert_eq!(clock(3_723), "01:02:03");
        assert_eq!(clock(360_000), "100:00:00");
    }
}
