//! What a dashboard page is told (spec/invenio §16.1): its configuration and its community.

use std::collections::HashMap;

use jiff::ToSpan;
use serde_json::{Value, json};
use tallykeep_rollup::Store;

use crate::{
    RepositoryError, TeamRepository,
    aggregate::Aggregator,
    documents::Community,
    layout::LayoutScope,
    read::{self, Params, Query},
    state::Basis,
};

/// The two values of the mount point.
pub struct PageData {
    pub title: String,
    pub config: Value,
    /// `None` on the page of the whole repository.
    pub community: Option<Value>,
}

impl TeamRepository {
    /// The page of the whole repository, or of one community.
    pub async fn page_data(&self, community: Option<&Community>) -> Result<PageData, RepositoryError> {
        let settings = &self.settings;
        let (kind, default_title) =
            if community.is_some() { ("community", "Statistics") } else { ("global", "Statistics") };
        let own = |key: &str| settings.ui_config.get(kind).and_then(|c| c.get(key)).cloned();
        let title =
            own("title").and_then(|t| t.as_str().map(str::to_owned)).unwrap_or_else(|| default_title.to_owned());
        let shown = match community {
            None => settings.dashboard_global,
            Some(c) => self.dashboard_shown(c).await?,
        };
        let message_global = settings.disabled_message_global.replace("{title}", &title);
        // Own message when both switches are on, else the global one (spec/invenio §16.1).
        let message = match community {
            Some(_) if settings.dashboard_global && settings.dashboard_community => {
                settings.disabled_message_community.clone()
            }
            _ => message_global.clone(),
        };
        let flags = self.page_flags(community.map_or("global", |c| c.id.as_str())).await?;
        let mut config = json!({
            "dashboard_type": kind,
            "dashboard_enabled": shown,
            "dashboard_enabled_communities": settings.dashboard_community,
            "dashboard_enabled_global": settings.dashboard_global,
            "disabled_message": message,
            "disabled_message_global": message_global,
            "client_cache_compression_enabled": settings.client_cache_compression,
            "compress_json": settings.compress_json,
            "default_range_options": settings.range_options,
            "default_record_start_basis": settings.basis,
            "display_binary_sizes": !settings.decimal_sizes,
            "layout": self.layout(community).await?,
            "ui_subcounts": settings.ui_subcounts.clone().unwrap_or_else(ui_subcounts),
            "use_test_data": settings.use_test_data,
            "title": title,
            "description": own("description").unwrap_or(json!("")),
            "max_history_years": own("maxHistoryYears").or_else(|| own("max_history_years")).unwrap_or(json!(15)),
            "default_granularity": own("default_granularity").unwrap_or(json!("month")),
            "show_title": own("show_title").unwrap_or(json!(community.is_some())),
            "show_description": own("show_description").unwrap_or(json!(false)),
            "agg_in_progress": flags.agg_in_progress,
            "caching_in_progress": flags.caching_in_progress,
            "first_run_incomplete": flags.first_run_incomplete,
            "now": self.control.clock().now().to_string(),
            "team": self.control.team().slug.as_str(),
        });
        if let Some(c) = community {
            config["community_opt_in"] = json!(settings.opt_in);
            config["dashboard_switched_on"] = json!(self.switched_on(c).await?);
        }
        if let Some(links) = &settings.links {
            config["links"] = links.clone();
        }
        let community = match community {
            None => None,
            Some(c) => Some(self.community_data(c, shown).await?),
        };
        Ok(PageData { title, config, community })
    }

    async fn community_data(&self, community: &Community, shown: bool) -> Result<Value, RepositoryError> {
        let stored = crate::state::current(&self.lake, &crate::tables::COMMUNITIES).await?;
        let document: Value = match stored.get(&community.id) {
            Some(stored) => serde_json::from_str(&stored.doc)?,
            None => Value::Null,
        };
        let slug = &community.slug;
        let team = &self.control.team().slug;
        Ok(json!({
            "id": community.id,
            "slug": slug,
            "metadata": {"title": community.title, "description": document.pointer("/metadata/description").cloned().unwrap_or(json!(""))},
            // The client decides by this flag, so the effective one stands here (clients README, 22).
            "custom_fields": {"stats:dashboard_enabled": shown},
            "links": {
                "self_html": document.pointer("/links/self_html").cloned().unwrap_or_else(|| json!(format!("/communities/{slug}"))),
                "records": format!("/a/{team}/api/records?community={slug}"),
            },
        }))
    }

