//! The catalogue and the settings of one project (spec/packages §3). Everything a page or a job shows comes from here.

use std::{collections::BTreeSet, path::Path, sync::LazyLock};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use tallykeep_control::packages::{MetricOrigin, PackagesMetric};

/// What is counted and how. Unknown keys are refused.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, Default)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    pub project: Project,
    #[serde(rename = "product")]
    pub products: Vec<Product>,
    #[serde(rename = "metric")]
    pub metrics: Vec<Metric>,
    pub months: Months,
    pub refresh: Refresh,
    pub signals: Signals,
    pub evidence: Evidence,
    pub duckdb: Duckdb,
    pub schedule: Schedule,
    pub alerts: Alerts,
}

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

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

static EXAMPLE: LazyLock<Example> = LazyLock::new(|| {
    toml::from_str(EXAMPLE_TEXT).unwrap_or_else(|error| panic!("the shipped catalogue is damaged: {error}"))
});

/// The shipped example as text.
pub const EXAMPLE_TEXT: &str = include_str!("catalogue-example.toml");

/// The part of the example that other defaults are taken from. Its sections are types of their own: those of `Config` would ask
/// for their defaults, which come from here.
#[derive(Deserialize)]
struct Example {
    project: ExampleProject,
    product: Vec<Product>,
    metric: Vec<Metric>,
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

impl Config {
    /// The shipped example (spec §3).
    pub fn example() -> Self {
        Self::default().completed()
    }

    /// Reads a file with the sections of §3 at top level. Errors name the file and, where there is one, the line.
    pub fn read(file: &Path) -> Result<Self, ConfigError> {
        let text = std::fs::read_to_string(file)
            .map_err(|error| ConfigError(format!("could not read {}: {error}", file.display())))?;
        Self::parse(&text).map_err(|error| ConfigError(format!("{}: {error}", file.display())))
    }

    /// From TOML text, completed and checked.
    pub fn parse(text: &str) -> Result<Self, ConfigError> {
        let config: Self = toml::from_str(text).map_err(|error| ConfigError(error.to_string()))?;
        config.checked()
    }

    /// Completed and checked.
    pub fn checked(self) -> Result<Self, ConfigError> {
        let config = self.completed();
        config.check()?;
        Ok(config)
    }

    /// Fills in what was left out: the example's metrics when there are none, titles of products that only metrics name.
    fn completed(mut self) -> Self {
        if self.metrics.is_empty() {
            self.metrics.clone_from(&EXAMPLE.metric);
        }
        for metric in &self.metrics {
            if self.products.iter().any(|product| product.id == metric.product) {
                continue;
            }
            let shipped = EXAMPLE.product.iter().find(|product| product.id == metric.product);
            self.products.push(shipped.cloned().unwrap_or_else(|| Product {
                id: metric.product.clone(),
                title: titled(&metric.product),
                order: None,
                color: None,
                subtitle: None,
            }));
        }
        let places: Vec<_> = self.products.iter().map(|product| product.id.clone()).collect();
        self.products
            .sort_by_key(|product| (product.order.unwrap_or(i64::MAX), places.iter().position(|id| *id == product.id)));
        if self.alerts.failed_runs == 0 {
            self.alerts.failed_runs = 3;
        }
        if self.alerts.star_drop_percent == 0.0 {
            self.alerts.star_drop_percent = 5.0;
        }
        self
    }

    fn check(&self) -> Result<(), ConfigError> {
        let fail = |text: String| Err(ConfigError(text));
        let mut seen = BTreeSet::new();
        for product in &self.products {
            if !is_word(&product.id) {
                return fail(format!("[[product]] id `{}`: use letters, digits, `-`, `_` and `.`", product.id));
            }
            if !seen.insert(&product.id) {
                return fail(format!("[[product]] `{}` appears twice", product.id));
            }
        }
        let mut seen = BTreeSet::new();
        for metric in &self.metrics {
            let id = &metric.id;
            let parts: Vec<&str> = id.split(':').collect();
            if parts.len() != 3 || !parts.iter().all(|part| is_word(part)) {
                return fail(format!(
                    "[[metric]] id `{id}`: write <family>:<product>:<facet>, e.g. downloads:lancedb:nodejs"
                ));
            }
            if parts[0] != metric.family.as_str() {
                return fail(format!(
                    "[[metric]] `{id}`: the id says `{}`, family says `{}`",
                    parts[0],
                    metric.family.as_str()
                ));
            }
            if !seen.insert(id) {
                return fail(format!("[[metric]] `{id}` appears twice"));
            }
            if metric.subject.trim().is_empty() || metric.display_name.trim().is_empty() {
                return fail(format!("[[metric]] `{id}`: subject and display_name must not be empty"));
            }
            if metric.source == "github" && metric.subject.split('/').filter(|part| !part.is_empty()).count() != 2 {
                return fail(format!("[[metric]] `{id}`: subject `{}` should be owner/repository", metric.subject));
            }
            if let Some(sdk) = metric.sdk.as_deref().filter(|sdk| !is_word(sdk)) {
                return fail(format!("[[metric]] `{id}`: sdk `{sdk}`: use letters, digits, `-`, `_` and `.`"));
            }
        }
        if self.refresh.lookback_days < 0 {
            return fail(format!("[refresh] lookback_days is {}, which is below 0", self.refresh.lookback_days));
        }
        for day in &self.months.synthetic {
            if day.last_of_month() != *day {
                return fail(format!("[months] synthetic: {day} is not the last day of a month"));
            }
        }
        if self.months.daily_start <= self.months.snapshot_cutoff {
            return fail("[months] daily_start must be after snapshot_cutoff".to_owned());
        }
        Ok(())
    }

