//! The repository seed's own browser client runs against us: every request it sends, every field it reads
//! (`repository_client.json`, taken from data/clients/invenio.json).

use std::collections::BTreeSet;

use axum::{
    body::Body,
    http::{Request, Response, header},
};
use serde_json::{Value, json};
use tallykeep_repository::import::ImportRequest;

use crate::support::{As, Filled, Server, is_of, set_cookie};

const COMMUNITY: &str = "6a0b1c2d-0000-4000-8000-000000000001";

/// A record with a value in every dimension the client draws.
fn record(id: &str, at: &str) -> Value {
    let place = json!({"id": "03yrm5c26", "name": "Tidewater Institute"});
    json!({"id": id, "created": at, "updated": at, "is_published": true, "is_deleted": false, "access": {"status": "open"},
        "parent": {"id": format!("p-{id}"), "access": {"owned_by": {"user": "U1"}}, "communities": {"ids": [COMMUNITY]}},
        "files": {"enabled": true, "entries": [{"key": "a.pdf", "ext": "pdf", "size": 1000, "file_id": format!("f-{id}")}]},
        "metadata": {"title": format!("Tides of {id}"), "publication_date": "2024", "publisher": "Acme",
            "resource_type": {"id": "dataset", "title": {"en": "Dataset"}},
            "languages": [{"id": "eng", "title": {"en": "English"}}],
            "subjects": [{"id": "s:ports", "subject": "Ports", "scheme": "S"}],
            "rights": [{"id": "cc-by-4.0", "title": {"en": "CC BY 4.0"}}],
            "funding": [{"funder": {"id": "00k4n6c32", "name": "European Commission"}}],
            "creators": [{"affiliations": [place]}]},
        "custom_fields": {"journal:journal": {"title": "Tide"}},
        "stats": {"all_versions": {"views": 7, "downloads": 3}},
        "links": {"self_html": format!("https://repository.example/records/{id}")}})
}

fn usage(id: &str, at: &str, download: bool) -> Value {
    let mut event = json!({"timestamp": at, "recid": id, "parent_recid": format!("p-{id}"), "unique_id": format!("ui_{id}"),
        "visitor_id": "v1", "unique_session_id": "v1", "country": "PT", "referrer": "https://search.example/",
        "via_api": false, "is_robot": false, "is_machine": false});
    if download {
        for (key, value) in [
            ("file_id", json!(format!("f-{id}"))),
            ("file_key", json!("a.pdf")),
            ("size", json!(1000)),
            ("bucket_id", json!("b")),
        ] {
            event[key] = value;
        }
    }
    event
}

/// Records and their use in 2024 and 2025, the years the client's examples ask for; one record left again in 2025.
async fn filled() -> Filled {
    let filled = Filled::empty(|_| {}).await;
    let event = |id: &str, to: &str, kind: &str, at: &str| json!({"record_id": id, "community_id": to, "event_type": kind, "event_date": at});
    let request = ImportRequest {
        records: filled.lines(
            "records.ndjson",
            &[
                record("R1", "2024-01-10T09:00:00Z"),
                record("R2", "2025-02-03T09:00:00Z"),
                record("R3", "2024-03-05T09:00:00Z"),
            ],
        ),
        communities: filled.lines(
            "communities.ndjson",
            &[
                json!({"id": COMMUNITY, "slug": "tides", "created": "2024-01-01T00:00:00Z", "metadata": {"title": "Tides"},
                "links": {"self_html": "https://repository.example/communities/tides"}}),
            ],
        ),
        community_events: filled.lines(
            "community_events.ndjson",
            &[
                event("R1", "global", "added", "2024-01-10T09:00:00"),
                event("R2", "global", "added", "2025-02-03T09:00:00"),
                event("R3", "global", "added", "2024-03-05T09:00:00"),
                event("R1", COMMUNITY, "added", "2024-01-10T09:00:00"),
                event("R2", COMMUNITY, "added", "2025-02-03T09:00:00"),
                event("R3", COMMUNITY, "added", "2024-03-05T09:00:00"),
                event("R3", COMMUNITY, "removed", "2025-03-05T09:00:00"),
            ],
        ),
        usage_events: filled.lines(
            "usage_events.ndjson",
            &[
                usage("R1", "2024-03-12T10:30:00", false),
                usage("R1", "2024-03-12T10:31:00", true),
                usage("R2", "2025-03-12T10:30:00", false),
                usage("R2", "2025-03-12T10:31:00", true),
            ],
        ),
        dry_run: false,
    };
    filled.fill(&request).await;
    filled
}

/// One step of a path: `.name`, `.*`, `.<name>`, `.a|b`, `.prefix_*`, `['name']`, `[]` or `[0]`.
fn step(path: &str) -> (&str, &str) {
    let (text, from) = match path.strip_prefix('.') {
        Some(text) => (text, 0),
        None => (path, 1),
    };
    if let Some(quoted) = text.strip_prefix("['") {
        let end = quoted.find("']").expect("a closed bracket");
        return (&quoted[..end], &quoted[end + 2..]);
    }
    let end = text[from..].find(['.', '[']).map_or(text.len(), |at| at + from);
    text.split_at(end)
}

