//! How the provider is asked: no redirects, bounded answers, https, and only hosts that a provider may name.

use std::{future::Future, pin::Pin, time::Duration};

use openidconnect::{AsyncHttpClient, HttpRequest, HttpResponse};
use tallykeep_collect::{AllowedHosts, OutOfReach};

/// For one request, connecting and body included.
const TIMEOUT: Duration = Duration::from_secs(10);
/// Bytes of one answer.
const MOST_BYTES: usize = 256 * 1024;

/// Why a request to the provider gave nothing.
#[derive(Debug, thiserror::Error)]
pub enum AskError {
    #[error("{0} must be an https address")]
    NotHttps(String),
    #[error(transparent)]
    OutOfReach(#[from] OutOfReach),
    #[error("no connection: {0}")]
    Connection(String),
    #[error("the answer is larger than {MOST_BYTES} bytes")]
    TooLarge,
    #[error("the request could not be made: {0}")]
    Request(String),
}

/// The client that the library asks through.
pub struct ProviderHttp {
    inner: reqwest::Client,
    hosts: AllowedHosts,
}

impl ProviderHttp {
    /// Of the hosts the provider uses only the issuer's own may have a private address.
    pub fn new(issuer: &str) -> Result<Self, AskError> {
        let hosts = AllowedHosts::naming([issuer]);
        let builder = hosts.keep(reqwest::Client::builder().timeout(TIMEOUT), 0);
        let inner = builder.build().map_err(|error| AskError::Connection(error.to_string()))?;
        Ok(Self { inner, hosts })
    }

    async fn send(&self, request: HttpRequest) -> Result<HttpResponse, AskError> {
        let request = reqwest::Request::try_from(request).map_err(|error| AskError::Request(error.to_string()))?;
        let url = request.url();
        if !is_https_or_loopback(url) {
            return Err(AskError::NotHttps(format!("{}://{}", url.scheme(), url.host_str().unwrap_or(""))));
        }
        self.hosts.check(url)?;
        let mut answer = self.inner.execute(request).await.map_err(connection)?;
        let mut made = openidconnect::http::Response::builder().status(answer.status());
        for (name, value) in answer.headers() {
            made = made.header(name, value);
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(connection)? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(AskError::TooLarge);
            }
            body.extend_from_slice(&chunk);
        }
        made.body(body).map_err(|error| AskError::Request(error.to_string()))
    }
}

impl<'c> AsyncHttpClient<'c> for ProviderHttp {
    type Error = AskError;
    type Future = Pin<Box<dyn Future<Output = Result<HttpResponse, AskError>> + Send + 'c>>;

    fn call(&'c self, request: HttpRequest) -> Self::Future {
        Box::pin(self.send(request))
    }
}

/// The innermost cause; an address with its query is never part of it.
fn connection(error: reqwest::Error) -> AskError {
    let error = error.without_url();
    let mut reason = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(inner) = cause {
        reason = inner.to_string();
        cause = inner.source();
    }
    AskError::Connection(reason)
}

/// https, or http for a provider on the same machine.
fn is_https_or_loopback(url: &url::Url) -> bool {
    let is_loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    url.scheme() == "https" || (url.scheme() == "http" && is_loopback)
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn ask(issuer: &str, url: &str) -> AskError {
        let request = openidconnect::http::Request::get(url).body(Vec::new()).expect("a request");
        ProviderHttp::new(issuer).expect("a client").send(request).await.expect_err("refused")
    }

    #[tokio::test]
    async fn what_a_discovery_document_names_cannot_be_inside() {
        let issuer = "https://accounts.example.org";
        assert!(matches!(ask(issuer, "http://accounts.example.org/token").await, AskError::NotHttps(_)));
        for inside in
            ["https://10.0.0.7/token", "https://169.254.169.254/", "http://127.0.0.1:1/", "https://[fd00::1]/keys"]
        {
            assert!(matches!(ask(issuer, inside).await, AskError::OutOfReach(_)), "{inside}");
        }
        assert!(matches!(ask("http://127.0.0.1:1", "http://127.0.0.1:1/").await, AskError::Connection(_)));
    }
}
