//! The client against a socket that answers what a test wrote down.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use bytes::Bytes;
use tallykeep_collect::{AllowedHosts, Ask, CollectError, HttpClient, HttpMemory, NoMemory, Politeness, Remembered};
use tallykeep_model::Clock;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpListener,
};

struct Upstream {
    base: String,
    asked: Arc<Mutex<Vec<String>>>,
}

/// Answers the n-th connection with the n-th text, the last one for ever.
async fn upstream(answers: Vec<String>) -> Upstream {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let base = format!("http://{}", listener.local_addr().expect("bound"));
    let asked = Arc::new(Mutex::new(Vec::new()));
    let log = asked.clone();
    tokio::spawn(async move {
        let mut n = 0;
        while let Ok((mut socket, _)) = listener.accept().await {
            let mut buffer = vec![0; 8192];
            let read = socket.read(&mut buffer).await.unwrap_or(0);
            log.lock().expect("unpoisoned").push(String::from_utf8_lossy(&buffer[..read]).to_lowercase());
            let answer = &answers[n.min(answers.len() - 1)];
            n += 1;
            let _ = socket.write_all(answer.as_bytes()).await;
            let _ = socket.shutdown().await;
        }
    });
    Upstream { base, asked }
}

fn answer(status: &str, headers: &str, body: &str) -> String {
    format!("HTTP/1.1 {status}\r\nconnection: close\r\ncontent-length: {}\r\n{headers}\r\n{body}", body.len())
}

fn clock() -> Clock {
    Clock::Fixed("2026-03-08T09:00:00Z".parse().expect("an instant"))
}

fn client(memory: Arc<dyn HttpMemory>) -> HttpClient {
    let politeness = Politeness {
        user_agent: "tallykeep/test (tests)".to_owned(),
        retry_base: Duration::ZERO,
        timeout: Duration::from_secs(2),
        body_limit: 1000,
        // Where the fake upstreams of these tests are.
        hosts: AllowedHosts::naming(["http://127.0.0.1"]),
        ..Politeness::default()
    };
    HttpClient::new(politeness, clock(), memory).expect("a client")
}

#[tokio::test]
async fn it_names_itself_and_tries_again() {
    let up = upstream(vec![
        answer("503 No", "", "<html>"),
        answer("429 Slow", "retry-after: 3\r\n", ""),
        answer("200 OK", "", "{\"a\":1}"),
    ])
    .await;
    let got =
        client(Arc::new(NoMemory)).ask(&Ask::get("here", format!("{}/x", up.base))).await.expect("the third answer");
    assert_eq!(got.json().expect("JSON")["a"], 1);
    let asked = up.asked.lock().expect("unpoisoned");
    assert_eq!(asked.len(), 3);
    assert!(asked[0].contains("user-agent: tallykeep/test (tests)"));
}

#[tokio::test]
async fn it_gives_up_after_four_tries_and_at_once_on_a_404() {
    let up = upstream(vec![answer("502 Bad", "", "{\"message\":\"down\\nnow\"}")]).await;
    let error = client(Arc::new(NoMemory)).ask(&Ask::get("here", up.base.clone())).await.expect_err("never well");
    assert_eq!(error.to_string(), "502 from here");
    assert_eq!(up.asked.lock().expect("unpoisoned").len(), 4);
    let up = upstream(vec![answer("404 No", "", "<html>gone</html>")]).await;
    let error = client(Arc::new(NoMemory)).ask(&Ask::get("here", up.base.clone())).await.expect_err("absent");
    assert!(error.is_not_found());
    assert_eq!(error.to_string(), "404 from here");
    assert_eq!(up.asked.lock().expect("unpoisoned").len(), 1);
}

#[tokio::test]
async fn a_long_wait_is_not_waited_but_told() {
    for (status, headers) in [
        ("429 Slow", "retry-after: 3600\r\n"),
        ("503 No", "retry-after: Sun, 08 Mar 2026 10:00:00 GMT\r\n"),
        ("403 No", "x-ratelimit-remaining: 0\r\nx-ratelimit-reset: 1772964000\r\n"),
    ] {
        let up = upstream(vec![answer(status, headers, "")]).await;
        let error = client(Arc::new(NoMemory)).ask(&Ask::get("here", up.base.clone())).await.expect_err("throttled");
        assert_eq!(error.try_again_at().map(|t| t.to_string()).as_deref(), Some("2026-03-08T10:00:00Z"), "{status}");
        assert_eq!(up.asked.lock().expect("unpoisoned").len(), 1);
    }
}

#[tokio::test]
async fn a_rejected_token_is_left_out_once_and_never_shown() {
    let up = upstream(vec![answer("401 No", "", ""), answer("200 OK", "", "[]")]).await;
    let mut ask = Ask::get("here", up.base.clone());
    ask.token = Some("s3cret".to_owned());
    let got = client(Arc::new(NoMemory)).ask(&ask).await.expect("public");
    assert!(got.token_rejected);
    {
        let asked = up.asked.lock().expect("unpoisoned");
        assert!(asked[0].contains("authorization: bearer s3cret") && !asked[1].contains("authorization"));
    }
    ask.public = false;
    let up = upstream(vec![answer("401 No", "", "")]).await;
    ask.url = up.base.clone();
    let error = client(Arc::new(NoMemory)).ask(&ask).await.expect_err("private");
    assert!(error.to_string().contains("token is rejected") && !error.to_string().contains("s3cret"));
}

