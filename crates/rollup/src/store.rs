//! Rollup rows in the lake: days replaced whole, their month and year sums with them, in one commit.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;
use tallykeep_lake::{Change, DataFile, Filter, LakeError, Scan, Staged, Table, TeamLake, day_number, day_of};

use crate::{
    Cell, Family, Level, Rows, Sums, Vocabulary,
    codec::{CodecError, Ranked, decode, encode},
};

/// Why rollup rows could not be read or written.
#[derive(Debug, thiserror::Error)]
pub enum RollupError {
    #[error(transparent)]
    Lake(#[from] LakeError),
    #[error(transparent)]
    Codec(#[from] CodecError),
    #[error("a rollup worker stopped: {0}")]
    Worker(String),
}

/// One family of one team.
pub struct Store {
    family: &'static Family,
    table: Table,
}

/// What is rolled up anew: `rows` are all rows of every (scope, day) that `covers` says yes to.
pub struct Recompute<'a, C: Fn(u32, i32) -> bool + Sync, L: Fn(u32, i32) -> bool> {
    pub rows: Rows,
    pub vocabulary: &'a mut Vocabulary,
    /// The days that are recomputed, for at least one scope.
    pub days: BTreeSet<i32>,
    /// The scopes that are recomputed, by their numbers.
    pub scopes: Vec<u32>,
    pub covers: C,
    /// The (scope, day) pairs whose changes are wanted in [`Written::touched`].
    pub watch: L,
}

/// One number that was stored and is another now.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Touched {
    pub day: i32,
    pub cell: Cell,
    pub measure: usize,
    pub old: i64,
    pub new: i64,
}

/// What a write did.
#[derive(Debug, Default)]
pub struct Written {
    /// Rows of recomputed days, after.
    pub rows: usize,
    /// Numbers of watched days that differ from what was stored before; a row that was not there counts as 0.
    pub touched: Vec<Touched>,
    pub files: usize,
}

type Part = (Level, String, String);

impl Store {
    pub fn new(lake: &TeamLake, family: &'static Family) -> Self {
        Self { family, table: lake.table(family.table) }
    }

