//! What the commands print, word for word; only figures that are another every time are masked.

use serde_json::{Value, json};

use crate::house::House;

const COMMUNITY: &str = "a1b2c3d4-e5f6-7890-abcd-ef1234567890";

/// Two records of one community with seven events over two months; the clock stands at 10 March 2026.
pub fn small() -> House {
    let house = House::new();
    let record = |id: &str, created: &str| {
        json!({"id": id, "parent": {"id": format!("{id}-work"), "access": {"owned_by": {"user": "1"}}, "communities": {"ids": [COMMUNITY]}},
               "created": created, "updated": created, "is_published": true, "is_deleted": false,
               "files": {"enabled": true, "entries": [{"key": "a.pdf", "ext": "pdf", "size": 1000, "file_id": format!("{id}-file")}]},
               "metadata": {"publication_date": "2026-01-05", "publisher": "Acme", "resource_type": {"id": "dataset", "title": {"en": "Dataset"}}}})
    };
    let event = |record: &str, at: &str, visitor: &str, download: bool| {
        let mut event = json!({"timestamp": at, "event_type": "view", "recid": record, "parent_recid": format!("{record}-work"),
            "unique_id": format!("ui_{record}"), "visitor_id": visitor, "country": "US"});
        if download {
            event["event_type"] = json!("download");
            event["file_id"] = json!(format!("{record}-file"));
            event["size"] = json!(1000);
        }
        event
    };
    let files: [(&str, Vec<Value>); 3] = [
        ("records", vec![record("aaaaa-00001", "2026-01-05T08:00:00Z"), record("bbbbb-00002", "2026-02-01T08:00:00Z")]),
        (
            "communities",
            vec![json!({"id": COMMUNITY, "slug": "my-research-community", "created": "2026-01-01T00:00:00Z",
                        "metadata": {"title": "My research community"}})],
        ),
        (
            "usage-events",
            vec![
                event("aaaaa-00001", "2026-01-06T10:00:00Z", "v1", false),
                event("aaaaa-00001", "2026-01-06T11:00:00Z", "v2", false),
                event("aaaaa-00001", "2026-01-07T10:00:00Z", "v1", true),
                event("aaaaa-00001", "2026-02-02T10:00:00Z", "v1", false),
                event("bbbbb-00002", "2026-02-03T10:00:00Z", "v3", false),
                event("bbbbb-00002", "2026-02-03T10:05:00Z", "v3", true),
                event("bbbbb-00002", "2026-02-04T10:00:00Z", "v4", false),
            ],
        ),
    ];
    let mut words = vec!["import".to_owned(), "repository".to_owned()];
    for (name, documents) in files {
        let path = house.folder.path().join(format!("{name}.ndjson"));
        std::fs::write(&path, documents.iter().map(|d| format!("{d}\n")).collect::<String>()).expect("written");
        words.extend([format!("--{name}"), path.to_str().expect("UTF-8").to_owned()]);
    }
    house.run(&words.iter().map(String::as_str).collect::<Vec<_>>()).ok();
    house
}

/// Masks what is another figure every time: seconds, process numbers, bytes, memory, the folder.
fn masked(house: &House, text: &str) -> String {
    let text = text.replace(&house.folder.path().display().to_string(), "HOUSE");
    let text = text.replace(env!("CARGO_BIN_EXE_tallykeep"), "tallykeep");
    text.lines().map(|line| format!("{}\n", masked_line(line))).collect()
}

fn masked_line(line: &str) -> String {
    let words: Vec<&str> = line.split(' ').collect();
    let number = |word: &str| word.trim_matches(|c: char| "(),:".contains(c)).parse::<f64>().is_ok();
    let mut out: Vec<String> = Vec::new();
    for (at, word) in words.iter().enumerate() {
        let before = at.checked_sub(1).map_or("", |before| words[before]);
        let after = words.get(at + 1).copied().unwrap_or("");
        let mask = |with: &str| {
            let core = word.trim_matches(|c: char| "(),:".contains(c));
            word.replace(core, with)
        };
        out.push(match () {
            () if number(word) && (after == "s" || after == "s:") => mask("T"),
            () if number(word) && (after == "bytes" || after == "bytes)" || after == "bytes:") => mask("B"),
            () if before == "(PID:" || before == "PID:" || before.ends_with("(process") => mask("PID"),
            () if before == "(memory" => mask("M%"),
            () if (before == "since" && word.contains('T')) || before == "Started:" || before == "update:" => {
                mask("WHEN")
            }
            () if before == "Runtime:" => mask("HH:MM:SS"),
            () if ["Duration:", "duration:"].contains(&before) => mask("DURATION"),
            () => (*word).to_owned(),
        });
    }
    out.join(" ")
}

