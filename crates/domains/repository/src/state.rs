//! What the repository is now: current records with their breakdown values, communities, memberships.

use std::collections::{BTreeMap, HashMap};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Map, Value};
use tallykeep_lake::{
    Scan, TableDef, TeamLake,
    arrow::{
        array::{Array, AsArray},
        datatypes::{Int32Type, Int64Type, TimestampMicrosecondType},
    },
};
use tallykeep_model::Label;
use tallykeep_rollup::{Cell, Vocabulary};

use crate::{
    RepositoryError,
    config::Settings,
    dates::utc_day,
    documents::{Community, MembershipKind, Record, extension},
    membership::{Interval, cut, intervals},
    subcounts::{Item, items},
    tables::{COMMUNITIES, MEMBERSHIPS, RECORDS},
};

/// A document as stored: its text and the place of its version in the order of imports.
pub struct Stored {
    pub seq: i64,
    pub updated: Option<i64>,
    pub hash: i64,
    pub doc: String,
}

/// The current version of every id of a document table.
pub async fn current(lake: &TeamLake, def: &'static TableDef) -> Result<HashMap<String, Stored>, RepositoryError> {
    let mut found: HashMap<String, Stored> = HashMap::new();
    for batch in lake.table(def).scan(&Scan::default()).await? {
        let ids = batch.column(0).as_string::<i32>();
        let seqs = batch.column(1).as_primitive::<Int64Type>();
        let updated = batch.column(2).as_primitive::<TimestampMicrosecondType>();
        let hashes = batch.column(3).as_primitive::<Int64Type>();
        let docs = batch.column(4).as_string::<i32>();
        for row in 0..batch.num_rows() {
            let seq = seqs.value(row);
            if found.get(ids.value(row)).is_none_or(|stored| stored.seq < seq) {
                let stored = Stored {
                    seq,
                    updated: updated.is_valid(row).then(|| updated.value(row)),
                    hash: hashes.value(row),
                    doc: docs.value(row).to_owned(),
                };
                found.insert(ids.value(row).to_owned(), stored);
            }
        }
    }
    Ok(found)
}

/// A value of a breakdown of one record, with what it brings to that value.
#[derive(Debug, Clone)]
pub struct RecordValue {
    pub dimension: u32,
    pub value: u32,
    /// Files, bytes, contributions.
    pub amounts: [i64; 3],
}

/// A record with everything aggregation needs of it.
pub struct Known {
    pub record: Record,
    pub parent: u32,
    pub owner: Option<u32>,
    /// Breakdown values of the records side.
    pub values: Vec<RecordValue>,
    /// Breakdown values of a view, without those the event itself carries.
    pub view: Vec<Cell>,
    /// Breakdown values of a download, without its file type.
    pub download: Vec<Cell>,
    /// Times in each community, by community number.
    pub memberships: Vec<(u32, Vec<Interval>)>,
}

/// The repository as it is now.
pub struct State {
    pub records: Vec<Known>,
    pub by_id: HashMap<String, u32>,
    pub communities: Vec<Community>,
    pub vocabulary: Vocabulary,
    pub labels: BTreeMap<(String, String), Label>,
    pub has_membership_events: bool,
    pub settings: Settings,
}

/// Cells of sets carry this scope until an event's scopes are known.
pub const ANY_SCOPE: u32 = 0;

impl State {
    /// Scope number of `global`.
    pub const GLOBAL: u32 = 0;

