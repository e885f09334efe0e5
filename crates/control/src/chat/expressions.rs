//! Saved search expressions, shared inside a team.

use jiff::Timestamp;

use crate::{Control, ControlError, TeamControl, from_micros, micros};

#[derive(Debug, Clone, PartialEq)]
pub struct SavedExpression {
    pub id: i64,
    pub name: String,
    pub expression: String,
    pub created_by: String,
    pub updated_at: Timestamp,
}

impl TeamControl {
    /// Saves an expression under its name (the same name overwrites). Answers its id.
    pub async fn chat_save_expression(&self, name: &str, expression: &str, by: &str) -> Result<i64, ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        let id = Control::take_positions(&mut transaction, "chat_expression", 1).await?;
        let row: (i64,) = sqlx::query_as(
            "insert into chat_expression (id, team_id, name, expression, created_by, updated_at)
             values ($1, $2, $3, $4, $5, $6)
             on conflict (team_id, name) do update set expression = excluded.expression,
                 updated_at = excluded.updated_at
             returning id",
        )
        .bind(id)
        .bind(self.team.id)
        .bind(name)
        .bind(expression)
        .bind(by)
        .bind(micros(self.control.clock.now()))
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(row.0)
    }

    /// Every saved expression, by name.
    pub async fn chat_expressions(&self) -> Result<Vec<SavedExpression>, ControlError> {
        let rows: Vec<(i64, String, String, String, i64)> = sqlx::query_as(
            "select id, name, expression, created_by, updated_at from chat_expression where team_id = $1 order by name",
        )
        .bind(self.team.id)
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter()
            .map(|(id, name, expression, created_by, updated_at)| {
                Ok(SavedExpression { id, name, expression, created_by, updated_at: from_micros(updated_at)? })
            })
            .collect()
    }

    /// Answers whether there was one.
    pub async fn chat_delete_expression(&self, id: i64) -> Result<bool, ControlError> {
        let done = sqlx::query("delete from chat_expression where team_id = $1 and id = $2")
            .bind(self.team.id)
            .bind(id)
            .execute(&self.control.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}
