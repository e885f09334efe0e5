//! A reader of OpenSearch and Elasticsearch: point-in-time paging with a stable order, and never half an answer.
//!
//! A point in time is opened with the first page, renewed by every page, and closed at the end. One that expired is opened anew and the
//! reading goes on after the last sort key, which is why the order must not depend on it: a date, then the document's id. Servers without
//! points in time (OpenSearch before 2.4, Elasticsearch before 7.10) are paged in the same order without one.

use std::time::Duration;

use base64::{Engine, prelude::BASE64_STANDARD};
use serde_json::{Map, Value, json};
use tokio::sync::OnceCell;

use crate::{Answer, Ask, CollectError, HttpClient, http::Method};

/// How long a server keeps a point in time that nobody asks.
const KEEP_ALIVE: &str = "5m";
/// Points in time opened one after the other without a page in between.
const REOPENED: u32 = 5;

/// Who we are to a server. Never shown.
#[derive(Clone)]
pub enum Credentials {
    Basic {
        user: String,
        password: String,
    },
    /// An Elasticsearch API key, encoded as the server gave it.
    ApiKey(String),
    Bearer(String),
}

impl std::fmt::Debug for Credentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Credentials(hidden)")
    }
}

impl Credentials {
    /// Reads `user:password`, `ApiKey …` or `Bearer …` from the first line of a text. `None` when it is none of these.
    pub fn from_text(text: &str) -> Option<Self> {
        let line = text.lines().next().unwrap_or("").trim();
        if let Some(key) = line.strip_prefix("ApiKey ") {
            return Some(Self::ApiKey(key.trim().to_owned()));
        }
        if let Some(token) = line.strip_prefix("Bearer ") {
            return Some(Self::Bearer(token.trim().to_owned()));
        }
        let (user, password) = line.split_once(':')?;
        (!user.is_empty()).then(|| Self::Basic { user: user.to_owned(), password: password.to_owned() })
    }

    fn header(&self) -> String {
        match self {
            Self::Basic { user, password } => {
                format!("Basic {}", BASE64_STANDARD.encode(format!("{user}:{password}")))
            }
            Self::ApiKey(key) => format!("ApiKey {key}"),
            Self::Bearer(token) => format!("Bearer {token}"),
        }
    }
}

/// An index as the server lists it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Index {
    pub name: String,
    pub documents: u64,
}

/// A document as a search gave it.
#[derive(Debug, Clone, PartialEq)]
pub struct Hit {
    pub index: String,
    pub id: String,
    pub source: Value,
}

/// A page of a reading.
#[derive(Debug, Clone, Default)]
pub struct Page {
    pub hits: Vec<Hit>,
    /// Documents of the whole reading; on its first page only.
    pub total: Option<u64>,
    /// Whether this was the last page.
    pub is_last: bool,
}

/// One index (or alias) being read from its first document to its last.
#[derive(Debug, Clone)]
pub struct Reading {
    pub index: String,
    /// What is wanted; `Value::Null` for everything.
    pub query: Value,
    /// The date it is ordered by.
    pub date: String,
    /// Fields that tell documents of one instant apart; `_id`, or what stands for it where a server does not sort by it.
    pub ties: Vec<String>,
    /// Fields to take instead when a server refuses to sort by `_id`.
    pub other_ties: Vec<String>,
    /// Fields left out of the documents.
    pub without: Vec<String>,
    pub size: usize,
    /// Sort values of the last document seen; the reading goes on behind it.
    pub after: Option<Vec<Value>>,
    point: Option<String>,
    reopened: u32,
}

impl Reading {
    pub fn new(index: impl Into<String>, date: &str, other_ties: &[&str], size: usize) -> Self {
        Self {
            index: index.into(),
            query: Value::Null,
            date: date.to_owned(),
            ties: vec!["_id".to_owned()],
            other_ties: other_ties.iter().map(|&f| f.to_owned()).collect(),
            without: Vec::new(),
            size: size.max(1),
            after: None,
            point: None,
            reopened: 0,
        }
    }

    /// Where it stands, for going on in another process.
    pub fn position(&self) -> Value {
        json!({"ties": self.ties, "after": self.after})
    }

    /// Goes on where [`Reading::position`] was taken.
    pub fn resume(&mut self, position: &Value) {
        let ties = position["ties"].as_array().map(|list| list.iter().filter_map(Value::as_str).map(str::to_owned));
        if let (Some(ties), Some(after)) = (ties, position["after"].as_array()) {
            self.ties = ties.collect();
            self.after = Some(after.clone());
        }
    }

