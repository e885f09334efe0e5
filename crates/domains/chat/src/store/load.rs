//! Reading rows back: changes for the image, and what an import compares with.

use futures::StreamExt;
use hashbrown::{HashMap, HashSet};
use tallykeep_lake::{
    Filter, Scan, TeamLake,
    arrow::{array::AsArray, datatypes::Int64Type},
};

use super::{MESSAGES, StoreError, Stored, rows::Batch};
use crate::{
    image::ChatImage,
    rows::{Changes, MessageRow, TagLinkRow, TraceRow, UsageRow},
};

/// Works the writes `after < seq <= until` into the image.
pub async fn load_changes(lake: &TeamLake, image: &mut ChatImage, after: i64, until: i64) -> Result<(), StoreError> {
    let mut changes = Changes {
        experiments: present(read(lake, after, until).await?),
        channels: present(read(lake, after, until).await?),
        participants: present(read(lake, after, until).await?),
        tags: present(read(lake, after, until).await?),
        ..Changes::default()
    };
    for (_, gone, row) in latest(read(lake, after, until).await?, |row: &crate::rows::SessionRow| row.id) {
        if gone { changes.gone.sessions.push(row.id) } else { changes.sessions.push(row) }
    }
    for (_, gone, row) in latest(read(lake, after, until).await?, |row: &TagLinkRow| (row.tag, row.kind, row.target)) {
        if gone { changes.gone.tag_links.push((row.tag, row.kind, row.target)) } else { changes.tag_links.push(row) }
    }
    for (_, gone, row) in latest(read(lake, after, until).await?, |row: &TraceRow| row.id) {
        if gone { changes.gone.traces.push(row.id) } else { changes.traces.push(row) }
    }
    for (_, gone, row) in latest(read(lake, after, until).await?, |row: &UsageRow| row.key) {
        if gone { changes.gone.usage.push(row.key) } else { changes.usage.push(row) }
    }
    image.apply_entities(&changes);
    drop(changes);
    load_messages(lake, image, after, until).await?;
    image.settle();
    Ok(())
}

/// Messages are many: they go from the files straight into the image's columns.
async fn load_messages(lake: &TeamLake, image: &mut ChatImage, after: i64, until: i64) -> Result<(), StoreError> {
    let table = lake.table(&MESSAGES);
    let view = table.view().await?;
    if after < 0 {
        image.expect_messages(usize::try_from(view.rows()).unwrap_or(0));
    }
    let mut stream = table.stream_files(&view.files, &newer(after, until))?;
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let columns = Batch::new(&MESSAGES, &batch)?;
        for row in 0..batch.num_rows() {
            let seq = u32::try_from(columns.int(0, row)?).unwrap_or(u32::MAX);
            let message = MessageRow::read(&columns, row)?;
            if columns.truth(1, row)? {
                image.remove_message(message.id, seq);
            } else {
                image.add_message(&message, seq);
            }
        }
    }
    Ok(())
}

fn newer(after: i64, until: i64) -> Scan {
    Scan { columns: Vec::new(), filters: vec![Filter::Ints { column: "seq", least: after + 1, greatest: until }] }
}

/// A version of a row: its number, whether it is gone, and the row.
type Version<T> = (i64, bool, T);

async fn read<T: Stored>(lake: &TeamLake, after: i64, until: i64) -> Result<Vec<Version<T>>, StoreError> {
    read_where(lake, &newer(after, until)).await
}

async fn read_where<T: Stored>(lake: &TeamLake, scan: &Scan) -> Result<Vec<Version<T>>, StoreError> {
    let mut versions = Vec::new();
    for batch in lake.table(T::table()).scan(scan).await? {
        let columns = Batch::new(T::table(), &batch)?;
        versions.reserve(batch.num_rows());
        for row in 0..batch.num_rows() {
            versions.push((columns.int(0, row)?, columns.truth(1, row)?, T::read(&columns, row)?));
        }
    }
    versions.sort_by_key(|(seq, ..)| *seq);
    Ok(versions)
}