    pub fn metric(&self, id: &str) -> Option<&Metric> {
        self.metrics.iter().find(|metric| metric.id == id)
    }

    pub fn product_title<'a>(&'a self, id: &'a str) -> &'a str {
        self.products.iter().find(|product| product.id == id).map_or(id, |product| product.title.as_str())
    }

    /// The rows of `metrics`, in catalogue order.
    pub fn definitions(&self, now: Timestamp) -> Vec<PackagesMetric> {
        (0_i64..).zip(&self.metrics).map(|(position, metric)| metric.definition(position, now)).collect()
    }

    /// As TOML, for `init` and for keeping in the store.
    pub fn to_toml(&self) -> Result<String, ConfigError> {
        toml::to_string_pretty(self).map_err(|error| ConfigError(error.to_string()))
    }
}

impl Metric {
    pub fn definition(&self, position: i64, now: Timestamp) -> PackagesMetric {
        PackagesMetric {
            metric_id: self.id.clone(),
            metric_family: self.family.as_str().to_owned(),
            product: self.product.clone(),
            subject: self.subject.clone(),
            sdk: self.sdk.clone(),
            source: self.source.clone(),
            value_kind: match self.family {
                Family::Downloads => "daily_downloads",
                Family::Stars => "cumulative_stars",
            }
            .to_owned(),
            unit: "count".to_owned(),
            is_active: self.is_active,
            display_name: self.display_name.clone(),
            created_at: now,
            position,
            origin: MetricOrigin::Catalogue,
        }
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.chars().all(|c| c.is_alphanumeric() || "-_.@/+".contains(c))
}

/// `lance-graph` → `Lance Graph`.
pub fn titled(id: &str) -> String {
    id.split(['-', '_', '/', ' '])
        .filter(|word| !word.is_empty())
        .map(|word| {
            let mut letters = word.chars();
            letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
        })
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_shipped_catalogue_is_the_one_of_the_specification() {
        let config = Config::example();
        config.check().expect("fine");
        let ids: Vec<_> = config.metrics.iter().map(|m| m.id.as_str()).collect();
        assert_eq!(ids.len(), 9);
        assert_eq!(ids[3], "downloads:lancedb:nodejs");
        assert_eq!(config.products.iter().map(|p| p.id.as_str()).collect::<Vec<_>>(), ["lance", "lancedb"]);
        assert_eq!(config.evidence.terms.len(), 8);
        let kept = Config::parse(&config.to_toml().expect("TOML")).expect("its own text");
        assert_eq!(kept, config);
    }

    #[test]
    fn metrics_replace_the_catalogue_and_other_sections_keep_their_defaults() {
        let config = Config::parse(
            "[[metric]]\nid='downloads:a-tool:python'\nfamily='downloads'\nproduct='a-tool'\nsource='pypistats'\nsubject='a'\ndisplay_name='A'",
        )
        .expect("fine");
        assert_eq!(config.metrics.len(), 1);
        assert_eq!(config.products[0].title, "A Tool");
        assert_eq!(config.products.len(), 1);
        assert_eq!(config.refresh, Refresh::default());
    }

    #[test]
    fn mistakes_are_named() {
        for (text, expected) in [
            ("[refresh]\nlookback = 1", "unknown field `lookback`"),
            ("[refresh]\nlookback_days = -1", "lookback_days is -1"),
            ("[months]\nsynthetic = ['2025-11-29']", "not the last day"),
            (
                "[[metric]]\nid='x'\nfamily='downloads'\nproduct='p'\nsource='npm'\nsubject='s'\ndisplay_name='d'",
                "<family>:<product>:<facet>",
            ),
            (
                "[[metric]]\nid='stars:p:github'\nfamily='stars'\nproduct='p'\nsource='github'\nsubject='nope'\ndisplay_name='d'",
                "owner/repository",
            ),
        ] {
            let error = Config::parse(text).expect_err(text).to_string();
            assert!(error.contains(expected), "{error}");
        }
    }
}
