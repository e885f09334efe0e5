//! What records and usage are split by (spec/invenio §5), from configuration; and how the values are read from a document.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tallykeep_model::Label;

use crate::documents::ENRICHMENT;

/// One configured breakdown.
#[derive(Debug, Clone, PartialEq)]
pub struct Subcount {
    pub name: String,
    pub records: Option<Side>,
    pub usage: Option<Side>,
}

/// How one side of a breakdown is read.
#[derive(Debug, Clone, PartialEq)]
pub struct Side {
    /// Snapshots list every value ever seen (`all`) or the largest (`top`).
    pub top: bool,
    pub with_files_only: bool,
    pub sources: Vec<Source>,
    /// The field of a usage event that carries it; `None`: the event has it by itself.
    pub event_field: Option<String>,
    /// Where in the record that field comes from, where it is none of the fields every enrichment has.
    pub extraction: Option<Vec<String>>,
}

/// One field values come from.
#[derive(Debug, Clone, PartialEq)]
pub struct Source {
    /// Path in the document; the last part is the value's key (`id`), or the value itself where it is a text.
    pub path: Vec<String>,
    /// Last part of the label's path.
    pub label: Option<String>,
    /// Further keys that name the same entity (`id`, then `name`).
    pub combine: Vec<String>,
}

/// One value of a breakdown in one document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Item {
    pub id: String,
    pub label: Option<Label>,
    /// How often the document names it: (person, affiliation) pairs, say.
    pub times: i64,
}

impl Subcount {
    /// Reads `COMMUNITY_STATS_SUBCOUNTS`. An empty object disables a side.
    pub fn list_from_json(value: &Value) -> Result<Vec<Self>, String> {
        let map = value.as_object().ok_or("must be an object of breakdowns")?;
        map.iter()
            .map(|(name, sides)| {
                let side = |key: &str| match sides.get(key) {
                    None => Ok(None),
                    Some(Value::Object(o)) if o.is_empty() => Ok(None),
                    Some(side) => Side::from_json(side).map(Some).map_err(|e| format!("{name}.{key}: {e}")),
                };
                Ok(Self { name: name.clone(), records: side("records")?, usage: side("usage_events")? })
            })
            .collect()
    }
}

impl Side {
    fn from_json(value: &Value) -> Result<Self, String> {
        let top = match value.get("snapshot_type").and_then(Value::as_str) {
            Some("all") => false,
            Some("top") => true,
            other => return Err(format!("snapshot_type must be `all` or `top`, not {other:?}")),
        };
        let sources = value.get("source_fields").and_then(Value::as_array).ok_or("source_fields must be a list")?;
        let sources = sources.iter().map(Source::from_json).collect::<Result<Vec<_>, _>>()?;
        if sources.is_empty() {
            return Err("source_fields must not be empty".to_owned());
        }
        Ok(Self {
            top,
            with_files_only: value.get("with_files_only").and_then(Value::as_bool).unwrap_or(false),
            sources,
            event_field: value.get("event_field").and_then(Value::as_str).map(str::to_owned),
            extraction: value.get("extraction_path_for_event").and_then(Value::as_str).map(split),
        })
    }

    /// The field of an enrichment that is there because of this configuration alone.
    pub fn own_field(&self) -> Option<&str> {
        self.event_field.as_deref().filter(|field| !ENRICHMENT.contains(field))
    }

    /// What such a field holds for events of a record: what stands at the path it was given, else under `metadata` by its own name. Lists on
    /// the way are walked through; several finds are a list.
    pub fn extract(&self, record: &Value) -> Option<Value> {
        let named = || self.own_field().map(|field| vec!["metadata".to_owned(), field.to_owned()]);
        let path = self.extraction.clone().or_else(named)?;
        let mut found = vec![record];
        let mut several = false;
        for part in &path {
            several |= found.iter().any(|holder| holder.get(part).is_some_and(Value::is_array));
            found = found.into_iter().flat_map(|holder| children(holder, part)).collect();
        }
        if several {
            return Some(Value::Array(found.into_iter().cloned().collect()));
        }
        found.first().map(|value| (*value).clone())
    }
}

impl Source {
    fn from_json(value: &Value) -> Result<Self, String> {
        let field = value.get("field").and_then(Value::as_str).ok_or("a source field needs `field`")?;
        let label = value.get("label_field").and_then(Value::as_str).map(|path| last_part(path).to_owned());
        let combine = value.get("combine_subfields").and_then(Value::as_array).map_or_else(Vec::new, |list| {
            list.iter().filter_map(Value::as_str).map(|path| last_part(path).to_owned()).collect()
        });
        Ok(Self { path: split(field), label, combine })
    }
}

