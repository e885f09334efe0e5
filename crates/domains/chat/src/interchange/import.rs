//! The import: each file in turn, parents first.

use std::{collections::BTreeMap, path::Path};

use hashbrown::{HashMap, HashSet};
use serde::Serialize;
use tallykeep_collect::{CsvFile, CsvLine, LineError};
use tallykeep_control::Control;
use tallykeep_lake::Lake;
use tallykeep_model::{Team, TeamSlug};

use super::{
    Folder, ImportError,
    fields::{
        Reason, id, instant, money, required, some_count, some_id, some_instant, some_millis, some_word, truth, word,
    },
    team::{ImportTeam, Novelty},
};
use crate::{rows::*, store::existing_ids, words::TargetKind};

/// Lines of one kind; `read` is the sum of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub read: u64,
    pub new: u64,
    /// An id that was there with other values; they were replaced.
    pub changed: u64,
    pub unchanged: u64,
    pub rejected: u64,
}

/// What an import did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ImportReport {
    /// By file name without ending; only files that were there.
    pub kinds: BTreeMap<&'static str, Counts>,
    pub total: Counts,
    /// Slugs of the teams that were written to or compared with.
    pub teams: Vec<String>,
    /// The first 1,000 lines that could not be used.
    pub rejects: Vec<LineError>,
}

/// How to import.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The team meant where an id could mean several.
    pub team: Option<TeamSlug>,
}

/// At most this many messages wait in memory.
const CHUNK: usize = 400_000;
const KEPT_REJECTS: usize = 1_000;

impl ImportReport {
    fn count(&mut self, kind: &'static str, change: impl Fn(&mut Counts)) {
        change(self.kinds.entry(kind).or_default());
        change(&mut self.total);
    }

    fn novelty(&mut self, kind: &'static str, novelty: Novelty, n: u64) {
        self.count(kind, |counts| {
            *match novelty {
                Novelty::New => &mut counts.new,
                Novelty::Changed => &mut counts.changed,
                Novelty::Unchanged => &mut counts.unchanged,
            } += n;
        });
    }

    /// Nothing could be used although there was something to read.
    pub fn is_refused(&self) -> bool {
        self.total.read > 0 && self.total.rejected == self.total.read
    }
}

/// Imports a folder or archive. `on_reject` hears of every line that cannot be used.
///
/// Errors: what is no folder or archive of these files, a header without a needed column, a store that fails, `Busy`.
pub async fn import(
    control: &Control,
    lake: &Lake,
    path: &Path,
    options: &ImportOptions,
    on_reject: &mut (dyn FnMut(&LineError) + Send),
) -> Result<ImportReport, ImportError> {
    let folder = Folder::open(path)?;
    let mut run = Run {
        control,
        lake,
        options,
        folder,
        report: ImportReport::default(),
        on_reject,
        teams: Vec::new(),
        by_source: HashMap::new(),
    };
    run.teams().await?;
    run.experiments().await?;
    run.channels().await?;
    run.participants().await?;
    run.tags().await?;
    for team in &mut run.teams {
        team.write_parents().await?;
    }
    run.sessions().await?;
    run.messages().await?;
    run.tag_links().await?;
    run.traces().await?;
    run.usage().await?;
    for team in run.teams {
        run.report.teams.push(team.control.team().slug.to_string());
        team.finish().await?;
    }
    Ok(run.report)
}

struct Run<'a> {
    control: &'a Control,
    lake: &'a Lake,
    options: &'a ImportOptions,
    folder: Folder,
    report: ImportReport,
    on_reject: &'a mut (dyn FnMut(&LineError) + Send),
    teams: Vec<ImportTeam>,
    /// What an id in the files means: a team, or why none.
    by_source: HashMap<i64, Result<usize, Reason>>,
}

/// A file, and where its columns are.
struct Lines {
    kind: &'static str,
    file: CsvFile,
}

impl Lines {
    fn column(&self, name: &str) -> Result<usize, ImportError> {
        Ok(self.file.column(name)?)
    }

    fn columns<const N: usize>(&self, names: [&str; N]) -> Result<[usize; N], ImportError> {
        let mut found = [0; N];
        for (place, name) in found.iter_mut().zip(names) {
            *place = self.column(name)?;
        }
        Ok(found)
    }
}

