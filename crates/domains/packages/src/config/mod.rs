//! The catalogue and the settings of one project (spec/packages §3). Everything a page or a job shows comes from here.

mod check;
mod sections;

use std::path::Path;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tallykeep_control::packages::{MetricOrigin, PackagesMetric};

pub use sections::{
    AbsentDays, Alerts, Duckdb, EXAMPLE_TEXT, Evidence, Family, Metric, Months, Product, Project, Refresh, Relation,
    Schedule, Signals, StarFallback,
};

use sections::EXAMPLE;

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

/// What is wrong with a configuration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct ConfigError(pub String);

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
