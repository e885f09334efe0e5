//! Writing a rollup: days replaced whole, their month and year sums with them, in one commit.
//!
//! Months are folded, compared with what is stored and staged one after the other, their shards on every core; only sums stay in
//! memory. Nothing is visible before [`Writing::commit`].

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Mutex, PoisonError},
};

use jiff::civil::Date;
use tallykeep_lake::{Change, Commit, DataFile, LakeError, Position, Staged, day_number, day_of};

use crate::{
    Cell, Level, RollupError, Rows, Store, Vocabulary,
    codec::{Ranked, encode},
};

/// Makes the rows of one shard and month. They may come in any order; in that of their texts and days they need not be sorted.
pub type Produce<'a> = Box<dyn FnOnce() -> Rows + Send + 'a>;

/// What is rolled up anew in some months.
pub struct Recompute<'a, C, L> {
    /// By month (`YYYY-MM`) and shard what makes the rows: all of every (scope, day) in there that `covers` says yes to. A shard with
    /// recomputed scopes is named even if nothing is on them any more. The largest comes first, so that the cores finish together.
    pub parts: Vec<(String, String, Produce<'a>)>,
    pub vocabulary: &'a mut Vocabulary,
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
    /// (scope, year) pairs of which any number differs from what was stored before.
    pub changed: BTreeSet<(u32, i16)>,
    /// The first day with rows among the recomputed days, by scope.
    pub earliest: BTreeMap<u32, i32>,
}

type Part = (Level, String, String);

/// A write under way. Dropped without a commit it leaves nothing behind.
pub struct Writing<'s> {
    store: &'s Store,
    old: BTreeMap<Part, Vec<DataFile>>,
    add: Vec<Staged>,
    remove: Vec<DataFile>,
    /// By year and shard the months that changed, as the number of their first day, with their sums.
    sums: BTreeMap<(String, String), Vec<(i32, Rows)>>,
    written: Written,
}

/// A shard's month, once compared and written.
struct Done {
    month: String,
    shard: String,
    rows: usize,
    touched: Vec<Touched>,
    /// Scopes of which any number differs.
    scopes: BTreeSet<u32>,
    earliest: BTreeMap<u32, i32>,
    /// Nothing when the month is as it was.
    changed: Option<(Option<Staged>, Rows)>,
}

impl Store {
    /// Starts a write from the newest version.
    pub async fn begin(&self) -> Result<Writing<'_>, RollupError> {
        self.table.ensure().await?;
        let mut old: BTreeMap<Part, Vec<DataFile>> = BTreeMap::new();
        for file in &self.table.view().await?.files {
            let level = match file.partition[0].as_str() {
                "month" => Level::Month,
                "year" => Level::Year,
                _ => Level::Day,
            };
            old.entry((level, file.partition[1].clone(), file.partition[2].clone())).or_default().push(file.clone());
        }
        Ok(Writing {
            store: self,
            old,
            add: Vec::new(),
            remove: Vec::new(),
            sums: BTreeMap::new(),
            written: Written::default(),
        })
    }

    /// Whether the commit that carries this number was made (see [`Writing::commit`]).
    pub async fn has(&self, number: i64) -> Result<bool, RollupError> {
        Ok(self.table.position(SOURCE).await?.is_some_and(|done| number <= done))
    }
}

/// Parts of sums held in memory at once.
const PARTS_AT_ONCE: usize = 4;

/// The source of the positions rollups commit under.
const SOURCE: &str = "rollup";

