//! A fake upstream on loopback: serves the shapes of the public statistics services, misbehaves on request, logs what it was asked.
//!
//! All services share one address: `base()` for every variable but the two DuckDB hosts, which are `base()/core` and
//! `base()/community`.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use jiff::{Timestamp, ToSpan, civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use tokio::{io::AsyncWriteExt, net::TcpStream};

pub use crate::door::Asked;
use crate::door::{Door, read_request};

/// How to fail.
#[derive(Debug, Clone)]
pub enum Misbehaviour {
    /// A status with an HTML body.
    Status(u16),
    /// 429, with `Retry-After` or without.
    TooMany(Option<u64>),
    /// 403 with no requests left until an instant (Unix seconds).
    RateLimited(i64),
    /// 200 and a page.
    Html,
    /// 200 and the first half of the body.
    Truncated,
    /// 200 and `[]`.
    EmptyList,
    /// The right answer, later.
    Slow(Duration),
    /// 301 to another path.
    Redirect(String),
    /// The connection ends without a word.
    HangUp,
    /// 200 and this body.
    Body(Value),
    /// 200 and so many bytes.
    Large(usize),
}

struct Rule {
    part: String,
    how: Misbehaviour,
    left: Option<usize>,
}

/// A repository: its counters and the instants of its stars, oldest first.
#[derive(Debug, Clone, Default)]
pub struct FakeRepository {
    pub stars: i64,
    pub events: Vec<Timestamp>,
    /// Whether the star history endpoint exists.
    pub has_history: bool,
    /// Whether the caller may see the stargazers.
    pub shows_list: bool,
    pub full_name: Option<String>,
}

#[derive(Default)]
struct State {
    pypi: BTreeMap<String, BTreeMap<Date, (i64, i64)>>,
    crates: BTreeMap<String, BTreeMap<Date, i64>>,
    npm: BTreeMap<String, BTreeMap<Date, i64>>,
    repositories: BTreeMap<String, FakeRepository>,
    fixed: BTreeMap<String, Value>,
    rules: Vec<Rule>,
    log: Vec<Asked>,
    today: Option<Date>,
}

/// The server; it ends with the runtime of the test.
#[derive(Clone)]
pub struct FakeUpstream {
    base: String,
    state: Arc<Mutex<State>>,
}

struct Reply {
    status: u16,
    headers: Vec<(String, String)>,
    body: Vec<u8>,
}

impl Reply {
    fn json(status: u16, body: &Value) -> Self {
        Self {
            status,
            headers: vec![("content-type".to_owned(), "application/json".to_owned())],
            body: body.to_string().into_bytes(),
        }
    }
}

