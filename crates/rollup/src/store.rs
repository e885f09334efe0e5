//! Rollup rows in the lake, and reading them.

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
                let first = rows.firsts[index];
                let sum = sums.entry(rows.cells[index]).or_insert_with(|| Sum::since(first, rows.measures.len()));
                sum.add(first, rows.row(index));
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

fn yesterday(day: Date) -> Date {
    day.yesterday().unwrap_or(Date::MIN)
}
