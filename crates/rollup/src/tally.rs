//! Folding events: counts, sums and exact distincts per cell and day.
//!
//! Everything an event names is a small number by now, so a scope's month is folded by one counting sort: event numbers are laid
//! out cell by cell, in order of time within each, and every run of a cell and day is counted where it lies.

use crate::{Cell, Rows};

/// What is measured of one kind of event: how often, how many distinct entities of each kind, and a sum.
///
/// Its measures are, in order: the count, the distincts, the sum.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Group {
    pub distincts: usize,
    pub sum: bool,
}

impl Group {
    pub const fn measures(self) -> usize {
        1 + self.distincts + self.sum as usize
    }
}

/// Kinds of entities an event can name.
pub const ENTITIES: usize = 4;

/// No cell, where a fact could name one.
pub const NOWHERE: u32 = u32::MAX;

/// One event. Cells are numbers into the list a [`Tally`] is made with; every one is named once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fact {
    pub day: i32,
    /// Number of its [`Group`].
    pub group: u8,
    /// Number of the set of cells it falls into, with others like it.
    pub set: u32,
    /// Cells of its own; [`NOWHERE`] for none.
    pub own: [u32; 3],
    /// What it names, as small dense numbers; as many count as the group has distincts.
    pub entities: [u32; ENTITIES],
    pub amount: i64,
}

/// Folds the facts of one scope after the other.
#[derive(Debug)]
pub struct Tally<'a> {
    groups: &'a [Group],
    cells: &'a [Cell],
    sets: &'a [Vec<u32>],
    /// Where the facts of a cell end; one more than there are cells.
    ends: Vec<u32>,
    /// Fact numbers, cell by cell.
    laid: Vec<u32>,
    /// Per kind of entity and entity: the run that saw it last.
    seen: [Vec<u32>; ENTITIES],
    run: u32,
    row: Vec<i64>,
}

impl<'a> Tally<'a> {
    /// `cells` are those facts may fall into, in any scope and in the order rows shall come; the first one is the total, which every
    /// fact falls into without saying so. `sets` are the sets facts name, `entities` how many of each kind there are.
    pub fn new(groups: &'a [Group], cells: &'a [Cell], sets: &'a [Vec<u32>], entities: [usize; ENTITIES]) -> Self {
        let measures = groups.iter().map(|g| g.measures()).sum();
        Self {
            groups,
            cells,
            sets,
            ends: Vec::new(),
            laid: Vec::new(),
            seen: entities.map(|count| vec![0; count]),
            run: 0,
            row: vec![0; measures],
        }
    }

    /// Folds the facts a scope picks, which come by day and then group, into rows by cell and then day.
    pub fn fold(&mut self, scope: u32, facts: &[Fact], picked: &[u32], rows: &mut Rows) {
        self.lay(facts, picked);
        let laid = std::mem::take(&mut self.laid);
        let mut start = 0;
        for (number, cell) in self.cells.iter().enumerate() {
            let end = self.ends[number] as usize;
            if start < end {
                let cell = cell.in_scope(scope);
                let day = |fact: &u32| facts[*fact as usize].day;
                for run in laid[start..end].chunk_by(|a, b| day(a) == day(b)) {
                    self.count(facts, run);
                    rows.push(day(&run[0]), cell, &self.row);
                }
            }
            start = end;
        }
        self.laid = laid;
    }

    /// Lays fact numbers out cell by cell; within one their order stays.
    fn lay(&mut self, facts: &[Fact], picked: &[u32]) {
        let (sets, cells) = (self.sets, self.cells.len());
        let each = |fact: &Fact, to: &mut dyn FnMut(usize)| {
            to(0);
            sets[fact.set as usize].iter().for_each(|&cell| to(cell as usize));
            fact.own.iter().filter(|&&cell| cell != NOWHERE).for_each(|&cell| to(cell as usize));
        };
        // First counts, then where the next fact of a cell goes; that ends up where the cell ends.
        self.ends.clear();
        self.ends.resize(cells, 0);
        for &number in picked {
            each(&facts[number as usize], &mut |cell| self.ends[cell] += 1);
        }
        let mut before = 0;
        for end in &mut self.ends {
            (*end, before) = (before, before + *end);
        }
        self.laid.clear();
        self.laid.resize(before as usize, 0);
        for &number in picked {
            each(&facts[number as usize], &mut |cell| {
                let at = &mut self.ends[cell];
                self.laid[*at as usize] = number;
                *at += 1;
            });
        }
    }

