//! Messages in order of time, and how new, changed and deleted ones are worked in.

use hashbrown::HashMap;

use super::NO_SESSION;
use crate::{instant::Micros, words::MessageKind};

/// A row whose message is gone; never left behind by `settle`.
const GONE: u8 = u8::MAX;

/// Messages in columns, ascending by instant, then id. Content is never kept.
#[derive(Debug, Default)]
pub struct Messages {
    pub id: Vec<i64>,
    pub at: Vec<Micros>,
    pub session: Vec<u32>,
    kind: Vec<u8>,
    /// Rows from here on wait for `settle`; `order` says which version of an id is the later one.
    settled: usize,
    order: Vec<u32>,
}

/// What `settle` did, for those who derive from messages.
#[derive(Debug)]
pub(super) struct Settled {
    /// Everything before this instant is as it was. `None`: nothing changed.
    pub changed_from: Option<Micros>,
    /// First row that may be new when rows were only appended; 0 when rows moved.
    pub first_new_row: usize,
    /// Ids of settled messages that were edited or deleted.
    pub touched: Vec<i64>,
}

impl Messages {
    pub fn len(&self) -> usize {
        self.id.len()
    }

    pub fn is_empty(&self) -> bool {
        self.id.is_empty()
    }

    pub fn kind(&self, row: usize) -> MessageKind {
        MessageKind::from_code(self.kind[row]).unwrap_or(MessageKind::System)
    }

    /// Rows with `from <= at < to`.
    pub fn rows(&self, from: Micros, to: Micros) -> std::ops::Range<usize> {
        let start = self.at.partition_point(|at| *at < from);
        let end = self.at.partition_point(|at| *at < to);
        start..end.max(start)
    }

    pub(super) fn reserve(&mut self, more: usize) {
        self.id.reserve_exact(more);
        self.at.reserve_exact(more);
        self.session.reserve_exact(more);
        self.kind.reserve_exact(more);
        self.order.reserve_exact(more);
    }

    /// Adds a version of a message, to be worked in by `settle`. Of two versions the one with the higher `order` stays.
    pub(super) fn push(&mut self, id: i64, at: Micros, session: u32, kind: MessageKind, order: u32) {
        self.push_row(id, at, session, kind.code(), order);
    }

    /// Takes a message out.
    pub(super) fn push_gone(&mut self, id: i64, order: u32) {
        self.push_row(id, Micros::MAX, NO_SESSION, GONE, order);
    }

    fn push_row(&mut self, id: i64, at: Micros, session: u32, kind: u8, order: u32) {
        self.id.push(id);
        self.at.push(at);
        self.session.push(session);
        self.kind.push(kind);
        self.order.push(order);
    }

    /// Works waiting rows in: one version per id, in order of time.
    pub(super) fn settle(&mut self) -> Settled {
        let first_new = self.settled;
        if first_new == self.id.len() {
            return Settled { changed_from: None, first_new_row: first_new, touched: Vec::new() };
        }
        let mut changed_from = self.at[first_new..].iter().copied().min().unwrap_or(Micros::MAX);
        let touched = self.drop_older_versions(first_new, &mut changed_from);
        // Before anything is put in order: the columns of ten million messages are copied there one by one.
        self.order = Vec::new();
        let keeps_order = !self.kind.contains(&GONE) && is_sorted(&self.at, &self.id, first_new.saturating_sub(1));
        if !keeps_order {
            self.put_in_order();
        }
        self.settled = self.id.len();
        let first_new_row = if keeps_order { first_new } else { 0 };
        Settled { changed_from: Some(changed_from), first_new_row, touched }
    }

    /// Marks every row but the latest of its id as gone. Answers the settled ids that were hit.
    fn drop_older_versions(&mut self, first_new: usize, changed_from: &mut Micros) -> Vec<i64> {
        let highest_old = self.id[..first_new].iter().copied().max();
        let tail = &self.id[first_new..];
        let all_new = tail.is_sorted_by(|a, b| a < b)
            && highest_old.is_none_or(|highest| tail.first().is_some_and(|first| *first > highest))
            && !self.kind[first_new..].contains(&GONE);
        if all_new {
            return Vec::new();
        }
        // Among the waiting rows: sorted by id, then by version, the last of each id stays.
        let mut rows: Vec<u32> = (first_new..self.id.len()).map(row_number).collect();
        rows.sort_by_key(|row| (self.id[*row as usize], self.order[*row as usize - first_new], *row));
        for pair in rows.windows(2) {
            if self.id[pair[0] as usize] == self.id[pair[1] as usize] {
                self.kind[pair[0] as usize] = GONE;
            }
        }
        // Among the settled rows: every id that also waits is replaced.
        let mut touched = Vec::new();
        if first_new > 0 {
            let waiting: HashMap<i64, ()> = rows.iter().map(|row| (self.id[*row as usize], ())).collect();
            let low = self.id[rows[0] as usize];
            for row in 0..first_new {
                let id = self.id[row];
                if id >= low && waiting.contains_key(&id) {
                    self.kind[row] = GONE;
                    *changed_from = (*changed_from).min(self.at[row]);
                    touched.push(id);
                }
            }
        }
        touched
    }

    fn put_in_order(&mut self) {
        let mut rows: Vec<u32> = (0..self.id.len()).filter(|row| self.kind[*row] != GONE).map(row_number).collect();
        if !rows.is_sorted_by_key(|row| (self.at[*row as usize], self.id[*row as usize])) {
            // Stable and fast on runs that are in order already, as imports mostly are.
            rows.sort_by_key(|row| (self.at[*row as usize], self.id[*row as usize]));
        }
        gather(&mut self.id, &rows);
        gather(&mut self.at, &rows);
        gather(&mut self.session, &rows);
        gather(&mut self.kind, &rows);
    }
}

fn gather<T: Copy>(column: &mut Vec<T>, rows: &[u32]) {
    *column = rows.iter().map(|row| column[*row as usize]).collect();
}

fn row_number(row: usize) -> u32 {
    u32::try_from(row).expect("fewer than 2^32 messages")
}

fn is_sorted(at: &[Micros], id: &[i64], from: usize) -> bool {
    (from + 1..at.len()).all(|row| (at[row - 1], id[row - 1]) <= (at[row], id[row]))
}
