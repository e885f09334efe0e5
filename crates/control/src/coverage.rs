//! What the rollups cover, and the ledger of numbers that changed.

use std::collections::{BTreeSet, HashMap};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use tallykeep_model::PointState;

use crate::{
    Control, ControlError, TeamControl, day_from_text, from_micros, micros,
    responses::{EVERY, EVERY_YEAR, changed_years},
};

/// What one rollup family covers for one scope. Days outside are missing; days inside without rows are zero.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Coverage {
    pub scope: String,
    pub first_day: Date,
    pub last_day: Date,
    /// Days from here on were rolled up before they were over.
    pub provisional_from: Date,
    /// Dirty marks up to this one are included.
    pub dirty_seq: i64,
    pub run_id: String,
}

impl Coverage {
    /// State of a day, restatements aside.
    pub fn state(&self, day: Date) -> PointState {
        if day < self.first_day || day > self.last_day {
            PointState::Missing
        } else if day >= self.provisional_from {
            PointState::Provisional
        } else {
            PointState::Final
        }
    }
}

/// A final number that changed. `dimension` and `value` are empty for totals.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Restatement {
    pub family: String,
    pub scope: String,
    pub day: Date,
    pub dimension: String,
    pub value: String,
    pub measure: String,
    pub old: Option<f64>,
    pub new: Option<f64>,
    pub at: Timestamp,
    pub reason: String,
    pub run_id: String,
}

/// What a run reached: stored together or not at all.
#[derive(Debug, Clone, Copy, Default)]
pub struct Reached<'a> {
    pub covered: &'a [Coverage],
    pub restated: &'a [Restatement],
    /// The (scope, year) pairs whose rows changed: answers about them are old from then on, and those about years whose coverage changed.
    pub changed: &'a [(String, i64)],
    /// Bookmarks of the family that move, as (scope, day).
    pub bookmarks: &'a [(String, Date)],
    /// The note (name and number) that announced it, forgotten with it.
    pub announced: Option<(&'a str, i64)>,
}

type CoverageRow = (String, String, String, String, i64, String);

impl TeamControl {
    /// What a family covers, for every scope, by scope.
    pub async fn coverage(&self, family: &str) -> Result<Vec<Coverage>, ControlError> {
        let rows: Vec<CoverageRow> = sqlx::query_as(
            "select scope, first_day, last_day, provisional_from, dirty_seq, run_id from coverage
             where team_id = $1 and family = $2 order by scope",
        )
        .bind(self.team.id)
        .bind(family)
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter().map(coverage).collect()
    }

    pub async fn coverage_of(&self, family: &str, scope: &str) -> Result<Option<Coverage>, ControlError> {
        let row: Option<CoverageRow> = sqlx::query_as(
            "select scope, first_day, last_day, provisional_from, dirty_seq, run_id from coverage
             where team_id = $1 and family = $2 and scope = $3",
        )
        .bind(self.team.id)
        .bind(family)
        .bind(scope)
        .fetch_optional(&self.control.pool)
        .await?;
        row.map(coverage).transpose()
    }

