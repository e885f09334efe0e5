//! Spec/invenio §3 through the command line, number by number.

use tallykeep_testkit::worked_example::{NOW, cases, communities, memberships, records, usage};

use crate::program::Program;

#[test]
fn the_command_line_prints_the_numbers_of_the_worked_example() {
    let program = Program::new(NOW);
    let report = program.json(&[
        "import",
        "repository",
        "--records",
        &program.lines("records.ndjson", records()),
        "--communities",
        &program.lines("communities.ndjson", communities()),
        "--community-events",
        &program.lines("community_events.ndjson", memberships()),
        "--usage-events",
        &program.lines("usage_events.ndjson", usage()),
    ]);
    assert_eq!((&report["total"]["new"], &report["total"]["rejected"]), (&18.into(), &0.into()));
    assert_eq!(program.json(&["community-stats", "aggregate", "--eager"])["status"], "completed");
    let mut compared = 0;
    for case in cases() {
        let days = ["--start-date", case.day, "--end-date", case.day];
        let what = ["--community-id", case.community, "--query-type", case.query];
        compared += case.check(&program.json(&[&["community-stats", "read"], &what[..], &days[..]].concat()));
    }
    println!("{compared} numbers compared");
}
