//! What somebody would try.

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
};
use jiff::SignedDuration;
use serde_json::json;
use tallykeep_access::{Role, SecretString, TokenScope, hash_secret};

use crate::support::{As, PASSWORD, Server, no_content, set_cookie};

async fn attempt(server: &Server, email: &str, password: &str) -> axum::response::Response {
    server.json("POST", "/api/v1/session", &As::Nobody, json!({ "email": email, "password": password })).await
}

#[tokio::test]
async fn guessing_passwords_is_stopped_well_before_forty_and_then_for_the_right_one_too() {
    let server = Server::new().await;
    server.user("ada@example.org", false).await;
    let mut wrong = 0;
    let refused = loop {
        let response = attempt(&server, "ada@example.org", &format!("wrong password {wrong}")).await;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            break response;
        }
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
        wrong += 1;
        assert!(wrong < 20, "still guessing");
    };
    let wait: i64 = refused.headers()[header::RETRY_AFTER].to_str().expect("text").parse().expect("seconds");
    assert!(wait > 0);
    assert_eq!(attempt(&server, "ada@example.org", PASSWORD).await.status(), StatusCode::TOO_MANY_REQUESTS);
}

#[tokio::test]
async fn one_address_cannot_try_one_password_on_everybody() {
    let server = Server::new().await;
    server.quick_user("root@example.org", true).await;
    let mut tried = 0;
    while attempt(&server, &format!("user{tried}@example.org"), "spring 2026!").await.status()
        != StatusCode::TOO_MANY_REQUESTS
    {
        tried += 1;
        assert!(tried < 40, "still spraying");
    }
}

#[tokio::test]
async fn unknown_and_known_users_read_alike() {
    let server = Server::new().await;
    server.user("ada@example.org", false).await;
    server.quick_user("without.password@example.org", false).await;
    let mut answers = Vec::new();
    for email in ["ada@example.org", "nobody@example.org", "without.password@example.org"] {
        let response = attempt(&server, email, "wrong password").await;
        answers.push((response.status(), crate::support::text(response).await));
    }
    assert_eq!(answers[0], answers[1]);
    assert_eq!(answers[0], answers[2]);
}

#[tokio::test]
async fn a_planted_session_does_not_survive_signing_in() {
    let server = Server::new().await;
    server.user("ada@example.org", false).await;
    let eve = server.quick_user("eve@example.org", false).await;
    let As::Cookie { secret: planted, .. } = server.session(&eve).await else { unreachable!() };
    let request = Request::post("/api/v1/session")
        .header(header::COOKIE, format!("tallykeep_session={planted}"))
        .header(header::CONTENT_TYPE, "application/json")
        .body(Body::from(json!({ "email": "ada@example.org", "password": PASSWORD }).to_string()));
    let response = server.send(request.expect("a request")).await;
    let fresh = set_cookie(&response, "tallykeep_session").expect("a session");
    assert_ne!(fresh, planted);
    assert!(server.accounts.find_session(&planted).await.expect("it").is_none(), "the planted one is dead");
}

