//! What a team decided about itself: a small JSON object, one key per decision.

use serde_json::{Map, Value};
use tallykeep_model::{Team, TeamSlug};

use crate::{Control, ControlError, TeamControl};

impl Control {
    /// A team and its settings in one look.
    pub async fn find_team_and_settings(
        &self,
        slug: &TeamSlug,
    ) -> Result<Option<(Team, Map<String, Value>)>, ControlError> {
        let row: Option<(i64, String, String)> = sqlx::query_as("select id, name, settings from team where slug = $1")
            .bind(slug.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.map(|(id, name, settings)| Ok((Team { id, slug: slug.clone(), name }, serde_json::from_str(&settings)?)))
            .transpose()
    }
}

impl TeamControl {
    pub async fn settings(&self) -> Result<Map<String, Value>, ControlError> {
        let row: (String,) = sqlx::query_as("select settings from team where id = $1")
            .bind(self.team.id)
            .fetch_one(&self.control.pool)
            .await?;
        Ok(serde_json::from_str(&row.0)?)
    }

    /// One setting; absent when the team never decided it.
    pub async fn setting(&self, key: &str) -> Result<Option<Value>, ControlError> {
        Ok(self.settings().await?.remove(key))
    }

    /// Decides one setting; `null` forgets it. Other settings stay as they are, also when two processes decide at once.
    pub async fn set_setting(&self, key: &str, value: Value) -> Result<(), ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        let row: (String,) = sqlx::query_as("update team set settings = settings where id = $1 returning settings")
            .bind(self.team.id)
            .fetch_one(&mut *transaction)
            .await?;
        let mut settings: Map<String, Value> = serde_json::from_str(&row.0)?;
        if value.is_null() {
            settings.remove(key);
        } else {
            settings.insert(key.to_owned(), value);
        }
        sqlx::query("update team set settings = $1 where id = $2")
            .bind(Value::Object(settings).to_string())
            .bind(self.team.id)
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    pub async fn rename_team(&self, name: &str) -> Result<(), ControlError> {
        sqlx::query("update team set name = $1 where id = $2")
            .bind(name)
            .bind(self.team.id)
            .execute(&self.control.pool)
            .await?;
        Ok(())
    }
}
