//! HTML around the dashboard: the built page with extra markup, or a stub that says how to build it.

use std::fmt::Write as _;

use axum::{
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use rand::Rng;

use crate::app::extractors::Visitor;

/// The built dashboard (`make web`); empty where it was not built.
#[derive(rust_embed::Embed)]
#[folder = "../../web/dist"]
#[allow_missing = true]
pub(crate) struct Built;

/// No inline script, no foreign source, no frame around us. Chart tooltips carry style attributes.
pub(crate) const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; style-src-attr 'unsafe-inline'; \
     img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self' blob:; object-src 'none'; \
     base-uri 'none'; form-action 'self'; frame-ancestors 'none'";

/// What a page adds to the frame.
#[derive(Debug, Default)]
pub struct PageRequest {
    pub title: String,
    /// Markup put before the application's own root: mount points, data attributes, a message. Escape with
    /// [`escape`](crate::page::escape) whatever people wrote.
    pub mount: String,
}

/// A page of the dashboard. The guard sets its cookie, `serve` its security headers.
pub fn page(visitor: &Visitor, request: &PageRequest) -> Response {
    page_of(&visitor.csrf, StatusCode::OK, request)
}

/// A page of the dashboard that its scripts fill, by the name they know it under.
pub fn named_page(visitor: &Visitor, name: &str, title: &str) -> Response {
    let data = serde_json::json!({ "page": name }).to_string();
    let mount = format!(r#"<div id="tallykeep" data-page="{}"></div>"#, escape(&data));
    page(visitor, &PageRequest { title: title.to_owned(), mount })
}

/// A page for whoever holds the token `csrf`.
pub(crate) fn page_of(csrf: &str, status: StatusCode, request: &PageRequest) -> Response {
    let built = Built::get("index.html").and_then(|file| String::from_utf8(file.data.into_owned()).ok());
    let csrf = format!(r#"<input type="hidden" name="csrfmiddlewaretoken" value="{}">"#, escape(csrf));
    let mount = format!("{csrf}{}", request.mount);
    let html = match built {
        Some(index) => fill(&index, &request.title, &mount),
        None => fill(STUB, &request.title, &mount),
    };
    html_response(status, html)
}

pub(crate) fn html_response(status: StatusCode, html: String) -> Response {
    let mut response = (status, html).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    // A page holds the visitor's own token.
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

const MOUNT: &str = "<!--tallykeep:mount-->";

const STUB: &str = r#"<!doctype html>
<html lang="en">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>Tallykeep</title></head>
<body>
<!--tallykeep:mount-->
<main><h1>Tallykeep</h1><p>The dashboard was not built into this program. Build it with <code>make web</code> and start again; the
<a href="/api/v1/openapi.json">API</a> works without it.</p></main>
</body>
</html>
"#;

fn fill(template: &str, title: &str, mount: &str) -> String {
    let mut html = template.to_owned();
    if !title.is_empty()
        && let Some(start) = html.find("<title>")
        && let Some(end) = html.find("</title>")
    {
        html.replace_range(start + "<title>".len()..end, &escape(title));
    }
    if let Some(at) = html.find(MOUNT) {
        html.replace_range(at..at + MOUNT.len(), mount);
    } else {
        // A template without the mark gets it right after `<body …>`.
        let after_body = html.find("<body").and_then(|at| html[at..].find('>').map(|end| at + end + 1)).unwrap_or(0);
        html.insert_str(after_body, mount);
    }
    html
}

/// Text as it may stand in HTML, between tags and inside quoted attributes of either kind.
pub fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// A fresh random token, 64 hexadecimal digits.
pub(crate) fn new_csrf_token() -> String {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    bytes.iter().fold(String::with_capacity(64), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_template_gets_title_and_mount_wherever_its_body_starts() {
        let filled = fill("<title>x</title><body class=\"a\"><div id=\"root\"></div>", "A & B", "<i></i>");
        assert_eq!(filled, "<title>A &amp; B</title><body class=\"a\"><i></i><div id=\"root\"></div>");
        assert!(fill(STUB, "T", "<i id=\"here\"></i>").contains("<body>\n<i id=\"here\"></i>"));
    }

    #[test]
    fn what_people_wrote_stays_text() {
        assert_eq!(escape(r#"<a href="x" o='y'>&"#), "&lt;a href=&quot;x&quot; o=&#39;y&#39;&gt;&amp;");
    }
}