    /// Counts the facts of one cell and day into the row.
    fn count(&mut self, facts: &[Fact], numbers: &[u32]) {
        self.row.fill(0);
        let mut at = 0;
        let mut numbers = numbers;
        for (group, Group { distincts, sum }) in self.groups.iter().enumerate() {
            let mine = numbers.iter().take_while(|&&n| usize::from(facts[n as usize].group) == group).count();
            let (own, rest) = numbers.split_at(mine);
            numbers = rest;
            let row = &mut self.row[at..at + 1 + distincts + usize::from(*sum)];
            at += row.len();
            row[0] = i64::try_from(mine).unwrap_or(i64::MAX);
            if *sum {
                row[1 + distincts] = own.iter().map(|&n| facts[n as usize].amount).sum();
            }
            match own {
                [] => {}
                [_] => row[1..=*distincts].fill(1),
                many => {
                    if self.run == u32::MAX {
                        self.seen.iter_mut().for_each(|s| s.fill(0));
                        self.run = 0;
                    }
                    self.run += 1;
                    for &number in many {
                        let fact = &facts[number as usize];
                        for kind in 0..*distincts {
                            let seen = &mut self.seen[kind][fact.entities[kind] as usize];
                            row[1 + kind] += i64::from(*seen != self.run);
                            *seen = self.run;
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fact(day: i32, group: u8, set: u32, own: u32, entity: u32, amount: i64) -> Fact {
        Fact { day, group, set, own: [own, NOWHERE, NOWHERE], entities: [entity, 0, 0, 0], amount }
    }

    #[test]
    fn distincts_are_counted_per_cell_day_and_group() {
        let groups = [Group { distincts: 1, sum: false }, Group { distincts: 1, sum: true }];
        let (total, red, blue) = (Cell::total(0), Cell::new(0, 1, 1), Cell::new(0, 1, 2));
        let cells = [total, red, blue];
        let sets = [vec![1], vec![]];
        let facts = [
            fact(3, 0, 0, NOWHERE, 7, 0),
            fact(3, 0, 0, NOWHERE, 7, 0),
            fact(3, 0, 1, 2, 8, 0),
            fact(3, 1, 1, NOWHERE, 7, 100),
            fact(4, 0, 0, NOWHERE, 7, 0),
        ];
        let mut tally = Tally::new(&groups, &cells, &sets, [9, 1, 1, 1]);
        let mut rows = Rows::new(5);
        tally.fold(2, &facts, &[0, 1, 2, 3, 4], &mut rows);
        let found: Vec<(Cell, i32, Vec<i64>)> =
            (0..rows.len()).map(|i| (rows.cells[i], rows.days[i], rows.row(i).collect())).collect();
        let expected = [
            (total, 3, vec![3, 2, 1, 1, 100]),
            (total, 4, vec![1, 1, 0, 0, 0]),
            (red, 3, vec![2, 1, 0, 0, 0]),
            (red, 4, vec![1, 1, 0, 0, 0]),
            (blue, 3, vec![1, 1, 0, 0, 0]),
        ];
        assert_eq!(found, expected.map(|(cell, day, row)| (cell.in_scope(2), day, row)));
        let mut fewer = Rows::new(5);
        tally.fold(0, &facts, &[3], &mut fewer);
        assert_eq!((fewer.len(), fewer.row(0).collect::<Vec<_>>()), (1, vec![0, 0, 1, 1, 100]));
    }
}
