//! Wherever an import dies, its days are redone.

use jiff::civil::date;

use super::{ImportReport, ImportRequest, RECORDS_FAMILY, marks::Unmarked, reading::Reading};
use crate::{
    TeamRepository,
    aggregate::Aggregator,
    documents::{MembershipEvent, MembershipKind, UsageEvent},
    state::Basis,
    testing::{Home, aggregate, deleted, ledger, number, view},
};

const DELTA: Aggregator = Aggregator::RecordDelta(Basis::Added);

async fn removed_on_the_fifth(repository: &TeamRepository) -> i64 {
    number(repository, DELTA, "2026-03-05", "/records/removed/metadata_only").await
}

/// A new version of r1 is committed, and the process is gone before it marked anything.
async fn die_after_a_commit_of_records(home: &Home) -> ImportRequest {
    let repository = home.open().await;
    let request = ImportRequest {
        records: home.lines("later.ndjson", &[deleted("r1", "2026-03-05T09:00:00Z")]),
        ..ImportRequest::default()
    };
    let mut report = ImportReport::default();
    let mut reading = Reading { dry_run: false, report: &mut report, watch: &mut |_| true };
    let counts = repository.import_records(&request.records, &mut reading).await.expect("stored");
    assert_eq!((counts.new, counts.changed), (1, 1));
    request
}

#[tokio::test]
async fn records_of_an_import_that_died_count_from_the_next_aggregation_on() {
    let home = Home::new();
    home.filled().await;
    die_after_a_commit_of_records(&home).await;
    let repository = home.open().await;
    assert_eq!(removed_on_the_fifth(&repository).await, 0);
    aggregate(&repository).await;
    assert_eq!(removed_on_the_fifth(&repository).await, 1);
    assert_eq!(
        ledger(&repository, DELTA).await,
        ["2026-03-05 records_removed_md 0 -> 1", "2026-03-05 parents_removed_md 0 -> 1",]
    );
}

#[tokio::test]
async fn records_of_an_import_that_died_are_marked_by_the_next_import_though_it_knows_them() {
    let home = Home::new();
    home.filled().await;
    let request = die_after_a_commit_of_records(&home).await;
    let repository = home.open().await;
    let seq = |days: Vec<tallykeep_control::DirtyDay>| days.iter().find(|d| d.day == date(2026, 3, 5)).map(|d| d.seq);
    assert_eq!(seq(repository.control.dirty_days(RECORDS_FAMILY, 0).await.expect("read")), None);
    let report = repository.import(&request, &mut |_| true).await.expect("imported");
    assert_eq!((report.records.new, report.records.unchanged), (0, 1));
    assert!(seq(repository.control.dirty_days(RECORDS_FAMILY, 0).await.expect("read")).is_some());
    assert!(repository.control.intents("unmarked-records").await.expect("read").is_empty(), "and noted no more");
    aggregate(&repository).await;
    assert_eq!(removed_on_the_fifth(&repository).await, 1);
}

#[tokio::test]
async fn a_note_of_something_that_never_was_committed_harms_nothing() {
    let home = Home::new();
    let repository = home.filled().await;
    repository.note_unmarked(&Unmarked::RecordsFrom(1_000)).await.expect("noted");
    repository.note_unmarked(&Unmarked::Usage(vec![date(2026, 3, 4)])).await.expect("noted");
    aggregate(&repository).await;
    assert_eq!(ledger(&repository, DELTA).await, Vec::<String>::new());
    assert_eq!(number(&repository, Aggregator::UsageDelta, "2026-03-04", "/totals/view/total_events").await, 1);
    assert!(repository.control.intents("unmarked-usage").await.expect("read").is_empty());
}

