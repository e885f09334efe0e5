//! One kind of row after the other.

use std::str::FromStr;

use hashbrown::HashSet;
use tallykeep_control::foreign::open_chat_studio::{
    Page, StudioChannel, StudioMessage, StudioParticipant, StudioSession, StudioTrace, StudioUsage,
};

use super::{
    super::{
        fields::{Reason, word},
        messages::{Sorted, put_messages, remove_messages},
        team::Novelty,
        traces::PENDING,
        usage::NewUsage,
    },
    ImportError, Run,
    sweep::{LATE, LATE_TRACES, Sweep},
};
use crate::{
    rows::*,
    store::{current_rows, existing_ids, latest_fingerprints},
};

/// A word of a row, with the reason when it is none of ours.
fn read<W: FromStr<Err: std::fmt::Display>>(name: &str, text: &str) -> Result<W, Reason> {
    word(name, text)
}

/// Reads a small table whole, page by page.
macro_rules! whole {
    ($run:ident, $kind:literal, $read:ident, |$team:ident, $row:ident| $put:expr) => {{
        let limit = $run.options.page.max(1);
        let (mut after, mut rows) = (i64::MIN, 0);
        loop {
            let page = $run.source.$read($run.source_team, Page::after(after, limit as i64)).await?;
            $run.report.read($kind, page.len());
            let (count, last) = (page.len(), page.last().map(|row| row.id));
            for $row in page {
                let id = $row.id;
                let $team = &mut $run.team;
                let outcome = $put;
                $run.settle($kind, id, outcome);
            }
            rows += count as u64;
            $run.progressed($kind, rows);
            match last {
                Some(last) if count == limit => after = last,
                _ => break,
            }
        }
    }};
}

