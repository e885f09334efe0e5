//! Observations: the write rules of spec/packages §2.4, the revision log, and reads by row.

use std::collections::{BTreeMap, HashMap};

use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use sqlx::AssertSqlSafe;

use super::{
    PackagesStore,
    blocks::{self, BlockStat},
    value_rows,
};
use crate::{Control, ControlError, from_micros, micros};

/// One row of `stats` (spec §2.1).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatRow {
    pub metric_id: String,
    pub period_start: Date,
    pub period_end: Date,
    pub observed_at: Timestamp,
    pub value: i64,
    pub provenance: String,
    pub source_window: String,
    pub ingestion_run_id: String,
    pub source_ref: String,
}

/// A value that was replaced.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Revision {
    pub id: i64,
    pub metric_id: String,
    pub period_end: Date,
    pub old_value: i64,
    pub new_value: i64,
    pub old_window: String,
    pub new_window: String,
    pub old_provenance: String,
    pub new_provenance: String,
    pub old_run_id: String,
    pub new_run_id: String,
    pub changed_at: Timestamp,
}

/// What a batch did to the store.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct WriteCounts {
    pub inserted: u64,
    pub updated: u64,
    /// Equal to what is stored.
    pub unchanged: u64,
    /// Refused because what is stored is better: a seed never replaces a daily or star row.
    pub kept: u64,
    /// Replaced values now in the revision log.
    pub revisions: u64,
}

impl std::ops::AddAssign for WriteCounts {
    fn add_assign(&mut self, other: Self) {
        self.inserted += other.inserted;
        self.updated += other.updated;
        self.unchanged += other.unchanged;
        self.kept += other.kept;
        self.revisions += other.revisions;
    }
}

/// What is stored under a key, as far as the write rules look at it.
struct Stored {
    value: i64,
    period_start: String,
    provenance: String,
    source_window: String,
    run: String,
}

type StatColumns = (String, String, String, i64, i64, String, String, String, String);

const SEED: &str = "csv_seed";
const INSERT_COLUMNS: usize = 11;
/// 45 rows of 11 values stay under 500 placeholders.
const INSERT_ROWS: usize = 45;
const REVISION_COLUMNS: usize = 13;
const REVISION_ROWS: usize = 38;

impl PackagesStore {
    /// Stores a batch in one transaction. Per key: insert when absent, update when the value or where it comes from
    /// differs, leave alone when equal. Of two rows with one key the later one counts. Nothing else changes.
    pub async fn write_stats(&self, rows: &[StatRow]) -> Result<WriteCounts, ControlError> {
        if rows.is_empty() {
            return Ok(WriteCounts::default());
        }
        self.write_stats_and_finish(rows, None).await
    }

