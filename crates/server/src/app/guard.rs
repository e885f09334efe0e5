//! The guard in front of every route: who asks, about which team, and whether the decision lets him.
//!
//! It leaves a [`Granted`] in the request; the extractors read it. They are the only way to a [`TeamControl`], so a handler
//! cannot touch a team that the guard did not grant.

use std::sync::Arc;

use axum::{
    extract::{FromRequestParts, RawPathParams, Request, State},
    http::{HeaderMap, HeaderValue, Method, StatusCode, header, request::Parts},
    middleware::Next,
    response::{IntoResponse, Response},
};
use serde_json::{Map, Value};
use tallykeep_access::{Caller, Dashboard, Decision, Refusal, Role, TeamStanding, TeamVisibility, Visibility, decide};
use tallykeep_control::{AuditEntry, Person, TeamControl};
use tallykeep_model::{Team, TeamSlug};

use super::{
    App, cookies, csrf,
    identity::{Actor, unauthorized},
};
use crate::{
    error::{ApiError, ErrorShape},
    page::new_csrf_token,
    serve::Client,
};

/// One route's guard.
pub(crate) struct Guard {
    pub app: App,
    pub decision: Decision,
    pub shape: ErrorShape,
    pub is_page: bool,
    /// Whether other sites' scripts may read it while its dashboard is public.
    pub is_shared: bool,
    pub body_limit: usize,
}

/// What the guard found out and granted.
#[derive(Clone)]
pub(crate) struct Granted {
    pub app: App,
    pub decision: Decision,
    pub actor: Actor,
    /// The role in the team: a member's own, admin for `local` and instance admins, none for guests and tokens.
    pub role: Option<Role>,
    pub team: Option<TeamControl>,
    pub person: Option<Person>,
    pub session: Option<i64>,
    pub csrf: String,
    pub client: Client,
    /// The dashboards of the team that the caller may read.
    pub readable: Vec<Dashboard>,
    is_public: bool,
}

/// Left in an answer that the guard gave itself, for the matrix test.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Refused;

pub(crate) async fn guard(State(guard): State<Arc<Guard>>, request: Request, next: Next) -> Response {
    let client = request.extensions().get::<Client>().cloned().unwrap_or_default();
    let cookie_csrf = cookies::csrf_cookie(request.headers()).map(str::to_owned);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let mut response = match guard.grant(request, client.clone()).await {
        Ok((request, granted)) => {
            let standing = match guard.app.rate().caller(&granted.actor.key()).await {
                _ if matches!(granted.actor, Actor::Anonymous | Actor::Local) => Ok(None),
                counted => counted,
            };
            match standing {
                Ok(standing) => {
                    let origin = request.headers().get(header::ORIGIN).cloned();
                    let mut response = next.run(request).await;
                    guard.finish(&mut response, &granted, cookie_csrf.as_deref(), &method, &path, origin).await;
                    if let Some(standing) = standing {
                        standing.write(&mut response);
                    }
                    response
                }
                Err(error) => error.into_response(),
            }
        }
        // 302 as spec/chat §11 has it.
        Err(Denied::Redirect(to)) => refused((StatusCode::FOUND, [(header::LOCATION, to)]).into_response()),
        Err(Denied::Error(error)) => refused(error.into_response()),
    };
    let Some(error) = response.extensions_mut().remove::<ApiError>() else { return response };
    // Here and nowhere else a failure is logged.
    match &error.cause {
        Some(cause) => tracing::error!("{method} {path} request {}: {cause}", client.request_id),
        None => tracing::debug!("{method} {path} request {}: {} {}", client.request_id, error.status, error.message),
    }
    let mut shaped = error.render(guard.shape, Some(&client.request_id));
    // Cookies and the standing that were set on the way stay.
    for (name, value) in response.headers() {
        if *name == header::SET_COOKIE {
            shaped.headers_mut().append(name, value.clone());
        } else if name.as_str().starts_with("x-ratelimit") || name.as_str().starts_with("access-control") {
            shaped.headers_mut().insert(name, value.clone());
        }
    }
    *shaped.extensions_mut() = std::mem::take(response.extensions_mut());
    shaped
}

