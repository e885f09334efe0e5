//! Background processes (spec/invenio §14): daemons that outlive the command that started them.
//!
//! A `…-background` command starts the program a second time with the same words; the second one finds its name in the environment, leaves the
//! terminal's session and does the work. It alone writes its pid and status files, so that they are true of the process that works. A lock on
//! the log, held for life, is what keeps a second one of the same name out; the kernel frees it whatever happens.

pub mod files;
pub mod kernel;

use std::{
    fs::TryLockError,
    path::{Path, PathBuf},
    process::Stdio,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use anyhow::{Context as _, bail};
use jiff::Timestamp;
use tokio_util::sync::CancellationToken;

pub use files::{Files, Phase, Status};

use crate::context::Context;

/// Set for the process that is to do the work; holds its name.
const WORKER: &str = "TALLYKEEP_BACKGROUND_PROCESS";
/// How often the status file follows the work.
const TELL: Duration = Duration::from_millis(500);
/// Beats without news after which the status file is written all the same.
const QUIET: u32 = 4;
/// How long a start may take until the files are there.
const START: Duration = Duration::from_secs(30);
/// The task of a process that has not told one yet.
const STARTING: &str = "starting";
pub const DEFAULT_FOLDER: &str = "/tmp";

/// What may run in the background, each once per folder.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Process {
    Aggregation,
    CacheGeneration,
    EventMigration,
    CommunityEventGeneration,
    UsageEventGeneration,
}

impl Process {
    pub const ALL: [Self; 5] = [
        Self::Aggregation,
        Self::CacheGeneration,
        Self::EventMigration,
        Self::CommunityEventGeneration,
        Self::UsageEventGeneration,
    ];

    pub fn name(self) -> &'static str {
        match self {
            Self::Aggregation => "aggregation",
            Self::CacheGeneration => "cache-generation",
            Self::EventMigration => "event-migration",
            Self::CommunityEventGeneration => "community-event-generation",
            Self::UsageEventGeneration => "usage-event-generation",
        }
    }
}

/// Where the files of background processes are.
#[derive(Debug, Clone, clap::Args)]
pub struct Folder {
    /// Folder of the PID, status and log files
    #[arg(long, value_name = "DIR", default_value = DEFAULT_FOLDER)]
    pub pid_dir: PathBuf,
}

/// How the work tells how far it is, and learns that it should stop.
#[derive(Clone)]
pub struct Reporter {
    told: Arc<tokio::sync::watch::Sender<(f64, String)>>,
    stop: CancellationToken,
}

impl Reporter {
    /// Tells progress; answers whether to go on.
    pub fn tell(&self, done: u64, all: u64, task: &str) -> bool {
        #[expect(clippy::cast_precision_loss, reason = "counts below 2^52")]
        let percent = if all == 0 { 0.0 } else { (done.min(all) as f64 * 1000.0 / all as f64).round() / 10.0 };
        self.told.send_if_modified(|now| {
            let changed = now.0 != percent || now.1 != task;
            if changed {
                *now = (percent, task.to_owned());
            }
            changed
        });
        !self.stop.is_cancelled()
    }

    pub fn stop(&self) -> &CancellationToken {
        &self.stop
    }
}

/// The data dir as the files name it.
pub fn data_dir(context: &Context) -> anyhow::Result<PathBuf> {
    let dir = std::path::absolute(&context.options.data_dir)?;
    Ok(std::fs::canonicalize(&dir).unwrap_or(dir))
}

/// Starts a background process and says how to follow it; in that process, does the work.
///
/// Errors: one of the name runs already, the files belong to another data dir, or it ended before it had begun.
pub async fn run(
    context: &Context,
    process: Process,
    folder: &Folder,
    work: impl AsyncFnOnce(Reporter) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let files = Files::new(&std::path::absolute(&folder.pid_dir)?, process.name());
    if is_worker(process) {
        return serve(context, process, &files, work).await;
    }
    check(context, process, folder)?;
    std::fs::create_dir_all(&files.folder).with_context(|| format!("could not create {}", files.folder.display()))?;
    let pid = start(process, &files)?;
    let document = serde_json::json!({
        "name": process.name(), "pid": pid, "pid_file": files.pid(), "status_file": files.status(), "log_file": files.log(),
    });
    context.print(&document, || {
        let follow = |verb: &str, rest: &str| {
            format!("tallykeep community-stats processes {verb} {}{rest}{}", process.name(), place(context, folder))
        };
        format!(
            "Started {} in the background (PID: {pid})\nLog file: {}\nMonitor progress: {}\nCancel process: {}\nView logs: {}",
            process.name(),
            files.log().display(),
            follow("status", ""),
            follow("cancel", ""),
            follow("status", " --show-log"),
        )
    })
}