impl Run<'_> {
    pub(super) async fn experiments(&mut self) -> Result<(), ImportError> {
        whole!(self, "experiments", experiments, |team, row| Ok(team.experiments.put(ExperimentRow {
            id: row.id,
            name: row.name,
            archived: row.is_archived,
            working_version: row.working_version_id,
        })));
        let rows = self.team.experiments.take();
        self.team.write(rows, false).await
    }

    pub(super) async fn channels(&mut self) -> Result<(), ImportError> {
        whole!(self, "channels", channels, |team, row| channel(row).and_then(|row| team.put_channel(row)));
        let rows = self.team.channels.take();
        self.team.write(rows, false).await
    }

    pub(super) async fn participants(&mut self) -> Result<(), ImportError> {
        whole!(self, "participants", participants, |team, row| participant(row).map(|row| team.participants.put(row)));
        let rows = self.team.participants.take();
        self.team.write(rows, false).await
    }

    pub(super) async fn tags(&mut self) -> Result<(), ImportError> {
        whole!(self, "tags", tags, |team, row| Ok(team.tags.put(TagRow {
            id: row.id,
            name: row.name,
            category: row.category,
        })));
        let rows = self.team.tags.take();
        self.team.write(rows, false).await
    }

    pub(super) async fn sessions(&mut self) -> Result<(), ImportError> {
        let mut sweep = Sweep::begin(self, "sessions", LATE).await?;
        let mut rows = 0;
        while let Some(page) = sweep.page() {
            let read = self.source.sessions(self.source_team, page).await?;
            let (count, greatest) = (read.len(), read.last().map(|row| row.id));
            let ids = self.ids_of_page(&sweep, read.iter().map(|row| row.id));
            self.report.read("sessions", count);
            for row in read {
                let id = row.id;
                let outcome = session(row).and_then(|row| self.team.put_session(row));
                self.settle("sessions", id, outcome);
            }
            if let Some(ids) = ids {
                let gone = self.team.sessions.ids(page.after.saturating_add(1), last(count, page, greatest));
                for id in gone.into_iter().filter(|id| !ids.contains(id)) {
                    for row in current_rows::<SessionRow>(&self.team.lake, id, id).await? {
                        let novelty = self.team.remove_session(row);
                        self.removed("sessions", novelty, 1);
                    }
                }
            }
            self.team.write_sessions().await?;
            sweep.written(self, count, greatest).await?;
            rows += count as u64;
            self.progressed("sessions", rows);
        }
        Ok(())
    }

    pub(super) async fn messages(&mut self) -> Result<(), ImportError> {
        let mut sweep = Sweep::begin(self, "messages", LATE).await?;
        let (target, mut rows) = (self.team.target(), 0);
        while let Some(page) = sweep.page() {
            let read = self.source.messages(self.source_team, page).await?;
            let (count, greatest) = (read.len(), read.last().map(|row| row.id));
            let ids = self.ids_of_page(&sweep, read.iter().map(|row| row.id));
            self.report.read("messages", count);
            let mut wanted = Vec::with_capacity(count);
            for row in read {
                let id = row.id;
                match message(row).and_then(|row| self.team.must_have_session(row.session).map(|()| row)) {
                    Ok(row) => wanted.push(row),
                    Err(reason) => self.reject("messages", id, reason),
                }
            }
            let Sorted { new, changed, unchanged } = put_messages(&target, wanted).await?;
            self.report.novelty("messages", Novelty::New, new);
            self.report.novelty("messages", Novelty::Changed, changed);
            self.report.novelty("messages", Novelty::Unchanged, unchanged);
            if let Some(ids) = ids {
                let (least, most) = (page.after.saturating_add(1), last(count, page, greatest));
                let there = existing_ids::<MessageRow>(&self.team.lake, least, most, None).await?;
                if there.iter().any(|id| !ids.contains(id)) {
                    let gone = current_rows::<MessageRow>(&self.team.lake, least, most).await?;
                    let gone = gone.into_iter().filter(|row| !ids.contains(&row.id)).collect();
                    let removed = remove_messages(&target, gone).await?.changed;
                    self.removed("messages", Novelty::Changed, removed);
                }
            }
            sweep.written(self, count, greatest).await?;
            rows += count as u64;
            self.progressed("messages", rows);
        }
        Ok(())
    }

    /// Links say neither when they came nor that they went: all are read and compared.
    pub(super) async fn tag_links(&mut self) -> Result<(), ImportError> {
        let limit = self.options.page.max(1);
        let (mut after, mut rows) = (i64::MIN, 0);
        let mut seen = HashSet::new();
        loop {
            let page = Page::after(after, i64::try_from(limit).unwrap_or(i64::MAX));
            let read = self.source.tag_links(self.source_team, page).await?;
            let (count, greatest) = (read.len(), read.last().map(|row| row.id));
            self.report.read("tag_links", count);
            let mut wanted = Vec::new();
            for row in read {
                let kind = match self::read("target_kind", &row.target_kind) {
                    Ok(kind) => kind,
                    Err(reason) => {
                        self.reject("tag_links", row.id, reason);
                        continue;
                    }
                };
                let link = TagLinkRow { tag: row.tag_id, kind, target: row.target_id, own: row.own };
                seen.insert((link.tag, link.kind, link.target));
                let novelty = self.team.put_link(&link);
                if novelty != Novelty::Unchanged {
                    wanted.push(link);
                }
                self.report.novelty("tag_links", novelty, 1);
            }
            self.team.write(wanted, false).await?;
            rows += count as u64;
            self.progressed("tag_links", rows);
            match greatest {
                Some(greatest) if count == limit => after = greatest,
                _ => break,
            }
        }
        let gone: Vec<TagLinkRow> = self
            .team
            .links
            .iter()
            .filter(|(key, _)| !seen.contains(*key))
            .map(|((tag, kind, target), own)| TagLinkRow { tag: *tag, kind: *kind, target: *target, own: *own })
            .collect();
        self.removed("tag_links", Novelty::Changed, gone.len() as u64);
        gone.iter().for_each(|link| {
            self.team.remove_link(link);
        });
        self.team.write(gone, true).await
    }

    pub(super) async fn traces(&mut self) -> Result<(), ImportError> {
        let mut sweep = Sweep::begin(self, "traces", LATE_TRACES).await?;
        let mut rows = 0;
        while let Some(page) = sweep.page() {
            let read = self.source.traces(self.source_team, page).await?;
            let (count, greatest) = (read.len(), read.last().map(|row| row.id));
            let ids = self.ids_of_page(&sweep, read.iter().map(|row| row.id));
            self.report.read("traces", count);
            for row in read {
                let row = trace(row);
                let id = row.id;
                let outcome = match self.team.must_have_session(Some(row.session)) {
                    Ok(()) => self.team.put_trace(row).await?,
                    Err(reason) => Err(reason),
                };
                self.settle("traces", id, outcome);
            }
            self.team.write_traces().await?;
            if let Some(ids) = ids {
                let (least, most) = (page.after.saturating_add(1), last(count, page, greatest));
                let mut gone = current_rows::<TraceRow>(&self.team.lake, least, most).await?;
                gone.retain(|row| !ids.contains(&row.id));
                self.removed("traces", Novelty::Changed, gone.len() as u64);
                self.team.write(gone, true).await?;
            }
            sweep.written(self, count, greatest).await?;
            rows += count as u64;
            self.progressed("traces", rows);
        }
        Ok(())
    }

    pub(super) async fn usage(&mut self) -> Result<(), ImportError> {
        let mut sweep = Sweep::begin(self, "usage", LATE).await?;
        let mut rows = 0;
        while let Some(page) = sweep.page() {
            let read = self.source.usage(self.source_team, page).await?;
            let (count, greatest) = (read.len(), read.last().map(|row| row.id));
            self.report.read("usage", count);
            let range = read.first().map(|row| row.id).zip(greatest);
            let there = match range {
                Some((least, most)) => latest_fingerprints::<UsageRow>(&self.team.lake, least, most).await?,
                None => hashbrown::HashMap::new(),
            };
            for row in read {
                let id = row.id;
                // The trace is not looked for: the application keeps some that belong to no session.
                let known = usage(row).and_then(|record| self.team.must_know(&record.row).map(|()| record));
                let outcome = known.map(|record| self.put_record(record, &there));
                self.settle("usage", id, outcome);
            }
            self.team.write_usage().await?;
            sweep.written(self, count, greatest).await?;
            rows += count as u64;
            self.progressed("usage", rows);
        }
        Ok(())
    }

    /// A record without a cost of its own is priced once: a later run, with other rules, leaves it as it is.
    fn put_record(&mut self, record: NewUsage, there: &hashbrown::HashMap<i64, u64>) -> Novelty {
        match there.get(&record.row.key) {
            Some(_) if record.cost.is_none() => return Novelty::Unchanged,
            Some(known) if *known == crate::store::Stored::fingerprint(&record.row) => return Novelty::Unchanged,
            _ => {}
        }
        let novelty = if there.contains_key(&record.row.key) { Novelty::Changed } else { Novelty::New };
        self.team.wait_usage(record);
        novelty
    }

    /// The ids of a page of a full run, which is compared with what is stored; `None` in other runs.
    fn ids_of_page(&self, sweep: &Sweep, ids: impl Iterator<Item = i64>) -> Option<HashSet<i64>> {
        (self.options.full && sweep.is_new()).then(|| ids.collect())
    }

    /// Rows that were here and are not there any more: they count as read and changed.
    fn removed(&mut self, kind: &'static str, novelty: Novelty, n: u64) {
        self.report.read(kind, usize::try_from(n).unwrap_or(usize::MAX));
        self.report.novelty(kind, novelty, n);
    }
}

