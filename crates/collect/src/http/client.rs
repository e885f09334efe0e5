//! Asking: throttle, conditions, tries and back-off.

use std::{collections::HashMap, sync::Arc, time::Duration};

use bytes::Bytes;
use jiff::{SignedDuration, Timestamp};
use reqwest::{
    Response, StatusCode,
    header::{HeaderMap, HeaderName, HeaderValue},
};
use tallykeep_model::Clock;
use tokio::{sync::Mutex, time::Instant};

use super::{
    Answer, Ask, HttpMemory, Politeness, Remembered,
    error::{CollectError, detail, is_out_of_reach, one_line, untrusted},
};

/// The client. Cheap to clone; clones share throttles.
#[derive(Clone)]
pub struct HttpClient {
    inner: reqwest::Client,
    politeness: Arc<Politeness>,
    clock: Clock,
    memory: Arc<dyn HttpMemory>,
    next_start: Arc<Mutex<HashMap<String, Instant>>>,
}

/// What one try came to.
enum Try {
    Done(Answer),
    Again { error: CollectError, asked: Option<Duration> },
    Failed(CollectError),
    TokenRejected,
}

impl HttpClient {
    /// Errors: the TLS setup of this machine cannot be used, or the agent holds what a header may not.
    pub fn new(politeness: Politeness, clock: Clock, memory: Arc<dyn HttpMemory>) -> Result<Self, CollectError> {
        Self::trusting(politeness, clock, memory, None)
    }

    /// Like [`HttpClient::new`], trusting certificates signed by these authorities (PEM, one or several) besides the machine's own.
    ///
    /// Errors: as there, or the text holds no certificate.
    pub fn trusting(
        politeness: Politeness,
        clock: Clock,
        memory: Arc<dyn HttpMemory>,
        authorities: Option<&[u8]>,
    ) -> Result<Self, CollectError> {
        let fail = |reason: String| CollectError::Connect {
            upstream: "any upstream".to_owned(),
            reason: one_line(&reason, 200),
        };
        let mut builder = reqwest::Client::builder().user_agent(&politeness.user_agent).timeout(politeness.timeout);
        if let Some(pem) = authorities {
            let found = reqwest::Certificate::from_pem_bundle(pem).map_err(|error| fail(error.to_string()))?;
            if found.is_empty() {
                return Err(fail("the file of certificate authorities holds no certificate".to_owned()));
            }
            builder = builder.tls_certs_merge(found);
        }
        let inner = politeness.hosts.keep(builder, 5).build().map_err(|error| fail(error.to_string()))?;
        Ok(Self { inner, politeness: Arc::new(politeness), clock, memory, next_start: Arc::default() })
    }

    /// Asks, waits, tries again, and answers a 2xx body or why there is none.
    pub async fn ask(&self, ask: &Ask) -> Result<Answer, CollectError> {
        let mut ask = ask.clone();
        let mut token_rejected = false;
        let mut tried = 0;
        loop {
            tried += 1;
            match self.one_try(&ask).await {
                Try::Done(mut answer) => {
                    answer.token_rejected = token_rejected;
                    return Ok(answer);
                }
                Try::Failed(error) => return Err(error),
                Try::TokenRejected => {
                    let error = CollectError::Status {
                        status: 401,
                        upstream: ask.upstream.clone(),
                        detail: ": the token is rejected (expired, revoked or mistyped)".to_owned(),
                    };
                    if !ask.public || token_rejected {
                        return Err(error);
                    }
                    tracing::warn!(upstream = %ask.upstream, "the token is rejected; asking once without it");
                    token_rejected = true;
                    ask.token = None;
                    tried -= 1;
                }
                Try::Again { error, asked } => {
                    let own = self.politeness.retry_base * 2_u32.saturating_pow(tried - 1);
                    let own = own.mul_f64(1.0 + rand::random::<f64>() * 0.2);
                    let wait = asked.unwrap_or_default().max(own);
                    if wait > self.politeness.longest_wait {
                        let until =
                            self.clock.now() + SignedDuration::try_from(wait).unwrap_or(SignedDuration::from_hours(1));
                        let status = if let CollectError::Status { status, .. } = &error { *status } else { 429 };
                        return Err(CollectError::Throttled { status, upstream: ask.upstream.clone(), until });
                    }
                    if tried >= self.politeness.tries {
                        return Err(error);
                    }
                    tracing::debug!(upstream = %ask.upstream, %error, ?wait, "trying again");
                    if !self.politeness.retry_base.is_zero() {
                        tokio::time::sleep(wait).await;
                    }
                }
            }
        }
    }

