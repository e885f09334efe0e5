//! The packages API: the seed's exact answers, and the seed's own dashboard client, request by request.

use axum::http::{StatusCode, header};
use serde_json::{Value, json};
use tallykeep_access::AccessConfig;
use tallykeep_control::packages::{DuckdbMonth, EvidenceRow, GuidanceRow, StatRow};
use tallykeep_model::TeamSlug;
use tallykeep_packages::{Packages, days, environment::Environment, jobs::Jobs, service::silent};

use crate::support::{As, Server, is_of, text};

fn service() -> Packages {
    Packages::new(None, None, Environment::of([])).expect("the shipped example")
}

async fn empty() -> Server {
    Server::with_control(AccessConfig::default(), |_, builder| builder.with(service())).await
}

pub async fn jobs(server: &Server) -> Jobs {
    let team = server.control.team(&TeamSlug::default()).await.expect("the default team");
    service().jobs(&team, silent()).await.expect("jobs")
}

/// The shipped catalogue with 400 days of everything.
pub async fn filled() -> Server {
    let server = empty().await;
    let jobs = jobs(&server).await;
    jobs.sync_catalogue().await.expect("written");
    let latest = jobs.latest();
    let mut rows = Vec::new();
    for (n, metric) in (1_i64..).zip(&jobs.config.metrics) {
        let window = if metric.id.starts_with("stars") { "cumulative_snapshot" } else { "1d" };
        for ago in (0..400).rev() {
            let day = days::before(latest, ago);
            let spike = if ago < 30 && n == 4 { 8 } else { 1 };
            rows.push(StatRow {
                metric_id: metric.id.clone(),
                period_start: day,
                period_end: day,
                observed_at: jobs.clock.now(),
                value: (1000 * n + 400 - ago) * spike,
                provenance: "api_daily".to_owned(),
                source_window: window.to_owned(),
                ingestion_run_id: "t".to_owned(),
                source_ref: String::new(),
            });
        }
    }
    jobs.store.write_stats(&rows).await.expect("written");
    jobs.derive_dashboard().await.expect("derived");
    let signal = jobs.store.signals().await.expect("signals").first().cloned().expect("a spike is a signal");
    let id = signal["signal_id"].as_str().expect("an id").to_owned();
    let now = jobs.clock.now();
    let guidance = json!({"guidance_id": "g", "signal_id": id, "generated_at": days::python_instant(now), "movement_assessment": "new",
        "executive_summary": "s", "why_it_matters": "w", "engineering_relevance": "watch", "confidence": "low",
        "recommended_next_steps": ["a"], "raw_response": {"secret": 1},
        "citations": [{"source_type": "signal", "source_id": id, "fact": "f", "used_for": "u"}, {"no": "fact"}]});
    jobs.store
        .write_guidance(&GuidanceRow {
            guidance_id: "g".to_owned(),
            signal_id: id,
            generated_at: now,
            document: guidance,
        })
        .await
        .expect("written");
    let evidence = |kind: &str| EvidenceRow {
        evidence_id: format!("{kind}:1"),
        source_type: kind.to_owned(),
        occurred_at: now,
        document: json!({"evidence_id": format!("{kind}:1"), "url": "https://example.org", "title": "t", "occurred_at": days::python_instant(now), "snippet": "x"}),
    };
    jobs.store.write_evidence(&[evidence("github"), evidence("hackernews")]).await.expect("written");
    let month = DuckdbMonth {
        extension: "lance".to_owned(),
        month_start: latest.first_of_month(),
        month_label: latest.strftime("%Y-%m").to_string(),
        core_downloads: 1,
        community_downloads: 2,
        total_downloads: 3,
        is_partial_month: true,
        latest_source_update_at: now,
        weeks_present: 1,
        weeks_expected: 2,
    };
    jobs.store.write_duckdb_months(&[month]).await.expect("written");
    server
}

async fn get(server: &Server, path: &str) -> (StatusCode, Value) {
    let response = server.get(path, &As::Nobody).await;
    let status = response.status();
    let content = text(response).await;
    (status, serde_json::from_str(&content).unwrap_or(Value::String(content)))
}

