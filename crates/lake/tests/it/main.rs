//! What the lake promises: exactly once, whole or not at all, pruned, and the same rows whatever way they are read.

use std::{sync::Arc, time::Duration};

use jiff::civil::date;
use tallykeep_lake::{
    Change, Column, ColumnType, Commit, Filter, Lake, LakeError, Position, Scan, Table, TableDef,
    arrow::{
        array::{Array, ArrayRef, AsArray, Date32Array, DictionaryArray, Int64Array, RecordBatch},
        datatypes::{Int32Type, Int64Type},
    },
    day_number,
};

static COUNTS: TableDef = TableDef {
    name: "counts",
    columns: &[
        Column::new("day", ColumnType::Day),
        Column::new("scope", ColumnType::Word),
        Column::new("n", ColumnType::Int),
    ],
    partition: &["month"],
    statistics: &["day", "scope", "n"],
};

fn rows(rows: &[(i8, &str, i64)]) -> RecordBatch {
    let days: Date32Array = rows.iter().map(|r| Some(day_number(date(2024, 1, r.0)))).collect();
    let scopes: DictionaryArray<Int32Type> = rows.iter().map(|r| Some(r.1)).collect();
    let numbers: Int64Array = rows.iter().map(|r| Some(r.2)).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(days), Arc::new(scopes), Arc::new(numbers)];
    RecordBatch::try_new(COUNTS.schema(), columns).expect("columns fit the schema")
}

fn table(folder: &tempfile::TempDir) -> Table {
    let lake = Lake::open(folder.path(), Duration::from_secs(1)).expect("opens");
    lake.team(&"default".parse().expect("a team name")).table(&COUNTS)
}

fn month() -> Vec<String> {
    vec!["2024-01".to_owned()]
}

async fn append(table: &Table, batch: RecordBatch, position: Option<(&str, i64)>) -> Commit {
    table.ensure().await.expect("creates");
    let staged = table.stage(&month(), &[batch]).expect("writes");
    let position = position.map(|(source, number)| Position { source: source.to_owned(), number });
    table.commit(Change { add: vec![staged], remove: Vec::new(), position }).await.expect("commits")
}

fn numbers(batches: &[RecordBatch]) -> Vec<i64> {
    let mut all: Vec<i64> = batches
        .iter()
        .flat_map(|b| b.column_by_name("n").expect("column n").as_primitive::<Int64Type>().values().to_vec())
        .collect();
    all.sort_unstable();
    all
}

#[tokio::test]
async fn a_table_nobody_wrote_is_empty() {
    let folder = tempfile::tempdir().expect("folder");
    assert!(table(&folder).scan(&Scan::default()).await.expect("reads").is_empty());
}

#[tokio::test]
async fn the_same_position_is_never_written_twice_even_from_another_process() {
    let folder = tempfile::tempdir().expect("folder");
    let first = table(&folder);
    assert_eq!(append(&first, rows(&[(1, "a", 1)]), Some(("import:x", 7))).await, Commit::Done { version: 1 });
    let other = table(&folder);
    assert_eq!(append(&other, rows(&[(1, "a", 1)]), Some(("import:x", 7))).await, Commit::AlreadyThere);
    assert_eq!(append(&other, rows(&[(1, "a", 1)]), Some(("import:x", 3))).await, Commit::AlreadyThere);
    assert_eq!(numbers(&first.scan(&Scan::default()).await.expect("reads")), [1]);
    assert_eq!(first.position("import:x").await.expect("reads"), Some(7));
    assert_eq!(first.position("import:y").await.expect("reads"), None);
}

#[tokio::test]
async fn two_writers_that_replace_the_same_file_cannot_both_win() {
    let folder = tempfile::tempdir().expect("folder");
    let table = table(&folder);
    append(&table, rows(&[(1, "a", 1)]), None).await;
    let view = table.view().await.expect("view");
    let replace = |n| {
        let staged = table.stage(&month(), &[rows(&[(1, "a", n)])]).expect("writes");
        table.commit(Change { add: vec![staged], remove: view.files.clone(), position: None })
    };
    replace(2).await.expect("the first wins");
    assert!(matches!(replace(3).await, Err(LakeError::Conflict { .. })));
    assert_eq!(numbers(&table.scan(&Scan::default()).await.expect("reads")), [2]);
}

