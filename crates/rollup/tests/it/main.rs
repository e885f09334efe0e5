//! Rollups on disk: days replaced whole with the sums above them, one commit, nothing half seen.

use std::{collections::BTreeSet, time::Duration};

use jiff::civil::date;
use tallykeep_lake::{Column, ColumnType::*, Lake, TableDef, TeamLake, day_number};
use tallykeep_rollup::{Cell, Family, Level, Produce, Recompute, RollupError, Rows, Store, Vocabulary, Writing};

static TABLE: TableDef = TableDef {
    name: "rollup_test",
    columns: &[
        Column::new("day", Day),
        Column::new("scope", Word),
        Column::new("dimension", Word),
        Column::new("value", Word),
        Column::nullable("first", Day),
        Column::new("events", Int),
    ],
    partition: &["level", "bucket", "shard"],
    statistics: &["day", "scope"],
};

static FAMILY: Family = Family { name: "test", table: &TABLE, measures: &["events"], shards: 2 };

fn lake() -> (tempfile::TempDir, TeamLake) {
    let folder = tempfile::tempdir().expect("a folder");
    let lake = Lake::open(folder.path(), Duration::from_secs(60)).expect("opens");
    (folder, lake.team(&"default".parse().expect("a slug")))
}

/// (year, month, day), scope, value (empty: the total), events.
type Line<'a> = ((i16, i8, i8), &'a str, &'a str, i64);

fn number((year, month, day): (i16, i8, i8)) -> i32 {
    day_number(date(year, month, day))
}

/// Writes lines; the days they lie on and `empty` ones are recomputed for the scopes they name.
async fn write<'s>(
    store: &'s Store,
    vocabulary: &mut Vocabulary,
    lines: &[Line<'_>],
    empty: &[((i16, i8, i8), &str)],
) -> Result<Writing<'s>, RollupError> {
    let mut covered: BTreeSet<(u32, i32)> = BTreeSet::new();
    let mut parts: std::collections::BTreeMap<(String, String), Rows> = std::collections::BTreeMap::new();
    let days = lines.iter().map(|l| (l.0, l.1)).chain(empty.iter().copied());
    for (day, scope) in days {
        covered.insert((vocabulary.scopes.add(scope), number(day)));
        let key = (Level::Day.bucket(date(day.0, day.1, day.2)), FAMILY.shard(scope));
        parts.entry(key).or_insert_with(|| Rows::new(1));
    }
    for (day, scope, value, events) in lines {
        let dimension = vocabulary.dimensions.add(if value.is_empty() { "" } else { "colour" });
        let cell = Cell::new(vocabulary.scopes.add(scope), dimension, vocabulary.values.add(value));
        let key = (Level::Day.bucket(date(day.0, day.1, day.2)), FAMILY.shard(scope));
        parts.get_mut(&key).expect("just made").push(number(*day), cell, &[*events]);
    }
    let mut writing = store.begin().await?;
    let part = |((month, shard), rows): ((String, String), Rows)| -> (String, String, Produce<'_>) {
        (month, shard, Box::new(move || rows))
    };
    writing
        .days(Recompute {
            parts: parts.into_iter().map(part).collect(),
            vocabulary,
            covers: |scope, day| covered.contains(&(scope, day)),
            watch: |_, _| true,
        })
        .await?;
    writing.finish(vocabulary).await?;
    Ok(writing)
}

