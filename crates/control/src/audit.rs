//! The audit log: who did what, when, to which team, from where. Append-only, chained by hashes.
//!
//! A row's hash covers its fields and the hash of the row before, so a changed, reordered or missing row shows. Forgetting
//! old rows is itself a row that names the last forgotten hash; the chain may start there and nowhere else.

use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Control, ControlError, from_micros, micros};

/// What is about to be written down. No message content, no secrets.
#[derive(Debug, Clone, Default)]
pub struct AuditEntry {
    /// The team it was about, if one.
    pub team: Option<String>,
    /// `user:7`, `token:3`, `local`, `cli:root`, `anonymous`.
    pub actor: String,
    /// What people read: a mail address, a token's name.
    pub actor_name: String,
    /// `session.start`, `member.set`, `chat.export`, …
    pub action: String,
    /// What it was done to.
    pub target: String,
    /// Where it came from: an address, or `cli`.
    pub address: String,
    /// Fingerprint of the filter that chose the rows.
    pub filter_hash: Option<String>,
    /// How many rows were shown or changed.
    pub rows: Option<i64>,
    /// Further facts; an object.
    pub detail: Option<Value>,
}

/// One row of the log.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AuditRow {
    pub id: i64,
    pub at: Timestamp,
    pub team: Option<String>,
    pub actor: String,
    pub actor_name: String,
    pub action: String,
    pub target: String,
    pub address: String,
    pub filter_hash: Option<String>,
    pub rows: Option<i64>,
    pub detail: Value,
    pub hash: String,
}

/// Which rows to show.
#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    /// Rows about this team only.
    pub team: Option<String>,
    pub actor: Option<String>,
    /// This action, or with a trailing dot every action that begins so (`member.`).
    pub action: Option<String>,
    pub since: Option<Timestamp>,
    pub until: Option<Timestamp>,
    /// Rows before this id, for paging.
    pub before: Option<i64>,
    pub limit: i64,
}

/// What a look at the whole chain found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct AuditCheck {
    pub rows: i64,
    pub intact: bool,
    /// The first row that does not fit, and why.
    pub problem: Option<String>,
}

/// The action under which forgetting is written down.
pub const AUDIT_FORGET: &str = "audit.forget";
/// What stands before the first row.
const START: &str = "";

type Row = (
    i64,
    i64,
    Option<String>,
    String,
    String,
    String,
    String,
    String,
    Option<String>,
    Option<i64>,
    String,
    String,
    String,
);

const COLUMNS: &str =
    "id, at, team, actor, actor_name, action, target, address, filter_hash, row_count, detail, prev_hash, hash";