/// Values at a path such as `groups[].items[].sdk`.
fn resolve<'a>(value: &'a Value, path: &str) -> Vec<Option<&'a Value>> {
    let path = path.trim_start_matches('.');
    if path.is_empty() {
        return vec![Some(value)];
    }
    if let Some(rest) = path.strip_prefix("[]") {
        return value.as_array().map_or_else(Vec::new, |rows| rows.iter().flat_map(|row| resolve(row, rest)).collect());
    }
    let end = path.find(['.', '[']).unwrap_or(path.len());
    let (name, rest) = path.split_at(end);
    value.get(name).map_or_else(|| vec![None], |inner| resolve(inner, rest))
}

#[tokio::test]
async fn every_request_of_the_seeds_client_is_answered_with_every_field_it_reads() {
    let server = filled().await;
    let document: Value = serde_json::from_str(include_str!("packages_client.json")).expect("JSON");
    let mut checked = 0;
    for request in document["requests"].as_array().expect("requests") {
        let name = request["name"].as_str().expect("a name");
        let path = request["our_path"].as_str().unwrap_or(request["path"].as_str().expect("a path"));
        // Signing in and out is the session's matter (data/clients/README, 12).
        if name.starts_with("sign_") || !path.starts_with('/') {
            continue;
        }
        let path = path.replace("{metric_id}", "downloads:lance:python");
        let query: Vec<String> = request["query"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| format!("{name}={}", value.as_str().map_or_else(|| value.to_string(), str::to_owned)))
            .collect();
        let (status, body) = get(&server, &format!("{path}?{}", query.join("&"))).await;
        assert_eq!(status, StatusCode::OK, "{name}: {body}");
        for read in request["reads"].as_array().expect("reads") {
            let (path, kinds) = (read["path"].as_str().expect("a path"), read["type"].as_str().expect("a type"));
            let values = resolve(&body, path.trim_start_matches('$'));
            assert!(!values.is_empty(), "{name}: nothing at {path}");
            for value in values {
                assert!(
                    value.is_some_and(|value| is_of(value, kinds)),
                    "{name}: {path} should be {kinds}, is {value:?}"
                );
                checked += 1;
            }
        }
    }
    assert!(checked > 1000, "only {checked} values were looked at");
}

#[tokio::test]
async fn an_empty_store_answers_every_key() {
    let server = empty().await;
    assert_eq!(get(&server, "/api/v1/health").await, (StatusCode::OK, json!({"status": "ok"})));
    assert_eq!(get(&server, "/api/v1/definitions").await, (StatusCode::OK, json!([])));
    let (status, body) = get(&server, "/api/v1/dashboard/daily").await;
    assert_eq!(
        (status, &body["groups"], &body["total_stars"], &body["days"]),
        (StatusCode::OK, &json!([]), &Value::Null, &json!(180))
    );
    for list in [
        "total_stars_sparkline",
        "monthly_download_snapshots",
        "duckdb_lance_extension_downloads",
        "metric_rollups",
        "recent_evidence",
        "signal_candidates",
        "signal_guidance",
    ] {
        assert_eq!(body[list], json!([]), "{list}");
    }
    assert_eq!(body["last_30d_download_totals"]["lancedb"], 0);
    let (_, verbose) = get(&server, "/api/v1/health?verbose=1").await;
    assert_eq!((&verbose["stale"], &verbose["store"]), (&json!(true), &json!("reachable")));
}

