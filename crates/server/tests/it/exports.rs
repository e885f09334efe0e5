//! `/api/stats-dashboard` and `/api/stats` in every form of spec/invenio §8.2, numbers of §3.

use std::{collections::BTreeMap, io::Read};

use axum::{
    body::Body,
    http::{Request, StatusCode, header},
    response::Response,
};
use serde_json::{Value, json};
use tallykeep_repository::{Settings, aggregate::AggregateRequest, import::ImportRequest};

use crate::support::{As, Filled};

pub const C1: &str = "11111111-1111-4111-8111-111111111111";
const SHEET: &str = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

/// The usage of spec/invenio §3, aggregated.
pub(crate) async fn filled(change: impl FnOnce(&mut Settings)) -> Filled {
    let filled = Filled::empty(change).await;
    let record = |id: &str, at: &str| {
        json!({"id": id, "parent": {"id": "P1", "access": {"owned_by": {"user": "U1"}}, "communities": {"ids": [C1]}},
               "created": at, "updated": at, "is_published": true, "is_deleted": false, "access": {"status": "open"},
               "files": {"enabled": true, "entries": [{"key": "a.pdf", "ext": "pdf", "size": 1000, "file_id": format!("f-{id}")}]},
               "metadata": {"publication_date": "2024", "publisher": "Acme"}})
    };
    let added = |id: &str, to: &str, at: &str| json!({"record_id": id, "community_id": to, "event_type": "added", "event_date": at});
    let view = |visitor: &str, record: &str, at: &str, country: Option<&str>| {
        json!({"timestamp": at, "recid": record, "parent_recid": "P1", "unique_id": format!("ui_{record}"), "visitor_id": visitor,
               "unique_session_id": visitor, "country": country, "via_api": false, "is_robot": false, "is_machine": false})
    };
    let mut download = view("v1", "R1", "2024-01-12T10:31:00", Some("US"));
    for (key, value) in
        [("file_id", json!("f-R1")), ("file_key", json!("a.pdf")), ("size", json!(1000)), ("bucket_id", json!("b"))]
    {
        download[key] = value;
    }
    let request = ImportRequest {
        records: filled
            .lines("records.ndjson", &[record("R1", "2024-01-10T09:00:00Z"), record("R3", "2024-01-12T08:00:00Z")]),
        communities: filled.lines(
            "communities.ndjson",
            &[json!({"id": C1, "slug": "c1", "created": "2024-01-01T00:00:00Z", "metadata": {"title": "One"}})],
        ),
        community_events: filled.lines(
            "community_events.ndjson",
            &[
                added("R1", "global", "2024-01-10T09:00:00"),
                added("R3", "global", "2024-01-12T08:00:00"),
                added("R1", C1, "2024-01-12T10:00:00"),
                added("R3", C1, "2024-01-12T08:00:00"),
            ],
        ),
        usage_events: filled.lines(
            "usage_events.ndjson",
            &[
                view("v1", "R1", "2024-01-12T10:30:00", Some("US")),
                view("v1", "R1", "2024-01-12T15:00:00", Some("US")),
                view("v2", "R3", "2024-01-12T16:00:00", None),
                view("v1", "R3", "2024-01-13T09:00:00", Some("US")),
                download,
            ],
        ),
        dry_run: false,
    };
    assert_eq!(filled.fill(&request).await, 2 + 1 + 4 + 5);
    filled
}

fn category(community: &str) -> Value {
    let params = json!({"community_id": community, "start_date": "2024-01-01", "end_date": "2024-12-31"});
    json!({"usage-delta-category": {"stat": "usage-delta-category", "params": params}})
}

impl Filled {
    pub async fn post(&self, path: &str, body: &Value, headers: &[(&str, &str)]) -> Response {
        let mut request = As::Nobody.sign(Request::post(path)).header(header::CONTENT_TYPE, "application/json");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        self.server.send(request.body(Body::from(body.to_string())).expect("a request")).await
    }

