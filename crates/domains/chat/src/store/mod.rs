//! Chats in the lake: append-only versions of rows, numbered by the write they came with (`seq`).
//!
//! A later version of an id replaces the earlier one; `gone` takes it out. Rows are read only up to the number the control database has
//! published, so a reader never sees half an import. The lake commits first; publishing follows (docs/adr/0401).

mod load;
mod rows;
mod tables;
mod write;

pub use load::load_changes;
pub(crate) use load::{current_links, current_rows, existing_ids, latest_fingerprints};
pub(crate) use rows::Stored;
pub use tables::TABLES;
pub(crate) use tables::{CHANNELS, EXPERIMENTS, MESSAGES, PARTICIPANTS, SESSIONS, TAG_LINKS, TAGS, TRACES, USAGE};
pub(crate) use write::append;

/// Why chats could not be read from or written to the lake.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error(transparent)]
    Lake(#[from] tallykeep_lake::LakeError),
    #[error("the lake holds a damaged {what} in {table}")]
    Damaged { table: &'static str, what: String },
    #[error("could not lay out rows of {table}: {source}")]
    Layout { table: &'static str, source: tallykeep_lake::arrow::error::ArrowError },
    #[error("a background thread stopped: {0}")]
    Thread(#[from] tokio::task::JoinError),
}
