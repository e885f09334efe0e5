//! Living sources: a running InvenioRDM read by its search index or its REST API, resumed where a dead process stopped.
//!
//! Pages go to a spool on disk, batches of them through the import that files go through, and then the position is kept in control.
//! Whatever moment a process dies at, the next one asks again for at most the page that was on its way; a batch that was imported before
//! its position was kept is recognised, because documents and events have identities.

mod api;
mod config;
mod convert;
mod follow;
mod report;
mod search;
mod spool;

use std::{
    collections::{BTreeMap, HashSet},
    io::Write,
    path::{Path, PathBuf},
};

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use tallykeep_collect::CollectError;

use self::{api::ApiReader, search::SearchReader, spool::Spool};
pub use self::{
    config::{Kind, Source, SourceRequest, SourceType, sources_from_json},
    report::{SliceReport, SourceReject, SourceReport},
};
use crate::{
    RepositoryError, TeamRepository, documents::Record, import::ImportRequest, state::current, tables::RECORDS,
};

/// Subjects of what sources report, in control.
pub(crate) const REPORTED_RECORDS: &str = "records";
pub(crate) const REPORTED_INDICES: &str = "indices";
pub(crate) const REPORTED_REJECTS: &str = "rejected";

/// An import since the last one asks for this much before it: clocks differ, and an index shows late what it got.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

/// Records asked for one by one because the list no longer has them; more than this is no deletion but another repository.
const ASKED_ONE_BY_ONE: usize = 10_000;

/// Why a source was not read to its end. What was read before is kept, and the next import goes on from there.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    #[error("{0}")]
    Wrong(String),
    #[error(transparent)]
    Upstream(#[from] CollectError),
    #[error(transparent)]
    Repository(#[from] RepositoryError),
    #[error("{}: {source}", .path.display())]
    File { path: PathBuf, source: std::io::Error },
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

/// How far one kind of a source was read.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Position {
    /// When the last reading that came to its end began.
    complete_until: Option<Timestamp>,
    run: Option<Run>,
}

/// A reading that did not come to its end yet.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Run {
    /// Tells its spooled pages from those of other runs.
    id: String,
    started: Timestamp,
    since: Option<Timestamp>,
    /// Slices read to their ends.
    done: Vec<String>,
    /// The slice at hand and where it goes on.
    slice: Option<String>,
    at: Value,
    /// Documents refused, by slice.
    rejected: BTreeMap<String, u64>,
}

/// A part of a kind that is read by itself: an index, or the list of records.
#[derive(Debug, Clone)]
struct Slice {
    name: String,
    /// Documents it has, as far as they are asked for.
    documents: Option<u64>,
}

/// A page in our shapes.
#[derive(Debug, Default)]
struct Fetched {
    documents: Vec<Value>,
    /// Communities that records name and nobody imported yet.
    communities: Vec<Value>,
    /// What the source counted, by record.
    figures: Vec<(String, Value)>,
    /// Where the source goes on behind the page.
    at: Value,
    is_last: bool,
    total: Option<u64>,
}

enum Reader {
    Search(SearchReader),
    Api(ApiReader),
}

impl Reader {
    async fn slices(
        &mut self,
        kind: Kind,
        since: Option<Timestamp>,
        report: &mut SourceReport,
    ) -> Result<Vec<Slice>, SourceError> {
        match self {
            Self::Search(reader) => reader.slices(kind, since, report).await,
            Self::Api(_) => Ok(vec![Slice { name: kind.as_str().to_owned(), documents: None }]),
        }
    }

    fn start(&mut self, kind: Kind, slice: &str, run: &Run, at: Option<&Value>) {
        match self {
            Self::Search(reader) => reader.start(kind, slice, run.since, at),
            Self::Api(reader) => reader.start(kind, run, at),
        }
    }

    async fn next(&mut self) -> Result<Fetched, SourceError> {
        match self {
            Self::Search(reader) => reader.next().await,
            Self::Api(reader) => reader.next().await,
        }
    }

    async fn close(&mut self) {
        if let Self::Search(reader) = self {
            reader.close().await;
        }
    }