    async fn dashboard(&self, headers: &[(&str, &str)]) -> Response {
        self.post("/api/stats-dashboard", &category("c1"), headers).await
    }
}

fn head<'a>(response: &'a Response, name: &str) -> &'a str {
    response.headers().get(name).map_or("", |value| value.to_str().expect("text"))
}

async fn bytes(response: Response) -> Vec<u8> {
    assert_eq!(response.status(), StatusCode::OK);
    axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body").to_vec()
}

fn gunzip(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    flate2::read::GzDecoder::new(bytes).read_to_end(&mut out).expect("a gzip file");
    out
}

fn unbrotli(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    brotli::Decompressor::new(bytes, 4096).read_to_end(&mut out).expect("a brotli stream");
    out
}

fn untar(bytes: &[u8]) -> BTreeMap<String, Vec<u8>> {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(bytes));
    let entries = archive.entries().expect("an archive").map(|entry| {
        let mut entry = entry.expect("an entry");
        let mut content = Vec::new();
        entry.read_to_end(&mut content).expect("read");
        (entry.path().expect("a path").to_str().expect("text").to_owned(), content)
    });
    entries.collect()
}

/// The numbers of a JSON answer; `as_of` is the instant it was asked for.
fn numbers(json: &[u8]) -> Value {
    let value: Value = serde_json::from_slice(json).expect("JSON");
    value["usage-delta-category"]["global"]["views"][0]["data"].clone()
}

#[tokio::test]
async fn json_travels_as_it_is_or_compressed() {
    let filled = filled(|_| {}).await;
    let plain = filled.dashboard(&[]).await;
    assert_eq!((head(&plain, "content-type"), head(&plain, "content-encoding")), ("application/json", ""));
    assert_eq!(head(&plain, "vary"), "Accept, Accept-Encoding");
    assert_eq!(head(&plain, "cache-control"), "private, max-age=86400");
    let views = numbers(&bytes(plain).await);
    assert_eq!((&views[0], &views[1]), (&json!(["01-12", 3]), &json!(["01-13", 1])));

    for (accept, coding, name) in
        [("application/json+gzip", "gzip", "stats.json.gz"), ("application/json+br", "br", "stats.json.br")]
    {
        let response = filled.dashboard(&[("accept", accept)]).await;
        assert_eq!(head(&response, "content-type"), "application/json; charset=utf-8");
        assert_eq!(head(&response, "content-encoding"), coding);
        assert_eq!(head(&response, "content-disposition"), format!("attachment; filename={name}"));
        let body = bytes(response).await;
        assert_eq!(numbers(&if coding == "br" { unbrotli(&body) } else { gunzip(&body) }), views);
    }
    for (accept, coding) in [("gzip, br", "br"), ("gzip", "gzip"), ("br;q=0.1, gzip;q=0.9", "gzip")] {
        let response = filled.dashboard(&[("accept-encoding", accept)]).await;
        assert_eq!(
            (head(&response, "content-encoding"), head(&response, "content-type")),
            (coding, "application/json")
        );
        assert_eq!(head(&response, "content-disposition"), "");
        let body = bytes(response).await;
        assert_eq!(numbers(&if coding == "br" { unbrotli(&body) } else { gunzip(&body) }), views);
    }
}

