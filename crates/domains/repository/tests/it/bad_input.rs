//! What is wrong with an input is said with file, line, field and reason; what is right with it is kept.

use std::{
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tallykeep_repository::{
    RepositoryError,
    aggregate::{AggregateRequest, lease_name},
    import::{ImportReport, ImportRequest},
};

use crate::support::{House, aggregate, ask, document, import};

const NOW: &str = "2026-03-10T12:00:00Z";

fn record(id: &str) -> Value {
    json!({"id": id, "parent": {"id": format!("p{id}")}, "created": "2026-03-01T08:00:00Z", "is_published": true,
           "files": {"enabled": false}, "metadata": {"publication_date": "2026-03-01"}})
}

fn view(number: usize) -> Value {
    json!({"timestamp": format!("2026-03-0{}T{:02}:{:02}:{:02}", 2 + number % 5, number / 3_600 % 24, number / 60 % 60, number % 60),
           "recid": "r1", "parent_recid": "pr1", "unique_id": "ui_r1", "visitor_id": format!("v{number}")})
}

fn added(record: &str, community: &str) -> Value {
    json!({"record_id": record, "community_id": community, "event_type": "added", "event_date": "2026-03-02T09:00:00"})
}

fn usage(files: &[&Path]) -> ImportRequest {
    ImportRequest { usage_events: files.iter().map(|f| f.to_path_buf()).collect(), ..ImportRequest::default() }
}

fn rejects(report: &ImportReport) -> Vec<String> {
    report
        .rejects
        .iter()
        .map(|e| {
            let file = Path::new(&e.file).file_name().and_then(|f| f.to_str()).expect("a file name");
            format!("{file}:{}: {}", e.line, e.reason)
        })
        .collect()
}

fn gzip(path: PathBuf, documents: &[Value], keep: f64) -> PathBuf {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    for document in documents {
        writeln!(encoder, "{document}").expect("in memory");
    }
    let bytes = encoder.finish().expect("in memory");
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a share of a small file"
    )]
    let length = (bytes.len() as f64 * keep) as usize;
    std::fs::write(&path, &bytes[..length]).expect("written");
    path
}

#[tokio::test]
async fn a_truncated_archive_is_named_and_its_good_lines_are_kept() {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let events: Vec<Value> = (0..20_000).map(view).collect();
    let broken = gzip(house.folder.path().join("usage.ndjson.gz"), &events, 0.6);
    let report = import(&repository, &usage(&[&broken])).await;
    assert_eq!(report.unreadable.len(), 1);
    assert!(report.unreadable[0].contains("usage.ndjson.gz"), "{:?}", report.unreadable);
    let kept = report.usage_events.new;
    assert!((5_000..20_000).contains(&kept), "{kept} good lines before the break");

    let whole = gzip(house.folder.path().join("whole.ndjson.gz"), &events, 1.0);
    let report = import(&repository, &usage(&[&whole])).await;
    assert_eq!(
        (report.usage_events.new, report.usage_events.unchanged),
        (20_000 - kept, kept),
        "the next run carries on"
    );
    assert!(report.unreadable.is_empty());
}

#[tokio::test]
async fn bad_lines_are_named_by_file_line_field_and_reason_and_the_others_are_kept() {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let mut no_id = record("r2");
    no_id.as_object_mut().expect("an object").remove("id");
    let mut no_day = record("r3");
    no_day["created"] = json!("2026-02-30T10:00:00Z");
    let mut negative = record("r4");
    negative["files"] = json!({"enabled": true, "entries": [{"key": "a.pdf", "size": -5}]});
    let records = house.lines("records.ndjson", &[record("r1"), no_id, no_day, negative, record("r5")]);
    let mut moved = added("r1", "global");
    moved["event_type"] = json!("moved");
    let memberships = house.lines("memberships.ndjson", &[added("r1", "global"), moved]);
    let mut printed = view(1);
    printed["event_type"] = json!("print");
    let mut month_13 = view(2);
    month_13["timestamp"] = json!("2026-13-01T00:00:00");
    let events = format!("{}\n{{\"timestamp\": oops}}\n{printed}\n{month_13}\n\n[1, 2]\n{}\n", view(0), view(3));
    let request = ImportRequest {
        records: vec![records],
        community_events: vec![memberships],
        usage_events: vec![house.text("usage.ndjson", &events)],
        ..ImportRequest::default()
    };
    let report = import(&repository, &request).await;
    let found = rejects(&report);
    let expected = [
        "records.ndjson:2: id: is missing",
        "records.ndjson:3: created: `2026-02-30T10:00:00Z` is not a date and time that exists",
        "records.ndjson:4: files.entries.size: -5 is not a size",
        "memberships.ndjson:2: event_type: `moved` is neither `added` nor `removed`",
        "usage.ndjson:2: not JSON:",
        "usage.ndjson:3: event_type: `print` is neither `view` nor `download`",
        "usage.ndjson:4: timestamp: `2026-13-01T00:00:00` is not a date and time that exists",
        "usage.ndjson:6: document: [1,2] is not an object",
    ];
    assert_eq!(found.len(), expected.len(), "{found:#?}");
    for (found, expected) in found.iter().zip(expected) {
        assert!(found.starts_with(expected), "{found} should start with {expected}");
    }
    assert_eq!((report.records.new, report.community_events.new, report.usage_events.new), (2, 1, 2));
    assert_eq!(report.total.rejected, 8);
    assert_eq!(report.total.read, report.total.new + report.total.unchanged + report.total.rejected);
}

