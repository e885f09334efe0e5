//! `/api/v1/session`: signing in and out, and who one is.

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::{Deserialize, Serialize};
use tallykeep_access::{Dashboard, Role, SecretString, TeamVisibility, Visibility};
use utoipa::ToSchema;

use crate::{
    app::{
        App, LoginMode, cookies,
        extractors::{Doorway, SignedIn},
        identity::Actor,
    },
    error::ApiError,
};

/// What one signs in with.
#[derive(Deserialize, ToSchema)]
pub(super) struct SignIn {
    email: String,
    #[schema(value_type = String)]
    password: SecretString,
}

/// Who one is, and where one may go.
#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionBody {
    /// Whether a user, or `local`, is acting
    signed_in: bool,
    /// `local`, `user:7`, `anonymous`
    actor: String,
    email: Option<String>,
    name: Option<String>,
    instance_admin: bool,
    /// Send it back as `X-CSRFToken` with every write
    csrf_token: String,
    /// Whether this installation asks people to sign in
    login_required: bool,
    /// What the button of the sign-in provider says, if there is one
    provider: Option<String>,
    /// The teams one may look at
    teams: Vec<SessionTeam>,
}

#[derive(Debug, Serialize, ToSchema)]
pub(super) struct SessionTeam {
    slug: String,
    name: String,
    /// `viewer`, `editor`, `admin`; none for guests of an opened dashboard
    role: Option<String>,
    /// The dashboards one may read
    dashboards: Vec<String>,
}

/// Signs in with mail address and password.
#[utoipa::path(post, path = "/api/v1/session", tag = "people", request_body = SignIn, responses(
    (status = 200, body = SessionBody), (status = 401, description = "Wrong address or password"),
    (status = 429, description = "Too many tries; `Retry-After` says when to try again")))]
pub(super) async fn post_session(
    State(app): State<App>,
    door: Doorway,
    crate::extract::Json(body): crate::extract::Json<SignIn>,
) -> Result<Response, ApiError> {
    let accounts = door.accounts();
    let session = accounts
        .sign_in(&body.email, &body.password, door.client.address, &door.agent, door.old_secret.as_deref())
        .await?;
    let actor = Actor::Person { id: session.person.id, email: session.person.email.clone() };
    let body = session_body(&app, &door, &actor, Some(&session.person), session.csrf.clone()).await?;
    let mut response = Json(body).into_response();
    cookies::set_session(&mut response, &session.secret, accounts.config().session_days, door.client.https);
    cookies::set_csrf(&mut response, &session.csrf, door.client.https);
    Ok(response)
}

/// Who one is.
#[utoipa::path(get, path = "/api/v1/session", tag = "people", responses((status = 200, body = SessionBody)))]
pub(super) async fn get_session(State(app): State<App>, door: Doorway) -> Result<Response, ApiError> {
    let body = session_body(&app, &door, &door.actor, door.person.as_ref(), door.csrf.clone()).await?;
    let mut response = Json(body).into_response();
    cookies::set_csrf(&mut response, &door.csrf, door.client.https);
    Ok(response)
}

/// Signs out.
#[utoipa::path(delete, path = "/api/v1/session", tag = "people", responses((status = 204)))]
pub(super) async fn delete_session(me: SignedIn) -> Result<Response, ApiError> {
    end_own_session(&me).await
}

pub(super) async fn end_own_session(me: &SignedIn) -> Result<Response, ApiError> {
    if let (Ok(person), Some(session)) = (me.person(), me.session()) {
        me.control().end_session_of(person.id, session).await?;
        me.record("session.end", "").await;
    }
    let mut response = StatusCode::NO_CONTENT.into_response();
    cookies::clear_session(&mut response, me.https());
    Ok(response)
}

async fn session_body(
    app: &App,
    door: &Doorway,
    actor: &Actor,
    person: Option<&tallykeep_control::Person>,
    csrf_token: String,
) -> Result<SessionBody, ApiError> {
    let control = door.control();
    let is_everywhere = matches!(actor, Actor::Local) || person.is_some_and(|person| person.instance_admin);
    let member_of = match person {
        Some(person) => control.teams_of_person(person.id).await?,
        None => Vec::new(),
    };
    let mut teams = Vec::new();
    for team in control.teams().await? {
        let own = member_of.iter().find(|(mine, _)| mine.id == team.id).and_then(|(_, role)| role.parse::<Role>().ok());
        let role = if is_everywhere { Some(Role::Admin) } else { own };
        let visibility = TeamVisibility::from_settings(&control.for_team(team.clone()).settings().await?);
        let needs = match (role, person) {
            (Some(Role::Editor | Role::Admin), _) => Visibility::Private,
            (Some(Role::Viewer), _) => Visibility::Team,
            (None, Some(_)) => Visibility::SignedIn,
            (None, None) => Visibility::Public,
        };
        let dashboards: Vec<_> =
            Dashboard::ALL.iter().filter(|d| visibility.of(**d) >= needs).map(ToString::to_string).collect();
        if role.is_some() || !dashboards.is_empty() {
            let (slug, name) = (team.slug.to_string(), team.name);
            teams.push(SessionTeam { slug, name, role: role.map(|role| role.to_string()), dashboards });
        }
    }
    Ok(SessionBody {
        signed_in: person.is_some() || matches!(actor, Actor::Local),
        actor: actor.key(),
        email: person.map(|person| person.email.clone()),
        name: person.map(|person| person.name.clone()),
        instance_admin: is_everywhere,
        csrf_token,
        login_required: app.login_mode() == LoginMode::Required || app.has_people().await?,
        provider: door.accounts().config().oidc.as_ref().map(|oidc| oidc.name.clone()),
        teams,
    })
}
