//! Reports that were handed out, and who does not want them any more.

use jiff::Timestamp;
use serde::Serialize;

use crate::{Control, ControlError, TeamControl, from_micros, micros};

/// A try to hand a report to one receiver.
#[derive(Debug, Clone, Copy)]
pub struct NewDelivery<'a> {
    pub report: &'a str,
    /// A community's id where a report has several scopes; else empty.
    pub scope: &'a str,
    /// `2026-02`, `2026-W10`.
    pub period: &'a str,
    /// `mail`, `folder`, `webhook`.
    pub channel: &'a str,
    pub receiver: &'a str,
    /// Why it did not arrive; absent when it did.
    pub error: Option<&'a str>,
    /// `schedule` or `by hand`.
    pub by: &'a str,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ReportDelivery {
    pub id: i64,
    pub report: String,
    pub scope: String,
    pub period: String,
    pub channel: String,
    pub receiver: String,
    pub at: Timestamp,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    pub by: String,
}

/// An address that gets a report no more.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Unsubscribed {
    pub report: String,
    pub address: String,
    pub at: Timestamp,
}

type DeliveryColumns = (i64, String, String, String, String, String, i64, Option<String>, String);

impl TeamControl {
    /// Writes down a delivery or a failed one.
    pub async fn note_report_delivery(&self, delivery: &NewDelivery<'_>) -> Result<(), ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        let id = Control::take_positions(&mut transaction, "report_delivery", 1).await?;
        sqlx::query(
            "insert into report_delivery (team_id, id, report, scope, period, channel, receiver, at, error, sent_by)
             values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)",
        )
        .bind(self.team.id)
        .bind(id)
        .bind(delivery.report)
        .bind(delivery.scope)
        .bind(delivery.period)
        .bind(delivery.channel)
        .bind(delivery.receiver)
        .bind(micros(self.clock().now()))
        .bind(delivery.error)
        .bind(delivery.by)
        .execute(&mut *transaction)
        .await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Deliveries, newest first; of one report, or of all.
    pub async fn report_deliveries(
        &self,
        report: Option<&str>,
        limit: i64,
    ) -> Result<Vec<ReportDelivery>, ControlError> {
        let rows: Vec<DeliveryColumns> = sqlx::query_as(
            "select id, report, scope, period, channel, receiver, at, error, sent_by from report_delivery
             where team_id = $1 and ($2 = '' or report = $2) order by id desc limit $3",
        )
        .bind(self.team.id)
        .bind(report.unwrap_or(""))
        .bind(limit)
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter()
            .map(|r| {
                Ok(ReportDelivery {
                    id: r.0,
                    report: r.1,
                    scope: r.2,
                    period: r.3,
                    channel: r.4,
                    receiver: r.5,
                    at: from_micros(r.6)?,
                    error: r.7,
                    by: r.8,
                })
            })
            .collect()
    }

    /// Whom a report about a scope and period has reached: (channel, receiver).
    pub async fn report_delivered(
        &self,
        report: &str,
        scope: &str,
        period: &str,
    ) -> Result<Vec<(String, String)>, ControlError> {
        Ok(sqlx::query_as(
            "select distinct channel, receiver from report_delivery
             where team_id = $1 and report = $2 and scope = $3 and period = $4 and error is null",
        )
        .bind(self.team.id)
        .bind(report)
        .bind(scope)
        .bind(period)
        .fetch_all(&self.control.pool)
        .await?)
    }

    /// From now on the address gets the report no more. The first time counts.
    pub async fn report_unsubscribe(&self, report: &str, address: &str, now: Timestamp) -> Result<(), ControlError> {
        sqlx::query(
            "insert into report_unsubscribed (team_id, report, address, at) values ($1, $2, $3, $4)
             on conflict (team_id, report, address) do nothing",
        )
        .bind(self.team.id)
        .bind(report)
        .bind(address)
        .bind(micros(now))
        .execute(&self.control.pool)
        .await?;
        Ok(())
    }

    /// The address gets the report again. Answers whether it did not.
    pub async fn report_resubscribe(&self, report: &str, address: &str) -> Result<bool, ControlError> {
        let done = sqlx::query("delete from report_unsubscribed where team_id = $1 and report = $2 and address = $3")
            .bind(self.team.id)
            .bind(report)
            .bind(address)
            .execute(&self.control.pool)
            .await?;
        Ok(done.rows_affected() > 0)
    }

    /// Who unsubscribed, by report and address; of one report, or of all.
    pub async fn report_unsubscribed(&self, report: Option<&str>) -> Result<Vec<Unsubscribed>, ControlError> {
        let rows: Vec<(String, String, i64)> = sqlx::query_as(
            "select report, address, at from report_unsubscribed where team_id = $1 and ($2 = '' or report = $2)
             order by report, address",
        )
        .bind(self.team.id)
        .bind(report.unwrap_or(""))
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter().map(|r| Ok(Unsubscribed { report: r.0, address: r.1, at: from_micros(r.2)? })).collect()
    }
}
