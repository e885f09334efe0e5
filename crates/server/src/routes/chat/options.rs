//! What a dashboard needs beside its charts: choices for filters, snapshots, versions side by side, the reader's time zone.

use axum::{extract::State, http::Uri};
use jiff::{ToSpan, civil::Date};
use serde_json::{Value, json};
use tallykeep_chat::{
    filter::FieldErrors,
    service::Chat,
    words::{Platform, category_label},
};

use super::{charts::ChartParams, form::Fields, params_of, pseudonym, sees_names, zone_of};
use crate::{
    app::{App, extractors::Reader},
    error::ApiError,
};

/// What filters may be set to. People are found with `search` (name or identifier, any part) and are at most `limit` (50, up to 100).
#[utoipa::path(get, path = "/dashboard/api/filter-options", tag = "chat",
               params(("search" = Option<String>, Query), ("limit" = Option<u32>, Query)), responses((status = 200, body = Value)))]
pub async fn get_filter_options(
    State(app): State<App>,
    reader: Reader,
    uri: Uri,
) -> Result<axum::Json<Value>, ApiError> {
    let chat = app.service::<Chat>()?;
    let params = params_of(&uri);
    let limit = params.number("limit", 50, 1, 100)?;
    let search = params.get("search").unwrap_or("").to_lowercase();
    let zone = zone_of(&chat, &reader).await?;
    let cost_tracking = chat.cost_tracking(reader.control()).await?;
    let guard = chat.image(reader.control()).await?;
    let image = guard.image();
    let names = sees_names(&reader);
    let mut experiments: Vec<_> = (0..)
        .zip(&image.experiments)
        .filter(|(index, _)| image.is_listed(*index))
        .map(|(_, bot)| (bot.name.clone(), bot.id))
        .collect();
    experiments.sort();
    let platforms: Vec<Value> = Platform::ALL
        .iter()
        .filter(|platform| **platform != Platform::Evaluations)
        .filter(|platform| image.channels.iter().any(|channel| channel.platform == **platform && !channel.deleted))
        .map(|platform| json!({"value": platform.as_str(), "label": platform.label()}))
        .collect();
    let mut tags: Vec<_> = (0..)
        .zip(&image.tags)
        .filter(|(index, _)| image.is_listed_tag(*index))
        .map(|(_, tag)| (category_label(&tag.category).to_owned(), tag.name.clone(), tag.id))
        .collect();
    tags.sort();
    let wanted: Vec<i64> = params.list("participants").filter_map(|id| id.parse().ok()).collect();
    let people = &image.participants;
    let mut participants = Vec::new();
    for index in 0..u32::try_from(people.len()).unwrap_or(0) {
        let id = people.id[index as usize];
        let found = if wanted.is_empty() {
            search.is_empty()
                || (names
                    && (people.name(index).to_lowercase().contains(&search)
                        || people.identifier(index).to_lowercase().contains(&search)))
                || id.to_string() == search
        } else {
            wanted.contains(&id)
        };
        if found && people.platform[index as usize] != Platform::Evaluations {
            let name = if names { people.display_name(index).to_owned() } else { pseudonym(&reader, id) };
            participants.push(json!({"id": id, "name": name, "platform": people.platform[index as usize].as_str()}));
            if participants.len() == limit {
                break;
            }
        }
    }
    Ok(axum::Json(json!({
        "date_ranges": ["7", "30", "90", "365", "custom"],
        "granularities": ["hourly", "daily", "weekly", "monthly"],
        "experiments": experiments.into_iter().map(|(name, id)| json!({"id": id, "name": name})).collect::<Vec<_>>(),
        "channels": platforms,
        "tags": tags.into_iter().map(|(category, name, id)| json!({"id": id, "name": name, "category": category})).collect::<Vec<_>>(),
        "participants": participants,
        "participants_total": people.len(),
        "cost_tracking": cost_tracking,
        "time_zone": zone.iana_name().unwrap_or("UTC"),
        "today": app.clock().now().to_zoned(zone.clone()).date(),
        "generation": guard.generation(),
        "has_data": !image.messages.is_empty(),
    })))
}

/// Kept daily snapshots of the inclusive range, oldest first; the last 30 days without one.
#[utoipa::path(get, path = "/dashboard/api/snapshots", tag = "chat",
               params(("start_date" = Option<String>, Query), ("end_date" = Option<String>, Query)),
               responses((status = 200, body = Value)))]
pub async fn get_snapshots(State(app): State<App>, reader: Reader, uri: Uri) -> Result<axum::Json<Value>, ApiError> {
    let params = params_of(&uri);
    let mut errors = FieldErrors::default();
    let mut date = |name: &str| -> Option<Date> {
        let text = params.get(name)?;
        let date = (text.len() == 10).then(|| text.parse().ok()).flatten();
        if date.is_none() {
            errors.add(name, format!("`{text}` is not a date such as 2026-06-01"));
        }
        date
    };
    let (first, last) = (date("start_date"), date("end_date"));
    errors.check()?;
    let last = last.unwrap_or_else(|| app.clock().today());
    let first = first.unwrap_or_else(|| last.saturating_sub(30.days()));
    if last < first {
        return Err(FieldErrors::one("__all__", format!("the range ends ({last}) before it starts ({first})")).into());
    }
    Ok(axum::Json(app.service::<Chat>()?.snapshots(reader.control(), first, last).await?.into()))
}

/// The versions of one bot (`experiment`) side by side, with intervals and a verdict.
#[utoipa::path(get, path = "/dashboard/api/version-comparison", tag = "chat",
               params(("experiment" = i64, Query), ChartParams), responses((status = 200, body = Value)))]
pub async fn get_version_comparison(
    State(app): State<App>,
    reader: Reader,
    uri: Uri,
) -> Result<axum::Json<Value>, ApiError> {
    let chat = app.service::<Chat>()?;
    let params = params_of(&uri);
    let text = params.get("experiment").unwrap_or("").to_owned();
    let unknown = || FieldErrors::one("experiment", format!("`{text}` is not a chatbot of this team"));
    let id: i64 = text.parse().map_err(|_| unknown())?;
    let zone = zone_of(&chat, &reader).await?;
    let comparison = chat.compare(reader.control(), id, &params, &zone).await?.ok_or_else(unknown)?;
    reader.record("chat.read", "version_comparison", None, i64::try_from(comparison.variants.len()).ok()).await;
    Ok(axum::Json(serde_json::to_value(comparison).map_err(ApiError::internal)?))
}

/// Saves the reader's time zone (`tz`); empty forgets it.
#[utoipa::path(post, path = "/dashboard/api/time-zone", tag = "chat", responses((status = 200, body = Value)))]
pub async fn post_time_zone(
    State(app): State<App>,
    reader: Reader,
    fields: Fields,
) -> Result<axum::Json<Value>, ApiError> {
    let name = fields.get("tz").or_else(|| fields.get("timezone")).unwrap_or("").trim().to_owned();
    app.service::<Chat>()?.set_zone(reader.control(), &reader.actor().key(), &name).await?;
    Ok(axum::Json(json!({"success": true, "time_zone": name})))
}