impl Writing<'_> {
    /// Replaces the recomputed days of some months, to be committed later. A month is given once. Days that did not change are not
    /// rewritten.
    pub async fn days<C, L>(&mut self, job: Recompute<'_, C, L>) -> Result<(), RollupError>
    where
        C: Fn(u32, i32) -> bool + Sync,
        L: Fn(u32, i32) -> bool + Sync,
    {
        let Recompute { parts, vocabulary, covers, watch } = job;
        let mut jobs = Vec::new();
        for (month, shard, produce) in parts {
            let old = self.old.get(&(Level::Day, month.clone(), shard.clone()));
            let old = self.store.read_part(old, vocabulary).await?;
            jobs.push((month, shard, produce, old));
        }
        let (store, order) = (self.store, Ranked::new(vocabulary));
        let done = on_every_core(jobs, |(month, shard, produce, old)| {
            replace_month(store, &order, (month, shard), produce, old, (&covers, &watch))
        })?;
        for done in done {
            self.written.rows += done.rows;
            self.written.touched.extend(done.touched);
            let year = day_of(month_start(&done.month)).year();
            self.written.changed.extend(done.scopes.into_iter().map(|scope| (scope, year)));
            for (scope, day) in done.earliest {
                self.written.earliest.entry(scope).and_modify(|d| *d = day.min(*d)).or_insert(day);
            }
            if let Some((staged, sums)) = done.changed {
                let first = month_start(&done.month);
                self.sums.entry((done.month[..4].to_owned(), done.shard.clone())).or_default().push((first, sums));
                self.replaced((Level::Day, done.month, done.shard), staged);
            }
        }
        Ok(())
    }

    /// Brings the sums above the changed months up to date, and answers what the write does. To be called once, after the last
    /// month.
    pub async fn finish(&mut self, vocabulary: &mut Vocabulary) -> Result<&Written, RollupError> {
        let mut years: BTreeMap<String, Vec<(i32, Rows)>> = BTreeMap::new();
        let mut months = std::mem::take(&mut self.sums).into_iter();
        // A few parts at a time: a year's sums of all shards together are many.
        while let Some(jobs) = self.with_old(Level::Month, &mut months, vocabulary).await? {
            let (store, order) = (self.store, Ranked::new(vocabulary));
            let done = on_every_core(jobs, |((year, shard), sums, old)| {
                let all = order.sorted(replace_sums(old, sums));
                let start = year_start(&year);
                let of_year = all.sum_runs(start);
                Ok((stage(store, &order, (Level::Month, &year, &shard), all)?, year, shard, (start, of_year)))
            })?;
            for (staged, year, shard, sum) in done {
                self.replaced((Level::Month, year, shard.clone()), staged);
                years.entry(shard).or_default().push(sum);
            }
        }
        let mut years = years.into_iter().map(|(shard, sums)| (("all".to_owned(), shard), sums));
        while let Some(jobs) = self.with_old(Level::Year, &mut years, vocabulary).await? {
            let (store, order) = (self.store, Ranked::new(vocabulary));
            let done = on_every_core(jobs, |((bucket, shard), sums, old)| {
                Ok((stage(store, &order, (Level::Year, &bucket, &shard), replace_sums(old, sums))?, bucket, shard))
            })?;
            for (staged, bucket, shard) in done {
                self.replaced((Level::Year, bucket, shard), staged);
            }
        }
        self.written.files = self.add.len();
        self.written.touched.sort_unstable_by_key(|t| (t.cell, t.day, t.measure));
        Ok(&self.written)
    }

    /// The next few parts to write with what is stored of them; `None` when there are no more.
    async fn with_old(
        &self,
        level: Level,
        parts: &mut impl Iterator<Item = ((String, String), Vec<(i32, Rows)>)>,
        vocabulary: &mut Vocabulary,
    ) -> Result<Option<Vec<((String, String), Vec<(i32, Rows)>, Rows)>>, RollupError> {
        let mut jobs = Vec::new();
        for ((bucket, shard), sums) in parts.by_ref().take(PARTS_AT_ONCE) {
            let old = self.old.get(&(level, bucket.clone(), shard.clone()));
            let old = self.store.read_part(old, vocabulary).await?;
            jobs.push(((bucket, shard), sums, old));
        }
        Ok((!jobs.is_empty()).then_some(jobs))
    }

    fn replaced(&mut self, part: Part, staged: Option<Staged>) {
        self.add.extend(staged);
        self.remove.extend(self.old.get(&part).into_iter().flatten().cloned());
    }

    /// Makes everything visible at once. `number` (greater than any before) is found again by [`Store::has`].
    ///
    /// Errors: a conflict (see [`RollupError::is_conflict`]) when somebody changed the same files meanwhile.
    pub async fn commit(mut self, number: Option<i64>) -> Result<Written, RollupError> {
        let (add, remove) = (std::mem::take(&mut self.add), std::mem::take(&mut self.remove));
        if !add.is_empty() || !remove.is_empty() {
            let position = number.map(|number| Position { source: SOURCE.to_owned(), number });
            match self.store.table.commit(Change { add, remove, position }).await? {
                Commit::Done { .. } => {}
                // A later number is there: somebody else wrote in the meantime.
                Commit::AlreadyThere => {
                    return Err(LakeError::Conflict { table: self.store.family.table.name.to_owned() }.into());
                }
            }
        }
        Ok(std::mem::take(&mut self.written))
    }
}

impl Drop for Writing<'_> {
    fn drop(&mut self) {
        self.store.table.discard(&self.add);
    }
}

/// Folds a shard's month, compares it with what is stored, and stages it when it differs.
fn replace_month(
    store: &Store,
    order: &Ranked<'_>,
    (month, shard): (String, String),
    produce: Produce<'_>,
    old: Rows,
    (covers, watch): (&(impl Fn(u32, i32) -> bool + Sync), &(impl Fn(u32, i32) -> bool + Sync)),
) -> Result<Done, RollupError> {
    let new = produce();
    let mut done = Done {
        month,
        shard,
        rows: new.len(),
        touched: Vec::new(),
        scopes: BTreeSet::new(),
        earliest: BTreeMap::new(),
        changed: None,
    };
    for (cell, day) in new.cells.iter().zip(&new.days).filter(|(cell, _)| cell.is_total()) {
        done.earliest.entry(cell.scope()).and_modify(|d| *d = (*day).min(*d)).or_insert(*day);
    }
    let all = if old.is_empty() {
        done.scopes = differences(&old, &new, watch, &mut done.touched);
        if new.is_empty() {
            return Ok(done);
        }
        new
    } else {
        let replaced = keep(&old, covers).sorted();
        let new = new.sorted();
        if replaced == new {
            return Ok(done);
        }
        done.scopes = differences(&replaced, &new, watch, &mut done.touched);
        let mut all = keep(&old, |scope, day| !covers(scope, day));
        drop((old, replaced));
        all.append(new);
        all
    };
    let all = order.sorted(all);
    let sums = all.sum_runs(month_start(&done.month));
    let staged = stage(store, order, (Level::Day, &done.month, &done.shard), all)?;
    done.changed = Some((staged, sums));
    Ok(done)
}