    /// Reads records, communities and memberships of a team. Scope 0 is `global`, scope n the n-th community.
    pub async fn load(lake: &TeamLake, settings: &Settings) -> Result<Self, RepositoryError> {
        let mut communities: Vec<Community> = Vec::new();
        for stored in current(lake, &COMMUNITIES).await?.into_values() {
            let document: Value = serde_json::from_str(&stored.doc)?;
            communities.push(Community::from_json(&document).map_err(|e| RepositoryError::Damaged(e.to_string()))?);
        }
        communities.sort_by(|a, b| (&a.slug, &a.id).cmp(&(&b.slug, &b.id)));
        let mut state = Self {
            records: Vec::new(),
            by_id: HashMap::new(),
            communities,
            vocabulary: Vocabulary::default(),
            labels: BTreeMap::new(),
            has_membership_events: false,
            settings: settings.clone(),
        };
        state.vocabulary.scopes.add("global");
        for community in &state.communities {
            state.vocabulary.scopes.add(&community.id);
        }
        let mut stored: Vec<(String, Stored)> = current(lake, &RECORDS).await?.into_iter().collect();
        stored.sort_by(|a, b| a.0.cmp(&b.0));
        let mut parents = tallykeep_rollup::Words::default();
        let mut owners = tallykeep_rollup::Words::default();
        for (id, stored) in stored {
            let document: Value = serde_json::from_str(&stored.doc)?;
            let record =
                Record::from_json(&document).map_err(|e| RepositoryError::Damaged(format!("record {id}: {e}")))?;
            let known = Known {
                parent: parents.add(&record.parent),
                owner: record.owner.as_deref().map(|owner| owners.add(owner)),
                values: state.record_values(&record, &document),
                view: Vec::new(),
                download: Vec::new(),
                memberships: Vec::new(),
                record,
            };
            let number = u32::try_from(state.records.len()).unwrap_or(u32::MAX);
            state.by_id.insert(id, number);
            state.records.push(known);
            let own = enrichment(&document);
            let view = state.usage_cells(&own, true);
            let mut download_own = own;
            download_own.as_object_mut().map(|o| o.remove("file_types"));
            let download = state.usage_cells(&download_own, true);
            let known = &mut state.records[number as usize];
            known.view = view;
            known.download = download;
        }
        state.load_memberships(lake).await?;
        Ok(state)
    }

    async fn load_memberships(&mut self, lake: &TeamLake) -> Result<(), RepositoryError> {
        let mut events: HashMap<(u32, u32), Vec<(Timestamp, MembershipKind)>> = HashMap::new();
        let mut has_any: Vec<bool> = vec![false; self.records.len()];
        for event in membership_events(lake).await? {
            self.has_membership_events = true;
            let Some(&record) = self.by_id.get(&event.0) else { continue };
            has_any[record as usize] = true;
            let Some(scope) = self.vocabulary.scopes.find(&event.1).filter(|s| *s != Self::GLOBAL) else { continue };
            events.entry((record, scope)).or_default().push((event.3, event.2));
        }
        let created: HashMap<&str, (u32, Option<Timestamp>)> = (1..)
            .zip(&self.communities)
            .map(|(number, community)| (community.id.as_str(), (number, community.created)))
            .collect();
        let mut by_record: HashMap<u32, Vec<(u32, Vec<Interval>)>> = HashMap::new();
        for ((record, scope), mut list) in events {
            by_record.entry(record).or_default().push((scope, intervals(&mut list)));
        }
        for (number, known) in (0..).zip(&mut self.records) {
            let mut memberships = by_record.remove(&number).unwrap_or_default();
            if !has_any[number as usize] {
                // No event tells when it joined: it counts as a member since both exist (spec/invenio §12c).
                for id in &known.record.communities {
                    if let Some(&(scope, community_created)) = created.get(id.as_str()) {
                        let start = community_created.map_or(known.record.created, |c| c.max(known.record.created));
                        memberships.push((scope, vec![Interval { start, end: None }]));
                    }
                }
            }
            memberships.sort_by_key(|m| m.0);
            memberships.dedup_by_key(|m| m.0);
            known.memberships = memberships;
        }
        Ok(())
    }

    fn record_values(&mut self, record: &Record, document: &Value) -> Vec<RecordValue> {
        let all_files = i64::try_from(record.files.len()).unwrap_or(i64::MAX);
        let all_bytes: i64 = record.files.iter().map(|f| f.size).sum();
        let mut values = Vec::new();
        let subcounts = std::mem::take(&mut self.settings.subcounts);
        for subcount in &subcounts {
            let Some(side) = &subcount.records else { continue };
            let dimension = self.vocabulary.dimensions.add(&subcount.name);
            let found = if side.with_files_only { file_types(record) } else { items(side, document) };
            for item in found {
                let value = self.vocabulary.values.add(&item.id);
                let (files, bytes) = if side.with_files_only {
                    let of_type = record.files.iter().filter(|f| f.ext.as_deref() == Some(item.id.as_str()));
                    (item.times, of_type.map(|f| f.size).sum())
                } else {
                    (all_files, all_bytes)
                };
                values.push(RecordValue { dimension, value, amounts: [files, bytes, item.times] });
                self.learn(&subcount.name, item);
            }
        }
        self.settings.subcounts = subcounts;
        values
    }

