//! Signing in through a provider: a small one on loopback that can also lie. The real one (npm `oidc-provider`) is asked in
//! `web/e2e/people.test.mjs`.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
};

use axum::{
    Form, Json, Router,
    body::Body,
    extract::State,
    http::{HeaderMap, Request, StatusCode, header},
    routing::{get, post},
};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use openidconnect::{
    JsonWebKeyId, PrivateSigningKey,
    core::{CoreEdDsaPrivateSigningKey, CoreJwsSigningAlgorithm},
};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use tallykeep_access::{AccessConfig, GroupRule, OidcConfig, Role};

use crate::support::{As, Server, location, set_cookie, value};

/// Keys made for these tests; they open nothing.
const OWN_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIBvBlGvfngTjp2E374Fgw++Q9b94G6HYxjg1r7sMAR4U
-----END PRIVATE KEY-----
";
const FOREIGN_KEY: &str = "-----BEGIN PRIVATE KEY-----
MC4CAQAwBQYDK2VwBCIEIHkbzWyJEcLVIrUowLxIX9nM88Q9TQ1zsIHNWq+oAvbV
-----END PRIVATE KEY-----
";

/// How a token is signed.
#[derive(Clone, Copy, Default, PartialEq, Debug)]
enum Signature {
    #[default]
    Own,
    /// By another key under the right key's id.
    Foreign,
    /// `alg: none`, no signature.
    None,
    /// HMAC with what everybody knows, the public key.
    PublicKeyAsSecret,
    /// The right signature of other claims.
    OfOtherClaims,
}

/// What the provider was told and what it will say.
#[derive(Default)]
struct Told {
    challenge: String,
    nonce: String,
    claims: Value,
    /// What the user info says, where the token is silent.
    user_info: Value,
    signature: Signature,
    /// Where the token endpoint sends who asks.
    redirect: Option<String>,
}

type Shared = Arc<Mutex<Told>>;

fn key(pem: &str) -> CoreEdDsaPrivateSigningKey {
    CoreEdDsaPrivateSigningKey::from_ed25519_pem(pem, Some(JsonWebKeyId::new("one".to_owned()))).expect("a key")
}

fn token(claims: &str, how: Signature) -> String {
    let part = |bytes: &[u8]| BASE64_URL_SAFE_NO_PAD.encode(bytes);
    let head = match how {
        Signature::None => r#"{"alg":"none"}"#,
        Signature::PublicKeyAsSecret => r#"{"alg":"HS256","kid":"one"}"#,
        _ => r#"{"alg":"EdDSA","kid":"one"}"#,
    };
    let signed = format!("{}.{}", part(head.as_bytes()), part(claims.as_bytes()));
    let by = |pem: &str, what: &str| key(pem).sign(&CoreJwsSigningAlgorithm::EdDsa, what.as_bytes()).expect("signed");
    let signature = match how {
        Signature::Own => by(OWN_KEY, &signed),
        Signature::Foreign => by(FOREIGN_KEY, &signed),
        Signature::None => Vec::new(),
        Signature::PublicKeyAsSecret => {
            let public = serde_json::to_vec(&key(OWN_KEY).as_verification_key()).expect("JSON");
            Sha256::digest([public.as_slice(), signed.as_bytes()].concat()).to_vec()
        }
        Signature::OfOtherClaims => by(OWN_KEY, &format!("{}.{}", part(head.as_bytes()), part(b"{}"))),
    };
    format!("{signed}.{}", part(&signature))
}