    /// Waits as before the next try after the `tried`-th, for answers that came well and say that they are not whole.
    pub async fn back_off(&self, tried: u32) {
        let wait = self.politeness.retry_base * 2_u32.saturating_pow(tried.saturating_sub(1));
        tokio::time::sleep(wait.min(self.politeness.longest_wait)).await;
    }

    /// Tries per call, the first included.
    pub fn tries(&self) -> u32 {
        self.politeness.tries
    }

    /// Waits until this host may be asked again, and takes the turn.
    async fn take_turn(&self, ask: &Ask) {
        if ask.throttle.is_zero() {
            return;
        }
        let host = url::Url::parse(&ask.url)
            .ok()
            .and_then(|u| u.host_str().map(|h| format!("{h}:{:?}", u.port_or_known_default())))
            .unwrap_or_default();
        let start = {
            let mut next = self.next_start.lock().await;
            let start = next.get(&host).copied().unwrap_or_else(Instant::now).max(Instant::now());
            next.insert(host, start + ask.throttle);
            start
        };
        tokio::time::sleep_until(start).await;
    }

    async fn one_try(&self, ask: &Ask) -> Try {
        let upstream = ask.upstream.clone();
        let allowed = match url::Url::parse(&ask.url) {
            Ok(url) => self.politeness.hosts.check(&url).map_err(|error| error.to_string()),
            Err(error) => Err(error.to_string()),
        };
        if let Err(reason) = allowed {
            return Try::Failed(CollectError::Connect { upstream, reason });
        }
        self.take_turn(ask).await;
        let known = if ask.conditional {
            match self.memory.recall(&ask.url).await {
                Ok(known) => known,
                Err(reason) => return Try::Failed(CollectError::Memory { upstream, reason }),
            }
        } else {
            None
        };
        let mut request = self.inner.request(ask.method.clone(), &ask.url);
        for (name, value) in &ask.headers {
            match HeaderValue::from_str(value) {
                Ok(mut header) => {
                    header.set_sensitive(*name == "authorization");
                    request = request.header(HeaderName::from_static(name), header);
                }
                Err(_) => {
                    let detail = format!(": the header `{name}` holds characters a header cannot carry");
                    return Try::Failed(CollectError::Status { status: 400, upstream, detail });
                }
            }
        }
        if let Some(known) = &known {
            if let Some(etag) = &known.etag {
                request = request.header("if-none-match", etag);
            } else if let Some(date) = &known.last_modified {
                request = request.header("if-modified-since", date);
            }
        }
        if let Some(token) = &ask.token {
            let Ok(mut value) = HeaderValue::from_str(&format!("Bearer {token}")) else {
                return Try::Failed(CollectError::Status {
                    status: 401,
                    upstream,
                    detail: ": the token holds characters a header cannot carry".to_owned(),
                });
            };
            value.set_sensitive(true);
            request = request.header("authorization", value);
        }
        if let Some(json) = &ask.json {
            request = request.json(json);
        }
        if let Some(timeout) = ask.timeout {
            request = request.timeout(timeout);
        }
        match request.send().await {
            Ok(response) => self.read(ask, known, response).await,
            // What is out of reach stays out of reach.
            Err(error) if error.is_redirect() || is_out_of_reach(&error) => Try::Failed(self.transport(ask, &error)),
            // Whoever is there now will not be another in a second.
            Err(error) if untrusted(&error).is_some() => Try::Failed(self.transport(ask, &error)),
            Err(error) => Try::Again { error: self.transport(ask, &error), asked: None },
        }
    }

    fn transport(&self, ask: &Ask, error: &reqwest::Error) -> CollectError {
        let upstream = ask.upstream.clone();
        if error.is_timeout() {
            return CollectError::Timeout {
                upstream,
                seconds: ask.timeout.unwrap_or(self.politeness.timeout).as_secs(),
            };
        }
        if let Some(reason) = untrusted(error) {
            return CollectError::Untrusted { upstream, reason };
        }
        // The address may carry secrets in its query, so only the causes are told.
        let mut reason = "the connection failed".to_owned();
        let mut cause = std::error::Error::source(error);
        while let Some(inner) = cause {
            reason = inner.to_string();
            cause = inner.source();
        }
        CollectError::Connect { upstream, reason: one_line(&reason, 160) }
    }

