//! What an aggregation looks after: memory, half-done runs, the lake.

use tallykeep_repository::aggregate::AggregateRequest;

use tallykeep_testkit::worked_example::C1;

use crate::{
    support::{House, aggregate, documents},
    worked_example::example,
};

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
