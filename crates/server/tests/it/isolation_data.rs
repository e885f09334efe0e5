//! Two teams that hold the same ids and slugs in every domain, and a word of their own in every text: each route is asked in
//! every form it answers, as one team, and never says the other team's word. Also with guessed ids, with the other's ETags,
//! from warm caches, and in files inside archives.

use std::{
    collections::BTreeMap,
    io::{Cursor, Read},
    time::Duration,
};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
    response::Response,
};
use futures::StreamExt;
use jiff::Timestamp;
use serde_json::{Value, json};
use tallykeep_access::{AccessConfig, Role, TokenScope};
use tallykeep_chat::{
    interchange::{ImportOptions, import},
    service::{Chat, ChatConfig},
};
use tallykeep_control::packages::{EvidenceRow, StatRow};
use tallykeep_lake::Lake;
use tallykeep_packages::{Packages, days, environment::Environment, service::silent};
use tallykeep_repository::{Config, Repository, aggregate::AggregateRequest, import::ImportRequest};
use tallykeep_server::routes;

use crate::support::{As, Server, text, value};

/// Slug, and the word that only this team's data holds.
const TEAMS: [(&str, &str); 2] = [("alpha", "xqalphaqx"), ("beta", "xqbetaqx")];
const COMMUNITY: &str = "11111111-1111-4111-8111-111111111111";
const RESTRICTED: &str = "22222222-2222-4222-8222-222222222222";
const YEAR: &str = "start_date=2024-01-01&end_date=2024-12-31";
const JUNE: &str = "date_range=custom&start_date=2026-06-01&end_date=2026-06-14";