/// A provider of `claims`; `{nonce}`, `{issuer}` stand for the right values.
async fn provider() -> (String, Shared) {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let issuer = format!("http://{}", listener.local_addr().expect("its address"));
    let told = Shared::default();
    let document = json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"), "token_endpoint": format!("{issuer}/token"),
        "userinfo_endpoint": format!("{issuer}/me"), "jwks_uri": format!("{issuer}/keys"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["EdDSA", "HS256", "none"],
    });
    let keys = json!({ "keys": [key(OWN_KEY).as_verification_key()] });
    let own = issuer.clone();
    let app = Router::new()
        .route("/.well-known/openid-configuration", get(move || async move { Json(document) }))
        .route("/keys", get(move || async move { Json(keys) }))
        .route(
            "/me",
            get(|State(told): State<Shared>, headers: HeaderMap| async move {
                assert_eq!(headers[header::AUTHORIZATION], "Bearer x");
                Json(told.lock().expect("not poisoned").user_info.clone())
            }),
        )
        .route(
            "/token",
            post(move |State(told): State<Shared>, Form(form): Form<HashMap<String, String>>| async move {
                let told = told.lock().expect("not poisoned");
                if let Some(to) = &told.redirect {
                    return Err((StatusCode::TEMPORARY_REDIRECT, [(header::LOCATION, to.clone())]));
                }
                let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(form["code_verifier"].as_bytes()));
                if form["code"] != "the-code" || form["client_id"] != "tallykeep" || challenge != told.challenge {
                    return Err((StatusCode::BAD_REQUEST, [(header::LOCATION, String::new())]));
                }
                let claims = told.claims.to_string().replace("{nonce}", &told.nonce).replace("{issuer}", &own);
                let token = token(&claims, told.signature);
                Ok(Json(json!({ "access_token": "x", "token_type": "Bearer", "id_token": token })))
            }),
        )
        .with_state(told.clone());
    tokio::spawn(async move { axum::serve(listener, app).await });
    (issuer, told)
}

async fn server(issuer: &str) -> Server {
    let config = AccessConfig {
        public_url: Some("http://localhost:8080".to_owned()),
        mail_domains: vec!["example.org".to_owned()],
        oidc: Some(OidcConfig {
            issuer: issuer.to_owned(),
            client_id: "tallykeep".to_owned(),
            client_secret_variable: None,
            name: "Example".to_owned(),
            hosted_domain: Some("example.org".to_owned()),
            scopes: vec!["groups".to_owned()],
            groups_claim: "groups".to_owned(),
            groups: vec![
                GroupRule {
                    group: "botanists".to_owned(),
                    team: Some("default".parse().expect("a slug")),
                    role: Some(Role::Editor),
                    instance_admin: false,
                },
                GroupRule { group: "operators".to_owned(), team: None, role: None, instance_admin: true },
            ],
        }),
        ..AccessConfig::default()
    };
    let server = Server::with(config, |builder| builder).await;
    server.quick_user("root@example.org", true).await;
    server
}

/// Leaves for the provider; the cookie and state to come back with.
async fn depart(server: &Server, told: &Shared) -> (String, String) {
    let response = server.get("/sign-in/provider?next=/packages", &As::Nobody).await;
    let to: url::Url = location(&response).parse().expect("an address");
    let query: HashMap<_, _> = to.query_pairs().into_owned().collect();
    assert_eq!((query["response_type"].as_str(), query["code_challenge_method"].as_str()), ("code", "S256"));
    assert_eq!(query["redirect_uri"], "http://localhost:8080/sign-in/provider/return");
    assert_eq!((query["scope"].as_str(), query["hd"].as_str()), ("openid email profile groups", "example.org"));
    let mut told = told.lock().expect("not poisoned");
    told.challenge.clone_from(&query["code_challenge"]);
    told.nonce.clone_from(&query["nonce"]);
    (set_cookie(&response, "tallykeep_sign_in").expect("a cookie"), query["state"].clone())
}

async fn arrive(server: &Server, cookie: &str, query: &str) -> axum::response::Response {
    let request = Request::get(format!("/sign-in/provider/return?{query}"))
        .header(header::COOKIE, format!("tallykeep_sign_in={cookie}"))
        .body(Body::empty());
    server.send(request.expect("a request")).await
}

