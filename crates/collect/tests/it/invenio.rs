//! The API reader against a fake repository.

use std::{sync::Arc, time::Duration};

use serde_json::json;
use tallykeep_collect::{
    AllowedHosts, HttpClient, NoMemory, Politeness,
    invenio::{Found, InvenioApi},
};
use tallykeep_model::Clock;
use tallykeep_testkit::invenio::FakeInvenio;

fn api(fake: &FakeInvenio, token: Option<&str>) -> InvenioApi {
    let politeness =
        Politeness { retry_base: Duration::ZERO, hosts: AllowedHosts::naming([fake.base()]), ..Politeness::default() };
    let clock = Clock::Fixed("2026-03-08T09:00:00Z".parse().expect("an instant"));
    let http = HttpClient::new(politeness, clock, Arc::new(NoMemory)).expect("a client");
    InvenioApi::new(http, &format!("{}/api", fake.base()), token.map(str::to_owned), Duration::ZERO)
        .expect("an address")
}

#[tokio::test]
async fn lists_are_followed_to_their_end_with_the_token_and_through_a_throttle() {
    let fake = FakeInvenio::start().await;
    fake.records((0..7).map(|n| json!({"id": format!("r{n}"), "created": format!("2026-01-0{}T00:00:00Z", n + 1)})));
    fake.ask_for("t0ken");
    fake.throttle(1, 2, 1);
    let api = api(&fake, Some("t0ken"));
    let mut next =
        Some(InvenioApi::first("/api/records", &[("q", "created:[\"2026-01-02T00:00:00Z\" TO *}"), ("size", "3")]));
    let mut ids = Vec::new();
    while let Some(url) = next {
        let page = api.list(&url).await.expect("a page");
        assert_eq!(page.total, 6);
        ids.extend(page.hits.iter().filter_map(|hit| hit["id"].as_str().map(str::to_owned)));
        next = page.next;
    }
    assert_eq!(ids, ["r1", "r2", "r3", "r4", "r5", "r6"]);
    assert_eq!(fake.log().iter().filter(|given| given.status == 429).count(), 2);
}

#[tokio::test]
async fn a_record_is_there_gone_or_missing() {
    let fake = FakeInvenio::start().await;
    fake.records([json!({"id": "a", "created": "2026-01-01T00:00:00Z"})]);
    fake.delete("b", json!({"removal_date": "2026-02-03T04:05:06Z"}));
    let api = api(&fake, None);
    assert!(matches!(api.record("a").await.expect("asked"), Found::There(_)));
    assert_eq!(api.record("b").await.expect("asked"), Found::Gone(json!({"removal_date": "2026-02-03T04:05:06Z"})));
    assert_eq!(api.record("../c").await.expect("asked"), Found::Missing);
    assert_eq!(api.community("nobody").await.expect("asked"), None);
}

#[tokio::test]
async fn a_refused_token_is_an_error_and_not_a_smaller_list() {
    let fake = FakeInvenio::start().await;
    fake.ask_for("t0ken");
    let error = api(&fake, Some("old")).list("/api/records?size=1").await.expect_err("refused").to_string();
    assert!(error.contains("token is rejected") && !error.contains("old"), "{error}");
}
