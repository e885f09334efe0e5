//! The search reader against a fake server of each kind, and against its faults.

use std::{collections::BTreeSet, sync::Arc, time::Duration};

use serde_json::{Value, json};
use tallykeep_collect::{
    AllowedHosts, CollectError, HttpClient, NoMemory, Politeness,
    search::{Credentials, Hit, Reading, SearchServer},
};
use tallykeep_model::Clock;
use tallykeep_testkit::{
    search::{FakeSearch, Fault, Flavour},
    tls::{Certificates, front},
};

const INDEX: &str = "events-stats-record-view-2026-01";
const FLAVOURS: [Flavour; 4] =
    [Flavour::OpenSearch2, Flavour::OpenSearch1, Flavour::Elasticsearch7, Flavour::Elasticsearch8];

/// 25 events, many of them at one instant: only the tie-break tells these apart.
async fn fake(flavour: Flavour) -> FakeSearch {
    let fake = FakeSearch::start(flavour).await;
    let documents = (0..25).map(|n| {
        let document = json!({"timestamp": format!("2026-01-01T00:00:0{}", n / 10), "unique_id": format!("u{n:02}"),
            "visitor_id": format!("v{}", n % 3), "recid": "r", "metadata": {"description": "long"}});
        (format!("id{n:02}"), document)
    });
    fake.put(INDEX, documents);
    fake
}

fn server(fake: &FakeSearch, credentials: Option<Credentials>, gap: Duration) -> SearchServer {
    let politeness =
        Politeness { retry_base: Duration::ZERO, hosts: AllowedHosts::naming([fake.base()]), ..Politeness::default() };
    let clock = Clock::Fixed("2026-03-08T09:00:00Z".parse().expect("an instant"));
    let http = HttpClient::new(politeness, clock, Arc::new(NoMemory)).expect("a client");
    SearchServer::new(http, fake.base(), credentials, gap).expect("an address")
}

fn reading() -> Reading {
    Reading::new(INDEX, "timestamp", &["unique_id", "visitor_id"], 4)
}

async fn all(server: &SearchServer, reading: &mut Reading) -> Result<Vec<Hit>, CollectError> {
    let mut hits = Vec::new();
    loop {
        let page = server.page(reading).await?;
        hits.extend(page.hits);
        if page.is_last {
            server.close(reading).await;
            return Ok(hits);
        }
    }
}

fn ids(hits: &[Hit]) -> BTreeSet<&str> {
    hits.iter().map(|hit| hit.id.as_str()).collect()
}

#[tokio::test]
async fn every_server_gives_every_document_once_and_keeps_no_point_open() {
    for flavour in FLAVOURS {
        let fake = fake(flavour).await;
        let server = server(&fake, None, Duration::ZERO);
        let mut reading = reading();
        let first = server.page(&mut reading).await.expect("a page");
        assert_eq!((first.hits.len(), first.total, first.is_last), (4, Some(25), false), "{flavour:?}");
        let rest = all(&server, &mut reading).await.expect("the rest");
        assert_eq!((rest.len(), ids(&rest).len()), (21, 21), "{flavour:?}");
        assert!(ids(&rest).is_disjoint(&ids(&first.hits)));
        assert_eq!(fake.open_points(), 0, "{flavour:?}");
        assert!(fake.given().values().all(|times| *times == 1), "{flavour:?}");
    }
}

#[tokio::test]
async fn a_reading_goes_on_in_another_process() {
    for flavour in FLAVOURS {
        let fake = fake(flavour).await;
        let one = server(&fake, None, Duration::ZERO);
        let mut reading = reading();
        let page = one.page(&mut reading).await.expect("a page");
        let position: Value = serde_json::from_str(&reading.position().to_string()).expect("kept as text");
        let other = server(&fake, None, Duration::ZERO);
        let mut again = self::reading();
        again.resume(&position);
        let rest = all(&other, &mut again).await.expect("the rest");
        assert_eq!((page.hits.len(), rest.len()), (4, 21), "{flavour:?}");
        assert!(ids(&rest).is_disjoint(&ids(&page.hits)), "{flavour:?}");
    }
}

#[tokio::test]
async fn refusals_and_expired_points_are_gone_through_without_a_document_twice() {
    for flavour in [Flavour::OpenSearch2, Flavour::Elasticsearch8] {
        let fake = fake(flavour).await;
        fake.misbehave("_search", Fault::Status(429, Some(1)), 1, 1);
        fake.misbehave("_search", Fault::Status(503, None), 1, 2);
        fake.misbehave("search_after", Fault::ExpirePoint, 1, 1);
        fake.misbehave("search_after", Fault::FailedShard, 1, 1);
        fake.misbehave("search_after", Fault::TimedOut, 1, 1);
        fake.misbehave("search_after", Fault::HangUp, 1, 1);
        let server = server(&fake, None, Duration::ZERO);
        let mut reading = reading();
        reading.size = 2;
        let hits = all(&server, &mut reading).await.expect("all");
        assert_eq!((hits.len(), ids(&hits).len()), (25, 25), "{flavour:?}");
        assert!(fake.given().values().all(|times| *times == 1), "{:?}", fake.given());
        let statuses: BTreeSet<u16> = fake.log().iter().map(|served| served.status).collect();
        assert!([0, 404, 429, 503].iter().all(|status| statuses.contains(status)), "{statuses:?}");
    }
}

