//! The import: each file in turn, parents first.

use std::path::Path;

use hashbrown::HashMap;
use tallykeep_collect::{CsvFile, CsvLine, LineError};
use tallykeep_control::Control;
use tallykeep_lake::Lake;
use tallykeep_model::{Team, TeamSlug};

use super::{
    Folder, ImportError, ImportReport,
    fields::{Reason, id, required},
    report::Outcome,
    rows::{Rows, columns, field},
    team::{ImportTeam, Novelty},
};

/// How to import.
#[derive(Debug, Clone, Default)]
pub struct ImportOptions {
    /// The team meant where an id could mean several.
    pub team: Option<TeamSlug>,
}

/// At most this many rows wait in memory to be written.
pub(super) const CHUNK: usize = 400_000;

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

/// One import of files.
pub(super) struct Run<'a> {
    pub control: &'a Control,
    pub lake: &'a Lake,
    pub options: &'a ImportOptions,
    folder: Folder,
    pub report: ImportReport,
    on_reject: &'a mut (dyn FnMut(&LineError) + Send),
    pub teams: Vec<ImportTeam>,
    /// What an id in the files means: a team, or why none.
    by_source: HashMap<i64, Result<usize, Reason>>,
}

impl Run<'_> {
    /// The rows of a file; `None` when it is not there.
    pub fn rows<T, P>(
        &mut self,
        kind: &'static str,
        columns: impl FnOnce(&CsvFile) -> Result<P, ImportError>,
    ) -> Result<Option<Rows<T>>, ImportError>
    where
        T: Send + 'static,
        P: FnMut(&CsvLine) -> Result<T, Reason> + Send + 'static,
    {
        let Some(path) = self.folder.find(kind) else { return Ok(None) };
        self.report.read(kind, 0);
        Rows::open(&path, columns).map(Some)
    }

    pub fn reject(&mut self, kind: &'static str, line: u64, reason: Reason) {
        let error = LineError { file: format!("{kind}.csv"), line, reason };
        self.report.reject(kind, error, self.on_reject);
    }

    pub fn settle(&mut self, kind: &'static str, line: u64, outcome: Outcome) {
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
    pub async fn team(&mut self, source: i64) -> Result<Result<usize, Reason>, ImportError> {
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

    /// The team a session belongs to: one of this import's, else any team with chats.
    pub async fn team_of_session(&mut self, session: i64) -> Result<Result<usize, Reason>, ImportError> {
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

    async fn teams(&mut self) -> Result<(), ImportError> {
        let rows = self.rows("teams", |file| {
            let [c_id, c_slug] = columns(file, ["id", "slug"])?;
            let c_name = file.find("name");
            Ok(move |line: &CsvLine| {
                let slug: TeamSlug =
                    required("slug", line.field(c_slug))?.parse().map_err(|e| format!("`slug`: {e}"))?;
                Ok((id("id", line.field(c_id))?, slug, field(line, c_name).to_owned()))
            })
        })?;
        let Some(mut rows) = rows else { return Ok(()) };
        while let Some(batch) = rows.next().await? {
            self.report.read("teams", batch.len());
            for (line, parsed) in batch {
                let outcome = match parsed {
                    Ok((source, slug, name)) => self.put_team(source, &slug, &name).await?,
                    Err(reason) => Err(reason),
                };
                self.settle("teams", line, outcome);
            }
        }
        Ok(())
    }

    async fn put_team(&mut self, source: i64, slug: &TeamSlug, name: &str) -> Result<Outcome, ImportError> {
        if let Some(Ok(other)) = self.by_source.get(&source) {
            let known = &self.teams[*other].control.team().slug;
            if known != slug {
                return Ok(Err(format!("team {source} is `{known}` already")));
            }
        }
        let (team, novelty) = match self.control.find_team(slug).await? {
            Some(team) => (team, Novelty::Unchanged),
            None => {
                let name = if name.is_empty() { slug.as_str() } else { name };
                (self.control.add_team(slug, name).await?, Novelty::New)
            }
        };
        let index = self.open(team).await?;
        self.teams[index].control.chat_add_source(source).await?;
        self.by_source.insert(source, Ok(index));
        Ok(Ok(novelty))
    }
}