    /// The layout a page is drawn with ([`crate::layout`]).
    pub(crate) async fn layout(&self, community: Option<&Community>) -> Result<Value, RepositoryError> {
        let scope =
            community.map_or(LayoutScope::Global, |community| LayoutScope::Community(Box::new(community.clone())));
        Ok(self.shown_layout(&scope).await?.layout)
    }

    /// Records every scope holds now, by community id and `global`; a scope for which nothing is rolled up yet is absent. Read in one
    /// pass, however many communities there are.
    pub async fn records_held(&self) -> Result<HashMap<String, i64>, RepositoryError> {
        let aggregator = Aggregator::RecordSnapshot(Basis::Added);
        let tomorrow = self.control.clock().today().saturating_add(1.day());
        let store = Store::new(&self.lake, crate::aggregate::record_deltas::family(Basis::Added));
        let held = store.totals_before(tomorrow).await?;
        let covered = self.control.coverage(aggregator.name()).await?;
        // Covered days without rows are days on which there was nothing.
        let of = |scope: String| {
            let records = held.get(&scope).map_or(0, |measures| read::records(measures));
            (scope, records)
        };
        Ok(covered.into_iter().map(|c| of(c.scope)).collect())
    }

    /// Totals of a scope: records, views, downloads, last complete day. `None` where nothing is rolled up yet.
    pub async fn totals(&self, scope: &str) -> Result<Totals, RepositoryError> {
        let mut totals = Totals::default();
        for (into, (name, metric)) in TOTALS.iter().enumerate() {
            let Some(query) = Query::find(name) else { continue };
            let today = self.control.clock().today();
            let aggregator =
                if into == 0 { Aggregator::RecordSnapshot(Basis::Added) } else { Aggregator::UsageSnapshot };
            let Some(coverage) = self.control.coverage_of(aggregator.name(), scope).await? else { continue };
            let last = coverage.last_day.min(today);
            let params = Params {
                community_id: Some(scope.to_owned()),
                start: Some(last),
                end: Some(last),
                metric: Some((*metric).to_owned()),
                ..Params::default()
            };
            let answer = self.query(query, &params).await?;
            let value = answer.categories.first().and_then(|c| c.metrics.first()).and_then(|m| m.1.first());
            totals.values[into] = value.and_then(|series| series.points.last()).map(|point| point.1);
            totals.complete_to = Some(coverage.provisional_from.yesterday().unwrap_or(last).min(last));
        }
        Ok(totals)
    }
}

/// Where [`Totals::values`] come from: query and metric.
const TOTALS: [(&str, &str); 3] =
    [("record-snapshot-series", "records"), ("usage-snapshot-series", "views"), ("usage-snapshot-series", "downloads")];

/// Totals of a scope.
#[derive(Debug, Clone, Copy, Default)]
pub struct Totals {
    /// Records, views, downloads.
    pub values: [Option<i64>; 3],
    pub complete_to: Option<jiff::civil::Date>,
}

fn ui_subcounts() -> Value {
    let names = [
        "resource_types",
        "subjects",
        "languages",
        "rights",
        "funders",
        "periodicals",
        "publishers",
        "affiliations",
        "countries",
        "file_types",
        "access_statuses",
    ];
    Value::Object(names.into_iter().map(|name| (name.to_owned(), json!({}))).collect())
}

