//! How often somebody may ask. Counted in memory, per minute; by the machine's own time, for it is about load, not data.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{
    http::{HeaderName, HeaderValue, StatusCode, header},
    response::Response,
};
use tallykeep_access::AccessConfig;

use crate::error::ApiError;

const WINDOW: Duration = Duration::from_secs(60);

/// The counters of everybody.
pub(crate) struct Rate {
    per_address: u32,
    per_caller: u32,
    counters: moka::future::Cache<String, Arc<Counter>>,
}

struct Counter {
    began: Instant,
    asked: AtomicU32,
}

/// Where somebody stands in the minute.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Standing {
    limit: u32,
    remaining: u32,
    /// Seconds until the minute is over.
    reset: u64,
}

impl Rate {
    pub fn new(config: &AccessConfig) -> Self {
        Self {
            per_address: config.requests_per_minute,
            per_caller: config.requests_per_minute_signed_in,
            // An entry's life is the minute itself. Somebody pushed out by a flood of others starts afresh.
            counters: moka::future::Cache::builder().max_capacity(100_000).time_to_live(WINDOW).build(),
        }
    }

    /// Counts one request from an address.
    pub async fn address(&self, address: &str) -> Result<Option<Standing>, ApiError> {
        self.count(format!("address:{address}"), self.per_address).await
    }

    /// Counts one request of a user or token, by the actor's key.
    pub async fn caller(&self, key: &str) -> Result<Option<Standing>, ApiError> {
        self.count(key.to_owned(), self.per_caller).await
    }

    async fn count(&self, key: String, limit: u32) -> Result<Option<Standing>, ApiError> {
        if limit == 0 {
            return Ok(None);
        }
        let fresh = async { Arc::new(Counter { began: Instant::now(), asked: AtomicU32::new(0) }) };
        let counter = self.counters.get_with(key, fresh).await;
        let asked = counter.asked.fetch_add(1, Ordering::Relaxed).saturating_add(1);
        let reset = WINDOW.saturating_sub(counter.began.elapsed()).as_secs() + 1;
        let standing = Standing { limit, remaining: limit.saturating_sub(asked), reset };
        if asked <= limit {
            return Ok(Some(standing));
        }
        let message = format!("more than {limit} requests a minute; try again in {reset} seconds");
        let mut error =
            ApiError::new(StatusCode::TOO_MANY_REQUESTS, message).header(header::RETRY_AFTER, HeaderValue::from(reset));
        for (name, value) in standing.headers() {
            error = error.header(name, value);
        }
        Err(error)
    }
}

impl Standing {
    fn headers(self) -> [(HeaderName, HeaderValue); 3] {
        [
            (HeaderName::from_static("x-ratelimit-limit"), HeaderValue::from(self.limit)),
            (HeaderName::from_static("x-ratelimit-remaining"), HeaderValue::from(self.remaining)),
            (HeaderName::from_static("x-ratelimit-reset"), HeaderValue::from(self.reset)),
        ]
    }

    /// Writes itself into an answer that holds no standing yet: the innermost, the caller's own, wins.
    pub fn write(self, response: &mut Response) {
        if response.headers().contains_key("x-ratelimit-limit") {
            return;
        }
        response.headers_mut().extend(self.headers());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_request_after_the_last_is_refused_with_a_time() {
        let rate = Rate::new(&AccessConfig { requests_per_minute: 3, ..AccessConfig::default() });
        for left in [2, 1, 0] {
            assert_eq!(rate.address("a").await.expect("allowed").expect("a limit").remaining, left);
        }
        let refused = rate.address("a").await.expect_err("too many");
        assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS);
        assert!(refused.headers.iter().any(|(name, _)| *name == header::RETRY_AFTER));
        assert!(rate.address("b").await.is_ok(), "another address has its own count");
        let off = Rate::new(&AccessConfig { requests_per_minute: 0, ..AccessConfig::default() });
        assert!(off.address("a").await.expect("allowed").is_none());
    }
}
