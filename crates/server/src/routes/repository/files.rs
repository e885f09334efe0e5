//! The forms an answer can have (spec/invenio §8.2): media types, file names, tags, bodies.

use std::sync::LazyLock;

use axum::{
    body::Body,
    http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
};
use bytes::Bytes;
use jiff::{ToSpan, civil::Date};
use sha2::{Digest, Sha256};
use tallykeep_export::{self as export, Aggregation, Collection, DateStyle, Metric, QuerySeries, Series, Subcount};
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

/// One query's answer.
pub(super) struct Part {
    pub name: String,
    pub json: Bytes,
    /// Of the numbers, without when the question was asked.
    pub digest: String,
    /// Whether it was kept already.
    pub hit: bool,
}

/// What is to be answered, before it has a form.
pub(super) struct Content<'a> {
    pub team: &'a str,
    pub parts: Vec<Part>,
    /// The community that all parts are about.
    pub community: Option<&'a export::Community>,
    pub dates: DateStyle,
    /// Whether it is about past years only.
    pub past: bool,
    pub public: bool,
}

/// Finished bodies that took work: compressed ones, tables, XML. By tag, which stands for every number in them and for the form.
static FORMS: LazyLock<moka::future::Cache<String, Bytes>> = LazyLock::new(|| {
    let weight = |tag: &String, body: &Bytes| u32::try_from(tag.len() + body.len()).unwrap_or(u32::MAX);
    moka::future::Cache::builder().max_capacity(32 * 1024 * 1024).weigher(weight).build()
});

/// The answer in its form, or 304 when the caller has it. `series` makes what tables and XML are made of, when they have to be made.
///
/// The tag stands for the numbers, the form and the coding. It leaves out when the question was asked (`as_of`, `generatedAt`), which alone
/// would make every answer a new one.
pub(super) async fn respond<F>(
    headers: &HeaderMap,
    format: Format,
    content: Content<'_>,
    series: F,
) -> Result<Response, ApiError>
where
    F: AsyncFnOnce() -> Result<Collection, ApiError>,
{
    let length = content.parts.iter().map(|part| part.json.len() + part.name.len() + 4).sum::<usize>() + 2;
    let coding = format.coding(headers, length);
    let tag = tag(format, coding, &content);
    let known: Vec<&str> = headers.get_all(header::IF_NONE_MATCH).iter().filter_map(|v| v.to_str().ok()).collect();
    let mut known = known.iter().flat_map(|line| line.split(',')).map(str::trim);
    let age = if content.past { 86_400 } else { 3_600 };
    let control = format!("{}, max-age={age}", if content.public { "public" } else { "private" });
    let mut own: Vec<(HeaderName, String)> = vec![(header::ETAG, tag.clone()), (header::CACHE_CONTROL, control)];
    let hit = content.parts.iter().all(|part| part.hit);
    own.push((HeaderName::from_static("x-cache"), if hit { "HIT" } else { "MISS" }.to_owned()));
    let mut response = if known.any(|one| one == "*" || one.trim_start_matches("W/") == tag) {
        StatusCode::NOT_MODIFIED.into_response()
    } else {
        own.push((header::CONTENT_TYPE, format.content_type().to_owned()));
        own.extend(coding.name().map(|name| (header::CONTENT_ENCODING, name.to_owned())));
        let slug = content.community.map(|c| c.slug.as_str());
        own.extend(format.file(slug).map(|name| (header::CONTENT_DISPOSITION, format!("attachment; filename={name}"))));
        let (body, length) = finished(format, coding, &tag, content.parts, series).await?;
        own.extend(length.map(|length| (header::CONTENT_LENGTH, length.to_string())));
        body.into_response()
    };
    for (name, value) in own {
        response.headers_mut().insert(name, HeaderValue::from_str(&value).map_err(ApiError::internal)?);
    }
    response.headers_mut().insert(header::VARY, HeaderValue::from_static("Accept, Accept-Encoding"));
    Ok(response)
}

/// The body, and its length where it is known before it is sent.
///
/// Kept answers travel as they lie in memory and are not copied for each request. Tables and XML travel while they are made.
async fn finished<F>(
    format: Format,
    coding: Coding,
    tag: &str,
    parts: Vec<Part>,
    series: F,
) -> Result<(Body, Option<usize>), ApiError>
where
    F: AsyncFnOnce() -> Result<Collection, ApiError>,
{
    let whole = |pieces: Vec<Bytes>| {
        let length = pieces.iter().map(Bytes::len).sum();
        let pieces = pieces.into_iter().map(Ok::<Bytes, std::convert::Infallible>);
        (Body::from_stream(futures::stream::iter(pieces)), Some(length))
    };
    if !format.is_made_of_series() && coding == Coding::Identity {
        return Ok(whole(pieces(parts)?));
    }
    if let Some(body) = FORMS.get(tag).await {
        return Ok(whole(vec![body]));
    }
    if format.is_made_of_series() {
        return Ok((streamed(format, coding, tag.to_owned(), series().await?), None));
    }
    // A year of a busy scope takes longer than a worker of the server may be held.
    let made = tokio::task::spawn_blocking(move || {
        let plain = pieces(parts)?.concat();
        let packed = if coding == Coding::Brotli { export::brotli(&plain) } else { export::gzip(&plain) };
        packed.map_err(ApiError::internal)
    });
    let body: Bytes = made.await.map_err(ApiError::internal)??.into();
    FORMS.insert(tag.to_owned(), body.clone()).await;
    Ok(whole(vec![body]))
}

