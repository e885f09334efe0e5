//! Reports are read back from the mail server and say what the API says; the pages around them.

use std::{collections::BTreeMap, time::Duration};

use axum::{
    body::Body,
    http::{Request, StatusCode},
};
use serde_json::{Value, json};
use tallykeep_access::{AccessConfig, InstallationKey};
use tallykeep_control::{Control, TeamControl};
use tallykeep_model::{Clock, TeamSlug};
use tallykeep_notify::{MailConfig, MailSettings};
use tallykeep_reports::{Attach, Every, ReportSpec, Reports, ReportsConfig, Span, Subject, Unsubscribing, grouped};
use tallykeep_server::DomainSource;
use tallykeep_testkit::smtp::{FakeMailServer, Mail};

use crate::{
    chat, exports, packages,
    support::{As, Server, text, value},
};

const BASE: &str = "https://stats.example.org";

fn spec(subject: Subject, every: Every) -> ReportSpec {
    ReportSpec {
        name: "board".to_owned(),
        subject,
        scope: "global".to_owned(),
        every,
        team: "default".to_owned(),
        to: vec!["ann@example.org".to_owned()],
        folder: None,
        webhook: None,
        attach: vec![Attach::Csv],
    }
}

fn reports(dir: &std::path::Path, mail: &FakeMailServer, spec: ReportSpec) -> Reports {
    let config = ReportsConfig { reports: vec![spec], ..ReportsConfig::default() };
    config.check().expect("fine");
    let settings = MailConfig { server: Some(mail.address()), ..MailConfig::default() };
    let settings = MailSettings::resolve(&settings, &|_| None).expect("settings");
    let key = InstallationKey::open(dir).expect("a key");
    Reports::new(config, settings, Unsubscribing::new(key, Some(BASE))).with_retry_base(Duration::ZERO)
}

/// Sends a report of a span and answers the mail.
async fn sent(server: &Server, team: &TeamControl, spec: ReportSpec, span: &Span) -> Mail {
    let mail = FakeMailServer::start().await;
    let reports = reports(server.data_dir(), &mail, spec.clone());
    let source = DomainSource::of(&server.app, Some(BASE));
    let sent = reports.send_now(&source, team, &spec, span, &[]).await.expect("sent");
    assert!(sent.is_whole(), "{sent:?}");
    mail.mails().remove(0)
}

/// (now, before) by the name of a figure, from the attached CSV.
fn figures(mail: &Mail, file: &str) -> BTreeMap<String, (Option<i64>, Option<i64>)> {
    let text = mail.attachment(file).unwrap_or_else(|| panic!("{file} is not attached")).text();
    let mut reader = csv::Reader::from_reader(text.as_bytes());
    let rows = reader.records().map(|row| {
        let row = row.expect("a row");
        (row[3].to_owned(), (row[5].parse().ok(), row[6].parse().ok()))
    });
    rows.collect()
}

#[tokio::test]
async fn a_months_mail_of_packages_says_what_the_dashboard_says() {
    let server = packages::filled().await;
    let jobs = packages::jobs(&server).await;
    let team = server.control.team(&TeamSlug::default()).await.expect("the default team");
    let span = Span::latest(Every::Month, jobs.latest());
    let mail = sent(&server, &team, spec(Subject::Packages, Every::Month), &span).await;
    let figures = figures(&mail, &format!("board-{}.csv", span.key()));
    let document = value(server.get("/api/v1/dashboard/daily?days=730", &As::Nobody).await).await;
    let month = |end: jiff::civil::Date| {
        let months = document["monthly_download_snapshots"].as_array().expect("months");
        months.iter().find(|month| month["period_end"] == json!(end)).cloned().expect("the month")
    };
    let (now, before) = (month(span.last), month(span.before().last));
    let of = |key: &str| (now[key].as_i64(), before[key].as_i64());
    assert_eq!(figures["All downloads"], of("total"));
    assert_eq!((figures["Lance"], figures["LanceDB"]), (of("lance"), of("lancedb")));
    let mut compared = 0;
    for metric in jobs.config.metrics.iter().filter(|metric| metric.sdk.is_some()) {
        let name = format!("{} {}", jobs.config.product_title(&metric.product), metric.display_name);
        let sdk = metric.sdk.as_deref().expect("it has one");
        assert_eq!(figures[&name], of(&format!("{}_{sdk}", metric.product)), "{name}");
        compared += 1;
    }
    assert_eq!(compared, 5);
    let total = grouped(now["total"].as_i64().expect("a total"));
    let (plain, html) = (mail.text_of("text/plain").expect("a text"), mail.text_of("text/html").expect("a page"));
    assert!(plain.contains(&format!("{total}  (")) && html.contains(&format!("<b>{total}</b>")), "{plain}");
    assert!(plain.contains("More: https://stats.example.org/packages"), "{plain}");
    // A week: counted days, added up here by hand.
    let week = Span::latest(Every::Week, jobs.latest());
    let mail = sent(&server, &team, spec(Subject::Packages, Every::Week), &week).await;
    let figures = self::figures(&mail, &format!("board-{}.csv", week.key()));
    let rows = jobs.store.stats("downloads:lancedb:rust", week.first, week.last).await.expect("rows");
    assert_eq!((rows.len(), figures["LanceDB Rust"].0), (7, Some(rows.iter().map(|row| row.value).sum())));
}

