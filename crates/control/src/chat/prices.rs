//! Price rules: what a thousand tokens cost, from one instant to another.

use jiff::Timestamp;

use crate::{Control, ControlError, TeamControl, from_micros, micros};

/// A price in force from `valid_from` until before `valid_to`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PriceRule {
    pub id: i64,
    pub provider: String,
    pub model: String,
    pub service_kind: String,
    /// In 1/100,000,000 of the currency per 1,000 tokens.
    pub per_thousand: i64,
    pub valid_from: Timestamp,
    /// `None`: until further notice.
    pub valid_to: Option<Timestamp>,
}

type Row = (i64, String, String, String, i64, i64, Option<i64>);

impl TeamControl {
    /// The team's rules, by provider, model, kind and start.
    pub async fn chat_prices(&self) -> Result<Vec<PriceRule>, ControlError> {
        let rows: Vec<Row> = sqlx::query_as(
            "select id, provider, model, service_kind, per_thousand, valid_from, valid_to from chat_price_rule
             where team_id = $1 order by provider, model, service_kind, valid_from",
        )
        .bind(self.team.id)
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter().map(rule).collect()
    }

    /// Adds a rule; its `id` is given here and answered.
    ///
    /// A rule of the same model and kind that is open-ended and began earlier ends where this one begins. Any other overlap is
    /// answered with the rule in the way, and nothing is changed: of two prices nobody could say which one holds.
    pub async fn chat_add_price(&self, new: &PriceRule) -> Result<Result<i64, PriceRule>, ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        // The counter's row makes writers take turns.
        let id = Control::take_positions(&mut transaction, "chat_price_rule", 1).await?;
        let (from, to) = (micros(new.valid_from), new.valid_to.map(micros));
        let rows: Vec<Row> = sqlx::query_as(
            "select id, provider, model, service_kind, per_thousand, valid_from, valid_to from chat_price_rule
             where team_id = $1 and provider = $2 and model = $3 and service_kind = $4 order by valid_from",
        )
        .bind(self.team.id)
        .bind(&new.provider)
        .bind(&new.model)
        .bind(&new.service_kind)
        .fetch_all(&mut *transaction)
        .await?;
        for row in rows {
            let (known_from, known_to) = (row.5, row.6);
            let overlaps = known_from < to.unwrap_or(i64::MAX) && from < known_to.unwrap_or(i64::MAX);
            if !overlaps {
                continue;
            }
            if known_to.is_some() || known_from >= from {
                transaction.rollback().await?;
                return Ok(Err(rule(row)?));
            }
            sqlx::query("update chat_price_rule set valid_to = $1 where team_id = $2 and id = $3")
                .bind(from)
                .bind(self.team.id)
                .bind(row.0)
                .execute(&mut *transaction)
                .await?;
        }
        sqlx::query(
            "insert into chat_price_rule (id, team_id, provider, model, service_kind, per_thousand, valid_from, valid_to)
             values ($1, $2, $3, $4, $5, $6, $7, $8)",
        )
        .bind(id)
        .bind(self.team.id)
        .bind(&new.provider)
        .bind(&new.model)
        .bind(&new.service_kind)
        .bind(new.per_thousand)
        .bind(from)
        .bind(to)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(Ok(id))
    }

    /// Takes a rule out. What was priced by it keeps its cost. Answers whether there was one.
    pub async fn chat_remove_price(&self, id: i64) -> Result<bool, ControlError> {
        let done = sqlx::query("delete from chat_price_rule where team_id = $1 and id = $2")
            .bind(self.team.id)
            .bind(id)
            .execute(&self.control.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }
}

fn rule(row: Row) -> Result<PriceRule, ControlError> {
    let (id, provider, model, service_kind, per_thousand, from, to) = row;
    Ok(PriceRule {
        id,
        provider,
        model,
        service_kind,
        per_thousand,
        valid_from: from_micros(from)?,
        valid_to: to.map(from_micros).transpose()?,
    })
}
