//! True distinct visitors since the beginning, day by day, from the stored sets.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tallykeep_lake::{
    Filter, Scan,
    arrow::{
        array::{ArrayAccessor, AsArray, StringArray},
        datatypes::{Date32Type, Int32Type},
    },
};
use tallykeep_rollup::sets::Union;

use super::frame::Frame;
use crate::{RepositoryError, TeamRepository, tables::VISITOR_SETS};

/// Unions that grow with the days that are read.
pub(super) struct Distinct {
    sets: BTreeMap<i32, Vec<(bool, Vec<u8>)>>,
    view: Union,
    download: Union,
}

impl TeamRepository {
    /// The sets of a frame's scope up to its last day.
    pub(super) async fn visitors_before(&self, frame: &Frame) -> Result<Distinct, RepositoryError> {
        let mut sets: BTreeMap<i32, Vec<(bool, Vec<u8>)>> = BTreeMap::new();
        if let Some((_, last)) = frame.days {
            let first = frame.coverage.as_ref().map_or(last, |c| c.first_day);
            let filters = vec![
                Filter::OneOf { column: "scope", values: vec![frame.scope.clone()] },
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
        }
        Ok(Distinct { sets, view: Union::new()?, download: Union::new()? })
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
        let block = |union: &Union| {
            let (count, exact) = union.count();
            json!({"unique_visitors": count, "exact": exact, "standard_error": if exact { 0.0 } else { 0.016 },
                   "method": "theta sketch, 4096 entries"})
        };
        Ok(json!({"view": block(&self.view), "download": block(&self.download)}))
    }
}
