//! Bookmarks of migrations, and files that later ones replaced.

use serde::Serialize;
use tallykeep_lake::{Change, Leftover};

use super::{BOOKMARKS, KINDS, Slice, months};
use crate::{RepositoryError, TeamRepository, documents::UsageKind, tables::ENRICHED};

/// Share of a month's events that must be enriched before what came before is deleted.
const ENOUGH: f64 = 0.95;

/// Which bookmarks to clear.
#[derive(Debug, Clone, Default)]
pub struct ClearBookmarks {
    /// Empty means both.
    pub kinds: Vec<UsageKind>,
    /// Months and ranges; empty means all.
    pub months: Vec<String>,
}

/// What a clean-up did, or would do, for one kind and month.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CleanupMonth {
    pub event_type: String,
    pub month: String,
    pub old_index: String,
    pub new_index: String,
    pub files: usize,
    pub bytes: u64,
    /// `deleted`, `would_delete` or `kept`.
    pub action: String,
    /// Why it was kept.
    pub reason: Option<String>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Cleanup {
    pub months: Vec<CleanupMonth>,
    pub files_deleted: usize,
    pub bytes_deleted: u64,
    pub dry_run: bool,
}

impl TeamRepository {
    /// Forgets how far migrations got; what they wrote stays, and the next one finds it. Answers the bookmarks and the months that are invalid.
    pub async fn clear_migration_bookmarks(
        &self,
        request: &ClearBookmarks,
    ) -> Result<(Vec<String>, Vec<String>), RepositoryError> {
        let (ranges, wrong) = months(&request.months);
        let mut cleared = Vec::new();
        for (scope, _) in self.control.watermarks(BOOKMARKS).await? {
            let Some(slice) = slice_of(&scope) else { continue };
            let wanted = (request.kinds.is_empty() || request.kinds.contains(&slice.kind))
                && ranges.as_ref().is_none_or(|r| r.iter().any(|(a, b)| (a..=b).contains(&&slice.month)));
            if wanted && self.control.clear_watermarks(Some(BOOKMARKS), Some(&scope)).await? > 0 {
                cleared.push(scope);
            }
        }
        Ok((cleared, wrong))
    }

    /// Deletes the files that a later enrichment of their month replaced, where that one is complete: it has its bookmark, at least 95 % of the month's events,
    /// and more than none.
    ///
    /// Errors: `Busy` while a migration of the team runs: its files look the same until they are committed.
    pub async fn cleanup_old_enrichment(&self, kinds: &[UsageKind], dry_run: bool) -> Result<Cleanup, RepositoryError> {
        let what = format!("usage-events cleanup-old-indices (process {})", std::process::id());
        let lease = super::migrate::lease_name(&self.control.team().slug);
        let guard = self.control.control().lease_or_busy(&lease, &what).await?;
        let outcome = self.cleanup_under_lease(kinds, dry_run).await;
        guard.release().await?;
        outcome
    }

    async fn cleanup_under_lease(&self, kinds: &[UsageKind], dry_run: bool) -> Result<Cleanup, RepositoryError> {
        let mut cleanup = Cleanup { dry_run, ..Cleanup::default() };
        let stored = self.stored_events().await?;
        for (slice, leftovers) in self.old_files().await? {
            if !kinds.is_empty() && !kinds.contains(&slice.kind) {
                continue;
            }
            let (files, bytes) = (leftovers.len(), leftovers.iter().map(|l| l.bytes).sum());
            let events = stored.get(&slice).copied().unwrap_or(0);
            let enriched: u64 = self.enriched_files(&slice).await?.iter().map(|f| f.rows).sum();
            let complete = self.bookmark(&slice).await?.is_some_and(|bookmark| bookmark.completed);
            #[expect(clippy::cast_precision_loss, reason = "counts of events are below 2^52")]
            let enough = enriched > 0 && enriched as f64 >= events as f64 * ENOUGH;
            let reason = match (complete, enough) {
                (false, _) => Some("its migration is not completed".to_owned()),
                (_, false) => Some(format!("only {enriched} of {events} events are enriched")),
                _ => None,
            };
            let action = match (&reason, dry_run) {
                (Some(_), _) => "kept",
                (None, true) => "would_delete",
                (None, false) => {
                    let (gone, freed) = self.lake.table(&ENRICHED).delete_leftovers(&leftovers).await?;
                    cleanup.files_deleted += gone;
                    cleanup.bytes_deleted += freed;
                    "deleted"
                }
            };
            cleanup.months.push(CleanupMonth {
                event_type: slice.kind.as_str().to_owned(),
                old_index: slice.source(),
                new_index: slice.target(),
                month: slice.month,
                files,
                bytes,
                action: action.to_owned(),
                reason,
            });
        }
        Ok(cleanup)
    }

    /// Files of enrichments that nothing names any more, by kind and month. The caller holds the lease of migrations.
    async fn old_files(&self) -> Result<Vec<(Slice, Vec<Leftover>)>, RepositoryError> {
        let mut found: std::collections::BTreeMap<Slice, Vec<Leftover>> = std::collections::BTreeMap::new();
        for leftover in self.lake.table(&ENRICHED).leftovers().await? {
            let kind = KINDS.into_iter().find(|kind| leftover.partition.get(1).is_some_and(|p| p == kind.as_str()));
            let (Some(kind), Some(month)) = (kind, leftover.partition.first().cloned()) else { continue };
            found.entry(Slice { kind, month }).or_default().push(leftover);
        }
        Ok(found.into_iter().collect())
    }

    /// Deletes a month's replaced files. The caller holds the lease of migrations.
    pub(super) async fn delete_old_files(&self, slice: &Slice) -> Result<(usize, u64), RepositoryError> {
        let own = self.old_files().await?.into_iter().find(|(other, _)| other == slice);
        match own {
            None => Ok((0, 0)),
            Some((_, leftovers)) => Ok(self.lake.table(&ENRICHED).delete_leftovers(&leftovers).await?),
        }
    }

    /// Takes a month's rows of other configurations out of the table.
    pub(super) async fn drop_other_configs(&self, slice: &Slice, config: &str) -> Result<(), RepositoryError> {
        let mut remove = self.enriched_files(slice).await?;
        remove.retain(|file| file.partition[2] != config);
        if !remove.is_empty() {
            self.lake.table(&ENRICHED).commit(Change { remove, ..Change::default() }).await?;
        }
        Ok(())
    }
}

/// The kind and month a bookmark is about.
pub(super) fn slice_of(bookmark: &str) -> Option<Slice> {
    let (kind, month) = bookmark.strip_suffix("-reindexing")?.split_once('-')?;
    let kind = KINDS.into_iter().find(|k| k.as_str() == kind)?;
    Some(Slice { kind, month: month.to_owned() })
}
