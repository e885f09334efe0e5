//! Layouts by the API: set, shown on the page, refused with every problem, reset.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tallykeep_repository::layout::CustomComponents;

use crate::{
    exports::filled,
    repository_client::attribute,
    support::{As, Filled, text, value},
};

const LAYOUTS: &str = "/api/v1/repository/layouts";

async fn shown(filled: &Filled, page: &str) -> Value {
    let html = text(filled.server.get(page, &As::Nobody).await).await;
    let config: Value =
        serde_json::from_str(&attribute(&html, "data-dashboard-config").expect("a configuration")).expect("JSON");
    config["layout"]["tabs"][0]["name"].clone()
}

fn layout(name: &str, width: u32) -> Value {
    json!({"tabs": [{"name": name, "label": {"en": name}, "rows": [{"name": "r", "components": [{"component": "StatsMap", "width": width}]}]}]})
}

#[tokio::test]
async fn a_community_is_shown_as_it_was_set_until_it_is_reset() {
    let filled = filled(|_| {}).await;
    let put = |scope: &'static str, body: Value| filled.server.json("PUT", scope, &As::Nobody, body);
    let path = "/api/v1/repository/layouts/c1";
    assert_eq!(shown(&filled, "/communities/c1/stats").await, "content");
    value(put("/api/v1/repository/layouts/global", layout("whole", 16)).await).await;
    assert_eq!([shown(&filled, "/stats").await, shown(&filled, "/communities/c1/stats").await], ["whole", "whole"]);
    value(put("/api/v1/repository/layouts/communities", layout("each", 16)).await).await;
    value(put(path, layout("own", 8)).await).await;
    assert_eq!([shown(&filled, "/stats").await, shown(&filled, "/communities/c1/stats").await], ["whole", "own"]);
    let one = value(filled.server.get(path, &As::Nobody).await).await;
    assert_eq!([&one["from"], &one["set_by"]], ["set", "local"]);
    let list = value(filled.server.get(LAYOUTS, &As::Nobody).await).await;
    assert_eq!(list["layouts"].as_array().map(Vec::len), Some(3));
    assert!(list["components"].as_array().expect("names").contains(&json!("SingleStatViews")));
    assert_eq!(list["custom"], json!([]));
    let gone = filled.server.json("DELETE", path, &As::Nobody, json!({})).await;
    assert_eq!(value(gone).await, json!({"was_set": true, "from": "communities"}));
    assert_eq!(shown(&filled, "/communities/c1/stats").await, "each");
}

#[tokio::test]
async fn a_wrong_layout_is_refused_with_every_problem_and_changes_nothing() {
    let filled = filled(|_| {}).await;
    let response = filled.server.json("PUT", "/api/v1/repository/layouts/c1", &As::Nobody, layout("", 17)).await;
    assert_eq!(response.status(), StatusCode::UNPROCESSABLE_ENTITY);
    let answer: Value = serde_json::from_str(&text(response).await).expect("JSON");
    let paths: Vec<&str> =
        answer["problems"].as_array().expect("problems").iter().filter_map(|p| p["path"].as_str()).collect();
    assert_eq!(paths, ["tabs[0].name", "tabs[0].rows[0].components[0].width"], "{answer}");
    assert_eq!(shown(&filled, "/communities/c1/stats").await, "content");
    let nobody = filled.server.get("/api/v1/repository/layouts/none", &As::Nobody).await;
    assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_editor_is_a_page_with_the_dashboards_configuration() {
    let filled = filled(|_| {}).await;
    for (path, title) in [("/stats/layout", "Layout: "), ("/communities/c1/stats/layout", "Layout: ")] {
        let html = text(filled.server.get(path, &As::Nobody).await).await;
        assert_eq!(attribute(&html, "data-editor").as_deref(), Some("layout"), "{html}");
        assert!(html.contains(&format!("<title>{title}")), "{html}");
        let config: Value =
            serde_json::from_str(&attribute(&html, "data-dashboard-config").expect("a configuration")).expect("JSON");
        assert_eq!(config["may_edit_layout"], true);
    }
    let html = text(filled.server.get("/stats", &As::Nobody).await).await;
    assert_eq!(attribute(&html, "data-editor"), None);
    let nobody = filled.server.get("/communities/none/stats/layout", &As::Nobody).await;
    assert_eq!(nobody.status(), StatusCode::NOT_FOUND);
}

/// The metrics of each breakdown in an optimised answer.
async fn metrics(filled: &Filled, query: &str, breakdown: &str) -> Vec<String> {
    let params = json!({"community_id": "c1", "start_date": "2024-01-01", "end_date": "2024-12-31", "optimize": true});
    let body = json!({query: {"stat": query, "params": params}});
    let response = filled.server.json("POST", "/api/stats-dashboard", &As::Nobody, body).await;
    let answer: Value = serde_json::from_str(&text(response).await).expect("JSON");
    let names = answer[query][breakdown].as_object().unwrap_or_else(|| panic!("{breakdown} in {answer}"));
    names.keys().cloned().collect()
}

#[tokio::test]
async fn an_optimised_answer_holds_what_a_component_of_ones_own_declares_and_everything_for_one_nobody_declares() {
    let registry = json!({"usage_deltas": {"global": {"downloadVisitors": ["MyWidget"]}, "countries": {"views": ["MyWidget"]}},
                          "record_snapshots": {"global": {"parents": ["MyWidget"]}}});
    let unknown = json!({"tabs": [{"name": "t", "label": "t", "rows": [{"name": "r", "components": [{"component": "Nobodys"}]}]}]});
    let filled = filled(|settings| {
        settings.custom_components = CustomComponents::from_json(&registry).expect("a registry");
        settings.layout = Some(json!({ "community_layout": unknown }));
    })
    .await;
    let usage = "usage-delta-category";
    // The configuration's layout names what nothing here knows: the answer is whole.
    assert_eq!(metrics(&filled, usage, "global").await.len(), 10);
    assert_eq!(metrics(&filled, "record-snapshot-category", "global").await.len(), 6);

    let mut own = layout("own", 8);
    value(filled.server.json("PUT", "/api/v1/repository/layouts/c1", &As::Nobody, own.clone()).await).await;
    let narrow = metrics(&filled, usage, "global").await;
    assert!(!narrow.contains(&"downloadVisitors".to_owned()), "only a map: {narrow:?}");
    own["tabs"][0]["rows"][0]["components"][0]["component"] = json!("MyWidget");
    value(filled.server.json("PUT", "/api/v1/repository/layouts/c1", &As::Nobody, own).await).await;
    assert_eq!(metrics(&filled, usage, "global").await, ["downloadVisitors"]);
    assert_eq!(metrics(&filled, usage, "countries").await, ["views"]);
    assert_eq!(metrics(&filled, "record-snapshot-category", "global").await, ["parents"]);
    assert!(metrics(&filled, "record-delta-category", "global").await.is_empty());
}
