//! A data dir and a folder for process files, and the program run in them.

use std::{
    path::{Path, PathBuf},
    process::{Command, Output},
    time::{Duration, Instant},
};

use serde_json::Value;

pub struct House {
    pub folder: tempfile::TempDir,
}

/// How an invocation ended.
pub struct Said {
    pub code: i32,
    pub out: String,
    pub err: String,
}

impl Said {
    /// The one JSON document of `--json`.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|error| panic!("{error} in {:?} ({})", self.out, self.err))
    }

    #[track_caller]
    pub fn ok(self) -> Self {
        assert_eq!(self.code, 0, "{}{}", self.out, self.err);
        self
    }
}

impl House {
    pub fn new() -> Self {
        let folder = tempfile::tempdir().expect("a folder");
        std::fs::create_dir(folder.path().join("pids")).expect("a folder");
        Self { folder }
    }

    pub fn data(&self) -> PathBuf {
        self.folder.path().join("data")
    }

    pub fn pids(&self) -> PathBuf {
        self.folder.path().join("pids")
    }

    pub fn file(&self, name: &str, extension: &str) -> PathBuf {
        self.pids().join(format!("invenio-community-stats-{name}.{extension}"))
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tallykeep"));
        for (name, _) in std::env::vars()
            .filter(|(name, _)| ["TALLYKEEP_", "STATS_", "COMMUNITY_"].iter().any(|prefix| name.starts_with(prefix)))
        {
            command.env_remove(name);
        }
        command.args(words).env("TALLYKEEP_DATA_DIR", self.data()).env("TALLYKEEP_NOW", "2026-03-10T12:00:00Z");
        command
    }

    pub fn run(&self, words: &[&str]) -> Said {
        said(self.command(words).output().expect("the program runs"))
    }

    /// `community-stats …`
    pub fn stats(&self, words: &[&str]) -> Said {
        self.run(&[&["community-stats"], words].concat())
    }

    /// `community-stats … --pid-dir` of this house.
    pub fn background(&self, words: &[&str]) -> Said {
        let folder = self.pids();
        self.stats(&[words, &["--pid-dir", folder.to_str().expect("UTF-8")]].concat())
    }

    /// An invented repository of 1,500 records and 60,000 usage events.
    pub fn import_demo(&self) {
        self.import_events_of("");
    }

    /// The same with the usage events of some time only, by the beginning of their instants.
    pub fn import_events_of(&self, time: &str) {
        let files = tallykeep_repository::demo::write_files(
            &self.folder.path().join("files"),
            tallykeep_repository::demo::Size::Demo,
            7,
            "2026-03-10".parse().expect("a day"),
        )
        .expect("written");
        let events = std::fs::read_to_string(&files.usage_events).expect("written");
        let wanted = format!("{{\"timestamp\":\"{time}");
        let kept: String =
            events.lines().filter(|line| line.starts_with(&wanted)).flat_map(|line| [line, "\n"]).collect();
        std::fs::write(&files.usage_events, kept).expect("written");
        let text = |path: &Path| path.to_str().expect("UTF-8").to_owned();
        self.run(&[
            "import",
            "repository",
            "--records",
            &text(&files.records),
            "--communities",
            &text(&files.communities),
            "--community-events",
            &text(&files.community_events),
            "--usage-events",
            &text(&files.usage_events),
        ])
        .ok();
    }

    pub fn status(&self, name: &str) -> Value {
        self.background(&["processes", "status", name, "--json"]).ok().json()
    }

    /// Waits until a file of a process says what is wanted.
    #[track_caller]
    pub fn wait_for(&self, name: &str, what: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let read = std::fs::read_to_string(self.file(name, "status")).ok();
            if let Some(status) = read.and_then(|text| serde_json::from_str::<Value>(&text).ok())
                && what(&status)
            {
                return status;
            }
            let log = std::fs::read_to_string(self.file(name, "log")).unwrap_or_default();
            assert!(begun.elapsed() < Duration::from_secs(120), "not within two minutes; log:\n{log}");
            std::thread::sleep(Duration::from_millis(20));
        }
    }
}

fn said(output: Output) -> Said {
    Said {
        code: output.status.code().unwrap_or(-1),
        out: String::from_utf8_lossy(&output.stdout).into_owned(),
        err: String::from_utf8_lossy(&output.stderr).into_owned(),
    }
}
