use tallykeep_control::packages::RunStatus;
use tallykeep_packages::jobs::downloads::DownloadOptions;
use tallykeep_testkit::upstream::Misbehaviour;

use crate::support::{House, catalogue, day, ledger};

const NOW: &str = "2026-03-08T09:00:00Z";

fn options(lookback_days: i64) -> DownloadOptions {
    DownloadOptions { lookback_days, ..DownloadOptions::default() }
}

#[tokio::test]
async fn a_refresh_writes_counts_tells_pending_and_asks_nothing_twice() {
    let house = House::new(NOW).await;
    let config = catalogue(&[
        ("downloads:a:python", "pypistats", "A_pkg"),
        ("downloads:a:rust", "cratesio", "a"),
        ("downloads:a:nodejs", "npm", "@a/a"),
    ]);
    house.fake.pypi("a-pkg", [(day("2026-03-05"), 10, 4), (day("2026-03-06"), 0, 0)]);
    house.fake.crate_days("a", [(day("2026-03-06"), 15), (day("2026-03-07"), 9), (day("2026-03-08"), 2)]);
    house.fake.npm("@a/a", [(day("2026-03-05"), 20110), (day("2026-03-06"), 19840)]);
    let jobs = house.jobs(NOW, &config).await;
    let report = jobs.update_daily_downloads(options(3)).await.expect("a report");
    assert_eq!(report.status, RunStatus::Success, "{:?}", report.errors);
    assert_eq!(
        ledger(&jobs, "downloads:a:python").await,
        ["2026-03-05 10", "2026-03-06 0"],
        "a zero that was said is kept"
    );
    assert_eq!(ledger(&jobs, "downloads:a:rust").await, ["2026-03-06 15", "2026-03-07 9"], "today is partial");
    assert_eq!(ledger(&jobs, "downloads:a:nodejs").await, ["2026-03-05 20110", "2026-03-06 19840"]);
    assert_eq!(report.pending.len(), 2, "python and npm wait for the 7th: {:?}", report.pending);
    assert_eq!(report.last_line(), "update_daily_downloads complete: inserted=6 updated=0 errors=0");
    house.fake.forget();
    let again = jobs.update_daily_downloads(options(0)).await.expect("a report");
    assert_eq!(again.inserted, 0);
    assert!(house.fake.asked("/crates/").is_empty(), "up to date: not asked");
    assert_eq!(house.fake.asked("/downloads/range/2026-03-07:2026-03-07/").len(), 1, "the pending day is asked again");
    let log = house.fake.log();
    assert!(log.iter().all(|asked| asked.headers["user-agent"].starts_with("tallykeep/")));
    assert!(log.iter().any(|asked| asked.headers.contains_key("if-none-match")), "pypistats is asked conditionally");
}

#[tokio::test]
async fn example_q_error_summary() {
    let house = House::new(NOW).await;
    let config = catalogue(&[
        ("downloads:lance:python", "pypistats", "pylance"),
        ("downloads:lance:rust", "cratesio", "lance"),
        ("downloads:x:nodejs", "npm", "x"),
    ]);
    house.fake.npm("x", [(day("2026-03-07"), 5)]);
    house.fake.misbehave("/api/packages/pylance", Misbehaviour::TooMany(None), None);
    house.fake.misbehave("/api/v1/crates/lance", Misbehaviour::Status(503), None);
    let jobs = house.jobs(NOW, &config).await;
    let report = jobs.update_daily_downloads(options(0)).await.expect("a report");
    assert_eq!((report.status, report.errors.len(), report.inserted), (RunStatus::Partial, 2, 1));
    let run = &jobs.store.history(1).await.expect("history")[0];
    assert_eq!(
        run.error_summary.as_deref(),
        Some("downloads:lance:python: 429 from pypistats | downloads:lance:rust: 503 from crates.io")
    );
    assert_eq!(house.fake.asked("/api/packages/pylance").len(), 4, "four tries");
    let said = house.said.lock().expect("unpoisoned").join("\n");
    assert!(said.contains("[update_daily_downloads] error: downloads:lance:python: 429 from pypistats"));
}

