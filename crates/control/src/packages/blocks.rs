//! The packed form of observations: one blob per metric and year.

use jiff::civil::Date;

use super::PackagesStore;
use crate::{ControlError, day_from_text};

/// One observation as readers need it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BlockStat {
    pub start: Date,
    pub end: Date,
    pub value: i64,
    pub source_window: String,
    pub provenance: String,
    /// The value before the last correction, when there was one.
    pub was: Option<i64>,
}

/// What changed since a generation.
#[derive(Debug, Default)]
pub struct Blocks {
    pub generation: i64,
    /// Goes up when everything was dropped: what a reader holds from before is void.
    pub epoch: i64,
    /// Metric, year, and all its observations of that year, oldest first.
    pub changed: Vec<(String, i64, Vec<BlockStat>)>,
}

impl PackagesStore {
    /// The generation and epoch of the team's observations; a cheap question.
    pub async fn generation(&self) -> Result<(i64, i64), ControlError> {
        let row: Option<(i64, i64)> = sqlx::query_as("select generation, epoch from packages_team where team_id = $1")
            .bind(self.id())
            .fetch_optional(self.pool())
            .await?;
        Ok(row.unwrap_or((0, 0)))
    }

    /// Blocks newer than `generation`. Of another epoch than `epoch`: all of them.
    pub async fn blocks_since(&self, generation: i64, epoch: i64) -> Result<Blocks, ControlError> {
        let (now, now_epoch) = self.generation().await?;
        let mut blocks = Blocks { generation: now, epoch: now_epoch, changed: Vec::new() };
        let since = if epoch == now_epoch { generation } else { -1 };
        if since == now {
            return Ok(blocks);
        }
        // A write between the two statements only adds newer blocks, which the next call brings again.
        let rows: Vec<(String, i64, Vec<u8>)> =
            sqlx::query_as("select metric_id, year, packed from packages_block where team_id = $1 and generation > $2")
                .bind(self.id())
                .bind(since)
                .fetch_all(self.pool())
                .await?;
        for (metric, year, packed) in rows {
            let stats = unpack(&packed)?;
            blocks.changed.push((metric, year, stats));
        }
        Ok(blocks)
    }
}

const FORMAT: u8 = 1;

/// Format 1: version, texts (count, then length and bytes each), then per observation: end day and start day (days since
/// 1970, i32), value (i64), window and provenance (u8, places in the texts), 0 or 1 and the old value (i64).
pub(super) fn pack(stats: &[BlockStat]) -> Vec<u8> {
    let mut texts: Vec<&str> = Vec::new();
    let mut rows = Vec::with_capacity(stats.len() * 20);
    for stat in stats {
        rows.extend_from_slice(&day_number(stat.end).to_le_bytes());
        rows.extend_from_slice(&day_number(stat.start).to_le_bytes());
        rows.extend_from_slice(&stat.value.to_le_bytes());
        for text in [&stat.source_window, &stat.provenance] {
            let place = texts.iter().position(|t| t == text).unwrap_or_else(|| {
                texts.push(text);
                texts.len() - 1
            });
            // Two texts per day of a year: more than 65,535 different ones cannot be.
            rows.extend_from_slice(&u16::try_from(place).unwrap_or(u16::MAX).to_le_bytes());
        }
        match stat.was {
            None => rows.push(0),
            Some(was) => {
                rows.push(1);
                rows.extend_from_slice(&was.to_le_bytes());
            }
        }
    }
    let mut packed = vec![FORMAT];
    packed.extend_from_slice(&u32::try_from(texts.len()).unwrap_or(0).to_le_bytes());
    for text in texts {
        packed.extend_from_slice(&u32::try_from(text.len()).unwrap_or(0).to_le_bytes());
        packed.extend_from_slice(text.as_bytes());
    }
    packed.extend_from_slice(&rows);
    packed
}

pub(super) fn unpack(packed: &[u8]) -> Result<Vec<BlockStat>, ControlError> {
    read(packed).ok_or_else(|| ControlError::Damaged("block of observations".to_owned()))
}

