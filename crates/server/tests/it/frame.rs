//! What every route gets from the frame.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
    response::Response,
};
use tallykeep_control::Control;
use tallykeep_model::Clock;
use tallykeep_server::{App, router};
use tower::ServiceExt;

struct Server {
    app: App,
    _dir: tempfile::TempDir,
}

async fn server() -> Server {
    let dir = tempfile::tempdir().expect("a folder");
    let control = Control::open(dir.path(), Clock::System).await.expect("a database");
    Server { app: App::builder(control).build(), _dir: dir }
}

impl Server {
    async fn send(&self, request: Request<Body>) -> Response {
        router(self.app.clone()).oneshot(request).await.expect("never fails")
    }

    async fn get(&self, path: &str) -> Response {
        self.send(Request::get(path).body(Body::empty()).expect("a request")).await
    }
}

async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[tokio::test]
async fn paths_answer_with_and_without_team_and_slash() {
    let server = server().await;
    for path in [
        "/api/v1/openapi.json",
        "/api/v1/openapi.json/",
        "/a/default/api/v1/openapi.json",
        "/a/default/api/v1/openapi.json/",
    ] {
        assert_eq!(server.get(path).await.status(), StatusCode::OK, "{path}");
    }
    for path in ["/", "/packages", "/packages/", "/a/default/", "/a/default/packages", "/a/default/dashboard/"] {
        let response = server.get(path).await;
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
    let server = server().await;
    for path in [
        "/a/nobody/packages",
        "/a/..%2fx/packages",
        "/nowhere",
        "/a/default/nowhere",
        "/index.html",
        "/.vite/manifest.json",
    ] {
        assert_eq!(server.get(path).await.status(), StatusCode::NOT_FOUND, "{path}");
    }
}

#[tokio::test]
async fn another_method_names_those_allowed() {
    let server = server().await;
    let response = server.send(Request::delete("/api/v1/openapi.json").body(Body::empty()).expect("a request")).await;
    assert_eq!(response.status(), StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(response.headers()[header::ALLOW], "GET,HEAD");
    assert!(text(response).await.contains("\"status\":405"));
}

#[tokio::test]
async fn an_unknown_token_is_refused_even_without_users() {
    let server = server().await;
    let request = Request::get("/packages").header("authorization", "Bearer nonsense").body(Body::empty());
    assert_eq!(server.send(request.expect("a request")).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_healthy_server_says_so() {
    let server = server().await;
    let response = server.get("/healthz").await;
    assert_eq!(response.status(), StatusCode::OK);
    assert_eq!(text(response).await, r#"{"status":"ok","reasons":[]}"#);
}