    /// The same, and in the same transaction the mark of a backfill's finished step (backfill, step, details): a step is
    /// finished exactly when its rows are stored.
    pub async fn write_stats_and_finish(
        &self,
        rows: &[StatRow],
        step: Option<(&str, &str, &serde_json::Value)>,
    ) -> Result<WriteCounts, ControlError> {
        let mut counts = WriteCounts::default();
        let mut by_metric: BTreeMap<&str, BTreeMap<Date, &StatRow>> = BTreeMap::new();
        for row in rows {
            by_metric.entry(&row.metric_id).or_default().insert(row.period_end, row);
        }
        let now = micros(self.team.clock().now());
        let team = self.id();
        let mut transaction = self.pool().begin().await?;
        let generation = super::bump(&mut transaction, team).await?;
        let (mut writes, mut revisions) = (Vec::new(), Vec::new());
        for (metric, rows) in by_metric {
            let stored = stored(&mut transaction, team, metric, &rows).await?;
            let mut changed: BTreeMap<i64, Vec<BlockStat>> = BTreeMap::new();
            for (day, row) in rows {
                let mut was = None;
                match stored.get(&day) {
                    None => counts.inserted += 1,
                    Some(old) if is_protected(old, row) => {
                        counts.kept += 1;
                        continue;
                    }
                    Some(old) if is_equal(old, row) => {
                        counts.unchanged += 1;
                        continue;
                    }
                    Some(old) => {
                        counts.updated += 1;
                        if old.value != row.value || old.source_window != row.source_window {
                            counts.revisions += 1;
                            revisions.push((
                                row,
                                old.value,
                                old.source_window.clone(),
                                old.provenance.clone(),
                                old.run.clone(),
                            ));
                            // A month's total that gives way to the day's own count is no correction of the day.
                            was =
                                (old.value != row.value && old.source_window == row.source_window).then_some(old.value);
                        }
                    }
                }
                writes.push(row);
                changed.entry(i64::from(day.year())).or_default().push(BlockStat {
                    start: row.period_start,
                    end: day,
                    value: row.value,
                    source_window: row.source_window.clone(),
                    provenance: row.provenance.clone(),
                    was,
                });
            }
            for (year, changed) in changed {
                let mut block: BTreeMap<Date, BlockStat> = blocks::block(&mut transaction, team, metric, year)
                    .await?
                    .into_iter()
                    .map(|stat| (stat.end, stat))
                    .collect();
                for mut stat in changed {
                    stat.was = stat.was.or_else(|| {
                        block
                            .get(&stat.end)
                            .filter(|old| old.source_window == stat.source_window)
                            .and_then(|old| old.was)
                    });
                    block.insert(stat.end, stat);
                }
                let block: Vec<BlockStat> = block.into_values().collect();
                blocks::write_block(&mut transaction, team, metric, year, generation, &block).await?;
            }
        }
        for chunk in writes.chunks(INSERT_ROWS) {
            let sql = format!(
                "insert into packages_stat (team_id, metric_id, period_start, period_end, observed_at, value, provenance,
                     source_window, ingestion_run_id, source_ref, first_written_at)
                 values {} on conflict (team_id, metric_id, period_end) do update set period_start = excluded.period_start,
                     observed_at = excluded.observed_at, value = excluded.value, provenance = excluded.provenance,
                     source_window = excluded.source_window, ingestion_run_id = excluded.ingestion_run_id,
                     source_ref = excluded.source_ref",
                value_rows(chunk.len(), INSERT_COLUMNS, 1)
            );
            let mut query = sqlx::query(AssertSqlSafe(sql));
            for row in chunk {
                query = query
                    .bind(team)
                    .bind(row.metric_id.as_str())
                    .bind(row.period_start.to_string())
                    .bind(row.period_end.to_string())
                    .bind(micros(row.observed_at))
                    .bind(row.value)
                    .bind(row.provenance.as_str())
                    .bind(row.source_window.as_str())
                    .bind(row.ingestion_run_id.as_str())
                    .bind(row.source_ref.as_str())
                    .bind(now);
            }
            query.execute(&mut *transaction).await?;
        }
        if !revisions.is_empty() {
            let n = i64::try_from(revisions.len()).unwrap_or(i64::MAX);
            let mut id = Control::take_positions(&mut transaction, "packages_revision", n).await?;
            for chunk in revisions.chunks(REVISION_ROWS) {
                let sql = format!(
                    "insert into packages_revision (team_id, id, metric_id, period_end, old_value, new_value, old_window,
                         new_window, old_provenance, new_provenance, old_run_id, new_run_id, changed_at) values {}",
                    value_rows(chunk.len(), REVISION_COLUMNS, 1)
                );
                let mut query = sqlx::query(AssertSqlSafe(sql));
                for (row, old_value, old_window, old_provenance, old_run) in chunk {
                    query = query
                        .bind(team)
                        .bind(id)
                        .bind(row.metric_id.as_str())
                        .bind(row.period_end.to_string())
                        .bind(*old_value)
                        .bind(row.value)
                        .bind(old_window.as_str())
                        .bind(row.source_window.as_str())
                        .bind(old_provenance.as_str())
                        .bind(row.provenance.as_str())
                        .bind(old_run.as_str())
                        .bind(row.ingestion_run_id.as_str())
                        .bind(now);
                    id += 1;
                }
                query.execute(&mut *transaction).await?;
            }
        }
        if let Some((backfill, step, details)) = step {
            super::memory::mark_step(&mut transaction, team, (backfill, step, details), now).await?;
        }
        transaction.commit().await?;
        Ok(counts)
    }

    /// The newest stored day of every metric that has one.
    pub async fn newest_days(&self) -> Result<HashMap<String, Date>, ControlError> {
        let rows: Vec<(String, String)> = sqlx::query_as(
            "select metric_id, max(period_end) from packages_stat where team_id = $1 group by metric_id",
        )
        .bind(self.id())
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(|(metric, day)| Ok((metric, blocks::day(&day)?))).collect()
    }

    /// The newest stored day of one metric.
    pub async fn newest_day(&self, metric: &str) -> Result<Option<Date>, ControlError> {
        let row: (Option<String>,) =
            sqlx::query_as("select max(period_end) from packages_stat where team_id = $1 and metric_id = $2")
                .bind(self.id())
                .bind(metric)
                .fetch_one(self.pool())
                .await?;
        row.0.as_deref().map(blocks::day).transpose()
    }

    /// Rows of one metric with first ≤ `period_end` ≤ last, oldest first.
    pub async fn stats(&self, metric: &str, first: Date, last: Date) -> Result<Vec<StatRow>, ControlError> {
        let rows: Vec<StatColumns> = sqlx::query_as(
            "select metric_id, period_start, period_end, observed_at, value, provenance, source_window, ingestion_run_id,
                 source_ref
             from packages_stat where team_id = $1 and metric_id = $2 and period_end >= $3 and period_end <= $4
             order by period_end",
        )
        .bind(self.id())
        .bind(metric)
        .bind(first.to_string())
        .bind(last.to_string())
        .fetch_all(self.pool())
        .await?;
        rows.into_iter().map(stat).collect()
    }

    /// Ids of every metric that has rows, in byte order, whether it is defined or not.
    pub async fn metrics_with_stats(&self) -> Result<Vec<String>, ControlError> {
        let rows: Vec<(String,)> = sqlx::query_as("select distinct metric_id from packages_stat where team_id = $1")
            .bind(self.id())
            .fetch_all(self.pool())
            .await?;
        let mut ids: Vec<String> = rows.into_iter().map(|r| r.0).collect();
        ids.sort();
        Ok(ids)
    }

    /// What was known of a metric at an instant: rows written by then, with the values they had then.
    pub async fn stats_as_known(&self, metric: &str, at: Timestamp) -> Result<Vec<StatRow>, ControlError> {
        let written: Vec<(String,)> = sqlx::query_as(
            "select period_end from packages_stat where team_id = $1 and metric_id = $2 and first_written_at <= $3",
        )
        .bind(self.id())
        .bind(metric)
        .bind(micros(at))
        .fetch_all(self.pool())
        .await?;
        let written: std::collections::HashSet<String> = written.into_iter().map(|r| r.0).collect();
        let mut rows = self.stats(metric, Date::MIN, Date::MAX).await?;
        rows.retain(|row| written.contains(&row.period_end.to_string()));
        let mut later: HashMap<Date, Revision> = HashMap::new();
        for revision in self.revisions(Some(metric), i64::MAX).await? {
            // Newest first: what stays is the first change after the instant.
            if revision.changed_at > at {
                later.insert(revision.period_end, revision);
            }
        }
        for row in &mut rows {
            if let Some(revision) = later.remove(&row.period_end) {
                row.value = revision.old_value;
                row.source_window = revision.old_window;
                row.provenance = revision.old_provenance;
                row.ingestion_run_id = revision.old_run_id;
            }
        }
        Ok(rows)
    }

    /// The revision log, newest first.
    pub async fn revisions(&self, metric: Option<&str>, limit: i64) -> Result<Vec<Revision>, ControlError> {
        type Row = (i64, String, String, i64, i64, String, String, String, String, String, String, i64);
        let rows: Vec<Row> = sqlx::query_as(
            "select id, metric_id, period_end, old_value, new_value, old_window, new_window, old_provenance, new_provenance,
                 old_run_id, new_run_id, changed_at
             from packages_revision where team_id = $1 and ($2 = '' or metric_id = $2) order by id desc limit $3",
        )
        .bind(self.id())
        .bind(metric.unwrap_or(""))
        .bind(limit)
        .fetch_all(self.pool())
        .await?;
        rows.into_iter()
            .map(|r| {
                Ok(Revision {
                    id: r.0,
                    metric_id: r.1,
                    period_end: blocks::day(&r.2)?,
                    old_value: r.3,
                    new_value: r.4,
                    old_window: r.5,
                    new_window: r.6,
                    old_provenance: r.7,
                    new_provenance: r.8,
                    old_run_id: r.9,
                    new_run_id: r.10,
                    changed_at: from_micros(r.11)?,
                })
            })
            .collect()
    }

    /// Number of entries in the revision log.
    pub async fn revision_count(&self) -> Result<i64, ControlError> {
        let row: (i64,) = sqlx::query_as("select count(*) from packages_revision where team_id = $1")
            .bind(self.id())
            .fetch_one(self.pool())
            .await?;
        Ok(row.0)
    }
}

