//! True distinct visitors since the beginning, day by day, from the stored sets.

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::{Value, json};
use tallykeep_lake::{
    Filter, Scan,
    arrow::{
        array::{ArrayAccessor, AsArray, StringArray},
        datatypes::{Date32Type, Int32Type},
    },
    day_number,
};
use tallykeep_rollup::sets::Union;

use super::frame::Frame;
use crate::{RepositoryError, TeamRepository, aggregate::Aggregator, tables::VISITOR_SETS};

/// Sets by day, with whether they are of downloads.
type Sets = BTreeMap<i32, Vec<(bool, Vec<u8>)>>;

/// Unions that grow with the days that are read.
pub(super) struct Distinct {
    sets: Sets,
    view: Union,
    download: Union,
}

impl TeamRepository {
    /// The sets of a frame's scope up to its last day.
    pub(super) async fn visitors_before(&self, frame: &Frame) -> Result<Distinct, RepositoryError> {
        let mut sets = Sets::new();
        if let Some((_, last)) = frame.days {
            let first = frame.coverage.as_ref().map_or(last, |c| c.first_day);
            sets = self.visitor_sets(&frame.scope, first, last).await?;
        }
        Ok(Distinct { sets, view: Union::new()?, download: Union::new()? })
    }

    async fn visitor_sets(&self, scope: &str, first: Date, last: Date) -> Result<Sets, RepositoryError> {
        let mut sets = Sets::new();
        let filters = vec![
            Filter::OneOf { column: "scope", values: vec![scope.to_owned()] },
            Filter::Days { column: "day", first, last },
        ];
        let scan = Scan { columns: vec!["day", "kind", "visitors"], filters };
        for batch in self.lake.table(&VISITOR_SETS).scan(&scan).await? {
            let days = batch.column(0).as_primitive::<Date32Type>();
            let kinds = batch.column(1).as_dictionary::<Int32Type>();
            let Some(kinds) = kinds.downcast_dict::<StringArray>() else { continue };
            let visitors = batch.column(2).as_binary::<i32>();
            for row in 0..batch.num_rows() {
                let download = kinds.value(row) == "download";
                sets.entry(days.value(row)).or_default().push((download, visitors.value(row).to_vec()));
            }
        }
        Ok(sets)
    }
}

impl Distinct {
    /// Adds every day up to `day` and answers the block of the snapshot document.
    pub(super) fn up_to(&mut self, day: i32) -> Result<Value, RepositoryError> {
        while let Some(entry) = self.sets.first_entry().filter(|e| *e.key() <= day) {
            for (download, bytes) in entry.remove() {
                if download { &mut self.download } else { &mut self.view }.add(&bytes)?;
            }
        }
        Ok(json!({"view": block(&self.view), "download": block(&self.download)}))
    }
}

/// A count of distinct visitors with how it came to be and how far off it may be.
fn block(union: &Union) -> Value {
    let (count, exact) = union.count();
    json!({"unique_visitors": count, "exact": exact, "standard_error": if exact { 0.0 } else { 0.016 },
           "method": "theta sketch, 4096 entries"})
}

impl TeamRepository {
    /// True distinct visitors of a scope over inclusive days, of views and of downloads apart: a visitor of two days counts once.
    ///
    /// Unit: visitors. Source: the daily sets of visitors. Exact up to 4,096 visitors, above with the standard error that stands beside the count.
    /// `None` when none of the days is covered.
    pub async fn distinct_visitors(
        &self,
        scope: &str,
        (first, last): (Option<Date>, Option<Date>),
    ) -> Result<Option<Value>, RepositoryError> {
        let Some(covered) = self.control.coverage_of(Aggregator::UsageDelta.name(), scope).await? else {
            return Ok(None);
        };
        let first = first.map_or(covered.first_day, |f| f.max(covered.first_day));
        let last = last.map_or(covered.last_day, |l| l.min(covered.last_day));
        if last < first {
            return Ok(None);
        }
        let mut distinct = Distinct {
            sets: self.visitor_sets(scope, first, last).await?,
            view: Union::new()?,
            download: Union::new()?,
        };
        let mut found = distinct.up_to(day_number(last))?;
        found["community_id"] = json!(scope);
        found["start_date"] = json!(first.to_string());
        found["end_date"] = json!(last.to_string());
        found["provisional"] = json!(last >= covered.provisional_from);
        Ok(Some(found))
    }
}
