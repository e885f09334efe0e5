//! One clock. "Now" is always an argument; this is where the argument comes from.

use jiff::{Timestamp, civil::Date, tz::TimeZone};

/// Where "now" comes from: the machine, or one instant fixed for the whole process.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Clock {
    System,
    Fixed(Timestamp),
}

/// A variable that should freeze the clock does not hold an instant.
#[derive(Debug, thiserror::Error)]
#[error("{variable} is `{value}`, which is not an instant with a zone such as 2026-11-21T09:00:00Z")]
pub struct ClockError {
    pub variable: &'static str,
    pub value: String,
}

impl Clock {
    /// The clock of this process: `TALLYKEEP_NOW`, else `COMMUNITY_METRICS_NOW` (seed 002), else the machine's.
    ///
    /// Errors: a variable that is set but is no RFC 3339 instant with a zone.
    pub fn from_env() -> Result<Self, ClockError> {
        for variable in ["TALLYKEEP_NOW", "COMMUNITY_METRICS_NOW"] {
            if let Ok(value) = std::env::var(variable) {
                if value.is_empty() {
                    continue;
                }
                return match value.parse() {
                    Ok(instant) => Ok(Self::Fixed(instant)),
                    Err(_) => Err(ClockError { variable, value }),
                };
            }
        }
        Ok(Self::System)
    }

    pub fn now(&self) -> Timestamp {
        match self {
            Self::System => Timestamp::now(),
            Self::Fixed(instant) => *instant,
        }
    }

    /// Today's UTC day.
    pub fn today(&self) -> Date {
        self.now().to_zoned(TimeZone::UTC).date()
    }
}
