//! `GET /api/v1/overview`: what is here, for the start page and the navigation.

use axum::{Json, extract::State};
use serde::Serialize;
use tallykeep_access::Dashboard;
use tallykeep_chat::service::Chat;
use tallykeep_packages::Packages;

use super::repository;
use crate::{
    app::{App, extractors::Reader, identity::Actor},
    error::ApiError,
};

/// The team's domains and what each holds; those the caller may not read are null.
#[derive(Serialize, utoipa::ToSchema)]
pub struct Overview {
    /// Slug of the team asked for.
    team: String,
    teams: Vec<TeamName>,
    user: Visitor,
    domains: Domains,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct TeamName {
    slug: String,
    name: String,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Visitor {
    name: String,
    /// The built-in user of an installation without users.
    local: bool,
    /// `viewer`, `editor` or `admin`; empty for guests and tokens.
    roles: Vec<String>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct Domains {
    #[schema(required = true)]
    repository: Option<RepositoryPart>,
    #[schema(required = true)]
    packages: Option<PackagesPart>,
    #[schema(required = true)]
    chat: Option<ChatPart>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct RepositoryPart {
    communities: Vec<CommunityLine>,
    /// Of the whole repository; null where nothing is rolled up yet, never 0 for that.
    #[schema(required = true)]
    records: Option<i64>,
    #[schema(required = true)]
    views: Option<i64>,
    #[schema(required = true)]
    downloads: Option<i64>,
    /// The last day whose numbers no longer change by themselves.
    #[schema(required = true, format = Date)]
    complete_to: Option<String>,
    #[schema(required = true, format = DateTime)]
    as_of: Option<String>,
    agg_in_progress: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct CommunityLine {
    id: String,
    slug: String,
    title: String,
    #[schema(required = true)]
    records: Option<i64>,
    dashboard_enabled: bool,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct PackagesPart {
    products: Vec<NamedThing>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct ChatPart {
    bots: Vec<NamedThing>,
}

#[derive(Serialize, utoipa::ToSchema)]
pub struct NamedThing {
    id: String,
    name: String,
}

/// What is here, for the start page and the navigation.
#[utoipa::path(get, path = "/api/v1/overview", tag = "server", responses((status = 200, body = Overview)))]
pub async fn get_overview(State(app): State<App>, reader: Reader) -> Result<Json<Overview>, ApiError> {
    let team = reader.team();
    let local = matches!(reader.actor(), Actor::Local);
    let roles: Vec<String> = reader.role().map(|role| format!("{role:?}").to_lowercase()).into_iter().collect();
    let repository = if reader.may_read(Dashboard::Repository) { repository_part(&app, &reader).await? } else { None };
    let packages = if reader.may_read(Dashboard::Packages) { packages_part(&app, &reader).await? } else { None };
    let chat = if reader.may_read(Dashboard::Chat) { chat_part(&app, &reader).await? } else { None };
    Ok(Json(Overview {
        team: team.slug.to_string(),
        teams: vec![TeamName { slug: team.slug.to_string(), name: team.name.clone() }],
        user: Visitor { name: if local { "local".to_owned() } else { String::new() }, local, roles },
        domains: Domains { repository, packages, chat },
    }))
}

async fn repository_part(app: &App, reader: &Reader) -> Result<Option<RepositoryPart>, ApiError> {
    let repository = repository(app, reader)?;
    let held = repository.records_held().await?;
    let mut communities = Vec::new();
    for community in repository.communities().await? {
        if community.restricted && !reader.may_read_restricted(&community.id).await? {
            continue;
        }
        communities.push(CommunityLine {
            records: held.get(&community.id).copied(),
            dashboard_enabled: repository.dashboard_shown(&community).await?,
            id: community.id,
            slug: community.slug,
            title: community.title,
        });
    }
    let totals = repository.totals("global").await?;
    if communities.is_empty() && totals.values.iter().all(Option::is_none) {
        return Ok(None);
    }
    let [records, views, downloads] = totals.values;
    Ok(Some(RepositoryPart {
        communities,
        records,
        views,
        downloads,
        complete_to: totals.complete_to.map(|day| day.to_string()),
        as_of: Some(app.clock().now().to_string()),
        agg_in_progress: repository.page_flags("global").await?.agg_in_progress,
    }))
}

/// Products of the team's catalogue; nothing while nothing was collected.
async fn packages_part(app: &App, reader: &Reader) -> Result<Option<PackagesPart>, ApiError> {
    let Ok(packages) = app.service::<Packages>() else { return Ok(None) };
    let store = reader.control().packages();
    if !packages.is_set_up(&store).await.map_err(ApiError::internal)? {
        return Ok(None);
    }
    let config = packages.config(&store).await.map_err(ApiError::internal)?;
    let products = config.products.iter().map(|p| NamedThing { id: p.id.clone(), name: p.title.clone() }).collect();
    Ok(Some(PackagesPart { products }))
}

/// The team's bots; nothing while there are none.
async fn chat_part(app: &App, reader: &Reader) -> Result<Option<ChatPart>, ApiError> {
    let Ok(chat) = app.service::<Chat>() else { return Ok(None) };
    let guard = chat.image(reader.control()).await.map_err(ApiError::internal)?;
    let bots: Vec<NamedThing> =
        guard.image().experiments.iter().map(|e| NamedThing { id: e.id.to_string(), name: e.name.clone() }).collect();
    Ok((!bots.is_empty()).then_some(ChatPart { bots }))
}
