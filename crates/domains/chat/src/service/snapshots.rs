//! The jobs around daily snapshots (spec §10).

use jiff::{ToSpan, civil::Date};
use serde::Serialize;
use serde_json::Value;
use tallykeep_control::TeamControl;
use tallykeep_model::Period;

use super::{Chat, ChatError};
use crate::metrics::snapshot;

/// What `generate_daily` did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct DailyReport {
    pub date: Date,
    pub teams_processed: u64,
    pub snapshots_created: u64,
    pub snapshots_updated: u64,
    /// Team and reason; one team's failure does not stop the rest.
    pub errors: Vec<String>,
}

/// What `generate_historical` did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct HistoricalReport {
    pub start_date: Date,
    pub end_date: Date,
    pub teams_count: u64,
    pub total_processed: u64,
    pub total_errors: u64,
    pub errors: Vec<String>,
}

/// What `cleanup` did.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CleanupSnapshots {
    pub snapshots_deleted: u64,
    pub cutoff_date: Date,
    pub days_kept: i64,
}

impl Chat {
    /// Computes and keeps the snapshot of one day. Answers whether it is new.
    pub async fn generate_snapshot(&self, team: &TeamControl, day: Date) -> Result<bool, ChatError> {
        let guard = self.image(team).await?;
        let data = tokio::task::spawn_blocking(move || snapshot(guard.image(), day)).await?;
        let data = serde_json::to_value(data).expect("a snapshot holds texts and numbers");
        Ok(team.chat_put_snapshot(day, &data).await?)
    }

    /// The snapshot of one day for every team with chats.
    pub async fn generate_daily(&self, date: Date) -> Result<DailyReport, ChatError> {
        let mut report =
            DailyReport { date, teams_processed: 0, snapshots_created: 0, snapshots_updated: 0, errors: Vec::new() };
        for team in self.control.chat_teams().await? {
            let slug = team.slug.clone();
            match self.generate_snapshot(&self.control.for_team(team), date).await {
                Ok(true) => report.snapshots_created += 1,
                Ok(false) => report.snapshots_updated += 1,
                Err(error) => {
                    tracing::error!(team = %slug, %date, %error, "no snapshot of {slug} for {date}");
                    report.errors.push(format!("{slug}: {error}"));
                    continue;
                }
            }
            report.teams_processed += 1;
        }
        Ok(report)
    }

    /// Every day of the inclusive range, for one team or all. `report` hears of each day done.
    pub async fn generate_historical(
        &self,
        period: Period,
        only: Option<TeamControl>,
        mut progress: impl FnMut(Date),
    ) -> Result<HistoricalReport, ChatError> {
        let teams = match only {
            Some(team) => vec![team],
            None => self.control.chat_teams().await?.into_iter().map(|team| self.control.for_team(team)).collect(),
        };
        let mut report = HistoricalReport {
            start_date: period.start,
            end_date: period.last(),
            teams_count: teams.len() as u64,
            total_processed: 0,
            total_errors: 0,
            errors: Vec::new(),
        };
        for team in teams {
            for day in period.days() {
                match self.generate_snapshot(&team, day).await {
                    Ok(_) => report.total_processed += 1,
                    Err(error) => {
                        report.total_errors += 1;
                        report.errors.push(format!("{} {day}: {error}", team.team().slug));
                    }
                }
                progress(day);
            }
        }
        Ok(report)
    }

    /// The last `days_back` days of one team, today included.
    pub async fn regenerate_team(&self, team: TeamControl, days_back: i64) -> Result<HistoricalReport, ChatError> {
        let today = self.control.clock().today();
        let period = Period { start: today.saturating_sub(days_back.days()), end: today.saturating_add(1.day()) };
        self.generate_historical(period, Some(team), |_| ()).await
    }

    /// Deletes snapshots of days before today − `days_to_keep`, of every team.
    pub async fn cleanup_snapshots(&self, days_to_keep: i64) -> Result<CleanupSnapshots, ChatError> {
        let cutoff_date = self.control.clock().today().saturating_sub(days_to_keep.days());
        let mut snapshots_deleted = 0;
        for team in self.control.teams().await? {
            snapshots_deleted += self.control.for_team(team).chat_delete_snapshots_before(cutoff_date).await?;
        }
        Ok(CleanupSnapshots { snapshots_deleted, cutoff_date, days_kept: days_to_keep })
    }

    /// Kept snapshots of the inclusive range, oldest first.
    pub async fn snapshots(&self, team: &TeamControl, first: Date, last: Date) -> Result<Vec<Value>, ChatError> {
        Ok(team.chat_snapshots(first, last).await?.into_iter().map(|kept| kept.data).collect())
    }
}
