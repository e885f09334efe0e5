//! The words of access: dashboards, roles, scopes of tokens, visibility.

use std::{fmt, str::FromStr};

/// A text that should be one of a few words is not.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{word}` is not a {what}: use {allowed}")]
pub struct UnknownWord {
    pub what: &'static str,
    pub word: String,
    pub allowed: String,
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident, $what:literal: $($(#[$variant_doc:meta])* $variant:ident = $word:literal),+ $(,)?) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, serde::Deserialize)]
        pub enum $name { $($(#[$variant_doc])* #[serde(rename = $word)] $variant),+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant),+];

            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word),+ }
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(self.as_str())
            }
        }

        impl FromStr for $name {
            type Err = UnknownWord;

            fn from_str(text: &str) -> Result<Self, UnknownWord> {
                Self::ALL.iter().copied().find(|word| word.as_str() == text).ok_or_else(|| UnknownWord {
                    what: $what,
                    word: text.to_owned(),
                    allowed: Self::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>().join(", "),
                })
            }
        }
    };
}

words! {
    /// The three dashboards a team can open up, each by itself.
    Dashboard, "dashboard": Repository = "repository", Packages = "packages", Chat = "chat"
}

words! {
    /// What a member may do, in rising order; each role includes the ones before it.
    Role, "role":
    /// Reads the team's dashboards; keeps presets and makes exports of its own.
    Viewer = "viewer",
    /// Also changes and ingests data.
    Editor = "editor",
    /// Also decides about members, tokens and visibility.
    Admin = "admin",
}

words! {
    /// What a token may do in its one team.
    TokenScope, "scope": Read = "read", Ingest = "ingest", Admin = "admin"
}

words! {
    /// Who may read a dashboard, in rising order.
    Visibility, "visibility":
    /// Editors and admins of the team, for instance while it is being set up.
    Private = "private",
    /// Every member of the team. This is how a team starts.
    Team = "team",
    /// Everyone who is signed in.
    SignedIn = "signed-in",
    /// Everyone.
    Public = "public",
}
