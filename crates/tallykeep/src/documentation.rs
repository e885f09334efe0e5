//! Holds docs/cli.md and docs/config.md to the command tree: what a command takes is written down, or these tests name it.
//!
//! `TALLYKEEP_WRITE_DOCS=1 cargo nextest run -p tallykeep documentation` writes the reference part of docs/cli.md anew.

use std::{collections::BTreeSet, fmt::Write, path::PathBuf};

use clap::{Arg, ArgAction, Command, CommandFactory};

const BEGIN: &str = "<!-- reference: written by crates/tallykeep/src/documentation.rs -->\n";

fn page(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../docs").join(name)
}

fn text(name: &str) -> String {
    std::fs::read_to_string(page(name)).unwrap_or_else(|error| panic!("docs/{name}: {error}"))
}

/// Every command somebody can type, with the words before it; groups too.
fn commands() -> Vec<(String, Command)> {
    let mut root = crate::Cli::command();
    root.build();
    let mut found = Vec::new();
    collect("tallykeep", &root, &mut found);
    found
}

fn collect(path: &str, command: &Command, found: &mut Vec<(String, Command)>) {
    found.push((path.to_owned(), command.clone()));
    for sub in command.get_subcommands().filter(|sub| !sub.is_hide_set() && sub.get_name() != "help") {
        collect(&format!("{path} {}", sub.get_name()), sub, found);
    }
}

/// What a command takes itself; the options of every command are described once.
fn own_arguments(path: &str, command: &Command) -> Vec<Arg> {
    let is_root = path == "tallykeep";
    let general = |arg: &Arg| ["help", "version"].contains(&arg.get_id().as_str()) || (arg.is_global_set() && !is_root);
    command.get_arguments().filter(|arg| !arg.is_hide_set() && !general(arg)).cloned().collect()
}

fn notation(arg: &Arg) -> String {
    let value = arg.get_value_names().and_then(|names| names.first()).map_or("VALUE", |name| name.as_str());
    let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
    let several = match arg.get_num_args() {
        Some(range) if range.max_values() > 1 => "…",
        _ => "",
    };
    match arg.get_long() {
        None => format!("{value}{several}"),
        Some(long) => {
            let short = arg.get_short().map_or_else(String::new, |letter| format!("-{letter}, "));
            let value = if takes_value { format!(" {value}{several}") } else { String::new() };
            format!("{short}--{long}{value}")
        }
    }
}

fn reference() -> String {
    let mut out = String::new();
    for (path, command) in commands() {
        let about = command.get_about().map(ToString::to_string).unwrap_or_default();
        let _ = writeln!(out, "\n### `{path}`\n{about}");
        let arguments = own_arguments(&path, &command);
        if !arguments.is_empty() {
            let _ = writeln!(out, "\n| takes | |\n|---|---|");
        }
        for arg in arguments {
            let mut help =
                arg.get_help().map(|help| help.to_string().replace('\n', " ").replace('|', "\\|")).unwrap_or_default();
            let defaults: Vec<String> =
                arg.get_default_values().iter().map(|v| v.to_string_lossy().into_owned()).collect();
            let takes_value = matches!(arg.get_action(), ArgAction::Set | ArgAction::Append);
            if takes_value && !defaults.is_empty() {
                let _ = write!(help, " (default `{}`)", defaults.join(", "));
            }
            if let Some(variable) = arg.get_env() {
                let _ = write!(help, " [`{}`]", variable.to_string_lossy());
            }
            if arg.get_action().takes_values() && arg.is_required_set() {
                help.push_str(" (required)");
            }
            let _ = writeln!(out, "| `{}` | {help} |", notation(&arg).replace('|', "\\|"));
        }
        if let Some(after) = command.get_after_help() {
            let example = after.to_string();
            let example = example.trim().trim_start_matches("Examples:").trim_start_matches("Example:").trim();
            let _ = writeln!(out, "\n```\n{example}\n```");
        }
    }
    out
}