pub struct Pair {
    pub server: Server,
    admins: [As; 2],
    /// Ids that exist in one team only, by name: what somebody could guess.
    ids: [BTreeMap<&'static str, String>; 2],
    metrics: Vec<String>,
    _dir: tempfile::TempDir,
}

pub async fn pair() -> Pair {
    let dir = tempfile::tempdir().expect("a folder");
    let lake = Lake::open(&dir.path().join("lake"), Duration::from_secs(60)).expect("a lake");
    let config = AccessConfig { requests_per_minute: 0, requests_per_minute_signed_in: 0, ..AccessConfig::default() };
    let packages = || Packages::new(None, None, Environment::of([])).expect("the shipped example");
    let settings = Config::default().settings().expect("default settings");
    let mut repository = None;
    let server = Server::with_control(config, |control, builder| {
        let made = Repository::new(control.clone(), lake.clone(), settings);
        repository = Some(made.clone());
        builder.with(made).with(packages()).with(Chat::new(control.clone(), lake.clone(), ChatConfig::default()))
    })
    .await;
    let repository = repository.expect("just made");
    server.quick_user("root@example.org", true).await;
    let (mut admins, mut ids, mut metrics) = (Vec::new(), Vec::new(), Vec::new());
    for (n, (slug, word)) in TEAMS.into_iter().enumerate() {
        server.team(slug).await;
        let admin = server.quick_user(&format!("admin@{word}.example"), false).await;
        server.member(slug, &admin, Role::Admin).await;
        let who = server.session(&admin).await;
        let team = server.control.team(&slug.parse().expect("a slug")).await.expect("the team");
        team.rename_team(word).await.expect("renamed");
        team.set_setting("cost_tracking", json!(true)).await.expect("set");
        let files = dir.path().join(slug);
        std::fs::create_dir_all(&files).expect("a folder");

        let records = repository.of(team.clone());
        records.import(&repository_files(&files, word, n), &mut |_| true).await.expect("imported");
        records.aggregate(&AggregateRequest::default(), "test", &mut |_| true).await.expect("aggregated");

        write_chat(&files, slug, word);
        let options = ImportOptions { team: Some(team.team().slug.clone()) };
        let report = import(&server.control, &lake, &files, &options, &mut |_| ()).await.expect("imported");
        assert_eq!(report.total.rejected, 0, "{report:?}");

        let jobs = packages().jobs(&team, silent()).await.expect("jobs");
        jobs.sync_catalogue().await.expect("written");
        metrics = jobs.config.metrics.iter().map(|metric| metric.id.clone()).collect();
        let mut rows = Vec::new();
        for metric in &jobs.config.metrics {
            let window = if metric.id.starts_with("stars") { "cumulative_snapshot" } else { "1d" };
            for ago in 0..40 {
                let day = days::before(jobs.latest(), ago);
                rows.push(StatRow {
                    metric_id: metric.id.clone(),
                    period_start: day,
                    period_end: day,
                    observed_at: jobs.clock.now(),
                    // One team's numbers are even, the other's odd.
                    value: 2 * (1000 - ago) + i64::try_from(n).expect("small"),
                    provenance: "api_daily".to_owned(),
                    source_window: window.to_owned(),
                    ingestion_run_id: format!("run-{word}"),
                    source_ref: word.to_owned(),
                });
            }
        }
        jobs.store.write_stats(&rows).await.expect("written");
        let changed: Vec<_> =
            rows.iter().step_by(10).map(|row| StatRow { value: row.value + 2, ..row.clone() }).collect();
        jobs.store.write_stats(&changed).await.expect("revised");
        let now = jobs.clock.now();
        let document = json!({"evidence_id": format!("manual:{word}"), "url": format!("https://{word}.example"), "title": word,
            "occurred_at": days::python_instant(now), "snippet": word, "source_type": "manual"});
        let evidence = EvidenceRow {
            evidence_id: format!("manual:{word}"),
            source_type: "manual".to_owned(),
            occurred_at: now,
            document,
        };
        jobs.store.write_evidence(&[evidence]).await.expect("written");
        jobs.derive_dashboard().await.expect("derived");

        let at = |path: &str| format!("/a/{slug}{path}");
        let mut own = BTreeMap::from([("evidence", format!("manual:{word}"))]);
        let note = json!({"day": jobs.latest().to_string(), "text": word});
        let made = value(server.json("POST", &at("/api/v1/packages/annotations"), &who, note).await).await;
        own.insert(
            "annotation",
            made["id"].as_str().or(made["annotation"]["id"].as_str()).unwrap_or_default().to_owned(),
        );
        for (path, fields) in [
            (
                "/dashboard/filters/save",
                format!("name={word}&filter_name={word}&filter_data=%7B%22experiments%22%3A%5B1%5D%7D"),
            ),
            ("/dashboard/searches/save", format!("name={word}&expression=messages+%3E+1")),
        ] {
            let request =
                who.sign(Request::post(at(path))).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
            server.send(request.body(Body::from(fields)).expect("a request")).await;
        }
        let token = json!({ "name": word, "scopes": ["read"] });
        let made = value(server.json("POST", &at("/api/v1/team/tokens"), &who, token).await).await;
        own.insert("token", made["id"].to_string());
        own.insert("member", admin.id.to_string());
        ids.push(own);
        admins.push(who);
    }
    let admins = admins.try_into().unwrap_or_else(|_| unreachable!("two teams"));
    let ids = ids.try_into().unwrap_or_else(|_| unreachable!("two teams"));
    Pair { server, admins, ids, metrics, _dir: dir }
}

fn repository_files(dir: &std::path::Path, word: &str, n: usize) -> ImportRequest {
    let lines = |name: &str, documents: &[Value]| {
        let path = dir.join(name);
        std::fs::write(&path, documents.iter().map(|d| format!("{d}\n")).collect::<String>()).expect("written");
        vec![path]
    };
    let record = |id: &str, at: &str| {
        json!({"id": id, "parent": {"id": format!("P-{id}"), "access": {"owned_by": {"user": word}}, "communities": {"ids": [COMMUNITY]}},
            "created": at, "updated": at, "is_published": true, "is_deleted": false, "access": {"status": "open"},
            "files": {"enabled": true, "entries": [{"key": format!("{word}.pdf"), "ext": "pdf", "size": 1000, "file_id": format!("f-{id}")}]},
            "metadata": {"title": format!("Work of {word}"), "publication_date": "2024", "publisher": word,
                "resource_type": {"id": word, "title": {"en": word}}, "languages": [{"id": word, "title": {"en": word}}],
                "subjects": [{"id": word, "subject": word}], "rights": [{"id": word, "title": {"en": word}}],
                "creators": [{"affiliations": [{"id": word, "name": word}]}], "funding": [{"funder": {"id": word, "name": word}}]}})
    };
    let added = |id: &str, to: &str| json!({"record_id": id, "community_id": to, "event_type": "added", "event_date": "2024-01-12T10:00:00"});
    let view = |visitor: usize, record: &str, at: &str| {
        json!({"timestamp": at, "recid": record, "parent_recid": format!("P-{record}"), "unique_id": format!("ui_{record}"),
            "visitor_id": format!("{word}-{visitor}"), "unique_session_id": format!("{word}-{visitor}"), "country": "US",
            "referrer": format!("https://{word}.example"), "via_api": false, "is_robot": false, "is_machine": false})
    };
    let community = |id: &str, slug: &str, access: &str| {
        json!({"id": id, "slug": slug, "created": "2024-01-01T00:00:00Z", "access": {"visibility": access},
            "metadata": {"title": format!("Community {word}"), "description": word}})
    };
    let events: Vec<_> = (0..3 + n).map(|visitor| view(visitor, "R1", "2024-01-13T10:30:00")).collect();
    ImportRequest {
        records: lines("records.ndjson", &[record("R1", "2024-01-10T09:00:00Z"), record("R2", "2024-01-12T08:00:00Z")]),
        communities: lines(
            "communities.ndjson",
            &[community(COMMUNITY, "c1", "public"), community(RESTRICTED, "c2", "restricted")],
        ),
        community_events: lines(
            "community_events.ndjson",
            &[added("R1", "global"), added("R2", "global"), added("R1", COMMUNITY), added("R2", RESTRICTED)],
        ),
        usage_events: lines("usage_events.ndjson", &events),
        dry_run: false,
    }
}

fn write_chat(dir: &std::path::Path, slug: &str, word: &str) {
    let files = [
        ("teams", format!("id,slug\n10,{slug}\n")),
        ("experiments", format!("id,team_id,name,is_archived,working_version_id\n1,10,Bot {word},false,\n2,10,Old {word},true,\n")),
        ("channels", "id,team_id,experiment_id,platform,deleted\n1,10,,web,false\n2,10,1,telegram,false\n".to_owned()),
        ("participants", format!("id,team_id,name,identifier,platform\n1,10,Ana {word},ana@{word}.example,web\n2,10,,ben@{word}.example,telegram\n")),
        ("sessions", "id,team_id,experiment_id,participant_id,platform,status,created_at,ended_at\n101,10,1,1,web,complete,2026-06-02T09:00:00Z,2026-06-02T09:30:00Z\n102,10,1,2,telegram,active,2026-06-03T23:50:00Z,\n".to_owned()),
        ("messages", "id,session_id,type,created_at\n1,101,human,2026-06-02T09:00:00Z\n2,101,ai,2026-06-02T09:01:00Z\n3,102,human,2026-06-03T23:55:00Z\n4,102,ai,2026-06-04T00:05:00Z\n".to_owned()),
        ("tags", format!("id,team_id,name,category\n1,10,{word},\n2,10,error {word},error\n")),
        ("tag_links", "team_id,tag_id,target_kind,target_id\n10,1,message,1\n10,1,chat,102\n10,2,message,3\n".to_owned()),
        ("traces", "id,session_id,experiment_id,timestamp,duration_ms\n1,101,1,2026-06-02T09:01:00Z,1200\n".to_owned()),
        ("usage", format!("team_id,source,service_kind,provider_type,model_name,quantity,cost,confidence,experiment_id,session_id,participant_id,trace_id,priced,timestamp\n10,chat,llm_input,{word},{word},1000,0.10,exact,1,101,1,1,true,2026-06-02T09:01:00Z\n")),
    ];
    for (name, content) in files {
        std::fs::write(dir.join(format!("{name}.csv")), content).expect("written");
    }
}

/// Everything an answer says, as text: headers, and the body unpacked as far as it is packed.
async fn said(response: Response) -> String {
    let head = format!("{} {:?}\n", response.status(), response.headers());
    let is_stream = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "text/event-stream");
    let bytes = if is_stream {
        // Events come for as long as somebody listens; what is sent at once is enough.
        let mut events = response.into_body().into_data_stream();
        let first = tokio::time::timeout(Duration::from_millis(200), events.next()).await;
        first.ok().flatten().map(|frame| frame.expect("a frame").to_vec()).unwrap_or_default()
    } else {
        axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body").to_vec()
    };
    let mut out = head.into_bytes();
    unpack(&bytes, &mut out, 0);
    String::from_utf8_lossy(&out).into_owned()
}

