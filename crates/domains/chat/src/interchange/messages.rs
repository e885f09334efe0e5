//! Messages: many. While a chunk is compared with the lake and written, the next one is read.

use hashbrown::HashMap;
use tallykeep_collect::CsvLine;
use tokio::task::JoinSet;

use super::{
    ImportError,
    fields::{id, instant, some_id, truth, word},
    import::{CHUNK, Run},
    rows::{columns, field},
    team::{Novelty, Target, last_of_each},
};
use crate::{
    rows::MessageRow,
    store::{StoreError, Stored, existing_ids, latest_fingerprints},
};

/// How many messages were new, changed and as they were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sorted {
    pub new: u64,
    pub changed: u64,
    pub unchanged: u64,
}

/// Messages of one team on their way.
#[derive(Default)]
struct Waiting {
    rows: Vec<MessageRow>,
    gone: Vec<MessageRow>,
}

/// The chunk that is being written; dropped with the import.
type Writing = JoinSet<Result<Sorted, ImportError>>;

impl Run<'_> {
    pub async fn messages(&mut self) -> Result<(), ImportError> {
        let rows = self.rows("messages", |file| {
            let [c_id, c_session, c_type, c_created] = columns(file, ["id", "session_id", "type", "created_at"])?;
            let c_deleted = file.find("deleted");
            Ok(move |line: &CsvLine| {
                let row = MessageRow {
                    id: id("id", line.field(c_id))?,
                    session: some_id("session_id", line.field(c_session))?,
                    kind: word("type", line.field(c_type))?,
                    created_at: instant("created_at", line.field(c_created))?,
                };
                Ok((row, truth("deleted", field(line, c_deleted))?))
            })
        })?;
        let Some(mut rows) = rows else { return Ok(()) };
        let mut waiting: HashMap<usize, Waiting> = HashMap::new();
        let mut writing = Writing::new();
        let mut held = 0;
        while let Some(batch) = rows.next().await? {
            self.report.read("messages", batch.len());
            for (line, parsed) in batch {
                let placed = match parsed {
                    Ok((row, deleted)) => self.team_of_message(&row).await?.map(|team| (team, row, deleted)),
                    Err(reason) => Err(reason),
                };
                match placed {
                    Ok((team, row, deleted)) => {
                        let waiting = waiting.entry(team).or_default();
                        if deleted { &mut waiting.gone } else { &mut waiting.rows }.push(row);
                        held += 1;
                    }
                    Err(reason) => self.reject("messages", line, reason),
                }
            }
            if held >= CHUNK {
                self.write_messages(&mut waiting, &mut writing).await?;
                held = 0;
            }
        }
        self.write_messages(&mut waiting, &mut writing).await?;
        self.written(&mut writing).await
    }

    async fn team_of_message(&mut self, row: &MessageRow) -> Result<Result<usize, String>, ImportError> {
        Ok(match (row.session, self.teams.as_slice()) {
            (Some(session), [only]) if only.sessions.has(session) => Ok(0),
            (Some(session), _) => self.team_of_session(session).await?,
            // A chat without a session: the file does not say whose, so there must be one team only.
            (None, [_]) => Ok(0),
            (None, _) => Err("`session_id` is empty, and the import is not about one team alone".to_owned()),
        })
    }

    /// Starts writing what waits, once the chunk before is written.
    async fn write_messages(
        &mut self,
        waiting: &mut HashMap<usize, Waiting>,
        writing: &mut Writing,
    ) -> Result<(), ImportError> {
        self.written(writing).await?;
        let chunk: Vec<(Target, Waiting)> =
            waiting.drain().map(|(team, waiting)| (self.teams[team].target(), waiting)).collect();
        writing.spawn(async move {
            let mut all = Sorted::default();
            for (target, waiting) in chunk {
                for sorted in
                    [put_messages(&target, waiting.rows).await?, remove_messages(&target, waiting.gone).await?]
                {
                    all.new += sorted.new;
                    all.changed += sorted.changed;
                    all.unchanged += sorted.unchanged;
                }
            }
            Ok(all)
        });
        Ok(())
    }

    async fn written(&mut self, writing: &mut Writing) -> Result<(), ImportError> {
        while let Some(done) = writing.join_next().await {
            let Sorted { new, changed, unchanged } = done.map_err(StoreError::Thread)??;
            self.report.novelty("messages", Novelty::New, new);
            self.report.novelty("messages", Novelty::Changed, changed);
            self.report.novelty("messages", Novelty::Unchanged, unchanged);
        }
        Ok(())
    }
}

/// Sorts messages by what is there, and writes those that are new or changed.
pub(super) async fn put_messages(target: &Target, rows: Vec<MessageRow>) -> Result<Sorted, ImportError> {
    let (Some(least), Some(greatest)) = (rows.iter().map(|r| r.id).min(), rows.iter().map(|r| r.id).max()) else {
        return Ok(Sorted::default());
    };
    let mut there = latest_fingerprints::<MessageRow>(&target.lake, least, greatest).await?;
    let may_repeat = !rows.is_sorted_by(|a, b| a.id < b.id);
    if there.is_empty() && !may_repeat {
        let sorted = Sorted { new: rows.len() as u64, ..Sorted::default() };
        target.write(rows, false).await?;
        return Ok(sorted);
    }
    let mut sorted = Sorted::default();
    let mut wanted = Vec::with_capacity(rows.len());
    for row in rows {
        let fingerprint = row.fingerprint();
        match there.get(&row.id) {
            Some(known) if *known == fingerprint => sorted.unchanged += 1,
            known => {
                *if known.is_some() { &mut sorted.changed } else { &mut sorted.new } += 1;
                if may_repeat {
                    there.insert(row.id, fingerprint);
                }
                wanted.push(row);
            }
        }
    }
    target.write(last_of_each(wanted), false).await?;
    Ok(sorted)
}

/// Takes messages out that are there.
pub(super) async fn remove_messages(target: &Target, mut rows: Vec<MessageRow>) -> Result<Sorted, ImportError> {
    let (Some(least), Some(greatest)) = (rows.iter().map(|r| r.id).min(), rows.iter().map(|r| r.id).max()) else {
        return Ok(Sorted::default());
    };
    let there = existing_ids::<MessageRow>(&target.lake, least, greatest, None).await?;
    let all = rows.len();
    rows.retain(|row| there.contains(&row.id));
    let changed = rows.len() as u64;
    target.write(last_of_each(rows), true).await?;
    Ok(Sorted { new: 0, changed, unchanged: all as u64 - changed })
}
