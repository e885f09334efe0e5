//! Which teams files mean, and how far a team's data got.

use tallykeep_model::{Team, TeamSlug};

use crate::{Control, ControlError, TeamControl};

/// How far a team's chat data got.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ChatState {
    /// The last number a write took.
    pub taken: i64,
    /// Rows of the lake up to this number may be read.
    pub published: i64,
}

impl Control {
    /// The teams an id in interchange files may mean, by slug.
    pub async fn chat_teams_of_source(&self, source_id: i64) -> Result<Vec<Team>, ControlError> {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "select t.id, t.slug, t.name from chat_source_team s join team t on t.id = s.team_id
             where s.source_id = $1 order by t.slug",
        )
        .bind(source_id)
        .fetch_all(&self.pool)
        .await?;
        teams(rows)
    }

    /// Every team that has chat data, by slug.
    pub async fn chat_teams(&self) -> Result<Vec<Team>, ControlError> {
        let rows: Vec<(i64, String, String)> = sqlx::query_as(
            "select t.id, t.slug, t.name from team t where exists (select 1 from chat_state c where c.team_id = t.id)
             order by t.slug",
        )
        .fetch_all(&self.pool)
        .await?;
        teams(rows)
    }
}

fn teams(rows: Vec<(i64, String, String)>) -> Result<Vec<Team>, ControlError> {
    rows.into_iter()
        .map(|(id, slug, name)| {
            let slug: TeamSlug = slug.parse().map_err(|_| ControlError::Damaged(format!("team slug `{slug}`")))?;
            Ok(Team { id, slug, name })
        })
        .collect()
}

impl TeamControl {
    /// Remembers that an id in files means this team.
    pub async fn chat_add_source(&self, source_id: i64) -> Result<(), ControlError> {
        sqlx::query("insert into chat_source_team (source_id, team_id) values ($1, $2) on conflict do nothing")
            .bind(source_id)
            .bind(self.team.id)
            .execute(&self.control.pool)
            .await?;
        Ok(())
    }

    pub async fn chat_state(&self) -> Result<ChatState, ControlError> {
        let row: Option<(i64, i64)> = sqlx::query_as("select taken, published from chat_state where team_id = $1")
            .bind(self.team.id)
            .fetch_optional(&self.control.pool)
            .await?;
        Ok(row.map_or_else(ChatState::default, |(taken, published)| ChatState { taken, published }))
    }

    /// The number of the next write of this team.
    pub async fn chat_take_number(&self) -> Result<i64, ControlError> {
        let row: (i64,) = sqlx::query_as(
            "insert into chat_state (team_id, taken) values ($1, 1)
             on conflict (team_id) do update set taken = chat_state.taken + 1 returning taken",
        )
        .bind(self.team.id)
        .fetch_one(&self.control.pool)
        .await?;
        Ok(row.0)
    }

    /// Lets everything written so far be read. Answers the new state.
    pub async fn chat_publish(&self) -> Result<ChatState, ControlError> {
        let row: (i64,) = sqlx::query_as(
            "insert into chat_state (team_id) values ($1)
             on conflict (team_id) do update set published = chat_state.taken returning published",
        )
        .bind(self.team.id)
        .fetch_one(&self.control.pool)
        .await?;
        Ok(ChatState { taken: row.0, published: row.0 })
    }
}
