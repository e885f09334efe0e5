//! Pending, gap or zero: what an absent day means (spec/packages §6.3).

use std::collections::BTreeMap;

use jiff::civil::Date;

use crate::{
    collectors::{Fetched, Reach},
    config::AbsentDays,
    days::before,
};

/// What an answer says about the days asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settled {
    /// Days to write.
    pub values: BTreeMap<Date, i64>,
    /// Not there yet: asked again by the next run.
    pub pending: Vec<Date>,
    /// Missing inside the answer, or believed wrong: not written, asked again.
    pub gaps: Vec<Date>,
    /// Reasons of refused days.
    pub refused: Vec<String>,
}

/// Settles `targets`, all ≤ `latest`, against an answer.
pub fn settle(
    fetched: &Fetched,
    targets: &[Date],
    latest: Date,
    reach: Reach,
    absent: AbsentDays,
    absent_means_zero: bool,
) -> Settled {
    let mut settled = Settled::default();
    let span = fetched.span();
    // Today is partial: the newest complete day is at most `latest`.
    let newest = fetched.days.keys().chain(fetched.refused.keys()).filter(|day| **day <= latest).max().copied();
    let zeros = absent == AbsentDays::Zero && !reach.leaves_out_zeros;
    for day in targets.iter().copied() {
        if let Some(reason) = fetched.refused.get(&day) {
            settled.gaps.push(day);
            settled.refused.push(format!("{day} has {reason} and is not stored"));
            continue;
        }
        match fetched.days.get(&day) {
            Some(0) if !zeros && reach.late_zero_days > 0 && day > before(latest, reach.late_zero_days) => {
                settled.pending.push(day)
            }
            Some(value) => {
                settled.values.insert(day, *value);
            }
            None if zeros => {
                settled.values.insert(day, 0);
            }
            None => match (span, newest) {
                (Some((first, _)), Some(newest)) if first < day && day < newest => {
                    if reach.leaves_out_zeros && absent_means_zero {
                        settled.values.insert(day, 0);
                    } else {
                        settled.gaps.push(day);
                    }
                }
                (Some((first, _)), _) if day < first => settled.gaps.push(day),
                _ => settled.pending.push(day),
            },
        }
    }
    settled
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;
    use crate::collectors::{DailySource, cratesio::CratesIo, npm::Npm, pypistats::Pypistats};

    fn fetched(days: &[(i8, i64)]) -> Fetched {
        Fetched { days: days.iter().map(|(day, value)| (date(2026, 3, *day), *value)).collect(), ..Fetched::default() }
    }

    fn show(settled: &Settled) -> String {
        let days = |list: &[Date]| list.iter().map(|d| d.day().to_string()).collect::<Vec<_>>().join(",");
        let values: Vec<String> = settled.values.iter().map(|(d, v)| format!("{}={v}", d.day())).collect();
        format!("{} pending {} gaps {}", values.join(" "), days(&settled.pending), days(&settled.gaps))
    }

    fn days(first: i8, last: i8) -> Vec<Date> {
        (first..=last).map(|day| date(2026, 3, day)).collect()
    }

    const L: Date = Date::constant(2026, 3, 7);

    #[test]
    fn example_b_crates_io() {
        let answer = fetched(&[(6, 15), (7, 9), (8, 2)]);
        let settled = settle(&answer, &days(6, 7), L, CratesIo.about().reach, AbsentDays::Skip, false);
        assert_eq!(show(&settled), "6=15 7=9 pending  gaps ");
    }

    #[test]
    fn example_c_npm_pending_zero() {
        let answer = fetched(&[(5, 20110), (6, 19840), (7, 0)]);
        let settled = settle(&answer, &days(5, 7), L, Npm.about().reach, AbsentDays::Skip, false);
        assert_eq!(show(&settled), "5=20110 6=19840 pending 7 gaps ");
        let reference = settle(&answer, &days(5, 7), L, Npm.about().reach, AbsentDays::Zero, false);
        assert_eq!(show(&reference), "5=20110 6=19840 7=0 pending  gaps ");
        let old = settle(
            &fetched(&[(3, 5), (4, 0), (5, 0), (6, 7)]),
            &days(4, 5),
            L,
            Npm.about().reach,
            AbsentDays::Skip,
            false,
        );
        assert_eq!(show(&old), "4=0 pending 5 gaps ", "a zero more than three days old is a zero");
    }

    #[test]
    fn pending_gap_and_zero_are_told_apart() {
        let answer = fetched(&[(2, 5), (4, 0), (5, 6)]);
        let settled = settle(&answer, &days(1, 7), L, Pypistats.about().reach, AbsentDays::Skip, false);
        assert_eq!(show(&settled), "2=5 4=0 5=6 pending 6,7 gaps 1,3");
        let reference = settle(&answer, &days(1, 7), L, Pypistats.about().reach, AbsentDays::Zero, false);
        assert_eq!(show(&reference), "1=0 2=5 3=0 4=0 5=6 6=0 7=0 pending  gaps ");
        let crates = settle(&answer, &days(1, 7), L, CratesIo.about().reach, AbsentDays::Zero, true);
        assert_eq!(show(&crates), "2=5 3=0 4=0 5=6 pending 6,7 gaps 1");
    }
}