#[tokio::test]
async fn every_kind_of_bad_answer_is_an_error_of_its_metric_only() {
    let house = House::new(NOW).await;
    let kinds = [
        ("a", Misbehaviour::Status(403)),
        ("b", Misbehaviour::Html),
        ("c", Misbehaviour::Truncated),
        ("d", Misbehaviour::TooMany(Some(3600))),
        ("e", Misbehaviour::HangUp),
        ("f", Misbehaviour::Large(17 * 1024 * 1024)),
        ("g", Misbehaviour::EmptyList),
    ];
    let mut metrics = vec![("downloads:ok:python".to_owned(), "ok".to_owned())];
    house.fake.pypi("ok", [(day("2026-03-07"), 5, 5)]);
    for (name, how) in kinds {
        house.fake.pypi(name, [(day("2026-03-07"), 5, 5)]);
        house.fake.misbehave(&format!("/api/packages/{name}/"), how, None);
        metrics.push((format!("downloads:{name}:python"), name.to_owned()));
    }
    metrics.push(("downloads:gone:python".to_owned(), "gone".to_owned()));
    let rows: Vec<_> = metrics.iter().map(|(id, subject)| (id.as_str(), "pypistats", subject.as_str())).collect();
    let jobs = house.jobs(NOW, &catalogue(&rows)).await;
    let report = jobs.update_daily_downloads(options(0)).await.expect("a report");
    assert_eq!((report.inserted, report.errors.len(), report.status), (1, 8, RunStatus::Partial));
    let outcome = |id: &str| report.metrics.iter().find(|m| m.metric_id == id).expect("there").clone();
    assert_eq!(outcome("downloads:gone:python").outcome, "vanished");
    let throttled = outcome("downloads:d:python");
    assert_eq!(throttled.try_again_at.map(|t| t.to_string()).as_deref(), Some("2026-03-08T10:00:00Z"));
    assert_eq!(house.fake.asked("/api/packages/a/").len(), 1, "a plain 403 is not tried again");
    for error in &report.errors {
        assert!(error.chars().count() <= 330 && !error.contains('\n'), "{error}");
    }
}

#[tokio::test]
async fn negative_and_contradicting_days_are_not_stored() {
    let house = House::new(NOW).await;
    house.fake.fixed(
        "/api/packages/a/overall",
        serde_json::json!({"data": [
            {"category": "with_mirrors", "date": "2026-03-04", "downloads": 4},
            {"category": "with_mirrors", "date": "2026-03-05", "downloads": -5},
            {"category": "with_mirrors", "date": "2026-03-06", "downloads": 6},
            {"category": "with_mirrors", "date": "2026-03-06", "downloads": 7},
            {"category": "with_mirrors", "date": "2026-03-07", "downloads": 8}]}),
    );
    let jobs = house.jobs(NOW, &catalogue(&[("downloads:a:python", "pypistats", "a")])).await;
    let report = jobs.update_daily_downloads(options(4)).await.expect("a report");
    assert_eq!(ledger(&jobs, "downloads:a:python").await, ["2026-03-04 4", "2026-03-07 8"]);
    assert_eq!((report.errors.len(), report.status), (2, RunStatus::Partial), "{:?}", report.errors);
}

#[tokio::test]
async fn both_mirror_modes() {
    let house = House::new(NOW).await;
    house.fake.pypi("a", [(day("2026-03-07"), 10, 4)]);
    let mut config = catalogue(&[("downloads:a:python", "pypistats", "a")]);
    config.refresh.pypi_mirrors = false;
    let jobs = house.jobs(NOW, &config).await;
    jobs.update_daily_downloads(options(0)).await.expect("a report");
    let rows = jobs.store.stats("downloads:a:python", day("2026-03-07"), day("2026-03-07")).await.expect("rows");
    assert_eq!((rows[0].value, rows[0].source_ref.as_str()), (4, "pypi:a?mirrors=false"));
}

