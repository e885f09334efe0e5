//! Files in (spec §1.1): a folder or an archive of CSV files, read line by line, kept in the lake.
//!
//! Parents come before children, good lines are kept, a line that cannot be used is named. Importing the same files again changes
//! nothing; changed lines replace; new lines add.

mod fields;
mod files;
mod import;
mod team;

pub use files::Folder;
pub use import::{Counts, ImportOptions, ImportReport, import};

use crate::store::StoreError;

/// Why an import could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    File(#[from] tallykeep_collect::FileError),
    #[error("{at}: {reason}")]
    Folder { at: String, reason: String },
    #[error(transparent)]
    Control(#[from] tallykeep_control::ControlError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
