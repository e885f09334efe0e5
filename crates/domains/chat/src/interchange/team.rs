//! A team that an import writes to: what it has, and what was added.

use hashbrown::{HashMap, HashSet};
use tallykeep_control::{LeaseGuard, TeamControl};
use tallykeep_lake::TeamLake;

use super::ImportError;
use crate::{
    rows::*,
    store::{Stored, append, existing_ids, latest_fingerprints},
};

/// How a row compares with what is there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Novelty {
    New,
    Changed,
    Unchanged,
}

/// Rows of one kind: what is there, and what waits to be written.
pub(super) struct Kept<T> {
    there: HashMap<i64, u64>,
    waiting: Vec<T>,
}

pub(super) struct ImportTeam {
    pub control: TeamControl,
    pub lake: TeamLake,
    pub experiments: Kept<ExperimentRow>,
    pub channels: Kept<ChannelRow>,
    pub participants: Kept<ParticipantRow>,
    pub sessions: Kept<SessionRow>,
    pub tags: Kept<TagRow>,
    pub links: HashMap<(i64, crate::words::TargetKind, i64), bool>,
    pub traces: Option<HashMap<i64, u64>>,
    pub usage: HashSet<i64>,
    pub wrote: bool,
    lease: LeaseGuard,
}

impl<T: Stored> Kept<T> {
    async fn load(lake: &TeamLake) -> Result<Self, ImportError> {
        Ok(Self { there: latest_fingerprints::<T>(lake, i64::MIN, i64::MAX).await?, waiting: Vec::new() })
    }

    pub fn has(&self, id: i64) -> bool {
        self.there.contains_key(&id)
    }

    /// Takes a row in; it waits to be written unless it is there already.
    pub fn put(&mut self, row: T) -> Novelty {
        let fingerprint = row.fingerprint();
        match self.there.insert(row.id(), fingerprint) {
            Some(known) if known == fingerprint => Novelty::Unchanged,
            known => {
                self.waiting.push(row);
                if known.is_some() { Novelty::Changed } else { Novelty::New }
            }
        }
    }

    /// Takes a row out; `Unchanged` when it is not there.
    pub fn remove(&mut self, id: i64) -> Novelty {
        if self.there.remove(&id).is_some() { Novelty::Changed } else { Novelty::Unchanged }
    }

    /// The waiting rows, the last version of each id.
    pub fn take(&mut self) -> Vec<T> {
        last_of_each(std::mem::take(&mut self.waiting))
    }
}

/// One write holds one version per id: the last one that came.
pub(super) fn last_of_each<T: Stored>(mut rows: Vec<T>) -> Vec<T> {
    if rows.is_sorted_by(|a, b| a.id() < b.id()) {
        return rows;
    }
    let last: HashMap<i64, usize> = rows.iter().enumerate().map(|(index, row)| (row.id(), index)).collect();
    if last.len() == rows.len() {
        return rows;
    }
    let mut index = 0;
    rows.retain(|row| {
        index += 1;
        last.get(&row.id()) == Some(&(index - 1))
    });
    rows
}

impl ImportTeam {
    /// Takes the team's import lease and reads what is there. Errors: `Busy` while another import writes to the team.
    pub async fn open(control: TeamControl, lake: TeamLake) -> Result<Self, ImportError> {
        let name = format!("chat-import:{}", control.team().slug);
        let lease = control.control().lease_or_busy(&name, "import chat").await?;
        let links: Vec<TagLinkRow> = crate::store::current_links(&lake).await?;
        Ok(Self {
            experiments: Kept::load(&lake).await?,
            channels: Kept::load(&lake).await?,
            participants: Kept::load(&lake).await?,
            sessions: Kept::load(&lake).await?,
            tags: Kept::load(&lake).await?,
            links: links.into_iter().map(|link| ((link.tag, link.kind, link.target), link.own)).collect(),
            traces: None,
            usage: existing_ids::<UsageRow>(&lake, i64::MIN, i64::MAX).await?,
            wrote: false,
            control,
            lake,
            lease,
        })
    }

    /// Writes rows, or their going, under the team's next number.
    pub async fn write<T: Stored>(&mut self, rows: Vec<T>, gone: bool) -> Result<(), ImportError> {
        if rows.is_empty() {
            return Ok(());
        }
        let number = self.control.chat_take_number().await?;
        append(&self.lake, rows, gone, number).await?;
        self.wrote = true;
        Ok(())
    }

    pub async fn write_parents(&mut self) -> Result<(), ImportError> {
        let rows = self.experiments.take();
        self.write(rows, false).await?;
        let rows = self.channels.take();
        self.write(rows, false).await?;
        let rows = self.participants.take();
        self.write(rows, false).await?;
        let rows = self.tags.take();
        self.write(rows, false).await
    }

    /// Traces by id, read when first asked for.
    pub async fn traces(&mut self) -> Result<&mut HashMap<i64, u64>, ImportError> {
        if self.traces.is_none() {
            self.traces = Some(latest_fingerprints::<TraceRow>(&self.lake, i64::MIN, i64::MAX).await?);
        }
        Ok(self.traces.get_or_insert_default())
    }

    /// Sorts rows by what is there, and writes those that are new or changed.
    pub async fn put_messages(&mut self, rows: Vec<MessageRow>) -> Result<[u64; 3], ImportError> {
        let (Some(least), Some(greatest)) = (rows.iter().map(|r| r.id).min(), rows.iter().map(|r| r.id).max()) else {
            return Ok([0; 3]);
        };
        let mut there = latest_fingerprints::<MessageRow>(&self.lake, least, greatest).await?;
        let mut counts = [0; 3];
        let mut wanted = Vec::with_capacity(rows.len());
        let may_repeat = !rows.is_sorted_by(|a, b| a.id < b.id);
        for row in rows {
            let fingerprint = row.fingerprint();
            match there.get(&row.id) {
                Some(known) if *known == fingerprint => counts[2] += 1,
                known => {
                    counts[usize::from(known.is_some())] += 1;
                    if may_repeat {
                        there.insert(row.id, fingerprint);
                    }
                    wanted.push(row);
                }
            }
        }
        self.write(last_of_each(wanted), false).await?;
        Ok(counts)
    }

    /// Lets what was written be read, and gives the lease back.
    pub async fn finish(self) -> Result<(), ImportError> {
        // Also repairs an import that ended between writing and publishing.
        let state = self.control.chat_state().await?;
        if self.wrote || state.taken > state.published || state.taken == 0 {
            self.control.chat_publish().await?;
        }
        self.lease.release().await?;
        Ok(())
    }
}
