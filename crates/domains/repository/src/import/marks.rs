//! Which days an import touches: those whose record deltas may differ now, and those of the usage of changed records.
//!
//! What is stored is noted as unmarked before it is committed and marked after it. So an aggregation never takes a mark without the
//! facts behind it, and a process that dies anywhere leaves notes from which the next one marks the days.

use std::collections::{BTreeSet, HashSet};

use jiff::{SignedDuration, Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use tallykeep_control::Lease;
use tallykeep_lake::{
    Scan,
    arrow::{
        array::{AsArray, RecordBatch},
        datatypes::{Int32Type, Int64Type, TimestampMicrosecondType},
    },
};

use super::import_lease_name;
use crate::{
    RepositoryError, TeamRepository,
    dates::utc_day,
    documents::Record,
    state::{Basis, State},
    tables::{MEMBERSHIPS, RECORDS, USAGE},
};

/// Dirty marks of record deltas and of usage.
pub const RECORDS_FAMILY: &str = "records";
pub const USAGE_FAMILY: &str = "usage";

/// Names of notes in control.
const RECORD_NOTES: &str = "unmarked-records";
const USAGE_NOTES: &str = "unmarked-usage";

/// Something stored whose days are not marked yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Unmarked {
    /// Versions of records with this `seq` and later ones.
    RecordsFrom(i64),
    /// Membership events written at this instant (microseconds) or later.
    MembershipsSince(i64),
    /// Usage on these days.
    Usage(Vec<Date>),
}

impl TeamRepository {
    /// Notes what is about to be stored.
    pub(super) async fn note_unmarked(&self, what: &Unmarked) -> Result<(), RepositoryError> {
        let name = if matches!(what, Unmarked::Usage(_)) { USAGE_NOTES } else { RECORD_NOTES };
        self.control.note_intent(name, &serde_json::to_value(what)?).await?;
        Ok(())
    }

    /// Marks the days of everything that is stored and not marked yet; answers how many. Needs the lease of imports.
    pub(crate) async fn mark_unmarked(&self) -> Result<usize, RepositoryError> {
        self.mark_unmarked_usage().await?;
        self.mark_unmarked_records().await
    }

    /// The same for usage alone.
    pub(super) async fn mark_unmarked_usage(&self) -> Result<(), RepositoryError> {
        let notes = self.control.intents(USAGE_NOTES).await?;
        let Some(last) = notes.last().map(|note| note.number) else { return Ok(()) };
        let mut days = BTreeSet::new();
        for note in notes {
            if let Unmarked::Usage(list) = serde_json::from_value(note.payload)? {
                days.extend(list);
            }
        }
        let days: Vec<Date> = days.into_iter().collect();
        self.control.mark_dirty(USAGE_FAMILY, &days, "usage events came in").await?;
        Ok(self.control.forget_intents(USAGE_NOTES, last).await?)
    }

    async fn mark_unmarked_records(&self) -> Result<usize, RepositoryError> {
        let notes = self.control.intents(RECORD_NOTES).await?;
        let Some(last) = notes.last().map(|note| note.number) else { return Ok(0) };
        let (mut from, mut since) = (i64::MAX, i64::MAX);
        for note in notes {
            match serde_json::from_value(note.payload)? {
                Unmarked::RecordsFrom(seq) => from = from.min(seq),
                Unmarked::MembershipsSince(at) => since = since.min(at),
                Unmarked::Usage(_) => {}
            }
        }
        let marked = self.mark_record_days(from, since).await?;
        self.control.forget_intents(RECORD_NOTES, last).await?;
        Ok(marked)
    }

    /// Before an aggregation: marks what an import that died left unmarked. A living one marks its days itself.
    pub(crate) async fn mark_what_a_dead_import_left(&self) -> Result<(), RepositoryError> {
        let left = [self.control.intents(USAGE_NOTES).await?, self.control.intents(RECORD_NOTES).await?];
        if left.iter().all(Vec::is_empty) {
            return Ok(());
        }
        let lease = import_lease_name(&self.control.team().slug);
        match self.control.control().lease(&lease, "marking the days of an import that died").await? {
            Lease::HeldBy(_) => Ok(()),
            Lease::Taken(guard) => {
                let marked = self.mark_unmarked().await;
                guard.release().await?;
                marked.map(|_| ())
            }
        }
    }