/// A path's parts; the search engine's `.keyword` suffix means nothing here.
fn split(field: &str) -> Vec<String> {
    field.trim_end_matches(".keyword").split('.').map(str::to_owned).collect()
}

fn last_part(path: &str) -> &str {
    let path = path.trim_end_matches(".keyword");
    path.rsplit('.').next().unwrap_or(path)
}

/// The breakdowns of spec/invenio §5.
pub fn default_subcounts() -> Vec<Subcount> {
    let field = |path: &str, label: Option<&str>| json!({"field": path, "label_field": label});
    let combined =
        |path: &str, label: &str| json!({"field": path, "label_field": label, "combine_subfields": ["id", "name"]});
    let side = |kind: &str, event: Option<&str>, fields: Vec<Value>| json!({"snapshot_type": kind, "event_field": event, "source_fields": fields});
    let config = json!({
        "resource_types": {"records": side("all", None, vec![field("metadata.resource_type.id", Some("metadata.resource_type.title"))]),
                           "usage_events": side("all", Some("resource_type"), vec![field("resource_type.id", Some("resource_type.title"))])},
        "access_statuses": {"records": side("all", None, vec![field("access.status", None)]),
                            "usage_events": side("all", Some("access_status"), vec![field("access_status", None)])},
        "languages": {"records": side("top", None, vec![field("metadata.languages.id", Some("metadata.languages.title"))]),
                      "usage_events": side("top", Some("languages"), vec![field("languages.id", Some("languages.title"))])},
        "subjects": {"records": side("top", None, vec![field("metadata.subjects.id", Some("metadata.subjects.subject"))]),
                     "usage_events": {}},
        "rights": {"records": side("top", None, vec![field("metadata.rights.id", Some("metadata.rights.title"))]),
                   "usage_events": side("top", Some("rights"), vec![field("rights.id", Some("rights.title"))])},
        "funders": {"records": side("top", None, vec![combined("metadata.funding.funder.id", "metadata.funding.funder.name")]),
                    "usage_events": side("top", Some("funders"), vec![combined("funders.id", "funders.name")])},
        "periodicals": {"records": side("top", None, vec![field("custom_fields.journal:journal.title", None)]),
                        "usage_events": side("top", Some("journal_title"), vec![field("journal_title", None)])},
        "publishers": {"records": side("top", None, vec![field("metadata.publisher", None)]),
                       "usage_events": side("top", Some("publisher"), vec![field("publisher", None)])},
        "affiliations": {"records": side("top", None, vec![
                             field("metadata.creators.affiliations.id", Some("metadata.creators.affiliations.name")),
                             field("metadata.contributors.affiliations.id", Some("metadata.contributors.affiliations.name"))]),
                         "usage_events": side("top", Some("affiliations"), vec![field("affiliations.id", Some("affiliations.name"))])},
        "countries": {"records": {}, "usage_events": side("top", None, vec![field("country", None)])},
        "referrers": {"records": {}, "usage_events": {}},
        "file_types": {"records": {"snapshot_type": "all", "with_files_only": true, "source_fields": [field("files.entries.ext", None)]},
                       "usage_events": side("all", Some("file_types"), vec![field("file_types", None)])},
    });
    // The table above is ours and complete; a mistake in it fails the first test that runs.
    Subcount::list_from_json(&config).expect("the default breakdowns are valid")
}

/// The values of a side in a document, each once, with how often it is named.
pub fn items(side: &Side, document: &Value) -> Vec<Item> {
    let mut found: BTreeMap<String, Item> = BTreeMap::new();
    for source in &side.sources {
        let Some((key, parents)) = source.path.split_last() else { continue };
        let mut holders = vec![document];
        for part in parents {
            holders = holders.into_iter().flat_map(|holder| children(holder, part)).collect();
        }
        for holder in holders {
            for value in
                children(holder, key).into_iter().map(text).chain(combined(source, holder, key)).flatten().take(
                    // An entity with several names is one entity: the first name it has.
                    if source.combine.is_empty() { usize::MAX } else { 1 },
                )
            {
                let label = source.label.as_ref().and_then(|l| holder.get(l)).and_then(label);
                let item = found.entry(value.clone()).or_insert(Item { id: value, label: None, times: 0 });
                item.times += 1;
                item.label = item.label.take().or(label);
            }
        }
    }
    found.into_values().collect()
}

