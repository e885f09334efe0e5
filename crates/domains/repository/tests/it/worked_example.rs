//! Spec/invenio §3, number by number.

use serde_json::{Value, json};
use tallykeep_repository::{TeamRepository, import::ImportRequest};
use tallykeep_testkit::worked_example::{C1, NOW, cases, communities, memberships, records, usage};

use crate::support::{House, aggregate, ask, document, documents, ids, import, item};

pub async fn example() -> (House, TeamRepository) {
    let (house, repository) = imported().await;
    aggregate(&repository).await;
    (house, repository)
}

/// The same before anything is aggregated.
pub async fn imported() -> (House, TeamRepository) {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let request = ImportRequest {
        records: vec![house.lines("records.ndjson", &records())],
        communities: vec![house.lines("communities.ndjson", &communities())],
        community_events: vec![house.lines("community_events.ndjson", &memberships())],
        usage_events: vec![house.lines("usage_events.ndjson", &usage())],
        dry_run: false,
    };
    let report = import(&repository, &request).await;
    assert_eq!((report.total.new, report.total.rejected), (3 + 1 + 7 + 7, 0));
    (house, repository)
}

#[tokio::test]
async fn every_number_of_the_table() {
    let (_house, repository) = example().await;
    let mut compared = 0;
    for case in cases() {
        compared += case.check(&ask(&repository, case.query, case.params()).await.expect("an answer"));
    }
    println!("{compared} numbers compared");
}

#[tokio::test]
async fn the_records_of_all_scopes_in_one_pass_are_those_of_their_snapshots() {
    let (_house, repository) = imported().await;
    assert!(
        repository.records_held().await.expect("an answer").is_empty(),
        "nothing is rolled up yet, which is not zero"
    );
    aggregate(&repository).await;
    let held = repository.records_held().await.expect("an answer");
    for scope in ["global", C1] {
        let own = repository.totals(scope).await.expect("an answer").values[0];
        assert!(own.is_some_and(|records| records > 0), "{scope}: {own:?}");
        assert_eq!(held.get(scope).copied(), own, "{scope}");
    }
    assert_eq!(held.len(), 2, "{held:?}");
}

/// `records +(md,wf) −(md,wf) | parents + − | files +(n,bytes) − | uploaders`
fn delta_line(d: &Value) -> String {
    let pair = |v: &Value| format!("{},{}", v["metadata_only"], v["with_files"]);
    let files = |v: &Value| format!("{} {}", v["file_count"], v["data_volume"]);
    format!(
        "{} records +{} -{} parents +{} -{} files +{} -{} uploaders {}",
        &d["period_start"].as_str().expect("a day")[5..10],
        pair(&d["records"]["added"]),
        pair(&d["records"]["removed"]),
        pair(&d["parents"]["added"]),
        pair(&d["parents"]["removed"]),
        files(&d["files"]["added"]),
        files(&d["files"]["removed"]),
        d["uploaders"],
    )
}

/// Days with anything on them: `day +md,wf -md,wf`.
fn record_moves(list: &[Value]) -> Vec<String> {
    let pair =
        |v: &Value| (v["metadata_only"].as_i64().expect("a number"), v["with_files"].as_i64().expect("a number"));
    let moves = list.iter().filter_map(|d| {
        let (added, removed) = (pair(&d["records"]["added"]), pair(&d["records"]["removed"]));
        let day = &d["period_start"].as_str().expect("a day")[..10];
        let mut line = day.to_owned();
        if added != (0, 0) {
            line += &format!(" +{},{}", added.0, added.1);
        }
        if removed != (0, 0) {
            line += &format!(" -{},{}", removed.0, removed.1);
        }
        (line != day).then_some(line)
    });
    moves.collect()
}

fn snapshot_line(d: &Value) -> String {
    let pair = |v: &Value| format!("{},{}", v["metadata_only"], v["with_files"]);
    format!(
        "{} records {} parents {} files {} {} uploaders {} distinct {}",
        &d["snapshot_date"].as_str().expect("a day")[5..10],
        pair(&d["total_records"]),
        pair(&d["total_parents"]),
        d["total_files"]["file_count"],
        d["total_files"]["data_volume"],
        d["total_uploaders"],
        d["distinct_uploaders"],
    )
}