    /// Marks the days whose numbers may differ since versions of records from `from` on and membership events written since
    /// `since` are there. Answers how many days of record deltas that are.
    ///
    /// Versions of one work and works of one uploader lean on each other (a parent enters with its first version, an uploader with
    /// the first work), so the days of all of these are marked.
    async fn mark_record_days(&self, from: i64, since: i64) -> Result<usize, RepositoryError> {
        let versions =
            self.lake.table(&RECORDS).scan(&Scan { columns: vec!["id", "seq", "doc"], ..Scan::default() }).await?;
        let memberships = self.lake.table(&MEMBERSHIPS).scan(&Scan::default()).await?;
        let changed = changed_records(&versions, from, &memberships, since);
        if changed.is_empty() {
            return Ok(0);
        }
        let mut state = State::open(&self.lake, &self.settings).await?;
        state.load_all(&self.lake).await?;
        let mut days = BTreeSet::new();
        let (mut parents, mut owners) = (HashSet::new(), HashSet::new());
        // What any version of a changed record ever said, the one that counted until now among them.
        for batch in &versions {
            let (ids, docs) = (batch.column(0).as_string::<i32>(), batch.column(2).as_string::<i32>());
            for row in (0..batch.num_rows()).filter(|row| changed.contains(ids.value(*row))) {
                let document: Value = serde_json::from_str(docs.value(row))?;
                let Ok(record) = Record::from_json(&document) else { continue };
                days.insert(utc_day(record.created));
                days.extend(record.published);
                days.extend(record.deleted.map(utc_day));
                // Without any membership event it counted as a member since both existed.
                let since = state.communities.iter().filter(|c| record.communities.contains(&c.id));
                days.extend(since.filter_map(|c| c.created).map(|at| utc_day(at.max(record.created))));
                parents.insert(record.parent);
                owners.extend(record.owner);
            }
        }
        // Every membership event of theirs, also those that a deletion or another event leaves without effect now.
        for batch in &memberships {
            let (ids, at) =
                (batch.column(0).as_string::<i32>(), batch.column(3).as_primitive::<TimestampMicrosecondType>());
            for row in (0..batch.num_rows()).filter(|row| changed.contains(ids.value(*row))) {
                let Ok(at) = Timestamp::from_microsecond(at.value(row)) else { continue };
                days.insert(utc_day(at));
                // A lone removal has its `added` a second before.
                days.extend(at.checked_sub(SignedDuration::from_secs(1)).ok().map(utc_day));
            }
        }
        for known in &state.records {
            let record = &known.record;
            if !parents.contains(&record.parent) && !record.owner.as_ref().is_some_and(|o| owners.contains(o)) {
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
        let days: Vec<Date> = days.into_iter().collect();
        self.control.mark_dirty(RECORDS_FAMILY, &days, "records changed").await?;
        let usage = self.usage_days_of(&changed).await?;
        self.control.mark_dirty(USAGE_FAMILY, &usage, "records changed").await?;
        Ok(days.len())
    }

    /// Days on which any of the records was used.
    async fn usage_days_of(&self, ids: &HashSet<String>) -> Result<Vec<Date>, RepositoryError> {
        let mut days = BTreeSet::new();
        let scan = Scan { columns: vec!["recid", "ts"], filters: Vec::new() };
        for batch in self.lake.table(&USAGE).scan(&scan).await? {
            let recids = batch.column(0).as_dictionary::<Int32Type>();
            let texts = recids.values().as_string::<i32>();
            let wanted: Vec<bool> = texts.iter().map(|id| id.is_some_and(|id| ids.contains(id))).collect();
            let at = batch.column(1).as_primitive::<TimestampMicrosecondType>();
            for (row, key) in recids.keys().values().iter().enumerate() {
                if usize::try_from(*key).ok().and_then(|key| wanted.get(key)) == Some(&true) {
                    days.insert(at.value(row).div_euclid(DAY_MICROS));
                }
            }
        }
        let day = |number: i64| i32::try_from(number).map(tallykeep_lake::day_of).ok();
        Ok(days.into_iter().filter_map(day).collect())
    }
}

const DAY_MICROS: i64 = 86_400_000_000;

/// The ids of records with a version from `from` on or a membership event written since `since`.
fn changed_records(versions: &[RecordBatch], from: i64, memberships: &[RecordBatch], since: i64) -> HashSet<String> {
    let mut changed = HashSet::new();
    for batch in versions {
        let (ids, seqs) = (batch.column(0).as_string::<i32>(), batch.column(1).as_primitive::<Int64Type>());
        changed.extend((0..batch.num_rows()).filter(|r| seqs.value(*r) >= from).map(|r| ids.value(r).to_owned()));
    }
    for batch in memberships {
        let (ids, written) =
            (batch.column(0).as_string::<i32>(), batch.column(4).as_primitive::<TimestampMicrosecondType>());
        changed.extend((0..batch.num_rows()).filter(|r| written.value(*r) >= since).map(|r| ids.value(r).to_owned()));
    }
    changed
}