#[tokio::test]
async fn filters_prune_files_and_rows_and_compaction_changes_no_answer() {
    let folder = tempfile::tempdir().expect("folder");
    let table = table(&folder);
    append(&table, rows(&[(1, "a", 1), (2, "b", 2)]), None).await;
    append(&table, rows(&[(3, "a", 3), (4, "c", 4)]), None).await;
    let scan = Scan {
        columns: vec!["n", "scope"],
        filters: vec![
            Filter::OneOf { column: "scope", values: vec!["a".to_owned(), "c".to_owned()] },
            Filter::Days { column: "day", first: date(2024, 1, 2), last: date(2024, 1, 4) },
        ],
    };
    for round in ["before", "after"] {
        let found = table.scan(&scan).await.expect("reads");
        assert_eq!(numbers(&found), [3, 4], "{round} compaction");
        let scopes = found[0].column_by_name("scope").expect("scope");
        assert!(scopes.as_any_dictionary_opt().is_some(), "words stay dictionary-encoded");
        let done = table.compact(1, &["scope", "day"]).await.expect("compacts");
        assert_eq!(done.files_after, usize::from(round == "before"));
    }
    assert_eq!(table.view().await.expect("view").rows(), 4);
}

#[tokio::test]
async fn sql_sees_the_same_rows_and_only_the_teams_own() {
    let folder = tempfile::tempdir().expect("folder");
    let mine = table(&folder);
    append(&mine, rows(&[(1, "a", 1), (2, "b", 2), (2, "b", 5)]), None).await;
    let lake = Lake::open(folder.path(), Duration::from_secs(1)).expect("opens");
    let team = lake.team(&"default".parse().expect("name"));
    let query = "select scope, sum(n) as n, count(*) as rows from counts group by scope order by scope";
    let batches = team.sql(query, &[(&team.table(&COUNTS), Vec::new())]).await.expect("answers");
    assert_eq!(numbers(&batches), [1, 7]);
    let counted = team.sql("select count(*) as n from counts", &[(&team.table(&COUNTS), Vec::new())]).await;
    assert_eq!(numbers(&counted.expect("answers")), [3]);
    let other = lake.team(&"other".parse().expect("name"));
    let theirs = other.table(&COUNTS);
    let tables = [(&theirs, Vec::new())];
    let none = other.sql("select sum(n) as n, count(*) as rows from counts", &tables);
    assert_eq!(none.await.expect("answers")[0].column(0).null_count(), 1);
}

#[tokio::test]
async fn a_write_that_never_committed_is_invisible() {
    let folder = tempfile::tempdir().expect("folder");
    let table = table(&folder);
    append(&table, rows(&[(1, "a", 1)]), None).await;
    table.stage(&month(), &[rows(&[(1, "a", 99)])]).expect("writes");
    assert_eq!(numbers(&table.scan(&Scan::default()).await.expect("reads")), [1]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn queries_at_the_same_time_do_not_meet() {
    let folder = tempfile::tempdir().expect("folder");
    append(&table(&folder), rows(&[(1, "a", 1), (2, "b", 2)]), None).await;
    let lake = Lake::open(folder.path(), Duration::from_secs(1)).expect("opens");
    let ask = |team: &str| {
        let team = lake.team(&team.parse().expect("name"));
        tokio::spawn(async move {
            let tables = [(&team.table(&COUNTS), Vec::new())];
            numbers(&team.sql("select count(*) as n from counts", &tables).await.expect("answers"))
        })
    };
    let asked: Vec<_> = (0..12).map(|round| (round, ask(if round % 2 == 0 { "default" } else { "other" }))).collect();
    for (round, answer) in asked {
        assert_eq!(answer.await.expect("ends"), [if round % 2 == 0 { 2 } else { 0 }], "round {round}");
    }
}