fn is_worker(process: Process) -> bool {
    std::env::var_os(WORKER).is_some_and(|name| name == process.name())
}

/// Refuses to start a second process of a name, and to touch another data dir's files. Commands ask this first, before they open anything.
pub fn check(context: &Context, process: Process, folder: &Folder) -> anyhow::Result<()> {
    if is_worker(process) {
        return Ok(());
    }
    let files = Files::new(&std::path::absolute(&folder.pid_dir)?, process.name());
    let found = files.look()?;
    files.check_owner(&found, &data_dir(context)?)?;
    if found.alive.is_some() {
        bail!(already_running(process, found.pid));
    }
    Ok(())
}

fn already_running(process: Process, pid: Option<u32>) -> String {
    let pid = pid.map_or_else(|| "unknown".to_owned(), |pid| pid.to_string());
    format!("Process {} is already running (PID: {pid})", process.name())
}

/// The options a follow-up command needs to find the same files and the same data dir.
fn place(context: &Context, folder: &Folder) -> String {
    let mut words = String::new();
    if folder.pid_dir != Path::new(DEFAULT_FOLDER) {
        words.push_str(&format!(" --pid-dir {}", folder.pid_dir.display()));
    }
    let by_itself =
        std::env::var_os("TALLYKEEP_DATA_DIR").is_some_and(|dir| dir == context.options.data_dir.as_os_str());
    if !by_itself && context.options.data_dir != crate::context::default_data_dir() {
        words.push_str(&format!(" --data-dir {}", context.options.data_dir.display()));
    }
    words
}