/// Pieces of this size go over the wire.
const PIECE: usize = 64 * 1024;
/// A finished table or document of at most this size is kept for the next who asks.
const WORTH_KEEPING: usize = 4 * 1024 * 1024;

/// Writes tables and XML into the answer while they are made: a slow reader slows the writing down, and one who went away ends it.
fn streamed(format: Format, coding: Coding, tag: String, series: Collection) -> Body {
    let (pipe, pieces) = tokio::sync::mpsc::channel::<std::io::Result<Bytes>>(4);
    let runtime = tokio::runtime::Handle::current();
    tokio::task::spawn_blocking(move || {
        let mut out = Pipe { pipe: pipe.clone(), piece: Vec::with_capacity(PIECE), kept: Some(Vec::new()) };
        let written = match (format, coding) {
            (Format::Csv, _) => series.write_csv(&mut out),
            (Format::Xlsx, _) => series.write_xlsx(&mut out),
            (_, Coding::Identity) => series.write_xml(&mut out),
            (_, Coding::Gzip) => export::gzip_to(&mut out, |packed| series.write_xml(packed)),
            (_, Coding::Brotli) => export::brotli_to(&mut out, |packed| series.write_xml(packed)),
        };
        let written = written.and_then(|()| Ok(std::io::Write::flush(&mut out)?));
        match (written, out.kept) {
            (Ok(()), Some(kept)) => runtime.block_on(FORMS.insert(tag, kept.into())),
            (Ok(()), None) => {}
            (Err(_), _) if pipe.is_closed() => tracing::debug!("a reader went away before its export was whole"),
            (Err(error), _) => {
                tracing::error!("an export broke off: {error}");
                // The status is sent already: a body that breaks off is all that can still be said.
                let _ = pipe.blocking_send(Err(std::io::Error::other(error)));
            }
        }
    });
    Body::from_stream(tokio_stream::wrappers::ReceiverStream::new(pieces))
}

/// The writing end of an answer.
struct Pipe {
    pipe: tokio::sync::mpsc::Sender<std::io::Result<Bytes>>,
    piece: Vec<u8>,
    /// Everything so far, while it is little.
    kept: Option<Vec<u8>>,
}

impl Pipe {
    fn send(&mut self) -> std::io::Result<()> {
        if self.piece.is_empty() {
            return Ok(());
        }
        let piece = std::mem::replace(&mut self.piece, Vec::with_capacity(PIECE));
        self.kept = self.kept.take().filter(|kept| kept.len() + piece.len() <= WORTH_KEEPING);
        if let Some(kept) = &mut self.kept {
            kept.extend_from_slice(&piece);
        }
        let gone = |_| std::io::Error::from(std::io::ErrorKind::BrokenPipe);
        self.pipe.blocking_send(Ok(piece.into())).map_err(gone)
    }
}

impl std::io::Write for Pipe {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.piece.extend_from_slice(bytes);
        if self.piece.len() >= PIECE {
            self.send()?;
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        self.send()
    }
}

/// `{"<name>": <answer>, …}`
fn pieces(parts: Vec<Part>) -> Result<Vec<Bytes>, ApiError> {
    let mut pieces = Vec::with_capacity(parts.len() * 2 + 1);
    for (index, part) in parts.into_iter().enumerate() {
        let name = serde_json::to_string(&part.name).map_err(ApiError::internal)?;
        pieces.push(format!("{}{name}:", if index > 0 { ',' } else { '{' }).into());
        pieces.push(part.json);
    }
    pieces.push(Bytes::from_static(if pieces.is_empty() { b"{}" } else { b"}" }));
    Ok(pieces)
}

fn tag(format: Format, coding: Coding, content: &Content<'_>) -> String {
    let mut hash = Sha256::new();
    let about = (content.team, content.community, content.dates);
    hash.update(format!("{} {format:?} {about:?}\n", env!("CARGO_PKG_VERSION")));
    for part in &content.parts {
        hash.update(format!("{:?} {}\n", part.name, part.digest));
    }
    let digest: String = hash.finalize()[..16].iter().map(|b| format!("{b:02x}")).collect();
    format!("\"{digest}{}\"", coding.name().map_or(String::new(), |name| format!("-{name}")))
}

/// A query's series as exports take them.
pub fn query_series(name: &str, kind: SeriesKind, categories: Vec<Category>) -> QuerySeries {
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
