//! One HTTP client for every upstream: named, slow enough, patient, and never trusting what comes back.
//!
//! Waits come from three places: the throttle between two request starts to one host, our own back-off (1, 2, 4 s), and
//! what the host asks for (`Retry-After`, `x-ratelimit-reset`). A wait over two minutes is not waited: the call fails with
//! `Throttled`, which says when to try again, and the caller goes on with something else.

mod client;
mod error;

use std::time::Duration;

use bytes::Bytes;
pub use reqwest::Method;
use reqwest::header::HeaderMap;
use serde_json::Value;

pub use self::{
    client::HttpClient,
    error::{CollectError, one_line},
};
use crate::hosts::AllowedHosts;

/// How the client behaves. The defaults are polite; tests set the waits to zero.
#[derive(Debug, Clone)]
pub struct Politeness {
    /// `<app>/<version> (<contact>)`.
    pub user_agent: String,
    /// For one try, connecting and body included.
    pub timeout: Duration,
    /// First back-off; doubled each time. Zero switches every wait between tries off.
    pub retry_base: Duration,
    /// Tries per call, the first included.
    pub tries: u32,
    /// A host that asks for more patience than this is left alone for now.
    pub longest_wait: Duration,
    /// Bytes of one body, decompressed.
    pub body_limit: usize,
    /// Which hosts may have private addresses; none unless said otherwise.
    pub hosts: AllowedHosts,
}

impl Default for Politeness {
    fn default() -> Self {
        Self {
            user_agent: concat!("tallykeep/", env!("CARGO_PKG_VERSION"), " (self-hosted statistics)").to_owned(),
            timeout: Duration::from_secs(30),
            retry_base: Duration::from_secs(1),
            tries: 4,
            longest_wait: Duration::from_secs(120),
            body_limit: 16 * 1024 * 1024,
            hosts: AllowedHosts::default(),
        }
    }
}

/// The body an upstream gave before, and how to ask whether it changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remembered {
    pub etag: Option<String>,
    pub last_modified: Option<String>,
    pub body: Bytes,
}

/// Where validators and bodies are kept between runs.
#[async_trait::async_trait]
pub trait HttpMemory: Send + Sync {
    async fn recall(&self, url: &str) -> Result<Option<Remembered>, String>;
    async fn remember(&self, url: &str, what: Remembered) -> Result<(), String>;
}

/// Remembers nothing.
pub struct NoMemory;

#[async_trait::async_trait]
impl HttpMemory for NoMemory {
    async fn recall(&self, _: &str) -> Result<Option<Remembered>, String> {
        Ok(None)
    }
    async fn remember(&self, _: &str, _: Remembered) -> Result<(), String> {
        Ok(())
    }
}

/// One question to an upstream.
#[derive(Clone)]
pub struct Ask {
    /// The upstream's name in messages, e.g. `crates.io`.
    pub upstream: String,
    pub url: String,
    pub method: Method,
    pub headers: Vec<(&'static str, String)>,
    /// A bearer token for this host only. Never shown; dropped by redirects to another host.
    pub token: Option<String>,
    /// Whether a rejected token may be left out in a second try.
    pub public: bool,
    pub json: Option<Value>,
    /// Whether to keep the body and ask conditionally next time.
    pub conditional: bool,
    /// Least time between two request starts to this host.
    pub throttle: Duration,
    /// Instead of the client's, for slow services.
    pub timeout: Option<Duration>,
    /// Statuses outside 2xx whose body is an answer too, e.g. 410 with a tombstone.
    pub answers: &'static [u16],
}

impl Ask {
    pub fn get(upstream: impl Into<String>, url: impl Into<String>) -> Self {
        Self {
            upstream: upstream.into(),
            url: url.into(),
            method: Method::GET,
            headers: Vec::new(),
            token: None,
            public: true,
            json: None,
            conditional: false,
            throttle: Duration::ZERO,
            timeout: None,
            answers: &[],
        }
    }

    pub fn post(upstream: impl Into<String>, url: impl Into<String>, json: Value) -> Self {
        Self { method: Method::POST, json: Some(json), ..Self::get(upstream, url) }
    }

    pub fn header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub fn throttle(mut self, gap: Duration) -> Self {
        self.throttle = gap;
        self
    }

    pub fn conditional(mut self) -> Self {
        self.conditional = true;
        self
    }
}

/// What an upstream answered: 2xx, or a status the question named as an answer.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    pub headers: HeaderMap,
    pub body: Bytes,
    pub upstream: String,
    /// Where the answer came from in the end, after redirects.
    pub url: String,
    /// 304: the upstream said the remembered body is still right.
    pub unchanged: bool,
    /// The token was refused and the answer was given without it.
    pub token_rejected: bool,
}

impl Answer {
    /// The body as JSON. Errors: `NotJson`, naming the upstream. Nesting is limited to 128 levels.
    pub fn json(&self) -> Result<Value, CollectError> {
        serde_json::from_slice(&self.body).map_err(|error| CollectError::NotJson {
            status: self.status,
            upstream: self.upstream.clone(),
            reason: one_line(&error.to_string(), 120),
        })
    }

    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }
}
