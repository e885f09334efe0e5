//! How a server's memory is looked after by the C library (docs/adr/0010-linked-for-a-small-resident-set.md).

use std::{env, os::unix::process::CommandExt, process::Command};

/// Read by glibc when a program starts, and only then: four pools of freed memory rather than sixteen, and more than a megabyte at the
/// end of one goes back to the system.
const SPARING: [(&str, &str); 2] = [("MALLOC_ARENA_MAX", "4"), ("MALLOC_TRIM_THRESHOLD_", "1048576")];

/// Starts this program again in its own place, with the same number and words, so that answers of twenty megabytes do not stay in its memory
/// once they are sent. Whoever set one of these already is obeyed; other C libraries do not know them.
pub fn be_sparing() {
    if SPARING.iter().any(|(name, _)| env::var_os(name).is_some()) {
        return;
    }
    let mut words = env::args_os();
    let (Some(name), Ok(program)) = (words.next(), env::current_exe()) else { return };
    // Comes back only when it failed; then the server takes more memory, and does all it should.
    let error = Command::new(program).arg0(name).args(words).envs(SPARING).exec();
    tracing::debug!(%error, "memory is not looked after");
}