#[tokio::test]
async fn large_slow_html_and_broken_bodies_are_errors() {
    let ask = |up: &Upstream| Ask::get("here", up.base.clone());
    let large = upstream(vec![answer("200 OK", "", &"x".repeat(2000))]).await;
    let error = client(Arc::new(NoMemory)).ask(&ask(&large)).await.expect_err("large");
    assert_eq!(error, CollectError::TooLarge { upstream: "here".to_owned(), limit: 1000 });
    let html = upstream(vec![answer("200 OK", "", "<html>\nsorry</html>")]).await;
    let error = client(Arc::new(NoMemory)).ask(&ask(&html)).await.expect("2xx").json().expect_err("HTML");
    assert!(error.to_string().starts_with("200 from here, but the body is not JSON"), "{error}");
    // Announces more than it sends: the connection breaks off, which is tried again.
    let cut =
        upstream(vec!["HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: 50\r\n\r\n{\"a\"".to_owned()]).await;
    let error = client(Arc::new(NoMemory)).ask(&ask(&cut)).await.expect_err("cut");
    assert!(matches!(error, CollectError::Connect { .. }), "{error}");
    assert_eq!(cut.asked.lock().expect("unpoisoned").len(), 4);
}

#[derive(Default)]
struct Kept(Mutex<Option<Remembered>>);

#[async_trait::async_trait]
impl HttpMemory for Kept {
    async fn recall(&self, _: &str) -> Result<Option<Remembered>, String> {
        Ok(self.0.lock().expect("unpoisoned").clone())
    }
    async fn remember(&self, _: &str, what: Remembered) -> Result<(), String> {
        *self.0.lock().expect("unpoisoned") = Some(what);
        Ok(())
    }
}

#[tokio::test]
async fn a_304_means_the_body_of_last_time() {
    let up = upstream(vec![answer("200 OK", "etag: W/\"7\"\r\n", "{\"a\":7}"), answer("304 Same", "", "")]).await;
    let client = client(Arc::new(Kept::default()));
    let ask = Ask::get("here", up.base.clone()).conditional();
    let first = client.ask(&ask).await.expect("fresh");
    let second = client.ask(&ask).await.expect("same");
    assert_eq!((first.body.clone(), first.unchanged), (Bytes::from_static(b"{\"a\":7}"), false));
    assert_eq!((second.body, second.unchanged, second.status), (first.body, true, 200));
    assert!(up.asked.lock().expect("unpoisoned")[1].contains("if-none-match: w/\"7\""));
}

fn reaching(hosts: AllowedHosts) -> HttpClient {
    let politeness =
        Politeness { retry_base: Duration::ZERO, timeout: Duration::from_secs(2), hosts, ..Politeness::default() };
    HttpClient::new(politeness, clock(), Arc::new(NoMemory)).expect("a client")
}

/// A name server that answers every name with this machine, as one does who wants in (DNS rebinding).
fn rebinding(hosts: AllowedHosts) -> AllowedHosts {
    hosts.with_lookup(Arc::new(|_| Box::pin(async { Ok(vec![std::net::IpAddr::from([127, 0, 0, 1])]) })))
}

#[tokio::test]
async fn nothing_inside_is_asked_unless_the_operator_named_it() {
    let inside = upstream(vec![answer("200 OK", "", "{}")]).await;
    let port = inside.base.rsplit(':').next().expect("a port");
    for (url, hosts) in [
        (inside.base.clone(), AllowedHosts::default()),
        (format!("http://stats.example.org:{port}/"), rebinding(AllowedHosts::default())),
        (format!("http://stats.example.org:{port}/"), rebinding(AllowedHosts::naming(["https://other.example.org"]))),
        (format!("http://[::ffff:127.0.0.1]:{port}/"), AllowedHosts::default()),
        ("file:///etc/passwd".to_owned(), AllowedHosts::default()),
    ] {
        let refused = reaching(hosts).ask(&Ask::get("the source", &url)).await.expect_err("refused");
        assert!(matches!(refused, CollectError::Connect { .. }), "{url}: {refused}");
    }
    assert!(inside.asked.lock().expect("unpoisoned").is_empty(), "nothing arrived");
    let named = rebinding(AllowedHosts::naming(["http://stats.example.org"]));
    reaching(named).ask(&Ask::get("ours", format!("http://stats.example.org:{port}/"))).await.expect("named, so asked");
}

#[tokio::test]
async fn a_redirect_leads_nowhere_inside() {
    let inside = upstream(vec![answer("200 OK", "", "{\"secret\":1}")]).await;
    let port = inside.base.rsplit(':').next().expect("a port").to_owned();
    for to in [
        "http://169.254.169.254/latest/meta-data/".to_owned(),
        format!("http://[::1]:{port}/"),
        format!("http://localhost:{port}/"),
        "file:///etc/passwd".to_owned(),
    ] {
        let outside = upstream(vec![answer("302 Found", &format!("location: {to}\r\n"), "")]).await;
        // 127.0.0.1 stands for a public source here; what it redirects to does not.
        let refused = reaching(AllowedHosts::naming([outside.base.as_str()]))
            .ask(&Ask::get("the source", &outside.base))
            .await
            .expect_err("refused");
        assert!(!refused.to_string().contains("secret"), "{to}: {refused}");
        assert_eq!(outside.asked.lock().expect("unpoisoned").len(), 1, "{to}: not tried again");
    }
    assert!(inside.asked.lock().expect("unpoisoned").is_empty(), "nothing arrived");
}
