//! A reader of the REST API of InvenioRDM: lists page by page, single records, tombstones.
//!
//! `links.next` is followed on the address we were given, whatever host it names: a token goes to the host it was meant for.

use std::time::Duration;

use serde_json::Value;

use crate::{Answer, Ask, CollectError, HttpClient, search::base_and_name};

/// A page of a list.
#[derive(Debug, Clone)]
pub struct ListPage {
    pub hits: Vec<Value>,
    /// Documents the whole list has now.
    pub total: u64,
    /// Path and query of the next page.
    pub next: Option<String>,
}

/// What became of a record.
#[derive(Debug, Clone, PartialEq)]
pub enum Found {
    There(Box<Value>),
    /// Deleted: its tombstone as the server shows it (an object, or null when it shows none).
    Gone(Value),
    Missing,
}

/// A repository's API.
pub struct InvenioApi {
    http: HttpClient,
    base: String,
    name: String,
    token: Option<String>,
    gap: Duration,
}

impl InvenioApi {
    /// `url` is the site's address (`https://repository.example.org`), `gap` the least time between two requests.
    ///
    /// Errors: the address is no http(s) URL or holds credentials.
    pub fn new(http: HttpClient, url: &str, token: Option<String>, gap: Duration) -> Result<Self, CollectError> {
        let (base, name) = base_and_name(url)?;
        let base = base.strip_suffix("/api").unwrap_or(&base).to_owned();
        Ok(Self { http, base, name, token, gap })
    }

    /// The server's name in messages: host and port.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Path and query of a list's first page.
    pub fn first(path: &str, parameters: &[(&str, &str)]) -> String {
        let query: String = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(parameters).finish();
        format!("{path}?{query}")
    }

    /// A page of a list, by the path and query of [`InvenioApi::first`] or of [`ListPage::next`].
    pub async fn list(&self, page: &str) -> Result<ListPage, CollectError> {
        let mut answer = self.ask(page, &[]).await?.json()?;
        let total = match &answer["hits"]["total"] {
            // The API before InvenioRDM, and some versions behind it.
            Value::Object(total) => total.get("value").and_then(Value::as_u64),
            total => total.as_u64(),
        };
        let total = total.ok_or_else(|| self.shape("a list without hits.total"))?;
        let next = answer.pointer("/links/next").and_then(Value::as_str).map(|url| self.path_of(url)).transpose()?;
        if next.as_deref() == Some(page) {
            return Err(self.shape("links.next leads to the page it stands on"));
        }
        let Value::Array(hits) = answer["hits"]["hits"].take() else { return Err(self.shape("a list without hits")) };
        Ok(ListPage { hits, total, next })
    }

    /// A record, its tombstone, or that it is not there.
    pub async fn record(&self, id: &str) -> Result<Found, CollectError> {
        let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
        let answer = self.ask(&format!("/api/records/{id}"), &[404, 410]).await?;
        match answer.status {
            404 => Ok(Found::Missing),
            410 => {
                // A 410 without JSON still says that it is gone.
                let body = answer.json().unwrap_or(Value::Null);
                Ok(Found::Gone(body.get("tombstone").cloned().unwrap_or(Value::Null)))
            }
            _ => Ok(Found::There(Box::new(answer.json()?))),
        }
    }

    /// A community by id or slug; `None` when it is not there for us.
    pub async fn community(&self, name: &str) -> Result<Option<Value>, CollectError> {
        let name: String = url::form_urlencoded::byte_serialize(name.as_bytes()).collect();
        let answer = self.ask(&format!("/api/communities/{name}"), &[403, 404, 410]).await?;
        if answer.status == 200 { answer.json().map(Some) } else { Ok(None) }
    }

    fn path_of(&self, url: &str) -> Result<String, CollectError> {
        let parsed = url::Url::parse(&self.base).and_then(|base| base.join(url));
        let parsed = parsed.map_err(|_| self.shape("links.next is no URL"))?;
        let at = parsed.path().find("/api/").ok_or_else(|| self.shape("links.next is no address of the API"))?;
        let query = parsed.query().map(|query| format!("?{query}")).unwrap_or_default();
        Ok(format!("{}{query}", &parsed.path()[at..]))
    }

    fn shape(&self, reason: &str) -> CollectError {
        CollectError::Shape { upstream: self.name.clone(), reason: reason.to_owned() }
    }

    async fn ask(&self, path: &str, answers: &'static [u16]) -> Result<Answer, CollectError> {
        let mut ask = Ask::get(&self.name, format!("{}{path}", self.base))
            .header("accept", "application/json")
            .throttle(self.gap);
        ask.token.clone_from(&self.token);
        // What a token may not see must not come back as less.
        ask.public = false;
        ask.answers = answers;
        ask.timeout = Some(Duration::from_secs(60));
        self.http.ask(&ask).await
    }
}
