//! How much one request may be, and how long it may take.

use std::time::Duration;

/// Bounds on requests. A route may raise its own body bound with `Route::body_limit`.
#[derive(Debug, Clone)]
pub struct Limits {
    /// Bytes of a request body.
    pub body: usize,
    /// From the end of the headers to the start of the answer.
    pub time: Duration,
    /// Until a client has sent its headers, and between requests of a connection.
    pub headers: Duration,
    /// How long running requests and jobs get to finish when the server is told to stop.
    pub farewell: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 2 * 1024 * 1024,
            time: Duration::from_secs(60),
            headers: Duration::from_secs(15),
            farewell: Duration::from_secs(10),
        }
    }
}
