//! A month's usage events with everything looked up, as small numbers that can be folded.

use std::{
    collections::{BTreeMap, HashMap},
    hash::{BuildHasherDefault, Hasher},
};

use jiff::Timestamp;
use serde_json::Value;
use tallykeep_lake::arrow::{
    array::{Array, AsArray, PrimitiveArray, RecordBatch},
    datatypes::{Int32Type, Int64Type, TimestampMicrosecondType},
};
use tallykeep_rollup::{Cell, ENTITIES, Fact, NOWHERE, Vocabulary, Words};
use xxhash_rust::xxh3::xxh3_128;

use super::window::Plan;
use crate::{
    RepositoryError,
    state::{ANY_SCOPE, State, file_type_of},
};

/// The columns a month is made of, in the order [`Lookup::add`] reads them.
pub(super) const COLUMNS: [&str; 13] = [
    "ts",
    "kind",
    "recid",
    "parent_recid",
    "visitor_id",
    "country",
    "referrer",
    "is_robot",
    "is_machine",
    "file_id",
    "file_key",
    "size",
    "own",
];

pub(crate) const DAY_MICROS: i64 = 86_400_000_000;

/// Groups of facts.
const VIEW: u8 = 0;
pub(super) const DOWNLOAD: u8 = 1;

/// The days of one month that are redone, per scope one bit a day.
pub(super) struct Wanted {
    first: i32,
    masks: Vec<u32>,
    any: u32,
}

impl Wanted {
    pub fn new(plans: &BTreeMap<u32, Plan>, (first, last): (i32, i32)) -> Self {
        let scopes = plans.last_key_value().map_or(0, |(scope, _)| *scope as usize + 1);
        let mut wanted = Self { first, masks: vec![0; scopes], any: 0 };
        for (scope, plan) in plans {
            let mask = (first..=last).filter(|day| plan.covers(*day)).fold(0, |mask, day| mask | 1 << (day - first));
            wanted.masks[*scope as usize] = mask;
            wanted.any |= mask;
        }
        wanted
    }

    /// The first and last day that is redone for anybody.
    pub fn ends(&self) -> Option<(i32, i32)> {
        let at = |bit: u32| self.first + i32::try_from(bit).unwrap_or(0);
        (self.any != 0).then(|| (at(self.any.trailing_zeros()), at(31 - self.any.leading_zeros())))
    }

    /// How many days are redone for anybody; `None` for none.
    pub fn days(&self) -> Option<usize> {
        (self.any != 0).then(|| usize::try_from(self.any.count_ones()).unwrap_or(0))
    }

    /// Whether anything is redone for a scope.
    pub fn scope(&self, scope: u32) -> bool {
        self.masks.get(scope as usize).is_some_and(|mask| *mask != 0)
    }

    fn bit(&self, day: i32) -> u32 {
        let at = day - self.first;
        if (0..32).contains(&at) { 1 << at } else { 0 }
    }

    fn covers(&self, scope: u32, bit: u32) -> bool {
        self.masks.get(scope as usize).is_some_and(|mask| mask & bit != 0)
    }
}

/// The events of one month, ready to be folded.
pub(super) struct Month {
    /// By day, then group.
    pub facts: Vec<Fact>,
    /// The facts of every scope that has any, in their order.
    pub scopes: BTreeMap<u32, Vec<u32>>,
    /// Sets facts name, as numbers of cells.
    pub sets: Vec<Vec<u32>>,
    /// In text order, the total first.
    pub cells: Vec<Cell>,
    pub entities: [usize; ENTITIES],
    /// What sets know a visitor by, by number.
    pub visitors: Vec<u64>,
}

/// Takes the low half of what is a hash already.
#[derive(Default)]
struct Low(u64);

impl Hasher for Low {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u128(&mut self, hash: u128) {
        self.0 = low_half(hash);
    }
}

/// The field of an enrichment that only the configuration of this breakdown asks for.
fn own_field(subcount: &crate::subcounts::Subcount) -> Option<&str> {
    subcount.usage.as_ref().and_then(|side| side.own_field())
}

/// Small dense numbers for what a month's events name.
#[derive(Default)]
pub(super) struct Lookup {
    facts: Vec<Fact>,
    /// Range of each fact's scopes.
    ranges: Vec<(u32, u32)>,
    scopes: Vec<u32>,
    sets: Vec<Vec<u32>>,
    /// Cells by first sight.
    cells: HashMap<Cell, u32>,
    visitors: HashMap<u128, u32, BuildHasherDefault<Low>>,
    records: Words,
    parents: Words,
    files: Words,
    /// Set numbers: of a record's views, of its downloads, of an enrichment text.
    view_sets: HashMap<u32, u32>,
    download_sets: HashMap<u32, u32>,
    own_sets: HashMap<u128, (u32, Vec<u32>)>,
    file_types: HashMap<(Option<u32>, u32), u32>,
    nothing: Option<u32>,
}

