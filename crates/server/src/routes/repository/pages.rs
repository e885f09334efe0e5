//! `/stats` and `/communities/{id}/stats`: the mount point of spec/invenio §16.1 inside the dashboard's page; below them
//! `/layout`, the same with the editor of its layout.

use axum::{extract::State, http::StatusCode, response::Response};
use serde::Deserialize;
use tallykeep_access::Role;

use super::{repository, visible_community};
use crate::{
    app::{App, extractors::Visitor},
    error::ApiError,
    extract::Path,
    page::{PageRequest, escape, page},
};

#[derive(Debug, Deserialize)]
pub struct CommunityPath {
    id: String,
}

pub async fn global_page(State(app): State<App>, visitor: Visitor) -> Result<Response, ApiError> {
    stats_page(&app, &visitor, None, Shown::Statistics).await
}

pub async fn community_page(
    State(app): State<App>,
    visitor: Visitor,
    Path(path): Path<CommunityPath>,
) -> Result<Response, ApiError> {
    stats_page(&app, &visitor, Some(&path.id), Shown::Statistics).await
}

/// The editor of the whole repository's layout and of the one that communities share.
pub async fn global_layout_page(State(app): State<App>, visitor: Visitor) -> Result<Response, ApiError> {
    stats_page(&app, &visitor, None, Shown::LayoutEditor).await
}

pub async fn community_layout_page(
    State(app): State<App>,
    visitor: Visitor,
    Path(path): Path<CommunityPath>,
) -> Result<Response, ApiError> {
    stats_page(&app, &visitor, Some(&path.id), Shown::LayoutEditor).await
}

/// What a page with a dashboard's configuration is for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Shown {
    Statistics,
    LayoutEditor,
}

/// The page of the whole repository, or of the community a path names.
async fn stats_page(app: &App, visitor: &Visitor, id: Option<&str>, shown: Shown) -> Result<Response, ApiError> {
    let access = visitor.access.as_ref().ok_or_else(|| ApiError::not_found("not found"))?;
    let repository = repository(app, access)?;
    let community = match id {
        None => None,
        Some(id) => visible_community(&repository, access, id, StatusCode::NOT_FOUND).await?,
    };
    let mut data = repository.page_data(community.as_ref()).await?;
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
