//! An InvenioRDM read by its REST API.

use std::collections::HashMap;

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};
use tallykeep_collect::{
    CollectError, HttpClient,
    invenio::{Found, InvenioApi, ListPage},
};

use super::{Kind, Source, SourceError, convert, position::Run, reader::Fetched};

/// A list shows no more than this, however it is paged.
const WINDOW: u64 = 10_000;
/// Pages an API gives to those without a token where ours are too large for it.
const SMALL_PAGE: usize = 25;

/// A span of creation instants, `[from, to)`; open ends are `None`.
type Span = (Option<Timestamp>, Option<Timestamp>);

pub(super) struct ApiReader {
    api: InvenioApi,
    page_size: usize,
    community: Option<String>,
    /// Ids of communities by slug, for records of the older shape.
    slugs: HashMap<String, String>,
    kind: Kind,
    since: Option<Timestamp>,
    until: Timestamp,
    /// Spans still to be read, the next one last.
    spans: Vec<Span>,
    /// The next page of the span at hand, and how many documents the span had on its first page.
    next: Option<String>,
    span_total: Option<u64>,
    total: Option<u64>,
}

/// What became of a record the list does not have any more.
pub(super) enum Fate {
    /// Its document with the tombstone in it.
    Deleted(Value),
    There(Box<Fetched>),
    Missing,
}

impl ApiReader {
    pub fn new(
        http: HttpClient,
        source: &Source,
        token: Option<String>,
        slugs: HashMap<String, String>,
    ) -> Result<Self, SourceError> {
        Ok(Self {
            api: InvenioApi::new(http, &source.url, token, source.gap())?,
            page_size: source.page_size,
            community: source.community.clone(),
            slugs,
            kind: Kind::Records,
            since: None,
            until: Timestamp::UNIX_EPOCH,
            spans: Vec::new(),
            next: None,
            span_total: None,
            total: None,
        })
    }

    pub fn start(&mut self, kind: Kind, run: &Run, at: Option<&Value>) {
        (self.kind, self.since, self.until) = (kind, run.since, run.started);
        (self.spans, self.next, self.span_total, self.total) = (vec![(None, None)], None, None, None);
        let Some(at) = at else { return };
        let instant = |value: &Value| value.as_str().and_then(|text| text.parse().ok());
        if let Some(spans) = at["spans"].as_array() {
            self.spans = spans.iter().map(|span| (instant(&span[0]), instant(&span[1]))).collect();
            self.next = at["next"].as_str().map(str::to_owned);
            self.span_total = at["span_total"].as_u64();
            self.page_size = at["page_size"].as_u64().and_then(|n| n.try_into().ok()).unwrap_or(self.page_size);
        }
    }

    fn position(&self) -> Value {
        json!({"spans": self.spans, "next": self.next, "span_total": self.span_total, "page_size": self.page_size})
    }

    /// Path and query of a span's first page.
    fn first(&self, span: Span, size: usize) -> String {
        let records = match &self.community {
            Some(community) => format!("/api/communities/{community}/records"),
            None => "/api/records".to_owned(),
        };
        let path = if self.kind == Kind::Communities { "/api/communities" } else { &records };
        let mut query = Vec::new();
        if span != (None, None) {
            let bound = |at: Option<Timestamp>| at.map_or_else(|| "*".to_owned(), |at| format!("\"{at}\""));
            // The end is outside, so that no document is in two spans.
            query.push(format!("created:[{} TO {}}}", bound(span.0), bound(span.1)));
        }
        if let Some(since) = self.since {
            query.push(format!("updated:[\"{since}\" TO *]"));
        }
        let (query, size) = (query.join(" AND "), size.to_string());
        let mut parameters = vec![("q", query.as_str()), ("sort", "oldest"), ("size", &size), ("page", "1")];
        if self.kind == Kind::Records {
            parameters.push(("allversions", "true"));
        }
        InvenioApi::first(path, &parameters)
    }

    pub async fn next(&mut self) -> Result<Fetched, SourceError> {
        if self.kind == Kind::Communities && self.community.is_some() {
            return self.one_community().await;
        }
        loop {
            let Some(&span) = self.spans.last() else {
                return Ok(Fetched { at: self.position(), is_last: true, ..Fetched::default() });
            };
            let url = match &self.next {
                Some(next) => next.clone(),
                None => {
                    // Known to fit, or looked at with one document before a page is taken.
                    if self.span_total.is_none() {
                        let look = self.api.list(&self.first(span, 1)).await?;
                        self.total = self.total.or(Some(look.total));
                        // Some servers count no further than they show.
                        if look.total >= WINDOW && self.split(span, &look)? {
                            continue;
                        }
                        self.span_total = Some(look.total);
                    }
                    self.first(span, self.page_size)
                }
            };
            let page = match self.api.list(&url).await {
                Ok(page) => page,
                Err(CollectError::Status { status: 400, .. }) if self.next.is_none() && self.page_size > SMALL_PAGE => {
                    self.page_size = SMALL_PAGE;
                    continue;
                }
                Err(error) => return Err(error.into()),
            };
            if self.next.is_some() && self.span_total.is_some_and(|total| page.total < total) {
                // Something left the span while it was read, so the pages behind moved forward: what is known is recognised, what
                // slipped through would be lost.
                tracing::info!(source = %self.api.name(), "the list became shorter while it was read; reading this part again");
                (self.next, self.span_total) = (None, Some(page.total));
                continue;
            }
            let mut fetched = Fetched { total: self.total, ..Fetched::default() };
            self.next = page.next.filter(|_| !page.hits.is_empty());
            if self.next.is_none() {
                self.spans.pop();
                self.span_total = None;
            }
            for hit in page.hits {
                self.take(hit, &mut fetched).await?;
            }
            fetched.at = self.position();
            fetched.is_last = self.spans.is_empty();
            return Ok(fetched);
        }
    }

