//! Getting data in: a polite HTTP client for upstream APIs, and files read line by line with errors that name the line.
//!
//! Nothing here knows a domain. A collector says what it asks and what the answer means; a file reader says what a line means.

pub mod files;
pub mod hosts;
pub mod http;
pub mod invenio;
pub mod search;

pub use files::{CsvFile, CsvLine, FileError, JsonValues, LineError, open_text};
pub use hosts::{AllowedHosts, Lookup, OutOfReach};
pub use http::{Answer, Ask, CollectError, HttpClient, HttpMemory, NoMemory, Politeness, Remembered};
