//! The cost panel as the peer's page fetches it: an HTML fragment of the same figures as `cost-summary` (spec/chat §4.11).

use axum::{
    extract::State,
    http::Uri,
    response::{Html, IntoResponse, Response},
};
use serde_json::Value;
use tallykeep_chat::{charts::Chart, service::Chat};

use super::{charts::ChartParams, params_of, zone_of};
use crate::{
    app::{App, extractors::Reader},
    error::ApiError,
    page::escape,
};

/// The figures as HTML; empty while the team does not track cost.
#[utoipa::path(get, path = "/dashboard/api/cost-tracking-panel", tag = "chat", params(ChartParams),
               responses((status = 200, description = "text/html"), (status = 400)))]
pub async fn get_cost_tracking_panel(State(app): State<App>, reader: Reader, uri: Uri) -> Result<Response, ApiError> {
    let chat = app.service::<Chat>()?;
    let zone = zone_of(&chat, &reader).await?;
    let answer = chat.answer(reader.control(), Chart::CostSummary, &params_of(&uri), &zone).await?;
    reader.record("chat.read", "cost_tracking_panel", Some(&answer.filter_key), Some(1)).await;
    Ok(Html(panel(&answer.body)).into_response())
}

fn panel(figures: &Value) -> String {
    let Some(total) = figures.get("total").and_then(Value::as_f64) else { return String::new() };
    let number = |name: &str| figures.get(name).and_then(Value::as_f64).unwrap_or(0.0);
    let mut html = String::from("<section class=\"cost-panel\">");
    html.push_str(&format!("<p class=\"cost-total\">{}</p>", money(total)));
    match figures.get("change_percent").and_then(Value::as_f64) {
        Some(change) => html.push_str(&format!("<p class=\"cost-change\">{change:+.1} %</p>")),
        None => html.push_str("<p class=\"cost-change\">no earlier cost to compare with</p>"),
    }
    if number("estimated") > 0.0 {
        let (exact, estimated) = (money(number("exact")), money(number("estimated")));
        html.push_str(&format!("<p class=\"cost-split\">exact {exact}, estimated {estimated}</p>"));
        html.push_str(&models("estimated", figures, "estimated_models"));
    }
    for (label, count, list) in
        [("unknown", "unknown_count", "unknown_models"), ("unpriced", "unpriced_count", "unpriced_models")]
    {
        if number(count) > 0.0 {
            html.push_str(&format!("<p class=\"cost-{label}\">{} {label}</p>", number(count)));
            html.push_str(&models(label, figures, list));
        }
    }
    if total > 0.0 {
        html.push_str("<button type=\"button\" onclick=\"setServiceKindMode('cost')\">Cost</button>");
        html.push_str("<button type=\"button\" onclick=\"setServiceKindMode('tokens')\">Tokens</button>");
        for id in ["costTimeseriesChart", "costProviderChart", "costModelChart", "costServiceKindChart", "costP95Chart"]
        {
            html.push_str(&format!("<canvas id=\"{id}\"></canvas>"));
        }
    }
    html.push_str("</section>");
    html
}

/// Provider / model (count), to be opened.
fn models(label: &str, figures: &Value, list: &str) -> String {
    let mut html = format!("<details><summary>{label}</summary><ul>");
    for row in figures.get(list).and_then(Value::as_array).into_iter().flatten() {
        let text = |name: &str| escape(row.get(name).and_then(Value::as_str).unwrap_or(""));
        let count = row.get("count").and_then(Value::as_u64).unwrap_or(0);
        html.push_str(&format!("<li>{} / {} ({count})</li>", text("provider_type"), text("model_name")));
    }
    html.push_str("</ul></details>");
    html
}

/// Two decimals, four below a cent.
fn money(amount: f64) -> String {
    if amount != 0.0 && amount.abs() < 0.01 { format!("{amount:.4}") } else { format!("{amount:.2}") }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn the_panel_shows_the_figures_and_escapes_names() {
        let html = panel(
            &json!({"total": 1.15, "previous_total": 0.4, "change_percent": 187.5, "exact": 0.65, "estimated": 0.5,
            "unknown_count": 0, "unpriced_count": 1,
            "estimated_models": [{"provider_type": "anthropic", "model_name": "<b>", "count": 1}],
            "unpriced_models": [{"provider_type": "x", "model_name": "y", "count": 1}]}),
        );
        assert!(html.contains("1.15") && html.contains("+187.5 %") && html.contains("exact 0.65, estimated 0.50"));
        assert!(html.contains("&lt;b&gt;") && !html.contains("<b>") && html.contains("x / y (1)"));
        assert!(html.contains("id=\"costP95Chart\""));
        assert_eq!(panel(&json!({})), "");
        assert_eq!((money(0.0), money(0.0049), money(2.5)), ("0.00".into(), "0.0049".into(), "2.50".into()));
    }
}