impl Lookup {
    /// Adds the rows of a batch of [`COLUMNS`].
    pub fn add(&mut self, state: &mut State, batch: &RecordBatch, wanted: &Wanted) -> Result<(), RepositoryError> {
        let at = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        let kinds = batch.column(1).as_dictionary::<Int32Type>();
        let is_download: Vec<bool> = kinds.values().as_string::<i32>().iter().map(|k| k == Some("download")).collect();
        let recids = batch.column(2).as_dictionary::<Int32Type>();
        let recid_texts = recids.values().as_string::<i32>();
        let record_of = record_numbers(state, recid_texts.iter());
        // Dictionaries may hold texts no row names; numbers are given when a row does.
        let mut record_entity = vec![u32::MAX; recid_texts.len()];
        let parents = batch.column(3).as_dictionary::<Int32Type>();
        let parent_texts = parents.values().as_string::<i32>();
        let mut parent_entity = vec![u32::MAX; parent_texts.len()];
        let visitors = batch.column(4).as_string::<i32>();
        let (country_name, referrer_name) = (raw_field(state, "country"), raw_field(state, "referrer"));
        let countries = batch.column(5).as_dictionary::<Int32Type>();
        let country_texts = countries.values().as_string::<i32>();
        let country_cells: Vec<u32> = match country_name {
            None => vec![NOWHERE; country_texts.len()],
            Some(name) => {
                let dimension = state.vocabulary.dimensions.add(&name);
                let mut cell = |text: Option<&str>| match text.filter(|t| !t.is_empty()) {
                    Some(text) => self.cell(Cell::new(ANY_SCOPE, dimension, state.vocabulary.values.add(text))),
                    None => NOWHERE,
                };
                country_texts.iter().map(&mut cell).collect()
            }
        };
        let referrer_dimension = referrer_name.map(|name| state.vocabulary.dimensions.add(&name));
        let referrers = batch.column(6).as_string::<i32>();
        let (robots, machines) = (batch.column(7).as_boolean(), batch.column(8).as_boolean());
        let (file_ids, file_keys) =
            (batch.column(9).as_dictionary::<Int32Type>(), batch.column(10).as_dictionary::<Int32Type>());
        let (file_id_texts, file_key_texts) =
            (file_ids.values().as_string::<i32>(), file_keys.values().as_string::<i32>());
        let sizes = batch.column(11).as_primitive::<Int64Type>();
        let own = batch.column(12).as_string::<i32>();
        let by_types = state.settings.subcounts.iter().any(|s| s.name == "file_types" && s.usage.is_some());
        let types = by_types.then(|| state.vocabulary.dimensions.add("file_types"));

        for row in 0..batch.num_rows() {
            if (robots.value(row) && state.settings.exclude_robots)
                || (machines.value(row) && state.settings.exclude_machines)
            {
                continue;
            }
            let micros = at.value(row);
            let day = i32::try_from(micros.div_euclid(DAY_MICROS)).unwrap_or(i32::MAX);
            let bit = wanted.bit(day);
            if wanted.any & bit == 0 {
                continue;
            }
            let download = key(kinds.keys(), row).is_some_and(|k| is_download[k]);
            let recid = key(recids.keys(), row).unwrap_or(0);
            let record = record_of[recid];
            let from = self.scopes.len();
            if wanted.covers(State::GLOBAL, bit) {
                self.scopes.push(State::GLOBAL);
            }
            let mut cells = [NOWHERE; 3];
            let set = if own.is_valid(row) {
                let (set, scopes) = self.own_set(state, own.value(row), record)?;
                self.scopes.extend(scopes.into_iter().filter(|s| wanted.covers(*s, bit)));
                set
            } else {
                if let Some(record) = record {
                    let scopes = state.scopes_at(record, instant(micros)?);
                    self.scopes.extend(scopes.filter(|s| wanted.covers(*s, bit)));
                }
                if from == self.scopes.len() {
                    continue;
                }
                if let Some(dimension) = types.filter(|_| download) {
                    let id = key(file_ids.keys(), row).map(|k| file_id_texts.value(k));
                    let name = key(file_keys.keys(), row).map(|k| file_key_texts.value(k));
                    cells[2] = self.file_type(state, record, id, name, dimension);
                }
                self.set(state, record, download)
            };
            if from == self.scopes.len() {
                continue;
            }
            cells[0] = key(countries.keys(), row).map_or(NOWHERE, |k| country_cells[k]);
            if let Some(dimension) = referrer_dimension.filter(|_| referrers.is_valid(row)) {
                cells[1] =
                    self.cell(Cell::new(ANY_SCOPE, dimension, state.vocabulary.values.add(referrers.value(row))));
            }
            if record_entity[recid] == u32::MAX {
                record_entity[recid] = self.records.add(recid_texts.value(recid));
            }
            let parent = match (key(parents.keys(), row), record) {
                (Some(k), _) => {
                    if parent_entity[k] == u32::MAX {
                        parent_entity[k] = self.parents.add(parent_texts.value(k));
                    }
                    parent_entity[k]
                }
                (None, Some(r)) => self.parents.add(&state.records[r as usize].record.parent),
                (None, None) => self.parents.add(recid_texts.value(recid)),
            };
            let file = || {
                key(file_ids.keys(), row)
                    .map(|k| file_id_texts.value(k))
                    .or_else(|| key(file_keys.keys(), row).map(|k| file_key_texts.value(k)))
                    .unwrap_or("")
            };
            let visitor = if visitors.is_valid(row) { visitors.value(row) } else { "" };
            let fresh = number(self.visitors.len());
            let visitor = *self.visitors.entry(xxh3_128(visitor.as_bytes())).or_insert(fresh);
            self.facts.push(Fact {
                day,
                group: if download { DOWNLOAD } else { VIEW },
                set,
                own: cells,
                entities: [visitor, record_entity[recid], parent, if download { self.files.add(file()) } else { 0 }],
                amount: if download && sizes.is_valid(row) { sizes.value(row) } else { 0 },
            });
            self.ranges.push((number(from), number(self.scopes.len())));
        }
        Ok(())
    }

