//! Looking after the lake of a team: few files, a checkpoint, nothing that nobody needs.

use tallykeep_control::Lease;
use tallykeep_lake::Upkept;

use crate::{RepositoryError, TeamRepository, aggregate::lease_name, tables::APPENDED};

impl TeamRepository {
    /// Does the upkeep of every table of the team. Small files are put together only while nobody aggregates, for an aggregation that finds the
    /// files it wants to replace gone would have to start again; it can always be done the next night. `watch` is told (done, all, table).
    ///
    /// Errors: `Busy` while another process does it, and the stores' errors.
    pub async fn upkeep(
        &self,
        watch: &mut (dyn FnMut(usize, usize, &str) -> bool + Send),
    ) -> Result<Upkept, RepositoryError> {
        let (control, slug) = (self.control.control(), &self.control.team().slug);
        let what = format!("lake upkeep (process {})", std::process::id());
        let guard = control.lease_or_busy(&format!("lake_upkeep:{slug}"), &what).await?;
        let aggregation = match control.lease(&lease_name(slug), &what).await? {
            Lease::Taken(guard) => Some(guard),
            Lease::HeldBy(_) => None,
        };
        let compacted = if aggregation.is_some() { &APPENDED[..] } else { &[] };
        let done = self.lake.upkeep(compacted, watch).await;
        if let Some(aggregation) = aggregation {
            aggregation.release().await?;
        }
        guard.release().await?;
        Ok(done?)
    }
}
