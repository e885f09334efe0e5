//! Signing in and out, accounts, teams, tokens, users, the audit log.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use serde_json::json;
use tallykeep_access::{AccessConfig, Role, SecretString, TokenScope};
use tallykeep_server::LoginMode;

use crate::support::{As, PASSWORD, Server, location, no_content, set_cookie, text, value};

async fn sign_in(server: &Server, email: &str, password: &str) -> axum::response::Response {
    server.json("POST", "/api/v1/session", &As::Nobody, json!({ "email": email, "password": password })).await
}

#[tokio::test]
async fn without_users_everybody_on_loopback_is_local_until_the_first_user() {
    let server = Server::new().await;
    let me = value(server.get("/api/v1/session", &As::Nobody).await).await;
    assert_eq!((&me["actor"], &me["login_required"]), (&json!("local"), &json!(false)));
    assert_eq!(server.get("/packages", &As::Nobody).await.status(), StatusCode::OK);
    let made = server.json("POST", "/api/v1/users", &As::Nobody, json!({ "email": "ada@example.org" })).await;
    assert_eq!(made.status(), StatusCode::CREATED);
    let me = value(server.get("/api/v1/session", &As::Nobody).await).await;
    assert_eq!((&me["actor"], &me["login_required"]), (&json!("anonymous"), &json!(true)));
    assert_eq!(location(&server.get("/packages?x=1", &As::Nobody).await), "/sign-in?next=%2Fpackages%3Fx%3D1");
    assert_eq!(server.get("/api/v1/users", &As::Nobody).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn bound_to_another_address_nobody_is_local() {
    let server = Server::with(AccessConfig::default(), |builder| builder.login(LoginMode::Required)).await;
    assert_eq!(location(&server.get("/", &As::Nobody).await), "/sign-in?next=%2F");
    assert_eq!(location(&server.get("/sign-in", &As::Nobody).await), "/first-run");
    let code = server.app.first_run_code().await.expect("it").expect("a code").to_owned();
    let first = |code: &str| json!({ "code": code, "email": "Ada@Example.org", "password": PASSWORD });
    let wrong = server.json("POST", "/api/v1/first-run", &As::Nobody, first("wrong")).await;
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
    let right = server.json("POST", "/api/v1/first-run", &As::Nobody, first(&code)).await;
    assert_eq!(right.status(), StatusCode::CREATED);
    let again = server.json("POST", "/api/v1/first-run", &As::Nobody, first(&code)).await;
    assert_eq!(again.status(), StatusCode::CONFLICT, "the code works once");
    let session = value(sign_in(&server, "ada@example.org", PASSWORD).await).await;
    assert_eq!(session["instance_admin"], true);
}

#[tokio::test]
async fn signing_in_gives_a_hidden_cookie_and_a_readable_token() {
    let server = Server::new().await;
    let ada = server.user("ada@example.org", false).await;
    server.member("default", &ada, Role::Viewer).await;
    let response = sign_in(&server, "ADA@example.org", PASSWORD).await;
    assert_eq!(response.status(), StatusCode::OK);
    let cookies: Vec<_> =
        response.headers().get_all(header::SET_COOKIE).iter().map(|c| c.to_str().expect("text").to_owned()).collect();
    let session = cookies.iter().find(|c| c.starts_with("tallykeep_session=")).expect("a session");
    assert!(session.contains("; HttpOnly") && session.contains("; SameSite=Lax"), "{session}");
    let csrf = cookies.iter().find(|c| c.starts_with("csrftoken=")).expect("a token");
    assert!(!csrf.contains("HttpOnly"), "{csrf}");
    let who = As::Cookie {
        secret: set_cookie(&response, "tallykeep_session").expect("it"),
        csrf: set_cookie(&response, "csrftoken").expect("it"),
    };
    let body = value(response).await;
    assert_eq!(
        body["teams"],
        json!([{ "slug": "default", "name": "Default", "role": "viewer", "dashboards": ["repository", "packages", "chat"] }])
    );
    assert_eq!(server.get("/packages", &who).await.status(), StatusCode::OK);
    no_content(&server.json("DELETE", "/api/v1/session", &who, json!(null)).await);
    assert_eq!(server.get("/api/v1/account", &who).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn the_plain_form_signs_in_without_scripts() {
    let server = Server::new().await;
    let ada = server.user("ada@example.org", false).await;
    server.member("default", &ada, Role::Viewer).await;
    let page = server.get("/sign-in?next=/packages", &As::Nobody).await;
    let csrf = set_cookie(&page, "csrftoken").expect("a token");
    let html = text(page).await;
    assert!(html.contains("<label for=\"email\">") && html.contains("name=\"next\" value=\"/packages\""), "{html}");
    let post = |password: &str, token: &str| {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs([
                ("email", "ada@example.org"),
                ("password", password),
                ("next", "//evil"),
                ("csrfmiddlewaretoken", token),
            ])
            .finish();
        Request::post("/sign-in")
            .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
            .header(header::COOKIE, format!("csrftoken={csrf}"))
            .body(Body::from(body))
            .expect("a request")
    };
    let wrong = server.send(post("not the password", &csrf)).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    assert!(text(wrong).await.contains("role=\"alert\""));
    assert_eq!(server.send(post(PASSWORD, &"0".repeat(64))).await.status(), StatusCode::FORBIDDEN);
    let right = server.send(post(PASSWORD, &csrf)).await;
    assert_eq!(location(&right), "/", "another site is not a place to go next");
    assert!(set_cookie(&right, "tallykeep_session").is_some());
}

#[tokio::test]
async fn a_password_change_ends_other_sessions_and_a_link_works_once() {
    let server = Server::new().await;
    let ada = server.user("ada@example.org", false).await;
    let root = server.quick_user("root@example.org", true).await;
    let (here, there) = (server.session(&ada).await, server.session(&ada).await);
    let change = |current: &str, new: &str| json!({ "current": current, "new": new });
    let path = "/api/v1/account/password";
    let wrong = server.json("POST", path, &here, change("wrong password", "another password 1")).await;
    assert_eq!(wrong.status(), StatusCode::UNAUTHORIZED);
    let weak = server.json("POST", path, &here, change(PASSWORD, "short")).await;
    assert_eq!(weak.status(), StatusCode::BAD_REQUEST);
    no_content(&server.json("POST", path, &here, change(PASSWORD, "another password 1")).await);
    assert_eq!(server.get("/api/v1/account", &here).await.status(), StatusCode::OK);
    assert_eq!(server.get("/api/v1/account", &there).await.status(), StatusCode::UNAUTHORIZED);
    let admin = server.session(&root).await;
    let link = server.json("POST", &format!("/api/v1/users/{}/password-link", ada.id), &admin, json!(null)).await;
    let path = value(link).await["path"].as_str().expect("a path").to_owned();
    assert!(text(server.get(&path, &As::Nobody).await).await.contains("autocomplete=\"new-password\""));
    let secret = path.split_once("link=").expect("a link").1;
    let body = json!({ "link": secret, "password": "a third password" });
    assert_eq!(server.json("POST", "/api/v1/new-password", &As::Nobody, body.clone()).await.status(), StatusCode::OK);
    assert_eq!(server.json("POST", "/api/v1/new-password", &As::Nobody, body).await.status(), StatusCode::BAD_REQUEST);
    assert_eq!(server.get("/api/v1/account", &here).await.status(), StatusCode::UNAUTHORIZED, "every session ended");
    assert_eq!(sign_in(&server, "ada@example.org", "a third password").await.status(), StatusCode::OK);
}

#[tokio::test]
async fn sessions_are_listed_and_ended_one_by_one_or_all() {
    let server = Server::new().await;
    let ada = server.quick_user("ada@example.org", false).await;
    let eve = server.quick_user("eve@example.org", false).await;
    let (one, two, other) = (server.session(&ada).await, server.session(&ada).await, server.session(&eve).await);
    let rows = value(server.get("/api/v1/account/sessions", &one).await).await;
    assert_eq!(rows.as_array().map(Vec::len), Some(2));
    let second = rows.as_array().expect("rows").iter().find(|row| row["current"] == false).expect("it")["id"].clone();
    let path = format!("/api/v1/account/sessions/{second}");
    assert_eq!(server.json("DELETE", &path, &other, json!(null)).await.status(), StatusCode::NOT_FOUND, "not hers");
    no_content(&server.json("DELETE", &path, &one, json!(null)).await);
    assert_eq!(server.get("/api/v1/account", &two).await.status(), StatusCode::UNAUTHORIZED);
    assert_eq!(value(server.json("DELETE", "/api/v1/account/sessions", &one, json!(null)).await).await["ended"], 1);
    assert_eq!(server.get("/api/v1/account", &one).await.status(), StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn a_team_decides_who_sees_its_dashboards() {
    let server = Server::new().await;
    let (ada, eve) =
        (server.quick_user("ada@example.org", false).await, server.quick_user("eve@example.org", false).await);
    server.member("default", &ada, Role::Admin).await;
    let (admin, stranger) = (server.session(&ada).await, server.session(&eve).await);
    assert_eq!(server.get("/packages", &stranger).await.status(), StatusCode::NOT_FOUND);
    let open = |word: &str| json!({ "visibility": { "packages": word } });
    assert_eq!(server.json("PATCH", "/api/v1/team", &admin, open("signed-in")).await.status(), StatusCode::OK);
    assert_eq!(server.get("/packages", &stranger).await.status(), StatusCode::OK);
    assert!(server.get("/packages", &As::Nobody).await.status().is_redirection());
    assert_eq!(server.json("PATCH", "/api/v1/team", &admin, open("public")).await.status(), StatusCode::OK);
    assert_eq!(server.get("/packages", &As::Nobody).await.status(), StatusCode::OK);
    assert!(server.get("/dashboard/", &As::Nobody).await.status().is_redirection(), "chat stays closed");
    let chat = server.json("PATCH", "/api/v1/team", &admin, json!({ "visibility": { "chat": "public" } })).await;
    assert_eq!(chat.status(), StatusCode::BAD_REQUEST);
    assert!(text(chat).await.contains("visibility.chat"));
    let odd = server.json("PATCH", "/api/v1/team", &admin, open("everybody")).await;
    assert!(text(odd).await.contains("private, team, signed-in, public"));
}

#[tokio::test]
async fn members_and_tokens_come_and_go_and_leave_a_trace() {
    let server = Server::new().await;
    let (ada, eve) =
        (server.quick_user("ada@example.org", false).await, server.quick_user("eve@example.org", false).await);
    server.member("default", &ada, Role::Admin).await;
    let (admin, other) = (server.session(&ada).await, server.session(&eve).await);
    let set = json!({ "email": "eve@example.org", "role": "viewer" });
    no_content(&server.json("PUT", "/api/v1/team/members", &admin, set).await);
    assert_eq!(server.get("/packages", &other).await.status(), StatusCode::OK);
    assert_eq!(server.get("/api/v1/team/members", &other).await.status(), StatusCode::FORBIDDEN);
    let unknown =
        server.json("PUT", "/api/v1/team/members", &admin, json!({ "email": "x@y.z", "role": "viewer" })).await;
    assert_eq!(unknown.status(), StatusCode::BAD_REQUEST);
    let made = server.json("POST", "/api/v1/team/tokens", &admin, json!({ "name": "ci", "scopes": ["read"] })).await;
    let made: serde_json::Value = serde_json::from_str(&text(made).await).expect("JSON");
    let token = As::Bearer(made["token"].as_str().expect("a secret").to_owned());
    assert_eq!(server.get("/packages", &token).await.status(), StatusCode::OK);
    let listed = text(server.get("/api/v1/team/tokens", &admin).await).await;
    assert!(listed.contains("\"ci\"") && !listed.contains(made["token"].as_str().expect("a secret")), "{listed}");
    no_content(&server.json("DELETE", &format!("/api/v1/team/tokens/{}", made["id"]), &admin, json!(null)).await);
    assert_eq!(server.get("/packages", &token).await.status(), StatusCode::UNAUTHORIZED);
    no_content(&server.json("DELETE", &format!("/api/v1/team/members/{}", eve.id), &admin, json!(null)).await);
    assert_eq!(server.get("/packages", &other).await.status(), StatusCode::NOT_FOUND);
    let log = value(server.get("/api/v1/team/audit", &admin).await).await;
    let actions: Vec<_> =
        log.as_array().expect("rows").iter().map(|row| row["action"].as_str().unwrap_or("")).collect();
    assert_eq!(actions, ["member.remove", "token.revoke", "token.create", "member.set"]);
    assert_eq!((&log[0]["actor_name"], &log[0]["team"]), (&json!("ada@example.org"), &json!("default")));
}

#[tokio::test]
async fn a_token_that_writes_is_written_down_and_reads_only_its_scope() {
    let server = Server::new().await;
    server.quick_user("ada@example.org", true).await;
    let (read, ingest, admin) = (
        server.token("default", TokenScope::Read, None).await,
        server.token("default", TokenScope::Ingest, None).await,
        server.token("default", TokenScope::Admin, None).await,
    );
    assert_eq!(server.get("/packages", &read).await.status(), StatusCode::OK);
    assert_eq!(server.get("/packages", &ingest).await.status(), StatusCode::FORBIDDEN);
    let rename = json!({ "name": "Renamed" });
    assert_eq!(server.json("PATCH", "/api/v1/team", &read, rename.clone()).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(server.json("PATCH", "/api/v1/team", &admin, rename).await.status(), StatusCode::OK);
    let log = value(server.get("/api/v1/team/audit?action=token.", &admin).await).await;
    assert_eq!(log[0]["action"], "token.write");
    assert_eq!(log[0]["target"], "PATCH /api/v1/team");
}

#[tokio::test]
async fn the_last_instance_admin_stays() {
    let server = Server::new().await;
    let (ada, eve) =
        (server.quick_user("ada@example.org", true).await, server.quick_user("eve@example.org", true).await);
    let admin = server.session(&ada).await;
    let path = |id: i64| format!("/api/v1/users/{id}");
    assert_eq!(server.json("PATCH", &path(eve.id), &admin, json!({ "disabled": true })).await.status(), StatusCode::OK);
    for change in [json!({ "disabled": true }), json!({ "instance_admin": false })] {
        assert_eq!(server.json("PATCH", &path(ada.id), &admin, change).await.status(), StatusCode::CONFLICT);
    }
}

#[tokio::test]
async fn a_trusted_proxy_vouches_and_nobody_else() {
    let config = AccessConfig {
        trusted_proxies: vec!["10.0.0.1".parse().expect("an address")],
        proxy_user_header: Some("X-Forwarded-Email".to_owned()),
        mail_domains: vec!["example.org".to_owned()],
        ..AccessConfig::default()
    };
    let server = Server::with(config, |builder| builder.login(LoginMode::Required)).await;
    let ask = |peer: &str, email: &str| {
        let peer: std::net::SocketAddr = peer.parse().expect("an address");
        let request = Request::get("/api/v1/session")
            .header("x-forwarded-email", email)
            .header("x-forwarded-for", "203.0.113.9, 198.51.100.7")
            .extension(axum::extract::ConnectInfo(peer));
        request.body(Body::empty()).expect("a request")
    };
    let seen = value(server.send(ask("10.0.0.1:1", "ada@example.org")).await).await;
    assert_eq!(seen["email"], "ada@example.org");
    let seen = value(server.send(ask("10.0.0.2:1", "ada@example.org")).await).await;
    assert_eq!(seen["actor"], "anonymous", "the header means nothing from a stranger");
    let other = server.send(ask("10.0.0.1:1", "eve@evil.example")).await;
    assert_eq!(other.status(), StatusCode::FORBIDDEN);
    assert!(server.control.find_person_by_email("eve@evil.example").await.expect("it").is_none());
    // Its writes need the page's token like a cookie's.
    let peer: std::net::SocketAddr = "10.0.0.1:1".parse().expect("an address");
    let request = Request::patch("/api/v1/account")
        .header("x-forwarded-email", "ada@example.org")
        .header(header::CONTENT_TYPE, "application/json")
        .extension(axum::extract::ConnectInfo(peer));
    let request = request.body(Body::from(r#"{"name":"A"}"#)).expect("a request");
    assert_eq!(server.send(request).await.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_changed_or_missing_audit_row_shows() {
    let server = Server::new().await;
    let root = server.quick_user("root@example.org", true).await;
    let admin = server.session(&root).await;
    for slug in ["one", "two", "three"] {
        let made = server.json("POST", "/api/v1/teams", &admin, json!({ "slug": slug })).await;
        assert_eq!(made.status(), StatusCode::CREATED);
    }
    assert_eq!(
        value(server.get("/api/v1/audit/check", &admin).await).await,
        json!({ "rows": 3, "intact": true, "problem": null })
    );
    let password = SecretString::from("not hers");
    assert!(server.accounts.sign_in("root@example.org", &password, None, "", None).await.is_err());
    let log = value(server.get("/api/v1/audit?limit=1", &admin).await).await;
    assert_eq!(log[0]["action"], "session.refused");
    assert!(!log[0].to_string().contains("not hers") && !log[0].to_string().contains("root@example.org"), "{log}");
}

#[tokio::test]
async fn the_audit_log_forgets_what_is_past_its_time_and_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let at = |now: &str| tallykeep_model::Clock::Fixed(now.parse().expect("an instant"));
    let entry = |action: &str| tallykeep_control::AuditEntry {
        actor: "user:1".to_owned(),
        action: action.to_owned(),
        ..Default::default()
    };
    for (now, action) in [("2024-01-01T00:00:00Z", "old"), ("2026-01-01T00:00:00Z", "kept")] {
        let control = tallykeep_control::Control::open(dir.path(), at(now)).await.expect("a database");
        control.audit(&entry(action)).await.expect("written down");
    }
    let now = "2026-06-01T00:00:00Z";
    let control = tallykeep_control::Control::open(dir.path(), at(now)).await.expect("a database");
    for (audit_days, left) in [(0, vec!["kept", "old"]), (365, vec!["audit.forget", "kept"])] {
        let config = AccessConfig { audit_days, ..AccessConfig::default() };
        let key = tallykeep_access::InstallationKey::open(dir.path()).expect("a key");
        let accounts = tallykeep_access::Accounts::new(control.clone(), config, key).expect("accounts");
        accounts.tidy().await.expect("tidied");
        let filter = tallykeep_control::AuditFilter { limit: 10, ..Default::default() };
        let rows = control.audit_rows(&filter).await.expect("rows");
        assert_eq!(rows.iter().map(|row| row.action.as_str()).collect::<Vec<_>>(), left, "{audit_days}");
        assert!(control.check_audit().await.expect("checked").intact, "the chain says what was forgotten");
    }
}
