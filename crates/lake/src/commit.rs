//! Commits: new files in, old files out, all or nothing, at most once per position.

use std::{collections::HashMap, fs::File, path::Path};

use deltalake::{
    DeltaTable, DeltaTableBuilder,
    kernel::{
        Action, Transaction,
        transaction::{CommitBuilder, CommitProperties},
    },
    protocol::{DeltaOperation, SaveMode},
};
use url::Url;

use crate::{DataFile, LakeError, Staged, Table, files::sync_folder};

/// Where a write came from and how far it got there, recorded in the commit: the same position is never written twice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Position {
    /// Who writes, e.g. `inbox` or `import:<content hash>`.
    pub source: String,
    /// How far; a write at or below the recorded position of its source is already there.
    pub number: i64,
}

/// What a commit does.
#[derive(Debug, Default)]
pub struct Change {
    pub add: Vec<Staged>,
    pub remove: Vec<DataFile>,
    pub position: Option<Position>,
}

/// How a commit ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Commit {
    /// Stored, durable, and the newest version.
    Done { version: u64 },
    /// The position was written before; nothing was changed.
    AlreadyThere,
}

impl Table {
    /// Creates the table when absent.
    pub async fn ensure(&self) -> Result<(), LakeError> {
        if self.path.join("_delta_log").join(format!("{:020}.json", 0)).exists() {
            return Ok(());
        }
        let _turn = self.take_turn().await?;
        self.create().await
    }

    /// The caller has the turn.
    async fn create(&self) -> Result<(), LakeError> {
        if self.path.join("_delta_log").join(format!("{:020}.json", 0)).exists() {
            return Ok(());
        }
        let configuration = [
            ("delta.checkpointInterval", "100"),
            ("delta.enableDeletionVectors", "false"),
            ("delta.logRetentionDuration", "interval 3650 days"),
            ("delta.deletedFileRetentionDuration", "interval 7 days"),
        ];
        let properties: HashMap<String, Option<String>> =
            configuration.into_iter().map(|(k, v)| (k.to_owned(), Some(v.to_owned()))).collect();
        DeltaTableBuilder::from_url(self.url()?)
            .and_then(DeltaTableBuilder::build)
            .map_err(|e| self.delta(e))?
            .create()
            .with_table_name(self.def.name)
            .with_columns(self.def.delta_fields())
            .with_partition_columns(self.def.partition.iter().copied())
            .with_configuration(properties)
            .with_raise_if_key_not_exists(false)
            .await
            .map_err(|e| self.delta(e))?;
        self.sync_log(0)?;
        if let Some(parent) = self.path.parent() {
            sync_folder(parent)?;
        }
        Ok(())
    }

    pub(crate) fn url(&self) -> Result<Url, LakeError> {
        std::fs::create_dir_all(&self.path).map_err(LakeError::io(&self.path))?;
        Url::from_directory_path(&self.path)
            .map_err(|()| LakeError::Damaged { table: self.def.name.to_owned(), what: "folder name".to_owned() })
    }

    /// A handle at the newest version. Fresh every time: handles slow down with every commit (engine-notes, bend 7).
    pub(crate) async fn open(&self) -> Result<DeltaTable, LakeError> {
        let builder = DeltaTableBuilder::from_url(self.url()?).map_err(|e| self.delta(e))?;
        builder.load().await.map_err(|e| self.delta(e))
    }

    /// Writers of one table take turns: a commit reads, decides and writes, and two at once could both decide the same.
    pub(crate) async fn take_turn(&self) -> Result<File, LakeError> {
        std::fs::create_dir_all(&self.path).map_err(LakeError::io(&self.path))?;
        let path = self.path.join(".lock");
        tokio::task::spawn_blocking(move || {
            let file = File::create(&path).map_err(LakeError::io(&path))?;
            file.lock().map_err(LakeError::io(&path))?;
            Ok(file)
        })
        .await
        .map_err(|e| LakeError::Damaged { table: self.def.name.to_owned(), what: format!("lock: {e}") })?
    }

