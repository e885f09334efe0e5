//! Configuration of the repository domain: every key of spec/invenio §11, by its own name, from `[repository]` or the environment.

use std::{collections::BTreeMap, str::FromStr};

use serde::{Deserialize, Deserializer};
use serde_json::{Value, json};

use crate::subcounts::{Subcount, default_subcounts};

/// Keys that mean something here.
const KNOWN: &[&str] = &[
    "COMMUNITY_STATS_ENABLED",
    "COMMUNITY_STATS_SCHEDULED_TASKS_ENABLED",
    "COMMUNITY_STATS_SCHEDULED_AGG_TASKS_ENABLED",
    "COMMUNITY_STATS_SCHEDULED_CACHE_TASKS_ENABLED",
    "STATS_DASHBOARD_ENABLED_GLOBAL",
    "STATS_DASHBOARD_ENABLED_COMMUNITY",
    "STATS_DASHBOARD_COMMUNITY_OPT_IN",
    "STATS_DASHBOARD_USE_TEST_DATA",
    "STATS_DASHBOARD_OPTIMIZE_DATA_SERIES",
    "STATS_DASHBOARD_COMPRESS_JSON",
    "STATS_DASHBOARD_CLIENT_CACHE_COMPRESSION_ENABLED",
    "COMMUNITY_STATS_CATCHUP_INTERVAL",
    "STATS_DASHBOARD_CATCHUP_INTERVAL",
    "COMMUNITY_STATS_TOP_SUBCOUNT_LIMIT",
    "COMMUNITY_STATS_SUBCOUNTS",
    "COMMUNITY_STATS_MEM_BUDGET_BYTES",
    "COMMUNITY_STATS_MEM_HIGH_WATER_PERCENT",
    "STATS_DASHBOARD_REINDEXING_MAX_BATCHES",
    "STATS_DASHBOARD_REINDEXING_BATCH_SIZE",
    "STATS_DASHBOARD_REINDEXING_MAX_MEMORY_PERCENT",
    "STATS_DASHBOARD_REINDEXING_MAX_SPOT_CHECK_SAMPLE_SIZE",
    "STATS_DASHBOARD_MAX_SPOT_CHECK_SAMPLE_SIZE",
    "STATS_CACHE_DEFAULT_TTL",
    "STATS_CACHE_PREFIX",
    "STATS_DASHBOARD_LAYOUT",
    "STATS_DASHBOARD_COMPONENT_METRICS_REGISTRY",
    "STATS_DASHBOARD_UI_SUBCOUNTS",
    "STATS_DASHBOARD_UI_CONFIG",
    "STATS_DASHBOARD_DEFAULT_RANGE_OPTIONS",
    "STATS_DASHBOARD_DISABLED_MESSAGE_GLOBAL",
    "STATS_DASHBOARD_DISABLED_MESSAGE_COMMUNITY",
    "APP_RDM_DISPLAY_DECIMAL_FILE_SIZES",
    "exclude_robots",
    "exclude_machines",
    "links",
    "sources",
    "default_record_start_basis",
    "legacy_mmdd",
];

