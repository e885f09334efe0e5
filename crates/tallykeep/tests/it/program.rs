//! Running the built program on a data dir of its own.

use std::{
    path::{Path, PathBuf},
    process::{Child, Command, Output, Stdio},
};

use serde_json::Value;

pub struct Program {
    folder: tempfile::TempDir,
    /// Where the installation lies, when not in the folder.
    pub data: PathBuf,
    now: &'static str,
}

impl Program {
    /// A folder of its own; `now` is the clock of every run.
    pub fn new(now: &'static str) -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        Self { data: folder.path().join("data"), folder, now }
    }

    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    pub fn command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tallykeep"));
        command.arg("--data-dir").arg(&self.data).args(arguments);
        command.env("TALLYKEEP_NOW", self.now).env("TALLYKEEP_SCHEDULE", "off").env_remove("TALLYKEEP_DATABASE");
        command.stdin(Stdio::null());
        command
    }

    pub fn run(&self, arguments: &[&str]) -> Output {
        self.command(arguments).output().expect("it runs")
    }

    /// Its JSON document; the run must succeed.
    pub fn json(&self, arguments: &[&str]) -> Value {
        let output = self.run(&[arguments, &["--json"]].concat());
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("JSON")
    }

    /// Starts a run whose output is read as it comes.
    pub fn start(&self, arguments: &[&str]) -> Child {
        self.command(arguments).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts")
    }

    pub fn lines(&self, name: &str, documents: impl IntoIterator<Item = Value>) -> String {
        let path = self.folder().join(name);
        std::fs::write(&path, documents.into_iter().map(|d| format!("{d}\n")).collect::<String>()).expect("written");
        path.display().to_string()
    }
}

/// Sends a signal by name.
pub fn signal(child: &Child, name: &str) {
    let done = Command::new("kill").arg(format!("-{name}")).arg(child.id().to_string()).status().expect("kill runs");
    assert!(done.success());
}

/// How a run ended: its exit code and what it said on standard error.
pub fn ended(child: Child) -> (Option<i32>, String) {
    let output = child.wait_with_output().expect("it ends");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}
