//! A server in process, people in it, and requests as them.

use std::{
    path::PathBuf,
    sync::atomic::{AtomicU64, Ordering},
    time::Duration,
};

use axum::{
    Router,
    body::Body,
    http::{Request, StatusCode, header, request::Builder},
    response::Response,
};
use jiff::{SignedDuration, Timestamp};
use serde_json::Value;
use tallykeep_access::{AccessConfig, Accounts, InstallationKey, Role, SecretString, TokenScope};
use tallykeep_control::{Control, NewPerson, Person};
use tallykeep_lake::Lake;
use tallykeep_model::{Clock, TeamSlug};
use tallykeep_repository::{
    Config, Repository, Settings, TeamRepository, aggregate::AggregateRequest, import::ImportRequest,
};
use tallykeep_server::{App, AppBuilder, router};
use tower::ServiceExt;

pub const PASSWORD: &str = "correct horse battery";

pub struct Server {
    pub control: Control,
    pub accounts: Accounts,
    pub app: App,
    router: Router,
    sessions: AtomicU64,
    dir: tempfile::TempDir,
}

/// Who sends a request.
#[derive(Clone)]
pub enum As {
    Nobody,
    Cookie { secret: String, csrf: String },
    Bearer(String),
}

impl Server {
    /// A server without users on a fresh data dir.
    pub async fn new() -> Self {
        Self::with(AccessConfig::default(), |builder| builder).await
    }

    pub async fn with(config: AccessConfig, build: impl FnOnce(AppBuilder) -> AppBuilder) -> Self {
        Self::with_control(config, |_, builder| build(builder)).await
    }

    /// For services that keep things in the control database themselves.
    pub async fn with_control(config: AccessConfig, build: impl FnOnce(&Control, AppBuilder) -> AppBuilder) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let control = Control::open(dir.path(), Clock::System).await.expect("a database");
        Self::on(control, dir, config, build)
    }

    /// A server on a database that somebody else opened.
    pub fn on(
        control: Control,
        dir: tempfile::TempDir,
        config: AccessConfig,
        build: impl FnOnce(&Control, AppBuilder) -> AppBuilder,
    ) -> Self {
        let key = InstallationKey::open(dir.path()).expect("a key");
        // The rate limit has tests of its own; elsewhere it would only count them.
        let accounts = Accounts::new(control.clone(), config, key).expect("accounts");
        let app = build(&control, App::builder(control.clone(), accounts.clone())).build();
        Self { router: router(app.clone()), control, accounts, app, sessions: AtomicU64::new(0), dir }
    }

    pub fn data_dir(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// A user who could sign in with [`PASSWORD`].
    pub async fn user(&self, email: &str, instance_admin: bool) -> Person {
        let password = SecretString::from(PASSWORD);
        self.accounts.add_person(email, "", Some(&password), instance_admin).await.expect("a user")
    }

    /// A user without password: cheap, for tests that start sessions themselves.
    pub async fn quick_user(&self, email: &str, instance_admin: bool) -> Person {
        let new = NewPerson { email: email.to_owned(), instance_admin, ..NewPerson::default() };
        self.control.add_person(&new).await.expect("a user")
    }

    pub async fn team(&self, slug: &str) {
        if slug != TeamSlug::DEFAULT {
            self.control.add_team(&slug.parse().expect("a slug"), slug).await.expect("a team");
        }
    }

    pub async fn member(&self, team: &str, person: &Person, role: Role) {
        let team = self.control.team(&team.parse().expect("a slug")).await.expect("the team");
        team.set_member(person.id, role.as_str()).await.expect("a member");
    }

    /// A fresh session of a user.
    pub async fn session(&self, person: &Person) -> As {
        let secret = format!("session-{}-{}", person.id, self.sessions.fetch_add(1, Ordering::Relaxed));
        let hash = tallykeep_access::hash_secret(&secret);
        self.control.add_session(&hash, person.id, "test", "test").await.expect("a session");
        As::Cookie { csrf: self.accounts.csrf_of(&secret), secret }
    }

    pub async fn token(&self, team: &str, scope: TokenScope, life: Option<SignedDuration>) -> As {
        let team = self.control.team(&team.parse().expect("a slug")).await.expect("the team");
        let until = life.map(|life| Timestamp::now() + life);
        let (_, secret) = self.accounts.create_token(&team, "test", &[scope], until, "test").await.expect("a token");
        As::Bearer(secret)
    }

    pub async fn send(&self, request: Request<Body>) -> Response {
        self.router.clone().oneshot(request).await.expect("never fails")
    }

    pub async fn get(&self, path: &str, who: &As) -> Response {
        self.send(who.sign(Request::get(path)).body(Body::empty()).expect("a request")).await
    }

    pub async fn json(&self, method: &str, path: &str, who: &As, body: Value) -> Response {
        let request = who.sign(Request::builder().method(method).uri(path));
        let request = request.header(header::CONTENT_TYPE, "application/json").body(Body::from(body.to_string()));
        self.send(request.expect("a request")).await
    }
}

