//! The documents of spec/invenio §2, day by day, ascending.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, HashSet},
};

use serde_json::{Map, Value, json};
use tallykeep_control::Coverage;
use tallykeep_lake::day_number;
use tallykeep_rollup::{Cell, Sum, Sums};

use super::frame::Frame;
use crate::{
    RepositoryError, TeamRepository,
    aggregate::{Aggregator, record_deltas},
    state::Basis,
    subcounts::Subcount,
    tables::USAGE_FAMILY,
};

type Days = (Option<jiff::civil::Date>, Option<jiff::civil::Date>);

impl TeamRepository {
    /// The documents of one aggregator for a scope over inclusive days. Empty when nothing is covered.
    pub async fn documents(
        &self,
        aggregator: Aggregator,
        scope: &str,
        days: Days,
    ) -> Result<Vec<Value>, RepositoryError> {
        self.documents_known_on(aggregator, scope, days, None).await
    }

    /// The same as they were known at the end of a day.
    pub async fn documents_known_on(
        &self,
        aggregator: Aggregator,
        scope: &str,
        days: Days,
        known_on: Option<jiff::civil::Date>,
    ) -> Result<Vec<Value>, RepositoryError> {
        match aggregator {
            Aggregator::RecordDelta(basis) | Aggregator::RecordSnapshot(basis) => {
                self.record_documents(aggregator, basis, scope, days, known_on).await
            }
            Aggregator::UsageDelta | Aggregator::UsageSnapshot => {
                self.usage_documents(aggregator, scope, days, known_on).await
            }
        }
    }

    async fn record_documents(
        &self,
        aggregator: Aggregator,
        basis: Basis,
        scope: &str,
        days: Days,
        known_on: Option<jiff::civil::Date>,
    ) -> Result<Vec<Value>, RepositoryError> {
        let frame = self.frame(aggregator, record_deltas::family(basis), scope, days, known_on).await?;
        let subcounts: Vec<&Subcount> = self.settings.subcounts.iter().filter(|s| s.records.is_some()).collect();
        if aggregator.is_snapshot() {
            return Ok(self.record_snapshots(&frame, &subcounts));
        }
        let by_day = rows_by_day(&frame);
        let mut documents = Vec::with_capacity(frame.len());
        for day in frame.each_day() {
            let rows: &[usize] = by_day.get(&day_number(day)).map_or(&[], Vec::as_slice);
            let total = rows.iter().find(|r| frame.rows.cells[**r].is_total());
            let m = total.map_or_else(|| vec![0; 16], |r| frame.rows.row(*r).collect());
            let mut document = head(&frame);
            document.insert("period_start".to_owned(), json!(format!("{day}T00:00:00")));
            document.insert("period_end".to_owned(), json!(format!("{day}T23:59:59")));
            document.extend(record_delta(&m));
            document.insert("uploaders".to_owned(), json!(m[14]));
            let mut all = Map::new();
            for subcount in &subcounts {
                let items = of_dimension(&frame, rows, &subcount.name).map(|(value, r)| {
                    let m: Vec<i64> = frame.rows.row(r).collect();
                    let mut item = item_head(&frame, &subcount.name, value, false);
                    item.extend(record_delta(&m));
                    if subcount.name == "affiliations" {
                        item.insert("contributions".to_owned(), json!({"added": m[10], "removed": m[13]}));
                    }
                    Value::Object(item)
                });
                all.insert(subcount.name.clone(), items.collect());
            }
            document.insert("subcounts".to_owned(), Value::Object(all));
            documents.push(Value::Object(document));
        }
        Ok(documents)
    }

    fn record_snapshots(&self, frame: &Frame, subcounts: &[&Subcount]) -> Vec<Value> {
        let by_day = rows_by_day(frame);
        let mut sums = frame.before.clone();
        let mut documents = Vec::with_capacity(frame.len());
        for day in frame.each_day() {
            add_day(frame, &by_day, day_number(day), &mut sums);
            let zero = Sum::since(0, 16);
            let m = &sums.get(&Cell::total(0)).unwrap_or(&zero).measures;
            let mut document = head(frame);
            document.insert("snapshot_date".to_owned(), json!(format!("{day}T00:00:00")));
            for (name, value) in record_state(m) {
                document.insert(format!("total_{name}"), value);
            }
            document.insert("total_uploaders".to_owned(), json!(m[14]));
            document.insert("distinct_uploaders".to_owned(), json!(m[15]));
            let mut all = Map::new();
            for subcount in subcounts {
                let top = subcount.records.as_ref().is_some_and(|s| s.top);
                let mut items = values_of(frame, &sums, &subcount.name);
                if top {
                    items = top_of(&items, records_inside, self.settings.top_limit);
                }
                let items = items.into_iter().map(|(value, Sum { measures: m, .. })| {
                    let mut item = item_head(frame, &subcount.name, value, false);
                    item.extend(record_state(m));
                    if subcount.name == "affiliations" {
                        item.insert("contributions".to_owned(), json!(m[10] - m[13]));
                    }
                    Value::Object(item)
                });
                all.insert(subcount.name.clone(), items.collect());
            }
            document.insert("subcounts".to_owned(), Value::Object(all));
            documents.push(Value::Object(document));
        }
        documents
    }

