//! Records that are gone from a source: those stored as living that its whole list did not have are asked for one by one.

use std::{
    collections::HashSet,
    io::Write,
    path::{Path, PathBuf},
};

use serde_json::Value;

use super::{
    Kind, REPORTED_RECORDS, SourceError, SourceProgress, SourceWatch,
    api::{ApiReader, Fate},
    position::Run,
    reading::Reading,
    spool::Spool,
};
use crate::{RepositoryError, TeamRepository, documents::Record, state::current, tables::RECORDS};

/// Records asked for one by one because the list no longer has them; more than this is no deletion but another repository.
const ASKED_ONE_BY_ONE: usize = 10_000;

/// The records a run has seen in the list or asked for, remembered for as long as the run lasts, also across processes.
pub(super) struct Seen {
    file: PathBuf,
}

impl Seen {
    pub fn of(folder: &Path, run: &str) -> Self {
        Self { file: folder.join(format!("{SEEN}{run}.txt")) }
    }

    pub fn note(&self, ids: impl IntoIterator<Item = String>) -> Result<(), SourceError> {
        let text: String = ids.into_iter().map(|id| id + "\n").collect();
        if let Some(folder) = self.file.parent() {
            std::fs::create_dir_all(folder).map_err(SourceError::spool(folder))?;
        }
        let mut file = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(&self.file)
            .map_err(SourceError::spool(&self.file))?;
        file.write_all(text.as_bytes()).map_err(SourceError::spool(&self.file))
    }

    pub fn ids(&self) -> Result<HashSet<String>, SourceError> {
        match std::fs::read_to_string(&self.file) {
            Ok(text) => Ok(text.lines().map(str::to_owned).collect()),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(HashSet::new()),
            Err(error) => Err(SourceError::spool(&self.file)(error)),
        }
    }

    /// Takes away what runs that ended or were given up left in a source's folder; `run` is the one that goes on.
    pub fn forget_all_but(folder: &Path, run: Option<&str>) {
        let kept = run.map(|run| Self::of(folder, run).file);
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let is_ours =
                entry.file_name().to_str().is_some_and(|name| name.starts_with(SEEN) && name.ends_with(".txt"));
            if is_ours && Some(entry.path()) != kept {
                // What cannot be taken away now is taken away by the next run.
                let _ = std::fs::remove_file(entry.path());
            }
        }
    }
}

const SEEN: &str = "seen-";

pub(super) fn ids(documents: &[Value]) -> impl Iterator<Item = String> {
    documents.iter().filter_map(|document| document.get("id").and_then(Value::as_str)).map(str::to_owned)
}

impl TeamRepository {
    /// Asks one by one for the records that are stored as living and that the whole list did not have.
    pub(super) async fn look_for_deleted(
        &self,
        reading: &mut Reading<'_>,
        api: &mut ApiReader,
        run: &Run,
        watch: &mut SourceWatch<'_>,
    ) -> Result<(), SourceError> {
        let asked = Seen::of(&reading.spool, &run.id);
        let seen = asked.ids()?;
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
                Fate::Deleted(document) => {
                    reading.report.deleted += 1;
                    spool.add(&[document], Value::Null, false)?;
                    asked.note([id])?;
                }
                Fate::There(fetched) => {
                    self.control.save_reported(&reading.identity, REPORTED_RECORDS, &fetched.figures).await?;
                    spool.add(&fetched.documents, Value::Null, false)?;
                    asked.note([id])?;
                }
                Fate::Missing => reading.report.not_in_source.push(id),
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
        Ok(())
    }
}
