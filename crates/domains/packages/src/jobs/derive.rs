//! `derive_dashboard`: rollups and signals from what is stored (spec/packages §11). Never touches observations.

use indexmap::IndexMap;
use serde_json::json;
use tallykeep_control::{
    ControlError,
    packages::{RunStatus, SignalRow},
};

use super::{JobError, Jobs, Report};
use crate::{
    anomalies::{collection_gaps, gap_days},
    days::before,
    index::Reader,
    rollups::rollups,
    signals::signals,
};

impl Jobs {
    /// Rebuilds rollups and signals as of the latest completed day.
    pub async fn derive_dashboard(&self) -> Result<Report, JobError> {
        let guard = self.store.writer("derive_dashboard").await?;
        let report = self.derive_held(None).await;
        guard.release().await?;
        report
    }

    pub(crate) async fn derive_held(&self, run_id: Option<String>) -> Result<Report, JobError> {
        let mut run = self.start("derive_dashboard", run_id).await?;
        run.tried = 1;
        let index = Reader::new(self.store.clone()).index().await?;
        let (latest, now) = (self.latest(), self.clock.now());
        let rollups = rollups(&index, latest, now);
        let gaps = gap_days(&collection_gaps(&index, before(latest, 179), latest));
        let found = signals(&rollups, &self.config, &index, &gaps, now);
        let rollup_rows = rollups
            .iter()
            .map(|rollup| Ok((rollup.rollup_id.clone(), serde_json::to_value(rollup)?)))
            .collect::<Result<Vec<_>, serde_json::Error>>()
            .map_err(ControlError::from)?;
        let signal_rows = found
            .signals
            .iter()
            .map(|signal| {
                Ok(SignalRow {
                    signal_id: signal.signal_id.clone(),
                    score: signal.score,
                    document: serde_json::to_value(signal)?,
                })
            })
            .collect::<Result<Vec<_>, serde_json::Error>>()
            .map_err(ControlError::from)?;
        self.store.replace_derived(&rollup_rows, &signal_rows).await?;
        for signal in &found.suppressed {
            (self.say)(&format!("[derive_dashboard] not raised, a collection gap explains it: {}", signal.title));
        }
        run.extra = IndexMap::from([
            ("rollups".to_owned(), json!(rollup_rows.len())),
            ("signals".to_owned(), json!(signal_rows.len())),
            ("suppressed_signals".to_owned(), json!(found.suppressed)),
            ("collection_gap_days".to_owned(), json!(gaps)),
        ]);
        let report = self.finish(run).await?;
        debug_assert_ne!(report.status, RunStatus::Running);
        Ok(report)
    }
}
