//! Our words. No IO, no async, no SQL: the types every other crate speaks in.

mod clock;
mod metric;
mod period;
mod series;
mod team;

pub use clock::{Clock, ClockError};
pub use metric::{Dimension, Kind, Measure, Metric, Unit};
pub use period::{Granularity, Period, PeriodError};
pub use series::{Label, Point, PointState, Series};
pub use team::{Scope, SlugError, Team, TeamSlug};

pub use jiff::Timestamp;
pub use jiff::civil::Date;
