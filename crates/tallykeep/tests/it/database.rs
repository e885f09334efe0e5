//! PostgreSQL as control database, from the command line: the same commands, the same answers, and the way there.

use tallykeep_testkit::postgres::Cluster;

use crate::support::{Installation, TEAMS, said};

/// What the commands say of both teams, without what differs between any two runs: ids, instants, folders.
fn answers(installation: &Installation) -> Vec<String> {
    let mut all = Vec::new();
    for (slug, _) in TEAMS {
        for arguments in [
            &["community-stats", "read", "--start-date", "2026-06-01", "--end-date", "2026-06-10"][..],
            &["community-stats", "status"],
            &["packages", "export-stats"],
            &["packages", "gaps"],
            &["packages", "report", "--month", "2026-05"],
            &["packages", "compare", "--on", "2026-05-20", "--days", "7"],
            &["packages", "debug", "metrics"],
            &["team", "member", "list", slug],
            &["team", "reader", "list", slug],
            &["team", "list"],
        ] {
            let with_team: Vec<_> = arguments.iter().copied().chain(["--team", slug]).collect();
            all.push(format!("{with_team:?}: {}", without_run_ids(&installation.ok(&with_team))));
        }
    }
    all
}

/// Runs are named at random: `import_stats:20260620T120000Z:020bd56f`.
fn without_run_ids(text: &str) -> String {
    let mut parts = text.split("import_stats:20260620T120000Z:");
    let first = parts.next().unwrap_or_default().to_owned();
    parts.fold(first, |whole, part| whole + "RUN" + part.get(8..).unwrap_or_default())
}

/// Says where two lists of answers part, in a line each.
fn same(left: &[String], right: &[String]) {
    assert_eq!(left.len(), right.len());
    for (left, right) in left.iter().zip(right) {
        for (n, (one, other)) in left.lines().zip(right.lines()).enumerate() {
            assert_eq!(one, other, "line {n} of {}", left.lines().next().unwrap_or_default());
        }
        assert_eq!(left.len(), right.len());
    }
}

#[test]
fn every_command_answers_on_postgresql_as_on_sqlite() {
    let Some(cluster) = Cluster::start() else { return };
    let here = Installation::new(None);
    let there = Installation::new(Some(cluster.database("whole")));
    here.fill();
    there.fill();
    assert!(!there.data_dir().join("control.db").exists(), "nothing is kept in SQLite beside it");
    same(&answers(&there), &answers(&here));
}

#[test]
fn an_installation_moves_to_postgresql_and_goes_on_there() {
    let Some(cluster) = Cluster::start() else { return };
    let mut installation = Installation::new(None);
    installation.fill();
    let before = answers(&installation);
    let url = cluster.database("moved");
    let copied = installation.json(&["database", "copy", "--to", &url]);
    assert_eq!(copied["tables"]["team"], 3, "{copied}");
    // A second copy would mix two installations.
    let again = installation.run(&["database", "copy", "--to", &url]);
    assert_eq!(again.status.code(), Some(1));
    assert!(said(&again).contains("not empty"), "{}", said(&again));

    installation.database = Some(url);
    std::fs::remove_file(installation.data_dir().join("control.db")).expect("the old one is not needed");
    same(&answers(&installation), &before);
    let audit = installation.json(&["audit", "check"]);
    assert_eq!(audit["intact"], true, "{audit}");
    assert_eq!(installation.json(&["audit", "--action", "database.copy"]).as_array().map(Vec::len), Some(1));
    // It goes on: new things get ids after the old ones.
    installation.ok(&["team", "add", "gamma"]);
    installation.ok(&["user", "add", "next@example.org"]);
    installation.ok(&["packages", "annotations", "add", "--day", "2026-06-03", "--text", "after", "--team", "alpha"]);
    installation.ok(&["community-stats", "aggregate", "--eager", "--team", "alpha"]);
}

#[test]
fn a_url_with_a_password_is_never_repeated() {
    let installation = Installation::new(None);
    for to in ["postgres://keeper:hunter22@127.0.0.1:1/db", "mysql://keeper:hunter22@127.0.0.1/db"] {
        let output = installation.run(&["database", "copy", "--to", to]);
        assert!(!output.status.success());
        assert!(!said(&output).contains("hunter22"), "{}", said(&output));
    }
}
