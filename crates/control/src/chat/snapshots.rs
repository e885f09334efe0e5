//! One row per team and UTC day (spec/chat §10).

use jiff::civil::Date;
use serde_json::Value;

use crate::{ControlError, TeamControl, day_from_text, micros};

#[derive(Debug, Clone, PartialEq)]
pub struct StoredSnapshot {
    pub day: Date,
    pub data: Value,
}

impl TeamControl {
    /// Keeps the snapshot of a day in place of the one there was. Answers whether it is new.
    pub async fn chat_put_snapshot(&self, day: Date, data: &Value) -> Result<bool, ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        let replaced =
            sqlx::query("update chat_snapshot set data = $1, updated_at = $2 where team_id = $3 and day = $4")
                .bind(data.to_string())
                .bind(micros(self.control.clock.now()))
                .bind(self.team.id)
                .bind(day.to_string())
                .execute(&mut *transaction)
                .await?;
        if replaced.rows_affected() == 0 {
            sqlx::query(
                "insert into chat_snapshot (team_id, day, data, updated_at) values ($1, $2, $3, $4)
                 on conflict (team_id, day) do update set data = excluded.data, updated_at = excluded.updated_at",
            )
            .bind(self.team.id)
            .bind(day.to_string())
            .bind(data.to_string())
            .bind(micros(self.control.clock.now()))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(replaced.rows_affected() == 0)
    }

    /// Snapshots of an inclusive range of days, oldest first.
    pub async fn chat_snapshots(&self, first: Date, last: Date) -> Result<Vec<StoredSnapshot>, ControlError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "select day, data from chat_snapshot where team_id = $1 and day >= $2 and day <= $3 order by day",
        )
        .bind(self.team.id)
        .bind(first.to_string())
        .bind(last.to_string())
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter()
            .map(|(day, data)| Ok(StoredSnapshot { day: day_from_text(&day)?, data: serde_json::from_str(&data)? }))
            .collect()
    }

    /// Deletes the team's snapshots of days before `first_kept`. Answers how many.
    pub async fn chat_delete_snapshots_before(&self, first_kept: Date) -> Result<u64, ControlError> {
        let done = sqlx::query("delete from chat_snapshot where team_id = $1 and day < $2")
            .bind(self.team.id)
            .bind(first_kept.to_string())
            .execute(&self.control.pool)
            .await?;
        Ok(done.rows_affected())
    }
}