    /// Orders facts by day and group, and cells by their texts.
    pub fn finish(self, vocabulary: &Vocabulary) -> Month {
        let (dimensions, values) = (vocabulary.dimensions.ranks(), vocabulary.values.ranks());
        let rank = |cell: &Cell| (dimensions[cell.dimension() as usize], values[cell.value() as usize]);
        let mut by_text: Vec<((u32, u32), Cell, u32)> =
            self.cells.iter().map(|(cell, number)| (rank(cell), *cell, *number)).collect();
        by_text.sort_unstable();
        let mut place = vec![0; by_text.len()];
        let mut cells = vec![Cell::total(ANY_SCOPE)];
        for (_, cell, number) in by_text {
            place[number as usize] = u32::try_from(cells.len()).unwrap_or(u32::MAX);
            cells.push(cell);
        }
        let sets =
            self.sets.into_iter().map(|set| set.into_iter().map(|cell| place[cell as usize]).collect()).collect();
        let mut order: Vec<u32> = (0..number(self.facts.len())).collect();
        order.sort_by_key(|&i| (self.facts[i as usize].day, self.facts[i as usize].group));
        let mut facts = Vec::with_capacity(order.len());
        let mut scopes: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for index in order {
            let mut fact = self.facts[index as usize];
            for cell in fact.own.iter_mut().filter(|cell| **cell != NOWHERE) {
                *cell = place[*cell as usize];
            }
            let (from, to) = self.ranges[index as usize];
            for scope in &self.scopes[from as usize..to as usize] {
                scopes.entry(*scope).or_default().push(number(facts.len()));
            }
            facts.push(fact);
        }
        let mut visitors = vec![0; self.visitors.len()];
        for (hash, number) in &self.visitors {
            visitors[*number as usize] = low_half(*hash);
        }
        let entities = [self.visitors.len(), self.records.len(), self.parents.len(), self.files.len()];
        // A view names file 0 without there being one.
        Month { facts, scopes, sets, cells, entities: entities.map(|count| count.max(1)), visitors }
    }

    fn cell(&mut self, cell: Cell) -> u32 {
        let fresh = number(self.cells.len());
        *self.cells.entry(cell).or_insert(fresh)
    }

    fn add_set(&mut self, cells: &[Cell]) -> u32 {
        let set = cells.iter().map(|cell| self.cell(*cell)).collect();
        self.sets.push(set);
        number(self.sets.len() - 1)
    }

