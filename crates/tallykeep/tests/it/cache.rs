//! `community-stats cache …` as people see it: a session, word for word (seeds 001 and 004; spec/invenio §15).
//!
//! `TALLYKEEP_WRITE_GOLDEN=1` writes the transcript anew; read the difference.

use std::{
    fmt::Write as _,
    path::{Path, PathBuf},
    process::Command,
};

use serde_json::{Value, json};

const C1: &str = "11111111-1111-4111-8111-111111111111";
const C2: &str = "22222222-2222-4222-8222-222222222222";

fn run(dir: &Path, words: &[&str]) -> (String, String, Option<i32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tallykeep"));
    command.args(words).current_dir(dir).env_clear().env("HOME", dir);
    command.env("TALLYKEEP_DATA_DIR", dir.join("data")).env("TALLYKEEP_NOW", "2024-01-15T12:00:00Z");
    let output = command.output().expect("it runs");
    let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).expect("text");
    (text(&output.stdout), text(&output.stderr), output.status.code())
}

fn lines(dir: &Path, name: &str, documents: &[Value]) {
    let text: String = documents.iter().map(|d| format!("{d}\n")).collect();
    std::fs::write(dir.join(name), text).expect("written");
}

/// One record in two communities, one of which is two years old; three views.
pub fn filled() -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let community = |id: &str, slug: &str, created: &str| json!({"id": id, "slug": slug, "created": created, "metadata": {"title": slug}});
    lines(
        dir.path(),
        "communities.ndjson",
        &[community(C1, "one", "2024-01-01T00:00:00Z"), community(C2, "two", "2022-06-01T00:00:00Z")],
    );
    lines(
        dir.path(),
        "records.ndjson",
        &[
            json!({"id": "R1", "parent": {"id": "P1", "access": {"owned_by": {"user": "U1"}}, "communities": {"ids": [C1, C2]}},
            "created": "2023-05-10T09:00:00Z", "updated": "2023-05-10T09:00:00Z", "is_published": true, "is_deleted": false,
            "access": {"status": "open"}, "metadata": {"publication_date": "2023-05-10", "publisher": "Acme"},
            "files": {"enabled": true, "entries": [{"key": "a.pdf", "ext": "pdf", "size": 1000, "file_id": "f1"}]}}),
        ],
    );
    let added =
        |to: &str, at: &str| json!({"record_id": "R1", "community_id": to, "event_type": "added", "event_date": at});
    lines(
        dir.path(),
        "events.ndjson",
        &[added("global", "2023-05-10T09:00:00"), added(C1, "2024-01-05T10:00:00"), added(C2, "2023-05-10T09:00:00")],
    );
    let view = |n: u32, at: &str| {
        json!({"timestamp": at, "recid": "R1", "parent_recid": "P1", "unique_id": format!("u{n}"), "visitor_id": format!("v{n}"),
            "unique_session_id": "s", "country": "US", "via_api": false, "is_robot": false, "is_machine": false})
    };
    lines(
        dir.path(),
        "usage.ndjson",
        &[view(1, "2023-06-01T10:00:00"), view(2, "2024-01-06T10:00:00"), view(3, "2024-01-06T11:00:00")],
    );
    let import = [
        "import",
        "repository",
        "--records",
        "records.ndjson",
        "--communities",
        "communities.ndjson",
        "--community-events",
        "events.ndjson",
        "--usage-events",
        "usage.ndjson",
    ];
    for words in [&import[..], &["community-stats", "aggregate", "--eager"]] {
        let (out, said, code) = run(dir.path(), words);
        assert_eq!(code, Some(0), "{out}{said}");
    }
    dir
}

