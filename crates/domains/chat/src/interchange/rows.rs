//! Lines of a file → rows, on a thread of their own: reading and understanding go on while rows are compared and written.

use std::path::Path;

use tallykeep_collect::{CsvFile, CsvLine};
use tokio::sync::mpsc;

use super::{ImportError, fields::Reason};
use crate::store::StoreError;

/// Lines that travel together between the threads.
const BATCH: usize = 8_192;
/// Batches that may wait.
const WAITING: usize = 8;

type Parsed<T> = (u64, Result<T, Reason>);

/// The rows of one file in the order of its lines.
pub(super) struct Rows<T> {
    received: mpsc::Receiver<Vec<Parsed<T>>>,
    reader: Option<tokio::task::JoinHandle<()>>,
}

impl<T: Send + 'static> Rows<T> {
    /// Opens a file; `columns` finds what it needs in the header and answers how to understand a line.
    ///
    /// Errors: a file that cannot be read, a column that is not there.
    pub fn open<P>(path: &Path, columns: impl FnOnce(&CsvFile) -> Result<P, ImportError>) -> Result<Self, ImportError>
    where
        P: FnMut(&CsvLine) -> Result<T, Reason> + Send + 'static,
    {
        let mut file = CsvFile::open(path)?;
        let mut parse = columns(&file)?;
        let (sender, received) = mpsc::channel(WAITING);
        let reader = tokio::task::spawn_blocking(move || {
            let mut line = CsvLine::default();
            let mut batch = Vec::with_capacity(BATCH);
            while let Some(read) = file.read_line(&mut line) {
                batch.push(match read {
                    Ok(()) => (line.line, parse(&line)),
                    Err(error) => (error.line, Err(error.reason)),
                });
                if batch.len() == BATCH
                    && sender.blocking_send(std::mem::replace(&mut batch, Vec::with_capacity(BATCH))).is_err()
                {
                    // Nobody listens any more: the import ended early.
                    return;
                }
            }
            let _ = sender.blocking_send(batch);
        });
        Ok(Self { received, reader: Some(reader) })
    }

    /// The next lines; `None` at the end. Errors: the reading thread stopped.
    pub async fn next(&mut self) -> Result<Option<Vec<Parsed<T>>>, ImportError> {
        if let Some(batch) = self.received.recv().await {
            return Ok(Some(batch));
        }
        if let Some(reader) = self.reader.take() {
            reader.await.map_err(StoreError::Thread)?;
        }
        Ok(None)
    }
}

/// The positions of columns that must be there.
pub(super) fn columns<const N: usize>(file: &CsvFile, names: [&str; N]) -> Result<[usize; N], ImportError> {
    let mut found = [0; N];
    for (place, name) in found.iter_mut().zip(names) {
        *place = file.column(name)?;
    }
    Ok(found)
}

/// The field of a column that may be absent.
pub(super) fn field(line: &CsvLine, column: Option<usize>) -> &str {
    column.map_or("", |column| line.field(column))
}
