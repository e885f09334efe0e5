//! What every route gets from the frame.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use tallykeep_access::AccessConfig;

use crate::support::{As, Server, text};

#[tokio::test]
async fn paths_answer_with_and_without_team_and_slash() {
    let server = Server::new().await;
    for path in [
        "/api/v1/openapi.json",
        "/api/v1/openapi.json/",
        "/a/default/api/v1/openapi.json",
        "/a/default/api/v1/openapi.json/",
    ] {
        assert_eq!(server.get(path, &As::Nobody).await.status(), StatusCode::OK, "{path}");
    }
    for path in ["/", "/packages", "/packages/", "/a/default/", "/a/default/packages", "/a/default/dashboard/"] {
        let response = server.get(path, &As::Nobody).await;
        assert_eq!(response.status(), StatusCode::OK, "{path}");
        let cookie = response.headers()[header::SET_COOKIE].to_str().expect("text").to_owned();
        assert!(cookie.starts_with("csrftoken=") && !cookie.contains("HttpOnly"), "{path}: {cookie}");
        let token = cookie.trim_start_matches("csrftoken=").split(';').next().expect("a token").to_owned();
        let policy = response.headers()[header::CONTENT_SECURITY_POLICY].to_str().expect("text").to_owned();
        assert!(policy.contains("frame-ancestors 'none'") && !policy.contains("script-src 'self' 'unsafe"), "{policy}");
        assert!(text(response).await.contains(&format!(r#"name="csrfmiddlewaretoken" value="{token}""#)), "{path}");
    }
}

#[tokio::test]
async fn an_unknown_team_or_path_is_not_found() {
    let server = Server::new().await;
    for path in [
        "/a/nobody/packages",
        "/a/..%2fx/packages",
        "/nowhere",
        "/a/default/nowhere",
        "/index.html",
        "/.vite/manifest.json",
    ] {
        assert_eq!(server.get(path, &As::Nobody).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn another_method_names_those_allowed() {
    let server = Server::new().await;
    let response = server.send(Request::delete("/api/v1/openapi.json").body(Body::empty()).expect("a request")).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::ALLOW], "GET,HEAD");
    assert!(text(response).await.contains("\"status\":405"));
}

#[tokio::test]
async fn an_unknown_token_is_refused_even_without_users() {
    let server = Server::new().await;
    let request = Request::get("/packages").header("authorization", "Bearer nonsense").body(Body::empty());
    assert_eq!(server.send(request.expect("a request")).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_healthy_server_says_so() {
    let server = Server::new().await;
    let response = server.get("/healthz", &As::Nobody).await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response).await, r#"{"status":"ok","reasons":[]}"#);
}

#[tokio::test]
async fn assets_and_pages_carry_a_strict_policy_and_hsts_only_behind_tls() {
    let plain = Server::new().await;
    let response = plain.get("/nowhere", &As::Nobody).await;
    assert_eq!(response.headers()[header::X_CONTENT_TYPE_OPTIONS], "nosniff");
    assert!(!response.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
    let config = AccessConfig { public_url: Some("https://stats.example.org".to_owned()), ..AccessConfig::default() };
    let tls = Server::with(config, |builder| builder).await;
    let response = tls.get("/packages", &As::Nobody).await;
    assert!(response.headers().contains_key(header::STRICT_TRANSPORT_SECURITY));
    assert!(response.headers()[header::SET_COOKIE].to_str().expect("text").ends_with("; Secure"));
}

#[tokio::test]
async fn the_rate_of_an_address_is_told_and_kept() {
    let config = AccessConfig { requests_per_minute: 3, ..AccessConfig::default() };
    let server = Server::with(config, |builder| builder).await;
    for left in ["2", "1", "0"] {
        let response = server.get("/nowhere", &As::Nobody).await;
        assert_eq!(response.headers()["x-ratelimit-limit"], "3");
        assert_eq!(response.headers()["x-ratelimit-remaining"], left);
    }
    let response = server.get("/packages", &As::Nobody).await;
    assert_eq!(response.status(), StatusCode::TOO_MANY_REQUESTS);
    assert!(
        response.headers().contains_key(header::RETRY_AFTER) && response.headers().contains_key("x-ratelimit-reset")
    );
    assert_eq!(server.get("/healthz", &As::Nobody).await.status(), StatusCode::OK, "probes are not counted");
}

#[tokio::test]
async fn a_user_and_a_token_have_a_rate_of_their_own() {
    let config = AccessConfig { requests_per_minute: 100, requests_per_minute_signed_in: 3, ..AccessConfig::default() };
    let server = Server::with(config, |builder| builder).await;
    let ada = server.quick_user("ada@example.org", true).await;
    let ben = server.quick_user("ben@example.org", true).await;
    let token = server.token("default", tallykeep_access::TokenScope::Read, None).await;
    for who in [server.session(&ada).await, token, server.session(&ben).await] {
        for left in ["2", "1", "0"] {
            let response = server.get("/api/v1/team", &who).await;
            assert_eq!(response.headers()["x-ratelimit-limit"], "3");
            assert_eq!(response.headers()["x-ratelimit-remaining"], left);
        }
        let refused = server.get("/api/v1/team", &who).await;
        assert_eq!(refused.status(), StatusCode::TOO_MANY_REQUESTS);
        assert!(refused.headers().contains_key(header::RETRY_AFTER));
    }
    // A new session is the same user.
    let again = server.session(&ada).await;
    assert_eq!(server.get("/api/v1/team", &again).await.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn the_description_names_every_route_and_no_page() {
    let server = Server::new().await;
    let document: serde_json::Value =
        serde_json::from_str(&text(server.get("/api/v1/openapi.json", &As::Nobody).await).await).expect("JSON");
    for route in tallykeep_server::routes::all() {
        let described = document["paths"].get(route.path()).is_some();
        assert_eq!(described, !route.is_page(), "{}", route.path());
    }
    assert_eq!(document["servers"][1]["variables"]["team"]["default"], "default");
}
