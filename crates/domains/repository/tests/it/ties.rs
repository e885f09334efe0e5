//! Top lists: of equal values the one seen first comes first, then by id (spec/invenio §4.4).

use serde_json::{Value, json};
use tallykeep_repository::import::ImportRequest;

use crate::support::{House, aggregate, ask, document, import};

fn view(at: &str, country: &str) -> Value {
    json!({"timestamp": at, "recid": "r1", "unique_id": at, "visitor_id": format!("{at}{country}"), "country": country})
}

#[tokio::test]
async fn of_equal_values_the_one_seen_first_comes_first() {
    let house = House::with("2026-03-10T12:00:00Z", |settings| settings.top_limit = 3).await;
    let repository = house.team().await;
    let record = |id: &str, at: &str, language: &str| {
        json!({"id": id, "parent": {"id": id}, "created": at, "is_published": true, "files": {"enabled": false},
               "metadata": {"publication_date": &at[..10], "languages": [{"id": language, "title": {"en": language}}]}})
    };
    let records = [
        record("r1", "2024-12-30T08:00:00Z", "zul"),
        record("r2", "2024-12-31T08:00:00Z", "eng"),
        record("r3", "2025-01-01T08:00:00Z", "deu"),
        record("r4", "2025-01-01T09:00:00Z", "ces"),
    ];
    let added = |id: &str| json!({"record_id": id, "community_id": "global", "event_type": "added", "event_date": "2024-12-30T08:00:00"});
    // Two views of each country. Z, Y and X were seen on three days in a row over the end of a year, B and A together later.
    let usage = [
        view("2024-12-30T10:00:00", "Z"),
        view("2024-12-31T10:00:00", "Y"),
        view("2025-01-01T10:00:00", "X"),
        view("2025-01-02T10:00:00", "B"),
        view("2025-01-02T11:00:00", "A"),
        view("2026-03-02T10:00:00", "A"),
        view("2026-03-03T10:00:00", "B"),
        view("2026-03-04T10:00:00", "X"),
        view("2026-03-05T10:00:00", "Y"),
        view("2026-03-06T10:00:00", "Z"),
    ];
    let request = ImportRequest {
        records: vec![house.lines("records.ndjson", &records)],
        community_events: vec![house.lines("members.ndjson", &["r1", "r2", "r3", "r4"].map(added))],
        usage_events: vec![house.lines("usage.ndjson", &usage)],
        ..ImportRequest::default()
    };
    import(&repository, &request).await;
    aggregate(&repository).await;
    let ids = |list: &Value| -> Vec<String> {
        list.as_array().expect("a list").iter().map(|i| i["id"].as_str().expect("an id").to_owned()).collect()
    };
    let usage = document(&repository, "community-usage-snapshot", "global", "2026-03-09").await;
    assert_eq!(ids(&usage["subcounts"]["countries"]["by_view"]), ["Z", "Y", "X"]);
    let records = document(&repository, "community-record-snapshot-created", "global", "2026-03-09").await;
    assert_eq!(ids(&records["subcounts"]["languages"]), ["zul", "eng", "ces"], "one day's two by id");
    let params = json!({"start_date": "2026-03-07", "end_date": "2026-03-09"});
    let series = ask(&repository, "usage-snapshot-category", params).await.expect("an answer");
    assert_eq!(ids(&series["countriesByView"]["views"]), ["Z", "Y", "X"]);
    // The sums may be asked for in the middle of a year and of a month just as well.
    let middle = document(&repository, "community-usage-snapshot", "global", "2025-01-02").await;
    assert_eq!(ids(&middle["subcounts"]["countries"]["by_view"]), ["Z", "Y", "X"]);
}
