//! Ctrl-C in the middle, a second run beside the first, a full disk: the right exit code and words, nothing half-done visible, and
//! the next run carries on.

use std::{
    io::{BufRead, BufReader, Write},
    process::{Child, Command},
};

use serde_json::{Value, json};

use crate::program::{Program, ended, signal};

const NOW: &str = "2026-03-10T12:00:00Z";

/// The n-th view, on one of eight days.
fn view(n: usize) -> Value {
    json!({"timestamp": format!("2026-03-{:02}T{:02}:{:02}:{:02}", 1 + n % 8, n / 3_600 % 24, n / 60 % 60, n % 60),
           "recid": "r1", "unique_id": format!("u{n}"), "visitor_id": format!("v{n}")})
}

fn record() -> Value {
    json!({"id": "r1", "parent": {"id": "p1"}, "created": "2005-12-01T08:00:00Z", "is_published": true, "files": {"enabled": false},
           "metadata": {"publication_date": "2005-12-01"}})
}

fn added() -> Value {
    json!({"record_id": "r1", "community_id": "global", "event_type": "added", "event_date": "2005-12-01T08:00:00"})
}

/// Views of the whole repository up to a day, as the snapshot says.
fn views(program: &Program, day: &str) -> Value {
    let query = ["--query-type", "community-usage-snapshot", "--start-date", day, "--end-date", day];
    program.json(&[&["community-stats", "read"], &query[..]].concat())[0]["totals"]["view"]["total_events"].clone()
}

fn aggregate(program: &Program) {
    assert_eq!(program.json(&["community-stats", "aggregate", "--eager"])["status"], "completed");
}

#[test]
fn an_import_stops_at_ctrl_c_with_what_it_read_and_the_next_one_carries_on() {
    let program = Program::new(NOW);
    let (records, members) = (program.lines("records.ndjson", [record()]), program.lines("members.ndjson", [added()]));
    program.json(&["import", "repository", "--records", &records, "--community-events", &members]);
    // A pipe that never runs dry by itself: the import is in the middle of it for certain.
    let pipe = program.folder().join("usage.pipe");
    assert!(Command::new("mkfifo").arg(&pipe).status().expect("mkfifo runs").success());
    let import = program.start(&["import", "repository", "--usage-events", &pipe.display().to_string()]);
    let mut feed = std::fs::OpenOptions::new().write(true).open(&pipe).expect("the import reads");
    let mut fed = 0;
    let mut feed_one = || {
        let fine = writeln!(feed, "{}", view(fed)).is_ok();
        fed += 1;
        fine
    };
    for _ in 0..9_000 {
        assert!(feed_one(), "it reads on");
    }
    signal(&import, "INT");
    while feed_one() {}
    let (code, said) = ended(import);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("stopped on request"), "{said}");

    aggregate(&program);
    let kept = views(&program, "2026-03-09").as_u64().expect("a number");
    assert!(kept >= 8_192 && kept <= fed as u64, "{kept} of {fed} were stored, and all of them count");
    let whole = program.lines("usage.ndjson", (0..fed).map(view));
    let report = program.json(&["import", "repository", "--usage-events", &whole]);
    assert_eq!(
        (&report["usage_events"]["unchanged"], &report["usage_events"]["new"]),
        (&json!(kept), &json!(fed as u64 - kept))
    );
    aggregate(&program);
    assert_eq!(views(&program, "2026-03-09"), json!(fed));
}

/// One view in each of two hundred and forty months.
fn twenty_years(program: &Program) {
    let events = (0..240).map(|n| {
        json!({"timestamp": format!("{}-{:02}-05T10:00:00", 2006 + n / 12, 1 + n % 12), "recid": "r1", "unique_id": format!("u{n}"),
               "visitor_id": "v"})
    });
    program.json(&[
        "import",
        "repository",
        "--records",
        &program.lines("records.ndjson", [record()]),
        "--community-events",
        &program.lines("members.ndjson", [added()]),
        "--usage-events",
        &program.lines("usage.ndjson", events),
    ]);
}

/// Starts an aggregation and waits until it is at work.
fn at_work(program: &Program) -> (Child, BufReader<std::process::ChildStdout>) {
    let mut child = program.start(&["community-stats", "aggregate", "--eager", "--verbose"]);
    let mut out = BufReader::new(child.stdout.take().expect("its output"));
    let mut line = String::new();
    while !line.contains("1/240") {
        line.clear();
        assert!(out.read_line(&mut line).expect("text") > 0, "it says how far it is");
    }
    (child, out)
}

