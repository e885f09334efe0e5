//! Rollup rows in memory, column by column.

use std::collections::BTreeMap;

use crate::Cell;

/// Rows (day, cell, measures). A row whose measures are all zero says nothing and is never kept.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Rows {
    pub days: Vec<i32>,
    pub cells: Vec<Cell>,
    /// One column per measure.
    pub measures: Vec<Vec<i64>>,
}

/// Sums of rows per cell.
pub type Sums = BTreeMap<Cell, Vec<i64>>;

impl Rows {
    pub fn new(measures: usize) -> Self {
        Self { days: Vec::new(), cells: Vec::new(), measures: vec![Vec::new(); measures] }
    }

    pub fn len(&self) -> usize {
        self.days.len()
    }

    pub fn is_empty(&self) -> bool {
        self.days.is_empty()
    }

    /// Adds a row; all-zero rows are left out.
    pub fn push(&mut self, day: i32, cell: Cell, measures: &[i64]) {
        debug_assert_eq!(measures.len(), self.measures.len(), "one number per measure");
        if measures.iter().all(|&m| m == 0) {
            return;
        }
        self.days.push(day);
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
        self.cells.append(&mut other.cells);
        for (mine, theirs) in self.measures.iter_mut().zip(&mut other.measures) {
            mine.append(theirs);
        }
    }

    /// The rows an index picks, in order.
    pub fn take(&self, indices: &[u32]) -> Self {
        Self {
            days: indices.iter().map(|&i| self.days[i as usize]).collect(),
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

    pub fn sorted(self) -> Self {
        let in_order =
            self.cells.iter().zip(&self.days).zip(self.cells.iter().zip(&self.days).skip(1)).all(|(a, b)| a <= b);
        if in_order { self } else { self.take(&self.order()) }
    }

    /// Sums per cell; the rows must be sorted.
    pub fn sum_sorted(&self, day: i32) -> Self {
        let mut sums = Self::new(self.measures.len());
        let mut start = 0;
        while start < self.len() {
            let cell = self.cells[start];
            let end = start + self.cells[start..].partition_point(|&c| c <= cell);
            let row: Vec<i64> = self.measures.iter().map(|c| c[start..end].iter().sum()).collect();
            sums.push(day, cell, &row);
            start = end;
        }
        sums
    }
}