fn fits(pattern: &str, key: &str) -> bool {
    pattern.split('|').any(|one| match one {
        "*" => true,
        one if one.starts_with('<') => true,
        one => one.strip_suffix('*').map_or(one == key, |start| key.starts_with(start)),
    })
}

/// Every value at a path, `None` where its parent is there and it is not.
fn resolve<'a>(value: &'a Value, path: &str) -> Vec<Option<&'a Value>> {
    if path.is_empty() {
        return vec![Some(value)];
    }
    let (name, rest) = step(path);
    if let Some(index) = name.strip_prefix('[').and_then(|text| text.strip_suffix(']')) {
        let Value::Array(rows) = value else { return Vec::new() };
        return match index.parse::<usize>() {
            Ok(index) => rows.get(index).map_or_else(|| vec![None], |row| resolve(row, rest)),
            Err(_) => rows.iter().flat_map(|row| resolve(row, rest)).collect(),
        };
    }
    let Value::Object(fields) = value else { return Vec::new() };
    let found: Vec<_> = fields.iter().filter(|(key, _)| fits(name, key)).flat_map(|(_, v)| resolve(v, rest)).collect();
    // Each of `a|b` has to be there; of `*` none has.
    let all_named = !name.contains(['*', '<']);
    if all_named && name.split('|').any(|one| !fields.contains_key(one)) {
        return found.into_iter().chain([None]).collect();
    }
    found
}

/// The value of an attribute in single quotes, as a browser reads it.
pub(crate) fn attribute(html: &str, name: &str) -> Option<String> {
    let start = html.find(&format!("{name}='"))? + name.len() + 2;
    let end = html[start..].find('\'')? + start;
    let text = &html[start..end];
    Some(["&quot;\"", "&lt;<", "&gt;>", "&#39;'", "&amp;&"].iter().fold(text.to_owned(), |text, pair| {
        let (entity, letter) = pair.split_at(pair.len() - 1);
        text.replace(entity, letter)
    }))
}

async fn body(response: Response<Body>) -> Vec<u8> {
    axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body").to_vec()
}

/// What the reads of one request look into, by the head of their paths.
struct Answer {
    name: String,
    json: Option<Value>,
    html: String,
    config: Value,
    community: Value,
    has_token_cookie: bool,
    bytes: usize,
}

#[derive(Default)]
struct Checked {
    fields: usize,
    /// Read, but in no answer: each must be one whose absence the client or the specification foresees.
    absent: BTreeSet<String>,
}

impl Checked {
    fn check(&mut self, answer: &Answer, read: &Value) {
        let (path, kinds) = (read["path"].as_str().expect("a path"), read["type"].as_str().expect("a type"));
        let name = &answer.name;
        if path == "html #stats-dashboard" {
            assert!(answer.html.contains("id=\"stats-dashboard\""), "{name}: no mount point");
        } else if let Some(attribute_name) =
            path.strip_prefix("html #stats-dashboard[").and_then(|p| p.strip_suffix(']'))
        {
            assert!(attribute(&answer.html, attribute_name).is_some(), "{name}: no {attribute_name}");
        } else if path == "cookie csrftoken" {
            assert!(answer.has_token_cookie, "{name}: no readable csrftoken");
        } else if path == "body bytes" {
            assert!(answer.bytes > 20, "{name}: {} bytes", answer.bytes);
        } else {
            return self.check_value(answer, path, kinds, read["if_missing"].is_string());
        }
        self.fields += 1;
    }

    fn check_value(&mut self, answer: &Answer, path: &str, kinds: &str, may_be_missing: bool) {
        let name = &answer.name;
        let (root, rest) = if let Some(rest) = path.strip_prefix("data-dashboard-config") {
            (&answer.config, rest)
        } else if let Some(rest) = path.strip_prefix("data-community") {
            (&answer.community, rest)
        } else {
            let rest = path.strip_prefix('$').unwrap_or_else(|| panic!("{name}: {path} is of no kind known here"));
            (answer.json.as_ref().expect("a JSON answer"), rest)
        };
        let rest = rest.replace("{category}", "usage-snapshot-category").replace(".<family>", ".*");
        let mut found = 0;
        for value in resolve(root, &rest) {
            let good = value.map_or(may_be_missing || kinds.contains("null"), |value| is_of(value, kinds));
            assert!(good, "{name}: {path} should be {kinds}, is {value:?}");
            found += usize::from(value.is_some());
        }
        if found == 0 {
            self.absent.insert(path.to_owned());
        }
        self.fields += 1;
    }
}

