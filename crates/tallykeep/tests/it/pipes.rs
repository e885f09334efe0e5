//! `tallykeep … | head`: when nobody reads any more the program ends without a word and without a failure.

use std::{
    io::{BufRead, BufReader, Read, Write},
    path::Path,
    process::{Command, Stdio},
};

fn tallykeep(dir: &Path, words: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallykeep"));
    command.args(words.split(' ')).current_dir(dir).env_clear().env("HOME", dir);
    command.env("TALLYKEEP_DATA_DIR", dir).env("TALLYKEEP_NOW", "2026-03-08T09:00:00Z");
    command
}

/// Far more rows than a pipe holds.
fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let file = dir.path().join("rows.csv");
    let mut text = String::from("metric_id,period_end,value,source_window\n");
    let mut day = "2020-01-01".parse::<jiff::civil::Date>().expect("a day");
    for value in 0..2000 {
        text.push_str(&format!("downloads:lance:python,{day},{value},1d\n"));
        day = day.tomorrow().expect("a day");
    }
    std::fs::write(&file, text).expect("written");
    let words = format!("packages import-stats --file {}", file.display());
    let output = tallykeep(dir.path(), &words).output().expect("it runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    dir
}

#[test]
fn a_reader_that_leaves_ends_it_quietly() {
    let dir = filled();
    for words in [
        "packages export-stats",
        "packages export-stats --format csv",
        "packages export-stats --format parquet",
        "packages export-wide",
        "packages debug metrics",
        "packages debug stats --metric-id downloads:lance:python --days 700",
        "packages gaps --json",
        "openapi",
    ] {
        let mut child =
            tallykeep(dir.path(), words).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().expect("it starts");
        // Leaves before anything is said, so that every write meets a closed pipe, however little there is to say.
        drop(child.stdout.take());
        let mut said = String::new();
        child.stderr.take().expect("piped").read_to_string(&mut said).expect("text");
        let status = child.wait().expect("it ends");
        assert!(status.success(), "{words}: {status}: {said}");
        assert_eq!(said, "", "{words}");
    }
}

#[test]
fn what_was_read_before_is_whole() {
    let dir = filled();
    let mut child = tallykeep(dir.path(), "packages export-stats").stdout(Stdio::piped()).spawn().expect("it starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let first: serde_json::Value = serde_json::from_str(&lines.next().expect("a line").expect("text")).expect("JSON");
    assert_eq!((first["period_end"].as_str(), first["value"].as_i64()), (Some("2020-01-01"), Some(0)));
    drop(lines);
    assert!(child.wait().expect("it ends").success());
}

/// A job goes on when nobody listens: its words are lost, its work is not.
#[test]
fn work_is_done_although_nobody_listens() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut file = std::fs::File::create(dir.path().join("rows.jsonl")).expect("a file");
    for line in [r#"{"metric_id":"downloads:lance:python","period_end":"2026-03-01","value":5}"#, "not json"] {
        writeln!(file, "{line}").expect("written");
    }
    let mut child = tallykeep(dir.path(), "packages import-stats --file rows.jsonl")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it starts");
    drop((child.stdout.take(), child.stderr.take()));
    assert!(child.wait().expect("it ends").success());
    let output = tallykeep(dir.path(), "packages export-stats").output().expect("it runs");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1);
}
