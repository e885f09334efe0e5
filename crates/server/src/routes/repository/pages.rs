//! `/stats` and `/communities/{id}/stats`: the mount point of spec/invenio §16.1 inside the dashboard's page; below them
//! `/layout`, the same with the editor of its layout.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use tallykeep_access::Role;
use tallykeep_repository::documents::Community;

use super::{repository, visible_community};
use crate::{
    app::{
        App,
        extractors::{TeamAccess, Visitor},
    },
    error::ApiError,
    extract::Path,
    page::{PageRequest, escape, page},
};

#[derive(Debug, Deserialize)]
pub struct CommunityPath {
    id: String,
}

pub async fn global_page(State(app): State<App>, visitor: Visitor) -> Result<Response, ApiError> {
    stats_page(&app, &visitor, access(&visitor)?, None, Shown::Statistics).await
}

pub async fn community_page(
    State(app): State<App>,
    visitor: Visitor,
    Path(path): Path<CommunityPath>,
) -> Result<Response, ApiError> {
    let access = access(&visitor)?;
    let community = visible_community(&repository(&app, access)?, access, &path.id, StatusCode::NOT_FOUND).await?;
    stats_page(&app, &visitor, access, community.as_ref(), Shown::Statistics).await
}

/// The editor of the whole repository's layout and of the one that communities share.
pub async fn global_layout_page(State(app): State<App>, visitor: Visitor) -> Result<Response, ApiError> {
    stats_page(&app, &visitor, access(&visitor)?, None, Shown::LayoutEditor).await
}

pub async fn community_layout_page(
    State(app): State<App>,
    visitor: Visitor,
    Path(path): Path<CommunityPath>,
) -> Result<Response, ApiError> {
    let access = access(&visitor)?;
    let community = visible_community(&repository(&app, access)?, access, &path.id, StatusCode::NOT_FOUND).await?;
    stats_page(&app, &visitor, access, community.as_ref(), Shown::LayoutEditor).await
}

/// What a page with a dashboard's configuration is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Statistics,
    LayoutEditor,
}

fn access(visitor: &Visitor) -> Result<&TeamAccess, ApiError> {
    visitor.access.as_ref().ok_or_else(|| ApiError::not_found("not found"))
}

async fn stats_page(
    app: &App,
    visitor: &Visitor,
    access: &TeamAccess,
    community: Option<&Community>,
    shown: Shown,
) -> Result<Response, ApiError> {
    let mut data = repository(app, access)?.page_data(community).await?;
    let is_editor = access.role() >= Some(Role::Editor);
    data.config["may_switch_dashboard"] = is_editor.into();
    data.config["may_edit_layout"] = is_editor.into();
    let about = data.community.map_or_else(|| "None".to_owned(), |c| c.to_string());
    let mount = format!(
        "<div id=\"stats-dashboard\"{} data-dashboard-config='{}' data-community='{}'></div>",
        if shown == Shown::LayoutEditor { " data-editor='layout'" } else { "" },
        escape(&data.config.to_string()),
        escape(&about)
    );
    let mut title = community.map_or_else(|| data.title.clone(), |c| format!("{}: {}", data.title, c.title));
    if shown == Shown::LayoutEditor {
        title.insert_str(0, "Layout: ");
    }
    Ok(page(visitor, &PageRequest { title, mount }))
}