impl FakeUpstream {
    /// Starts on a free port of loopback, with `today` as its day.
    ///
    /// Panics when there is no port, which only a broken machine has.
    pub async fn start(today: Date) -> Self {
        let door = Door::open().await;
        let fake = Self { base: door.base("http"), state: Arc::default() };
        fake.lock().today = Some(today);
        let server = fake.clone();
        door.serve(move |socket| {
            let server = server.clone();
            async move { server.answer(socket).await }
        });
        fake
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn base(&self) -> &str {
        &self.base
    }

    /// Every address variable of spec/packages §17, and no waiting.
    pub fn environment(&self) -> Vec<(String, String)> {
        let mut pairs: Vec<(String, String)> =
            ["PYPISTATS", "CRATES", "NPM", "GITHUB", "HN", "LLM", "CRANLOGS", "PACKAGIST"]
                .iter()
                .map(|name| (format!("COMMUNITY_METRICS_{name}_BASE_URL"), self.base.clone()))
                .collect();
        for (name, prefix) in [("DUCKDB_CORE", "core"), ("DUCKDB_COMMUNITY", "community")] {
            pairs.push((format!("COMMUNITY_METRICS_{name}_BASE_URL"), format!("{}/{prefix}", self.base)));
        }
        pairs.push(("COMMUNITY_METRICS_THROTTLE_MS".to_owned(), "0".to_owned()));
        pairs.push(("COMMUNITY_METRICS_RETRY_BASE_MS".to_owned(), "0".to_owned()));
        pairs
    }

    /// A Python package's days: with and without mirrors.
    pub fn pypi(&self, package: &str, days: impl IntoIterator<Item = (Date, i64, i64)>) {
        let days = days.into_iter().map(|(day, with, without)| (day, (with, without))).collect();
        self.lock().pypi.insert(package.to_owned(), days);
    }

    pub fn crate_days(&self, name: &str, days: impl IntoIterator<Item = (Date, i64)>) {
        self.lock().crates.insert(name.to_owned(), days.into_iter().collect());
    }

    pub fn npm(&self, package: &str, days: impl IntoIterator<Item = (Date, i64)>) {
        self.lock().npm.insert(package.to_owned(), days.into_iter().collect());
    }

    pub fn repository(&self, name: &str, repository: FakeRepository) {
        self.lock().repositories.insert(name.to_owned(), repository);
    }

    /// A fixed answer for a path (with its prefix, without query).
    pub fn fixed(&self, path: &str, body: Value) {
        self.lock().fixed.insert(path.to_owned(), body);
    }

    /// Fails requests whose line (`GET /path?query`) contains `part`: the next `times`, or all.
    pub fn misbehave(&self, part: &str, how: Misbehaviour, times: Option<usize>) {
        self.lock().rules.push(Rule { part: part.to_owned(), how, left: times });
    }

    pub fn behave(&self) {
        self.lock().rules.clear();
    }

    pub fn set_today(&self, today: Date) {
        self.lock().today = Some(today);
    }

    /// What it was asked so far.
    pub fn log(&self) -> Vec<Asked> {
        self.lock().log.clone()
    }

    /// The request lines that contain `part`.
    pub fn asked(&self, part: &str) -> Vec<String> {
        self.lock().log.iter().map(Asked::line).filter(|line| line.contains(part)).collect()
    }

    pub fn forget(&self) {
        self.lock().log.clear();
    }

    async fn answer(&self, mut socket: TcpStream) {
        let Some(asked) = read_request(&mut socket).await else { return };
        let (rule, right) = {
            let mut state = self.lock();
            state.log.push(asked.clone());
            let line = asked.line();
            let rule = state.rules.iter_mut().find(|rule| rule.left != Some(0) && line.contains(&rule.part));
            let how = rule.map(|rule| {
                rule.left = rule.left.map(|left| left - 1);
                rule.how.clone()
            });
            (how, right_answer(&state, &asked))
        };
        let mut reply = match rule {
            None => right,
            Some(Misbehaviour::Slow(time)) => {
                tokio::time::sleep(time).await;
                right
            }
            Some(Misbehaviour::HangUp) => return,
            Some(how) => wrong(&how, right),
        };
        // Conditional requests: an unchanged body is not sent again.
        if reply.status == 200 && !reply.body.is_empty() {
            let tag =
                format!("W/\"{:x}\"", reply.body.iter().fold(5381_u64, |h, b| h.wrapping_mul(33) ^ u64::from(*b)));
            if asked.headers.get("if-none-match") == Some(&tag) {
                reply = Reply { status: 304, headers: Vec::new(), body: Vec::new() };
            }
            reply.headers.push(("etag".to_owned(), tag));
        }
        let mut head =
            format!("HTTP/1.1 {} X\r\nconnection: close\r\ncontent-length: {}\r\n", reply.status, reply.body.len());
        for (name, value) in &reply.headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        let _ = socket.write_all(head.as_bytes()).await;
        let _ = socket.write_all(&reply.body).await;
        let _ = socket.shutdown().await;
    }
}

fn wrong(how: &Misbehaviour, right: Reply) -> Reply {
    let html = |status: u16, headers: Vec<(String, String)>| Reply {
        status,
        headers,
        body: b"<html><body>sorry</body></html>".to_vec(),
    };
    match how {
        Misbehaviour::Status(status) => html(*status, Vec::new()),
        Misbehaviour::TooMany(wait) => {
            html(429, wait.map(|s| ("retry-after".to_owned(), s.to_string())).into_iter().collect())
        }
        Misbehaviour::RateLimited(reset) => Reply {
            headers: vec![
                ("x-ratelimit-remaining".to_owned(), "0".to_owned()),
                ("x-ratelimit-reset".to_owned(), reset.to_string()),
            ],
            ..Reply::json(403, &json!({"message": "API rate limit exceeded for 203.0.113.9."}))
        },
        Misbehaviour::Html => html(200, Vec::new()),
        Misbehaviour::Truncated => Reply { body: right.body[..right.body.len() / 2].to_vec(), ..right },
        Misbehaviour::EmptyList => Reply::json(200, &json!([])),
        Misbehaviour::Redirect(to) => html(301, vec![("location".to_owned(), to.clone())]),
        Misbehaviour::Body(body) => Reply::json(200, body),
        Misbehaviour::Large(bytes) => Reply { status: 200, headers: Vec::new(), body: vec![b'x'; *bytes] },
        Misbehaviour::Slow(_) | Misbehaviour::HangUp => right,
    }
}

fn right_answer(state: &State, asked: &Asked) -> Reply {
    let path = asked.path.replace("%40", "@").replace("%2F", "/").replace("%2f", "/");
    let path = path.as_str();
    if let Some(body) = state.fixed.get(path) {
        return Reply::json(200, body);
    }
    let found = if let Some(rest) = path.strip_prefix("/api/packages/") {
        rest.strip_suffix("/overall").and_then(|package| pypi(state, package, &asked.query))
    } else if let Some(rest) = path.strip_prefix("/api/v1/crates/") {
        rest.strip_suffix("/downloads").and_then(|name| crates(state, name))
    } else if let Some(rest) = path.strip_prefix("/downloads/range/") {
        rest.split_once('/').and_then(|(range, package)| npm(state, range, package))
    } else if let Some(rest) = path.strip_prefix("/repos/") {
        return github(state, rest, asked);
    } else if path == "/graphql" {
        return graphql(state, asked);
    } else {
        None
    };
    found.map_or_else(
        || Reply::json(404, &json!({"error": "not found", "message": "Not Found"})),
        |body| Reply::json(200, &body),
    )
}

fn pypi(state: &State, package: &str, query: &str) -> Option<Value> {
    let days = state.pypi.get(package)?;
    let mut data = Vec::new();
    for (category, wanted) in [("with_mirrors", "mirrors=true"), ("without_mirrors", "mirrors=false")] {
        if query.contains("mirrors=") && !query.contains(wanted) {
            continue;
        }
        for (day, (with, without)) in days {
            let downloads = if category == "with_mirrors" { with } else { without };
            data.push(json!({"category": category, "date": day, "downloads": downloads}));
        }
    }
    Some(json!({"data": data, "package": package, "type": "overall_downloads"}))
}

/// Two thirds with versions, the rest with the older ones, as the real service splits them.
fn crates(state: &State, name: &str) -> Option<Value> {
    let days = state.crates.get(name)?;
    let today = state.today?;
    let start = today.saturating_sub(89.days());
    let (mut versions, mut extra) = (Vec::new(), Vec::new());
    for (day, count) in days.range(start..=today) {
        let part = count * 2 / 3;
        versions.push(json!({"date": day, "downloads": part, "version": 1201}));
        extra.push(json!({"date": day, "downloads": count - part}));
    }
    Some(json!({"version_downloads": versions, "meta": {"extra_downloads": extra}}))
}

/// At most 18 months, cut silently at the start.
fn npm(state: &State, range: &str, package: &str) -> Option<Value> {
    let days = state.npm.get(package)?;
    let (start, end) = range.split_once(':')?;
    let (start, end): (Date, Date) = (start.parse().ok()?, end.parse().ok()?);
    let start = start.max(end.saturating_sub(18.months()));
    let mut list = Vec::new();
    let mut day = start;
    while day <= end {
        list.push(json!({"downloads": days.get(&day).copied().unwrap_or(0), "day": day}));
        day = day.saturating_add(1.day());
    }
    Some(json!({"start": start, "end": end, "package": package, "downloads": list}))
}

fn number(query: &str, name: &str) -> Option<usize> {
    query.split('&').find_map(|pair| pair.strip_prefix(&format!("{name}=")))?.parse().ok()
}

fn linked(mut reply: Reply, more: bool) -> Reply {
    let link = if more { "<next>; rel=\"next\", <last>; rel=\"last\"" } else { "<first>; rel=\"first\"" };
    reply.headers.push(("link".to_owned(), link.to_owned()));
    reply
}

fn github(state: &State, rest: &str, asked: &Asked) -> Reply {
    let missing = || Reply::json(404, &json!({"message": "Not Found"}));
    let mut parts = rest.splitn(3, '/');
    let (Some(owner), Some(repo)) = (parts.next(), parts.next()) else { return missing() };
    let name = format!("{owner}/{repo}");
    let Some(repository) = state.repositories.get(&name) else { return missing() };
    let page = number(&asked.query, "page").unwrap_or(1);
    let per_page = number(&asked.query, "per_page").unwrap_or(30);
    match parts.next() {
        None => {
            let full_name = repository.full_name.clone().unwrap_or(name);
            Reply::json(
                200,
                &json!({"id": 4242, "full_name": full_name, "stargazers_count": repository.stars, "forks_count": 7}),
            )
        }
        Some("stargazers") => {
            let events: &[Timestamp] = if repository.shows_list { &repository.events } else { &[] };
            let from = ((page - 1) * per_page).min(events.len());
            let to = (from + per_page).min(events.len());
            let list: Vec<Value> =
                events[from..to].iter().map(|at| json!({"starred_at": at, "user": {"login": "a", "id": 1}})).collect();
            linked(Reply::json(200, &json!(list)), to < events.len())
        }
        Some("stargazers/history") if repository.has_history => history(repository, page, per_page, state.today),
        _ => missing(),
    }
}

fn history(repository: &FakeRepository, page: usize, per_page: usize, today: Option<Date>) -> Reply {
    let utc = |at: &Timestamp| at.to_zoned(TimeZone::UTC).date();
    let sunday = |day: Date| day.saturating_sub(i64::from(day.weekday().to_sunday_zero_offset()).days());
    let (Some(first), Some(today)) = (repository.events.first().map(utc), today) else {
        return linked(Reply::json(200, &json!([])), false);
    };
    let mut weeks = Vec::new();
    let mut week = sunday(today);
    while week >= sunday(first) {
        let mut days = [0_i64; 7];
        for event in &repository.events {
            let offset = (utc(event) - week).get_days();
            if let Some(day) = usize::try_from(offset).ok().and_then(|offset| days.get_mut(offset)) {
                *day += 1;
            }
        }
        let start = week.to_zoned(TimeZone::UTC).map_or(0, |z| z.timestamp().as_second());
        weeks.push(json!({"week": start, "total": days.iter().sum::<i64>(), "days": days}));
        week = week.saturating_sub(7.days());
    }
    let per_page = per_page.min(30);
    let from = ((page - 1) * per_page).min(weeks.len());
    let to = (from + per_page).min(weeks.len());
    linked(Reply::json(200, &json!(weeks[from..to])), to < weeks.len())
}

fn graphql(state: &State, asked: &Asked) -> Reply {
    if !asked.headers.contains_key("authorization") {
        return Reply::json(401, &json!({"message": "This endpoint requires you to be authenticated."}));
    }
    let body: Value = serde_json::from_str(&asked.body).unwrap_or_default();
    let variables = &body["variables"];
    let name = format!("{}/{}", variables["o"].as_str().unwrap_or(""), variables["n"].as_str().unwrap_or(""));
    let Some(repository) = state.repositories.get(&name) else {
        return Reply::json(
            200,
            &json!({"data": {"repository": null}, "errors": [{"message": "Could not resolve to a Repository"}]}),
        );
    };
    let mut events = if repository.shows_list { repository.events.clone() } else { Vec::new() };
    events.reverse();
    let from: usize = variables["c"].as_str().and_then(|c| c.parse().ok()).unwrap_or(0);
    let to = (from + 100).min(events.len());
    let edges: Vec<Value> = events[from.min(to)..to].iter().map(|at| json!({"starredAt": at})).collect();
    Reply::json(
        200,
        &json!({"data": {"repository": {"stargazerCount": repository.stars, "stargazers": {"totalCount": events.len(),
            "pageInfo": {"hasNextPage": to < events.len(), "endCursor": to.to_string()}, "edges": edges}}}}),
    )
}
