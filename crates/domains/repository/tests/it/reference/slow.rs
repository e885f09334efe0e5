//! The slow and obvious reference, written from spec/invenio §4 and nothing else: every number is found by looking at everything.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp, civil::Date, tz::TimeZone};

use super::history::{At, FIRST_RUN, History, Trouble, Use, Version, Work, day, instant};

/// A dimension and a value; both empty for the total.
pub type Key = (String, String);
/// Numbers by key.
pub type Numbers = BTreeMap<Key, Vec<i64>>;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    Created,
    Published,
    Added,
}

/// What the reference knows of a record: its final version.
struct Known<'a> {
    id: String,
    parent: String,
    owner: String,
    history: usize,
    work: &'a Work,
    last: &'a Version,
}

pub struct Reference<'a> {
    records: Vec<Known<'a>>,
}

/// A time of a record in a scope, in days: the day it starts and the day it ends.
struct Stay<'a> {
    record: &'a Known<'a>,
    start: Date,
    end: Option<Date>,
}

fn utc(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

/// The write rules of §1.3 over events in order of time: `[start, end)`.
pub fn intervals(work: &Work) -> Vec<(Timestamp, Option<Timestamp>)> {
    let mut events: Vec<(At, bool)> = work.members.iter().map(|m| (m.at, m.added)).collect();
    events.sort_unstable();
    let mut found: Vec<(Timestamp, Option<Timestamp>)> = Vec::new();
    for (at, added) in events {
        let now = instant(at);
        let is_member = found.last().is_some_and(|i| i.1.is_none());
        if added && !is_member {
            found.push((now, None));
        }
        if !added && is_member {
            let last = found.len() - 1;
            found[last].1 = Some(now);
        }
        if !added && found.is_empty() {
            found.push((now - SignedDuration::from_secs(1), Some(now)));
        }
    }
    found
}

/// §4.2: ended by deletion.
fn until_deletion(
    list: Vec<(Timestamp, Option<Timestamp>)>,
    gone: Option<Timestamp>,
) -> Vec<(Timestamp, Option<Timestamp>)> {
    let Some(gone) = gone else { return list };
    let before = list.into_iter().filter(|i| i.0 <= gone);
    before.map(|(start, end)| (start, Some(end.map_or(gone, |e| e.min(gone))))).collect()
}

impl<'a> Reference<'a> {
    pub fn new(histories: &'a [History]) -> Self {
        let mut records = Vec::new();
        for (h, history) in histories.iter().enumerate() {
            for (w, work) in history.0.iter().enumerate() {
                records.push(Known {
                    id: format!("h{h}r{w}"),
                    parent: format!("h{h}p{}", work.parent),
                    owner: format!("h{h}u{}", work.owner),
                    history: h,
                    work,
                    last: work.versions.last().expect("at least one version"),
                });
            }
        }
        Self { records }
    }

    /// Records a scope (`None`: the whole repository) ever has to do with.
    fn of(&self, scope: Option<usize>) -> impl Iterator<Item = &Known<'a>> {
        self.records.iter().filter(move |r| scope.is_none_or(|s| r.history == s))
    }

    fn stays(&self, scope: Option<usize>, basis: Basis) -> Vec<Stay<'_>> {
        let mut stays = Vec::new();
        for record in self.of(scope) {
            let created = instant(record.work.created);
            let list = if scope.is_none() { vec![(created, None)] } else { intervals(record.work) };
            let list = until_deletion(list, record.work.deleted());
            for (number, (mut start, end)) in list.into_iter().enumerate() {
                if number == 0 {
                    match (basis, record.last.published) {
                        (Basis::Added, _) => {}
                        (Basis::Created, _) => start = created,
                        (Basis::Published, Some(published)) => start = instant((published, 0)),
                        (Basis::Published, None) => {}
                    }
                }
                let empty = number == 0 && basis != Basis::Added && end.is_some_and(|e| start >= e);
                let undated = basis == Basis::Published && record.last.published.is_none();
                if !empty && !undated {
                    stays.push(Stay { record, start: utc(start), end: end.map(utc) });
                }
            }
        }
        stays
    }

    /// Days on which something starts or ends.
    pub fn record_days(&self, scope: Option<usize>, basis: Basis) -> BTreeSet<Date> {
        self.stays(scope, basis).iter().flat_map(|s| [Some(s.start), s.end]).flatten().collect()
    }

    /// A day's record delta: records +md +wf −md −wf, parents likewise, files + bytes + − −, contributions + −, uploaders.
    pub fn record_delta(&self, scope: Option<usize>, basis: Basis, date: Date) -> Numbers {
        let mut numbers = Numbers::new();
        let stays = self.stays(scope, basis);
        for key in keys(&stays, |s| s.start == date || s.end == Some(date)) {
            let inside: Vec<&Stay<'_>> = stays.iter().filter(|s| values(s.record).contains_key(&key)).collect();
            let mut n = vec![0_i64; 15];
            for stay in &inside {
                let class = usize::from(stay.record.last.files.is_some());
                let [files, bytes, contributions] = values(stay.record)[&key];
                if stay.start == date {
                    n[class] += 1;
                    n[8] += files;
                    n[9] += bytes;
                    n[12] += contributions;
                }
                if stay.end == Some(date) {
                    n[2 + class] += 1;
                    n[10] += files;
                    n[11] += bytes;
                    n[13] += contributions;
                }
            }
            for class in 0..2 {
                let parents: BTreeSet<&str> = inside.iter().map(|s| s.record.parent.as_str()).collect();
                for parent in parents {
                    let mine = |s: &&&Stay<'_>| {
                        s.record.parent == parent && usize::from(s.record.last.files.is_some()) == class
                    };
                    let before = inside.iter().filter(mine).any(|s| s.start < date && s.end.is_none_or(|e| e >= date));
                    let came = inside.iter().filter(mine).any(|s| s.start == date);
                    let after = inside.iter().filter(mine).any(|s| s.start <= date && s.end.is_none_or(|e| e > date));
                    n[4 + class] += i64::from(!before && came);
                    n[6 + class] += i64::from((before || came) && !after);
                }
            }
            if key.0.is_empty() {
                let came = inside.iter().filter(|s| s.start == date);
                n[14] = count(came.map(|s| s.record.owner.as_str()));
            }
            numbers.insert(key, n);
        }
        numbers.entry(total()).or_insert_with(|| vec![0; 15]);
        numbers
    }

    /// A day's record snapshot: records md wf, parents md wf, files, bytes, contributions, sum of daily uploaders, distinct uploaders.
    pub fn record_snapshot(&self, scope: Option<usize>, basis: Basis, date: Date) -> Numbers {
        let mut numbers = Numbers::new();
        let stays = self.stays(scope, basis);
        for key in keys(&stays, |s| s.start <= date) {
            let inside: Vec<&Stay<'_>> = stays
                .iter()
                .filter(|s| s.start <= date && s.end.is_none_or(|e| e > date) && values(s.record).contains_key(&key))
                .collect();
            let mut n = vec![0_i64; 9];
            for class in 0..2 {
                let of_class = || inside.iter().filter(|s| usize::from(s.record.last.files.is_some()) == class);
                n[class] = of_class().map(|_| 1).sum();
                n[2 + class] = count(of_class().map(|s| s.record.parent.as_str()));
            }
            for (at, amount) in [(4, 0), (5, 1), (6, 2)] {
                n[at] = inside.iter().map(|s| values(s.record)[&key][amount]).sum();
            }
            if key.0.is_empty() {
                let came: BTreeSet<(Date, &str)> =
                    stays.iter().filter(|s| s.start <= date).map(|s| (s.start, s.record.owner.as_str())).collect();
                n[7] = count(came.iter());
                n[8] = count(came.iter().map(|c| c.1));
            }
            let is_top = matches!(key.0.as_str(), "languages" | "affiliations");
            if !is_top || n[0] + n[1] > 0 {
                numbers.insert(key, n);
            }
        }
        numbers.entry(total()).or_insert_with(|| vec![0; 9]);
        numbers
    }

    /// Usage a scope counts, robots and repeated lines apart.
    fn usage(&self, scope: Option<usize>) -> Vec<(&Known<'a>, &'a Use)> {
        let all = self.of(scope).flat_map(|r| r.work.usage.iter().map(move |u| (r, u)));
        all.filter(|(record, used)| {
            let at = instant(used.at);
            let covered = || intervals(record.work).iter().any(|i| i.0 <= at && i.1.is_none_or(|end| at < end));
            !used.robot && (scope.is_none() || covered())
        })
        .collect()
    }

    pub fn usage_days(&self, scope: Option<usize>) -> BTreeSet<Date> {
        self.usage(scope).iter().map(|(_, u)| day(u.at.0)).collect()
    }

    /// A day's usage delta: views, visitors, records, parents; downloads, visitors, records, parents, files, bytes.
    pub fn usage_delta(&self, scope: Option<usize>, date: Date) -> Numbers {
        let events = self.usage(scope);
        let today: Vec<_> = events.iter().filter(|(_, u)| day(u.at.0) == date).collect();
        let mut all_keys: BTreeSet<Key> = today.iter().flat_map(|(r, u)| usage_values(r, u)).collect();
        all_keys.insert(total());
        let mut numbers = Numbers::new();
        for key in all_keys {
            let mine: Vec<_> =
                today.iter().filter(|(r, u)| key == total() || usage_values(r, u).contains(&key)).collect();
            let mut n = vec![0_i64; 10];
            for (at, download) in [(0, false), (4, true)] {
                let of_kind = || mine.iter().filter(|(_, u)| u.download.is_some() == download);
                n[at] = of_kind().map(|_| 1).sum();
                n[at + 1] = count(of_kind().map(|(r, u)| (r.history, u.visitor)));
                n[at + 2] = count(of_kind().map(|(r, _)| r.id.as_str()));
                n[at + 3] = count(of_kind().map(|(r, _)| r.parent.as_str()));
            }
            n[8] = count(mine.iter().filter_map(|(r, u)| u.download.map(|f| (r.id.as_str(), f))));
            n[9] = mine.iter().filter_map(|(_, u)| u.download).map(|f| 100 + i64::from(f)).sum();
            numbers.insert(key, n);
        }
        numbers
    }

    /// Running sums of the daily deltas; `top` breakdowns in two lists.
    pub fn usage_snapshot(&self, scope: Option<usize>, date: Date) -> Numbers {
        let mut sums = Numbers::new();
        for earlier in self.usage_days(scope).into_iter().filter(|d| *d <= date) {
            for (key, n) in self.usage_delta(scope, earlier) {
                let sum = sums.entry(key).or_insert_with(|| vec![0; 10]);
                sum.iter_mut().zip(n).for_each(|(s, n)| *s += n);
            }
        }
        let mut numbers = Numbers::new();
        numbers.insert(total(), vec![0; 10]);
        for ((dimension, value), n) in sums {
            if matches!(dimension.as_str(), "languages" | "affiliations" | "countries") {
                if n[0] > 0 {
                    numbers.insert((format!("{dimension}/by_view"), value.clone()), n.clone());
                }
                if n[4] > 0 {
                    numbers.insert((format!("{dimension}/by_download"), value), n);
                }
            } else {
                numbers.insert((dimension, value), n);
            }
        }
        numbers
    }
}

