//! `/api/v1/team/tokens`.

use axum::{Json, http::StatusCode};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tallykeep_access::TokenScope;
use tallykeep_control::ApiToken;
use utoipa::ToSchema;

use crate::{app::extractors::TeamAdmin, error::ApiError, extract::Path};

#[derive(Serialize, ToSchema)]
pub(super) struct TokenRow {
    id: i64,
    name: String,
    scopes: Vec<String>,
    created_at: Timestamp,
    created_by: String,
    expires_at: Option<Timestamp>,
    revoked_at: Option<Timestamp>,
    used_at: Option<Timestamp>,
}

#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct TokenRequest {
    /// What it is for
    #[serde(default)]
    name: String,
    /// `read`, `ingest`, `admin`
    scopes: Vec<String>,
    expires_at: Option<Timestamp>,
}

/// A new token; the secret is shown this once.
#[derive(Serialize, ToSchema)]
pub(super) struct NewToken {
    token: String,
    #[serde(flatten)]
    row: TokenRow,
}

#[derive(Deserialize)]
pub(super) struct TokenPath {
    id: i64,
}

/// The team's tokens, newest first.
#[utoipa::path(get, path = "/api/v1/team/tokens", tag = "people", responses((status = 200, body = Vec<TokenRow>)))]
pub(super) async fn get_tokens(admin: TeamAdmin) -> Result<Json<Vec<TokenRow>>, ApiError> {
    Ok(Json(admin.control().tokens().await?.into_iter().map(row).collect()))
}

/// Makes a token; its secret is answered this once.
#[utoipa::path(post, path = "/api/v1/team/tokens", tag = "people", request_body = TokenRequest, responses((status = 201, body = NewToken)))]
pub(super) async fn post_token(
    admin: TeamAdmin,
    crate::extract::Json(wanted): crate::extract::Json<TokenRequest>,
) -> Result<(StatusCode, Json<NewToken>), ApiError> {
    let mut scopes = Vec::new();
    for word in &wanted.scopes {
        let scope: TokenScope = word.parse().map_err(|error| ApiError::field("scopes", format!("{error}")))?;
        if !scopes.contains(&scope) {
            scopes.push(scope);
        }
    }
    if scopes.is_empty() {
        return Err(ApiError::field("scopes", "name at least one of read, ingest, admin"));
    }
    if wanted.name.chars().count() > 200 {
        return Err(ApiError::field("name", "a name has at most 200 characters"));
    }
    if wanted.expires_at.is_some_and(|at| at <= admin.control().clock().now()) {
        return Err(ApiError::field("expires_at", "this instant is past"));
    }
    let by = admin.actor().key();
    let (token, secret) =
        admin.accounts().create_token(admin.control(), &wanted.name, &scopes, wanted.expires_at, &by).await?;
    admin.record("token.create", &format!("token:{} {}", token.id, token.scopes.join(",")), None, None).await;
    Ok((StatusCode::CREATED, Json(NewToken { token: secret, row: row(token) })))
}

/// Ends a token for good.
#[utoipa::path(delete, path = "/api/v1/team/tokens/{id}", tag = "people", params(("id" = i64, Path)), responses((status = 204), (status = 404)))]
pub(super) async fn delete_token(admin: TeamAdmin, Path(path): Path<TokenPath>) -> Result<StatusCode, ApiError> {
    if !admin.control().revoke_token(path.id).await? {
        return Err(ApiError::not_found("the team has no such living token"));
    }
    admin.record("token.revoke", &format!("token:{}", path.id), None, None).await;
    Ok(StatusCode::NO_CONTENT)
}

fn row(token: ApiToken) -> TokenRow {
    TokenRow {
        id: token.id,
        name: token.name,
        scopes: token.scopes,
        created_at: token.created_at,
        created_by: token.created_by,
        expires_at: token.expires_at,
        revoked_at: token.revoked_at,
        used_at: token.used_at,
    }
}
