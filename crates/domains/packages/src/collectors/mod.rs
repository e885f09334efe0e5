//! Collectors: one file per source. Each says what its source can deliver, asks, and turns the answer into days.
//!
//! To add a source of daily downloads: a file with a [`DailySource`], a line in [`SOURCES`], its address in `upstreams.rs`, a test.

pub mod cranlogs;
pub mod cratesio;
pub mod duckdb;
pub mod github;
pub mod hn;
pub mod npm;
pub mod packagist;
pub mod pypistats;

use std::{collections::BTreeMap, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::civil::Date;
use serde_json::Value;
use tallykeep_collect::{AllowedHosts, Ask, CollectError, HttpClient, HttpMemory, Politeness, Remembered};
use tallykeep_control::packages::{PackagesStore, StoredBody};
use tallykeep_model::Clock;

use crate::{config::Config, environment::Settings, upstreams::Upstream};

/// Every source of daily downloads.
pub const SOURCES: &[&dyn DailySource] =
    &[&pypistats::Pypistats, &cratesio::CratesIo, &npm::Npm, &cranlogs::Cranlogs, &packagist::Packagist];

/// The collector of a source; `None` when its rows can only be imported.
pub fn daily_source(id: &str) -> Option<&'static dyn DailySource> {
    SOURCES.iter().copied().find(|source| source.about().id == id)
}

/// How much one call brings, and how far back a source remembers (spec §6.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reach {
    /// Days before today a source can still deliver; `None` for all.
    pub days: Option<i64>,
    /// One call brings everything there is, whatever was asked for.
    pub whole: bool,
    /// Days one call may ask for.
    pub chunk_days: i64,
    /// Zeros within this many last days mean "not yet".
    pub late_zero_days: i64,
    /// The source leaves out days without downloads, so `absent_means_zero` may be set.
    pub leaves_out_zeros: bool,
    /// The first day the source ever has.
    pub since: Option<Date>,
}

/// What a source answered: days with counts, and remarks. Days it left out are absent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Fetched {
    pub days: BTreeMap<Date, i64>,
    /// Days whose count cannot be believed, with the reason.
    pub refused: BTreeMap<Date, String>,
    pub notes: Vec<String>,
}

impl Fetched {
    /// Of rows with `day` and `downloads`; one that lacks either makes the answer unusable.
    pub(crate) fn of_rows(rows: &[Value], upstream: Upstream) -> Result<Self, CollectError> {
        let mut fetched = Self::default();
        for row in rows {
            let (Some(day), Some(count)) = (day(&row["day"]), row["downloads"].as_i64()) else {
                return Err(shape(upstream, "a row lacks its day or its downloads"));
            };
            fetched.take(day, count);
        }
        Ok(fetched)
    }

    /// Takes a day's count. A negative one is refused, and so are two different ones for one day.
    pub(crate) fn take(&mut self, day: Date, count: i64) {
        if count < 0 {
            self.refused.insert(day, format!("a negative count ({count})"));
        } else if let Some(other) = self.days.get(&day).filter(|other| **other != count) {
            self.refused.insert(day, format!("two different counts ({other} and {count})"));
        } else {
            self.days.insert(day, count);
        }
    }

    /// The first and the last day the answer speaks of.
    pub fn span(&self) -> Option<(Date, Date)> {
        let keys = || self.days.keys().chain(self.refused.keys());
        Some((*keys().min()?, *keys().max()?))
    }
}

/// What is always true of a source.
#[derive(Debug)]
pub struct About {
    /// The token in `metrics.source`.
    pub id: &'static str,
    /// The registry's name for people.
    pub registry: &'static str,
    pub upstream: Upstream,
    /// The usual SDK of its packages, for `init`.
    pub sdk: &'static str,
    /// The word before the package in `source_ref`.
    pub reference: &'static str,
    pub reach: Reach,
}

