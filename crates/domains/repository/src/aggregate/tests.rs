//! The ledger survives a process that dies between its two stores, and a write that somebody else was faster than.

use std::path::Path;

use tallykeep_control::Restatement;

use super::{AggregateRequest, Aggregator};
use crate::{
    import::ImportRequest,
    tables,
    testing::{Home, aggregate, ledger, number, view},
};

const USAGE: Aggregator = Aggregator::UsageDelta;
const VIEWS: &str = "/totals/view/total_events";

async fn bring_a_late_view(home: &Home) {
    let usage_events = home.lines("late.ndjson", &[view("r1", "2026-03-04", 9)]);
    let request = ImportRequest { usage_events, ..ImportRequest::default() };
    home.open().await.import(&request, &mut |_| true).await.expect("imported");
}

fn copy_control(from: &Path, to: &Path) {
    for name in ["control.db", "control.db-wal", "control.db-shm"] {
        let _ = std::fs::remove_file(to.join(name));
        if from.join(name).exists() {
            std::fs::copy(from.join(name), to.join(name)).expect("copied");
        }
    }
}

#[tokio::test]
async fn a_run_that_dies_between_lake_and_control_loses_no_ledger_row() {
    let home = Home::new();
    // Alive to the end: SQLite tidies its files up when the last handle goes.
    let _open = home.filled().await;
    bring_a_late_view(&home).await;
    let (data, saved) = (home.folder.path().join("data"), home.folder.path().join("saved"));
    std::fs::create_dir(&saved).expect("a folder");
    copy_control(&data, &saved);

    // The whole run, to learn what it enters in the ledger.
    let whole = home.open().await;
    aggregate(&whole).await;
    let expected = ledger(&whole, USAGE).await;
    assert_eq!(expected[0], "2026-03-04 view_events 1 -> 2");
    let day = "2026-03-04".parse().expect("a day");
    let rows: Vec<Restatement> = whole.control.restatements(USAGE.name(), "global", day, day).await.expect("read");

    // The same run, dead after its lake commit: the lake as it is now, control as before the run with its note.
    copy_control(&saved, &data);
    let dead = home.open().await;
    let announced = dead.announce(USAGE.name(), &rows).await.expect("noted").expect("some rows");
    assert!(
        tallykeep_rollup::Store::new(&dead.lake, &tables::USAGE_FAMILY).has(announced.number).await.expect("known")
    );
    assert_eq!(ledger(&dead, USAGE).await, Vec::<String>::new());

    let next = home.open().await;
    aggregate(&next).await;
    assert_eq!(ledger(&next, USAGE).await, expected, "each once");
    assert_eq!(number(&next, USAGE, "2026-03-04", VIEWS).await, 2);
    assert!(next.control.intents(&announced.name).await.expect("read").is_empty());
    aggregate(&next).await;
    assert_eq!(ledger(&next, USAGE).await, expected, "and not again");
}

#[tokio::test]
async fn a_note_whose_commit_never_came_enters_nothing() {
    let home = Home::new();
    let repository = home.filled().await;
    bring_a_late_view(&home).await;
    let row = Restatement {
        family: USAGE.name().to_owned(),
        scope: "global".to_owned(),
        day: "2026-03-04".parse().expect("a day"),
        dimension: String::new(),
        value: String::new(),
        measure: "view_events".to_owned(),
        old: Some(1.0),
        new: Some(2.0),
        at: repository.control.clock().now(),
        reason: "usage events came in".to_owned(),
        run_id: "dead".to_owned(),
    };
    repository.announce(USAGE.name(), &[row]).await.expect("noted");
    aggregate(&repository).await;
    let found = ledger(&repository, USAGE).await;
    assert_eq!(found.iter().filter(|line| line.contains("view_events")).count(), 1, "the run's own row: {found:?}");
}

#[tokio::test]
async fn a_table_that_is_compacted_between_reading_and_committing_is_read_again() {
    let home = Home::new();
    home.filled().await;
    bring_a_late_view(&home).await;
    let repository = home.open().await;
    let table = repository.lake.table(tables::USAGE_FAMILY.table);
    let version = table.view().await.expect("a view").version;
    let mut compacted = 0;
    let result = repository
        .aggregate(&AggregateRequest { aggregators: vec![USAGE], ..AggregateRequest::default() }, "test", &mut |_| {
            if compacted == 0 {
                // The days are folded and not committed yet.
                let table = table.clone();
                let compact = move || {
                    let runtime =
                        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
                    runtime.block_on(table.compact(0, &["scope", "dimension", "value", "day"])).expect("compacts")
                };
                compacted = std::thread::spawn(compact).join().expect("no panic").files_before;
            }
            true
        })
        .await
        .expect("aggregated");
    assert!(compacted > 0 && result.results[0].restated > 0);
    assert!(table.view().await.expect("a view").version > version);
    assert_eq!(number(&repository, USAGE, "2026-03-04", VIEWS).await, 2);
    let found = ledger(&repository, USAGE).await;
    assert_eq!(found.iter().filter(|line| line.contains("view_events 1 -> 2")).count(), 1, "{found:?}");
}
