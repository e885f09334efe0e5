//! The back-fill of membership events (spec/invenio §1.3): what records say of their communities, written as events.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{Timestamp, civil::Date};
use serde::Serialize;
use serde_json::Value;

use crate::{
    RepositoryError, TeamRepository,
    dates::utc_day,
    documents::{MembershipEvent, MembershipKind, Record},
    state::{current, membership_events},
    tables::RECORDS,
};

/// Which records to look at.
#[derive(Debug, Clone, Default)]
pub struct BackfillRequest {
    /// Ids or slugs; empty means all and `global`.
    pub communities: Vec<String>,
    pub record_ids: Vec<String>,
    /// First and last created day.
    pub start: Option<Date>,
    pub end: Option<Date>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Backfilled {
    pub records_processed: u64,
    pub new_events_created: u64,
    pub old_events_found: u64,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct BackfillStatus {
    pub total_records: u64,
    pub records_needing_events: u64,
    pub total_events_needed: u64,
    pub community_breakdown: BTreeMap<String, u64>,
    pub communities_checked: Vec<String>,
}

/// Told after every record: (done, all); answering `false` stops the back-fill with what it has.
pub type Progress<'a> = dyn FnMut(u64, u64) -> bool + Send + 'a;

struct Needed {
    record: String,
    created: Timestamp,
    missing: Vec<String>,
    found: u64,
}

impl TeamRepository {
    /// Writes the missing `added` events of records, all dated at the record's creation. A community filter is honoured.
    ///
    /// Errors: `Busy` while an import of the team runs; the stores' errors.
    pub async fn backfill_community_events(
        &self,
        request: &BackfillRequest,
        progress: &mut Progress<'_>,
    ) -> Result<Backfilled, RepositoryError> {
        let guard = self.import_lease("community-events generate").await?;
        let outcome = self.backfill(request, progress).await;
        let marked = self.mark_unmarked().await;
        let released = guard.release().await;
        let done = outcome?;
        marked?;
        released?;
        Ok(done)
    }

    async fn backfill(
        &self,
        request: &BackfillRequest,
        progress: &mut Progress<'_>,
    ) -> Result<Backfilled, RepositoryError> {
        let (needed, _) = self.needed(request).await?;
        let (mut done, mut events) = (Backfilled::default(), Vec::new());
        let all = u64::try_from(needed.len()).unwrap_or(u64::MAX);
        for need in needed {
            done.records_processed += 1;
            done.old_events_found += need.found;
            done.new_events_created += u64::try_from(need.missing.len()).unwrap_or(0);
            events.extend(need.missing.into_iter().map(|community_id| MembershipEvent {
                record_id: need.record.clone(),
                community_id,
                kind: MembershipKind::Added,
                at: need.created,
            }));
            if !progress(done.records_processed, all) {
                break;
            }
        }
        self.store_memberships(&events, "generated").await?;
        Ok(done)
    }

    /// Counts what a back-fill would write.
    pub async fn backfill_status(&self, request: &BackfillRequest) -> Result<BackfillStatus, RepositoryError> {
        let (needed, communities_checked) = self.needed(request).await?;
        let mut status = BackfillStatus {
            total_records: u64::try_from(needed.len()).unwrap_or(u64::MAX),
            communities_checked,
            ..BackfillStatus::default()
        };
        for need in needed.iter().filter(|n| !n.missing.is_empty()) {
            status.records_needing_events += 1;
            for community in &need.missing {
                status.total_events_needed += 1;
                *status.community_breakdown.entry(community.clone()).or_default() += 1;
            }
        }
        Ok(status)
    }

    async fn needed(&self, request: &BackfillRequest) -> Result<(Vec<Needed>, Vec<String>), RepositoryError> {
        let communities = self.communities().await?;
        let wanted: Option<BTreeSet<String>> = if request.communities.is_empty() {
            None
        } else {
            let ids = request.communities.iter().map(|name| {
                let found = communities.iter().find(|c| c.id == *name || c.slug == *name).map(|c| c.id.clone());
                found
                    .or_else(|| (name == "global").then(|| name.clone()))
                    .ok_or_else(|| RepositoryError::UnknownCommunity(name.clone()))
            });
            Some(ids.collect::<Result<_, _>>()?)
        };
        let present: BTreeSet<(String, String)> = membership_events(&self.lake, None)
            .await?
            .into_iter()
            .filter(|e| e.2 == MembershipKind::Added)
            .map(|(record, community, ..)| (record, community))
            .collect();
        let mut needed = Vec::new();
        let mut checked: BTreeSet<String> = BTreeSet::new();
        let mut stored: Vec<_> = current(&self.lake, &RECORDS).await?.into_iter().collect();
        stored.sort_by(|a, b| a.0.cmp(&b.0));
        for (id, stored) in stored {
            if !request.record_ids.is_empty() && !request.record_ids.contains(&id) {
                continue;
            }
            let document: Value = serde_json::from_str(&stored.doc)?;
            let record = match Record::from_json(&document) {
                Ok(record) => record,
                Err(error) => {
                    tracing::warn!(record = %id, %error, "record {id} skipped in the back-fill");
                    continue;
                }
            };
            let day = utc_day(record.created);
            if request.start.is_some_and(|s| day < s) || request.end.is_some_and(|e| day > e) {
                continue;
            }
            let memberships: Vec<String> = record
                .communities
                .iter()
                .cloned()
                .chain(["global".to_owned()])
                .filter(|c| wanted.as_ref().is_none_or(|w| w.contains(c)))
                .collect();
            checked.extend(memberships.iter().cloned());
            let (found, missing): (Vec<String>, Vec<String>) =
                memberships.into_iter().partition(|c| present.contains(&(id.clone(), c.clone())));
            let found = u64::try_from(found.len()).unwrap_or(0);
            needed.push(Needed { record: id, created: record.created, missing, found });
        }
        Ok((needed, checked.into_iter().collect()))
    }
}
