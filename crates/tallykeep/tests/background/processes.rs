//! The life of a background process. The house is made once for all of it: importing takes longer than everything else.

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::house::House;

const AGGREGATION: &str = "aggregation";

fn signal(pid: u64, signal: Signal) {
    let pid = Pid::from_raw(i32::try_from(pid).expect("a number")).expect("a process number");
    kill_process(pid, signal).expect("signalled");
}

/// The start of a process in clock ticks since the boot, its parent and its session, as the kernel lists them.
fn kernel_stat(pid: u64) -> (String, u64, u64) {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).expect("listed");
    let fields: Vec<&str> = stat.rsplit_once(')').expect("a name").1.split_whitespace().collect();
    (fields[19].to_owned(), fields[1].parse().expect("a number"), fields[3].parse().expect("a number"))
}

fn is_listed(pid: u64) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|stat| !stat.contains(") Z"))
}

/// Starts an aggregation of everything and stops it (SIGSTOP), so that it lives as long as the test wants.
fn start_and_hold(house: &House) -> u64 {
    let said = house.background(&["aggregate-background", "--ignore-bookmark", "--json"]).ok().json();
    let pid = said["pid"].as_u64().expect("a number");
    assert!(is_listed(pid), "{}", std::fs::read_to_string(house.file(AGGREGATION, "log")).unwrap_or_default());
    signal(pid, Signal::STOP);
    pid
}

