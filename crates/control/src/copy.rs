//! Moving everything from one control database into another one, e.g. from SQLite to PostgreSQL.
//!
//! One transaction reads the source as it is at one moment, one writes the target: either all of it arrives, counted, or
//! nothing. What belongs to running processes (leases) stays behind.

use std::collections::{BTreeMap, BTreeSet};

use futures::TryStreamExt;
use serde::Serialize;
use sqlx::{Any, AnyConnection, AssertSqlSafe, Row, query::Query};

use crate::{Control, ControlError};

/// Rows written with one statement.
const BATCH: usize = 50;
/// Tables whose rows belong to processes, not to the installation.
const LEFT_BEHIND: [&str; 1] = ["lease"];
/// Tables that a fresh database holds rows in.
const FRESH: [&str; 2] = ["team", "counter"];

/// Why a copy was not made. Nothing was written then.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    #[error("the target is not empty: it holds {rows} rows in `{table}`; name a new, empty database")]
    NotEmpty { table: String, rows: i64 },
    #[error(
        "the two databases differ in table `{table}`: one was made by another version; run any command on both first"
    )]
    Differs { table: String },
    #[error("column `{table}.{column}` has the type `{kind}`, which is not one of ours")]
    Kind { table: String, column: String, kind: String },
    #[error("`{table}` has {source_rows} rows, but {target_rows} arrived")]
    Count { table: String, source_rows: i64, target_rows: i64 },
    #[error("tables refer to each other in a circle: {0}")]
    Circle(String),
    #[error("the audit log's chain does not hold in the target: {0}")]
    Audit(String),
    #[error(transparent)]
    Control(#[from] ControlError),
}

impl From<sqlx::Error> for CopyError {
    fn from(error: sqlx::Error) -> Self {
        Self::Control(error.into())
    }
}

/// What arrived.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Copied {
    /// Rows per table, as counted in the target.
    pub tables: BTreeMap<String, i64>,
    pub rows: i64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Integer,
    Text,
    Real,
    Bytes,
}

/// A table's columns, in the order of their names.
type Columns = BTreeMap<String, Kind>;

impl Control {
    /// Copies everything into `target`, which must be as a first start leaves it. Both are at the same version: opening
    /// brought them there.
    pub async fn copy_into(&self, target: &Control) -> Result<Copied, CopyError> {
        let mut from = self.pool.acquire().await?;
        let mut to = target.pool.acquire().await?;
        let ours = tables(&mut from).await?;
        let theirs = tables(&mut to).await?;
        for table in ours.keys().chain(theirs.keys()) {
            if ours.get(table) != theirs.get(table) {
                return Err(CopyError::Differs { table: table.clone() });
            }
        }
        let order = order(&ours, &references(&mut to).await?)?;

        // PostgreSQL's default would show each statement another moment; SQLite's readers see one anyway.
        let begin = if is_sqlite(&from) { "begin" } else { "begin isolation level repeatable read read only" };
        sqlx::query(begin).execute(&mut *from).await?;
        sqlx::query(if is_sqlite(&to) { "begin immediate" } else { "begin" }).execute(&mut *to).await?;
        let outcome = copy_tables(&mut from, &mut to, &ours, &order).await;
        sqlx::query("rollback").execute(&mut *from).await?;
        sqlx::query(if outcome.is_ok() { "commit" } else { "rollback" }).execute(&mut *to).await?;
        drop((from, to));
        let copied = outcome?;
        let check = target.check_audit().await?;
        match check.problem {
            Some(problem) if !check.intact => Err(CopyError::Audit(problem)),
            _ => Ok(copied),
        }
    }
}

fn is_sqlite(connection: &AnyConnection) -> bool {
    connection.backend_name() == "SQLite"
}

async fn copy_tables(
    from: &mut AnyConnection,
    to: &mut AnyConnection,
    tables: &BTreeMap<String, Columns>,
    order: &[String],
) -> Result<Copied, CopyError> {
    for table in order.iter().filter(|table| !LEFT_BEHIND.contains(&table.as_str())) {
        let rows = count(to, table).await?;
        let is_fresh = FRESH.contains(&table.as_str()) && (table != "team" || rows <= 1);
        if rows > 0 && !is_fresh {
            return Err(CopyError::NotEmpty { table: table.clone(), rows });
        }
    }
    for table in order.iter().rev().filter(|table| FRESH.contains(&table.as_str())) {
        sqlx::query(AssertSqlSafe(format!("delete from {table}"))).execute(&mut *to).await?;
    }
    let mut copied = Copied { tables: BTreeMap::new(), rows: 0 };
    for table in order.iter().filter(|table| !LEFT_BEHIND.contains(&table.as_str())) {
        copy_table(from, to, table, &tables[table]).await?;
        let (source_rows, target_rows) = (count(from, table).await?, count(to, table).await?);
        if source_rows != target_rows {
            return Err(CopyError::Count { table: table.clone(), source_rows, target_rows });
        }
        copied.rows += target_rows;
        copied.tables.insert(table.clone(), target_rows);
    }
    Ok(copied)
}

