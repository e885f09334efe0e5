//! Living sources read by the built program: whole, resumed after SIGKILL, gentle, and laid beside ours.

use std::{collections::BTreeMap, io::Read, path::PathBuf, time::Duration};

use flate2::read::GzDecoder;
use serde_json::{Value, json};
use tallykeep_testkit::{
    invenio::FakeInvenio,
    search::{Fault, Flavour},
};

use crate::source_house::{House, filled};

/// Kills in the proofs of resuming; the full ones are `TALLYKEEP_ROUNDS=20`.
fn rounds() -> usize {
    std::env::var("TALLYKEEP_ROUNDS").ok().and_then(|n| n.parse().ok()).unwrap_or(3)
}

/// Runs a command until `is_time`, then kills it. Answers whether it was killed; one that comes to its end must succeed.
async fn killed_when(house: &House, words: &[&str], after: Duration, is_time: impl Fn() -> bool) -> bool {
    let mut child = tokio::process::Command::from(house.command(words))
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("it starts");
    loop {
        if let Some(status) = child.try_wait().expect("a child") {
            // Not even busy: the lock of the one before it was free when that one was gone.
            assert!(status.success(), "{words:?}: {status}");
            return false;
        }
        if is_time() {
            tokio::time::sleep(after).await;
            child.start_kill().expect("killed");
            child.wait().await.expect("ended");
            return true;
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

fn data(set: &str, file: &str) -> PathBuf {
    let shared = std::env::var("TALLYKEEP_SHARED")
        .map_or_else(|_| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared"), PathBuf::from);
    shared.join("data/repository").join(set).join(file)
}

fn documents(file: &PathBuf) -> Vec<Value> {
    let mut text = String::new();
    GzDecoder::new(std::fs::File::open(file).expect("there")).read_to_string(&mut text).expect("text");
    text.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect()
}

fn row<'a>(reconciliation: &'a Value, what: &str) -> &'a Value {
    let rows = reconciliation["rows"].as_array().expect("rows");
    rows.iter()
        .find(|row| row["what"].as_str().is_some_and(|w| w.starts_with(what)))
        .unwrap_or_else(|| panic!("no row {what}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn every_kind_of_server_is_read_whole_once_and_every_difference_has_its_reason() {
    for (flavour, prefix) in [(Flavour::OpenSearch2, "rdm-"), (Flavour::Elasticsearch8, ""), (Flavour::OpenSearch1, "")]
    {
        let fake = filled(flavour, prefix).await;
        fake.misbehave("_search", Fault::Status(429, Some(1)), 3, 1);
        fake.misbehave("search_after", Fault::Status(503, None), 2, 2);
        let mut house = House::new();
        fake.ask_for("Basic cmVhZGVyOnMzY3JldA==");
        house.environment.push(("TALLYKEEP_OPENSEARCH_CREDENTIALS", "reader:s3cret".to_owned()));
        let words = [
            "import",
            "opensearch",
            fake.base(),
            "--index-prefix",
            prefix,
            "--rate",
            "1000",
            "--page-size",
            "33",
            "--reconcile",
        ];
        let report = house.json(&words).await;
        let counts = |report: &Value, kind: &str| {
            (report[kind]["read"].clone(), report[kind]["new"].clone(), report[kind]["rejected"].clone())
        };
        assert_eq!(counts(&report, "communities"), (json!(2), json!(2), json!(0)), "{flavour:?}");
        assert_eq!(counts(&report, "records"), (json!(40), json!(40), json!(0)), "{flavour:?}: {}", report["rejects"]);
        assert_eq!(
            counts(&report, "usage_events"),
            (json!(600), json!(600), json!(0)),
            "{flavour:?}: {}",
            report["rejects"]
        );
        assert!(fake.given().values().all(|times| *times == 1), "{flavour:?}");
        assert_eq!(fake.open_points(), 0);
        // By hand, of each month's 200 views 20 are by robots; one of the others is of a record nobody knows, and counts.
        let found = &report["reconciliation"];
        let views = row(found, "views 2026-01");
        assert_eq!(
            (&views["theirs"], &views["ours"], &views["unexplained"]),
            (&json!(200), &json!(180), &json!(0)),
            "{views}"
        );
        let reasons: BTreeMap<String, i64> = views["reasons"]
            .as_array()
            .expect("reasons")
            .iter()
            .map(|r| {
                (
                    r["reason"].as_str().expect("text").split(',').next().expect("words").to_owned(),
                    r["count"].as_i64().expect("count"),
                )
            })
            .collect();
        assert_eq!(reasons, [("robots".to_owned(), -20)].into());
        assert_eq!(row(found, "records")["difference"], 0);
        // 40 works say 100 views each; ours of known records are 2 × 179, of these 2 × 8 through the API.
        let totals = row(found, "views of 40 works");
        assert_eq!((&totals["theirs"], &totals["ours"]), (&json!(4000), &json!(358)), "{totals}");
        assert!(totals["reasons"].as_array().expect("reasons").iter().any(|r| r["count"] == 16), "{totals}");
        assert_eq!(found["explained"], true, "{found}");
        // The same again asks for what changed in the last hour only, and changes nothing.
        fake.forget();
        let again = house.json(&words[..9]).await;
        assert_eq!(
            (again["total"]["read"].as_u64(), again["total"]["new"].as_u64()),
            (Some(0), Some(0)),
            "{flavour:?}: {again}"
        );
        let all = house.json(&[&words[..9], &["--from-start"]].concat()).await;
        assert_eq!((all["total"]["read"].as_u64(), all["total"]["new"].as_u64()), (Some(642), Some(0)), "{flavour:?}");
        // No secret is told anywhere.
        let log = house.run(&[&words[..9], &["--log", "trace"]].concat()).await;
        assert!(
            !String::from_utf8_lossy(&log.stderr).contains("s3cret")
                && !String::from_utf8_lossy(&log.stdout).contains("s3cret")
        );
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_import_resumes_without_loss_or_repeat() {
    let rounds = rounds();
    let fake = filled(Flavour::OpenSearch2, "").await;
    let house = House::new();
    let page = 10;
    let words = ["import", "opensearch", fake.base(), "--rate", "1000", "--page-size", "10", "--batch-size", "30"];
    // Every answer takes its time, so that the kill falls somewhere into the work.
    fake.slow(Duration::from_millis(15));
    let mut killed = 0;
    for round in 0..rounds {
        let before = fake.given().len();
        // Killed once it has got a few pages more, at another moment of its work every time.
        let wanted = before + page * (1 + round % 3);
        let after = Duration::from_millis(u64::try_from(round % 7).expect("small") * 9);
        killed += usize::from(killed_when(&house, &words, after, || fake.given().len() >= wanted).await);
    }
    fake.slow(Duration::ZERO);
    let last = house.json(&words).await;
    assert!(killed == rounds, "{killed} of {rounds} rounds were killed in the middle");
    assert_eq!(last["total"]["rejected"], 0);
    // Nothing is lost, nothing is there twice: another import of everything finds everything known.
    let again = house.json(&[&words[..], &["--from-start"]].concat()).await;
    // This one asked for everything once more, so what was given before is one less.
    // A page that was on its way at the kill was given and never arrived; nothing else is asked for again.
    let repeated: usize = fake.given().values().map(|times| times - 2).sum();
    println!("{killed} kills; {repeated} documents were on their way at one and given again");
    assert!(repeated <= page * killed, "{repeated} documents twice in {killed} kills");
    assert_eq!((again["total"]["read"].as_u64(), again["total"]["new"].as_u64()), (Some(642), Some(0)));
    let whole = House::new();
    whole.json(&words).await;
    for house in [&house, &whole] {
        assert_eq!(house.json(&["community-stats", "aggregate", "--eager"]).await["status"], "completed");
    }
    let read = [
        "community-stats",
        "read",
        "--query-type",
        "community-usage-snapshot",
        "--start-date",
        "2026-01-31",
        "--end-date",
        "2026-01-31",
    ];
    let strip = |mut document: Value| {
        for one in document.as_array_mut().into_iter().flatten() {
            one.as_object_mut().map(|fields| fields.shift_remove("timestamp"));
        }
        document
    };
    let (killed_one, whole_one) = (strip(house.json(&read).await), strip(whole.json(&read).await));
    assert_eq!(killed_one, whole_one);
    assert_eq!(whole_one[0]["totals"]["view"]["total_events"], 360);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_killed_reading_of_the_api_resumes_and_asks_for_no_deleted_record_twice() {
    let fake = FakeInvenio::start().await;
    let (all, deleted, page) = (120, 30, 5);
    fake.records((0..all).map(|n| {
        let at = format!("2025-06-{:02}T10:00:{:02}+00:00", 1 + n % 28, n / 28);
        json!({"id": format!("r{n:03}"), "parent": {"id": format!("p{n:03}")}, "created": at, "updated": at, "is_published": true,
               "files": {"enabled": false}, "metadata": {"publication_date": "2025"}})
    }));
    let house = House::new();
    let words = [
        "import",
        "invenio-api",
        fake.base(),
        "--kinds",
        "records",
        "--rate",
        "1000",
        "--page-size",
        "5",
        "--batch-size",
        "20",
    ];
    assert_eq!(house.json(&words).await["records"]["new"], all);
    for n in 0..deleted {
        fake.delete(&format!("r{:03}", n * 4), json!({"removal_date": "2026-01-20T10:00:00+00:00"}));
    }
    fake.forget();
    fake.slow(Duration::from_millis(15));
    let mut killed = 0;
    for round in 0..rounds() {
        // The first begins anew, the others go on: some die within the list, later ones while they ask for what is gone.
        let from_start: &[&str] = if round == 0 { &["--from-start"] } else { &[] };
        let wanted = fake.log().len() + 2;
        let after = Duration::from_millis(u64::try_from(round % 7).expect("small") * 9);
        let done = killed_when(&house, &[&words[..], from_start].concat(), after, || fake.log().len() >= wanted).await;
        killed += usize::from(done);
    }
    fake.slow(Duration::ZERO);
    let last = house.json(&words).await;
    assert_eq!((killed, last["total"]["rejected"].as_u64()), (rounds(), Some(0)), "{last}");
    let (mut pages, mut singles) = (BTreeMap::<String, usize>::new(), BTreeMap::<String, usize>::new());
    for given in fake.log().into_iter().filter(|given| !given.asked.query.contains("size=1&")) {
        for id in given.ids {
            *pages.entry(id).or_default() += 1;
        }
        if let Some(id) = given.asked.path.strip_prefix("/api/records/") {
            *singles.entry(id.to_owned()).or_default() += 1;
        }
    }
    // What was on its way at a kill was given and never arrived; nothing else is asked for again.
    assert_eq!((pages.len(), singles.len()), (all - deleted, deleted));
    let again = |given: &BTreeMap<String, usize>| given.values().map(|times| times - 1).sum::<usize>();
    println!("{killed} kills; given again: {} of a list, {} one by one", again(&pages), again(&singles));
    assert!(again(&pages) <= page * killed && again(&singles) <= killed, "{pages:?} {singles:?}");
    let whole = house.json(&[&words[..], &["--from-start"]].concat()).await;
    assert_eq!((&whole["records"]["unchanged"], &whole["deleted"]), (&json!(all - deleted), &json!(0)), "{whole}");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_untouched_answers_of_zenodo_give_the_totals_of_the_set() {
    let folder = "zenodo-ipbes";
    let answers = data(folder, "zenodo_api_records.ndjson.gz");
    if !answers.exists() {
        eprintln!("skipped: {} is not here", answers.display());
        return;
    }
    let fake = FakeInvenio::start().await;
    fake.records(documents(&answers));
    fake.communities(documents(&data(folder, "communities.ndjson.gz")));
    fake.largest_page(25);
    fake.throttle(4, 2, 1);
    let house = House::new();
    let report = house.json(&["import", "invenio-api", fake.base(), "--rate", "1000"]).await;
    assert_eq!(
        (&report["records"]["new"], &report["communities"]["new"], &report["total"]["rejected"]),
        (&json!(452), &json!(6), &json!(0)),
        "{report}"
    );
    assert!(
        fake.given().iter().filter(|(id, _)| id.len() < 20).all(|(_, times)| *times <= 2),
        "a page and the look at the list"
    );
    house.json(&["community-stats", "aggregate", "--eager"]).await;
    let day = ["--start-date", "2026-01-31", "--end-date", "2026-01-31"];
    let read = |community: &'static str| {
        [
            &[
                "community-stats",
                "read",
                "--query-type",
                "community-record-snapshot-added",
                "--community-id",
                community,
            ],
            &day[..],
        ]
        .concat()
    };
    let expected: Value =
        serde_json::from_slice(&std::fs::read(data(folder, "expected.json")).expect("there")).expect("JSON");
    let global = &house.json(&read("global")).await[0];
    let total = |document: &Value| {
        document["total_records"]["metadata_only"].as_i64().unwrap_or(0)
            + document["total_records"]["with_files"].as_i64().unwrap_or(0)
    };
    assert_eq!(total(global), 452, "{global}");
    assert_eq!(global["distinct_uploaders"], expected["uploaders"]);
    assert_eq!(global["total_files"]["file_count"], expected["files"]["count"]);
    assert_eq!(global["total_files"]["data_volume"].as_f64(), expected["files"]["bytes"].as_f64());
    for (subcount, key) in [
        ("resource_types", "by_resource_type"),
        ("access_statuses", "by_access_status"),
        ("languages", "by_language"),
        ("rights", "by_rights"),
        ("funders", "by_funder"),
    ] {
        let found: BTreeMap<String, i64> = global["subcounts"][subcount]
            .as_array()
            .unwrap_or_else(|| panic!("{subcount}: {}", global["subcounts"]))
            .iter()
            .map(|item| {
                let records = &item["records"];
                (
                    item["id"].as_str().expect("an id").to_owned(),
                    records["metadata_only"].as_i64().unwrap_or(0) + records["with_files"].as_i64().unwrap_or(0),
                )
            })
            .collect();
        let wanted: BTreeMap<String, i64> = expected[key]
            .as_object()
            .expect("numbers")
            .iter()
            .map(|(id, n)| (id.clone(), n.as_i64().expect("a number")))
            .collect();
        assert_eq!(found, wanted, "{subcount}");
    }
    for (slug, about) in expected["communities"].as_object().expect("communities") {
        let words = [
            "community-stats",
            "read",
            "--query-type",
            "community-record-snapshot-added",
            "--community-id",
            slug,
            day[0],
            day[1],
            day[2],
            day[3],
        ];
        assert_eq!(total(&house.json(&words).await[0]), about["current_members"].as_i64().expect("a number"), "{slug}");
    }
    // A record that goes leaves a tombstone behind, one that vanishes is left alone and named.
    fake.delete("2616458", json!({"removal_date": "2026-01-20T10:00:00+00:00"}));
    fake.forget_record("2616893");
    let report = house
        .json(&["import", "invenio-api", fake.base(), "--rate", "1000", "--from-start", "--kinds", "records"])
        .await;
    assert_eq!((&report["deleted"], &report["not_in_source"]), (&json!(1), &json!(["2616893"])), "{report}");
    assert_eq!(
        (report["records"]["new"].as_u64(), report["records"]["unchanged"].as_u64()),
        (Some(1), Some(450)),
        "{report}"
    );
    house.json(&["community-stats", "aggregate", "--eager"]).await;
    assert_eq!(total(&house.json(&read("global")).await[0]), 451);
}

#[tokio::test(flavor = "multi_thread")]
async fn wrong_addresses_options_and_credentials_say_what_is_wrong() {
    let house = House::new();
    for (words, code, part) in [
        (vec!["import", "opensearch", "nowhere"], 2, "neither an address"),
        (vec!["import", "opensearch", "http://u:p@127.0.0.1:1"], 1, "--credentials-file"),
        (
            vec!["import", "opensearch", "http://127.0.0.1:1", "--kinds", "drafts"],
            2,
            "communities, records, community-events, usage-events",
        ),
        (vec!["import", "opensearch", "http://127.0.0.1:1", "--since", "2026-02-30"], 2, "--since"),
        (vec!["import", "opensearch", "http://127.0.0.1:1", "--credentials-file", "none"], 1, "none"),
        (vec!["import", "invenio-api", "http://127.0.0.1:1"], 1, "127.0.0.1:1"),
    ] {
        let output = house.run(&words).await;
        let said = String::from_utf8_lossy(&output.stderr);
        assert_eq!(output.status.code(), Some(code), "{words:?}: {said}");
        assert!(said.contains(part), "{words:?}: {said}");
    }
}