    /// Stores what a run reached, with the ledger rows of what it changed, in one transaction.
    pub async fn commit_coverage(&self, family: &str, reached: &Reached<'_>) -> Result<(), ControlError> {
        let now = micros(self.clock().now());
        let mut transaction = self.control.pool.begin().await?;
        let count = i64::try_from(reached.restated.len()).unwrap_or(i64::MAX);
        let first = Control::take_positions(&mut transaction, "restatement", count).await?;
        let mut old: BTreeSet<(String, String, i64)> =
            reached.changed.iter().map(|(scope, year)| (family.to_owned(), scope.clone(), *year)).collect();
        let before: Vec<CoverageRow> = sqlx::query_as(
            "select scope, first_day, last_day, provisional_from, dirty_seq, run_id from coverage
             where team_id = $1 and family = $2",
        )
        .bind(self.team.id)
        .bind(family)
        .fetch_all(&mut *transaction)
        .await?;
        let before: HashMap<String, Coverage> =
            before.into_iter().map(|row| Ok((row.0.clone(), coverage(row)?))).collect::<Result<_, ControlError>>()?;
        for c in reached.covered {
            let years = changed_years(before.get(&c.scope), c);
            old.extend(years.into_iter().map(|year| (family.to_owned(), c.scope.clone(), year)));
            if !before.contains_key(&c.scope) {
                sqlx::query(
                    "insert into repository_known_since (team_id, family, scope, since) values ($1, $2, $3, $4)
                     on conflict (team_id, family, scope) do update set since = excluded.since",
                )
                .bind(self.team.id)
                .bind(family)
                .bind(&c.scope)
                .bind(now)
                .execute(&mut *transaction)
                .await?;
            }
        }
        self.bump(&mut transaction, &old.into_iter().collect::<Vec<_>>()).await?;
        for c in reached.covered {
            sqlx::query(
                "insert into coverage (team_id, family, scope, first_day, last_day, provisional_from, dirty_seq, run_id, updated_at)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9)
                 on conflict (team_id, family, scope) do update set first_day = excluded.first_day,
                     last_day = excluded.last_day, provisional_from = excluded.provisional_from,
                     dirty_seq = excluded.dirty_seq, run_id = excluded.run_id, updated_at = excluded.updated_at",
            )
            .bind(self.team.id)
            .bind(family)
            .bind(&c.scope)
            .bind(c.first_day.to_string())
            .bind(c.last_day.to_string())
            .bind(c.provisional_from.to_string())
            .bind(c.dirty_seq)
            .bind(&c.run_id)
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        }
        for (id, r) in (first..).zip(reached.restated) {
            sqlx::query(
                "insert into restatement (team_id, id, family, scope, day, dimension, value, measure, old, new, at, reason, run_id)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)",
            )
            .bind(self.team.id)
            .bind(id)
            .bind(&r.family)
            .bind(&r.scope)
            .bind(r.day.to_string())
            .bind(&r.dimension)
            .bind(&r.value)
            .bind(&r.measure)
            .bind(r.old)
            .bind(r.new)
            .bind(micros(r.at))
            .bind(&r.reason)
            .bind(&r.run_id)
            .execute(&mut *transaction)
            .await?;
        }
        for (scope, day) in reached.bookmarks {
            sqlx::query(
                "insert into watermark (team_id, name, scope, position, updated_at) values ($1, $2, $3, $4, $5)
                 on conflict (team_id, name, scope) do update set position = excluded.position, updated_at = excluded.updated_at",
            )
            .bind(self.team.id)
            .bind(family)
            .bind(scope)
            .bind(day.to_string())
            .bind(now)
            .execute(&mut *transaction)
            .await?;
        }
        if let Some((name, number)) = reached.announced {
            sqlx::query("delete from intent where team_id = $1 and name = $2 and number <= $3")
                .bind(self.team.id)
                .bind(name)
                .bind(number)
                .execute(&mut *transaction)
                .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Forgets what a family covers (all scopes when `None`). The ledger stays.
    pub async fn forget_coverage(&self, family: &str, scope: Option<&str>) -> Result<u64, ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        let done = sqlx::query("delete from coverage where team_id = $1 and family = $2 and ($3 = '' or scope = $3)")
            .bind(self.team.id)
            .bind(family)
            .bind(scope.unwrap_or(""))
            .execute(&mut *transaction)
            .await?;
        self.bump(&mut transaction, &[(family.to_owned(), scope.unwrap_or(EVERY).to_owned(), EVERY_YEAR)]).await?;
        transaction.commit().await?;
        Ok(done.rows_affected())
    }

    /// Since when the ledger knows of a family's numbers of a scope.
    pub async fn known_since(&self, family: &str, scope: &str) -> Result<Option<Timestamp>, ControlError> {
        let row: Option<(i64,)> = sqlx::query_as(
            "select since from repository_known_since where team_id = $1 and family = $2 and scope = $3",
        )
        .bind(self.team.id)
        .bind(family)
        .bind(scope)
        .fetch_optional(&self.control.pool)
        .await?;
        row.map(|(since,)| from_micros(since)).transpose()
    }

    /// The ledger of a family and scope over inclusive days, oldest change first.
    pub async fn restatements(
        &self,
        family: &str,
        scope: &str,
        first: Date,
        last: Date,
    ) -> Result<Vec<Restatement>, ControlError> {
        type Row = (String, String, String, String, Option<f64>, Option<f64>, i64, String, String);
        let rows: Vec<Row> = sqlx::query_as(
            "select day, dimension, value, measure, old, new, at, reason, run_id from restatement
             where team_id = $1 and family = $2 and scope = $3 and day >= $4 and day <= $5 order by id",
        )
        .bind(self.team.id)
        .bind(family)
        .bind(scope)
        .bind(first.to_string())
        .bind(last.to_string())
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter()
            .map(|(day, dimension, value, measure, old, new, at, reason, run_id)| {
                Ok(Restatement {
                    family: family.to_owned(),
                    scope: scope.to_owned(),
                    day: day_from_text(&day)?,
                    dimension,
                    value,
                    measure,
                    old,
                    new,
                    at: from_micros(at)?,
                    reason,
                    run_id,
                })
            })
            .collect()
    }
}

fn coverage(row: CoverageRow) -> Result<Coverage, ControlError> {
    let (scope, first, last, provisional, dirty_seq, run_id) = row;
    Ok(Coverage {
        scope,
        first_day: day_from_text(&first)?,
        last_day: day_from_text(&last)?,
        provisional_from: day_from_text(&provisional)?,
        dirty_seq,
        run_id,
    })
}
