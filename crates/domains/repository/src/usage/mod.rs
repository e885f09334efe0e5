//! Usage events as a stock: enriching them, looking after that, inventing some.
//!
//! A raw event is kept as imported. What it counts for at the time of its enrichment is written beside it (`tables::ENRICHED`), month by month and kind by
//! kind; what it counts for in the numbers is worked out when its day is rolled up (docs/adr/0007).

mod destroy;
mod enricher;
mod generate;
mod memory;
mod migrate;
mod reenrich;
mod status;
mod upkeep;
mod validate;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tallykeep_lake::{
    DataFile, Filter, Scan,
    arrow::{
        array::{ArrayAccessor, AsArray, StringArray},
        datatypes::Int32Type,
    },
};

use crate::{
    RepositoryError, TeamRepository,
    config::Settings,
    documents::UsageKind,
    tables::{ENRICHED, USAGE},
};

pub use destroy::{DestroyPlan, Destroyed};
pub use generate::{GenerateRequest, Generated};
pub use memory::memory_percent;
pub use migrate::{MigrateRequest, Migrated, MonthResult, OperationalError, Progress, Watch};
pub(crate) use reenrich::came_with;
pub use reenrich::{ReenrichRequest, Reenriched};
pub use status::{MigrationStatus, MonthState, MonthStatus, TypeStatus};
pub use upkeep::{Cleanup, CleanupMonth, ClearBookmarks};

pub const KINDS: [UsageKind; 2] = [UsageKind::View, UsageKind::Download];

/// Watermark name of migrations: per `<kind>-<month>-reindexing` a [`Bookmark`].
pub(crate) const BOOKMARKS: &str = "usage-migration";

/// How far the migration of one kind and month is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Bookmark {
    /// Events enriched so far, over all runs.
    pub processed: u64,
    pub last_processed_id: Option<String>,
    pub last_processed_timestamp: Option<String>,
    pub completed: bool,
    /// The configuration of breakdowns it was enriched by.
    pub config: String,
    pub started: String,
    pub updated: String,
}

/// One kind in one month.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Slice {
    pub kind: UsageKind,
    /// `YYYY-MM`
    pub month: String,
}

impl Slice {
    pub fn bookmark(&self) -> String {
        format!("{}-{}-reindexing", self.kind.as_str(), self.month)
    }

    /// The name its events have in the systems we replace.
    pub fn source(&self) -> String {
        let kind = match self.kind {
            UsageKind::View => "record-view",
            UsageKind::Download => "file-download",
        };
        format!("events-stats-{kind}-{}", self.month)
    }

    pub fn target(&self) -> String {
        format!("{}-v2.0.0", self.source())
    }

    /// Its key in the state precondition B looks at.
    pub fn enrichment_key(&self) -> String {
        format!("{}-{}", self.kind.as_str(), self.month)
    }

    /// Whether a data file of [`ENRICHED`] is its.
    pub fn has(&self, file: &DataFile) -> bool {
        file.partition[0] == self.month && file.partition[1] == self.kind.as_str()
    }
}

/// Names the configuration of breakdowns, so that a change of it shows.
pub(crate) fn config_name(settings: &Settings) -> String {
    format!("{:016x}", xxhash_rust::xxh3::xxh3_64(format!("{:?}", settings.subcounts).as_bytes()))
}

/// Checks a month's text. Errors: what is wrong with it.
pub fn month(text: &str) -> Result<String, String> {
    let valid = text.len() == 7 && format!("{text}-01").parse::<jiff::civil::Date>().is_ok();
    if valid { Ok(text.to_owned()) } else { Err(format!("`{text}` is no month (YYYY-MM)")) }
}

/// Which months are wanted: months and inclusive ranges `A:B`. Answers what is invalid beside the filter; no list means every month.
pub fn months(list: &[String]) -> (Option<Vec<(String, String)>>, Vec<String>) {
    if list.is_empty() {
        return (None, Vec::new());
    }
    let (mut ranges, mut wrong) = (Vec::new(), Vec::new());
    for text in list.iter().flat_map(|text| text.split(',')).map(str::trim) {
        let (first, last) = text.split_once(':').unwrap_or((text, text));
        match (month(first), month(last)) {
            (Ok(first), Ok(last)) if first <= last => ranges.push((first, last)),
            (Ok(_), Ok(_)) => wrong.push(format!("`{text}` ends before it starts")),
            (Err(error), _) | (_, Err(error)) => wrong.push(error),
        }
    }
    (Some(ranges), wrong)
}

impl TeamRepository {
    /// How many events of each kind and month are stored.
    pub(crate) async fn stored_events(&self) -> Result<BTreeMap<Slice, u64>, RepositoryError> {
        let table = self.lake.table(&USAGE);
        let view = table.view().await?;
        let mut by_month: BTreeMap<String, Vec<DataFile>> = BTreeMap::new();
        for file in &view.files {
            by_month.entry(file.partition[0].clone()).or_default().push(file.clone());
        }
        let mut counts = BTreeMap::new();
        for (month, files) in by_month {
            let mut found = [0_u64; 2];
            for batch in table.scan_files(&files, &Scan { columns: vec!["kind"], filters: Vec::new() }).await? {
                let kinds = batch.column(0).as_dictionary::<Int32Type>();
                let Some(kinds) = kinds.downcast_dict::<StringArray>() else { continue };
                for row in 0..batch.num_rows() {
                    found[usize::from(kinds.value(row) == "download")] += 1;
                }
            }
            for (kind, count) in KINDS.into_iter().zip(found).filter(|(_, count)| *count > 0) {
                counts.insert(Slice { kind, month: month.clone() }, count);
            }
        }
        Ok(counts)
    }

    /// The data files of enrichments of one kind and month.
    pub(crate) async fn enriched_files(&self, slice: &Slice) -> Result<Vec<DataFile>, RepositoryError> {
        let view = self.lake.table(&ENRICHED).view().await?;
        Ok(view.files.iter().filter(|file| slice.has(file)).cloned().collect())
    }

    pub(crate) async fn bookmark(&self, slice: &Slice) -> Result<Option<Bookmark>, RepositoryError> {
        let stored = self.control.watermark(BOOKMARKS, &slice.bookmark()).await?;
        stored.map(|text| serde_json::from_str(&text).map_err(RepositoryError::from)).transpose()
    }

    pub(crate) async fn set_bookmark(&self, slice: &Slice, bookmark: &Bookmark) -> Result<(), RepositoryError> {
        let text = serde_json::to_string(bookmark)?;
        Ok(self.control.set_watermark(BOOKMARKS, &slice.bookmark(), &text).await?)
    }
}

/// The rows of one kind.
pub(crate) fn of_kind(kind: UsageKind) -> Filter {
    Filter::OneOf { column: "kind", values: vec![kind.as_str().to_owned()] }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn months_come_as_lists_and_ranges_and_wrong_ones_are_named() {
        let given =
            ["2025-01,2025-03".to_owned(), "2024-05:2024-07".to_owned(), "2025-13".to_owned(), "a:b".to_owned()];
        let (ranges, wrong) = months(&given);
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            ranges,
            Some(vec![pair("2025-01", "2025-01"), pair("2025-03", "2025-03"), pair("2024-05", "2024-07")])
        );
        assert_eq!(wrong, ["`2025-13` is no month (YYYY-MM)", "`a` is no month (YYYY-MM)"]);
        assert_eq!(months(&[]), (None, Vec::new()));
    }
}