/// Starts the program again with the same words and waits until it has written its files.
fn start(process: Process, files: &Files) -> anyhow::Result<u32> {
    let log = files.open_log()?;
    let mut command = std::process::Command::new(std::env::current_exe()?);
    command.args(std::env::args_os().skip(1)).env(WORKER, process.name());
    command.stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    let mut child = command.spawn().context("could not start the background process")?;
    let pid = child.id();
    let begun = std::time::Instant::now();
    loop {
        // It says by its own files that it works; looking at them is all the waiting there is.
        let ended = child.try_wait()?;
        let found = files.look().ok().filter(|found| found.status.as_ref().is_some_and(|status| status.pid == pid));
        if found.is_some_and(|found| found.pid == Some(pid) || ended.is_some()) {
            return Ok(pid);
        }
        if let Some(ended) = ended {
            let last = files.last_lines(1)?.unwrap_or_default().pop().unwrap_or_default();
            bail!("the background process ended at once ({ended}): {last}");
        }
        if begun.elapsed() > START {
            bail!(
                "the background process (PID: {pid}) has not said a word for {} s; see {}",
                START.as_secs(),
                files.log().display()
            );
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

/// Keeps the status file true whatever way the work ends; only a killed process leaves it as it was.
struct Ending {
    files: Files,
    status: Arc<Mutex<Status>>,
}

impl Ending {
    /// Changes the status and writes it down. Beats and the end take turns, so that no beat overwrites the end.
    fn write(&self, change: impl FnOnce(&mut Status)) -> anyhow::Result<()> {
        // A panic while it was held leaves the status as valid as it was.
        let mut status = self.status.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut status);
        status.last_update = Timestamp::now();
        self.files.write_status(&status)
    }

    fn is_running(&self) -> bool {
        self.status.lock().unwrap_or_else(PoisonError::into_inner).status == Phase::Running
    }

    fn beat(&self, progress: f64, task: String) {
        let beat = self.write(|status| {
            if status.status == Phase::Running {
                if status.current_task != task {
                    crate::output::say!("{} {progress:>5.1} % {task}", now());
                }
                (status.progress, status.current_task) = (progress, task);
            }
        });
        // Work does not fail because its status cannot be told.
        if let Err(error) = beat {
            tracing::warn!("{error:#}");
        }
    }

    fn end(&self, phase: Phase, exit_code: u8, error: Option<String>) {
        let written = self.write(|status| {
            status.status = phase;
            if phase == Phase::Completed {
                status.progress = 100.0;
            }
            status.exit_code = Some(exit_code);
            status.error = error;
            status.ended = Some(Timestamp::now());
        });
        let written = written.and_then(|()| self.files.remove_pid(std::process::id()));
        if let Err(error) = written {
            tracing::error!("the end of {} could not be written down: {error:#}", self.files.name);
        }
    }
}

impl Drop for Ending {
    fn drop(&mut self) {
        if self.is_running() {
            self.end(Phase::Failed, 101, Some("the work broke off".to_owned()));
        }
    }
}

async fn serve(
    context: &Context,
    process: Process,
    files: &Files,
    work: impl AsyncFnOnce(Reporter) -> anyhow::Result<()>,
) -> anyhow::Result<()> {
    let stop = crate::context::interrupted();
    // A session of its own: the terminal it was started from may close. It fails only for who leads one already.
    let _ = rustix::process::setsid();
    let lock = files.open_log()?;
    match lock.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => bail!(already_running(process, files.look()?.pid)),
        Err(TryLockError::Error(error)) => return Err(error).context("could not lock the log"),
    }
    let own = data_dir(context)?;
    files.check_owner(&files.look()?, &own)?;
    let pid = std::process::id();
    let seen = kernel::look(pid).context("the kernel does not list this process")?;
    let status = Status {
        pid,
        start_time: Timestamp::from_second(seen.started)?,
        status: Phase::Running,
        command: seen.command,
        progress: 0.0,
        current_task: STARTING.to_owned(),
        last_update: Timestamp::now(),
        name: process.name().to_owned(),
        data_dir: Some(own),
        team: context.options.team.to_string(),
        kernel_start: seen.mark,
        exit_code: None,
        error: None,
        ended: None,
    };
    crate::output::say!("{} {} starts (PID: {pid}): {}", now(), process.name(), status.command);
    // The status first: a number whose owner is not written down would belong to nobody.
    files.write_status(&status)?;
    files.write_pid(pid)?;
    let ending = Arc::new(Ending { files: files.clone(), status: Arc::new(Mutex::new(status)) });

    let (told, mut heard) = tokio::sync::watch::channel((0.0, STARTING.to_owned()));
    let reporter = Reporter { told: Arc::new(told), stop: stop.clone() };
    // On a task of its own: work that keeps a thread busy does not keep the status from being told.
    let beats = {
        let (ending, mut heard) = (ending.clone(), heard.clone());
        tokio::spawn(async move {
            let mut quiet = 0_u32;
            loop {
                tokio::time::sleep(TELL).await;
                quiet = if heard.has_changed().unwrap_or(false) { 0 } else { quiet + 1 };
                if quiet.is_multiple_of(QUIET) {
                    let (progress, task) = heard.borrow_and_update().clone();
                    ending.beat(progress, task);
                }
            }
        })
    };
    let outcome = work(reporter).await;
    beats.abort();
    let (progress, task) = heard.borrow_and_update().clone();
    ending.beat(progress, task);
    let (phase, code, error) = match &outcome {
        Ok(()) if stop.is_cancelled() => (Phase::Cancelled, 0, None),
        Ok(()) => (Phase::Completed, 0, None),
        Err(error) if stop.is_cancelled() => (Phase::Cancelled, crate::exit::code(error), Some(format!("{error:#}"))),
        Err(error) => (Phase::Failed, crate::exit::code(error), Some(format!("{error:#}"))),
    };
    ending.end(phase, code, error);
    crate::output::say!("{} {} {}", now(), process.name(), phase.as_str());
    drop(lock);
    outcome
}

/// The time of a line of the log.
fn now() -> Timestamp {
    Timestamp::now().round(jiff::Unit::Second).unwrap_or_else(|_| Timestamp::now())
}
