//! What the lake promises: exactly once, whole or not at all, pruned, and the same rows whatever way they are read.

use std::{cell::Cell, sync::Arc, time::Duration};

use futures::TryStreamExt;
use jiff::civil::date;
use proptest::prelude::*;
use tallykeep_lake::{
    Change, Column, ColumnType, Commit, Filter, Lake, LakeError, Position, Scan, Table, TableDef,
    arrow::{
        array::{
            Array, ArrayRef, AsArray, Date32Array, DictionaryArray, Int64Array, RecordBatch, StringArray,
            TimestampMicrosecondArray,
        },
        datatypes::{Int32Type, Int64Type},
        util::display::{ArrayFormatter, FormatOptions},
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

/// Every kind of column a filter can name, some without values, in files of several pages.
static THINGS: TableDef = TableDef {
    name: "things",
    columns: &[
        Column::new("day", ColumnType::Day),
        Column::new("scope", ColumnType::Word),
        Column::nullable("name", ColumnType::Text),
        Column::nullable("kind", ColumnType::Word),
        Column::new("at", ColumnType::Instant),
        Column::nullable("n", ColumnType::Int),
    ],
    partition: &["month"],
    statistics: &["day", "scope", "n"],
};

/// `count` rows in the order of their scopes; everything else follows from the row's number and the salt.
fn things(count: i64, salt: i64) -> RecordBatch {
    let rows = || (0..count).map(move |row| (row, (row * 31 + salt * 7) % 1009));
    let day = |x: i64| i32::try_from(x % 28).expect("small") + day_number(date(2024, 1, 1));
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows().map(|(_, x)| Some(day(x))).collect::<Date32Array>()),
        Arc::new(
            rows()
                .map(|(row, _)| Some(format!("s{}", row * 9 / count)))
                .collect::<Vec<_>>()
                .iter()
                .map(|s| s.as_deref())
                .collect::<DictionaryArray<Int32Type>>(),
        ),
        Arc::new(rows().map(|(_, x)| (x % 5 > 0).then(|| format!("name {}", x % 11))).collect::<StringArray>()),
        Arc::new(
            rows()
                .map(|(_, x)| [None, Some("view"), Some("download")][x as usize % 3])
                .collect::<DictionaryArray<Int32Type>>(),
        ),
        Arc::new(
            rows().map(|(row, x)| Some(row * 1_000 + x)).collect::<TimestampMicrosecondArray>().with_timezone("UTC"),
        ),
        Arc::new(rows().map(|(row, x)| (x % 7 > 0).then_some(row)).collect::<Int64Array>()),
    ];
    RecordBatch::try_new(THINGS.schema(), columns).expect("columns fit the schema")
}

fn a_filter() -> impl Strategy<Value = Filter> {
    let day = |n: i8| date(2024, 1, n);
    prop_oneof![
        (1..29_i8, 1..29_i8).prop_map(move |(a, b)| Filter::Days {
            column: "day",
            first: day(a.min(b)),
            last: day(a.max(b))
        }),
        (0..45_000_000_i64, 0..45_000_000_i64).prop_map(|(a, b)| Filter::Instants {
            column: "at",
            from: a.min(b),
            to: a.max(b)
        }),
        (0..45_000_i64, 0..45_000_i64).prop_map(|(a, b)| Filter::Ints {
            column: "n",
            least: a.min(b),
            greatest: a.max(b)
        }),
        proptest::collection::vec(0..12_u8, 0..4).prop_map(|scopes| Filter::OneOf {
            column: "scope",
            values: scopes.iter().map(|s| format!("s{s}")).collect()
        }),
        proptest::collection::vec(0..12_u8, 1..4).prop_map(|names| Filter::OneOf {
            column: "name",
            values: names.iter().map(|n| format!("name {n}")).collect()
        }),
        Just(Filter::OneOf { column: "kind", values: vec!["view".to_owned()] }),
    ]
}

/// Rows as text, one column beside the other.
fn texts(batches: &[RecordBatch]) -> Vec<String> {
    let shown = batches.iter().flat_map(|batch| {
        let columns: Vec<_> = batch
            .columns()
            .iter()
            .map(|c| ArrayFormatter::try_new(c.as_ref(), &FormatOptions::default().with_null("-")).expect("shown"))
            .collect();
        let row = |row| columns.iter().map(|c| c.value(row).to_string()).collect::<Vec<_>>().join(" ");
        (0..batch.num_rows()).map(row).collect::<Vec<_>>()
    });
    shown.collect()
}

/// Reading files directly and by the engine's plan are two ways to the same rows.
#[test]
fn rows_read_directly_are_the_rows_the_engine_reads() {
    let runtime = tokio::runtime::Runtime::new().expect("runtime");
    let folder = tempfile::tempdir().expect("folder");
    let lake = Lake::open(folder.path(), Duration::from_secs(60)).expect("opens");
    let table = lake.team(&"default".parse().expect("a team name")).table(&THINGS);
    let view = runtime.block_on(async {
        table.ensure().await.expect("creates");
        let empty = RecordBatch::new_empty(THINGS.schema());
        let staged =
            [(40_000, 1), (9_000, 2), (1, 3)].map(|(count, salt)| things(count, salt)).into_iter().chain([empty]);
        let add = staged.map(|batch| table.stage(&month(), &[batch]).expect("writes")).collect();
        table.commit(Change { add, remove: Vec::new(), position: None }).await.expect("commits");
        table.view().await.expect("view")
    });
    let columns = [vec![], vec!["n", "scope"], vec!["name", "day", "at"], vec!["kind"]];
    let (with_rows, without) = (Cell::new(0), Cell::new(0));
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    let asked = (0..columns.len(), proptest::collection::vec(a_filter(), 0..4));
    let outcome = runner.run(&asked, |(chosen, filters)| {
        let scan = Scan { columns: columns[chosen].clone(), filters };
        let (direct, planned) = runtime.block_on(async {
            let planned: Vec<RecordBatch> =
                table.stream_files(&view.files, &scan).expect("plans").try_collect().await.expect("streams");
            (table.scan_files(&view.files, &scan).await.expect("reads"), planned)
        });
        for batch in &direct {
            let names: Vec<&str> = batch.schema_ref().fields().iter().map(|f| f.name().as_str()).collect();
            prop_assert!(scan.columns.is_empty() || names == scan.columns, "{names:?}");
        }
        let rows = texts(&direct);
        let seen = if rows.is_empty() { &without } else { &with_rows };
        seen.set(seen.get() + 1);
        prop_assert_eq!(rows, texts(&planned));
        Ok(())
    });
    outcome.expect("the same rows");
    assert!(with_rows.get() > 50 && without.get() > 20, "{with_rows:?} with rows, {without:?} without");
}
