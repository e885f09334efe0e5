//! Live views: what changed in the answers of one filter since they were last sent.

use std::collections::BTreeMap;

use jiff::tz::TimeZone;
use serde_json::{Map, Value};
use tallykeep_control::TeamControl;

use super::{Chat, ChatError, answers::check_question};
use crate::{
    charts::{Chart, bot_page},
    filter::Params,
    metrics::BotOrder,
};

/// The charts a dashboard shows, as one filter sees them.
pub struct LiveView {
    params: Params,
    zone: TimeZone,
    charts: Vec<Chart>,
    sent: BTreeMap<&'static str, Value>,
    generation: Option<i64>,
    minute: i64,
}

impl LiveView {
    /// `charts` empty: all of them.
    pub fn new(params: Params, zone: TimeZone, charts: Vec<Chart>) -> Self {
        let charts = if charts.is_empty() { Chart::ALL.to_vec() } else { charts };
        Self { params, zone, charts, sent: BTreeMap::new(), generation: None, minute: 0 }
    }

    /// The number of the last write the answers sent are about.
    pub fn generation(&self) -> Option<i64> {
        self.generation
    }
}

impl Chat {
    /// The answers that changed since the last call, whole, by chart; at first all of them. `None` when nothing changed.
    ///
    /// New writes are looked for at every call; a window that ends now is asked again each minute.
    pub async fn live_changes(&self, team: &TeamControl, view: &mut LiveView) -> Result<Option<Value>, ChatError> {
        let minute = team.clock().now().as_second() / 60;
        let published = team.chat_state().await?.published;
        if view.generation == Some(published) && view.minute == minute {
            return Ok(None);
        }
        let params = self.with_saved_expressions(team, &view.params).await?;
        let cost_tracking = self.cost_tracking(team).await?;
        let order = BotOrder::from_params(&params)?;
        let mut changed = Map::new();
        let mut generation = published;
        for chart in view.charts.clone() {
            let guard = self.image(team).await?;
            generation = guard.generation();
            let checked = check_question(&params, &guard, &view.zone, team.clock().now(), cost_tracking)?;
            let body = self.compute(team, guard, chart, checked).await?;
            let body = match chart {
                Chart::BotPerformance => bot_page(body, &order, cost_tracking).unwrap_or(Value::Null),
                _ => body,
            };
            if view.sent.get(chart.as_str()) != Some(&body) {
                changed.insert(chart.as_str().to_owned(), body.clone());
                view.sent.insert(chart.as_str(), body);
            }
        }
        view.generation = Some(generation);
        view.minute = minute;
        Ok((!changed.is_empty()).then_some(Value::Object(changed)))
    }
}
