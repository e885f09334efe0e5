//! Where the public statistics services live. Product configuration, and the only file that names them.
//!
//! Each address can be replaced by a variable (spec/packages §17); the value replaces scheme and host, paths stay.

use crate::environment::Environment;

/// One service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Upstream {
    /// How messages name it.
    pub name: &'static str,
    pub base: &'static str,
    pub variable: &'static str,
    /// Least milliseconds between two request starts.
    pub throttle_ms: u64,
}

pub const PYPISTATS: Upstream = Upstream {
    name: "pypistats",
    base: "https://pypistats.org",
    variable: "COMMUNITY_METRICS_PYPISTATS_BASE_URL",
    throttle_ms: 2500,
};
pub const CRATES: Upstream = Upstream {
    name: "crates.io",
    base: "https://crates.io",
    variable: "COMMUNITY_METRICS_CRATES_BASE_URL",
    throttle_ms: 1100,
};
pub const NPM: Upstream = Upstream {
    name: "npm",
    base: "https://api.npmjs.org",
    variable: "COMMUNITY_METRICS_NPM_BASE_URL",
    throttle_ms: 2000,
};
pub const GITHUB: Upstream = Upstream {
    name: "GitHub",
    base: "https://api.github.com",
    variable: "COMMUNITY_METRICS_GITHUB_BASE_URL",
    throttle_ms: 200,
};
pub const HN: Upstream = Upstream {
    name: "HN Algolia",
    base: "https://hn.algolia.com",
    variable: "COMMUNITY_METRICS_HN_BASE_URL",
    throttle_ms: 200,
};
pub const DUCKDB_CORE: Upstream = Upstream {
    name: "DuckDB core extensions",
    base: "https://extensions.duckdb.org",
    variable: "COMMUNITY_METRICS_DUCKDB_CORE_BASE_URL",
    throttle_ms: 200,
};
pub const DUCKDB_COMMUNITY: Upstream = Upstream {
    name: "DuckDB community extensions",
    base: "https://community-extensions.duckdb.org",
    variable: "COMMUNITY_METRICS_DUCKDB_COMMUNITY_BASE_URL",
    throttle_ms: 200,
};
pub const LLM: Upstream = Upstream {
    name: "the LLM provider",
    base: "https://api.openai.com",
    variable: "COMMUNITY_METRICS_LLM_BASE_URL",
    throttle_ms: 200,
};
pub const CRANLOGS: Upstream = Upstream {
    name: "cranlogs",
    base: "https://cranlogs.r-pkg.org",
    variable: "COMMUNITY_METRICS_CRANLOGS_BASE_URL",
    throttle_ms: 1000,
};
pub const PACKAGIST: Upstream = Upstream {
    name: "Packagist",
    base: "https://packagist.org",
    variable: "COMMUNITY_METRICS_PACKAGIST_BASE_URL",
    throttle_ms: 1000,
};

/// The page people read about an HN item, for evidence that has no address of its own.
pub const HN_ITEM: &str = "https://news.ycombinator.com/item?id=";

impl Upstream {
    /// The address to ask under, without a slash at the end.
    pub fn address(&self, environment: &Environment) -> String {
        environment.get(self.variable).unwrap_or(self.base).trim().trim_end_matches('/').to_owned()
    }
}