/// A seed is an estimate of old times: what an API counted for the same key is better.
fn is_protected(old: &Stored, new: &StatRow) -> bool {
    new.provenance == SEED
        && old.provenance != SEED
        && (old.source_window == "1d" || old.source_window == "cumulative_snapshot")
}

fn is_equal(old: &Stored, new: &StatRow) -> bool {
    old.value == new.value
        && old.provenance == new.provenance
        && old.source_window == new.source_window
        && old.period_start == new.period_start.to_string()
}

async fn stored(
    connection: &mut sqlx::AnyConnection,
    team: i64,
    metric: &str,
    rows: &BTreeMap<Date, &StatRow>,
) -> Result<HashMap<Date, Stored>, ControlError> {
    let (Some((first, _)), Some((last, _))) = (rows.first_key_value(), rows.last_key_value()) else {
        return Ok(HashMap::new());
    };
    type Row = (String, String, i64, String, String, String);
    let found: Vec<Row> = sqlx::query_as(
        "select period_end, period_start, value, provenance, source_window, ingestion_run_id
         from packages_stat where team_id = $1 and metric_id = $2 and period_end >= $3 and period_end <= $4",
    )
    .bind(team)
    .bind(metric)
    .bind(first.to_string())
    .bind(last.to_string())
    .fetch_all(&mut *connection)
    .await?;
    found
        .into_iter()
        .map(|(day, period_start, value, provenance, source_window, run)| {
            Ok((blocks::day(&day)?, Stored { value, period_start, provenance, source_window, run }))
        })
        .collect()
}

fn stat(row: StatColumns) -> Result<StatRow, ControlError> {
    Ok(StatRow {
        metric_id: row.0,
        period_start: blocks::day(&row.1)?,
        period_end: blocks::day(&row.2)?,
        observed_at: from_micros(row.3)?,
        value: row.4,
        provenance: row.5,
        source_window: row.6,
        ingestion_run_id: row.7,
        source_ref: row.8,
    })
}