#[tokio::test]
async fn csv_is_an_archive_of_tables_with_full_dates() {
    let filled = filled(|_| {}).await;
    // A browser's own header: the archive must arrive as an archive.
    let response = filled.dashboard(&[("accept", "text/csv"), ("accept-encoding", "gzip, deflate, br")]).await;
    assert_eq!(head(&response, "content-type"), "application/gzip");
    assert_eq!(head(&response, "content-encoding"), "");
    assert_eq!(head(&response, "content-disposition"), "attachment; filename=data_series_csv_c1.tar.gz");
    let files = untar(&bytes(response).await);
    let text =
        |name: &str| String::from_utf8(files[&format!("usage-delta-category/{name}.csv")].clone()).expect("text");
    let views = text("global/views");
    assert!(views.starts_with("id,label,date,value,units\r\n"), "{views}");
    for row in ["global,Global,2024-01-12,3,unique views\r\n", "global,Global,2024-01-13,1,unique views\r\n"] {
        assert!(views.contains(row), "{views}");
    }
    assert!(text("global/dataVolume").contains("global,Global,2024-01-12,1000,bytes\r\n"));
    assert_eq!(
        text("countries/views"),
        "id,label,date,value,units\r\nUS,US,2024-01-12,2,unique views\r\nUS,US,2024-01-13,1,unique views\r\n"
    );
    assert!(!files.keys().any(|name| name.contains("/funders/")), "nothing has a funder");

    let response = filled.post("/api/stats-dashboard", &category("global"), &[("accept", "text/csv")]).await;
    assert_eq!(head(&response, "content-disposition"), "attachment; filename=data_series_csv.tar.gz");
}

#[tokio::test]
async fn workbooks_and_xml_hold_the_same_numbers() {
    let filled = filled(|_| {}).await;
    let response = filled.dashboard(&[("accept", SHEET)]).await;
    assert_eq!(head(&response, "content-type"), "application/gzip");
    assert_eq!(head(&response, "content-disposition"), "attachment; filename=data_series_excel_c1.tar.gz");
    let files = untar(&bytes(response).await);
    assert!(files["usage-delta-category/countries.xlsx"].starts_with(b"PK"));
    assert!(files.contains_key("usage-delta-category/global.xlsx"));

    let response = filled.dashboard(&[("accept", "application/xml")]).await;
    assert_eq!(head(&response, "content-type"), "application/xml; charset=utf-8");
    assert_eq!(head(&response, "content-disposition"), "attachment; filename=data_series_xml_c1.xml");
    let xml = String::from_utf8(bytes(response).await).expect("text");
    for part in [
        "<totalCategories>1</totalCategories>",
        "<slug>c1</slug>",
        "<category name=\"usage-delta-category\"",
        "<series id=\"US\" name=\"US\" type=\"line\" valueType=\"number\"",
        "<point date=\"2024-01-12\" value=\"3\"/>",
    ] {
        assert!(xml.contains(part), "no {part} in {xml}");
    }
    let points = xml.matches("<point ").count();
    assert!(xml.contains(&format!("<totalDataPoints>{points}</totalDataPoints>")) && points > 10);
    let last = xml.split("<point date=\"").skip(1).map(|p| &p[..10]).max().expect("points");
    assert!(xml.contains(&format!("<endDate>{last}</endDate>")));
}

#[tokio::test]
async fn a_known_tag_is_answered_with_304_in_every_form() {
    let filled = filled(|_| {}).await;
    let mut tags = Vec::new();
    let accepts =
        ["application/json", "application/json+gzip", "application/json+br", "text/csv", SHEET, "application/xml"];
    for accept in accepts {
        let first = filled.dashboard(&[("accept", accept)]).await;
        let tag = head(&first, "etag").to_owned();
        assert!(tag.starts_with('"') && tag.len() > 30, "{tag}");
        let list = format!("\"other\", {tag}");
        // The clock runs: the tag must not follow it.
        let again = filled.dashboard(&[("accept", accept), ("if-none-match", &list)]).await;
        assert_eq!(again.status(), StatusCode::NOT_MODIFIED, "{accept}");
        assert_eq!((head(&again, "etag"), head(&again, "vary")), (tag.as_str(), "Accept, Accept-Encoding"));
        tags.push(tag);
        if matches!(accept, "text/csv" | SHEET) {
            let second = bytes(filled.dashboard(&[("accept", accept)]).await).await;
            assert_eq!(bytes(first).await, second, "{accept}");
        }
    }
    let compressed = filled.dashboard(&[("accept-encoding", "br")]).await;
    tags.push(head(&compressed, "etag").to_owned());
    tags.sort();
    tags.dedup();
    assert_eq!(tags.len(), accepts.len() + 1, "every form has a tag of its own: {tags:?}");
    // Another content has another tag.
    let params = json!({"community_id": "c1", "start_date": "2024-01-01", "end_date": "2024-12-31"});
    let records = json!({"record-delta-category": {"stat": "record-delta-category", "params": params}});
    let other = filled.post("/api/stats-dashboard", &records, &[]).await;
    assert_eq!(other.status(), StatusCode::OK);
    assert!(!tags.contains(&head(&other, "etag").to_owned()));
}