/// The other names a combined entity may go by when it lacks its key.
fn combined<'a>(source: &'a Source, holder: &'a Value, key: &'a str) -> impl Iterator<Item = Option<String>> + 'a {
    source.combine.iter().filter(move |name| *name != key).map(move |name| holder.get(name).and_then(text))
}

fn children<'a>(holder: &'a Value, part: &str) -> Vec<&'a Value> {
    match holder.get(part) {
        // Some systems flatten `journal:journal.title` into one key.
        None | Some(Value::Null) => Vec::new(),
        Some(Value::Array(list)) => list.iter().collect(),
        Some(value) => vec![value],
    }
}

fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) if !text.trim().is_empty() => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// A label as documents write them: a text, or a text per language.
pub fn label(value: &Value) -> Option<Label> {
    match value {
        Value::String(text) if !text.is_empty() => Some(Label::Text(text.clone())),
        Value::Object(map) => {
            let texts: BTreeMap<String, String> =
                map.iter().filter_map(|(k, v)| v.as_str().map(|t| (k.clone(), t.to_owned()))).collect();
            (!texts.is_empty()).then_some(Label::Languages(texts))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn records(name: &str) -> Side {
        let all = default_subcounts();
        all.into_iter().find(|s| s.name == name).and_then(|s| s.records).expect("configured")
    }

    fn ids(side: &Side, document: &Value) -> Vec<(String, i64)> {
        items(side, document).into_iter().map(|i| (i.id, i.times)).collect()
    }

    #[test]
    fn affiliations_count_records_once_and_contributions_all() {
        let person = |id: Option<&str>| json!({"affiliations": [{"id": id, "name": "x"}]});
        let document = json!({"metadata": {"creators": [person(Some("01abc")), person(Some("01abc"))],
                                           "contributors": [person(Some("01abc")), person(None)]}});
        assert_eq!(ids(&records("affiliations"), &document), [("01abc".to_owned(), 3)]);
    }

    #[test]
    fn a_funder_without_id_goes_by_its_name_and_one_with_id_is_not_counted_twice() {
        let funder = |id: Option<&str>, name: &str| json!({"funder": {"id": id, "name": name}});
        let document = json!({"metadata": {"funding": [funder(Some("f1"), "Fund"), funder(None, "Private"), funder(Some("f1"), "Fund")]}});
        assert_eq!(ids(&records("funders"), &document), [("Private".to_owned(), 1), ("f1".to_owned(), 2)]);
    }

    #[test]
    fn the_journal_title_is_found_behind_its_colon() {
        let document = json!({"custom_fields": {"journal:journal": {"title": "J"}}});
        assert_eq!(ids(&records("periodicals"), &document), [("J".to_owned(), 1)]);
        assert!(ids(&records("subjects"), &json!({"metadata": {"subjects": [{"subject": "free text"}]}})).is_empty());
    }

    #[test]
    fn a_field_of_ones_own_is_taken_from_the_record() {
        let config = json!({"formats": {"usage_events": {"snapshot_type": "all", "event_field": "formats",
            "extraction_path_for_event": "metadata.formats.name", "source_fields": [{"field": "formats"}]}},
            "version": {"usage_events": {"snapshot_type": "all", "event_field": "version", "source_fields": [{"field": "version"}]}}});
        let all = Subcount::list_from_json(&config).expect("valid");
        let extract = |name: &str, record: &Value| {
            all.iter().find(|s| s.name == name).and_then(|s| s.usage.as_ref()).expect("configured").extract(record)
        };
        let record = json!({"metadata": {"formats": [{"name": "a"}, {"name": "b"}], "version": "v2"}});
        assert_eq!(extract("formats", &record), Some(json!(["a", "b"])));
        assert_eq!(extract("version", &record), Some(json!("v2")));
        assert_eq!(extract("version", &json!({})), None);
        assert!(default_subcounts().iter().filter_map(|s| s.usage.as_ref()).all(|side| side.own_field().is_none()));
    }

    #[test]
    fn a_wrong_configuration_says_where() {
        let error =
            Subcount::list_from_json(&json!({"x": {"records": {"snapshot_type": "some"}}})).expect_err("refused");
        assert!(error.starts_with("x.records: snapshot_type"), "{error}");
    }
}