#[tokio::test]
async fn a_write_by_cookie_needs_the_pages_token() {
    let server = Server::new().await;
    let ada = server.quick_user("ada@example.org", false).await;
    let eve = server.quick_user("eve@example.org", false).await;
    let As::Cookie { secret, csrf } = server.session(&ada).await else { unreachable!() };
    let As::Cookie { csrf: foreign, .. } = server.session(&eve).await else { unreachable!() };
    let write = |token: Option<&str>, cookie: &str| {
        let mut request = Request::patch("/api/v1/account")
            .header(header::COOKIE, format!("tallykeep_session={secret}; csrftoken={cookie}"))
            .header(header::CONTENT_TYPE, "application/json");
        if let Some(token) = token {
            request = request.header("x-csrftoken", token);
        }
        request.body(Body::from(r#"{"name":"A"}"#)).expect("a request")
    };
    assert_eq!(server.send(write(None, &csrf)).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(server.send(write(Some(""), &csrf)).await.status(), StatusCode::FORBIDDEN);
    assert_eq!(
        server.send(write(Some(&foreign), &foreign)).await.status(),
        StatusCode::FORBIDDEN,
        "a pair of one's own"
    );
    assert_eq!(server.send(write(Some(&csrf), &csrf)).await.status(), StatusCode::OK);
}

#[tokio::test]
async fn tampered_expired_and_revoked_proofs_are_nothing() {
    let server = Server::new().await;
    let ada = server.quick_user("ada@example.org", false).await;
    server.member("default", &ada, Role::Admin).await;
    let As::Bearer(secret) = server.token("default", TokenScope::Read, None).await else { unreachable!() };
    let past = server.token("default", TokenScope::Read, Some(SignedDuration::from_secs(-1))).await;
    assert_eq!(server.get("/packages", &past).await.status(), StatusCode::UNAUTHORIZED);
    let flipped = if secret.ends_with('A') { "B" } else { "A" };
    for forged in [
        format!("{}{flipped}", &secret[..secret.len() - 1]),
        hash_secret(&secret),
        String::new(),
        secret.to_uppercase(),
    ] {
        let response = server.get("/packages", &As::Bearer(forged)).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED);
    }
    for scheme in ["Basic", "Token", ""] {
        let request = Request::get("/packages").header(header::AUTHORIZATION, format!("{scheme} {secret}"));
        let response = server.send(request.body(Body::empty()).expect("a request")).await;
        assert_eq!(response.status(), StatusCode::UNAUTHORIZED, "{scheme}");
    }
    let session = server.session(&ada).await;
    no_content(&server.json("DELETE", "/api/v1/session", &session, json!(null)).await);
    assert_eq!(server.get("/api/v1/team", &session).await.status(), StatusCode::UNAUTHORIZED);
    server.control.set_disabled(ada.id, true).await.expect("disabled");
    let after = server.session(&ada).await;
    assert_eq!(server.get("/api/v1/team", &after).await.status(), StatusCode::UNAUTHORIZED, "a disabled user");
}

#[tokio::test]
async fn secrets_are_nowhere_in_the_database() {
    let server = Server::new().await;
    server.user("ada@example.org", false).await;
    let response = attempt(&server, "ada@example.org", PASSWORD).await;
    let session = set_cookie(&response, "tallykeep_session").expect("a session");
    let As::Bearer(token) = server.token("default", TokenScope::Read, None).await else { unreachable!() };
    let wrong = "a password typed into the wrong field";
    attempt(&server, wrong, wrong).await;
    let mut stored = Vec::new();
    for file in ["control.db", "control.db-wal"] {
        stored.extend(std::fs::read(server.data_dir().join(file)).unwrap_or_default());
    }
    assert!(!stored.is_empty());
    for secret in [session.as_str(), &token, PASSWORD, wrong] {
        assert!(!stored.windows(secret.len()).any(|window| window == secret.as_bytes()), "found a secret");
    }
}

#[tokio::test]
async fn checking_an_unknown_user_takes_as_long_as_a_known_one() {
    let server = Server::new().await;
    server.user("ada@example.org", false).await;
    let password = SecretString::from("wrong password");
    let mut took = [std::time::Duration::MAX; 2];
    for _ in 0..3 {
        for (at, email) in ["ada@example.org", "nobody@example.org"].into_iter().enumerate() {
            let started = std::time::Instant::now();
            assert!(server.accounts.sign_in(email, &password, None, "", None).await.is_err());
            took[at] = took[at].min(started.elapsed());
        }
    }
    // The hash dominates; without it the unknown user would be answered in a tenth of the time.
    let (slow, fast) = (took[0].max(took[1]), took[0].min(took[1]));
    assert!(fast * 4 > slow, "{took:?}");
}

#[tokio::test]
async fn a_body_or_a_depth_too_much_is_refused() {
    let server = Server::new().await;
    let large = json!({ "slug": "x".repeat(3 * 1024 * 1024) });
    assert_eq!(server.json("POST", "/api/v1/teams", &As::Nobody, large).await.status(), StatusCode::PAYLOAD_TOO_LARGE);
    let deep = format!("{}{}", "[".repeat(5000), "]".repeat(5000));
    let request =
        Request::post("/api/v1/teams").header(header::CONTENT_TYPE, "application/json").body(Body::from(deep));
    assert_eq!(server.send(request.expect("a request")).await.status(), StatusCode::BAD_REQUEST);
}

/// What a path may hold that leads elsewhere in some server.
const LEADING_OUT: [&str; 14] = [
    "../../../../etc/passwd",
    "..%2f..%2f..%2f..%2fetc%2fpasswd",
    "%2e%2e/%2e%2e/%2e%2e/etc/passwd",
    "%2e%2e%2f%2e%2e%2f%2e%2e%2fetc%2fpasswd",
    "..%5c..%5c..%5cetc%5cpasswd",
    "....//....//etc/passwd",
    "%252e%252e%252fetc%252fpasswd",
    "..%00/etc/passwd",
    "%2fetc%2fpasswd",
    "/etc/passwd",
    "~root/.profile",
    ".git/config",
    "file:%2f%2f%2fetc%2fpasswd",
    "control.db",
];

#[tokio::test]
async fn no_path_leads_out_of_what_is_served() {
    let pair = crate::isolation_data::pair().await;
    let server = &pair.server;
    let root = server.control.find_person_by_email("root@example.org").await.expect("it answers").expect("root");
    let who = server.session(&root).await;
    let with_parameter = tallykeep_server::routes::all()
        .into_iter()
        .filter(|route| route.path().contains('{') && route.methods().contains(&"GET"))
        .map(|route| route.path().to_owned());
    let places: Vec<String> = ["/{x}", "/assets/{x}", "/a/{x}/packages", "/a/default/{x}"]
        .into_iter()
        .map(str::to_owned)
        .chain(with_parameter)
        .collect();
    for place in places {
        for out in LEADING_OUT {
            let before = place.split('{').next().unwrap_or("/");
            let after = place.split_once('}').map_or("", |(_, rest)| rest);
            // A path that is no URL never reaches a server.
            let Ok(request) = who.sign(Request::get(format!("{before}{out}{after}"))).body(Body::empty()) else {
                continue;
            };
            let response = server.send(request).await;
            let status = response.status();
            assert!(!status.is_server_error(), "{before}{out}{after}: {status}");
            let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
            let leaked = |word: &[u8]| body.windows(word.len()).any(|window| window == word);
            assert!(!leaked(b"root:") && !leaked(b"SQLite format") && !leaked(b"[core]"), "{before}{out}{after}");
        }
    }
}

#[tokio::test]
async fn a_team_cannot_be_called_like_a_path() {
    let server = Server::new().await;
    let root = server.quick_user("root@example.org", true).await;
    let who = server.session(&root).await;
    for slug in ["..", ".", "", "../x", "a/b", "a\\b", "/etc", "a\0b", "a b", "A", "ä", "-", "a.b", &"x".repeat(300)] {
        let response = server.json("POST", "/api/v1/teams", &who, json!({ "slug": slug })).await;
        assert_eq!(response.status(), StatusCode::BAD_REQUEST, "{slug:?}");
    }
}

#[tokio::test]
async fn another_sites_form_signs_nobody_in_and_changes_nothing() {
    let server = Server::new().await;
    let ada = server.user("ada@example.org", false).await;
    let body = json!({ "email": "ada@example.org", "password": PASSWORD }).to_string();
    // What a form of another site can send without asking first.
    for kind in ["text/plain", "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", ""] {
        let mut request = Request::post("/api/v1/session").header(header::ORIGIN, "https://evil.example");
        if !kind.is_empty() {
            request = request.header(header::CONTENT_TYPE, kind);
        }
        let response = server.send(request.body(Body::from(body.clone())).expect("a request")).await;
        assert!(response.status().is_client_error(), "{kind}: {}", response.status());
        assert!(set_cookie(&response, "tallykeep_session").is_none(), "{kind}");
    }
    let As::Cookie { secret, .. } = server.session(&ada).await else { unreachable!() };
    for route in tallykeep_server::routes::all() {
        for method in route.methods().into_iter().filter(|method| *method != "GET") {
            // At the door there is no session to abuse; its forms are tied to their page by the same token.
            if matches!(route.decision(), tallykeep_access::Decision::Anyone { .. }) {
                continue;
            }
            let path = crate::matrix::fill(route.path());
            let request = Request::builder()
                .method(method)
                .uri(&path)
                .header(header::COOKIE, format!("tallykeep_session={secret}"))
                .header(header::ORIGIN, "https://evil.example")
                .header(header::CONTENT_TYPE, "text/plain");
            let response = server.send(request.body(Body::from("{}")).expect("a request")).await;
            let (status, said) = (response.status(), crate::support::text(response).await);
            assert!(matches!(status.as_u16(), 403 | 404), "{method} {path}: {status} {said}");
        }
    }
    assert_eq!(server.control.sessions(ada.id, server.accounts.config().session_life()).await.expect("them").len(), 1);
}

#[tokio::test]
async fn a_header_that_names_another_address_gives_no_new_tries() {
    let server = Server::new().await;
    server.user("ada@example.org", false).await;
    let mut tried = 0;
    loop {
        let body = json!({ "email": "ada@example.org", "password": "wrong password" }).to_string();
        let request = Request::post("/api/v1/session")
            .header("x-forwarded-for", format!("203.0.113.{tried}"))
            .header("forwarded", format!("for=203.0.113.{tried}"))
            .header(header::CONTENT_TYPE, "application/json");
        let response = server.send(request.body(Body::from(body)).expect("a request")).await;
        if response.status() == StatusCode::TOO_MANY_REQUESTS {
            break;
        }
        tried += 1;
        assert!(tried < 20, "still guessing");
    }
}

#[tokio::test]
async fn a_stolen_one_time_link_is_worth_nothing_once_used() {
    let server = Server::new().await;
    let ada = server.user("ada@example.org", false).await;
    let link = server.accounts.new_password_link(ada.id).await.expect("a link");
    let newer = server.accounts.new_password_link(ada.id).await.expect("a link");
    let set = |link: &str, password: &str| json!({ "link": link, "password": password });
    let used = server.json("POST", "/api/v1/new-password", &As::Nobody, set(&newer, "a fresh password")).await;
    assert_eq!(used.status(), StatusCode::OK);
    for (link, what) in
        [(&newer, "used"), (&link, "older"), (&hash_secret(&newer), "its hash"), (&"x".repeat(43), "made up")]
    {
        let again = server.json("POST", "/api/v1/new-password", &As::Nobody, set(link, "another password")).await;
        assert_eq!(again.status(), StatusCode::BAD_REQUEST, "{what}");
    }
    assert_eq!(attempt(&server, "ada@example.org", "a fresh password").await.status(), StatusCode::OK);
}
