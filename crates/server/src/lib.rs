//! HTTP: the one list of routes, who gets past the guard, errors, OpenAPI, jobs, the timetable, the embedded dashboard.
//!
//! `crates/server/README.md` says how to add a route. Domains are reached through service values that the binary puts
//! into the [`App`]; this crate holds their routes, not their logic.

mod app;
mod error;
mod extract;
mod jobs;
mod limits;
mod listen;
mod page;
mod reports;
pub mod routes;
mod schedule;
mod serve;
mod watch;

pub use app::extractors::{InstanceAdmin, Reader, SignedIn, TeamAccess, TeamAdmin, Visitor, Writer};
pub use app::guard::Refused;
pub use app::identity::Actor;
pub use app::{App, AppBuilder, HealthCheck, HealthContext, LoginMode, MissingService};
pub use error::{ApiError, ErrorShape};
pub use extract::{Form, Json, Path, Query, pairs};
pub use jobs::{JobContext, JobError, JobOutcome, run_until_idle};
pub use limits::Limits;
pub use page::{PageRequest, escape, page};
pub use reports::DomainSource;
pub use routes::{Route, openapi};
pub use schedule::{Audience, Retry, ScheduleError, Scheduler, TimetableEntry};
pub use serve::{ServeError, router, run_jobs_and_timetable, serve};
