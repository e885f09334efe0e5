//! Variables of the process and of a `.env` file in the working directory (spec/packages §3, §17).

use std::{collections::HashMap, path::Path, time::Duration};

/// The process's variables over those of `.env`: a variable already in the environment is never overridden.
#[derive(Clone, Default)]
pub struct Environment {
    file: HashMap<String, String>,
    process: HashMap<String, String>,
}

impl Environment {
    /// Of this process, with `<dir>/.env` under it when there is one.
    pub fn load(dir: &Path) -> Self {
        let file = std::fs::read_to_string(dir.join(".env")).map(|text| parse(&text)).unwrap_or_default();
        Self {
            file,
            process: std::env::vars_os()
                .filter_map(|(k, v)| Some((k.into_string().ok()?, v.into_string().ok()?)))
                .collect(),
        }
    }

    /// Of nothing but the given pairs, for tests.
    pub fn of<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let process = pairs.into_iter().map(|(k, v)| (k.to_owned(), v.to_owned())).collect();
        Self { file: HashMap::new(), process }
    }

    /// A variable that is set and not blank.
    pub fn get(&self, name: &str) -> Option<&str> {
        let value = self.process.get(name).or_else(|| self.file.get(name))?;
        (!value.trim().is_empty()).then_some(value.as_str())
    }

    /// Names that start with `prefix` and are set.
    pub fn names(&self, prefix: &str) -> Vec<String> {
        let mut names: Vec<String> =
            self.process.keys().chain(self.file.keys()).filter(|n| n.starts_with(prefix)).cloned().collect();
        names.sort();
        names.dedup();
        names.retain(|name| self.get(name).is_some());
        names
    }

    fn number(&self, name: &str) -> Result<Option<u64>, SettingError> {
        self.get(name)
            .map(|value| {
                value
                    .trim()
                    .parse()
                    .map_err(|_| SettingError(format!("{name} is `{value}`, which is not a whole number")))
            })
            .transpose()
    }
}

/// Lines `NAME=value`, `export` before and quotes around the value allowed, `#` starts a comment line.
fn parse(text: &str) -> HashMap<String, String> {
    let mut found = HashMap::new();
    for line in text.lines() {
        let line = line.trim();
        let line = line.strip_prefix("export ").map_or(line, str::trim_start);
        if line.starts_with('#') {
            continue;
        }
        let Some((name, value)) = line.split_once('=') else { continue };
        let value = value.trim();
        let bare =
            ['"', '\''].iter().find_map(|q| value.strip_prefix(*q).and_then(|v| v.strip_suffix(*q))).unwrap_or(value);
        if !name.trim().is_empty() {
            found.insert(name.trim().to_owned(), bare.to_owned());
        }
    }
    found
}

/// A variable holds what it may not. Names the variable.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SettingError(pub String);

/// What the environment says about asking upstreams. Tokens are never shown.
#[derive(Clone)]
pub struct Settings {
    pub timeout: Duration,
    /// Overrides every source's own gap between two calls.
    pub throttle: Option<Duration>,
    pub retry_base: Option<Duration>,
    environment: Environment,
}

impl Settings {
    /// Errors: a variable that is no number.
    pub fn from_environment(environment: Environment) -> Result<Self, SettingError> {
        let seconds = environment.number("COMMUNITY_METRICS_TIMEOUT_SECONDS")?.unwrap_or(30);
        if seconds == 0 {
            return Err(SettingError("COMMUNITY_METRICS_TIMEOUT_SECONDS is 0; it must be at least 1".to_owned()));
        }
        Ok(Self {
            timeout: Duration::from_secs(seconds),
            throttle: environment.number("COMMUNITY_METRICS_THROTTLE_MS")?.map(Duration::from_millis),
            retry_base: environment.number("COMMUNITY_METRICS_RETRY_BASE_MS")?.map(Duration::from_millis),
            environment,
        })
    }

    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The token for a repository's owner: `GITHUB_TOKEN_<OWNER>` (upper case, `-` as `_`), else `GITHUB_TOKEN`.
    pub fn github_token(&self, repository: &str) -> Option<&str> {
        let owner = repository.split('/').next().unwrap_or("").to_uppercase().replace(['-', '.'], "_");
        self.environment.get(&format!("GITHUB_TOKEN_{owner}")).or_else(|| self.environment.get("GITHUB_TOKEN"))
    }

    /// What to say about variables of the system we replace, if any are set.
    pub fn notes(&self) -> Vec<String> {
        let names = self.environment.names("LANCEDB_");
        if names.is_empty() {
            return Vec::new();
        }
        vec![format!(
            "note: {} not used: Tallykeep keeps observations in its own data dir. docs/packages.md says how to move an existing store over",
            if names.len() == 1 { format!("{} is", names[0]) } else { format!("{} are", names.join(", ")) }
        )]
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Settings").field("timeout", &self.timeout).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dot_env_lines() {
        let found = parse("# no\nexport A=1\nB = 'two words'\nC=\"x=y\"\nnothing\n=z\nD=\n");
        let get = |name: &str| found.get(name).map(String::as_str);
        assert_eq!(
            (get("A"), get("B"), get("C"), get("D"), found.len()),
            (Some("1"), Some("two words"), Some("x=y"), Some(""), 4)
        );
    }

    #[test]
    fn each_owner_may_have_its_own_token() {
        let environment =
            Environment::of([("GITHUB_TOKEN", "one"), ("GITHUB_TOKEN_LANCE_FORMAT", "two"), ("LANCEDB_API_KEY", "k")]);
        let settings = Settings::from_environment(environment).expect("fine");
        assert_eq!(settings.github_token("lance-format/lance"), Some("two"));
        assert_eq!(settings.github_token("lancedb/lancedb"), Some("one"));
        assert!(settings.notes()[0].contains("LANCEDB_API_KEY") && !format!("{settings:?}").contains("one"));
        let bad = Settings::from_environment(Environment::of([("COMMUNITY_METRICS_TIMEOUT_SECONDS", "soon")]));
        assert!(bad.expect_err("no number").to_string().contains("COMMUNITY_METRICS_TIMEOUT_SECONDS"));
    }
}
