//! One route per chart (spec/chat §4). All take the filters of §5 and answer with `X-Cache` and `Age`.

use axum::{extract::State, http::Uri, response::Response};
use tallykeep_chat::charts::Chart;
use utoipa_axum::routes;

use super::{READ, chart_response};
use crate::{
    app::{App, extractors::Reader},
    error::ApiError,
    routes::Route,
};

/// The query parameters of every chart; lists may be repeated or comma-joined.
#[derive(utoipa::IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "only its description is used; values are read by tallykeep-chat")]
pub(super) struct ChartParams {
    /// 7, 30, 90, 365 or custom
    date_range: Option<String>,
    /// YYYY-MM-DD
    start_date: Option<String>,
    /// YYYY-MM-DD, included
    end_date: Option<String>,
    /// hourly, daily, weekly or monthly
    granularity: Option<String>,
    /// Ids of listed bots
    experiments: Option<Vec<i64>>,
    /// Platforms, or ids of channels
    channels: Option<Vec<String>>,
    participants: Option<Vec<i64>>,
    tags: Option<Vec<i64>>,
    /// Search expressions (docs/chat.md); several are and-ed
    q: Option<Vec<String>>,
    /// Names or ids of saved searches
    saved: Option<Vec<String>>,
    /// IANA time zone of days and labels
    tz: Option<String>,
    /// 1: every bucket, with zeros
    fill: Option<String>,
    /// 1: compute anew and replace the kept answer
    refresh: Option<String>,
    /// user-engagement: 1 to 100
    limit: Option<u32>,
    /// bot-performance: from 1
    page: Option<u32>,
    /// bot-performance: 1 to 100
    page_size: Option<u32>,
    order_by: Option<String>,
    /// desc, anything else is ascending
    order_dir: Option<String>,
}

macro_rules! charts {
    ($($(#[doc = $doc:literal])+ $name:ident, $path:literal, $chart:ident;)+) => {
        $(
            $(#[doc = $doc])+
            #[utoipa::path(get, path = $path, tag = "chat", params(ChartParams),
                           responses((status = 200, body = Value), (status = 400, description = "A value is wrong; it is named")))]
            pub async fn $name(State(app): State<App>, reader: Reader, uri: Uri) -> Result<Response, ApiError> {
                chart_response(app, &reader, &uri, Chart::$chart).await
            }
        )+

        pub(super) fn routes() -> Vec<Route> {
            vec![$(Route::api(READ, routes!($name))),+]
        }
    };
}

charts! {
    /// Counts over the window.
    get_overview, "/dashboard/api/overview", Overview;
    /// People with a human message, per bucket.
    get_active_participants, "/dashboard/api/active-participants", ActiveParticipants;
    /// Sessions with a turn and people with a human message, per bucket.
    get_session_analytics, "/dashboard/api/session-analytics", SessionAnalytics;
    /// Human and AI messages per bucket.
    get_message_volume, "/dashboard/api/message-volume", MessageVolume;
    /// One row per listed bot, paged and sorted.
    get_bot_performance, "/dashboard/api/bot-performance", BotPerformance;
    /// Who writes most and least, and how long sessions last.
    get_user_engagement, "/dashboard/api/user-engagement", UserEngagement;
    /// Sessions, messages and people by platform.
    get_channel_breakdown, "/dashboard/api/channel-breakdown", ChannelBreakdown;
    /// How often tags occur.
    get_tag_analytics, "/dashboard/api/tag-analytics", TagAnalytics;
    /// Mean seconds of finished traces, per bucket.
    get_average_response_time, "/dashboard/api/average-response-time", AverageResponseTime;
    /// Cost per bucket and source.
    get_cost_timeseries, "/dashboard/api/cost-timeseries", CostTimeseries;
    /// Cost by model and kind of token.
    get_cost_breakdown, "/dashboard/api/cost-breakdown", CostBreakdown;
    /// 95th percentile of what a trace costs, of the five bots that spend most.
    get_cost_p95, "/dashboard/api/cost-p95", CostP95;
    /// The figures of the cost panel.
    get_cost_summary, "/dashboard/api/cost-summary", CostSummary;
    /// Monthly users, frequency, new and returning, over seven months.
    get_engagement_views, "/dashboard/api/engagement-views", EngagementViews;
}
