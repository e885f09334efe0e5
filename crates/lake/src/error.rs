//! What can go wrong in the lake.

use std::path::PathBuf;

/// Why the lake could not do what was asked. Nothing half-done is visible after any of these.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    #[error("lake table `{table}`: {source}")]
    Delta { table: String, source: deltalake::DeltaTableError },
    #[error("lake table `{table}`: {source}")]
    Query { table: String, source: datafusion::error::DataFusionError },
    #[error("lake table `{table}`: {source}")]
    Arrow { table: String, source: arrow::error::ArrowError },
    #[error("lake table `{table}`: {source}")]
    Parquet { table: String, source: datafusion::parquet::errors::ParquetError },
    #[error("{}: {source}", path.display())]
    Io { path: PathBuf, source: std::io::Error },
    /// Another process changed the same files first; the caller reads again and retries.
    #[error("lake table `{table}` was changed by somebody else at the same time")]
    Conflict { table: String },
    #[error("lake table `{table}`: a reader stopped: {why}")]
    Worker { table: String, why: String },
    #[error("lake table `{table}` has no column `{column}`")]
    NoColumn { table: String, column: String },
    #[error("lake table `{table}` holds a damaged {what}")]
    Damaged { table: String, what: String },
}

impl LakeError {
    pub(crate) fn io(path: impl Into<PathBuf>) -> impl FnOnce(std::io::Error) -> Self {
        let path = path.into();
        move |source| Self::Io { path, source }
    }

    /// Whether the disk is full, which callers report in words of their own.
    pub fn is_disk_full(&self) -> bool {
        let mut cause: Option<&(dyn std::error::Error + 'static)> = Some(self);
        while let Some(error) = cause {
            if error.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::StorageFull) {
                return true;
            }
            cause = error.source();
        }
        false
    }
}
