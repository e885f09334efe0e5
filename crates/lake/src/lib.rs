//! The lake: open tables that are never edited in place (Delta Lake over Parquet), one set per team.
//!
//! What Delta does not give is ours and lives here (engine-notes, *Where the design must bend*): data files, commit files
//! and their folders are synced before a commit is reported; an application position is looked up before every write that
//! carries one; writers of one table take turns by a file lock; every write starts from a fresh handle.
//! Reads go through standard plan nodes over the snapshot's own file list, so that another engine can run the same plans.

mod commit;
mod direct;
mod error;
mod files;
mod filter;
mod leftovers;
mod read;
mod sql;
mod table;
mod upkeep;

pub use commit::{Change, Commit, Position};
pub use error::LakeError;
pub use files::{DataFile, Staged};
pub use filter::{Filter, day_number, day_of};
pub use leftovers::Leftover;
pub use read::{BatchStream, Scan, View};
pub use table::{Column, ColumnType, Lake, Table, TableDef, TeamLake};
pub use upkeep::{Compacted, Upkept};

pub use arrow;
