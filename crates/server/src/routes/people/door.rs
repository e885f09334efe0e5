//! The ways in besides a password: the first user's code, a link that works once.

use axum::{Json, extract::State, http::StatusCode};
use serde::{Deserialize, Serialize};
use tallykeep_access::{SecretString, same_secret};
use utoipa::ToSchema;

use crate::{
    app::{App, extractors::Doorway},
    error::ApiError,
};

#[derive(Deserialize, ToSchema)]
pub(super) struct NewPassword {
    /// The secret part of the link
    link: String,
    #[schema(value_type = String)]
    password: SecretString,
}

#[derive(Deserialize, ToSchema)]
pub(super) struct FirstRun {
    /// The code `tallykeep serve` printed
    code: String,
    email: String,
    #[schema(value_type = String)]
    password: SecretString,
}

/// Whose account it is now.
#[derive(Serialize, ToSchema)]
pub(super) struct Whose {
    email: String,
}

/// Sets a password by a one-time link; every session of the user ends.
#[utoipa::path(post, path = "/api/v1/new-password", tag = "people", request_body = NewPassword, responses(
    (status = 200, body = Whose), (status = 400, description = "The link is not valid any more, or the password is weak")))]
pub(super) async fn post_new_password(
    door: Doorway,
    crate::extract::Json(body): crate::extract::Json<NewPassword>,
) -> Result<Json<Whose>, ApiError> {
    Ok(Json(Whose { email: use_link(&door, &body.link, &body.password).await? }))
}

pub(super) async fn use_link(door: &Doorway, link: &str, password: &SecretString) -> Result<String, ApiError> {
    let person = door.accounts().use_password_link(link, password).await?;
    door.record("password.set", &format!("user:{} by link", person.id)).await;
    Ok(person.email)
}

/// Makes the first user, an instance admin, with the code that `tallykeep serve` printed.
#[utoipa::path(post, path = "/api/v1/first-run", tag = "people", request_body = FirstRun, responses(
    (status = 201, body = Whose), (status = 403, description = "Wrong code"), (status = 409, description = "There is a user already")))]
pub(super) async fn post_first_run(
    State(app): State<App>,
    door: Doorway,
    crate::extract::Json(body): crate::extract::Json<FirstRun>,
) -> Result<(StatusCode, Json<Whose>), ApiError> {
    let email = make_first(&app, &door, &body.code, &body.email, &body.password).await?;
    Ok((StatusCode::CREATED, Json(Whose { email })))
}

pub(super) async fn make_first(
    app: &App,
    door: &Doorway,
    code: &str,
    email: &str,
    password: &SecretString,
) -> Result<String, ApiError> {
    let Some(expected) = app.first_run_code().await? else {
        return Err(tallykeep_access::AccountError::NotTheFirst.into());
    };
    if !same_secret(code.trim(), expected) {
        return Err(ApiError {
            field: Some("code".to_owned()),
            ..ApiError::forbidden("this is not the code that serve printed")
        });
    }
    let person = door.accounts().add_first_person(email, password).await?;
    door.record("user.add", &format!("user:{} {} as the first instance admin", person.id, person.email)).await;
    Ok(person.email)
}
