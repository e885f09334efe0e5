//! Chat over HTTP: 400s that name, what is kept, presets, exports, live events, teams apart.

use std::sync::OnceLock;

use axum::{
    body::{Body, HttpBody},
    http::{Request, StatusCode, header},
};
use serde_json::{Value, json};
use tallykeep_access::{AccessConfig, Role, TokenScope};
use tallykeep_chat::{
    interchange::{ImportOptions, import},
    service::{Chat, ChatConfig},
};
use tallykeep_lake::Lake;

use crate::support::{As, Server, text};

pub const JUNE: &str = "date_range=custom&start_date=2026-06-01&end_date=2026-06-14";

/// The worked example of spec/chat §3, as files.
const FILES: &[(&str, &str)] = &[
    ("teams", "id,slug\n10,acme\n"),
    ("experiments", "id,team_id,name,is_archived,working_version_id\n1,10,Helper,false,\n2,10,Seller,false,\n3,10,Old Bot,true,\n"),
    ("channels", "id,team_id,experiment_id,platform,deleted\n1,10,,web,false\n2,10,1,telegram,false\n3,10,3,telegram,false\n4,10,2,slack,false\n"),
    ("participants", "id,team_id,name,identifier,platform\n1,10,Ana,ana@x,web\n2,10,,ben@x,telegram\n3,10,Cy,cy@x,web\n"),
    (
        "sessions",
        "id,team_id,experiment_id,participant_id,platform,status,created_at,ended_at
101,10,1,1,web,complete,2026-06-02T09:00:00Z,2026-06-02T09:30:00Z
102,10,1,2,telegram,active,2026-06-03T23:50:00Z,
103,10,2,1,web,complete,2026-06-09T10:00:00Z,2026-06-09T11:40:00Z
104,10,1,1,web,setup,2026-06-05T10:00:00Z,
105,10,1,3,evaluations,active,2026-06-05T10:00:00Z,
106,10,3,2,telegram,active,2026-06-10T08:00:00Z,
",
    ),
    (
        "messages",
        "id,session_id,type,created_at
1,101,human,2026-06-02T09:00:00Z
2,101,ai,2026-06-02T09:01:00Z
3,101,system,2026-06-02T09:02:00Z
4,101,human,2026-06-02T09:20:00Z
5,102,human,2026-06-03T23:55:00Z
6,102,ai,2026-06-04T00:05:00Z
7,102,human,2026-06-15T00:00:00Z
8,103,ai,2026-06-09T10:00:00Z
9,103,human,2026-06-09T10:30:00Z
10,103,ai,2026-06-09T10:31:00Z
11,104,human,2026-06-05T10:00:00Z
12,105,human,2026-06-05T10:00:00Z
13,106,ai,2026-06-10T08:00:00Z
",
    ),
    ("tags", "id,team_id,name,category\n1,10,billing,\n2,10,timeout,error\n3,10,v2,experiment_version\n5,10,other,\n"),
    ("tag_links", "team_id,tag_id,target_kind,target_id\n10,1,message,1\n10,1,message,4\n10,2,message,9\n10,3,message,1\n10,1,chat,102\n"),
    ("traces", "id,session_id,experiment_id,timestamp,duration_ms\n1,101,1,2026-06-02T09:01:00Z,1200\n2,101,1,2026-06-02T09:20:00Z,800\n3,103,2,2026-06-09T10:31:00Z,3456\n"),
    (
        "usage",
        "team_id,source,service_kind,provider_type,model_name,quantity,cost,confidence,experiment_id,session_id,participant_id,trace_id,priced,timestamp
10,chat,llm_input,openai,m-small,1000,0.10,exact,1,101,1,1,true,2026-06-02T09:01:00Z
10,chat,llm_output,openai,m-small,400,0.30,exact,1,101,1,2,true,2026-06-02T09:20:00Z
10,chat,llm_output,anthropic,m-big,200,0.50,estimated,2,103,1,3,true,2026-06-09T10:31:00Z
10,evaluation,llm_output,openai,m-small,800,0.25,exact,1,105,3,,true,2026-06-05T10:00:00Z
10,chat,llm_output,openai,m-small,500,0.40,exact,1,101,1,,true,2026-05-20T09:00:00Z
",
    ),
];