    async fn usage_documents(
        &self,
        aggregator: Aggregator,
        scope: &str,
        days: Days,
        known_on: Option<jiff::civil::Date>,
    ) -> Result<Vec<Value>, RepositoryError> {
        let frame = self.frame(aggregator, &USAGE_FAMILY, scope, days, known_on).await?;
        let subcounts: Vec<&Subcount> = self.settings.subcounts.iter().filter(|s| s.usage.is_some()).collect();
        let by_day = rows_by_day(&frame);
        let snapshot = aggregator.is_snapshot();
        // Sets of visitors have no ledger: what they held on an earlier day is not known any more.
        let mut distinct =
            if snapshot && known_on.is_none() { Some(self.visitors_before(&frame).await?) } else { None };
        let mut sums = frame.before.clone();
        let mut documents = Vec::with_capacity(frame.len());
        for day in frame.each_day() {
            let number = day_number(day);
            if snapshot {
                add_day(&frame, &by_day, number, &mut sums);
            } else {
                sums.clear();
                add_day(&frame, &by_day, number, &mut sums);
            }
            let zero = Sum::since(0, 10);
            let mut document = head(&frame);
            if snapshot {
                document.insert("snapshot_date".to_owned(), json!(format!("{day}T00:00:00")));
            } else {
                document.insert("period_start".to_owned(), json!(format!("{day}T00:00:00")));
                document.insert("period_end".to_owned(), json!(format!("{day}T23:59:59")));
            }
            let total = sums.get(&Cell::total(0)).unwrap_or(&zero);
            document.insert("totals".to_owned(), Value::Object(usage(&total.measures)));
            if let Some(distinct) = &mut distinct {
                document.insert("distinct".to_owned(), distinct.up_to(number)?);
            }
            let mut all = Map::new();
            for subcount in &subcounts {
                let item = |(value, sum): (&str, &Sum)| {
                    let mut item = item_head(&frame, &subcount.name, value, true);
                    item.extend(usage(&sum.measures));
                    Value::Object(item)
                };
                let items = values_of(&frame, &sums, &subcount.name);
                let top = snapshot && subcount.usage.as_ref().is_some_and(|s| s.top);
                let listed = if top {
                    json!({
                        "by_view": top_of(&items, |m| m[0], self.settings.top_limit).into_iter().map(item).collect::<Vec<_>>(),
                        "by_download": top_of(&items, |m| m[4], self.settings.top_limit).into_iter().map(item).collect::<Vec<_>>(),
                    })
                } else {
                    items.into_iter().map(item).collect()
                };
                all.insert(subcount.name.clone(), listed);
            }
            document.insert("subcounts".to_owned(), Value::Object(all));
            documents.push(Value::Object(document));
        }
        Ok(documents)
    }
}

/// The largest by a measure that is above zero; of equal ones the one seen first, then by id (spec/invenio §4.4).
fn top_of<'a>(items: &[(&'a str, &'a Sum)], measure: fn(&[i64]) -> i64, limit: usize) -> Vec<(&'a str, &'a Sum)> {
    let mut top: Vec<_> = items.iter().copied().filter(|(_, sum)| measure(&sum.measures) > 0).collect();
    top.sort_by_key(|(value, sum)| (Reverse(measure(&sum.measures)), sum.first, *value));
    top.truncate(limit);
    top
}

fn head(frame: &Frame) -> Map<String, Value> {
    let at = frame.coverage.as_ref().map_or_else(String::new, |c: &Coverage| format!("{}T00:00:00", c.last_day));
    let mut document = Map::new();
    document.insert("timestamp".to_owned(), json!(at));
    document.insert("updated_timestamp".to_owned(), json!(at));
    document.insert("community_id".to_owned(), json!(frame.scope));
    document
}

