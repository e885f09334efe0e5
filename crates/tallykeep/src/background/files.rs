//! The three files of a background process: `invenio-community-stats-<name>.pid`, `.status` and `.log`.

use std::{
    fs::{File, OpenOptions},
    io::{ErrorKind, Write as _},
    path::{Path, PathBuf},
};

use anyhow::Context as _;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::kernel::{self, Seen};

pub const PREFIX: &str = "invenio-community-stats-";

/// How a background process is or ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    Running,
    Completed,
    Failed,
    Cancelled,
}

impl Phase {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Cancelled => "cancelled",
        }
    }
}

/// The status file, written only by the process it describes.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Status {
    pub pid: u32,
    /// When the process started, by the kernel.
    pub start_time: Timestamp,
    pub status: Phase,
    pub command: String,
    /// Percent, 0 to 100.
    pub progress: f64,
    pub current_task: String,
    pub last_update: Timestamp,
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub data_dir: Option<PathBuf>,
    #[serde(default)]
    pub team: String,
    /// Boot and clock ticks of the start: tells a recycled process number from the process.
    #[serde(default)]
    pub kernel_start: Option<String>,
    #[serde(default)]
    pub exit_code: Option<u8>,
    #[serde(default)]
    pub error: Option<String>,
    #[serde(default)]
    pub ended: Option<Timestamp>,
}

impl Status {
    /// Whether the process the kernel lists under this number is the one that wrote this.
    pub fn is(&self, seen: &Seen) -> bool {
        let same_second = (self.start_time.as_second() - seen.started).abs() <= 2;
        let same_mark = match (&self.kernel_start, &seen.mark) {
            (Some(own), Some(listed)) => own == listed,
            _ => true,
        };
        same_second && same_mark
    }
}

/// Where the files of one process are.
#[derive(Debug, Clone)]
pub struct Files {
    pub folder: PathBuf,
    pub name: String,
}

/// What the files say, held against the kernel.
#[derive(Debug)]
pub struct Found {
    /// The number in the pid file.
    pub pid: Option<u32>,
    pub status: Option<Status>,
    /// The process, where it lives and is the one meant.
    pub alive: Option<Seen>,
    /// Another process that has the number now.
    pub stranger: Option<Seen>,
}

impl Files {
    pub fn new(folder: &Path, name: &str) -> Self {
        Self { folder: folder.to_owned(), name: name.to_owned() }
    }

    fn path(&self, extension: &str) -> PathBuf {
        self.folder.join(format!("{PREFIX}{}.{extension}", self.name))
    }

    pub fn pid(&self) -> PathBuf {
        self.path("pid")
    }

    pub fn status(&self) -> PathBuf {
        self.path("status")
    }

    pub fn log(&self) -> PathBuf {
        self.path("log")
    }

    /// Reads the files and looks the process up.
    ///
    /// Errors: a file that is there and cannot be read or understood, by its path.
    pub fn look(&self) -> anyhow::Result<Found> {
        let status = match read(&self.status())? {
            None => None,
            Some(text) => Some(
                serde_json::from_str::<Status>(&text)
                    .with_context(|| format!("{} is no status file", self.status().display()))?,
            ),
        };
        let pid = match read(&self.pid())? {
            None => None,
            Some(text) => Some(
                text.trim()
                    .parse::<u32>()
                    .with_context(|| format!("{} holds no process number", self.pid().display()))?,
            ),
        };
        let seen = pid.and_then(kernel::look);
        // Without a status file of the same process nobody can say whose number it is.
        let own = |seen: &Seen| status.as_ref().is_some_and(|s| Some(s.pid) == pid && s.is(seen));
        let (alive, stranger) = match seen {
            Some(seen) if own(&seen) => (Some(seen), None),
            other => (None, other),
        };
        Ok(Found { pid, status, alive, stranger })
    }

    /// Refuses files that belong to another data dir, naming it; files that name none are left alone as well.
    pub fn check_owner(&self, found: &Found, data_dir: &Path) -> anyhow::Result<()> {
        let Some(file) = found.pid.map(|_| self.pid()).or(found.status.as_ref().map(|_| self.status())) else {
            return Ok(());
        };
        match found.status.as_ref().and_then(|s| s.data_dir.as_deref()) {
            Some(owner) if owner == data_dir => Ok(()),
            Some(owner) => anyhow::bail!(
                "{} belongs to the data dir {} and is left alone; name another folder with --pid-dir",
                file.display(),
                owner.display()
            ),
            None => anyhow::bail!(
                "{} does not say which data dir it belongs to and is left alone; name another folder with --pid-dir",
                file.display()
            ),
        }
    }

    pub fn write_status(&self, status: &Status) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(status)?;
        write(&self.status(), format!("{text}\n").as_bytes())
    }

    pub fn write_pid(&self, pid: u32) -> anyhow::Result<()> {
        write(&self.pid(), format!("{pid}\n").as_bytes())
    }

    /// Removes the pid file, if it still holds this number. Answers whether it was there.
    pub fn remove_pid(&self, pid: u32) -> anyhow::Result<bool> {
        match read(&self.pid())? {
            Some(text) if text.trim() == pid.to_string() => remove(&self.pid()),
            _ => Ok(false),
        }
    }

    pub fn remove_status(&self) -> anyhow::Result<bool> {
        remove(&self.status())
    }

    /// The log, opened for appending (created when absent).
    pub fn open_log(&self) -> anyhow::Result<File> {
        let log = self.log();
        OpenOptions::new()
            .create(true)
            .append(true)
            .open(&log)
            .with_context(|| format!("could not open {}", log.display()))
    }

    /// The last lines of the log, oldest first; `None` without a log.
    pub fn last_lines(&self, lines: usize) -> anyhow::Result<Option<Vec<String>>> {
        let log = self.log();
        let file = match File::open(&log) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error).with_context(|| format!("could not read {}", log.display())),
        };
        tail(file, lines).map(Some).with_context(|| format!("could not read {}", log.display()))
    }
}

