//! Lines for people. `println!` panics when its reader is gone (`tallykeep … | head`); these let the work go on without words.
//! Results are written with [`write_out`], whose error ends the program quietly.

use std::{fmt::Arguments, io::Write};

/// A line on standard output about how the work goes on.
macro_rules! say {
    ($($words:tt)*) => { $crate::output::said(format_args!($($words)*)) };
}
/// A line on standard error.
macro_rules! note {
    ($($words:tt)*) => { $crate::output::noted(format_args!($($words)*)) };
}
pub(crate) use {note, say};

pub fn said(line: Arguments<'_>) {
    let _ = writeln!(std::io::stdout(), "{line}");
}

pub fn noted(line: Arguments<'_>) {
    let _ = writeln!(std::io::stderr(), "{line}");
}

/// A question on standard error, answered on the same line.
pub fn ask(question: &str) {
    let _ = write!(std::io::stderr(), "{question}");
}

/// A result on standard output.
pub fn write_out(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()?;
    Ok(())
}