#[test]
fn a_background_process_is_started_watched_cancelled_killed_and_known_from_a_stranger() {
    let house = House::new();
    house.import_demo();

    let pid = start_and_hold(&house);
    // Number, start and command are what the kernel lists; it leads a session of its own and is not a child of who started it.
    let written = house.wait_for(AGGREGATION, |_| true);
    assert_eq!(written["pid"], pid);
    assert_eq!(std::fs::read_to_string(house.file(AGGREGATION, "pid")).expect("there").trim(), pid.to_string());
    let (ticks, parent, session) = kernel_stat(pid);
    assert!(written["kernel_start"].as_str().expect("a text").ends_with(&format!(":{ticks}")), "{written}");
    assert_eq!(session, pid);
    assert_ne!(parent, u64::from(std::process::id()));
    let command = std::fs::read(format!("/proc/{pid}/cmdline")).expect("listed");
    let command = String::from_utf8_lossy(&command).trim_end_matches('\0').replace('\0', " ");
    assert_eq!(written["command"], command);
    let boot: i64 = std::fs::read_to_string("/proc/stat")
        .expect("listed")
        .lines()
        .find_map(|line| line.strip_prefix("btime ")?.parse().ok())
        .expect("the boot");
    let started: jiff::Timestamp = written["start_time"].as_str().expect("a text").parse().expect("an instant");
    // Linux gives /proc in hundredths of a second.
    let by_kernel = boot + ticks.parse::<i64>().expect("a number") / 100;
    assert!((started.as_second() - by_kernel).abs() <= 1, "{started} is not {by_kernel}");

    let status = house.status(AGGREGATION);
    assert_eq!(
        (&status["process"], &status["status"], &status["stale"]),
        (&"running".into(), &"running".into(), &false.into())
    );
    let listed = house.background(&["processes", "list", "--package-only", "--json"]).ok().json();
    assert_eq!(listed["processes"].as_array().map(Vec::len), Some(1));
    assert_eq!(listed["processes"][0]["pid"], pid);

    // A second one is refused by number, another data dir's files are named and left alone.
    let second = house.background(&["aggregate-background"]);
    assert_eq!(second.code, 1);
    assert_eq!(second.err.trim(), format!("tallykeep: Process aggregation is already running (PID: {pid})"));
    let other = house.folder.path().join("other");
    for words in [&["aggregate-background"][..], &["processes", "cancel", AGGREGATION]] {
        let said = house.background(&[words, &["--data-dir", other.to_str().expect("UTF-8")]].concat());
        assert_eq!(said.code, 1);
        assert!(said.err.contains(&format!("belongs to the data dir {}", house.data().display())), "{}", said.err);
    }
    assert!(is_listed(pid) && house.file(AGGREGATION, "status").exists());

    // It goes on, tells progress and the step at hand, and ends gently when asked.
    signal(pid, Signal::CONT);
    house.wait_for(AGGREGATION, |status| status["progress"].as_f64().is_some_and(|percent| percent > 0.0));
    let cancelled = house.background(&["processes", "cancel", AGGREGATION, "--json"]).ok().json();
    assert_eq!((&cancelled["outcome"], &cancelled["pid"]), (&"terminated".into(), &pid.into()));
    assert!(!is_listed(pid));
    assert!(!house.file(AGGREGATION, "pid").exists() && !house.file(AGGREGATION, "status").exists());
    let log = std::fs::read_to_string(house.file(AGGREGATION, "log")).expect("the log is kept");
    assert!(log.contains("aggregation cancelled"), "{log}");
    assert_eq!(house.background(&["processes", "cancel", AGGREGATION]).code, 1, "nothing is left to cancel");

    // One that does not listen is killed after the timeout.
    let pid = start_and_hold(&house);
    let cancelled = house.background(&["processes", "cancel", AGGREGATION, "--timeout", "1", "--json"]).ok().json();
    assert_eq!(cancelled["outcome"], "killed");
    assert!(!is_listed(pid));
    assert!(!house.file(AGGREGATION, "pid").exists() && !house.file(AGGREGATION, "status").exists());

    // One that died without a word is stale; its number with another start is a stranger's; a new one may start, for the lock of a
    // process that this machine knows to be gone is free.
    let pid = start_and_hold(&house);
    signal(pid, Signal::CONT);
    let locks = || house.stats(&["clear-lock", "--list-locks", "--json"]).ok().json()["locks"].clone();
    while locks() == Value::Array(Vec::new()) {
        assert!(is_listed(pid), "it ended before it could be killed");
    }
    signal(pid, Signal::STOP);
    assert!(locks()[0]["holder"].as_str().is_some_and(|holder| holder.contains(&pid.to_string())), "{}", locks());
    signal(pid, Signal::KILL);
    while is_listed(pid) {
        std::thread::yield_now();
    }
    let status = house.status(AGGREGATION);
    assert_eq!((&status["process"], &status["pid"]), (&"stale".into(), &pid.into()));
    assert_eq!(locks(), Value::Array(Vec::new()));
    let listed = house.background(&["processes", "list", "--json"]).ok().json();
    assert_eq!(listed["processes"], Value::Array(Vec::new()));
    let mut recycled: Value =
        serde_json::from_str(&std::fs::read_to_string(house.file(AGGREGATION, "status")).expect("there"))
            .expect("JSON");
    recycled["pid"] = std::process::id().into();
    std::fs::write(house.file(AGGREGATION, "status"), recycled.to_string()).expect("written");
    std::fs::write(house.file(AGGREGATION, "pid"), std::process::id().to_string()).expect("written");
    let status = house.status(AGGREGATION);
    assert_eq!(status["process"], "stale", "the number is this test's now: {status}");
    assert!(status["reason"].as_str().is_some_and(|reason| reason.contains("another process")), "{status}");

    // Started over the stale files it runs to its end and says so; the number goes, the status stays.
    house.background(&["aggregate-background", "--start-date", "2026-03-09"]).ok();
    let ended = house.wait_for(AGGREGATION, |status| status["status"] != "running");
    let log = std::fs::read_to_string(house.file(AGGREGATION, "log")).expect("there");
    assert_eq!(
        (&ended["status"], &ended["exit_code"], &ended["progress"]),
        (&"completed".into(), &0.into(), &100.0.into()),
        "{log}"
    );
    let status = house.status(AGGREGATION);
    assert_eq!(status["process"], "ended");
    assert!(log.contains("AGGREGATION SUMMARY"), "{log}");
}

#[test]
fn what_cannot_begin_is_said_at_once() {
    let house = House::new();
    let said = house.background(&["aggregate-background", "--community-id", "nobody"]);
    assert_eq!(said.code, 1);
    assert!(said.err.contains("Community nobody not found"), "{}", said.err);
    assert!(!house.file(AGGREGATION, "pid").exists());
    assert_eq!(house.background(&["processes", "status", "nothing"]).code, 2);
    let none = house.status(AGGREGATION);
    assert_eq!((&none["process"], &none["pid"]), (&"none".into(), &Value::Null));

    // Without records there is little to do; it is done and said.
    house.background(&["community-events", "generate-background"]).ok();
    let ended = house.wait_for("community-event-generation", |status| status["status"] != "running");
    assert_eq!(ended["status"], "completed");
    assert!(
        house
            .background(&["processes", "status", "community-event-generation", "--show-log"])
            .ok()
            .out
            .contains("Records processed: 0")
    );
}
