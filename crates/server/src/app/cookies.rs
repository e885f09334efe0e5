//! Cookies in and out.

use axum::http::{HeaderMap, HeaderValue, header};
use axum::response::Response;

/// The session's cookie; over TLS the `__Host-` form, which no other host can set.
const SESSION: &str = "tallykeep_session";
const SESSION_TLS: &str = "__Host-tallykeep_session";
const CSRF: &str = "csrftoken";
const FLOW: &str = "tallykeep_sign_in";

/// The value of one cookie.
pub(crate) fn cookie<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers
        .get_all(header::COOKIE)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|line| line.split(';'))
        .filter_map(|pair| pair.trim().split_once('='))
        .find(|(key, _)| *key == name)
        .map(|(_, value)| value)
}

/// The session's secret as the browser sent it.
pub(crate) fn session_secret(headers: &HeaderMap, https: bool) -> Option<&str> {
    cookie(headers, if https { SESSION_TLS } else { SESSION }).filter(|secret| !secret.is_empty())
}

pub(crate) fn csrf_cookie(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, CSRF)
}

/// Sets the session's cookie for its longest life. Scripts cannot read it.
pub(crate) fn set_session(response: &mut Response, secret: &str, days: i64, https: bool) {
    let (name, secure) = if https { (SESSION_TLS, "; Secure") } else { (SESSION, "") };
    let seconds = days.max(1) * 86_400;
    append(response, &format!("{name}={secret}; Path=/; HttpOnly; SameSite=Lax; Max-Age={seconds}{secure}"));
}

/// Takes the session's cookie away.
pub(crate) fn clear_session(response: &mut Response, https: bool) {
    let (name, secure) = if https { (SESSION_TLS, "; Secure") } else { (SESSION, "") };
    append(response, &format!("{name}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}"));
}

/// Sets the token that pages read. It proves only that a request comes from a page of ours, never who asks.
pub(crate) fn set_csrf(response: &mut Response, token: &str, https: bool) {
    let secure = if https { "; Secure" } else { "" };
    append(response, &format!("{CSRF}={token}; Path=/; SameSite=Lax; Max-Age=31536000{secure}"));
}

/// Remembers in the browser which sign-in through a provider it started.
pub(crate) fn set_flow(response: &mut Response, state: &str, https: bool) {
    let secure = if https { "; Secure" } else { "" };
    append(response, &format!("{FLOW}={state}; Path=/; HttpOnly; SameSite=Lax; Max-Age=600{secure}"));
}

pub(crate) fn clear_flow(response: &mut Response, https: bool) {
    let secure = if https { "; Secure" } else { "" };
    append(response, &format!("{FLOW}=; Path=/; HttpOnly; SameSite=Lax; Max-Age=0{secure}"));
}

pub(crate) fn flow(headers: &HeaderMap) -> Option<&str> {
    cookie(headers, FLOW)
}

fn append(response: &mut Response, cookie: &str) {
    // A value that is no header cannot come from our own secrets; one from a client is dropped.
    if let Ok(value) = HeaderValue::from_str(cookie) {
        response.headers_mut().append(header::SET_COOKIE, value);
    }
}
