//! What the repository is now: current records with their breakdown values, communities, memberships.

use std::collections::{BTreeMap, HashMap, HashSet};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Map, Value};
use tallykeep_lake::{
    Filter, Scan, TableDef, TeamLake,
    arrow::{
        array::{Array, AsArray, RecordBatch},
        datatypes::{Int32Type, Int64Type, TimestampMicrosecondType},
    },
};
use tallykeep_model::Label;
use tallykeep_rollup::{Cell, Vocabulary, Words};

use crate::{
    RepositoryError,
    config::Settings,
    dates::utc_day,
    documents::{Community, MembershipKind, Record, extension},
    membership::{Interval, cut, intervals},
    subcounts::{Item, Side, Subcount, items},
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
    let batches = lake.table(def).scan(&Scan::default()).await?;
    let found = newest(&batches).into_iter().map(|(id, (batch, row))| {
        let updated = batch.column(2).as_primitive::<TimestampMicrosecondType>();
        let stored = Stored {
            seq: batch.column(1).as_primitive::<Int64Type>().value(row),
            updated: updated.is_valid(row).then(|| updated.value(row)),
            hash: batch.column(3).as_primitive::<Int64Type>().value(row),
            doc: batch.column(4).as_string::<i32>().value(row).to_owned(),
        };
        (id.to_owned(), stored)
    });
    Ok(found.collect())
}

/// Where the newest version of every id lies, in batches of `id` and `seq` and more.
fn newest(batches: &[RecordBatch]) -> HashMap<&str, (&RecordBatch, usize)> {
    let mut found: HashMap<&str, (i64, &RecordBatch, usize)> = HashMap::new();
    for batch in batches {
        let ids = batch.column(0).as_string::<i32>();
        let seqs = batch.column(1).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let seq = seqs.value(row);
            if found.get(ids.value(row)).is_none_or(|(newest, ..)| *newest < seq) {
                found.insert(ids.value(row), (seq, batch, row));
            }
        }
    }
    found.into_iter().map(|(id, (_, batch, row))| (id, (batch, row))).collect()
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

/// The repository as it is now: its communities, and its records once they are loaded.
pub struct State {
    pub records: Vec<Known>,
    pub by_id: HashMap<String, u32>,
    pub communities: Vec<Community>,
    pub vocabulary: Vocabulary,
    pub labels: BTreeMap<(String, String), Label>,
    pub settings: Settings,
    /// Dimensions and values whose labels are known.
    labelled: HashSet<(u32, u32)>,
    complete: bool,
}

/// Cells of sets carry this scope until an event's scopes are known.
pub const ANY_SCOPE: u32 = 0;

/// What a stored record says, before its words have numbers. Items carry the number of their breakdown.
struct Read {
    record: Record,
    values: Vec<(usize, Item, [i64; 3])>,
    view: Vec<(usize, Item)>,
    download: Vec<(usize, Item)>,
}

impl State {
    /// Scope number of `global`.
    pub const GLOBAL: u32 = 0;

