//! Which days an import touches: those whose record deltas may differ now, and those of the usage of changed records.

use std::collections::{BTreeSet, HashSet};

use jiff::civil::Date;
use serde_json::Value;
use tallykeep_lake::{
    Scan,
    arrow::{
        array::{ArrayAccessor, AsArray, StringArray},
        datatypes::{Int32Type, TimestampMicrosecondType},
    },
};

use crate::{
    RepositoryError, TeamRepository,
    dates::utc_day,
    documents::Record,
    state::{Basis, State},
    tables::{RECORDS, USAGE},
};

/// Dirty marks of record deltas and of usage.
pub const RECORDS_FAMILY: &str = "records";
pub const USAGE_FAMILY: &str = "usage";

/// What an import changed.
#[derive(Debug, Default)]
pub struct Marks {
    /// Records with a new version or a membership event.
    pub records: BTreeSet<String>,
    /// Days of membership events that came in.
    pub days: BTreeSet<Date>,
}

impl TeamRepository {
    /// Marks the days whose numbers the changed records may touch.
    ///
    /// Versions of one work and works of one uploader lean on each other (a parent enters with its first version, an uploader with
    /// the first work), so the days of all of these are marked.
    pub(crate) async fn mark_record_days(&self, marks: &Marks) -> Result<(), RepositoryError> {
        if marks.records.is_empty() {
            return Ok(());
        }
        let state = State::load(&self.lake, &self.settings).await?;
        let mut days = marks.days.clone();
        let (mut parents, mut owners) = (HashSet::new(), HashSet::new());
        for record in marks.records.iter().filter_map(|id| state.by_id.get(id)) {
            let known = &state.records[*record as usize];
            parents.insert(known.parent);
            owners.extend(known.owner);
        }
        for known in &state.records {
            if !parents.contains(&known.parent) && !known.owner.is_some_and(|o| owners.contains(&o)) {
                continue;
            }
            for basis in Basis::ALL {
                for scope in known.memberships.iter().map(|m| m.0).chain([State::GLOBAL]) {
                    for (start, end) in state.stays(known, scope, basis) {
                        days.insert(start);
                        days.extend(end);
                    }
                }
            }
        }
        self.old_versions_days(&marks.records, &mut days).await?;
        let days: Vec<Date> = days.into_iter().collect();
        self.control.mark_dirty(RECORDS_FAMILY, &days, "records changed").await?;
        let usage = self.usage_days_of(&marks.records).await?;
        self.control.mark_dirty(USAGE_FAMILY, &usage, "records changed").await?;
        Ok(())
    }

    /// Days that earlier versions of the changed records stood on.
    async fn old_versions_days(
        &self,
        ids: &BTreeSet<String>,
        days: &mut BTreeSet<Date>,
    ) -> Result<(), RepositoryError> {
        let scan = Scan { columns: vec!["id", "doc"], filters: Vec::new() };
        for batch in self.lake.table(&RECORDS).scan(&scan).await? {
            let (found, docs) = (batch.column(0).as_string::<i32>(), batch.column(1).as_string::<i32>());
            for row in (0..batch.num_rows()).filter(|row| ids.contains(found.value(*row))) {
                let document: Value = serde_json::from_str(docs.value(row))?;
                if let Ok(record) = Record::from_json(&document) {
                    days.insert(utc_day(record.created));
                    days.extend(record.published);
                    days.extend(record.deleted.map(utc_day));
                }
            }
        }
        Ok(())
    }

    /// Days on which any of the records was used.
    async fn usage_days_of(&self, ids: &BTreeSet<String>) -> Result<Vec<Date>, RepositoryError> {
        let mut days = BTreeSet::new();
        let scan = Scan { columns: vec!["recid", "ts"], filters: Vec::new() };
        for batch in self.lake.table(&USAGE).scan(&scan).await? {
            let recids = batch.column(0).as_dictionary::<Int32Type>();
            let Some(recids) = recids.downcast_dict::<StringArray>() else { continue };
            let at = batch.column(1).as_primitive::<TimestampMicrosecondType>();
            for row in (0..batch.num_rows()).filter(|row| ids.contains(recids.value(*row))) {
                days.extend(jiff::Timestamp::from_microsecond(at.value(row)).ok().map(utc_day));
            }
        }
        Ok(days.into_iter().collect())
    }
}