    pub fn family(&self) -> &'static Family {
        self.family
    }

    /// Version of the rollup; changes with every write.
    pub async fn version(&self) -> Result<Option<u64>, RollupError> {
        Ok(self.table.view().await?.version)
    }

    /// Daily rows of one scope over inclusive days, by cell, then day.
    pub async fn days(
        &self,
        scope: &str,
        first: Date,
        last: Date,
        vocabulary: &mut Vocabulary,
    ) -> Result<Rows, RollupError> {
        let (low, high) = (Level::Day.bucket(first), Level::Day.bucket(last));
        self.read_scope(Level::Day, scope, (first, last), move |bucket| *low <= *bucket && *bucket <= *high, vocabulary)
            .await
    }

    /// Sums per cell of one scope over everything before `day`.
    pub async fn before(&self, scope: &str, day: Date, vocabulary: &mut Vocabulary) -> Result<Sums, RollupError> {
        let mut sums = Sums::new();
        let year = day.first_of_year();
        let month = day.first_of_month();
        let epoch = Date::MIN;
        let parts = [
            (Level::Year, (epoch, yesterday(year))),
            (Level::Month, (year, yesterday(month))),
            (Level::Day, (month, yesterday(day))),
        ];
        for (level, (first, last)) in parts {
            if last < first {
                continue;
            }
            let (low, high) = (level.bucket(first), level.bucket(last));
            let inside = move |bucket: &str| level == Level::Year || (*low <= *bucket && *bucket <= *high);
            let rows = self.read_scope(level, scope, (first, last), inside, vocabulary).await?;
            for index in 0..rows.len() {
                let sum = sums.entry(rows.cells[index]).or_insert_with(|| vec![0; rows.measures.len()]);
                for (total, number) in sum.iter_mut().zip(rows.row(index)) {
                    *total += number;
                }
            }
        }
        Ok(sums)
    }

    async fn read_scope(
        &self,
        level: Level,
        scope: &str,
        (first, last): (Date, Date),
        inside: impl Fn(&str) -> bool,
        vocabulary: &mut Vocabulary,
    ) -> Result<Rows, RollupError> {
        let shard = self.family.shard(scope);
        let view = self.table.view().await?;
        let files: Vec<DataFile> = view
            .files
            .iter()
            .filter(|f| f.partition[0] == level.as_str() && f.partition[2] == shard && inside(&f.partition[1]))
            .cloned()
            .collect();
        let mut filters = vec![Filter::OneOf { column: "scope", values: vec![scope.to_owned()] }];
        // The earliest day has no number in the lake's calendar; nothing lies before it anyway.
        if first > Date::MIN {
            filters.push(Filter::Days { column: "day", first, last });
        } else {
            filters.push(Filter::Days { column: "day", first: jiff::civil::date(1, 1, 1), last });
        }
        let batches = self.table.scan_files(&files, &Scan { columns: Vec::new(), filters }).await?;
        let mut rows = Rows::new(self.family.measures.len());
        for batch in &batches {
            decode(batch, vocabulary, &mut rows);
        }
        Ok(rows.sorted())
    }

    /// Replaces the recomputed days and the sums above them in one commit. Days that did not change are not rewritten.
    pub async fn write<C, L>(&self, job: Recompute<'_, C, L>) -> Result<Written, RollupError>
    where
        C: Fn(u32, i32) -> bool + Sync,
        L: Fn(u32, i32) -> bool,
    {
        let Recompute { rows, vocabulary, days, scopes, covers, watch } = job;
        let mut written = Written { rows: rows.len(), ..Written::default() };
        let view = self.table.view().await?;
        let mut old_files: BTreeMap<Part, Vec<DataFile>> = BTreeMap::new();
        for file in &view.files {
            let level = match file.partition[0].as_str() {
                "month" => Level::Month,
                "year" => Level::Year,
                _ => Level::Day,
            };
            let part = (level, file.partition[1].clone(), file.partition[2].clone());
            old_files.entry(part).or_default().push(file.clone());
        }
        let shard_of: Vec<String> = vocabulary.scopes.iter().map(|s| self.family.shard(s)).collect();
        let shards: BTreeSet<String> = scopes.iter().map(|&s| shard_of[s as usize].clone()).collect();
        let months: BTreeSet<String> = days.iter().map(|&d| Level::Day.bucket(day_of(d))).collect();
        let mut fresh =
            split(rows, |cell, day| (Level::Day.bucket(day_of(day)), shard_of[cell.scope() as usize].clone()));

        let mut parts: Vec<(Part, Rows)> = Vec::new();
        let mut month_sums: BTreeMap<(String, String), Rows> = BTreeMap::new();
        for month in &months {
            for shard in &shards {
                let part = (Level::Day, month.clone(), shard.clone());
                let old = self.read_part(old_files.get(&part), vocabulary).await?;
                let new = fresh
                    .remove(&(month.clone(), shard.clone()))
                    .unwrap_or_else(|| Rows::new(self.family.measures.len()));
                let (kept, replaced) = divide(old, &covers);
                let new = new.sorted();
                differences(&replaced, &new, &watch, &mut written.touched);
                let changed = replaced != new;
                let mut all = kept;
                all.append(new);
                let all = all.sorted();
                let first = month_start(month);
                let sums = all.sum_sorted(first);
                month_sums
                    .entry((month[..4].to_owned(), shard.clone()))
                    .or_insert_with(|| Rows::new(self.family.measures.len()))
                    .append(sums);
                if changed {
                    parts.push((part, all));
                }
            }
        }
        let first_days: BTreeSet<i32> = months.iter().map(|m| month_start(m)).collect();
        let mut year_sums: BTreeMap<String, Rows> = BTreeMap::new();
        for ((year, shard), sums) in month_sums {
            let part = (Level::Month, year.clone(), shard.clone());
            let old = self.read_part(old_files.get(&part), vocabulary).await?;
            let (mut all, replaced) = divide(old, &|_, day| first_days.contains(&day));
            let sums = sums.sorted();
            let changed = replaced != sums;
            all.append(sums);
            let all = all.sorted();
            let start =
                day_number(year.parse::<i16>().ok().and_then(|y| Date::new(y, 1, 1).ok()).unwrap_or(Date::ZERO));
            year_sums
                .entry(shard)
                .or_insert_with(|| Rows::new(self.family.measures.len()))
                .append(all.sum_sorted(start));
            if changed {
                parts.push((part, all));
            }
        }
        let first_years: BTreeSet<i32> = first_days.iter().map(|&d| day_number(day_of(d).first_of_year())).collect();
        for (shard, sums) in year_sums {
            let part = (Level::Year, "all".to_owned(), shard);
            let old = self.read_part(old_files.get(&part), vocabulary).await?;
            let (mut all, replaced) = divide(old, &|_, day| first_years.contains(&day));
            let sums = sums.sorted();
            let changed = replaced != sums;
            all.append(sums);
            if changed {
                parts.push((part, all.sorted()));
            }
        }
        if parts.is_empty() {
            return Ok(written);
        }
        self.table.ensure().await?;
        let remove: Vec<DataFile> =
            parts.iter().filter_map(|(part, _)| old_files.get(part)).flatten().cloned().collect();
        let add = self.stage_all(parts, vocabulary)?;
        written.files = add.len();
        self.table.commit(Change { add, remove, position: None }).await?;
        Ok(written)
    }

    async fn read_part(&self, files: Option<&Vec<DataFile>>, vocabulary: &mut Vocabulary) -> Result<Rows, RollupError> {
        let mut rows = Rows::new(self.family.measures.len());
        if let Some(files) = files {
            for batch in self.table.scan_files(files, &Scan::default()).await? {
                decode(&batch, vocabulary, &mut rows);
            }
        }
        Ok(rows.sorted())
    }

    /// Encodes and writes the parts on every core.
    fn stage_all(&self, parts: Vec<(Part, Rows)>, vocabulary: &Vocabulary) -> Result<Vec<Staged>, RollupError> {
        let order = Ranked::new(vocabulary);
        let queue = std::sync::Mutex::new(parts.into_iter());
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let work = || {
            let mut staged = Vec::new();
            loop {
                // A worker that panicked while taking a part has not taken it.
                let next = queue.lock().unwrap_or_else(std::sync::PoisonError::into_inner).next();
                let Some(((level, bucket, shard), rows)) = next else { return Ok(staged) };
                if rows.is_empty() {
                    continue;
                }
                let batch = encode(&self.table, &rows, &order)?;
                drop(rows);
                staged.push(self.table.stage(&[level.as_str().to_owned(), bucket, shard], &[batch])?);
            }
        };
        std::thread::scope(|scope| {
            let handles: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
            let mut all = Vec::new();
            for handle in handles {
                let staged: Result<Vec<Staged>, RollupError> =
                    handle.join().map_err(|_| RollupError::Worker("it panicked while writing".to_owned()))?;
                all.extend(staged?);
            }
            Ok(all)
        })
    }
}

