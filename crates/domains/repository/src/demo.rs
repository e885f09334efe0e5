//! An invented repository: seeded, so that the same seed gives the same bytes.
//!
//! It is written as the documents of spec/invenio §1, and comes in through the ordinary import, like anybody's export. There are
//! growth, weekends and seasons; few communities with much and many with little; works in several versions; robots, machines and
//! repeated lines; back-dated publications; deletions, removals and rejoins.

mod calendar;
mod communities;
pub(crate) mod random;
mod usage;
mod words;
mod works;

use std::{
    fs::File,
    io::{self, BufWriter, Write},
    path::{Path, PathBuf},
};

use jiff::{Timestamp, ToSpan, civil::Date};

use calendar::DAY;

/// How much is generated.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Size {
    /// About 1,500 records in 8 communities with 60,000 usage events over three years.
    Demo,
    /// 50,000 records in 200 communities, two each on average, with 2,000,000 usage events over two years, none by robots.
    Bench,
}

/// The numbers behind a size.
#[derive(Debug, Clone, Copy)]
struct Shape {
    records: usize,
    communities: usize,
    events: usize,
    record_days: i32,
    usage_days: i32,
    /// Shares of records in 0, 1, 2, 3 and 4 communities.
    memberships: [f64; 5],
    robots: f64,
    repeats: f64,
    deleted: f64,
}

impl Size {
    fn shape(self) -> Shape {
        match self {
            Self::Demo => Shape {
                records: 1_500,
                communities: 8,
                events: 60_000,
                record_days: 1_095,
                usage_days: 1_095,
                memberships: [0.08, 0.68, 0.18, 0.05, 0.01],
                robots: 0.07,
                repeats: 0.002,
                deleted: 0.02,
            },
            Self::Bench => Shape {
                records: 50_000,
                communities: 200,
                events: 2_000_000,
                record_days: 1_460,
                usage_days: 730,
                memberships: [0.0, 0.34, 0.36, 0.26, 0.04],
                robots: 0.0,
                repeats: 0.0,
                deleted: 0.01,
            },
        }
    }
}

/// The files that were written, and what is in them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Files {
    pub records: PathBuf,
    pub communities: PathBuf,
    pub community_events: PathBuf,
    pub usage_events: PathBuf,
    /// Lines of each, in the same order.
    pub lines: [usize; 4],
}

impl Files {
    /// All of them as an import takes them.
    pub fn request(&self) -> crate::import::ImportRequest {
        crate::import::ImportRequest {
            records: vec![self.records.clone()],
            communities: vec![self.communities.clone()],
            community_events: vec![self.community_events.clone()],
            usage_events: vec![self.usage_events.clone()],
            dry_run: false,
        }
    }
}

/// Writes `records`, `communities`, `community_events` and `usage_events` (`.ndjson`) into a folder, which is created.
///
/// Everything happens up to the end of the day before `today`. Errors: the file system's.
pub fn write_files(folder: &Path, size: Size, seed: u64, today: Date) -> io::Result<Files> {
    std::fs::create_dir_all(folder)?;
    let shape = size.shape();
    let mut lines = [0; 4];
    let mut file = |name: &str, kind: usize, write: &mut dyn FnMut(&mut dyn Write) -> io::Result<usize>| {
        let path = folder.join(name);
        let mut out = BufWriter::with_capacity(1 << 20, File::create(&path)?);
        lines[kind] = write(&mut out)?;
        out.flush()?;
        io::Result::Ok(path)
    };
    let communities = communities::invent(&shape, seed, today);
    let mut works = works::invent(&shape, &communities, seed, today);
    let usage_events = file("usage_events.ndjson", 3, &mut |out| usage::write(out, &shape, &mut works, seed, today))?;
    let records = file("records.ndjson", 0, &mut |out| works::write(out, &works, &communities))?;
    let communities_file = file("communities.ndjson", 1, &mut |out| communities::write(out, &communities))?;
    let community_events =
        file("community_events.ndjson", 2, &mut |out| works::write_memberships(out, &works, &communities))?;
    Ok(Files { records, communities: communities_file, community_events, usage_events, lines })
}

/// Seconds since 1970 of a day's start.
fn seconds(day: Date) -> i64 {
    i64::from(tallykeep_lake::day_number(day)) * DAY
}

/// The days before `today`, oldest first.
fn days_before(today: Date, days: i32) -> impl Iterator<Item = Date> {
    (1..=days).rev().map(move |back| today.saturating_sub(back.days()))
}

/// An instant as these documents write it.
fn instant(second: i64) -> String {
    // Seconds of this century are in range.
    Timestamp::from_second(second).map_or_else(|_| String::new(), |at| at.strftime("%Y-%m-%dT%H:%M:%S").to_string())
}

#[cfg(test)]
mod tests {
    use std::io::BufRead;

    use jiff::civil::date;
    use serde_json::Value;

    use super::*;
    use crate::documents::{Community, MembershipEvent, MembershipKind, Record, UsageEvent, UsageKind};

