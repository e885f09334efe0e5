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

#[tokio::test]
async fn a_client_that_dribbles_its_body_is_let_go() {
    let limits = Limits { time: Duration::from_millis(400), ..Limits::default() };
    let server = Server::with(AccessConfig::default(), |builder| builder.limits(limits)).await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("its address");
    let stop = CancellationToken::new();
    let serving = tokio::spawn(serve(server.app.clone(), listener, stop.clone()));
    let mut slow = TcpStream::connect(address).await.expect("connected");
    let head = "POST /api/v1/session HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{";
    slow.write_all(head.as_bytes()).await.expect("sent");
    let mut said = [0; 64];
    let read =
        tokio::time::timeout(Duration::from_secs(20), slow.read(&mut said)).await.expect("an answer").expect("read");
    assert!(
        String::from_utf8_lossy(&said[..read]).starts_with("HTTP/1.1 503"),
        "{}",
        String::from_utf8_lossy(&said[..read])
    );
    stop.cancel();
    assert!(serving.await.expect("no panic").is_ok());
}

/// Many who hold a connection open without asking keep nobody else out.
#[tokio::test]
async fn many_slow_clients_keep_nobody_out() {
    let (address, stop, serving, _server) = listening().await;
    let mut slow = Vec::new();
    for _ in 0..300 {
        let mut client = TcpStream::connect(address).await.expect("connected");
        client.write_all(b"GET / HTTP/1.1\r\n").await.expect("sent");
        slow.push(client);
    }
    let mut client = TcpStream::connect(address).await.expect("connected");
    client.write_all(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n").await.expect("sent");
    let mut said = String::new();
    tokio::time::timeout(Duration::from_secs(10), client.read_to_string(&mut said))
        .await
        .expect("in time")
        .expect("read");
    assert!(said.starts_with("HTTP/1.1 200 OK\r\n"), "{said}");
    for mut client in slow {
        let mut rest = Vec::new();
        tokio::time::timeout(Duration::from_secs(20), client.read_to_end(&mut rest)).await.expect("let go").ok();
    }
    stop.cancel();
    assert!(serving.await.expect("no panic"));
}
