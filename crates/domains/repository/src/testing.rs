//! A repository in a temporary folder for the tests of what is private, with a clock that stands still.

use std::{path::PathBuf, time::Duration};

use serde_json::{Value, json};
use tallykeep_control::{Control, Restatement};
use tallykeep_lake::Lake;
use tallykeep_model::Clock;

use crate::{
    Config, Repository, TeamRepository,
    aggregate::{AggregateRequest, Aggregator},
    import::ImportRequest,
};

pub const NOW: &str = "2026-03-10T12:00:00Z";

pub struct Home {
    pub folder: tempfile::TempDir,
}

impl Home {
    pub fn new() -> Self {
        Self { folder: tempfile::tempdir().expect("a folder") }
    }

    /// The data as a process that starts now sees it.
    pub async fn open(&self) -> TeamRepository {
        let data = self.folder.path().join("data");
        let control =
            Control::open(&data, Clock::Fixed(NOW.parse().expect("an instant"))).await.expect("control opens");
        let lake = Lake::open(&data.join("lake"), Duration::from_secs(60)).expect("lake opens");
        let settings = Config::default().settings().expect("default settings");
        let team = control.team(&"default".parse().expect("a slug")).await.expect("the default team");
        Repository::new(control, lake, settings).of(team)
    }

    pub fn lines(&self, name: &str, documents: &[Value]) -> Vec<PathBuf> {
        let path = self.folder.path().join(name);
        std::fs::write(&path, documents.iter().map(|d| format!("{d}\n")).collect::<String>()).expect("written");
        vec![path]
    }

    /// Records r1 and r2 and a view of each, rolled up.
    pub async fn filled(&self) -> TeamRepository {
        let repository = self.open().await;
        let request = ImportRequest {
            records: self.lines("records.ndjson", &[record("r1"), record("r2")]),
            community_events: self.lines("memberships.ndjson", &[added("r1", "global"), added("r2", "global")]),
            usage_events: self.lines("usage.ndjson", &[view("r1", "2026-03-04", 1), view("r2", "2026-03-06", 2)]),
            ..ImportRequest::default()
        };
        repository.import(&request, &mut |_| true).await.expect("imported");
        aggregate(&repository).await;
        repository
    }
}

pub fn record(id: &str) -> Value {
    json!({"id": id, "parent": {"id": format!("p{id}")}, "created": "2026-03-01T08:00:00Z", "is_published": true,
           "updated": "2026-03-01T08:00:00Z", "files": {"enabled": false}, "metadata": {"publication_date": "2026-03-01"}})
}

/// A later version of it: deleted.
pub fn deleted(id: &str, at: &str) -> Value {
    let mut record = record(id);
    record["updated"] = json!("2026-03-09T08:00:00Z");
    record["is_deleted"] = json!(true);
    record["tombstone"] = json!({"removal_date": at});
    record
}

pub fn added(record: &str, community: &str) -> Value {
    json!({"record_id": record, "community_id": community, "event_type": "added", "event_date": "2026-03-01T08:00:00"})
}

pub fn view(record: &str, day: &str, number: usize) -> Value {
    json!({"timestamp": format!("{day}T10:00:00"), "recid": record, "unique_id": format!("u{number}"), "visitor_id": format!("v{number}")})
}

pub async fn aggregate(repository: &TeamRepository) {
    let result = repository.aggregate(&AggregateRequest::default(), "test", &mut |_| true).await.expect("aggregated");
    assert_eq!(result.status, "completed");
}

/// One number of the only document of a day, by pointer.
pub async fn number(repository: &TeamRepository, aggregator: Aggregator, day: &str, pointer: &str) -> i64 {
    let day = day.parse().expect("a day");
    let documents = repository.documents(aggregator, "global", (Some(day), Some(day))).await.expect("read");
    assert_eq!(documents.len(), 1);
    documents[0].pointer(pointer).and_then(Value::as_i64).expect("a number")
}

/// The ledger of global as `day measure old -> new`.
pub async fn ledger(repository: &TeamRepository, aggregator: Aggregator) -> Vec<String> {
    let (first, last) = ("2026-01-01".parse().expect("a day"), "2026-12-31".parse().expect("a day"));
    let rows = repository.control().restatements(aggregator.name(), "global", first, last).await.expect("read");
    let total = |r: &&Restatement| r.dimension.is_empty();
    let text = |n: Option<f64>| n.map_or("-".to_owned(), |n| n.to_string());
    rows.iter().filter(total).map(|r| format!("{} {} {} -> {}", r.day, r.measure, text(r.old), text(r.new))).collect()
}
