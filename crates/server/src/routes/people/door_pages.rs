//! Plain forms that work without the dashboard and without scripts.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use tallykeep_access::{AccountError, SecretString};

use super::{door, session::end_own_session};
use crate::{
    app::{
        App, cookies,
        extractors::{Doorway, SignedIn, Visitor},
    },
    error::ApiError,
    extract::{Form, Query},
    page::{escape, html_response},
};

#[derive(Deserialize)]
pub(super) struct Next {
    #[serde(default)]
    next: String,
}

#[derive(Deserialize)]
pub(super) struct SignInForm {
    email: String,
    password: SecretString,
    #[serde(default)]
    next: String,
    #[serde(default)]
    csrfmiddlewaretoken: String,
}

pub(super) async fn sign_in_page(
    State(app): State<App>,
    door: Doorway,
    Query(query): Query<Next>,
) -> Result<Response, ApiError> {
    let next = local_path(&query.next);
    if door.person.is_some() {
        return Ok(Redirect::to(next).into_response());
    }
    if app.first_run_code().await?.is_some() {
        let way = if app.login_mode() == crate::app::LoginMode::Required { "/first-run" } else { next };
        return Ok(Redirect::to(way).into_response());
    }
    Ok(sign_in_form(&door, next, "", None))
}

pub(super) async fn sign_in(door: Doorway, Form(form): Form<SignInForm>) -> Result<Response, ApiError> {
    let next = local_path(&form.next);
    if let Err(error) = door.demand_form_token(Some(&form.csrfmiddlewaretoken)) {
        return Ok(sign_in_form(&door, next, &form.email, Some(error)));
    }
    let accounts = door.accounts();
    let (address, old) = (door.client.address, door.old_secret.as_deref());
    match accounts.sign_in(&form.email, &form.password, address, &door.agent, old).await {
        Ok(session) => {
            let mut response = Redirect::to(next).into_response();
            cookies::set_session(&mut response, &session.secret, accounts.config().session_days, door.client.https);
            cookies::set_csrf(&mut response, &session.csrf, door.client.https);
            Ok(response)
        }
        Err(error @ (AccountError::WrongPassword | AccountError::Throttled { .. })) => {
            Ok(sign_in_form(&door, next, &form.email, Some(error.into())))
        }
        Err(error) => Err(error.into()),
    }
}

