//! `Accept` and `Accept-Encoding` (RFC 9110 §12.4, §12.5), q-values and all.

use axum::http::{HeaderMap, HeaderName, header};

/// A part of such a header: what it names, and how welcome that is (0 to 1).
struct Part {
    name: String,
    quality: f32,
}

/// The parts of a header in the caller's order; `None` when there is no header.
fn parts(headers: &HeaderMap, header: HeaderName) -> Option<Vec<Part>> {
    let lines: Vec<&str> = headers.get_all(header).iter().filter_map(|v| v.to_str().ok()).collect();
    let read = |part: &str| {
        let mut fields = part.split(';').map(str::trim);
        let name = fields.next().filter(|name| !name.is_empty())?.to_ascii_lowercase();
        let quality = fields
            .filter_map(|field| field.split_once('='))
            .find(|(key, _)| key.trim().eq_ignore_ascii_case("q"))
            .and_then(|(_, value)| value.trim().parse::<f32>().ok())
            .filter(|quality| quality.is_finite());
        Some(Part { name, quality: quality.unwrap_or(1.0).clamp(0.0, 1.0) })
    };
    (!lines.is_empty()).then(|| lines.iter().flat_map(|line| line.split(',')).filter_map(read).collect())
}

/// The most welcome of the media types on offer; `None` when none is.
///
/// A type's quality is that of the most exact range that names it. Among equals the one named first wins, then the one offered first.
pub(super) fn media<T: Copy>(headers: &HeaderMap, offers: &[(&str, T)]) -> Option<T> {
    let parts = parts(headers, header::ACCEPT).filter(|parts| !parts.is_empty());
    let Some(parts) = parts else { return offers.first().map(|offer| offer.1) };
    let mut best: Option<(f32, usize, T)> = None;
    for (name, offer) in offers {
        let exactness = |range: &str| match range.strip_suffix("/*") {
            _ if range == *name => Some(2),
            Some("*") => Some(0),
            Some(family) => name.split_once('/').is_some_and(|(own, _)| own == family).then_some(1),
            None => None,
        };
        let mut found: Option<(usize, f32, usize)> = None;
        for (place, part) in parts.iter().enumerate() {
            if let Some(exact) = exactness(&part.name).filter(|exact| found.is_none_or(|f| *exact > f.0)) {
                found = Some((exact, part.quality, place));
            }
        }
        let Some((_, quality, place)) = found.filter(|f| f.1 > 0.0) else { continue };
        if best.is_none_or(|(q, p, _)| quality > q || (quality >= q && place < p)) {
            best = Some((quality, place, *offer));
        }
    }
    best.map(|b| b.2)
}

/// A way to compress a body on its way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Coding {
    Identity,
    Gzip,
    Brotli,
}

impl Coding {
    /// Its name in `Content-Encoding`; none for a body as it is.
    pub(super) fn name(self) -> Option<&'static str> {
        match self {
            Self::Identity => None,
            Self::Gzip => Some("gzip"),
            Self::Brotli => Some("br"),
        }
    }

    /// The coding the caller likes best; as it is when none is asked for.
    pub(super) fn wanted(headers: &HeaderMap) -> Self {
        let Some(parts) = parts(headers, header::ACCEPT_ENCODING) else { return Self::Identity };
        let quality = |names: &[&str]| {
            let own = parts.iter().find(|p| names.contains(&p.name.as_str()));
            own.or_else(|| parts.iter().find(|p| p.name == "*")).map_or(0.0, |p| p.quality)
        };
        let (brotli, gzip) = (quality(&["br"]), quality(&["gzip", "x-gzip"]));
        let identity = parts.iter().find(|p| p.name == "identity").map_or(0.0, |p| p.quality);
        let best = brotli.max(gzip);
        if best <= 0.0 || best < identity {
            Self::Identity
        } else if brotli >= gzip {
            Self::Brotli
        } else {
            Self::Gzip
        }
    }
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    const OFFERS: &[(&str, &str)] = &[
        ("application/json", "json"),
        ("application/json+gzip", "gz"),
        ("text/csv", "csv"),
        ("application/xml", "xml"),
    ];

    fn with(header: HeaderName, text: &str) -> HeaderMap {
        HeaderMap::from_iter([(header, HeaderValue::from_str(text).expect("a header"))])
    }

    #[test]
    fn the_most_welcome_type_wins() {
        let cases = [
            ("", Some("json")),
            ("*/*", Some("json")),
            ("application/json, text/plain, */*", Some("json")),
            ("text/csv", Some("csv")),
            ("Text/CSV; charset=utf-8", Some("csv")),
            ("text/*", Some("csv")),
            ("application/json;q=0.5, text/csv;q=0.9", Some("csv")),
            ("text/csv;q=0.5, application/json", Some("json")),
            ("text/csv, application/json", Some("csv")),
            ("application/json+gzip", Some("gz")),
            ("application/json;q=0, */*;q=0.1", Some("gz")),
            ("*/*, application/json;q=0, application/*;q=0.2", Some("csv")),
            ("text/html, application/xml;q=0.9, */*;q=0.8", Some("xml")),
            ("image/png", None),
            ("text/csv;q=0", None),
            ("application/jsonx", None),
        ];
        for (accept, wanted) in cases {
            assert_eq!(media(&with(header::ACCEPT, accept), OFFERS), wanted, "{accept}");
        }
        assert_eq!(media(&HeaderMap::new(), OFFERS), Some("json"));
    }

    #[test]
    fn the_most_welcome_coding_wins() {
        let cases = [
            ("", Coding::Identity),
            ("gzip, deflate, br", Coding::Brotli),
            ("gzip;q=1.0, br;q=0.5", Coding::Gzip),
            ("gzip;q=0", Coding::Identity),
            ("*", Coding::Brotli),
            ("br;q=0, *", Coding::Gzip),
            ("identity, gzip;q=0.5", Coding::Identity),
            ("deflate", Coding::Identity),
        ];
        for (accept, wanted) in cases {
            assert_eq!(Coding::wanted(&with(header::ACCEPT_ENCODING, accept)), wanted, "{accept}");
        }
        assert_eq!(Coding::wanted(&HeaderMap::new()), Coding::Identity);
    }
}