macro_rules! golden {
    ($house:expr, $name:literal, $said:expr) => {{
        let said = $said;
        let text = format!("exit {}\n--- out\n{}--- err\n{}", said.code, said.out, said.err);
        insta::assert_snapshot!($name, masked(&$house, &text));
    }};
}

#[test]
fn usage_events_from_raw_to_enriched_and_back() {
    let house = small();
    golden!(house, "migrate-without-community-events", house.stats(&["usage-events", "migrate"]));
    golden!(house, "community-events-status", house.stats(&["community-events", "status", "--community-details"]));
    golden!(house, "community-events-generate", house.stats(&["community-events", "generate"]));
    golden!(house, "migrate-dry-run", house.stats(&["usage-events", "migrate", "--dry-run"]));
    golden!(house, "migration-status-before", house.stats(&["usage-events", "status"]));
    golden!(
        house,
        "migrate-in-small-steps",
        house.stats(&[
            "usage-events",
            "migrate",
            "--batch-size",
            "1",
            "--max-batches",
            "1",
            "--months",
            "2026-01",
            "2026-13"
        ])
    );
    golden!(
        house,
        "migration-status-halfway",
        house.stats(&[
            "usage-events",
            "status",
            "--show-bookmarks",
            "--show-indices",
            "--show-incomplete",
            "--show-completed",
            "--show-not-started",
        ])
    );
    golden!(house, "migrate", house.stats(&["usage-events", "migrate"]));
    golden!(house, "migrate-again", house.stats(&["usage-events", "migrate", "-e", "view", "-m", "2026-01:2026-02"]));
    golden!(house, "re-enrich-with-nothing-to-do", house.stats(&["usage-events", "re-enrich"]));
    golden!(house, "cleanup-with-nothing-to-do", house.stats(&["usage-events", "cleanup-old-indices"]));
    house.stats(&["usage-events", "migrate", "--fresh-start"]).ok();
    golden!(house, "cleanup-dry-run", house.stats(&["usage-events", "cleanup-old-indices", "--dry-run"]));
    golden!(house, "cleanup", house.stats(&["usage-events", "cleanup-old-indices", "-e", "view"]));
    golden!(house, "remove-backup-aliases", house.stats(&["usage-events", "remove-backup-aliases", "--dry-run"]));
    golden!(house, "migration-bookmarks-which", house.stats(&["usage-events", "clear-bookmarks"]));
    golden!(
        house,
        "migration-bookmarks-some",
        house.stats(&["usage-events", "clear-bookmarks", "--event-type", "view", "--months", "2026-01"])
    );
    golden!(house, "migration-bookmarks-all", house.stats(&["usage-events", "clear-bookmarks", "--fresh-start"]));
    golden!(house, "generate-needs-a-yes", house.stats(&["usage-events", "generate"]));
    let generate =
        ["usage-events", "generate", "--seed", "5", "--events-per-record", "3", "--event-end-date", "2026-02-28"];
    golden!(house, "generate-dry-run", house.stats(&[&generate[..], &["--dry-run"]].concat()));
    golden!(house, "generate", house.stats(&[&generate[..], &["--enrich-events", "--yes-i-know"]].concat()));
}

#[test]
fn aggregations_bookmarks_locks_and_destruction() {
    let house = small();
    golden!(house, "aggregate-displaced", house.stats(&["aggregate", "--eager"]));
    house.stats(&["aggregate", "--eager"]).ok();
    golden!(house, "aggregate", house.stats(&["aggregate", "--eager"]));
    golden!(
        house,
        "read-nothing",
        house.stats(&["read", "--community-id", "global", "--start-date", "2020-01-01", "--end-date", "2020-01-02"])
    );
    golden!(house, "enable-dashboards", house.stats(&["enable-dashboards", "--verbose", COMMUNITY, "nonsense"]));
    golden!(house, "clear-bookmarks-which", house.stats(&["clear-bookmarks", "--all-communities"]));
    golden!(
        house,
        "clear-bookmarks-some",
        house.stats(&[
            "clear-bookmarks",
            "--community-id",
            "my-research-community",
            "--aggregation-type",
            "usage-delta",
            "--confirm"
        ])
    );
    golden!(
        house,
        "clear-bookmarks-all",
        house.stats(&["clear-bookmarks", "--all-communities", "--all-aggregation-types"])
    );
    golden!(house, "locks-none", house.stats(&["clear-lock", "--list-locks"]));
    golden!(house, "lock-not-held", house.stats(&["clear-lock", "--dry-run"]));
    golden!(house, "destroy-needs-a-yes", house.stats(&["destroy-indices"]));
    golden!(house, "destroy", house.stats(&["destroy-indices", "--yes-i-know", "--force"]));
    golden!(house, "destroy-again", house.stats(&["destroy-indices", "--yes-i-know"]));
    golden!(house, "processes-none", house.background(&["processes", "list"]));
    golden!(house, "process-none", house.background(&["processes", "status", "--show-log"]));
    golden!(house, "cancel-none", house.background(&["processes", "cancel"]));
    golden!(house, "process-unknown", house.background(&["processes", "status", "nothing"]));
}