fn read(packed: &[u8]) -> Option<Vec<BlockStat>> {
    let mut rest = packed;
    let mut take = |n: usize| {
        let (head, tail) = rest.split_at_checked(n)?;
        rest = tail;
        Some(head)
    };
    if take(1)? != [FORMAT] {
        return None;
    }
    let count = u32::from_le_bytes(take(4)?.try_into().ok()?);
    let mut texts = Vec::new();
    for _ in 0..count {
        let length = u32::from_le_bytes(take(4)?.try_into().ok()?);
        texts.push(std::str::from_utf8(take(length as usize)?).ok()?.to_owned());
    }
    let mut stats = Vec::new();
    while let Some(end) = take(4) {
        let end = day_of(i32::from_le_bytes(end.try_into().ok()?))?;
        let start = day_of(i32::from_le_bytes(take(4)?.try_into().ok()?))?;
        let value = i64::from_le_bytes(take(8)?.try_into().ok()?);
        let window = u16::from_le_bytes(take(2)?.try_into().ok()?);
        let provenance = u16::from_le_bytes(take(2)?.try_into().ok()?);
        let was = match take(1)? {
            [0] => None,
            _ => Some(i64::from_le_bytes(take(8)?.try_into().ok()?)),
        };
        stats.push(BlockStat {
            start,
            end,
            value,
            source_window: texts.get(usize::from(window))?.clone(),
            provenance: texts.get(usize::from(provenance))?.clone(),
            was,
        });
    }
    Some(stats)
}

const EPOCH: Date = Date::constant(1970, 1, 1);

fn day_number(day: Date) -> i32 {
    (day - EPOCH).get_days()
}

fn day_of(number: i32) -> Option<Date> {
    EPOCH.checked_add(jiff::Span::new().try_days(number).ok()?).ok()
}

/// Blocks of some metrics and years inside a transaction, to be changed and written back.
pub(super) async fn block(
    connection: &mut sqlx::AnyConnection,
    team: i64,
    metric: &str,
    year: i64,
) -> Result<Vec<BlockStat>, ControlError> {
    let row: Option<(Vec<u8>,)> =
        sqlx::query_as("select packed from packages_block where team_id = $1 and metric_id = $2 and year = $3")
            .bind(team)
            .bind(metric)
            .bind(year)
            .fetch_optional(&mut *connection)
            .await?;
    row.map_or_else(|| Ok(Vec::new()), |(packed,)| unpack(&packed))
}

pub(super) async fn write_block(
    connection: &mut sqlx::AnyConnection,
    team: i64,
    metric: &str,
    year: i64,
    generation: i64,
    stats: &[BlockStat],
) -> Result<(), ControlError> {
    sqlx::query(
        "insert into packages_block (team_id, metric_id, year, generation, packed) values ($1, $2, $3, $4, $5)
         on conflict (team_id, metric_id, year) do update set generation = excluded.generation, packed = excluded.packed",
    )
    .bind(team)
    .bind(metric)
    .bind(year)
    .bind(generation)
    .bind(pack(stats))
    .execute(&mut *connection)
    .await?;
    Ok(())
}

/// Reads a stored day; used by the row side too.
pub(super) fn day(text: &str) -> Result<Date, ControlError> {
    day_from_text(text)
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn what_is_packed_comes_out() {
        let stat = |end, value, was: Option<i64>| BlockStat {
            start: date(2026, 2, 27),
            end,
            value,
            source_window: "1d".to_owned(),
            provenance: if was.is_some() { "recomputed" } else { "api_daily" }.to_owned(),
            was,
        };
        let stats = vec![stat(date(2026, 2, 28), i64::MAX, None), stat(date(2026, 3, 1), -1, Some(7))];
        assert_eq!(unpack(&pack(&stats)).expect("whole"), stats);
        assert_eq!(unpack(&pack(&[])).expect("empty"), vec![]);
        let packed = pack(&stats);
        for cut in 1..20 {
            assert!(unpack(&packed[..packed.len() - cut]).is_err(), "cut by {cut}");
        }
    }
}
