//! The control database: everything small that changes, in SQLite or PostgreSQL, with one set of statements.
//!
//! Two rules hold everywhere (engine-notes §1): the first statement of a writing transaction is a write, and a function
//! returns on the first error inside a transaction. Times are microseconds UTC, days ISO text, booleans 0/1.

mod audit;
pub mod chat;
mod copy;
mod coverage;
mod dirty;
pub mod foreign;
mod intents;
mod jobs;
mod layouts;
mod leases;
mod owner;
pub mod packages;
mod people;
mod pool;
pub mod reports;
mod repository;
mod responses;
mod sessions;
mod sources;
mod team_settings;
mod teams;
mod throttle;
mod time;
mod tokens;
pub mod watch;
mod watermarks;

pub use audit::{AUDIT_FORGET, AuditCheck, AuditEntry, AuditFilter, AuditRow};
pub use copy::{Copied, CopyError};
pub use coverage::{Coverage, Reached, Restatement};
pub use dirty::DirtyDay;
pub use intents::Intent;
pub use jobs::{Job, JobProgress, JobState, NewJob};
pub use layouts::StoredLayout;
pub use leases::{Lease, LeaseGuard, LeaseHolder};
pub use owner::start_mark;
pub use people::{Member, NewPerson, Person};
pub use pool::{Control, ControlError, TeamControl};
pub use responses::{EVERY, EVERY_YEAR, GenerationOf, Generations, ResponseHead, Standing, StoredResponse};
pub use sessions::{ProviderFlow, SessionLife, WebSession};
pub use sources::Reported;
pub use time::{day_from_text, from_micros, micros};
pub use tokens::{ApiToken, NewToken};
