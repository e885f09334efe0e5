//! Where rows lead to: the bot platform's own pages when configured, else the dashboard filtered by the row.

use axum::{extract::State, http::Uri, response::Redirect};
use tallykeep_chat::service::Chat;

use super::params_of;
use crate::{
    app::{App, extractors::Reader},
    error::ApiError,
    extract::Path,
};

#[derive(serde::Deserialize)]
pub struct RowPath {
    id: i64,
}

pub async fn chatbot(State(app): State<App>, reader: Reader, Path(path): Path<RowPath>) -> Result<Redirect, ApiError> {
    let (chat, team) = (app.service::<Chat>()?, reader.team().slug.as_str());
    Ok(lead(chat.links().base.as_str(), chat.links().bot(team, path.id), team, &format!("experiments={}", path.id)))
}

pub async fn participant(
    State(app): State<App>,
    reader: Reader,
    Path(path): Path<RowPath>,
) -> Result<Redirect, ApiError> {
    let (chat, team) = (app.service::<Chat>()?, reader.team().slug.as_str());
    let own = chat.links().participant(team, path.id);
    Ok(lead(chat.links().base.as_str(), own, team, &format!("participants={}", path.id)))
}

/// The session list of a tag (`f_tags` names it) becomes the dashboard filtered by that tag; other filters are kept.
pub async fn sessions(State(app): State<App>, reader: Reader, uri: Uri) -> Result<Redirect, ApiError> {
    let chat = app.service::<Chat>()?;
    let team = reader.team().slug.as_str();
    let own = format!("{}{}", chat.links().base, uri.path_and_query().map_or("", |path| path.as_str()));
    let params = params_of(&uri);
    let guard = chat.image(reader.control()).await?;
    let several = |name: &str| -> Vec<String> {
        params.all(name).flat_map(|value| value.split('~')).map(str::to_owned).collect()
    };
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for name in several("f_tags") {
        let tags = guard.image().tags.iter().filter(|tag| tag.name == name);
        tags.for_each(|tag| _ = query.append_pair("tags", &tag.id.to_string()));
    }
    several("f_experiment").iter().for_each(|id| _ = query.append_pair("experiments", id));
    several("f_channels").iter().for_each(|platform| _ = query.append_pair("channels", platform));
    Ok(lead(chat.links().base.as_str(), own, team, &query.finish()))
}

fn lead(base: &str, own: String, team: &str, query: &str) -> Redirect {
    if base.is_empty() { Redirect::to(&format!("/a/{team}/dashboard/?{query}")) } else { Redirect::to(&own) }
}
