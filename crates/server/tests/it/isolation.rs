//! Two teams with the same names in them and different sentinels: nothing of one ever shows in the other.

use axum::http::StatusCode;
use serde_json::json;
use tallykeep_access::{AccessConfig, Role, TokenScope};
use tallykeep_server::{Refused, routes};

use crate::{
    matrix::fill,
    support::{As, Server, text},
};

const SENTINELS: [(&str, &str); 2] = [("alpha", "xqalphaqx"), ("beta", "xqbetaqx")];

/// Both teams with an admin, members, tokens, communities' readers and log lines of their own.
async fn two_teams(server: &Server) -> Vec<As> {
    server.quick_user("root@example.org", true).await;
    let mut admins = Vec::new();
    for (slug, sentinel) in SENTINELS {
        server.team(slug).await;
        let admin = server.quick_user(&format!("admin@{sentinel}.example"), false).await;
        let reader = server.quick_user(&format!("reader@{sentinel}.example"), false).await;
        server.member(slug, &admin, Role::Admin).await;
        server.member(slug, &reader, Role::Viewer).await;
        let who = server.session(&admin).await;
        let at = |path: &str| format!("/a/{slug}/api/v1/team{path}");
        let renamed = server.json("PATCH", &at(""), &who, json!({ "name": sentinel })).await;
        assert_eq!(renamed.status(), StatusCode::OK);
        let token = json!({ "name": sentinel, "scopes": ["read"] });
        assert_eq!(server.json("POST", &at("/tokens"), &who, token).await.status(), StatusCode::CREATED);
        let let_in = json!({ "community_id": "same-id", "email": format!("reader@{sentinel}.example") });
        assert_eq!(server.json("PUT", &at("/community-readers"), &who, let_in).await.status(), StatusCode::NO_CONTENT);
        admins.push(who);
    }
    admins
}

#[tokio::test]
async fn no_route_shows_anything_of_another_team() {
    let config = AccessConfig { requests_per_minute: 0, requests_per_minute_signed_in: 0, ..AccessConfig::default() };
    let server = Server::with(config, |builder| builder).await;
    let admins = two_teams(&server).await;
    let mut own_seen = 0;
    for ((own, other), who) in [(0, 1), (1, 0)].into_iter().zip(&admins) {
        let (slug, sentinel) = SENTINELS[own];
        for route in routes::all().into_iter().filter(|route| route.methods().contains(&"GET")) {
            for place in [
                fill(route.path()),
                format!("/a/{slug}{}", fill(route.path())),
                format!("/a/{}{}", SENTINELS[other].0, fill(route.path())),
            ] {
                let response = server.get(&place, who).await;
                let said = format!("{:?}", response.headers());
                let body = text(response).await;
                own_seen += usize::from(body.contains(sentinel));
                let foreign = SENTINELS[other].1;
                assert!(!said.contains(foreign) && !body.contains(foreign), "{place} shows the other team: {body}");
            }
        }
    }
    assert!(own_seen >= 8, "the sentinels are where they are looked for: {own_seen}");
}

#[tokio::test]
async fn another_teams_paths_are_like_those_of_no_team() {
    let config = AccessConfig { requests_per_minute: 0, requests_per_minute_signed_in: 0, ..AccessConfig::default() };
    let server = Server::with(config, |builder| builder).await;
    let admins = two_teams(&server).await;
    let token = server.token("alpha", TokenScope::Admin, None).await;
    for route in routes::all().into_iter().filter(|route| route.decision().is_about_a_team()) {
        for method in route.methods() {
            for who in [&admins[0], &token] {
                let mut answers = Vec::new();
                for team in ["beta", "nobody", "no%2Fteam"] {
                    let path = format!("/a/{team}{}", fill(route.path()));
                    let response = server.json(method, &path, who, json!({})).await;
                    assert!(response.extensions().get::<Refused>().is_some(), "{method} {path}");
                    answers.push((response.status(), text(response).await));
                }
                assert_eq!(answers[0].0, StatusCode::NOT_FOUND, "{method} {}", route.path());
                assert!(answers.iter().all(|answer| *answer == answers[0]), "{method} {}: {answers:?}", route.path());
            }
        }
    }
}

#[tokio::test]
async fn guessed_ids_of_another_team_do_nothing() {
    let server = Server::new().await;
    let admins = two_teams(&server).await;
    let tokens = crate::support::value(server.get("/a/beta/api/v1/team/tokens", &admins[1]).await).await;
    let members = crate::support::value(server.get("/a/beta/api/v1/team/members", &admins[1]).await).await;
    let (token, member) = (&tokens[0]["id"], &members[0]["id"]);
    for path in [format!("/a/alpha/api/v1/team/tokens/{token}"), format!("/a/alpha/api/v1/team/members/{member}")] {
        let response = server.json("DELETE", &path, &admins[0], json!(null)).await;
        assert_eq!(response.status(), StatusCode::NOT_FOUND, "{path}");
    }
    let after = crate::support::value(server.get("/a/beta/api/v1/team/tokens", &admins[1]).await).await;
    assert_eq!(after[0]["revoked_at"], json!(null));
    let audit = server.get("/a/alpha/api/v1/team/audit?team=beta", &admins[0]).await;
    assert_eq!(audit.status(), StatusCode::BAD_REQUEST);
}
