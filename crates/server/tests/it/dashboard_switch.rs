//! Communities that opt in, and the switch of one (spec/invenio §16.8).

use axum::http::StatusCode;
use serde_json::{Value, json};

use crate::{
    exports::filled,
    repository_client::attribute,
    support::{As, Filled, text, value},
};

const SWITCH: &str = "/api/v1/communities/c1/dashboard";

async fn page(filled: &Filled) -> Value {
    let html = text(filled.server.get("/communities/c1/stats", &As::Nobody).await).await;
    serde_json::from_str(&attribute(&html, "data-dashboard-config").expect("a configuration")).expect("JSON")
}

async fn turn(filled: &Filled, path: &str, body: Value) -> (StatusCode, Value) {
    let response = filled.server.json("PUT", path, &As::Nobody, body).await;
    let status = response.status();
    (status, serde_json::from_str(&text(response).await).expect("JSON"))
}

#[tokio::test]
async fn a_community_opts_in_by_its_switch_and_out_again() {
    let filled = filled(|settings| settings.opt_in = true).await;
    let before = page(&filled).await;
    assert_eq!(
        [
            &before["community_opt_in"],
            &before["dashboard_enabled"],
            &before["dashboard_switched_on"],
            &before["may_switch_dashboard"]
        ],
        [&json!(true), &json!(false), &json!(false), &json!(true)]
    );
    for enabled in [true, false] {
        let (status, answer) = turn(&filled, SWITCH, json!({"enabled": enabled})).await;
        assert_eq!((status, &answer["enabled"]), (StatusCode::OK, &json!(enabled)), "{answer}");
        let after = page(&filled).await;
        assert_eq!((&after["dashboard_enabled"], &after["dashboard_switched_on"]), (&json!(enabled), &json!(enabled)));
        let overview = value(filled.server.get("/api/v1/overview", &As::Nobody).await).await;
        assert_eq!(overview["domains"]["repository"]["communities"][0]["dashboard_enabled"], json!(enabled));
    }
}

#[tokio::test]
async fn a_switch_that_would_do_nothing_is_refused_with_the_reason() {
    let filled = filled(|_| {}).await;
    let (status, answer) = turn(&filled, SWITCH, json!({"enabled": true})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST);
    assert!(answer["error"].as_str().is_some_and(|e| e.contains("need not opt in")), "{answer}");
    let (status, answer) = turn(&filled, SWITCH, json!({"enabled": "yes"})).await;
    assert_eq!(status, StatusCode::BAD_REQUEST, "{answer}");
    let (status, _) = turn(&filled, "/api/v1/communities/nobody/dashboard", json!({"enabled": true})).await;
    assert_eq!(status, StatusCode::NOT_FOUND);
    let (status, answer) = turn(&filled, "/api/v1/communities/global/dashboard", json!({"enabled": true})).await;
    assert_eq!((status, &answer["field"]), (StatusCode::BAD_REQUEST, &json!("id")));
}
