//! What sources say, in the shapes of spec/invenio §1.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

use crate::documents::extension;

/// A record's document without its counters, and the counters: those change with every visitor, the record does not.
pub(super) fn without_stats(mut document: Value) -> (Value, Option<Value>) {
    let stats = document.as_object_mut().and_then(|fields| fields.shift_remove("stats"));
    (document, stats.filter(|stats| stats.is_object() && !stats.as_object().is_some_and(Map::is_empty)))
}

/// A record of a search index or of the REST API of InvenioRDM.
///
/// Deletion is told in three ways by the versions of the software: `is_deleted`, `deletion_status: "D"`, and
/// `deletion_status: {"is_deleted": true}`. A deleted record without a day of removal was removed when it was last updated.
pub(super) fn record(mut document: Value) -> Value {
    let deleted = match &document["deletion_status"] {
        Value::String(status) => status != "P",
        Value::Object(status) => status.get("is_deleted").and_then(Value::as_bool).unwrap_or(false),
        _ => false,
    };
    let Some(fields) = document.as_object_mut() else { return document };
    if deleted {
        fields.insert("is_deleted".to_owned(), json!(true));
    }
    if fields.get("is_deleted") == Some(&json!(true)) {
        let removed = fields.get("tombstone").and_then(|t| t.get("removal_date")).is_some_and(Value::is_string);
        if !removed && let Some(updated) = fields.get("updated").cloned() {
            let tombstone = fields.entry("tombstone").or_insert_with(|| json!({}));
            if !tombstone.is_object() {
                *tombstone = json!({});
            }
            tombstone["removal_date"] = updated;
        }
    }
    document
}

/// A community of a search index or of the REST API: some versions call its id `uuid`.
pub(super) fn community(mut document: Value, index_id: Option<&str>) -> Value {
    if let Some(fields) = document.as_object_mut()
        && !fields.get("id").is_some_and(Value::is_string)
        && let Some(id) = fields.get("uuid").cloned().or_else(|| index_id.map(|id| json!(id)))
    {
        fields.insert("id".to_owned(), id);
    }
    document
}

/// A usage event: its id in the index is its identity, its index says what it is.
pub(super) fn usage(mut document: Value, index_id: &str, is_download: bool) -> Value {
    if let Some(fields) = document.as_object_mut() {
        fields.insert("id".to_owned(), json!(index_id));
        fields.insert("event_type".to_owned(), json!(if is_download { "download" } else { "view" }));
    }
    document
}

/// Whether a record is in the shape of the API before InvenioRDM (Zenodo still answers so).
pub(super) fn is_legacy(document: &Value) -> bool {
    document.get("conceptrecid").is_some() && document.get("parent").is_none_or(|parent| !parent.is_object())
}

/// Slugs of the communities a record in the older shape names.
pub(super) fn legacy_communities(document: &Value) -> Vec<String> {
    let list = document.pointer("/metadata/communities").and_then(Value::as_array);
    list.into_iter().flatten().filter_map(|c| Some(c.get("id")?.as_str()?.to_owned())).collect()
}

/// A record in the older shape, in ours. `communities` tells the id behind a slug; a slug nobody knows stands for itself.
pub(super) fn legacy_record(document: &Value, communities: &HashMap<String, String>) -> Value {
    let old = &document["metadata"];
    let text = |value: &Value| match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    };
    let list = |value: &Value| value.as_array().cloned().unwrap_or_default();
    let id = text(&document["id"]).or_else(|| text(&document["recid"]));
    let owner = text(&document["owners"][0]["id"]).or_else(|| text(&document["owners"][0]));
    let ids: Vec<String> =
        legacy_communities(document).into_iter().map(|slug| communities.get(&slug).cloned().unwrap_or(slug)).collect();
    let entries: Vec<Value> = list(&document["files"])
        .iter()
        .map(|file| {
            let key = file["key"].as_str().unwrap_or_default();
            json!({"key": key, "ext": extension(key), "size": file["size"], "file_id": file["id"], "checksum": file["checksum"]})
        })
        .collect();
    let access = old["access_right"].as_str().unwrap_or("open");
    let status = match access {
        "closed" => "restricted",
        "open" if entries.is_empty() => "metadata-only",
        other => other,
    };
    // The files of a record one may not open are not listed, which does not make it one without files.
    let with_files = !entries.is_empty() || access != "open";
    let kind = &old["resource_type"];
    let kind_id = match (kind["type"].as_str(), kind["subtype"].as_str()) {
        (Some(kind), Some(subtype)) => Some(format!("{kind}-{subtype}")),
        (kind, _) => kind.map(str::to_owned),
    };
    let people = |field: &str| -> Vec<Value> {
        list(&old[field])
            .iter()
            .map(|person| {
                let names: Vec<Value> =
                    person["affiliation"].as_str().map(|name| json!({ "name": name })).into_iter().collect();
                json!({ "affiliations": names })
            })
            .collect()
    };
    let mut metadata = Map::new();
    metadata.insert("title".to_owned(), old["title"].clone());
    metadata.insert("publication_date".to_owned(), old["publication_date"].clone());
    if let Some(id) = kind_id {
        metadata.insert("resource_type".to_owned(), json!({"id": id, "title": {"en": kind["title"]}}));
    }
    let named = |value: &Value| -> Vec<Value> { text(value).map(|id| json!({ "id": id })).into_iter().collect() };
    metadata.insert("languages".to_owned(), json!(named(&old["language"])));
    metadata.insert("rights".to_owned(), json!(named(&old["license"]["id"])));
    let subjects: Vec<Value> = list(&old["keywords"]).iter().map(|word| json!({ "subject": word })).collect();
    metadata.insert("subjects".to_owned(), json!(subjects));
    if let Some(publisher) = old.pointer("/imprint/publisher").filter(|p| p.is_string()) {
        metadata.insert("publisher".to_owned(), publisher.clone());
    }
    let funding: Vec<Value> = list(&old["grants"])
        .iter()
        .map(|grant| json!({"funder": {"id": grant["funder"]["doi"], "name": grant["funder"]["name"]}}))
        .collect();
    metadata.insert("funding".to_owned(), json!(funding));
    metadata.insert("creators".to_owned(), json!(people("creators")));
    metadata.insert("contributors".to_owned(), json!(people("contributors")));
    let mut custom = Map::new();
    if let Some(title) = old.pointer("/journal/title").filter(|t| t.is_string()) {
        custom.insert("journal:journal".to_owned(), json!({ "title": title }));
    }
    let published = document["status"].as_str().is_none_or(|status| status == "published");
    json!({
        "id": id,
        "parent": {
            "id": text(&document["conceptrecid"]),
            "access": {"owned_by": {"user": owner}},
            "communities": {"ids": ids},
        },
        "created": document["created"],
        "updated": document.get("updated").filter(|u| u.is_string()).unwrap_or(&document["modified"]),
        "is_published": published,
        "is_deleted": false,
        "files": {"enabled": with_files, "entries": entries},
        "access": {"status": status},
        "metadata": metadata,
        "pids": {"doi": {"identifier": document["doi"]}},
        "custom_fields": custom,
        "links": {"self_html": document.pointer("/links/self_html").or(document.pointer("/links/html"))},
    })
}

