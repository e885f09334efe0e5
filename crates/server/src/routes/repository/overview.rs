//! `GET /api/v1/overview`: what is here, for the start page and the navigation.

use axum::{Json, extract::State};
use serde_json::{Value, json};
use tallykeep_access::Dashboard;

use super::repository;
use crate::{
    app::{App, extractors::Reader, identity::Actor},
    error::ApiError,
};

/// The team's domains and what each holds.
#[utoipa::path(get, path = "/api/v1/overview", tag = "server", responses((status = 200, body = serde_json::Value)))]
pub async fn get_overview(State(app): State<App>, reader: Reader) -> Result<Json<Value>, ApiError> {
    let repository = repository(&app, &reader)?;
    let team = reader.team();
    let mut communities = Vec::new();
    for community in repository.communities().await? {
        if community.restricted && !reader.may_read_restricted(&community.id).await? {
            continue;
        }
        let totals = repository.totals(&community.id).await?;
        communities.push(json!({
            "id": community.id, "slug": community.slug, "title": community.title, "records": totals.values[0],
            "dashboard_enabled": repository.dashboard_shown(&community).await?,
        }));
    }
    let totals = repository.totals("global").await?;
    let local = matches!(reader.actor(), Actor::Local);
    let lease = tallykeep_repository::aggregate::lease_name(&team.slug);
    let running = reader.control().control().lease_holder(&lease).await?.is_some();
    let known = totals.values.iter().any(Option::is_some) || !communities.is_empty();
    let summary = json!({
        "communities": communities, "records": totals.values[0], "views": totals.values[1], "downloads": totals.values[2],
        "complete_to": totals.complete_to.map(|d| d.to_string()), "as_of": app.clock().now().to_string(), "agg_in_progress": running,
    });
    Ok(Json(json!({
        "team": team.slug.as_str(),
        "teams": [{"slug": team.slug.as_str(), "name": team.name}],
        "user": {"name": if local { "local" } else { "" }, "local": local, "roles": reader.role().map(|r| vec![format!("{r:?}").to_lowercase()]).unwrap_or_default()},
        "domains": {"repository": if known { summary } else { Value::Null }, "packages": Value::Null, "chat": Value::Null},
        "dashboard": format!("{:?}", Dashboard::Repository).to_lowercase(),
    })))
}
