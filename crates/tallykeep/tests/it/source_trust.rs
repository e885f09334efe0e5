//! Sources behind TLS: a private authority is trusted where it is named, nobody else's certificate is, and no secret is told.

use serde_json::json;
use tallykeep_testkit::{
    invenio::FakeInvenio,
    search::Flavour,
    tls::{Certificates, front},
};

use crate::source_house::{House, filled};

const SECRET: &str = "reader:s3cret";
/// The secret as a header carries it.
const ENCODED: &str = "cmVhZGVyOnMzY3JldA==";

#[tokio::test(flavor = "multi_thread")]
async fn a_search_server_behind_tls_is_read_where_its_authority_is_named_and_no_secret_is_told() {
    let (Some(right), Some(elsewhere)) = (Certificates::make(), Certificates::make_for("DNS:search.example")) else {
        return;
    };
    let fake = filled(Flavour::OpenSearch2, "").await;
    fake.ask_for(&format!("Basic {ENCODED}"));
    let (good, bad) = (front(&right, fake.base()).await, front(&elsewhere, fake.base()).await);
    let mut house = House::new();
    let file = house.folder.path().join("credentials");
    std::fs::write(&file, format!("{SECRET}\n")).expect("written");
    let (file, right, elsewhere) = (
        file.display().to_string(),
        right.authority().display().to_string(),
        elsewhere.authority().display().to_string(),
    );
    let by_file = ["--credentials-file", &file, "--rate", "1000", "--log", "trace"];
    let host = |base: &str| base.trim_start_matches("https://").to_owned();
    for (base, authority, said) in [
        (
            &good,
            None,
            "is not trusted: its certificate is signed by no authority that is trusted here; ca_file (--ca-file)",
        ),
        (&good, Some(&elsewhere), "is not trusted: its certificate is signed with another key"),
        (&bad, Some(&elsewhere), "is not trusted: its certificate is for another name"),
        (&good, Some(&file), "holds no certificate"),
        (&good, Some(&right), ""),
    ] {
        let mut words = [&["import", "opensearch", base][..], &by_file].concat();
        words.extend(authority.iter().flat_map(|file| ["--ca-file", file.as_str()]));
        let output = house.run(&words).await;
        let heard = format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        for secret in ["s3cret", ENCODED] {
            assert!(!heard.contains(secret), "{words:?} tells {secret}");
        }
        assert!(heard.contains(said), "{words:?}: {heard}");
        if said.is_empty() {
            assert!(output.status.success() && heard.contains("new        720"), "{heard}");
        } else {
            assert_eq!(output.status.code(), Some(1), "{words:?}");
            assert!(fake.log().is_empty(), "nobody was asked anything");
            assert!(heard.matches(" is not trusted").count() <= 1, "{words:?} says it once: {heard}");
            assert!(heard.contains(&host(base)) || !said.contains("trusted"), "{words:?} names the host: {heard}");
        }
    }
    // By the environment too, and a wrong one is told as such, once.
    house.environment.push(("TALLYKEEP_OPENSEARCH_CREDENTIALS", "reader:wr0ng".to_owned()));
    fake.forget();
    let output = house.run(&["import", "opensearch", &good, "--ca-file", &right, "--log", "trace"]).await;
    let heard = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(heard.contains("401 from") && !heard.contains("wr0ng") && !heard.contains("cmVhZGVyOndyMG5n"), "{heard}");
    assert_eq!(fake.log().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_repository_behind_tls_gets_its_token_only_when_it_is_trusted() {
    let (Some(right), Some(elsewhere)) = (Certificates::make(), Certificates::make_for("DNS:repository.example"))
    else {
        return;
    };
    let fake = FakeInvenio::start().await;
    fake.ask_for("t0ken");
    fake.records((0..3).map(|n| {
        json!({"id": format!("r{n}"), "created": "2025-06-01T00:00:00Z", "updated": "2025-06-01T00:00:00Z", "is_published": true,
               "parent": {"id": format!("p{n}")}, "files": {"enabled": false}, "metadata": {"publication_date": "2025"}})
    }));
    let (good, bad) = (front(&right, fake.base()).await, front(&elsewhere, fake.base()).await);
    let mut house = House::new();
    house.environment.push(("TALLYKEEP_INVENIO_TOKEN", "t0ken".to_owned()));
    let (right, elsewhere) = (right.authority().display().to_string(), elsewhere.authority().display().to_string());
    for (base, authority, said) in [
        (&good, &elsewhere, "is not trusted: its certificate is signed with another key"),
        (&bad, &elsewhere, "is not trusted: its certificate is for another name"),
        // The list's links name the address without TLS: they are followed on the one that was given.
        (&good, &right, ""),
    ] {
        let words = [
            "import",
            "invenio-api",
            base,
            "--ca-file",
            authority,
            "--rate",
            "1000",
            "--page-size",
            "2",
            "--log",
            "trace",
        ];
        let output = house.run(&words).await;
        let heard = format!("{}{}", String::from_utf8_lossy(&output.stderr), String::from_utf8_lossy(&output.stdout));
        assert!(heard.contains(said) && !heard.contains("t0ken"), "{heard}");
        assert_eq!(output.status.success(), said.is_empty(), "{heard}");
        assert!(said.is_empty() || fake.log().is_empty(), "nobody was asked anything");
    }
    assert_eq!(fake.log().iter().filter(|given| given.status == 401).count(), 0);
    assert_eq!(fake.given().len(), 3);
}
