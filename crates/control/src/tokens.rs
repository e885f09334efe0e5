//! API tokens: one team, some scopes, maybe an end. Only the hash is kept.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;

use crate::{Control, ControlError, TeamControl, from_micros, micros};

/// A token as a team's admin sees it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ApiToken {
    pub id: i64,
    #[serde(skip)]
    pub team_id: i64,
    pub name: String,
    pub scopes: Vec<String>,
    pub created_at: Timestamp,
    /// Who made it, as in the audit log.
    pub created_by: String,
    pub expires_at: Option<Timestamp>,
    pub revoked_at: Option<Timestamp>,
    pub used_at: Option<Timestamp>,
}

/// What a new token may do.
#[derive(Debug, Clone)]
pub struct NewToken {
    pub name: String,
    pub scopes: Vec<String>,
    pub expires_at: Option<Timestamp>,
    pub created_by: String,
}

/// Use is noted at most this often.
const NOTE_EVERY: SignedDuration = SignedDuration::from_mins(5);

type TokenRow = (i64, i64, String, String, i64, String, Option<i64>, Option<i64>, Option<i64>);

const TOKEN: &str = "id, team_id, name, scopes, created_at, created_by, expires_at, revoked_at, used_at";

impl TeamControl {
    pub async fn add_token(&self, hash: &str, new: &NewToken) -> Result<ApiToken, ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        let id = Control::take_positions(&mut transaction, "api_token", 1).await?;
        let created_at = self.clock().now();
        sqlx::query(
            "insert into api_token (id, team_id, name, hash, scopes, created_at, created_by, expires_at)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(id)
        .bind(self.team.id)
        .bind(&new.name)
        .bind(hash)
        .bind(new.scopes.join(","))
        .bind(micros(created_at))
        .bind(&new.created_by)
        .bind(new.expires_at.map(micros))
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(ApiToken {
            id,
            team_id: self.team.id,
            name: new.name.clone(),
            scopes: new.scopes.clone(),
            created_at,
            created_by: new.created_by.clone(),
            expires_at: new.expires_at,
            revoked_at: None,
            used_at: None,
        })
    }

    /// The team's tokens, newest first, ended ones too.
    pub async fn tokens(&self) -> Result<Vec<ApiToken>, ControlError> {
        let rows: Vec<TokenRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "select {TOKEN} from api_token where team_id = $1 order by id desc"
        )))
        .bind(self.team.id)
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter().map(token).collect()
    }

    /// Ends a token of the team for good. Answers whether it was alive.
    pub async fn revoke_token(&self, id: i64) -> Result<bool, ControlError> {
        let done =
            sqlx::query("update api_token set revoked_at = $1 where team_id = $2 and id = $3 and revoked_at is null")
                .bind(micros(self.clock().now()))
                .bind(self.team.id)
                .bind(id)
                .execute(&self.control.pool)
                .await?;
        Ok(done.rows_affected() > 0)
    }
}

impl Control {
    /// The live token of a secret's hash. Notes that it was used.
    pub async fn find_token(&self, hash: &str) -> Result<Option<ApiToken>, ControlError> {
        let now = self.clock.now();
        let row: Option<TokenRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "select {TOKEN} from api_token where hash = $1 and revoked_at is null and (expires_at is null or expires_at > $2)"
        )))
        .bind(hash)
        .bind(micros(now))
        .fetch_optional(&self.pool)
        .await?;
        let Some(found) = row.map(token).transpose()? else { return Ok(None) };
        if found.used_at.is_none_or(|used| now.duration_since(used) > NOTE_EVERY) {
            sqlx::query("update api_token set used_at = $1 where id = $2")
                .bind(micros(now))
                .bind(found.id)
                .execute(&self.pool)
                .await?;
        }
        Ok(Some(found))
    }
}

fn token(row: TokenRow) -> Result<ApiToken, ControlError> {
    let (id, team_id, name, scopes, created_at, created_by, expires_at, revoked_at, used_at) = row;
    Ok(ApiToken {
        id,
        team_id,
        name,
        scopes: scopes.split(',').map(str::to_owned).collect(),
        created_at: from_micros(created_at)?,
        created_by,
        expires_at: expires_at.map(from_micros).transpose()?,
        revoked_at: revoked_at.map(from_micros).transpose()?,
        used_at: used_at.map(from_micros).transpose()?,
    })
}
