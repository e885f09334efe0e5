//! Filter presets (spec/chat §7): seen by their owner only.

use axum::http::StatusCode;
use serde_json::{Value, json};
use tallykeep_chat::filter::FieldErrors;

use super::form::Fields;
use crate::{app::extractors::Reader, error::ApiError, extract::Path};

/// Longest name of a preset or a saved search.
pub(super) const LONGEST_NAME: usize = 100;

#[derive(serde::Deserialize)]
pub struct PresetPath {
    id: i64,
}

/// The reader's presets: the default first, then by name.
#[utoipa::path(get, path = "/dashboard/filters", tag = "chat", responses((status = 200, body = Value)))]
pub async fn get_presets(reader: Reader) -> Result<axum::Json<Value>, ApiError> {
    let presets = reader.control().chat_presets(&reader.actor().key()).await?;
    let rows: Vec<Value> = presets
        .into_iter()
        .map(|preset| {
            json!({"id": preset.id, "name": preset.name, "is_default": preset.is_default,
                   "filter_data": preset.filter_data, "updated_at": preset.updated_at})
        })
        .collect();
    Ok(axum::Json(rows.into()))
}

/// Saves a preset; the same name overwrites.
#[utoipa::path(post, path = "/dashboard/filters/save", tag = "chat", responses((status = 200, body = Value)))]
pub async fn post_preset(reader: Reader, fields: Fields) -> Result<axum::Json<Value>, ApiError> {
    let mut errors = FieldErrors::default();
    let name = fields.get("name").unwrap_or("").trim();
    if name.is_empty() {
        errors.add("name", "a name is required");
    } else if name.chars().count() > LONGEST_NAME {
        errors.add("name", format!("a name holds at most {LONGEST_NAME} characters"));
    }
    let data = match fields.get("filter_data").filter(|text| !text.trim().is_empty()) {
        None => json!({}),
        Some(text) => match serde_json::from_str::<Value>(text) {
            Ok(data) if data.is_object() => data,
            Ok(_) => {
                errors.add("filter_data", "must be a JSON object");
                Value::Null
            }
            Err(error) => {
                errors.add("filter_data", format!("is no JSON: {error}"));
                Value::Null
            }
        },
    };
    errors.check()?;
    let owner = reader.actor().key();
    let id = reader.control().chat_save_preset(&owner, name, &data, fields.is_on("is_default")).await?;
    Ok(axum::Json(json!({"success": true, "message": "Filter saved successfully", "filter_id": id})))
}

/// One preset's filter.
#[utoipa::path(get, path = "/dashboard/filters/load/{id}", tag = "chat", params(("id" = i64, Path)),
               responses((status = 200, body = Value), (status = 404)))]
pub async fn load_preset(reader: Reader, Path(path): Path<PresetPath>) -> Result<axum::Json<Value>, ApiError> {
    match reader.control().chat_preset(&reader.actor().key(), path.id).await? {
        Some(preset) => Ok(axum::Json(json!({"success": true, "filter_data": preset.filter_data}))),
        None => Err(not_found()),
    }
}

/// Deletes a preset.
#[utoipa::path(delete, path = "/dashboard/filters/delete/{id}", tag = "chat", params(("id" = i64, Path)),
               responses((status = 200, body = Value), (status = 404)))]
pub async fn delete_preset(reader: Reader, Path(path): Path<PresetPath>) -> Result<axum::Json<Value>, ApiError> {
    if reader.control().chat_delete_preset(&reader.actor().key(), path.id).await? {
        return Ok(axum::Json(json!({"success": true, "message": "Filter deleted successfully"})));
    }
    Err(not_found())
}

fn not_found() -> ApiError {
    ApiError::new(StatusCode::NOT_FOUND, "Filter not found")
        .body(json!({"success": false, "error": "Filter not found"}))
}