    /// Cells of an enriched event in [`ANY_SCOPE`]; with `learn` its labels are remembered.
    pub fn usage_cells(&mut self, own: &Value, learn: bool) -> Vec<Cell> {
        let mut cells = Vec::new();
        let subcounts = std::mem::take(&mut self.settings.subcounts);
        for subcount in &subcounts {
            let Some(side) = &subcount.usage else { continue };
            let dimension = self.vocabulary.dimensions.add(&subcount.name);
            for item in items(side, own) {
                cells.push(Cell::new(ANY_SCOPE, dimension, self.vocabulary.values.add(&item.id)));
                if learn {
                    self.learn(&subcount.name, item);
                }
            }
        }
        self.settings.subcounts = subcounts;
        cells
    }

    fn learn(&mut self, dimension: &str, item: Item) {
        if let Some(label) = item.label {
            self.labels.entry((dimension.to_owned(), item.id)).or_insert(label);
        }
    }

    /// The community numbers (scopes) a record is in at an instant.
    pub fn scopes_at(&self, record: u32, at: Timestamp) -> impl Iterator<Item = u32> + '_ {
        self.records[record as usize]
            .memberships
            .iter()
            .filter(move |(_, list)| list.iter().any(|interval| interval.covers(at)))
            .map(|(scope, _)| *scope)
    }

    /// The scope numbers of ids or slugs, or of everything enabled and `global` when none are named.
    ///
    /// Errors: `UnknownCommunity`.
    pub fn scopes(&self, wanted: &[String], enabled: impl Fn(&Community) -> bool) -> Result<Vec<u32>, RepositoryError> {
        if wanted.is_empty() {
            let communities = (1..).zip(&self.communities).filter(|(_, c)| enabled(c)).map(|(n, _)| n);
            return Ok(communities.chain([Self::GLOBAL]).collect());
        }
        wanted.iter().map(|name| self.scope(name)).collect()
    }

    fn scope(&self, name: &str) -> Result<u32, RepositoryError> {
        if name == "global" {
            return Ok(Self::GLOBAL);
        }
        let by_id = (1..).zip(&self.communities).find(|(_, c)| c.id == name);
        let found = by_id.or_else(|| (1..).zip(&self.communities).find(|(_, c)| c.slug == name));
        found.map(|(n, _)| n).ok_or_else(|| RepositoryError::UnknownCommunity(name.to_owned()))
    }

    /// When a record is in a scope, with the start of its first interval moved to the basis date (spec/invenio §4.2).
    pub fn stays(&self, known: &Known, scope: u32, basis: Basis) -> Vec<(Date, Option<Date>)> {
        let record = &known.record;
        if !record.is_published {
            return Vec::new();
        }
        let basis_start = match basis {
            Basis::Created => Some(record.created),
            Basis::Published => match record.published.and_then(|day| day.to_zoned(TimeZone::UTC).ok()) {
                Some(start) => Some(start.timestamp()),
                None => return Vec::new(),
            },
            Basis::Added => None,
        };
        let mut list = if scope == Self::GLOBAL {
            vec![Interval { start: record.created, end: None }]
        } else {
            known.memberships.iter().find(|m| m.0 == scope).map(|m| m.1.clone()).unwrap_or_default()
        };
        if let Some(deleted) = record.deleted {
            cut(&mut list, deleted);
        }
        if let (Some(start), Some(first)) = (basis_start, list.first_mut()) {
            first.start = start;
            if first.end.is_some_and(|end| start >= end) {
                list.remove(0);
            }
        }
        list.iter().map(|i| (utc_day(i.start), i.end.map(utc_day))).collect()
    }
}

/// Which date a record's first time starts at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Basis {
    Created,
    Published,
    Added,
}

impl Basis {
    pub const ALL: [Self; 3] = [Self::Created, Self::Published, Self::Added];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Published => "published",
            Self::Added => "added",
        }
    }
}

