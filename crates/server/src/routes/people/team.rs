//! `/api/v1/team`: the team's name, who sees what, its members.

use std::collections::BTreeMap;

use axum::{Json, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tallykeep_access::{Dashboard, Role, TeamVisibility, VISIBILITY_SETTING, Visibility};
use tallykeep_control::Person;
use utoipa::ToSchema;

use crate::{
    app::extractors::{Reader, TeamAccess, TeamAdmin},
    error::ApiError,
    extract::Path,
};

#[derive(Serialize, ToSchema)]
pub(super) struct TeamBody {
    slug: String,
    name: String,
    /// One's own role
    role: Option<String>,
    /// `private`, `team`, `signed-in` or `public` per dashboard
    visibility: BTreeMap<String, String>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TeamChange {
    name: Option<String>,
    /// Dashboards to change: `{"packages": "public"}`
    #[serde(default)]
    visibility: BTreeMap<String, String>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct MemberRow {
    id: i64,
    email: String,
    name: String,
    role: String,
    since: Timestamp,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct MemberChange {
    /// Mail address of a user
    email: String,
    /// `viewer`, `editor` or `admin`
    role: String,
}

#[derive(Deserialize)]
pub(super) struct MemberPath {
    id: i64,
}

#[derive(Serialize, Deserialize, ToSchema)]
pub(super) struct CommunityReader {
    /// Id of a restricted community
    community_id: String,
    /// Mail address of a user
    email: String,
}

/// The team and who sees what of it.
#[utoipa::path(get, path = "/api/v1/team", tag = "people", responses((status = 200, body = TeamBody)))]
pub(super) async fn get_team(reader: Reader) -> Result<Json<TeamBody>, ApiError> {
    Ok(Json(team_body(&reader, reader.team().name.clone()).await?))
}

/// Renames the team, decides who sees its dashboards.
#[utoipa::path(patch, path = "/api/v1/team", tag = "people", request_body = TeamChange, responses((status = 200, body = TeamBody)))]
pub(super) async fn patch_team(
    admin: TeamAdmin,
    crate::extract::Json(change): crate::extract::Json<TeamChange>,
) -> Result<Json<TeamBody>, ApiError> {
    let mut visibility = TeamVisibility::from_settings(&admin.control().settings().await?);
    for (dashboard, word) in &change.visibility {
        let field = || format!("visibility.{dashboard}");
        let which: Dashboard = dashboard.parse().map_err(|error| ApiError::field(field(), format!("{error}")))?;
        let word: Visibility = word.parse().map_err(|error| ApiError::field(field(), format!("{error}")))?;
        visibility = visibility.with(which, word).map_err(|reason| ApiError::field(field(), reason))?;
    }
    let name = change.name.as_deref().map(str::trim);
    if name.is_some_and(|name| name.is_empty() || name.chars().count() > 200) {
        return Err(ApiError::field("name", "a name has 1 to 200 characters"));
    }
    if let Some(name) = name {
        admin.control().rename_team(name).await?;
        admin.record("team.rename", name, None, None).await;
    }
    if !change.visibility.is_empty() {
        admin.control().set_setting(VISIBILITY_SETTING, visibility.to_setting()).await?;
        let said: Vec<_> = change.visibility.iter().map(|(dashboard, word)| format!("{dashboard} {word}")).collect();
        admin.record("team.visibility", &said.join(", "), None, None).await;
    }
    let name = name.map_or_else(|| admin.team().name.clone(), str::to_owned);
    Ok(Json(team_body(&admin, name).await?))
}

async fn team_body(access: &TeamAccess, name: String) -> Result<TeamBody, ApiError> {
    let visibility = TeamVisibility::from_settings(&access.control().settings().await?);
    Ok(TeamBody {
        slug: access.team().slug.to_string(),
        name,
        role: access.role().map(|role| role.to_string()),
        visibility: Dashboard::ALL.iter().map(|d| (d.to_string(), visibility.of(*d).to_string())).collect(),
    })
}

/// The team's members.
#[utoipa::path(get, path = "/api/v1/team/members", tag = "people", responses((status = 200, body = Vec<MemberRow>)))]
pub(super) async fn get_members(admin: TeamAdmin) -> Result<Json<Vec<MemberRow>>, ApiError> {
    let rows = admin.control().members().await?.into_iter().map(|member| MemberRow {
        id: member.person_id,
        email: member.email,
        name: member.name,
        role: member.role,
        since: member.since,
    });
    Ok(Json(rows.collect()))
}

/// Makes a user a member, or changes a member's role.
#[utoipa::path(put, path = "/api/v1/team/members", tag = "people", request_body = MemberChange, responses(
    (status = 204), (status = 400, description = "No such user or role")))]
pub(super) async fn put_member(
    admin: TeamAdmin,
    crate::extract::Json(change): crate::extract::Json<MemberChange>,
) -> Result<StatusCode, ApiError> {
    let role: Role = change.role.parse().map_err(|error| ApiError::field("role", format!("{error}")))?;
    let person = user(&admin, &change.email).await?;
    admin.control().set_member(person.id, role.as_str()).await?;
    admin.record("member.set", &format!("{} {role}", person.email), None, None).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Ends a membership.
#[utoipa::path(delete, path = "/api/v1/team/members/{id}", tag = "people", params(("id" = i64, Path)), responses((status = 204), (status = 404)))]
pub(super) async fn delete_member(admin: TeamAdmin, Path(path): Path<MemberPath>) -> Result<StatusCode, ApiError> {
    if !admin.control().remove_member(path.id).await? {
        return Err(ApiError::not_found("the team has no such member"));
    }
    admin.record("member.remove", &format!("user:{}", path.id), None, None).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Who was let into restricted communities.
#[utoipa::path(get, path = "/api/v1/team/community-readers", tag = "people", responses((status = 200, body = Vec<CommunityReader>)))]
pub(super) async fn get_community_readers(admin: TeamAdmin) -> Result<Json<Vec<CommunityReader>>, ApiError> {
    let rows = admin.control().community_readers().await?;
    Ok(Json(rows.into_iter().map(|(community_id, email)| CommunityReader { community_id, email }).collect()))
}

/// Lets a member read a restricted community.
#[utoipa::path(put, path = "/api/v1/team/community-readers", tag = "people", request_body = CommunityReader, responses((status = 204)))]
pub(super) async fn put_community_reader(
    admin: TeamAdmin,
    crate::extract::Json(change): crate::extract::Json<CommunityReader>,
) -> Result<StatusCode, ApiError> {
    set_community_reader(&admin, &change, true).await
}

/// Takes it back.
#[utoipa::path(delete, path = "/api/v1/team/community-readers", tag = "people", request_body = CommunityReader, responses((status = 204)))]
pub(super) async fn delete_community_reader(
    admin: TeamAdmin,
    crate::extract::Json(change): crate::extract::Json<CommunityReader>,
) -> Result<StatusCode, ApiError> {
    set_community_reader(&admin, &change, false).await
}

async fn set_community_reader(
    admin: &TeamAdmin,
    change: &CommunityReader,
    reads: bool,
) -> Result<StatusCode, ApiError> {
    let person = user(admin, &change.email).await?;
    admin.control().set_community_reader(&change.community_id, person.id, reads).await?;
    let action = if reads { "community-reader.add" } else { "community-reader.remove" };
    admin.record(action, &format!("{} {}", change.community_id, person.email), None, None).await;
    Ok(StatusCode::NO_CONTENT)
}

/// The user of a mail address. Admins of a team name people they know; nothing else tells which users exist.
async fn user(access: &TeamAccess, email: &str) -> Result<Person, ApiError> {
    let found = access.control().control().find_person_by_email(email).await?;
    found.ok_or_else(|| ApiError::field("email", "there is no user with this mail address"))
}
