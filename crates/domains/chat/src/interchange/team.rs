//! A team that an import writes to: what it has, and what was added.

use hashbrown::{HashMap, HashSet};
use tallykeep_control::{LeaseGuard, TeamControl};
use tallykeep_lake::TeamLake;

use super::{ImportError, fields::Reason, report::Outcome};
use crate::{
    prices::Prices,
    rows::*,
    store::{Stored, append, current_links, existing_ids, latest_fingerprints},
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
    pub gone_sessions: Vec<SessionRow>,
    pub links: HashMap<(i64, crate::words::TargetKind, i64), bool>,
    pub waiting_traces: Vec<TraceRow>,
    pub waiting_usage: Vec<UsageRow>,
    pub prices: Prices,
    traces: Option<HashMap<i64, u64>>,
    usage: Option<HashSet<i64>>,
    lease: LeaseGuard,
}

/// Where a team's rows are written; cheap to clone, for writing beside reading.
#[derive(Clone)]
pub(super) struct Target {
    pub control: TeamControl,
    pub lake: TeamLake,
}

impl Target {
    /// Writes rows, or their going, under the team's next number.
    pub async fn write<T: Stored>(&self, rows: Vec<T>, gone: bool) -> Result<(), ImportError> {
        if rows.is_empty() {
            return Ok(());
        }
        let number = self.control.chat_take_number().await?;
        append(&self.lake, rows, gone, number).await?;
        Ok(())
    }
}

impl<T: Stored> Kept<T> {
    async fn load(lake: &TeamLake) -> Result<Self, ImportError> {
        Ok(Self { there: latest_fingerprints::<T>(lake, i64::MIN, i64::MAX).await?, waiting: Vec::new() })
    }

    pub fn has(&self, id: i64) -> bool {
        self.there.contains_key(&id)
    }

    /// Ids of the inclusive range.
    pub fn ids(&self, least: i64, greatest: i64) -> Vec<i64> {
        self.there.keys().copied().filter(|id| (least..=greatest).contains(id)).collect()
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
        let lease = lease(&control, "import chat").await?;
        let links = current_links(&lake).await?;
        Ok(Self {
            experiments: Kept::load(&lake).await?,
            channels: Kept::load(&lake).await?,
            participants: Kept::load(&lake).await?,
            sessions: Kept::load(&lake).await?,
            tags: Kept::load(&lake).await?,
            gone_sessions: Vec::new(),
            links: links.into_iter().map(|link| ((link.tag, link.kind, link.target), link.own)).collect(),
            waiting_traces: Vec::new(),
            waiting_usage: Vec::new(),
            prices: Prices::of(control.chat_prices().await?),
            traces: None,
            usage: None,
            control,
            lake,
            lease,
        })
    }

    pub fn target(&self) -> Target {
        Target { control: self.control.clone(), lake: self.lake.clone() }
    }

    /// Writes rows, or their going, under the team's next number.
    pub async fn write<T: Stored>(&mut self, rows: Vec<T>, gone: bool) -> Result<(), ImportError> {
        self.target().write(rows, gone).await
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

    /// Takes a channel in. Errors: a bot that is not this team's.
    pub fn put_channel(&mut self, row: ChannelRow) -> Outcome {
        self.must_have_experiment(row.experiment)?;
        Ok(self.channels.put(row))
    }

    pub fn must_have_experiment(&self, id: Option<i64>) -> Result<(), Reason> {
        id.filter(|id| !self.experiments.has(*id)).map_or(Ok(()), |id| Err(self.missing("experiment", id)))
    }

    pub fn must_have_participant(&self, id: Option<i64>) -> Result<(), Reason> {
        id.filter(|id| !self.participants.has(*id)).map_or(Ok(()), |id| Err(self.missing("participant", id)))
    }

    pub fn must_have_session(&self, id: Option<i64>) -> Result<(), Reason> {
        id.filter(|id| !self.sessions.has(*id)).map_or(Ok(()), |id| Err(self.missing("session", id)))
    }

    pub fn missing(&self, what: &str, id: i64) -> Reason {
        format!("team `{}` has no {what} {id}", self.control.team().slug)
    }

    /// Traces by id, read when first asked for.
    pub async fn traces(&mut self) -> Result<&mut HashMap<i64, u64>, ImportError> {
        if self.traces.is_none() {
            self.traces = Some(latest_fingerprints::<TraceRow>(&self.lake, i64::MIN, i64::MAX).await?);
        }
        Ok(self.traces.get_or_insert_default())
    }

    /// Keys of usage records, read when first asked for.
    pub async fn usage(&mut self) -> Result<&mut HashSet<i64>, ImportError> {
        if self.usage.is_none() {
            self.usage = Some(existing_ids::<UsageRow>(&self.lake, i64::MIN, i64::MAX, None).await?);
        }
        Ok(self.usage.get_or_insert_default())
    }

    /// Lets what was written be read, and gives the lease back.
    pub async fn finish(self) -> Result<(), ImportError> {
        publish(&self.control).await?;
        self.lease.release().await?;
        Ok(())
    }
}

/// The lease under which a team's chats are written.
pub(super) async fn lease(control: &TeamControl, what: &str) -> Result<LeaseGuard, ImportError> {
    let name = format!("chat-import:{}", control.team().slug);
    Ok(control.control().lease_or_busy(&name, what).await?)
}

/// Lets what was written be read, also by an import that ended between writing and publishing. Also gives a team its first state.
pub(super) async fn publish(control: &TeamControl) -> Result<(), ImportError> {
    let state = control.chat_state().await?;
    if state.taken > state.published || state.taken == 0 {
        control.chat_publish().await?;
    }
    Ok(())
}
