//! How the program ends: 0 done, 1 failed, 2 bad usage, 75 busy.

use std::{io::Write, process::ExitCode};

use tallykeep_control::ControlError;
use tallykeep_repository::{RepositoryError, sources::SourceError};

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
    let code = code(&error);
    if matches!(error.downcast_ref::<Exit>(), Some(Exit::Said)) {
        return ExitCode::from(code);
    }
    // When standard error is closed there is nobody left to tell.
    let _ = writeln!(std::io::stderr(), "tallykeep: {error:#}");
    ExitCode::from(code)
}

/// The exit code an error ends the program with.
pub fn code(error: &anyhow::Error) -> u8 {
    match error.downcast_ref::<Exit>() {
        Some(Exit::Usage(_)) => 2,
        Some(Exit::Said) => 1,
        None if error.chain().any(is_busy) => 75,
        None => 1,
    }
}

/// The errors of domains show that of control as their own, so it is no cause of theirs but part of them.
fn is_busy(cause: &(dyn std::error::Error + 'static)) -> bool {
    let repository = cause.downcast_ref::<RepositoryError>().or_else(|| match cause.downcast_ref::<SourceError>() {
        Some(SourceError::Repository(error)) => Some(error),
        _ => None,
    });
    let control = cause.downcast_ref::<ControlError>().or(match repository {
        Some(RepositoryError::Control(error)) => Some(error),
        _ => None,
    });
    matches!(control, Some(ControlError::Busy { .. }))
}

fn is_closed_pipe(cause: &(dyn std::error::Error + 'static)) -> bool {
    // JSON is written through its own writer, whose errors do not show the cause as their source.
    let json = cause.downcast_ref::<serde_json::Error>().and_then(serde_json::Error::io_error_kind);
    if json == Some(std::io::ErrorKind::BrokenPipe) {
        return true;
    }
    cause.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
