//! Facts in, daily deltas out, kept with their month and year sums. One engine for every domain: it knows days, scopes,
//! dimensions, values and measures, and nothing of what they stand for.
//!
//! - [`Tally`] folds events: counts, sums and exact distincts per day and cell.
//! - [`population`] folds stays: what enters and leaves, with the entities behind it counted once.
//! - [`Family`] and [`Store`] keep rows in the lake: days replaced whole, sums and days in one commit.

mod cell;
mod codec;
mod family;
pub mod population;
mod rows;
pub mod sets;
mod store;
mod tally;
mod writing;

pub use cell::{Cell, Vocabulary, Words};
pub use codec::CodecError;
pub use family::{Family, Level};
pub use rows::{Rows, Sum, Sums};
pub use store::{RollupError, Store};
pub use tally::{ENTITIES, Fact, Group, NOWHERE, Tally};
pub use writing::{Produce, Recompute, Touched, Writing, Written};
