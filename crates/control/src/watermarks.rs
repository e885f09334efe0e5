//! How far jobs got (Invenio's "bookmarks").

use crate::{ControlError, TeamControl, micros};

impl TeamControl {
    /// The stored position of `name` for `scope`; positions are the job's own text (a day, an id, a page).
    pub async fn watermark(&self, name: &str, scope: &str) -> Result<Option<String>, ControlError> {
        let row: Option<(String,)> =
            sqlx::query_as("select position from watermark where team_id = $1 and name = $2 and scope = $3")
                .bind(self.team.id)
                .bind(name)
                .bind(scope)
                .fetch_optional(&self.control.pool)
                .await?;
        Ok(row.map(|r| r.0))
    }

    /// Every position of `name`, as (scope, position).
    pub async fn watermarks(&self, name: &str) -> Result<Vec<(String, String)>, ControlError> {
        Ok(sqlx::query_as("select scope, position from watermark where team_id = $1 and name = $2 order by scope")
            .bind(self.team.id)
            .bind(name)
            .fetch_all(&self.control.pool)
            .await?)
    }

    pub async fn set_watermark(&self, name: &str, scope: &str, position: &str) -> Result<(), ControlError> {
        sqlx::query(
            "insert into watermark (team_id, name, scope, position, updated_at) values ($1, $2, $3, $4, $5)
             on conflict (team_id, name, scope) do update set position = excluded.position, updated_at = excluded.updated_at",
        )
        .bind(self.team.id)
        .bind(name)
        .bind(scope)
        .bind(position)
        .bind(micros(self.clock().now()))
        .execute(&self.control.pool)
        .await?;
        Ok(())
    }

    /// Sets the positions of one name, as (scope, position), in one transaction.
    pub async fn set_watermarks(&self, name: &str, positions: &[(String, String)]) -> Result<(), ControlError> {
        let now = micros(self.clock().now());
        let mut transaction = self.control.pool.begin().await?;
        for (scope, position) in positions {
            sqlx::query(
                "insert into watermark (team_id, name, scope, position, updated_at) values ($1, $2, $3, $4, $5)
                 on conflict (team_id, name, scope) do update set position = excluded.position, updated_at = excluded.updated_at",
            )
            .bind(self.team.id)
            .bind(name)
            .bind(scope)
            .bind(position)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets positions; `None` means every name or every scope. Answers how many there were.
    pub async fn clear_watermarks(&self, name: Option<&str>, scope: Option<&str>) -> Result<u64, ControlError> {
        let done = sqlx::query(
            "delete from watermark where team_id = $1 and ($2 = '' or name = $2) and ($3 = '' or scope = $3)",
        )
        .bind(self.team.id)
        .bind(name.unwrap_or(""))
        .bind(scope.unwrap_or(""))
        .execute(&self.control.pool)
        .await?;
        Ok(done.rows_affected())
    }
}
