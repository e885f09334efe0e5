//! The rollup: turns per quarter of an hour and session. Every time zone in use today is a whole number of quarters from UTC.

use super::{ChatImage, Messages, NEVER};
use crate::{
    instant::{MINUTE, Micros},
    words::MessageKind,
};

/// Length of a fact's bucket.
pub const QUARTER: Micros = 15 * MINUTE;

/// One row per quarter of an hour and session with a turn in it, in order of time.
#[derive(Debug, Default)]
pub struct Facts {
    quarter: Vec<i32>,
    session: Vec<u32>,
    human: Vec<u32>,
    ai: Vec<u32>,
    /// Microseconds from the quarter's start to its latest human message; `NO_HUMAN` without one.
    last_human: Vec<u32>,
}

const NO_HUMAN: u32 = u32::MAX;

/// Turns of one session inside one stretch of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Turns {
    pub session: u32,
    pub human: u32,
    pub ai: u32,
    /// Instant of the latest human message; `NEVER` without one.
    pub last_human: Micros,
}

fn quarter_of(at: Micros) -> i32 {
    i32::try_from(at.div_euclid(QUARTER)).expect("instants lie between the years 1 and 9999")
}

impl Facts {
    pub fn len(&self) -> usize {
        self.quarter.len()
    }

    pub fn is_empty(&self) -> bool {
        self.quarter.is_empty()
    }

    /// Derives everything from `from` on again.
    pub(super) fn rebuild_from(&mut self, from: Micros, messages: &Messages, slots: usize) {
        if from == Micros::MAX {
            return;
        }
        let quarter = quarter_of(from.max(-62_135_596_800_000_000));
        let keep = self.quarter.partition_point(|q| *q < quarter);
        self.quarter.truncate(keep);
        self.session.truncate(keep);
        self.human.truncate(keep);
        self.ai.truncate(keep);
        self.last_human.truncate(keep);
        // Where the current quarter's fact of a session lies, if it has one.
        let mut place: Vec<u32> = vec![u32::MAX; slots];
        let mut current = i32::MIN;
        let mut first_of_current = keep;
        let start = messages.at.partition_point(|at| *at < Micros::from(quarter) * QUARTER);
        for row in start..messages.len() {
            let kind = messages.kind(row);
            if kind == MessageKind::System {
                continue;
            }
            let at = messages.at[row];
            let quarter = quarter_of(at);
            if quarter != current {
                current = quarter;
                first_of_current = self.quarter.len();
            }
            let session = messages.session[row];
            let known = place[session as usize] as usize;
            let fact = if known != u32::MAX as usize && known >= first_of_current {
                known
            } else {
                let new = self.quarter.len();
                place[session as usize] = u32::try_from(new).expect("fewer than 2^32 facts");
                self.quarter.push(quarter);
                self.session.push(session);
                self.human.push(0);
                self.ai.push(0);
                self.last_human.push(NO_HUMAN);
                new
            };
            if kind == MessageKind::Human {
                self.human[fact] += 1;
                // Messages come in order of time: the last one seen is the latest.
                self.last_human[fact] = u32::try_from(at - Micros::from(quarter) * QUARTER).unwrap_or(0);
            } else {
                self.ai[fact] += 1;
            }
        }
    }

    fn turns(&self, row: usize) -> Turns {
        let last = self.last_human[row];
        Turns {
            session: self.session[row],
            human: self.human[row],
            ai: self.ai[row],
            last_human: if last == NO_HUMAN {
                NEVER
            } else {
                Micros::from(self.quarter[row]) * QUARTER + Micros::from(last)
            },
        }
    }
}

impl ChatImage {
    /// Calls `visit` with the turns in `[from, to)`, in order of time by quarters; a session may come several times.
    ///
    /// Whole quarters come from the facts; only what a window's edges cut off is read from the messages.
    pub fn visit_turns(&self, from: Micros, to: Micros, mut visit: impl FnMut(Turns)) {
        if from >= to {
            return;
        }
        let first_whole = from.div_euclid(QUARTER) + i64::from(from.rem_euclid(QUARTER) != 0);
        let end_whole = to.div_euclid(QUARTER);
        if first_whole >= end_whole {
            return self.visit_messages(from, to, &mut visit);
        }
        self.visit_messages(from, first_whole * QUARTER, &mut visit);
        let start = self.facts.quarter.partition_point(|q| i64::from(*q) < first_whole);
        let end = self.facts.quarter.partition_point(|q| i64::from(*q) < end_whole);
        for row in start..end {
            visit(self.facts.turns(row));
        }
        self.visit_messages(end_whole * QUARTER, to, &mut visit);
    }

    fn visit_messages(&self, from: Micros, to: Micros, visit: &mut impl FnMut(Turns)) {
        if from >= to {
            return;
        }
        for row in self.messages.rows(from, to) {
            let session = self.messages.session[row];
            match self.messages.kind(row) {
                MessageKind::Human => {
                    visit(Turns { session, human: 1, ai: 0, last_human: self.messages.at[row] });
                }
                MessageKind::Ai => visit(Turns { session, human: 0, ai: 1, last_human: NEVER }),
                MessageKind::System => {}
            }
        }
    }
}
