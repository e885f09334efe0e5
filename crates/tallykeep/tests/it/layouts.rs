//! `tallykeep layout …`: what holds, what is refused and where.

use serde_json::json;

use crate::program::Program;

const NOW: &str = "2026-03-10T12:00:00Z";

#[test]
fn a_layout_is_checked_set_narrowest_first_and_reset() {
    let program = Program::new(NOW);
    let own = json!({"tabs": [{"name": "own", "label": "Own", "rows": [{"name": "r", "components": [{"component": "StatsMap"}]}]}]});
    let of_document = json!({"tabs": [{"name": "document", "label": "D", "rows": [{"name": "r", "components": [{"component": "StatsMap"}]}]}]});
    let community = |slug: &str, fields: serde_json::Value| json!({"id": format!("{slug}-id"), "slug": slug, "created": "2025-01-01T00:00:00Z", "metadata": {"title": slug}, "custom_fields": fields});
    let communities = program.lines(
        "communities.ndjson",
        [
            community("plain", json!({})),
            community("with", json!({"stats:dashboard_layout": {"community_layout": of_document}})),
            community("broken", json!({"stats:dashboard_layout": {"tabs": []}})),
        ],
    );
    program.json(&["import", "repository", "--communities", &communities]);
    let from = |scope: &[&str]| {
        let shown = program.json(&[&["layout", "show"], scope].concat());
        (
            shown["from"].as_str().expect("text").to_owned(),
            shown["layout"]["tabs"][0]["name"].as_str().expect("a name").to_owned(),
        )
    };
    let told = |from: &str, tab: &str| (from.to_owned(), tab.to_owned());
    assert_eq!(from(&[]), told("default", "content"));
    assert_eq!(from(&["--community", "with"]), told("document", "document"));
    assert_eq!(from(&["--community", "broken"]), told("default", "content"));
    let file = program.lines("own.json", [own]);
    program.json(&["layout", "set", &file, "--all-communities"]);
    assert_eq!(from(&["--community", "plain"]), told("communities", "own"));
    assert_eq!(from(&["--community", "with"]), told("document", "document"));
    assert_eq!(from(&[]), told("default", "content"));
    program.json(&["layout", "set", &file, "--community", "with"]);
    assert_eq!(from(&["--community", "with-id"]), told("set", "own"));
    assert_eq!(program.json(&["layout", "list"])["layouts"][1]["community"], "with");
    assert_eq!(program.json(&["layout", "reset", "--community", "with"])["from"], "document");
    // A wrong one names file, path and reason, and sets nothing.
    let wrong = program.lines("wrong.json", [json!({"tabs": [{"name": "a", "label": "A", "rows": [{"name": "r", "components": [{"component": "StatsMap", "width": 17}]}]}]})]);
    let output = program.run(&["layout", "set", &wrong]);
    let said = String::from_utf8_lossy(&output.stderr);
    assert_eq!(output.status.code(), Some(1), "{said}");
    assert!(
        said.contains("wrong.json: tabs[0].rows[0].components[0].width: 17 is not a whole number from 1 to 16"),
        "{said}"
    );
    assert_eq!(from(&[]), told("default", "content"));
    // What is shown can be set again.
    let shown = program.json(&["layout", "show"])["layout"].clone();
    let file = program.lines("shown.json", [shown]);
    assert_eq!(program.json(&["layout", "set", &file, "--dry-run"])["dry_run"], true);
}
