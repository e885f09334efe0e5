//! Random histories of one community: what happened, in which of two imports it arrives, and what kinds of trouble it holds.

use jiff::{SignedDuration, Timestamp, ToSpan, civil::Date};
use proptest::prelude::*;
use serde_json::{Value, json};

/// The first day of every history; aggregation happens on the days [`FIRST_RUN`] and [`SECOND_RUN`] after it.
pub const BASE: Date = jiff::civil::date(2024, 3, 1);
pub const FIRST_RUN: i32 = 20;
pub const SECOND_RUN: i32 = 40;

/// An instant: a day after [`BASE`] and a second of it.
pub type At = (i32, i32);

/// One version of a record's document.
#[derive(Debug, Clone)]
pub struct Version {
    pub kind: u8,
    pub languages: Vec<u8>,
    /// Extension and size; `None`: files are disabled.
    pub files: Option<Vec<(u8, u16)>>,
    /// (person, affiliation) pairs, creators first.
    pub affiliations: Vec<u8>,
    /// Day of publication relative to [`BASE`].
    pub published: Option<i32>,
    /// Deleted this long after its creation.
    pub deleted: Option<(i32, i32)>,
    pub first_import: bool,
}

#[derive(Debug, Clone)]
pub struct Member {
    pub at: At,
    pub added: bool,
    /// Arrives with the second import although it happened before the first aggregation.
    pub late: bool,
}

#[derive(Debug, Clone)]
pub struct Use {
    pub at: At,
    pub visitor: u8,
    /// Number of the file taken; `None`: a view.
    pub download: Option<u8>,
    pub country: Option<u8>,
    pub robot: bool,
    pub late: bool,
    pub twice: bool,
}

#[derive(Debug, Clone)]
pub struct Work {
    pub parent: u8,
    pub owner: u8,
    pub created: At,
    pub versions: Vec<Version>,
    pub members: Vec<Member>,
    pub usage: Vec<Use>,
}

/// Everything about one community.
#[derive(Debug, Clone)]
pub struct History(pub Vec<Work>);

fn at() -> impl Strategy<Value = At> {
    (0..SECOND_RUN - 1, 0..86_000_i32)
}

fn version() -> impl Strategy<Value = Version> {
    (
        0..3_u8,
        prop::collection::vec(0..3_u8, 0..3),
        prop::option::weighted(0.75, prop::collection::vec((0..3_u8, 0..2_000_u16), 0..3)),
        prop::collection::vec(0..3_u8, 0..4),
        prop::option::weighted(0.9, -40..SECOND_RUN),
        prop::option::weighted(0.3, (0..11_i32, 1..80_000_i32)),
        any::<bool>(),
    )
        .prop_map(|(kind, mut languages, files, affiliations, published, deleted, first_import)| {
            languages.sort_unstable();
            languages.dedup();
            Version { kind, languages, files, affiliations, published, deleted, first_import }
        })
}

fn member() -> impl Strategy<Value = Member> {
    (at(), prop::bool::weighted(0.6), prop::bool::weighted(0.2)).prop_map(|(at, added, late)| Member {
        at,
        added,
        late,
    })
}

/// Leaves on the day it came, and sometimes comes back.
fn visit() -> impl Strategy<Value = Vec<Member>> {
    (0..SECOND_RUN - 8, 0..40_000_i32, 1..40_000_i32, any::<bool>(), 0..6_i32).prop_map(
        |(day, second, long, back, wait)| {
            let event = |at, added| Member { at, added, late: false };
            let mut events = vec![event((day, second), true), event((day, second + long), false)];
            if back {
                events.push(event((day + wait, 81_000), true));
            }
            events
        },
    )
}

fn usage() -> impl Strategy<Value = Use> {
    (
        at(),
        0..4_u8,
        prop::option::of(0..3_u8),
        prop::option::of(0..3_u8),
        prop::bool::weighted(0.1),
        prop::bool::weighted(0.2),
        prop::bool::weighted(0.15),
    )
        .prop_map(|(at, visitor, download, country, robot, late, twice)| Use {
            at,
            visitor,
            download,
            country,
            robot,
            late,
            twice,
        })
}

fn work() -> impl Strategy<Value = Work> {
    (
        0..2_u8,
        0..3_u8,
        (0..SECOND_RUN - 12, 0..86_000_i32),
        prop::collection::vec(version(), 1..4),
        prop::collection::vec(member(), 0..4),
        prop::option::weighted(0.3, visit()),
        prop::collection::vec(usage(), 0..6),
    )
        .prop_map(|(parent, owner, created, mut versions, mut members, visit, usage)| {
            members.extend(visit.into_iter().flatten());
            // Two events of one record at one instant have no order; nobody can say what they mean.
            members.sort_by_key(|m| m.at);
            members.dedup_by_key(|m| m.at);
            versions[0].first_import = true;
            Work { parent, owner, created, versions, members, usage }
        })
}

pub fn history() -> impl Strategy<Value = History> {
    prop::collection::vec(work(), 1..4).prop_map(History)
}

pub fn day(number: i32) -> Date {
    BASE.saturating_add(number.days())
}