/// The last lines of a file, read from its end: logs may be long.
fn tail(mut file: File, lines: usize) -> std::io::Result<Vec<String>> {
    use std::io::{Read, Seek, SeekFrom};
    const BLOCK: u64 = 64 * 1024;
    let mut start = file.seek(SeekFrom::End(0))?;
    let mut bytes: Vec<u8> = Vec::new();
    while start > 0 && bytes.iter().filter(|b| **b == b'\n').count() <= lines {
        let from = start.saturating_sub(BLOCK);
        file.seek(SeekFrom::Start(from))?;
        let mut block = Vec::new();
        (&mut file).take(start - from).read_to_end(&mut block)?;
        block.extend_from_slice(&bytes);
        (bytes, start) = (block, from);
    }
    let text = String::from_utf8_lossy(&bytes);
    let all: Vec<&str> = text.lines().collect();
    Ok(all[all.len().saturating_sub(lines)..].iter().map(|line| (*line).to_owned()).collect())
}

fn read(path: &Path) -> anyhow::Result<Option<String>> {
    match std::fs::read_to_string(path) {
        Ok(text) => Ok(Some(text)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error).with_context(|| format!("could not read {}", path.display())),
    }
}

fn remove(path: &Path) -> anyhow::Result<bool> {
    match std::fs::remove_file(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error).with_context(|| format!("could not remove {}", path.display())),
    }
}

/// Writes a file so that readers see the old text or the new one, never a part.
fn write(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    let write = || -> std::io::Result<()> {
        let mut file = tempfile::Builder::new().prefix(".tallykeep-").tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        use std::os::unix::fs::PermissionsExt;
        file.as_file().set_permissions(std::fs::Permissions::from_mode(0o644))?;
        file.persist(path).map_err(|error| error.error)?;
        Ok(())
    };
    write().with_context(|| format!("could not write {}", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn status(pid: u32, data_dir: &Path) -> Status {
        let seen = kernel::look(std::process::id()).expect("this process lives");
        Status {
            pid,
            start_time: Timestamp::from_second(seen.started).expect("a time"),
            status: Phase::Running,
            command: seen.command,
            progress: 0.0,
            current_task: String::new(),
            last_update: Timestamp::now(),
            name: "event-migration".to_owned(),
            data_dir: Some(data_dir.to_owned()),
            team: "default".to_owned(),
            kernel_start: seen.mark,
            exit_code: None,
            error: None,
            ended: None,
        }
    }

    #[test]
    fn a_process_is_known_by_its_number_and_its_start() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::new(folder.path(), "event-migration");
        let mut own = status(std::process::id(), folder.path());
        files.write_status(&own).expect("written");
        files.write_pid(own.pid).expect("written");
        assert!(files.look().expect("readable").alive.is_some());

        // The same number with another start: the number was given to somebody else.
        own.kernel_start = Some("another-boot:1".to_owned());
        files.write_status(&own).expect("written");
        let found = files.look().expect("readable");
        assert!(found.alive.is_none() && found.stranger.is_some());

        own.kernel_start = None;
        own.start_time = Timestamp::from_second(own.start_time.as_second() - 60).expect("a time");
        files.write_status(&own).expect("written");
        assert!(files.look().expect("readable").alive.is_none(), "a minute apart is another process");
    }

    #[test]
    fn files_of_another_data_dir_are_named_and_refused() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::new(folder.path(), "event-migration");
        assert!(files.check_owner(&files.look().expect("readable"), folder.path()).is_ok(), "no files, nobody's");
        files.write_pid(1).expect("written");
        let error = files.check_owner(&files.look().expect("readable"), folder.path()).expect_err("refused");
        assert!(error.to_string().contains("does not say"), "{error}");
        files.write_status(&status(1, Path::new("/srv/other"))).expect("written");
        let error = files.check_owner(&files.look().expect("readable"), folder.path()).expect_err("refused");
        assert!(error.to_string().contains("/srv/other"), "{error}");
    }

    #[test]
    fn the_end_of_a_long_log_is_read_from_its_end() {
        let folder = tempfile::tempdir().expect("a folder");
        let files = Files::new(folder.path(), "aggregation");
        assert_eq!(files.last_lines(3).expect("readable"), None);
        let text: String = (0..20_000).map(|n| format!("line {n}\n")).collect();
        std::fs::write(files.log(), &text).expect("written");
        assert_eq!(files.last_lines(2).expect("readable").expect("a log"), ["line 19998", "line 19999"]);
        assert_eq!(files.last_lines(50_000).expect("readable").expect("a log").len(), 20_000);
        assert!(files.last_lines(0).expect("readable").expect("a log").is_empty());
    }
}
