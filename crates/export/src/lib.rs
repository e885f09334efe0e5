//! Data series as files (spec/invenio §8.2, §8.3): CSV and XLSX in a `.tar.gz`, XML, compressed bodies.
//!
//! Knows no domain: a [`Collection`] comes in, bytes go out, and the same collection always gives the same bytes.

mod archive;
mod collection;
mod compress;
mod csv_files;
mod names;
mod units;
mod xlsx_files;
mod xml;

pub use collection::{Aggregation, Collection, Community, DateStyle, Metric, QuerySeries, Series, Subcount};
pub use compress::{brotli, brotli_to, gzip, gzip_to};
pub use names::{camel_case, file_name};
pub use units::unit;

/// What the XML of [`Collection::xml`] is valid against; `dublin_core.xsd` lies beside it.
pub const XML_SCHEMA: &str = include_str!("../schema/data_series.xsd");

/// Why a file could not be written. Every variant is a fault of ours or of the machine, none of the caller.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    #[error("a file could not be put together: {0}")]
    Io(#[from] std::io::Error),
    #[error("a CSV file could not be written: {0}")]
    Csv(#[from] csv::Error),
    #[error("a workbook could not be written: {0}")]
    Xlsx(#[from] rust_xlsxwriter::XlsxError),
}
