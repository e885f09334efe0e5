//! Spec/invenio §3 over HTTP, number by number.

use std::time::Duration;

use serde_json::{Value, json};
use tallykeep_access::AccessConfig;
use tallykeep_control::Control;
use tallykeep_lake::Lake;
use tallykeep_model::{Clock, TeamSlug};
use tallykeep_repository::{Config, Repository, aggregate::AggregateRequest, import::ImportRequest};
use tallykeep_testkit::worked_example::{NOW, cases, communities, memberships, records, usage};

use crate::support::{As, Server, value};

#[tokio::test]
async fn the_api_answers_the_numbers_of_the_worked_example() {
    let dir = tempfile::tempdir().expect("a folder");
    let lines = |name: &str, documents: Vec<Value>| {
        let path = dir.path().join(name);
        std::fs::write(&path, documents.iter().map(|d| format!("{d}\n")).collect::<String>()).expect("written");
        vec![path]
    };
    let request = ImportRequest {
        records: lines("records.ndjson", records()),
        communities: lines("communities.ndjson", communities()),
        community_events: lines("community_events.ndjson", memberships()),
        usage_events: lines("usage_events.ndjson", usage()),
        dry_run: false,
    };
    let data = tempfile::tempdir().expect("a folder");
    let control = Control::open(data.path(), Clock::Fixed(NOW.parse().expect("an instant"))).await.expect("a database");
    let lake = Lake::open(&data.path().join("lake"), Duration::from_secs(60)).expect("a lake");
    let settings = Config::default().settings().expect("default settings");
    let repository = Repository::new(control.clone(), lake, settings);
    let team = repository.of(control.team(&TeamSlug::default()).await.expect("the default team"));
    team.import(&request, &mut |_| true).await.expect("imported");
    let result = team.aggregate(&AggregateRequest::default(), "test", &mut |_| true).await.expect("aggregated");
    assert_eq!(result.status, "completed");
    let server = Server::on(control, data, AccessConfig::default(), |_, builder| builder.with(repository));
    let mut compared = 0;
    for case in cases() {
        let body = json!({"asked": {"stat": case.query, "params": case.params()}});
        let answer = value(server.json("POST", "/api/stats", &As::Nobody, body).await).await;
        compared += case.check(&answer["asked"]);
    }
    println!("{compared} numbers compared");
}
