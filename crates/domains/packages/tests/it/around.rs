//! Evidence, DuckDB months, guidance, alerts, the report: what stands beside the numbers.

use serde_json::{Value, json};
use tallykeep_control::packages::{RunStatus, StatRow};
use tallykeep_notify::{MailConfig, MailSettings};
use tallykeep_packages::{
    Config, Reader,
    alerts::Looked,
    days::{each_day, midnight},
    jobs::{JobError, Jobs, downloads::DownloadOptions},
    report::{compare, monthly_report, periodic},
};
use tallykeep_reports::{Amount, Every, Span};

use tallykeep_testkit::{
    smtp::{FakeMailServer, MailTrouble},
    upstream::Misbehaviour,
};

use crate::support::{House, catalogue, day};

const NOW: &str = "2026-03-08T09:00:00Z";

async fn write(jobs: &Jobs, metric: &str, window: &str, days: impl IntoIterator<Item = (jiff::civil::Date, i64)>) {
    let rows: Vec<StatRow> = days
        .into_iter()
        .map(|(day, value)| StatRow {
            metric_id: metric.to_owned(),
            period_start: day,
            period_end: day,
            observed_at: midnight(day),
            value,
            provenance: "api_daily".to_owned(),
            source_window: window.to_owned(),
            ingestion_run_id: "t".to_owned(),
            source_ref: String::new(),
        })
        .collect();
    jobs.store.write_stats(&rows).await.expect("written");
}

#[tokio::test]
async fn evidence_is_collected_once_per_term_and_object() {
    let house = House::new(NOW).await;
    let hit = json!({"objectID": "9001", "created_at_i": 1_772_532_000, "title": "Show HN: LanceDB", "url": "https://example.org",
        "points": 60, "num_comments": 2, "author": "a", "_tags": ["story"]});
    house.fake.fixed("/api/v1/search_by_date", json!({"hits": [hit], "nbPages": 1, "page": 0}));
    let jobs = house.jobs(NOW, &Config::example()).await;
    let report = jobs.collect_hn_evidence(30).await.expect("a report");
    // Eight terms, two of which are one.
    assert_eq!((report.status, report.inserted, house.fake.log().len()), (RunStatus::Success, 7, 16));
    assert_eq!(jobs.collect_hn_evidence(30).await.expect("a report").inserted, 0);
    let items = jobs.store.evidence(jiff::Timestamp::MIN, 100).await.expect("evidence");
    assert!(
        items
            .iter()
            .any(|item| item.evidence_id == "hackernews:9001:16384844fe"
                && item.document["evidence_strength"] == "strong")
    );
    assert!(matches!(jobs.collect_hn_evidence(0).await, Err(JobError::Usage(_))));
}

#[tokio::test]
async fn duckdb_weeks_become_months_with_a_run_row() {
    let house = House::new("2026-01-20T09:00:00Z").await;
    house
        .fake
        .fixed("/core/download-stats-weekly/2026/2.json", json!({"_last_update": "2026-01-06 07:28:50", "lance": 40}));
    house.fake.fixed(
        "/community/download-stats-weekly/2026/3.json",
        json!({"_last_update": "2026-01-13T07:28:50Z", "lance": 70, "spatial": 5}),
    );
    let jobs = house.jobs("2026-01-20T09:00:00Z", &Config::example()).await;
    let report = jobs.update_duckdb_extension_downloads().await.expect("a report");
    assert_eq!(
        (report.status, report.inserted, &report.extra["weekly_rows"]),
        (RunStatus::Success, 1, &json!(2)),
        "{:?}",
        report.errors
    );
    let month = &jobs.store.duckdb_months().await.expect("months")[0];
    assert_eq!(
        (month.core_downloads, month.community_downloads, month.is_partial_month, month.weeks_present),
        (40, 70, true, 2)
    );
    assert_eq!(jobs.store.history(1).await.expect("history")[0].job_name, "update_duckdb_extension_downloads");
}