fn good() -> Value {
    json!({
        "iss": "{issuer}", "sub": "123", "aud": "tallykeep", "exp": 4_000_000_000_i64, "iat": 1_700_000_000, "nonce": "{nonce}", "hd": "Example.org",
        "email": "Ada@Example.org", "email_verified": true, "name": "Ada", "groups": ["botanists", "others"],
    })
}

#[tokio::test]
async fn a_new_person_of_the_domain_comes_in_with_the_groups_role() {
    let (issuer, told) = provider().await;
    let server = server(&issuer).await;
    told.lock().expect("not poisoned").claims = good();
    let (cookie, state) = depart(&server, &told).await;
    let response = arrive(&server, &cookie, &format!("code=the-code&state={state}")).await;
    assert_eq!(location(&response), "/packages");
    let secret = set_cookie(&response, "tallykeep_session").expect("a session");
    let who = As::Cookie { csrf: server.accounts.csrf_of(&secret), secret };
    let me = value(server.get("/api/v1/session", &who).await).await;
    assert_eq!(
        (&me["email"], &me["name"], &me["instance_admin"]),
        (&json!("ada@example.org"), &json!("Ada"), &json!(false))
    );
    assert_eq!(me["teams"][0]["role"], "editor");
    // The same answer again is worth nothing: state and code are used up.
    assert_eq!(
        arrive(&server, &cookie, &format!("code=the-code&state={state}")).await.status(),
        StatusCode::BAD_REQUEST
    );
    // Known by subject from now on; a group that is gone takes its role along.
    let mut claims = good();
    claims["groups"] = json!(["operators"]);
    told.lock().expect("not poisoned").claims = claims;
    let (cookie, state) = depart(&server, &told).await;
    let response = arrive(&server, &cookie, &format!("code=the-code&state={state}")).await;
    assert!(response.status().is_redirection());
    let person = server.control.find_person_by_email("ada@example.org").await.expect("it answers").expect("Ada");
    assert!(person.instance_admin);
    assert_eq!(server.control.role_in(1, person.id).await.expect("it answers"), None);
}

#[tokio::test]
async fn every_wrong_claim_is_refused() {
    let (issuer, told) = provider().await;
    let server = server(&issuer).await;
    for (claim, wrong) in [
        ("iss", json!("https://evil.example")),
        ("aud", json!("somebody-else")),
        ("aud", json!(["tallykeep", "somebody-else"])),
        ("azp", json!("somebody-else")),
        ("exp", json!(1_000_000_000)),
        ("exp", json!(null)),
        ("iat", json!(3_999_999_999_i64)),
        ("nonce", json!("another")),
        ("nonce", json!(null)),
        ("sub", json!("")),
        ("email_verified", json!(false)),
        ("email", json!("eve@evil.example")),
        ("email", json!("eve@sub.example.org")),
        ("hd", json!("evil.example")),
        ("hd", json!(null)),
    ] {
        let mut claims = good();
        claims[claim] = wrong.clone();
        told.lock().expect("not poisoned").claims = claims;
        let (cookie, state) = depart(&server, &told).await;
        let response = arrive(&server, &cookie, &format!("code=the-code&state={state}")).await;
        assert!(response.status().is_client_error() || response.status().is_server_error(), "{claim} = {wrong}");
        assert!(set_cookie(&response, "tallykeep_session").is_none(), "{claim} = {wrong}");
    }
    assert_eq!(server.control.people().await.expect("it answers").len(), 1, "nobody was added");
}

