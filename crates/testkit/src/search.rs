//! A fake search server on loopback: answers as OpenSearch and Elasticsearch do to what Tallykeep asks, misbehaves on request, and logs
//! what it was asked and which documents it gave.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use serde_json::{Value, json};

use crate::door::{Asked, Door, JsonReply};

/// Which server it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Flavour {
    /// Points in time by `_search/point_in_time`.
    OpenSearch2,
    /// No points in time.
    OpenSearch1,
    /// Points in time by `_pit`, sorting by `_id` allowed.
    Elasticsearch7,
    /// The same, sorting by `_id` refused.
    Elasticsearch8,
}

/// How to fail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fault {
    /// A status, with `Retry-After` in seconds or without.
    Status(u16, Option<u64>),
    /// The point in time of the search is forgotten, then answered for.
    ExpirePoint,
    /// 200, with hits of half the shards.
    FailedShard,
    /// 200, and `timed_out`.
    TimedOut,
    /// The connection ends without a word.
    HangUp,
}

struct Rule {
    part: String,
    fault: Fault,
    /// Requests that match and are answered well first.
    after: usize,
    left: usize,
}

/// A request and what was given.
#[derive(Debug, Clone)]
pub struct Served {
    pub asked: Asked,
    pub at: Instant,
    pub status: u16,
    /// `index/id` of the documents in the answer.
    pub documents: Vec<String>,
}

struct State {
    flavour: Flavour,
    indices: BTreeMap<String, BTreeMap<String, Value>>,
    aliases: BTreeMap<String, Vec<String>>,
    points: BTreeMap<String, String>,
    opened: usize,
    credentials: Option<String>,
    slow: Duration,
    rules: Vec<Rule>,
    log: Vec<Served>,
}

/// The server; it ends with the runtime of the test.
#[derive(Clone)]
pub struct FakeSearch {
    base: String,
    state: Arc<Mutex<State>>,
}