/// Old sums with the fresh ones of some days in place of theirs.
fn replace_sums(old: Rows, sums: Vec<(i32, Rows)>) -> Rows {
    let fresh: BTreeSet<i32> = sums.iter().map(|s| s.0).collect();
    let mut all = keep(&old, |_, day| !fresh.contains(&day));
    drop(old);
    sums.into_iter().for_each(|(_, rows)| all.append(rows));
    all
}

/// Writes a part; nothing for one without rows.
fn stage(
    store: &Store,
    order: &Ranked<'_>,
    (level, bucket, shard): (Level, &str, &str),
    rows: Rows,
) -> Result<Option<Staged>, RollupError> {
    if rows.is_empty() {
        return Ok(None);
    }
    let batch = encode(&store.table, rows, order)?;
    let partition = [level.as_str().to_owned(), bucket.to_owned(), shard.to_owned()];
    Ok(Some(store.table.stage(&partition, &[batch])?))
}

/// Works on jobs, each on one of as many threads as there are cores; answers in any order, or with the first error.
fn on_every_core<T: Send, R: Send>(
    jobs: Vec<T>,
    work: impl Fn(T) -> Result<R, RollupError> + Sync,
) -> Result<Vec<R>, RollupError> {
    let queue = Mutex::new(jobs.into_iter());
    let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
    let run = || {
        let mut done = Vec::new();
        // A worker that panicked while taking a job has not taken it.
        while let Some(job) = next() {
            done.push(work(job)?);
        }
        Ok(done)
    };
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    std::thread::scope(|scope| {
        let others: Vec<_> = (1..workers).map(|_| scope.spawn(run)).collect();
        let mut all = run();
        for other in others {
            let done: Result<Vec<R>, RollupError> =
                other.join().map_err(|_| RollupError::Worker("it panicked".to_owned()))?;
            match (&mut all, done) {
                (Ok(all), Ok(done)) => all.extend(done),
                (Ok(_), Err(error)) => all = Err(error),
                (Err(_), _) => {}
            }
        }
        all
    })
}

fn month_start(month: &str) -> i32 {
    day_number(format!("{month}-01").parse().unwrap_or(Date::ZERO))
}

fn year_start(year: &str) -> i32 {
    day_number(year.parse::<i16>().ok().and_then(|y| Date::new(y, 1, 1).ok()).unwrap_or(Date::ZERO))
}

/// The rows of some (scope, day) pairs.
fn keep(rows: &Rows, which: impl Fn(u32, i32) -> bool) -> Rows {
    let wanted = |&i: &u32| which(rows.cells[i as usize].scope(), rows.days[i as usize]);
    let indices: Vec<u32> = (0..u32::try_from(rows.len()).unwrap_or(u32::MAX)).filter(wanted).collect();
    rows.take(&indices)
}

/// Numbers that differ between two sorted sets of rows, as far as they are watched; the scopes in which any differs.
fn differences(old: &Rows, new: &Rows, watch: &impl Fn(u32, i32) -> bool, touched: &mut Vec<Touched>) -> BTreeSet<u32> {
    let (mut o, mut n) = (0, 0);
    let (mut changed, mut newest) = (BTreeSet::new(), None);
    let key = |rows: &Rows, i: usize| (i < rows.len()).then(|| (rows.cells[i], rows.days[i]));
    loop {
        let (before, after) = (key(old, o), key(new, n));
        let at = match (before, after) {
            (None, None) => return changed,
            (Some(b), Some(a)) => b.min(a),
            (Some(k), None) | (None, Some(k)) => k,
        };
        let (has_old, has_new) = (before == Some(at), after == Some(at));
        let (scope, watched) = (at.0.scope(), watch(at.0.scope(), at.1));
        // Rows of a scope lie beside each other: once it is known to have changed, only watched days are compared.
        let measures = if watched || newest != Some(scope) { new.measures.len() } else { 0 };
        for measure in 0..measures {
            let was = if has_old { old.measures[measure][o] } else { 0 };
            let is = if has_new { new.measures[measure][n] } else { 0 };
            if was == is {
                continue;
            }
            if newest != Some(scope) {
                newest = Some(scope);
                changed.insert(scope);
            }
            if watched {
                touched.push(Touched { day: at.1, cell: at.0, measure, old: was, new: is });
            }
        }
        o += usize::from(has_old);
        n += usize::from(has_new);
    }
}