    fn generate(seed: u64) -> (tempfile::TempDir, Files) {
        let folder = tempfile::tempdir().expect("a folder");
        let files = write_files(folder.path(), Size::Demo, seed, date(2026, 11, 21)).expect("written");
        (folder, files)
    }

    fn bytes(files: &Files) -> Vec<Vec<u8>> {
        [&files.records, &files.communities, &files.community_events, &files.usage_events]
            .map(|path| std::fs::read(path).expect("readable"))
            .to_vec()
    }

    fn documents<T>(path: &Path, read: impl Fn(&Value) -> Result<T, crate::documents::Rejection>) -> Vec<T> {
        let lines = io::BufReader::new(File::open(path).expect("there")).lines();
        lines
            .map(|line| {
                let document = serde_json::from_str(&line.expect("a line")).expect("JSON");
                read(&document).expect("a valid document")
            })
            .collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_bytes_and_another_gives_others() {
        let (_a, first) = generate(7);
        let (_b, second) = generate(7);
        let (_c, other) = generate(8);
        assert!(bytes(&first) == bytes(&second), "same seed, same bytes");
        assert!(bytes(&first)[3] != bytes(&other)[3], "another seed, other events");
    }

    #[test]
    fn everything_is_a_valid_document_and_the_shape_is_believable() {
        let (_folder, files) = generate(1);
        let records = documents(&files.records, Record::from_json);
        let communities = documents(&files.communities, Community::from_json);
        let memberships = documents(&files.community_events, MembershipEvent::from_json);
        let events = documents(&files.usage_events, UsageEvent::from_json);
        assert_eq!([records.len(), communities.len(), memberships.len(), events.len()], files.lines);
        assert_eq!((records.len(), communities.len()), (1_500, 8));
        assert!((60_000..60_400).contains(&events.len()), "{} events", events.len());

        let parents: std::collections::BTreeSet<_> = records.iter().map(|r| &r.parent).collect();
        assert!(parents.len() < records.len() * 95 / 100, "some works have several versions");
        let deleted = records.iter().filter(|r| r.deleted.is_some()).count();
        assert!((10..80).contains(&deleted), "{deleted} deleted");
        assert!(records.iter().any(|r| !r.with_files) && records.iter().all(|r| r.published.is_some()));
        let back_dated = records.iter().filter(|r| r.published.is_some_and(|d| d.year() < 2020)).count();
        assert!(back_dated > 100, "{back_dated} published before the repository existed");
        let removed = memberships.iter().filter(|m| m.kind == MembershipKind::Removed).count();
        assert!(removed > 20, "{removed} removals");

        let end: Timestamp = "2026-11-21T00:00:00Z".parse().expect("an instant");
        assert!(events.iter().all(|e| e.at < end) && records.iter().all(|r| r.created < end));
        let downloads = events.iter().filter(|e| e.kind == UsageKind::Download);
        let (count, bytes): (usize, i64) = downloads.fold((0, 0), |(n, b), e| (n + 1, b + e.size.unwrap_or(0)));
        assert!(count > 10_000 && bytes > 1 << 30, "{count} downloads, {bytes} bytes");
        let share = |test: &dyn Fn(&UsageEvent) -> bool| events.iter().filter(|e| test(e)).count() * 100 / events.len();
        assert!((3..12).contains(&share(&|e| e.is_robot)), "{} % robots", share(&|e| e.is_robot));
        assert!((1..8).contains(&share(&|e| e.is_machine)));
        let weekend = share(&|e| crate::dates::utc_day(e.at).weekday().to_monday_zero_offset() > 4);
        assert!((10..22).contains(&weekend), "{weekend} % on weekends");
        let last_year = share(&|e| e.at > "2025-11-21T00:00:00Z".parse().expect("an instant"));
        assert!(last_year > 42, "{last_year} % in the last of three years");
        let repeated =
            events.len() - events.iter().map(UsageEvent::identity).collect::<std::collections::HashSet<_>>().len();
        assert!((50..300).contains(&repeated), "{repeated} repeated lines");
    }

    #[test]
    fn usage_belongs_to_records_that_were_there() {
        let (_folder, files) = generate(3);
        let records: std::collections::HashMap<String, Record> =
            documents(&files.records, Record::from_json).into_iter().map(|r| (r.id.clone(), r)).collect();
        for event in documents(&files.usage_events, UsageEvent::from_json) {
            let record = &records[&event.recid];
            assert!(record.created <= event.at, "{} used before it was there", record.id);
            assert!(record.deleted.is_none_or(|gone| event.at < gone), "{} used after it was gone", record.id);
            assert_eq!(event.parent_recid.as_deref(), Some(record.parent.as_str()));
            if event.kind == UsageKind::Download {
                let file = record.files.iter().find(|f| f.id == event.file_id).expect("a file of the record");
                assert_eq!((file.key.as_deref(), Some(file.size)), (event.file_key.as_deref(), event.size));
            }
        }
    }
}
