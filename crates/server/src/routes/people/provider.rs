//! Signing in through an OpenID Connect provider.

use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tallykeep_access::{OidcError, Provider, same_secret};

use super::door_pages::{local_path, sign_in_form};
use crate::{
    app::{cookies, extractors::Doorway},
    error::ApiError,
    extract::Query,
};

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(super) struct Return {
    #[serde(default)]
    code: String,
    #[serde(default)]
    state: String,
    error: Option<String>,
}

pub(super) async fn depart(door: Doorway, Query(query): Query<Next>) -> Response {
    let next = local_path(&query.next);
    let departure = async { Provider::new(door.accounts(), door.control())?.depart(next).await }.await;
    match departure {
        Ok(departure) => {
            let mut response = Redirect::to(&departure.url).into_response();
            cookies::set_flow(&mut response, &departure.state, door.client.https);
            response
        }
        Err(error) => said(&door, next, error),
    }
}

pub(super) async fn arrive(door: Doorway, Query(query): Query<Return>) -> Result<Response, ApiError> {
    let mut response = match finish(&door, &query).await {
        Ok((session, next)) => {
            let mut response = Redirect::to(local_path(&next)).into_response();
            let days = door.accounts().config().session_days;
            cookies::set_session(&mut response, &session.secret, days, door.client.https);
            cookies::set_csrf(&mut response, &session.csrf, door.client.https);
            response
        }
        Err(error) => said(&door, "/", error),
    };
    cookies::clear_flow(&mut response, door.client.https);
    Ok(response)
}

async fn finish(door: &Doorway, query: &Return) -> Result<(tallykeep_access::NewSession, String), OidcError> {
    // Only the browser that left may come back: otherwise somebody could sign another one in as himself.
    if query.state.is_empty() || !door.flow.as_deref().is_some_and(|flow| same_secret(flow, &query.state)) {
        return Err(OidcError::NoFlow);
    }
    if let Some(error) = &query.error {
        return Err(OidcError::Denied(error.chars().filter(|c| c.is_ascii_graphic()).take(60).collect()));
    }
    let (person, next) = Provider::new(door.accounts(), door.control())?.arrive(&query.code, &query.state).await?;
    let (address, old) = (door.client.address_text(), door.old_secret.as_deref());
    let session = door.accounts().start_session(person, &address, &door.agent, old, "provider").await?;
    Ok((session, next))
}

fn said(door: &Doorway, next: &str, error: OidcError) -> Response {
    let error = match error {
        OidcError::NotConfigured => ApiError::not_found("no sign-in provider is configured"),
        OidcError::NoFlow => ApiError::bad_request(error.to_string()),
        OidcError::Denied(_) | OidcError::NotAllowed(_) => ApiError::forbidden(error.to_string()),
        OidcError::Account(error) => error.into(),
        OidcError::Control(error) => error.into(),
        other => {
            tracing::error!("sign-in through the provider: {other}");
            ApiError::new(
                axum::http::StatusCode::BAD_GATEWAY,
                "the sign-in provider could not be used; the log has why",
            )
        }
    };
    sign_in_form(door, next, "", Some(error))
}