/// A source of daily downloads.
#[async_trait::async_trait]
pub trait DailySource: Send + Sync {
    fn about(&self) -> &'static About;
    /// What `source_ref` says about a package.
    fn source_ref(&self, _: &Asker, package: &str) -> String {
        format!("{}:{package}", self.about().reference)
    }
    /// Downloads per UTC day of a package, at least those of `[first, last]` the source has.
    ///
    /// Shape: by day; a day the source leaves out is absent, not zero. Unit: downloads per UTC day; additive.
    /// Errors: 404 (unknown package), `Throttled` (try later), `Shape` and `NotJson` (answer not understood).
    async fn daily(&self, asker: &Asker, package: &str, first: Date, last: Date) -> Result<Fetched, CollectError>;
}

/// What collectors ask with: the client, the addresses, the settings.
#[derive(Clone)]
pub struct Asker {
    pub client: HttpClient,
    pub settings: Settings,
    pub pypi_mirrors: bool,
    pub clock: Clock,
}

impl Asker {
    /// Errors: the machine cannot speak TLS, or the contact holds what a header may not.
    pub fn new(
        settings: Settings,
        config: &Config,
        clock: Clock,
        memory: Arc<dyn HttpMemory>,
    ) -> Result<Self, CollectError> {
        let contact = config.refresh.contact.as_deref().unwrap_or("self-hosted community statistics");
        let defaults = Politeness::default();
        let environment = settings.environment();
        let bases = environment.names("COMMUNITY_METRICS_").into_iter().filter(|name| name.ends_with("_BASE_URL"));
        let bases: Vec<String> = bases.filter_map(|name| environment.get(&name).map(str::to_owned)).collect();
        let politeness = Politeness {
            hosts: AllowedHosts::naming(bases.iter().map(|base| base.trim())),
            user_agent: format!("tallykeep/{} ({contact})", env!("CARGO_PKG_VERSION")),
            timeout: settings.timeout,
            retry_base: settings.retry_base.unwrap_or(defaults.retry_base),
            ..defaults
        };
        let client = HttpClient::new(politeness, clock, memory)?;
        Ok(Self { client, settings, pypi_mirrors: config.refresh.pypi_mirrors, clock })
    }

    /// A question to an upstream's path.
    pub fn get(&self, upstream: Upstream, path: &str) -> Ask {
        let address = upstream.address(self.settings.environment());
        Ask::get(upstream.name, format!("{address}{path}")).throttle(self.throttle(upstream))
    }

    pub fn throttle(&self, upstream: Upstream) -> Duration {
        self.settings.throttle.unwrap_or(Duration::from_millis(upstream.throttle_ms))
    }
}

/// Bodies and validators in the control database.
pub struct StoredMemory(pub PackagesStore);

#[async_trait::async_trait]
impl HttpMemory for StoredMemory {
    async fn recall(&self, url: &str) -> Result<Option<Remembered>, String> {
        let body = self.0.body(url).await.map_err(|error| error.to_string())?;
        Ok(body.map(|b| Remembered { etag: b.etag, last_modified: b.last_modified, body: Bytes::from(b.body) }))
    }

    async fn remember(&self, url: &str, what: Remembered) -> Result<(), String> {
        let body = StoredBody { etag: what.etag, last_modified: what.last_modified, body: what.body.to_vec() };
        self.0.store_body(url, &body).await.map_err(|error| error.to_string())
    }
}

pub(crate) fn shape(upstream: Upstream, reason: impl Into<String>) -> CollectError {
    CollectError::Shape { upstream: upstream.name.to_owned(), reason: reason.into() }
}

/// A day field; `None` when it is no day.
pub(crate) fn day(value: &Value) -> Option<Date> {
    value.as_str()?.get(..10)?.parse().ok()
}

/// One segment of a path, everything but letters, digits and `-_.` encoded.
pub(crate) fn segment(text: &str) -> String {
    use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
    const KEEP: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
    utf8_percent_encode(text, KEEP).to_string()
}
