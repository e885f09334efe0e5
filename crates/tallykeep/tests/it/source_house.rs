//! A data dir of its own for tests of sources, and a search server filled by hand.

use std::process::{Command, Output};

use serde_json::{Value, json};
use tallykeep_testkit::search::{FakeSearch, Flavour};

const NOW: &str = "2026-02-01T12:00:00Z";

pub struct House {
    pub folder: tempfile::TempDir,
    pub environment: Vec<(&'static str, String)>,
}

impl House {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder"), environment: Vec::new() }
    }

    pub fn command(&self, words: &[&str]) -> Command {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tallykeep"));
        command.args(words).current_dir(self.folder.path()).env_clear().env("HOME", self.folder.path());
        command.env("TALLYKEEP_DATA_DIR", self.folder.path().join("data")).env("TALLYKEEP_NOW", NOW);
        command.env("TALLYKEEP_SOURCE_RETRY_BASE_MS", "0");
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        command
    }

    pub async fn run(&self, words: &[&str]) -> Output {
        let mut command = tokio::process::Command::from(self.command(words));
        command.output().await.expect("it runs")
    }

    pub async fn json(&self, words: &[&str]) -> Value {
        let output = self.run(&[words, &["--json"]].concat()).await;
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "{words:?}: {said}{}", String::from_utf8_lossy(&output.stdout));
        serde_json::from_slice(&output.stdout).unwrap_or_else(|e| panic!("{words:?}: {e}: {said}"))
    }
}

/// A repository of 40 records in two communities with 600 events in two months, as indices; robots, API views, double-clicks and
/// an event of a record nobody knows among them.
pub async fn filled(flavour: Flavour, prefix: &str) -> FakeSearch {
    let fake = FakeSearch::start(flavour).await;
    let index = |name: &str| format!("{prefix}{name}");
    fake.put(
        &index("communities-communities-v2.0.0-1700000000"),
        ["a", "b"].map(|slug| {
            let id = format!("0000000{slug}-0000-4000-8000-000000000000");
            (id.clone(), json!({"uuid": id, "slug": slug, "created": "2025-01-01T00:00:00", "updated": "2025-01-01T00:00:00", "metadata": {"title": slug}}))
        }),
    );
    fake.alias(&index("communities-communities"), &[&index("communities-communities-v2.0.0-1700000000")]);
    fake.put(
        &index("rdmrecords-records-record-v7.0.0-1700000000"),
        (0..40).map(|n| {
            let community = format!("0000000{}-0000-4000-8000-000000000000", if n % 2 == 0 { "a" } else { "b" });
            let mut record = json!({"id": format!("r{n:02}"), "uuid": format!("uuid{n:02}"), "created": "2025-06-01T00:00:00+00:00",
                "updated": format!("2025-06-01T00:00:{:02}.123456+00:00", n / 4), "is_published": true, "is_deleted": false,
                "parent": {"id": format!("p{n:02}"), "access": {"owned_by": {"user": "1"}}, "communities": {"ids": [community]}},
                "files": {"enabled": true, "entries": [{"key": "a.csv", "ext": "csv", "size": 10, "file_id": "f"}]},
                "access": {"status": "open"}, "metadata": {"title": "t", "publication_date": "2025", "description": "long",
                    "resource_type": {"id": "dataset", "title": {"en": "Dataset"}}},
                "stats": {"all_versions": {"views": 100, "downloads": 10}, "this_version": {"views": 100, "downloads": 10}}});
            if n == 39 {
                record["is_deleted"] = json!(true);
                record["deletion_status"] = json!("D");
                record["tombstone"] = json!({"removal_date": "2025-12-24T00:00:00"});
            }
            (format!("uuid{n:02}"), record)
        }),
    );
    fake.alias(&index("rdmrecords-records"), &[&index("rdmrecords-records-record-v7.0.0-1700000000")]);
    for (month, year) in [("12", "2025"), ("01", "2026")] {
        let views = (0..200).map(|n| {
            // Five instants, so that the order within one matters.
            let at = format!("{year}-{month}-{:02}T10:00:0{}", 1 + n % 20, n % 5);
            let mut event = json!({"timestamp": at, "recid": format!("r{:02}", n % 39), "parent_recid": format!("p{:02}", n % 39),
                "unique_id": format!("ui_{:02}", n % 39), "visitor_id": format!("v{n}"), "unique_session_id": "s", "country": "DE",
                "is_robot": n % 10 == 0, "is_machine": false, "via_api": n % 25 == 1, "updated_timestamp": at});
            if n == 7 {
                event["recid"] = json!("gone");
            }
            (format!("{at}-{n:040x}"), event)
        });
        fake.put(&index(&format!("events-stats-record-view-{year}-{month}")), views);
        let downloads = (0..100).map(|n| {
            let at = format!("{year}-{month}-{:02}T11:00:00", 1 + n % 20);
            (
                format!("{at}-{n:040x}"),
                json!({"timestamp": at, "recid": format!("r{:02}", n % 39), "parent_recid": format!("p{:02}", n % 39), "file_id": "f",
                    "file_key": "a.csv", "size": 10, "bucket_id": "b", "unique_id": format!("b_f_{:02}", n % 39),
                    "visitor_id": format!("v{}", n / 4 * 4), "unique_session_id": "s", "is_robot": false, "is_machine": false, "via_api": false,
                    "updated_timestamp": at}),
            )
        });
        fake.put(&index(&format!("events-stats-file-download-{year}-{month}")), downloads);
    }
    fake
}