const SESSION: &[&str] = &[
    "cache info",
    "cache list",
    "cache generate --community-id one --year 2024 --dry-run",
    "cache generate --all-years --dry-run",
    "cache generate --community-id one --years 2020-2023",
    "cache generate --community-id one --year 2024",
    "cache generate --community-slug two --years 2022-2024",
    "cache generate --community-slug two --years 2022-2024",
    "cache generate --community-slug two --year 2023 --overwrite",
    "cache generate --all-years",
    "cache generate --all-years --dry-run",
    "cache list --community-id one",
    "cache list --human-readable --limit 3 --include-sizes --include-ages",
    "cache list --pattern usage_snapshot --human-readable",
    "cache info --detailed",
    "cache test",
    "cache test --community-id two --stat-name usage_deltas",
    "cache clear-item global record_snapshots",
    "cache clear-item two usage_delta --start-date 2023-01-01 --end-date 2023-12-31",
    "cache clear-item two usage_delta --date-basis created",
    "cache clear-pattern two/2024/*",
    "cache clear-pattern nothing",
    "cache clear-all",
    "cache clear-all",
    "cache list",
    "--json cache generate --community-id one --year 2024",
    "--json cache list --limit 1",
    "--json cache generate --community-id one --year 2024 --dry-run",
    "--json cache clear-item one record_delta",
    "--json cache clear-all",
    "cache generate --community-slug three --year 2024",
    "cache generate --community-id three --year 2024",
    "cache generate --years 2023-x",
    "cache generate --years 2023-2020",
    "cache generate --year twenty",
    "cache clear-item global everything",
    "cache clear-item global record_delta --content-type text/csv",
    "cache clear-item global record_delta --date-basis then",
];

/// The hash of the layout we ship is another whenever that layout is.
fn masked(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((at, mark)) = ["  layout ", "\nLayout ", "\"layout_hash\": \"", "\"layouts\": {\n    \""]
        .iter()
        .filter_map(|m| Some((rest.find(m)?, m)))
        .min()
    {
        let (before, after) = rest.split_at(at + mark.len());
        let hash = after.find(|c: char| !c.is_ascii_hexdigit()).unwrap_or(after.len());
        assert_eq!(hash, 16, "{after}");
        out.push_str(before);
        out.push_str("LAYOUT");
        rest = &after[hash..];
    }
    out + rest
}

#[test]
fn a_session_word_for_word() {
    let dir = filled();
    let mut transcript = String::new();
    for line in SESSION {
        let mut words: Vec<&str> = line.split(' ').collect();
        let at = usize::from(words[0] == "--json");
        words.insert(at, "community-stats");
        let (out, said, code) = run(dir.path(), &words);
        let _ = writeln!(transcript, "$ {line}\n{}", masked((out + &said).trim_end()));
        if code != Some(0) {
            let _ = writeln!(transcript, "(exit {})", code.unwrap_or(-1));
        }
    }
    let golden = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/it/cache.txt");
    if std::env::var_os("TALLYKEEP_WRITE_GOLDEN").is_some() {
        std::fs::write(&golden, &transcript).expect("written");
    }
    let wanted = std::fs::read_to_string(&golden).expect("a transcript");
    for (found, wanted) in transcript.split("\n$ ").zip(wanted.split("\n$ ")) {
        assert_eq!(found, wanted);
    }
    assert_eq!(transcript, wanted);
}

#[test]
fn a_switched_off_schedule_needs_force() {
    let dir = filled();
    let run_off = |more: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_tallykeep"));
        command.args(["community-stats", "cache", "generate", "--community-id", "one"]).args(more);
        command
            .current_dir(dir.path())
            .env_clear()
            .env("HOME", dir.path())
            .env("TALLYKEEP_DATA_DIR", dir.path().join("data"));
        command
            .env("TALLYKEEP_NOW", "2024-01-15T12:00:00Z")
            .env("COMMUNITY_STATS_SCHEDULED_CACHE_TASKS_ENABLED", "False");
        let output = command.output().expect("it runs");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = run_off(&[]);
    assert!(code == Some(1) && said.contains("use --force"), "{said}");
    assert_eq!(run_off(&["--dry-run"]).0, Some(0));
    assert_eq!(run_off(&["--force"]).0, Some(0));
}

/// Without a server the work is done by a process of its own; the answer names its jobs.
#[test]
fn a_generation_in_the_background_is_done() {
    let dir = filled();
    let (out, said, code) = run(dir.path(), &["community-stats", "cache", "generate", "--all-years", "--async"]);
    assert_eq!(code, Some(0), "{said}");
    let mut lines = out.lines();
    assert_eq!(lines.next(), Some("✅ Cache generation started in background"));
    let ids = lines.next().and_then(|line| line.strip_prefix("📋 Task IDs: ['")).expect("the jobs");
    assert_eq!(ids.matches("', '").count(), 2, "one for each community and global: {ids}");
    for _ in 0..600 {
        let (out, ..) = run(dir.path(), &["community-stats", "cache", "info"]);
        if out.contains("Cached responses: 48 (48 current)") {
            return;
        }
        std::thread::sleep(std::time::Duration::from_millis(200));
    }
    panic!("the jobs were not done");
}
