//! `/api/v1/audit` and the team's part of it.

use axum::Json;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tallykeep_control::{AuditFilter, AuditRow, Control};
use utoipa::{IntoParams, ToSchema};

use crate::{
    app::extractors::{InstanceAdmin, TeamAdmin},
    error::ApiError,
    extract::Query,
};

#[derive(Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
pub(super) struct AuditQuery {
    /// One team's rows; instance admins only
    team: Option<String>,
    /// Key (`user:7`) or name of who acted
    actor: Option<String>,
    /// An action, or with a trailing dot all that begin so (`member.`)
    action: Option<String>,
    since: Option<Timestamp>,
    until: Option<Timestamp>,
    /// Rows older than this id, for the next page
    before: Option<i64>,
    /// 1 to 1000, default 100
    limit: Option<i64>,
}

#[derive(Serialize, ToSchema)]
pub(super) struct AuditBody {
    id: i64,
    at: Timestamp,
    team: Option<String>,
    actor: String,
    actor_name: String,
    action: String,
    target: String,
    address: String,
    filter_hash: Option<String>,
    rows: Option<i64>,
    hash: String,
}

#[derive(Serialize, ToSchema)]
pub(super) struct CheckBody {
    rows: i64,
    intact: bool,
    problem: Option<String>,
}

/// What was done in the team, newest first.
#[utoipa::path(get, path = "/api/v1/team/audit", tag = "people", params(AuditQuery), responses((status = 200, body = Vec<AuditBody>)))]
pub(super) async fn get_team_audit(
    admin: TeamAdmin,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Vec<AuditBody>>, ApiError> {
    let own = admin.team().slug.to_string();
    if query.team.as_ref().is_some_and(|team| *team != own) {
        return Err(ApiError::field("team", "here are the rows of this team only"));
    }
    rows(admin.control().control(), AuditQuery { team: Some(own), ..query }).await
}

/// What was done anywhere, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "people", params(AuditQuery), responses((status = 200, body = Vec<AuditBody>)))]
pub(super) async fn get_audit(
    admin: InstanceAdmin,
    Query(query): Query<AuditQuery>,
) -> Result<Json<Vec<AuditBody>>, ApiError> {
    rows(admin.control(), query).await
}

/// Recomputes the chain of hashes: whether a row was changed or is missing.
#[utoipa::path(get, path = "/api/v1/audit/check", tag = "people", responses((status = 200, body = CheckBody)))]
pub(super) async fn get_audit_check(admin: InstanceAdmin) -> Result<Json<CheckBody>, ApiError> {
    let check = admin.control().check_audit().await?;
    Ok(Json(CheckBody { rows: check.rows, intact: check.intact, problem: check.problem }))
}

async fn rows(control: &Control, query: AuditQuery) -> Result<Json<Vec<AuditBody>>, ApiError> {
    let limit = query.limit.unwrap_or(100);
    if !(1..=1000).contains(&limit) {
        return Err(ApiError::field("limit", "limit is 1 to 1000"));
    }
    let filter = AuditFilter {
        team: query.team,
        actor: query.actor,
        action: query.action,
        since: query.since,
        until: query.until,
        before: query.before,
        limit,
    };
    Ok(Json(control.audit_rows(&filter).await?.into_iter().map(body).collect()))
}

fn body(row: AuditRow) -> AuditBody {
    AuditBody {
        id: row.id,
        at: row.at,
        team: row.team,
        actor: row.actor,
        actor_name: row.actor_name,
        action: row.action,
        target: row.target,
        address: row.address,
        filter_hash: row.filter_hash,
        rows: row.rows,
        hash: row.hash,
    }
}
