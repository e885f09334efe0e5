//! Writes an invented repository as import files: `invent FOLDER demo|bench SEED TODAY`.
//!
//! The benches use it; `tallykeep demo` generates and imports by itself.

use std::{path::Path, process::ExitCode};

use tallykeep_repository::demo::{Size, write_files};

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [folder, size, seed, today] = args.as_slice() else {
        eprintln!("usage: invent FOLDER demo|bench SEED TODAY   (invent /tmp/set bench 1 2026-11-21)");
        return ExitCode::from(2);
    };
    let size = match size.as_str() {
        "demo" => Size::Demo,
        "bench" => Size::Bench,
        other => {
            eprintln!("`{other}` is neither `demo` nor `bench`");
            return ExitCode::from(2);
        }
    };
    let (Ok(seed), Ok(today)) = (seed.parse(), today.parse()) else {
        eprintln!("SEED must be a whole number and TODAY a day such as 2026-11-21");
        return ExitCode::from(2);
    };
    match write_files(Path::new(folder), size, seed, today) {
        Ok(files) => {
            let [records, communities, memberships, usage] = files.lines;
            println!(
                "{records} records, {communities} communities, {memberships} community events, {usage} usage events"
            );
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("{folder}: {error}");
            ExitCode::FAILURE
        }
    }
}