#[tokio::test]
async fn guidance_needs_a_key_keeps_to_its_bounds_and_one_failure_loses_nothing() {
    let house = House::new(NOW).await;
    let config = catalogue(&[("downloads:a:python", "pypistats", "a"), ("downloads:a:nodejs", "npm", "a")]);
    let jobs = house.jobs(NOW, &config).await;
    let error = jobs.generate_signal_guidance(7).await.expect_err("no key").to_string();
    assert!(error.contains("OPENAI_API_KEY"), "{error}");
    let jobs = house.jobs_with(NOW, &config, &[("OPENAI_API_KEY", "s3cret")]).await;
    jobs.sync_catalogue().await.expect("written");
    for metric in ["downloads:a:python", "downloads:a:nodejs"] {
        let days =
            each_day(day("2025-12-01"), day("2026-03-07")).map(|d| (d, if d > day("2026-02-05") { 400 } else { 100 }));
        write(&jobs, metric, "1d", days).await;
    }
    jobs.derive_dashboard().await.expect("derived");
    let signals = jobs.store.signals().await.expect("signals").len();
    assert!(signals >= 2, "{signals}");
    let answer = json!({"executive_summary": "x".repeat(300), "movement_assessment": "sideways", "why_it_matters": "w", "likely_community": "c",
        "recommended_next_steps": ["1", "2", "3", "4", "5"], "engineering_relevance": "panic", "confidence": "sure",
        "citations": [{"source_type": "evidence", "source_id": "made up", "fact": "f", "used_for": "u"}]});
    house.fake.fixed("/v1/responses", json!({"output": [{"content": [{"text": answer.to_string()}]}]}));
    house.fake.misbehave("/v1/responses", Misbehaviour::Html, Some(1));
    let report = jobs.generate_signal_guidance(7).await.expect("a report");
    assert_eq!((report.status, report.errors.len(), report.inserted as usize), (RunStatus::Partial, 1, signals - 1));
    let kept = &jobs.store.guidance().await.expect("guidance")[0].document;
    assert_eq!(
        (&kept["movement_assessment"], &kept["engineering_relevance"], &kept["confidence"]),
        (&json!("unclear"), &json!("watch"), &json!("low"))
    );
    assert_eq!(kept["executive_summary"].as_str().map(str::len), Some(180));
    assert_eq!(kept["recommended_next_steps"].as_array().map(Vec::len), Some(4));
    assert_eq!(
        (&kept["citations"][0]["source_type"], kept["citations"].as_array().map(Vec::len)),
        (&json!("signal"), Some(1))
    );
    let asked: Value = serde_json::from_str(&house.fake.log().last().expect("asked").body).expect("JSON");
    assert_eq!(asked["text"]["format"]["name"], "signal_guidance");
    assert!(matches!(jobs.generate_signal_guidance(14).await, Err(JobError::Usage(_))));
}

#[tokio::test]
async fn an_alert_is_sent_once_and_closed_when_it_is_over() {
    let house = House::new(NOW).await;
    let mut config = catalogue(&[("downloads:a:python", "pypistats", "gone"), ("downloads:b:rust", "cratesio", "b")]);
    config.alerts.webhook = Some(format!("{}/hook", house.fake.base()));
    house.fake.fixed("/hook", json!({"ok": true}));
    house.fake.crate_days("b", [(day("2026-03-07"), 1)]);
    let jobs = house.jobs(NOW, &config).await;
    jobs.sync_catalogue().await.expect("written");
    // A gap that crates.io can deliver for a few days more.
    let days = each_day(day("2025-12-01"), day("2026-03-06")).filter(|d| *d != day("2025-12-12")).map(|d| (d, 5));
    write(&jobs, "downloads:b:rust", "1d", days).await;
    jobs.update_daily_downloads(DownloadOptions::default()).await.expect("a report");
    let looked = jobs.look_for_alerts().await.expect("looked");
    let mut kinds: Vec<&str> = looked.open.iter().map(|alert| alert.kind.as_str()).collect();
    kinds.sort_unstable();
    assert_eq!(kinds, ["gap_leaves_window", "stale", "vanished"], "{:?}", looked.open);
    assert_eq!(house.fake.asked("POST /hook").len(), 3);
    let again = jobs.look_for_alerts().await.expect("looked");
    assert_eq!((again.opened.len(), house.fake.asked("POST /hook").len()), (0, 3), "told once");
    house.fake.pypi("gone", [(day("2026-03-07"), 5, 5)]);
    house.fake.crate_days("b", [(day("2025-12-11"), 5), (day("2025-12-12"), 7), (day("2026-03-07"), 1)]);
    jobs.update_daily_downloads(DownloadOptions { reconcile: true, ..DownloadOptions::default() })
        .await
        .expect("a report");
    let looked = jobs.look_for_alerts().await.expect("looked");
    assert_eq!((looked.open.len(), looked.closed.len()), (0, 3), "{:?}", looked.open);
}

