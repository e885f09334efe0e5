//! Filter presets: seen only by their owner, in their team; at most one is the default.

use jiff::Timestamp;
use serde_json::Value;

use crate::{Control, ControlError, TeamControl, from_micros, micros};

#[derive(Debug, Clone, PartialEq)]
pub struct Preset {
    pub id: i64,
    pub name: String,
    pub is_default: bool,
    pub filter_data: Value,
    pub updated_at: Timestamp,
}

impl TeamControl {
    /// Saves a preset under its name (the same name overwrites). Answers its id.
    pub async fn chat_save_preset(
        &self,
        owner: &str,
        name: &str,
        data: &Value,
        is_default: bool,
    ) -> Result<i64, ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        // The counter's row makes saves take turns: two at once never both become the default.
        let id = Control::take_positions(&mut transaction, "chat_preset", 1).await?;
        if is_default {
            sqlx::query("update chat_preset set is_default = 0 where team_id = $1 and owner = $2 and is_default = 1")
                .bind(self.team.id)
                .bind(owner)
                .execute(&mut *transaction)
                .await?;
        }
        let row: (i64,) = sqlx::query_as(
            "insert into chat_preset (id, team_id, owner, name, data, is_default, created_at, updated_at)
             values ($1, $2, $3, $4, $5, $6, $7, $7)
             on conflict (team_id, owner, name) do update set data = excluded.data, is_default = excluded.is_default,
                 updated_at = excluded.updated_at
             returning id",
        )
        .bind(id)
        .bind(self.team.id)
        .bind(owner)
        .bind(name)
        .bind(data.to_string())
        .bind(i64::from(is_default))
        .bind(micros(self.control.clock.now()))
        .fetch_one(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(row.0)
    }

    /// The owner's presets: the default first, then by name.
    pub async fn chat_presets(&self, owner: &str) -> Result<Vec<Preset>, ControlError> {
        let rows: Vec<(i64, String, i64, String, i64)> = sqlx::query_as(
            "select id, name, is_default, data, updated_at from chat_preset where team_id = $1 and owner = $2
             order by is_default desc, name",
        )
        .bind(self.team.id)
        .bind(owner)
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter()
            .map(|(id, name, is_default, data, updated_at)| {
                Ok(Preset {
                    id,
                    name,
                    is_default: is_default == 1,
                    filter_data: serde_json::from_str(&data)?,
                    updated_at: from_micros(updated_at)?,
                })
            })
            .collect()
    }

    pub async fn chat_preset(&self, owner: &str, id: i64) -> Result<Option<Preset>, ControlError> {
        Ok(self.chat_presets(owner).await?.into_iter().find(|preset| preset.id == id))
    }

    /// Answers whether there was one.
    pub async fn chat_delete_preset(&self, owner: &str, id: i64) -> Result<bool, ControlError> {
        let done = sqlx::query("delete from chat_preset where team_id = $1 and owner = $2 and id = $3")
            .bind(self.team.id)
            .bind(owner)
            .bind(id)
            .execute(&self.control.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}
