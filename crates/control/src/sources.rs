//! What the repository's living sources left here: how far each was read is a watermark; what each says of itself is kept here.

use jiff::Timestamp;
use serde_json::Value;

use crate::{ControlError, TeamControl, from_micros, micros};

/// Figures a source told.
#[derive(Debug, Clone, PartialEq)]
pub struct Reported {
    pub source: String,
    pub id: String,
    pub figures: Value,
    pub at: Timestamp,
}

impl TeamControl {
    /// Keeps figures of a source by id; those told before are replaced, others stay.
    pub async fn save_reported(
        &self,
        source: &str,
        subject: &str,
        figures: &[(String, Value)],
    ) -> Result<(), ControlError> {
        if figures.is_empty() {
            return Ok(());
        }
        let mut transaction = self.control.pool.begin().await?;
        for (id, figures) in figures {
            sqlx::query(
                "insert into repository_reported (team_id, source, subject, id, figures, reported_at)
                 values ($1, $2, $3, $4, $5, $6) on conflict (team_id, source, subject, id)
                 do update set figures = excluded.figures, reported_at = excluded.reported_at",
            )
            .bind(self.team.id)
            .bind(source)
            .bind(subject)
            .bind(id)
            .bind(figures.to_string())
            .bind(micros(self.clock().now()))
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// What every source told of a subject, by source and id.
    pub async fn reported(&self, subject: &str) -> Result<Vec<Reported>, ControlError> {
        let rows: Vec<(String, String, String, i64)> = sqlx::query_as(
            "select source, id, figures, reported_at from repository_reported
             where team_id = $1 and subject = $2 order by source, id",
        )
        .bind(self.team.id)
        .bind(subject)
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter()
            .map(|(source, id, figures, at)| {
                Ok(Reported { source, id, figures: serde_json::from_str(&figures)?, at: from_micros(at)? })
            })
            .collect()
    }

    /// Forgets what a source told of a subject.
    pub async fn forget_reported(&self, source: &str, subject: &str) -> Result<(), ControlError> {
        sqlx::query("delete from repository_reported where team_id = $1 and source = $2 and subject = $3")
            .bind(self.team.id)
            .bind(source)
            .bind(subject)
            .execute(&self.control.pool)
            .await?;
        Ok(())
    }
}
