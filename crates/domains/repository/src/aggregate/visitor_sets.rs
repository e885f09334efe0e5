//! Keeping the sets of daily visitors beside the usage rollup.

use std::{collections::BTreeMap, sync::Arc};

use tallykeep_lake::{
    Change, DataFile, Scan, Table,
    arrow::{
        array::{
            ArrayAccessor, ArrayRef, AsArray, BinaryArray, Date32Array, DictionaryArray, RecordBatch, StringArray,
        },
        datatypes::{Date32Type, Int32Type},
    },
};
use tallykeep_rollup::sets::set_of;

use super::usage_month::Month;
use crate::{RepositoryError, TeamRepository, tables::VISITOR_SETS};

/// Sets by (scope, day, is a download).
pub(super) type Sets = BTreeMap<(String, i32, bool), Vec<u8>>;

/// Adds the sets of one scope: of every day and kind of event the visitors, each once.
pub(super) fn sets_of(
    month: &Month,
    scope: &str,
    picked: &[u32],
    download: u8,
    sets: &mut Sets,
) -> Result<(), RepositoryError> {
    let fact = |number: &u32| &month.facts[*number as usize];
    let mut visitors: Vec<u32> = Vec::new();
    for run in picked.chunk_by(|a, b| (fact(a).day, fact(a).group) == (fact(b).day, fact(b).group)) {
        visitors.clear();
        visitors.extend(run.iter().map(|number| fact(number).entities[0]));
        visitors.sort_unstable();
        visitors.dedup();
        let set = set_of(visitors.iter().map(|visitor| month.visitors[*visitor as usize]))?;
        let first = fact(&run[0]);
        sets.insert((scope.to_owned(), first.day, first.group == download), set);
    }
    Ok(())
}

impl TeamRepository {
    /// Replaces some months' sets of the recomputed (scope, day) pairs in one commit; nothing is written when nothing changed.
    pub(super) async fn write_visitor_sets(
        &self,
        months: Vec<(String, Sets)>,
        covers: impl Fn(&str, i32) -> bool,
    ) -> Result<(), RepositoryError> {
        let table = self.lake.table(&VISITOR_SETS);
        table.ensure().await?;
        let view = table.view().await?;
        let mut change = Change::default();
        for (month, fresh) in months {
            let files: Vec<_> = view.files.iter().filter(|f| f.partition[0] == month).cloned().collect();
            let (mut all, replaced) = read_sets(&table, &files, &covers).await?;
            if replaced == fresh {
                continue;
            }
            all.extend(fresh);
            change.remove.extend(files);
            if !all.is_empty() {
                change.add.push(table.stage(&[month], &[batch(&all)?])?);
            }
        }
        if !change.add.is_empty() || !change.remove.is_empty() {
            table.commit(change).await?;
        }
        Ok(())
    }
}

/// The stored sets of some files: those that stay, and those that are recomputed.
async fn read_sets(
    table: &Table,
    files: &[DataFile],
    covers: &impl Fn(&str, i32) -> bool,
) -> Result<(Sets, Sets), RepositoryError> {
    let (mut kept, mut replaced) = (Sets::new(), Sets::new());
    for batch in table.scan_files(files, &Scan::default()).await? {
        let days = batch.column(0).as_primitive::<Date32Type>();
        let (scopes, kinds) =
            (batch.column(1).as_dictionary::<Int32Type>(), batch.column(2).as_dictionary::<Int32Type>());
        let (Some(scopes), Some(kinds)) = (scopes.downcast_dict::<StringArray>(), kinds.downcast_dict::<StringArray>())
        else {
            return Err(RepositoryError::Damaged("visitor sets".to_owned()));
        };
        let sets = batch.column(3).as_binary::<i32>();
        for row in 0..batch.num_rows() {
            let key = (scopes.value(row).to_owned(), days.value(row), kinds.value(row) == "download");
            let to = if covers(&key.0, key.1) { &mut replaced } else { &mut kept };
            to.insert(key, sets.value(row).to_vec());
        }
    }
    Ok((kept, replaced))
}

fn batch(sets: &Sets) -> Result<RecordBatch, RepositoryError> {
    let keys: Vec<&(String, i32, bool)> = sets.keys().collect();
    let kind = |download: bool| if download { "download" } else { "view" };
    let columns: Vec<ArrayRef> = vec![
        Arc::new(Date32Array::from_iter_values(keys.iter().map(|k| k.1))),
        Arc::new(keys.iter().map(|k| Some(k.0.as_str())).collect::<DictionaryArray<Int32Type>>()),
        Arc::new(keys.iter().map(|k| Some(kind(k.2))).collect::<DictionaryArray<Int32Type>>()),
        Arc::new(BinaryArray::from_iter_values(sets.values())),
    ];
    RecordBatch::try_new(VISITOR_SETS.schema(), columns).map_err(|e| RepositoryError::Worker(e.to_string()))
}