    /// What it tells of its indices.
    fn indices(&mut self) -> Vec<(String, Value)> {
        match self {
            Self::Search(reader) => std::mem::take(&mut reader.indices),
            Self::Api(_) => Vec::new(),
        }
    }
}

/// What one reading carries along.
struct Reading<'a> {
    source: &'a Source,
    identity: String,
    spool: PathBuf,
    request: &'a SourceRequest,
    report: SourceReport,
}

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
        let lease = format!("repository_source:{}:{identity}", self.control.team().slug);
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

    async fn read_kind(
        &self,
        reading: &mut Reading<'_>,
        reader: &mut Reader,
        kind: Kind,
        watch: &mut SourceWatch<'_>,
    ) -> Result<(), SourceError> {
        let name = format!("source:{}", reading.identity);
        let kept = self.control.watermark(&name, kind.as_str()).await?;
        let mut position: Position = kept
            .and_then(|text| serde_json::from_str(&text).ok())
            .filter(|_| !reading.request.from_start)
            .unwrap_or_default();
        let asked = reading.request.since;
        let before = position.complete_until.and_then(|until| until.checked_sub(OVERLAP).ok());
        let resumed = position.run.take().filter(|run| asked.is_none() || run.since == asked);
        reading.report.resumed |= resumed.is_some();
        let mut run = resumed.unwrap_or_else(|| Run {
            id: uuid::Uuid::now_v7().to_string(),
            started: self.control.clock().now(),
            since: asked.or(before),
            done: Vec::new(),
            slice: None,
            at: Value::Null,
            rejected: BTreeMap::new(),
        });
        if !reading.request.dry_run {
            // Before the first page: what a process spools before its first batch is found again by the run it belongs to.
            position.run = Some(run.clone());
            self.keep(&name, kind, &position).await?;
        }
        let slices = reader.slices(kind, run.since, &mut reading.report).await?;
        if !reading.request.dry_run {
            self.control.save_reported(&reading.identity, REPORTED_INDICES, &reader.indices()).await?;
        }
        for slice in slices {
            let mut told = SliceReport::new(kind, &slice.name, slice.documents, run.since);
            told.skipped = run.done.contains(&slice.name);
            reading.report.slices.push(told);
            if run.done.contains(&slice.name) {
                continue;
            }
            if reading.request.dry_run {
                self.try_slice(reading, reader, kind, &slice, &run).await?;
                continue;
            }
            self.read_slice(reading, reader, kind, &slice, (&name, &mut position, &mut run), watch).await?;
        }
        if reading.request.dry_run {
            return Ok(());
        }
        if kind == Kind::Records
            && run.since.is_none()
            && let Reader::Api(api) = reader
        {
            self.look_for_deleted(reading, api, &run, watch).await?;
        }
        let rejected: Vec<(String, Value)> = run
            .rejected
            .iter()
            .map(|(slice, count)| (format!("{}/{slice}", kind.as_str()), json!({ "documents": count })))
            .collect();
        self.control.save_reported(&reading.identity, REPORTED_REJECTS, &rejected).await?;
        position = Position { complete_until: Some(run.started), run: None };
        self.keep(&name, kind, &position).await
    }

    /// Looks at the first page of a slice and says what the import would do with it.
    async fn try_slice(
        &self,
        reading: &mut Reading<'_>,
        reader: &mut Reader,
        kind: Kind,
        slice: &Slice,
        run: &Run,
    ) -> Result<(), SourceError> {
        reader.start(kind, &slice.name, run, None);
        let fetched = reader.next().await?;
        let mut spool = Spool::open(&reading.spool, &format!("{}-try", kind.as_str()), "try")?;
        spool.add(&fetched.documents, Value::Null, true)?;
        let told = reading.report.slices.last_mut();
        if let Some(told) = told {
            told.fetched += fetched.documents.len() as u64;
            told.documents = told.documents.or(fetched.total);
        }
        let outcome = self.import_file(reading, kind, &spool, true).await;
        spool.remove();
        reader.close().await;
        outcome.map(drop)
    }

    async fn read_slice(
        &self,
        reading: &mut Reading<'_>,
        reader: &mut Reader,
        kind: Kind,
        slice: &Slice,
        (name, position, run): (&str, &mut Position, &mut Run),
        watch: &mut SourceWatch<'_>,
    ) -> Result<(), SourceError> {
        let belongs = format!("{} {}", run.id, slice.name);
        let mut spool = Spool::open(&reading.spool, kind.as_str(), &belongs)?;
        let known = run.slice.as_deref() == Some(slice.name.as_str()) && !run.at.is_null();
        let at = spool.at().cloned().or_else(|| known.then(|| run.at.clone()));
        run.slice = Some(slice.name.clone());
        reader.start(kind, &slice.name, run, at.as_ref());
        let mut is_last = spool.is_last();
        let batch = reading.source.batch_size as u64;
        let mut all = slice.documents;
        let outcome = loop {
            if spool.documents() >= batch || (is_last && spool.at().is_some()) {
                self.flush(reading, kind, &mut spool, (name, position, run)).await?;
            }
            if is_last {
                break Ok(());
            }
            let fetched = match reader.next().await {
                Ok(fetched) => fetched,
                Err(error) => break Err(error),
            };
            self.control.save_reported(&reading.identity, REPORTED_RECORDS, &fetched.figures).await?;
            if !fetched.communities.is_empty() {
                self.import_named_communities(reading, &fetched.communities).await?;
            }
            if kind == Kind::Records && run.since.is_none() && matches!(reader, Reader::Api(_)) {
                note_seen(&reading.spool, &run.id, &fetched.documents)?;
            }
            spool.add(&fetched.documents, fetched.at, fetched.is_last)?;
            is_last = fetched.is_last;
            all = all.or(fetched.total);
            let mut fetched_so_far = 0;
            if let Some(told) = reading.report.slices.last_mut() {
                told.fetched += fetched.documents.len() as u64;
                told.documents = told.documents.or(fetched.total);
                fetched_so_far = told.fetched;
            }
            if !watch(SourceProgress { kind, slice: &slice.name, fetched: fetched_so_far, all }) {
                break Err(RepositoryError::Stopped.into());
            }
        };
        if outcome.is_err() && spool.documents() > 0 {
            self.flush(reading, kind, &mut spool, (name, position, run)).await?;
        }
        outcome?;
        reader.close().await;
        run.done.push(slice.name.clone());
        run.slice = None;
        run.at = Value::Null;
        position.run = Some(run.clone());
        self.keep(name, kind, position).await?;
        spool.remove();
        Ok(())
    }

    /// Imports what is spooled and keeps the position behind it.
    async fn flush(
        &self,
        reading: &mut Reading<'_>,
        kind: Kind,
        spool: &mut Spool,
        (name, position, run): (&str, &mut Position, &mut Run),
    ) -> Result<(), SourceError> {
        let rejected = self.import_file(reading, kind, spool, false).await?;
        if let Some(slice) = run.slice.clone().filter(|_| rejected > 0) {
            *run.rejected.entry(slice).or_default() += rejected;
        }
        run.at = spool.at().cloned().unwrap_or_default();
        position.run = Some(run.clone());
        self.keep(name, kind, position).await?;
        spool.clear()
    }

    async fn keep(&self, name: &str, kind: Kind, position: &Position) -> Result<(), SourceError> {
        let text = serde_json::to_string(position).map_err(RepositoryError::from)?;
        Ok(self.control.set_watermark(name, kind.as_str(), &text).await?)
    }

    /// Imports the lines of a spool; answers how many were refused.
    async fn import_file(
        &self,
        reading: &mut Reading<'_>,
        kind: Kind,
        spool: &Spool,
        dry_run: bool,
    ) -> Result<u64, SourceError> {
        if spool.documents() == 0 {
            return Ok(0);
        }
        let files = vec![spool.file().to_owned()];
        let mut request = ImportRequest { dry_run, ..ImportRequest::default() };
        match kind {
            Kind::Communities => request.communities = files,
            Kind::Records => request.records = files,
            Kind::CommunityEvents => request.community_events = files,
            Kind::UsageEvents => request.usage_events = files,
        }
        let imported = self.import(&request, &mut |_| true).await?;
        if let Some(problem) = imported.unreadable.first() {
            return Err(SourceError::Wrong(problem.clone()));
        }
        let rejected = imported.total.rejected;
        reading.report.take(kind, imported, spool);
        Ok(rejected)
    }

    async fn import_named_communities(
        &self,
        reading: &mut Reading<'_>,
        communities: &[Value],
    ) -> Result<(), SourceError> {
        let mut spool = Spool::open(&reading.spool, "named-communities", "named")?;
        spool.add(communities, Value::Null, true)?;
        let outcome = self.import_file(reading, Kind::Communities, &spool, false).await;
        spool.remove();
        outcome.map(drop)
    }

    /// Asks one by one for the records that are stored as living and that the whole list did not have.
    async fn look_for_deleted(
        &self,
        reading: &mut Reading<'_>,
        api: &mut ApiReader,
        run: &Run,
        watch: &mut SourceWatch<'_>,
    ) -> Result<(), SourceError> {
        let seen = seen(&reading.spool, &run.id)?;
        let community = match &reading.source.community {
            None => None,
            Some(name) => self.community(name).await?.map(|c| c.id),
        };
        let mut missing = Vec::new();
        for (id, stored) in current(&self.lake, &RECORDS).await? {
            if seen.contains(&id) {
                continue;
            }
            let document: Value = serde_json::from_str(&stored.doc).map_err(RepositoryError::from)?;
            let Ok(record) = Record::from_json(&document) else { continue };
            let listed = community.as_ref().is_none_or(|community| record.communities.contains(community));
            if record.deleted.is_none() && record.is_published && listed {
                missing.push((id, document));
            }
        }
        missing.sort_by(|a, b| a.0.cmp(&b.0));
        if missing.len() > ASKED_ONE_BY_ONE {
            reading.report.notes.push(format!(
                "{} stored records are not in the list of {}; so many are not asked for one by one",
                missing.len(),
                reading.source.url
            ));
            return Ok(());
        }
        let mut spool = Spool::open(&reading.spool, "deleted", &run.id)?;
        let all = missing.len() as u64;
        let mut stopped = false;
        for (number, (id, document)) in (1..).zip(missing) {
            match api.deleted(&id, document, run.started).await? {
                api::Fate::Deleted(document) => {
                    reading.report.deleted += 1;
                    spool.add(&[document], Value::Null, false)?;
                }
                api::Fate::There(fetched) => {
                    self.control.save_reported(&reading.identity, REPORTED_RECORDS, &fetched.figures).await?;
                    spool.add(&fetched.documents, Value::Null, false)?;
                }
                api::Fate::Missing => reading.report.not_in_source.push(id),
            }
            if !watch(SourceProgress { kind: Kind::Records, slice: "deletions", fetched: number, all: Some(all) }) {
                stopped = true;
                break;
            }
        }
        self.import_file(reading, Kind::Records, &spool, false).await?;
        spool.remove();
        if stopped {
            return Err(RepositoryError::Stopped.into());
        }
        // What is left of it is of no use to anybody.
        let _ = std::fs::remove_file(seen_file(&reading.spool, &run.id));
        Ok(())
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

fn seen_file(folder: &Path, run: &str) -> PathBuf {
    folder.join(format!("seen-{run}.txt"))
}

/// Remembers which records the list had, for as long as the run lasts, also across processes.
fn note_seen(folder: &Path, run: &str, documents: &[Value]) -> Result<(), SourceError> {
    let path = seen_file(folder, run);
    let text: String =
        documents.iter().filter_map(|d| d.get("id").and_then(Value::as_str)).map(|id| format!("{id}\n")).collect();
    let mut file =
        std::fs::OpenOptions::new().create(true).append(true).open(&path).map_err(SourceError::spool(&path))?;
    file.write_all(text.as_bytes()).map_err(SourceError::spool(&path))
}

fn seen(folder: &Path, run: &str) -> Result<HashSet<String>, SourceError> {
    let path = seen_file(folder, run);
    match std::fs::read_to_string(&path) {
        Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(HashSet::new()),
        Err(error) => Err(SourceError::spool(&path)(error)),
    }
}
