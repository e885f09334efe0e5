//! The rows of one scope and range, ready to be turned into documents and series.

use std::{
    collections::{BTreeMap, HashMap},
    sync::Arc,
};

use jiff::{ToSpan, civil::Date};
use tallykeep_control::{Coverage, Restatement};
use tallykeep_lake::day_number;
use tallykeep_model::Label;
use tallykeep_rollup::{Cell, Family, Rows, Store, Sums, Vocabulary};

use crate::{RepositoryError, TeamRepository, aggregate::Aggregator};

/// Labels by dimension and value.
pub type Labels = HashMap<String, HashMap<String, Label>>;

/// What one family says of one scope over inclusive days.
pub struct Frame {
    pub scope: String,
    /// First and last day that have documents; `None` when none of the asked days has.
    pub days: Option<(Date, Date)>,
    pub rows: Rows,
    /// Sums of everything before the first day; empty for deltas.
    pub before: Sums,
    pub vocabulary: Vocabulary,
    pub labels: Arc<Labels>,
    pub coverage: Option<Coverage>,
    pub restated: Vec<Restatement>,
}

impl TeamRepository {
    /// Reads a family's rows of a scope over inclusive days, cut to what is covered; as they were known at the end of `known_on`.
    pub(crate) async fn frame(
        &self,
        aggregator: Aggregator,
        family: &'static Family,
        scope: &str,
        (first, last): (Option<Date>, Option<Date>),
        known_on: Option<Date>,
    ) -> Result<Frame, RepositoryError> {
        let mut coverage = self.control.coverage_of(aggregator.name(), scope).await?;
        let known_on = self.known_on(known_on, aggregator, scope).await?;
        if let Some(known) = known_on {
            coverage = coverage.and_then(|c| known.coverage(c));
        }
        let days = coverage.as_ref().and_then(|c| {
            let first = first.map_or(c.first_day, |f| f.max(c.first_day));
            let last = last.map_or(c.last_day, |l| l.min(c.last_day));
            (first <= last).then_some((first, last))
        });
        let mut vocabulary = Vocabulary::default();
        let number = vocabulary.scopes.add(scope);
        debug_assert_eq!(number, 0, "the scope of a frame is its first word");
        let (mut rows, mut before, mut restated) = (Rows::new(family.measures.len()), Sums::new(), Vec::new());
        if let Some((first, last)) = days {
            let store = Store::new(&self.lake, family);
            rows = store.days(scope, first, last, &mut vocabulary).await?;
            if aggregator.is_snapshot() {
                before = store.before(scope, first, &mut vocabulary).await?;
            }
            let ledger_from = match (&coverage, known_on) {
                (Some(c), Some(_)) if aggregator.is_snapshot() => c.first_day.min(first),
                _ => first,
            };
            restated = self.control.restatements(aggregator.delta().name(), scope, ledger_from, last).await?;
            if let Some(known) = known_on {
                restated = known.undo(restated, first, family.measures, &mut vocabulary, &mut rows, &mut before);
            }
        }
        Ok(Frame {
            scope: scope.to_owned(),
            days,
            rows,
            before,
            vocabulary,
            labels: self.labels().await?,
            coverage,
            restated,
        })
    }
}

impl Frame {
    /// Every day that has a document, oldest first.
    pub fn each_day(&self) -> impl Iterator<Item = Date> + use<> {
        let (first, last) = self.days.unwrap_or((Date::MAX, Date::MIN));
        let mut day = first;
        std::iter::from_fn(move || {
            let today = day;
            (today <= last).then(|| {
                day = day.saturating_add(1.day());
                today
            })
        })
    }

    /// How many days have a document.
    pub fn len(&self) -> usize {
        self.days.map_or(0, |(first, last)| usize::try_from(day_number(last) - day_number(first) + 1).unwrap_or(0))
    }

    /// Ranges of rows per cell of a dimension, by value text; rows are sorted by cell and day.
    pub fn cells_of(&self, dimension: &str) -> BTreeMap<&str, (Cell, std::ops::Range<usize>)> {
        let Some(number) = self.vocabulary.dimensions.find(dimension) else { return BTreeMap::new() };
        let mut found = BTreeMap::new();
        let mut start = 0;
        while start < self.rows.len() {
            let cell = self.rows.cells[start];
            let end = start + self.rows.cells[start..].partition_point(|&c| c <= cell);
            if cell.dimension() == number {
                found.insert(self.vocabulary.values.text(cell.value()), (cell, start..end));
            }
            start = end;
        }
        found
    }

    /// Rows of the scope's totals.
    pub fn total_rows(&self) -> std::ops::Range<usize> {
        let end = self.rows.cells.partition_point(|&c| c <= Cell::total(0));
        0..end
    }

    pub fn label(&self, dimension: &str, value: &str) -> Option<&Label> {
        self.labels.get(dimension).and_then(|values| values.get(value))
    }
}