/// The last id a page stands for: what it ends with, or everything when it was the last one.
fn last(count: usize, page: Page, greatest: Option<i64>) -> i64 {
    let full = i64::try_from(count).is_ok_and(|count| count >= page.limit);
    greatest.filter(|_| full).unwrap_or(page.until)
}

fn channel(row: StudioChannel) -> Result<ChannelRow, Reason> {
    let platform = read("platform", &row.platform)?;
    Ok(ChannelRow { id: row.id, experiment: row.experiment_id, platform, deleted: row.deleted })
}

fn participant(row: StudioParticipant) -> Result<ParticipantRow, Reason> {
    let platform = read("platform", &row.platform)?;
    let created_at = Some(row.created_at);
    Ok(ParticipantRow { id: row.id, name: row.name, identifier: row.identifier, platform, created_at })
}

fn session(row: StudioSession) -> Result<SessionRow, Reason> {
    let platform = row.platform.filter(|platform| !platform.is_empty());
    Ok(SessionRow {
        id: row.id,
        experiment: row.experiment_id,
        participant: row.participant_id,
        platform: platform.map(|platform| read("platform", &platform)).transpose()?,
        status: read("status", &row.status)?,
        created_at: row.created_at,
        ended_at: row.ended_at,
    })
}

fn message(row: StudioMessage) -> Result<MessageRow, Reason> {
    let kind = read("message_type", &row.message_type)?;
    Ok(MessageRow { id: row.id, session: row.session_id, kind, created_at: row.created_at })
}

fn trace(row: StudioTrace) -> TraceRow {
    let duration_ms = row.duration_ms.filter(|_| row.status != PENDING);
    TraceRow { id: row.id, session: row.session_id, experiment: row.experiment_id, at: row.timestamp, duration_ms }
}

fn usage(row: StudioUsage) -> Result<NewUsage, Reason> {
    let cost = row.cost;
    let row = UsageRow {
        key: row.id,
        at: row.timestamp,
        source: read("source", &row.source)?,
        service: read("service_kind", &row.service_kind)?,
        provider: row.provider_type,
        model: row.model_name,
        quantity: row.quantity,
        cost: cost.unwrap_or(0),
        confidence: read("confidence", &row.confidence)?,
        priced: row.priced,
        experiment: row.experiment_id,
        session: row.session_id,
        participant: row.participant_id,
        trace: row.trace_id,
    };
    Ok(NewUsage { row, cost })
}
