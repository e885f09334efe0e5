//! Appending rows, each write once.

use std::collections::BTreeMap;

use tallykeep_lake::{Change, Position, Table, TeamLake};

use super::{StoreError, Stored, rows::encode};

/// Who writes, as the lake's commits record it; the number is the write's.
const SOURCE: &str = "chat";

/// Appends rows (or their going) under a number of the team's own. A number that was written already is not written again.
pub(crate) async fn append<T: Stored>(
    lake: &TeamLake,
    rows: Vec<T>,
    gone: bool,
    number: i64,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let table = lake.table(T::table());
    table.ensure().await?;
    let staging = table.clone();
    let staged = tokio::task::spawn_blocking(move || stage(&staging, rows, gone, number)).await??;
    let position = Position { source: SOURCE.to_owned(), number };
    table.commit(Change { add: staged, remove: Vec::new(), position: Some(position) }).await?;
    Ok(())
}

fn stage<T: Stored>(
    table: &Table,
    mut rows: Vec<T>,
    gone: bool,
    number: i64,
) -> Result<Vec<tallykeep_lake::Staged>, StoreError> {
    // In order of id: ids follow time, so files and pages are narrow in both.
    if !rows.is_sorted_by_key(Stored::id) {
        rows.sort_by_key(Stored::id);
    }
    let mut by_partition: BTreeMap<Option<String>, Vec<T>> = BTreeMap::new();
    for row in rows {
        by_partition.entry(row.partition()).or_default().push(row);
    }
    let mut staged = Vec::new();
    for (partition, rows) in by_partition {
        let batch = encode(&rows, number, gone)?;
        staged.push(table.stage(&Vec::from_iter(partition), &[batch])?);
    }
    Ok(staged)
}