fn unpack(bytes: &[u8], out: &mut Vec<u8>, depth: usize) {
    out.extend_from_slice(bytes);
    if depth > 3 {
        return;
    }
    let mut inner = Vec::new();
    if bytes.starts_with(&[0x1f, 0x8b]) && flate2::read::GzDecoder::new(bytes).read_to_end(&mut inner).is_ok() {
        unpack(&inner, out, depth + 1);
    } else if bytes.starts_with(b"PK") {
        let mut archive = zip::ZipArchive::new(Cursor::new(bytes)).expect("a zip file");
        for at in 0..archive.len() {
            let mut file = archive.by_index(at).expect("a member");
            out.extend_from_slice(file.name().expect("a name").as_bytes());
            let mut inner = Vec::new();
            file.read_to_end(&mut inner).expect("readable");
            unpack(&inner, out, depth + 1);
        }
    } else if bytes.len() > 512 && &bytes[257..262] == b"ustar" {
        let mut archive = tar::Archive::new(bytes);
        for member in archive.entries().expect("members") {
            let mut inner = Vec::new();
            member.expect("a member").read_to_end(&mut inner).expect("readable");
            if inner.starts_with(b"PK") || inner.starts_with(&[0x1f, 0x8b]) {
                unpack(&inner, out, depth + 1);
            }
        }
    }
}