async fn store_lines(store: &Store, lines: &[Line<'_>], empty: &[((i16, i8, i8), &str)]) -> Vec<String> {
    let mut vocabulary = Vocabulary::default();
    let writing = write(store, &mut vocabulary, lines, empty).await.expect("staged");
    let written = writing.commit(None).await.expect("committed");
    let mut touched: Vec<String> = written
        .touched
        .iter()
        .map(|t| {
            let scope = vocabulary.scopes.text(t.cell.scope());
            format!(
                "{} {scope} {} {} -> {}",
                tallykeep_lake::day_of(t.day),
                vocabulary.values.text(t.cell.value()),
                t.old,
                t.new
            )
        })
        .collect();
    touched.sort();
    touched
}

/// Sums of a scope before a day as `value events since first`.
async fn before(store: &Store, scope: &str, day: (i16, i8, i8)) -> Vec<String> {
    let mut vocabulary = Vocabulary::default();
    let sums = store.before(scope, date(day.0, day.1, day.2), &mut vocabulary).await.expect("read");
    let text = |cell: &Cell| vocabulary.values.text(cell.value()).to_owned();
    let mut found: Vec<String> = sums
        .iter()
        .map(|(cell, sum)| format!("{} {} since {}", text(cell), sum.measures[0], tallykeep_lake::day_of(sum.first)))
        .collect();
    found.sort();
    found
}

const FIRST: [Line<'_>; 6] = [
    ((2023, 12, 30), "global", "", 5),
    ((2023, 12, 30), "global", "red", 5),
    ((2024, 1, 31), "global", "", 2),
    ((2024, 2, 1), "global", "", 3),
    ((2024, 2, 1), "global", "blue", 3),
    ((2024, 2, 1), "c1", "", 1),
];

#[tokio::test]
async fn sums_follow_their_days_and_know_when_a_value_was_first_seen() {
    let (_folder, lake) = lake();
    let store = Store::new(&lake, &FAMILY);
    store_lines(&store, &FIRST, &[]).await;
    assert_eq!(before(&store, "global", (2024, 2, 1)).await, [" 7 since 2023-12-30", "red 5 since 2023-12-30"]);
    assert_eq!(
        before(&store, "global", (2025, 3, 1)).await,
        [" 10 since 2023-12-30", "blue 3 since 2024-02-01", "red 5 since 2023-12-30"]
    );
    assert_eq!(before(&store, "c1", (2026, 1, 1)).await, [" 1 since 2024-02-01"]);
    for day in [date(2024, 2, 1), date(2025, 3, 1), date(2026, 1, 1)] {
        let totals = store.totals_before(day).await.expect("read");
        for scope in ["global", "c1", "c2"] {
            let mut vocabulary = Vocabulary::default();
            let own = store.before(scope, day, &mut vocabulary).await.expect("read");
            let total = own.get(&Cell::total(0)).map(|sum| &sum.measures);
            assert_eq!(totals.get(scope), total, "{scope} before {day}");
        }
    }

    // One corrected day of long ago, one day that loses its rows: a ledger line for each number, other days and scopes as they were.
    let touched = store_lines(&store, &[((2023, 12, 30), "global", "", 4)], &[((2024, 1, 31), "global")]).await;
    assert_eq!(touched, ["2023-12-30 global  5 -> 4", "2023-12-30 global red 5 -> 0", "2024-01-31 global  2 -> 0"]);
    assert_eq!(before(&store, "global", (2025, 3, 1)).await, [" 7 since 2023-12-30", "blue 3 since 2024-02-01"]);
    assert_eq!(before(&store, "global", (2024, 1, 1)).await, [" 4 since 2023-12-30"]);
}

#[tokio::test]
async fn any_way_to_the_same_days_ends_in_the_same_rows() {
    let mut tables = Vec::new();
    for chunks in [&[(0, 6)][..], &[(0, 2), (2, 3), (3, 6)], &[(3, 6), (2, 3), (0, 2)]] {
        let (folder, lake) = lake();
        let store = Store::new(&lake, &FAMILY);
        for (from, to) in chunks {
            // A scope's day is always given whole.
            store_lines(&store, &FIRST[*from..*to], &[]).await;
        }
        // Once more what is there already: nothing is written.
        let version = store.version().await.expect("a version");
        store_lines(&store, &FIRST[..2], &[]).await;
        assert_eq!(store.version().await.expect("a version"), version);
        let mut found = Vec::new();
        for level in ["day", "month", "year"] {
            let table = lake.table(&TABLE);
            let view = table.view().await.expect("a view");
            let files: Vec<_> = view.files.iter().filter(|f| f.partition[0] == level).cloned().collect();
            let batches = table.scan_files(&files, &tallykeep_lake::Scan::default()).await.expect("read");
            found
                .extend(batches.iter().flat_map(|b| (0..b.num_rows()).map(|r| format!("{level} {:?}", b.slice(r, 1)))));
        }
        found.sort();
        tables.push(found);
        drop(folder);
    }
    assert!(tables[0].len() > 10 && tables[0] == tables[1] && tables[1] == tables[2]);
}

#[tokio::test]
async fn of_two_writers_from_one_version_the_second_is_told_and_leaves_nothing() {
    let (folder, lake) = lake();
    let store = Store::new(&lake, &FAMILY);
    store_lines(&store, &FIRST, &[]).await;
    let mut vocabulary = Vocabulary::default();
    let line = [((2024, 2, 1), "global", "", 9)];
    let late = write(&store, &mut vocabulary, &line, &[]).await.expect("staged");
    store_lines(&store, &[((2024, 2, 2), "global", "", 1)], &[]).await;
    let files = || walk(folder.path()).len();
    let refused = late.commit(Some(7)).await.expect_err("somebody was first");
    assert!(refused.is_conflict(), "{refused}");
    assert!(!store.has(7).await.expect("known"), "it was not committed");
    let after = files();
    // The same again on a fresh view goes through, and is found by its number.
    let again = write(&store, &mut vocabulary, &line, &[]).await.expect("staged");
    again.commit(Some(7)).await.expect("committed");
    assert!(store.has(7).await.expect("known") && !store.has(8).await.expect("known"));
    assert!(files() > after);
    assert_eq!(before(&store, "global", (2024, 2, 2)).await, [" 16 since 2023-12-30", "red 5 since 2023-12-30"]);

    let before_drop = files();
    let dropped = write(&store, &mut vocabulary, &[((2024, 5, 1), "global", "", 1)], &[]).await.expect("staged");
    assert!(files() > before_drop, "staged files are there");
    drop(dropped);
    assert_eq!(files(), before_drop, "and gone with a write that is dropped");
}

fn walk(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(walk(&path));
        } else if path.extension().is_some_and(|e| e == "parquet") {
            found.push(path);
        }
    }
    found
}
