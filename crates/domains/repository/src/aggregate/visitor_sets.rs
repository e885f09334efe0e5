//! Keeping the sets of daily visitors beside the usage rollup.

use std::{collections::BTreeMap, sync::Arc};

use tallykeep_lake::{
    Change, Scan,
    arrow::{
        array::{
            ArrayAccessor, ArrayRef, AsArray, BinaryArray, Date32Array, DictionaryArray, RecordBatch, StringArray,
        },
        datatypes::{Date32Type, Int32Type},
    },
};
use tallykeep_rollup::sets::set_of;

use crate::{RepositoryError, TeamRepository, tables::VISITOR_SETS};

/// Sets by (scope, day, is a download).
pub(super) type Sets = BTreeMap<(String, i32, bool), Vec<u8>>;

/// The bytes of every group's set.
pub(super) fn encode(groups: BTreeMap<(String, i32, bool), Vec<u64>>) -> Result<Sets, RepositoryError> {
    groups.into_iter().map(|(key, hashes)| Ok((key, set_of(hashes)?))).collect()
}

impl TeamRepository {
    /// Replaces a month's sets of the recomputed (scope, day) pairs; nothing is written when nothing changed.
    pub(super) async fn write_visitor_sets(
        &self,
        month: &str,
        fresh: Sets,
        covers: impl Fn(&str, i32) -> bool,
    ) -> Result<(), RepositoryError> {
        let table = self.lake.table(&VISITOR_SETS);
        let view = table.view().await?;
        let files: Vec<_> = view.files.iter().filter(|f| f.partition[0] == month).cloned().collect();
        let (mut all, mut replaced) = (Sets::new(), Sets::new());
        for batch in table.scan_files(&files, &Scan::default()).await? {
            let days = batch.column(0).as_primitive::<Date32Type>();
            let (scopes, kinds) =
                (batch.column(1).as_dictionary::<Int32Type>(), batch.column(2).as_dictionary::<Int32Type>());
            let (Some(scopes), Some(kinds)) =
                (scopes.downcast_dict::<StringArray>(), kinds.downcast_dict::<StringArray>())
            else {
                return Err(RepositoryError::Damaged("visitor sets".to_owned()));
            };
            let sets = batch.column(3).as_binary::<i32>();
            for row in 0..batch.num_rows() {
                let key = (scopes.value(row).to_owned(), days.value(row), kinds.value(row) == "download");
                let to = if covers(&key.0, key.1) { &mut replaced } else { &mut all };
                to.insert(key, sets.value(row).to_vec());
            }
        }
        if replaced == fresh {
            return Ok(());
        }
        all.extend(fresh);
        let keys: Vec<&(String, i32, bool)> = all.keys().collect();
        let columns: Vec<ArrayRef> = vec![
            Arc::new(Date32Array::from_iter_values(keys.iter().map(|k| k.1))),
            Arc::new(keys.iter().map(|k| Some(k.0.as_str())).collect::<DictionaryArray<Int32Type>>()),
            Arc::new(
                keys.iter()
                    .map(|k| Some(if k.2 { "download" } else { "view" }))
                    .collect::<DictionaryArray<Int32Type>>(),
            ),
            Arc::new(BinaryArray::from_iter_values(all.values())),
        ];
        let batch =
            RecordBatch::try_new(VISITOR_SETS.schema(), columns).map_err(|e| RepositoryError::Worker(e.to_string()))?;
        table.ensure().await?;
        let add = if batch.num_rows() > 0 { vec![table.stage(&[month.to_owned()], &[batch])?] } else { Vec::new() };
        table.commit(Change { add, remove: files, position: None }).await?;
        Ok(())
    }
}