/// Every membership event: record, community, kind, instant.
pub async fn membership_events(
    lake: &TeamLake,
) -> Result<Vec<(String, String, MembershipKind, Timestamp)>, RepositoryError> {
    let scan = Scan { columns: vec!["record_id", "community_id", "event_type", "event_date"], filters: Vec::new() };
    let mut events = Vec::new();
    for batch in lake.table(&MEMBERSHIPS).scan(&scan).await? {
        let records = batch.column(0).as_string::<i32>();
        let (communities, kinds) =
            (batch.column(1).as_dictionary::<Int32Type>(), batch.column(2).as_dictionary::<Int32Type>());
        let community = communities.downcast_dict::<tallykeep_lake::arrow::array::StringArray>();
        let kind = kinds.downcast_dict::<tallykeep_lake::arrow::array::StringArray>();
        let (Some(community), Some(kind)) = (community, kind) else {
            return Err(RepositoryError::Damaged("community events table".to_owned()));
        };
        let at = batch.column(3).as_primitive::<TimestampMicrosecondType>();
        use tallykeep_lake::arrow::array::ArrayAccessor;
        for row in 0..batch.num_rows() {
            let kind = if kind.value(row) == "removed" { MembershipKind::Removed } else { MembershipKind::Added };
            let instant = Timestamp::from_microsecond(at.value(row))
                .map_err(|_| RepositoryError::Damaged("instant of a community event".to_owned()))?;
            events.push((records.value(row).to_owned(), community.value(row).to_owned(), kind, instant));
        }
    }
    Ok(events)
}

fn file_types(record: &Record) -> Vec<Item> {
    let mut found: BTreeMap<&str, i64> = BTreeMap::new();
    for file in &record.files {
        if let Some(ext) = &file.ext {
            *found.entry(ext).or_default() += 1;
        }
    }
    found.into_iter().map(|(ext, times)| Item { id: ext.to_owned(), label: None, times }).collect()
}

/// The enrichment a record gives to its usage events (spec/invenio §1.5), communities apart.
pub fn enrichment(document: &Value) -> Value {
    let mut own = Map::new();
    let mut put = |field: &str, value: Option<Value>| {
        if let Some(value) = value.filter(|v| !v.is_null()) {
            own.insert(field.to_owned(), value);
        }
    };
    put("resource_type", document.pointer("/metadata/resource_type").cloned());
    put("access_status", document.pointer("/access/status").cloned());
    put("languages", document.pointer("/metadata/languages").cloned());
    put("subjects", document.pointer("/metadata/subjects").cloned());
    put("rights", document.pointer("/metadata/rights").cloned());
    put("publisher", document.pointer("/metadata/publisher").cloned());
    put("journal_title", document.pointer("/custom_fields/journal:journal/title").cloned());
    let list =
        |pointer: &str| document.pointer(pointer).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let funders: Vec<Value> = list("/metadata/funding").iter().filter_map(|f| f.get("funder").cloned()).collect();
    put("funders", Some(Value::Array(funders)));
    let affiliations: Vec<Value> = list("/metadata/contributors")
        .iter()
        .chain(list("/metadata/creators"))
        .filter_map(|person| person.get("affiliations").and_then(Value::as_array))
        .flatten()
        .cloned()
        .collect();
    put("affiliations", Some(Value::Array(affiliations)));
    if document.pointer("/files/enabled") == Some(&Value::Bool(true)) {
        let types: Vec<Value> = match document.pointer("/files/types").and_then(Value::as_array) {
            Some(types) if !types.is_empty() => types.clone(),
            _ => match document.pointer("/files/entries") {
                Some(Value::Array(entries)) => {
                    entries.iter().filter_map(|e| entry_type(e, None)).map(Value::String).collect()
                }
                Some(Value::Object(entries)) => {
                    entries.iter().filter_map(|(k, e)| entry_type(e, Some(k))).map(Value::String).collect()
                }
                _ => Vec::new(),
            },
        };
        put("file_types", Some(Value::Array(types)));
    }
    Value::Object(own)
}

fn entry_type(entry: &Value, key: Option<&str>) -> Option<String> {
    let text = |field: &str| entry.get(field).and_then(Value::as_str).filter(|t| !t.is_empty());
    text("ext").map(str::to_lowercase).or_else(|| text("key").or(key).and_then(extension))
}

/// The type of the one file a download took: its entry's, else by its key.
pub fn file_type_of(record: Option<&Record>, file_id: Option<&str>, file_key: Option<&str>) -> Option<String> {
    let entry = record.and_then(|r| {
        r.files.iter().find(|f| {
            (file_id.is_some() && f.id.as_deref() == file_id)
                || (file_id.is_none() && file_key.is_some() && f.key.as_deref() == file_key)
        })
    });
    entry.and_then(|e| e.ext.clone()).or_else(|| file_key.and_then(extension))
}