fn item_head(frame: &Frame, dimension: &str, value: &str, usage: bool) -> Map<String, Value> {
    let label = match frame.label(dimension, value) {
        Some(label) => json!(label),
        // Usage names what has no label by its id, in the shape its dimension has.
        None if usage && matches!(dimension, "resource_types" | "languages" | "rights") => json!({"en": value}),
        None if usage => json!(value),
        None => json!(""),
    };
    let mut item = Map::new();
    item.insert("id".to_owned(), json!(value));
    item.insert("label".to_owned(), label);
    item
}

fn rows_by_day(frame: &Frame) -> BTreeMap<i32, Vec<usize>> {
    let mut by_day: BTreeMap<i32, Vec<usize>> = BTreeMap::new();
    for (row, day) in frame.rows.days.iter().enumerate() {
        by_day.entry(*day).or_default().push(row);
    }
    by_day
}

fn add_day(frame: &Frame, by_day: &BTreeMap<i32, Vec<usize>>, day: i32, sums: &mut Sums) {
    for &row in by_day.get(&day).map_or(&[][..], Vec::as_slice) {
        let sum = sums.entry(frame.rows.cells[row]).or_insert_with(|| Sum::since(day, frame.rows.measures.len()));
        sum.add(day, frame.rows.row(row));
    }
}

/// The values of a dimension among a day's rows.
fn of_dimension<'a>(frame: &'a Frame, rows: &'a [usize], name: &str) -> impl Iterator<Item = (&'a str, usize)> {
    let dimension = frame.vocabulary.dimensions.find(name);
    rows.iter()
        .filter(move |r| Some(frame.rows.cells[**r].dimension()) == dimension)
        .map(|r| (frame.vocabulary.values.text(frame.rows.cells[*r].value()), *r))
}

/// The values of a dimension among sums, by id.
fn values_of<'a>(frame: &'a Frame, sums: &'a Sums, name: &str) -> Vec<(&'a str, &'a Sum)> {
    let Some(dimension) = frame.vocabulary.dimensions.find(name) else { return Vec::new() };
    let range = Cell::new(0, dimension, 0)..=Cell::new(0, dimension, u32::MAX);
    let mut values: Vec<_> =
        sums.range(range).map(|(cell, m)| (frame.vocabulary.values.text(cell.value()), m)).collect();
    values.sort_by(|a, b| a.0.cmp(b.0));
    debug_assert_eq!(values.iter().map(|v| v.0).collect::<HashSet<_>>().len(), values.len(), "one row per value");
    values
}

/// `records`, `parents`, `files` of a record delta.
fn record_delta(m: &[i64]) -> Map<String, Value> {
    let both = |at: usize| json!({"metadata_only": m[at], "with_files": m[at + 1]});
    let mut map = Map::new();
    map.insert("records".to_owned(), json!({"added": both(0), "removed": both(2)}));
    map.insert("parents".to_owned(), json!({"added": both(4), "removed": both(6)}));
    let files = |at: usize| json!({"file_count": m[at], "data_volume": bytes(m[at + 1])});
    map.insert("files".to_owned(), json!({"added": files(8), "removed": files(11)}));
    map
}

/// `records`, `parents`, `files` of a running state.
fn record_state(m: &[i64]) -> Map<String, Value> {
    let both =
        |at: usize| json!({"metadata_only": (m[at] - m[at + 2]).max(0), "with_files": (m[at + 1] - m[at + 3]).max(0)});
    let mut map = Map::new();
    map.insert("records".to_owned(), both(0));
    map.insert("parents".to_owned(), both(4));
    map.insert(
        "files".to_owned(),
        json!({"file_count": (m[8] - m[11]).max(0), "data_volume": bytes((m[9] - m[12]).max(0))}),
    );
    map
}

fn records_inside(m: &[i64]) -> i64 {
    m[0] + m[1] - m[2] - m[3]
}

fn usage(m: &[i64]) -> Map<String, Value> {
    let mut map = Map::new();
    map.insert(
        "view".to_owned(),
        json!({"total_events": m[0], "unique_visitors": m[1], "unique_records": m[2], "unique_parents": m[3]}),
    );
    map.insert(
        "download".to_owned(),
        json!({"total_events": m[4], "unique_visitors": m[5], "unique_records": m[6], "unique_parents": m[7],
               "unique_files": m[8], "total_volume": bytes(m[9])}),
    );
    map
}

/// Volumes are numbers with a fraction in the documents of the systems we replace.
#[expect(clippy::cast_precision_loss, reason = "volumes below 2^53 bytes are exact")]
fn bytes(count: i64) -> f64 {
    count as f64
}