/// Keys of the systems we replace that have no meaning here: accepted, with a note.
const WITHOUT_MEANING: &[&str] = &[
    "COMMUNITY_STATS_AGGREGATIONS",
    "COMMUNITY_STATS_QUERIES",
    "STATS_EVENTS",
    "COMMUNITY_STATS_CELERYBEAT_AGG_SCHEDULE",
    "COMMUNITY_STATS_CELERYBEAT_CACHE_SCHEDULE",
    "COMMUNITY_STATS_CELERYBEAT_SCHEDULE",
    // Activity filters see every community here, however many there are.
    "COMMUNITY_STATS_FILTER_AGGREGATION_SIZE",
    "SEARCH_INDEX_PREFIX",
    "COMMUNITY_STATS_INITIAL_CHUNK_SIZE",
    "COMMUNITY_STATS_MIN_CHUNK_SIZE",
    "COMMUNITY_STATS_MAX_CHUNK_SIZE",
    "COMMUNITY_STATS_CHUNK_REDUCTION_FACTOR",
    "COMMUNITY_STATS_CHUNK_GROWTH_FACTOR",
    "COMMUNITY_STATS_BULK_INDEX_TIMEOUT",
    "COMMUNITY_STATS_WS_OVERHEAD",
    "COMMUNITY_STATS_SCAN_OVERHEAD",
    "COMMUNITY_STATS_BULK_OVERHEAD",
    "COMMUNITY_STATS_DELTA_OVERHEAD",
    "COMMUNITY_STATS_MEM_SAFETY_FACTOR",
    "COMMUNITY_STATS_TOP_GROWTH_FACTOR",
    "COMMUNITY_STATS_TOP_GROWTH_FLOOR_FACTOR",
    "COMMUNITY_STATS_TOP_HARD_CAP_PER_KEY",
    "COMMUNITY_STATS_TOP_DISCOVERY_DECAY",
    "COMMUNITY_STATS_AVG_DELTA_BYTES",
    "COMMUNITY_STATS_INMEMORY_MULTIPLIER",
    "COMMUNITY_STATS_SCAN_PAGE_SIZE",
    "COMMUNITY_STATS_SCAN_PAGE_SIZE_MIN",
    "COMMUNITY_STATS_SCAN_PAGE_SIZE_MAX",
    "COMMUNITY_STATS_SCAN_PAGE_MIN",
    "COMMUNITY_STATS_SCAN_PAGE_MAX",
    "COMMUNITY_STATS_DELTA_BUFFER_SIZE",
    "COMMUNITY_STATS_SCAN_SCROLL",
    "STATS_DATA_SERIES_PAGE_SIZE",
    "STATS_DATA_SERIES_PAGE_SIZE_MIN",
    "STATS_DATA_SERIES_PAGE_SIZE_MAX",
    "STATS_DATA_SERIES_PAGE_MIN",
    "STATS_DATA_SERIES_PAGE_MAX",
    "STATS_DATA_SERIES_PAGE_OVERHEAD",
    "STATS_DATA_SERIES_OVERHEAD",
    "STATS_DATA_SERIES_SERIES_OVERHEAD",
    "STATS_DATA_SERIES_MEM_SAFETY_FACTOR",
    "STATS_DATA_SERIES_INMEMORY_MULTIPLIER",
    "STATS_DATA_SERIES_BYTES_PER_DATAPOINT",
    "STATS_DATA_SERIES_AVG_DOC_BYTES",
    "STATS_DATA_SERIES_MEM_BUDGET_BYTES",
    "STATS_DATA_SERIES_MEM_HIGH_WATER_PERCENT",
    "STATS_DASHBOARD_LOCK_CONFIG",
    "STATS_CACHE_REDIS_URL",
    "STATS_CACHE_REDIS_DB",
    "STATS_CACHE_COMPRESSION_METHOD",
    "STATS_AGG_REGISTRY_PREFIX",
    "STATS_AGG_REGISTRY_REDIS_DB",
    "COMMUNITY_STATS_SERIALIZERS",
    "STATS_DASHBOARD_TEMPLATES",
    "STATS_DASHBOARD_ROUTES",
    "STATS_DASHBOARD_API_ROUTES",
    "STATS_DASHBOARD_MENU_ENABLED",
    "STATS_DASHBOARD_MENU_TEXT",
    "STATS_DASHBOARD_MENU_ORDER",
    "STATS_DASHBOARD_MENU_ENDPOINT",
    "STATS_DASHBOARD_MENU_REGISTRATION_FUNCTION",
    "STATS_DASHBOARD_COMMUNITY_MENU_ENABLED",
    "STATS_DASHBOARD_COMMUNITY_MENU_TEXT",
    "STATS_DASHBOARD_COMMUNITY_MENU_ORDER",
    "STATS_DASHBOARD_COMMUNITY_MENU_ENDPOINT",
    "STATS_DASHBOARD_COMMUNITY_MENU_REGISTRATION_FUNCTION",
    "STATS_DASHBOARD_SETTINGS_COMMUNITY_ENABLED_LABEL",
    "STATS_DASHBOARD_SETTINGS_COMMUNITY_ENABLED_DESCRIPTION",
    "STATS_DASHBOARD_SETTINGS_COMMUNITY_ENABLED_ICON",
    "STATS_DASHBOARD_SETTINGS_COMMUNITY_ENABLED_HELPTEXT",
];

/// A setting that is not what its key needs.
#[derive(Debug, thiserror::Error)]
#[error("{key}: {reason}")]
pub struct ConfigError {
    pub key: String,
    pub reason: String,
}

/// The settings that were given; everything else has its default.
#[derive(Debug, Clone, Default)]
pub struct Config {
    given: BTreeMap<String, Value>,
}

#[derive(PartialEq, Eq, PartialOrd, Ord)]
struct Key(String);