#[tokio::test]
async fn what_cannot_be_given_is_a_406_with_the_reason() {
    let filled = filled(|_| {}).await;
    let error = |response: Response| async {
        assert_eq!(response.status(), StatusCode::NOT_ACCEPTABLE);
        let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
        serde_json::from_slice::<Value>(&body).expect("JSON")
    };
    let refused = error(filled.dashboard(&[("accept", "image/png")]).await).await;
    let text = refused["error"].as_str().expect("a sentence");
    assert!(text.contains("image/png") && text.contains("text/csv") && text.contains("application/xml"), "{text}");

    // Documents are no series.
    let params = json!({"community_id": "c1"});
    let documents = json!({"mine": {"stat": "community-usage-delta", "params": params}});
    let refused = error(filled.post("/api/stats", &documents, &[("accept", "text/csv")]).await).await;
    assert_eq!(refused["status"], 406);
    let text = refused["message"].as_str().expect("a sentence");
    assert!(text.contains("`mine` answers with documents") && !text.contains("application/xml"), "{text}");
    let fallback = filled.post("/api/stats", &documents, &[("accept", "text/csv, application/json;q=0.1")]).await;
    assert_eq!((fallback.status(), head(&fallback, "content-type")), (StatusCode::OK, "application/json"));

    // Series by another name go into a folder of that name.
    let series =
        json!({"mine/1": {"stat": "usage-snapshot-series", "params": {"community_id": "c1", "metric": "views"}}});
    let files = untar(&bytes(filled.post("/api/stats", &series, &[("accept", "text/csv")]).await).await);
    assert_eq!(files.keys().collect::<Vec<_>>(), ["mine_1/global/views.csv"]);
}

#[tokio::test]
async fn the_old_dates_can_be_had_back() {
    let filled = filled(|settings| settings.legacy_mmdd = true).await;
    let files = untar(&bytes(filled.dashboard(&[("accept", "text/csv")]).await).await);
    let views = String::from_utf8(files["usage-delta-category/countries/views.csv"].clone()).expect("text");
    assert_eq!(views, "id,label,date,value,units\r\nUS,US,01-12,2,unique views\r\nUS,US,01-13,1,unique views\r\n");
}

#[tokio::test]
async fn a_whole_year_comes_from_what_is_kept() {
    let filled = filled(|_| {}).await;
    let asked = async |body: &Value| filled.post("/api/stats-dashboard", body, &[]).await;
    let first = asked(&category("c1")).await;
    assert_eq!((head(&first, "x-cache"), head(&first, "vary")), ("MISS", "Accept, Accept-Encoding"));
    let tag = head(&first, "etag").to_owned();
    let again = asked(&category("c1")).await;
    assert_eq!((head(&again, "x-cache"), head(&again, "etag")), ("HIT", tag.as_str()));
    let length: usize = head(&again, "content-length").parse().expect("a length");
    let body = bytes(again).await;
    assert_eq!(body.len(), length);
    assert_eq!(numbers(&body), numbers(&bytes(first).await));
    // The seed's name and the slug are the same row; the answer bears the name that was asked for.
    let mut alias = json!({});
    alias["usage_delta"] = category("11111111-1111-4111-8111-111111111111")["usage-delta-category"].clone();
    let response = asked(&alias).await;
    assert_eq!(head(&response, "x-cache"), "HIT");
    assert!(bytes(response).await.starts_with(b"{\"usage_delta\":{\"global\":"));
    // Tables of kept answers have the same numbers and are kept, too.
    for wanted in ["HIT", "HIT"] {
        let table = filled.dashboard(&[("accept", "text/csv")]).await;
        assert_eq!(head(&table, "x-cache"), wanted);
        assert!(untar(&bytes(table).await).contains_key("usage-delta-category/global/views.csv"));
    }
    // Two queries, one of which nobody asked before.
    let mut two = category("c1");
    two["record-delta-category"] = json!({"params": category("c1")["usage-delta-category"]["params"]});
    for wanted in ["MISS", "HIT"] {
        let response = asked(&two).await;
        assert_eq!(head(&response, "x-cache"), wanted);
        let both: Value = serde_json::from_slice(&bytes(response).await).expect("JSON");
        assert!(both["usage-delta-category"].is_object() && both["record-delta-category"].is_object());
    }
    // What is not one whole year is put together each time.
    for (start, end) in [("2024-01-01", "2024-12-30"), ("2023-01-01", "2024-12-31")] {
        let mut other = category("c1");
        other["usage-delta-category"]["params"]["start_date"] = json!(start);
        other["usage-delta-category"]["params"]["end_date"] = json!(end);
        for _ in 0..2 {
            assert_eq!(head(&asked(&other).await, "x-cache"), "MISS", "{start} to {end}");
        }
    }
}

