//! Traces: turns of bots.

use tallykeep_collect::CsvLine;

use super::{
    ImportError,
    fields::{id, instant, some_id, some_millis},
    import::{CHUNK, Run},
    report::Outcome,
    rows::{columns, field},
    team::{ImportTeam, Novelty},
};
use crate::{rows::TraceRow, store::Stored};

/// A trace with this status goes on: it has no duration yet, whatever its column says.
pub(super) const PENDING: &str = "pending";

impl Run<'_> {
    pub async fn traces(&mut self) -> Result<(), ImportError> {
        let rows = self.rows("traces", |file| {
            let [c_id, c_session, c_experiment, c_at, c_duration] =
                columns(file, ["id", "session_id", "experiment_id", "timestamp", "duration_ms"])?;
            let c_status = file.find("status");
            Ok(move |line: &CsvLine| {
                let duration = some_millis("duration_ms", line.field(c_duration))?;
                Ok(TraceRow {
                    id: id("id", line.field(c_id))?,
                    session: id("session_id", line.field(c_session))?,
                    experiment: some_id("experiment_id", line.field(c_experiment))?,
                    at: instant("timestamp", line.field(c_at))?,
                    duration_ms: duration.filter(|_| field(line, c_status) != PENDING),
                })
            })
        })?;
        let Some(mut rows) = rows else { return Ok(()) };
        while let Some(batch) = rows.next().await? {
            self.report.read("traces", batch.len());
            for (line, parsed) in batch {
                let outcome = match parsed {
                    Ok(row) => match self.team_of_session(row.session).await? {
                        Ok(index) => self.teams[index].put_trace(row).await?,
                        Err(reason) => Err(reason),
                    },
                    Err(reason) => Err(reason),
                };
                self.settle("traces", line, outcome);
            }
            for team in self.teams.iter_mut().filter(|team| team.waiting_traces.len() >= CHUNK) {
                team.write_traces().await?;
            }
        }
        for team in &mut self.teams {
            team.write_traces().await?;
        }
        Ok(())
    }
}

impl ImportTeam {
    /// Takes a trace in; it waits to be written unless it is there already. Its session is known to be this team's.
    pub(super) async fn put_trace(&mut self, row: TraceRow) -> Result<Outcome, ImportError> {
        if let Err(reason) = self.must_have_experiment(row.experiment) {
            return Ok(Err(reason));
        }
        let fingerprint = row.fingerprint();
        Ok(Ok(match self.traces().await?.insert(row.id, fingerprint) {
            Some(known) if known == fingerprint => Novelty::Unchanged,
            known => {
                self.waiting_traces.push(row);
                if known.is_some() { Novelty::Changed } else { Novelty::New }
            }
        }))
    }

    pub(super) async fn write_traces(&mut self) -> Result<(), ImportError> {
        let rows = super::team::last_of_each(std::mem::take(&mut self.waiting_traces));
        self.write(rows, false).await
    }
}