impl<'de> Deserialize<'de> for Key {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if KNOWN.contains(&name.as_str()) || WITHOUT_MEANING.contains(&name.as_str()) {
            Ok(Self(name))
        } else {
            Err(serde::de::Error::custom(format!("unknown key `{name}` in [repository]")))
        }
    }
}

impl<'de> Deserialize<'de> for Config {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let given: BTreeMap<Key, Value> = BTreeMap::deserialize(deserializer)?;
        Ok(Self { given: given.into_iter().map(|(key, value)| (key.0, value)).collect() })
    }
}

impl Config {
    /// Lets environment variables of the keys' names win over the file.
    ///
    /// Errors: a variable that is not JSON where JSON is needed; the typed readers check the rest.
    pub fn with_env(mut self, variable: impl Fn(&str) -> Option<String>) -> Self {
        for key in KNOWN.iter().chain(WITHOUT_MEANING).filter(|key| key.starts_with(|c: char| c.is_ascii_uppercase())) {
            if let Some(text) = variable(key) {
                self.given.insert((*key).to_owned(), loose(&text));
            }
        }
        self
    }

    /// Keys that were given but mean nothing here.
    pub fn without_meaning(&self) -> Vec<&str> {
        self.given.keys().map(String::as_str).filter(|key| WITHOUT_MEANING.contains(key)).collect()
    }

