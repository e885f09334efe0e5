//! Over a real connection.

use std::time::Duration;

use tallykeep_access::AccessConfig;
use tallykeep_server::{Limits, serve};
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::{TcpListener, TcpStream},
};
use tokio_util::sync::CancellationToken;

use crate::support::Server;

/// A server on a port of its own with short limits.
async fn listening() -> (std::net::SocketAddr, CancellationToken, tokio::task::JoinHandle<bool>, Server) {
    let limits = Limits { headers: Duration::from_millis(300), farewell: Duration::from_secs(5), ..Limits::default() };
    let server = Server::with(AccessConfig::default(), |builder| builder.limits(limits)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let stop = CancellationToken::new();
    let serving = tokio::spawn({
        let (app, stop) = (server.app.clone(), stop.clone());
        async move { serve(app, listener, stop).await.is_ok() }
    });
    (address, stop, serving, server)
}

#[tokio::test]
async fn a_client_that_dribbles_its_headers_is_let_go() {
    let (address, stop, serving, _server) = listening().await;
    let mut slow = TcpStream::connect(address).await.expect("connected");
    slow.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n").await.expect("sent");
    let mut said = Vec::new();
    let ended = tokio::time::timeout(Duration::from_secs(20), slow.read_to_end(&mut said)).await;
    assert!(ended.is_ok(), "still connected");
    assert!(!String::from_utf8_lossy(&said).contains(" 200 "));
    stop.cancel();
    assert!(serving.await.expect("no panic"));
}

#[tokio::test]
async fn headers_too_large_are_refused() {
    let (address, stop, serving, _server) = listening().await;
    let mut client = TcpStream::connect(address).await.expect("connected");
    let large = format!("GET /healthz HTTP/1.1\r\nHost: localhost\r\nX-Large: {}\r\n\r\n", "x".repeat(200_000));
    // The server may hang up before everything is sent.
    let _ = client.write_all(large.as_bytes()).await;
    let mut said = Vec::new();
    let _ = tokio::time::timeout(Duration::from_secs(20), client.read_to_end(&mut said)).await.expect("an end");
    assert!(!String::from_utf8_lossy(&said).contains(" 200 "));
    stop.cancel();
    assert!(serving.await.expect("no panic"));
}

#[tokio::test]
async fn told_to_stop_it_answers_the_last_request_and_ends() {
    let (address, stop, serving, _server) = listening().await;
    let mut client = TcpStream::connect(address).await.expect("connected");
    client.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.expect("sent");
    let mut said = String::new();
    client.read_to_string(&mut said).await.expect("read");
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
    stop.cancel();
    let ended = tokio::time::timeout(Duration::from_secs(10), serving).await.expect("it ends");
    assert!(ended.expect("no panic"));
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens any more");
}
