//! How instants and days are written into the database.

use jiff::{Timestamp, civil::Date};

use crate::ControlError;

/// Microseconds since the epoch, UTC.
pub fn micros(at: Timestamp) -> i64 {
    at.as_microsecond()
}

/// The instant of a stored number. Errors: a number outside jiff's range, which only a damaged row can hold.
pub fn from_micros(stored: i64) -> Result<Timestamp, ControlError> {
    Timestamp::from_microsecond(stored).map_err(|_| ControlError::Damaged(format!("instant {stored}")))
}

/// The day of a stored text.
pub fn day_from_text(stored: &str) -> Result<Date, ControlError> {
    stored.parse().map_err(|_| ControlError::Damaged(format!("day `{stored}`")))
}
