//! Sessions.

use tallykeep_collect::CsvLine;

use super::{
    ImportError,
    fields::{id, instant, some_id, some_instant, some_word, truth, word},
    import::{CHUNK, Run},
    rows::{columns, field},
    team::Novelty,
};
use crate::rows::SessionRow;

impl Run<'_> {
    pub async fn sessions(&mut self) -> Result<(), ImportError> {
        let rows = self.rows("sessions", |file| {
            let [c_id, c_team, c_experiment, c_participant, c_platform, c_status, c_created, c_ended] = columns(
                file,
                ["id", "team_id", "experiment_id", "participant_id", "platform", "status", "created_at", "ended_at"],
            )?;
            let c_deleted = file.find("deleted");
            Ok(move |line: &CsvLine| {
                let row = SessionRow {
                    id: id("id", line.field(c_id))?,
                    experiment: id("experiment_id", line.field(c_experiment))?,
                    participant: some_id("participant_id", line.field(c_participant))?,
                    platform: some_word("platform", line.field(c_platform))?,
                    status: word("status", line.field(c_status))?,
                    created_at: instant("created_at", line.field(c_created))?,
                    ended_at: some_instant("ended_at", line.field(c_ended))?,
                };
                Ok((id("team_id", line.field(c_team))?, row, truth("deleted", field(line, c_deleted))?))
            })
        })?;
        let Some(mut rows) = rows else { return Ok(()) };
        let mut held = 0;
        while let Some(batch) = rows.next().await? {
            self.report.read("sessions", batch.len());
            held += batch.len();
            for (line, parsed) in batch {
                let outcome = match parsed {
                    Ok((source, row, deleted)) => self.team(source).await?.and_then(|index| {
                        let team = &mut self.teams[index];
                        if deleted { Ok(team.remove_session(row)) } else { team.put_session(row) }
                    }),
                    Err(reason) => Err(reason),
                };
                self.settle("sessions", line, outcome);
            }
            if held >= CHUNK {
                self.write_sessions().await?;
                held = 0;
            }
        }
        self.write_sessions().await
    }

    async fn write_sessions(&mut self) -> Result<(), ImportError> {
        for team in &mut self.teams {
            team.write_sessions().await?;
        }
        Ok(())
    }
}

impl super::team::ImportTeam {
    /// Takes a session in. Errors: a bot or person that is not this team's.
    pub(super) fn put_session(&mut self, row: SessionRow) -> super::report::Outcome {
        self.must_have_experiment(Some(row.experiment))?;
        self.must_have_participant(row.participant)?;
        Ok(self.sessions.put(row))
    }

    /// Takes a session out.
    pub(super) fn remove_session(&mut self, row: SessionRow) -> Novelty {
        let novelty = self.sessions.remove(row.id);
        if novelty == Novelty::Changed {
            self.gone_sessions.push(row);
        }
        novelty
    }

    /// Writes what waits. A session that came and went is gone: goings are written last.
    pub(super) async fn write_sessions(&mut self) -> Result<(), ImportError> {
        let rows = self.sessions.take();
        self.write(rows, false).await?;
        let gone = super::team::last_of_each(std::mem::take(&mut self.gone_sessions));
        let gone: Vec<SessionRow> = gone.into_iter().filter(|row| !self.sessions.has(row.id)).collect();
        self.write(gone, true).await
    }
}
