//! Reading: the documents of spec/invenio §2 and the data series of §7, built from rollup rows.

mod documents;
mod frame;
mod query;
mod series;
mod visitors;
mod write;

pub(crate) use frame::Labels;
pub use query::{Answer, Params, Query, QueryError, SeriesKind, Shape};
pub use series::{Category, SeriesOut, Side};
