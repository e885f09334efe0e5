//! What the repository domain keeps: dashboard switches and labels.

use crate::{ControlError, TeamControl, micros};

impl TeamControl {
    /// The switches that were set here, as (community, enabled).
    pub async fn dashboard_switches(&self) -> Result<Vec<(String, bool)>, ControlError> {
        let rows: Vec<(String, i64)> = sqlx::query_as(
            "select community_id, enabled from repository_dashboard where team_id = $1 order by community_id",
        )
        .bind(self.team.id)
        .fetch_all(&self.control.pool)
        .await?;
        Ok(rows.into_iter().map(|(id, enabled)| (id, enabled != 0)).collect())
    }

    pub async fn set_dashboard_switch(&self, community: &str, enabled: bool) -> Result<(), ControlError> {
        sqlx::query(
            "insert into repository_dashboard (team_id, community_id, enabled, set_at) values ($1, $2, $3, $4)
             on conflict (team_id, community_id) do update set enabled = excluded.enabled, set_at = excluded.set_at",
        )
        .bind(self.team.id)
        .bind(community)
        .bind(i64::from(enabled))
        .bind(micros(self.clock().now()))
        .execute(&self.control.pool)
        .await?;
        Ok(())
    }

    /// Every label, as (dimension, value, label as JSON).
    pub async fn labels(&self) -> Result<Vec<(String, String, String)>, ControlError> {
        Ok(sqlx::query_as("select dimension, value, label from repository_label where team_id = $1")
            .bind(self.team.id)
            .fetch_all(&self.control.pool)
            .await?)
    }

    /// Stores labels (dimension, value, label as JSON); others stay.
    pub async fn save_labels(&self, labels: &[(String, String, String)]) -> Result<(), ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        for (dimension, value, label) in labels {
            sqlx::query(
                "insert into repository_label (team_id, dimension, value, label) values ($1, $2, $3, $4)
                 on conflict (team_id, dimension, value) do update set label = excluded.label",
            )
            .bind(self.team.id)
            .bind(dimension)
            .bind(value)
            .bind(label)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}
