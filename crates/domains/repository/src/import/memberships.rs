//! Membership events.

use std::{
    collections::{BTreeSet, HashMap, HashSet},
    path::PathBuf,
    sync::Arc,
};

use jiff::Timestamp;
use serde_json::Value;
use tallykeep_lake::{
    Change,
    arrow::{
        array::{ArrayRef, DictionaryArray, RecordBatch, StringArray, TimestampMicrosecondArray},
        datatypes::Int32Type,
    },
};

use super::{
    Counts, instants,
    marks::Unmarked,
    reading::{Reading, Taken, Taking},
};
use crate::{
    RepositoryError, TeamRepository,
    documents::{MembershipEvent, MembershipKind, Rejection},
    membership::intervals,
    state::{current, membership_events},
    tables::{COMMUNITIES, MEMBERSHIPS},
};

/// Membership events held before they are written.
const BATCH_EVENTS: usize = 200_000;

/// Takes membership events. All of them are kept; one without an effect counts as unchanged.
struct Memberships<'a> {
    repository: &'a TeamRepository,
    dry_run: bool,
    communities: HashSet<String>,
    unknown: BTreeSet<String>,
    known: HashMap<(String, String), Vec<(Timestamp, MembershipKind)>>,
    pending: Vec<MembershipEvent>,
}

impl Taking for Memberships<'_> {
    type Document = MembershipEvent;

    fn read(&self, document: &Value) -> Result<MembershipEvent, Rejection> {
        MembershipEvent::from_json(document)
    }

    async fn take(&mut self, event: MembershipEvent) -> Result<Taken, RepositoryError> {
        let list = self.known.entry((event.record_id.clone(), event.community_id.clone())).or_default();
        if list.contains(&(event.at, event.kind)) {
            return Ok(Taken::Unchanged);
        }
        let before = intervals(list);
        list.push((event.at, event.kind));
        let taken = if intervals(list) == before { Taken::Unchanged } else { Taken::New };
        if event.community_id != "global" && !self.communities.contains(&event.community_id) {
            self.unknown.insert(event.community_id.clone());
        }
        if !self.dry_run {
            self.pending.push(event);
        }
        Ok(taken)
    }

    fn is_full(&self) -> bool {
        self.pending.len() >= BATCH_EVENTS
    }

    async fn store(&mut self) -> Result<(), RepositoryError> {
        self.repository.store_memberships(&std::mem::take(&mut self.pending), "import").await
    }
}

impl TeamRepository {
    pub(super) async fn import_memberships(
        &self,
        files: &[PathBuf],
        reading: &mut Reading<'_, '_>,
    ) -> Result<Counts, RepositoryError> {
        let communities = current(&self.lake, &COMMUNITIES).await?.into_keys().collect();
        let mut known: HashMap<(String, String), Vec<(Timestamp, MembershipKind)>> = HashMap::new();
        for (record, community, kind, at) in membership_events(&self.lake, None).await? {
            known.entry((record, community)).or_default().push((at, kind));
        }
        let mut taking = Memberships {
            repository: self,
            dry_run: reading.dry_run,
            communities,
            unknown: BTreeSet::new(),
            known,
            pending: Vec::new(),
        };
        let outcome = self.read_documents(files, reading, &mut taking).await;
        reading.report.unknown_communities = taking.unknown.into_iter().collect();
        outcome
    }

    /// Appends membership events. Their days are marked by [`Self::mark_unmarked`], by whoever holds the lease of imports.
    pub(crate) async fn store_memberships(
        &self,
        events: &[MembershipEvent],
        source: &str,
    ) -> Result<(), RepositoryError> {
        if events.is_empty() {
            return Ok(());
        }
        let now = self.control.clock().now().as_microsecond();
        self.note_unmarked(&Unmarked::MembershipsSince(now)).await?;
        let words = |text: fn(&MembershipEvent) -> &str| -> ArrayRef {
            Arc::new(events.iter().map(|e| Some(text(e))).collect::<DictionaryArray<Int32Type>>())
        };
        let columns: Vec<ArrayRef> = vec![
            Arc::new(StringArray::from_iter_values(events.iter().map(|e| e.record_id.as_str()))),
            words(|e| &e.community_id),
            words(|e| e.kind.as_str()),
            instants(events.iter().map(|e| Some(e.at))),
            Arc::new(TimestampMicrosecondArray::from(vec![now; events.len()]).with_timezone("UTC")),
            Arc::new(events.iter().map(|_| Some(source)).collect::<DictionaryArray<Int32Type>>()),
        ];
        let table = self.lake.table(&MEMBERSHIPS);
        table.ensure().await?;
        let batch =
            RecordBatch::try_new(MEMBERSHIPS.schema(), columns).map_err(|e| RepositoryError::Worker(e.to_string()))?;
        let staged = table.stage(&[], &[batch])?;
        table.commit(Change { add: vec![staged], ..Change::default() }).await?;
        Ok(())
    }
}
