//! The forms an answer can have (spec/invenio §8.2): media types, file names, tags, bodies.

use axum::{
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use jiff::{ToSpan, civil::Date};
use sha2::{Digest, Sha256};
use tallykeep_export::{self as export, Aggregation, Collection, Metric, QuerySeries, Series, Subcount};
use tallykeep_repository::read::{Category, SeriesKind, SeriesOut};

use super::accept::{self, Coding};
use crate::error::ApiError;

/// Bodies shorter than this travel as they are.
const WORTH_COMPRESSING: usize = 1024;
const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Format {
    Json,
    JsonGzip,
    JsonBrotli,
    Csv,
    Xlsx,
    Xml,
}

/// By media type; what stands first is given to a caller who takes anything.
const FORMATS: &[(&str, Format)] = &[
    ("application/json", Format::Json),
    ("application/json+gzip", Format::JsonGzip),
    ("application/json+br", Format::JsonBrotli),
    ("text/csv", Format::Csv),
    (SHEET, Format::Xlsx),
    ("application/xml", Format::Xml),
];
/// The first ones hold any answer; the others only data series.
const FOR_DOCUMENTS: usize = 3;

impl Format {
    /// The form the caller wants. `documents` names a query whose answer is no data series.
    ///
    /// Errors: 406 with what there is, and why not more.
    pub(super) fn negotiate(headers: &HeaderMap, documents: Option<&str>) -> Result<Self, ApiError> {
        let offers = if documents.is_some() { &FORMATS[..FOR_DOCUMENTS] } else { FORMATS };
        accept::media(headers, offers).ok_or_else(|| {
            let wanted: Vec<&str> = headers.get_all(header::ACCEPT).iter().filter_map(|v| v.to_str().ok()).collect();
            let there: Vec<&str> = offers.iter().map(|offer| offer.0).collect();
            let reason = documents.map_or(String::new(), |query| {
                format!("; `{query}` answers with documents, and only data series go into tables")
            });
            let text = format!("none of `{}` can be given; there is {}{reason}", wanted.join(", "), there.join(", "));
            ApiError::new(StatusCode::NOT_ACCEPTABLE, text)
        })
    }

    /// Whether it is made of series rather than of JSON text.
    pub(super) fn is_made_of_series(self) -> bool {
        matches!(self, Self::Csv | Self::Xlsx | Self::Xml)
    }

    fn content_type(self) -> &'static str {
        match self {
            Self::Json => "application/json",
            Self::JsonGzip | Self::JsonBrotli => "application/json; charset=utf-8",
            // A gzip file, not a body that travels compressed: no browser shall unwrap it.
            Self::Csv | Self::Xlsx => "application/gzip",
            Self::Xml => "application/xml; charset=utf-8",
        }
    }

    /// The name to save it under; plain JSON is no file.
    fn file(self, community: Option<&str>) -> Option<String> {
        let suffix = community.map_or(String::new(), |name| format!("_{}", export::file_name(name)));
        match self {
            Self::Json => None,
            Self::JsonGzip => Some("stats.json.gz".to_owned()),
            Self::JsonBrotli => Some("stats.json.br".to_owned()),
            Self::Csv => Some(format!("data_series_csv{suffix}.tar.gz")),
            Self::Xlsx => Some(format!("data_series_excel{suffix}.tar.gz")),
            Self::Xml => Some(format!("data_series_xml{suffix}.xml")),
        }
    }

    /// How the body travels.
    fn coding(self, headers: &HeaderMap, length: usize) -> Coding {
        match self {
            Self::JsonGzip => Coding::Gzip,
            Self::JsonBrotli => Coding::Brotli,
            Self::Csv | Self::Xlsx => Coding::Identity,
            Self::Json if length < WORTH_COMPRESSING => Coding::Identity,
            Self::Json | Self::Xml => Coding::wanted(headers),
        }
    }
}

/// What is to be answered, before it has a form.
pub(super) struct Content {
    pub json: Vec<u8>,
    /// The series and what is said about them, where the form is made of these.
    pub series: Option<Collection>,
    /// Whether it is about past years only.
    pub past: bool,
    pub public: bool,
}

