//! Tags on messages and conversations.

use hashbrown::{HashMap, HashSet};
use tallykeep_collect::CsvLine;

use super::{
    ImportError,
    fields::{id, truth, word},
    import::{CHUNK, Run},
    report::Outcome,
    rows::{columns, field},
    team::{ImportTeam, Novelty},
};
use crate::{
    rows::{MessageRow, TagLinkRow},
    store::existing_ids,
    words::TargetKind,
};

/// A link as a line has it.
struct Waiting {
    line: u64,
    team: usize,
    link: TagLinkRow,
    deleted: bool,
}

impl Run<'_> {
    pub async fn tag_links(&mut self) -> Result<(), ImportError> {
        let rows = self.rows("tag_links", |file| {
            let [c_team, c_tag, c_kind, c_target] = columns(file, ["team_id", "tag_id", "target_kind", "target_id"])?;
            let c_deleted = file.find("deleted");
            Ok(move |line: &CsvLine| {
                let kind: TargetKind = word("target_kind", line.field(c_kind))?;
                let (tag, target) = (id("tag_id", line.field(c_tag))?, id("target_id", line.field(c_target))?);
                let deleted = truth("deleted", field(line, c_deleted))?;
                Ok((id("team_id", line.field(c_team))?, TagLinkRow { tag, kind, target, own: true }, deleted))
            })
        })?;
        let Some(mut rows) = rows else { return Ok(()) };
        let mut waiting = Vec::new();
        while let Some(batch) = rows.next().await? {
            self.report.read("tag_links", batch.len());
            for (line, parsed) in batch {
                match parsed {
                    Ok((source, link, deleted)) => match self.team(source).await? {
                        Ok(team) => waiting.push(Waiting { line, team, link, deleted }),
                        Err(reason) => self.reject("tag_links", line, reason),
                    },
                    Err(reason) => self.reject("tag_links", line, reason),
                }
            }
            if waiting.len() >= CHUNK {
                self.write_links(&mut waiting).await?;
            }
        }
        self.write_links(&mut waiting).await
    }

    async fn write_links(&mut self, waiting: &mut Vec<Waiting>) -> Result<(), ImportError> {
        // Messages the links point at: which of them there are, by team.
        let targets: HashSet<i64> =
            waiting.iter().filter(|w| w.link.kind == TargetKind::Message).map(|w| w.link.target).collect();
        let range = targets.iter().min().zip(targets.iter().max());
        let mut messages: Vec<HashSet<i64>> = Vec::new();
        for team in &self.teams {
            messages.push(match range {
                Some((least, greatest)) => {
                    existing_ids::<MessageRow>(&team.lake, *least, *greatest, Some(&targets)).await?
                }
                None => HashSet::new(),
            });
        }
        let mut links: HashMap<usize, Vec<TagLinkRow>> = HashMap::new();
        let mut gone: HashMap<usize, Vec<TagLinkRow>> = HashMap::new();
        for Waiting { line, team: index, mut link, deleted } in std::mem::take(waiting) {
            let has_target = |team: usize| match link.kind {
                TargetKind::Message => messages[team].contains(&link.target),
                TargetKind::Chat => self.teams[team].sessions.has(link.target),
            };
            let outcome: Outcome = if deleted {
                let novelty = self.teams[index].remove_link(&link);
                if novelty == Novelty::Changed {
                    gone.entry(index).or_default().push(link);
                }
                Ok(novelty)
            } else if !(0..self.teams.len()).any(|team| self.teams[team].tags.has(link.tag)) {
                Err(format!("no tag {}", link.tag))
            } else if !(0..self.teams.len()).any(has_target) {
                let what = if link.kind == TargetKind::Message { "message" } else { "session" };
                Err(format!("no {what} {}", link.target))
            } else {
                link.own = self.teams[index].tags.has(link.tag) && has_target(index);
                let novelty = self.teams[index].put_link(&link);
                if novelty != Novelty::Unchanged {
                    links.entry(index).or_default().push(link);
                }
                Ok(novelty)
            };
            self.settle("tag_links", line, outcome);
        }
        for (team, rows) in links {
            self.teams[team].write(rows, false).await?;
        }
        for (team, rows) in gone {
            self.teams[team].write(rows, true).await?;
        }
        Ok(())
    }
}

impl ImportTeam {
    /// Notes a link; the caller writes it unless it is there already.
    pub(super) fn put_link(&mut self, link: &TagLinkRow) -> Novelty {
        match self.links.insert((link.tag, link.kind, link.target), link.own) {
            Some(known) if known == link.own => Novelty::Unchanged,
            Some(_) => Novelty::Changed,
            None => Novelty::New,
        }
    }

    /// Forgets a link; the caller writes its going when there was one.
    pub(super) fn remove_link(&mut self, link: &TagLinkRow) -> Novelty {
        let was = self.links.remove(&(link.tag, link.kind, link.target)).is_some();
        if was { Novelty::Changed } else { Novelty::Unchanged }
    }
}