impl As {
    /// Adds what proves who it is, the CSRF header too.
    pub fn sign(&self, request: Builder) -> Builder {
        match self {
            Self::Nobody => request,
            Self::Bearer(secret) => request.header(header::AUTHORIZATION, format!("Bearer {secret}")),
            Self::Cookie { secret, csrf } => request
                .header(header::COOKIE, format!("tallykeep_session={secret}; csrftoken={csrf}"))
                .header("x-csrftoken", csrf),
        }
    }
}

/// A server with a repository on a lake of its own.
pub struct Filled {
    pub server: Server,
    pub repository: TeamRepository,
    pub dir: tempfile::TempDir,
}

impl Filled {
    /// Nothing in it yet.
    pub async fn empty(change: impl FnOnce(&mut Settings)) -> Self {
        let dir = tempfile::tempdir().expect("a folder");
        let lake = Lake::open(&dir.path().join("lake"), Duration::from_secs(60)).expect("a lake");
        let mut settings = Config::default().settings().expect("default settings");
        change(&mut settings);
        let mut service = None;
        let server = Server::with_control(AccessConfig::default(), |control, builder| {
            let repository = Repository::new(control.clone(), lake, settings);
            service = Some(repository.clone());
            builder.with(repository)
        })
        .await;
        let team = server.control.team(&TeamSlug::default()).await.expect("the default team");
        let repository = service.expect("just made").of(team);
        Self { server, repository, dir }
    }

    /// Writes documents as lines of a file.
    pub fn lines(&self, name: &str, documents: &[Value]) -> Vec<PathBuf> {
        let path = self.dir.path().join(name);
        std::fs::write(&path, documents.iter().map(|d| format!("{d}\n")).collect::<String>()).expect("written");
        vec![path]
    }

    /// Imports and aggregates. Answers how many documents were new; none is rejected.
    pub async fn fill(&self, request: &ImportRequest) -> u64 {
        let report = self.repository.import(request, &mut |_| true).await.expect("imported");
        assert_eq!(report.total.rejected, 0);
        let request = AggregateRequest::default();
        let result = self.repository.aggregate(&request, "test", &mut |_| true).await.expect("aggregated");
        assert_eq!(result.status, "completed");
        report.total.new
    }
}

pub async fn text(response: Response) -> String {
    let bytes = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    String::from_utf8(bytes.to_vec()).expect("text")
}

pub async fn value(response: Response) -> Value {
    assert!(response.status().is_success(), "{}", response.status());
    serde_json::from_str(&text(response).await).expect("JSON")
}

/// The value of a cookie an answer sets.
pub fn set_cookie(response: &Response, name: &str) -> Option<String> {
    let all = response.headers().get_all(header::SET_COOKIE);
    all.iter()
        .filter_map(|value| value.to_str().ok())
        .filter_map(|line| line.split(';').next()?.split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value.to_owned())
}

pub fn location(response: &Response) -> &str {
    assert!(response.status().is_redirection(), "{}", response.status());
    response.headers()[header::LOCATION].to_str().expect("text")
}

pub fn no_content(response: &Response) {
    assert_eq!(response.status(), StatusCode::NO_CONTENT);
}

/// Whether a value is of one of the kinds a client's list of fields names, as `string|null`.
pub fn is_of(value: &serde_json::Value, kinds: &str) -> bool {
    kinds.split('|').any(|kind| match kind.trim() {
        "string" => value.is_string(),
        "number" => value.is_number(),
        "boolean" => value.is_boolean(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "null" => value.is_null(),
        _ => false,
    })
}