fn refused(mut response: Response) -> Response {
    response.extensions_mut().insert(Refused);
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
    async fn grant(&self, request: Request, client: Client) -> Result<(Request, Granted), Denied> {
        let (mut parts, body) = request.into_parts();
        let found = if self.decision.is_about_a_team() { self.team(&mut parts).await? } else { None };
        let team = found.as_ref().map(|(team, _)| team);
        let identity = self.app.identify(&parts, &client, team, self.decision).await?;
        let visibility = found.as_ref().map_or(Visibility::Private, |(_, settings)| {
            TeamVisibility::from_settings(settings).for_decision(self.decision)
        });
        let standing = found.as_ref().map(|_| TeamStanding { role: identity.role, visibility });
        let readable = found.as_ref().map_or_else(Vec::new, |(_, settings)| {
            let visibility = TeamVisibility::from_settings(settings);
            let may_read = |dashboard: &Dashboard| {
                let read = Decision::Read(*dashboard);
                let standing = TeamStanding { role: identity.role, visibility: visibility.for_decision(read) };
                decide(read, &identity.caller, Some(standing)).is_ok()
            };
            [Dashboard::Repository, Dashboard::Packages, Dashboard::Chat].into_iter().filter(may_read).collect()
        });
        match decide(self.decision, &identity.caller, standing) {
            Ok(()) => {}
            Err(Refusal::SignIn) if self.answers_with_sign_in_page(&parts) => {
                let next = parts.uri.path_and_query().map_or("/", |path| path.as_str());
                let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
                return Err(Denied::Redirect(format!("/sign-in?next={next}")));
            }
            Err(Refusal::SignIn) => return Err(unauthorized().into()),
            Err(refusal) => return Err(ApiError::from(refusal).into()),
        }
        let mut request = Request::from_parts(parts, body);
        if let Some(expected) = &identity.csrf
            && !matches!(self.decision, Decision::Anyone { .. })
        {
            request = csrf::demand(request, expected, self.body_limit).await?;
        }
        let role = match identity.caller {
            Caller::Local | Caller::Person { instance_admin: true } => Some(Role::Admin),
            _ => identity.role,
        };
        let granted = Granted {
            app: self.app.clone(),
            decision: self.decision,
            actor: identity.actor,
            role,
            team: found.map(|(team, _)| self.app.inner.control.for_team(team)),
            person: identity.person,
            session: identity.session,
            csrf: page_token(identity.csrf, request.headers()),
            client,
            readable,
            is_public: visibility == Visibility::Public,
        };
        request.extensions_mut().insert(granted.clone());
        Ok((request, granted))
    }

    /// The team of the path; `default` where the path names none. `None`: there is no such team.
    async fn team(&self, parts: &mut Parts) -> Result<Option<(Team, Map<String, Value>)>, ApiError> {
        let params =
            RawPathParams::from_request_parts(parts, &()).await.map_err(|_| ApiError::not_found("not found"))?;
        let slug = match params.iter().find(|(name, _)| *name == "team") {
            Some((_, text)) => match text.parse::<TeamSlug>() {
                Ok(slug) => slug,
                Err(_) => return Ok(None),
            },
            None => TeamSlug::default(),
        };
        Ok(self.app.inner.control.find_team_and_settings(&slug).await?)
    }

    /// What an answer gets after its handler: the page's cookie, permission for other origins, a line in the audit log.
    async fn finish(
        &self,
        response: &mut Response,
        granted: &Granted,
        cookie_csrf: Option<&str>,
        method: &Method,
        path: &str,
        origin: Option<HeaderValue>,
    ) {
        if self.is_page && cookie_csrf != Some(granted.csrf.as_str()) {
            let is_set = response
                .headers()
                .get_all(header::SET_COOKIE)
                .iter()
                .any(|cookie| cookie.as_bytes().starts_with(b"csrftoken="));
            if !is_set {
                cookies::set_csrf(response, &granted.csrf, granted.client.https);
            }
        }
        if self.is_shared && granted.is_public {
            share(response, &self.app.accounts().config().cors_origins, origin);
        }
        let is_token = matches!(granted.actor, Actor::Token { .. });
        if is_token && self.decision.is_write() && !response.status().is_client_error() {
            granted.record("token.write", &format!("{method} {path}"), None, None).await;
        }
    }

    /// Pages lead to the sign-in form. Of the API only chat's does so (spec/chat §11), and only for clients that do not
    /// ask for JSON by name.
    fn answers_with_sign_in_page(&self, parts: &Parts) -> bool {
        let accept = parts.headers.get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
        if self.is_page {
            return !accept.starts_with("application/json");
        }
        self.decision.dashboard() == Some(Dashboard::Chat) && !accept.contains("application/json")
    }
}

/// The token for the page's forms: the session's own, else the one the browser has, else a new one.
fn page_token(of_session: Option<String>, headers: &HeaderMap) -> String {
    let well_formed = |token: &str| token.len() == 64 && token.bytes().all(|byte| byte.is_ascii_hexdigit());
    of_session
        .filter(|token| well_formed(token))
        .or_else(|| cookies::csrf_cookie(headers).filter(|token| well_formed(token)).map(str::to_owned))
        .unwrap_or_else(new_csrf_token)
}

/// Lets other origins read an answer.
fn share(response: &mut Response, allowed: &[String], origin: Option<HeaderValue>) {
    let headers = response.headers_mut();
    if allowed.iter().any(|origin| origin == "*") {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        return;
    }
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin.filter(|origin| allowed.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes()))
    {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
    }
}

/// What a browser asks before a request to another origin. Reached only where the guard lets the caller read.
pub(crate) async fn preflight() -> Response {
    let headers = [
        (header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET")),
        (header::ACCESS_CONTROL_ALLOW_HEADERS, HeaderValue::from_static("Accept, Content-Type")),
        (header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600")),
    ];
    (StatusCode::NO_CONTENT, headers).into_response()
}

impl Granted {
    pub fn is_public(&self) -> bool {
        self.is_public
    }

    /// Writes down what was done. A log that cannot be written is reported, and what was done stays done.
    pub async fn record(&self, action: &str, target: &str, filter_hash: Option<&str>, rows: Option<i64>) {
        let entry = AuditEntry {
            team: self.team.as_ref().map(|team| team.team().slug.to_string()),
            actor: self.actor.key(),
            actor_name: self.actor.name().to_owned(),
            action: action.to_owned(),
            target: target.to_owned(),
            address: self.client.address_text(),
            filter_hash: filter_hash.map(str::to_owned),
            rows,
            detail: None,
        };
        if let Err(error) = self.app.inner.control.audit(&entry).await {
            tracing::error!("{action} by {} could not be written into the audit log: {error}", entry.actor);
        }
    }
}
