//! The built-in user of an installation without users. It may do everything, so who reaches it is kept narrow: only
//! loopback, only under a loopback name (a web page could point its own name at 127.0.0.1), and never a write that
//! another web page started.

use axum::http::{HeaderMap, Method, header};

use crate::error::ApiError;

/// Whether a request may act as `local`.
pub(super) fn check(method: &Method, headers: &HeaderMap) -> Result<(), ApiError> {
    let text = |name: header::HeaderName| headers.get(name).and_then(|value| value.to_str().ok());
    let forwarded = [header::FORWARDED, header::HeaderName::from_static("x-forwarded-for")];
    if forwarded.into_iter().any(|name| headers.contains_key(name)) {
        return Err(ApiError::forbidden(
            "this installation has no users yet and answers nobody through a proxy; create the first user: tallykeep user add EMAIL --admin",
        ));
    }
    let host = text(header::HOST);
    if host.is_some_and(|host| !is_loopback_name(host)) {
        return Err(ApiError::forbidden(
            "this installation has no users yet and answers only as localhost; create the first user: tallykeep user add EMAIL --admin",
        ));
    }
    if method.is_safe() {
        return Ok(());
    }
    let fetched_from = headers.get("sec-fetch-site").and_then(|value| value.to_str().ok());
    let foreign_origin = text(header::ORIGIN).is_some_and(|origin| {
        let origin = origin.split_once("://").map_or(origin, |(_, rest)| rest);
        host.map_or(!is_loopback_name(origin), |host| origin != host)
    });
    if foreign_origin || fetched_from.is_some_and(|site| site != "same-origin" && site != "none") {
        return Err(ApiError::forbidden("another web page sent this request"));
    }
    Ok(())
}

fn is_loopback_name(host: &str) -> bool {
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or(""),
        None => host.split(':').next().unwrap_or(""),
    };
    name.eq_ignore_ascii_case("localhost")
        || name.to_ascii_lowercase().ends_with(".localhost")
        || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use axum::http::StatusCode;

    use super::*;

    fn outcome(method: Method, given: &[(&'static str, &str)]) -> Option<StatusCode> {
        let mut headers = HeaderMap::new();
        for (name, value) in given {
            headers.insert(*name, value.parse().expect("header"));
        }
        check(&method, &headers).err().map(|error| error.status)
    }

    #[test]
    fn only_loopback_names_reach_the_built_in_user() {
        for host in ["localhost:8080", "127.0.0.1:8080", "[::1]:8080", "127.0.0.1", "demo.localhost"] {
            assert_eq!(outcome(Method::GET, &[("host", host)]), None, "{host}");
        }
        for host in ["attacker.example", "127.0.0.1.attacker.example", "10.0.0.1:8080", ""] {
            assert_eq!(outcome(Method::GET, &[("host", host)]), Some(StatusCode::FORBIDDEN), "{host}");
        }
        assert_eq!(outcome(Method::GET, &[("x-forwarded-for", "1.2.3.4")]), Some(StatusCode::FORBIDDEN));
    }

    #[test]
    fn another_page_cannot_write() {
        let host = ("host", "localhost:8080");
        assert_eq!(outcome(Method::POST, &[host]), None);
        assert_eq!(outcome(Method::POST, &[host, ("origin", "http://localhost:8080")]), None);
        let refused = Some(StatusCode::FORBIDDEN);
        assert_eq!(outcome(Method::POST, &[host, ("origin", "https://attacker.example")]), refused);
        assert_eq!(outcome(Method::POST, &[host, ("origin", "null")]), refused);
        assert_eq!(outcome(Method::POST, &[host, ("sec-fetch-site", "cross-site")]), refused);
        assert_eq!(outcome(Method::GET, &[host, ("sec-fetch-site", "cross-site")]), None);
    }
}
