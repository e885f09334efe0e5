//! One walk over the stored usage events, month by month: what is stored, what counts, what is a repeat.

use std::collections::{BTreeMap, HashMap, HashSet};

use tallykeep_lake::{
    Scan,
    arrow::{
        array::{Array, ArrayRef, AsArray, StringArray},
        compute::cast,
        datatypes::{DataType, TimestampMicrosecondType},
    },
};
use xxhash_rust::xxh3::xxh3_64;

use crate::{RepositoryError, TeamRepository, tables::USAGE};

/// Two clicks of one visitor on one thing inside this are one to InvenioRDM.
const DOUBLE_CLICK_MICROS: i64 = 10_000_000;

/// Events of one kind in one month.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Month {
    pub stored: i64,
    pub counted: i64,
    pub robots: i64,
    pub machines: i64,
}

/// Events of one work that count, and why some of them do not count elsewhere.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Work {
    pub views: i64,
    pub downloads: i64,
    pub view_repeats: i64,
    pub download_repeats: i64,
    pub api_views: i64,
    pub view_robots: i64,
    pub download_robots: i64,
    pub view_machines: i64,
    pub download_machines: i64,
}

#[derive(Default)]
pub(super) struct Counted {
    /// By month and whether they are downloads.
    pub months: BTreeMap<(String, bool), Month>,
    pub works: HashMap<String, Work>,
}

/// Counts every stored event; `parents` tells the work of a record.
pub(super) async fn count_usage(
    repository: &TeamRepository,
    parents: &HashMap<String, String>,
) -> Result<Counted, RepositoryError> {
    let table = repository.lake().table(&USAGE);
    let view = table.view().await?;
    let mut by_month: BTreeMap<String, Vec<_>> = BTreeMap::new();
    for file in &view.files {
        by_month.entry(file.partition[0].clone()).or_default().push(file.clone());
    }
    let settings = repository.settings();
    let columns = vec!["ts", "kind", "recid", "unique_id", "visitor_id", "via_api", "is_robot", "is_machine"];
    let mut counted = Counted::default();
    for (month, files) in by_month {
        let mut windows: HashSet<u64> = HashSet::new();
        for batch in table.scan_files(&files, &Scan { columns: columns.clone(), filters: Vec::new() }).await? {
            let text = |column: usize| texts(batch.column(column));
            let at = batch.column(0).as_primitive::<TimestampMicrosecondType>();
            let (kinds, recids, things, visitors) = (text(1)?, text(2)?, text(3)?, text(4)?);
            let flag = |column: usize, row: usize| {
                let column = batch.column(column).as_boolean();
                column.is_valid(row) && column.value(row)
            };
            for row in 0..batch.num_rows() {
                let is_download = kinds.value(row) == "download";
                let sum = counted.months.entry((month.clone(), is_download)).or_default();
                sum.stored += 1;
                let (api, robot, machine) = (flag(5, row), flag(6, row), flag(7, row));
                let is_left_out = (robot && settings.exclude_robots) || (machine && settings.exclude_machines);
                if robot && settings.exclude_robots {
                    sum.robots += 1;
                } else if is_left_out {
                    sum.machines += 1;
                }
                sum.counted += i64::from(!is_left_out);
                // Events of records nobody knows count for the whole repository; they are of no work.
                let Some(work) = parents.get(recids.value(row)) else { continue };
                let work = counted.works.entry(work.clone()).or_default();
                if is_left_out {
                    if machine && !robot {
                        *(if is_download { &mut work.download_machines } else { &mut work.view_machines }) += 1;
                    }
                    continue;
                }
                *(if is_download { &mut work.downloads } else { &mut work.views }) += 1;
                if robot {
                    *(if is_download { &mut work.download_robots } else { &mut work.view_robots }) += 1;
                    continue;
                }
                // A view through the API is none of theirs, so it repeats nothing of theirs either.
                if api && !is_download {
                    work.api_views += 1;
                    continue;
                }
                let window = format!(
                    "{}\0{}\0{}\0{is_download}",
                    at.value(row).div_euclid(DOUBLE_CLICK_MICROS),
                    things.value(row),
                    visitors.value(row)
                );
                if !windows.insert(xxh3_64(window.as_bytes())) {
                    *(if is_download { &mut work.download_repeats } else { &mut work.view_repeats }) += 1;
                }
            }
        }
    }
    Ok(counted)
}

/// A column of texts, whatever way it is encoded.
fn texts(column: &ArrayRef) -> Result<StringArray, RepositoryError> {
    let plain = cast(column, &DataType::Utf8).map_err(|e| RepositoryError::Worker(e.to_string()))?;
    Ok(plain.as_string::<i32>().clone())
}
