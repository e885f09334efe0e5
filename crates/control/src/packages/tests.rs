//! The write rules of spec/packages §2.4 against a real database file.

use jiff::{Timestamp, ToSpan, civil::Date};
use tallykeep_model::{Clock, TeamSlug};

use super::{BlockStat, PackagesStore, StatRow, WriteCounts};
use crate::Control;

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

async fn store_at(dir: &std::path::Path, now: &str) -> PackagesStore {
    let control = Control::open(dir, Clock::Fixed(at(now))).await.expect("opens");
    control.team(&TeamSlug::default()).await.expect("the default team").packages()
}

fn row(day: &str, value: i64, provenance: &str, window: &str) -> StatRow {
    let day: Date = day.parse().expect("a day");
    StatRow {
        metric_id: "downloads:a:python".to_owned(),
        period_start: day,
        period_end: day,
        observed_at: at("2026-03-08T09:00:00Z"),
        value,
        provenance: provenance.to_owned(),
        source_window: window.to_owned(),
        ingestion_run_id: format!("run-{value}"),
        source_ref: "pypi:a".to_owned(),
    }
}

fn daily(day: &str, value: i64) -> StatRow {
    row(day, value, "api_daily", "1d")
}

async fn values(store: &PackagesStore) -> Vec<String> {
    let rows = store.stats("downloads:a:python", Date::MIN, Date::MAX).await.expect("rows");
    // What is packed must say the same as the rows.
    let mut packed: Vec<BlockStat> =
        store.blocks_since(-1, -1).await.expect("blocks").changed.into_iter().flat_map(|(_, _, stats)| stats).collect();
    packed.sort_by_key(|stat| stat.end);
    let plain: Vec<_> =
        rows.iter().map(|r| (r.period_start, r.period_end, r.value, &r.source_window, &r.provenance)).collect();
    assert_eq!(
        packed.iter().map(|p| (p.start, p.end, p.value, &p.source_window, &p.provenance)).collect::<Vec<_>>(),
        plain
    );
    rows.iter().map(|r| format!("{} {} {}", r.period_end, r.value, r.source_window)).collect()
}

#[tokio::test]
async fn example_f_replace_versus_upsert() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_at(dir.path(), "2026-03-08T09:00:00Z").await;
    store
        .write_stats(&[daily("2026-03-10", 5), daily("2026-03-11", 6), daily("2026-03-12", 7)])
        .await
        .expect("written");
    let counts = store.write_stats(&[daily("2026-03-10", 5), daily("2026-03-12", 9)]).await.expect("written");
    assert_eq!(counts, WriteCounts { inserted: 0, updated: 1, unchanged: 1, kept: 0, revisions: 1 });
    assert_eq!(values(&store).await, ["2026-03-10 5 1d", "2026-03-11 6 1d", "2026-03-12 9 1d"]);
    let log = store.revisions(None, 10).await.expect("the log");
    assert_eq!((log.len(), log[0].old_value, log[0].new_value), (1, 7, 9));
    assert_eq!((log[0].old_run_id.as_str(), log[0].new_run_id.as_str()), ("run-7", "run-9"));
}

#[tokio::test]
async fn a_seed_never_replaces_what_an_api_counted_and_gives_way_to_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_at(dir.path(), "2026-03-08T09:00:00Z").await;
    let seed = |day, value| row(day, value, "csv_seed", "discrete_snapshot");
    store.write_stats(&[daily("2026-01-01", 5), seed("2026-01-02", 900)]).await.expect("written");
    let counts = store
        .write_stats(&[seed("2026-01-01", 100), daily("2026-01-02", 7), seed("2026-01-03", 1), seed("2026-01-03", 2)])
        .await
        .expect("written");
    assert_eq!(counts, WriteCounts { inserted: 1, updated: 1, unchanged: 0, kept: 1, revisions: 1 });
    assert_eq!(values(&store).await, ["2026-01-01 5 1d", "2026-01-02 7 1d", "2026-01-03 2 discrete_snapshot"]);
}

#[tokio::test]
async fn only_where_it_comes_from_changed_is_an_update_without_a_revision() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_at(dir.path(), "2026-03-08T09:00:00Z").await;
    store.write_stats(&[daily("2026-01-01", 5)]).await.expect("written");
    let counts = store.write_stats(&[row("2026-01-01", 5, "recomputed", "1d")]).await.expect("written");
    assert_eq!((counts.updated, counts.revisions), (1, 0));
    assert_eq!(values(&store).await, ["2026-01-01 5 1d"]);
}

