//! Lists longer than an API shows, and what a reading leaves on disk.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tallykeep_testkit::invenio::FakeInvenio;

use crate::source_house::House;

fn record(id: String, created: &str) -> Value {
    json!({"id": id, "parent": {"id": format!("p{id}")}, "created": created, "updated": created, "is_published": true,
           "files": {"enabled": false}, "metadata": {"publication_date": "2025"}})
}

/// How often each record was given in pages; looks at a list ask for one document only.
fn given_in_pages(fake: &FakeInvenio) -> BTreeMap<String, usize> {
    let mut given = BTreeMap::new();
    for page in fake.log().into_iter().filter(|page| !page.asked.query.contains("size=1&")) {
        for id in page.ids {
            *given.entry(id).or_default() += 1;
        }
    }
    given
}

fn words(fake: &FakeInvenio) -> [String; 8] {
    ["import", "invenio-api", fake.base(), "--kinds", "records", "--rate", "1000", "--page-size=1000"]
        .map(str::to_owned)
}

/// The files of all spools.
fn spooled(house: &House) -> Vec<String> {
    let mut found = Vec::new();
    let mut folders = vec![house.folder.path().join("data/spool")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).into_iter().flatten().flatten() {
            if entry.path().is_dir() {
                folders.push(entry.path());
            } else {
                found.push(entry.file_name().to_string_lossy().into_owned());
            }
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn a_list_longer_than_the_api_shows_is_read_in_spans_each_record_once() {
    let fake = FakeInvenio::start().await;
    // Half of them came in one migration, within three seconds; one of its instants is split by milliseconds.
    let many: usize = 12_400;
    fake.records((0..many).map(|n| {
        let (second, milli) = if n < many / 2 { (n % 3, n % 1000) } else { (n % 60, 0) };
        let day = if n < many / 2 {
            "2025-06-01T10:00".to_owned()
        } else {
            format!("2025-06-{:02}T11:{:02}", 2 + n % 28, n / 60 % 60)
        };
        record(format!("r{n:05}"), &format!("{day}:{second:02}.{milli:03}456+00:00"))
    }));
    let house = House::new();
    let words = words(&fake);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let report = house.json(&words).await;
    assert_eq!((&report["records"]["new"], &report["records"]["rejected"]), (&json!(many), &json!(0)), "{report}");
    let given = given_in_pages(&fake);
    assert_eq!(given.len(), many);
    assert!(given.values().all(|times| *times == 1), "{:?}", given.iter().find(|(_, times)| **times > 1));
    assert!(fake.log().iter().all(|given| given.status == 200), "nothing beyond the window was asked for");
    assert!(fake.log().len() < 60, "{} requests", fake.log().len());
    assert_eq!(spooled(&house), Vec::<String>::new(), "what was seen is remembered for as long as the run lasts");
}

#[tokio::test(flavor = "multi_thread")]
async fn more_in_one_instant_than_the_api_shows_is_an_error_that_says_how_many_are_missing() {
    let fake = FakeInvenio::start().await;
    let at = "2025-06-01T10:00:00.123456+00:00";
    fake.records((0..10_007).map(|n| record(format!("m{n:05}"), at)));
    fake.records((0..5).map(|n| record(format!("a{n}"), "2024-01-01T00:00:00+00:00")));
    let house = House::new();
    let words = words(&fake);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let output = house.run(&words).await;
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1), "{said}");
    for part in
        ["has 10007 records created at 2025-06-01T10:00:00.123", "7 of them cannot be read", "import opensearch"]
    {
        assert!(said.contains(part), "{part}: {said}");
    }
    // What came before it is kept.
    assert_eq!(given_in_pages(&fake).keys().cloned().collect::<Vec<_>>(), ["a0", "a1", "a2", "a3", "a4"]);
    // A run that is given up for another leaves nothing behind, and exactly as many as are shown can be read.
    assert!(spooled(&house).iter().any(|name| name.starts_with("seen-")), "{:?}", spooled(&house));
    for n in 0..7 {
        fake.forget_record(&format!("m{n:05}"));
    }
    let report = house.json(&[&words[..], &["--from-start"]].concat()).await;
    assert_eq!((&report["records"]["new"], &report["records"]["unchanged"]), (&json!(10_000), &json!(5)), "{report}");
    assert_eq!(spooled(&house), Vec::<String>::new());
}
