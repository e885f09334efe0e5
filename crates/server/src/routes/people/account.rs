//! `/api/v1/account`: one's own name, password and sessions.

use axum::{Json, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tallykeep_access::SecretString;
use utoipa::ToSchema;

use crate::{app::extractors::SignedIn, error::ApiError, extract::Path};

#[derive(Serialize, ToSchema)]
pub(super) struct Account {
    id: i64,
    email: String,
    name: String,
    instance_admin: bool,
    /// Without one, sign-in goes through the provider
    has_password: bool,
    created_at: Timestamp,
    signed_in_at: Option<Timestamp>,
    teams: Vec<AccountTeam>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct AccountTeam {
    slug: String,
    name: String,
    role: String,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct AccountChange {
    name: String,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct PasswordChange {
    #[schema(value_type = String)]
    current: SecretString,
    #[schema(value_type = String)]
    new: SecretString,
}

#[derive(Serialize, ToSchema)]
pub(super) struct SessionRow {
    id: i64,
    created_at: Timestamp,
    seen_at: Timestamp,
    address: String,
    agent: String,
    /// Whether it is the one asking
    current: bool,
}

#[derive(Deserialize)]
pub(super) struct SessionPath {
    id: i64,
}

/// How many sessions ended.
#[derive(Serialize, ToSchema)]
pub(super) struct Ended {
    ended: u64,
}

/// The account of who is signed in.
#[utoipa::path(get, path = "/api/v1/account", tag = "people", responses((status = 200, body = Account)))]
pub(super) async fn get_account(me: SignedIn) -> Result<Json<Account>, ApiError> {
    account(&me).await
}

/// Changes one's name.
#[utoipa::path(patch, path = "/api/v1/account", tag = "people", request_body = AccountChange, responses((status = 200, body = Account)))]
pub(super) async fn patch_account(
    me: SignedIn,
    crate::extract::Json(change): crate::extract::Json<AccountChange>,
) -> Result<Json<Account>, ApiError> {
    if change.name.chars().count() > 200 {
        return Err(ApiError::field("name", "a name has at most 200 characters"));
    }
    me.control().rename_person(me.person()?.id, &change.name).await?;
    account(&me).await
}

async fn account(me: &SignedIn) -> Result<Json<Account>, ApiError> {
    let id = me.person()?.id;
    let person = me.control().find_person(id).await?.ok_or_else(|| ApiError::not_found("not found"))?;
    let teams = me.control().teams_of_person(id).await?;
    let teams =
        teams.into_iter().map(|(team, role)| AccountTeam { slug: team.slug.to_string(), name: team.name, role });
    Ok(Json(Account {
        id,
        email: person.email,
        name: person.name,
        instance_admin: person.instance_admin,
        has_password: person.has_password,
        created_at: person.created_at,
        signed_in_at: person.signed_in_at,
        teams: teams.collect(),
    }))
}

/// Changes one's password; every other session ends.
#[utoipa::path(post, path = "/api/v1/account/password", tag = "people", request_body = PasswordChange, responses(
    (status = 204), (status = 401, description = "The current password is wrong")))]
pub(super) async fn post_password(
    me: SignedIn,
    crate::extract::Json(change): crate::extract::Json<PasswordChange>,
) -> Result<StatusCode, ApiError> {
    me.accounts().change_password(me.person()?, me.session(), &change.current, &change.new).await?;
    me.record("password.change", "").await;
    Ok(StatusCode::NO_CONTENT)
}

/// One's own sessions, newest first.
#[utoipa::path(get, path = "/api/v1/account/sessions", tag = "people", responses((status = 200, body = Vec<SessionRow>)))]
pub(super) async fn get_sessions(me: SignedIn) -> Result<Json<Vec<SessionRow>>, ApiError> {
    let life = me.accounts().config().session_life();
    let sessions = me.control().sessions(me.person()?.id, life).await?;
    let rows = sessions.into_iter().map(|session| SessionRow {
        current: me.session() == Some(session.id),
        id: session.id,
        created_at: session.created_at,
        seen_at: session.seen_at,
        address: session.address,
        agent: session.agent,
    });
    Ok(Json(rows.collect()))
}

/// Signs out everywhere, here too.
#[utoipa::path(delete, path = "/api/v1/account/sessions", tag = "people", responses((status = 200, body = Ended)))]
pub(super) async fn delete_sessions(me: SignedIn) -> Result<Json<Ended>, ApiError> {
    let ended = me.control().end_sessions_of(me.person()?.id, None).await?;
    me.record("session.end", "all").await;
    Ok(Json(Ended { ended }))
}

/// Ends one of one's own sessions.
#[utoipa::path(delete, path = "/api/v1/account/sessions/{id}", tag = "people", params(("id" = i64, Path)), responses((status = 204), (status = 404)))]
pub(super) async fn delete_session(me: SignedIn, Path(path): Path<SessionPath>) -> Result<StatusCode, ApiError> {
    if !me.control().end_session_of(me.person()?.id, path.id).await? {
        return Err(ApiError::not_found("you have no such session"));
    }
    me.record("session.end", &format!("session {}", path.id)).await;
    Ok(StatusCode::NO_CONTENT)
}