#[tokio::test]
async fn a_weeks_mail_of_chats_says_what_the_tiles_say() {
    let server = chat::acme().await;
    let team = server.control.team(&"acme".parse().expect("a slug")).await.expect("the team");
    let spec = ReportSpec { team: "acme".to_owned(), ..spec(Subject::Chat, Every::Week) };
    let tiles = async |span: &Span| {
        let days = format!("date_range=custom&start_date={}&end_date={}&tz=UTC", span.first, span.last);
        chat::body(&server, &format!("/a/acme/dashboard/api/overview/?{days}")).await
    };
    // The second week of June beside the first.
    let span = Span::parse(Every::Week, "2026-W24").expect("a week");
    let mail = sent(&server, &team, spec.clone(), &span).await;
    let found = figures(&mail, "board-2026-W24.csv");
    let (now, before) = (tiles(&span).await, tiles(&span.before()).await);
    for (name, key) in [
        ("Sessions", "total_sessions"),
        ("People who wrote", "active_participants"),
        ("Messages", "total_messages"),
        ("Messages by people", "human_messages"),
        ("Messages by bots", "ai_messages"),
        ("Bots in use", "active_experiments"),
    ] {
        assert_eq!(found[name], (now[key].as_i64(), before[key].as_i64()), "{name}");
    }
    // By hand from the files: messages 1, 2, 4, 5, 6 in the first week; 8, 9, 10 in the second (13 is an archived bot's or counts there).
    assert_eq!(found["Messages"].1, Some(5));
    let text = mail.text_of("text/plain").expect("a text");
    assert!(text.contains("Chats of acme") && text.contains("Week 24 of 2026 (2026-06-08 to 2026-06-14)"), "{text}");
    assert!(!text.contains("Ana") && !text.contains("ana@x"), "no names of people: {text}");
    // The first week has nothing before it: unknown, not zero.
    let mail = sent(&server, &team, spec, &span.before()).await;
    let found = figures(&mail, "board-2026-W23.csv");
    assert_eq!(found["Messages"], (Some(5), None));
    assert!(mail.text_of("text/plain").expect("a text").contains("nothing to compare with"));
}

#[tokio::test]
async fn a_months_mail_of_the_repository_says_what_the_series_say() {
    let filled = exports::filled(|_| {}).await;
    let server = &filled.server;
    let team = server.control.team(&TeamSlug::default()).await.expect("the default team");
    let span = Span::parse(Every::Month, "2024-01").expect("a month");
    for (scope, community) in [("global", "global"), ("c1", exports::C1)] {
        let spec = ReportSpec { scope: scope.to_owned(), ..spec(Subject::Repository, Every::Month) };
        let mail = sent(server, &team, spec, &span).await;
        let file = if scope == "global" { "board-2024-01.csv".to_owned() } else { "board-c1-2024-01.csv".to_owned() };
        let found = figures(&mail, &file);
        let sum = async |stat: &str, metric: &str| {
            let params = json!({"community_id": community, "start_date": span.first, "end_date": span.last});
            let asked = json!({"q": {"stat": stat, "params": params}});
            let response = filled.post("/api/stats", &asked, &[]).await;
            let body: Value = value(response).await;
            let list = &body["q"]["global"][metric][0]["data"];
            let series = list.as_array().unwrap_or_else(|| panic!("{stat} {metric}: {body}")).clone();
            series.iter().map(|point| point[1].as_i64().expect("a number")).sum::<i64>()
        };
        for (name, stat, metric) in [
            ("Views", "usage_delta", "views"),
            ("Downloads", "usage_delta", "downloads"),
            ("Data downloaded", "usage_delta", "dataVolume"),
            ("Records added", "record_delta_data_added", "records"),
            ("Records removed", "record_delta_data_removed", "records"),
        ] {
            assert_eq!(found[name].0, Some(sum(stat, metric).await), "{scope}: {name}");
        }
        assert_eq!((found["Records added"].0, found["Records at the end"].0), (Some(2), Some(2)), "{scope}");
        assert_eq!(found["Views"].1, None, "{scope}: nothing was counted in December");
    }
    // By hand: four views and one download of 1,000 bytes.
    let mail = sent(server, &team, spec(Subject::Repository, Every::Month), &span).await;
    let found = figures(&mail, "board-2024-01.csv");
    assert_eq!((found["Views"].0, found["Downloads"].0, found["Data downloaded"].0), (Some(4), Some(1), Some(1000)));
    assert!(mail.text_of("text/plain").expect("a text").contains("More: https://stats.example.org/stats"));
    let each = ReportSpec { scope: "communities".to_owned(), ..spec(Subject::Repository, Every::Month) };
    let mail = sent(server, &team, each, &span).await;
    assert_eq!(mail.header("Subject").as_deref(), Some("Statistics of One: January 2024"));
}