/// Every version, oldest first: the image keeps the last one of each id.
fn present<T>(versions: Vec<Version<T>>) -> Vec<T> {
    versions.into_iter().filter(|(_, gone, _)| !gone).map(|(.., row)| row).collect()
}

/// The last version per key, in order of key. In place: a team's sessions are millions.
fn latest<T, K: Ord>(mut versions: Vec<Version<T>>, key: impl Fn(&T) -> K) -> Vec<Version<T>> {
    versions.sort_unstable_by(|(seq_a, _, a), (seq_b, _, b)| key(a).cmp(&key(b)).then(seq_b.cmp(seq_a)));
    versions.dedup_by(|(.., later), (.., kept)| key(later) == key(kept));
    versions
}

/// Fingerprints of the rows as they are now, by id, published or not; ids in the inclusive range only.
pub(crate) async fn latest_fingerprints<T: Stored>(
    lake: &TeamLake,
    least: i64,
    greatest: i64,
) -> Result<HashMap<i64, u64>, StoreError> {
    let scan = Scan { columns: Vec::new(), filters: vec![Filter::Ints { column: "id", least, greatest }] };
    let versions = read_where::<T>(lake, &scan).await?;
    let rows = latest(versions, Stored::id).into_iter();
    Ok(rows.filter(|(_, gone, _)| !gone).map(|(.., row)| (row.id(), row.fingerprint())).collect())
}

/// Ids there are now, in the inclusive range; with `wanted`, only those of it. Reads no column but the ids.
pub(crate) async fn existing_ids<T: Stored>(
    lake: &TeamLake,
    least: i64,
    greatest: i64,
    wanted: Option<&HashSet<i64>>,
) -> Result<HashSet<i64>, StoreError> {
    let damaged = || StoreError::Damaged { table: T::table().name, what: "column of ids".to_owned() };
    let scan =
        Scan { columns: vec!["seq", "gone", "id"], filters: vec![Filter::Ints { column: "id", least, greatest }] };
    let table = lake.table(T::table());
    let view = table.view().await?;
    let mut stream = table.stream_files(&view.files, &scan)?;
    // The latest version of each id, and whether it says that the row is gone.
    let mut latest: HashMap<i64, (i64, bool)> = HashMap::new();
    while let Some(batch) = stream.next().await {
        let batch = batch?;
        let seqs = batch.column(0).as_primitive_opt::<Int64Type>().ok_or_else(damaged)?;
        let gone = batch.column(1).as_boolean_opt().ok_or_else(damaged)?;
        let ids = batch.column(2).as_primitive_opt::<Int64Type>().ok_or_else(damaged)?;
        for (row, id) in ids.values().iter().enumerate() {
            if wanted.is_some_and(|wanted| !wanted.contains(id)) {
                continue;
            }
            let version = (seqs.value(row), gone.value(row));
            let known = latest.entry(*id).or_insert(version);
            if version.0 >= known.0 {
                *known = version;
            }
        }
    }
    Ok(latest.into_iter().filter(|(_, (_, gone))| !gone).map(|(id, _)| id).collect())
}

/// Rows as they are now, published or not; ids in the inclusive range only.
pub(crate) async fn current_rows<T: Stored>(lake: &TeamLake, least: i64, greatest: i64) -> Result<Vec<T>, StoreError> {
    let scan = Scan { columns: Vec::new(), filters: vec![Filter::Ints { column: "id", least, greatest }] };
    let versions = read_where::<T>(lake, &scan).await?;
    Ok(present(latest(versions, Stored::id)))
}

/// The tag links there are now, published or not.
pub(crate) async fn current_links(lake: &TeamLake) -> Result<Vec<TagLinkRow>, StoreError> {
    let versions = read_where::<TagLinkRow>(lake, &Scan::default()).await?;
    Ok(present(latest(versions, |row| (row.tag, row.kind, row.target))))
}