    /// Halves a span that may have more than a list shows. `false`: it is one instant by the API's clock, which counts milliseconds.
    ///
    /// Errors: it is, and it has more for certain; what cannot be read is named.
    fn split(&mut self, span: Span, look: &ListPage) -> Result<bool, SourceError> {
        let created = look.hits.first().and_then(|hit| hit["created"].as_str()).and_then(crate::dates::instant);
        let from = span.0.or(created).unwrap_or(Timestamp::UNIX_EPOCH);
        // The server's clock may be ahead of ours.
        let to = span
            .1
            .unwrap_or_else(|| self.until.max(from.saturating_add(SignedDuration::from_hours(1)).unwrap_or(from)));
        let half = from.as_millisecond().midpoint(to.as_millisecond());
        if half <= from.as_millisecond() || half >= to.as_millisecond() {
            if look.total <= WINDOW {
                return Ok(false);
            }
            let since = self.since.map_or_else(String::new, |since| format!(" and changed since {since}"));
            return Err(SourceError::Wrong(format!(
                "{name} has {total} {kind} created at {from}{since}, and its API shows {WINDOW} of a list: {missing} of them cannot be \
                 read. Read them from its search server (import opensearch) or from files (import repository)",
                name = self.api.name(),
                total = look.total,
                kind = self.kind.as_str(),
                missing = look.total - WINDOW,
            )));
        }
        let half = Timestamp::from_millisecond(half).unwrap_or(to);
        self.spans.pop();
        self.spans.push((Some(half), span.1));
        self.spans.push((span.0, Some(half)));
        Ok(true)
    }

    async fn one_community(&mut self) -> Result<Fetched, SourceError> {
        self.spans.clear();
        let name = self.community.clone().unwrap_or_default();
        let found = self.fetch_community(&name).await?;
        let Some(document) = found else {
            return Err(SourceError::Wrong(format!("{} has no community {name}", self.api.name())));
        };
        Ok(Fetched {
            documents: vec![document],
            at: self.position(),
            is_last: true,
            total: Some(1),
            ..Fetched::default()
        })
    }

    async fn fetch_community(&mut self, name: &str) -> Result<Option<Value>, SourceError> {
        let Some(document) = self.api.community(name).await? else { return Ok(None) };
        let document = convert::community(document, None);
        if let (Some(slug), Some(id)) = (document["slug"].as_str(), document["id"].as_str()) {
            self.slugs.insert(slug.to_owned(), id.to_owned());
        }
        Ok(Some(document))
    }

    async fn take(&mut self, hit: Value, fetched: &mut Fetched) -> Result<(), SourceError> {
        if self.kind == Kind::Communities {
            let document = convert::community(hit, None);
            if let (Some(slug), Some(id)) = (document["slug"].as_str(), document["id"].as_str()) {
                self.slugs.insert(slug.to_owned(), id.to_owned());
            }
            fetched.documents.push(document);
            return Ok(());
        }
        if convert::is_legacy(&hit) {
            for slug in convert::legacy_communities(&hit) {
                if !self.slugs.contains_key(&slug) {
                    let found = self.fetch_community(&slug).await?;
                    // Asked once: a community that may not be seen stands for itself by its slug.
                    self.slugs.entry(slug.clone()).or_insert(slug);
                    fetched.communities.extend(found);
                }
            }
        }
        let (id, document, figures) = self.record(hit);
        fetched.figures.extend(id.zip(figures));
        fetched.documents.push(document);
        Ok(())
    }

    /// A record in our shape, its id, and what the source counted for it.
    fn record(&self, hit: Value) -> (Option<String>, Value, Option<Value>) {
        let (hit, stats) = convert::without_stats(hit);
        let document =
            if convert::is_legacy(&hit) { convert::legacy_record(&hit, &self.slugs) } else { convert::record(hit) };
        let parent = document.pointer("/parent/id").and_then(Value::as_str);
        let figures = stats.and_then(|stats| convert::figures(&stats, parent));
        (document["id"].as_str().map(str::to_owned), document, figures)
    }

    /// Asks for a record that is stored as living and that the list did not have.
    pub async fn deleted(&mut self, id: &str, mut stored: Value, now: Timestamp) -> Result<Fate, SourceError> {
        match self.api.record(id).await? {
            Found::Missing => Ok(Fate::Missing),
            Found::There(hit) => {
                let mut fetched = Fetched::default();
                self.kind = Kind::Records;
                self.take(*hit, &mut fetched).await?;
                Ok(Fate::There(Box::new(fetched)))
            }
            Found::Gone(mut tombstone) => {
                if !tombstone.is_object() {
                    tombstone = json!({});
                }
                if !tombstone["removal_date"].is_string() {
                    // It was there when it was last read: it went since, and nobody says when.
                    tombstone["removal_date"] = json!(now.to_string());
                }
                stored["is_deleted"] = json!(true);
                stored["tombstone"] = tombstone;
                Ok(Fate::Deleted(stored))
            }
        }
    }
}