    /// Checks every given value once, so that mistakes show at start and not in the middle of a run.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.settings().map(drop)
    }

    /// The settings, typed.
    pub fn settings(&self) -> Result<Settings, ConfigError> {
        let old_switch = self.boolean("COMMUNITY_STATS_SCHEDULED_TASKS_ENABLED", true)?;
        let basis = self.text("default_record_start_basis", "added")?;
        let subcounts = match self.given.get("COMMUNITY_STATS_SUBCOUNTS") {
            None => default_subcounts(),
            Some(value) => Subcount::list_from_json(value)
                .map_err(|reason| ConfigError { key: "COMMUNITY_STATS_SUBCOUNTS".to_owned(), reason })?,
        };
        Ok(Settings {
            enabled: self.boolean("COMMUNITY_STATS_ENABLED", true)?,
            scheduled_aggregation: self.boolean("COMMUNITY_STATS_SCHEDULED_AGG_TASKS_ENABLED", old_switch)?,
            scheduled_caching: self.boolean("COMMUNITY_STATS_SCHEDULED_CACHE_TASKS_ENABLED", old_switch)?,
            dashboard_global: self.boolean("STATS_DASHBOARD_ENABLED_GLOBAL", true)?,
            dashboard_community: self.boolean("STATS_DASHBOARD_ENABLED_COMMUNITY", true)?,
            opt_in: self.boolean("STATS_DASHBOARD_COMMUNITY_OPT_IN", false)?,
            use_test_data: self.boolean("STATS_DASHBOARD_USE_TEST_DATA", false)?,
            compress_json: self.boolean("STATS_DASHBOARD_COMPRESS_JSON", false)?,
            client_cache_compression: self.boolean("STATS_DASHBOARD_CLIENT_CACHE_COMPRESSION_ENABLED", false)?,
            // An older document of the seeds calls it by the second name.
            catchup_days: match self.given.get("COMMUNITY_STATS_CATCHUP_INTERVAL") {
                Some(_) => self.number("COMMUNITY_STATS_CATCHUP_INTERVAL", 365)?,
                None => self.number("STATS_DASHBOARD_CATCHUP_INTERVAL", 365)?,
            }
            .max(1),
            top_limit: usize::try_from(self.number("COMMUNITY_STATS_TOP_SUBCOUNT_LIMIT", 20)?).unwrap_or(20),
            exclude_robots: self.boolean("exclude_robots", true)?,
            exclude_machines: self.boolean("exclude_machines", false)?,
            memory_budget: match self.number("COMMUNITY_STATS_MEM_BUDGET_BYTES", 0)? {
                0 => None,
                bytes => u64::try_from(bytes).ok(),
            },
            memory_share: self.share("COMMUNITY_STATS_MEM_HIGH_WATER_PERCENT", 0.75)?,
            optimize: self.boolean("STATS_DASHBOARD_OPTIMIZE_DATA_SERIES", true)?,
            cache_days: self.number("STATS_CACHE_DEFAULT_TTL", 30)?,
            cache_prefix: self.text("STATS_CACHE_PREFIX", "stats_dashboard")?,
            migrate_batch: self.number("STATS_DASHBOARD_REINDEXING_BATCH_SIZE", 1000)?,
            migrate_batches: self.number("STATS_DASHBOARD_REINDEXING_MAX_BATCHES", 1000)?,
            migrate_memory_percent: self.number("STATS_DASHBOARD_REINDEXING_MAX_MEMORY_PERCENT", 85)?,
            spot_checks: match self.given.get("STATS_DASHBOARD_REINDEXING_MAX_SPOT_CHECK_SAMPLE_SIZE") {
                Some(_) => self.number("STATS_DASHBOARD_REINDEXING_MAX_SPOT_CHECK_SAMPLE_SIZE", 100)?,
                None => self.number("STATS_DASHBOARD_MAX_SPOT_CHECK_SAMPLE_SIZE", 100)?,
            },
            decimal_sizes: self.boolean("APP_RDM_DISPLAY_DECIMAL_FILE_SIZES", true)?,
            legacy_mmdd: self.boolean("legacy_mmdd", false)?,
            disabled_message_global: self.text(
                "STATS_DASHBOARD_DISABLED_MESSAGE_GLOBAL",
                "The {title} dashboard must be enabled by the administrators of this repository.",
            )?,
            disabled_message_community: self.text(
                "STATS_DASHBOARD_DISABLED_MESSAGE_COMMUNITY",
                "The community statistics dashboard is not enabled. A community manager can enable it in the community's settings.",
            )?,
            basis,
            layout: self.given.get("STATS_DASHBOARD_LAYOUT").cloned(),
            ui_subcounts: self.given.get("STATS_DASHBOARD_UI_SUBCOUNTS").cloned(),
            ui_config: self.given.get("STATS_DASHBOARD_UI_CONFIG").cloned().unwrap_or_else(|| json!({})),
            range_options: self.given.get("STATS_DASHBOARD_DEFAULT_RANGE_OPTIONS").cloned().unwrap_or_else(|| {
                json!({"day": "30days", "week": "yearToDate", "month": "yearToDate", "quarter": "yearToDate", "year": "2years"})
            }),
            links: self.given.get("links").cloned(),
            custom_components: match self.given.get("STATS_DASHBOARD_COMPONENT_METRICS_REGISTRY") {
                None => crate::layout::CustomComponents::default(),
                Some(registry) => crate::layout::CustomComponents::from_json(registry).map_err(|reason| ConfigError {
                    key: "STATS_DASHBOARD_COMPONENT_METRICS_REGISTRY".to_owned(),
                    reason,
                })?,
            },
            sources: match self.given.get("sources") {
                None => Vec::new(),
                Some(value) => crate::sources::sources_from_json(value)
                    .map_err(|reason| ConfigError { key: "sources".to_owned(), reason })?,
            },
            subcounts,
        })
    }

    fn wrong<T>(&self, key: &str, wanted: &str) -> Result<T, ConfigError> {
        let found = self.given.get(key).cloned().unwrap_or(Value::Null);
        Err(ConfigError { key: key.to_owned(), reason: format!("{found} is not {wanted}") })
    }

    fn boolean(&self, key: &str, default: bool) -> Result<bool, ConfigError> {
        match self.given.get(key) {
            None => Ok(default),
            Some(Value::Bool(value)) => Ok(*value),
            Some(Value::Number(n)) if n.as_i64() == Some(1) => Ok(true),
            Some(Value::Number(n)) if n.as_i64() == Some(0) => Ok(false),
            Some(_) => self.wrong(key, "True or False"),
        }
    }

    fn number(&self, key: &str, default: i64) -> Result<i64, ConfigError> {
        match self.given.get(key) {
            None => Ok(default),
            Some(value) => match value.as_i64().filter(|n| *n >= 0) {
                Some(number) => Ok(number),
                None => self.wrong(key, "a whole number of 0 or more"),
            },
        }
    }

    fn share(&self, key: &str, default: f64) -> Result<f64, ConfigError> {
        match self.given.get(key) {
            None => Ok(default),
            Some(value) => match value.as_f64().filter(|n| *n > 0.0 && *n <= 1.0) {
                Some(share) => Ok(share),
                None => self.wrong(key, "a share above 0 and up to 1"),
            },
        }
    }

    fn text(&self, key: &str, default: &str) -> Result<String, ConfigError> {
        match self.given.get(key) {
            None => Ok(default.to_owned()),
            Some(Value::String(text)) => Ok(text.clone()),
            Some(_) => self.wrong(key, "a text"),
        }
    }
}

