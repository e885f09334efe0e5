//! Living sources: a running InvenioRDM read by its search index or its REST API, resumed where a dead process stopped.
//!
//! Pages go to a spool on disk, batches of them through the import that files go through, and then the position is kept in control.
//! Whatever moment a process dies at, the next one asks again for at most the page that was on its way; a batch that was imported before
//! its position was kept is recognised, because documents and events have identities.

mod api;
mod config;
mod convert;
mod deleted;
mod follow;
mod position;
mod reader;
mod reading;
mod report;
mod search;
mod spool;

use std::path::{Path, PathBuf};

use tallykeep_collect::CollectError;

use self::{api::ApiReader, reader::Reader, reading::Reading, search::SearchReader};
pub use self::{
    config::{Kind, Source, SourceRequest, SourceType, sources_from_json},
    report::{SliceReport, SourceReject, SourceReport},
};
use crate::{RepositoryError, TeamRepository};

/// Subjects of what sources report, in control.
pub(crate) const REPORTED_RECORDS: &str = "records";
pub(crate) const REPORTED_INDICES: &str = "indices";
pub(crate) const REPORTED_REJECTS: &str = "rejected";

/// Why a source was not read to its end. What was read before is kept, and the next import goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("{0}")]
    Wrong(String),
    // Not its source too: what it says is said here.
    #[error("{0}{hint}", hint = hint(.0))]
    Upstream(CollectError),
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: std::io::Error },
}

/// What to do about it, where that is known.
fn hint(error: &CollectError) -> &'static str {
    match error {
        CollectError::Untrusted { .. } => "; ca_file (--ca-file) names a private authority",
        _ => "",
    }
}

impl From<CollectError> for SourceError {
    fn from(error: CollectError) -> Self {
        Self::Upstream(error)
    }
}

impl From<tallykeep_control::ControlError> for SourceError {
    fn from(error: tallykeep_control::ControlError) -> Self {
        Self::Repository(error.into())
    }
}

impl SourceError {
    fn spool(path: &Path) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.to_owned();
        move |source| Self::File { path, source }
    }
}

/// How far the reading of a source is.
pub struct SourceProgress<'a> {
    pub kind: Kind,
    /// The index, or `records`.
    pub slice: &'a str,
    pub fetched: u64,
    /// Documents the slice has, where the source told.
    pub all: Option<u64>,
}

/// Watches the reading of a source; answering `false` stops it after the page at hand.
pub type SourceWatch<'a> = dyn FnMut(SourceProgress<'_>) -> bool + Send + 'a;

impl TeamRepository {
    /// Reads a source to its end, or on from where the last reading stopped.
    ///
    /// `spool` is a folder of this installation; `variable` looks up the environment (for credentials). Errors: `Busy` while the same source
    /// or another import of the team is read; the source's; `Stopped` when `watch` says so. Whatever the error, what was read is kept.
    pub async fn import_source(
        &self,
        source: &Source,
        request: &SourceRequest,
        spool: &Path,
        variable: &(dyn Fn(&str) -> Option<String> + Sync),
        watch: &mut SourceWatch<'_>,
    ) -> Result<SourceReport, SourceError> {
        source.check().map_err(SourceError::Wrong)?;
        let identity = source.identity();
        let lease = format!("repository_source:{identity}:{}", self.control.team().slug);
        let what = format!("import of {} (process {})", source.url, std::process::id());
        let guard = self.control.control().lease_or_busy(&lease, &what).await?;
        let outcome = self.read_source(source, identity, request, spool, variable, watch).await;
        guard.release().await?;
        outcome
    }

    async fn read_source(
        &self,
        source: &Source,
        identity: String,
        request: &SourceRequest,
        spool: &Path,
        variable: &(dyn Fn(&str) -> Option<String> + Sync),
        watch: &mut SourceWatch<'_>,
    ) -> Result<SourceReport, SourceError> {
        let http = source.client(self.control.clock())?;
        let secret = source.secret(&variable)?;
        let mut reader = match source.kind {
            SourceType::OpenSearch => {
                let credentials = Source::credentials(secret.as_deref())?;
                Reader::Search(SearchReader::new(http, source, credentials)?)
            }
            SourceType::InvenioApi => Reader::Api(ApiReader::new(http, source, secret, self.slugs().await?)?),
        };
        let mut reading = Reading {
            source,
            spool: spool.join(self.control.team().slug.as_str()).join(file_name(&identity)),
            report: SourceReport { source: source.url.clone(), dry_run: request.dry_run, ..SourceReport::default() },
            identity,
            request,
        };
        // Memberships come before usage: events of a month count for communities only where these are known.
        let mut follows = source.kinds.contains(&Kind::Records) && !request.dry_run;
        for kind in Kind::ALL.into_iter().filter(|kind| source.kinds.contains(kind)) {
            if kind == Kind::UsageEvents && std::mem::take(&mut follows) {
                self.follow(&mut reading, &reader).await?;
            }
            let outcome = self.read_kind(&mut reading, &mut reader, kind, watch).await;
            reader.close().await;
            outcome?;
        }
        if follows {
            self.follow(&mut reading, &reader).await?;
        }
        reading.report.add_up();
        Ok(reading.report)
    }

    /// Memberships of a source that does not tell them follow the records.
    async fn follow(&self, reading: &mut Reading<'_>, reader: &Reader) -> Result<(), SourceError> {
        match reader {
            Reader::Search(search) if search.tells_memberships().await? => Ok(()),
            _ => self.follow_memberships(reading).await,
        }
    }

    /// Ids of the communities known here, by slug.
    async fn slugs(&self) -> Result<std::collections::HashMap<String, String>, RepositoryError> {
        Ok(self.communities().await?.into_iter().map(|c| (c.slug, c.id)).collect())
    }
}

/// A folder's name for a source: readable, and different for different sources.
fn file_name(identity: &str) -> String {
    let readable: String = identity
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' || c == '.' { c } else { '_' })
        .take(80)
        .collect();
    format!("{readable}-{:08x}", xxhash_rust::xxh3::xxh3_64(identity.as_bytes()) >> 32)
}
