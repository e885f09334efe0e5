//! Who is in which community when: intervals from membership events, by the write rules of spec/invenio §1.3.

use jiff::{SignedDuration, Timestamp};

use crate::documents::MembershipKind;

/// A time inside, `[start, end)`; `None` while it lasts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    pub start: Timestamp,
    pub end: Option<Timestamp>,
}

impl Interval {
    pub fn covers(&self, at: Timestamp) -> bool {
        self.start <= at && self.end.is_none_or(|end| at < end)
    }
}

/// The intervals of one record in one community, from its events in any order.
///
/// Inside, a further `added` is ignored. Outside, a `removed` that nothing preceded first gets its `added` one second earlier; one
/// that follows a `removed` is no event at all. At one instant `removed` comes before `added`.
pub fn intervals(events: &mut [(Timestamp, MembershipKind)]) -> Vec<Interval> {
    events.sort_unstable_by_key(|&(at, kind)| (at, kind == MembershipKind::Added));
    let mut found: Vec<Interval> = Vec::new();
    for &(at, kind) in events.iter() {
        let inside = found.last().is_some_and(|interval| interval.end.is_none());
        match kind {
            MembershipKind::Added if !inside => found.push(Interval { start: at, end: None }),
            MembershipKind::Removed if inside => {
                if let Some(interval) = found.last_mut() {
                    interval.end = Some(at);
                }
            }
            MembershipKind::Removed if found.is_empty() => {
                let start = at.checked_sub(SignedDuration::from_secs(1)).unwrap_or(at);
                found.push(Interval { start, end: Some(at) });
            }
            MembershipKind::Added | MembershipKind::Removed => {}
        }
    }
    found
}

/// Cuts intervals at a deletion: nothing is inside after it.
pub fn cut(intervals: &mut Vec<Interval>, deleted: Timestamp) {
    intervals.retain(|interval| interval.start <= deleted);
    for interval in intervals {
        if interval.end.is_none_or(|end| end > deleted) {
            interval.end = Some(deleted);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).expect("in range")
    }

    fn ledger(events: &[(i64, MembershipKind)]) -> String {
        let mut events: Vec<_> = events.iter().map(|&(s, k)| (at(s), k)).collect();
        intervals(&mut events)
            .iter()
            .map(|i| {
                format!("[{}, {}) ", i.start.as_second(), i.end.map_or("-".to_owned(), |e| e.as_second().to_string()))
            })
            .collect()
    }

    #[test]
    fn the_write_rules_hold_in_any_order() {
        use MembershipKind::{Added, Removed};
        insta::assert_snapshot!(ledger(&[(10, Added), (20, Added), (30, Removed)]), @"[10, 30)");
        insta::assert_snapshot!(ledger(&[(30, Removed), (20, Added), (10, Added)]), @"[10, 30)");
        insta::assert_snapshot!(ledger(&[(30, Removed)]), @"[29, 30)");
        insta::assert_snapshot!(ledger(&[(10, Added), (20, Removed), (30, Removed), (40, Added)]), @"[10, 20) [40, -)");
    }

    #[test]
    fn a_deletion_ends_what_lasts_and_forgets_what_comes_after() {
        let mut list = vec![
            Interval { start: at(10), end: Some(at(20)) },
            Interval { start: at(30), end: None },
            Interval { start: at(50), end: None },
        ];
        cut(&mut list, at(40));
        assert_eq!(
            list,
            [Interval { start: at(10), end: Some(at(20)) }, Interval { start: at(30), end: Some(at(40)) }]
        );
    }
}
