//! What events count for, each distinct answer once.

use std::collections::{HashMap, HashSet};

use jiff::Timestamp;
use serde_json::{Value, json};
use tallykeep_lake::{
    Change, Scan, TeamLake,
    arrow::{
        array::{Array, ArrayRef, AsArray, Int64Array, RecordBatch, StringArray},
        datatypes::{Int32Type, Int64Type, TimestampMicrosecondType},
    },
};
use xxhash_rust::xxh3::{xxh3_64, xxh3_128};

use crate::{
    RepositoryError,
    config::Settings,
    state::{State, file_type_of},
    tables::ENRICHMENTS,
};

/// Columns of a usage event an enrichment needs, in the order [`Enricher::batch`] reads them.
pub(super) const COLUMNS: [&str; 8] =
    ["ts", "identity_high", "identity_low", "event_id", "recid", "file_id", "file_key", "own"];

/// How the text of every enrichment begins.
pub(super) const COMMUNITIES: &str = "{\"community_ids\":";

/// The number of an enrichment: what its text says is what it is called.
pub(super) fn number(text: &str) -> i64 {
    xxh3_64(text.as_bytes()).cast_signed()
}

/// An event with the number of its enrichment.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct EnrichedEvent {
    pub ts: i64,
    pub identity: (i64, i64),
    pub enrichment: i64,
    /// Row of the batch it came from.
    pub row: usize,
}

/// Works enrichments out and stores new ones.
pub(super) struct Enricher {
    state: State,
    /// What each record gives to its events, communities apart.
    base: Vec<Base>,
    /// By record and kind (0 a view, else a download of a file of the n-th type): the communities, and the number.
    known: HashMap<(u32, u32), Vec<(Vec<u32>, i64)>>,
    own: HashMap<u128, i64>,
    stored: HashSet<i64>,
    fresh: HashMap<i64, String>,
    /// Types of files that were met, each once; the first is none.
    file_types: Vec<Option<String>>,
}

/// The fields a record gives to its events, as texts: many enrichments are put together of few of them.
struct Base {
    /// `"name":value` after `"name":value`, without file types.
    fields: String,
    /// File types of a view, as JSON.
    file_types: Option<String>,
}

impl Base {
    fn of(fields: &Value, file_types: Option<&Value>) -> Self {
        let text = fields.to_string();
        let fields = text.strip_prefix('{').and_then(|text| text.strip_suffix('}')).unwrap_or_default().to_owned();
        Self { fields, file_types: file_types.map(Value::to_string) }
    }
}

/// In the place of a record's number: an event of a record nobody knows.
const UNKNOWN: u32 = u32::MAX;

impl Enricher {
    pub async fn load(lake: &TeamLake, settings: &Settings) -> Result<Self, RepositoryError> {
        let mut state = State::open(lake, settings).await?;
        let base = state.load_enrichments(lake, Base::of).await?;
        let mut stored = HashSet::new();
        for batch in lake.table(&ENRICHMENTS).scan(&Scan { columns: vec!["id"], filters: Vec::new() }).await? {
            stored.extend(batch.column(0).as_primitive::<Int64Type>().values().iter().copied());
        }
        Ok(Self {
            state,
            base,
            known: HashMap::new(),
            own: HashMap::new(),
            stored,
            fresh: HashMap::new(),
            file_types: vec![None],
        })
    }

    /// The enrichment of one event as JSON, worked out from scratch.
    pub fn document(
        &mut self,
        recid: &str,
        at: i64,
        download: bool,
        file: (Option<&str>, Option<&str>),
        own: Option<&str>,
    ) -> Result<String, RepositoryError> {
        let record = self.state.by_id.get(recid).copied();
        if let Some(own) = own {
            return self.own_document(own, record);
        }
        let mut communities = Vec::new();
        self.communities(record, at, &mut communities)?;
        let file_type = if download { self.file_type(record, file.0, file.1) } else { None };
        Ok(self.made(record, download, file_type.as_deref(), &communities))
    }

    /// Puts the communities a record is in at an instant into `found`.
    fn communities(&self, record: Option<u32>, at: i64, found: &mut Vec<u32>) -> Result<(), RepositoryError> {
        found.clear();
        let Some(record) = record else { return Ok(()) };
        let at = Timestamp::from_microsecond(at)
            .map_err(|_| RepositoryError::Damaged("instant of a usage event".to_owned()))?;
        found.extend(self.state.scopes_at(record, at));
        Ok(())
    }

    fn made(&self, record: Option<u32>, download: bool, file_type: Option<&str>, communities: &[u32]) -> String {
        let ids: Vec<&str> = communities.iter().map(|scope| self.state.vocabulary.scopes.text(*scope)).collect();
        let base = record.map(|record| &self.base[record as usize]);
        let mut text = format!("{COMMUNITIES}{}", json!(ids));
        if let Some(base) = base.filter(|base| !base.fields.is_empty()) {
            text.push(',');
            text.push_str(&base.fields);
        }
        // Of a download the type of the one file that was taken; an unknown one is null (spec/invenio §1.5).
        let types = match (download, base) {
            (true, _) => Some(file_type.map_or_else(|| "null".to_owned(), |ext| json!([ext]).to_string())),
            (false, base) => base.and_then(|base| base.file_types.clone()),
        };
        if let Some(types) = types {
            text.push_str(&format!(",\"file_types\":{types}"));
        }
        text.push('}');
        text
    }

