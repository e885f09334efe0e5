//! Every command × two teams: which commands keep to the team they are told is a checked-in table, `cli_matrix.txt`, and every
//! one that says it does is run. A command without a line fails the first test.
//!
//! A line is `command | about | arguments`. About is
//! - `team`: it keeps to the team of `--team`, or to the one it names;
//! - `every: reason`: it is about all teams, and why that is right. Who may run this program on this machine may do that;
//! - `none: reason`: it touches no team's data.
//!
//! Arguments are what the test runs a `team` command with, on `alpha`; `{dir}` is a folder with the team's files. What starts a
//! process that outlives it is `not run: ` and why.

use std::collections::{BTreeMap, BTreeSet};

use crate::support::{Installation, TEAMS, said};

const TABLE: &str = include_str!("cli_matrix.txt");

struct Line {
    about: &'static str,
    arguments: &'static str,
}

fn table() -> BTreeMap<&'static str, Line> {
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    lines
        .map(|line| {
            let parts: Vec<_> = line.split('|').map(str::trim).collect();
            let &[command, about, arguments] = parts.as_slice() else { panic!("not three columns: {line}") };
            (command, Line { about, arguments })
        })
        .collect()
}

/// Every command that does something, from the program's own help.
fn commands(installation: &Installation, path: &[String], found: &mut BTreeSet<String>) {
    let mut arguments: Vec<&str> = path.iter().map(String::as_str).collect();
    arguments.push("--help");
    let help = installation.ok(&arguments);
    let subcommands: Vec<_> = help
        .lines()
        .skip_while(|line| !line.starts_with("Commands:"))
        .skip(1)
        .take_while(|line| !line.is_empty())
        .filter(|line| line.starts_with("  ") && !line.starts_with("   "))
        .filter_map(|line| line.split_whitespace().next())
        .filter(|name| *name != "help")
        .collect();
    let runs_itself = help.lines().any(|line| line.starts_with("Usage:") && !line.contains("<COMMAND>"));
    if !path.is_empty() && (subcommands.is_empty() || runs_itself) {
        found.insert(path.join(" "));
    }
    for name in subcommands {
        let mut below = path.to_vec();
        below.push(name.to_owned());
        commands(installation, &below, found);
    }
}

#[test]
fn every_command_is_decided() {
    let installation = Installation::new(None);
    let mut known = BTreeSet::new();
    commands(&installation, &[], &mut known);
    assert!(known.len() > 60, "the help was read: {known:?}");
    let table = table();
    let lines = TABLE.lines().filter(|line| !line.is_empty() && !line.starts_with('#')).count();
    assert_eq!(lines, table.len(), "a command stands twice in cli_matrix.txt");
    let undecided: Vec<_> = known.iter().filter(|command| !table.contains_key(command.as_str())).collect();
    let gone: Vec<_> = table.keys().filter(|command| !known.contains(**command)).collect();
    assert!(
        undecided.is_empty() && gone.is_empty(),
        "without a line in cli_matrix.txt: {undecided:#?}; gone: {gone:#?}"
    );
    for (command, line) in &table {
        let decided = line.about == "team"
            || ["every: ", "none: "].iter().any(|word| line.about.strip_prefix(word).is_some_and(|why| why.len() > 10));
        assert!(decided, "{command}: `{}` is no decision with a reason", line.about);
        assert!(line.about != "team" || !line.arguments.is_empty(), "{command}: nothing to run it with");
    }
}

#[test]
fn a_command_about_a_team_says_and_changes_nothing_of_another() {
    let installation = Installation::new(None);
    installation.fill();
    let [(slug, word), (other, foreign)] = TEAMS;
    let before = installation.state_of(other);
    let files = installation.lake_of(other);
    assert!(before.iter().any(|said| said.contains(foreign)) && !files.is_empty(), "{before:?}");
    let dir = installation.files().join(slug).display().to_string();
    let (mut own_word, mut failed) = (0, Vec::new());
    let runs = |line: &Line| line.about == "team" && !line.arguments.starts_with("not run: ");
    for (command, line) in table().into_iter().filter(|(_, line)| runs(line)) {
        let arguments = line.arguments.replace("{dir}", &dir);
        let mut all: Vec<&str> = command.split(' ').collect();
        all.extend(arguments.split(' ').filter(|word| !word.is_empty() && *word != "-"));
        let names_it = all.contains(&slug);
        if !names_it {
            all.extend(["--team", slug]);
        }
        let output = installation.run(&all);
        let heard = said(&output);
        // A command that lacks a key for a service, or a report in the configuration, ends with the code of wrong use.
        let lacks = ["OPENAI_API_KEY is not set", "no report `board`"].iter().any(|word| heard.contains(word));
        let is_misused = output.status.code() == Some(2) && !lacks;
        assert!(!is_misused, "{all:?} is not how it is used: {heard}");
        assert!(!heard.contains(foreign), "{all:?} says something of {other}: {heard}");
        assert_eq!(installation.lake_of(other), files, "{all:?} wrote into the tables of {other}");
        own_word += usize::from(heard.contains(word));
        if !output.status.success() {
            failed.push(format!("{all:?}: {}", heard.lines().last().unwrap_or_default()));
        }
    }
    println!("{own_word} commands said the own word; without registries failed: {failed:#?}");
    assert!(own_word >= 8, "the words are where the test looks: {own_word}");
    assert_eq!(installation.state_of(other), before);
}