#[tokio::test]
async fn half_an_answer_is_an_error_however_often_it_comes() {
    for (fault, part) in
        [(Fault::FailedShard, "1 of 2 shards failed (node left)"), (Fault::TimedOut, "ran out of time")]
    {
        let fake = fake(Flavour::OpenSearch2).await;
        fake.misbehave("search_after", fault, 1, 100);
        let server = server(&fake, None, Duration::ZERO);
        let error = all(&server, &mut reading()).await.expect_err("not whole").to_string();
        assert!(error.contains(part), "{error}");
    }
    let fake = fake(Flavour::OpenSearch2).await;
    fake.misbehave("_search", Fault::Status(429, Some(3600)), 0, 1);
    let error = all(&server(&fake, None, Duration::ZERO), &mut reading()).await.expect_err("throttled");
    assert_eq!(error.try_again_at().map(|at| at.to_string()).as_deref(), Some("2026-03-08T10:00:00Z"));
}

#[tokio::test]
async fn credentials_are_sent_and_never_told() {
    let fake = fake(Flavour::OpenSearch2).await;
    fake.ask_for("Basic cmVhZGVyOnMzY3JldA==");
    let right = Credentials::from_text("reader:s3cret");
    let hits = all(&server(&fake, right, Duration::ZERO), &mut reading()).await.expect("let in");
    assert_eq!(hits.len(), 25);
    let wrong = Credentials::from_text("reader:wr0ng");
    let error = all(&server(&fake, wrong, Duration::ZERO), &mut reading()).await.expect_err("refused").to_string();
    assert!(error.starts_with("401 from 127.0.0.1") && error.contains("security_exception"), "{error}");
    assert!(!error.contains("wr0ng") && !error.contains("reader"), "{error}");
}

#[tokio::test]
async fn queries_exclusions_counts_and_the_rate_are_respected() {
    let fake = fake(Flavour::OpenSearch2).await;
    fake.alias("events-stats-record-view", &[INDEX]);
    let server = server(&fake, None, Duration::from_millis(20));
    let since = json!({"range": {"timestamp": {"gte": "2026-01-01T00:00:02"}}});
    assert_eq!(server.count(INDEX, &Value::Null).await.expect("a count"), 25);
    assert_eq!(server.count(INDEX, &since).await.expect("a count"), 5);
    let indices = server.indices("events-stats-record-view").await.expect("a list");
    assert_eq!(indices.iter().map(|i| (i.name.as_str(), i.documents)).collect::<Vec<_>>(), [(INDEX, 25)]);
    assert_eq!(server.indices("nothing").await.expect("nothing"), []);
    let mut reading = reading();
    (reading.query, reading.without) = (since, vec!["metadata.description".to_owned()]);
    let hits = all(&server, &mut reading).await.expect("some");
    assert_eq!(hits.len(), 5);
    assert!(hits.iter().all(|hit| hit.source["metadata"] == json!({})), "{:?}", hits[0]);
    let log = fake.log();
    let (first, last) = (log.first().expect("asked").at, log.last().expect("asked").at);
    let gaps = u32::try_from(log.len() - 1).expect("few");
    assert!(last - first >= Duration::from_millis(20) * gaps - Duration::from_millis(5), "{:?}", last - first);
}

#[tokio::test]
async fn who_is_not_proved_to_be_the_server_is_told_nothing_and_asked_once() {
    let (Some(right), Some(elsewhere)) = (Certificates::make(), Certificates::make_for("DNS:search.example")) else {
        return;
    };
    let fake = FakeSearch::start(Flavour::OpenSearch2).await;
    fake.put("records", [("a".to_owned(), json!({"id": "a", "updated": "2026-01-01T00:00:00"}))]);
    let (good, bad) = (front(&right, fake.base()).await, front(&elsewhere, fake.base()).await);
    let trusting = |certificates: &Certificates| std::fs::read(certificates.authority()).expect("an authority");
    for (base, authority, said) in [
        (&good, None, "signed by no authority that is trusted here"),
        (&good, Some(trusting(&elsewhere)), "signed with another key"),
        (&bad, Some(trusting(&elsewhere)), "for another name (DnsName(\"search.example\"))"),
        (&good, Some(trusting(&right)), ""),
    ] {
        let hosts = AllowedHosts::naming([base.as_str()]);
        // Another try would wait for minutes.
        let politeness = Politeness { hosts, retry_base: Duration::from_secs(60), ..Politeness::default() };
        let http = HttpClient::trusting(politeness, Clock::System, Arc::new(NoMemory), authority.as_deref());
        let credentials = Credentials::from_text("reader:s3cret");
        let server = SearchServer::new(http.expect("a client"), base, credentials, Duration::ZERO).expect("a server");
        fake.forget();
        let host = base.trim_start_matches("https://");
        match server.indices("records").await {
            Ok(found) => assert_eq!((found.len(), said), (1, "")),
            Err(error) => {
                let error = error.to_string();
                assert!(error.starts_with(&format!("{host} is not trusted: ")) && error.contains(said), "{error}");
                assert!(!said.is_empty() && !error.contains("s3cret"), "{error}");
                assert!(fake.log().is_empty(), "nobody heard a request");
            }
        }
    }
}
