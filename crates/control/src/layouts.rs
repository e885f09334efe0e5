//! Layouts of the repository's dashboards as set here.

use jiff::Timestamp;
use serde_json::Value;

use crate::{ControlError, TeamControl, from_micros, micros};

/// A layout, and who set it when.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredLayout {
    /// A community's id, `communities` for every community without its own, `global` for the whole repository.
    pub scope: String,
    pub layout: Value,
    pub set_at: Timestamp,
    pub set_by: String,
}

impl TeamControl {
    /// Every layout that was set, by scope.
    pub async fn layouts(&self) -> Result<Vec<StoredLayout>, ControlError> {
        let rows: Vec<(String, String, i64, String)> = sqlx::query_as(
            "select scope, layout, set_at, set_by from repository_layout where team_id = $1 order by scope",
        )
        .bind(self.team.id)
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter()
            .map(|(scope, layout, at, set_by)| {
                Ok(StoredLayout { scope, layout: serde_json::from_str(&layout)?, set_at: from_micros(at)?, set_by })
            })
            .collect()
    }

    pub async fn set_layout(&self, scope: &str, layout: &Value, set_by: &str) -> Result<(), ControlError> {
        sqlx::query(
            "insert into repository_layout (team_id, scope, layout, set_at, set_by) values ($1, $2, $3, $4, $5)
             on conflict (team_id, scope)
             do update set layout = excluded.layout, set_at = excluded.set_at, set_by = excluded.set_by",
        )
        .bind(self.team.id)
        .bind(scope)
        .bind(layout.to_string())
        .bind(micros(self.clock().now()))
        .bind(set_by)
        .execute(&self.control.pool)
        .await?;
        Ok(())
    }

    /// Forgets a layout; answers whether there was one.
    pub async fn reset_layout(&self, scope: &str) -> Result<bool, ControlError> {
        let done = sqlx::query("delete from repository_layout where team_id = $1 and scope = $2")
            .bind(self.team.id)
            .bind(scope)
            .execute(&self.control.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}