#[tokio::test]
async fn record_deltas_of_the_community_on_the_day_of_adding() {
    let (_house, repository) = example().await;
    let list = documents(&repository, "community-record-delta-added", C1, "2024-01-01", "2024-01-14").await;
    let lines: Vec<String> = list.iter().map(delta_line).collect();
    assert_eq!(
        lines,
        [
            "01-12 records +1,2 -0,0 parents +1,1 -0,0 files +3 3500.0 -0 0.0 uploaders 2",
            "01-13 records +0,0 -0,1 parents +0,0 -0,0 files +0 0.0 -2 1500.0 uploaders 0",
            "01-14 records +0,0 -1,0 parents +0,0 -1,0 files +0 0.0 -0 0.0 uploaders 0",
        ]
    );
}

#[tokio::test]
async fn subcounts_of_the_day_of_adding() {
    let (_house, repository) = example().await;
    let delta = document(&repository, "community-record-delta-added", C1, "2024-01-12").await;
    let subcounts = &delta["subcounts"];
    let line = |dimension: &str, id: &str| {
        let i = item(&subcounts[dimension], id);
        let pair = |v: &Value| format!("{},{}", v["metadata_only"], v["with_files"]);
        let added = |what: &str| &i[what]["added"];
        format!(
            "rec {} par {} files {} {}",
            pair(added("records")),
            pair(added("parents")),
            added("files")["file_count"],
            added("files")["data_volume"]
        )
    };
    assert_eq!(line("resource_types", "dataset"), "rec 0,2 par 0,1 files 3 3500.0");
    assert_eq!(line("resource_types", "publication-article"), "rec 1,0 par 1,0 files 0 0.0");
    assert_eq!(line("access_statuses", "open"), "rec 0,2 par 0,1 files 3 3500.0");
    assert_eq!(line("access_statuses", "metadata-only"), "rec 1,0 par 1,0 files 0 0.0");
    assert_eq!(line("languages", "eng"), "rec 1,2 par 1,1 files 3 3500.0");
    assert_eq!(line("languages", "fra"), "rec 1,0 par 1,0 files 0 0.0");
    assert_eq!(line("publishers", "Acme"), "rec 1,2 par 1,1 files 3 3500.0");
    assert_eq!(line("file_types", "pdf"), "rec 0,2 par 0,1 files 2 3000.0");
    assert_eq!(line("file_types", "csv"), "rec 0,1 par 0,1 files 1 500.0");
    assert_eq!(line("affiliations", "01abc"), "rec 0,1 par 0,1 files 2 1500.0");
    assert_eq!(item(&subcounts["affiliations"], "01abc")["contributions"], json!({"added": 3, "removed": 0}));
    for empty in ["funders", "subjects", "rights", "periodicals"] {
        assert_eq!(subcounts[empty], json!([]), "{empty}");
    }
    assert!(subcounts.get("countries").is_none() && subcounts.get("referrers").is_none());
    assert_eq!(item(&subcounts["resource_types"], "dataset")["label"], json!({"en": "Dataset"}));
    assert_eq!(item(&subcounts["affiliations"], "01abc")["label"], json!("Institute"));
    assert_eq!(item(&subcounts["publishers"], "Acme")["label"], json!(""));

    let next = document(&repository, "community-record-delta-added", C1, "2024-01-13").await;
    assert_eq!(ids(&next["subcounts"]["file_types"]), ["csv", "pdf"]);
    assert_eq!(item(&next["subcounts"]["affiliations"], "01abc")["contributions"], json!({"added": 0, "removed": 3}));
}

