//! Who may: the only place that decides. Everything else asks here and obeys.
//!
//! `decide` is a pure function of what a route demands ([`Decision`]), who asks ([`Caller`]) and what the team has opened
//! up ([`Visibility`]). [`Accounts`] knows how people prove who they are. Neither knows anything of HTTP; the server turns a
//! [`Refusal`] into a status.

mod accounts;
mod config;
mod decision;
mod oidc;
mod password;
mod secrets;
mod visibility;
mod words;

pub use accounts::{AccountError, Accounts, NewSession, looks_like_email};
pub use config::{AccessConfig, GroupRule, OidcConfig};
pub use decision::{Caller, Decision, Refusal, TeamStanding, decide};
pub use oidc::{Departure, OidcError, Provider};
pub use password::{Hasher, PasswordError, check_password};
pub use secrecy::{ExposeSecret, SecretString};
pub use secrets::{InstallationKey, KeyError, hash_secret, new_secret, same_secret};
pub use visibility::{TeamVisibility, VISIBILITY_SETTING};
pub use words::{Dashboard, Role, TokenScope, UnknownWord, Visibility};
