//! The `repository` domain: how a research repository's communities grow and are used.
//!
//! Documents come in as spec/invenio §1 has them ([`documents`], [`import`]), daily deltas are rolled up ([`aggregate`]), and the
//! documents and series of §2 and §7 are built from the rollups on reading ([`read`]).

pub mod aggregate;
pub mod cache;
mod config;
pub mod dashboards;
pub mod dates;
pub mod demo;
pub mod documents;
pub mod events;
pub mod import;
pub mod layout;
mod membership;
pub mod page;
mod periodic;
pub mod read;
pub mod reconcile;
pub mod records;
pub mod registry;
mod service;
pub mod sources;
pub mod state;
pub mod status;
pub mod subcounts;
pub mod tables;
#[cfg(test)]
mod testing;
mod upkeep;
pub mod usage;

pub use config::{Config, ConfigError, Settings};
pub use service::{Repository, RepositoryError, TeamRepository};