/// The layout of spec/invenio §16.2.
pub(crate) fn default_layout() -> Value {
    let one =
        |component: &str, width: u8, props: Value| json!({"component": component, "width": width, "props": props});
    let row = |name: &str, components: Vec<Value>| json!({"name": name, "components": components});
    let lists = |suffix: &str, with_periodicals: bool| {
        let mut names = vec![
            ("ResourceTypes", "pie"),
            ("FileTypes", "bar"),
            ("Languages", "bar"),
            ("Subjects", "list"),
            ("AccessStatuses", "bar"),
            ("Rights", "list"),
            ("Affiliations", "list"),
            ("Publishers", "bar"),
        ];
        if with_periodicals {
            names.push(("Periodicals", "list"));
        }
        names
            .into_iter()
            .map(|(name, view)| {
                let views = if name == "Rights" { json!(["pie", "list"]) } else { json!(["list", "bar", "pie"]) };
                let size = if name == "Publishers" { 8 } else { 10 };
                one(
                    &format!("{name}MultiDisplay{suffix}"),
                    8,
                    json!({"pageSize": size, "default_view": view, "available_views": views, "hideOtherInCharts": true}),
                )
            })
            .collect::<Vec<_>>()
    };
    let content_subcounts = json!({"resource_types": {}, "languages": {}, "rights": {}, "affiliations": {}, "funders": {},
        "publishers": {}, "file_types": {}, "access_statuses": {}});
    let contribution_subcounts = json!({"resource_types": {}, "languages": {}, "rights": {}, "affiliations": {}, "funders": {},
        "publishers": {}, "file_types": {}, "access_statuses": {}, "file_presence": {}, "subjects": {}, "periodicals": {}});
    let works = |suffix: &str| {
        let props = json!({"pageSize": 6, "default_view": "list", "available_views": ["list"], "height": 300});
        vec![
            one(&format!("MostDownloadedRecordsMultiDisplay{suffix}"), 8, props.clone()),
            one(&format!("MostViewedRecordsMultiDisplay{suffix}"), 8, props),
        ]
    };
    let traffic_lists = |suffix: &str| {
        let props = || json!({"pageSize": 10, "default_view": "list", "available_views": ["list", "bar", "pie"], "hideOtherInCharts": true});
        vec![
            one(&format!("FileTypesMultiDisplayDownloads{suffix}"), 8, props()),
            one(&format!("LanguagesMultiDisplayViews{suffix}"), 8, props()),
            one(&format!("ResourceTypesMultiDisplayViews{suffix}"), 8, props()),
            one(&format!("RightsMultiDisplayViews{suffix}"), 8, props()),
            one(&format!("PublishersMultiDisplayViews{suffix}"), 8, props()),
        ]
    };
    let map = |snapshot: bool| {
        one(
            "StatsMap",
            16,
            json!({"height": 400, "zoom": 1.3, "center": [0, 20], "uniformColorMode": true, "useSnapshot": snapshot}),
        )
    };
    let traffic_chart = |name: &str| one(name, 16, json!({"height": 300, "maxSeries": 10, "chartType": "bar"}));
    let text = |title: &str| json!({ "title": title });
    json!({"tabs": [
        {"name": "content", "label": "Content", "icon": "chart pie", "date_range_phrase": "Cumulative totals as of", "rows": [
            row("single-stats", vec![
                one("SingleStatRecordCountCumulative", 5, text("Total Records")),
                one("SingleStatUploadersCumulative", 6, text("Total Uploaders")),
                one("SingleStatDataVolumeCumulative", 5, text("Total Data Volume"))]),
            row("charts", vec![one("ContentStatsChartCumulative", 16,
                json!({"height": 300, "maxSeries": 10, "chartType": "bar", "display_subcounts": content_subcounts}))]),
            row("lists", lists("", false))]},
        {"name": "contributions", "label": "Contributions", "icon": "users", "date_range_phrase": "Activity during", "rows": [
            row("single-stats", vec![
                one("SingleStatRecordCount", 5, text("New Records")),
                one("SingleStatUploaders", 6, text("Active Uploaders")),
                one("SingleStatDataVolume", 5, text("New Data Uploaded"))]),
            row("charts", vec![one("ContentStatsChart", 16,
                json!({"height": 300, "maxSeries": 8, "chartType": "line", "display_subcounts": contribution_subcounts}))]),
            row("lists", lists("Delta", true))]},
        {"name": "traffic", "label": "Cumulative Traffic", "icon": "world", "date_range_phrase": "Cumulative totals as of", "rows": [
            row("single-stats", vec![
                one("SingleStatViewsCumulative", 5, text("Total Views")),
                one("SingleStatDownloadsCumulative", 6, text("Total Downloads")),
                one("SingleStatTrafficCumulative", 5, text("Total Traffic"))]),
            row("charts", vec![traffic_chart("TrafficStatsChartCumulative")]),
            row("works", works("")),
            row("map", vec![map(true)]),
            row("lists", traffic_lists(""))]},
        {"name": "usage", "label": "Usage Rates", "icon": "download", "date_range_phrase": "Activity during", "rows": [
            row("single-stats", vec![
                one("SingleStatViews", 5, text("Views")),
                one("SingleStatDownloads", 6, text("Downloads")),
                one("SingleStatTraffic", 5, text("Traffic"))]),
            row("charts", vec![one("TrafficStatsChart", 16, json!({"height": 300, "maxSeries": 10, "chartType": "line"}))]),
            row("map", vec![map(false)]),
            row("lists", traffic_lists("Delta"))]},
    ]})
}
