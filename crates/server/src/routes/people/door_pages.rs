//! Plain forms that work without scripts; where the dashboard is built it draws them in its own look.

use axum::{
    extract::State,
    http::{StatusCode, header},
    response::{IntoResponse, Redirect, Response},
};
use serde::Deserialize;
use serde_json::{Value, json};
use tallykeep_access::{AccountError, SecretString};

use super::{door, session::end_own_session};
use crate::{
    app::{
        App, cookies,
        extractors::{Doorway, SignedIn, Visitor},
    },
    error::ApiError,
    extract::{Form, Query},
    page::{PageRequest, escape, page_of},
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
    let oidc = door.accounts().config().oidc.as_ref();
    let way: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    let href = format!("/sign-in/provider?next={way}");
    let fields = format!(
        r#"<input type="hidden" name="next" value="{}">
<p><label for="email">Mail address</label><br><input id="email" name="email" type="email" autocomplete="username" required autofocus value="{}"></p>
<p><label for="password">Password</label><br><input id="password" name="password" type="password" autocomplete="current-password" required></p>
<p><button type="submit">Sign in</button></p>"#,
        escape(next),
        escape(email),
    );
    let below = oidc.map_or_else(String::new, |oidc| {
        format!(r#"<p><a href="{}">Sign in with {}</a></p>"#, escape(&href), escape(&oidc.name))
    });
    let provider = oidc.map(|oidc| json!({ "name": oidc.name, "href": href }));
    let data = json!({ "next": next, "email": email, "provider": provider });
    form_page(&FormPage { door: "sign-in", title: "Sign in", fields: &fields, below: &below, data }, &door.csrf, error)
}

pub(super) async fn sign_out_page(visitor: Visitor) -> Response {
    let fields = r#"<p><button type="submit">Sign out</button></p>"#;
    form_page(
        &FormPage { door: "sign-out", title: "Sign out", fields, below: "", data: json!({}) },
        &visitor.csrf,
        None,
    )
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
    let data = json!({ "link": link });
    form_page(
        &FormPage { door: "new-password", title: "New password", fields: &fields, below: "", data },
        &door.csrf,
        error,
    )
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
    let data = json!({ "email": email });
    let form = FormPage { door: "first-run", title: "Welcome to Tallykeep", fields: &fields, below: "", data };
    form_page(&form, &door.csrf, error)
}

/// One form on a page of its own. Its address is the path of its name.
struct FormPage<'a> {
    door: &'static str,
    title: &'static str,
    /// Markup of its fields and buttons.
    fields: &'a str,
    /// Markup after the form.
    below: &'a str,
    /// The same for the dashboard's scripts, which draw the form anew.
    data: Value,
}

fn form_page(form: &FormPage<'_>, csrf: &str, error: Option<ApiError>) -> Response {
    let FormPage { door, title, fields, below, data } = form;
    let message = error.as_ref().map(|error| error.message.clone());
    let said = message.as_ref().map_or_else(String::new, |said| format!(r#"<p role="alert">{}</p>"#, escape(said)));
    let mut data = data.clone();
    data["page"] = json!("door");
    data["door"] = json!(door);
    data["csrf"] = json!(csrf);
    data["error"] = json!(message);
    let mount = format!(
        r#"<div id="tallykeep" data-page="{}"><main class="door">
<h1>{title}</h1>
{said}<form method="post" action="/{door}">
<input type="hidden" name="csrfmiddlewaretoken" value="{csrf}">
{fields}
</form>
{below}
</main></div>"#,
        escape(&data.to_string()),
        csrf = escape(csrf),
    );
    let status = error.as_ref().map_or(StatusCode::OK, |error| error.status);
    let mut response = page_of(csrf, status, &PageRequest { title: format!("{title} · Tallykeep"), mount });
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