/// The field of a column that may be absent.
fn field(line: &CsvLine, column: Option<usize>) -> &str {
    column.map_or("", |column| line.field(column))
}

impl Run<'_> {
    fn lines(&mut self, kind: &'static str) -> Result<Option<Lines>, ImportError> {
        let Some(path) = self.folder.find(kind) else { return Ok(None) };
        self.report.kinds.entry(kind).or_default();
        Ok(Some(Lines { kind, file: CsvFile::open(&path)? }))
    }

    /// The next line that can be read.
    fn next(&mut self, lines: &mut Lines) -> Option<CsvLine> {
        loop {
            match lines.file.next_line()? {
                Ok(line) => {
                    self.report.count(lines.kind, |counts| counts.read += 1);
                    return Some(line);
                }
                Err(error) => {
                    self.report.count(lines.kind, |counts| counts.read += 1);
                    self.reject(lines.kind, error.line, error.reason);
                }
            }
        }
    }

    fn reject(&mut self, kind: &'static str, line: u64, reason: Reason) {
        self.report.count(kind, |counts| counts.rejected += 1);
        let error = LineError { file: format!("{kind}.csv"), line, reason };
        (self.on_reject)(&error);
        if self.report.rejects.len() < KEPT_REJECTS {
            self.report.rejects.push(error);
        }
    }

    fn settle(&mut self, kind: &'static str, line: u64, outcome: Result<Novelty, Reason>) {
        match outcome {
            Ok(novelty) => self.report.novelty(kind, novelty, 1),
            Err(reason) => self.reject(kind, line, reason),
        }
    }

    /// Opens a team once.
    async fn open(&mut self, team: Team) -> Result<usize, ImportError> {
        if let Some(index) = self.teams.iter().position(|known| known.control.team().id == team.id) {
            return Ok(index);
        }
        let lake = self.lake.team(&team.slug);
        self.teams.push(ImportTeam::open(self.control.for_team(team), lake).await?);
        Ok(self.teams.len() - 1)
    }

    /// The team an id in the files means: of this import's `teams.csv`, else as remembered.
    async fn team(&mut self, source: i64) -> Result<Result<usize, Reason>, ImportError> {
        if let Some(known) = self.by_source.get(&source) {
            return Ok(known.clone());
        }
        let mut candidates = self.control.chat_teams_of_source(source).await?;
        if candidates.len() > 1
            && let Some(wanted) = &self.options.team
        {
            candidates.retain(|team| team.slug == *wanted);
        }
        let found = match candidates.len() {
            0 => Err(format!("no team {source}")),
            1 => Ok(self.open(candidates.remove(0)).await?),
            _ => {
                let slugs: Vec<String> = candidates.iter().map(|team| format!("`{}`", team.slug)).collect();
                Err(format!("team {source} may be {}: say which with --team, or add teams.csv", slugs.join(" or ")))
            }
        };
        self.by_source.insert(source, found.clone());
        Ok(found)
    }

    async fn teams(&mut self) -> Result<(), ImportError> {
        let Some(mut lines) = self.lines("teams")? else { return Ok(()) };
        let [c_id, c_slug] = lines.columns(["id", "slug"])?;
        let c_name = lines.file.find("name");
        while let Some(line) = self.next(&mut lines) {
            let parsed = (|| {
                let slug: TeamSlug =
                    required("slug", line.field(c_slug))?.parse().map_err(|e| format!("`slug`: {e}"))?;
                Ok((id("id", line.field(c_id))?, slug))
            })();
            let (source, slug) = match parsed {
                Ok(parsed) => parsed,
                Err(reason) => {
                    self.reject("teams", line.line, reason);
                    continue;
                }
            };
            if let Some(Ok(other)) = self.by_source.get(&source) {
                let known = self.teams[*other].control.team().slug.clone();
                if known != slug {
                    self.reject("teams", line.line, format!("team {source} is `{known}` already"));
                    continue;
                }
            }
            let (team, novelty) = match self.control.find_team(&slug).await? {
                Some(team) => (team, Novelty::Unchanged),
                None => {
                    let name = field(&line, c_name);
                    let name = if name.is_empty() { slug.as_str() } else { name };
                    (self.control.add_team(&slug, name).await?, Novelty::New)
                }
            };
            let index = self.open(team).await?;
            self.teams[index].control.chat_add_source(source).await?;
            self.by_source.insert(source, Ok(index));
            self.report.novelty("teams", novelty, 1);
        }
        Ok(())
    }

    async fn experiments(&mut self) -> Result<(), ImportError> {
        let Some(mut lines) = self.lines("experiments")? else { return Ok(()) };
        let [c_id, c_team, c_name, c_archived, c_version] =
            lines.columns(["id", "team_id", "name", "is_archived", "working_version_id"])?;
        while let Some(line) = self.next(&mut lines) {
            let parsed = (|| {
                let row = ExperimentRow {
                    id: id("id", line.field(c_id))?,
                    name: line.field(c_name).to_owned(),
                    archived: truth("is_archived", line.field(c_archived))?,
                    working_version: some_id("working_version_id", line.field(c_version))?,
                };
                Ok((id("team_id", line.field(c_team))?, row))
            })();
            let outcome = match parsed {
                Ok((source, row)) => self.team(source).await?.map(|team| self.teams[team].experiments.put(row)),
                Err(reason) => Err(reason),
            };
            self.settle("experiments", line.line, outcome);
        }
        Ok(())
    }

    async fn channels(&mut self) -> Result<(), ImportError> {
        let Some(mut lines) = self.lines("channels")? else { return Ok(()) };
        let [c_id, c_team, c_experiment, c_platform, c_deleted] =
            lines.columns(["id", "team_id", "experiment_id", "platform", "deleted"])?;
        while let Some(line) = self.next(&mut lines) {
            let parsed = (|| {
                let row = ChannelRow {
                    id: id("id", line.field(c_id))?,
                    experiment: some_id("experiment_id", line.field(c_experiment))?,
                    platform: word("platform", line.field(c_platform))?,
                    deleted: truth("deleted", line.field(c_deleted))?,
                };
                Ok((id("team_id", line.field(c_team))?, row))
            })();
            let outcome = match parsed {
                Ok((source, row)) => self.team(source).await?.and_then(|team| {
                    let team = &mut self.teams[team];
                    match row.experiment {
                        Some(bot) if !team.experiments.has(bot) => Err(missing(team, "experiment", bot)),
                        _ => Ok(team.channels.put(row)),
                    }
                }),
                Err(reason) => Err(reason),
            };
            self.settle("channels", line.line, outcome);
        }
        Ok(())
    }

    async fn participants(&mut self) -> Result<(), ImportError> {
        let Some(mut lines) = self.lines("participants")? else { return Ok(()) };
        let [c_id, c_team, c_name, c_identifier, c_platform] =
            lines.columns(["id", "team_id", "name", "identifier", "platform"])?;
        let c_created = lines.file.find("created_at");
        while let Some(line) = self.next(&mut lines) {
            let parsed = (|| {
                let row = ParticipantRow {
                    id: id("id", line.field(c_id))?,
                    name: line.field(c_name).to_owned(),
                    identifier: line.field(c_identifier).to_owned(),
                    platform: word("platform", line.field(c_platform))?,
                    created_at: some_instant("created_at", field(&line, c_created))?,
                };
                Ok((id("team_id", line.field(c_team))?, row))
            })();
            let outcome = match parsed {
                Ok((source, row)) => self.team(source).await?.map(|team| self.teams[team].participants.put(row)),
                Err(reason) => Err(reason),
            };
            self.settle("participants", line.line, outcome);
        }
        Ok(())
    }

    async fn tags(&mut self) -> Result<(), ImportError> {
        let Some(mut lines) = self.lines("tags")? else { return Ok(()) };
        let [c_id, c_team, c_name, c_category] = lines.columns(["id", "team_id", "name", "category"])?;
        while let Some(line) = self.next(&mut lines) {
            let parsed = (|| {
                let row = TagRow {
                    id: id("id", line.field(c_id))?,
                    name: required("name", line.field(c_name))?.to_owned(),
                    category: line.field(c_category).to_owned(),
                };
                Ok((id("team_id", line.field(c_team))?, row))
            })();
            let outcome = match parsed {
                Ok((source, row)) => self.team(source).await?.map(|team| self.teams[team].tags.put(row)),
                Err(reason) => Err(reason),
            };
            self.settle("tags", line.line, outcome);
        }
        Ok(())
    }

    async fn sessions(&mut self) -> Result<(), ImportError> {
        let Some(mut lines) = self.lines("sessions")? else { return Ok(()) };
        let [c_id, c_team, c_experiment, c_participant, c_platform, c_status, c_created, c_ended] = lines.columns([
            "id",
            "team_id",
            "experiment_id",
            "participant_id",
            "platform",
            "status",
            "created_at",
            "ended_at",
        ])?;
        let c_deleted = lines.file.find("deleted");
        let mut gone: HashMap<usize, Vec<SessionRow>> = HashMap::new();
        while let Some(line) = self.next(&mut lines) {
            let parsed = (|| {
                let row = SessionRow {
                    id: id("id", line.field(c_id))?,
                    experiment: id("experiment_id", line.field(c_experiment))?,
                    participant: some_id("participant_id", line.field(c_participant))?,
                    platform: some_word("platform", line.field(c_platform))?,
                    status: word("status", line.field(c_status))?,
                    created_at: instant("created_at", line.field(c_created))?,
                    ended_at: some_instant("ended_at", line.field(c_ended))?,
                };
                Ok((id("team_id", line.field(c_team))?, row, truth("deleted", field(&line, c_deleted))?))
            })();
            let outcome = match parsed {
                Ok((source, row, deleted)) => self.team(source).await?.and_then(|index| {
                    let team = &mut self.teams[index];
                    if !team.experiments.has(row.experiment) {
                        return Err(missing(team, "experiment", row.experiment));
                    }
                    if let Some(person) = row.participant.filter(|person| !team.participants.has(*person)) {
                        return Err(missing(team, "participant", person));
                    }
                    if deleted {
                        let novelty = team.sessions.remove(row.id);
                        if novelty == Novelty::Changed {
                            gone.entry(index).or_default().push(row);
                        }
                        return Ok(novelty);
                    }
                    Ok(team.sessions.put(row))
                }),
                Err(reason) => Err(reason),
            };
            self.settle("sessions", line.line, outcome);
        }
        for (index, team) in self.teams.iter_mut().enumerate() {
            let rows = team.sessions.take();
            team.write(rows, false).await?;
            team.write(gone.remove(&index).unwrap_or_default(), true).await?;
        }
        Ok(())
    }

    /// The team a session belongs to: one of this import's, else any team with chats.
    async fn team_of_session(&mut self, session: i64) -> Result<Result<usize, Reason>, ImportError> {
        let holders = |teams: &[ImportTeam]| -> Vec<usize> {
            teams.iter().enumerate().filter(|(_, team)| team.sessions.has(session)).map(|(index, _)| index).collect()
        };
        let mut found = holders(&self.teams);
        if found.is_empty() {
            self.open_all().await?;
            found = holders(&self.teams);
        }
        if found.len() > 1
            && let Some(wanted) = &self.options.team
        {
            found.retain(|index| self.teams[*index].control.team().slug == *wanted);
        }
        Ok(match found.as_slice() {
            [] => Err(format!("no session {session}")),
            [one] => Ok(*one),
            many => {
                let slugs: Vec<String> =
                    many.iter().map(|index| format!("`{}`", self.teams[*index].control.team().slug)).collect();
                Err(format!("session {session} is in {}: say which with --team, or add teams.csv", slugs.join(" and ")))
            }
        })
    }

    /// Opens every team that has chats; with `--team` only that one.
    async fn open_all(&mut self) -> Result<(), ImportError> {
        for team in self.control.chat_teams().await? {
            if self.options.team.as_ref().is_none_or(|wanted| team.slug == *wanted) {
                self.open(team).await?;
            }
        }
        Ok(())
    }

    async fn messages(&mut self) -> Result<(), ImportError> {
        let Some(mut lines) = self.lines("messages")? else { return Ok(()) };
        let [c_id, c_session, c_type, c_created] = lines.columns(["id", "session_id", "type", "created_at"])?;
        let c_deleted = lines.file.find("deleted");
        let mut waiting: HashMap<usize, Vec<MessageRow>> = HashMap::new();
        let mut gone: HashMap<usize, Vec<MessageRow>> = HashMap::new();
        let mut held = 0;
        while let Some(line) = self.next(&mut lines) {
            let parsed = (|| {
                let row = MessageRow {
                    id: id("id", line.field(c_id))?,
                    session: some_id("session_id", line.field(c_session))?,
                    kind: word("type", line.field(c_type))?,
                    created_at: instant("created_at", line.field(c_created))?,
                };
                Ok((row, truth("deleted", field(&line, c_deleted))?))
            })();
            let (row, deleted) = match parsed {
                Ok(parsed) => parsed,
                Err(reason) => {
                    self.reject("messages", line.line, reason);
                    continue;
                }
            };
            let team = match (row.session, self.teams.as_slice()) {
                (Some(session), [only]) if only.sessions.has(session) => Ok(0),
                (Some(session), _) => self.team_of_session(session).await?,
                // A chat without a session: the file does not say whose, so there must be one team only.
                (None, [_]) => Ok(0),
                (None, _) => Err("`session_id` is empty, and the import is not about one team alone".to_owned()),
            };
            match team {
                Ok(team) if deleted => gone.entry(team).or_default().push(row),
                Ok(team) => waiting.entry(team).or_default().push(row),
                Err(reason) => {
                    self.reject("messages", line.line, reason);
                    continue;
                }
            }
            held += 1;
            if held >= CHUNK {
                self.write_messages(&mut waiting, &mut gone).await?;
                held = 0;
            }
        }
        self.write_messages(&mut waiting, &mut gone).await
    }

    async fn write_messages(
        &mut self,
        waiting: &mut HashMap<usize, Vec<MessageRow>>,
        gone: &mut HashMap<usize, Vec<MessageRow>>,
    ) -> Result<(), ImportError> {
        for (team, rows) in waiting.drain() {
            let [new, changed, unchanged] = self.teams[team].put_messages(rows).await?;
            self.report.novelty("messages", Novelty::New, new);
            self.report.novelty("messages", Novelty::Changed, changed);
            self.report.novelty("messages", Novelty::Unchanged, unchanged);
        }
        for (team, mut rows) in gone.drain() {
            let range = (rows.iter().map(|r| r.id).min().unwrap_or(0), rows.iter().map(|r| r.id).max().unwrap_or(0));
            let there = existing_ids::<MessageRow>(&self.teams[team].lake, range.0, range.1).await?;
            let all = rows.len();
            rows.retain(|row| there.contains(&row.id));
            self.report.novelty("messages", Novelty::Changed, rows.len() as u64);
            self.report.novelty("messages", Novelty::Unchanged, (all - rows.len()) as u64);
            self.teams[team].write(rows, true).await?;
        }
        Ok(())
    }

    async fn tag_links(&mut self) -> Result<(), ImportError> {
        let Some(mut lines) = self.lines("tag_links")? else { return Ok(()) };
        let [c_team, c_tag, c_kind, c_target] = lines.columns(["team_id", "tag_id", "target_kind", "target_id"])?;
        let c_deleted = lines.file.find("deleted");
        let mut waiting = Vec::new();
        while let Some(line) = self.next(&mut lines) {
            let parsed = (|| {
                let kind: TargetKind = word("target_kind", line.field(c_kind))?;
                let (tag, target) = (id("tag_id", line.field(c_tag))?, id("target_id", line.field(c_target))?);
                let deleted = truth("deleted", field(&line, c_deleted))?;
                Ok((id("team_id", line.field(c_team))?, TagLinkRow { tag, kind, target, own: true }, deleted))
            })();
            match parsed {
                Ok((source, link, deleted)) => match self.team(source).await? {
                    Ok(team) => waiting.push((line.line, team, link, deleted)),
                    Err(reason) => self.reject("tag_links", line.line, reason),
                },
                Err(reason) => self.reject("tag_links", line.line, reason),
            }
            if waiting.len() >= CHUNK {
                self.write_links(&mut waiting).await?;
            }
        }
        self.write_links(&mut waiting).await
    }

    async fn write_links(&mut self, waiting: &mut Vec<(u64, usize, TagLinkRow, bool)>) -> Result<(), ImportError> {
        // Messages the links may point at, by team.
        let targets = || {
            waiting.iter().filter(|(_, _, link, _)| link.kind == TargetKind::Message).map(|(_, _, link, _)| link.target)
        };
        let range = targets().min().zip(targets().max());
        let mut messages: Vec<HashSet<i64>> = Vec::new();
        for team in &self.teams {
            messages.push(match range {
                Some((least, greatest)) => existing_ids::<MessageRow>(&team.lake, least, greatest).await?,
                None => HashSet::new(),
            });
        }
        let mut links: HashMap<usize, Vec<TagLinkRow>> = HashMap::new();
        let mut gone: HashMap<usize, Vec<TagLinkRow>> = HashMap::new();
        for (line, index, mut link, deleted) in std::mem::take(waiting) {
            let has_target = |team: usize| match link.kind {
                TargetKind::Message => messages[team].contains(&link.target),
                TargetKind::Chat => self.teams[team].sessions.has(link.target),
            };
            let key = (link.tag, link.kind, link.target);
            let outcome = if deleted {
                let was = self.teams[index].links.remove(&key).is_some();
                if was {
                    gone.entry(index).or_default().push(link);
                }
                Ok(if was { Novelty::Changed } else { Novelty::Unchanged })
            } else if !(0..self.teams.len()).any(|team| self.teams[team].tags.has(link.tag)) {
                Err(format!("no tag {}", link.tag))
            } else if !(0..self.teams.len()).any(has_target) {
                let what = if link.kind == TargetKind::Message { "message" } else { "session" };
                Err(format!("no {what} {}", link.target))
            } else {
                link.own = self.teams[index].tags.has(link.tag) && has_target(index);
                Ok(match self.teams[index].links.insert(key, link.own) {
                    Some(known) if known == link.own => Novelty::Unchanged,
                    known => {
                        links.entry(index).or_default().push(link);
                        if known.is_some() { Novelty::Changed } else { Novelty::New }
                    }
                })
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

    async fn traces(&mut self) -> Result<(), ImportError> {
        let Some(mut lines) = self.lines("traces")? else { return Ok(()) };
        let [c_id, c_session, c_experiment, c_at, c_duration] =
            lines.columns(["id", "session_id", "experiment_id", "timestamp", "duration_ms"])?;
        let c_status = lines.file.find("status");
        let mut waiting: HashMap<usize, Vec<TraceRow>> = HashMap::new();
        while let Some(line) = self.next(&mut lines) {
            let parsed = (|| {
                let duration = some_millis("duration_ms", line.field(c_duration))?;
                Ok(TraceRow {
                    id: id("id", line.field(c_id))?,
                    session: id("session_id", line.field(c_session))?,
                    experiment: some_id("experiment_id", line.field(c_experiment))?,
                    at: instant("timestamp", line.field(c_at))?,
                    duration_ms: duration.filter(|_| field(&line, c_status) != "pending"),
                })
            })();
            let outcome = match parsed {
                Ok(row) => match self.team_of_session(row.session).await? {
                    Ok(index) => self.put_trace(index, row, &mut waiting).await?,
                    Err(reason) => Err(reason),
                },
                Err(reason) => Err(reason),
            };
            self.settle("traces", line.line, outcome);
            for (team, rows) in &mut waiting {
                if rows.len() >= CHUNK {
                    let rows = super::team::last_of_each(std::mem::take(rows));
                    self.teams[*team].write(rows, false).await?;
                }
            }
        }
        for (team, rows) in waiting {
            self.teams[team].write(super::team::last_of_each(rows), false).await?;
        }
        Ok(())
    }

    async fn put_trace(
        &mut self,
        index: usize,
        row: TraceRow,
        waiting: &mut HashMap<usize, Vec<TraceRow>>,
    ) -> Result<Result<Novelty, Reason>, ImportError> {
        let team = &mut self.teams[index];
        if let Some(bot) = row.experiment.filter(|bot| !team.experiments.has(*bot)) {
            return Ok(Err(missing(team, "experiment", bot)));
        }
        let fingerprint = crate::store::Stored::fingerprint(&row);
        Ok(Ok(match team.traces().await?.insert(row.id, fingerprint) {
            Some(known) if known == fingerprint => Novelty::Unchanged,
            known => {
                waiting.entry(index).or_default().push(row);
                if known.is_some() { Novelty::Changed } else { Novelty::New }
            }
        }))
    }

    async fn usage(&mut self) -> Result<(), ImportError> {
        let Some(mut lines) = self.lines("usage")? else { return Ok(()) };
        let [c_team, c_source, c_kind, c_provider, c_model, c_quantity, c_cost, c_confidence] = lines.columns([
            "team_id",
            "source",
            "service_kind",
            "provider_type",
            "model_name",
            "quantity",
            "cost",
            "confidence",
        ])?;
        let [c_experiment, c_session, c_participant, c_trace, c_priced, c_at] =
            lines.columns(["experiment_id", "session_id", "participant_id", "trace_id", "priced", "timestamp"])?;
        // Records have no id: what tells two equal ones of a file apart is their count.
        let mut seen: HashMap<u64, u64> = HashMap::new();
        let mut waiting: HashMap<usize, Vec<UsageRow>> = HashMap::new();
        while let Some(line) = self.next(&mut lines) {
            let parsed = (|| {
                Ok((
                    id("team_id", line.field(c_team))?,
                    UsageRow {
                        key: 0,
                        at: instant("timestamp", line.field(c_at))?,
                        source: word("source", line.field(c_source))?,
                        service: word("service_kind", line.field(c_kind))?,
                        provider: line.field(c_provider).to_owned(),
                        model: line.field(c_model).to_owned(),
                        quantity: some_count("quantity", line.field(c_quantity))?,
                        cost: money("cost", line.field(c_cost))?,
                        confidence: word("confidence", line.field(c_confidence))?,
                        priced: truth("priced", line.field(c_priced))?,
                        experiment: some_id("experiment_id", line.field(c_experiment))?,
                        session: some_id("session_id", line.field(c_session))?,
                        participant: some_id("participant_id", line.field(c_participant))?,
                        trace: some_id("trace_id", line.field(c_trace))?,
                    },
                ))
            })();
            let outcome = match parsed {
                Ok((source, row)) => match self.team(source).await? {
                    Ok(index) => self.put_usage(index, row, &mut seen, &mut waiting).await?,
                    Err(reason) => Err(reason),
                },
                Err(reason) => Err(reason),
            };
            self.settle("usage", line.line, outcome);
        }
        for (team, rows) in waiting {
            self.teams[team].write(rows, false).await?;
        }
        Ok(())
    }

    async fn put_usage(
        &mut self,
        index: usize,
        mut row: UsageRow,
        seen: &mut HashMap<u64, u64>,
        waiting: &mut HashMap<usize, Vec<UsageRow>>,
    ) -> Result<Result<Novelty, Reason>, ImportError> {
        let team = &mut self.teams[index];
        if let Some(bot) = row.experiment.filter(|bot| !team.experiments.has(*bot)) {
            return Ok(Err(missing(team, "experiment", bot)));
        }
        if let Some(session) = row.session.filter(|session| !team.sessions.has(*session)) {
            return Ok(Err(missing(team, "session", session)));
        }
        if let Some(person) = row.participant.filter(|person| !team.participants.has(*person)) {
            return Ok(Err(missing(team, "participant", person)));
        }
        if let Some(trace) = row.trace
            && !team.traces().await?.contains_key(&trace)
        {
            return Ok(Err(missing(team, "trace", trace)));
        }
        let content = content_of(&row);
        let hash = xxhash_rust::xxh3::xxh3_64(content.as_bytes());
        let nth = seen.entry(hash ^ index as u64).or_default();
        *nth += 1;
        // The lake keeps signed numbers; the bits are what counts.
        row.key = xxhash_rust::xxh3::xxh3_64_with_seed(content.as_bytes(), *nth).cast_signed();
        Ok(Ok(if team.usage.insert(row.key) {
            waiting.entry(index).or_default().push(row);
            Novelty::New
        } else {
            Novelty::Unchanged
        }))
    }
}

fn missing(team: &ImportTeam, what: &str, id: i64) -> Reason {
    format!("team `{}` has no {what} {id}", team.control.team().slug)
}

/// A record's content as one text. It is part of stored identities: never change what it says of a record.
fn content_of(row: &UsageRow) -> String {
    let some = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    [
        row.at.to_string(),
        row.source.to_string(),
        row.service.to_string(),
        row.provider.clone(),
        row.model.clone(),
        some(row.quantity),
        row.cost.to_string(),
        row.confidence.to_string(),
        row.priced.to_string(),
        some(row.experiment),
        some(row.session),
        some(row.participant),
        some(row.trace),
    ]
    .join("\u{1f}")
}