#[test]
fn every_command_and_option_is_in_the_reference() {
    if std::env::var_os("TALLYKEEP_WRITE_DOCS").is_some() {
        let before = text("cli.md");
        let head = before.split(BEGIN).next().unwrap_or_default();
        std::fs::write(page("cli.md"), format!("{head}{BEGIN}{}", reference())).expect("docs/cli.md can be written");
    }
    let page = text("cli.md");
    let mut missing = BTreeSet::new();
    for (path, command) in commands() {
        let Some(section) = page.split("\n### ").find(|part| part.starts_with(&format!("`{path}`"))) else {
            missing.insert(path);
            continue;
        };
        let options = own_arguments(&path, &command);
        let forgotten = options.iter().filter_map(Arg::get_long).filter(|long| !section.contains(&format!("--{long}")));
        missing.extend(forgotten.map(|long| format!("{path} --{long}")));
    }
    assert!(
        missing.is_empty(),
        "docs/cli.md does not have {missing:#?}\nwrite it anew: TALLYKEEP_WRITE_DOCS=1 cargo nextest run -p tallykeep documentation"
    );
}

#[test]
fn the_reference_names_no_command_that_is_gone() {
    let known: BTreeSet<String> = commands().into_iter().map(|(path, _)| path).collect();
    let page = text("cli.md");
    let named = page.split("\n### `").skip(1).filter_map(|part| part.split('`').next()).map(str::to_owned);
    let gone: Vec<String> = named.filter(|path| !known.contains(path)).collect();
    assert!(gone.is_empty(), "docs/cli.md describes commands that do not exist: {gone:?}");
}

#[test]
fn every_environment_variable_of_an_option_is_in_the_configuration_page() {
    let page = text("config.md");
    let all = commands();
    let variables = all
        .iter()
        .flat_map(|(path, command)| own_arguments(path, command))
        .filter_map(|arg| arg.get_env().map(|variable| variable.to_string_lossy().into_owned()));
    let missing: BTreeSet<String> = variables.filter(|name| !page.contains(name.as_str())).collect();
    assert!(missing.is_empty(), "docs/config.md does not name {missing:?}");
}

#[test]
fn the_help_of_every_command_ends_with_an_example() {
    let without: Vec<String> = commands()
        .into_iter()
        .filter(|(_, command)| !command.has_subcommands())
        .filter(|(path, command)| {
            !command.get_after_help().is_some_and(|after| after.to_string().contains(path.as_str()))
        })
        .map(|(path, _)| path)
        .collect();
    assert!(without.is_empty(), "no example after the help of {without:#?}");
}

/// Every file below a folder that ends so.
fn files(folder: &std::path::Path, ending: &str, found: &mut Vec<PathBuf>) {
    let entries = std::fs::read_dir(folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
    for entry in entries.flatten() {
        let path = entry.path();
        if path.is_dir() {
            files(&path, ending, found);
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
}

#[test]
fn every_proof_the_security_page_names_is_a_test() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut sources = Vec::new();
    files(&root.join("crates"), ".rs", &mut sources);
    files(&root.join("web/e2e"), ".test.mjs", &mut sources);
    let code: String = sources.iter().filter_map(|path| std::fs::read_to_string(path).ok()).collect();
    let page = text("security.md");
    let (mut named, mut gone) = (0, BTreeSet::new());
    let rows = page.lines().filter(|line| line.starts_with("| ") && !line.starts_with("| requirement"));
    for row in rows {
        let cells: Vec<_> = row.trim_matches('|').split('|').map(str::trim).collect();
        let &[requirement, how, proof] = cells.as_slice() else { panic!("not three cells: {row}") };
        assert!(!how.is_empty() || !proof.is_empty(), "{requirement}: neither how nor proof");
        // Where there is no proof the second cell says why the requirement is not ours.
        assert!(!proof.is_empty() || how.starts_with("not applicable: "), "{requirement}: no proof and no reason");
        for name in proof.split('`').skip(1).step_by(2) {
            named += 1;
            // A function, or the sentence that a browser test is called.
            if !code.contains(&format!("fn {name}("))
                && !code.contains(&format!("\"{name}\""))
                && !root.join(name).is_file()
            {
                gone.insert(name.to_owned());
            }
        }
    }
    assert!(named > 40, "the page was read: {named}");
    assert!(gone.is_empty(), "docs/security.md names tests that do not exist: {gone:#?}");
}