    /// An event that came enriched keeps its own fields; those nobody knew of when it was enriched come from its record.
    fn own_document(&self, own: &str, record: Option<u32>) -> Result<String, RepositoryError> {
        let configured: Vec<&str> = self.own_fields().collect();
        let Some(record) = record.filter(|_| !configured.is_empty()) else { return Ok(own.to_owned()) };
        let mut document: Value = serde_json::from_str(own)?;
        let base: Value = serde_json::from_str(&format!("{{{}}}", self.base[record as usize].fields))?;
        if let Some(fields) = document.as_object_mut() {
            for name in configured {
                if !fields.contains_key(name)
                    && let Some(value) = base.get(name)
                {
                    fields.insert(name.to_owned(), value.clone());
                }
            }
        }
        Ok(document.to_string())
    }

    /// Fields that only configured breakdowns ask for.
    fn own_fields(&self) -> impl Iterator<Item = &str> {
        self.state.settings.subcounts.iter().filter_map(|s| s.usage.as_ref()?.own_field())
    }

    fn file_type(&self, record: Option<u32>, id: Option<&str>, key: Option<&str>) -> Option<String> {
        file_type_of(record.map(|r| &self.state.records[r as usize].record), id, key)
    }

    /// The number of a type of files.
    fn type_number(&mut self, file_type: Option<String>) -> u32 {
        let at = self.file_types.iter().position(|known| *known == file_type).unwrap_or_else(|| {
            self.file_types.push(file_type);
            self.file_types.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    fn remember(&mut self, text: String) -> i64 {
        let id = number(&text);
        if !self.stored.contains(&id) {
            self.fresh.entry(id).or_insert(text);
        }
        id
    }

    /// Enriches the rows of a batch (of [`COLUMNS`], one kind) that `wanted` lets through.
    pub fn batch(
        &mut self,
        batch: &RecordBatch,
        download: bool,
        wanted: &mut dyn FnMut((i64, i64)) -> bool,
        out: &mut Vec<EnrichedEvent>,
    ) -> Result<(), RepositoryError> {
        let at = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        let (high, low) = (batch.column(1).as_primitive::<Int64Type>(), batch.column(2).as_primitive::<Int64Type>());
        let recids = batch.column(4).as_dictionary::<Int32Type>();
        let recid_texts = recids.values().as_string::<i32>();
        let records: Vec<Option<u32>> =
            recid_texts.iter().map(|id| id.and_then(|id| self.state.by_id.get(id)).copied()).collect();
        let (ids, keys) = (batch.column(5).as_dictionary::<Int32Type>(), batch.column(6).as_dictionary::<Int32Type>());
        let (id_texts, key_texts) = (ids.values().as_string::<i32>(), keys.values().as_string::<i32>());
        let own = batch.column(7).as_string::<i32>();
        let mut communities = Vec::new();
        // Types by the numbers that record, file and key have in this batch.
        let mut types: HashMap<[Option<usize>; 3], u32> = HashMap::new();
        for row in 0..batch.num_rows() {
            let identity = (high.value(row), low.value(row));
            if !wanted(identity) {
                continue;
            }
            let record = recids.key(row).and_then(|key| records[key]);
            let enrichment = if own.is_valid(row) {
                let hash = xxh3_128(own.value(row).as_bytes()) ^ u128::from(record.unwrap_or(u32::MAX));
                match self.own.get(&hash) {
                    Some(id) => *id,
                    None => {
                        let document = self.own_document(own.value(row), record)?;
                        let id = self.remember(document);
                        self.own.insert(hash, id);
                        id
                    }
                }
            } else {
                self.communities(record, at.value(row), &mut communities)?;
                let file = if download {
                    let file = [recids.key(row), ids.key(row), keys.key(row)];
                    match types.get(&file) {
                        Some(number) => *number,
                        None => {
                            let text =
                                |list: &StringArray, key: Option<usize>| key.map(|key| list.value(key).to_owned());
                            let (id, key) = (text(id_texts, file[1]), text(key_texts, file[2]));
                            let number = self.type_number(self.file_type(record, id.as_deref(), key.as_deref()));
                            types.insert(file, number);
                            number
                        }
                    }
                } else {
                    0
                };
                let kind = (record.unwrap_or(UNKNOWN), if download { file + 1 } else { 0 });
                let found = self.known.get(&kind).and_then(|list| list.iter().find(|(own, _)| *own == communities));
                match found {
                    Some((_, id)) => *id,
                    None => {
                        let file_type = self.file_types[file as usize].as_deref();
                        let document = self.made(record, download, file_type, &communities);
                        let id = self.remember(document);
                        self.known.entry(kind).or_default().push((communities.clone(), id));
                        id
                    }
                }
            };
            out.push(EnrichedEvent { ts: at.value(row), identity, enrichment, row });
        }
        Ok(())
    }

    /// Stores the enrichments that came up since the last time. Called before the events that name them are.
    pub async fn store(&mut self, lake: &TeamLake) -> Result<(), RepositoryError> {
        if self.fresh.is_empty() {
            return Ok(());
        }
        let table = lake.table(&ENRICHMENTS);
        table.ensure().await?;
        let mut fresh: Vec<(&i64, &String)> = self.fresh.iter().collect();
        fresh.sort();
        let columns: Vec<ArrayRef> = vec![
            std::sync::Arc::new(fresh.iter().map(|(id, _)| **id).collect::<Int64Array>()),
            std::sync::Arc::new(StringArray::from_iter_values(fresh.iter().map(|(_, doc)| doc.as_str()))),
        ];
        let batch =
            RecordBatch::try_new(ENRICHMENTS.schema(), columns).map_err(|e| RepositoryError::Worker(e.to_string()))?;
        let staged = table.stage(&[], &[batch])?;
        table.commit(Change { add: vec![staged], ..Change::default() }).await?;
        self.stored.extend(self.fresh.drain().map(|(id, _)| id));
        Ok(())
    }
}
