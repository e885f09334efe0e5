//! Who asks: a token, a session, somebody a trusted proxy vouches for, `local`, or nobody.

use axum::http::HeaderValue;
use axum::http::{HeaderMap, StatusCode, header, request::Parts};
use tallykeep_access::{Caller, Decision, Role};
use tallykeep_control::Person;
use tallykeep_model::Team;

use super::{App, LoginMode, cookies, local};
use crate::{error::ApiError, serve::Client};

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

/// What is known about who asks.
pub(super) struct Identity {
    pub caller: Caller,
    pub actor: Actor,
    /// The person's role in the team of the path.
    pub role: Option<Role>,
    pub person: Option<Person>,
    pub session: Option<i64>,
    /// The CSRF token a write must bring, when a browser proves itself without being asked.
    pub csrf: Option<String>,
}

impl Identity {
    fn of(caller: Caller, actor: Actor) -> Self {
        Self { caller, actor, role: None, person: None, session: None, csrf: None }
    }
}

impl App {
    /// Finds out who asks. Errors: 401 for a token that is not (any more) one.
    pub(super) async fn identify(
        &self,
        parts: &Parts,
        client: &Client,
        team: Option<&Team>,
        decision: Decision,
    ) -> Result<Identity, ApiError> {
        if let Some(value) = parts.headers.get(header::AUTHORIZATION) {
            return self.by_token(value, team).await;
        }
        let accounts = self.accounts();
        if let Some(email) = self.vouched_email(&parts.headers, client) {
            let Some(person) = accounts.vouched_person(email, "").await.map_err(ApiError::internal)? else {
                return Err(ApiError::forbidden("this mail address may not sign in here"));
            };
            // The proxy's word rides along with every request, so a write needs the page's token as with a cookie.
            let csrf = cookies::csrf_cookie(&parts.headers).unwrap_or("").to_owned();
            return self.person(person, None, Some(csrf), team).await;
        }
        if let Some(secret) = cookies::session_secret(&parts.headers, client.https)
            && let Some((person, session)) = accounts.find_session(secret).await?
        {
            return self.person(person, Some(session), Some(accounts.csrf_of(secret)), team).await;
        }
        let nobody = Identity::of(Caller::Anonymous, Actor::Anonymous);
        if self.login_mode() == LoginMode::Required || self.has_people().await? {
            return Ok(nobody);
        }
        match local::check(&parts.method, &parts.headers) {
            Ok(()) => Ok(Identity::of(Caller::Local, Actor::Local)),
            Err(_) if matches!(decision, Decision::Anyone { .. }) => Ok(nobody),
            Err(error) => Err(error),
        }
    }

    async fn by_token(&self, value: &HeaderValue, team: Option<&Team>) -> Result<Identity, ApiError> {
        let text = value.to_str().unwrap_or("");
        let secret =
            text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer")).map(|(_, s)| s.trim());
        let Some((token, scopes)) = (match secret {
            Some(secret) => self.accounts().find_token(secret).await?,
            None => None,
        }) else {
            return Err(unauthorized());
        };
        let is_of_team = team.is_some_and(|team| team.id == token.team_id);
        let caller = Caller::Token { scopes, is_of_team };
        Ok(Identity::of(caller, Actor::Token { id: token.id, name: token.name }))
    }

    async fn person(
        &self,
        person: Person,
        session: Option<i64>,
        csrf: Option<String>,
        team: Option<&Team>,
    ) -> Result<Identity, ApiError> {
        let role = match team {
            Some(team) => self.inner.control.role_in(team.id, person.id).await?.and_then(|role| role.parse().ok()),
            None => None,
        };
        Ok(Identity {
            caller: Caller::Person { instance_admin: person.instance_admin },
            actor: Actor::Person { id: person.id, email: person.email.clone() },
            role,
            person: Some(person),
            session,
            csrf,
        })
    }

    /// The mail address a trusted proxy names. From anybody else the header means nothing.
    fn vouched_email<'a>(&self, headers: &'a HeaderMap, client: &Client) -> Option<&'a str> {
        let name = self.accounts().config().proxy_user_header.as_deref()?;
        if !client.by_trusted_proxy {
            return None;
        }
        headers.get(name).and_then(|value| value.to_str().ok()).map(str::trim).filter(|email| !email.is_empty())
    }
}

pub(super) fn unauthorized() -> ApiError {
    ApiError::new(StatusCode::UNAUTHORIZED, "Unauthorized")
        .header(header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"))
}