/// What may stand in a path's parameter.
fn candidates(pair: &Pair, path: &str, other: usize) -> Vec<String> {
    let ids = || pair.ids[other].values().cloned();
    let mut found: Vec<String> = if path.contains("{metric_id}") {
        pair.metrics.iter().take(2).cloned().collect()
    } else if path.contains("{figure}") {
        let named =
            ["monthly-download-snapshots", "window", "stars-total", "duckdb", "movers", "signals", "gaps", "coverage"];
        named.into_iter().map(str::to_owned).chain(pair.metrics.iter().take(2).cloned()).collect()
    } else if path.contains('{') {
        ["1", "c1", RESTRICTED].into_iter().map(str::to_owned).chain(ids()).collect()
    } else {
        return vec![path.to_owned()];
    };
    found.push(TEAMS[other].1.to_owned());
    found
        .iter()
        .map(|candidate| {
            path.split('/')
                .map(|part| if part.starts_with('{') { candidate.as_str() } else { part })
                .collect::<Vec<_>>()
                .join("/")
        })
        .collect()
}

/// Every question one may ask of a route: method, path with query, body, headers.
fn questions(
    pair: &Pair,
    path: &str,
    method: &str,
    other: usize,
) -> Vec<(String, String, Vec<(&'static str, String)>)> {
    let foreign = TEAMS[other].1;
    let mut asked = Vec::new();
    let json = |kind: &str, accept: &str| vec![("content-type", kind.to_owned()), ("accept", accept.to_owned())];
    let form = || json("application/x-www-form-urlencoded", "*/*");
    for place in candidates(pair, path, other) {
        match (method, path) {
            ("POST", "/api/stats-dashboard" | "/api/stats") => {
                for community in ["global", "c2"] {
                    for family in ["record-snapshot-category", "usage-delta-category"] {
                        let params = json!({"community_id": community, "start_date": "2024-01-01", "end_date": "2024-12-31", "date_basis": "added"});
                        let body = json!({ family: { "stat": family, "params": params } }).to_string();
                        for accept in [
                            "application/json",
                            "text/csv",
                            "application/xml",
                            "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                            "application/gzip",
                        ] {
                            asked.push((place.clone(), body.clone(), json("application/json", accept)));
                        }
                    }
                }
            }
            ("POST", "/dashboard/export") => {
                for chart in [
                    "overview",
                    "active_participants",
                    "session_analytics",
                    "message_volume",
                    "bot_performance",
                    "user_engagement",
                    "channel_breakdown",
                    "tag_analytics",
                    "average_response_time",
                    "cost_timeseries",
                    "cost_breakdown",
                ] {
                    for format in ["csv", "json"] {
                        let filter =
                            json!({"date_range": "custom", "start_date": "2026-06-01", "end_date": "2026-06-14"})
                                .to_string();
                        let filter: String = url::form_urlencoded::byte_serialize(filter.as_bytes()).collect();
                        let fields = format!(
                            "chart_type={chart}&export_format={format}&include_filters=on&envelope=on&real_names=on&filter_data={filter}"
                        );
                        asked.push((place.clone(), fields, form()));
                    }
                }
            }
            ("GET", _) => {
                let some = [JUNE.to_owned(), "format=csv".to_owned()];
                let search = format!("search={foreign}&q={foreign}&s={foreign}");
                let all = if path.contains("/dashboard") || path.contains("/chatbots") {
                    vec![
                        JUNE.to_owned(),
                        format!("{JUNE}&experiments=1&participants=1&tags=1&page=1&page_size=50&order_by=cost"),
                        format!("{JUNE}&refresh=1&{search}"),
                    ]
                } else if path.contains("packages") || path.starts_with("/api/v1/") {
                    let known = [
                        "",
                        "days=730",
                        "format=csv",
                        "format=html",
                        "on=2026-02-10&days=7",
                        "before=999999&limit=1000",
                    ];
                    known.into_iter().map(str::to_owned).chain([format!("team={}", TEAMS[other].0)]).collect()
                } else {
                    vec![String::new(), YEAR.to_owned(), "q=Work&size=10&sort=mostviewed".to_owned(), search]
                };
                let queries = if path.contains('{') { some.to_vec() } else { all };
                for query in queries {
                    let to = if query.is_empty() { place.clone() } else { format!("{place}?{query}") };
                    asked.push((to, String::new(), vec![("accept", "*/*".to_owned())]));
                }
            }
            // Writes answer only errors here: with nothing, and with what the other team's things are called.
            _ => {
                asked.push((place.clone(), "{}".to_owned(), json("application/json", "*/*")));
                if method != "DELETE" {
                    asked.push((place.clone(), format!("name={foreign}&id=1"), form()));
                }
            }
        }
    }
    asked
}

async fn ask(pair: &Pair, who: &As, method: &str, path: &str, body: &str, headers: &[(&str, String)]) -> Response {
    let mut request = who.sign(Request::builder().method(method).uri(path));
    for (name, value) in headers {
        request = request.header(*name, value);
    }
    pair.server.send(request.body(Body::from(body.to_owned())).expect("a request")).await
}

#[tokio::test(flavor = "multi_thread")]
async fn no_route_of_any_domain_says_anything_of_another_team() {
    let pair = pair().await;
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let mut asked = 0;
    // The second team's round meets caches that the first one warmed, the third one those of both.
    for (round, own) in [0, 1, 0].into_iter().enumerate() {
        let other = 1 - own;
        let ((slug, word), (other_slug, foreign)) = (TEAMS[own], TEAMS[other]);
        let token = pair.server.token(slug, TokenScope::Admin, None).await;
        for route in routes::all() {
            for method in route.methods() {
                // What changes or ends things is another test's.
                if method != "GET" && !route.path().starts_with("/api/stats") && route.path() != "/dashboard/export" {
                    continue;
                }
                // What holds no team's data is asked once.
                let is_open = matches!(route.decision(), tallykeep_access::Decision::Anyone { .. });
                for (n, (path, body, headers)) in questions(&pair, route.path(), method, other).into_iter().enumerate()
                {
                    if (round == 2 && n % 4 != 0) || (is_open && n > 0) {
                        continue;
                    }
                    // The word comes back where the question itself held it.
                    let echoes = path.contains(foreign) || body.contains(foreign);
                    for (who, place) in [
                        (&pair.admins[own], format!("/a/{slug}{path}")),
                        (&token, format!("/a/{slug}{path}")),
                        (&pair.admins[own], format!("/a/{other_slug}{path}")),
                    ] {
                        let is_own = place.starts_with(&format!("/a/{slug}/"));
                        // A token, and a team one does not belong to, are asked a sample.
                        if n % 7 != 0 && !(is_own && std::ptr::eq(who, &pair.admins[own])) {
                            continue;
                        }
                        let heard = said(ask(&pair, who, method, &place, &body, &headers).await).await;
                        asked += 1;
                        let without_echo =
                            if echoes { heard.replace(&format!("/a/{slug}{path}"), "") } else { heard.clone() };
                        assert!(
                            echoes || !without_echo.contains(foreign),
                            "{method} {place} {body} says {foreign}: {heard}"
                        );
                        if is_own && heard.contains(word) {
                            *seen.entry(route.path().to_owned()).or_default() += 1;
                        }
                    }
                }
            }
        }
    }
    println!("{asked} questions; the own word was seen on {} routes: {seen:#?}", seen.len());
    // The words are where the crawl looks, in every domain and in the people's part.
    for place in [
        "/api/stats-dashboard",
        "/api/records",
        "/api/v1/overview",
        "/api/v1/packages/annotations",
        "/api/v1/packages/evidence",
        "/api/v1/packages/revisions",
        "/dashboard/api/filter-options",
        "/dashboard/api/bot-performance",
        "/dashboard/api/user-engagement",
        "/dashboard/api/tag-analytics",
        "/dashboard/export",
        "/dashboard/filters",
        "/dashboard/searches",
        "/api/v1/team",
        "/api/v1/team/members",
        "/api/v1/team/tokens",
        "/api/v1/team/audit",
    ] {
        assert!(seen.contains_key(place), "{place} never said the team's own word: {seen:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_question_of_two_teams_has_each_its_own_answer() {
    let pair = pair().await;
    // Numbers carry no words: one team's are even, the other's odd.
    for (own, (slug, _)) in TEAMS.iter().enumerate() {
        let who = &pair.admins[own];
        for metric in &pair.metrics {
            let path = format!("/a/{slug}/api/v1/series/{metric}?days=30");
            let series = value(pair.server.get(&path, who).await).await;
            let points = series["points"].as_array().expect("points");
            assert!(!points.is_empty(), "{path}");
            for point in points {
                let number = point["value"].as_i64().expect("a number");
                assert_eq!(usize::try_from(number % 2).expect("small"), own, "{path}: {point}");
            }
        }
    }
    // One team's validators mean nothing to the other, so a kept answer is never taken for one's own.
    for path in
        ["/api/v1/dashboard/daily?days=730", "/api/v1/overview", "/dashboard/api/overview", "/api/v1/packages/evidence"]
    {
        let first = pair.server.get(&format!("/a/beta{path}"), &pair.admins[1]).await;
        assert_eq!(first.status(), StatusCode::OK, "{path}");
        let Some(tag) = first.headers().get(header::ETAG).cloned() else { continue };
        let request = pair.admins[0].sign(Request::get(format!("/a/alpha{path}"))).header(header::IF_NONE_MATCH, tag);
        let second = pair.server.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(second.status(), StatusCode::OK, "{path}: the other team's tag was taken for this one's");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_guessed_of_another_team_is_neither_read_nor_changed() {
    let pair = pair().await;
    let (thief, owner) = (&pair.admins[0], &pair.admins[1]);
    let own = |path: &str| format!("/a/beta{path}");
    let listed = |path: &'static str| {
        let pair = &pair;
        async move { text(pair.server.get(&own(path), owner).await).await }
    };
    let lists = [
        "/api/v1/packages/annotations",
        "/api/v1/packages/evidence",
        "/dashboard/filters",
        "/dashboard/searches",
        "/api/v1/team/tokens",
        "/api/v1/team/members",
    ];
    let mut before = Vec::new();
    for path in lists {
        before.push(listed(path).await);
    }
    // Ids of both kinds: those that only the other team has, and those that every team could have.
    let thiefs_own: Vec<&String> = pair.ids[0].values().collect();
    let ids: Vec<String> = pair.ids[1].values().cloned().chain((1..20).map(|n| n.to_string())).collect();
    let ids: Vec<String> = ids.into_iter().filter(|id| !thiefs_own.contains(&id)).collect();
    for route in routes::all() {
        for method in route.methods().into_iter().filter(|method| *method != "GET") {
            // Signing out or ending one's own sessions would end the thief's only way in.
            if !route.path().contains('{') || route.path().contains("/account/") {
                continue;
            }
            for id in &ids {
                let path = route
                    .path()
                    .split('/')
                    .map(|part| if part.starts_with('{') { id.as_str() } else { part })
                    .collect::<Vec<_>>()
                    .join("/");
                for slug in ["alpha", "beta"] {
                    ask(
                        &pair,
                        thief,
                        method,
                        &format!("/a/{slug}{path}"),
                        "{}",
                        &[("content-type", "application/json".to_owned())],
                    )
                    .await;
                }
            }
        }
    }
    for (path, before) in lists.into_iter().zip(before) {
        assert_eq!(listed(path).await, before, "{path} of the other team changed");
    }
    let rows = pair.server.get("/a/alpha/api/v1/team/audit?before=9223372036854775807&limit=1000", thief).await;
    for row in value(rows).await.as_array().expect("rows") {
        assert_eq!(row["team"], "alpha", "{row}");
        assert!(row["at"].as_str().and_then(|at| at.parse::<Timestamp>().ok()).is_some());
    }
}
