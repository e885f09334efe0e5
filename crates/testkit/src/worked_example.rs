//! The worked example of spec/invenio §3: its documents, and every number it works out, as one table that the library, the command
//! line and the HTTP interface are held against.

use serde_json::{Value, json};

/// The community of the example.
pub const C1: &str = "11111111-1111-4111-8111-111111111111";

fn record(id: &str, parent: &str, owner: &str, created: &str, published: &str) -> Value {
    json!({
        "id": id,
        "parent": {"id": parent, "access": {"owned_by": {"user": owner}}, "communities": {"ids": [C1]}},
        "created": created, "updated": created, "is_published": true, "is_deleted": false,
        "metadata": {"publication_date": published, "publisher": "Acme"},
    })
}

/// Its three records.
pub fn records() -> Vec<Value> {
    let person = |id: &str| json!({"affiliations": [{"id": id, "name": "Institute"}]});
    let file = |key: &str, size: i64| json!({"key": key, "ext": key.rsplit_once('.').expect("ext").1, "size": size, "file_id": format!("f-{key}-{size}")});
    let dataset = json!({"id": "dataset", "title": {"en": "Dataset"}});
    let english = json!({"id": "eng", "title": {"en": "English"}});

    let mut r1 = record("R1", "P1", "U1", "2024-01-10T09:00:00Z", "2019");
    r1["files"] = json!({"enabled": true, "entries": [file("a.pdf", 1000), file("b.csv", 500)]});
    r1["access"] = json!({"status": "open"});
    r1["metadata"]["resource_type"] = dataset.clone();
    r1["metadata"]["languages"] = json!([english]);
    r1["metadata"]["creators"] = json!([person("01abc"), person("01abc")]);
    r1["metadata"]["contributors"] = json!([person("01abc")]);

    let mut r2 = record("R2", "P2", "U2", "2024-01-10T23:30:00Z", "2024-01-11");
    r2["is_deleted"] = json!(true);
    r2["tombstone"] = json!({"removal_date": "2024-01-14T09:00:00Z"});
    r2["files"] = json!({"enabled": false});
    r2["access"] = json!({"status": "metadata-only"});
    r2["metadata"]["resource_type"] = json!({"id": "publication-article", "title": {"en": "Article"}});
    r2["metadata"]["languages"] = json!([english, {"id": "fra", "title": {"en": "French"}}]);

    let mut r3 = record("R3", "P1", "U1", "2024-01-12T08:00:00Z", "2024-01");
    r3["files"] = json!({"enabled": true, "entries": [file("a.pdf", 2000)]});
    r3["access"] = json!({"status": "open"});
    r3["metadata"]["resource_type"] = dataset;
    r3["metadata"]["languages"] = json!([english]);
    vec![r1, r2, r3]
}

/// Who is in when.
pub fn memberships() -> Vec<Value> {
    let event = |record: &str, community: &str, kind: &str, at: &str| json!({"record_id": record, "community_id": community, "event_type": kind, "event_date": at});
    vec![
        event("R1", "global", "added", "2024-01-10T09:00:00"),
        event("R2", "global", "added", "2024-01-10T23:30:00"),
        event("R3", "global", "added", "2024-01-12T08:00:00"),
        event("R3", C1, "added", "2024-01-12T08:00:00"),
        event("R1", C1, "added", "2024-01-12T10:00:00"),
        event("R2", C1, "added", "2024-01-12T10:00:00"),
        event("R1", C1, "removed", "2024-01-13T12:00:00"),
    ]
}

/// Its usage, and one view of a robot that counts for nothing.
pub fn usage() -> Vec<Value> {
    let view = |visitor: &str, record: &str, parent: &str, at: &str, country: Option<&str>| {
        json!({"timestamp": at, "recid": record, "parent_recid": parent, "unique_id": format!("ui_{record}"),
               "visitor_id": visitor, "unique_session_id": visitor, "country": country, "via_api": false,
               "is_robot": false, "is_machine": false})
    };
    let mut download = view("v1", "R1", "P1", "2024-01-12T10:31:00", Some("US"));
    download["file_id"] = json!("f-a.pdf-1000");
    download["file_key"] = json!("a.pdf");
    download["size"] = json!(1000);
    download["bucket_id"] = json!("b1");
    let mut robot = view("v9", "R1", "P1", "2024-01-12T11:00:00", Some("US"));
    robot["is_robot"] = json!(true);
    vec![
        view("v1", "R1", "P1", "2024-01-12T10:30:00", Some("US")),
        view("v1", "R1", "P1", "2024-01-12T15:00:00", Some("US")),
        view("v2", "R3", "P1", "2024-01-12T16:00:00", None),
        download,
        robot,
        view("v1", "R3", "P1", "2024-01-13T09:00:00", Some("US")),
        view("v2", "R1", "P1", "2024-01-13T18:00:00", None),
    ]
}

