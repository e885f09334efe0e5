//! Reading one kind of a source: slice by slice, page by page, batch by batch.

use std::{collections::BTreeMap, path::PathBuf};

use jiff::SignedDuration;
use serde_json::{Value, json};

use super::{
    Kind, REPORTED_INDICES, REPORTED_RECORDS, REPORTED_REJECTS, SliceReport, Source, SourceError, SourceProgress,
    SourceReport, SourceRequest, SourceWatch,
    deleted::{Seen, ids},
    position::{Position, Run},
    reader::{Reader, Slice},
    spool::Spool,
};
use crate::{RepositoryError, TeamRepository, import::ImportRequest};

/// An import since the last one asks for this much before it: clocks differ, and an index shows late what it got.
const OVERLAP: SignedDuration = SignedDuration::from_hours(1);

/// What one reading carries along.
pub(super) struct Reading<'a> {
    pub source: &'a Source,
    pub identity: String,
    pub spool: PathBuf,
    pub request: &'a SourceRequest,
    pub report: SourceReport,
}

impl TeamRepository {
    pub(super) async fn read_kind(
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
            if kind == Kind::Records {
                Seen::forget_all_but(&reading.spool, Some(&run.id));
            }
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
        self.keep(&name, kind, &position).await?;
        if kind == Kind::Records {
            // Not before: whoever came after a kill in between would ask for every record again.
            Seen::forget_all_but(&reading.spool, None);
        }
        Ok(())
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
                Seen::of(&reading.spool, &run.id).note(ids(&fetched.documents))?;
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
    pub(super) async fn import_file(
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
}