/// Environment values as Python and shells write them: True/False, numbers, JSON, else text.
fn loose(text: &str) -> Value {
    match text.trim() {
        "True" | "true" | "TRUE" | "yes" | "on" => Value::Bool(true),
        "False" | "false" | "FALSE" | "no" | "off" | "" => Value::Bool(false),
        other => Value::from_str(other).unwrap_or_else(|_| Value::String(other.to_owned())),
    }
}

/// The settings of the domain with their defaults (outside.md, *Repository*).
#[derive(Debug, Clone)]
pub struct Settings {
    pub enabled: bool,
    pub scheduled_aggregation: bool,
    pub scheduled_caching: bool,
    pub dashboard_global: bool,
    pub dashboard_community: bool,
    pub opt_in: bool,
    pub use_test_data: bool,
    /// Pages ask for packed answers, and pack their copies in the browser.
    pub compress_json: bool,
    pub client_cache_compression: bool,
    /// Days one window of an aggregation may span beyond its first.
    pub catchup_days: i64,
    pub top_limit: usize,
    pub exclude_robots: bool,
    pub exclude_machines: bool,
    /// Bytes a run may take; otherwise the share of the memory.
    pub memory_budget: Option<u64>,
    /// Share of the machine's memory a run may take.
    pub memory_share: f64,
    /// Whether a request for a cut-down answer gets one.
    pub optimize: bool,
    /// Days a kept answer lives; 0 keeps none.
    pub cache_days: i64,
    pub cache_prefix: String,
    pub migrate_batch: i64,
    pub migrate_batches: i64,
    pub migrate_memory_percent: i64,
    /// Events of a migrated month that are looked at one by one.
    pub spot_checks: i64,
    pub decimal_sizes: bool,
    /// Days of files as `MM-DD` where a series lies in one year.
    pub legacy_mmdd: bool,
    pub disabled_message_global: String,
    pub disabled_message_community: String,
    pub basis: String,
    pub layout: Option<Value>,
    pub ui_subcounts: Option<Value>,
    pub ui_config: Value,
    pub range_options: Value,
    pub links: Option<Value>,
    /// Components of layouts that are not ours, with the metrics they show.
    pub custom_components: crate::layout::CustomComponents,
    /// Running repositories that `serve` reads by itself, and that commands may name.
    pub sources: Vec<crate::sources::Source>,
    pub subcounts: Vec<Subcount>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_environment_wins_and_the_old_switch_stands_for_both() {
        let config = Config::default().with_env(|key| match key {
            "COMMUNITY_STATS_SCHEDULED_TASKS_ENABLED" => Some("False".to_owned()),
            "COMMUNITY_STATS_SCHEDULED_CACHE_TASKS_ENABLED" => Some("True".to_owned()),
            "COMMUNITY_STATS_CATCHUP_INTERVAL" => Some("10".to_owned()),
            _ => None,
        });
        let settings = config.settings().expect("valid");
        assert!(!settings.scheduled_aggregation && settings.scheduled_caching);
        assert_eq!(settings.catchup_days, 10);
    }

    #[test]
    fn every_key_is_taken_from_the_environment_and_those_without_meaning_are_told_apart() {
        let upper = |key: &&&str| key.starts_with(|c: char| c.is_ascii_uppercase());
        for key in KNOWN.iter().chain(WITHOUT_MEANING).filter(upper) {
            let config = Config::default().with_env(|name| (name == *key).then(|| "1".to_owned()));
            assert_eq!(config.given.len(), 1, "{key}");
            assert_eq!(config.without_meaning().len(), usize::from(WITHOUT_MEANING.contains(key)), "{key}");
        }
        let config =
            Config::default().with_env(|name| (name == "STATS_DASHBOARD_CATCHUP_INTERVAL").then(|| "30".to_owned()));
        assert_eq!(config.settings().expect("valid").catchup_days, 30);
    }

    #[test]
    fn a_wrong_value_names_its_key() {
        let config =
            Config::default().with_env(|key| (key == "COMMUNITY_STATS_TOP_SUBCOUNT_LIMIT").then(|| "many".to_owned()));
        let error = config.check().expect_err("refused").to_string();
        assert!(error.contains("COMMUNITY_STATS_TOP_SUBCOUNT_LIMIT") && error.contains("many"), "{error}");
    }
}