/// A server that has the reports of packages, and the mail server they leave by.
async fn served() -> (Server, FakeMailServer) {
    let dir = tempfile::tempdir().expect("a folder");
    let control = Control::open(dir.path(), Clock::System).await.expect("a database");
    let mail = FakeMailServer::start().await;
    let reports = reports(dir.path(), &mail, spec(Subject::Packages, Every::Month));
    let environment = tallykeep_packages::environment::Environment::of([]);
    let service = tallykeep_packages::Packages::new(None, None, environment).expect("the shipped example");
    let server = Server::on(control, dir, AccessConfig::default(), |_, builder| builder.with(service).with(reports));
    (server, mail)
}

#[tokio::test]
async fn reports_are_listed_previewed_and_sent_by_a_job() {
    let (server, _) = served().await;
    let list = value(server.get("/api/v1/reports", &As::Nobody).await).await;
    assert_eq!((&list["reports"][0]["name"], &list["history"]), (&json!("board"), &json!([])));
    for (format, kind) in
        [("json", "application/json"), ("html", "text/html"), ("text", "text/plain"), ("csv", "text/csv")]
    {
        let path = format!("/api/v1/reports/board/preview?period=2026-02&format={format}");
        let response = server.get(&path, &As::Nobody).await;
        assert_eq!(response.status(), StatusCode::OK, "{format}");
        assert!(response.headers()["content-type"].to_str().expect("text").starts_with(kind), "{format}");
        assert!(text(response).await.contains("2026"), "{format}");
    }
    for (path, status) in [
        ("/api/v1/reports/nope/preview", StatusCode::NOT_FOUND),
        ("/api/v1/reports/board/preview?period=2026-W10", StatusCode::BAD_REQUEST),
        ("/api/v1/reports/board/preview?format=pdf", StatusCode::BAD_REQUEST),
    ] {
        assert_eq!(server.get(path, &As::Nobody).await.status(), status, "{path}");
    }
    let response = server.json("POST", "/api/v1/reports/board/send", &As::Nobody, json!({"period": "2026-02"})).await;
    assert_eq!(response.status(), StatusCode::ACCEPTED);
    let body: Value = serde_json::from_str(&text(response).await).expect("JSON");
    let team = server.control.team(&TeamSlug::default()).await.expect("the default team");
    let job = team.job(body["job"].as_str().expect("an id")).await.expect("asked").expect("queued");
    assert_eq!((job.kind.as_str(), &job.args), ("reports.send", &json!({"report": "board", "period": "2026-02"})));
}

