//! How fakes are reached: a port of loopback, one task a connection, one request and its answer on each.

use std::{collections::BTreeMap, future::Future};

use serde_json::Value;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};

/// One request as it came.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: String,
    pub path: String,
    pub query: String,
    /// Names in lower case.
    pub headers: BTreeMap<String, String>,
    pub body: String,
}

impl Asked {
    /// `GET /path?query`.
    pub fn line(&self) -> String {
        let question = if self.query.is_empty() { "" } else { "?" };
        format!("{} {}{question}{}", self.method, self.path, self.query)
    }
}

/// A status, further lines of the head (each ended by CR LF), and a body.
pub(crate) type JsonReply = (u16, String, Value);

/// A free port of loopback. What serves it ends with the runtime of the test.
pub(crate) struct Door {
    listener: TcpListener,
}

impl Door {
    /// Panics when there is no port, which only a broken machine has.
    pub async fn open() -> Self {
        Self { listener: TcpListener::bind("127.0.0.1:0").await.expect("a port of loopback") }
    }

    pub fn base(&self, scheme: &str) -> String {
        format!("{scheme}://{}", self.listener.local_addr().expect("a bound socket has an address"))
    }

    pub fn serve<F>(self, handle: impl Fn(TcpStream) -> F + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        tokio::spawn(async move {
            while let Ok((socket, _)) = self.listener.accept().await {
                tokio::spawn(handle(socket));
            }
        });
    }

    /// Answers requests with JSON; `None` ends the connection without a word.
    pub fn serve_json<F>(self, answer: impl Fn(Asked) -> F + Clone + Send + Sync + 'static)
    where
        F: Future<Output = Option<JsonReply>> + Send + 'static,
    {
        self.serve(move |mut socket| {
            let answer = answer.clone();
            async move {
                let Some(asked) = read_request(&mut socket).await else { return };
                let Some((status, headers, body)) = answer(asked).await else { return };
                let text = body.to_string();
                let head = format!(
                    "HTTP/1.1 {status} X\r\nconnection: close\r\ncontent-type: application/json\r\n{headers}content-length: {}\r\n\r\n",
                    text.len()
                );
                let _ = socket.write_all(head.as_bytes()).await;
                let _ = socket.write_all(text.as_bytes()).await;
                let _ = socket.shutdown().await;
            }
        });
    }
}

pub(crate) async fn read_request(socket: &mut TcpStream) -> Option<Asked> {
    let mut bytes = Vec::new();
    let mut buffer = [0; 4096];
    let head_end = loop {
        let read = socket.read(&mut buffer).await.ok()?;
        if read == 0 {
            return None;
        }
        bytes.extend_from_slice(&buffer[..read]);
        if let Some(at) = bytes.windows(4).position(|w| w == b"\r\n\r\n") {
            break at;
        }
    };
    let head = String::from_utf8_lossy(&bytes[..head_end]).into_owned();
    let mut lines = head.lines();
    let mut first = lines.next()?.split(' ');
    let (method, target) = (first.next()?.to_owned(), first.next()?.to_owned());
    let headers: BTreeMap<String, String> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.trim().to_lowercase(), value.trim().to_owned()))
        .collect();
    let length: usize = headers.get("content-length").and_then(|l| l.parse().ok()).unwrap_or(0);
    let mut body = bytes[head_end + 4..].to_vec();
    while body.len() < length {
        let read = socket.read(&mut buffer).await.ok()?;
        if read == 0 {
            break;
        }
        body.extend_from_slice(&buffer[..read]);
    }
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    Some(Asked {
        method,
        path: path.to_owned(),
        query: query.to_owned(),
        headers,
        body: String::from_utf8_lossy(&body).into_owned(),
    })
}
