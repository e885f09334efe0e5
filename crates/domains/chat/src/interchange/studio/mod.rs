//! Chats straight from the application's own PostgreSQL database: read-only, resumable, incremental.
//!
//! Tables that are small, or change without saying when, are read whole and compared. Sessions, messages, traces and usage records
//! are read from where the last run ended (a bookmark per kind, moved after every page that is safely written), and rows changed since
//! then once more. A run that dies is repeated from its last page: what was written already is recognised. Nothing of a team is shown
//! before all of it that this run found is in.

mod kinds;
mod sweep;

use tallykeep_collect::LineError;
use tallykeep_control::{
    Control,
    foreign::open_chat_studio::{OpenChatStudio, StudioTeam},
};
use tallykeep_lake::Lake;
use tallykeep_model::TeamSlug;

use super::{ImportError, ImportReport, report::Outcome, team::ImportTeam};

/// How to import.
#[derive(Debug, Clone)]
pub struct StudioOptions {
    /// Teams by slug; all where empty.
    pub teams: Vec<TeamSlug>,
    /// Read everything again, and take out what the database no longer has.
    pub full: bool,
    /// Rows read and written at a time.
    pub page: usize,
}

impl Default for StudioOptions {
    fn default() -> Self {
        Self { teams: Vec::new(), full: false, page: 100_000 }
    }
}

/// A page that is safely written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StudioProgress {
    pub team: TeamSlug,
    pub kind: &'static str,
    /// Rows of this kind read so far in this run.
    pub rows: u64,
}

/// Imports the teams of an Open Chat Studio database, each under its own slug (added when absent).
///
/// Errors: a database that cannot be reached or is none of that application's, a team that is not there, a store that fails, `Busy`.
pub async fn import_studio(
    control: &Control,
    lake: &Lake,
    url: &str,
    options: &StudioOptions,
    on_reject: &mut (dyn FnMut(&LineError) + Send),
    on_progress: &mut (dyn FnMut(&StudioProgress) + Send),
) -> Result<ImportReport, ImportError> {
    let mut source = OpenChatStudio::open(url).await?;
    let teams = wanted(&mut source, &options.teams).await?;
    let mut report = ImportReport::default();
    for (studio_team, slug) in teams {
        report.read("teams", 1);
        let (team, novelty) = match control.find_team(&slug).await? {
            Some(team) => (team, super::team::Novelty::Unchanged),
            None => {
                let name = if studio_team.name.is_empty() { slug.as_str() } else { &studio_team.name };
                (control.add_team(&slug, name).await?, super::team::Novelty::New)
            }
        };
        report.novelty("teams", novelty, 1);
        let team = ImportTeam::open(control.for_team(team), lake.team(&slug)).await?;
        team.control.chat_add_source(studio_team.id).await?;
        let mut run = Run {
            source: &mut source,
            options,
            source_team: studio_team.id,
            slug: slug.clone(),
            team,
            report: &mut report,
            on_reject,
            on_progress,
        };
        run.everything().await?;
        run.team.finish().await?;
        report.teams.push(slug.to_string());
    }
    source.close().await;
    Ok(report)
}

/// The teams that were asked for, with the names they have here.
async fn wanted(source: &mut OpenChatStudio, slugs: &[TeamSlug]) -> Result<Vec<(StudioTeam, TeamSlug)>, ImportError> {
    let at = source.name().to_owned();
    let there = source.teams().await?;
    if let Some(team) = slugs.iter().find(|slug| there.iter().all(|team| team.slug != slug.as_str())) {
        let known: Vec<String> = there.iter().map(|team| format!("`{}`", team.slug)).collect();
        return Err(ImportError::NoSuchTeam { at, team: team.to_string(), known: known.join(", ") });
    }
    let mut found = Vec::new();
    for team in there {
        if !slugs.is_empty() && slugs.iter().all(|slug| team.slug != slug.as_str()) {
            continue;
        }
        let slug: TeamSlug = team.slug.parse().map_err(|error| ImportError::TeamName {
            at: at.clone(),
            slug: team.slug.clone(),
            reason: format!("{error}"),
        })?;
        found.push((team, slug));
    }
    Ok(found)
}

/// The import of one team.
struct Run<'a> {
    source: &'a mut OpenChatStudio,
    options: &'a StudioOptions,
    source_team: i64,
    slug: TeamSlug,
    team: ImportTeam,
    report: &'a mut ImportReport,
    on_reject: &'a mut (dyn FnMut(&LineError) + Send),
    on_progress: &'a mut (dyn FnMut(&StudioProgress) + Send),
}

impl Run<'_> {
    async fn everything(&mut self) -> Result<(), ImportError> {
        self.experiments().await?;
        self.channels().await?;
        self.participants().await?;
        self.tags().await?;
        self.sessions().await?;
        self.messages().await?;
        self.tag_links().await?;
        if self.source.has_traces() {
            self.traces().await?;
        }
        if self.source.has_usage() {
            self.usage().await?;
        }
        Ok(())
    }

    fn settle(&mut self, kind: &'static str, id: i64, outcome: Outcome) {
        match outcome {
            Ok(novelty) => self.report.novelty(kind, novelty, 1),
            Err(reason) => self.reject(kind, id, reason),
        }
    }

    fn reject(&mut self, kind: &'static str, id: i64, reason: String) {
        let error = LineError { file: format!("{}/{kind}", self.slug), line: id.unsigned_abs(), reason };
        self.report.reject(kind, error, self.on_reject);
    }

    fn progressed(&mut self, kind: &'static str, rows: u64) {
        (self.on_progress)(&StudioProgress { team: self.slug.clone(), kind, rows });
    }
}
