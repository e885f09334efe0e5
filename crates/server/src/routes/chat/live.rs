//! Live views (spec/chat §13.1): server-sent events with the charts that changed, whole.

use std::{convert::Infallible, sync::Arc, time::Duration};

use axum::{
    extract::State,
    http::Uri,
    response::sse::{Event, KeepAlive, Sse},
};
use futures::Stream;
use serde_json::{Value, json};
use tallykeep_chat::{
    charts::Chart,
    filter::FieldErrors,
    service::{Chat, LiveView},
};
use tallykeep_control::TeamControl;

use super::{charts::ChartParams, params_of, pseudonym, sees_names, zone_of};
use crate::{
    app::{App, extractors::Reader},
    error::ApiError,
};

/// How often new data is looked for.
const LOOK: Duration = Duration::from_millis(500);
/// A connection ends after this; the browser comes back by itself, and access is decided anew.
const LONGEST: Duration = Duration::from_secs(15 * 60);

struct Viewer {
    chat: Arc<Chat>,
    reader: Reader,
    team: TeamControl,
    view: LiveView,
    /// What the first look found, sent at once.
    first: Option<Value>,
    until: tokio::time::Instant,
}

/// Events `changes` with `{"generation", "charts": {name: body}}`: first every chart, then those that changed, within 2 s of new data.
///
/// Every connection starts with the whole state, so a reconnect needs no history. `charts` (names as in exports) narrows what is sent.
#[utoipa::path(get, path = "/dashboard/api/live", tag = "chat",
               params(("charts" = Option<Vec<String>>, Query), ChartParams),
               responses((status = 200, description = "text/event-stream"), (status = 400)))]
pub async fn get_live(
    State(app): State<App>,
    reader: Reader,
    uri: Uri,
) -> Result<Sse<impl Stream<Item = Result<Event, Infallible>>>, ApiError> {
    let chat = app.service::<Chat>()?;
    let params = params_of(&uri);
    let mut charts = Vec::new();
    for name in params.list("charts") {
        charts.push(Chart::named(name).ok_or_else(|| FieldErrors::one("charts", format!("`{name}` is not a chart")))?);
    }
    let zone = zone_of(&chat, &reader).await?;
    let team = reader.control().clone();
    let mut view = LiveView::new(params, zone, charts);
    // The first look also says whether the filter is right: a wrong one is a 400, not a stream.
    let first = chat.live_changes(&team, &mut view).await?;
    reader.record("chat.read", "live", None, None).await;
    let until = tokio::time::Instant::now() + LONGEST;
    let viewer = Viewer { chat, reader, team, view, first, until };
    let stream = futures::stream::unfold(viewer, |mut viewer| async move {
        let event = viewer.next().await?;
        Some((Ok(event), viewer))
    });
    Ok(Sse::new(stream).keep_alive(KeepAlive::new().interval(Duration::from_secs(15)).text("still here")))
}

impl Viewer {
    async fn next(&mut self) -> Option<Event> {
        if let Some(charts) = self.first.take() {
            return Some(self.event(charts));
        }
        while tokio::time::Instant::now() < self.until {
            tokio::time::sleep(LOOK).await;
            match self.chat.live_changes(&self.team, &mut self.view).await {
                Ok(Some(charts)) => return Some(self.event(charts)),
                Ok(None) => {}
                Err(error) => {
                    // The browser reconnects and reads the reason there.
                    tracing::warn!("a live view of {} ends: {error}", self.team.team().slug);
                    return None;
                }
            }
        }
        None
    }

    fn event(&self, mut charts: Value) -> Event {
        if !sees_names(&self.reader)
            && let Some(people) = charts.get_mut(Chart::UserEngagement.as_str())
        {
            tallykeep_chat::export::anonymise(people, |id| pseudonym(&self.reader, id));
        }
        let generation = self.view.generation().unwrap_or(0);
        let data = json!({"generation": generation, "charts": charts});
        Event::default().event("changes").id(generation.to_string()).data(data.to_string())
    }
}
