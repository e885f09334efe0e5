//! Data files that the newest version does not name: replaced ones, and those a crash left behind.

use std::{collections::HashSet, path::Path};

use crate::{LakeError, Table};

/// A data file on disk that the newest version does not name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Leftover {
    /// Relative to the table's folder.
    pub path: String,
    pub bytes: u64,
    /// Values of the partition columns, in the order of the definition; empty for a file that lies elsewhere.
    pub partition: Vec<String>,
}

impl Table {
    /// The leftovers of a table that only the caller writes: a file another writer has staged and not yet committed looks the same.
    pub async fn leftovers(&self) -> Result<Vec<Leftover>, LakeError> {
        let view = self.view().await?;
        let live: HashSet<&str> = view.files.iter().map(|file| file.path.as_str()).collect();
        let mut found = Vec::new();
        walk(&self.path, &self.path, &mut found)?;
        found.retain(|(path, _)| !live.contains(path.as_str()));
        found.sort();
        let partition = |path: &str| -> Vec<String> {
            let folders: Vec<&str> = path.split('/').collect();
            let values = self.def.partition.iter().zip(&folders).map_while(|(name, folder)| {
                folder.strip_prefix(name).and_then(|rest| rest.strip_prefix('=')).map(str::to_owned)
            });
            let values: Vec<String> = values.collect();
            if values.len() == self.def.partition.len() { values } else { Vec::new() }
        };
        Ok(found.into_iter().map(|(path, bytes)| Leftover { partition: partition(&path), path, bytes }).collect())
    }

    /// Deletes leftovers for good. What became part of a version meanwhile stays. Answers how many files and bytes went.
    pub async fn delete_leftovers(&self, leftovers: &[Leftover]) -> Result<(usize, u64), LakeError> {
        let _turn = self.take_turn().await?;
        let view = self.view().await?;
        let live: HashSet<&str> = view.files.iter().map(|file| file.path.as_str()).collect();
        let (mut files, mut bytes) = (0, 0);
        for leftover in leftovers.iter().filter(|l| !live.contains(l.path.as_str())) {
            let path = self.path.join(&leftover.path);
            match std::fs::remove_file(&path) {
                Ok(()) => {
                    files += 1;
                    bytes += leftover.bytes;
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(LakeError::io(path)(error)),
            }
        }
        Ok((files, bytes))
    }
}

fn walk(root: &Path, folder: &Path, found: &mut Vec<(String, u64)>) -> Result<(), LakeError> {
    let entries = match std::fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(LakeError::io(folder)(error)),
    };
    for entry in entries {
        let entry = entry.map_err(LakeError::io(folder))?;
        let path = entry.path();
        let kind = entry.file_type().map_err(LakeError::io(&path))?;
        let name = entry.file_name();
        if kind.is_dir() {
            // The log is not data.
            if name != "_delta_log" {
                walk(root, &path, found)?;
            }
        } else if path.extension().is_some_and(|extension| extension == "parquet")
            && let Some(relative) = path.strip_prefix(root).ok().and_then(Path::to_str)
        {
            found.push((relative.to_owned(), entry.metadata().map_err(LakeError::io(&path))?.len()));
        }
    }
    Ok(())
}
