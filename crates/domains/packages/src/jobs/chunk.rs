//! One question to a source, and what became of it: shared by refreshes and backfills.

use jiff::civil::Date;
use tallykeep_collect::CollectError;

use super::{Jobs, MetricOutcome, Run, outcome_of};
use crate::{
    collectors::DailySource,
    config::Metric,
    settle::{Settled, settle},
};

/// What is asked for in one call.
pub(crate) struct Chunk<'a> {
    pub metric: &'a Metric,
    pub source: &'static dyn DailySource,
    pub from: Date,
    pub to: Date,
    /// More may be asked for than the source keeps: days before its answer begins are beyond its window, not gaps in it.
    pub is_window: bool,
}

impl Jobs {
    /// Asks, settles `days` against the answer, and notes pending days, gaps and refused counts. `None` when the source gave no
    /// usable answer, which is noted too.
    pub(crate) async fn fetch(
        &self,
        run: &mut Run,
        outcome: &mut MetricOutcome,
        chunk: &Chunk<'_>,
        days: &[Date],
    ) -> Option<Settled> {
        let Chunk { metric, source, from, to, is_window } = chunk;
        let fetched = match source.daily(&self.asker, &metric.subject, *from, *to).await {
            Ok(fetched) => fetched,
            Err(error) => {
                self.refused(run, outcome, &error);
                return None;
            }
        };
        let absent = self.config.refresh.absent_days;
        let mut settled = settle(&fetched, days, self.latest(), source.about().reach, absent, metric.absent_means_zero);
        if *is_window {
            let start = fetched.span().map(|span| span.0);
            settled.gaps.retain(|day| start.is_none_or(|start| *day > start));
        }
        for reason in &settled.refused {
            run.error(&self.say, &metric.id, &format!("{}: {reason}", source.about().upstream.name));
        }
        outcome.notes.extend(fetched.notes);
        outcome.pending.extend(settled.pending.iter().copied());
        outcome.gaps.extend(settled.gaps.iter().copied());
        Some(settled)
    }

    /// An upstream gave no answer about a metric. That is an error of the run, unless the upstream has said for days that the
    /// thing does not exist: then it is a known fact with an open alert, told as a note, and no longer makes runs partial.
    pub(crate) fn refused(&self, run: &mut Run, outcome: &mut MetricOutcome, error: &CollectError) {
        outcome_of(error).clone_into(&mut outcome.outcome);
        outcome.try_again_at = error.try_again_at();
        match run.known_gone.get(&outcome.metric_id).filter(|_| error.is_not_found()) {
            Some(since) => {
                let note = format!("not found since {}: {error}", since.strftime("%Y-%m-%d"));
                (self.say)(&format!("[{}] note: {}: {note}", run.job, outcome.metric_id));
                outcome.notes.push(note);
            }
            None => run.error(&self.say, &outcome.metric_id, &error.to_string()),
        }
    }
}

impl MetricOutcome {
    pub(crate) fn of(metric: &Metric) -> Self {
        Self { metric_id: metric.id.clone(), outcome: "ok".to_owned(), ..Self::default() }
    }

    /// A metric without an error is as good as its days.
    pub(crate) fn settle(&mut self) {
        if self.outcome == "ok" && !self.gaps.is_empty() {
            self.outcome = "gaps".to_owned();
        } else if self.outcome == "ok" && !self.pending.is_empty() {
            self.outcome = "pending".to_owned();
        }
    }
}
