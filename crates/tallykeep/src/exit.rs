//! How the program ends: 0 done, 1 failed, 2 bad usage, 75 busy.

use std::{io::Write, process::ExitCode};

use tallykeep_control::ControlError;

/// An end with an exit code of its own.
#[derive(Debug, thiserror::Error)]
pub enum Exit {
    /// The command line or the configuration asks for something that cannot be (2).
    #[error("{0}")]
    Usage(String),
    /// It failed and everything was said already, e.g. as a JSON document (1).
    #[error("failed")]
    Said,
}

pub fn usage(message: impl Into<String>) -> anyhow::Error {
    Exit::Usage(message.into()).into()
}

/// Prints the error, if any, once, and answers the exit code.
pub fn report(outcome: anyhow::Result<()>) -> ExitCode {
    let Err(error) = outcome else { return ExitCode::SUCCESS };
    if error.chain().any(is_closed_pipe) {
        return ExitCode::SUCCESS;
    }
    let code = match error.downcast_ref::<Exit>() {
        Some(Exit::Usage(_)) => 2,
        Some(Exit::Said) => return ExitCode::from(1),
        None if error.chain().any(is_busy) => 75,
        None => 1,
    };
    // When standard error is closed there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "tallykeep: {error:#}");
    ExitCode::from(code)
}

fn is_busy(cause: &(dyn std::error::Error + 'static)) -> bool {
    matches!(cause.downcast_ref::<ControlError>(), Some(ControlError::Busy { .. }))
}

fn is_closed_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
