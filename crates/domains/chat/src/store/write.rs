//! Appending rows, each write once.

use std::{
    collections::BTreeMap,
    sync::{Mutex, PoisonError},
};

use tallykeep_lake::{Change, Position, Staged, Table, TeamLake};

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

fn stage<T: Stored>(table: &Table, mut rows: Vec<T>, gone: bool, number: i64) -> Result<Vec<Staged>, StoreError> {
    // In order of id: ids follow time, so files and pages are narrow in both.
    if !rows.is_sorted_by_key(Stored::id) {
        rows.sort_by_key(Stored::id);
    }
    let mut parts: BTreeMap<i64, Vec<T>> = BTreeMap::new();
    // Neighbours mostly go to the same place.
    let mut current: (i64, Vec<T>) = (i64::MIN, Vec::new());
    for row in rows {
        let partition = row.partition();
        if partition != current.0 {
            let (known, run) = std::mem::replace(&mut current, (partition, Vec::new()));
            parts.entry(known).or_default().extend(run);
        }
        current.1.push(row);
    }
    parts.entry(current.0).or_default().extend(current.1);
    parts.retain(|_, rows| !rows.is_empty());
    let write = |(partition, rows): (i64, Vec<T>)| -> Result<Staged, StoreError> {
        let batch = encode(&rows, number, gone)?;
        Ok(table.stage(&Vec::from_iter(T::partition_name(partition)), &[batch])?)
    };
    let threads = std::thread::available_parallelism().map_or(1, usize::from).min(4).min(parts.len());
    if threads < 2 {
        return parts.into_iter().map(write).collect();
    }
    // Each file waits for the disk once: several at a time keep the processors busy meanwhile.
    let waiting = Mutex::new(parts.into_iter());
    let next = || waiting.lock().unwrap_or_else(PoisonError::into_inner).next();
    std::thread::scope(|scope| {
        let works: Vec<_> = (0..threads)
            .map(|_| scope.spawn(|| std::iter::from_fn(next).map(write).collect::<Result<Vec<_>, _>>()))
            .collect();
        let mut staged = Vec::new();
        for work in works {
            staged.extend(work.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))?);
        }
        Ok(staged)
    })
}
