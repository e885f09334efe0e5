//! `GET /api/v1/overview`: what is here, for the start page and the navigation.

use axum::{Json, extract::State};
use serde_json::{Value, json};
use tallykeep_access::Dashboard;
use tallykeep_chat::service::Chat;
use tallykeep_packages::Packages;

use super::repository;
use crate::{
    app::{App, extractors::Reader, identity::Actor},
    error::ApiError,
};

/// The team's domains and what each holds; those the caller may not read are null.
#[utoipa::path(get, path = "/api/v1/overview", tag = "server", responses((status = 200, body = serde_json::Value)))]
pub async fn get_overview(State(app): State<App>, reader: Reader) -> Result<Json<Value>, ApiError> {
    let team = reader.team();
    let local = matches!(reader.actor(), Actor::Local);
    let roles: Vec<String> = reader.role().map(|role| format!("{role:?}").to_lowercase()).into_iter().collect();
    Ok(Json(json!({
        "team": team.slug.as_str(),
        "teams": [{"slug": team.slug.as_str(), "name": team.name}],
        "user": {"name": if local { "local" } else { "" }, "local": local, "roles": roles},
        "domains": {
            "repository": if reader.may_read(Dashboard::Repository) { repository_part(&app, &reader).await? } else { Value::Null },
            "packages": if reader.may_read(Dashboard::Packages) { packages_part(&app, &reader).await? } else { Value::Null },
            "chat": if reader.may_read(Dashboard::Chat) { chat_part(&app, &reader).await? } else { Value::Null },
        },
    })))
}

async fn repository_part(app: &App, reader: &Reader) -> Result<Value, ApiError> {
    let repository = repository(app, reader)?;
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
    if communities.is_empty() && totals.values.iter().all(Option::is_none) {
        return Ok(Value::Null);
    }
    let lease = tallykeep_repository::aggregate::lease_name(&reader.team().slug);
    let running = reader.control().control().lease_holder(&lease).await?.is_some();
    Ok(json!({
        "communities": communities, "records": totals.values[0], "views": totals.values[1], "downloads": totals.values[2],
        "complete_to": totals.complete_to.map(|d| d.to_string()), "as_of": app.clock().now().to_string(), "agg_in_progress": running,
    }))
}

/// Products of the team's catalogue; null while nothing was collected.
async fn packages_part(app: &App, reader: &Reader) -> Result<Value, ApiError> {
    let Ok(packages) = app.service::<Packages>() else { return Ok(Value::Null) };
    let store = reader.control().packages();
    if !packages.is_set_up(&store).await.map_err(ApiError::internal)? {
        return Ok(Value::Null);
    }
    let config = packages.config(&store).await.map_err(ApiError::internal)?;
    let products: Vec<Value> = config.products.iter().map(|p| json!({"id": p.id, "name": p.title})).collect();
    Ok(json!({ "products": products }))
}

/// The team's bots; null while there are none.
async fn chat_part(app: &App, reader: &Reader) -> Result<Value, ApiError> {
    let Ok(chat) = app.service::<Chat>() else { return Ok(Value::Null) };
    let guard = chat.image(reader.control()).await.map_err(ApiError::internal)?;
    let bots: Vec<Value> =
        guard.image().experiments.iter().map(|e| json!({"id": e.id.to_string(), "name": e.name})).collect();
    Ok(if bots.is_empty() { Value::Null } else { json!({ "bots": bots }) })
}
