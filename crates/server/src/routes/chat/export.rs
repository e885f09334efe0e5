//! Exports (spec/chat §9).

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Response},
};
use serde_json::{Value, json};
use tallykeep_chat::{
    charts::Chart,
    export::{self, Format},
    filter::{FieldErrors, Params},
    service::Chat,
};

use super::{form::Fields, pseudonym, rows_of, zone_of};
use crate::{
    app::{App, extractors::Reader},
    error::ApiError,
};

/// A chart as a file: CSV or JSON. People are pseudonyms unless `real_names` is on, which only admins of the team may ask; it is written down.
#[utoipa::path(post, path = "/dashboard/export", tag = "chat",
               responses((status = 200, description = "The file"), (status = 400), (status = 501, description = "PNG and PDF")))]
pub async fn post_export(State(app): State<App>, reader: Reader, fields: Fields) -> Result<Response, ApiError> {
    let (chart, format) =
        export::what(fields.get("chart_type").unwrap_or(""), fields.get("export_format").unwrap_or(""))?;
    if matches!(format, Format::Png | Format::Pdf) {
        let name = format.as_str().to_uppercase();
        // Not a failure of ours, so it carries no request id.
        let body = json!({"success": false, "error": format!("{name} export not yet implemented")});
        return Ok((StatusCode::NOT_IMPLEMENTED, axum::Json(body)).into_response());
    }
    let include_filters = fields.is_on("include_filters");
    let params = match fields.get("filter_data").filter(|text| include_filters && !text.trim().is_empty()) {
        Some(text) => {
            let data: Value = serde_json::from_str(text)
                .map_err(|error| FieldErrors::one("filter_data", format!("is no JSON: {error}")))?;
            Params::from_json("filter_data", &data)?
        }
        None => Params::default(),
    };
    let real_names = fields.is_on("real_names");
    if real_names && !reader.may_see_names() {
        return Err(ApiError::forbidden("only admins of the team may export real names"));
    }
    let chat = app.service::<Chat>()?;
    let zone = zone_of(&chat, &reader).await?;
    let answer = match (chart, format) {
        (Chart::BotPerformance, Format::Csv) => chat.all_bots(reader.control(), &params, &zone).await?,
        _ => chat.answer(reader.control(), chart, &params, &zone).await?,
    };
    let mut body = answer.body;
    if !real_names {
        export::anonymise(&mut body, |id| pseudonym(&reader, id));
    }
    let envelope = (include_filters && fields.is_on("envelope")).then_some(&answer.filters);
    let text = match format {
        Format::Csv => export::csv(chart, &body, envelope),
        _ => export::json(&body, envelope),
    };
    let action = if real_names { "chat.export.names" } else { "chat.export" };
    let target = format!("{}.{}", chart.as_str(), format.as_str());
    reader.record(action, &target, Some(&answer.filter_key), Some(rows_of(&body))).await;
    let stamp = app.clock().now().strftime("%Y%m%d_%H%M%S");
    let name = format!("attachment; filename=\"{}_{stamp}.{}\"", chart.as_str(), format.as_str());
    Ok(([(header::CONTENT_TYPE, format.content_type().to_owned()), (header::CONTENT_DISPOSITION, name)], text)
        .into_response())
}
