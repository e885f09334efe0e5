//! "As known on": numbers as they stood at the end of an earlier day, by undoing later ledger rows.

use std::collections::HashMap;

use jiff::{Timestamp, ToSpan, civil::Date};
use tallykeep_control::{Coverage, Restatement};
use tallykeep_lake::day_number;
use tallykeep_rollup::{Cell, Rows, Sum, Sums, Vocabulary};

use crate::{RepositoryError, TeamRepository, aggregate::Aggregator};

/// A past day whose end is looked from.
#[derive(Debug, Clone, Copy)]
pub(super) struct KnownOn {
    pub day: Date,
    /// The first instant that is too late.
    pub end: Timestamp,
}

impl TeamRepository {
    /// The point to look from; `None` when that is now.
    ///
    /// Errors: `BadRequest` when the ledger of the family and scope does not reach back to that day.
    pub(super) async fn known_on(
        &self,
        day: Option<Date>,
        aggregator: Aggregator,
        scope: &str,
    ) -> Result<Option<KnownOn>, RepositoryError> {
        let Some(day) = day.filter(|day| *day < self.control.clock().today()) else { return Ok(None) };
        let since = self.control.known_since(aggregator.delta().name(), scope).await?;
        let end = day.saturating_add(1.day()).to_zoned(jiff::tz::TimeZone::UTC).map(|z| z.timestamp());
        let end = end.map_err(|e| RepositoryError::BadRequest(format!("as_known_on: {e}")))?;
        match since {
            Some(since) if since < end => Ok(Some(KnownOn { day, end })),
            Some(since) => Err(RepositoryError::BadRequest(format!(
                "as_known_on: nothing was known on {day}: the ledger of {scope} begins at {since}"
            ))),
            None => Ok(None),
        }
    }
}

impl KnownOn {
    /// What was covered then: no day after it, and that day not over.
    pub fn coverage(self, mut coverage: Coverage) -> Option<Coverage> {
        coverage.last_day = coverage.last_day.min(self.day);
        coverage.provisional_from = coverage.provisional_from.min(self.day);
        (coverage.first_day <= coverage.last_day).then_some(coverage)
    }

    /// Takes back what the ledger says was written later. `ledger` ascends; rows before `first` are parts of `before`. What is left of the
    /// ledger is what was known then.
    pub fn undo(
        self,
        ledger: Vec<Restatement>,
        first: Date,
        measures: &[&str],
        vocabulary: &mut Vocabulary,
        rows: &mut Rows,
        before: &mut Sums,
    ) -> Vec<Restatement> {
        let (known, later): (Vec<Restatement>, Vec<Restatement>) = ledger.into_iter().partition(|r| r.at < self.end);
        let mut index: HashMap<(Cell, i32), usize> =
            (0..rows.len()).map(|row| ((rows.cells[row], rows.days[row]), row)).collect();
        for change in later.iter().rev() {
            let Some(measure) = measures.iter().position(|m| *m == change.measure) else { continue };
            let dimension = vocabulary.dimensions.add(&change.dimension);
            let cell = Cell::new(0, dimension, vocabulary.values.add(&change.value));
            let (old, new) = (whole(change.old), whole(change.new));
            if change.day < first {
                let sum = before.entry(cell).or_insert_with(|| Sum::since(day_number(change.day), measures.len()));
                sum.measures[measure] += old - new;
                continue;
            }
            let day = day_number(change.day);
            let row = *index.entry((cell, day)).or_insert_with(|| {
                rows.days.push(day);
                rows.cells.push(cell);
                rows.measures.iter_mut().for_each(|column| column.push(0));
                rows.days.len() - 1
            });
            rows.measures[measure][row] = old;
        }
        // Rows of zeros were no rows then.
        let mut then = Rows::new(measures.len());
        for row in 0..rows.len() {
            let numbers: Vec<i64> = rows.row(row).collect();
            then.push(rows.days[row], rows.cells[row], &numbers);
        }
        *rows = then.sorted();
        known.into_iter().filter(|r| r.day >= first).collect()
    }
}

#[expect(clippy::cast_possible_truncation, reason = "the ledger holds whole numbers")]
fn whole(number: Option<f64>) -> i64 {
    number.unwrap_or(0.0) as i64
}
