//! The list of charts: their names, and the answer of each as JSON.

use jiff::Timestamp;
use serde_json::{Value, json};

use crate::{
    filter::{FieldErrors, Params},
    metrics::{self, BotRow, Question},
};

/// What can be asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Chart {
    Overview,
    ActiveParticipants,
    SessionAnalytics,
    MessageVolume,
    BotPerformance,
    UserEngagement,
    ChannelBreakdown,
    TagAnalytics,
    AverageResponseTime,
    CostTimeseries,
    CostBreakdown,
    CostP95,
    CostSummary,
    EngagementViews,
}

/// Where rows link to: the bot platform's own pages when its address is configured, else paths of ours that lead to the dashboard.
#[derive(Debug, Clone, Default)]
pub struct Links {
    /// E.g. `https://bots.example.org`, without a slash at the end.
    pub base: String,
}

impl Links {
    pub fn bot(&self, team: &str, id: i64) -> String {
        format!("{}/a/{team}/chatbots/{id}/", self.base)
    }

    pub fn participant(&self, team: &str, id: i64) -> String {
        format!("{}/a/{team}/participants/{id}", self.base)
    }
}

impl Chart {
    pub const ALL: [Self; 14] = [
        Self::Overview,
        Self::ActiveParticipants,
        Self::SessionAnalytics,
        Self::MessageVolume,
        Self::BotPerformance,
        Self::UserEngagement,
        Self::ChannelBreakdown,
        Self::TagAnalytics,
        Self::AverageResponseTime,
        Self::CostTimeseries,
        Self::CostBreakdown,
        Self::CostP95,
        Self::CostSummary,
        Self::EngagementViews,
    ];

    /// As exports, logs and live events name it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::ActiveParticipants => "active_participants",
            Self::SessionAnalytics => "session_analytics",
            Self::MessageVolume => "message_volume",
            Self::BotPerformance => "bot_performance",
            Self::UserEngagement => "user_engagement",
            Self::ChannelBreakdown => "channel_breakdown",
            Self::TagAnalytics => "tag_analytics",
            Self::AverageResponseTime => "average_response_time",
            Self::CostTimeseries => "cost_timeseries",
            Self::CostBreakdown => "cost_breakdown",
            Self::CostP95 => "cost_p95",
            Self::CostSummary => "cost_summary",
            Self::EngagementViews => "engagement_views",
        }
    }

    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|chart| chart.as_str() == name)
    }

    fn has_granularity(self) -> bool {
        matches!(
            self,
            Self::ActiveParticipants
                | Self::SessionAnalytics
                | Self::MessageVolume
                | Self::AverageResponseTime
                | Self::CostTimeseries
                | Self::CostP95
        )
    }

    fn is_cost(self) -> bool {
        matches!(self, Self::CostTimeseries | Self::CostBreakdown | Self::CostP95 | Self::CostSummary)
    }

    /// The key its answer is kept under: metric, what else decides it, and the fingerprint of the filter.
    pub fn key(self, question: &Asked, filter_key: &str) -> String {
        let mut key = self.as_str().to_owned();
        if self.has_granularity() {
            key.push_str(&format!(":{}", question.granularity));
            if question.fill {
                key.push_str(":fill");
            }
        }
        if self == Self::UserEngagement {
            key.push_str(&format!(":limit{}", question.limit));
        }
        if question.cost_tracking && (self.is_cost() || matches!(self, Self::BotPerformance | Self::UserEngagement)) {
            key.push_str(":cost");
        }
        key.push(':');
        key.push_str(filter_key);
        key
    }
}

/// What beside the filter decides an answer.
#[derive(Debug, Clone)]
pub struct Asked {
    pub granularity: &'static str,
    pub fill: bool,
    pub limit: usize,
    pub cost_tracking: bool,
}

impl Asked {
    /// Errors: `granularity`, `fill`, `limit`.
    pub fn from_params(params: &Params, cost_tracking: bool) -> Result<Self, FieldErrors> {
        Ok(Self {
            granularity: crate::filter::Bucketing::from_params(params)?.as_str(),
            fill: params.flag("fill")?,
            limit: params.number("limit", 10, 1, 100)?,
            cost_tracking,
        })
    }
}

/// The answer of a chart. Bots come as the full list in order of name: see [`bot_page`].
pub fn answer(
    chart: Chart,
    question: &Question<'_>,
    asked: &Asked,
    links: &Links,
    team: &str,
    now: Timestamp,
) -> Result<Value, FieldErrors> {
    if chart.is_cost() && !asked.cost_tracking {
        return Ok(if matches!(chart, Chart::CostTimeseries | Chart::CostP95) { json!([]) } else { json!({}) });
    }
    Ok(match chart {
        Chart::Overview => to_value(metrics::overview(question)),
        Chart::ActiveParticipants => to_value(metrics::active_participants(question)?),
        Chart::SessionAnalytics => to_value(metrics::session_analytics(question)?),
        Chart::MessageVolume => to_value(metrics::message_volume(question)?),
        Chart::BotPerformance => to_value(metrics::bot_rows(question, |id| links.bot(team, id))),
        Chart::UserEngagement => {
            to_value(metrics::user_engagement(question, asked.limit, |id| links.participant(team, id)))
        }
        Chart::ChannelBreakdown => to_value(metrics::channel_breakdown(question)),
        Chart::TagAnalytics => to_value(metrics::tag_analytics(question)),
        Chart::AverageResponseTime => to_value(metrics::average_response_time(question)?),
        Chart::CostTimeseries => to_value(metrics::cost_timeseries(question)?),
        Chart::CostBreakdown => to_value(metrics::cost_breakdown(question)),
        Chart::CostP95 => to_value(metrics::cost_p95(question)?),
        Chart::CostSummary => to_value(metrics::cost_summary(question)),
        Chart::EngagementViews => to_value(metrics::engagement_views(question.image, question.filter, now)),
    })
}

/// One page of bots out of a kept answer.
pub fn bot_page(rows: Value, order: &metrics::BotOrder, cost_tracking: bool) -> Option<Value> {
    let rows: Vec<BotRow> = serde_json::from_value(rows).ok()?;
    Some(to_value(metrics::bot_page(rows, order, cost_tracking)))
}

fn to_value(answer: impl serde::Serialize) -> Value {
    serde_json::to_value(answer).expect("answers hold texts, numbers and lists")
}