#[test]
fn an_aggregation_stops_at_ctrl_c_and_the_next_one_carries_on() {
    let program = Program::new(NOW);
    twenty_years(&program);
    let (child, out) = at_work(&program);
    signal(&child, "INT");
    std::io::read_to_string(out).expect("text");
    let (code, said) = ended(child);
    assert_eq!(code, Some(1), "{said}");
    assert!(said.contains("stopped on request"), "{said}");
    // What it did is whole: days it covers have their numbers, later ones are missing and not zero.
    let first = views(&program, "2006-01-05");
    assert!(first == json!(1) || first.is_null(), "{first}");
    assert_eq!(views(&program, "2026-03-09"), Value::Null);
    aggregate(&program);
    assert_eq!(views(&program, "2026-03-09"), json!(240));
}

#[test]
fn a_second_aggregation_beside_the_first_is_busy() {
    let program = Program::new(NOW);
    twenty_years(&program);
    let (first, out) = at_work(&program);
    // Held still, it holds its lease.
    signal(&first, "STOP");
    let second = program.run(&["community-stats", "aggregate", "--eager"]);
    let said = String::from_utf8_lossy(&second.stderr).into_owned();
    signal(&first, "CONT");
    assert_eq!(second.status.code(), Some(75), "{said}");
    assert!(said.contains("aggregate (process"), "it says who is at it: {said}");
    std::io::read_to_string(out).expect("text");
    assert_eq!(ended(first).0, Some(0));
    assert_eq!(views(&program, "2026-03-09"), json!(240));
}

/// A file system of a few megabytes, gone with the value.
struct SmallDisk(std::path::PathBuf);

impl SmallDisk {
    fn mount(at: std::path::PathBuf, megabytes: usize) -> Option<Self> {
        std::fs::create_dir_all(&at).expect("a folder");
        let size = format!("size={megabytes}m");
        let mounted = Command::new("mount").args(["-t", "tmpfs", "-o", &size, "tmpfs"]).arg(&at).output();
        mounted.is_ok_and(|o| o.status.success()).then_some(Self(at))
    }

    fn grow(&self, megabytes: usize) {
        let size = format!("remount,size={megabytes}m");
        assert!(Command::new("mount").args(["-o", &size]).arg(&self.0).status().expect("mount runs").success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

#[test]
fn a_full_disk_is_said_loses_nothing_and_the_next_run_carries_on() {
    let mut program = Program::new(NOW);
    let Some(disk) = SmallDisk::mount(program.folder().join("disk"), 14) else {
        println!("skipped: only root may mount a small disk");
        return;
    };
    program.data = disk.0.join("data");
    let (records, members) = (program.lines("records.ndjson", [record()]), program.lines("members.ndjson", [added()]));
    program.json(&["import", "repository", "--records", &records, "--community-events", &members]);
    let first = program.lines("first.ndjson", (0..1_000).map(view));
    program.json(&["import", "repository", "--usage-events", &first]);
    aggregate(&program);

    // Half a million identities do not fit.
    let all = 500_000;
    let whole = program.lines("whole.ndjson", (0..all).map(view));
    let full = program.run(&["import", "repository", "--usage-events", &whole]);
    let said = String::from_utf8_lossy(&full.stderr).into_owned();
    assert_eq!(full.status.code(), Some(1), "{said}");
    assert!(said.contains("No space left on device") || said.contains("disk is full"), "{said}");
    assert_eq!(views(&program, "2026-03-09"), json!(1_000), "what was there still answers");

    disk.grow(256);
    // On a disk without a free byte the lease could not be given back; it ends by itself.
    while program.run(&["import", "repository", "--usage-events", &first]).status.code() == Some(75) {}
    let report = program.json(&["import", "repository", "--usage-events", &whole]);
    assert_eq!(report["usage_events"]["read"], json!(all));
    assert!(report["usage_events"]["unchanged"].as_u64() >= Some(1_000), "what was stored is known: {report}");
    aggregate(&program);
    assert_eq!(views(&program, "2026-03-09"), json!(all));
}
