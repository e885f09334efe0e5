//! Spec/invenio §18: our figure, and that it is not the one the system before us gives (§3 prints both).

use serde_json::{Value, json};
use tallykeep_repository::{TeamRepository, events::BackfillRequest, import::ImportRequest};
use tallykeep_testkit::worked_example::{C1, records, usage};

use crate::{
    support::{House, aggregate, ask, document, documents, import, item},
    worked_example::example,
};

const NOW: &str = "2024-01-15T12:00:00Z";

/// Ours, and not theirs.
#[track_caller]
fn ours(found: &Value, ours: Value, theirs: Value) {
    assert_eq!(*found, ours);
    assert_ne!(*found, theirs, "the figure of the system before");
}

fn community() -> Value {
    json!({"id": C1, "slug": "c1", "created": "2024-01-01T00:00:00Z", "metadata": {"title": "One"}})
}

/// Records and events of C1, aggregated; memberships as the records say.
async fn filled(records: &[Value], usage: &[Value]) -> (House, TeamRepository) {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let request = ImportRequest {
        records: vec![house.lines("records.ndjson", records)],
        communities: vec![house.lines("communities.ndjson", &[community()])],
        usage_events: vec![house.lines("usage.ndjson", usage)],
        ..ImportRequest::default()
    };
    let report = import(&repository, &request).await;
    assert_eq!(report.total.rejected, 0);
    repository.backfill_community_events(&BackfillRequest::default(), &mut |_, _| true).await.expect("filled");
    while repository.aggregate(&Default::default(), "fill", &mut |_| true).await.expect("ran").status != "completed" {}
    (house, repository)
}

#[tokio::test]
async fn k2_records_published_before_the_first_was_created() {
    let (_house, repository) = example().await;
    let list = documents(&repository, "community-record-delta-published", C1, "2019-01-01", "2019-01-01").await;
    ours(&json!(list.len()), json!(1), json!(0));
    assert_eq!(list[0]["records"]["added"]["with_files"], 1);
    let snapshot = document(&repository, "community-record-snapshot-published", C1, "2024-01-12").await;
    // Without R1 of 2019 there would be one with files.
    ours(
        &snapshot["total_records"],
        json!({"metadata_only": 1, "with_files": 2}),
        json!({"metadata_only": 1, "with_files": 1}),
    );
}

#[tokio::test]
async fn k3_and_d4_affiliations_count_records_and_tell_contributions() {
    let (_house, repository) = example().await;
    let delta = document(&repository, "community-record-delta-added", C1, "2024-01-12").await;
    let institute = item(&delta["subcounts"]["affiliations"], "01abc");
    ours(
        &institute["records"]["added"],
        json!({"metadata_only": 0, "with_files": 1}),
        json!({"metadata_only": 0, "with_files": 2}),
    );
    assert_eq!(institute["contributions"]["added"], 3);
}

#[tokio::test]
async fn d1_a_removal_is_no_addition() {
    let (_house, repository) = example().await;
    let delta = document(&repository, "community-record-delta-added", C1, "2024-01-13").await;
    ours(
        &delta["records"]["added"],
        json!({"metadata_only": 0, "with_files": 0}),
        json!({"metadata_only": 0, "with_files": 1}),
    );
    ours(
        &delta["files"]["added"],
        json!({"file_count": 0, "data_volume": 0.0}),
        json!({"file_count": 2, "data_volume": 1500.0}),
    );
    ours(&delta["uploaders"], json!(0), json!(1));
    let snapshot = document(&repository, "community-record-snapshot-added", C1, "2024-01-13").await;
    // There the removal nets to zero.
    ours(
        &snapshot["total_records"],
        json!({"metadata_only": 1, "with_files": 1}),
        json!({"metadata_only": 1, "with_files": 2}),
    );
}

#[tokio::test]
async fn d2_works_and_uploaders_count_once_over_days() {
    let (_house, repository) = example().await;
    let left = document(&repository, "community-record-delta-added", C1, "2024-01-13").await;
    ours(&left["parents"]["removed"]["with_files"], json!(0), json!(1));
    let second = document(&repository, "community-record-delta-added", "global", "2024-01-12").await;
    ours(&second["parents"]["added"]["with_files"], json!(0), json!(1));
    let snapshot = document(&repository, "community-record-snapshot-added", "global", "2024-01-14").await;
    ours(&snapshot["distinct_uploaders"], json!(2), json!(3));
    assert_eq!(snapshot["total_uploaders"], 3, "the old field keeps its meaning");
}