fn yesterday(day: Date) -> Date {
    day.yesterday().unwrap_or(Date::MIN)
}

fn month_start(month: &str) -> i32 {
    day_number(format!("{month}-01").parse().unwrap_or(Date::ZERO))
}

/// Rows by the part they belong to.
fn split(rows: Rows, part: impl Fn(Cell, i32) -> (String, String)) -> BTreeMap<(String, String), Rows> {
    let mut by_part: BTreeMap<(String, String), Vec<u32>> = BTreeMap::new();
    let mut names: std::collections::HashMap<(u32, i32), (String, String)> = std::collections::HashMap::new();
    for index in 0..rows.len() {
        let (cell, day) = (rows.cells[index], rows.days[index]);
        let name = names.entry((cell.scope(), day)).or_insert_with(|| part(cell, day));
        match by_part.get_mut(name) {
            Some(indices) => indices.push(u32::try_from(index).unwrap_or(u32::MAX)),
            None => {
                by_part.insert(name.clone(), vec![u32::try_from(index).unwrap_or(u32::MAX)]);
            }
        }
    }
    by_part.into_iter().map(|(name, indices)| (name, rows.take(&indices))).collect()
}

/// Old rows that stay, and old rows that are recomputed.
fn divide(old: Rows, covers: &impl Fn(u32, i32) -> bool) -> (Rows, Rows) {
    let (mut keep, mut replace) = (Vec::new(), Vec::new());
    for index in 0..old.len() {
        let covered = covers(old.cells[index].scope(), old.days[index]);
        if covered { &mut replace } else { &mut keep }.push(u32::try_from(index).unwrap_or(u32::MAX));
    }
    (old.take(&keep), old.take(&replace))
}

/// Numbers that differ between two sorted sets of rows.
fn differences(old: &Rows, new: &Rows, watch: &impl Fn(u32, i32) -> bool, touched: &mut Vec<Touched>) {
    let (mut o, mut n) = (0, 0);
    let key = |rows: &Rows, i: usize| (i < rows.len()).then(|| (rows.cells[i], rows.days[i]));
    loop {
        let (before, after) = (key(old, o), key(new, n));
        let at = match (before, after) {
            (None, None) => return,
            (Some(b), Some(a)) => b.min(a),
            (Some(k), None) | (None, Some(k)) => k,
        };
        let (has_old, has_new) = (before == Some(at), after == Some(at));
        let measures = if watch(at.0.scope(), at.1) { new.measures.len() } else { 0 };
        for measure in 0..measures {
            let was = if has_old { old.measures[measure][o] } else { 0 };
            let is = if has_new { new.measures[measure][n] } else { 0 };
            if was != is {
                touched.push(Touched { day: at.1, cell: at.0, measure, old: was, new: is });
            }
        }
        o += usize::from(has_old);
        n += usize::from(has_new);
    }
}
