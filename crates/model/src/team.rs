//! Who owns data (team) and whom a number is about (scope).

use std::{fmt, str::FromStr};

use serde::{Deserialize, Serialize};

/// A team's name in URLs and folders: 1–63 of `a-z 0-9 - _`, starting with a letter or digit.
///
/// It is part of lake paths, so nothing else is ever let through.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct TeamSlug(String);

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("`{0}` is not a team name: use 1 to 63 of a-z, 0-9, - and _, starting with a letter or digit")]
pub struct SlugError(pub String);

impl TeamSlug {
    /// The team that paths without a team mean.
    pub const DEFAULT: &'static str = "default";

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Default for TeamSlug {
    fn default() -> Self {
        Self(Self::DEFAULT.to_owned())
    }
}

impl FromStr for TeamSlug {
    type Err = SlugError;

    fn from_str(text: &str) -> Result<Self, SlugError> {
        let allowed = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'_';
        let first_ok = text.bytes().next().is_some_and(|b| b.is_ascii_lowercase() || b.is_ascii_digit());
        if first_ok && text.len() <= 63 && text.bytes().all(allowed) {
            Ok(Self(text.to_owned()))
        } else {
            Err(SlugError(text.to_owned()))
        }
    }
}

impl fmt::Display for TeamSlug {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for TeamSlug {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

/// The isolation boundary: every lake table and every control row belongs to one team.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Team {
    pub id: i64,
    pub slug: TeamSlug,
    pub name: String,
}

/// Whom a number is about inside a team: everything, or one community, product or bot by its id.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    Global,
    Of(String),
}

impl Scope {
    pub const GLOBAL: &'static str = "global";

    pub fn as_str(&self) -> &str {
        match self {
            Self::Global => Self::GLOBAL,
            Self::Of(id) => id,
        }
    }
}

impl From<&str> for Scope {
    fn from(text: &str) -> Self {
        if text == Self::GLOBAL { Self::Global } else { Self::Of(text.to_owned()) }
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_team_name_never_leaves_its_folder() {
        for bad in ["", "..", "a/b", "A", "-a", "é", &"a".repeat(64)] {
            assert_eq!(bad.parse::<TeamSlug>(), Err(SlugError(bad.to_owned())));
        }
        for good in ["default", "a", "9-lives_x"] {
            assert_eq!(good.parse::<TeamSlug>().map(|s| s.to_string()), Ok(good.to_owned()));
        }
    }
}