#[tokio::test]
async fn the_other_bases_of_the_community() {
    let (_house, repository) = example().await;
    let created = documents(&repository, "community-record-delta-created", C1, "2000-01-01", "2024-01-14").await;
    assert_eq!(record_moves(&created), ["2024-01-10 +1,1", "2024-01-12 +0,1", "2024-01-13 -0,1", "2024-01-14 -1,0"]);
    assert_eq!(created.len(), 5, "zero days are written");
    let published = documents(&repository, "community-record-delta-published", C1, "2000-01-01", "2024-01-14").await;
    assert_eq!(
        record_moves(&published),
        ["2019-01-01 +0,1", "2024-01-01 +0,1", "2024-01-11 +1,0", "2024-01-13 -0,1", "2024-01-14 -1,0"]
    );
    let new_year = document(&repository, "community-record-delta-published", C1, "2024-01-01").await;
    assert_eq!(new_year["parents"]["added"], json!({"metadata_only": 0, "with_files": 0}), "P1 is there since 2019");
}

#[tokio::test]
async fn the_whole_repository() {
    let (_house, repository) = example().await;
    for query in ["community-record-delta-created", "community-record-delta-added"] {
        let list = documents(&repository, query, "global", "2024-01-01", "2024-01-14").await;
        let lines: Vec<String> = list.iter().map(delta_line).collect();
        assert_eq!(
            lines,
            [
                "01-10 records +1,1 -0,0 parents +1,1 -0,0 files +2 1500.0 -0 0.0 uploaders 2",
                "01-11 records +0,0 -0,0 parents +0,0 -0,0 files +0 0.0 -0 0.0 uploaders 0",
                "01-12 records +0,1 -0,0 parents +0,0 -0,0 files +1 2000.0 -0 0.0 uploaders 1",
                "01-13 records +0,0 -0,0 parents +0,0 -0,0 files +0 0.0 -0 0.0 uploaders 0",
                "01-14 records +0,0 -1,0 parents +0,0 -1,0 files +0 0.0 -0 0.0 uploaders 0",
            ],
            "{query}"
        );
    }
    let published =
        documents(&repository, "community-record-delta-published", "global", "2000-01-01", "2024-01-14").await;
    assert_eq!(record_moves(&published), ["2019-01-01 +0,1", "2024-01-01 +0,1", "2024-01-11 +1,0", "2024-01-14 -1,0"]);
}

#[tokio::test]
async fn record_snapshots() {
    let (_house, repository) = example().await;
    let list = documents(&repository, "community-record-snapshot-added", C1, "2024-01-01", "2024-01-14").await;
    assert_eq!(
        list.iter().map(snapshot_line).collect::<Vec<_>>(),
        [
            "01-12 records 1,2 parents 1,1 files 3 3500.0 uploaders 2 distinct 2",
            "01-13 records 1,1 parents 1,1 files 1 2000.0 uploaders 2 distinct 2",
            "01-14 records 0,1 parents 0,1 files 1 2000.0 uploaders 2 distinct 2",
        ]
    );
    let last = &list[2]["subcounts"];
    let zero = json!({"metadata_only": 0, "with_files": 0});
    assert_eq!(item(&last["access_statuses"], "metadata-only")["records"], zero, "`all` lists keep zeros");
    assert_eq!(item(&last["resource_types"], "publication-article")["records"], zero);
    assert_eq!(item(&last["file_types"], "csv")["files"], json!({"file_count": 0, "data_volume": 0.0}));
    assert_eq!(ids(&last["languages"]), ["eng"], "`top` lists drop what is gone");
    assert_eq!(ids(&last["affiliations"]), Vec::<&str>::new());

    let global = document(&repository, "community-record-snapshot-added", "global", "2024-01-14").await;
    assert_eq!(snapshot_line(&global), "01-14 records 0,2 parents 0,1 files 3 3500.0 uploaders 3 distinct 2");
}

/// `[total_events, unique_visitors, unique_records, unique_parents]`, of downloads also files and volume.
fn tuple(usage: &Value) -> Value {
    let of = |kind: &Value, names: &[&str]| names.iter().map(|n| kind[*n].clone()).collect::<Vec<_>>();
    let base = ["total_events", "unique_visitors", "unique_records", "unique_parents"];
    json!([of(&usage["view"], &base), of(&usage["download"], &[&base[..], &["unique_files", "total_volume"]].concat())])
}

