//! What a run changed, for the answers kept about it.

use tallykeep_rollup::{Vocabulary, Written};

/// The (scope, year) pairs a write changed.
pub(super) fn changed_years(written: &Written, vocabulary: &Vocabulary) -> Vec<(String, i64)> {
    written.changed.iter().map(|(scope, year)| (vocabulary.scopes.text(*scope).to_owned(), i64::from(*year))).collect()
}
