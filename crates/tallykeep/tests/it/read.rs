//! `community-stats read`: every form, and an earlier day's numbers.

use std::{path::Path, process::Command};

use crate::cache::filled;

fn read(dir: &Path, more: &[&str]) -> (Vec<u8>, String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallykeep"));
    command
        .args([
            "community-stats",
            "read",
            "--community-id",
            "one",
            "--start-date",
            "2024-01-01",
            "--end-date",
            "2024-01-14",
        ])
        .args(more);
    command.current_dir(dir).env_clear().env("HOME", dir).env("TALLYKEEP_DATA_DIR", dir.join("data"));
    let output = command.env("TALLYKEEP_NOW", "2024-01-15T12:00:00Z").output().expect("it runs");
    (output.stdout, String::from_utf8_lossy(&output.stderr).into_owned(), output.status.code())
}

#[test]
fn every_form_has_the_same_numbers() {
    let dir = filled();
    let delta = ["--query-type", "usage-delta-category"];
    let form = |form: &str, more: &[&str]| {
        let (out, said, code) = read(dir.path(), &[&["--format", form], more].concat());
        assert_eq!(code, Some(0), "{form}: {said}");
        out
    };
    let (pretty, ..) = read(dir.path(), &delta);
    let plain: serde_json::Value = serde_json::from_slice(&pretty).expect("JSON");
    assert_eq!(plain["global"]["views"][0]["data"][0], serde_json::json!(["01-06", 2]));
    assert_eq!(&form("json-gz", &delta)[..2], b"\x1f\x8b");
    assert!(!form("json-br", &delta).is_empty());
    let xml = String::from_utf8(form("xml", &delta)).expect("text");
    assert!(xml.contains("<slug>one</slug>") && xml.contains("<point date=\"2024-01-06\" value=\"2\"/>"), "{xml}");
    assert!(xml.contains("<totalCategories>1</totalCategories>"));
    // Without a query: the four whole sets.
    assert!(String::from_utf8(form("xml", &[])).expect("text").contains("<totalCategories>4</totalCategories>"));
    for (name, kind) in [("series.tar.gz", "csv"), ("books.tar.gz", "xlsx"), ("series.xml", "xml")] {
        assert!(form(kind, &["--output", name]).is_empty());
        let file = std::fs::read(dir.path().join(name)).expect("a file");
        assert_eq!(file, form(kind, &[]), "{name}");
    }
    let listed = Command::new("tar").args(["tzf", "series.tar.gz"]).current_dir(dir.path()).output().expect("tar runs");
    let listed = String::from_utf8(listed.stdout).expect("text");
    assert!(listed.lines().any(|line| line == "usage-delta-category/global/views.csv"), "{listed}");
}

#[test]
fn what_cannot_be_is_said() {
    let dir = filled();
    let (_, said, code) = read(dir.path(), &["--format", "csv", "--query-type", "community-usage-delta"]);
    assert!(code == Some(2) && said.contains("only data series go into tables"), "{said}");
    let (_, said, code) = read(dir.path(), &["--query-type", "usage-delta-category", "--as-known-on", "2024-01-10"]);
    assert!(code == Some(1) && said.contains("nothing was known on 2024-01-10"), "{said}");
    let (_, said, code) = read(dir.path(), &["--format", "xml", "--output", "no/such/folder.xml"]);
    assert!(code == Some(1) && said.contains("could not write no/such/folder.xml"), "{said}");
    let (out, ..) = read(dir.path(), &["--query-type", "community-usage-distinct"]);
    let found: serde_json::Value = serde_json::from_slice(&out).expect("JSON");
    assert_eq!(found["view"]["unique_visitors"], 2);
}