#[tokio::test]
async fn d3_a_file_type_sums_its_own_files() {
    let (_house, repository) = example().await;
    let delta = document(&repository, "community-record-delta-added", C1, "2024-01-12").await;
    let files = |id: &str| item(&delta["subcounts"]["file_types"], id)["files"]["added"].clone();
    ours(
        &files("pdf"),
        json!({"file_count": 2, "data_volume": 3000.0}),
        json!({"file_count": 3, "data_volume": 3500.0}),
    );
    ours(
        &files("csv"),
        json!({"file_count": 1, "data_volume": 500.0}),
        json!({"file_count": 2, "data_volume": 1500.0}),
    );
}

#[tokio::test]
async fn d5_and_d6_funders_are_there_and_count_once() {
    let mut r1 = records().remove(0);
    r1["metadata"]["funding"] = json!([{"funder": {"id": "00k4n6c32", "name": "European Commission"}}]);
    let events: Vec<Value> = usage().into_iter().filter(|event| event["recid"] == "R1").collect();
    let (_house, repository) = filled(&[r1], &events).await;
    let used = document(&repository, "community-usage-delta", C1, "2024-01-12").await;
    let funders = &used["subcounts"]["funders"];
    ours(&json!(funders.as_array().expect("a list").len()), json!(1), json!(0));
    assert_eq!(item(funders, "00k4n6c32")["view"]["total_events"], 2);
    let delta = document(&repository, "community-record-delta-created", "global", "2024-01-10").await;
    let funder = item(&delta["subcounts"]["funders"], "00k4n6c32");
    // By id and by name it is one.
    ours(&funder["records"]["added"]["with_files"], json!(1), json!(2));
}

#[tokio::test]
async fn d7_downloads_count_in_communities_and_d8_robots_do_not() {
    let (_house, repository) = example().await;
    let day = document(&repository, "community-usage-delta", C1, "2024-01-12").await;
    ours(&day["totals"]["download"]["total_events"], json!(1), json!(0));
    ours(&day["totals"]["view"]["total_events"], json!(3), json!(4));
}

#[tokio::test]
async fn d9_a_day_of_more_than_ten_thousand_events() {
    let event = |n: usize| {
        json!({"timestamp": format!("2024-01-12T{:02}:{:02}:{:02}", 1 + n / 3600, n / 60 % 60, n % 60), "recid": "R3", "parent_recid": "P1",
            "unique_id": format!("ui_{n}"), "visitor_id": format!("v{}", n % 700), "unique_session_id": "s", "country": "US",
            "via_api": false, "is_robot": false, "is_machine": false})
    };
    let events: Vec<Value> = (0..10_250).map(event).collect();
    let (_house, repository) = filled(&records()[2..], &events).await;
    let day = document(&repository, "community-usage-delta", "global", "2024-01-12").await;
    ours(&day["totals"]["view"]["total_events"], json!(10_250), json!(10_000));
    assert_eq!(day["totals"]["view"]["unique_visitors"], 700);
}

#[tokio::test]
async fn d10_usage_begins_with_its_first_event_of_either_kind() {
    let mut download = usage().into_iter().find(|event| event.get("file_id").is_some()).expect("a download");
    download["timestamp"] = json!("2024-01-11T10:00:00");
    let view = usage().remove(0);
    let (_house, repository) = filled(&records()[..1], &[download, view]).await;
    let list = documents(&repository, "community-usage-delta", "global", "2024-01-01", "2024-01-15").await;
    ours(&list[0]["period_start"], json!("2024-01-11T00:00:00"), json!("2024-01-12T00:00:00"));
}

#[tokio::test]
async fn d12_a_community_that_begins_late_is_carried_on() {
    let (house, repository) = example().await;
    let late = json!({"id": "22222222-2222-4222-8222-222222222222", "slug": "late", "created": "2024-01-15T00:00:00Z", "metadata": {"title": "Late"}});
    let joined = json!({"record_id": "R3", "community_id": late["id"], "event_type": "added", "event_date": "2024-01-15T08:00:00"});
    let request = ImportRequest {
        communities: vec![house.lines("late.ndjson", &[late])],
        community_events: vec![house.lines("joined.ndjson", &[joined])],
        ..ImportRequest::default()
    };
    import(&repository, &request).await;
    aggregate(&repository).await;
    let next = house.later("2024-01-18T12:00:00Z").await;
    aggregate(&next).await;
    let list = documents(&next, "community-record-snapshot-added", "late", "2024-01-01", "2024-01-18").await;
    // There a bookmark that waits for days before the first one never moves.
    ours(&json!(list.len()), json!(4), json!(1));
    assert_eq!(list[3]["total_records"]["with_files"], 1);
}

