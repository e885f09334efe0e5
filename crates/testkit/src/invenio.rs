//! A fake repository on loopback: the lists, records and tombstones of InvenioRDM's REST API, its limits, and a log.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::door::{Asked, Door, JsonReply};

/// A request and the ids of the documents in its answer.
#[derive(Debug, Clone)]
pub struct Given {
    pub asked: Asked,
    pub at: Instant,
    pub status: u16,
    pub ids: Vec<String>,
}

#[derive(Default)]
struct State {
    records: BTreeMap<String, Value>,
    communities: Vec<Value>,
    tombstones: BTreeMap<String, Value>,
    token: Option<String>,
    /// Largest page.
    largest: usize,
    /// Requests that are refused with 429 and this `Retry-After`: after so many, so many.
    throttled: Option<(usize, usize, u64)>,
    slow: Duration,
    log: Vec<Given>,
}

/// The server; it ends with the runtime of the test.
#[derive(Clone)]
pub struct FakeInvenio {
    base: String,
    state: Arc<Mutex<State>>,
}

/// No list shows more than this.
const SHOWN: usize = 10_000;

impl FakeInvenio {
    /// Starts on a free port of loopback. Panics when there is none, which only a broken machine has.
    pub async fn start() -> Self {
        let door = Door::open().await;
        let state = State { largest: 1000, ..State::default() };
        let fake = Self { base: door.base("http"), state: Arc::new(Mutex::new(state)) };
        let server = fake.clone();
        door.serve_json(move |asked| {
            let server = server.clone();
            async move {
                let slow = server.lock().slow;
                if !slow.is_zero() {
                    tokio::time::sleep(slow).await;
                }
                Some(server.answer(&asked))
            }
        });
        fake
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// Puts records by their `id` (a text, or a number as Zenodo writes it).
    pub fn records(&self, records: impl IntoIterator<Item = Value>) {
        let mut state = self.lock();
        for record in records {
            state.records.insert(id_of(&record), record);
        }
    }

    pub fn communities(&self, communities: impl IntoIterator<Item = Value>) {
        self.lock().communities.extend(communities);
    }

    /// Takes a record out of the lists; asked for itself it answers 410 with this tombstone.
    pub fn delete(&self, id: &str, tombstone: Value) {
        let mut state = self.lock();
        state.records.remove(id);
        state.tombstones.insert(id.to_owned(), tombstone);
    }

    /// Takes a record away without a trace.
    pub fn forget_record(&self, id: &str) {
        self.lock().records.remove(id);
    }

    /// From now on only requests with this bearer token are answered.
    pub fn ask_for(&self, token: &str) {
        self.lock().token = Some(token.to_owned());
    }

    pub fn largest_page(&self, size: usize) {
        self.lock().largest = size;
    }

    /// How long every answer takes.
    pub fn slow(&self, time: Duration) {
        self.lock().slow = time;
    }

    /// After so many requests, so many are refused with 429.
    pub fn throttle(&self, after: usize, times: usize, retry_after: u64) {
        self.lock().throttled = Some((after, times, retry_after));
    }

    pub fn log(&self) -> Vec<Given> {
        self.lock().log.clone()
    }

    pub fn forget(&self) {
        self.lock().log.clear();
    }

    /// How often each document was given in a list, by id.
    pub fn given(&self) -> BTreeMap<String, usize> {
        let mut given = BTreeMap::new();
        for one in &self.lock().log {
            for id in &one.ids {
                *given.entry(id.clone()).or_default() += 1;
            }
        }
        given
    }

    fn answer(&self, asked: &Asked) -> JsonReply {
        let mut state = self.lock();
        let mut ids = Vec::new();
        let mut headers = String::new();
        let (status, body) = match &mut state.throttled {
            Some((0, times, wait)) if *times > 0 => {
                *times -= 1;
                headers = format!("retry-after: {wait}\r\nx-ratelimit-limit: 60\r\nx-ratelimit-remaining: 0\r\n");
                (429, json!({"status": 429, "message": "60 per 1 minute"}))
            }
            throttled => {
                if let Some((after, _, _)) = throttled {
                    *after = after.saturating_sub(1);
                }
                state.right(asked, &self.base, &mut ids)
            }
        };
        state.log.push(Given { asked: asked.clone(), at: Instant::now(), status, ids });
        (status, headers, body)
    }
}

fn id_of(document: &Value) -> String {
    document["id"].as_str().map_or_else(|| document["id"].to_string(), str::to_owned)
}

impl State {
    fn right(&self, asked: &Asked, base: &str, ids: &mut Vec<String>) -> (u16, Value) {
        let wrong = |status: u16, message: &str| (status, json!({"status": status, "message": message}));
        let bearer = asked.headers.get("authorization").map(String::as_str);
        if let Some(token) = &self.token
            && bearer != Some(format!("Bearer {token}").as_str())
        {
            return wrong(401, "The server could not verify that you are authorized to access the URL requested.");
        }
        let parameters = parameters(&asked.query);
        match asked.path.as_str() {
            "/api/records" => self.list(self.records.values().collect(), &asked.path, &parameters, base, ids),
            "/api/communities" => self.list(self.communities.iter().collect(), &asked.path, &parameters, base, ids),
            path => {
                if let Some(id) = path.strip_prefix("/api/records/") {
                    return match (self.records.get(id), self.tombstones.get(id)) {
                        (Some(record), _) => (200, record.clone()),
                        (None, Some(tombstone)) => {
                            (410, json!({"status": 410, "message": "Record deleted", "tombstone": tombstone}))
                        }
                        (None, None) => wrong(404, "The persistent identifier does not exist."),
                    };
                }
                let Some(rest) = path.strip_prefix("/api/communities/") else { return wrong(404, "Not found") };
                let name = rest.strip_suffix("/records").unwrap_or(rest);
                let community = self.communities.iter().find(|c| c["id"] == name || c["slug"] == name);
                let Some(community) = community else { return wrong(404, "The community does not exist.") };
                if rest == name {
                    return (200, community.clone());
                }
                let inside = |record: &&Value| {
                    let new = record.pointer("/parent/communities/ids").and_then(Value::as_array);
                    let old = record.pointer("/metadata/communities").and_then(Value::as_array);
                    new.is_some_and(|list| list.contains(&community["id"]))
                        || old.is_some_and(|list| list.iter().any(|c| c["id"] == community["slug"]))
                };
                self.list(self.records.values().filter(inside).collect(), path, &parameters, base, ids)
            }
        }
    }