#[tokio::test]
async fn a_sign_in_started_elsewhere_or_denied_does_not_finish() {
    let (issuer, told) = provider().await;
    let server = server(&issuer).await;
    told.lock().expect("not poisoned").claims = good();
    let (cookie, state) = depart(&server, &told).await;
    for (cookie, query) in [
        ("", format!("code=the-code&state={state}")),
        ("another", format!("code=the-code&state={state}")),
        (cookie.as_str(), "code=the-code&state=another".to_owned()),
        (cookie.as_str(), "code=the-code".to_owned()),
    ] {
        assert_eq!(arrive(&server, cookie, &query).await.status(), StatusCode::BAD_REQUEST, "{query}");
    }
    let denied = arrive(&server, &cookie, &format!("error=access_denied&state={state}")).await;
    assert_eq!(denied.status(), StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_mail_address_that_changed_hands_does_not_take_the_account() {
    let (issuer, told) = provider().await;
    let server = server(&issuer).await;
    for (subject, signed_in) in [("123", true), ("456", false)] {
        let mut claims = good();
        claims["sub"] = json!(subject);
        told.lock().expect("not poisoned").claims = claims;
        let (cookie, state) = depart(&server, &told).await;
        let response = arrive(&server, &cookie, &format!("code=the-code&state={state}")).await;
        assert_eq!(set_cookie(&response, "tallykeep_session").is_some(), signed_in, "{subject}");
    }
}

#[tokio::test]
async fn only_a_token_the_provider_signed_counts() {
    let (issuer, told) = provider().await;
    let server = server(&issuer).await;
    for how in [
        Signature::Foreign,
        Signature::None,
        Signature::PublicKeyAsSecret,
        Signature::OfOtherClaims,
        // The last one shows that the others failed for their signatures.
        Signature::Own,
    ] {
        {
            let mut told = told.lock().expect("not poisoned");
            told.claims = good();
            told.signature = how;
        }
        let (cookie, state) = depart(&server, &told).await;
        let response = arrive(&server, &cookie, &format!("code=the-code&state={state}")).await;
        assert_eq!(set_cookie(&response, "tallykeep_session").is_some(), how == Signature::Own, "{how:?}");
    }
}

#[tokio::test]
async fn what_the_token_leaves_out_the_user_info_says_and_only_of_the_same_person() {
    let (issuer, told) = provider().await;
    let server = server(&issuer).await;
    let short = |subject: &str| {
        let mut claims = good();
        for claim in ["email", "email_verified", "name", "groups", "hd"] {
            claims.as_object_mut().expect("an object").remove(claim);
        }
        claims["sub"] = json!(subject);
        claims
    };
    let info = json!({ "sub": "9", "email": "cara@example.org", "email_verified": true, "groups": ["botanists"], "hd": "example.org" });
    for (subject, signed_in) in [("8", false), ("9", true)] {
        {
            let mut told = told.lock().expect("not poisoned");
            told.claims = short(subject);
            told.user_info = info.clone();
        }
        let (cookie, state) = depart(&server, &told).await;
        let response = arrive(&server, &cookie, &format!("code=the-code&state={state}")).await;
        assert_eq!(set_cookie(&response, "tallykeep_session").is_some(), signed_in, "{subject}");
    }
    let person = server.control.find_person_by_email("cara@example.org").await.expect("it answers").expect("Cara");
    assert_eq!(server.control.role_in(1, person.id).await.expect("it answers").as_deref(), Some("editor"));
}

#[tokio::test]
async fn a_provider_cannot_send_us_on() {
    let (issuer, told) = provider().await;
    let (elsewhere, other) = provider().await;
    let server = server(&issuer).await;
    told.lock().expect("not poisoned").claims = good();
    let (cookie, state) = depart(&server, &told).await;
    {
        let mut other = other.lock().expect("not poisoned");
        let told = told.lock().expect("not poisoned");
        // The other place would answer everything right: only the redirect is wrong.
        other.claims = good();
        other.challenge.clone_from(&told.challenge);
        other.nonce.clone_from(&told.nonce);
    }
    told.lock().expect("not poisoned").redirect = Some(format!("{elsewhere}/token"));
    let response = arrive(&server, &cookie, &format!("code=the-code&state={state}")).await;
    assert_eq!(response.status(), StatusCode::BAD_GATEWAY);
    assert!(set_cookie(&response, "tallykeep_session").is_none());
}
