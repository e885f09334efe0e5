//! The guard in front of every route: who asks, about which team, and whether the decision lets him.
//!
//! It leaves a [`Granted`] in the request; the extractors here read it. They are the only way to a [`TeamControl`], so
//! a handler cannot touch a team that the guard did not grant.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, RawPathParams, Request, State},
    http::{HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Redirect, Response},
};
use tallykeep_access::{Caller, Dashboard, Decision, Refusal, Role, TeamStanding, Visibility, decide};
use tallykeep_control::{Control, TeamControl};
use tallykeep_model::{Team, TeamSlug};

use super::{App, LoginMode, local};
use crate::{
    error::{ApiError, ErrorShape},
    page::new_csrf_token,
    serve::RequestId,
};

/// One route's guard.
pub(crate) struct Guard {
    pub app: App,
    pub decision: Decision,
    pub shape: ErrorShape,
    pub is_page: bool,
}

/// Who acts, as logs, audit and owned rows (presets) name him.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Actor {
    Anonymous,
    /// The built-in user of an installation without users.
    Local,
    Person {
        id: i64,
        email: String,
    },
    Token {
        id: i64,
        name: String,
    },
}

impl Actor {
    /// Stable text that owns rows: `local`, `user:7`, `token:3`, `anonymous`.
    pub fn key(&self) -> String {
        match self {
            Self::Anonymous => "anonymous".to_owned(),
            Self::Local => "local".to_owned(),
            Self::Person { id, .. } => format!("user:{id}"),
            Self::Token { id, .. } => format!("token:{id}"),
        }
    }

    /// What people read: the mail address, the token's name.
    pub fn name(&self) -> &str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Local => "local",
            Self::Person { email, .. } => email,
            Self::Token { name, .. } => name,
        }
    }
}

/// What the guard found out and granted.
#[derive(Clone)]
pub(crate) struct Granted {
    decision: Decision,
    actor: Actor,
    /// The role in the team: a member's own, admin for `local` and instance admins, none for guests and tokens that read.
    role: Option<Role>,
    team: Option<TeamControl>,
    control: Control,
    csrf: String,
}

pub(crate) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let request_id = request.extensions().get::<RequestId>().map(|id| id.0.clone());
    let cookie_csrf = cookie(request.headers(), "csrftoken").map(str::to_owned);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = match guard.grant(request, cookie_csrf.as_deref()).await {
        Ok((request, csrf)) => {
            let mut response = next.run(request).await;
            if guard.is_page && cookie_csrf.as_deref() != Some(csrf.as_str()) {
                set_csrf_cookie(&mut response, &csrf);
            }
            response
        }
        Err(Denied::Redirect(to)) => Redirect::to(&to).into_response(),
        Err(Denied::Error(error)) => error.into_response(),
    };
    if let Some(error) = response.extensions_mut().remove::<ApiError>() {
        // Here and nowhere else a failure is logged.
        let id = request_id.as_deref().unwrap_or("-");
        match &error.cause {
            Some(cause) => tracing::error!("{method} {path} request {id}: {cause}"),
            None => tracing::debug!("{method} {path} request {id}: {} {}", error.status.as_u16(), error.message),
        }
        let cookies: Vec<HeaderValue> = response.headers().get_all(header::SET_COOKIE).iter().cloned().collect();
        response = error.render(guard.shape, request_id.as_deref());
        for cookie in cookies {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }
    response
}

enum Denied {
    Error(ApiError),
    Redirect(String),
}

impl<E: Into<ApiError>> From<E> for Denied {
    fn from(error: E) -> Self {
        Self::Error(error.into())
    }
}

impl Guard {
    async fn grant(&self, request: Request, cookie_csrf: Option<&str>) -> Result<(Request, String), Denied> {
        let (mut parts, body) = request.into_parts();
        let control = &self.app.inner.control;
        let team = if self.decision.is_about_a_team() { self.team(&mut parts).await? } else { None };
        let (caller, actor, member_role) = self.identify(&parts)?;
        let standing = team.as_ref().map(|_| TeamStanding { role: member_role, visibility: Visibility::Team });
        match decide(self.decision, &caller, standing) {
            Ok(()) => {}
            Err(Refusal::SignIn) if self.answers_with_sign_in_page(&parts) => {
                let next = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                return Err(Denied::Redirect(format!("/sign-in?next={}", encode(next))));
            }
            Err(Refusal::SignIn) => return Err(unauthorized().into()),
            Err(refusal) => return Err(ApiError::from(refusal).into()),
        }
        let role = match caller {
            Caller::Local | Caller::Person { instance_admin: true } => Some(Role::Admin),
            _ => member_role,
        };
        let csrf = cookie_csrf.filter(|token| token.len() >= 32).map_or_else(new_csrf_token, str::to_owned);
        parts.extensions.insert(Granted {
            decision: self.decision,
            actor,
            role,
            team: team.map(|team| control.for_team(team)),
            control: control.clone(),
            csrf: csrf.clone(),
        });
        Ok((Request::from_parts(parts, body), csrf))
    }

