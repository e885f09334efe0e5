//! Rollup rows in the lake, and reading them.

use std::collections::HashMap;

use jiff::civil::Date;
use tallykeep_lake::{DataFile, Filter, LakeError, Scan, Table, TeamLake};

use crate::{
    Family, Level, Rows, Sum, Sums, Vocabulary,
    codec::{CodecError, decode},
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

impl RollupError {
    /// Whether somebody else changed the same files first: read again, fold again.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Lake(LakeError::Conflict { .. }))
    }
}

/// One family of one team.
pub struct Store {
    pub(crate) family: &'static Family,
    pub(crate) table: Table,
}

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
        for (level, (first, last)) in whole_buckets(day) {
            let inside = inside(level, first, last);
            let rows = self.read_scope(level, scope, (first, last), inside, vocabulary).await?;
            for index in 0..rows.len() {
                let first = rows.firsts[index];
                let sum = sums.entry(rows.cells[index]).or_insert_with(|| Sum::since(first, rows.measures.len()));
                sum.add(first, rows.row(index));
            }
        }
        Ok(sums)
    }

    /// The total of every scope over everything before `day`, one number per measure.
    pub async fn totals_before(&self, day: Date) -> Result<HashMap<String, Vec<i64>>, RollupError> {
        let (mut vocabulary, mut sums) = (Vocabulary::default(), HashMap::new());
        let view = self.table.view().await?;
        for (level, (first, last)) in whole_buckets(day) {
            let inside = inside(level, first, last);
            let of_level = |f: &&DataFile| f.partition[0] == level.as_str() && inside(&f.partition[1]);
            let files: Vec<DataFile> = view.files.iter().filter(of_level).cloned().collect();
            let total = Filter::OneOf { column: "dimension", values: vec![String::new()] };
            let scan = Scan { columns: Vec::new(), filters: vec![total, days(first, last)] };
            let mut rows = Rows::new(self.family.measures.len());
            for batch in self.table.scan_files(&files, &scan).await? {
                decode(&batch, &mut vocabulary, &mut rows);
            }
            for index in 0..rows.len() {
                let sum: &mut Vec<i64> =
                    sums.entry(rows.cells[index].scope()).or_insert_with(|| vec![0; rows.measures.len()]);
                sum.iter_mut().zip(rows.row(index)).for_each(|(total, number)| *total += number);
            }
        }
        Ok(sums.into_iter().map(|(scope, sum)| (vocabulary.scopes.text(scope).to_owned(), sum)).collect())
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
        let of_scope = Filter::OneOf { column: "scope", values: vec![scope.to_owned()] };
        let filters = vec![of_scope, days(first, last)];
        let batches = self.table.scan_files_again(&files, &Scan { columns: Vec::new(), filters }).await?;
        let mut rows = Rows::new(self.family.measures.len());
        for batch in batches.iter() {
            decode(batch, vocabulary, &mut rows);
        }
        Ok(rows.sorted())
    }

    pub(crate) async fn read_part(
        &self,
        files: Option<&Vec<DataFile>>,
        vocabulary: &mut Vocabulary,
    ) -> Result<Rows, RollupError> {
        let mut rows = Rows::new(self.family.measures.len());
        if let Some(files) = files {
            for batch in self.table.scan_files(files, &Scan::default()).await? {
                decode(&batch, vocabulary, &mut rows);
            }
        }
        Ok(rows.sorted())
    }
}

/// The years, months and days that make up everything before `day`.
fn whole_buckets(day: Date) -> impl Iterator<Item = (Level, (Date, Date))> {
    let (year, month) = (day.first_of_year(), day.first_of_month());
    let parts = [
        (Level::Year, (Date::MIN, yesterday(year))),
        (Level::Month, (year, yesterday(month))),
        (Level::Day, (month, yesterday(day))),
    ];
    parts.into_iter().filter(|(_, (first, last))| first <= last)
}

/// Whether a part of a table may hold such days. Sums of years lie in one part.
fn inside(level: Level, first: Date, last: Date) -> impl Fn(&str) -> bool {
    let (low, high) = (level.bucket(first), level.bucket(last));
    move |bucket| level == Level::Year || (*low <= *bucket && *bucket <= *high)
}

/// The earliest day has no number in the lake's calendar; nothing lies before it anyway.
fn days(first: Date, last: Date) -> Filter {
    Filter::Days { column: "day", first: first.max(jiff::civil::date(1, 1, 1)), last }
}

fn yesterday(day: Date) -> Date {
    day.yesterday().unwrap_or(Date::MIN)
}
