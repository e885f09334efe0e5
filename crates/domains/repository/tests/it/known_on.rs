//! "As known on" an earlier day, and true distincts over a range.

use serde_json::{Value, json};
use tallykeep_repository::{RepositoryError, TeamRepository, import::ImportRequest};
use tallykeep_testkit::worked_example::{C1, records};

use crate::{
    support::{House, aggregate, ask, import},
    worked_example::example,
};

async fn asked(repository: &TeamRepository, query: &str, known_on: Option<&str>) -> Result<Value, RepositoryError> {
    let mut params = json!({"community_id": C1, "start_date": "2024-01-10", "end_date": "2024-01-14"});
    if let Some(day) = known_on {
        params["as_known_on"] = json!(day);
    }
    ask(repository, query, params).await
}

/// R3 turns out to have been an article with a larger file.
async fn corrected(house: &House) -> TeamRepository {
    let repository = house.later("2024-01-20T12:00:00Z").await;
    aggregate(&repository).await;
    let later = house.later("2024-01-25T12:00:00Z").await;
    let mut r3 = records().remove(2);
    r3["updated"] = json!("2024-01-25T09:00:00Z");
    r3["metadata"]["resource_type"] = json!({"id": "publication-article", "title": {"en": "Article"}});
    r3["files"]["entries"][0]["size"] = json!(9000);
    import(&later, &ImportRequest { records: vec![house.lines("r3.ndjson", &[r3])], ..ImportRequest::default() }).await;
    aggregate(&later).await;
    later
}

fn points(answer: &Value, category: &str, metric: &str, id: &str) -> Value {
    let list = answer[category][metric].as_array().expect("series");
    list.iter().find(|s| s["id"] == id).map_or(Value::Null, |s| s["data"].clone())
}

#[tokio::test]
async fn numbers_as_they_stood_before_a_correction() {
    let (house, first) = example().await;
    let queries =
        ["record-delta-category", "record-snapshot-category", "usage-delta-category", "usage-snapshot-category"];
    aggregate(&house.later("2024-01-20T12:00:00Z").await).await;
    let mut before = Vec::new();
    for query in queries {
        before.push(asked(&house.later("2024-01-20T12:00:00Z").await, query, None).await.expect("an answer"));
    }
    drop(first);
    let later = corrected(&house).await;
    let now = asked(&later, "record-delta-category", None).await.expect("an answer");
    assert_eq!(points(&now, "global", "dataVolume", "global")[0], json!(["01-12", 10_500]));
    assert_eq!(points(&now, "resourceTypes", "records", "publication-article"), json!([["01-12", 2], ["01-14", -1]]));
    for (query, then) in queries.iter().zip(&before) {
        for day in ["2024-01-20", "2024-01-24"] {
            let known = asked(&later, query, Some(day)).await.expect("an answer");
            for (category, metrics) in then.as_object().expect("categories") {
                for (metric, list) in metrics.as_object().expect("metrics") {
                    for series in list.as_array().expect("series") {
                        let id = series["id"].as_str().expect("an id");
                        assert_eq!(
                            points(&known, category, metric, id),
                            series["data"],
                            "{query} {category} {metric} {id} on {day}"
                        );
                    }
                    let count = known[category][metric].as_array().expect("series").len();
                    assert_eq!(count, list.as_array().expect("series").len(), "{query} {category} {metric} on {day}");
                }
            }
        }
    }
    // Documents look back, too.
    let documents = asked(&later, "community-record-snapshot-added", Some("2024-01-22")).await.expect("documents");
    assert_eq!(documents[2]["total_files"], json!({"file_count": 1, "data_volume": 2000.0}));
    // From today nothing is undone.
    assert_eq!(
        asked(&later, "record-delta-category", Some("2024-01-25")).await.expect("an answer"),
        asked(&later, "record-delta-category", None).await.expect("an answer")
    );
}

#[tokio::test]
async fn days_that_were_not_known_are_not_there() {
    let (house, _) = example().await;
    let later = corrected(&house).await;
    let params =
        json!({"community_id": C1, "start_date": "2024-01-10", "end_date": "2024-01-25", "as_known_on": "2024-01-16"});
    let known = ask(&later, "usage-delta-category", params).await.expect("an answer");
    let coverage = &known["global"]["views"][0]["coverage"];
    assert_eq!(
        (coverage["last"].as_str(), coverage["provisional_from"].as_str()),
        (Some("2024-01-16"), Some("2024-01-16"))
    );
    // Before the first run nothing was known at all.
    let error = asked(&later, "usage-delta-category", Some("2024-01-14")).await.expect_err("refused").to_string();
    assert!(error.contains("nothing was known on 2024-01-14") && error.contains("2024-01-15T12:00:00Z"), "{error}");
}

#[tokio::test]
async fn a_visitor_of_two_days_counts_once() {
    let (_house, repository) = example().await;
    let found = asked(&repository, "community-usage-distinct", None).await.expect("an answer");
    // v1 and v2 on the 12th, v1 again on the 13th: daily distincts add up to 3.
    assert_eq!(found["view"]["unique_visitors"], 2);
    assert_eq!(found["download"]["unique_visitors"], 1);
    assert_eq!((found["view"]["exact"].as_bool(), found["view"]["standard_error"].as_f64()), (Some(true), Some(0.0)));
    assert_eq!(found["view"]["method"], "theta sketch, 4096 entries");
    let snapshots = asked(&repository, "community-usage-snapshot", None).await.expect("documents");
    let summed =
        snapshots.as_array().expect("a list").last().expect("a day")["totals"]["view"]["unique_visitors"].clone();
    assert_eq!(summed, 3, "the sum of daily uniques stays what it is");
    let error = asked(&repository, "community-usage-distinct", Some("2024-01-14")).await.expect_err("refused");
    assert!(error.to_string().contains("no ledger"), "{error}");
}