impl Control {
    /// Writes an entry down. Answers its id.
    pub async fn audit(&self, entry: &AuditEntry) -> Result<i64, ControlError> {
        let mut transaction = self.pool.begin().await?;
        // The counter's row serialises writers, so every row knows the one before it.
        let id = Self::take_positions(&mut transaction, "audit", 1).await?;
        let previous: Option<(String,)> =
            sqlx::query_as("select hash from audit order by id desc limit 1").fetch_optional(&mut *transaction).await?;
        let prev_hash = previous.map_or_else(|| START.to_owned(), |r| r.0);
        let at = micros(self.clock.now());
        let detail = entry.detail.clone().unwrap_or_else(|| json!({})).to_string();
        let row: Row = (
            id,
            at,
            entry.team.clone(),
            entry.actor.clone(),
            entry.actor_name.clone(),
            entry.action.clone(),
            entry.target.clone(),
            entry.address.clone(),
            entry.filter_hash.clone(),
            entry.rows,
            detail,
            prev_hash,
            String::new(),
        );
        let hash = row_hash(&row);
        sqlx::query(
            "insert into audit (id, at, team, actor, actor_name, action, target, address, filter_hash, row_count, detail,
                 prev_hash, hash) values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
        )
        .bind(row.0)
        .bind(row.1)
        .bind(row.2)
        .bind(row.3)
        .bind(row.4)
        .bind(row.5)
        .bind(row.6)
        .bind(row.7)
        .bind(row.8)
        .bind(row.9)
        .bind(row.10)
        .bind(row.11)
        .bind(hash)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// Rows of the log, newest first.
    pub async fn audit_rows(&self, filter: &AuditFilter) -> Result<Vec<AuditRow>, ControlError> {
        let action = filter.action.clone().unwrap_or_default();
        let family = if action.ends_with('.') { format!("{action}%") } else { action };
        let rows: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "select {COLUMNS} from audit
             where ($1 = '' or team = $1) and ($2 = '' or actor = $2 or actor_name = $2)
               and ($3 = '' or action like $3) and at >= $4 and at < $5 and id < $6
             order by id desc limit $7"
        )))
        .bind(filter.team.as_deref().unwrap_or(""))
        .bind(filter.actor.as_deref().unwrap_or(""))
        .bind(family)
        .bind(filter.since.map_or(i64::MIN, micros))
        .bind(filter.until.map_or(i64::MAX, micros))
        .bind(filter.before.unwrap_or(i64::MAX))
        .bind(filter.limit)
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter().map(audit_row).collect()
    }

    /// Recomputes the whole chain.
    pub async fn check_audit(&self) -> Result<AuditCheck, ControlError> {
        const PAGE: i64 = 1000;
        let (mut rows, mut last, mut previous) = (0, i64::MIN, None::<String>);
        let mut first_prev = START.to_owned();
        let mut forgotten = Vec::new();
        loop {
            let page: Vec<Row> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
                "select {COLUMNS} from audit where id > $1 order by id limit {PAGE}"
            )))
            .bind(last)
            .fetch_all(&self.pool)
            .await?;
            if page.is_empty() {
                break;
            }
            for row in page {
                let problem =
                    |what: &str| AuditCheck { rows, intact: false, problem: Some(format!("row {}: {what}", row.0)) };
                if row_hash(&row) != row.12 {
                    return Ok(problem("was changed after it was written"));
                }
                match &previous {
                    Some(previous) if *previous != row.11 => {
                        return Ok(problem("does not follow the row before it; something between them is missing"));
                    }
                    None => first_prev.clone_from(&row.11),
                    Some(_) => {}
                }
                if row.5 == AUDIT_FORGET {
                    forgotten.push(row.6.clone());
                }
                rows += 1;
                last = row.0;
                previous = Some(row.12);
            }
        }
        let start_is_known = first_prev == START || forgotten.contains(&first_prev);
        Ok(AuditCheck {
            rows,
            intact: start_is_known,
            problem: (!start_is_known)
                .then(|| "the oldest rows are missing and no row says that they were forgotten".to_owned()),
        })
    }

    /// Forgets rows older than `before` and writes that down as `actor`. Answers how many.
    pub async fn forget_audit(&self, before: Timestamp, actor: &AuditEntry) -> Result<u64, ControlError> {
        let newest: Option<(i64, String)> =
            sqlx::query_as("select id, hash from audit where at < $1 order by id desc limit 1")
                .bind(micros(before))
                .fetch_optional(&self.pool)
                .await?;
        let Some((id, hash)) = newest else { return Ok(0) };
        // The note comes first: a crash between the two leaves rows too many, never a gap without a note.
        self.audit(&AuditEntry {
            action: AUDIT_FORGET.to_owned(),
            target: hash,
            detail: Some(json!({ "before": before.to_string(), "last_id": id })),
            ..actor.clone()
        })
        .await?;
        let done = sqlx::query("delete from audit where id <= $1").bind(id).execute(&self.pool).await?;
        Ok(done.rows_affected())
    }
}

/// The hash over a row and its predecessor: SHA-256 of the fields as one JSON array, so that no two rows read alike.
fn row_hash(row: &Row) -> String {
    let fields = json!([row.11, row.0, row.1, row.2, row.3, row.4, row.5, row.6, row.7, row.8, row.9, row.10]);
    Sha256::digest(fields.to_string().as_bytes())
        .iter()
        .fold(String::with_capacity(64), |text, byte| text + &format!("{byte:02x}"))
}

fn audit_row(row: Row) -> Result<AuditRow, ControlError> {
    Ok(AuditRow {
        id: row.0,
        at: from_micros(row.1)?,
        team: row.2,
        actor: row.3,
        actor_name: row.4,
        action: row.5,
        target: row.6,
        address: row.7,
        filter_hash: row.8,
        rows: row.9,
        detail: serde_json::from_str(&row.10)?,
        hash: row.12,
    })
}
