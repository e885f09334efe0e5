//! What handlers take to prove that access was decided. There is no other way to a team's rows.

use axum::{
    extract::FromRequestParts,
    http::{header, request::Parts},
};
use tallykeep_access::{Accounts, Dashboard, Decision, InstallationKey, Role};
use tallykeep_control::{Control, Person, TeamControl};
use tallykeep_model::Team;

use super::{cookies, guard::Granted, identity::Actor};
use crate::{error::ApiError, serve::Client};

/// What every extractor about a team gives.
#[derive(Clone)]
pub struct TeamAccess {
    granted: Granted,
    team: TeamControl,
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
        &self.granted.actor
    }

    /// The caller's role in the team; `None` for guests of an opened dashboard and for tokens.
    pub fn role(&self) -> Option<Role> {
        self.granted.role
    }

    /// Whether real names of chat participants may be shown: to admins of the team. Others get pseudonyms; showing names is
    /// to be written down with [`record`](Self::record).
    pub fn may_see_names(&self) -> bool {
        self.granted.role == Some(Role::Admin)
    }

    /// The installation's key, for pseudonyms that are stable within the team.
    pub fn key(&self) -> &InstallationKey {
        self.granted.app.accounts().key()
    }

    /// Whether the caller may read a dashboard of the team; for answers that tell of several.
    pub fn may_read(&self, dashboard: Dashboard) -> bool {
        self.granted.readable.contains(&dashboard)
    }

    /// Whether answers may be kept by shared caches: only when the dashboard is everybody's.
    pub fn is_public(&self) -> bool {
        self.granted.is_public()
    }

    /// Whether a restricted community may be read: by editors and admins of the team, and by whom they let in.
    pub async fn may_read_restricted(&self, community_id: &str) -> Result<bool, ApiError> {
        if self.granted.role >= Some(Role::Editor) {
            return Ok(true);
        }
        match &self.granted.actor {
            Actor::Person { id, .. } => Ok(self.team.is_community_reader(community_id, *id).await?),
            // A team's read tokens are made by its admins and read what its editors read.
            Actor::Token { .. } => Ok(true),
            Actor::Local => Ok(true),
            Actor::Anonymous => Ok(false),
        }
    }

    /// Demands it. Errors: 401 for the anonymous, 403 for others (spec/invenio §8.1).
    pub async fn require_restricted(&self, community_id: &str) -> Result<(), ApiError> {
        if self.may_read_restricted(community_id).await? {
            return Ok(());
        }
        Err(match self.granted.actor {
            Actor::Anonymous => super::identity::unauthorized(),
            _ => ApiError::forbidden("this community is open to its members only"),
        })
    }

    /// Writes into the audit log: an export, a chart read of chat. `filter_hash` is the fingerprint of the filter, `rows`
    /// how many rows were shown; never content.
    pub async fn record(&self, action: &str, target: &str, filter_hash: Option<&str>, rows: Option<i64>) {
        self.granted.record(action, target, filter_hash, rows).await;
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        self.granted.app.accounts()
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
                match granted.team.clone() {
                    Some(team) => Ok(Self(TeamAccess { granted, team })),
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

macro_rules! extractor {
    ($(#[$doc:meta])* $name:ident: $fits:expr) => {
        $(#[$doc])*
        pub struct $name(Granted);

        impl<S: Sync> FromRequestParts<S> for $name {
            type Rejection = ApiError;

            async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
                granted(parts, $fits).map(Self)
            }
        }

        impl $name {
            pub fn actor(&self) -> &Actor {
                &self.0.actor
            }
        }
    };
}

extractor! {
    /// Is an admin of the installation: the route decided `InstanceAdmin`.
    InstanceAdmin: |decision| decision == Decision::InstanceAdmin
}
extractor! {
    /// Is signed in, and asks about himself: the route decided `SignedIn`.
    SignedIn: |decision| decision == Decision::SignedIn
}

impl InstanceAdmin {
    pub fn control(&self) -> &Control {
        &self.0.app.inner.control
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        self.0.app.accounts()
    }

    pub async fn record(&self, action: &str, target: &str) {
        self.0.record(action, target, None, None).await;
    }
}

impl SignedIn {
    /// The user. Errors: 409 for `local`, who has no account.
    pub(crate) fn person(&self) -> Result<&Person, ApiError> {
        self.0.person.as_ref().ok_or_else(|| {
            ApiError::new(
                axum::http::StatusCode::CONFLICT,
                "this installation has no users yet, so there is no account",
            )
        })
    }

    pub(crate) fn session(&self) -> Option<i64> {
        self.0.session
    }

    pub(crate) fn https(&self) -> bool {
        self.0.client.https
    }

    /// The control database, to touch the user's own rows.
    pub(crate) fn control(&self) -> &Control {
        &self.0.app.inner.control
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        self.0.app.accounts()
    }

    pub(crate) async fn record(&self, action: &str, target: &str) {
        self.0.record(action, target, None, None).await;
    }
}

/// Whoever looks at a page: who it is and the CSRF token its forms carry.
pub struct Visitor {
    pub actor: Actor,
    pub csrf: String,
    /// Set on pages about a team.
    pub access: Option<TeamAccess>,
}

impl<S: Sync> FromRequestParts<S> for Visitor {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let granted = granted(parts, |_| true)?;
        let (actor, csrf) = (granted.actor.clone(), granted.csrf.clone());
        let access = granted.team.clone().map(|team| TeamAccess { granted, team });
        Ok(Self { actor, csrf, access })
    }
}

/// Somebody at the door: signing in, setting a password by link, the first run.
pub(crate) struct Doorway {
    pub actor: Actor,
    pub person: Option<Person>,
    pub client: Client,
    pub agent: String,
    /// The session's secret the browser brought along; a new sign-in ends it.
    pub old_secret: Option<String>,
    pub csrf: String,
    /// The sign-in through a provider that this browser started.
    pub flow: Option<String>,
    csrf_cookie: Option<String>,
    granted: Granted,
}

impl<S: Sync> FromRequestParts<S> for Doorway {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, ApiError> {
        let granted = granted(parts, |decision| matches!(decision, Decision::Anyone { .. }))?;
        let agent = parts.headers.get(header::USER_AGENT).and_then(|value| value.to_str().ok()).unwrap_or("");
        Ok(Self {
            actor: granted.actor.clone(),
            person: granted.person.clone(),
            client: granted.client.clone(),
            agent: agent.to_owned(),
            old_secret: cookies::session_secret(&parts.headers, granted.client.https).map(str::to_owned),
            csrf: granted.csrf.clone(),
            flow: cookies::flow(&parts.headers).map(str::to_owned),
            csrf_cookie: cookies::csrf_cookie(&parts.headers).map(str::to_owned),
            granted,
        })
    }
}

impl Doorway {
    pub(crate) fn control(&self) -> &Control {
        &self.granted.app.inner.control
    }

    pub(crate) fn accounts(&self) -> &Accounts {
        self.granted.app.accounts()
    }

    /// Demands of a form that the page's cookie came along, so that no other site signs somebody in.
    pub(crate) fn demand_form_token(&self, sent: Option<&str>) -> Result<(), ApiError> {
        if super::csrf::matches_cookie(sent, self.csrf_cookie.as_deref()) {
            return Ok(());
        }
        Err(ApiError::forbidden("the form is too old or cookies are off; load the page again"))
    }

    pub(crate) async fn record(&self, action: &str, target: &str) {
        self.granted.record(action, target, None, None).await;
    }
}
