//! `destroy-indices`: everything derived, gone. Records, communities and usage events as imported stay.

use serde::Serialize;
use tallykeep_lake::{Change, TableDef};

use super::{BOOKMARKS, migrate::lease_name};
use crate::{
    RepositoryError, TeamRepository,
    aggregate::{Aggregator, lease_name as aggregation_lease},
    records::ENRICHMENT,
    tables::{ADDED, CREATED, ENRICHED, ENRICHMENTS, MEMBERSHIPS, PUBLISHED, USAGE_FAMILY, VISITOR_SETS},
};

/// A table that goes, by the name of the collection it stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DestroyPlan {
    pub name: String,
    pub table: String,
    pub exists: bool,
    pub rows: u64,
}

/// What was destroyed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Destroyed {
    pub deleted: Vec<DestroyPlan>,
    pub not_found: Vec<String>,
    pub files_deleted: usize,
    pub bytes_deleted: u64,
    /// Bookmarks of aggregations and of migrations.
    pub bookmarks_deleted: u64,
}

fn tables() -> [(&'static str, &'static TableDef); 8] {
    [
        ("stats-community-events", &MEMBERSHIPS),
        ("stats-community-records-delta-created, -snapshot-created", CREATED.table),
        ("stats-community-records-delta-published, -snapshot-published", PUBLISHED.table),
        ("stats-community-records-delta-added, -snapshot-added", ADDED.table),
        ("stats-community-usage-delta, -snapshot", USAGE_FAMILY.table),
        ("stats-community-usage visitors", &VISITOR_SETS),
        ("events-stats-record-view-*-v2.0.0, events-stats-file-download-*-v2.0.0", &ENRICHED),
        ("events-stats-*-v2.0.0 metadata", &ENRICHMENTS),
    ]
}

impl TeamRepository {
    /// What [`Self::destroy_indices`] would delete.
    pub async fn destroy_plan(&self) -> Result<Vec<DestroyPlan>, RepositoryError> {
        let mut plan = Vec::new();
        for (name, def) in tables() {
            let view = self.lake.table(def).view().await?;
            let exists = !view.files.is_empty();
            plan.push(DestroyPlan { name: name.to_owned(), table: def.name.to_owned(), exists, rows: view.rows() });
        }
        Ok(plan)
    }

    /// Deletes membership events, rollups, enrichments, coverage and both kinds of bookmarks, for good. Usage events stay as imported, and count as not
    /// enriched.
    ///
    /// Errors: `Busy` while an aggregation, a migration or an import of the team runs.
    pub async fn destroy_indices(&self) -> Result<Destroyed, RepositoryError> {
        let team = &self.control.team().slug;
        let what = format!("destroy-indices (process {})", std::process::id());
        let mut guards = Vec::new();
        for lease in [aggregation_lease(team), lease_name(team), format!("repository_import:{team}")] {
            guards.push(self.control.control().lease_or_busy(&lease, &what).await?);
        }
        let outcome = self.destroy_under_leases().await;
        for guard in guards {
            guard.release().await?;
        }
        outcome
    }

    async fn destroy_under_leases(&self) -> Result<Destroyed, RepositoryError> {
        let mut destroyed = Destroyed::default();
        // What says that rollups are there goes before the rollups do: a crash in between leaves days missing, never days that read as zero.
        for aggregator in Aggregator::ALL {
            self.control.forget_coverage(aggregator.name(), None).await?;
            destroyed.bookmarks_deleted += self.control.clear_watermarks(Some(aggregator.name()), None).await?;
        }
        destroyed.bookmarks_deleted += self.control.clear_watermarks(Some(BOOKMARKS), None).await?;
        for slice in self.stored_events().await?.into_keys() {
            self.control.set_watermark(ENRICHMENT, &slice.enrichment_key(), "raw").await?;
        }
        for (plan, (_, def)) in self.destroy_plan().await?.into_iter().zip(tables()) {
            let table = self.lake.table(def);
            if plan.exists {
                let remove = table.view().await?.files.clone();
                table.commit(Change { remove, ..Change::default() }).await?;
                destroyed.deleted.push(plan);
            } else {
                destroyed.not_found.push(plan.name);
            }
            let (files, bytes) = table.delete_leftovers(&table.leftovers().await?).await?;
            destroyed.files_deleted += files;
            destroyed.bytes_deleted += bytes;
        }
        Ok(destroyed)
    }
}