impl FakeSearch {
    /// Starts on a free port of loopback. Panics when there is none, which only a broken machine has.
    pub async fn start(flavour: Flavour) -> Self {
        let door = Door::open().await;
        let state = State {
            flavour,
            indices: BTreeMap::new(),
            aliases: BTreeMap::new(),
            points: BTreeMap::new(),
            opened: 0,
            credentials: None,
            slow: Duration::ZERO,
            rules: Vec::new(),
            log: Vec::new(),
        };
        let fake = Self { base: door.base("http"), state: Arc::new(Mutex::new(state)) };
        let server = fake.clone();
        door.serve_json(move |asked| {
            let server = server.clone();
            async move {
                let slow = server.lock().slow;
                if !slow.is_zero() {
                    tokio::time::sleep(slow).await;
                }
                server.answer(&asked)
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

    /// Puts documents into an index by their ids; one with a known id replaces it.
    pub fn put(&self, index: &str, documents: impl IntoIterator<Item = (String, Value)>) {
        self.lock().indices.entry(index.to_owned()).or_default().extend(documents);
    }

    pub fn remove_index(&self, index: &str) {
        self.lock().indices.remove(index);
    }

    pub fn alias(&self, alias: &str, indices: &[&str]) {
        self.lock().aliases.insert(alias.to_owned(), indices.iter().map(|&index| index.to_owned()).collect());
    }

    /// From now on only requests with this `Authorization` are answered.
    pub fn ask_for(&self, authorization: &str) {
        self.lock().credentials = Some(authorization.to_owned());
    }

    /// How long every answer takes.
    pub fn slow(&self, time: Duration) {
        self.lock().slow = time;
    }

    /// Fails requests whose line or body contains `part`: after so many good ones, so many times.
    pub fn misbehave(&self, part: &str, fault: Fault, after: usize, times: usize) {
        self.lock().rules.push(Rule { part: part.to_owned(), fault, after, left: times });
    }

    pub fn log(&self) -> Vec<Served> {
        self.lock().log.clone()
    }

    pub fn forget(&self) {
        self.lock().log.clear();
    }

    /// Points in time that were opened and not closed.
    pub fn open_points(&self) -> usize {
        self.lock().points.len()
    }

    /// How often each document of an index was given, by `index/id`.
    pub fn given(&self) -> BTreeMap<String, usize> {
        let mut given = BTreeMap::new();
        for served in &self.lock().log {
            for document in &served.documents {
                *given.entry(document.clone()).or_default() += 1;
            }
        }
        given
    }

    fn answer(&self, asked: &Asked) -> Option<JsonReply> {
        let mut state = self.lock();
        let fault = state.fault(asked);
        let mut headers = String::new();
        let mut documents = Vec::new();
        let authorized =
            state.credentials.as_ref().is_none_or(|wanted| asked.headers.get("authorization") == Some(wanted));
        let (status, body) = match fault {
            Some(Fault::HangUp) => {
                let served = Served { asked: asked.clone(), at: Instant::now(), status: 0, documents };
                state.log.push(served);
                return None;
            }
            Some(Fault::Status(status, wait)) => {
                if let Some(wait) = wait {
                    headers = format!("retry-after: {wait}\r\n");
                }
                (
                    status,
                    json!({"error": {"type": "es_rejected_execution_exception", "reason": "rejected"}, "status": status}),
                )
            }
            _ if !authorized => {
                (401, json!({"error": {"type": "security_exception", "reason": "missing authentication"}}))
            }
            fault => {
                if fault == Some(Fault::ExpirePoint) {
                    state.points.clear();
                }
                let (status, mut body) = state.right(asked, &mut documents);
                match fault {
                    Some(Fault::FailedShard) => {
                        body["_shards"] = json!({"total": 2, "successful": 1, "failed": 1,
                            "failures": [{"shard": 1, "reason": {"type": "es_rejected", "reason": "node left"}}]});
                        documents.clear();
                    }
                    Some(Fault::TimedOut) => {
                        body["timed_out"] = json!(true);
                        documents.clear();
                    }
                    _ => {}
                }
                (status, body)
            }
        };
        state.log.push(Served { asked: asked.clone(), at: Instant::now(), status, documents });
        Some((status, headers, body))
    }
}

impl State {
    fn fault(&mut self, asked: &Asked) -> Option<Fault> {
        let line = asked.line();
        let rule = self
            .rules
            .iter_mut()
            .find(|rule| rule.left > 0 && (line.contains(&rule.part) || asked.body.contains(&rule.part)))?;
        if rule.after > 0 {
            rule.after -= 1;
            return None;
        }
        rule.left -= 1;
        Some(rule.fault.clone())
    }

    /// The indices behind names, aliases and patterns separated by commas.
    fn resolve(&self, names: &str) -> Vec<String> {
        let mut found = Vec::new();
        for name in names.split(',') {
            let matches = |text: &str| match name.strip_suffix('*') {
                Some(start) => text.starts_with(start),
                None => text == name,
            };
            found.extend(self.indices.keys().filter(|index| matches(index)).cloned());
            let behind =
                self.aliases.iter().filter(|(alias, _)| matches(alias)).flat_map(|(_, indices)| indices.clone());
            found.extend(behind);
        }
        found.sort();
        found.dedup();
        found
    }

    fn right(&mut self, asked: &Asked, given: &mut Vec<String>) -> (u16, Value) {
        let body: Value = serde_json::from_str(&asked.body).unwrap_or(Value::Null);
        let path = asked.path.trim_matches('/');
        let elastic = matches!(self.flavour, Flavour::Elasticsearch7 | Flavour::Elasticsearch8);
        let not_found = |kind: &str, reason: &str| {
            let cause = json!({"type": kind, "reason": reason});
            (404, json!({"error": {"root_cause": [cause], "type": kind, "reason": reason}, "status": 404}))
        };
        if path.is_empty() {
            let version = match self.flavour {
                Flavour::OpenSearch2 => json!({"distribution": "opensearch", "number": "2.11.1"}),
                Flavour::OpenSearch1 => json!({"distribution": "opensearch", "number": "1.3.9"}),
                Flavour::Elasticsearch7 => json!({"build_flavor": "default", "number": "7.17.9"}),
                Flavour::Elasticsearch8 => json!({"build_flavor": "default", "number": "8.11.0"}),
            };
            return (200, json!({"name": "fake", "version": version}));
        }
        if let Some(pattern) = path.strip_prefix("_cat/indices/") {
            let found = self.resolve(pattern);
            if found.is_empty() && !pattern.contains('*') {
                return not_found("index_not_found_exception", &format!("no such index [{pattern}]"));
            }
            let lines = found.iter().map(
                |index| json!({"index": index, "docs.count": self.indices[index].len().to_string(), "status": "open"}),
            );
            return (200, lines.collect());
        }
        if let Some(index) = path.strip_suffix("/_count") {
            let found = self.resolve(index);
            if found.is_empty() {
                return not_found("index_not_found_exception", &format!("no such index [{index}]"));
            }
            let count =
                found.iter().flat_map(|i| self.indices[i].values()).filter(|d| matches(&body["query"], d)).count();
            return (200, json!({"count": count, "_shards": {"total": 1, "successful": 1, "failed": 0}}));
        }
        let opens = if elastic { path.strip_suffix("/_pit") } else { path.strip_suffix("/_search/point_in_time") };
        if let Some(index) = opens.filter(|_| asked.method == "POST" && self.flavour != Flavour::OpenSearch1) {
            if self.resolve(index).is_empty() {
                return not_found("index_not_found_exception", &format!("no such index [{index}]"));
            }
            self.opened += 1;
            let id = format!("point{}", self.opened);
            self.points.insert(id.clone(), index.to_owned());
            let field = if elastic { "id" } else { "pit_id" };
            return (200, json!({field: id, "_shards": {"total": 1, "successful": 1, "failed": 0}}));
        }
        if asked.method == "DELETE" {
            let closed =
                body["pit_id"][0].as_str().or_else(|| body["id"].as_str()).and_then(|id| self.points.remove(id));
            return (if closed.is_some() { 200 } else { 404 }, json!({"succeeded": closed.is_some()}));
        }
        let index = match body["pit"]["id"].as_str() {
            None => path.strip_suffix("/_search").unwrap_or(path).to_owned(),
            Some(id) => match self.points.get(id) {
                Some(index) => index.clone(),
                None => {
                    return not_found(
                        "search_context_missing_exception",
                        &format!("No search context found for id [{id}]"),
                    );
                }
            },
        };
        self.search(&index, &body, given)
    }

    fn search(&self, index: &str, body: &Value, given: &mut Vec<String>) -> (u16, Value) {
        let sort: Vec<String> = body["sort"]
            .as_array()
            .into_iter()
            .flatten()
            .filter_map(|entry| entry.as_object()?.keys().next().cloned())
            .collect();
        if self.flavour == Flavour::Elasticsearch8 && sort.iter().any(|field| field == "_id") {
            let reason = "Fielddata access on the _id field is disallowed, you can re-enable it by updating the dynamic cluster setting";
            let cause = json!({"type": "illegal_argument_exception", "reason": reason});
            return (
                400,
                json!({"error": {"root_cause": [cause], "type": "search_phase_execution_exception", "reason": "all shards failed"}}),
            );
        }
        let found = self.resolve(index);
        if found.is_empty() {
            return (
                404,
                json!({"error": {"type": "index_not_found_exception", "reason": format!("no such index [{index}]")}}),
            );
        }
        let mut hits: Vec<(Vec<Value>, &String, &String, &Value)> = Vec::new();
        for index in &found {
            for (id, document) in self.indices[index].iter().filter(|(_, document)| matches(&body["query"], document)) {
                let key = sort.iter().map(|field| sort_value(field, id, document)).collect();
                hits.push((key, index, id, document));
            }
        }
        hits.sort_by(|a, b| compare(&a.0, &b.0));
        let total = hits.len();
        if let Some(after) = body["search_after"].as_array() {
            hits.retain(|hit| compare(&hit.0, after) == std::cmp::Ordering::Greater);
        }
        hits.truncate(body["size"].as_u64().and_then(|n| n.try_into().ok()).unwrap_or(10));
        let excluded: Vec<&str> =
            body["_source"]["excludes"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let list: Vec<Value> = hits
            .into_iter()
            .map(|(sort, index, id, document)| {
                given.push(format!("{index}/{id}"));
                json!({"_index": index, "_id": id, "_score": null, "_source": without(document, &excluded), "sort": sort})
            })
            .collect();
        let mut answer = json!({"took": 1, "timed_out": false, "_shards": {"total": 2, "successful": 2, "skipped": 0, "failed": 0},
            "hits": {"max_score": null, "hits": list}});
        if body["track_total_hits"].as_bool() != Some(false) {
            answer["hits"]["total"] = json!({"value": total, "relation": "eq"});
        }
        if let Some(id) = body["pit"]["id"].as_str() {
            answer["pit_id"] = json!(id);
        }
        (200, answer)
    }
}

fn without(document: &Value, excluded: &[&str]) -> Value {
    let mut document = document.clone();
    for path in excluded {
        let mut at = &mut document;
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            let Some(fields) = at.as_object_mut() else { break };
            if parts.peek().is_none() {
                fields.remove(part);
                break;
            }
            match fields.get_mut(part) {
                Some(inner) => at = inner,
                None => break,
            }
        }
    }
    document
}

/// Dates as milliseconds, as servers give them; texts as they are; what is missing by the defaults asked for.
fn sort_value(field: &str, id: &str, document: &Value) -> Value {
    if field == "_id" {
        return json!(id);
    }
    match document.get(field).and_then(Value::as_str) {
        Some(text) => millis(text).map_or_else(|| json!(text), |ms| json!(ms)),
        None if ["updated", "timestamp", "event_date"].contains(&field) => json!(0),
        None => json!(""),
    }
}

fn millis(text: &str) -> Option<i64> {
    let with_zone = if text.ends_with('Z') || text.len() > 19 && text[19..].contains('+') {
        text.to_owned()
    } else {
        format!("{text}Z")
    };
    with_zone.parse::<jiff::Timestamp>().ok().map(jiff::Timestamp::as_millisecond)
}

fn compare(a: &[Value], b: &[Value]) -> std::cmp::Ordering {
    for (a, b) in a.iter().zip(b) {
        let order = match (a.as_i64(), b.as_i64()) {
            (Some(a), Some(b)) => a.cmp(&b),
            _ => a.as_str().unwrap_or("").cmp(b.as_str().unwrap_or("")),
        };
        if order.is_ne() {
            return order;
        }
    }
    std::cmp::Ordering::Equal
}

/// `range` with `gte`, and `bool` with `should`; nothing asked for matches all.
fn matches(query: &Value, document: &Value) -> bool {
    if let Some(options) = query["bool"]["should"].as_array() {
        return options.iter().any(|option| matches(option, document));
    }
    let Some((field, range)) = query["range"].as_object().and_then(|ranges| ranges.iter().next()) else { return true };
    let from = range["gte"].as_str().and_then(millis);
    match (document.get(field).and_then(Value::as_str).and_then(millis), from) {
        (Some(at), Some(from)) => at >= from,
        _ => false,
    }
}
