//! Rows to and from the lake's batches.

use std::sync::Arc;

use tallykeep_lake::{
    Table,
    arrow::{
        array::{
            Array, ArrayRef, AsArray, Date32Array, DictionaryArray, Int32Array, Int64Array, RecordBatch, StringArray,
        },
        datatypes::{Date32Type, Int32Type, Int64Type},
        error::ArrowError,
    },
};

use crate::{Cell, Rows, Vocabulary, Words};

/// A batch that does not have the shape of a rollup table.
#[derive(Debug, thiserror::Error)]
pub enum CodecError {
    #[error("a rollup batch is damaged: {0}")]
    Shape(#[from] ArrowError),
}

/// Rows as one batch, sorted by the texts of scope, dimension and value, then day.
pub(crate) fn encode(table: &Table, rows: Rows, order: &Ranked<'_>) -> Result<RecordBatch, CodecError> {
    let rows = order.sorted(rows);
    let vocabulary = order.vocabulary;
    let mut columns: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from(rows.days)),
        words(&vocabulary.scopes, rows.cells.iter().map(|c| c.scope()))?,
        words(&vocabulary.dimensions, rows.cells.iter().map(|c| c.dimension()))?,
        words(&vocabulary.values, rows.cells.iter().map(|c| c.value()))?,
        Arc::new(Date32Array::from(rows.firsts)),
    ];
    columns.extend(rows.measures.into_iter().map(|m| Arc::new(Int64Array::from(m)) as ArrayRef));
    Ok(RecordBatch::try_new(table.def().schema(), columns)?)
}

/// A vocabulary with its text order, computed once for many files.
pub(crate) struct Ranked<'a> {
    vocabulary: &'a Vocabulary,
    scopes: Arc<Vec<u32>>,
    dimensions: Arc<Vec<u32>>,
    values: Arc<Vec<u32>>,
}

impl<'a> Ranked<'a> {
    pub(crate) fn new(vocabulary: &'a Vocabulary) -> Self {
        Self {
            vocabulary,
            scopes: vocabulary.scopes.ranks(),
            dimensions: vocabulary.dimensions.ranks(),
            values: vocabulary.values.ranks(),
        }
    }

    /// Rows by text, then day. Rows that come so, as folds make them, are left alone.
    pub(crate) fn sorted(&self, rows: Rows) -> Rows {
        let key = |i: usize| (self.key(rows.cells[i]), rows.days[i]);
        if (1..rows.len())
            .all(|i| rows.cells[i - 1] == rows.cells[i] && rows.days[i - 1] <= rows.days[i] || key(i - 1) <= key(i))
        {
            return rows;
        }
        let mut indices: Vec<u32> = (0..u32::try_from(rows.len()).unwrap_or(u32::MAX)).collect();
        indices.sort_by_cached_key(|&i| key(i as usize));
        rows.take(&indices)
    }

    fn key(&self, cell: Cell) -> (u32, u32, u32) {
        (
            self.scopes[cell.scope() as usize],
            self.dimensions[cell.dimension() as usize],
            self.values[cell.value() as usize],
        )
    }
}

fn words(words: &Words, numbers: impl Iterator<Item = u32>) -> Result<ArrayRef, CodecError> {
    // Only the words of this file go into its dictionary.
    let mut local = vec![-1_i32; words.len()];
    let mut texts: Vec<&str> = Vec::new();
    let keys: Vec<i32> = numbers
        .map(|number| {
            let key = &mut local[number as usize];
            if *key < 0 {
                *key = i32::try_from(texts.len()).unwrap_or(i32::MAX);
                texts.push(words.text(number));
            }
            *key
        })
        .collect();
    let array = DictionaryArray::<Int32Type>::try_new(Int32Array::from(keys), Arc::new(StringArray::from(texts)))?;
    Ok(Arc::new(array))
}

/// Adds the rows of a batch (all columns, in the table's order).
pub(crate) fn decode(batch: &RecordBatch, vocabulary: &mut Vocabulary, rows: &mut Rows) {
    let days = batch.column(0).as_primitive::<Date32Type>().values();
    let scopes = numbers(batch.column(1), &mut vocabulary.scopes);
    let dimensions = numbers(batch.column(2), &mut vocabulary.dimensions);
    let values = numbers(batch.column(3), &mut vocabulary.values);
    rows.days.extend_from_slice(days);
    rows.cells.extend(scopes.iter().zip(&dimensions).zip(&values).map(|((&s, &d), &v)| Cell::new(s, d, v)));
    let firsts = batch.column(4).as_primitive::<Date32Type>();
    rows.firsts
        .extend((0..batch.num_rows()).map(|row| if firsts.is_valid(row) { firsts.value(row) } else { days[row] }));
    for (column, measure) in rows.measures.iter_mut().enumerate() {
        measure.extend_from_slice(batch.column(5 + column).as_primitive::<Int64Type>().values());
    }
}

fn numbers(column: &ArrayRef, words: &mut Words) -> Vec<u32> {
    let dictionary = column.as_dictionary::<Int32Type>();
    let texts = dictionary.values().as_string::<i32>();
    // Dictionaries may hold words no row of the batch uses; only used ones are added.
    let mut known = vec![u32::MAX; texts.len()];
    dictionary
        .keys()
        .values()
        .iter()
        .map(|&key| {
            let key = usize::try_from(key).unwrap_or(0);
            if known[key] == u32::MAX {
                known[key] = words.add(texts.value(key));
            }
            known[key]
        })
        .collect()
}
