//! JSON to an address the operator configured. No redirect is followed: the address written down is the one written to.

use std::time::Duration;

use reqwest::{StatusCode, Url};
use serde_json::Value;
use tallykeep_collect::AllowedHosts;

use crate::{NotifyError, one_line};

/// Posts to webhooks. Cheap to clone.
#[derive(Clone)]
pub struct Webhook {
    client: reqwest::Client,
    tries: u32,
    retry_base: Duration,
}

impl Webhook {
    /// `retry_base` is the first wait between two tries, doubled each time; zero for none.
    ///
    /// Errors: the TLS setup of this machine cannot be used.
    pub fn new(timeout: Duration, retry_base: Duration) -> Result<Self, NotifyError> {
        let builder =
            reqwest::Client::builder().user_agent(concat!("tallykeep/", env!("CARGO_PKG_VERSION"))).timeout(timeout);
        let client = AllowedHosts::only_named()
            .keep(builder, 0)
            .build()
            .map_err(|error| NotifyError::Settings(format!("webhooks: {error}")))?;
        Ok(Self { client, tries: 3, retry_base })
    }

    /// Whether an address can be posted to. Errors: not http or https, no host, or a name and password in it.
    pub fn check(address: &str) -> Result<Url, NotifyError> {
        let wrong = |reason: &str| NotifyError::Settings(format!("the webhook's address {reason}"));
        let url = Url::parse(address.trim()).map_err(|error| wrong(&format!("is not one: {error}")))?;
        match (url.scheme(), url.host_str()) {
            ("http" | "https", Some(_)) if url.username().is_empty() && url.password().is_none() => {
                AllowedHosts::only_named().check(&url).map_err(|error| wrong(&format!("cannot be: {error}")))?;
                Ok(url)
            }
            ("http" | "https", Some(_)) => Err(wrong("holds a name or a password")),
            (scheme, _) => Err(wrong(&format!("starts with `{scheme}:`; write http or https"))),
        }
    }

    /// Posts a JSON document; taken means a 2xx answer. Its body is not read.
    pub async fn post(&self, address: &str, document: &Value) -> Result<(), NotifyError> {
        self.post_bytes(address, "application/json", document.to_string().into_bytes()).await
    }

    /// The same with any body.
    pub async fn post_bytes(&self, address: &str, content_type: &str, body: Vec<u8>) -> Result<(), NotifyError> {
        let url = Self::check(address)?;
        let host = url.host_str().unwrap_or_default().to_owned();
        let mut tried = 0;
        loop {
            tried += 1;
            let request = self.client.post(url.clone()).header("content-type", content_type).body(body.clone());
            let error = match request.send().await {
                Ok(answer) if answer.status().is_success() => return Ok(()),
                Ok(answer) => refused(&host, answer.status()),
                Err(error) => unreachable_host(&host, &error),
            };
            if !error.is_temporary() || tried >= self.tries {
                return Err(error);
            }
            tracing::debug!(%host, %error, "trying again");
            tokio::time::sleep(self.retry_base * 2_u32.saturating_pow(tried - 1)).await;
        }
    }
}

fn refused(host: &str, status: StatusCode) -> NotifyError {
    let reason = if status.is_redirection() {
        format!("{}: it points elsewhere, which is not followed; configure the address itself", status.as_u16())
    } else {
        status.as_u16().to_string()
    };
    let is_temporary = status.is_server_error() || matches!(status.as_u16(), 408 | 425 | 429);
    NotifyError::Webhook { host: host.to_owned(), reason, is_temporary }
}

/// The innermost cause only: the outer ones repeat the address.
fn unreachable_host(host: &str, error: &reqwest::Error) -> NotifyError {
    let mut reason = if error.is_timeout() { "no answer in time" } else { "the connection failed" }.to_owned();
    let mut cause = std::error::Error::source(error);
    while let Some(inner) = cause {
        if !error.is_timeout() {
            reason = inner.to_string();
        }
        cause = inner.source();
    }
    NotifyError::Webhook { host: host.to_owned(), reason: one_line(&reason, 160), is_temporary: true }
}
