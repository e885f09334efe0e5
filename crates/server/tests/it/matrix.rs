//! Every route × everybody: the answers are a checked-in table, `matrix.txt`.
//!
//! A cell is `ok` when the guard let the caller through to the handler, else the status it answered. To add a route's line:
//! run this test with `TALLYKEEP_WRITE_MATRIX=1`, read what changed, commit it.

use std::fmt::Write as _;

use axum::{body::Body, http::Request};
use jiff::SignedDuration;
use serde_json::json;
use tallykeep_access::{AccessConfig, Decision, Role, TokenScope};
use tallykeep_control::{Control, Person};
use tallykeep_model::Clock;
use tallykeep_server::{Refused, routes};

use crate::support::{As, Server};

enum Caller {
    Fixed(As),
    /// A new session for every request: some routes end it.
    Fresh(Person),
}

const TABLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/matrix.txt");

#[tokio::test]
async fn every_route_answers_everybody_as_the_table_says() {
    let config = AccessConfig { requests_per_minute: 0, requests_per_minute_signed_in: 0, ..AccessConfig::default() };
    let server = Server::with(config, |builder| builder).await;
    let table = table(&server).await;
    if std::env::var_os("TALLYKEEP_WRITE_MATRIX").is_some() {
        std::fs::write(TABLE, &table).expect("written");
    }
    compare(&table);
}

/// The same table with PostgreSQL as the control database.
#[tokio::test]
async fn on_postgresql_the_table_is_the_same() {
    let Some(cluster) = tallykeep_testkit::postgres::Cluster::start() else { return };
    let control = Control::open_url(&cluster.database("matrix"), Clock::System).await.expect("a database");
    let config = AccessConfig { requests_per_minute: 0, requests_per_minute_signed_in: 0, ..AccessConfig::default() };
    let server = Server::on(control, tempfile::tempdir().expect("a folder"), config, |_, builder| builder);
    compare(&table(&server).await);
}

async fn table(server: &Server) -> String {
    let callers = callers(server).await;
    let mut table = String::new();
    let names: Vec<_> = callers.iter().map(|(name, _)| *name).collect();
    let _ = writeln!(table, "{:<58} {} why strangers may", "route", names.join(" "));
    for route in routes::all() {
        for method in route.methods() {
            let mut line = format!("{:<58}", format!("{method} {}", route.path()));
            let (mut for_nobody, mut for_strangers) = (false, false);
            for (name, caller) in &callers {
                let who = match caller {
                    Caller::Fixed(who) => who.clone(),
                    Caller::Fresh(person) => server.session(person).await,
                };
                let cell = cell(server, method, route.path(), &who).await;
                for_nobody |= *name == "anonymous" && cell == "ok";
                for_strangers |= name.starts_with("other-") && cell == "ok";
                let _ = write!(line, " {cell:<width$}", width = name.len());
            }
            let reason = match route.decision() {
                Decision::Anyone { reason } => reason,
                Decision::SignedIn => "about oneself only",
                _ => "",
            };
            assert!(!reason.is_empty() || !(for_nobody || for_strangers), "{line}: let in without a reason");
            let _ = writeln!(table, "{line} {reason}");
        }
    }
    table.lines().map(|line| line.trim_end().to_owned() + "\n").collect()
}

fn compare(table: &str) {
    let expected = std::fs::read_to_string(TABLE).expect("the table");
    let missing: Vec<_> = table.lines().filter(|line| !expected.lines().any(|other| other == *line)).collect();
    let gone: Vec<_> = expected.lines().filter(|line| !table.lines().any(|other| other == *line)).collect();
    assert!(
        missing.is_empty() && gone.is_empty(),
        "not in matrix.txt:\n{}\nonly in matrix.txt:\n{}",
        missing.join("\n"),
        gone.join("\n")
    );
}

async fn callers(server: &Server) -> Vec<(&'static str, Caller)> {
    server.team("other").await;
    let mut people = Vec::new();
    for (name, role) in [("viewer", Role::Viewer), ("editor", Role::Editor), ("admin", Role::Admin)] {
        let person = server.quick_user(&format!("{name}@example.org"), false).await;
        server.member("default", &person, role).await;
        people.push((name, Caller::Fresh(person)));
    }
    let root = server.quick_user("root@example.org", true).await;
    let stranger = server.quick_user("stranger@example.org", false).await;
    server.member("other", &stranger, Role::Admin).await;
    let gone = server.session(&root).await;
    server.control.end_sessions_of(root.id, None).await.expect("ended");
    let mut callers = vec![("anonymous", Caller::Fixed(As::Nobody))];
    callers.extend(people);
    callers.push(("instance", Caller::Fresh(root)));
    callers.push(("other-admin", Caller::Fresh(stranger)));
    callers.push(("revoked", Caller::Fixed(gone)));
    for (name, team, scope, life) in [
        ("t-read", "default", TokenScope::Read, None),
        ("t-ingest", "default", TokenScope::Ingest, None),
        ("t-admin", "default", TokenScope::Admin, None),
        ("other-token", "other", TokenScope::Admin, None),
        ("t-expired", "default", TokenScope::Admin, Some(SignedDuration::from_secs(-1))),
    ] {
        callers.push((name, Caller::Fixed(server.token(team, scope, life).await)));
    }
    callers
}

async fn cell(server: &Server, method: &str, path: &str, who: &As) -> String {
    let path = fill(path);
    let request = who.sign(Request::builder().method(method).uri(&path)).header("content-type", "application/json");
    let body = if method == "GET" { Body::empty() } else { Body::from(json!({}).to_string()) };
    let response = server.send(request.body(body).expect("a request")).await;
    match response.extensions().get::<Refused>() {
        Some(Refused) => response.status().as_u16().to_string(),
        None => "ok".to_owned(),
    }
}

/// A path with something in every parameter that nothing has.
pub fn fill(path: &str) -> String {
    let parts = path.split('/').map(|part| if part.starts_with('{') { "999999" } else { part });
    parts.collect::<Vec<_>>().join("/")
}