/// Seed 001, *Output Examples*, concise mode.
const SEED_BLOCK: &str = "\
Community: my-research-community (a1b2c3d4-e5f6-7890-abcd-ef1234567890)
------------------------------------------------------------
delta-created              [██████████████████████████████] 100% (today)
delta-published            [████████████████████████████░░] 95% (1d ago)
delta-added                [No index]
snapshot-created           [██████████████████████████████] 100% (today)
snapshot-published         [████████████████████████████░░] 95% (1d ago)
snapshot-added             [No index]
usage-delta                [██████████████████████████████] 100% (today)
usage-snapshot             [██████████████████████████████] 100% (today)
";

/// Everything but the figures: bars as their width, shares and ages as words.
fn shape(block: &str) -> String {
    let line = |line: &str| match line.split_once('[') {
        Some((name, rest)) if rest.starts_with(['█', '░']) => {
            let (bar, rest) = rest.split_once("] ").expect("a bar ends");
            assert!(bar.chars().all(|c| c == '█' || c == '░'), "{bar}");
            let (share, age) = rest.split_once("% ").expect("a share");
            assert!(share.parse::<u8>().is_ok_and(|share| share <= 100), "{share}");
            let days = age.strip_prefix('(').and_then(|age| age.strip_suffix("d ago)"));
            assert!(age == "(today)" || days.is_some_and(|days| days.parse::<u32>().is_ok()), "{age}");
            format!("{name}[{} wide] N% (age)\n", bar.chars().count())
        }
        _ => format!("{line}\n"),
    };
    block.lines().map(line).collect()
}

#[test]
fn the_status_block_is_the_seeds_but_for_its_figures() {
    let house = small();
    house.stats(&["community-events", "generate"]).ok();
    let mut words = vec!["aggregate", "--eager", "--aggregation-type"];
    words.extend([
        "delta-created",
        "delta-published",
        "snapshot-created",
        "snapshot-published",
        "usage-delta",
        "usage-snapshot",
    ]);
    // The events came before any membership was known: the first run migrates them instead.
    let displaced = house.stats(&words).ok();
    assert!(displaced.out.contains("displaced by usage events migration"), "{}", displaced.out);
    house.stats(&words).ok();
    let said = house.stats(&["status", "--community-id", "my-research-community"]).ok();
    assert_eq!(shape(said.out.trim_end()), shape(SEED_BLOCK));
    let by_uuid = house.stats(&["status", "-c", COMMUNITY]).ok();
    assert_eq!(by_uuid.out, said.out);
    golden!(house, "status-verbose", house.stats(&["status", "-c", COMMUNITY, "-v"]));
}

#[test]
fn every_key_of_the_replaced_systems_is_accepted_and_those_without_meaning_are_named() {
    let house = House::new();
    let file = house.folder.path().join("config.toml");
    std::fs::write(
        &file,
        "[repository]\nSTATS_CACHE_REDIS_URL = \"redis://localhost\"\nCOMMUNITY_STATS_TOP_SUBCOUNT_LIMIT = 5\n",
    )
    .expect("written");
    let mut command =
        house.command(&["community-stats", "usage-events", "status", "--config", file.to_str().expect("UTF-8")]);
    command.env("COMMUNITY_STATS_BULK_OVERHEAD", "1.5").env("COMMUNITY_STATS_CATCHUP_INTERVAL", "30");
    let said = command.output().expect("it runs");
    let err = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{err}");
    assert_eq!(
        err.trim(),
        "note: accepted, but without meaning here: COMMUNITY_STATS_BULK_OVERHEAD, STATS_CACHE_REDIS_URL"
    );
    let mut command = house.command(&["community-stats", "usage-events", "status"]);
    command.env("COMMUNITY_STATS_CATCHUP_INTERVAL", "many");
    let said = command.output().expect("it runs");
    assert_eq!(said.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&said.stderr).contains("COMMUNITY_STATS_CATCHUP_INTERVAL"));
    let mut command = house.command(&["community-stats", "usage-events", "status"]);
    command.env("COMMUNITY_STATS_ENABLED", "False");
    let said = command.output().expect("it runs");
    assert_eq!(said.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&said.stderr).contains("COMMUNITY_STATS_ENABLED"));
}