#[tokio::test]
async fn nothing_accepted_is_not_success() {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let file = house.text("usage.ndjson", "<html>\n");
    let report = import(&repository, &usage(&[&file])).await;
    assert!(!report.accepted() && report.total.rejected == 1);
}

#[tokio::test]
async fn a_file_that_is_not_there_is_named_and_the_others_are_read() {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let good = house.lines("usage.ndjson", &[view(0), view(1)]);
    let report = import(&repository, &usage(&[&house.folder.path().join("nowhere.ndjson"), &good])).await;
    assert!(report.unreadable.len() == 1 && report.unreadable[0].contains("nowhere.ndjson"), "{:?}", report.unreadable);
    assert_eq!(report.usage_events.new, 2);
}

#[tokio::test]
async fn a_file_given_twice_counts_once() {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let file = house.lines("usage.ndjson", &[view(0), view(1), view(2)]);
    let report = import(&repository, &usage(&[&file, &file])).await;
    assert_eq!((report.usage_events.new, report.usage_events.unchanged), (3, 3));
    let records = house.lines("records.ndjson", &[record("r1")]);
    let request = ImportRequest { records: vec![records.clone(), records], ..ImportRequest::default() };
    assert_eq!(import(&repository, &request).await.records.unchanged, 1);
    let again = import(&repository, &usage(&[&file])).await;
    assert_eq!((again.total.new, again.usage_events.unchanged), (0, 3));
}

#[tokio::test]
async fn a_dry_run_counts_and_stores_nothing() {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let mut request = usage(&[&house.lines("usage.ndjson", &[view(0), view(1)])]);
    request.records = vec![house.lines("records.ndjson", &[record("r1")])];
    request.community_events = vec![house.lines("memberships.ndjson", &[added("r1", "global")])];
    request.dry_run = true;
    let dry = import(&repository, &request).await;
    assert!(dry.dry_run);
    request.dry_run = false;
    let real = import(&repository, &request).await;
    assert_eq!((dry.total.clone(), real.total.new), (real.total, 4));
}

#[tokio::test]
async fn a_community_nobody_knows_is_named_and_its_memberships_count_once_it_is_there() {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let request = ImportRequest {
        records: vec![house.lines("records.ndjson", &[record("r1")])],
        community_events: vec![house.lines("memberships.ndjson", &[added("r1", "global"), added("r1", "c9")])],
        ..ImportRequest::default()
    };
    let report = import(&repository, &request).await;
    assert_eq!(report.unknown_communities, ["c9"]);
    aggregate(&repository).await;
    let unknown = ask(&repository, "community-record-delta-added", json!({"community_id": "c9"})).await;
    assert!(matches!(&unknown, Err(RepositoryError::UnknownCommunity(id)) if id == "c9"), "{unknown:?}");

    let communities =
        house.lines("communities.ndjson", &[json!({"id": "c9", "slug": "nine", "metadata": {"title": "Nine"}})]);
    import(&repository, &ImportRequest { communities: vec![communities], ..ImportRequest::default() }).await;
    aggregate(&repository).await;
    let delta = document(&repository, "community-record-delta-added", "nine", "2026-03-02").await;
    assert_eq!(delta["records"]["added"]["metadata_only"], json!(1));
}

#[tokio::test]
async fn an_import_that_is_stopped_keeps_what_it_read_and_the_next_carries_on() {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let events: Vec<Value> = (0..10_000).map(view).collect();
    let request = usage(&[&house.lines("usage.ndjson", &events)]);
    let stopped = repository.import(&request, &mut |progress| progress.lines < 8_000).await;
    assert!(matches!(stopped, Err(RepositoryError::Stopped)), "{stopped:?}");
    let report = import(&repository, &request).await;
    assert!(report.usage_events.unchanged >= 4_096, "what was read is kept");
    assert_eq!(report.usage_events.new + report.usage_events.unchanged, 10_000);
}

#[tokio::test]
async fn a_second_aggregation_beside_the_first_is_told_who_is_at_it() {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let lease = lease_name(&repository.control().team().slug);
    let first = repository.control().control().lease_or_busy(&lease, "the first one").await.expect("free");
    let second = repository.aggregate(&AggregateRequest::default(), "second", &mut |_| true).await.expect_err("busy");
    assert!(second.to_string().contains("the first one"), "{second}");
    first.release().await.expect("released");
    assert!(repository.aggregate(&AggregateRequest::default(), "third", &mut |_| true).await.is_ok());
}

#[tokio::test]
async fn a_stopped_aggregation_leaves_nothing_half_done_and_the_next_carries_on() {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let request = ImportRequest {
        records: vec![house.lines("records.ndjson", &[record("r1")])],
        community_events: vec![house.lines("memberships.ndjson", &[added("r1", "global")])],
        usage_events: vec![house.lines("usage.ndjson", &(0..50).map(view).collect::<Vec<_>>())],
        ..ImportRequest::default()
    };
    import(&repository, &request).await;
    let stopped = repository.aggregate(&AggregateRequest::default(), "one", &mut |_| false).await;
    assert!(matches!(stopped, Err(RepositoryError::Stopped)));
    aggregate(&repository).await;
    let snapshot = document(&repository, "community-usage-snapshot", "global", "2026-03-09").await;
    assert_eq!(snapshot["totals"]["view"]["total_events"], json!(50));
}
