//! Usage records: what calls cost. A record that comes without a cost is priced here, once.

use hashbrown::HashMap;
use tallykeep_collect::CsvLine;

use super::{
    ImportError,
    fields::{id, instant, some_count, some_id, some_money, truth, word},
    import::{CHUNK, Run},
    report::Outcome,
    rows::columns,
    team::{ImportTeam, Novelty},
};
use crate::rows::UsageRow;

/// A record as it came: its cost may be for us to work out.
pub(super) struct NewUsage {
    /// `cost` and `priced` hold only where `cost` below is given.
    pub row: UsageRow,
    pub cost: Option<i64>,
}

impl Run<'_> {
    pub async fn usage(&mut self) -> Result<(), ImportError> {
        let rows = self.rows("usage", |file| {
            let [c_team, c_source, c_kind, c_provider, c_model, c_quantity, c_cost, c_confidence] = columns(
                file,
                ["team_id", "source", "service_kind", "provider_type", "model_name", "quantity", "cost", "confidence"],
            )?;
            let [c_experiment, c_session, c_participant, c_trace, c_priced, c_at] =
                columns(file, ["experiment_id", "session_id", "participant_id", "trace_id", "priced", "timestamp"])?;
            Ok(move |line: &CsvLine| {
                let cost = some_money("cost", line.field(c_cost))?;
                let row = UsageRow {
                    key: 0,
                    at: instant("timestamp", line.field(c_at))?,
                    source: word("source", line.field(c_source))?,
                    service: word("service_kind", line.field(c_kind))?,
                    provider: line.field(c_provider).to_owned(),
                    model: line.field(c_model).to_owned(),
                    quantity: some_count("quantity", line.field(c_quantity))?,
                    cost: cost.unwrap_or(0),
                    confidence: word("confidence", line.field(c_confidence))?,
                    priced: truth("priced", line.field(c_priced))?,
                    experiment: some_id("experiment_id", line.field(c_experiment))?,
                    session: some_id("session_id", line.field(c_session))?,
                    participant: some_id("participant_id", line.field(c_participant))?,
                    trace: some_id("trace_id", line.field(c_trace))?,
                };
                Ok((id("team_id", line.field(c_team))?, NewUsage { row, cost }))
            })
        })?;
        let Some(mut rows) = rows else { return Ok(()) };
        // Records have no id: what tells two equal ones of a file apart is their count.
        let mut seen: HashMap<u64, u64> = HashMap::new();
        while let Some(batch) = rows.next().await? {
            self.report.read("usage", batch.len());
            for (line, parsed) in batch {
                let outcome = match parsed {
                    Ok((source, record)) => match self.team(source).await? {
                        Ok(index) => self.put_usage(index, record, &mut seen).await?,
                        Err(reason) => Err(reason),
                    },
                    Err(reason) => Err(reason),
                };
                self.settle("usage", line, outcome);
            }
            for team in self.teams.iter_mut().filter(|team| team.waiting_usage.len() >= CHUNK) {
                team.write_usage().await?;
            }
        }
        for team in &mut self.teams {
            team.write_usage().await?;
        }
        Ok(())
    }

    async fn put_usage(
        &mut self,
        index: usize,
        mut record: NewUsage,
        seen: &mut HashMap<u64, u64>,
    ) -> Result<Outcome, ImportError> {
        let team = &mut self.teams[index];
        if let Err(reason) = team.must_know(&record.row) {
            return Ok(Err(reason));
        }
        if let Err(reason) = team.must_have_trace(record.row.trace).await? {
            return Ok(Err(reason));
        }
        let content = content_of(&record);
        let hash = xxhash_rust::xxh3::xxh3_64(content.as_bytes());
        let nth = seen.entry(hash ^ index as u64).or_default();
        *nth += 1;
        // The lake keeps signed numbers; the bits are what counts.
        record.row.key = xxhash_rust::xxh3::xxh3_64_with_seed(content.as_bytes(), *nth).cast_signed();
        Ok(Ok(if team.usage().await?.insert(record.row.key) {
            team.wait_usage(record);
            Novelty::New
        } else {
            Novelty::Unchanged
        }))
    }
}

impl ImportTeam {
    /// Whether the bot, session and person of a record are this team's.
    pub(super) fn must_know(&self, row: &UsageRow) -> Result<(), String> {
        self.must_have_experiment(row.experiment)?;
        self.must_have_session(row.session)?;
        self.must_have_participant(row.participant)
    }

    async fn must_have_trace(&mut self, id: Option<i64>) -> Result<Result<(), String>, ImportError> {
        let Some(id) = id else { return Ok(Ok(())) };
        let known = self.traces().await?.contains_key(&id);
        Ok(if known { Ok(()) } else { Err(self.missing("trace", id)) })
    }

    /// Lets a record wait to be written. Without a cost it gets the one the team's price rules give at its instant.
    pub(super) fn wait_usage(&mut self, NewUsage { mut row, cost }: NewUsage) {
        if cost.is_none() {
            self.prices.price(&mut row);
        }
        self.waiting_usage.push(row);
    }

    pub(super) async fn write_usage(&mut self) -> Result<(), ImportError> {
        let rows = super::team::last_of_each(std::mem::take(&mut self.waiting_usage));
        self.write(rows, false).await
    }
}

/// A record's content as one text. It is part of stored identities: never change what it says of a record.
fn content_of(record: &NewUsage) -> String {
    let row = &record.row;
    let some = |value: Option<i64>| value.map(|value| value.to_string()).unwrap_or_default();
    [
        row.at.to_string(),
        row.source.to_string(),
        row.service.to_string(),
        row.provider.clone(),
        row.model.clone(),
        some(row.quantity),
        some(record.cost),
        row.confidence.to_string(),
        row.priced.to_string(),
        some(row.experiment),
        some(row.session),
        some(row.participant),
        some(row.trace),
    ]
    .join("\u{1f}")
}
