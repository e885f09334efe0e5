//! Bots, channels, people and tags: what sessions and messages point at.

use tallykeep_collect::CsvLine;

use super::{
    ImportError,
    fields::{id, required, some_id, some_instant, truth, word},
    import::Run,
    report::Outcome,
    rows::{Rows, columns, field},
    team::ImportTeam,
};
use crate::rows::*;

impl Run<'_> {
    /// Puts rows that name their team into it.
    async fn put_each<T: Send + 'static>(
        &mut self,
        kind: &'static str,
        rows: Option<Rows<(i64, T)>>,
        put: impl Fn(&mut ImportTeam, T) -> Outcome,
    ) -> Result<(), ImportError> {
        let Some(mut rows) = rows else { return Ok(()) };
        while let Some(batch) = rows.next().await? {
            self.report.read(kind, batch.len());
            for (line, parsed) in batch {
                let outcome = match parsed {
                    Ok((source, row)) => self.team(source).await?.and_then(|team| put(&mut self.teams[team], row)),
                    Err(reason) => Err(reason),
                };
                self.settle(kind, line, outcome);
            }
        }
        Ok(())
    }

    pub async fn experiments(&mut self) -> Result<(), ImportError> {
        let rows = self.rows("experiments", |file| {
            let [c_id, c_team, c_name, c_archived, c_version] =
                columns(file, ["id", "team_id", "name", "is_archived", "working_version_id"])?;
            Ok(move |line: &CsvLine| {
                let row = ExperimentRow {
                    id: id("id", line.field(c_id))?,
                    name: line.field(c_name).to_owned(),
                    archived: truth("is_archived", line.field(c_archived))?,
                    working_version: some_id("working_version_id", line.field(c_version))?,
                };
                Ok((id("team_id", line.field(c_team))?, row))
            })
        })?;
        self.put_each("experiments", rows, |team, row| Ok(team.experiments.put(row))).await
    }

    pub async fn channels(&mut self) -> Result<(), ImportError> {
        let rows = self.rows("channels", |file| {
            let [c_id, c_team, c_experiment, c_platform, c_deleted] =
                columns(file, ["id", "team_id", "experiment_id", "platform", "deleted"])?;
            Ok(move |line: &CsvLine| {
                let row = ChannelRow {
                    id: id("id", line.field(c_id))?,
                    experiment: some_id("experiment_id", line.field(c_experiment))?,
                    platform: word("platform", line.field(c_platform))?,
                    deleted: truth("deleted", line.field(c_deleted))?,
                };
                Ok((id("team_id", line.field(c_team))?, row))
            })
        })?;
        self.put_each("channels", rows, ImportTeam::put_channel).await
    }

    pub async fn participants(&mut self) -> Result<(), ImportError> {
        let rows = self.rows("participants", |file| {
            let [c_id, c_team, c_name, c_identifier, c_platform] =
                columns(file, ["id", "team_id", "name", "identifier", "platform"])?;
            let c_created = file.find("created_at");
            Ok(move |line: &CsvLine| {
                let row = ParticipantRow {
                    id: id("id", line.field(c_id))?,
                    name: line.field(c_name).to_owned(),
                    identifier: line.field(c_identifier).to_owned(),
                    platform: word("platform", line.field(c_platform))?,
                    created_at: some_instant("created_at", field(line, c_created))?,
                };
                Ok((id("team_id", line.field(c_team))?, row))
            })
        })?;
        self.put_each("participants", rows, |team, row| Ok(team.participants.put(row))).await
    }

    pub async fn tags(&mut self) -> Result<(), ImportError> {
        let rows = self.rows("tags", |file| {
            let [c_id, c_team, c_name, c_category] = columns(file, ["id", "team_id", "name", "category"])?;
            Ok(move |line: &CsvLine| {
                let row = TagRow {
                    id: id("id", line.field(c_id))?,
                    name: required("name", line.field(c_name))?.to_owned(),
                    category: line.field(c_category).to_owned(),
                };
                Ok((id("team_id", line.field(c_team))?, row))
            })
        })?;
        self.put_each("tags", rows, |team, row| Ok(team.tags.put(row))).await
    }
}