    /// The recorded position of a source, if it ever wrote here.
    pub async fn position(&self, source: &str) -> Result<Option<i64>, LakeError> {
        self.ensure().await?;
        let table = self.open().await?;
        self.position_in(&table, source).await
    }

    async fn position_in(&self, table: &DeltaTable, source: &str) -> Result<Option<i64>, LakeError> {
        let snapshot = table.snapshot().map_err(|e| self.delta(e))?;
        snapshot.transaction_version(table.log_store().as_ref(), source).await.map_err(|e| self.delta(e))
    }

    /// Adds and removes files in one commit. Durable when it answers.
    ///
    /// Errors: `Conflict` when a file to remove is gone already: read again, decide again.
    pub async fn commit(&self, change: Change) -> Result<Commit, LakeError> {
        let _turn = self.take_turn().await?;
        self.create().await?;
        let table = self.open().await?;
        if let Some(position) = &change.position {
            let done = self.position_in(&table, &position.source).await?.unwrap_or(-1);
            if position.number <= done {
                self.discard(&change.add);
                return Ok(Commit::AlreadyThere);
            }
        }
        let snapshot = table.snapshot().map_err(|e| self.delta(e))?;
        let removes = self.removals(&table, &change.remove)?;
        if removes.len() != change.remove.len() {
            self.discard(&change.add);
            return Err(LakeError::Conflict { table: self.def.name.to_owned() });
        }
        let replaces = !removes.is_empty();
        let actions = removes.into_iter().chain(change.add.into_iter().map(Staged::action)).collect();
        let mut properties = CommitProperties::default();
        if let Some(position) = change.position {
            properties = properties.with_application_transaction(Transaction::new(position.source, position.number));
        }
        let operation = DeltaOperation::Write {
            mode: if replaces { SaveMode::Overwrite } else { SaveMode::Append },
            partition_by: Some(self.def.partition.iter().map(|&name| name.to_owned()).collect()),
            predicate: None,
        };
        let done = CommitBuilder::from(properties)
            .with_actions(actions)
            .build(Some(snapshot), table.log_store(), operation)
            .await
            .map_err(|e| self.delta(e))?;
        let version = done.version();
        self.sync_log(version)?;
        Ok(Commit::Done { version })
    }

    fn removals(&self, table: &DeltaTable, remove: &[DataFile]) -> Result<Vec<Action>, LakeError> {
        if remove.is_empty() {
            return Ok(Vec::new());
        }
        let wanted: std::collections::HashSet<&str> = remove.iter().map(|f| f.path.as_str()).collect();
        let snapshot = table.snapshot().map_err(|e| self.delta(e))?;
        Ok(snapshot
            .log_data()
            .iter()
            .filter(|file| wanted.contains(file.path().as_ref()))
            .map(|file| Action::Remove(file.remove_action(true)))
            .collect())
    }

    /// Removes staged files that no commit will name.
    pub fn discard(&self, staged: &[Staged]) {
        for file in staged {
            // A file that stays behind is an orphan; vacuum finds it.
            let _ = std::fs::remove_file(self.path.join(file.path()));
        }
    }

    /// deltalake does not sync: commit file and log folder are made durable here, before anybody is told.
    pub(crate) fn sync_log(&self, version: u64) -> Result<(), LakeError> {
        let log = self.path.join("_delta_log");
        let file = log.join(format!("{version:020}.json"));
        sync_file(&file)?;
        let checkpoint = log.join("_last_checkpoint");
        if checkpoint.exists() {
            sync_file(&checkpoint)?;
        }
        sync_folder(&log)
    }
}

fn sync_file(path: &Path) -> Result<(), LakeError> {
    File::open(path).and_then(|f| f.sync_all()).map_err(LakeError::io(path))
}
