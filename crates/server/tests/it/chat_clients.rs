//! The seed's own page script runs against us: every request of `chat_client.json`, every field it reads.
//!
//! That file is facts about `dimagi/open-chat-studio`'s page script (a77c545, 2026-08-21, and be9c176d, 2025-06-19), gathered by reading
//! it: which requests it sends and which fields of the answers it uses. No code of theirs is in it. The page's own markup is looked at
//! in a browser (web/e2e/chat.test.mjs), from the same file.

use axum::{
    body::Body,
    http::{Request, header},
};
use serde_json::Value;

use crate::{
    chat::acme,
    support::{As, is_of, text},
};

/// Values at a path such as `$.results[].page`; `.*` is any key.
fn resolve<'a>(value: &'a Value, path: &str) -> Vec<Option<&'a Value>> {
    let Some(rest) = path.strip_prefix('.').or_else(|| path.strip_prefix("[]").map(|_| path)) else {
        return if path.is_empty() { vec![Some(value)] } else { vec![None] };
    };
    if let Some(rest) = path.strip_prefix("[]") {
        return value.as_array().map_or_else(Vec::new, |rows| rows.iter().flat_map(|row| resolve(row, rest)).collect());
    }
    let end = rest.find(['.', '[']).unwrap_or(rest.len());
    let (name, rest) = rest.split_at(end);
    if name == "*" {
        return value.as_object().map_or_else(Vec::new, |map| map.values().flat_map(|v| resolve(v, rest)).collect());
    }
    match value.get(name) {
        Some(inner) => resolve(inner, rest),
        None => vec![None],
    }
}

fn query(request: &Value) -> String {
    let mut pairs = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in request["query"].as_object().into_iter().flatten() {
        let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
        values.iter().filter_map(Value::as_str).for_each(|value| _ = pairs.append_pair(name, value));
    }
    pairs.finish()
}

/// The id of a preset that is there.
async fn preset(server: &crate::support::Server) -> String {
    let preset = serde_json::json!({"name": "p", "filter_data": {}});
    let saved = server.json("POST", "/a/acme/dashboard/filters/save/", &As::Nobody, preset).await;
    serde_json::from_str::<Value>(&text(saved).await).expect("JSON")["filter_id"].to_string()
}

#[tokio::test]
async fn every_request_of_the_seeds_client_is_answered_with_every_field_it_reads() {
    let server = acme().await;
    let document: Value = serde_json::from_str(include_str!("chat_client.json")).expect("JSON");
    let mut checked = 0;
    for request in document["requests"].as_array().expect("requests") {
        let name = request["name"].as_str().expect("a name");
        let path = request["path"].as_str().expect("a path").replace("{team_slug}", "acme");
        let path = if path.contains("{id}") { path.replace("{id}", &preset(&server).await) } else { path };
        // The page is the browser's matter; the links and the zone are tested beside this.
        if !path.contains("/dashboard/") || name.ends_with("page") {
            continue;
        }
        let method = request["method"].as_str().expect("a method");
        let multipart: String = request["body"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(name, value)| {
                let value = value.as_str().expect("text").split(" (").next().unwrap_or_default();
                format!("--b\r\nContent-Disposition: form-data; name=\"{name}\"\r\n\r\n{value}\r\n")
            })
            .collect();
        let sent = Request::builder()
            .method(method)
            .uri(format!("{path}?{}", query(request)))
            .header(header::ACCEPT, "*/*")
            .header(header::CONTENT_TYPE, "multipart/form-data; boundary=b")
            .body(if multipart.is_empty() { Body::empty() } else { Body::from(multipart + "--b--\r\n") });
        let response = server.send(sent.expect("a request")).await;
        let (status, headers) = (response.status(), response.headers().clone());
        let content = text(response).await;
        assert!(status.is_success(), "{name}: {status} {content}");
        // What an object is in the newest version, the first one read as a bare list: it cannot be both.
        if name == "first_bot_performance" {
            continue;
        }
        for read in request["reads"].as_array().expect("reads") {
            let (path, kinds) = (read["path"].as_str().expect("a path"), read["type"].as_str().expect("a type"));
            if let Some(header_name) = path.strip_prefix("header ") {
                assert!(headers.contains_key(header_name), "{name}: no header {header_name}");
                checked += 1;
            } else if let Some(path) =
                path.strip_prefix('$').filter(|_| headers[header::CONTENT_TYPE] == "application/json")
            {
                let body: Value = serde_json::from_str(&content).expect("JSON");
                for value in resolve(&body, path) {
                    let fits = value.map_or_else(|| kinds.contains("null"), |value| is_of(value, kinds));
                    assert!(fits, "{name}: ${path} should be {kinds}, is {value:?} in {content}");
                    checked += 1;
                }
            } else if let Some(id) = path.strip_prefix("html canvas#") {
                assert!(
                    content.contains(&format!("id=\"{id}\"")) || content.contains("cost-total\">0.00<"),
                    "{name}: no {id}"
                );
                checked += 1;
            }
        }
    }
    // 65 in November 2026: a client file or fixture that shrinks must not pass unnoticed.
    assert!(checked >= 65, "only {checked} fields were looked at");
}
