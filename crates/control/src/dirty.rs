//! Days whose facts changed after they were rolled up.

use jiff::civil::Date;

use crate::{Control, ControlError, TeamControl, day_from_text};

/// A day to redo. `seq` grows with every change; a scope is done with it once its coverage's `dirty_seq` reached it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirtyDay {
    pub day: Date,
    pub seq: i64,
    pub reason: String,
}

impl TeamControl {
    /// Marks days of a rollup family to be redone. Days marked before are marked again, later.
    pub async fn mark_dirty(&self, family: &str, days: &[Date], reason: &str) -> Result<(), ControlError> {
        if days.is_empty() {
            return Ok(());
        }
        let mut transaction = self.control.pool.begin().await?;
        let seq = Control::take_positions(&mut transaction, "dirty", 1).await?;
        for day in days {
            sqlx::query(
                "insert into dirty_day (team_id, family, day, seq, reason) values ($1, $2, $3, $4, $5)
                 on conflict (team_id, family, day) do update set seq = excluded.seq, reason = excluded.reason",
            )
            .bind(self.team.id)
            .bind(family)
            .bind(day.to_string())
            .bind(seq)
            .bind(reason)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// The family's dirty days after `seq`, oldest day first.
    pub async fn dirty_days(&self, family: &str, after_seq: i64) -> Result<Vec<DirtyDay>, ControlError> {
        let rows: Vec<(String, i64, String)> = sqlx::query_as(
            "select day, seq, reason from dirty_day where team_id = $1 and family = $2 and seq > $3 order by day",
        )
        .bind(self.team.id)
        .bind(family)
        .bind(after_seq)
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter().map(|(day, seq, reason)| Ok(DirtyDay { day: day_from_text(&day)?, seq, reason })).collect()
    }

    /// Forgets marks that every scope is done with.
    pub async fn forget_dirty_days(&self, family: &str, up_to_seq: i64) -> Result<(), ControlError> {
        sqlx::query("delete from dirty_day where team_id = $1 and family = $2 and seq <= $3")
            .bind(self.team.id)
            .bind(family)
            .bind(up_to_seq)
            .execute(&self.control.pool)
            .await?;
        Ok(())
    }
}