#[tokio::test]
async fn reconcile_stores_what_upstream_restated_and_what_was_missed() {
    let house = House::new(NOW).await;
    let config = catalogue(&[("downloads:a:python", "pypistats", "a")]);
    let days = |values: &[(&str, i64)]| -> Vec<_> { values.iter().map(|(on, n)| (day(on), *n, *n)).collect() };
    house.fake.pypi("a", days(&[("2026-03-01", 1), ("2026-03-03", 3), ("2026-03-07", 7)]));
    let jobs = house.jobs(NOW, &config).await;
    let first = jobs.update_daily_downloads(options(7)).await.expect("a report");
    assert_eq!(first.gaps[0]["days"].as_array().map(Vec::len), Some(4));
    house.fake.pypi("a", days(&[("2026-03-01", 1), ("2026-03-02", 2), ("2026-03-03", 33), ("2026-03-07", 7)]));
    let report =
        jobs.update_daily_downloads(DownloadOptions { reconcile: true, ..options(0) }).await.expect("a report");
    assert_eq!((report.inserted, report.updated), (1, 1));
    assert_eq!(
        ledger(&jobs, "downloads:a:python").await,
        ["2026-03-01 1", "2026-03-02 2", "2026-03-03 33", "2026-03-07 7"]
    );
    let log = jobs.store.revisions(Some("downloads:a:python"), 10).await.expect("the log");
    assert_eq!((log.len(), log[0].old_value, log[0].new_value), (1, 3, 33));
    let rows = jobs.store.stats("downloads:a:python", day("2026-03-01"), day("2026-03-01")).await.expect("rows");
    assert_eq!(rows[0].provenance, "api_daily", "what did not change keeps where it came from");
}

#[tokio::test]
async fn a_second_writer_is_told_who_writes_and_a_dead_run_is_abandoned() {
    let house = House::new(NOW).await;
    let config = catalogue(&[("downloads:a:python", "pypistats", "a")]);
    house.fake.pypi("a", [(day("2026-03-07"), 10, 4)]);
    let (one, two) = (house.jobs(NOW, &config).await, house.jobs(NOW, &config).await);
    let guard = one.writer("update_all").await.expect("free");
    let busy = two.update_daily_downloads(options(0)).await.expect_err("busy").to_string();
    assert!(busy.contains("update_all"), "{busy}");
    one.start("update_daily_downloads", Some("dead".to_owned())).await.expect("a row");
    guard.release().await.expect("released");
    two.update_daily_downloads(options(0)).await.expect("free now");
    let runs = two.store.history(10).await.expect("history");
    assert_eq!(runs.iter().find(|r| r.ingestion_run_id == "dead").map(|r| r.status), Some(RunStatus::Abandoned));
    assert_eq!(runs.len(), 2);
}

#[tokio::test]
async fn the_two_further_sources_collect_too() {
    let house = House::new(NOW).await;
    let config = catalogue(&[
        ("downloads:a:r", "cranlogs", "mikropml"),
        ("downloads:a:php", "packagist", "acme/tool"),
        ("downloads:a:conda", "conda", "a"),
    ]);
    house.fake.fixed("/downloads/daily/2026-03-06:2026-03-07/mikropml", serde_json::json!([{"downloads":[{"day":"2026-03-06","downloads":71},{"day":"2026-03-07","downloads":88}],"package":"mikropml"}]));
    house.fake.fixed(
        "/packages/acme/tool/stats/all.json",
        serde_json::json!({"labels":["2026-03-06","2026-03-07"],"values":{"acme/tool":[12,13]},"average":"daily"}),
    );
    let jobs = house.jobs(NOW, &config).await;
    let report = jobs.update_daily_downloads(options(2)).await.expect("a report");
    assert_eq!((report.inserted, report.errors.len()), (4, 0), "{:?}", report.errors);
    assert_eq!(ledger(&jobs, "downloads:a:r").await, ["2026-03-06 71", "2026-03-07 88"]);
    assert_eq!(report.metrics[2].outcome, "no_collector");
}
