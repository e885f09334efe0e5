//! Teams.

use tallykeep_model::{Team, TeamSlug};

use crate::{Control, ControlError, micros};

type TeamRow = (i64, String, String);

impl Control {
    pub(crate) async fn ensure_default_team(&self) -> Result<(), ControlError> {
        sqlx::query(
            "insert into team (id, slug, name, created_at) values (1, $1, 'Default', $2) on conflict do nothing",
        )
        .bind(TeamSlug::DEFAULT)
        .bind(micros(self.clock.now()))
        .execute(&self.pool)
        .await?;
        Ok(())
    }

    /// Every team, by slug.
    pub async fn teams(&self) -> Result<Vec<Team>, ControlError> {
        let rows: Vec<TeamRow> =
            sqlx::query_as("select id, slug, name from team order by slug").fetch_all(&self.pool).await?;
        rows.into_iter().map(team).collect()
    }

    pub async fn find_team(&self, slug: &TeamSlug) -> Result<Option<Team>, ControlError> {
        let row: Option<TeamRow> = sqlx::query_as("select id, slug, name from team where slug = $1")
            .bind(slug.as_str())
            .fetch_optional(&self.pool)
            .await?;
        row.map(team).transpose()
    }

    /// Adds a team. Errors: `TeamExists`.
    pub async fn add_team(&self, slug: &TeamSlug, name: &str) -> Result<Team, ControlError> {
        let mut transaction = self.pool.begin().await?;
        // The default team took id 1 without the counter, so the counter starts behind it.
        let id = 1 + Self::take_positions(&mut transaction, "team", 1).await?;
        let done = sqlx::query(
            "insert into team (id, slug, name, created_at) values ($1, $2, $3, $4) on conflict (slug) do nothing",
        )
        .bind(id)
        .bind(slug.as_str())
        .bind(name)
        .bind(micros(self.clock.now()))
        .execute(&mut *transaction)
        .await?;
        if done.rows_affected() == 0 {
            return Err(ControlError::TeamExists(slug.clone()));
        }
        transaction.commit().await?;
        Ok(Team { id, slug: slug.clone(), name: name.to_owned() })
    }
}

fn team((id, slug, name): TeamRow) -> Result<Team, ControlError> {
    let slug = slug.parse().map_err(|_| ControlError::Damaged(format!("team slug `{slug}`")))?;
    Ok(Team { id, slug, name })
}