    fn list(
        &self,
        mut found: Vec<&Value>,
        path: &str,
        parameters: &BTreeMap<String, String>,
        base: &str,
        ids: &mut Vec<String>,
    ) -> (u16, Value) {
        let number = |name: &str, default: usize| parameters.get(name).and_then(|n| n.parse().ok()).unwrap_or(default);
        let (page, size) = (number("page", 1), number("size", 10));
        if size > self.largest {
            return (
                400,
                json!({"status": 400, "message": format!("Page size cannot be greater than {}.", self.largest)}),
            );
        }
        if page * size > SHOWN {
            return (400, json!({"status": 400, "message": "Maximum number of 10000 results have been reached."}));
        }
        for range in parameters.get("q").map(String::as_str).unwrap_or("").split(" AND ").filter(|q| !q.is_empty()) {
            let Some((field, from, to)) = range_of(range) else {
                return (400, json!({"status": 400, "message": format!("the query {range} is not understood")}));
            };
            found.retain(|document| {
                let at = document[field].as_str().and_then(instant);
                at.is_some_and(|at| from.is_none_or(|from| at >= from) && to.is_none_or(|to| at < to))
            });
        }
        found.sort_by_cached_key(|document| (document["created"].as_str().and_then(instant), id_of(document)));
        let total = found.len();
        let hits: Vec<&Value> = found.into_iter().skip((page - 1) * size).take(size).collect();
        ids.extend(hits.iter().map(|document| id_of(document)));
        let mut links = json!({});
        if page * size < total.min(SHOWN) {
            let mut next = parameters.clone();
            next.insert("page".to_owned(), (page + 1).to_string());
            let query: Vec<String> = next.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
            links["next"] = json!(format!("{base}{path}?{}", query.join("&")));
        }
        (200, json!({"hits": {"hits": hits, "total": total}, "links": links}))
    }
}

/// `field:["from" TO "to"}`, with `*` for an open end.
fn range_of(text: &str) -> Option<(&str, Option<jiff::Timestamp>, Option<jiff::Timestamp>)> {
    let (field, range) = text.split_once(":[")?;
    let (from, to) = range.strip_suffix(['}', ']'])?.split_once(" TO ")?;
    let bound = |text: &str| match text.trim_matches('"') {
        "*" => Some(None),
        text => instant(text).map(Some),
    };
    Some((field, bound(from)?, bound(to)?))
}

fn instant(text: &str) -> Option<jiff::Timestamp> {
    text.parse().ok().or_else(|| format!("{text}Z").parse().ok())
}

fn parameters(query: &str) -> BTreeMap<String, String> {
    query
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| (name.to_owned(), decoded(value)))
        .collect()
}

fn decoded(text: &str) -> String {
    let mut bytes = Vec::new();
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        match byte {
            b'+' => bytes.push(b' '),
            b'%' => {
                let digits = [rest.next().unwrap_or(b'0'), rest.next().unwrap_or(b'0')];
                bytes.push(u8::from_str_radix(&String::from_utf8_lossy(&digits), 16).unwrap_or(b'?'));
            }
            other => bytes.push(other),
        }
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn encoded(text: &str) -> String {
    text.bytes().fold(String::new(), |mut out, byte| {
        if byte.is_ascii_alphanumeric() {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
        out
    })
}