pub(super) fn sign_in_form(door: &Doorway, next: &str, email: &str, error: Option<ApiError>) -> Response {
    let provider = door.accounts().config().oidc.as_ref().map_or_else(String::new, |oidc| {
        let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
        format!(r#"<p><a href="/sign-in/provider?next={next}">Sign in with {}</a></p>"#, escape(&oidc.name))
    });
    let fields = format!(
        r#"<input type="hidden" name="next" value="{}">
<p><label for="email">Mail address</label><br><input id="email" name="email" type="email" autocomplete="username" required autofocus value="{}"></p>
<p><label for="password">Password</label><br><input id="password" name="password" type="password" autocomplete="current-password" required></p>
<p><button type="submit">Sign in</button></p>"#,
        escape(next),
        escape(email),
    );
    form_page("Sign in", "/sign-in", &door.csrf, &fields, &provider, error)
}

pub(super) async fn sign_out_page(visitor: Visitor) -> Response {
    form_page("Sign out", "/sign-out", &visitor.csrf, r#"<p><button type="submit">Sign out</button></p>"#, "", None)
}

pub(super) async fn sign_out(me: SignedIn) -> Result<Response, ApiError> {
    let ended = end_own_session(&me).await?;
    let mut response = Redirect::to("/sign-in").into_response();
    for cookie in ended.headers().get_all(header::SET_COOKIE) {
        response.headers_mut().append(header::SET_COOKIE, cookie.clone());
    }
    Ok(response)
}

#[derive(Deserialize)]
pub(super) struct LinkQuery {
    #[serde(default)]
    link: String,
}

#[derive(Deserialize)]
pub(super) struct NewPasswordForm {
    link: String,
    password: SecretString,
    #[serde(default)]
    csrfmiddlewaretoken: String,
}

pub(super) async fn new_password_page(door: Doorway, Query(query): Query<LinkQuery>) -> Response {
    new_password_form(&door, &query.link, None)
}

pub(super) async fn new_password(door: Doorway, Form(form): Form<NewPasswordForm>) -> Result<Response, ApiError> {
    let outcome = match door.demand_form_token(Some(&form.csrfmiddlewaretoken)) {
        Ok(()) => door::use_link(&door, &form.link, &form.password).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => Ok(Redirect::to("/sign-in").into_response()),
        Err(error) if error.status.is_client_error() => Ok(new_password_form(&door, &form.link, Some(error))),
        Err(error) => Err(error),
    }
}

fn new_password_form(door: &Doorway, link: &str, error: Option<ApiError>) -> Response {
    let fields = format!(
        r#"<input type="hidden" name="link" value="{}">
<p><label for="password">New password, at least 8 characters</label><br><input id="password" name="password" type="password" autocomplete="new-password" minlength="8" required autofocus></p>
<p><button type="submit">Set password</button></p>"#,
        escape(link),
    );
    form_page("New password", "/new-password", &door.csrf, &fields, "", error)
}

#[derive(Deserialize)]
pub(super) struct FirstRunForm {
    code: String,
    email: String,
    password: SecretString,
    #[serde(default)]
    csrfmiddlewaretoken: String,
}

pub(super) async fn first_run_page(State(app): State<App>, door: Doorway) -> Result<Response, ApiError> {
    if app.first_run_code().await?.is_none() {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    Ok(first_run_form(&door, "", None))
}

pub(super) async fn first_run(
    State(app): State<App>,
    door: Doorway,
    Form(form): Form<FirstRunForm>,
) -> Result<Response, ApiError> {
    let outcome = match door.demand_form_token(Some(&form.csrfmiddlewaretoken)) {
        Ok(()) => door::make_first(&app, &door, &form.code, &form.email, &form.password).await,
        Err(error) => Err(error),
    };
    match outcome {
        Ok(_) => Ok(Redirect::to("/sign-in").into_response()),
        Err(error) if error.status.is_client_error() => Ok(first_run_form(&door, &form.email, Some(error))),
        Err(error) => Err(error),
    }
}

fn first_run_form(door: &Doorway, email: &str, error: Option<ApiError>) -> Response {
    let fields = format!(
        r#"<p>The first user administers this installation. The code is on the terminal or in the log of <code>tallykeep serve</code>.</p>
<p><label for="code">Code</label><br><input id="code" name="code" autocomplete="one-time-code" required autofocus></p>
<p><label for="email">Mail address</label><br><input id="email" name="email" type="email" autocomplete="username" required value="{}"></p>
<p><label for="password">Password, at least 8 characters</label><br><input id="password" name="password" type="password" autocomplete="new-password" minlength="8" required></p>
<p><button type="submit">Create the first user</button></p>"#,
        escape(email),
    );
    form_page("Welcome to Tallykeep", "/first-run", &door.csrf, &fields, "", error)
}

/// One form on a page, with what went wrong above it.
fn form_page(title: &str, action: &str, csrf: &str, fields: &str, below: &str, error: Option<ApiError>) -> Response {
    let said =
        error.as_ref().map_or_else(String::new, |error| format!(r#"<p role="alert">{}</p>"#, escape(&error.message)));
    let html = format!(
        r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>{title} · Tallykeep</title></head>
<body>
<main>
<h1>{title}</h1>
{said}<form method="post" action="{action}">
<input type="hidden" name="csrfmiddlewaretoken" value="{csrf}">
{fields}
</form>
{below}
</main>
</body>
</html>
"#,
        csrf = escape(csrf),
    );
    let status = error.as_ref().map_or(StatusCode::OK, |error| error.status);
    let mut response = html_response(status, html);
    if let Some(error) = error {
        for (name, value) in &error.headers {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

/// Where to go after signing in: a path of ours and never another site.
pub(super) fn local_path(next: &str) -> &str {
    let is_ours = next.starts_with('/')
        && !next.starts_with("//")
        && !next.contains('\\')
        && !next.chars().any(|c| c.is_control())
        && !next.starts_with("/sign-");
    if is_ours { next } else { "/" }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_never_leaves_the_site() {
        for bad in [
            "",
            "https://evil.example",
            "//evil.example",
            "/\\evil.example",
            "\\\\evil",
            "/a\r\nx: y",
            "javascript:alert(1)",
            "/sign-in?next=/",
        ] {
            assert_eq!(local_path(bad), "/", "{bad}");
        }
        assert_eq!(local_path("/a/x/dashboard/?date_range=7"), "/a/x/dashboard/?date_range=7");
    }
}