/// The answer in its form, or 304 when the caller has it.
///
/// The tag stands for the numbers, the form and the coding. It leaves out when the question was asked (`as_of`, `generatedAt`), which alone
/// would make every answer a new one.
pub(super) async fn respond(headers: &HeaderMap, format: Format, content: Content) -> Result<Response, ApiError> {
    let coding = format.coding(headers, content.json.len());
    let tag = tag(format, coding, &content);
    let known: Vec<&str> = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok()).collect();
    let mut known = known.iter().flat_map(|line| line.split(',')).map(str::trim);
    let age = if content.past { 86_400 } else { 3_600 };
    let control = format!("{}, max-age={age}", if content.public { "public" } else { "private" });
    let community = content.series.as_ref().and_then(|s| s.community.as_ref()).map(|c| c.slug.clone());
    let mut own: Vec<(HeaderName, String)> = vec![(header::ETAG, tag.clone()), (header::CACHE_CONTROL, control)];
    let mut response = if known.any(|one| one == "*" || one.trim_start_matches("W/") == tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        own.push((header::CONTENT_TYPE, format.content_type().to_owned()));
        own.extend(coding.name().map(|name| (header::CONTENT_ENCODING, name.to_owned())));
        own.extend(
            format
                .file(community.as_deref())
                .map(|name| (header::CONTENT_DISPOSITION, format!("attachment; filename={name}"))),
        );
        // A year of a busy scope takes longer than a worker of the server may be held.
        let made = tokio::task::spawn_blocking(move || body(format, coding, content)).await;
        made.map_err(ApiError::internal)?.map_err(ApiError::internal)?.into_response()
    };
    for (name, value) in own {
        response.headers_mut().insert(name, HeaderValue::from_str(&value).map_err(ApiError::internal)?);
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    Ok(response)
}

fn body(format: Format, coding: Coding, content: Content) -> Result<Vec<u8>, export::ExportError> {
    let plain = match (format, &content.series) {
        (Format::Csv, Some(series)) => series.csv_archive()?,
        (Format::Xlsx, Some(series)) => series.xlsx_archive()?,
        (Format::Xml, Some(series)) => series.xml()?,
        _ => content.json,
    };
    match coding {
        Coding::Identity => Ok(plain),
        Coding::Gzip => export::gzip(&plain),
        Coding::Brotli => export::brotli(&plain),
    }
}

fn tag(format: Format, coding: Coding, content: &Content) -> String {
    let mut hash = Sha256::new();
    let about = content.series.as_ref().map(|s| (&s.community, s.dates));
    hash.update(format!("{} {format:?} {about:?}\n", env!("CARGO_PKG_VERSION")));
    let mut rest = std::str::from_utf8(&content.json).unwrap_or_default();
    if rest.is_empty() {
        hash.update(&content.json);
    }
    // A text of the answer cannot hold this: its quotes would be escaped.
    while let Some((before, after)) = rest.split_once("\"as_of\":\"") {
        hash.update(before);
        rest = after.split_once('"').map_or("", |(_, after)| after);
    }
    hash.update(rest);
    let digest: String = hash.finalize()[..16].iter().map(|b| format!("{b:02x}")).collect();
    format!("\"{digest}{}\"", coding.name().map_or(String::new(), |name| format!("-{name}")))
}

/// A query's series as exports take them.
pub(super) fn query_series(name: &str, kind: SeriesKind, categories: Vec<Category>) -> QuerySeries {
    let days = Days::of(&categories);
    let series = |one: SeriesOut| Series {
        label: one.name.text().to_owned(),
        id: one.id,
        bar: one.bar,
        filesize: one.filesize,
        points: one.points.into_iter().filter_map(|(day, value)| Some((days.date(day)?, value))).collect(),
    };
    let metric = |(key, list): (&str, Vec<SeriesOut>)| Metric {
        key: export::camel_case(key),
        series: list.into_iter().map(series).collect(),
    };
    let subcount = |category: Category| Subcount {
        key: export::camel_case(&category.key),
        metrics: category.metrics.into_iter().map(metric).collect(),
    };
    QuerySeries {
        name: name.to_owned(),
        aggregation: if kind.is_snapshot() { Aggregation::Cumulative } else { Aggregation::Daily },
        subcounts: categories.into_iter().map(subcount).collect(),
    }
}

/// The dates of a run of days: the same few hundred stand a million times.
struct Days {
    first: i32,
    dates: Vec<Date>,
}

impl Days {
    fn of(categories: &[Category]) -> Self {
        let points = || {
            categories
                .iter()
                .flat_map(|c| &c.metrics)
                .flat_map(|m| &m.1)
                .flat_map(|s| [s.points.first(), s.points.last()])
        };
        let first = points().flatten().map(|p| p.0).min().unwrap_or(0);
        let last = points().flatten().map(|p| p.0).max().unwrap_or(first);
        let start = jiff::civil::date(1970, 1, 1).saturating_add(first.days());
        let dates = start.series(1.day()).zip(first..=last).map(|(date, _)| date).collect();
        Self { first, dates }
    }

    /// Every point lies between the first and the last.
    fn date(&self, day: i32) -> Option<Date> {
        self.dates.get(usize::try_from(day - self.first).ok()?).copied()
    }
}
