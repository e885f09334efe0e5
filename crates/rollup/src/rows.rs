//! Rollup rows in memory, column by column.

use std::collections::BTreeMap;

use crate::Cell;

/// Rows (day, cell, measures). A row whose measures are all zero says nothing and is never kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    pub days: Vec<i32>,
    /// Of every row the first day its cell has anything on, among the days the row stands for: of a day that day itself.
    pub firsts: Vec<i32>,
    pub cells: Vec<Cell>,
    /// One column per measure.
    pub measures: Vec<Vec<i64>>,
}

/// The sum of a cell's rows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sum {
    /// The first day the cell has anything on.
    pub first: i32,
    pub measures: Vec<i64>,
}

impl Sum {
    /// Of nothing yet, first seen on a day.
    pub fn since(first: i32, measures: usize) -> Self {
        Self { first, measures: vec![0; measures] }
    }

    /// Adds a row of numbers that were first seen on a day.
    pub fn add(&mut self, first: i32, row: impl IntoIterator<Item = i64>) {
        self.first = self.first.min(first);
        for (total, number) in self.measures.iter_mut().zip(row) {
            *total += number;
        }
    }
}

/// Sums of rows per cell.
pub type Sums = BTreeMap<Cell, Sum>;

impl Rows {
    pub fn new(measures: usize) -> Self {
        Self { measures: vec![Vec::new(); measures], ..Self::default() }
    }

    pub fn len(&self) -> usize {
        self.days.len()
    }

    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Adds a row of one day; all-zero rows are left out.
    pub fn push(&mut self, day: i32, cell: Cell, measures: &[i64]) {
        self.push_since(day, day, cell, measures);
    }

    /// Adds a row whose cell was first seen on `first`; all-zero rows are left out.
    pub fn push_since(&mut self, day: i32, first: i32, cell: Cell, measures: &[i64]) {
        debug_assert_eq!(measures.len(), self.measures.len(), "one number per measure");
        if measures.iter().all(|&m| m == 0) {
            return;
        }
        self.days.push(day);
        self.firsts.push(first);
        self.cells.push(cell);
        for (column, &number) in self.measures.iter_mut().zip(measures) {
            column.push(number);
        }
    }

    pub fn row(&self, index: usize) -> impl Iterator<Item = i64> + '_ {
        self.measures.iter().map(move |column| column[index])
    }

    pub fn append(&mut self, mut other: Self) {
        self.days.append(&mut other.days);
        self.firsts.append(&mut other.firsts);
        self.cells.append(&mut other.cells);
        for (mine, theirs) in self.measures.iter_mut().zip(&mut other.measures) {
            mine.append(theirs);
        }
    }

    /// The rows an index picks, in order.
    pub fn take(&self, indices: &[u32]) -> Self {
        Self {
            days: indices.iter().map(|&i| self.days[i as usize]).collect(),
            firsts: indices.iter().map(|&i| self.firsts[i as usize]).collect(),
            cells: indices.iter().map(|&i| self.cells[i as usize]).collect(),
            measures: self.measures.iter().map(|c| indices.iter().map(|&i| c[i as usize]).collect()).collect(),
        }
    }

    /// Row numbers ordered by cell, then day.
    pub fn order(&self) -> Vec<u32> {
        let mut order: Vec<u32> = (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).collect();
        order.sort_unstable_by_key(|&i| (self.cells[i as usize], self.days[i as usize]));
        order
    }

    /// By cell number, then day.
    pub fn sorted(self) -> Self {
        let in_order =
            self.cells.iter().zip(&self.days).zip(self.cells.iter().zip(&self.days).skip(1)).all(|(a, b)| a <= b);
        if in_order { self } else { self.take(&self.order()) }
    }

    /// One row of `day` per run of equal cells: its sums, and the first day of the run.
    pub fn sum_runs(&self, day: i32) -> Self {
        let mut sums = Self::new(self.measures.len());
        let mut row = vec![0; self.measures.len()];
        let mut start = 0;
        for run in self.cells.chunk_by(|a, b| a == b) {
            let end = start + run.len();
            for (sum, column) in row.iter_mut().zip(&self.measures) {
                *sum = column[start..end].iter().sum();
            }
            let first = self.firsts[start..end].iter().copied().min().unwrap_or(day);
            sums.push_since(day, first, run[0], &row);
            start = end;
        }
        sums
    }
}
