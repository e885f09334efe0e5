//! Counting failures per name, so that guessing gets slow.

use jiff::SignedDuration;

use crate::{Control, ControlError, micros};

impl Control {
    /// Counts one try under a name before it is made, so that many at once cannot slip through together. Answers how many
    /// tries there were since the last quiet spell of `quiet`, this one included.
    pub async fn count_try(&self, name: &str, quiet: SignedDuration) -> Result<i64, ControlError> {
        let now = self.clock.now();
        let row: (i64,) = sqlx::query_as(
            "insert into throttle (name, failures, since, last_at) values ($1, 1, $2, $2)
             on conflict (name) do update set
                 failures = case when throttle.last_at <= $3 then 1 else throttle.failures + 1 end,
                 since = case when throttle.last_at <= $3 then excluded.since else throttle.since end,
                 last_at = excluded.last_at
             returning failures",
        )
        .bind(name)
        .bind(micros(now))
        .bind(micros(now - quiet))
        .fetch_one(&self.pool)
        .await?;
        Ok(row.0)
    }

    /// How many tries stand under a name since the last quiet spell.
    pub async fn tries(&self, name: &str, quiet: SignedDuration) -> Result<i64, ControlError> {
        let row: Option<(i64,)> = sqlx::query_as("select failures from throttle where name = $1 and last_at > $2")
            .bind(name)
            .bind(micros(self.clock.now() - quiet))
            .fetch_optional(&self.pool)
            .await?;
        Ok(row.map_or(0, |r| r.0))
    }

    /// Forgets the tries of a name, after a success.
    pub async fn forget_tries(&self, name: &str) -> Result<(), ControlError> {
        sqlx::query("delete from throttle where name = $1").bind(name).execute(&self.pool).await?;
        Ok(())
    }

    /// Forgets names that were quiet long enough. Answers how many.
    pub async fn forget_quiet_tries(&self, quiet: SignedDuration) -> Result<u64, ControlError> {
        let done = sqlx::query("delete from throttle where last_at <= $1")
            .bind(micros(self.clock.now() - quiet))
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected())
    }
}
