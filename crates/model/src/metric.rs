//! What is counted. A domain's catalogue is a list of these; API, CLI, docs and exports read it.

use serde::Serialize;

/// One thing that is counted, defined once.
#[derive(Debug, Clone, Serialize)]
pub struct Metric {
    /// `<domain>.<name>`, e.g. `packages.downloads`.
    pub id: &'static str,
    pub unit: Unit,
    pub kind: Kind,
    /// Dimensions it can be split by.
    pub splits: &'static [Dimension],
    pub measure: Measure,
    /// One sentence for people, shown beside the number.
    pub help: &'static str,
}

/// How values of different periods combine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Change within a period; adds up over days.
    Delta,
    /// Running state at the end of a period; the last value of a longer period is its value.
    Snapshot,
    /// A distinct count; must be recounted for every period, never added.
    Distinct,
}

/// What one unit of the value is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Unit {
    Records,
    Parents,
    Files,
    Bytes,
    People,
    Events,
    Downloads,
    Stars,
    Messages,
    Sessions,
    Seconds,
    Money,
    Percent,
}

/// What a metric is split by, by its name in the catalogue, e.g. `resource_types`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize)]
pub struct Dimension(pub &'static str);

/// How the value of a metric is taken from rollup columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Measure {
    /// The sum of a column.
    Sum(&'static str),
    /// The distinct values of a column of the facts.
    Distinct(&'static str),
    /// The last value of a column.
    Last(&'static str),
}