    /// The team of the path; `default` where the path names none. `None`: there is no such team.
    async fn team(&self, parts: &mut Parts) -> Result<Option<Team>, ApiError> {
        let params =
            RawPathParams::from_request_parts(parts, &()).await.map_err(|_| ApiError::not_found("not found"))?;
        let slug = match params.iter().find(|(name, _)| *name == "team") {
            Some((_, text)) => match text.parse::<TeamSlug>() {
                Ok(slug) => slug,
                Err(_) => return Ok(None),
            },
            None => TeamSlug::default(),
        };
        Ok(self.app.inner.control.find_team(&slug).await?)
    }

    fn identify(&self, parts: &Parts) -> Result<(Caller, Actor, Option<Role>), ApiError> {
        if parts.headers.contains_key(header::AUTHORIZATION) {
            return Err(unauthorized());
        }
        match self.app.login_mode() {
            LoginMode::AfterFirstUser => {
                local::check(&parts.method, &parts.headers)?;
                Ok((Caller::Local, Actor::Local, None))
            }
            LoginMode::Required => Ok((Caller::Anonymous, Actor::Anonymous, None)),
        }
    }

    /// Pages lead to the sign-in form. Of the API only chat's does so (spec/chat §11), and only for clients that do not
    /// ask for JSON by name.
    fn answers_with_sign_in_page(&self, parts: &Parts) -> bool {
        let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
        if self.is_page {
            return matches!(parts.method, Method::GET | Method::HEAD) && !accept.starts_with("application/json");
        }
        self.decision.dashboard() == Some(Dashboard::Chat) && !accept.contains("application/json")
    }
}

fn unauthorized() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "Unauthorized")
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}

fn encode(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The value of one cookie.
pub(crate) fn cookie<'a>(headers: &'a axum::http::HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

fn set_csrf_cookie(response: &mut Response, token: &str) {
    // Scripts read this one: it proves only that the page is ours, never who asks.
    if let Ok(value) = HeaderValue::from_str(&format!("csrftoken={token}; Path=/; SameSite=Lax; Max-Age=31536000")) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}

/// What every extractor below gives.
#[derive(Clone)]
pub struct TeamAccess {
    team: TeamControl,
    actor: Actor,
    role: Option<Role>,
}

impl TeamAccess {
    pub fn team(&self) -> &Team {
        self.team.team()
    }

    /// The control database as this team sees it.
    pub fn control(&self) -> &TeamControl {
        &self.team
    }

    pub fn actor(&self) -> &Actor {
        &self.actor
    }

    /// The caller's role in the team; `None` for guests of an opened dashboard and for tokens.
    pub fn role(&self) -> Option<Role> {
        self.role
    }
}

fn granted(parts: &Parts, fits: fn(Decision) -> bool) -> Result<Granted, ApiError> {
    match parts.extensions.get::<Granted>() {
        Some(granted) if fits(granted.decision) => Ok(granted.clone()),
        Some(granted) => {
            Err(ApiError::internal(format!("the route decided {:?}, the handler asks for more", granted.decision)))
        }
        None => Err(ApiError::internal("a handler runs without a guard")),
    }
}

macro_rules! team_extractor {
    ($(#[$doc:meta])* $name:ident: $fits:expr) => {
        $(#[$doc])*
        pub struct $name(TeamAccess);

        impl std::ops::Deref for $name {
            type Target = TeamAccess;

            fn deref(&self) -> &TeamAccess {
                &self.0
            }
        }

        impl<S: Sync> FromRequestParts<S> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
                let granted = granted(parts, $fits)?;
                match granted.team {
                    Some(team) => Ok(Self(TeamAccess { team, actor: granted.actor, role: granted.role })),
                    None => Err(ApiError::not_found("not found")),
                }
            }
        }
    };
}

team_extractor! {
    /// May read: the route decided any access to a team.
    Reader: Decision::is_about_a_team
}
team_extractor! {
    /// May change data: the route decided `Write` or `Ingest`.
    Writer: |decision| matches!(decision, Decision::Write(_) | Decision::Ingest)
}
team_extractor! {
    /// May administer the team: the route decided `TeamAdmin`.
    TeamAdmin: |decision| decision == Decision::TeamAdmin
}

/// Is an admin of the installation: the route decided `InstanceAdmin`.
pub struct InstanceAdmin {
    control: Control,
    actor: Actor,
}

impl InstanceAdmin {
    pub fn control(&self) -> &Control {
        &self.control
    }

    pub fn actor(&self) -> &Actor {
        &self.actor
    }
}

impl<S: Sync> FromRequestParts<S> for InstanceAdmin {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let granted = granted(parts, |decision| decision == Decision::InstanceAdmin)?;
        Ok(Self { control: granted.control, actor: granted.actor })
    }
}

/// Whoever looks at a page: who it is and the CSRF token its forms carry.
pub struct Visitor {
    pub actor: Actor,
    pub csrf: String,
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let granted = granted(parts, |_| true)?;
        Ok(Self { actor: granted.actor, csrf: granted.csrf })
    }
}
