//! Folding stays: what enters and leaves a cell, day by day, with the entities behind it.
//!
//! A stay puts one member of a class into one cell from a day to a day. An entity (a work with several versions) is in a cell
//! while any of its members is. Members that come and go on one day count on both sides; an entity counts as entering when
//! it was absent at the start of the day and a member came, as leaving when it was there during the day and is gone at its end.

use std::collections::BTreeMap;

use crate::Cell;

/// Classes a member can be of (records: metadata only, with files).
pub const CLASSES: usize = 2;

/// One member's time in one cell.
#[derive(Debug, Clone)]
pub struct Stay {
    pub cell: Cell,
    pub class: u8,
    /// The entity the member belongs to.
    pub entity: u32,
    /// First day inside.
    pub start: i32,
    /// The day it leaves; `None` while it is inside. Never before `start`.
    pub end: Option<i32>,
    /// What it brings and takes away (files, bytes, …).
    pub amounts: [i64; 3],
    /// Who put it there; counted in cells that are totals.
    pub actor: Option<u32>,
}

/// Change of one cell on one day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Change {
    pub members_in: [i64; CLASSES],
    pub members_out: [i64; CLASSES],
    pub entities_in: [i64; CLASSES],
    pub entities_out: [i64; CLASSES],
    pub amounts_in: [i64; 3],
    pub amounts_out: [i64; 3],
    /// Distinct actors of the members that came.
    pub actors: i64,
    /// Actors seen in this cell for the first time ever.
    pub first_actors: i64,
}

/// Folds the stays of any number of cells into changes by (cell, day).
pub fn fold(stays: &[Stay]) -> BTreeMap<(Cell, i32), Change> {
    let mut changes: BTreeMap<(Cell, i32), Change> = BTreeMap::new();
    for stay in stays {
        let class = usize::from(stay.class);
        let inward = changes.entry((stay.cell, stay.start)).or_default();
        inward.members_in[class] += 1;
        add(&mut inward.amounts_in, stay.amounts);
        if let Some(end) = stay.end {
            let outward = changes.entry((stay.cell, end)).or_default();
            outward.members_out[class] += 1;
            add(&mut outward.amounts_out, stay.amounts);
        }
    }
    entities(stays, &mut changes);
    actors(stays, &mut changes);
    changes
}

fn add(to: &mut [i64; 3], amounts: [i64; 3]) {
    for (sum, amount) in to.iter_mut().zip(amounts) {
        *sum += amount;
    }
}

fn entities(stays: &[Stay], changes: &mut BTreeMap<(Cell, i32), Change>) {
    // (cell, entity, class, day, came, left)
    let mut steps: Vec<(Cell, u32, u8, i32, i64, i64)> = Vec::with_capacity(stays.len() * 2);
    for stay in stays {
        steps.push((stay.cell, stay.entity, stay.class, stay.start, 1, 0));
        if let Some(end) = stay.end {
            steps.push((stay.cell, stay.entity, stay.class, end, 0, 1));
        }
    }
    steps.sort_unstable();
    let mut present = 0;
    let mut index = 0;
    while index < steps.len() {
        let (cell, entity, class, day, ..) = steps[index];
        let fresh = index == 0 || (steps[index - 1].0, steps[index - 1].1, steps[index - 1].2) != (cell, entity, class);
        if fresh {
            present = 0;
        }
        let (mut came, mut left) = (0, 0);
        while let Some(step) = steps.get(index).filter(|s| (s.0, s.1, s.2, s.3) == (cell, entity, class, day)) {
            came += step.4;
            left += step.5;
            index += 1;
        }
        let after = present + came - left;
        let change = changes.entry((cell, day)).or_default();
        if present == 0 && came > 0 {
            change.entities_in[usize::from(class)] += 1;
        }
        if after == 0 && (present > 0 || came > 0) {
            change.entities_out[usize::from(class)] += 1;
        }
        present = after;
    }
}

fn actors(stays: &[Stay], changes: &mut BTreeMap<(Cell, i32), Change>) {
    let mut came: Vec<(Cell, u32, i32)> =
        stays.iter().filter(|s| s.cell.is_total()).filter_map(|s| s.actor.map(|a| (s.cell, a, s.start))).collect();
    came.sort_unstable();
    came.dedup();
    let mut before: Option<(Cell, u32)> = None;
    for (cell, actor, day) in came {
        let change = changes.entry((cell, day)).or_default();
        change.actors += 1;
        if before != Some((cell, actor)) {
            change.first_actors += 1;
        }
        before = Some((cell, actor));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stay(entity: u32, start: i32, end: Option<i32>) -> Stay {
        Stay { cell: Cell::total(0), class: 0, entity, start, end, amounts: [1, 10, 0], actor: Some(entity) }
    }

    fn table(stays: &[Stay]) -> String {
        fold(stays)
            .iter()
            .map(|((_, day), c)| {
                format!(
                    "{day}: +{} -{} entities +{} -{} actors {}/{}\n",
                    c.members_in[0], c.members_out[0], c.entities_in[0], c.entities_out[0], c.actors, c.first_actors
                )
            })
            .collect()
    }

    #[test]
    fn an_entity_lives_while_one_of_its_members_does() {
        insta::assert_snapshot!(table(&[stay(1, 1, Some(3)), stay(1, 2, Some(5)), stay(2, 2, None)]), @r"
        1: +1 -0 entities +1 -0 actors 1/1
        2: +2 -0 entities +1 -0 actors 2/1
        3: +0 -1 entities +0 -0 actors 0/0
        5: +0 -1 entities +0 -1 actors 0/0
        ");
    }

    #[test]
    fn in_and_out_on_one_day_counts_on_both_sides() {
        insta::assert_snapshot!(table(&[stay(1, 4, Some(4))]), @"4: +1 -1 entities +1 -1 actors 1/1");
        insta::assert_snapshot!(table(&[stay(1, 1, Some(4)), stay(1, 4, None)]), @r"
        1: +1 -0 entities +1 -0 actors 1/1
        4: +1 -1 entities +0 -0 actors 1/0
        ");
    }
}