    async fn read(&self, ask: &Ask, known: Option<Remembered>, mut response: Response) -> Try {
        let status = response.status();
        let headers = response.headers().clone();
        let url = response.url().to_string();
        let upstream = ask.upstream.clone();
        let limit = self.politeness.body_limit;
        if status == StatusCode::NOT_MODIFIED {
            let Some(known) = known else {
                return Try::Failed(CollectError::Shape {
                    upstream,
                    reason: "304 although nothing was asked conditionally".to_owned(),
                });
            };
            let (body, unchanged) = (known.body, true);
            return Try::Done(Answer { status: 200, headers, body, upstream, url, unchanged, token_rejected: false });
        }
        if response.content_length().is_some_and(|length| length > limit as u64) {
            return Try::Failed(CollectError::TooLarge { upstream, limit });
        }
        let mut body = Vec::new();
        loop {
            match response.chunk().await {
                Ok(None) => break,
                Ok(Some(chunk)) if body.len() + chunk.len() > limit => {
                    return Try::Failed(CollectError::TooLarge { upstream, limit });
                }
                Ok(Some(chunk)) => body.extend_from_slice(&chunk),
                // An error page that breaks off is still told by its status.
                Err(_) if !status.is_success() => break,
                Err(error) => return Try::Again { error: self.transport(ask, &error), asked: None },
            }
        }
        let body = Bytes::from(body);
        if status.is_success() || ask.answers.contains(&status.as_u16()) {
            if ask.conditional {
                let text = |name| headers.get(name).and_then(|v: &HeaderValue| v.to_str().ok()).map(str::to_owned);
                let (etag, last_modified) = (text("etag"), text("last-modified"));
                if etag.is_some() || last_modified.is_some() {
                    let what = Remembered { etag, last_modified, body: body.clone() };
                    if let Err(reason) = self.memory.remember(&ask.url, what).await {
                        return Try::Failed(CollectError::Memory { upstream, reason });
                    }
                }
            }
            let status = status.as_u16();
            return Try::Done(Answer { status, headers, body, upstream, url, unchanged: false, token_rejected: false });
        }
        if status == StatusCode::UNAUTHORIZED && ask.token.is_some() {
            return Try::TokenRejected;
        }
        // "429 from npm" says it all; what a 404 or 403 says of itself helps.
        let helps = status.is_client_error() && !matches!(status.as_u16(), 408 | 425 | 429);
        let detail = if helps { detail(&body) } else { String::new() };
        let error = CollectError::Status { status: status.as_u16(), upstream, detail };
        match asked_wait(status, &headers, &body, self.clock.now()) {
            Some(wait) => Try::Again { error, asked: wait },
            None => Try::Failed(error),
        }
    }
}

/// `Some` when the call may be tried again, with the wait the host asked for, if any.
fn asked_wait(status: StatusCode, headers: &HeaderMap, body: &[u8], now: Timestamp) -> Option<Option<Duration>> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::trim);
    let until = |at: Timestamp| Duration::try_from(at.duration_since(now)).unwrap_or_default();
    let retry_after = text("retry-after").and_then(|value| {
        value
            .parse::<u64>()
            .ok()
            .map(Duration::from_secs)
            .or_else(|| jiff::fmt::rfc2822::parse(value).ok().map(|at| until(at.timestamp())))
    });
    let empty = text("x-ratelimit-remaining") == Some("0");
    let reset = text("x-ratelimit-reset").and_then(|value| value.parse::<i64>().ok()).and_then(|at| {
        // GitHub gives an instant, pypistats seconds from now.
        if at < 1_000_000_000 {
            u64::try_from(at).ok().map(Duration::from_secs)
        } else {
            Timestamp::from_second(at).ok().map(until)
        }
    });
    let asked = if empty { retry_after.max(reset) } else { retry_after };
    match status.as_u16() {
        429 | 503 => Some(asked),
        408 | 425 | 500 | 502 | 504 => Some(asked),
        // GitHub's secondary limit; without a number it asks for at least a minute.
        403 if retry_after.is_some() || empty => Some(asked),
        403 if String::from_utf8_lossy(body).to_ascii_lowercase().contains("secondary rate limit") => {
            Some(Some(Duration::from_secs(60)))
        }
        _ => None,
    }
}