#[tokio::test]
async fn as_known_on_answers_what_was_stored_then() {
    let dir = tempfile::tempdir().expect("a folder");
    let first = store_at(dir.path(), "2026-01-10T00:00:00Z").await;
    first.write_stats(&[daily("2026-01-01", 1), daily("2026-01-02", 2)]).await.expect("written");
    let second = store_at(dir.path(), "2026-01-20T00:00:00Z").await;
    second.write_stats(&[daily("2026-01-02", 20), daily("2026-01-03", 3)]).await.expect("written");
    let third = store_at(dir.path(), "2026-01-30T00:00:00Z").await;
    third.write_stats(&[daily("2026-01-02", 200)]).await.expect("written");
    for (known, expected) in [
        ("2026-01-09T00:00:00Z", vec![]),
        ("2026-01-10T00:00:00Z", vec![1, 2]),
        ("2026-01-19T00:00:00Z", vec![1, 2]),
        ("2026-01-25T00:00:00Z", vec![1, 20, 3]),
        ("2026-02-01T00:00:00Z", vec![1, 200, 3]),
    ] {
        let rows = third.stats_as_known("downloads:a:python", at(known)).await.expect("rows");
        assert_eq!(rows.iter().map(|r| r.value).collect::<Vec<_>>(), expected, "{known}");
    }
    let stats = third.blocks_since(-1, -1).await.expect("blocks").changed.remove(0).2;
    assert_eq!(stats[1].was, Some(20), "the value before the last correction");
}

#[tokio::test]
async fn a_reader_follows_by_generation_and_sees_a_reset() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_at(dir.path(), "2026-03-08T09:00:00Z").await;
    store.write_stats(&[daily("2025-12-31", 1), daily("2026-01-01", 2)]).await.expect("written");
    let all = store.blocks_since(-1, -1).await.expect("blocks");
    assert_eq!(all.changed.len(), 2, "one per year");
    assert!(store.blocks_since(all.generation, all.epoch).await.expect("blocks").changed.is_empty());
    store.write_stats(&[daily("2026-01-02", 3)]).await.expect("written");
    let some = store.blocks_since(all.generation, all.epoch).await.expect("blocks");
    assert_eq!(some.changed.iter().map(|c| (c.1, c.2.len())).collect::<Vec<_>>(), [(2026, 2)]);
    store.drop_observations().await.expect("dropped");
    let none = store.blocks_since(some.generation, some.epoch).await.expect("blocks");
    assert!(none.changed.is_empty() && none.epoch != some.epoch);
}

#[tokio::test]
async fn many_rows_go_in_whole() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = store_at(dir.path(), "2026-03-08T09:00:00Z").await;
    let first: Date = "2020-01-01".parse().expect("a day");
    let rows: Vec<StatRow> = (0..1000_i64).map(|n| daily(&first.saturating_add(n.days()).to_string(), n)).collect();
    assert_eq!(store.write_stats(&rows).await.expect("written").inserted, 1000);
    assert_eq!(store.write_stats(&rows).await.expect("written").unchanged, 1000);
    assert_eq!(values(&store).await.len(), 1000);
    let changed: Vec<StatRow> = rows.iter().map(|r| StatRow { value: r.value + 1, ..r.clone() }).collect();
    assert_eq!(store.write_stats(&changed).await.expect("written").revisions, 1000);
    assert_eq!(store.revision_count().await.expect("counted"), 1000);
}

#[tokio::test]
async fn two_writers_at_once_lose_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let (one, two) =
        (store_at(dir.path(), "2026-03-08T09:00:00Z").await, store_at(dir.path(), "2026-03-08T09:00:00Z").await);
    let half = |store: PackagesStore, start: i64| async move {
        let first: Date = "2026-01-01".parse().expect("a day");
        for n in 0..20 {
            let day = first.saturating_add((start + 2 * n).days()).to_string();
            store.write_stats(&[daily(&day, n)]).await.expect("written");
        }
    };
    tokio::join!(half(one.clone(), 0), half(two, 1));
    assert_eq!(values(&one).await.len(), 40);
}
