//! What an import did.

use std::collections::BTreeMap;

use serde::Serialize;
use tallykeep_collect::LineError;

use super::{fields::Reason, team::Novelty};

/// Lines of one kind; `read` is the sum of the others.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Counts {
    pub read: u64,
    pub new: u64,
    /// An id that was there with other values; they were replaced.
    pub changed: u64,
    pub unchanged: u64,
    pub rejected: u64,
}

/// What an import did.
#[derive(Debug, Clone, Default, Serialize)]
pub struct ImportReport {
    /// By file name without ending; only files that were there.
    pub kinds: BTreeMap<&'static str, Counts>,
    pub total: Counts,
    /// Slugs of the teams that were written to or compared with.
    pub teams: Vec<String>,
    /// The first 1,000 lines that could not be used.
    pub rejects: Vec<LineError>,
}

const KEPT_REJECTS: usize = 1_000;

impl ImportReport {
    fn count(&mut self, kind: &'static str, change: impl Fn(&mut Counts)) {
        change(self.kinds.entry(kind).or_default());
        change(&mut self.total);
    }

    pub(super) fn read(&mut self, kind: &'static str, n: usize) {
        self.count(kind, |counts| counts.read += n as u64);
    }

    pub(super) fn novelty(&mut self, kind: &'static str, novelty: Novelty, n: u64) {
        self.count(kind, |counts| {
            *match novelty {
                Novelty::New => &mut counts.new,
                Novelty::Changed => &mut counts.changed,
                Novelty::Unchanged => &mut counts.unchanged,
            } += n;
        });
    }

    /// Counts a line that cannot be used and tells of it.
    pub(super) fn reject(
        &mut self,
        kind: &'static str,
        error: LineError,
        on_reject: &mut (dyn FnMut(&LineError) + Send),
    ) {
        self.count(kind, |counts| counts.rejected += 1);
        on_reject(&error);
        if self.rejects.len() < KEPT_REJECTS {
            self.rejects.push(error);
        }
    }

    /// Nothing could be used although there was something to read.
    pub fn is_refused(&self) -> bool {
        self.total.read > 0 && self.total.rejected == self.total.read
    }
}

/// How a line ended: what it was, or why it cannot be used.
pub(super) type Outcome = Result<Novelty, Reason>;