    fn sort(&self) -> Value {
        // A document without the date sorts as 1970, so that its sort value can be sent back to any server.
        let first = json!({&self.date: {"order": "asc", "missing": 0, "unmapped_type": "date"}});
        let mut sort = vec![first];
        sort.extend(self.ties.iter().map(|field| match field.as_str() {
            "_id" => json!({"_id": {"order": "asc"}}),
            field => json!({field: {"order": "asc", "missing": "", "unmapped_type": "keyword"}}),
        }));
        Value::Array(sort)
    }
}

/// How a server wants points in time to be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Points {
    OpenSearch,
    Elasticsearch,
    None,
}

/// A search server.
pub struct SearchServer {
    http: HttpClient,
    base: String,
    name: String,
    credentials: Option<Credentials>,
    gap: Duration,
    points: OnceCell<Points>,
}

impl SearchServer {
    /// `gap` is the least time between two requests. Errors: the address is no http(s) URL, or holds credentials (they belong elsewhere).
    pub fn new(
        http: HttpClient,
        url: &str,
        credentials: Option<Credentials>,
        gap: Duration,
    ) -> Result<Self, CollectError> {
        let (base, name) = base_and_name(url)?;
        Ok(Self { http, base, name, credentials, gap, points: OnceCell::new() })
    }