#[tokio::test]
async fn an_alert_reaches_every_mailbox_once_and_whoever_missed_it_gets_it_later() {
    let house = House::new(NOW).await;
    let server = FakeMailServer::start().await;
    let mut config =
        catalogue(&[("downloads:a:python", "pypistats", "gone"), ("downloads:b:python", "pypistats", "b")]);
    config.alerts.webhook = Some(format!("{}/hook/s3cret", house.fake.base()));
    config.alerts.mail_server = Some(server.address());
    config.alerts.mail_from = Some("stats@example.org".to_owned());
    config.alerts.mail_to = vec!["ann@example.org".to_owned(), "bob@example.org".to_owned()];
    config.project.title = "Grüße\r\nBcc: x@example.org".to_owned();
    house.fake.fixed("/hook/s3cret", json!({"ok": true}));
    house.fake.pypi("b", [(day("2026-03-07"), 5, 5)]);
    let jobs = house.jobs(NOW, &config).await;
    jobs.update_daily_downloads(DownloadOptions::default()).await.expect("a report");
    // For both alerts (vanished, stale) Bob's box is full for now, and the webhook points elsewhere, which is not followed.
    server.misbehave("RCPT", "bob@", MailTrouble::Answer(452), Some(6));
    house.fake.misbehave("/hook", Misbehaviour::Redirect(format!("{}/inside", house.fake.base())), Some(2));
    let open = |looked: &Looked| looked.open.iter().find(|a| a.kind == "vanished").expect("open").clone();
    let vanished = "downloads:a:python: gone is not found at PyPI any more";
    let looked = jobs.look_for_alerts().await.expect("looked");
    assert!(looked.opened.iter().any(|message| message == vanished), "{:?}", looked.opened);
    let reasons = looked.send_errors.join("; ");
    assert!(reasons.contains("452") && reasons.contains("301") && !reasons.contains("s3cret"), "{reasons}");
    assert!(house.fake.asked("/inside").is_empty());
    let first = open(&looked);
    assert!(first.sent_at.is_some() && first.send_error.is_some(), "Ann has it: {first:?}");
    let looked = jobs.look_for_alerts().await.expect("looked");
    assert_eq!((looked.send_errors.len(), open(&looked).send_error), (0, None), "{:?}", looked.send_errors);
    jobs.look_for_alerts().await.expect("looked");
    let mut got: Vec<_> = server
        .mails()
        .iter()
        .filter(|mail| mail.text_of("text/plain").is_some_and(|text| text.starts_with(vanished)))
        .map(|mail| (mail.to[0].clone(), mail.header("Subject").expect("a subject")))
        .collect();
    got.sort();
    let subject = format!("Grüße Bcc: x@example.org: {vanished}");
    assert_eq!(got, [("ann@example.org".to_owned(), subject.clone()), ("bob@example.org".to_owned(), subject)]);
    // Both posts were turned away and came again, once.
    assert_eq!((looked.open.len(), house.fake.asked("POST /hook").len()), (2, 4), "{:?}", looked.open);
}

#[tokio::test]
async fn receivers_without_a_mail_server_are_an_error_that_is_said() {
    let house = House::new(NOW).await;
    let mut config = catalogue(&[("downloads:a:python", "pypistats", "gone")]);
    config.alerts.mail_to = vec!["ann@example.org".to_owned()];
    let mut jobs = house.jobs(NOW, &config).await;
    jobs.update_daily_downloads(DownloadOptions::default()).await.expect("a report");
    let looked = jobs.look_for_alerts().await.expect("looked");
    assert_eq!(looked.send_errors.len(), 1, "said once, not per alert: {:?}", looked.send_errors);
    assert!(looked.send_errors[0].contains("no mail server is configured"), "{:?}", looked.send_errors);
    // The installation's own server serves where `[alerts]` names none.
    let server = FakeMailServer::start().await;
    let own = MailConfig { server: Some(server.address()), ..MailConfig::default() };
    jobs.mail = MailSettings::resolve(&own, &|_| None).expect("settings");
    let looked = jobs.look_for_alerts().await.expect("looked");
    assert_eq!((looked.send_errors.len(), server.mails().len()), (0, looked.open.len()), "{:?}", looked.send_errors);
}