fn total() -> Key {
    (String::new(), String::new())
}

fn count<T: Ord>(list: impl Iterator<Item = T>) -> i64 {
    i64::try_from(list.collect::<BTreeSet<T>>().len()).expect("few")
}

/// Keys of the stays that pass.
fn keys(stays: &[Stay<'_>], pass: impl Fn(&Stay<'_>) -> bool) -> BTreeSet<Key> {
    stays.iter().filter(|s| pass(s)).flat_map(|s| values(s.record).into_keys()).collect()
}

/// What a record brings to its total and to each of its values: files, bytes, contributions.
fn values(record: &Known<'_>) -> BTreeMap<Key, [i64; 3]> {
    let version = record.last;
    let files = version.files.as_deref().unwrap_or_default();
    let number = |n: usize| i64::try_from(n).expect("few");
    let bytes = |ext: Option<u8>| -> i64 {
        files.iter().filter(|f| ext.is_none_or(|e| e == f.0)).map(|f| i64::from(f.1)).sum()
    };
    let all = [number(files.len()), bytes(None), 0];
    let key = |dimension: &str, value: String| (dimension.to_owned(), value);
    let mut found = BTreeMap::from([(total(), all), (key("resource_types", format!("t{}", version.kind)), all)]);
    found.extend(version.languages.iter().map(|l| (key("languages", format!("l{l}")), all)));
    for a in &version.affiliations {
        let times = number(version.affiliations.iter().filter(|b| *b == a).count());
        found.insert(key("affiliations", format!("a{a}")), [all[0], all[1], times]);
    }
    for (ext, _) in files {
        let of_type = number(files.iter().filter(|f| f.0 == *ext).count());
        found.insert(key("file_types", format!("x{ext}")), [of_type, bytes(Some(*ext)), 0]);
    }
    found
}

