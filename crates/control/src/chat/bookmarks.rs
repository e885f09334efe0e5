//! How far the import from another program's database got.

use crate::{ControlError, TeamControl};

/// Rows up to `last_id` were read, as they were at `seen_at` (microseconds of the source's own clock) or later.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChatBookmark {
    pub last_id: i64,
    pub seen_at: i64,
}

impl TeamControl {
    /// The bookmark of a kind of row in a source; `None` while nothing was read.
    pub async fn chat_bookmark(&self, source: &str, kind: &str) -> Result<Option<ChatBookmark>, ControlError> {
        let row: Option<(i64, i64)> = sqlx::query_as(
            "select last_id, seen_at from chat_bookmark where team_id = $1 and source = $2 and kind = $3",
        )
        .bind(self.team.id)
        .bind(source)
        .bind(kind)
        .fetch_optional(&self.control.pool)
        .await?;
        Ok(row.map(|(last_id, seen_at)| ChatBookmark { last_id, seen_at }))
    }

    pub async fn chat_set_bookmark(&self, source: &str, kind: &str, to: ChatBookmark) -> Result<(), ControlError> {
        sqlx::query(
            "insert into chat_bookmark (team_id, source, kind, last_id, seen_at) values ($1, $2, $3, $4, $5)
             on conflict (team_id, source, kind) do update set last_id = excluded.last_id, seen_at = excluded.seen_at",
        )
        .bind(self.team.id)
        .bind(source)
        .bind(kind)
        .bind(to.last_id)
        .bind(to.seen_at)
        .execute(&self.control.pool)
        .await?;
        Ok(())
    }
}