#[tokio::test]
async fn mistakes_are_worded_as_the_seed_words_them() {
    let server = filled().await;
    let (status, body) = get(&server, "/api/v1/dashboard/daily?days=731").await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        body,
        json!({"detail": [{"type": "less_than_equal", "loc": ["query", "days"], "msg": "Input should be less than or equal to 730", "input": "731", "ctx": {"le": 730}}]})
    );
    let kind = |body: &Value| body["detail"][0]["type"].as_str().unwrap_or("").to_owned();
    assert_eq!(kind(&get(&server, "/api/v1/series/stars:lance:github?days=0").await.1), "greater_than_equal");
    assert_eq!(kind(&get(&server, "/api/v1/series/stars:lance:github?days=abc").await.1), "int_parsing");
    assert_eq!(
        get(&server, "/api/v1/series/nope").await,
        (StatusCode::NOT_FOUND, json!({"detail": "Unknown metric_id: nope"}))
    );
    let (status, body) = get(&server, "/api/v1/history/refresh-errors?end_date=2026-01-01").await;
    assert_eq!(
        (status, kind(&body).as_str(), &body["detail"][0]["msg"]),
        (StatusCode::UNPROCESSABLE_ENTITY, "missing", &json!("Field required"))
    );
    for (query, detail) in [
        ("start_date=x&end_date=2026-01-01", "start_date/end_date must be YYYY-MM-DD"),
        ("start_date=2026-01-02&end_date=2026-01-01", "end_date must be on or after start_date"),
    ] {
        assert_eq!(
            get(&server, &format!("/api/v1/history/refresh-errors?{query}")).await,
            (StatusCode::BAD_REQUEST, json!({"detail": detail}))
        );
    }
    for (query, detail) in [
        ("window_start=2026-01-01", "Missing required query params: window_start and window_end"),
        ("window_start=2026-1-1&window_end=2026-01-02", "Invalid window_start: expected YYYY-MM-DD"),
        ("window_start=2026-01-01&window_end=2026-02-30", "Invalid window_end: 2026-02-30"),
    ] {
        let answer = get(&server, &format!("/api/v1/dashboard/daily?response=download_window_totals&{query}")).await;
        assert_eq!(answer, (StatusCode::BAD_REQUEST, json!({"detail": detail})), "{query}");
    }
}

#[tokio::test]
async fn figures_are_downloadable_and_say_the_same_as_the_dashboard() {
    let server = filled().await;
    let (_, dashboard) = get(&server, "/api/v1/dashboard/daily?days=730").await;
    let newest = dashboard["monthly_download_snapshots"].as_array().expect("a list").last().expect("a month").clone();
    let response = server.get("/api/v1/packages/figures/monthly-download-snapshots.csv", &As::Nobody).await;
    assert_eq!(
        response.headers()[header::CONTENT_DISPOSITION],
        "attachment; filename=\"monthly-download-snapshots.csv\""
    );
    let csv = text(response).await;
    assert!(csv.starts_with("period_end,lance_python,lance_rust,lancedb_python,lancedb_nodejs,lancedb_rust,python,rust,nodejs,lance,lancedb,total,"), "{}", &csv[..200]);
    let last: Vec<&str> = csv.lines().last().expect("a line").split(',').collect();
    assert_eq!(
        (last[0], last[11]),
        (newest["period_end"].as_str().expect("a day"), newest["total"].to_string().as_str())
    );
    for figure in [
        "window",
        "stars-total",
        "duckdb",
        "movers",
        "signals",
        "gaps",
        "coverage",
        "downloads:lance:python",
        "stars:lance:github",
    ] {
        let (status, body) =
            get(&server, &format!("/api/v1/packages/figures/{figure}?start=2026-01-01&end=2026-01-31")).await;
        assert_eq!(status, StatusCode::OK, "{figure}: {body}");
    }
    let (_, coverage) = get(&server, "/api/v1/packages/coverage").await;
    assert_eq!(coverage["metrics"][0]["strip"].as_str().map(str::len), Some(30));
    let (_, shown) = get(&server, "/api/v1/dashboard/daily").await;
    assert_eq!(shown["recent_evidence"].as_array().map(Vec::len), Some(1), "hackernews is stored and not shown");
    assert_eq!(shown["signal_guidance"][0]["citations"].as_array().map(Vec::len), Some(1));
    assert!(shown["signal_guidance"][0].get("raw_response").is_none());
}

#[tokio::test]
async fn a_correction_is_marked_and_the_old_value_is_there_as_known_then() {
    let server = filled().await;
    let jobs = jobs(&server).await;
    let latest = jobs.latest();
    let mut row = jobs.store.stats("downloads:lance:python", latest, latest).await.expect("rows").remove(0);
    let (old, before) = (row.value, jobs.clock.now());
    row.value += 5;
    jobs.store.write_stats(&[row]).await.expect("written");
    let (_, body) = get(&server, "/api/v1/packages/points/downloads:lance:python?days=1").await;
    assert_eq!(body["points"][0]["state"], "restated");
    assert_eq!((body["points"][0]["value"].as_i64(), body["points"][0]["was"].as_i64()), (Some(old + 5), Some(old)));
    let (_, body) =
        get(&server, &format!("/api/v1/packages/points/downloads:lance:python?days=1&as_known_on={before}")).await;
    assert_eq!(body["points"][0]["value"], json!(old));
    let (_, body) = get(&server, "/api/v1/packages/revisions").await;
    assert_eq!((&body["total"], &body["revisions"][0]["old_value"]), (&json!(1), &json!(old)));
}

