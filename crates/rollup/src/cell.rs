//! Where a number belongs: a scope, a dimension, a value, each a small number into a vocabulary.

use std::sync::{Arc, OnceLock};

use indexmap::IndexSet;

/// Distinct texts, numbered in order of first sight.
#[derive(Debug, Default, Clone)]
pub struct Words {
    set: IndexSet<Box<str>>,
    /// The places in text order, until another text comes.
    ranks: OnceLock<Arc<Vec<u32>>>,
}

impl Words {
    pub fn add(&mut self, text: &str) -> u32 {
        let index = match self.set.get_index_of(text) {
            Some(index) => index,
            None => {
                self.ranks = OnceLock::new();
                self.set.insert_full(text.into()).0
            }
        };
        u32::try_from(index).unwrap_or(u32::MAX)
    }

    pub fn find(&self, text: &str) -> Option<u32> {
        self.set.get_index_of(text).and_then(|i| u32::try_from(i).ok())
    }

    /// The text of a number this vocabulary gave out; empty for any other.
    pub fn text(&self, number: u32) -> &str {
        self.set.get_index(number as usize).map_or("", AsRef::as_ref)
    }

    pub fn len(&self) -> usize {
        self.set.len()
    }

    pub fn is_empty(&self) -> bool {
        self.set.is_empty()
    }

    pub fn iter(&self) -> impl Iterator<Item = &str> {
        self.set.iter().map(AsRef::as_ref)
    }

    /// For every number its place in text order, so that rows sort the same in every process. Worked out once for many files.
    pub fn ranks(&self) -> Arc<Vec<u32>> {
        let ranks = self.ranks.get_or_init(|| {
            let mut order: Vec<u32> = (0..u32::try_from(self.set.len()).unwrap_or(u32::MAX)).collect();
            order.sort_unstable_by(|&a, &b| self.text(a).cmp(self.text(b)));
            let mut ranks = vec![0; order.len()];
            for (rank, number) in (0..).zip(order) {
                ranks[number as usize] = rank;
            }
            Arc::new(ranks)
        });
        ranks.clone()
    }
}

/// The texts behind cells. Dimension 0 with value 0 is the total: both are the empty text.
#[derive(Debug, Clone)]
pub struct Vocabulary {
    pub scopes: Words,
    pub dimensions: Words,
    pub values: Words,
}

impl Default for Vocabulary {
    fn default() -> Self {
        let mut vocabulary = Self { scopes: Words::default(), dimensions: Words::default(), values: Words::default() };
        vocabulary.dimensions.add("");
        vocabulary.values.add("");
        vocabulary
    }
}

/// A scope, a dimension and a value in 20, 12 and 32 bits. The total of a scope has dimension 0 and value 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Cell(u64);

impl Cell {
    pub const SCOPES: u32 = 1 << 20;
    pub const DIMENSIONS: u32 = 1 << 12;

    pub fn new(scope: u32, dimension: u32, value: u32) -> Self {
        debug_assert!(scope < Self::SCOPES && dimension < Self::DIMENSIONS, "cell out of range");
        Self(u64::from(scope) << 44 | u64::from(dimension & 0xfff) << 32 | u64::from(value))
    }

    pub fn total(scope: u32) -> Self {
        Self::new(scope, 0, 0)
    }

    /// The same dimension and value in another scope.
    pub fn in_scope(self, scope: u32) -> Self {
        Self(self.0 & ((1 << 44) - 1) | u64::from(scope) << 44)
    }

    pub fn scope(self) -> u32 {
        u32::try_from(self.0 >> 44).unwrap_or(0)
    }

    pub fn dimension(self) -> u32 {
        u32::try_from(self.0 >> 32 & 0xfff).unwrap_or(0)
    }

    pub fn value(self) -> u32 {
        u32::try_from(self.0 & 0xffff_ffff).unwrap_or(0)
    }

    pub fn is_total(self) -> bool {
        self.dimension() == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_gives_back_what_it_was_made_of() {
        let cell = Cell::new(1_000_000, 4_000, u32::MAX);
        assert_eq!((cell.scope(), cell.dimension(), cell.value()), (1_000_000, 4_000, u32::MAX));
        let moved = cell.in_scope(3);
        assert_eq!((moved.scope(), moved.dimension(), moved.value()), (3, 4_000, u32::MAX));
        assert!(Cell::total(5).is_total());
    }

    #[test]
    fn ranks_follow_the_text() {
        let mut words = Words::default();
        for text in ["b", "a", "c"] {
            words.add(text);
        }
        assert_eq!(*words.ranks(), [1, 0, 2]);
        words.add("aa");
        assert_eq!(*words.ranks(), [2, 0, 3, 1], "another text, other places");
    }
}
