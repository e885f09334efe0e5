//! Links the program so that less of it lies in memory (docs/adr/0010-linked-for-a-small-resident-set.md).
//!
//! Functions with the same code are kept once, and the fifteen megabytes of addresses that are put right when the program starts are packed.
//! Not every linker and C library knows these, so a program of one line is linked with them and started first.

use std::{
    env,
    io::Write,
    path::Path,
    process::{Command, Stdio},
};

const SMALL: [&str; 2] = ["-Wl,--icf=all", "-Wl,-z,pack-relative-relocs"];

fn main() {
    println!("cargo:rerun-if-changed=build.rs");
    for argument in SMALL {
        if works(argument).unwrap_or(false) {
            println!("cargo:rustc-link-arg-bins={argument}");
        }
    }
}

/// Whether a program linked so can be built and started here. What is built for another machine cannot be tried and is linked as ever.
fn works(argument: &str) -> std::io::Result<bool> {
    let of = |name: &str| env::var(name).unwrap_or_default();
    if of("HOST") != of("TARGET") {
        return Ok(false);
    }
    let program = Path::new(&of("OUT_DIR")).join("probe");
    let rustflags = of("CARGO_ENCODED_RUSTFLAGS");
    let mut build = Command::new(of("RUSTC"))
        .args(rustflags.split('\u{1f}').filter(|flag| !flag.is_empty()))
        .args(["--crate-name", "probe", "--target", &of("TARGET"), "-C", &format!("link-arg={argument}"), "-o"])
        .arg(&program)
        .arg("-")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .spawn()?;
    if let Some(mut source) = build.stdin.take() {
        source.write_all(b"fn main() {}")?;
    }
    Ok(build.wait()?.success() && Command::new(&program).status()?.success())
}