pub fn instant(at: At) -> Timestamp {
    let start = day(at.0).to_zoned(jiff::tz::TimeZone::UTC).expect("in range").timestamp();
    start + SignedDuration::from_secs(i64::from(at.1))
}

impl Work {
    /// When its final version was deleted, if it was.
    pub fn deleted(&self) -> Option<Timestamp> {
        self.versions.last().and_then(|v| self.deleted_in(v))
    }

    pub fn deleted_in(&self, version: &Version) -> Option<Timestamp> {
        let (days, seconds) = version.deleted?;
        Some(instant(self.created) + SignedDuration::from_secs(i64::from(days) * 86_400 + i64::from(seconds)))
    }
}

/// The documents of one import.
#[derive(Debug, Default, Clone)]
pub struct Documents {
    pub communities: Vec<Value>,
    pub records: Vec<Value>,
    pub memberships: Vec<Value>,
    pub usage: Vec<Value>,
}

/// Documents of all histories, in the import they arrive with.
pub fn documents(histories: &[History]) -> [Documents; 2] {
    let mut imports = [Documents::default(), Documents::default()];
    for (h, history) in histories.iter().enumerate() {
        imports[0]
            .communities
            .push(json!({"id": format!("c{h}"), "slug": format!("community-{h}"), "metadata": {"title": "C"}}));
        for (w, work) in history.0.iter().enumerate() {
            let second = |late: bool, day: i32| usize::from(late || day >= FIRST_RUN);
            let id = format!("h{h}r{w}");
            for (number, version) in work.versions.iter().enumerate() {
                let document = record(h, &id, work, number, version);
                imports[second(!version.first_import, work.created.0)].records.push(document);
            }
            let event = |community: &str, added: bool, at: At| {
                let kind = if added { "added" } else { "removed" };
                json!({"record_id": id, "community_id": community, "event_type": kind, "event_date": instant(at).to_string()})
            };
            imports[second(false, work.created.0)].memberships.push(event("global", true, work.created));
            for member in &work.members {
                let document = event(&format!("c{h}"), member.added, member.at);
                imports[second(member.late, member.at.0)].memberships.push(document);
            }
            for (number, used) in work.usage.iter().enumerate() {
                let document = usage_event(h, &id, work, number, used);
                if used.twice {
                    imports[1].usage.push(document.clone());
                }
                imports[second(used.late, used.at.0)].usage.push(document);
            }
        }
    }
    imports
}

fn record(h: usize, id: &str, work: &Work, number: usize, version: &Version) -> Value {
    let title = |text: &str| json!({"en": text});
    let files = version.files.as_ref().map_or_else(
        || json!({"enabled": false}),
        |files| {
            let entries = files.iter().enumerate().map(|(n, (ext, size))| {
                json!({"key": format!("{n}.x{ext}"), "ext": format!("x{ext}"), "size": size, "file_id": format!("{id}f{n}")})
            });
            json!({"enabled": true, "entries": entries.collect::<Vec<_>>()})
        },
    );
    let person = |a: &u8| json!({"affiliations": [{"id": format!("a{a}"), "name": "A"}]});
    let (creators, contributors) = version.affiliations.split_at(version.affiliations.len() / 2);
    let mut document = json!({
        "id": id,
        "parent": {"id": format!("h{h}p{}", work.parent), "access": {"owned_by": {"user": format!("h{h}u{}", work.owner)}},
                   "communities": {"ids": [format!("c{h}")]}},
        "created": instant(work.created).to_string(),
        "updated": format!("2024-06-01T00:00:{number:02}Z"),
        "is_published": true,
        "is_deleted": version.deleted.is_some(),
        "files": files,
        "metadata": {
            "publication_date": version.published.map(|d| day(d).to_string()),
            "resource_type": {"id": format!("t{}", version.kind), "title": title("T")},
            "languages": version.languages.iter().map(|l| json!({"id": format!("l{l}"), "title": title("L")})).collect::<Vec<_>>(),
            "creators": creators.iter().map(person).collect::<Vec<_>>(),
            "contributors": contributors.iter().map(person).collect::<Vec<_>>(),
        },
    });
    if let Some(gone) = work.deleted_in(version) {
        document["tombstone"] = json!({"removal_date": gone.to_string()});
    }
    document
}

fn usage_event(h: usize, id: &str, work: &Work, number: usize, used: &Use) -> Value {
    let mut event = json!({
        "timestamp": instant(used.at).to_string(),
        "recid": id,
        "parent_recid": format!("h{h}p{}", work.parent),
        "unique_id": format!("{id}-{number}"),
        "visitor_id": format!("h{h}v{}", used.visitor),
        "country": used.country.map(|c| format!("C{c}")),
        "is_robot": used.robot,
    });
    if let Some(file) = used.download {
        event["file_id"] = json!(format!("{id}f{file}"));
        event["file_key"] = json!(format!("{file}.k{file}"));
        event["size"] = json!(100 + i64::from(file));
    }
    event
}

/// Trouble a history holds, for counting.
#[derive(Debug, Default, Clone, Copy)]
pub struct Trouble {
    pub delete: bool,
    pub restore: bool,
    pub rejoin: bool,
    pub same_day_leave: bool,
    pub late_event: bool,
}