#[tokio::test]
async fn what_was_kept_goes_when_a_number_changes() {
    let filled = filled(|_| {}).await;
    let first = filled.dashboard(&[]).await;
    let tag = head(&first, "etag").to_owned();
    let late = json!({"timestamp": "2024-01-12T20:00:00", "recid": "R3", "parent_recid": "P1", "unique_id": "late", "visitor_id": "v9",
        "unique_session_id": "s", "via_api": false, "is_robot": false, "is_machine": false});
    let path = filled.dir.path().join("late.ndjson");
    std::fs::write(&path, format!("{late}\n")).expect("written");
    let request = ImportRequest { usage_events: vec![path], ..ImportRequest::default() };
    filled.repository.import(&request, &mut |_| true).await.expect("imported");
    let before = filled.dashboard(&[("if-none-match", &tag)]).await;
    assert_eq!((before.status(), head(&before, "x-cache")), (StatusCode::NOT_MODIFIED, "HIT"));
    filled.repository.aggregate(&AggregateRequest::default(), "late", &mut |_| true).await.expect("aggregated");
    let after = filled.dashboard(&[("if-none-match", &tag)]).await;
    assert_eq!((after.status(), head(&after, "x-cache")), (StatusCode::OK, "MISS"));
    assert_eq!(numbers(&bytes(after).await)[0], json!(["01-12", 4]));
    // Cleared by another process: the memory of this one does not serve it any more.
    assert_eq!(head(&filled.dashboard(&[]).await, "x-cache"), "HIT");
    filled.repository.cached_responses().clear().await.expect("cleared");
    assert_eq!(head(&filled.dashboard(&[]).await, "x-cache"), "MISS");
}

#[tokio::test]
async fn numbers_as_known_on_an_earlier_day_over_http() {
    let filled = filled(|_| {}).await;
    let mut asked = category("c1");
    asked["usage-delta-category"]["params"]["as_known_on"] = json!("2024-01-13");
    let response = filled.post("/api/stats-dashboard", &asked, &[]).await;
    assert_eq!(response.status(), StatusCode::BAD_REQUEST);
    let body = axum::body::to_bytes(response.into_body(), usize::MAX).await.expect("a body");
    let text = String::from_utf8(body.to_vec()).expect("text");
    assert!(text.contains("nothing was known on 2024-01-13"), "{text}");
    let distinct = json!({"mine": {"stat": "community-usage-distinct", "params": {"community_id": "c1"}}});
    let response = filled.post("/api/stats", &distinct, &[]).await;
    let found: Value = serde_json::from_slice(&bytes(response).await).expect("JSON");
    assert_eq!((&found["mine"]["view"]["unique_visitors"], &found["mine"]["view"]["exact"]), (&json!(2), &json!(true)));
}