    fn set(&mut self, state: &State, record: Option<u32>, download: bool) -> u32 {
        let Some(record) = record else {
            if self.nothing.is_none() {
                self.nothing = Some(self.add_set(&[]));
            }
            return self.nothing.unwrap_or_default();
        };
        let known = &state.records[record as usize];
        let (sets, cells) =
            if download { (&self.download_sets, &known.download) } else { (&self.view_sets, &known.view) };
        if let Some(set) = sets.get(&record) {
            return *set;
        }
        let set = self.add_set(cells);
        if download { &mut self.download_sets } else { &mut self.view_sets }.insert(record, set);
        set
    }

    /// The cells and communities of an enrichment that came with an event.
    fn own_set(
        &mut self,
        state: &mut State,
        text: &str,
        record: Option<u32>,
    ) -> Result<(u32, Vec<u32>), RepositoryError> {
        // Only breakdowns that somebody configured ask the record: their fields were not known when the event was enriched.
        let record = record.filter(|_| state.settings.subcounts.iter().any(|s| own_field(s).is_some()));
        let hash = xxh3_128(text.as_bytes()) ^ u128::from(record.map_or(0, |record| record + 1));
        if let Some(found) = self.own_sets.get(&hash) {
            return Ok(found.clone());
        }
        let own: Value = serde_json::from_str(text)?;
        let mut cells = state.usage_cells(&own);
        if let Some(record) = record {
            let asks = |s: &&crate::subcounts::Subcount| own_field(s).is_some_and(|field| own.get(field).is_none());
            let names: Vec<String> = state.settings.subcounts.iter().filter(asks).map(|s| s.name.clone()).collect();
            let dimensions: Vec<u32> = names.iter().map(|name| state.vocabulary.dimensions.add(name)).collect();
            let known = &state.records[record as usize].view;
            cells.extend(known.iter().filter(|cell| dimensions.contains(&cell.dimension())));
        }
        let found = (self.add_set(&cells), own_scopes(state, &own));
        self.own_sets.insert(hash, found.clone());
        Ok(found)
    }

    fn file_type(
        &mut self,
        state: &mut State,
        record: Option<u32>,
        id: Option<&str>,
        name: Option<&str>,
        dimension: u32,
    ) -> u32 {
        let file = self.files.add(id.or(name).unwrap_or(""));
        if let Some(found) = self.file_types.get(&(record, file)) {
            return *found;
        }
        let found = match file_type_of(record.map(|r| &state.records[r as usize].record), id, name) {
            Some(ext) => self.cell(Cell::new(ANY_SCOPE, dimension, state.vocabulary.values.add(&ext))),
            None => NOWHERE,
        };
        self.file_types.insert((record, file), found);
        found
    }
}

/// The breakdown that reads a field events have by themselves.
fn raw_field(state: &State, name: &str) -> Option<String> {
    let reads = |s: &&crate::subcounts::Subcount| {
        s.usage
            .as_ref()
            .is_some_and(|u| u.event_field.is_none() && u.sources.iter().any(|x| x.path == [name.to_owned()]))
    };
    state.settings.subcounts.iter().find(reads).map(|s| s.name.clone())
}

fn number(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

#[expect(clippy::cast_possible_truncation, reason = "the low half of 128 bits")]
fn low_half(hash: u128) -> u64 {
    hash as u64
}

pub(super) fn instant(micros: i64) -> Result<Timestamp, RepositoryError> {
    Timestamp::from_microsecond(micros).map_err(|_| RepositoryError::Damaged("instant of a usage event".to_owned()))
}

/// The communities an event that came enriched names, as far as they are known.
pub(super) fn own_scopes(state: &State, own: &Value) -> Vec<u32> {
    let ids = own.get("community_ids").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
    let mut scopes: Vec<u32> = ids
        .iter()
        .filter_map(Value::as_str)
        .filter_map(|id| state.vocabulary.scopes.find(id))
        .filter(|scope| *scope != State::GLOBAL)
        .collect();
    scopes.sort_unstable();
    scopes.dedup();
    scopes
}

pub(super) fn record_numbers<'a>(state: &State, ids: impl Iterator<Item = Option<&'a str>>) -> Vec<Option<u32>> {
    ids.map(|id| id.and_then(|id| state.by_id.get(id)).copied()).collect()
}

pub(super) fn key(keys: &PrimitiveArray<Int32Type>, row: usize) -> Option<usize> {
    keys.is_valid(row).then(|| usize::try_from(keys.value(row)).unwrap_or(0))
}