/// What a source counted for a record: over all versions, and of this one. `None` where it tells nothing.
pub(super) fn figures(stats: &Value, parent: Option<&str>) -> Option<Value> {
    let number = |name: &str| stats.pointer(name).and_then(Value::as_f64).map(whole);
    let (all, this) = ("/all_versions", "/this_version");
    let part = |base: &str| {
        let views = number(&format!("{base}/views"))?;
        Some(json!({
            "views": views,
            "downloads": number(&format!("{base}/downloads"))?,
            "unique_views": number(&format!("{base}/unique_views")),
            "unique_downloads": number(&format!("{base}/unique_downloads")),
        }))
    };
    let old = || {
        let named = |prefix: &str| {
            Some(json!({
                "views": number(&format!("/{prefix}views"))?,
                "downloads": number(&format!("/{prefix}downloads"))?,
                "unique_views": number(&format!("/{prefix}unique_views")),
                "unique_downloads": number(&format!("/{prefix}unique_downloads")),
            }))
        };
        Some((named("")?, named("version_")))
    };
    let (all, this) = match part(all) {
        Some(all) => (all, part(this)),
        None => old()?,
    };
    Some(json!({"parent": parent, "all_versions": all, "this_version": this}))
}

#[expect(clippy::cast_possible_truncation, reason = "counters are whole numbers; some versions write them as 12.0")]
fn whole(number: f64) -> i64 {
    number as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_ways_of_being_deleted_are_one() {
        for document in [
            json!({"id": "a", "updated": "2026-01-02T00:00:00Z", "is_deleted": true}),
            json!({"id": "a", "updated": "2026-01-02T00:00:00Z", "deletion_status": "D", "tombstone": null}),
            json!({"id": "a", "updated": "2026-01-02T00:00:00Z", "deletion_status": {"is_deleted": true, "status": "D"}}),
        ] {
            let converted = record(document);
            assert_eq!(converted["is_deleted"], true);
            assert_eq!(converted["tombstone"]["removal_date"], "2026-01-02T00:00:00Z");
        }
        let kept =
            record(json!({"id": "a", "deletion_status": "D", "tombstone": {"removal_date": "2025-05-05T05:05:05Z"}}));
        assert_eq!(kept["tombstone"]["removal_date"], "2025-05-05T05:05:05Z");
        let alive =
            record(json!({"id": "a", "is_deleted": false, "deletion_status": {"is_deleted": false, "status": "P"}}));
        assert_eq!(alive["is_deleted"], false);
    }

    #[test]
    fn counters_are_read_in_both_shapes() {
        let rdm = json!({"all_versions": {"views": 12.0, "downloads": 3, "unique_views": 9, "unique_downloads": 2},
            "this_version": {"views": 10, "downloads": 3, "unique_views": 8, "unique_downloads": 2}});
        let old = json!({"views": 12, "downloads": 3, "unique_views": 9, "unique_downloads": 2,
            "version_views": 10, "version_downloads": 3, "version_unique_views": 8, "version_unique_downloads": 2});
        assert_eq!(figures(&rdm, Some("p")), figures(&old, Some("p")));
        assert_eq!(figures(&rdm, Some("p")).expect("figures")["all_versions"]["views"], 12);
        assert_eq!(figures(&json!({}), None), None);
    }
}