    /// The server's name in messages: host and port.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The concrete indices behind a name, alias or pattern, by name. None behind it is an empty list.
    pub async fn indices(&self, pattern: &str) -> Result<Vec<Index>, CollectError> {
        let path = format!("_cat/indices/{}?format=json&h=index,docs.count,status&s=index", encoded(pattern));
        let answer = match self.ask(Method::GET, &path, None).await {
            Ok(answer) => answer,
            Err(error) if error.is_not_found() => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        let Value::Array(list) = answer.json()? else {
            return Err(self.shape("the list of indices is no list"));
        };
        let mut found = Vec::new();
        for line in list {
            let Some(name) = line["index"].as_str() else { return Err(self.shape("an index without a name")) };
            if line["status"].as_str() == Some("close") {
                return Err(self.shape(&format!("the index {name} is closed; open it or leave its kind out")));
            }
            let documents = line["docs.count"].as_str().and_then(|n| n.parse().ok()).or(line["docs.count"].as_u64());
            found.push(Index { name: name.to_owned(), documents: documents.unwrap_or(0) });
        }
        found.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(found)
    }

    /// How many documents of an index match; `Value::Null` counts all.
    pub async fn count(&self, index: &str, query: &Value) -> Result<u64, CollectError> {
        let body = if query.is_null() { json!({}) } else { json!({ "query": query }) };
        let answer = self.ask(Method::POST, &format!("{}/_count", encoded(index)), Some(body)).await?.json()?;
        self.whole(&answer)?;
        answer["count"].as_u64().ok_or_else(|| self.shape("a count without a number"))
    }

    /// The next page of a reading; `reading.after` stands behind it afterwards.
    ///
    /// Errors: those of [`HttpClient::ask`] after its tries; answers that are not whole (a shard failed, or time ran out) after as many.
    /// A body over the client's limit halves the page and is asked again.
    pub async fn page(&self, reading: &mut Reading) -> Result<Page, CollectError> {
        let mut tried = 0;
        loop {
            let answer = match self.search(reading).await {
                Ok(answer) => answer,
                Err(error) if is_expired(&error) && reading.point.is_some() && reading.reopened < REOPENED => {
                    tracing::info!(server = %self.name, index = %reading.index, "the point in time expired; opening another");
                    reading.point = None;
                    reading.reopened += 1;
                    continue;
                }
                Err(error) if refuses_ids(&error) && reading.after.is_none() && reading.ties == ["_id"] => {
                    reading.ties.clone_from(&reading.other_ties);
                    continue;
                }
                Err(CollectError::TooLarge { .. }) if reading.size > 1 => {
                    reading.size = reading.size.div_ceil(2);
                    continue;
                }
                Err(error) => return Err(error),
            };
            if let Err(error) = self.whole(&answer) {
                tried += 1;
                if tried >= self.http.tries() {
                    return Err(error);
                }
                tracing::warn!(server = %self.name, %error, "asking again");
                self.http.back_off(tried).await;
                continue;
            }
            reading.reopened = 0;
            return self.taken(reading, answer);
        }
    }

    /// Gives the reading's point in time back. A server that no longer knows it is not asked twice.
    pub async fn close(&self, reading: &mut Reading) {
        let Some(point) = reading.point.take() else { return };
        let (path, body) = match self.points.get() {
            Some(Points::OpenSearch) => ("_search/point_in_time", json!({"pit_id": [point]})),
            _ => ("_pit", json!({ "id": point })),
        };
        if let Err(error) = self.ask(Method::DELETE, path, Some(body)).await {
            tracing::debug!(server = %self.name, %error, "a point in time was not closed");
        }
    }

    async fn search(&self, reading: &mut Reading) -> Result<Value, CollectError> {
        if reading.point.is_none() {
            reading.point = self.open(&reading.index).await?;
        }
        let mut body = Map::new();
        body.insert("size".to_owned(), json!(reading.size));
        body.insert("sort".to_owned(), reading.sort());
        body.insert("track_total_hits".to_owned(), json!(reading.after.is_none()));
        if !reading.query.is_null() {
            body.insert("query".to_owned(), reading.query.clone());
        }
        if !reading.without.is_empty() {
            body.insert("_source".to_owned(), json!({"excludes": reading.without}));
        }
        if let Some(after) = &reading.after {
            body.insert("search_after".to_owned(), json!(after));
        }
        let path = match &reading.point {
            Some(point) => {
                body.insert("pit".to_owned(), json!({"id": point, "keep_alive": KEEP_ALIVE}));
                "_search?allow_partial_search_results=false".to_owned()
            }
            None => format!("{}/_search?allow_partial_search_results=false", encoded(&reading.index)),
        };
        let answer = self.ask(Method::POST, &path, Some(Value::Object(body))).await?.json()?;
        // Every answer may bring another id for the same point in time.
        if let (Some(_), Some(point)) = (&reading.point, answer["pit_id"].as_str()) {
            reading.point = Some(point.to_owned());
        }
        Ok(answer)
    }

    fn taken(&self, reading: &mut Reading, mut answer: Value) -> Result<Page, CollectError> {
        let total = match &answer["hits"]["total"] {
            Value::Object(total) => total.get("value").and_then(Value::as_u64),
            total => total.as_u64(),
        };
        let total = total.filter(|_| reading.after.is_none());
        let Value::Array(list) = answer["hits"]["hits"].take() else {
            return Err(self.shape("a search without hits"));
        };
        let is_last = list.len() < reading.size;
        let mut hits = Vec::with_capacity(list.len());
        for mut hit in list {
            let Value::Array(sort) = hit["sort"].take() else { return Err(self.shape("a hit without sort values")) };
            let (Some(index), Some(id)) = (hit["_index"].as_str(), hit["_id"].as_str()) else {
                return Err(self.shape("a hit without index or id"));
            };
            let (index, id) = (index.to_owned(), id.to_owned());
            reading.after = Some(sort);
            hits.push(Hit { index, id, source: hit["_source"].take() });
        }
        Ok(Page { hits, total, is_last })
    }

    /// Opens a point in time, in the server's own way; `None` where it has none.
    async fn open(&self, index: &str) -> Result<Option<String>, CollectError> {
        let points = *self.points.get_or_try_init(|| self.way()).await?;
        let (path, field) = match points {
            Points::OpenSearch => ("_search/point_in_time", "pit_id"),
            Points::Elasticsearch => ("_pit", "id"),
            Points::None => return Ok(None),
        };
        let path = format!("{}/{path}?keep_alive={KEEP_ALIVE}", encoded(index));
        let answer = self.ask(Method::POST, &path, None).await?.json()?;
        self.whole(&answer)?;
        let point = answer[field].as_str().ok_or_else(|| self.shape("a point in time without an id"))?;
        Ok(Some(point.to_owned()))
    }

    async fn way(&self) -> Result<Points, CollectError> {
        let answer = self.ask(Method::GET, "", None).await?.json()?;
        let version = &answer["version"];
        let number = version["number"].as_str().unwrap_or("");
        let mut parts = number.split('.').map(|part| part.parse::<u32>().unwrap_or(0));
        let number = (parts.next().unwrap_or(0), parts.next().unwrap_or(0));
        Ok(match version["distribution"].as_str() {
            Some("opensearch") if number >= (2, 4) => Points::OpenSearch,
            Some(_) => Points::None,
            None if number >= (7, 10) => Points::Elasticsearch,
            None if number > (0, 0) => Points::None,
            None => return Err(self.shape("the server does not say what it is; is this a search server?")),
        })
    }

    /// An answer some shards did not take part in is no answer.
    fn whole(&self, answer: &Value) -> Result<(), CollectError> {
        if answer["timed_out"].as_bool() == Some(true) {
            return Err(self.shape("the search ran out of time and gave a part of the answer only"));
        }
        let shards = &answer["_shards"];
        let (failed, total) = (shards["failed"].as_u64().unwrap_or(0), shards["total"].as_u64().unwrap_or(0));
        if failed == 0 {
            return Ok(());
        }
        let reason = shards["failures"][0]["reason"]["reason"].as_str().unwrap_or("no reason given");
        Err(self.shape(&format!("{failed} of {total} shards failed ({reason})")))
    }

    fn shape(&self, reason: &str) -> CollectError {
        CollectError::Shape { upstream: self.name.clone(), reason: crate::http::one_line(reason, 200) }
    }

    async fn ask(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer, CollectError> {
        let mut ask = Ask { method, json: body, ..Ask::get(&self.name, format!("{}/{path}", self.base)) };
        ask.throttle = self.gap;
        ask.timeout = Some(Duration::from_secs(120));
        if let Some(credentials) = &self.credentials {
            ask = ask.header("authorization", credentials.header());
        }
        self.http.ask(&ask).await
    }
}

/// The address without its last slash, and host with port for messages.
pub(crate) fn base_and_name(url: &str) -> Result<(String, String), CollectError> {
    let refuse = |reason: &str| CollectError::Shape { upstream: "the source".to_owned(), reason: reason.to_owned() };
    let parsed = url::Url::parse(url).map_err(|_| refuse("its address is no URL (https://host:port)"))?;
    if !matches!(parsed.scheme(), "http" | "https") {
        return Err(refuse("its address is neither http nor https"));
    }
    if !parsed.username().is_empty() || parsed.password().is_some() {
        return Err(refuse("its address holds a user or password; give them by environment or --credentials-file"));
    }
    let Some(host) = parsed.host_str() else { return Err(refuse("its address names no host")) };
    let name = parsed.port().map_or_else(|| host.to_owned(), |port| format!("{host}:{port}"));
    let mut base = parsed.clone();
    base.set_query(None);
    base.set_fragment(None);
    Ok((base.as_str().trim_end_matches('/').to_owned(), name))
}

/// Index names in a path: letters, digits and what patterns need stay as they are.
fn encoded(name: &str) -> String {
    name.bytes().fold(String::new(), |mut text, byte| {
        if byte.is_ascii_alphanumeric() || b"-_.*,".contains(&byte) {
            text.push(char::from(byte));
        } else {
            text.push_str(&format!("%{byte:02X}"));
        }
        text
    })
}

fn is_expired(error: &CollectError) -> bool {
    let CollectError::Status { status, detail, .. } = error else { return false };
    *status == 404 && (detail.contains("search_context_missing") || detail.contains("No search context"))
}

fn refuses_ids(error: &CollectError) -> bool {
    let CollectError::Status { status: 400, detail, .. } = error else { return false };
    detail.contains("_id") && detail.to_lowercase().contains("fielddata")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn credentials_come_from_a_line_and_are_never_shown() {
        let basic = Credentials::from_text("reader:pa:ss\nignored\n").expect("basic");
        assert_eq!(basic.header(), "Basic cmVhZGVyOnBhOnNz");
        assert_eq!(format!("{basic:?}"), "Credentials(hidden)");
        assert_eq!(Credentials::from_text("ApiKey abc==").expect("key").header(), "ApiKey abc==");
        assert!(Credentials::from_text("nonsense").is_none() && Credentials::from_text("").is_none());
    }

    #[test]
    fn an_address_with_a_password_is_refused_without_repeating_it() {
        let error = base_and_name("https://me:s3cret@search:9200").expect_err("refused").to_string();
        assert!(error.contains("--credentials-file") && !error.contains("s3cret"), "{error}");
        assert_eq!(
            base_and_name("https://search:9200/path/").expect("fine"),
            ("https://search:9200/path".to_owned(), "search:9200".to_owned())
        );
    }
}
