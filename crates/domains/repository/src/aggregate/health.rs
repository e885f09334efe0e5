//! Whether a run may go on: the memory it takes, and whether the stores answer (seed 000; spec/invenio §4.6, §12).

use std::{
    sync::{Mutex, PoisonError},
    time::{Duration, Instant},
};

use sysinfo::{ProcessRefreshKind, ProcessesToUpdate, RefreshKind, System};

use super::{AggregateProgress, Watch};
use crate::{Settings, TeamRepository};

/// How long the control database may take to answer.
const PATIENCE: Duration = Duration::from_secs(5);
/// A reading of the memory is good for so long: days go by in microseconds, and asking the system takes some twenty of them.
const FRESH: Duration = Duration::from_millis(5);

/// Bytes of memory this process takes, at most five milliseconds ago; `None` where the system does not tell.
pub fn memory_in_use() -> Option<u64> {
    static LAST: Mutex<Option<(Instant, System, u64)>> = Mutex::new(None);
    let me = sysinfo::get_current_pid().ok()?;
    // A panic elsewhere leaves the reading as valid as it was.
    let mut last = LAST.lock().unwrap_or_else(PoisonError::into_inner);
    let now = Instant::now();
    let mut system = match last.take() {
        Some((at, system, used)) if now.duration_since(at) < FRESH => {
            *last = Some((at, system, used));
            return Some(used);
        }
        Some((_, system, _)) => system,
        None => System::new_with_specifics(RefreshKind::nothing()),
    };
    let memory = ProcessRefreshKind::nothing().with_memory();
    system.refresh_processes_specifics(ProcessesToUpdate::Some(&[me]), false, memory);
    let used = system.process(me)?.memory();
    *last = Some((now, system, used));
    Some(used)
}

/// Looks after a run: whether somebody wants it to end, and the memory it takes.
pub(super) struct Care<'a, 'w> {
    watch: &'a mut Watch<'w>,
    /// Where the bytes that are taken come from.
    reading: fn() -> Option<u64>,
    /// Bytes this process may take.
    budget: u64,
    total: u64,
    unwell: Option<String>,
}

impl<'a, 'w> Care<'a, 'w> {
    /// The budget is `COMMUNITY_STATS_MEM_BUDGET_BYTES`, else the share `COMMUNITY_STATS_MEM_HIGH_WATER_PERCENT` of the machine's (or the
    /// container's) memory.
    pub fn new(settings: &Settings, reading: fn() -> Option<u64>, watch: &'a mut Watch<'w>) -> Self {
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
        Self { watch, reading, budget, total, unwell: None }
    }

    /// Between days: whether there is memory to go on. Once there was none, it stays so.
    pub fn day(&mut self) -> bool {
        if self.unwell.is_none() {
            self.unwell = (self.reading)().filter(|used| *used > self.budget).map(|used| {
                let percent = used.saturating_mul(100).checked_div(self.total).unwrap_or(0);
                format!("Memory usage too high: {percent}% ({used} bytes; the budget is {} bytes)", self.budget)
            });
        }
        self.unwell.is_none()
    }

    /// Before a commit: tells who watches how far the run is. Answers whether it goes on.
    pub fn step(&mut self, progress: AggregateProgress) -> bool {
        (self.watch)(progress) && self.day()
    }

    /// Between commits: whether both stores answer and there is memory to go on.
    pub async fn well(&mut self, repository: &TeamRepository) -> bool {
        if self.unwell.is_none() {
            self.unwell = repository.stores_answer().await.err();
        }
        self.day()
    }

    /// Why the run should end, if it should.
    pub fn reason(&self) -> Option<&str> {
        self.unwell.as_deref()
    }
}

impl TeamRepository {
    /// Why the stores cannot be worked with, if they cannot.
    async fn stores_answer(&self) -> Result<(), String> {
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
