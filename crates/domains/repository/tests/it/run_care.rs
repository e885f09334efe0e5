//! What an aggregation looks after: memory, half-done runs, the lake.

use std::sync::atomic::{AtomicU32, Ordering};

use tallykeep_repository::{
    TeamRepository,
    aggregate::{AggregateRequest, Aggregator},
};
use tallykeep_testkit::worked_example::C1;

use crate::{
    support::{House, aggregate, documents},
    worked_example::{example, imported},
};

/// How many readings of the memory are still as they should be.
static READINGS: AtomicU32 = AtomicU32::new(0);

/// The memory of a process that runs short after some readings.
fn scarce() -> Option<u64> {
    let left = READINGS.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(1));
    Some(if left.is_ok() { 1 } else { u64::MAX })
}

/// Documents of every family.
async fn everything(repository: &TeamRepository) -> Vec<serde_json::Value> {
    let mut all = Vec::new();
    for community in [C1, "global"] {
        for query in [
            "community-usage-delta",
            "community-usage-snapshot",
            "community-record-delta-added",
            "community-record-delta-created",
            "community-record-delta-published",
            "community-record-snapshot-added",
        ] {
            for mut document in documents(repository, query, community, "2024-01-10", "2024-01-15").await {
                // When and by which run it was made.
                for key in ["timestamp", "updated_timestamp", "as_of", "run_id"] {
                    document.as_object_mut().map(|fields| fields.remove(key));
                }
                all.push(document);
            }
        }
    }
    all
}

async fn bookmark(repository: &TeamRepository, aggregator: Aggregator) -> Option<String> {
    repository.control().watermark(aggregator.name(), C1).await.expect("looked up")
}

/// However many days a run comes, it says why it ended, what it did stands with its bookmark, and the next run does the rest.
#[tokio::test]
async fn a_run_stops_between_days_with_its_bookmark() {
    let (_house, undisturbed) = example().await;
    let wanted = everything(&undisturbed).await;
    let request = || AggregateRequest { memory: scarce, pass_events: 0, ..AggregateRequest::default() };
    let mut within_the_month = Vec::new();
    let mut stopped = 0;
    for readings in [0, 2, 5, 8, 11, 16, 22, 30, 60] {
        let (house, repository) = imported().await;
        READINGS.store(readings, Ordering::Relaxed);
        let result = repository.aggregate(&request(), "scarce", &mut |_| true).await.expect("a report");
        if !result.is_stopped() {
            assert_eq!(result.status, "completed");
            continue;
        }
        stopped += 1;
        assert!(result.status.starts_with("stopped: Memory usage too high: "), "{}", result.status);
        if let Some(day) = bookmark(&repository, Aggregator::UsageDelta).await {
            // What the bookmark says is done is done and right, the rest is not there.
            let done = documents(&repository, "community-usage-delta", C1, "2024-01-10", "2024-01-15").await;
            let days = done.iter().map(|d| d["period_start"].as_str().expect("a day")[..10].to_owned());
            assert_eq!(days.max(), Some(day.clone()), "after {readings} readings");
            within_the_month.push(day);
        }
        let next = house.later("2024-01-15T12:00:00Z").await;
        aggregate(&next).await;
        assert_eq!(everything(&next).await, wanted, "stopped after {readings} readings");
    }
    assert!(stopped > 5, "{stopped}");
    within_the_month.dedup();
    assert!(within_the_month.len() > 2 && within_the_month.is_sorted(), "{within_the_month:?}");
}

#[tokio::test]
async fn a_run_short_of_memory_stops_cleanly_and_the_next_carries_on() {
    let (house, repository) = example().await;
    let wanted = documents(&repository, "community-usage-snapshot", C1, "2024-01-10", "2024-01-15").await;
    let scarce = house.again("2024-02-03T12:00:00Z", |s| s.memory_budget = Some(1)).await;
    let result = scarce.aggregate(&AggregateRequest::default(), "scarce", &mut |_| true).await.expect("a report");
    assert!(result.status.starts_with("stopped: Memory usage too high: ") && result.is_stopped(), "{}", result.status);
    assert!(result.formatted_report.contains("Status: stopped: Memory usage too high"), "{}", result.formatted_report);
    let flags = scarce.page_flags(C1).await.expect("flags");
    assert!(!flags.agg_in_progress && !flags.first_run_incomplete, "{flags:?}");
    let later = house.later("2024-02-03T12:00:00Z").await;
    assert_eq!(documents(&later, "community-usage-snapshot", C1, "2024-01-10", "2024-01-15").await, wanted);
    aggregate(&later).await;
    assert_eq!(documents(&later, "community-usage-delta", C1, "2024-01-16", "2024-02-03").await.len(), 19);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_flags_of_a_page_are_true_while_a_run_runs() {
    let house = House::new("2024-01-15T12:00:00Z").await;
    let repository = house.team().await;
    let flags = repository.page_flags("global").await.expect("flags");
    assert!(flags.first_run_incomplete && !flags.agg_in_progress);
    let (house, repository) = example().await;
    let (watched, runtime) = (repository.clone(), tokio::runtime::Handle::current());
    let mut seen = Vec::new();
    let request = AggregateRequest { communities: vec!["c1".to_owned()], ..AggregateRequest::default() };
    repository
        .aggregate(&request, "watched", &mut |_| {
            let (watched, runtime) = (watched.clone(), runtime.clone());
            // The watch is no async function; another thread asks meanwhile.
            let asked = std::thread::spawn(move || {
                runtime.block_on(async {
                    let c1 = watched.page_flags(C1).await.expect("flags").agg_in_progress;
                    (c1, watched.page_flags("global").await.expect("flags").agg_in_progress)
                })
            });
            seen.push(asked.join().expect("asked"));
            true
        })
        .await
        .expect("aggregated");
    assert!(!seen.is_empty() && seen.iter().all(|flags| *flags == (true, false)), "{seen:?}");
    assert!(!repository.page_flags(C1).await.expect("flags").agg_in_progress);
    drop(house);
}

#[tokio::test]
async fn upkeep_changes_no_number() {
    let (house, repository) = example().await;
    let before = documents(&repository, "community-usage-snapshot", C1, "2024-01-10", "2024-01-15").await;
    let mut tables = Vec::new();
    let done = repository
        .upkeep(&mut |_, _, table| {
            tables.push(table.to_owned());
            true
        })
        .await
        .expect("upkept");
    assert_eq!(done.tables, tables.len());
    assert!(tables.iter().any(|t| t == "repository_usage_events"), "{tables:?}");
    // Nothing is as old as a week.
    assert_eq!(done.files_removed, 0);
    let later = house.later("2024-01-15T12:00:00Z").await;
    assert_eq!(documents(&later, "community-usage-snapshot", C1, "2024-01-10", "2024-01-15").await, before);
    let name = format!("lake_upkeep:{}", repository.control().team().slug);
    let guard = repository.control().control().lease_or_busy(&name, "somebody").await.expect("a lease");
    assert!(repository.upkeep(&mut |_, _, _| true).await.expect_err("busy").to_string().contains("somebody"));
    guard.release().await.expect("released");
}
