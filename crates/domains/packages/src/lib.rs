//! Packages: downloads and stars of any project, honest about gaps. Spec: packages; seed 002.
//!
//! Configuration says what is counted ([`config`]). Collectors ask ([`collectors`]), jobs write ([`jobs`]), the store keeps every
//! observation per key with a revision log, the [`index`] holds what documents are computed from, and the rest computes them.

pub mod alerts;
pub mod anomalies;
pub mod collectors;
pub mod config;
pub mod cumulative;
pub mod dashboard;
pub mod days;
pub mod demo;
pub mod environment;
pub mod gaps;
pub mod index;
pub mod init;
pub mod jobs;
pub mod months;
pub mod report;
pub mod rollups;
pub mod service;
pub mod settle;
pub mod signals;
pub mod transfer;
pub mod upstreams;

pub use config::{Config, ConfigError};
pub use index::{Index, Reader};
pub use service::Packages;
