//! Answers kept for a while (spec/chat §8).

use jiff::Timestamp;

use crate::{Control, ControlError, TeamControl, from_micros, micros};

/// An answer that may be served.
#[derive(Debug, Clone, PartialEq)]
pub struct CacheEntry {
    pub data: String,
    pub created_at: Timestamp,
}

#[derive(Debug, Clone)]
pub struct NewCacheEntry<'a> {
    pub key: &'a str,
    /// The form of the data; entries of another form are not served.
    pub shape: i64,
    /// What data it is about; entries about older data are not served.
    pub generation: i64,
    pub data: &'a str,
    pub expires_at: Timestamp,
}

impl TeamControl {
    /// The entry of a key while it has not expired, has this shape and is about this data.
    pub async fn chat_cached(
        &self,
        key: &str,
        shape: i64,
        generation: i64,
    ) -> Result<Option<CacheEntry>, ControlError> {
        let row: Option<(String, i64)> = sqlx::query_as(
            "select data, created_at from chat_cache
             where team_id = $1 and cache_key = $2 and shape = $3 and generation = $4 and expires_at > $5",
        )
        .bind(self.team.id)
        .bind(key)
        .bind(shape)
        .bind(generation)
        .bind(micros(self.control.clock.now()))
        .fetch_optional(&self.control.pool)
        .await?;
        row.map(|(data, created_at)| Ok(CacheEntry { data, created_at: from_micros(created_at)? })).transpose()
    }

    /// Keeps an answer; one under the same key is replaced.
    pub async fn chat_cache_put(&self, entry: NewCacheEntry<'_>) -> Result<(), ControlError> {
        sqlx::query(
            "insert into chat_cache (team_id, cache_key, shape, generation, data, created_at, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (team_id, cache_key) do update set shape = excluded.shape, generation = excluded.generation,
                 data = excluded.data, created_at = excluded.created_at, expires_at = excluded.expires_at",
        )
        .bind(self.team.id)
        .bind(entry.key)
        .bind(entry.shape)
        .bind(entry.generation)
        .bind(entry.data)
        .bind(micros(self.control.clock.now()))
        .bind(micros(entry.expires_at))
        .execute(&self.control.pool)
        .await?;
        Ok(())
    }
}

impl Control {
    /// Deletes every team's expired answers. Answers how many there were.
    pub async fn chat_cache_cleanup(&self) -> Result<u64, ControlError> {
        let done = sqlx::query("delete from chat_cache where expires_at < $1")
            .bind(micros(self.clock.now()))
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected())
    }
}
