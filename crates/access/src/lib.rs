//! Who may: the only place that decides. Everything else asks here and obeys.
//!
//! `decide` is a pure function of what a route demands ([`Decision`]), who asks ([`Caller`]) and what the team has opened
//! up ([`Visibility`]). It knows nothing of HTTP; the server turns a [`Refusal`] into a status.

mod decision;
mod words;

pub use decision::{Caller, Decision, Refusal, TeamStanding, decide};
pub use words::{Dashboard, Role, TokenScope, UnknownWord, Visibility};
