//! Notes on charts and evidence people enter.

use axum::{Json, extract::State, http::StatusCode};
use serde::Deserialize;
use serde_json::{Value, json};
use tallykeep_control::packages::Annotation;
use tallykeep_packages::{
    Packages,
    jobs::{Jobs, evidence::ManualEvidence},
    service::silent,
};

use super::{asked, day, failed};
use crate::{
    app::{
        App,
        extractors::{Reader, TeamAccess, Writer},
        identity::Actor,
    },
    error::ApiError,
    extract::{Json as Body, Path},
};

#[derive(Deserialize)]
pub(super) struct IdPath {
    id: String,
}

async fn jobs(app: &App, team: &TeamAccess) -> Result<Jobs, ApiError> {
    let packages = app.service::<Packages>().map_err(ApiError::internal)?;
    packages.jobs(team.control(), silent()).await.map_err(failed)
}

fn author(actor: &Actor) -> String {
    match actor {
        Actor::Local => "local".to_owned(),
        Actor::Person { email, .. } => email.clone(),
        _ => "token".to_owned(),
    }
}

/// Notes on charts, oldest day first.
#[utoipa::path(get, path = "/api/v1/packages/annotations", tag = "packages", responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_annotations(State(app): State<App>, reader: Reader) -> Result<Json<Value>, ApiError> {
    let asked = asked(&app, &reader).await?;
    Ok(Json(json!({"annotations": asked.index.derived.annotations})))
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct NewAnnotation {
    day: String,
    text: String,
    #[serde(default)]
    url: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    product: String,
    #[serde(default)]
    metric_id: String,
}

/// Adds a note.
#[utoipa::path(post, path = "/api/v1/packages/annotations", tag = "packages", request_body = serde_json::Value, responses((status = 201, body = serde_json::Value)))]
pub(super) async fn post_annotation(
    State(app): State<App>,
    writer: Writer,
    Body(new): Body<NewAnnotation>,
) -> Result<(StatusCode, Json<Annotation>), ApiError> {
    let note = Annotation {
        annotation_id: String::new(),
        day: day("day", &new.day)?,
        text: new.text,
        url: new.url,
        kind: if new.kind.is_empty() { "note".to_owned() } else { new.kind },
        product: new.product,
        metric_id: new.metric_id,
        author: author(writer.actor()),
        created_at: app.clock().now(),
    };
    let note = jobs(&app, &writer).await?.annotate(note).await.map_err(failed)?;
    writer.record("packages.annotation.add", &note.annotation_id, None, None).await;
    Ok((StatusCode::CREATED, Json(note)))
}

/// Removes a note.
#[utoipa::path(delete, path = "/api/v1/packages/annotations/{id}", tag = "packages", params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn delete_annotation(writer: Writer, Path(path): Path<IdPath>) -> Result<StatusCode, ApiError> {
    if !writer.control().packages().delete_annotation(&path.id).await? {
        return Err(ApiError::not_found("no such note"));
    }
    writer.record("packages.annotation.remove", &path.id, None, None).await;
    Ok(StatusCode::NO_CONTENT)
}

/// Evidence, newest first, hidden kinds too.
#[utoipa::path(get, path = "/api/v1/packages/evidence", tag = "packages", responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_evidence(reader: Reader) -> Result<Json<Value>, ApiError> {
    let list = reader.control().packages().evidence(jiff::Timestamp::MIN, 500).await?;
    Ok(Json(json!({"evidence": list.into_iter().map(|item| item.document).collect::<Vec<_>>()})))
}

/// Enters evidence.
#[utoipa::path(post, path = "/api/v1/packages/evidence", tag = "packages", request_body = serde_json::Value, responses((status = 201, body = serde_json::Value)))]
pub(super) async fn post_evidence(
    State(app): State<App>,
    writer: Writer,
    Body(entry): Body<ManualEvidence>,
) -> Result<(StatusCode, Json<Value>), ApiError> {
    let id = jobs(&app, &writer).await?.add_evidence(entry, &author(writer.actor())).await.map_err(failed)?;
    writer.record("packages.evidence.add", &id, None, None).await;
    Ok((StatusCode::CREATED, Json(json!({"evidence_id": id}))))
}

/// Removes a piece of evidence.
#[utoipa::path(delete, path = "/api/v1/packages/evidence/{id}", tag = "packages", params(("id" = String, Path)), responses((status = 204)))]
pub(super) async fn delete_evidence(writer: Writer, Path(path): Path<IdPath>) -> Result<StatusCode, ApiError> {
    if !writer.control().packages().delete_evidence(&path.id).await? {
        return Err(ApiError::not_found("no such evidence"));
    }
    writer.record("packages.evidence.remove", &path.id, None, None).await;
    Ok(StatusCode::NO_CONTENT)
}