/// A server with team `acme` in it.
pub async fn acme() -> Server {
    let config = AccessConfig { requests_per_minute: 0, requests_per_minute_signed_in: 0, ..AccessConfig::default() };
    let lake_dir: OnceLock<tempfile::TempDir> = OnceLock::new();
    let mut lake = None;
    let server = Server::with_control(config, |control, builder| {
        let dir = lake_dir.get_or_init(|| tempfile::tempdir().expect("a folder"));
        let opened = Lake::open(&dir.path().join("lake"), std::time::Duration::from_secs(60)).expect("a lake");
        lake = Some(opened.clone());
        builder.with(Chat::new(control.clone(), opened, ChatConfig::default()))
    })
    .await;
    // The lake outlives the test on purpose: the operating system clears temporary folders.
    std::mem::forget(lake_dir);
    let files = tempfile::tempdir().expect("a folder");
    for (name, content) in FILES {
        std::fs::write(files.path().join(format!("{name}.csv")), content).expect("written");
    }
    put(&server, files.path()).await;
    let team = server.control.team(&"acme".parse().expect("a slug")).await.expect("the team");
    team.set_setting("cost_tracking", json!(true)).await.expect("set");
    server
}

async fn put(server: &Server, files: &std::path::Path) {
    let chat = server.app.service::<Chat>().expect("chat");
    let report =
        import(chat.control(), chat.lake(), files, &ImportOptions::default(), &mut |_| ()).await.expect("imported");
    assert_eq!(report.total.rejected, 0, "{report:?}");
}

async fn add_message(server: &Server, id: i64, at: &str) {
    let files = tempfile::tempdir().expect("a folder");
    let line = format!("id,session_id,type,created_at\n{id},101,human,{at}\n");
    std::fs::write(files.path().join("messages.csv"), line).expect("written");
    put(server, files.path()).await;
}

pub async fn body(server: &Server, path: &str) -> Value {
    let response = server.get(path, &As::Nobody).await;
    let status = response.status();
    let text = text(response).await;
    assert_eq!(status, StatusCode::OK, "{path}: {text}");
    serde_json::from_str(&text).expect("JSON")
}

async fn form(server: &Server, path: &str, fields: &str, who: &As) -> (StatusCode, axum::http::HeaderMap, String) {
    let request = who.sign(Request::post(path)).header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let response = server.send(request.body(Body::from(fields.to_owned())).expect("a request")).await;
    (response.status(), response.headers().clone(), text(response).await)
}

#[tokio::test]
async fn the_worked_example_is_served_and_says_where_it_came_from() {
    let server = acme().await;
    let path = format!("/a/acme/dashboard/api/overview/?{JUNE}");
    assert_eq!(body(&server, &path).await["total_messages"], 9);
    let response = server.get(&path, &As::Nobody).await;
    assert_eq!(
        (response.headers()["x-cache"].as_bytes(), response.headers().contains_key(header::AGE)),
        (&b"hit"[..], true)
    );
    let response = server.get(&format!("{path}&refresh=1"), &As::Nobody).await;
    assert_eq!(response.headers()["x-cache"], "miss");
    // The path without a team means `default`, which has nothing.
    assert_eq!(body(&server, &format!("/dashboard/api/overview?{JUNE}")).await["total_messages"], 0);
    let bots = body(&server, &format!("/a/acme/dashboard/api/bot-performance/?{JUNE}&page_size=1&order_by=cost")).await;
    assert_eq!(
        (bots["results"][0]["experiment_name"].as_str(), bots["total_pages"].as_u64()),
        (Some("Seller"), Some(2))
    );
    let panel = server.get(&format!("/a/acme/dashboard/api/cost-tracking-panel/?{JUNE}"), &As::Nobody).await;
    assert!(text(panel).await.contains("1.15"));
    let link = server.get("/a/acme/chatbots/1/", &As::Nobody).await;
    assert_eq!(link.headers()[header::LOCATION], "/a/acme/dashboard/?experiments=1");
    let link =
        server.get("/a/acme/chatbots/sessions/?f_tags=billing&op_tags=any+of&f_experiment=1~2", &As::Nobody).await;
    assert_eq!(link.headers()[header::LOCATION], "/a/acme/dashboard/?tags=1&experiments=1&experiments=2");
}

