//! The one loop that reads documents from files: every kind of document goes through it.

use std::{future::Future, path::PathBuf};

use serde_json::Value;
use tallykeep_collect::LineError;

use super::{Counts, ImportProgress, ImportReport, Watch};
use crate::{RepositoryError, TeamRepository, documents::Rejection};

/// Lines after which somebody may say stop.
const LINES_OF_A_STEP: u64 = 4_096;

/// What became of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Taken {
    New,
    /// A newer version of a known one.
    Changed,
    Unchanged,
}

/// What the import of every kind is given besides its files.
pub(super) struct Reading<'a, 'w> {
    pub dry_run: bool,
    pub report: &'a mut ImportReport,
    pub watch: &'a mut Watch<'w>,
}

/// Takes the documents of one kind and stores them in batches.
pub(super) trait Taking: Send {
    type Document: Send;

    /// Checks a document.
    fn read(&self, document: &Value) -> Result<Self::Document, Rejection>;

    /// Holds a document for storing.
    fn take(&mut self, document: Self::Document) -> impl Future<Output = Result<Taken, RepositoryError>> + Send;

    /// Whether it holds enough for a batch.
    fn is_full(&self) -> bool;

    /// Stores what it holds so that a crash at any moment leaves days to redo, never days forgotten. Nothing in a dry run.
    fn store(&mut self) -> impl Future<Output = Result<(), RepositoryError>> + Send;
}

impl TeamRepository {
    /// Reads files to their ends: bad lines go to the report, good ones to `taking`.
    ///
    /// Errors: `Stopped` when `watch` says so, with everything stored that was read; and the stores' errors.
    pub(super) async fn read_documents(
        &self,
        files: &[PathBuf],
        reading: &mut Reading<'_, '_>,
        taking: &mut impl Taking,
    ) -> Result<Counts, RepositoryError> {
        let Reading { report, watch, .. } = reading;
        let mut counts = Counts::default();
        for file in files {
            let Some(values) = Self::open(file, report) else { continue };
            let mut lines = 0_u64;
            for value in values {
                lines += 1;
                counts.read += 1;
                let taken = match value {
                    Ok((line, document)) => match taking.read(&document) {
                        Ok(document) => Ok(taking.take(document).await?),
                        Err(rejection) => {
                            let file = file.display().to_string();
                            Err(LineError { file, line, reason: rejection.to_string() })
                        }
                    },
                    Err(error) => {
                        if is_broken_file(&error) {
                            report.unreadable.push(error.to_string());
                        }
                        Err(error)
                    }
                };
                match taken {
                    Ok(Taken::New) => counts.new += 1,
                    Ok(Taken::Changed) => {
                        counts.new += 1;
                        counts.changed += 1;
                    }
                    Ok(Taken::Unchanged) => counts.unchanged += 1,
                    Err(error) => {
                        counts.rejected += 1;
                        report.reject(error);
                    }
                }
                if taking.is_full() {
                    taking.store().await?;
                }
                if lines.is_multiple_of(LINES_OF_A_STEP) && !watch(ImportProgress { file, lines }) {
                    taking.store().await?;
                    return Err(RepositoryError::Stopped);
                }
            }
            if !watch(ImportProgress { file, lines }) {
                taking.store().await?;
                return Err(RepositoryError::Stopped);
            }
        }
        taking.store().await?;
        Ok(counts)
    }
}

/// Errors of reading (a broken archive) end a file; errors of a line do not.
fn is_broken_file(error: &LineError) -> bool {
    !error.reason.starts_with("not JSON")
}
