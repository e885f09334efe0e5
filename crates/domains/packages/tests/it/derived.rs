use serde_json::json;
use tallykeep_packages::{
    Reader,
    dashboard::{dashboard, definitions, series},
    days::latest_completed_day,
};

use crate::support::{House, catalogue, clock, day};

#[tokio::test]
async fn a_day_on_which_several_sources_drop_is_a_collection_gap_and_raises_no_signal() {
    let now = "2026-03-15T09:00:00Z";
    let house = House::new(now).await;
    let config = catalogue(&[("downloads:a:python", "pypistats", "a"), ("downloads:a:nodejs", "npm", "a")]);
    let days: Vec<_> = tallykeep_packages::days::each_day(day("2026-01-05"), day("2026-03-14")).collect();
    // Most of the days before the last 30 were lost in both sources: the month looks like a spike.
    let lost = |d: &jiff::civil::Date| *d > day("2026-01-24") && *d < day("2026-02-12");
    house.fake.pypi("a", days.iter().filter(|d| !lost(d)).map(|d| (*d, 100, 100)));
    house.fake.npm("a", days.iter().map(|d| (*d, if lost(d) { 1 } else { 100 })));
    let jobs = house.jobs(now, &config).await;
    let options = tallykeep_packages::jobs::downloads::DownloadOptions { lookback_days: 69, ..Default::default() };
    jobs.update_daily_downloads(options).await.expect("a report");
    let report = jobs.derive_dashboard().await.expect("a report");
    assert_eq!(report.extra["rollups"], json!(10));
    assert_eq!(report.extra["signals"], json!(0), "{:?}", report.extra);
    assert!(!report.extra["suppressed_signals"].as_array().expect("a list").is_empty());
    let index = Reader::new(jobs.store.clone()).index().await.expect("an index");
    let gaps = tallykeep_packages::anomalies::collection_gaps(&index, day("2026-01-20"), day("2026-02-05"));
    assert_eq!((gaps[0].day, gaps[0].kind, gaps[0].sources.len()), (day("2026-01-25"), "collection_gap", 2));
}

#[tokio::test]
async fn an_empty_store_and_a_filled_one_have_every_key() {
    let now = "2026-03-05T09:10:11.123456Z";
    let house = House::new(now).await;
    let config = tallykeep_packages::Config::example();
    let jobs = house.jobs(now, &config).await;
    let latest = latest_completed_day(clock(now));
    let reader = Reader::new(jobs.store.clone());
    let index = reader.index().await.expect("an index");
    let empty = serde_json::to_value(dashboard(&index, &config, 180, latest, clock(now).now())).expect("JSON");
    assert_eq!((&empty["groups"], &empty["total_stars"]), (&json!([]), &json!(null)));
    assert_eq!(
        empty["last_30d_download_totals"],
        json!({"window_start": "2026-02-03", "window_end": "2026-03-04", "lance": 0, "lancedb": 0})
    );
    assert_eq!(empty["generated_at"], "2026-03-05T09:10:11.123456+00:00");
    assert!(definitions(&index).is_empty());
    jobs.sync_catalogue().await.expect("written");
    let index = reader.index().await.expect("an index");
    let ids: Vec<String> =
        definitions(&index).iter().map(|d| d["metric_id"].as_str().unwrap_or("").to_owned()).collect();
    assert_eq!(ids[2..5], ["stars:lance-context:github", "stars:lance-graph:github", "stars:lance:github"], "{ids:?}");
    assert!(series(&index, "nope", 3).is_none());
    assert!(series(&index, "stars:lance:github", 3).expect("known").points.is_empty());
    let document = serde_json::to_value(dashboard(&index, &config, 180, latest, clock(now).now())).expect("JSON");
    assert_eq!(document["groups"][0]["product"], "lance");
    assert_eq!(document["groups"][0]["items"][0]["latest_value"], json!(null));
}