/// The values one usage event counts for.
fn usage_values(record: &Known<'_>, used: &Use) -> BTreeSet<Key> {
    let mut found: BTreeSet<Key> = values(record).into_keys().collect();
    found.remove(&total());
    if let Some(file) = used.download {
        found.retain(|k| k.0 != "file_types");
        // The type of the one file; one the record does not have any more goes by its name.
        let entry = record.last.files.as_ref().and_then(|f| f.get(usize::from(file)));
        let ext = entry.map_or_else(|| format!("k{file}"), |f| format!("x{}", f.0));
        found.insert(("file_types".to_owned(), ext));
    }
    found.extend(used.country.map(|c| ("countries".to_owned(), format!("C{c}"))));
    found
}

/// What a history holds of the things that go wrong.
pub fn trouble(history: &History) -> Trouble {
    let mut trouble = Trouble::default();
    for work in &history.0 {
        let list = until_deletion(intervals(work), work.deleted());
        let is_late = |late: bool, at: At| late && at.0 < FIRST_RUN;
        trouble.delete |= work.deleted().is_some();
        trouble.restore |= work.deleted().is_none() && work.versions.iter().any(|v| v.deleted.is_some());
        trouble.rejoin |= list.len() > 1;
        trouble.same_day_leave |= list.iter().any(|i| i.1.is_some_and(|end| utc(end) == utc(i.0)));
        trouble.late_event |= work.members.iter().any(|m| is_late(m.late, m.at))
            || work.usage.iter().any(|u| is_late(u.late, u.at) && !u.robot);
    }
    trouble
}