    /// Reads the communities of a team. Scope 0 is `global`, scope n the n-th community. Records are loaded when asked for.
    pub async fn open(lake: &TeamLake, settings: &Settings) -> Result<Self, RepositoryError> {
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
            settings: settings.clone(),
            labelled: HashSet::new(),
            complete: false,
        };
        state.vocabulary.scopes.add("global");
        for community in &state.communities {
            state.vocabulary.scopes.add(&community.id);
        }
        Ok(state)
    }

    /// Whether every record is loaded.
    pub fn knows_all(&self) -> bool {
        self.complete
    }

    /// Loads every record with its memberships.
    pub async fn load_all(&mut self, lake: &TeamLake) -> Result<(), RepositoryError> {
        if self.complete {
            return Ok(());
        }
        self.load(lake, None, |_, _| ()).await?;
        self.complete = true;
        Ok(())
    }

    /// The same, and of each record in the order of [`Self::records`] what `keep` makes of the enrichment it gives to its usage events: the fields of
    /// [`enrichment_by`] without file types, and those.
    pub async fn load_enrichments<T: Send>(
        &mut self,
        lake: &TeamLake,
        keep: impl Fn(&Value, Option<&Value>) -> T + Sync,
    ) -> Result<Vec<T>, RepositoryError> {
        let kept = self.load(lake, None, keep).await?;
        self.complete = true;
        Ok(kept)
    }

    /// Loads some records with their memberships; all of them when that is hardly more.
    pub async fn load_some(&mut self, lake: &TeamLake, ids: &HashSet<String>) -> Result<(), RepositoryError> {
        if self.complete {
            return Ok(());
        }
        let stored = lake.table(&RECORDS).view().await?.rows();
        if stored < 4 * u64::try_from(ids.len()).unwrap_or(u64::MAX) {
            return self.load_all(lake).await;
        }
        self.load(lake, Some(ids), |_, _| ()).await.map(drop)
    }

    async fn load<T: Send>(
        &mut self,
        lake: &TeamLake,
        only: Option<&HashSet<String>>,
        keep: impl Fn(&Value, Option<&Value>) -> T + Sync,
    ) -> Result<Vec<T>, RepositoryError> {
        let of = |column: &'static str| only.map(|ids| Filter::OneOf { column, values: ids.iter().cloned().collect() });
        let scan = Scan { columns: vec!["id", "seq", "doc"], filters: of("id").into_iter().collect() };
        let batches = lake.table(&RECORDS).scan(&scan).await?;
        let mut stored: Vec<(&str, &str)> = newest(&batches)
            .into_iter()
            .map(|(id, (batch, row))| (id, batch.column(2).as_string::<i32>().value(row)))
            .collect();
        stored.sort_unstable();
        self.records.clear();
        self.by_id.clear();
        let (mut parents, mut owners) = (Words::default(), Words::default());
        let mut kept = Vec::with_capacity(stored.len());
        for read in read_all(&stored, &self.settings, &keep) {
            let (read, of_it) = read?;
            self.know(read, &mut parents, &mut owners);
            kept.push(of_it);
        }
        self.load_memberships(lake, of("record_id")).await?;
        Ok(kept)
    }

    /// Gives the words of a record their numbers.
    fn know(&mut self, read: Read, parents: &mut Words, owners: &mut Words) {
        let dimensions: Vec<u32> =
            self.settings.subcounts.iter().map(|s| self.vocabulary.dimensions.add(&s.name)).collect();
        let mut values = Vec::with_capacity(read.values.len());
        for (subcount, item, amounts) in read.values {
            let (dimension, value) = (dimensions[subcount], self.vocabulary.values.add(&item.id));
            self.learn(dimension, value, item);
            values.push(RecordValue { dimension, value, amounts });
        }
        let mut cells = |list: Vec<(usize, Item)>| -> Vec<Cell> {
            let mut cells = Vec::with_capacity(list.len());
            for (subcount, item) in list {
                let (dimension, value) = (dimensions[subcount], self.vocabulary.values.add(&item.id));
                self.learn(dimension, value, item);
                cells.push(Cell::new(ANY_SCOPE, dimension, value));
            }
            cells
        };
        let (view, download) = (cells(read.view), cells(read.download));
        let record = read.record;
        self.by_id.insert(record.id.clone(), u32::try_from(self.records.len()).unwrap_or(u32::MAX));
        self.records.push(Known {
            parent: parents.add(&record.parent),
            owner: record.owner.as_deref().map(|owner| owners.add(owner)),
            values,
            view,
            download,
            memberships: Vec::new(),
            record,
        });
    }

    async fn load_memberships(&mut self, lake: &TeamLake, only: Option<Filter>) -> Result<(), RepositoryError> {
        let mut events: HashMap<(u32, u32), Vec<(Timestamp, MembershipKind)>> = HashMap::new();
        let mut has_any: Vec<bool> = vec![false; self.records.len()];
        for event in membership_events(lake, only).await? {
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

    /// Cells of an enriched event in [`ANY_SCOPE`]; its labels are remembered.
    pub fn usage_cells(&mut self, own: &Value) -> Vec<Cell> {
        let found = usage_items(&self.settings.subcounts, own, |_| true);
        let mut cells = Vec::with_capacity(found.len());
        for (subcount, item) in found {
            let dimension = self.vocabulary.dimensions.add(&self.settings.subcounts[subcount].name);
            let value = self.vocabulary.values.add(&item.id);
            self.learn(dimension, value, item);
            cells.push(Cell::new(ANY_SCOPE, dimension, value));
        }
        cells
    }

    fn learn(&mut self, dimension: u32, value: u32, item: Item) {
        if let Some(label) = item.label
            && self.labelled.insert((dimension, value))
        {
            self.labels.insert((self.vocabulary.dimensions.text(dimension).to_owned(), item.id), label);
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

/// Membership events: record, community, kind, instant. Of all records or some.
pub async fn membership_events(
    lake: &TeamLake,
    only: Option<Filter>,
) -> Result<Vec<(String, String, MembershipKind, Timestamp)>, RepositoryError> {
    let scan = Scan {
        columns: vec!["record_id", "community_id", "event_type", "event_date"],
        filters: only.into_iter().collect(),
    };
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

/// Reads stored records on every core, in their order.
fn read_all<T: Send>(
    stored: &[(&str, &str)],
    settings: &Settings,
    keep: &(impl Fn(&Value, Option<&Value>) -> T + Sync),
) -> Vec<Result<(Read, T), RepositoryError>> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let share = stored.len().div_ceil(workers).max(1);
    let read =
        |part: &[(&str, &str)]| -> Vec<_> { part.iter().map(|(id, doc)| read_one(id, doc, settings, keep)).collect() };
    std::thread::scope(|scope| {
        let parts: Vec<_> = stored.chunks(share).map(|part| scope.spawn(move || read(part))).collect();
        let joined = parts.into_iter().map(|part| match part.join() {
            Ok(read) => read,
            Err(panic) => std::panic::resume_unwind(panic),
        });
        joined.flatten().collect()
    })
}

fn read_one<T>(
    id: &str,
    doc: &str,
    settings: &Settings,
    keep: impl Fn(&Value, Option<&Value>) -> T,
) -> Result<(Read, T), RepositoryError> {
    let document: Value = serde_json::from_str(doc)?;
    let record = Record::from_json(&document).map_err(|e| RepositoryError::Damaged(format!("record {id}: {e}")))?;
    let subcounts = &settings.subcounts;
    let own = enrichment_by(&document, subcounts);
    // A download counts for the type of its one file, not for those of all.
    let by_types = |side: &Side| side.sources.iter().any(|s| s.path.first().is_some_and(|p| p == "file_types"));
    let view = usage_items(subcounts, &own, |_| true);
    let mut download: Vec<(usize, Item)> =
        view.iter().filter(|(n, _)| !subcounts[*n].usage.as_ref().is_some_and(by_types)).cloned().collect();
    let mut others = own;
    let types = others.as_object_mut().and_then(|fields| fields.remove("file_types"));
    download.extend(usage_items(subcounts, &others, by_types));
    let kept = keep(&others, types.as_ref());
    Ok((Read { values: record_items(subcounts, &record, &document), record, view, download }, kept))
}

/// The values of a record's breakdowns, with the files, bytes and contributions it brings to each.
fn record_items(subcounts: &[Subcount], record: &Record, document: &Value) -> Vec<(usize, Item, [i64; 3])> {
    let all_files = i64::try_from(record.files.len()).unwrap_or(i64::MAX);
    let all_bytes: i64 = record.files.iter().map(|f| f.size).sum();
    let mut values = Vec::new();
    for (number, subcount) in subcounts.iter().enumerate() {
        let Some(side) = &subcount.records else { continue };
        let found = if side.with_files_only { file_types(record) } else { items(side, document) };
        for item in found {
            let (files, bytes) = if side.with_files_only {
                let of_type = record.files.iter().filter(|f| f.ext.as_deref() == Some(item.id.as_str()));
                (item.times, of_type.map(|f| f.size).sum())
            } else {
                (all_files, all_bytes)
            };
            let amounts = [files, bytes, item.times];
            values.push((number, item, amounts));
        }
    }
    values
}

/// The values an enrichment gives to usage, of the breakdowns that pass.
fn usage_items(subcounts: &[Subcount], own: &Value, which: impl Fn(&Side) -> bool) -> Vec<(usize, Item)> {
    let sides = subcounts.iter().enumerate().filter_map(|(n, s)| s.usage.as_ref().map(|side| (n, side)));
    sides
        .filter(|(_, side)| which(side))
        .flat_map(|(n, side)| items(side, own).into_iter().map(move |i| (n, i)))
        .collect()
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

/// The enrichment a record gives to its usage events, communities apart: the fields of spec/invenio §1.5 and those that configured breakdowns take from
/// elsewhere in the record. One way for live, migrated and invented events.
pub fn enrichment_by(document: &Value, subcounts: &[Subcount]) -> Value {
    let mut own = enrichment(document);
    for side in subcounts.iter().filter_map(|subcount| subcount.usage.as_ref()) {
        let Some(field) = side.own_field() else { continue };
        if let (Some(value), Some(fields)) = (side.extract(document), own.as_object_mut()) {
            fields.insert(field.to_owned(), value);
        }
    }
    own
}

fn enrichment(document: &Value) -> Value {
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
