//! Browser sessions and links that work once. Only hashes of their secrets are here.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{Control, ControlError, Person, from_micros, micros};

/// How long sessions live.
#[derive(Debug, Clone, Copy)]
pub struct SessionLife {
    /// Without a request.
    pub idle: SignedDuration,
    /// From the sign-in on.
    pub absolute: SignedDuration,
}

/// A session as its owner sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WebSession {
    pub id: i64,
    pub created_at: Timestamp,
    pub seen_at: Timestamp,
    pub address: String,
    pub agent: String,
}

/// A request's time is noted at most this often.
const NOTE_EVERY: SignedDuration = SignedDuration::from_mins(5);

impl Control {
    /// Starts a session of a user.
    pub async fn add_session(
        &self,
        hash: &str,
        person_id: i64,
        address: &str,
        agent: &str,
    ) -> Result<i64, ControlError> {
        let mut transaction = self.pool.begin().await?;
        let id = Self::take_positions(&mut transaction, "web_session", 1).await?;
        sqlx::query(
            "insert into web_session (id, hash, person_id, created_at, seen_at, address, agent)
             values ($1, $2, $3, $4, $4, $5, $6)",
        )
        .bind(id)
        .bind(hash)
        .bind(person_id)
        .bind(micros(self.clock.now()))
        .bind(address)
        .bind(agent.chars().take(200).collect::<String>())
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(id)
    }

    /// The user and session of a secret's hash, if it lives and the user may sign in. Notes that it was seen.
    pub async fn find_session(&self, hash: &str, life: SessionLife) -> Result<Option<(Person, i64)>, ControlError> {
        let now = self.clock.now();
        let row: Option<(i64, i64, i64)> = sqlx::query_as(
            "select id, person_id, seen_at from web_session where hash = $1 and created_at > $2 and seen_at > $3",
        )
        .bind(hash)
        .bind(micros(now - life.absolute))
        .bind(micros(now - life.idle))
        .fetch_optional(&self.pool)
        .await?;
        let Some((id, person_id, seen_at)) = row else { return Ok(None) };
        let Some(person) = self.find_person(person_id).await?.filter(|person| !person.disabled) else {
            return Ok(None);
        };
        if now.duration_since(from_micros(seen_at)?) > NOTE_EVERY {
            sqlx::query("update web_session set seen_at = $1 where id = $2")
                .bind(micros(now))
                .bind(id)
                .execute(&self.pool)
                .await?;
        }
        Ok(Some((person, id)))
    }

    /// A user's live sessions, newest first.
    pub async fn sessions(&self, person_id: i64, life: SessionLife) -> Result<Vec<WebSession>, ControlError> {
        let now = self.clock.now();
        let rows: Vec<(i64, i64, i64, String, String)> = sqlx::query_as(
            "select id, created_at, seen_at, address, agent from web_session
             where person_id = $1 and created_at > $2 and seen_at > $3 order by id desc",
        )
        .bind(person_id)
        .bind(micros(now - life.absolute))
        .bind(micros(now - life.idle))
        .fetch_all(&self.pool)
        .await?;
        rows.into_iter()
            .map(|(id, created_at, seen_at, address, agent)| {
                Ok(WebSession {
                    id,
                    created_at: from_micros(created_at)?,
                    seen_at: from_micros(seen_at)?,
                    address,
                    agent,
                })
            })
            .collect()
    }

    /// Ends the session of a secret's hash.
    pub async fn end_session(&self, hash: &str) -> Result<(), ControlError> {
        sqlx::query("delete from web_session where hash = $1").bind(hash).execute(&self.pool).await?;
        Ok(())
    }

