//! People: signing in, the account, the team, tokens, users, the audit log.

mod account;
mod audit;
mod door;
mod door_pages;
mod instance;
mod provider;
mod session;
mod team;
mod tokens;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::Response,
    routing::get,
};
use tallykeep_access::{AccountError, Decision};
use tallykeep_control::ControlError;
use utoipa_axum::routes;

use super::Route;
use crate::{app::extractors::Visitor, error::ApiError, page::named_page};

const AT_THE_DOOR: Decision = Decision::Anyone { reason: "the way in: who is not signed in must reach it" };
const LINK: Decision = Decision::Anyone { reason: "who holds a one-time link proves himself by it" };
const FIRST_RUN: Decision = Decision::Anyone { reason: "before there is a user; needs the code printed by serve" };

pub fn routes() -> Vec<Route> {
    vec![
        Route::api(AT_THE_DOOR, routes!(session::get_session)),
        Route::api(AT_THE_DOOR, routes!(session::post_session)),
        Route::api(Decision::SignedIn, routes!(session::delete_session)),
        Route::api(LINK, routes!(door::post_new_password)),
        Route::api(FIRST_RUN, routes!(door::post_first_run)),
        Route::page("/sign-in", AT_THE_DOOR, get(door_pages::sign_in_page).post(door_pages::sign_in)),
        Route::page("/sign-in/provider", AT_THE_DOOR, get(provider::depart)),
        Route::page("/sign-in/provider/return", AT_THE_DOOR, get(provider::arrive)),
        Route::page("/sign-out", Decision::SignedIn, get(door_pages::sign_out_page).post(door_pages::sign_out)),
        Route::page("/new-password", LINK, get(door_pages::new_password_page).post(door_pages::new_password)),
        Route::page("/first-run", FIRST_RUN, get(door_pages::first_run_page).post(door_pages::first_run)),
        Route::api(Decision::SignedIn, routes!(account::get_account)),
        Route::api(Decision::SignedIn, routes!(account::patch_account)),
        Route::api(Decision::SignedIn, routes!(account::post_password)),
        Route::api(Decision::SignedIn, routes!(account::get_sessions)),
        Route::api(Decision::SignedIn, routes!(account::delete_sessions)),
        Route::api(Decision::SignedIn, routes!(account::delete_session)),
        Route::api(Decision::ReadTeam, routes!(team::get_team)),
        Route::api(Decision::TeamAdmin, routes!(team::patch_team)),
        Route::api(Decision::TeamAdmin, routes!(team::get_members)),
        Route::api(Decision::TeamAdmin, routes!(team::put_member)),
        Route::api(Decision::TeamAdmin, routes!(team::delete_member)),
        Route::api(Decision::TeamAdmin, routes!(team::get_community_readers)),
        Route::api(Decision::TeamAdmin, routes!(team::put_community_reader)),
        Route::api(Decision::TeamAdmin, routes!(team::delete_community_reader)),
        Route::api(Decision::TeamAdmin, routes!(tokens::get_tokens)),
        Route::api(Decision::TeamAdmin, routes!(tokens::post_token)),
        Route::api(Decision::TeamAdmin, routes!(tokens::delete_token)),
        Route::api(Decision::TeamAdmin, routes!(audit::get_team_audit)),
        Route::api(Decision::InstanceAdmin, routes!(audit::get_audit)),
        Route::api(Decision::InstanceAdmin, routes!(audit::get_audit_check)),
        Route::api(Decision::InstanceAdmin, routes!(instance::get_teams)),
        Route::api(Decision::InstanceAdmin, routes!(instance::post_team)),
        Route::api(Decision::InstanceAdmin, routes!(instance::get_users)),
        Route::api(Decision::InstanceAdmin, routes!(instance::post_user)),
        Route::api(Decision::InstanceAdmin, routes!(instance::patch_user)),
        Route::api(Decision::InstanceAdmin, routes!(instance::post_password_link)),
        Route::page("/account", Decision::SignedIn, get(account_page)),
        Route::page("/team", Decision::TeamAdmin, get(team_page)),
        Route::page("/admin", Decision::InstanceAdmin, get(admin_page)),
    ]
}

async fn account_page(visitor: Visitor) -> Response {
    named_page(&visitor, "account", "Your account")
}

async fn team_page(visitor: Visitor) -> Response {
    named_page(&visitor, "team", "Team")
}

async fn admin_page(visitor: Visitor) -> Response {
    named_page(&visitor, "admin", "Administration")
}

impl From<AccountError> for ApiError {
    fn from(error: AccountError) -> Self {
        let message = error.to_string();
        match error {
            AccountError::WrongPassword => Self::new(StatusCode::UNAUTHORIZED, message),
            AccountError::Throttled { retry_after } => Self::new(StatusCode::TOO_MANY_REQUESTS, message)
                .header(header::RETRY_AFTER, HeaderValue::from(retry_after)),
            AccountError::NotAnEmail(_) => Self::field("email", message),
            AccountError::Password(tallykeep_access::PasswordError::Hash(cause)) => Self::internal(cause),
            AccountError::Password(_) => Self::field("password", message),
            AccountError::DeadLink => Self::field("link", message),
            AccountError::NotTheFirst => Self::new(StatusCode::CONFLICT, message),
            AccountError::Control(ControlError::PersonExists(_)) => Self::new(StatusCode::CONFLICT, message),
            AccountError::Control(error) => error.into(),
        }
    }
}