async fn copy_table(
    from: &mut AnyConnection,
    to: &mut AnyConnection,
    table: &str,
    columns: &Columns,
) -> Result<(), CopyError> {
    let names: Vec<_> = columns.keys().map(String::as_str).collect();
    let kinds: Vec<_> = columns.values().copied().collect();
    let select = format!("select {} from {table}", names.join(", "));
    let mut rows = sqlx::query(AssertSqlSafe(select)).fetch(&mut *from);
    let mut batch = Vec::new();
    loop {
        let row = rows.try_next().await?;
        let is_last = row.is_none();
        batch.extend(row);
        if batch.len() == BATCH || (is_last && !batch.is_empty()) {
            let groups: Vec<_> = (0..batch.len())
                .map(|row| {
                    let first = row * kinds.len();
                    let marks: Vec<_> = (1..=kinds.len()).map(|at| format!("${}", first + at)).collect();
                    format!("({})", marks.join(", "))
                })
                .collect();
            let insert = format!("insert into {table} ({}) values {}", names.join(", "), groups.join(", "));
            let mut query = sqlx::query(AssertSqlSafe(insert));
            for row in &batch {
                for (at, kind) in kinds.iter().enumerate() {
                    query = bind(query, row, at, *kind)?;
                }
            }
            query.execute(&mut *to).await?;
            batch.clear();
        }
        if is_last {
            return Ok(());
        }
    }
}

/// Every table of ours with its columns, as the database itself lists them.
async fn tables(connection: &mut AnyConnection) -> Result<BTreeMap<String, Columns>, CopyError> {
    let list = if is_sqlite(connection) {
        "select m.name, c.name, lower(c.type) from sqlite_master as m join pragma_table_info(m.name) as c
         where m.type = 'table' and m.name not like 'sqlite%' and m.name <> '_sqlx_migrations'"
    } else {
        "select cast(table_name as text), cast(column_name as text), cast(data_type as text) from information_schema.columns
         where table_schema = current_schema() and table_name <> '_sqlx_migrations'"
    };
    let rows: Vec<(String, String, String)> = sqlx::query_as(list).fetch_all(connection).await?;
    let mut tables = BTreeMap::<String, Columns>::new();
    for (table, column, kind) in rows {
        let known = match kind.as_str() {
            "bigint" => Kind::Integer,
            "text" => Kind::Text,
            "double precision" => Kind::Real,
            "bytea" => Kind::Bytes,
            _ => return Err(CopyError::Kind { table, column, kind }),
        };
        tables.entry(table).or_default().insert(column, known);
    }
    Ok(tables)
}

/// Which table refers to which, `(who, to whom)`.
async fn references(connection: &mut AnyConnection) -> Result<BTreeSet<(String, String)>, CopyError> {
    let list = if is_sqlite(connection) {
        "select m.name, k.\"table\" from sqlite_master as m join pragma_foreign_key_list(m.name) as k where m.type = 'table'"
    } else {
        "select cast(who.relname as text), cast(whom.relname as text) from pg_constraint as k
         join pg_class as who on who.oid = k.conrelid join pg_class as whom on whom.oid = k.confrelid where k.contype = 'f'"
    };
    let rows: Vec<(String, String)> = sqlx::query_as(list).fetch_all(connection).await?;
    Ok(rows.into_iter().collect())
}

/// The tables so that whom one refers to comes before it.
fn order(
    tables: &BTreeMap<String, Columns>,
    references: &BTreeSet<(String, String)>,
) -> Result<Vec<String>, CopyError> {
    let mut order: Vec<String> = Vec::new();
    let mut left: BTreeSet<&String> = tables.keys().collect();
    while !left.is_empty() {
        let waits =
            |table: &String| references.iter().any(|(who, whom)| who == table && whom != table && left.contains(whom));
        let ready: Vec<&String> = left.iter().copied().filter(|table| !waits(table)).collect();
        if ready.is_empty() {
            return Err(CopyError::Circle(left.into_iter().cloned().collect::<Vec<_>>().join(", ")));
        }
        for table in ready {
            left.remove(table);
            order.push(table.clone());
        }
    }
    Ok(order)
}

type Insert<'q> = Query<'q, Any, sqlx::any::AnyArguments>;

fn bind<'q>(query: Insert<'q>, row: &sqlx::any::AnyRow, at: usize, kind: Kind) -> Result<Insert<'q>, sqlx::Error> {
    Ok(match kind {
        Kind::Integer => query.bind(row.try_get::<Option<i64>, _>(at)?),
        Kind::Text => query.bind(row.try_get::<Option<String>, _>(at)?),
        Kind::Real => query.bind(row.try_get::<Option<f64>, _>(at)?),
        Kind::Bytes => query.bind(row.try_get::<Option<Vec<u8>>, _>(at)?),
    })
}

async fn count(connection: &mut AnyConnection, table: &str) -> Result<i64, CopyError> {
    let row: (i64,) =
        sqlx::query_as(AssertSqlSafe(format!("select count(*) from {table}"))).fetch_one(connection).await?;
    Ok(row.0)
}
