//! Whether a run may go on: the memory it takes, and whether the stores answer (seed 000; spec/invenio §4.6, §12).

use std::time::Duration;

use sysinfo::{Pid, ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

use crate::{Settings, TeamRepository};

/// How long the control database may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);

/// Looks at this process's memory.
pub(crate) struct Health {
    system: System,
    me: Option<Pid>,
    /// Bytes this process may take.
    budget: u64,
    total: u64,
}

impl Health {
    /// The budget is `COMMUNITY_STATS_MEM_BUDGET_BYTES`, else the share `COMMUNITY_STATS_MEM_HIGH_WATER_PERCENT` of the machine's (or the
    /// container's) memory.
    pub(crate) fn new(settings: &Settings) -> Self {
        let mut system = System::new_with_specifics(RefreshKind::nothing());
        system.refresh_memory();
        let machine = system.total_memory();
        let total = system.cgroup_limits().map_or(machine, |limits| limits.total_memory.min(machine));
        #[expect(
            clippy::cast_precision_loss,
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a share of the memory"
        )]
        let share = (total as f64 * settings.memory_share) as u64;
        let budget = settings.memory_budget.unwrap_or(share);
        Self { system, me: sysinfo::get_current_pid().ok(), budget, total }
    }

    /// Why the run should stop, if it should.
    pub(crate) fn memory(&mut self) -> Result<(), String> {
        let Some(me) = self.me else { return Ok(()) };
        self.system.refresh_processes_specifics(
            ProcessesToUpdate::Some(&[me]),
            false,
            ProcessRefreshKind::nothing().with_memory(),
        );
        let used = self.system.process(me).map_or(0, sysinfo::Process::memory);
        if used <= self.budget {
            return Ok(());
        }
        let percent = used.saturating_mul(100).checked_div(self.total).unwrap_or(0);
        Err(format!("Memory usage too high: {percent}% ({used} bytes; the budget is {} bytes)", self.budget))
    }
}

impl TeamRepository {
    /// Why the stores cannot be worked with, if they cannot.
    pub(crate) async fn stores_answer(&self) -> Result<(), String> {
        match tokio::time::timeout(PATIENCE, self.control.watermark("registry", "agg")).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => return Err(format!("the control database does not answer: {error}")),
            Err(_) => return Err(format!("the control database did not answer within {} s", PATIENCE.as_secs())),
        }
        match tokio::time::timeout(PATIENCE, self.lake.table(&crate::tables::RECORDS).view()).await {
            Ok(Ok(_)) => Ok(()),
            Ok(Err(error)) => Err(format!("the lake does not answer: {error}")),
            Err(_) => Err(format!("the lake did not answer within {} s", PATIENCE.as_secs())),
        }
    }
}
