//! The sections of a configuration and their defaults.

use std::sync::LazyLock;

use jiff::civil::Date;
use serde::{Deserialize, Serialize};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Project {
    pub title: String,
    pub subtitle: String,
}

impl Default for Project {
    fn default() -> Self {
        Self { title: EXAMPLE.project.title.clone(), subtitle: EXAMPLE.project.subtitle.clone() }
    }
}

/// A group of metrics shown together. Order is the order in the file, or `order` where given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Product {
    pub id: String,
    pub title: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<i64>,
    /// Colour of the product on the page: a name of the palette (`c1`…`c8`) or nothing.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub color: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subtitle: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Family {
    Downloads,
    Stars,
}

impl Family {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Downloads => "downloads",
            Self::Stars => "stars",
        }
    }
}

/// One package on one registry, or one repository's stars.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Metric {
    pub id: String,
    pub family: Family,
    pub product: String,
    /// `pypistats`, `npm`, … A source without a collector is allowed: its rows are imported.
    pub source: String,
    pub subject: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sdk: Option<String>,
    pub display_name: String,
    #[serde(default = "yes")]
    pub is_active: bool,
    /// For sources that leave out days without downloads (crates.io): a day missing inside the answer is a true 0.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub absent_means_zero: bool,
}

fn yes() -> bool {
    true
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Months {
    /// Last day covered by discrete snapshots.
    pub snapshot_cutoff: Date,
    /// First day whose daily rows are summed.
    pub daily_start: Date,
    /// Month ends that may be estimated from both neighbours.
    pub synthetic: Vec<Date>,
}

impl Default for Months {
    fn default() -> Self {
        let (cutoff, start) = (Date::constant(2025, 11, 30), Date::constant(2025, 12, 1));
        Self { snapshot_cutoff: cutoff, daily_start: start, synthetic: vec![cutoff] }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StarFallback {
    LatestDay,
    AllDays,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AbsentDays {
    Skip,
    Zero,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Refresh {
    pub lookback_days: i64,
    pub star_fallback: StarFallback,
    pub absent_days: AbsentDays,
    pub pypi_mirrors: bool,
    /// Who upstreams can write to, sent in the `User-Agent`: a mail address or a page.
    pub contact: Option<String>,
    /// Whether routine refreshes also ask again for gaps the source can still deliver.
    pub refill_gaps: bool,
}

impl Default for Refresh {
    fn default() -> Self {
        Self {
            lookback_days: 1,
            star_fallback: StarFallback::LatestDay,
            absent_days: AbsentDays::Skip,
            pypi_mirrors: true,
            contact: None,
            refill_gaps: true,
        }
    }
}

/// Thresholds of §11.2.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Signals {
    pub spike_min_downloads: i64,
    pub spike_percent: f64,
    pub spike_high_percent: f64,
    pub growth_percent: f64,
    pub share_shift: f64,
}

impl Default for Signals {
    fn default() -> Self {
        Self {
            spike_min_downloads: 1000,
            spike_percent: 100.0,
            spike_high_percent: 300.0,
            growth_percent: 20.0,
            share_shift: 0.15,
        }
    }
}

/// What is searched for, and what a term is about.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Evidence {
    pub terms: Vec<String>,
    #[serde(rename = "relation")]
    pub relations: Vec<Relation>,
}

impl Default for Evidence {
    fn default() -> Self {
        Self { terms: EXAMPLE.evidence.terms.clone(), relations: EXAMPLE.evidence.relation.clone() }
    }
}

/// The first relation that fits a term counts; one without conditions fits every term. Terms are compared in lower case.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Relation {
    pub contains: Vec<String>,
    pub equals: Vec<String>,
    pub metrics: Vec<String>,
    pub packages: Vec<String>,
    pub repos: Vec<String>,
    pub communities: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Duckdb {
    /// Extension whose installs are counted; empty for none.
    pub extension: String,
    pub first_day: Date,
}

impl Default for Duckdb {
    fn default() -> Self {
        Self { extension: "lance".to_owned(), first_day: Date::constant(2026, 1, 1) }
    }
}

/// Cron lines in UTC; an empty one never runs.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Schedule {
    pub daily_refresh: String,
    pub update_duckdb_extension_downloads: String,
    pub reconcile: String,
    pub collect_hn_evidence: String,
    /// Needs a provider; empty by default.
    pub generate_signal_guidance: String,
    /// Random delay of a start, at most; 0 for none.
    pub jitter_seconds: u64,
    /// Age of the newest success that makes the data stale.
    pub stale_hours: i64,
    /// Runs older than this are forgotten; 0 keeps all.
    pub history_days: i64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self {
            daily_refresh: "0 9 * * *".to_owned(),
            update_duckdb_extension_downloads: "0 10 1 * *".to_owned(),
            reconcile: "30 9 * * 1".to_owned(),
            collect_hn_evidence: String::new(),
            generate_signal_guidance: String::new(),
            jitter_seconds: 300,
            stale_hours: 26,
            history_days: 0,
        }
    }
}

/// Where alerts go. Without an address they are only shown.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Alerts {
    /// Gets a POST with a JSON body per alert.
    pub webhook: Option<String>,
    /// `host:port` of a mail server that takes mail without a login, e.g. the local one.
    pub mail_server: Option<String>,
    pub mail_from: Option<String>,
    pub mail_to: Vec<String>,
    /// Failed or partial runs in a row that open an alert; 0 means the default of 3.
    pub failed_runs: usize,
    /// Fall of stars between two stored days that opens an alert, in percent; 0 means the default of 5.
    pub star_drop_percent: f64,
}

pub(super) static EXAMPLE: LazyLock<Example> = LazyLock::new(|| {
    toml::from_str(EXAMPLE_TEXT).unwrap_or_else(|error| panic!("the shipped catalogue is damaged: {error}"))
});

/// The shipped example as text.
pub const EXAMPLE_TEXT: &str = include_str!("../catalogue-example.toml");

/// The part of the example that other defaults are taken from. Its sections are types of their own: those of `Config` would ask
/// for their defaults, which come from here.
#[derive(Deserialize)]
pub(super) struct Example {
    project: ExampleProject,
    pub product: Vec<Product>,
    pub metric: Vec<Metric>,
    evidence: ExampleEvidence,
}

#[derive(Deserialize)]
struct ExampleProject {
    title: String,
    subtitle: String,
}

#[derive(Deserialize)]
struct ExampleEvidence {
    terms: Vec<String>,
    relation: Vec<Relation>,
}