#[tokio::test]
async fn memberships_of_an_import_that_died_count_from_the_next_aggregation_on() {
    let home = Home::new();
    home.filled().await;
    let repository = home.open().await;
    let community = serde_json::json!({"id": "c1", "slug": "one", "metadata": {"title": "One"}});
    let communities = home.lines("communities.ndjson", &[community]);
    repository
        .import(&ImportRequest { communities, ..ImportRequest::default() }, &mut |_| true)
        .await
        .expect("imported");
    let event = |record: &str, at: &str| MembershipEvent {
        record_id: record.to_owned(),
        community_id: "c1".to_owned(),
        kind: MembershipKind::Added,
        at: at.parse().expect("an instant"),
    };
    repository.store_memberships(&[event("r2", "2026-03-06T08:00:00Z")], "import").await.expect("stored");
    aggregate(&home.open().await).await;
    let day = Some(date(2026, 3, 5));
    repository.store_memberships(&[event("r1", "2026-03-05T08:00:00Z")], "import").await.expect("stored");
    let repository = home.open().await;
    aggregate(&repository).await;
    let documents = repository.documents(DELTA, "c1", (day, day)).await.expect("read");
    assert_eq!(documents[0]["records"]["added"]["metadata_only"], 1);
}

fn late() -> UsageEvent {
    UsageEvent::from_json(&view("r1", "2026-03-04", 9)).expect("an event")
}

async fn views_on_the_fourth(repository: &TeamRepository) -> i64 {
    number(repository, Aggregator::UsageDelta, "2026-03-04", "/totals/view/total_events").await
}

#[tokio::test]
async fn usage_of_an_import_that_died_counts_from_the_next_aggregation_on() {
    let home = Home::new();
    home.filled().await;
    home.open().await.append_usage(vec![late()]).await.expect("stored");
    let repository = home.open().await;
    assert_eq!(views_on_the_fourth(&repository).await, 1);
    aggregate(&repository).await;
    assert_eq!(views_on_the_fourth(&repository).await, 2);
    assert_eq!(
        ledger(&repository, Aggregator::UsageDelta).await.first().map(String::as_str),
        Some("2026-03-04 view_events 1 -> 2")
    );
}

#[tokio::test]
async fn an_aggregation_in_the_middle_of_an_import_takes_no_mark_without_its_events() {
    let home = Home::new();
    let repository = home.filled().await;
    let importing = repository.import_lease("a living import").await.expect("free");
    repository.note_unmarked(&Unmarked::Usage(vec![date(2026, 3, 4)])).await.expect("noted");
    aggregate(&home.open().await).await;
    repository.append_usage(vec![late()]).await.expect("stored");
    aggregate(&home.open().await).await;
    repository.mark_unmarked_usage().await.expect("marked");
    importing.release().await.expect("released");
    aggregate(&repository).await;
    assert_eq!(views_on_the_fourth(&repository).await, 2);
}

#[tokio::test]
async fn an_import_that_is_stopped_marks_what_it_stored() {
    // Stopped after each step of a file of 10,000 changed records: whatever was stored by then counts.
    for stop in [4_096, 8_192, 10_000] {
        let home = Home::new();
        let repository = home.open().await;
        let ids: Vec<String> = (0..10_000).map(|n| format!("r{n:05}")).collect();
        let records: Vec<_> = ids.iter().map(|id| crate::testing::record(id)).collect();
        let memberships: Vec<_> = ids.iter().map(|id| crate::testing::added(id, "global")).collect();
        let request = ImportRequest {
            records: home.lines("records.ndjson", &records),
            community_events: home.lines("memberships.ndjson", &memberships),
            ..ImportRequest::default()
        };
        repository.import(&request, &mut |_| true).await.expect("imported");
        aggregate(&repository).await;
        let gone: Vec<_> = ids.iter().map(|id| deleted(id, "2026-03-05T09:00:00Z")).collect();
        let request = ImportRequest { records: home.lines("gone.ndjson", &gone), ..ImportRequest::default() };
        let stopped = repository.import(&request, &mut |progress| progress.lines < stop).await;
        assert!(matches!(stopped, Err(crate::RepositoryError::Stopped)), "{stopped:?}");
        aggregate(&repository).await;
        assert_eq!(removed_on_the_fifth(&repository).await, i64::try_from(stop).expect("small"));
        repository.import(&request, &mut |_| true).await.expect("imported");
        aggregate(&repository).await;
        assert_eq!(removed_on_the_fifth(&repository).await, 10_000);
    }
}
