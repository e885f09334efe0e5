//! Derived tables: rollups, signals, guidance. Documents are the domain's.

use jiff::Timestamp;
use serde_json::Value;

use super::PackagesStore;
use crate::{ControlError, from_micros, micros};

#[derive(Debug, Clone, PartialEq)]
pub struct SignalRow {
    pub signal_id: String,
    pub score: f64,
    pub document: Value,
}

#[derive(Debug, Clone, PartialEq)]
pub struct GuidanceRow {
    pub guidance_id: String,
    pub signal_id: String,
    pub generated_at: Timestamp,
    pub document: Value,
}

/// Two texts, an instant and a document, as guidance and evidence are kept.
pub(super) type DatedColumns = (String, String, i64, String);
impl PackagesStore {
    /// Tells readers that something changed.
    pub(super) async fn moved(&self) -> Result<(), ControlError> {
        let mut connection = self.pool().acquire().await?;
        super::bump(&mut connection, self.id()).await?;
        Ok(())
    }

    /// Deletes by id. Answers whether it was there.
    pub(super) async fn delete(&self, statement: &'static str, id: &str) -> Result<bool, ControlError> {
        let done = sqlx::query(statement).bind(self.id()).bind(id).execute(self.pool()).await?;
        self.moved().await?;
        Ok(done.rows_affected() > 0)
    }

    /// Replaces all rollups and signals in one transaction.
    pub async fn replace_derived(
        &self,
        rollups: &[(String, Value)],
        signals: &[SignalRow],
    ) -> Result<(), ControlError> {
        let mut transaction = self.pool().begin().await?;
        super::bump(&mut transaction, self.id()).await?;
        for statement in
            ["delete from packages_rollup where team_id = $1", "delete from packages_signal where team_id = $1"]
        {
            sqlx::query(statement).bind(self.id()).execute(&mut *transaction).await?;
        }
        for (chunk_start, chunk) in rollups.chunks(100).enumerate() {
            let sql = format!(
                "insert into packages_rollup (team_id, rollup_id, position, document) values {}",
                super::value_rows(chunk.len(), 4, 1)
            );
            let mut query = sqlx::query(sqlx::AssertSqlSafe(sql));
            for (n, (id, document)) in chunk.iter().enumerate() {
                let position = i64::try_from(chunk_start * 100 + n).unwrap_or(i64::MAX);
                query = query.bind(self.id()).bind(id.as_str()).bind(position).bind(document.to_string());
            }
            query.execute(&mut *transaction).await?;
        }
        for (position, signal) in signals.iter().enumerate() {
            sqlx::query(
                "insert into packages_signal (team_id, signal_id, position, score, document) values ($1, $2, $3, $4, $5)
                 on conflict (team_id, signal_id) do nothing",
            )
            .bind(self.id())
            .bind(&signal.signal_id)
            .bind(i64::try_from(position).unwrap_or(i64::MAX))
            .bind(signal.score)
            .bind(signal.document.to_string())
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Rollup documents in the order they were derived.
    pub async fn rollups(&self) -> Result<Vec<Value>, ControlError> {
        self.documents("select document from packages_rollup where team_id = $1 order by position").await
    }

    /// Signal documents in the order they were derived.
    pub async fn signals(&self) -> Result<Vec<Value>, ControlError> {
        self.documents("select document from packages_signal where team_id = $1 order by position").await
    }

    async fn documents(&self, statement: &'static str) -> Result<Vec<Value>, ControlError> {
        let rows: Vec<(String,)> = sqlx::query_as(statement).bind(self.id()).fetch_all(self.pool()).await?;
        rows.into_iter().map(|(text,)| Ok(serde_json::from_str(&text)?)).collect()
    }

    /// Stores guidance under its id. Answers whether it is new.
    pub async fn write_guidance(&self, row: &GuidanceRow) -> Result<(), ControlError> {
        sqlx::query(
            "insert into packages_guidance (team_id, guidance_id, signal_id, generated_at, document) values ($1, $2, $3, $4, $5)
             on conflict (team_id, guidance_id) do update set signal_id = excluded.signal_id,
                 generated_at = excluded.generated_at, document = excluded.document",
        )
        .bind(self.id())
        .bind(&row.guidance_id)
        .bind(&row.signal_id)
        .bind(micros(row.generated_at))
        .bind(row.document.to_string())
        .execute(self.pool())
        .await?;
        self.moved().await?;
        Ok(())
    }

    /// All guidance, newest first.
    pub async fn guidance(&self) -> Result<Vec<GuidanceRow>, ControlError> {
        let rows: Vec<DatedColumns> = sqlx::query_as(
            "select guidance_id, signal_id, generated_at, document from packages_guidance where team_id = $1
             order by generated_at desc, guidance_id",
        )
        .bind(self.id())
        .fetch_all(self.pool())
        .await?;
        let dated = rows.into_iter().map(dated);
        dated
            .map(|row| {
                let (guidance_id, signal_id, generated_at, document) = row?;
                Ok(GuidanceRow { guidance_id, signal_id, generated_at, document })
            })
            .collect()
    }
}

pub(super) fn dated(row: DatedColumns) -> Result<(String, String, Timestamp, Value), ControlError> {
    Ok((row.0, row.1, from_micros(row.2)?, serde_json::from_str(&row.3)?))
}