#[tokio::test]
async fn notes_and_evidence_are_written_by_editors_and_shown() {
    let server = filled().await;
    let note = json!({"day": "2026-02-10", "text": "Version 2.0", "kind": "release", "product": "lancedb"});
    let response = server.json("POST", "/api/v1/packages/annotations", &As::Nobody, note).await;
    assert_eq!(response.status(), StatusCode::CREATED, "without users everybody local is an editor");
    let (_, body) = get(&server, "/api/v1/dashboard/daily").await;
    assert_eq!(body["annotations"][0]["text"], "Version 2.0");
    let bad = server
        .json(
            "POST",
            "/api/v1/packages/annotations",
            &As::Nobody,
            json!({"day": "2026-02-10", "text": "x", "product": "nope"}),
        )
        .await;
    assert_eq!(bad.status(), StatusCode::BAD_REQUEST);
    let entry = json!({"title": "A talk", "url": "https://example.org/talk"});
    assert_eq!(
        server.json("POST", "/api/v1/packages/evidence", &As::Nobody, entry).await.status(),
        StatusCode::CREATED
    );
}

#[tokio::test]
async fn another_teams_rows_change_nothing() {
    let server = filled().await;
    server.team("other").await;
    let (status, body) = get(&server, "/a/other/api/v1/definitions").await;
    assert_eq!((status, body), (StatusCode::OK, json!([])));
    let team = server.control.team(&"other".parse().expect("a slug")).await.expect("a team");
    let jobs = service().jobs(&team, silent()).await.expect("jobs");
    jobs.sync_catalogue().await.expect("written");
    let (_, body) = get(&server, "/a/other/api/v1/dashboard/daily").await;
    assert_eq!((&body["total_stars"], body["groups"].as_array().map(Vec::len)), (&Value::Null, Some(2)));
}

#[tokio::test]
async fn a_text_that_looks_like_a_formula_stays_text() {
    let server = empty().await;
    let jobs = jobs(&server).await;
    jobs.sync_catalogue().await.expect("written");
    let metric = jobs.config.metrics[0].id.clone();
    let row = |n: i64, source: &str| StatRow {
        metric_id: metric.clone(),
        period_start: days::before(jobs.latest(), n),
        period_end: days::before(jobs.latest(), n),
        observed_at: jobs.clock.now(),
        value: 1000 + n,
        provenance: "api_daily".to_owned(),
        source_window: "1d".to_owned(),
        ingestion_run_id: "t".to_owned(),
        source_ref: source.to_owned(),
    };
    let evil = ["=HYPERLINK(\"http://evil\")", "+1+1", "-2+3", "@SUM(A1)", "\tx", "\rx"];
    let rows: Vec<_> = (0..).zip(evil).map(|(n, text)| row(n, text)).collect();
    jobs.store.write_stats(&rows).await.expect("written");
    let csv = text(server.get("/api/v1/packages/export?format=csv", &As::Nobody).await).await;
    let mut reader = csv::Reader::from_reader(csv.as_bytes());
    let head = reader.headers().expect("a head").clone();
    let column =
        |name: &str| head.iter().position(|given| given == name).unwrap_or_else(|| panic!("{name} in {head:?}"));
    let (source, value) = (column("source_ref"), column("value"));
    let mut seen = 0;
    for line in reader.records() {
        let line = line.expect("a line");
        assert!(evil.iter().any(|text| line[source] == format!("'{text}")), "{line:?}");
        assert!(line[value].parse::<i64>().is_ok(), "numbers stay numbers: {line:?}");
        seen += 1;
    }
    assert_eq!(seen, evil.len());
}
