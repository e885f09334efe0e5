//! Which communities count (spec/invenio §16.8).

use serde_json::{Value, json};
use tallykeep_repository::{
    TeamRepository, aggregate::AggregateRequest, dashboards::EnableRequest, import::ImportRequest,
};

use crate::support::{House, import};

const IDS: [&str; 3] = [
    "11111111-1111-4111-8111-111111111111",
    "22222222-2222-4222-8222-222222222222",
    "33333333-3333-4333-8333-333333333333",
];

/// Three communities with one record each: one that is switched on, one that is switched off, one that says nothing.
async fn three(opt_in: bool) -> (House, TeamRepository) {
    let house = House::with("2026-03-10T12:00:00Z", |settings| settings.opt_in = opt_in).await;
    let repository = house.team().await;
    let flags = [json!({"stats:dashboard_enabled": true}), json!({"stats:dashboard_enabled": false}), json!({})];
    let communities: Vec<Value> = IDS
        .iter()
        .zip(flags)
        .zip(["on", "off", "silent"])
        .map(|((id, flag), slug)| json!({"id": id, "slug": slug, "created": "2026-01-01T00:00:00Z", "custom_fields": flag}))
        .collect();
    let records: Vec<Value> = IDS
        .iter()
        .enumerate()
        .map(|(n, id)| {
            json!({"id": format!("r{n}"), "parent": {"id": format!("p{n}"), "communities": {"ids": [id]}},
                   "created": "2026-03-01T08:00:00Z", "is_published": true, "files": {"enabled": false}})
        })
        .collect();
    let request = ImportRequest {
        records: vec![house.lines("records.ndjson", &records)],
        communities: vec![house.lines("communities.ndjson", &communities)],
        ..ImportRequest::default()
    };
    import(&repository, &request).await;
    // The first run writes the membership events.
    run(&repository).await;
    (house, repository)
}

async fn run(repository: &TeamRepository) {
    repository.aggregate(&AggregateRequest::default(), "test", &mut |_| true).await.expect("it runs");
}

/// The scopes that have documents, by slug.
async fn counted(repository: &TeamRepository) -> Vec<String> {
    run(repository).await;
    let statuses = repository.status(&[]).await.expect("it answers");
    let with_documents = statuses.into_iter().filter(|s| s.aggregations.values().any(|a| a.document_count > 0));
    with_documents.map(|s| s.community_slug).collect()
}

#[tokio::test]
async fn without_opt_in_every_community_counts_and_global() {
    let (_house, repository) = three(false).await;
    assert_eq!(counted(&repository).await, ["off", "on", "silent", "global"]);
    for community in repository.communities().await.expect("read") {
        assert!(repository.dashboard_shown(&community).await.expect("it answers"), "{}", community.slug);
    }
}

#[tokio::test]
async fn with_opt_in_those_count_that_said_yes_and_global_always() {
    let (_house, repository) = three(true).await;
    assert_eq!(counted(&repository).await, ["on", "global"]);
    let shown = async |slug: &str| {
        let community = repository.community(slug).await.expect("known").expect("a community");
        repository.dashboard_shown(&community).await.expect("it answers")
    };
    assert!(shown("on").await && !shown("off").await && !shown("silent").await);

    let enable = EnableRequest { ids: vec![IDS[2].to_owned()], ..EnableRequest::default() };
    let done = repository.enable_dashboards(&enable).await.expect("it runs");
    assert_eq!(done.communities_updated, [IDS[2]]);
    assert!(shown("silent").await);
    assert_eq!(counted(&repository).await, ["on", "silent", "global"], "its past comes with it");
}

#[tokio::test]
async fn activity_filters_are_days_and_a_threshold() {
    let (_house, repository) = three(true).await;
    let enabled = async |request: EnableRequest| {
        repository.enable_dashboards(&request).await.expect("it runs").communities_updated.len()
    };
    let day = |text: &str| Some(text.parse().expect("a day"));
    assert_eq!(enabled(EnableRequest { record_threshold: 2, ..EnableRequest::default() }).await, 0);
    assert_eq!(enabled(EnableRequest { first_active: day("2026-02-28"), ..EnableRequest::default() }).await, 0);
    assert_eq!(enabled(EnableRequest { active_since: day("2026-03-02"), ..EnableRequest::default() }).await, 0);
    let all = EnableRequest {
        first_active: day("2026-03-01"),
        active_since: day("2026-03-01"),
        record_threshold: 1,
        ..EnableRequest::default()
    };
    assert_eq!(enabled(all).await, 3);
}
