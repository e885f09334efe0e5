//! Ledger rows survive a crash between the two stores (docs/adr/0001): they are noted in control before the lake commit that makes
//! them true, under the number that commit carries, and entered in the ledger after it.

use std::collections::BTreeMap;

use tallykeep_control::{Reached, Restatement};
use tallykeep_lake::day_number;
use tallykeep_rollup::{Store, Touched, Vocabulary};

use super::{Aggregator, Run, record_deltas};
use crate::{RepositoryError, TeamRepository, tables::USAGE_FAMILY as USAGE};

/// Why a day is dirty, by day.
pub(super) type Reasons = BTreeMap<i32, String>;

/// Rows of one note: a large correction is several notes.
const ROWS_OF_A_NOTE: usize = 10_000;

/// Noted ledger rows: the name of their notes and the number of the last one.
pub(super) struct Announced {
    pub name: String,
    pub number: i64,
}

fn note_name(aggregator: &str) -> String {
    format!("restatements:{aggregator}")
}

impl TeamRepository {
    pub(super) async fn reasons(&self, family: &str) -> Result<Reasons, RepositoryError> {
        let dirty = self.control.dirty_days(family, 0).await?;
        Ok(dirty.into_iter().map(|d| (day_number(d.day), d.reason)).collect())
    }

    /// The ledger rows of what a write changes.
    pub(super) fn restatements(
        &self,
        aggregator: &str,
        measures: &[&str],
        touched: &[Touched],
        vocabulary: &Vocabulary,
        reasons: &Reasons,
        run: &Run<'_>,
    ) -> Vec<Restatement> {
        let now = self.control.clock().now();
        #[expect(clippy::cast_precision_loss, reason = "counts and sizes below 2^52")]
        let number = |n: i64| Some(n as f64);
        // A breakdown that was added has no past to restate: its numbers were missing.
        let came = |t: &&Touched| {
            let name = vocabulary.dimensions.text(t.cell.dimension());
            reasons.get(&t.day).is_some_and(|reason| crate::usage::came_with(reason, name))
        };
        touched
            .iter()
            .filter(|t| !came(t))
            .map(|t| Restatement {
                family: aggregator.to_owned(),
                scope: vocabulary.scopes.text(t.cell.scope()).to_owned(),
                day: tallykeep_lake::day_of(t.day),
                dimension: vocabulary.dimensions.text(t.cell.dimension()).to_owned(),
                value: vocabulary.values.text(t.cell.value()).to_owned(),
                measure: measures.get(t.measure).copied().unwrap_or("").to_owned(),
                old: number(t.old),
                new: number(t.new),
                at: now,
                reason: reasons.get(&t.day).cloned().unwrap_or_else(|| "re-aggregated".to_owned()),
                run_id: run.run_id.clone(),
            })
            .collect()
    }

    /// Notes ledger rows before the commit that makes them true; `None` when there are none.
    pub(super) async fn announce(
        &self,
        aggregator: &str,
        restated: &[Restatement],
    ) -> Result<Option<Announced>, RepositoryError> {
        let name = note_name(aggregator);
        let mut number = None;
        for rows in restated.chunks(ROWS_OF_A_NOTE) {
            number = Some(self.control.note_intent(&name, &serde_json::to_value(rows)?).await?);
        }
        Ok(number.map(|number| Announced { name, number }))
    }

    /// Enters what a run that died had committed to the lake and not yet to the ledger. Needs the lease of aggregation.
    pub(super) async fn settle_ledger(&self) -> Result<(), RepositoryError> {
        for aggregator in Aggregator::ALL.into_iter().filter(|a| !a.is_snapshot()) {
            let name = note_name(aggregator.name());
            let notes = self.control.intents(&name).await?;
            let Some(number) = notes.last().map(|note| note.number) else { continue };
            let family = match aggregator {
                Aggregator::RecordDelta(basis) => record_deltas::family(basis),
                _ => &USAGE,
            };
            let mut restated: Vec<Restatement> = Vec::new();
            if Store::new(&self.lake, family).has(number).await? {
                for note in notes {
                    restated.extend(serde_json::from_value::<Vec<Restatement>>(note.payload)?);
                }
                tracing::warn!(
                    rows = restated.len(),
                    "entering the ledger rows of a run that died: {}",
                    aggregator.name()
                );
            }
            let reached = Reached { restated: &restated, announced: Some((&name, number)), ..Reached::default() };
            self.control.commit_coverage(aggregator.name(), &reached).await?;
        }
        Ok(())
    }
}