#[tokio::test]
async fn a_team_sets_up_reports_of_its_own_and_they_leave_by_mail() {
    let (server, mail) = served().await;
    let put = |name: &'static str, body: Value| server.json("PUT", name, &As::Nobody, body);
    let fine = json!({"of": "packages", "every": "month", "to": ["bob@example.org"], "attach": ["csv"]});
    for (path, body, field) in [
        ("/api/v1/reports/own", json!({"of": "packages", "every": "month", "to": []}), "to"),
        ("/api/v1/reports/own", json!({"of": "packages", "every": "month", "to": ["nobody"]}), "to"),
        ("/api/v1/reports/own", json!({"of": "packages", "every": "month", "to": ["a@b.org"], "scope": "c1"}), "scope"),
        ("/api/v1/reports/own", json!({"of": "repository", "every": "month", "to": ["a@b.org"], "scope": "c1"}), "of"),
        ("/api/v1/reports/o%20n", fine.clone(), "name"),
    ] {
        let response = put(path, body.clone()).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{body}");
        let answer: Value = serde_json::from_str(&text(response).await).expect("JSON");
        assert_eq!(answer["field"], field, "{answer}");
    }
    // A file on the server's disk, or a request from inside its network, is not a team's to ask for.
    for (key, value) in [("folder", json!("/tmp/x")), ("webhook", json!("https://example.org/"))] {
        let mut body = fine.clone();
        body[key] = value;
        assert!(put("/api/v1/reports/own", body).await.status().is_client_error(), "{key}");
    }
    assert_eq!(put("/api/v1/reports/board", fine.clone()).await.status(), StatusCode::CONFLICT);
    value(put("/api/v1/reports/own", fine).await).await;
    let list = value(server.get("/api/v1/reports", &As::Nobody).await).await;
    let named: Vec<_> =
        list["reports"].as_array().expect("a list").iter().map(|r| (&r["name"], &r["configured"])).collect();
    assert_eq!(named, [(&json!("board"), &json!(true)), (&json!("own"), &json!(false))]);
    assert_eq!(list["mail"], true);

    let team = server.control.team(&TeamSlug::default()).await.expect("the default team");
    let reports = server.app.service::<Reports>().expect("the reports");
    let source = DomainSource::of(&server.app, None);
    let spec = reports.find(&team, "own").await.expect("it is there");
    let span = Span::parse(Every::Month, "2026-02").expect("a month");
    reports.send_now(&source, &team, &spec, &span, &[]).await.expect("sent");
    assert_eq!(mail.mails().iter().map(|mail| mail.to.clone()).collect::<Vec<_>>(), [["bob@example.org".to_owned()]]);

    let gone =
        async |name: &str| server.json("DELETE", &format!("/api/v1/reports/{name}"), &As::Nobody, json!({})).await;
    assert_eq!(gone("board").await.status(), StatusCode::CONFLICT);
    assert_eq!(gone("own").await.status(), StatusCode::NO_CONTENT);
    assert_eq!(gone("own").await.status(), StatusCode::NOT_FOUND);
    let list = value(server.get("/api/v1/reports", &As::Nobody).await).await;
    assert_eq!(list["reports"].as_array().map(Vec::len), Some(1));
    assert_eq!(list["history"][0]["report"], "own", "what was sent stays told");
}

#[tokio::test]
async fn a_signed_link_ends_one_subscription_and_looking_at_it_ends_none() {
    let (server, mail) = served().await;
    let team = server.control.team(&TeamSlug::default()).await.expect("the default team");
    let reports = server.app.service::<Reports>().expect("the reports");
    let link = reports.unsubscribing().link("default", "board", "ann@example.org").expect("a link");
    let path = link.strip_prefix(BASE).expect("our address").to_owned();
    let page = server.get(&path, &As::Nobody).await;
    assert_eq!(page.status(), StatusCode::OK);
    assert!(text(page).await.contains("ann@example.org gets the report"));
    assert!(team.report_unsubscribed(None).await.expect("asked").is_empty(), "mail programs look at links");
    let post = async |path: &str| {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        server.send(request.body(Body::from("List-Unsubscribe=One-Click")).expect("a request")).await
    };
    // Cut off, for another address, for another report: refused.
    for wrong in [
        path[..path.len() - 3].to_owned(),
        path.replace("ann", "bob"),
        path.replace("report=board", "report=other"),
        "/reports/unsubscribe".to_owned(),
    ] {
        assert_eq!(post(&wrong).await.status(), StatusCode::FORBIDDEN, "{wrong}");
        assert_eq!(server.get(&wrong, &As::Nobody).await.status(), StatusCode::FORBIDDEN, "{wrong}");
    }
    assert!(team.report_unsubscribed(None).await.expect("asked").is_empty());
    assert_eq!(post(&path).await.status(), StatusCode::OK, "without a cookie, as mail programs do");
    let gone = team.report_unsubscribed(Some("board")).await.expect("asked");
    assert_eq!(gone.iter().map(|entry| entry.address.as_str()).collect::<Vec<_>>(), ["ann@example.org"]);
    let sent = reports.send_due(&DomainSource::of(&server.app, None), &team).await.expect("looked");
    assert_eq!((sent.unsubscribed, mail.mails().len()), (1, 0));
}