    /// Ends one of a user's own sessions. Answers whether there was one.
    pub async fn end_session_of(&self, person_id: i64, id: i64) -> Result<bool, ControlError> {
        let done = sqlx::query("delete from web_session where person_id = $1 and id = $2")
            .bind(person_id)
            .bind(id)
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Ends all of a user's sessions but one. Answers how many.
    pub async fn end_sessions_of(&self, person_id: i64, but: Option<i64>) -> Result<u64, ControlError> {
        let done = sqlx::query("delete from web_session where person_id = $1 and id <> $2")
            .bind(person_id)
            .bind(but.unwrap_or(0))
            .execute(&self.pool)
            .await?;
        Ok(done.rows_affected())
    }

    /// Forgets sessions, links and provider flows that ended by themselves. Answers how many rows.
    pub async fn forget_ended_sessions(&self, life: SessionLife) -> Result<u64, ControlError> {
        let now = self.clock.now();
        let sessions = sqlx::query("delete from web_session where created_at <= $1 or seen_at <= $2")
            .bind(micros(now - life.absolute))
            .bind(micros(now - life.idle))
            .execute(&self.pool)
            .await?;
        let links = sqlx::query("delete from one_time_link where expires_at <= $1")
            .bind(micros(now))
            .execute(&self.pool)
            .await?;
        let flows = sqlx::query("delete from provider_flow where expires_at <= $1")
            .bind(micros(now))
            .execute(&self.pool)
            .await?;
        Ok(sessions.rows_affected() + links.rows_affected() + flows.rows_affected())
    }

    /// Stores a link that works once; earlier links of the user stop working.
    pub async fn add_one_time_link(
        &self,
        hash: &str,
        person_id: i64,
        expires_at: Timestamp,
    ) -> Result<(), ControlError> {
        let mut transaction = self.pool.begin().await?;
        sqlx::query("delete from one_time_link where person_id = $1")
            .bind(person_id)
            .execute(&mut *transaction)
            .await?;
        sqlx::query("insert into one_time_link (hash, person_id, created_at, expires_at) values ($1, $2, $3, $4)")
            .bind(hash)
            .bind(person_id)
            .bind(micros(self.clock.now()))
            .bind(micros(expires_at))
            .execute(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Uses a link: answers its user the first time, nothing afterwards or when it ran out.
    pub async fn use_one_time_link(&self, hash: &str) -> Result<Option<i64>, ControlError> {
        let now = micros(self.clock.now());
        let row: Option<(i64,)> = sqlx::query_as(
            "update one_time_link set used_at = $1 where hash = $2 and used_at is null and expires_at > $1 returning person_id",
        )
        .bind(now)
        .bind(hash)
        .fetch_optional(&self.pool)
        .await?;
        Ok(row.map(|r| r.0))
    }
}

/// A sign-in through a provider, between leaving and coming back.
#[derive(Debug, Clone)]
pub struct ProviderFlow {
    pub nonce: String,
    pub verifier: String,
    /// Where to go afterwards; a path of ours.
    pub next: String,
}

impl Control {
    pub async fn add_provider_flow(
        &self,
        state_hash: &str,
        flow: &ProviderFlow,
        expires_at: Timestamp,
    ) -> Result<(), ControlError> {
        sqlx::query(
            "insert into provider_flow (state_hash, nonce, verifier, next, expires_at) values ($1, $2, $3, $4, $5)",
        )
        .bind(state_hash)
        .bind(&flow.nonce)
        .bind(&flow.verifier)
        .bind(&flow.next)
        .bind(micros(expires_at))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Takes a flow out: it answers once.
    pub async fn take_provider_flow(&self, state_hash: &str) -> Result<Option<ProviderFlow>, ControlError> {
        let row: Option<(String, String, String, i64)> = sqlx::query_as(
            "delete from provider_flow where state_hash = $1 returning nonce, verifier, next, expires_at",
        )
        .bind(state_hash)
        .fetch_optional(&self.pool)
        .await?;
        let now = micros(self.clock.now());
        Ok(row.filter(|r| r.3 > now).map(|(nonce, verifier, next, _)| ProviderFlow { nonce, verifier, next }))
    }
}