#[tokio::test]
async fn usage_deltas() {
    let (_house, repository) = example().await;
    let day = document(&repository, "community-usage-delta", C1, "2024-01-12").await;
    assert_eq!(tuple(&day["totals"]), json!([[3, 2, 2, 1], [1, 1, 1, 1, 1, 1000.0]]));
    let subcounts = &day["subcounts"];
    assert_eq!(ids(&subcounts["countries"]), ["US"], "an event without country makes no item");
    assert_eq!(tuple(item(&subcounts["countries"], "US")), json!([[2, 1, 1, 1], [1, 1, 1, 1, 1, 1000.0]]));
    assert_eq!(tuple(item(&subcounts["file_types"], "pdf")), json!([[3, 2, 2, 1], [1, 1, 1, 1, 1, 1000.0]]));
    assert_eq!(tuple(item(&subcounts["file_types"], "csv")), json!([[2, 1, 1, 1], [0, 0, 0, 0, 0, 0.0]]));
    assert!(subcounts.get("subjects").is_none() && subcounts.get("referrers").is_none(), "configured off");
    assert_eq!(item(&subcounts["countries"], "US")["label"], json!("US"));

    let next = document(&repository, "community-usage-delta", C1, "2024-01-13").await;
    assert_eq!(tuple(&next["totals"])[0], json!([1, 1, 1, 1]), "R1 had left");
    let global = document(&repository, "community-usage-delta", "global", "2024-01-13").await;
    assert_eq!(tuple(&global["totals"])[0], json!([2, 2, 2, 1]));
}

#[tokio::test]
async fn usage_snapshots_add_daily_distincts_up_and_tell_true_ones_beside() {
    let (_house, repository) = example().await;
    let snapshot = document(&repository, "community-usage-snapshot", C1, "2024-01-13").await;
    assert_eq!(tuple(&snapshot["totals"]), json!([[4, 3, 3, 2], [1, 1, 1, 1, 1, 1000.0]]));
    let countries = &snapshot["subcounts"]["countries"];
    assert_eq!(tuple(item(&countries["by_view"], "US"))[0], json!([3, 2, 2, 2]));
    assert_eq!(ids(&countries["by_download"]), ["US"]);
    assert!(snapshot["subcounts"]["resource_types"].is_array(), "`all` breakdowns are plain lists");
    let distinct = &snapshot["distinct"]["view"];
    assert_eq!((&distinct["unique_visitors"], &distinct["exact"]), (&json!(2), &json!(true)), "v1 and v2, not three");
}

#[tokio::test]
async fn series_of_the_spec() {
    let (_house, repository) = example().await;
    let params = json!({"community_id": "c1", "start_date": "2024-01-01", "end_date": "2024-01-13"});
    let usage = ask(&repository, "usage-delta-category", params).await.expect("an answer");
    let views = &usage["global"]["views"][0];
    assert_eq!(views["data"], json!([["01-12", 3], ["01-13", 1]]));
    assert_eq!((&views["id"], &views["name"], &views["type"]), (&json!("global"), &json!("Global"), &json!("bar")));
    assert_eq!((&views["valueType"], &views["year"]), (&json!("number"), &json!(2024)));
    let volume = &usage["global"]["dataVolume"][0];
    assert_eq!((&volume["valueType"], &volume["data"]), (&json!("filesize"), &json!([["01-12", 1000], ["01-13", 0]])));
    let us = &usage["countries"]["viewUniqueRecords"][0];
    assert_eq!(
        (&us["id"], &us["type"], &us["data"]),
        (&json!("US"), &json!("line"), &json!([["01-12", 1], ["01-13", 1]]))
    );

    let params = json!({"community_id": C1, "start_date": "2024-01-01", "end_date": "2024-01-14"});
    let records = ask(&repository, "record-delta-category", params).await.expect("an answer");
    assert_eq!(records["global"]["records"][0]["data"], json!([["01-12", 3], ["01-13", -1], ["01-14", -1]]));
    let presence = &records["filePresence"]["records"];
    assert_eq!(item(presence, "metadata_only")["data"], json!([["01-12", 1], ["01-13", 0], ["01-14", -1]]));
    assert_eq!(item(presence, "with_files")["data"], json!([["01-12", 2], ["01-13", -1], ["01-14", 0]]));
}
