//! Folding events of one day: counts, sums and exact distincts, per cell.

use crate::{Cell, Rows};

/// What is measured of one kind of event: how often, how many distinct entities of each kind, and sums.
///
/// Its measures are, in order: the count, the distincts, the sums.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    pub distincts: usize,
    pub sums: usize,
}

impl Group {
    pub const fn measures(self) -> usize {
        1 + self.distincts + self.sums
    }
}

/// Collects the events of one day and folds them. Reusable: [`Tally::fold`] leaves it empty.
#[derive(Debug)]
pub struct Tally {
    groups: Vec<Events>,
}

#[derive(Debug)]
struct Events {
    group: Group,
    /// (cell, number of the event), one per cell an event falls into.
    pairs: Vec<(Cell, u32)>,
    entities: Vec<u32>,
    sums: Vec<i64>,
    count: u32,
    /// Per kind of entity and entity: the run of equal cells that saw it last.
    seen: Vec<Vec<u32>>,
    run: u32,
}

impl Tally {
    pub fn new(groups: &[Group]) -> Self {
        let events = |&group: &Group| Events {
            group,
            pairs: Vec::new(),
            entities: Vec::new(),
            sums: Vec::new(),
            count: 0,
            seen: vec![Vec::new(); group.distincts],
            run: 0,
        };
        Self { groups: groups.iter().map(events).collect() }
    }

    /// Measures of a folded row: those of all groups, one after the other.
    pub fn measures(&self) -> usize {
        self.groups.iter().map(|g| g.group.measures()).sum()
    }

    /// Adds an event of a group. `entities` are small dense numbers, one per distinct of the group. Its cells are distinct.
    pub fn add(&mut self, group: usize, cells: impl IntoIterator<Item = Cell>, entities: &[u32], sums: &[i64]) {
        let events = &mut self.groups[group];
        let number = events.count;
        events.pairs.extend(cells.into_iter().map(|cell| (cell, number)));
        events.entities.extend_from_slice(entities);
        events.sums.extend_from_slice(sums);
        events.count += 1;
    }

    /// Folds what was added into rows of one day, by cell, and forgets it.
    pub fn fold(&mut self, day: i32, rows: &mut Rows) {
        let measures = self.measures();
        for events in &mut self.groups {
            events.pairs.sort_unstable();
        }
        let mut at = vec![0_usize; self.groups.len()];
        let mut row = vec![0_i64; measures];
        loop {
            let next = self.groups.iter().zip(&at).filter_map(|(g, &i)| g.pairs.get(i)).map(|p| p.0).min();
            let Some(cell) = next else { break };
            row.fill(0);
            let mut offset = 0;
            for (events, at) in self.groups.iter_mut().zip(&mut at) {
                let width = events.group.measures();
                *at = events.fold_run(cell, *at, &mut row[offset..offset + width]);
                offset += width;
            }
            rows.push(day, cell, &row);
        }
        for events in &mut self.groups {
            events.clear();
        }
    }
}

impl Events {
    /// Folds the run of pairs of `cell` that starts at `at`, if it does; answers where the next run starts.
    fn fold_run(&mut self, cell: Cell, mut at: usize, row: &mut [i64]) -> usize {
        if self.pairs.get(at).is_none_or(|p| p.0 != cell) {
            return at;
        }
        if self.run == u32::MAX {
            self.seen.iter_mut().for_each(|s| s.fill(0));
            self.run = 0;
        }
        self.run += 1;
        let Group { distincts, sums } = self.group;
        while let Some(&(found, number)) = self.pairs.get(at) {
            if found != cell {
                break;
            }
            at += 1;
            let number = number as usize;
            row[0] += 1;
            for kind in 0..distincts {
                let entity = self.entities[number * distincts + kind] as usize;
                let seen = &mut self.seen[kind];
                if entity >= seen.len() {
                    seen.resize(entity + 1, 0);
                }
                if seen[entity] != self.run {
                    seen[entity] = self.run;
                    row[1 + kind] += 1;
                }
            }
            for sum in 0..sums {
                row[1 + distincts + sum] += self.sums[number * sums + sum];
            }
        }
        at
    }

    fn clear(&mut self) {
        self.pairs.clear();
        self.entities.clear();
        self.sums.clear();
        self.count = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn distincts_are_counted_per_cell_and_group() {
        let mut tally = Tally::new(&[Group { distincts: 1, sums: 0 }, Group { distincts: 1, sums: 1 }]);
        let (total, red) = (Cell::total(0), Cell::new(0, 1, 1));
        tally.add(0, [total, red], &[7], &[]);
        tally.add(0, [total, red], &[7], &[]);
        tally.add(0, [total], &[8], &[]);
        tally.add(1, [total], &[7], &[100]);
        let mut rows = Rows::new(5);
        tally.fold(3, &mut rows);
        assert_eq!(rows.cells, [total, red]);
        assert_eq!(rows.row(0).collect::<Vec<_>>(), [3, 2, 1, 1, 100]);
        assert_eq!(rows.row(1).collect::<Vec<_>>(), [2, 1, 0, 0, 0]);
        let mut empty = Rows::new(5);
        tally.fold(4, &mut empty);
        assert!(empty.is_empty());
    }
}
