//! Alerts of watchdogs: one row per series, open or closed.

use jiff::{Timestamp, civil::Date};
use serde::Serialize;

use crate::{ControlError, TeamControl, day_from_text, from_micros, micros};

/// A series that left its usual band.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct WatchAlert {
    pub key: String,
    pub message: String,
    /// The first day of it.
    pub since: Date,
    pub opened_at: Timestamp,
    pub closed_at: Option<Timestamp>,
    /// Receivers that got it. Addresses of people: shown to nobody.
    #[serde(skip)]
    pub told: Vec<String>,
}

type Columns = (String, String, String, i64, Option<i64>, String);

impl TeamControl {
    /// Stores an alert under its series.
    pub async fn write_watch_alert(&self, alert: &WatchAlert) -> Result<(), ControlError> {
        sqlx::query(
            "insert into watch_alert (team_id, series, message, since, opened_at, closed_at, told)
             values ($1, $2, $3, $4, $5, $6, $7)
             on conflict (team_id, series) do update set message = excluded.message, since = excluded.since,
                 opened_at = excluded.opened_at, closed_at = excluded.closed_at, told = excluded.told",
        )
        .bind(self.team.id)
        .bind(&alert.key)
        .bind(&alert.message)
        .bind(alert.since.to_string())
        .bind(micros(alert.opened_at))
        .bind(alert.closed_at.map(micros))
        .bind(serde_json::to_string(&alert.told)?)
        .execute(&self.control.pool)
        .await?;
        Ok(())
    }

    /// Every alert, the newest opened first.
    pub async fn watch_alerts(&self) -> Result<Vec<WatchAlert>, ControlError> {
        let rows: Vec<Columns> = sqlx::query_as(
            "select series, message, since, opened_at, closed_at, told from watch_alert
             where team_id = $1 order by opened_at desc, series",
        )
        .bind(self.team.id)
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter()
            .map(|r| {
                Ok(WatchAlert {
                    key: r.0,
                    message: r.1,
                    since: day_from_text(&r.2)?,
                    opened_at: from_micros(r.3)?,
                    closed_at: r.4.map(from_micros).transpose()?,
                    told: serde_json::from_str(&r.5)?,
                })
            })
            .collect()
    }
}