/// Its only community.
pub fn communities() -> Vec<Value> {
    vec![json!({"id": C1, "slug": "c1", "created": "2024-01-01T00:00:00Z", "metadata": {"title": "One"}})]
}

/// When the numbers are asked for.
pub const NOW: &str = "2024-01-15T12:00:00Z";

/// One document of the example: the query and day it answers, and what stands in it.
#[derive(Debug)]
pub struct Case {
    pub query: &'static str,
    pub community: &'static str,
    pub day: &'static str,
    /// Paths and values; `[x]` in a path is the item with that id.
    numbers: Vec<(&'static str, Value)>,
}

/// The table: a line for each document, below it what it holds. Pairs are metadata only and with files; of files count and bytes;
/// of views events, visitors, records, parents; downloads also files and bytes.
const TABLE: &str = include_str!("worked_example.txt");

/// Every document of the table.
///
/// # Panics
/// When the table is damaged.
pub fn cases() -> Vec<Case> {
    let mut cases: Vec<Case> = Vec::new();
    for line in TABLE.lines().filter(|line| !line.trim().is_empty() && !line.starts_with('#')) {
        if let Some(number) = line.strip_prefix("  ") {
            let (path, value) = number.split_once(' ').expect("a path and a value");
            let value = serde_json::from_str(value.trim()).unwrap_or_else(|e| panic!("{line}: {e}"));
            cases.last_mut().expect("a document before its numbers").numbers.push((path, value));
        } else {
            let words: Vec<&str> = line.split_whitespace().collect();
            let [query, community, day] = words[..] else { panic!("query, community and day: {line}") };
            cases.push(Case {
                query,
                community: if community == "C1" { C1 } else { community },
                day,
                numbers: Vec::new(),
            });
        }
    }
    assert!(cases.len() > 30 && cases.iter().all(|case| !case.numbers.is_empty()), "a whole table");
    cases
}

impl Case {
    /// Parameters of the query.
    pub fn params(&self) -> Value {
        json!({"community_id": self.community, "start_date": self.day, "end_date": self.day})
    }

    /// Holds an answer, a list of one document, against the table; answers how many numbers it compared.
    ///
    /// # Panics
    /// With every number that differs.
    pub fn check(&self, answer: &Value) -> usize {
        let about = format!("{} of {} on {}", self.query, self.community, self.day);
        let list = answer.as_array().unwrap_or_else(|| panic!("{about}: no list of documents: {answer}"));
        assert_eq!(list.len(), 1, "{about}: one document");
        let field = if self.query.contains("snapshot") { "snapshot_date" } else { "period_start" };
        assert_eq!(list[0][field], json!(format!("{}T00:00:00", self.day)), "{about}");
        assert_eq!(list[0]["community_id"], json!(self.community), "{about}");
        let wrong: Vec<String> = self
            .numbers
            .iter()
            .filter_map(|(path, expected)| {
                let found = short(find(&list[0], path));
                (found != *expected).then(|| format!("{path}: {found}, not {expected}"))
            })
            .collect();
        assert!(wrong.is_empty(), "{about}:\n{}", wrong.join("\n"));
        self.numbers.len()
    }
}

/// What a path names; null for nothing.
fn find(document: &Value, path: &str) -> Value {
    let mut at = document.clone();
    for part in path.split('/') {
        let (field, id) = match part.split_once('[') {
            Some((field, id)) => (field, Some(id.trim_end_matches(']'))),
            None => (part, None),
        };
        at = at.get(field).cloned().unwrap_or(Value::Null);
        if let Some(id) = id {
            let items = at.as_array().cloned().unwrap_or_default();
            at = items.into_iter().find(|item| item["id"] == id).unwrap_or(Value::Null);
        }
    }
    at
}

/// The blocks of documents as short lists of whole numbers; of a list of items their ids.
fn short(value: Value) -> Value {
    const BLOCKS: [&[&str]; 4] = [
        &["metadata_only", "with_files"],
        &["file_count", "data_volume"],
        &["total_events", "unique_visitors", "unique_records", "unique_parents", "unique_files", "total_volume"],
        &["total_events", "unique_visitors", "unique_records", "unique_parents"],
    ];
    match &value {
        Value::Object(map) => {
            let block =
                BLOCKS.iter().find(|fields| fields.len() == map.len() && fields.iter().all(|f| map.contains_key(*f)));
            match block {
                Some(fields) => fields.iter().map(|field| short(map[*field].clone())).collect(),
                None => value,
            }
        }
        Value::Array(items) if items.iter().all(|item| item.get("id").is_some()) => {
            let mut ids: Vec<&str> = items.iter().filter_map(|item| item["id"].as_str()).collect();
            ids.sort_unstable();
            json!(ids)
        }
        // Volumes are written with a fraction.
        #[expect(clippy::cast_possible_truncation, reason = "whole numbers of the example")]
        Value::Number(number) => match number.as_f64() {
            Some(float) if float.fract() == 0.0 => json!(float as i64),
            _ => value,
        },
        _ => value,
    }
}
