//! `/api/v1/teams` and `/api/v1/users`: the whole installation, for its admins.

use axum::{Json, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tallykeep_access::SecretString;
use tallykeep_control::Person;
use tallykeep_model::TeamSlug;
use utoipa::ToSchema;

use crate::{app::extractors::InstanceAdmin, error::ApiError, extract::Path};

#[derive(Serialize, ToSchema)]
pub(super) struct TeamRow {
    slug: String,
    name: String,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TeamRequest {
    slug: String,
    /// The slug where left out
    name: Option<String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct UserRow {
    id: i64,
    email: String,
    name: String,
    instance_admin: bool,
    disabled: bool,
    has_password: bool,
    created_at: Timestamp,
    signed_in_at: Option<Timestamp>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserRequest {
    email: String,
    #[serde(default)]
    name: String,
    /// Without one, make a link with which the user sets it
    #[schema(value_type = Option<String>)]
    password: Option<SecretString>,
    #[serde(default)]
    instance_admin: bool,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct UserChange {
    instance_admin: Option<bool>,
    disabled: Option<bool>,
}

#[derive(Deserialize)]
pub(super) struct UserPath {
    id: i64,
}

#[derive(Serialize, ToSchema)]
pub(super) struct PasswordLink {
    /// Path under which the user sets a password, once
    path: String,
    hours: i64,
}

/// Every team.
#[utoipa::path(get, path = "/api/v1/teams", tag = "people", responses((status = 200, body = Vec<TeamRow>)))]
pub(super) async fn get_teams(admin: InstanceAdmin) -> Result<Json<Vec<TeamRow>>, ApiError> {
    let teams = admin.control().teams().await?;
    Ok(Json(teams.into_iter().map(|team| TeamRow { slug: team.slug.to_string(), name: team.name }).collect()))
}

/// Adds a team.
#[utoipa::path(post, path = "/api/v1/teams", tag = "people", request_body = TeamRequest, responses((status = 201, body = TeamRow), (status = 409)))]
pub(super) async fn post_team(
    admin: InstanceAdmin,
    crate::extract::Json(wanted): crate::extract::Json<TeamRequest>,
) -> Result<(StatusCode, Json<TeamRow>), ApiError> {
    let slug: TeamSlug = wanted.slug.parse().map_err(|error| ApiError::field("slug", format!("{error}")))?;
    let team = admin.control().add_team(&slug, wanted.name.as_deref().unwrap_or(&wanted.slug)).await?;
    admin.record("team.add", slug.as_str()).await;
    Ok((StatusCode::CREATED, Json(TeamRow { slug: team.slug.to_string(), name: team.name })))
}

/// Every user.
#[utoipa::path(get, path = "/api/v1/users", tag = "people", responses((status = 200, body = Vec<UserRow>)))]
pub(super) async fn get_users(admin: InstanceAdmin) -> Result<Json<Vec<UserRow>>, ApiError> {
    Ok(Json(admin.control().people().await?.into_iter().map(row).collect()))
}

/// Adds a user.
#[utoipa::path(post, path = "/api/v1/users", tag = "people", request_body = UserRequest, responses((status = 201, body = UserRow), (status = 409)))]
pub(super) async fn post_user(
    admin: InstanceAdmin,
    crate::extract::Json(wanted): crate::extract::Json<UserRequest>,
) -> Result<(StatusCode, Json<UserRow>), ApiError> {
    let person = admin
        .accounts()
        .add_person(&wanted.email, &wanted.name, wanted.password.as_ref(), wanted.instance_admin)
        .await?;
    let rank = if wanted.instance_admin { " as instance admin" } else { "" };
    admin.record("user.add", &format!("user:{} {}{rank}", person.id, person.email)).await;
    Ok((StatusCode::CREATED, Json(row(person))))
}

/// Disables or enables a user, makes or unmakes an instance admin. The last instance admin stays.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "people", params(("id" = i64, Path)), request_body = UserChange, responses(
    (status = 200, body = UserRow), (status = 404), (status = 409, description = "It is the last instance admin")))]
pub(super) async fn patch_user(
    admin: InstanceAdmin,
    Path(path): Path<UserPath>,
    crate::extract::Json(change): crate::extract::Json<UserChange>,
) -> Result<Json<UserRow>, ApiError> {
    let found = find(&admin, path.id).await?;
    let last = || ApiError::new(StatusCode::CONFLICT, "this is the last instance admin");
    if let Some(is_admin) = change.instance_admin {
        if !admin.control().set_instance_admin(path.id, is_admin).await? {
            return Err(last());
        }
        let action = if is_admin { "user.grant-admin" } else { "user.take-admin" };
        admin.record(action, &format!("user:{} {}", path.id, found.email)).await;
    }
    if let Some(disabled) = change.disabled {
        if !admin.control().set_disabled(path.id, disabled).await? {
            return Err(last());
        }
        let action = if disabled { "user.disable" } else { "user.enable" };
        admin.record(action, &format!("user:{} {}", path.id, found.email)).await;
    }
    find(&admin, path.id).await.map(|person| Json(row(person)))
}

/// Makes a link with which the user sets a new password, once.
#[utoipa::path(post, path = "/api/v1/users/{id}/password-link", tag = "people", params(("id" = i64, Path)), responses((status = 201, body = PasswordLink), (status = 404)))]
pub(super) async fn post_password_link(
    admin: InstanceAdmin,
    Path(path): Path<UserPath>,
) -> Result<(StatusCode, Json<PasswordLink>), ApiError> {
    let person = find(&admin, path.id).await?;
    let secret = admin.accounts().new_password_link(person.id).await?;
    admin.record("password.link", &format!("user:{} {}", person.id, person.email)).await;
    let hours = admin.accounts().config().link_hours.max(1);
    Ok((StatusCode::CREATED, Json(PasswordLink { path: format!("/new-password?link={secret}"), hours })))
}

async fn find(admin: &InstanceAdmin, id: i64) -> Result<Person, ApiError> {
    admin.control().find_person(id).await?.ok_or_else(|| ApiError::not_found("there is no such user"))
}

fn row(person: Person) -> UserRow {
    UserRow {
        id: person.id,
        email: person.email,
        name: person.name,
        instance_admin: person.instance_admin,
        disabled: person.disabled,
        has_password: person.has_password,
        created_at: person.created_at,
        signed_in_at: person.signed_in_at,
    }
}
