//! Reading: the documents of spec/invenio §2 and the data series of §7, built from rollup rows.

mod documents;
mod frame;
mod known;
mod optimize;
mod query;
mod series;
mod visitors;
mod write;

pub(crate) use frame::{Frame, Labels};
pub use optimize::Components;
pub use query::{Answer, Params, Query, QueryError, SeriesKind, Shape};
pub(crate) use series::records;
pub use series::{Category, SeriesOut, Side};
pub(crate) use write::{coverage_block, snake};
