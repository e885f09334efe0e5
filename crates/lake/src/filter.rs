//! What rows a scan wants, in terms files and pages can be pruned by.

use datafusion::{
    logical_expr::{Expr, col, lit},
    prelude::in_list,
    scalar::ScalarValue,
};
use jiff::{ToSpan, civil::Date};
use serde_json::Value;

use crate::{
    DataFile,
    files::{day_text, instant_text, less},
};

/// A condition on one column. Several conditions of a scan all hold.
#[derive(Debug, Clone, PartialEq)]
pub enum Filter {
    /// A `Day` column lies in the inclusive range.
    Days { column: &'static str, first: Date, last: Date },
    /// An `Instant` column lies in `[from, to)`, microseconds UTC.
    Instants { column: &'static str, from: i64, to: i64 },
    /// A `Text` or `Word` column is one of the values.
    OneOf { column: &'static str, values: Vec<String> },
    /// An `Int` column lies in the inclusive range.
    Ints { column: &'static str, least: i64, greatest: i64 },
}

/// Days since 1970-01-01, the way arrow's `Date32` counts them.
pub fn day_number(day: Date) -> i32 {
    let epoch = jiff::civil::date(1970, 1, 1);
    epoch.until(day).map_or(0, |span| span.get_days())
}

impl Filter {
    pub(crate) fn expr(&self) -> Expr {
        match self {
            Self::Days { column, first, last } => col(*column)
                .gt_eq(lit(ScalarValue::Date32(Some(day_number(*first)))))
                .and(col(*column).lt_eq(lit(ScalarValue::Date32(Some(day_number(*last)))))),
            Self::Instants { column, from, to } => {
                let at = |micros| lit(ScalarValue::TimestampMicrosecond(Some(micros), Some("UTC".into())));
                col(*column).gt_eq(at(*from)).and(col(*column).lt(at(*to)))
            }
            Self::OneOf { column, values } => match values.as_slice() {
                [one] => col(*column).eq(lit(one.clone())),
                many => in_list(col(*column), many.iter().map(|v| lit(v.clone())).collect(), false),
            },
            Self::Ints { column, least, greatest } => {
                col(*column).gt_eq(lit(*least)).and(col(*column).lt_eq(lit(*greatest)))
            }
        }
    }

    /// Whether a file may hold matching rows, by its statistics. Files without statistics may.
    pub(crate) fn may_match(&self, file: &DataFile) -> bool {
        let between = |column: &str, low: Value, high: Value| {
            let (Some(least), Some(greatest)) = (file.least.get(column), file.greatest.get(column)) else {
                return true;
            };
            !less(&high, least) && !less(greatest, &low)
        };
        match self {
            Self::Days { column, first, last } => {
                between(column, day_text(day_number(*first)).into(), day_text(day_number(*last)).into())
            }
            Self::Instants { column, from, to } => match (instant_text(*from), instant_text(to.saturating_sub(1))) {
                (Some(low), Some(high)) => between(column, low.into(), high.into()),
                _ => true,
            },
            Self::OneOf { column, values } => {
                values.iter().any(|v| between(column, v.clone().into(), v.clone().into()))
            }
            Self::Ints { column, least, greatest } => between(column, (*least).into(), (*greatest).into()),
        }
    }
}

/// The day after 1970-01-01 by `number` days; the inverse of [`day_number`].
pub fn day_of(number: i32) -> Date {
    jiff::civil::date(1970, 1, 1).saturating_add(i64::from(number).days())
}
