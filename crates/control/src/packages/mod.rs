//! What the packages domain keeps: metrics, observations with their revision log, runs, derived tables, collectors' memory.
//!
//! Spec: packages §2. Observations are rows, and the same rows once more packed by metric and year; both are written in
//! one transaction, so a reader that follows the packed blocks by their generation sees exactly what the rows say.

mod around;
mod blocks;
mod derived;
mod history;
mod memory;
mod metrics;
mod stats;

use crate::{Control, ControlError, LeaseGuard, TeamControl};

pub use around::{Annotation, DuckdbMonth, EvidenceRow};
pub use blocks::{BlockStat, Blocks};
pub use derived::{GuidanceRow, SignalRow};
pub use history::{HistoryRow, NewHistory, RunStatus};
pub use memory::{AlertRow, Attempt, StoredBody};
pub use metrics::{MetricOrigin, PackagesMetric};
pub use stats::{Revision, StatRow, WriteCounts};

/// The packages tables of one team.
#[derive(Clone)]
pub struct PackagesStore {
    team: TeamControl,
}

impl TeamControl {
    /// The packages tables of this team.
    pub fn packages(&self) -> PackagesStore {
        PackagesStore { team: self.clone() }
    }
}

impl PackagesStore {
    pub fn team(&self) -> &TeamControl {
        &self.team
    }

    fn id(&self) -> i64 {
        self.team.team().id
    }

    fn control(&self) -> &Control {
        self.team.control()
    }

    fn pool(&self) -> &sqlx::AnyPool {
        &self.team.control().pool
    }

    /// The one writer of this team's observations, or `Busy` naming who it is.
    pub async fn writer(&self, what: &str) -> Result<LeaseGuard, ControlError> {
        let name = format!("packages:{}", self.team.team().slug);
        self.control().lease_or_busy(&name, &format!("{what} (process {})", std::process::id())).await
    }

    /// The configuration jobs of this team last ran with, as JSON text.
    pub async fn stored_config(&self) -> Result<Option<String>, ControlError> {
        let row: Option<(Option<String>,)> = sqlx::query_as("select config from packages_team where team_id = $1")
            .bind(self.id())
            .fetch_optional(self.pool())
            .await?;
        Ok(row.and_then(|r| r.0))
    }

    pub async fn store_config(&self, config: &str) -> Result<(), ControlError> {
        sqlx::query(
            "insert into packages_team (team_id, config, generation, epoch) values ($1, $2, 0, 0)
             on conflict (team_id) do update set config = excluded.config",
        )
        .bind(self.id())
        .bind(config)
        .execute(self.pool())
        .await?;
        Ok(())
    }

    /// Drops metrics, observations, revisions and runs (spec: `bootstrap_tables`). Derived tables stay.
    pub async fn drop_observations(&self) -> Result<(), ControlError> {
        let mut transaction = self.pool().begin().await?;
        sqlx::query(
            "insert into packages_team (team_id, config, generation, epoch) values ($1, null, 1, 1)
             on conflict (team_id) do update set generation = packages_team.generation + 1, epoch = packages_team.epoch + 1",
        )
        .bind(self.id())
        .execute(&mut *transaction)
        .await?;
        for statement in [
            "delete from packages_stat where team_id = $1",
            "delete from packages_block where team_id = $1",
            "delete from packages_revision where team_id = $1",
            "delete from packages_history where team_id = $1",
            "delete from packages_metric where team_id = $1",
            "delete from packages_attempt where team_id = $1",
            "delete from packages_step where team_id = $1",
        ] {
            sqlx::query(statement).bind(self.id()).execute(&mut *transaction).await?;
        }
        transaction.commit().await?;
        Ok(())
    }
}

/// Moves the team's generation on, which takes the team's turn too: a write first, on both databases.
async fn bump(connection: &mut sqlx::AnyConnection, team: i64) -> Result<i64, ControlError> {
    let (generation,): (i64,) = sqlx::query_as(
        "insert into packages_team (team_id, config, generation, epoch) values ($1, null, 1, 0)
         on conflict (team_id) do update set generation = packages_team.generation + 1 returning generation",
    )
    .bind(team)
    .fetch_one(connection)
    .await?;
    Ok(generation)
}

/// `($1, $2), ($3, $4)`: placeholders for `rows` rows of `columns` values, the first `$from`.
fn value_rows(rows: usize, columns: usize, from: usize) -> String {
    let mut text = String::with_capacity(rows * columns * 5);
    for row in 0..rows {
        text.push_str(if row == 0 { "(" } else { ", (" });
        for column in 0..columns {
            if column > 0 {
                text.push_str(", ");
            }
            text.push('$');
            text.push_str(&(from + row * columns + column).to_string());
        }
        text.push(')');
    }
    text
}