#[tokio::test]
async fn wrong_values_are_400s_that_name_field_and_value() {
    let server = acme().await;
    for (path, field, value) in [
        ("overview/?tz=Mars", "tz", "Mars"),
        ("overview/?experiments=3", "experiments", "`3`"),
        ("overview/?date_range=custom", "__all__", "both"),
        ("message-volume/?granularity=yearly", "granularity", "yearly"),
        ("bot-performance/?page=0", "page", "`0`"),
        ("bot-performance/?page_size=x", "page_size", "`x`"),
        ("user-engagement/?limit=-1", "limit", "`-1`"),
        ("overview/?q=platform+%3D+fax", "q", "at character 12"),
        ("overview/?saved=none", "saved", "`none`"),
        ("version-comparison/?experiment=99", "experiment", "`99`"),
        ("snapshots/?start_date=x", "start_date", "`x`"),
        ("live/?charts=none", "charts", "`none`"),
    ] {
        let response = server.get(&format!("/a/acme/dashboard/api/{path}"), &As::Nobody).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{path}");
        let answer: Value = serde_json::from_str(&text(response).await).expect("JSON");
        assert_eq!(answer["success"], false);
        assert!(answer["errors"][field][0].as_str().is_some_and(|reason| reason.contains(value)), "{path}: {answer}");
    }
}

