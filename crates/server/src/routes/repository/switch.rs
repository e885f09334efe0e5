//! A community's own dashboard switch (spec/invenio §16.8).

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};

use super::{repository, visible_community};
use crate::{
    app::{App, extractors::Writer},
    error::ApiError,
    extract::{Json as Body, Path},
};

#[derive(Deserialize)]
pub struct SwitchPath {
    id: String,
}

/// On or off.
#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DashboardSwitch {
    enabled: bool,
}

/// The switch as it now stands.
#[derive(Serialize, utoipa::ToSchema)]
pub struct SwitchedDashboard {
    /// The community's full id.
    id: String,
    enabled: bool,
}

/// Switches a community's dashboard on or off, by id or slug. Errors: 400 where communities need not opt in, because the
/// switch would have no effect there.
#[utoipa::path(put, path = "/api/v1/communities/{id}/dashboard", tag = "repository",
               params(("id" = String, Path)), request_body = DashboardSwitch,
               responses((status = 200, body = SwitchedDashboard)))]
pub async fn put_dashboard_switch(
    State(app): State<App>,
    writer: Writer,
    Path(path): Path<SwitchPath>,
    Body(wanted): Body<DashboardSwitch>,
) -> Result<Json<SwitchedDashboard>, ApiError> {
    let repository = repository(&app, &writer)?;
    let Some(community) = visible_community(&repository, &writer, &path.id, StatusCode::NOT_FOUND).await? else {
        return Err(ApiError::field("id", "the whole repository has no switch of its own"));
    };
    repository.switch_dashboard(&community, wanted.enabled).await?;
    let action = if wanted.enabled { "dashboard.enable" } else { "dashboard.disable" };
    writer.record(action, &community.id, None, None).await;
    Ok(Json(SwitchedDashboard { id: community.id, enabled: wanted.enabled }))
}
