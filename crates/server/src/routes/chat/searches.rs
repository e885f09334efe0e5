//! Saved search expressions (spec/chat §13.3), shared inside the team.

use axum::{extract::State, http::StatusCode};
use serde_json::{Value, json};
use tallykeep_chat::{
    filter::{Expression, FieldErrors},
    service::Chat,
};

use super::{form::Fields, presets::LONGEST_NAME};
use crate::{
    app::{
        App,
        extractors::{Reader, Writer},
    },
    error::ApiError,
    extract::Path,
};

#[derive(serde::Deserialize)]
pub struct SearchPath {
    id: i64,
}

/// The team's saved searches, by name.
#[utoipa::path(get, path = "/dashboard/searches", tag = "chat", responses((status = 200, body = Value)))]
pub async fn get_searches(reader: Reader) -> Result<axum::Json<Value>, ApiError> {
    let saved = reader.control().chat_expressions().await?;
    let rows: Vec<Value> = saved
        .into_iter()
        .map(|search| {
            json!({"id": search.id, "name": search.name, "expression": search.expression,
                   "created_by": search.created_by, "updated_at": search.updated_at})
        })
        .collect();
    Ok(axum::Json(rows.into()))
}

/// Saves a search; the same name overwrites. An expression that cannot be read is refused with the character it is about.
#[utoipa::path(post, path = "/dashboard/searches/save", tag = "chat", responses((status = 200, body = Value)))]
pub async fn post_search(
    State(app): State<App>,
    writer: Writer,
    fields: Fields,
) -> Result<axum::Json<Value>, ApiError> {
    let mut errors = FieldErrors::default();
    let name = fields.get("name").unwrap_or("").trim();
    if name.is_empty() {
        errors.add("name", "a name is required");
    } else if name.chars().count() > LONGEST_NAME {
        errors.add("name", format!("a name holds at most {LONGEST_NAME} characters"));
    }
    let text = fields.get("expression").unwrap_or("").trim();
    let guard = app.service::<Chat>()?.image(writer.control()).await?;
    match Expression::parse(text).and_then(|expression| expression.check(guard.image())) {
        Ok(()) => {}
        Err(error) => errors.add("expression", error.to_string()),
    }
    errors.check()?;
    let id = writer.control().chat_save_expression(name, text, writer.actor().name()).await?;
    writer.record("chat.search.save", name, None, None).await;
    Ok(axum::Json(json!({"success": true, "id": id})))
}

/// Deletes a saved search.
#[utoipa::path(delete, path = "/dashboard/searches/delete/{id}", tag = "chat", params(("id" = i64, Path)),
               responses((status = 200, body = Value), (status = 404)))]
pub async fn delete_search(writer: Writer, Path(path): Path<SearchPath>) -> Result<axum::Json<Value>, ApiError> {
    if writer.control().chat_delete_expression(path.id).await? {
        writer.record("chat.search.delete", &path.id.to_string(), None, None).await;
        return Ok(axum::Json(json!({"success": true})));
    }
    Err(ApiError::new(StatusCode::NOT_FOUND, "Search not found"))
}
