//! Chats in (spec §1.1): a folder or an archive of CSV files, read line by line; or the database of the application itself.
//!
//! Parents come before children, good lines are kept, a line that cannot be used is named. Importing the same again changes
//! nothing; changed lines replace; new lines add.

mod fields;
mod files;
mod import;
mod links;
mod messages;
mod parents;
mod pricing;
mod report;
mod rows;
mod sessions;
mod studio;
mod team;
mod traces;
mod usage;

pub(crate) use fields::money;
pub use files::Folder;
pub use import::{ImportOptions, import};
pub use pricing::{PricingReport, price_unpriced};
pub use report::{Counts, ImportReport};
pub use studio::{StudioOptions, StudioProgress, import_studio};

use crate::store::StoreError;

/// Why an import could not go on.
#[derive(Debug, thiserror::Error)]
pub enum ImportError {
    #[error(transparent)]
    File(#[from] tallykeep_collect::FileError),
    #[error("{at}: {reason}")]
    Folder { at: String, reason: String },
    #[error(transparent)]
    Foreign(#[from] tallykeep_control::foreign::ForeignError),
    #[error("{at} has no team `{team}`: there are {known}")]
    NoSuchTeam { at: String, team: String, known: String },
    #[error("{at} has a team `{slug}`, which cannot be a name here: {reason}")]
    TeamName { at: String, slug: String, reason: String },
    #[error(transparent)]
    Control(#[from] tallykeep_control::ControlError),
    #[error(transparent)]
    Store(#[from] StoreError),
}
