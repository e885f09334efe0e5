//! Watchdogs: a level or ratio that leaves its usual band is an alert that says since when and what to check. Knows no domain: a
//! [`Source`] gives the series.

mod band;
mod service;

pub use band::{Course, Day, Departure, Kind, departure};
pub use service::{Looked, Source, SourceError, WatchConfig, WatchError, Watchdogs, Watched, is_settled, message};