#[tokio::test]
async fn every_request_of_the_seeds_client_is_answered_with_every_field_it_reads() {
    let filled = filled().await;
    let document: Value = serde_json::from_str(include_str!("repository_client.json")).expect("JSON");
    let mut checked = Checked::default();
    let mut sent = 0;
    for request in document["requests"].as_array().expect("requests") {
        let name = request["name"].as_str().expect("a name");
        // The JSON report is packed in the browser. Rows lead to the repository's own search, which we are not: where it is
        // not configured they filter the page (outside.md).
        if name == "report_json" || name.starts_with("search_link") {
            continue;
        }
        for path in addresses(request) {
            let answer = send(&filled.server, request, &path).await;
            for read in request["reads"].as_array().expect("reads") {
                checked.check(&answer, read);
            }
            sent += 1;
        }
    }
    assert_eq!(sent, 17, "requests");
    // 331 in November 2026: a client file or fixture that shrinks must not pass unnoticed.
    assert!(checked.fields >= 331, "only {} fields were looked at", checked.fields);
    let expected = BTreeSet::from(ABSENT.map(str::to_owned));
    assert_eq!(checked.absent, expected, "read by the client and in no answer");
}

/// Where the client looks and nothing is, and shows an empty widget for it: layout widths of small screens are optional, usage
/// is not counted by subject or referrer unless configured, and usage snapshots keep their largest countries by view and by
/// download only (spec/invenio §5, §7).
const ABSENT: [&str; 9] = [
    "$['usage-delta-category'].referrers.views",
    "$['usage-delta-category'].subjects.downloadUniqueFiles",
    "$['usage-delta-category'].subjects.viewUniqueRecords",
    "$['usage-snapshot-category'].countries.*",
    "$['usage-snapshot-category'].referrersByView.views",
    "$['usage-snapshot-category'].subjectsByDownload.downloadUniqueFiles",
    "$['usage-snapshot-category'].subjectsByView.viewUniqueRecords",
    "data-dashboard-config.layout.tabs[].rows[].components[].mobile",
    "data-dashboard-config.layout.tabs[].rows[].components[].tablet",
];

/// The path of a request; lists of works are asked of the whole repository and of a community.
fn addresses(request: &Value) -> Vec<String> {
    let path = request["path"].as_str().expect("a path");
    if path.starts_with("/api/records") {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in request["query"].as_object().into_iter().flatten() {
            query.append_pair(name, &value.as_str().map_or_else(|| value.to_string(), str::to_owned));
        }
        let query = query.finish();
        return vec![format!("/api/records?{query}"), format!("/a/default/api/records?community=tides&{query}")];
    }
    if path.contains("{slug_or_id}") {
        return ["tides", COMMUNITY].map(|id| path.replace("{slug_or_id}", id)).to_vec();
    }
    vec![path.to_owned()]
}

async fn send(server: &Server, request: &Value, path: &str) -> Answer {
    let name = request["name"].as_str().expect("a name");
    let accept = match request["accept"].as_str() {
        Some(text) if text.starts_with("text/html") => "text/html",
        Some(text) if text.starts_with("application/json, text/plain") => text,
        Some(text) if text.starts_with("text/") || text.contains("sheet") || text.contains("xml") => text,
        _ => "application/json",
    };
    let method = request["method"].as_str().expect("a method");
    let content = match &request["body"] {
        Value::Null => Body::empty(),
        value => {
            let mut value = value.clone();
            for query in value.as_object_mut().expect("an object").values_mut() {
                if query["params"]["community_id"] != "global" {
                    query["params"]["community_id"] = json!(COMMUNITY);
                }
            }
            Body::from(value.to_string())
        }
    };
    let sent = As::Nobody.sign(Request::builder().method(method).uri(path));
    let sent = sent.header(header::ACCEPT, accept).header(header::CONTENT_TYPE, "application/json").body(content);
    let response = server.send(sent.expect("a request")).await;
    let status = response.status();
    let has_token_cookie = set_cookie(&response, "csrftoken").is_some_and(|token| !token.is_empty());
    let is_json = response.headers().get(header::CONTENT_TYPE).is_some_and(|kind| kind == "application/json");
    let bytes = body(response).await;
    assert!(status.is_success(), "{name} {path}: {status} {}", String::from_utf8_lossy(&bytes));
    let html = if is_json { String::new() } else { String::from_utf8_lossy(&bytes).into_owned() };
    let parsed = |attribute_name: &str| {
        attribute(&html, attribute_name).and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default()
    };
    let json = is_json.then(|| serde_json::from_slice::<Value>(&bytes).expect("JSON"));
    // The seed-era client reads families at the top of the answer, where its own server never put them (clients README, 26).
    let json = match json {
        Some(mut value) if name.starts_with("seed_era") => {
            value.as_object_mut().and_then(|fields| fields.values_mut().next().map(Value::take))
        }
        other => other,
    };
    Answer {
        name: format!("{name} {path}"),
        json,
        config: parsed("data-dashboard-config"),
        community: parsed("data-community"),
        html,
        has_token_cookie,
        bytes: bytes.len(),
    }
}
