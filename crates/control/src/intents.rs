//! What a process is about to write to the lake, noted first (docs/adr/0001): a crash between the two stores leaves a note behind,
//! and whoever holds the same lease next finishes or drops what it says.

use serde_json::Value;

use crate::{Control, ControlError, TeamControl, micros};

/// A note. `number` is larger than that of every note of its name before.
#[derive(Debug, Clone, PartialEq)]
pub struct Intent {
    pub number: i64,
    pub payload: Value,
}

impl TeamControl {
    /// Notes something; durable when it answers. The number also serves as the position of the commit it announces.
    pub async fn note_intent(&self, name: &str, payload: &Value) -> Result<i64, ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        let number = Control::take_positions(&mut transaction, "intent", 1).await?;
        sqlx::query("insert into intent (team_id, name, number, payload, noted_at) values ($1, $2, $3, $4, $5)")
            .bind(self.team.id)
            .bind(name)
            .bind(number)
            .bind(payload.to_string())
            .bind(micros(self.clock().now()))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(number)
    }

    /// The notes of a name, oldest first.
    pub async fn intents(&self, name: &str) -> Result<Vec<Intent>, ControlError> {
        let rows: Vec<(i64, String)> =
            sqlx::query_as("select number, payload from intent where team_id = $1 and name = $2 order by number")
                .bind(self.team.id)
                .bind(name)
                .fetch_all(&self.control.pool)
                .await?;
        rows.into_iter()
            .map(|(number, payload)| Ok(Intent { number, payload: serde_json::from_str(&payload)? }))
            .collect()
    }

    /// Forgets notes up to a number: what they announced is done, or never will be.
    pub async fn forget_intents(&self, name: &str, up_to: i64) -> Result<(), ControlError> {
        sqlx::query("delete from intent where team_id = $1 and name = $2 and number <= $3")
            .bind(self.team.id)
            .bind(name)
            .bind(up_to)
            .execute(&self.control.pool)
            .await?;
        Ok(())
    }
}
