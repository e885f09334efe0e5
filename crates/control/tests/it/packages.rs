//! What packages keep: the write rules of spec/packages §2.4, and every other statement of `control/src/packages`.

use jiff::{Timestamp, ToSpan, civil::Date};
use serde_json::json;
use tallykeep_control::packages::{
    AlertRow, Annotation, Attempt, BlockStat, DuckdbMonth, EvidenceRow, GuidanceRow, HistoryRow, MetricOrigin,
    PackagesMetric, PackagesStore, RunStatus, SignalRow, StatRow, StoredBody, WriteCounts,
};
use tallykeep_model::TeamSlug;

use crate::Database;

fn at(text: &str) -> Timestamp {
    text.parse().expect("an instant")
}

fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

async fn store_at(database: &Database, now: &str) -> PackagesStore {
    let control = database.open_at(now).await;
    control.team(&TeamSlug::default()).await.expect("the default team").packages()
}

const NOW: &str = "2026-03-08T09:00:00Z";

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

pub async fn example_f_replace_versus_upsert(database: Database) {
    let store = store_at(&database, NOW).await;
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

pub async fn a_seed_never_replaces_what_an_api_counted_and_gives_way_to_it(database: Database) {
    let store = store_at(&database, NOW).await;
    let seed = |day, value| row(day, value, "csv_seed", "discrete_snapshot");
    store.write_stats(&[daily("2026-01-01", 5), seed("2026-01-02", 900)]).await.expect("written");
    let counts = store
        .write_stats(&[seed("2026-01-01", 100), daily("2026-01-02", 7), seed("2026-01-03", 1), seed("2026-01-03", 2)])
        .await
        .expect("written");
    assert_eq!(counts, WriteCounts { inserted: 1, updated: 1, unchanged: 0, kept: 1, revisions: 1 });
    assert_eq!(values(&store).await, ["2026-01-01 5 1d", "2026-01-02 7 1d", "2026-01-03 2 discrete_snapshot"]);
}

pub async fn only_where_it_comes_from_changed_is_no_revision(database: Database) {
    let store = store_at(&database, NOW).await;
    store.write_stats(&[daily("2026-01-01", 5)]).await.expect("written");
    let counts = store.write_stats(&[row("2026-01-01", 5, "recomputed", "1d")]).await.expect("written");
    assert_eq!((counts.updated, counts.revisions), (1, 0));
    assert_eq!(values(&store).await, ["2026-01-01 5 1d"]);
}

pub async fn as_known_on_answers_what_was_stored_then(database: Database) {
    let first = store_at(&database, "2026-01-10T00:00:00Z").await;
    first.write_stats(&[daily("2026-01-01", 1), daily("2026-01-02", 2)]).await.expect("written");
    let second = store_at(&database, "2026-01-20T00:00:00Z").await;
    second.write_stats(&[daily("2026-01-02", 20), daily("2026-01-03", 3)]).await.expect("written");
    let third = store_at(&database, "2026-01-30T00:00:00Z").await;
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

pub async fn a_reader_follows_by_generation_and_sees_a_reset(database: Database) {
    let store = store_at(&database, NOW).await;
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

pub async fn many_rows_go_in_whole(database: Database) {
    let store = store_at(&database, NOW).await;
    let first: Date = "2020-01-01".parse().expect("a day");
    let rows: Vec<StatRow> = (0..1000_i64).map(|n| daily(&first.saturating_add(n.days()).to_string(), n)).collect();
    assert_eq!(store.write_stats(&rows).await.expect("written").inserted, 1000);
    assert_eq!(store.write_stats(&rows).await.expect("written").unchanged, 1000);
    assert_eq!(values(&store).await.len(), 1000);
    let changed: Vec<StatRow> = rows.iter().map(|r| StatRow { value: r.value + 1, ..r.clone() }).collect();
    assert_eq!(store.write_stats(&changed).await.expect("written").revisions, 1000);
    assert_eq!(store.revision_count().await.expect("counted"), 1000);
    assert_eq!(store.revisions(Some("downloads:a:python"), 7).await.expect("the log").len(), 7);
    assert!(store.revisions(Some("another"), 7).await.expect("the log").is_empty());
    let last = first.saturating_add(999.days());
    assert_eq!(store.newest_day("downloads:a:python").await.expect("asked"), Some(last));
    assert_eq!(store.newest_day("another").await.expect("asked"), None);
    let newest = store.newest_days().await.expect("asked");
    assert_eq!((newest.len(), newest["downloads:a:python"]), (1, last));
    assert_eq!(store.metrics_with_stats().await.expect("asked"), ["downloads:a:python"]);
}

pub async fn two_writers_at_once_lose_nothing(database: Database) {
    let (one, two) = (store_at(&database, NOW).await, store_at(&database, NOW).await);
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

pub async fn definitions_keep_their_birth_and_are_retired_not_lost(database: Database) {
    let metric = |id: &str, position, origin| PackagesMetric {
        metric_id: id.to_owned(),
        metric_family: "downloads".to_owned(),
        product: "a".to_owned(),
        subject: "a".to_owned(),
        sdk: None,
        source: "pypistats".to_owned(),
        value_kind: "daily_downloads".to_owned(),
        unit: "count".to_owned(),
        is_active: true,
        display_name: "A".to_owned(),
        created_at: at(NOW),
        position,
        origin,
    };
    let store = store_at(&database, NOW).await;
    let (one, two) = (metric("b", 0, MetricOrigin::Catalogue), metric("a", 1, MetricOrigin::Catalogue));
    assert_eq!(store.write_metrics(&[one.clone(), two.clone()], true).await.expect("written"), (2, 0));
    let mut later = PackagesMetric { created_at: at("2027-01-01T00:00:00Z"), ..one.clone() };
    assert_eq!(store.write_metrics(&[later.clone(), two], true).await.expect("written"), (0, 0));
    later.display_name = "B".to_owned();
    let imported = metric("Z", 1_000_000, MetricOrigin::Imported);
    assert_eq!(store.write_metrics(&[imported], false).await.expect("written"), (1, 0));
    // The catalogue without `a`: it is retired, what was imported stays.
    assert_eq!(store.write_metrics(&[later], true).await.expect("written"), (0, 2));
    let metrics = store.metrics().await.expect("metrics");
    let shown: Vec<_> = metrics.iter().map(|m| (m.metric_id.as_str(), m.display_name.as_str(), m.created_at)).collect();
    assert_eq!(shown, [("b", "B", at(NOW)), ("Z", "A", at(NOW))]);
    assert_eq!(store.write_metrics(&[metric("a", 1, MetricOrigin::Catalogue)], false).await.expect("written"), (0, 1));
    assert_eq!(store.metrics().await.expect("metrics").len(), 3, "and comes back");
}

pub async fn runs_leave_a_row_whatever_becomes_of_them(database: Database) {
    let store = store_at(&database, NOW).await;
    let run = |id: &str, job: &str, start: &str, end: Option<&str>, status| HistoryRow {
        ingestion_run_id: id.to_owned(),
        job_name: job.to_owned(),
        started_at: at(start),
        finished_at: end.map(at),
        status,
        rows_inserted: 3,
        rows_updated: 1,
        error_summary: (status == RunStatus::Partial).then(|| "x: 503".to_owned()),
        details: Some(json!({"kept": 0})),
    };
    for row in [
        run("1", "j", "2026-03-01T09:00:00Z", Some("2026-03-01T09:01:00Z"), RunStatus::Success),
        run("2", "j", "2026-03-02T09:00:00Z", Some("2026-03-02T09:01:00Z"), RunStatus::Partial),
        run("3", "k", "2026-03-03T09:00:00Z", None, RunStatus::Running),
    ] {
        store.write_history(&row).await.expect("written");
    }
    let ids = |rows: Vec<HistoryRow>| rows.into_iter().map(|row| row.ingestion_run_id).collect::<Vec<_>>();
    assert_eq!(ids(store.history(10).await.expect("rows")), ["3", "2", "1"]);
    assert_eq!(ids(store.history(2).await.expect("rows")), ["3", "2"]);
    let (from, until) = (at("2026-03-01T00:00:00Z"), at("2026-03-03T00:00:00Z"));
    assert_eq!(ids(store.history_between(from, until, false, 10).await.expect("rows")), ["2", "1"]);
    assert_eq!(ids(store.history_between(from, until, true, 10).await.expect("rows")), ["2"]);
    assert_eq!(ids(store.latest_runs(&[RunStatus::Success]).await.expect("rows")), ["1"]);
    assert_eq!(ids(store.latest_runs(&[RunStatus::Success, RunStatus::Partial]).await.expect("rows")), ["2"]);
    assert_eq!(store.abandon_running().await.expect("asked"), 1);
    let newest = store.history(1).await.expect("rows").remove(0);
    assert_eq!((newest.status, newest.finished_at), (RunStatus::Abandoned, Some(at(NOW))));
    // The same id again replaces the row.
    let again = run("2", "j", "2026-03-02T09:00:00Z", Some("2026-03-02T09:02:00Z"), RunStatus::Success);
    store.write_history(&again).await.expect("written");
    assert_eq!(store.history_between(from, until, true, 10).await.expect("rows"), []);
    assert_eq!(store.prune_history(at("2026-03-02T00:00:00Z")).await.expect("pruned"), 1);
    assert_eq!(ids(store.history(10).await.expect("rows")), ["3", "2"]);
    assert_eq!(store.history(10).await.expect("rows").pop(), Some(again));
}

pub async fn what_is_derived_is_replaced_and_guidance_is_kept(database: Database) {
    let store = store_at(&database, NOW).await;
    let rollups: Vec<_> = (0..250).rev().map(|n| (format!("r{n}"), json!({"n": n}))).collect();
    let signal = |id: &str, score| SignalRow { signal_id: id.to_owned(), score, document: json!({"id": id}) };
    store
        .replace_derived(&rollups, &[signal("one", 1.5), signal("two", 2.5), signal("one", 9.0)])
        .await
        .expect("written");
    let kept = store.rollups().await.expect("rollups");
    assert_eq!((kept.len(), &kept[0], &kept[249]), (250, &json!({"n": 249}), &json!({"n": 0})), "in the order derived");
    assert_eq!(store.signals().await.expect("signals"), [json!({"id": "one"}), json!({"id": "two"})]);
    let (generation, epoch) = store.generation().await.expect("asked");
    store.replace_derived(&[], &[]).await.expect("written");
    assert!(store.rollups().await.expect("rollups").is_empty() && store.signals().await.expect("signals").is_empty());
    assert_eq!(store.generation().await.expect("asked"), (generation + 1, epoch));
    let guidance = |id: &str, when: &str, text: &str| GuidanceRow {
        guidance_id: id.to_owned(),
        signal_id: "one".to_owned(),
        generated_at: at(when),
        document: json!({"text": text}),
    };
    store.write_guidance(&guidance("g1", "2026-03-01T00:00:00Z", "x")).await.expect("written");
    store.write_guidance(&guidance("g2", "2026-03-02T00:00:00Z", "y")).await.expect("written");
    store.write_guidance(&guidance("g1", "2026-03-03T00:00:00Z", "z")).await.expect("written");
    let newest_first = [guidance("g1", "2026-03-03T00:00:00Z", "z"), guidance("g2", "2026-03-02T00:00:00Z", "y")];
    assert_eq!(store.guidance().await.expect("guidance"), newest_first);
}

pub async fn evidence_months_and_notes_are_kept_once(database: Database) {
    let store = store_at(&database, NOW).await;
    let item = |id: &str, when: &str, seen: &str, title: &str| EvidenceRow {
        evidence_id: id.to_owned(),
        source_type: "manual".to_owned(),
        occurred_at: at(when),
        document: json!({"title": title, "observed_at": seen}),
    };
    let (old, new) = (item("e1", "2026-03-01T00:00:00Z", "1", "x"), item("e2", "2026-03-02T00:00:00Z", "1", "y"));
    assert_eq!(store.write_evidence(&[old.clone(), new.clone()]).await.expect("written"), (2, 0));
    let seen_again = item("e1", "2026-03-01T00:00:00Z", "2", "x");
    let retitled = item("e2", "2026-03-02T00:00:00Z", "2", "z");
    assert_eq!(store.write_evidence(&[seen_again, retitled.clone()]).await.expect("written"), (0, 1));
    assert_eq!(store.evidence(Timestamp::MIN, 10).await.expect("evidence"), [retitled.clone(), old]);
    assert_eq!(store.evidence(at("2026-03-02T00:00:00Z"), 10).await.expect("evidence").len(), 1);
    assert_eq!(store.evidence(Timestamp::MIN, 1).await.expect("evidence"), [retitled]);
    assert!(store.delete_evidence("e1").await.expect("deleted") && !store.delete_evidence("e1").await.expect("asked"));

    let month = |core| DuckdbMonth {
        extension: "lance".to_owned(),
        month_start: day("2026-02-01"),
        month_label: "2026-02".to_owned(),
        core_downloads: core,
        community_downloads: 2,
        total_downloads: core + 2,
        is_partial_month: core == 1,
        latest_source_update_at: at("2026-02-24T07:28:50Z"),
        weeks_present: 3,
        weeks_expected: 4,
    };
    for (core, expected) in [(1, (1, 0)), (1, (0, 0)), (5, (0, 1))] {
        assert_eq!(store.write_duckdb_months(&[month(core)]).await.expect("written"), expected);
    }
    assert_eq!(store.duckdb_months().await.expect("months"), [month(5)]);

    let note = |id: &str, on: &str, text: &str| Annotation {
        annotation_id: id.to_owned(),
        day: day(on),
        text: text.to_owned(),
        url: String::new(),
        kind: "release".to_owned(),
        product: "a".to_owned(),
        metric_id: String::new(),
        author: "local".to_owned(),
        created_at: at(NOW),
    };
    store.write_annotation(&note("n1", "2026-02-10", "2.0")).await.expect("written");
    store.write_annotation(&note("n2", "2026-01-10", "1.0")).await.expect("written");
    store.write_annotation(&note("n1", "2026-02-10", "2.0.1")).await.expect("written");
    assert_eq!(
        store.annotations().await.expect("notes"),
        [note("n2", "2026-01-10", "1.0"), note("n1", "2026-02-10", "2.0.1")]
    );
    assert!(
        store.delete_annotation("n2").await.expect("deleted") && !store.delete_annotation("n2").await.expect("asked")
    );
}

pub async fn collectors_remember_bodies_steps_and_attempts(database: Database) {
    let store = store_at(&database, NOW).await;
    let body = |etag: Option<&str>, bytes: &[u8]| StoredBody {
        etag: etag.map(str::to_owned),
        last_modified: None,
        body: bytes.to_vec(),
    };
    assert_eq!(store.body("u").await.expect("asked"), None);
    store.store_body("u", &body(Some("e"), b"\0\xff")).await.expect("kept");
    store.store_body("u", &body(None, b"two")).await.expect("kept");
    assert_eq!(store.body("u").await.expect("asked"), Some(body(None, b"two")));

    store.finish_step("b", "s1", &json!({"n": 1})).await.expect("finished");
    let stored = store.write_stats_and_finish(&[daily("2026-01-01", 5)], Some(("b", "s2", &json!({})))).await;
    assert_eq!(stored.expect("written").inserted, 1);
    store.finish_step("other", "s1", &json!({})).await.expect("finished");
    let steps = store.finished_steps("b").await.expect("steps");
    assert_eq!(steps, [("s1".to_owned(), json!({"n": 1})), ("s2".to_owned(), json!({}))]);
    store.clear_steps("b").await.expect("cleared");
    assert!(store.finished_steps("b").await.expect("steps").is_empty());
    assert_eq!(store.finished_steps("other").await.expect("steps").len(), 1);

    let attempt = |when: &str, outcome: &str| Attempt {
        metric_id: "m".to_owned(),
        attempted_at: at(when),
        succeeded_at: (outcome == "ok").then(|| at(when)),
        outcome: outcome.to_owned(),
        message: (outcome != "ok").then(|| "404".to_owned()),
        pending: vec![day("2026-03-07")],
        gaps: Vec::new(),
        try_again_at: None,
        not_found_since: (outcome == "vanished").then(|| at(when)),
    };
    for (when, outcome) in
        [("2026-03-01T09:00:00Z", "ok"), ("2026-03-02T09:00:00Z", "vanished"), ("2026-03-03T09:00:00Z", "vanished")]
    {
        store.write_attempt(&attempt(when, outcome)).await.expect("written");
    }
    let kept = store.attempts().await.expect("attempts").remove(0);
    assert_eq!(kept.succeeded_at, Some(at("2026-03-01T09:00:00Z")), "the last success stays");
    assert_eq!(kept.not_found_since, Some(at("2026-03-02T09:00:00Z")), "the first of those in a row");
    store.write_attempt(&attempt("2026-03-04T09:00:00Z", "ok")).await.expect("written");
    let kept = store.attempts().await.expect("attempts");
    assert_eq!(kept, [attempt("2026-03-04T09:00:00Z", "ok")], "one row a metric, found again");
}

pub async fn alerts_configuration_and_the_writers_turn(database: Database) {
    let store = store_at(&database, NOW).await;
    let alert = |key: &str, opened: &str, closed: Option<&str>| AlertRow {
        alert_key: key.to_owned(),
        kind: "stale".to_owned(),
        message: "m".to_owned(),
        opened_at: at(opened),
        closed_at: closed.map(at),
        sent_at: None,
        send_error: Some("503".to_owned()),
        told: vec!["webhook".to_owned()],
    };
    store.write_alert(&alert("one", "2026-03-01T00:00:00Z", None)).await.expect("written");
    store.write_alert(&alert("two", "2026-03-02T00:00:00Z", None)).await.expect("written");
    store.write_alert(&alert("one", "2026-03-01T00:00:00Z", Some("2026-03-03T00:00:00Z"))).await.expect("written");
    let kept = store.alerts().await.expect("alerts");
    let expected = [
        alert("two", "2026-03-02T00:00:00Z", None),
        alert("one", "2026-03-01T00:00:00Z", Some("2026-03-03T00:00:00Z")),
    ];
    assert_eq!(kept, expected);
    assert!(!serde_json::to_string(&kept).expect("JSON").contains("webhook"), "receivers are shown to nobody");

    assert_eq!(store.stored_config().await.expect("asked"), None);
    store.store_config("{}").await.expect("kept");
    store.write_stats(&[daily("2026-01-01", 5)]).await.expect("written");
    store.store_config("{\"a\":1}").await.expect("kept");
    assert_eq!(store.stored_config().await.expect("asked").as_deref(), Some("{\"a\":1}"));
    assert_eq!(store.generation().await.expect("asked").0, 1, "a configuration is no change of the numbers");

    let other = store_at(&database, NOW).await;
    let guard = store.writer("update_all").await.expect("free");
    let busy = other.writer("import").await.err().expect("taken").to_string();
    assert!(busy.contains("update_all"), "{busy}");
    guard.release().await.expect("given back");
    other.writer("import").await.expect("free again").release().await.expect("given back");
}

pub async fn packages_of_two_teams_never_meet(database: Database) {
    let control = database.open_at(NOW).await;
    control.add_team(&"other".parse().expect("a slug"), "Other").await.expect("a team");
    let mine = control.team(&TeamSlug::default()).await.expect("it").packages();
    let other = control.team(&"other".parse().expect("a slug")).await.expect("it").packages();
    mine.write_stats(&[daily("2026-01-01", 5)]).await.expect("written");
    mine.write_stats(&[daily("2026-01-01", 6)]).await.expect("written");
    mine.store_body("u", &StoredBody { etag: None, last_modified: None, body: vec![1] }).await.expect("kept");
    mine.finish_step("b", "s", &json!({})).await.expect("finished");
    mine.replace_derived(&[("r".to_owned(), json!({}))], &[]).await.expect("written");
    other.write_stats(&[daily("2026-01-01", 7)]).await.expect("written");
    assert_eq!(values(&other).await, ["2026-01-01 7 1d"]);
    assert_eq!(other.revision_count().await.expect("counted"), 0);
    assert_eq!(other.body("u").await.expect("asked"), None);
    assert!(
        other.finished_steps("b").await.expect("asked").is_empty() && other.rollups().await.expect("asked").is_empty()
    );
    other.drop_observations().await.expect("dropped");
    assert_eq!(values(&mine).await, ["2026-01-01 6 1d"]);
}

/// Whatever is added to the store is asked for here too, and with that on PostgreSQL.
#[test]
fn every_function_of_the_store_is_asked_in_this_file() {
    let sources = [
        include_str!("../../src/packages/mod.rs"),
        include_str!("../../src/packages/around.rs"),
        include_str!("../../src/packages/blocks.rs"),
        include_str!("../../src/packages/derived.rs"),
        include_str!("../../src/packages/history.rs"),
        include_str!("../../src/packages/memory.rs"),
        include_str!("../../src/packages/metrics.rs"),
        include_str!("../../src/packages/stats.rs"),
    ];
    let here = include_str!("packages.rs");
    let mut names = Vec::new();
    for source in sources {
        names.extend(source.split("pub async fn ").skip(1).filter_map(|rest| rest.split('(').next()));
    }
    assert!(names.len() > 35, "{names:?}");
    let forgotten: Vec<_> = names.into_iter().filter(|name| !here.contains(&format!(".{name}("))).collect();
    assert!(forgotten.is_empty(), "not asked here: {forgotten:?}");
}
