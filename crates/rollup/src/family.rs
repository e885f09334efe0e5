//! What a rollup is: a table of days with their sums, declared by a domain.

use jiff::civil::Date;
use tallykeep_lake::TableDef;
use xxhash_rust::xxh3::xxh3_64;

/// One rollup. Its table's columns are `day, scope, dimension, value, first` and then the measures, all `Int`; its partition columns
/// are `level, bucket, shard`.
#[derive(Debug)]
pub struct Family {
    pub name: &'static str,
    pub table: &'static TableDef,
    pub measures: &'static [&'static str],
    /// Scopes other than `global` are spread over this many shards; `global` has one of its own.
    pub shards: u64,
}

/// How coarse a row is. Month and year sums are kept in the same commit as their days: a running total is a few sums
/// plus a few days, and a corrected day of long ago touches one month and one year.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Level {
    Day,
    Month,
    Year,
}

impl Level {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Month => "month",
            Self::Year => "year",
        }
    }

    /// The bucket whose file holds a row of `day`: days lie in months, months in years, years together.
    pub fn bucket(self, day: Date) -> String {
        match self {
            Self::Day => format!("{:04}-{:02}", day.year(), day.month()),
            Self::Month => format!("{:04}", day.year()),
            Self::Year => "all".to_owned(),
        }
    }
}

impl Family {
    /// Where the rows of a scope lie.
    pub fn shard(&self, scope: &str) -> String {
        if scope == tallykeep_model::Scope::GLOBAL {
            "global".to_owned()
        } else {
            format!("{:02x}", xxh3_64(scope.as_bytes()) % self.shards)
        }
    }
}