#[tokio::test]
async fn presets_belong_to_their_owner() {
    let server = acme().await;
    let (status, _, saved) = form(
        &server,
        "/a/acme/dashboard/filters/save/",
        "name=Mine&is_default=on&filter_data=%7B%22tags%22%3A1%7D",
        &As::Nobody,
    )
    .await;
    assert_eq!(status, StatusCode::OK, "{saved}");
    let id = serde_json::from_str::<Value>(&saved).expect("JSON")["filter_id"].as_i64().expect("an id");
    let saved = server
        .json("POST", "/a/acme/dashboard/filters/save/", &As::Nobody, json!({"name": "Other", "filter_data": {"a": 1}}))
        .await;
    assert_eq!(saved.status(), StatusCode::OK);
    let list = body(&server, "/a/acme/dashboard/filters/").await;
    assert_eq!(
        (list[0]["name"].as_str(), list[0]["is_default"].as_bool(), list[1]["name"].as_str()),
        (Some("Mine"), Some(true), Some("Other"))
    );
    assert_eq!(
        body(&server, &format!("/a/acme/dashboard/filters/load/{id}/")).await,
        json!({"success": true, "filter_data": {"tags": 1}})
    );
    for (fields, field) in [
        ("filter_data=%7B%7D", "name"),
        ("name=x&filter_data=%7B", "filter_data"),
        ("name=x&filter_data=%5B%5D", "filter_data"),
    ] {
        let (status, _, answer) = form(&server, "/a/acme/dashboard/filters/save/", fields, &As::Nobody).await;
        assert_eq!(status, StatusCode::BAD_REQUEST);
        assert!(serde_json::from_str::<Value>(&answer).expect("JSON")["errors"].get(field).is_some(), "{answer}");
    }
    // Another team's preset, and one that does not exist, read alike.
    for path in [format!("/a/default/dashboard/filters/load/{id}/"), "/a/acme/dashboard/filters/load/999/".to_owned()] {
        let response = server.get(&path, &As::Nobody).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND);
        assert_eq!(text(response).await, r#"{"success":false,"error":"Filter not found"}"#);
    }
    let wrong = server.get(&format!("/a/acme/dashboard/filters/delete/{id}/"), &As::Nobody).await;
    assert_eq!(wrong.status(), StatusCode::METHOD_NOT_ALLOWED);
    let gone = server
        .send(
            Request::delete(format!("/a/acme/dashboard/filters/delete/{id}/")).body(Body::empty()).expect("a request"),
        )
        .await;
    assert_eq!(text(gone).await, r#"{"success":true,"message":"Filter deleted successfully"}"#);
}

#[tokio::test]
async fn exports_are_files_without_names() {
    let server = acme().await;
    let filter = "%7B%22date_range%22%3A%22custom%22%2C%22start_date%22%3A%222026-06-01%22%2C%22end_date%22%3A%222026-06-14%22%7D";
    let export = async |fields: &str| form(&server, "/a/acme/dashboard/export/", fields, &As::Nobody).await;
    let (status, headers, csv) =
        export(&format!("chart_type=message_volume&export_format=csv&include_filters=on&filter_data={filter}")).await;
    assert_eq!((status, headers[header::CONTENT_TYPE].as_bytes()), (StatusCode::OK, &b"text/csv"[..]));
    let name = headers[header::CONTENT_DISPOSITION].to_str().expect("text");
    assert!(name.starts_with("attachment; filename=\"message_volume_") && name.ends_with(".csv\""), "{name}");
    assert!(csv.starts_with("Date,Human Messages,AI Messages,Total Messages\r\n2026-06-02,2,1,3\r\n"), "{csv}");
    for (chart, head) in [
        ("overview", "Metric,Value\r\nTotal Experiments,2\r\n"),
        ("active_participants", "date,active_participants\r\n2026-06-02,1\r\n"),
        ("session_analytics", "Date,Total Sessions,Unique Participants\r\n2026-06-02,1,1\r\n"),
        (
            "bot_performance",
            "Experiment Name,Participants,Sessions,Messages,Avg Session Duration,Completion Rate,Avg Messages/Session\r\nHelper,2,2,5,30.0,0.5,2.5\r\n",
        ),
        ("channel_breakdown", "Platform,Sessions,Messages,Participants\r\ntelegram,2,3,1\r\n"),
        ("tag_analytics", "Category,Tag,Count\r\nError,timeout,1\r\n"),
        ("average_response_time", "Date,Avg Response Time (sec)\r\n2026-06-02,1.0\r\n"),
    ] {
        let (_, _, csv) =
            export(&format!("chart_type={chart}&export_format=csv&include_filters=1&filter_data={filter}")).await;
        assert!(csv.starts_with(head), "{chart}: {csv}");
    }
    let (_, _, people) = export(&format!(
        "chart_type=user_engagement&export_format=csv&include_filters=on&envelope=1&filter_data={filter}"
    ))
    .await;
    assert!(people.starts_with("# start: 2026-06-01T00:00:00+00:00\r\n"), "{people}");
    assert!(people.contains("participant-") && !people.contains("Ana") && !people.contains("ben@x"), "{people}");
    let (_, _, json) =
        export(&format!("chart_type=overview&export_format=json&include_filters=on&filter_data={filter}")).await;
    assert!(json.starts_with("{\n  \"total_experiments\": 2,\n"), "{json}");
    for format in ["png", "pdf"] {
        let (status, _, answer) = export(&format!("chart_type=overview&export_format={format}")).await;
        assert_eq!(status, StatusCode::NOT_IMPLEMENTED);
        assert_eq!(
            answer,
            format!(r#"{{"success":false,"error":"{} export not yet implemented"}}"#, format.to_uppercase())
        );
    }
    for (fields, field) in [
        ("chart_type=pie&export_format=csv", "chart_type"),
        ("chart_type=overview&export_format=doc", "export_format"),
        ("chart_type=overview&export_format=csv&include_filters=on&filter_data=%7B", "filter_data"),
        (
            "chart_type=overview&export_format=csv&include_filters=on&filter_data=%7B%22experiments%22%3A%5B99%5D%7D",
            "experiments",
        ),
    ] {
        let (status, _, answer) = export(fields).await;
        assert_eq!(status, StatusCode::BAD_REQUEST, "{fields}");
        assert!(serde_json::from_str::<Value>(&answer).expect("JSON")["errors"].get(field).is_some(), "{answer}");
    }
    let rows = server
        .control
        .audit_rows(&tallykeep_control::AuditFilter {
            action: Some("chat.export".to_owned()),
            limit: 100,
            ..Default::default()
        })
        .await
        .expect("rows");
    assert_eq!(rows.len(), 10);
    assert!(rows.iter().all(|row| row.team.as_deref() == Some("acme") && row.filter_hash.is_some()));
}

#[tokio::test]
async fn with_users_only_members_read_and_writes_need_the_token_of_the_page() {
    let server = acme().await;
    let (member, stranger) = (server.quick_user("m@x.org", false).await, server.quick_user("s@x.org", false).await);
    server.member("acme", &member, Role::Viewer).await;
    let (member, stranger) = (server.session(&member).await, server.session(&stranger).await);
    let path = format!("/a/acme/dashboard/api/user-engagement/?{JUNE}");
    let redirected = server.get(&path, &As::Nobody).await;
    assert!(
        redirected.headers()[header::LOCATION].to_str().is_ok_and(|to| to.contains("next=%2Fa%2Facme%2Fdashboard"))
    );
    let json_client = server
        .send(Request::get(&path).header(header::ACCEPT, "application/json").body(Body::empty()).expect("a request"))
        .await;
    assert_eq!(json_client.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(server.get(&path, &stranger).await.status(), StatusCode::NOT_FOUND);
    assert_eq!(server.get("/a/nowhere/dashboard/api/overview/", &stranger).await.status(), StatusCode::NOT_FOUND);
    assert!(text(server.get(&path, &member).await).await.contains("Ana"));
    assert_eq!(
        server.get(&path, &server.token("acme", TokenScope::Ingest, None).await).await.status(),
        StatusCode::FORBIDDEN
    );
    // A preset is the member's own business, but not without the page's token.
    let As::Cookie { secret, .. } = &member else { unreachable!("a session") };
    let unsigned = Request::post("/a/acme/dashboard/filters/save/")
        .header(header::COOKIE, format!("tallykeep_session={secret}"))
        .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded");
    let refused = server.send(unsigned.body(Body::from("name=x")).expect("a request")).await;
    assert_eq!(refused.status(), StatusCode::FORBIDDEN);
    assert_eq!(form(&server, "/a/acme/dashboard/filters/save/", "name=x", &member).await.0, StatusCode::OK);
    assert_eq!(
        form(&server, "/a/acme/dashboard/searches/save/", "name=x&expression=completed", &member).await.0,
        StatusCode::FORBIDDEN
    );
    assert_eq!(
        form(
            &server,
            "/a/acme/dashboard/export/",
            "chart_type=user_engagement&export_format=csv&real_names=on",
            &member
        )
        .await
        .0,
        StatusCode::FORBIDDEN
    );
}

#[tokio::test]
async fn searches_are_saved_used_and_refused_with_their_character() {
    let server = acme().await;
    let (status, _, answer) =
        form(&server, "/a/acme/dashboard/searches/save/", "name=bills&expression=tag+%3D+billing", &As::Nobody).await;
    assert_eq!(status, StatusCode::OK, "{answer}");
    let by_search = body(&server, &format!("/a/acme/dashboard/api/overview/?{JUNE}&saved=bills")).await;
    assert_eq!(by_search, body(&server, &format!("/a/acme/dashboard/api/overview/?{JUNE}&tags=1")).await);
    let (status, _, answer) =
        form(&server, "/a/acme/dashboard/searches/save/", "name=x&expression=tag+%3D+nothing", &As::Nobody).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer.contains("at character 7: this team has no tag `nothing`"), "{answer}");
    let list = body(&server, "/a/acme/dashboard/searches/").await;
    assert_eq!((list[0]["name"].as_str(), list[0]["expression"].as_str()), (Some("bills"), Some("tag = billing")));
    let options = body(&server, "/a/acme/dashboard/api/filter-options/?search=an").await;
    assert_eq!(options["experiments"], json!([{"id": 1, "name": "Helper"}, {"id": 2, "name": "Seller"}]));
    assert_eq!(options["participants"], json!([{"id": 1, "name": "Ana", "platform": "web"}]));
    assert_eq!((options["cost_tracking"].as_bool(), options["tags"].as_array().map(Vec::len)), (Some(true), Some(3)));
}

/// Reads events until one has arrived.
async fn event(body: &mut Body) -> Value {
    let mut text = String::new();
    loop {
        let frame = std::future::poll_fn(|context| std::pin::Pin::new(&mut *body).poll_frame(context)).await;
        let data = frame.expect("the stream goes on").expect("no error").into_data().expect("data");
        text.push_str(&String::from_utf8_lossy(&data));
        if let Some(line) = text.lines().find_map(|line| line.strip_prefix("data: ")).filter(|_| text.ends_with("\n\n"))
        {
            return serde_json::from_str(line).expect("JSON");
        }
    }
}

#[tokio::test]
async fn live_events_carry_what_changed_and_a_reconnect_ends_equal() {
    let server = acme().await;
    let filters = [JUNE.to_owned(), format!("{JUNE}&experiments=1"), format!("{JUNE}&channels=telegram")];
    let open = async |filter: &str| {
        let response = server.get(&format!("/a/acme/dashboard/api/live?{filter}"), &As::Nobody).await;
        assert_eq!(response.headers()[header::CONTENT_TYPE], "text/event-stream");
        response.into_body()
    };
    let mut seen = Vec::new();
    let mut streams = Vec::new();
    for filter in &filters {
        let mut stream = open(filter).await;
        seen.push(event(&mut stream).await["charts"].clone());
        streams.push(stream);
    }
    assert_eq!(seen[0].as_object().map(serde_json::Map::len), Some(14));
    add_message(&server, 100, "2026-06-11T09:00:00Z").await;
    let started = std::time::Instant::now();
    let changed = event(&mut streams[0]).await["charts"].clone();
    assert!(started.elapsed() < std::time::Duration::from_secs(2), "{:?}", started.elapsed());
    assert_eq!((changed["overview"]["total_messages"].as_u64(), changed.get("cost_summary")), (Some(10), None));
    // The second viewer loses the connection, misses a message, and comes back.
    streams[1] = Body::empty();
    add_message(&server, 101, "2026-06-11T09:30:00Z").await;
    streams[1] = open(&filters[1]).await;
    seen[1] = event(&mut streams[1]).await["charts"].clone();
    let merge = |seen: &mut Value, changed: Value| {
        let Value::Object(changed) = changed else { return };
        seen.as_object_mut().expect("charts").extend(changed);
    };
    merge(&mut seen[0], changed);
    let changed = event(&mut streams[0]).await["charts"].clone();
    merge(&mut seen[0], changed);
    for (filter, seen) in filters.iter().zip(&seen) {
        for (chart, value) in seen.as_object().expect("charts") {
            let path = format!("/a/acme/dashboard/api/{}/?{filter}&refresh=1", chart.replace('_', "-"));
            assert_eq!(*value, body(&server, &path).await, "{path}");
        }
    }
}
