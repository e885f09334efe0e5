//! Everything moves from one database into another, and back, unchanged.

use jiff::civil::date;
use serde_json::json;
use sqlx::{Connection, Row};
use tallykeep_control::{AuditEntry, Control, CopyError, NewJob, NewPerson, NewToken, packages::StatRow};
use tallykeep_model::{Clock, TeamSlug};
use tallykeep_testkit::postgres::Cluster;

const NOW: &str = "2026-11-21T10:00:00Z";

async fn open(url: &str) -> Control {
    Control::open_url(url, Clock::Fixed(NOW.parse().expect("an instant"))).await.expect("the database opens")
}

/// Something of every kind: numbers, text beyond ASCII, what is absent, bytes, real numbers.
async fn fill(control: &Control) {
    let slug: TeamSlug = "herbarium".parse().expect("a slug");
    control.add_team(&slug, "Das Herbárium – 標本").await.expect("a team");
    let team = control.team(&slug).await.expect("the team");
    for at in 0..120 {
        let new = NewPerson {
            email: format!("user{at}@example.org"),
            name: "Ümit 'O\"; --".to_owned(),
            ..NewPerson::default()
        };
        let person = control.add_person(&new).await.expect("a user");
        team.set_member(person.id, "viewer").await.expect("a member");
    }
    team.set_setting("visibility", json!({ "packages": "public" })).await.expect("set");
    let token = NewToken {
        name: "shipper".to_owned(),
        scopes: vec!["read".to_owned()],
        expires_at: None,
        created_by: "x".to_owned(),
    };
    team.add_token("hash", &token).await.expect("a token");
    team.queue_job(&NewJob { kind: "test", args: json!({ "a": [1, null] }) }).await.expect("a job");
    for at in 0..30 {
        let entry = AuditEntry { actor: format!("user:{at}"), action: "test".to_owned(), ..AuditEntry::default() };
        control.audit(&entry).await.expect("written down");
    }
    let rows: Vec<_> = (1..=28)
        .map(|day| StatRow {
            metric_id: "downloads:a".to_owned(),
            period_start: date(2026, 2, day),
            period_end: date(2026, 2, day),
            observed_at: NOW.parse().expect("an instant"),
            value: i64::from(day) * 1000,
            provenance: "api_daily".to_owned(),
            source_window: "1d".to_owned(),
            ingestion_run_id: "t".to_owned(),
            source_ref: String::new(),
        })
        .collect();
    team.packages().write_stats(&rows).await.expect("written");
}

/// Every row of an SQLite database as literals.
async fn dump(url: &str) -> Vec<String> {
    let mut connection = sqlx::AnyConnection::connect(url).await.expect("a connection");
    let tables: Vec<(String, String)> = sqlx::query_as(
        "select m.name, group_concat('quote(' || c.name || ')', ' || '','' || ') from sqlite_master as m
         join pragma_table_info(m.name) as c where m.type = 'table' and m.name not like 'sqlite%' and m.name not in ('_sqlx_migrations', 'lease')
         group by m.name order by m.name",
    )
    .fetch_all(&mut connection)
    .await
    .expect("the tables");
    let mut lines = Vec::new();
    for (table, columns) in tables {
        let select = format!("select {columns} from {table} order by 1");
        for row in sqlx::query(sqlx::AssertSqlSafe(select)).fetch_all(&mut connection).await.expect("rows") {
            lines.push(format!("{table}: {}", row.get::<String, _>(0)));
        }
    }
    lines
}

fn sqlite(dir: &tempfile::TempDir, name: &str) -> String {
    format!("sqlite://{}?mode=rwc", dir.path().join(name).display())
}

#[tokio::test]
async fn a_copy_holds_every_row_as_it_was() {
    let dir = tempfile::tempdir().expect("a folder");
    let (first, last) = (sqlite(&dir, "first.db"), sqlite(&dir, "last.db"));
    let source = open(&first).await;
    fill(&source).await;
    let before = dump(&first).await;
    assert!(before.len() > 300 && before.iter().any(|line| line.contains("X'")), "rows, bytes among them");
    match Cluster::start() {
        Some(cluster) => {
            let between = open(&cluster.database("copied")).await;
            let there = source.copy_into(&between).await.expect("copied there");
            assert_eq!(there.tables["person"], 120);
            assert_eq!(between.people().await.expect("people").len(), 120);
            // It goes on where the source was: new ids follow the old ones.
            let new = NewPerson { email: "next@example.org".to_owned(), ..NewPerson::default() };
            let other = open(&cluster.database("other")).await;
            source.copy_into(&other).await.expect("copied again");
            assert_eq!(other.add_person(&new).await.expect("a user").id, 121);
            assert_eq!(between.copy_into(&open(&last).await).await.expect("copied back"), there);
        }
        None => {
            source.copy_into(&open(&last).await).await.expect("copied");
        }
    }
    assert_eq!(dump(&last).await, before);
    assert_eq!(dump(&first).await, before, "the source is as it was");
}

#[tokio::test]
async fn a_database_that_holds_something_is_never_written_over() {
    let dir = tempfile::tempdir().expect("a folder");
    let (from, to) = (sqlite(&dir, "from.db"), sqlite(&dir, "to.db"));
    let (source, target) = (open(&from).await, open(&to).await);
    fill(&source).await;
    let new = NewPerson { email: "own@example.org".to_owned(), ..NewPerson::default() };
    target.add_person(&new).await.expect("a user");
    let before = dump(&to).await;
    assert!(
        matches!(source.copy_into(&target).await, Err(CopyError::NotEmpty { table, rows: 1 }) if table == "person")
    );
    assert_eq!(dump(&to).await, before);
}

#[tokio::test]
async fn a_row_that_cannot_be_taken_undoes_the_whole_copy() {
    let dir = tempfile::tempdir().expect("a folder");
    let (from, to) = (sqlite(&dir, "from.db"), sqlite(&dir, "to.db"));
    let (source, target) = (open(&from).await, open(&to).await);
    fill(&source).await;
    let mut connection = sqlx::AnyConnection::connect(&to).await.expect("a connection");
    // By then teams and users are written.
    sqlx::raw_sql("create trigger no before insert on packages_stat begin select raise(abort, 'no'); end")
        .execute(&mut connection)
        .await
        .expect("triggers");
    let before = dump(&to).await;
    assert!(matches!(source.copy_into(&target).await, Err(CopyError::Control(_))));
    assert_eq!(dump(&to).await, before);
}