#[tokio::test]
async fn a_package_gone_for_days_is_an_alert_and_no_error_of_every_run() {
    let house = House::new(NOW).await;
    let config = catalogue(&[("downloads:a:python", "pypistats", "gone"), ("downloads:b:python", "pypistats", "b")]);
    let every_day = || each_day(day("2026-03-01"), day("2026-03-20")).map(|d| (d, 5, 5));
    house.fake.pypi("b", every_day());
    let mut told = Vec::new();
    for on in ["2026-03-08", "2026-03-09", "2026-03-10", "2026-03-11"] {
        let jobs = house.jobs(&format!("{on}T09:00:00Z"), &config).await;
        let report = jobs.update_daily_downloads(DownloadOptions::default()).await.expect("a report");
        let gone = report.metrics[0].clone();
        let looked = jobs.look_for_alerts().await.expect("looked");
        let is_open = looked.open.iter().any(|alert| alert.kind == "vanished");
        told.push((report.status, report.errors.len(), gone.outcome, gone.notes.len(), is_open));
    }
    let vanished = || "vanished".to_owned();
    assert_eq!(
        told,
        [
            (RunStatus::Partial, 1, vanished(), 0, true),
            (RunStatus::Partial, 1, vanished(), 0, true),
            (RunStatus::Success, 0, vanished(), 1, true),
            (RunStatus::Success, 0, vanished(), 1, true),
        ],
        "an error while it may be a slip, a known fact after that"
    );
    let jobs = house.jobs("2026-03-11T09:00:00Z", &config).await;
    let attempts = jobs.store.attempts().await.expect("attempts");
    let attempt = attempts.iter().find(|a| a.metric_id == "downloads:a:python").expect("there");
    assert_eq!(attempt.message.as_deref(), Some("not found since 2026-03-08: 404 from pypistats: Not Found"));
    assert_eq!(house.fake.asked("/api/packages/gone/").len(), 4, "asked every day: it may come back");
    // Another failure of it is news.
    house.fake.misbehave("/api/packages/gone/", Misbehaviour::Status(503), Some(4));
    let jobs = house.jobs("2026-03-12T09:00:00Z", &config).await;
    let report = jobs.update_daily_downloads(DownloadOptions::default()).await.expect("a report");
    assert_eq!((report.status, report.errors.len()), (RunStatus::Partial, 1), "{:?}", report.errors);
    // It comes back, and its alert closes.
    house.fake.pypi("gone", every_day());
    let jobs = house.jobs("2026-03-13T09:00:00Z", &config).await;
    let report = jobs.update_daily_downloads(DownloadOptions::default()).await.expect("a report");
    assert_eq!((report.status, report.metrics[0].outcome.as_str()), (RunStatus::Success, "ok"));
    assert!(jobs.look_for_alerts().await.expect("looked").open.iter().all(|alert| alert.kind != "vanished"));
}

#[tokio::test]
async fn a_run_in_which_everything_is_gone_is_no_success_however_long_it_is_known() {
    let house = House::new(NOW).await;
    let config = catalogue(&[("downloads:a:python", "pypistats", "gone")]);
    for on in ["2026-03-08", "2026-03-09", "2026-03-10", "2026-03-11"] {
        let jobs = house.jobs(&format!("{on}T09:00:00Z"), &config).await;
        let report = jobs.update_daily_downloads(DownloadOptions::default()).await.expect("a report");
        assert_eq!((report.status, report.errors.len()), (RunStatus::Failed, 1), "{on}: {:?}", report.errors);
        assert!(report.errors[0].starts_with("downloads:a:python: "), "{:?}", report.errors);
    }
}

#[tokio::test]
async fn the_monthly_report_and_the_comparison() {
    let house = House::new(NOW).await;
    let jobs = house
        .jobs(NOW, &catalogue(&[("downloads:a:python", "pypistats", "a"), ("downloads:a:rust", "cratesio", "a")]))
        .await;
    jobs.sync_catalogue().await.expect("written");
    let until = day("2026-03-07");
    write(
        &jobs,
        "downloads:a:python",
        "1d",
        each_day(day("2025-12-01"), until).map(|d| (d, if d.month() == 2 { 30 } else { 10 })),
    )
    .await;
    write(&jobs, "downloads:a:rust", "1d", each_day(day("2026-02-01"), day("2026-02-14")).map(|d| (d, 20))).await;
    let index = Reader::new(jobs.store.clone()).index().await.expect("an index");
    let report = monthly_report(&index, &jobs.config, day("2026-02-28"), until);
    // 28 × 30 + 14 × 20 against 31 × 10.
    assert_eq!((report.total, report.previous_total), (1120, 310));
    assert_eq!((report.lines[0].value, report.lines[0].share), (Some(840), Some(0.75)));
    assert_eq!((report.lines[1].previous, report.lines[1].days_present), (None, 14), "no January is no zero");
    assert_eq!(
        (report.quarter.label.as_str(), report.quarter.value, report.quarter.months.len()),
        ("Q1 2026", 1430, 2)
    );
    assert_eq!(report.remarks, ["downloads:a:rust: 14 of 28 days"]);
    assert!(report.to_csv().lines().count() == 3 && report.to_html().contains("no data"));
    // The one that arrives by itself: totals say what they lack, remarks call a package by its name.
    let span = Span::latest(Every::Month, day("2026-03-01"));
    let mail = periodic(&index, &jobs.config, "downloads", &span, until);
    let total = &mail.sections[0].figures[0];
    assert_eq!((total.now, total.note.as_str()), (Some(Amount::Count(1120)), "one package with missing days"));
    let name = &mail.sections[1].figures[1].name;
    assert_eq!(mail.remarks, [format!("{name}: 14 of 28 days")]);
    let metric = index.metric("downloads:a:python").expect("there");
    let change = compare(&index, metric, day("2026-02-01"), 28, until);
    assert_eq!((change.before_average, change.after_average, change.percent), (Some(10.0), Some(30.0), Some(200.0)));
}