#[tokio::test]
async fn d13_the_question_is_answered_as_it_was_asked() {
    let (_house, repository) = example().await;
    let range = json!({"community_id": C1, "start_date": "2024-01-13", "end_date": "2024-01-13"});
    let answer = ask(&repository, "usage-delta-category", range).await.expect("an answer");
    // There the whole year comes.
    ours(&answer["global"]["views"][0]["data"], json!([["01-13", 1]]), json!([["01-12", 3], ["01-13", 1]]));
    let published =
        json!({"community_id": C1, "start_date": "2019-01-01", "end_date": "2024-01-14", "date_basis": "published"});
    let answer = ask(&repository, "record-snapshot-category", published).await.expect("an answer");
    let points = answer["global"]["records"][0]["data"].as_array().expect("points").clone();
    // Six years and a half month, not the first year alone.
    ours(&points[points.len() - 1], json!(["2024-01-14", 1]), json!(["2019-12-31", 1]));
    let one = json!({"community_id": C1, "start_date": "2024-01-12", "end_date": "2024-01-13", "metric": "downloads", "category": "fileTypes"});
    let answer = ask(&repository, "usage-delta-series", one).await.expect("an answer");
    // On the second day the type occurs by a view, and nobody downloaded it.
    assert_eq!(item(&answer, "pdf")["data"], json!([["01-12", 1], ["01-13", 0]]));
}

#[tokio::test]
async fn d19_later_totals_follow_a_day_that_changes() {
    let (house, repository) = example().await;
    let total = |snapshot: &Value| snapshot["totals"]["view"]["total_events"].clone();
    assert_eq!(total(&document(&repository, "community-usage-snapshot", C1, "2024-01-15").await), 4);
    let late = json!({"timestamp": "2024-01-12T20:00:00", "recid": "R3", "parent_recid": "P1", "unique_id": "late", "visitor_id": "v7",
        "unique_session_id": "s", "via_api": false, "is_robot": false, "is_machine": false});
    import(
        &repository,
        &ImportRequest { usage_events: vec![house.lines("late.ndjson", &[late])], ..ImportRequest::default() },
    )
    .await;
    aggregate(&repository).await;
    // There totals go on from the last one that was written.
    ours(&total(&document(&repository, "community-usage-snapshot", C1, "2024-01-15").await), json!(5), json!(4));
}

#[tokio::test]
async fn d22_the_back_fill_honours_its_community() {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let request = ImportRequest {
        records: vec![house.lines("records.ndjson", &records())],
        communities: vec![house.lines("communities.ndjson", &[community()])],
        ..ImportRequest::default()
    };
    import(&repository, &request).await;
    let only = BackfillRequest { communities: vec!["c1".to_owned()], ..BackfillRequest::default() };
    let done = repository.backfill_community_events(&only, &mut |_, _| true).await.expect("filled");
    // There global's three are written, too.
    ours(&json!(done.new_events_created), json!(3), json!(6));
}

#[tokio::test]
async fn d23_a_day_that_changes_files_alone_counts() {
    let (house, _) = example().await;
    let later = house.later("2024-01-20T12:00:00Z").await;
    aggregate(&later).await;
    let mut r3 = records().remove(2);
    r3["updated"] = json!("2024-01-20T09:00:00Z");
    r3["files"]["entries"] = json!([
        {"key": "a.pdf", "ext": "pdf", "size": 2000, "file_id": "f-a.pdf-2000"},
        {"key": "b.pdf", "ext": "pdf", "size": 500, "file_id": "f-b.pdf-500"}]);
    import(&later, &ImportRequest { records: vec![house.lines("r3.ndjson", &[r3])], ..ImportRequest::default() }).await;
    aggregate(&later).await;
    let snapshot = document(&later, "community-record-snapshot-added", C1, "2024-01-14").await;
    ours(
        &snapshot["total_files"],
        json!({"file_count": 2, "data_volume": 2500.0}),
        json!({"file_count": 1, "data_volume": 2000.0}),
    );
    assert_eq!(snapshot["total_records"], json!({"metadata_only": 0, "with_files": 1}), "no record came or went");
}
