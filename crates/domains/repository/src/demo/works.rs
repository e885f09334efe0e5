//! Works and their versions, and who took them in when.

use std::io::{self, Write};

use jiff::{Timestamp, civil::Date, tz::TimeZone};
use serde_json::{Value, json};

use super::{
    Shape, calendar,
    calendar::DAY,
    communities::{self, Community},
    days_before, instant,
    random::{Random, sums},
    seconds,
    words::{ACCESS, AFFILIATIONS, FORMS, FUNDERS, JOURNALS, LANGUAGES, PUBLISHERS, RIGHTS, SUBJECTS, TOPICS, TYPES},
};

pub(super) struct MadeFile {
    pub(super) key: String,
    pub(super) ext: &'static str,
    pub(super) size: i64,
    pub(super) id: String,
}

/// One version of a work.
pub(super) struct Version {
    pub(super) id: String,
    pub(super) parent: String,
    /// Number of the work, the same for all its versions.
    pub(super) work: usize,
    pub(super) bucket: String,
    pub(super) created: i64,
    pub(super) deleted: Option<i64>,
    pub(super) files: Vec<MadeFile>,
    /// How much it is used beside others.
    pub(super) interest: f64,
    /// Filled in while usage is written.
    pub(super) views: u64,
    pub(super) downloads: u64,
    owner: usize,
    updated: i64,
    published: String,
    kind: usize,
    access: &'static str,
    metadata: Value,
    /// Community, start, end of each time in it.
    stays: Vec<(usize, i64, Option<i64>)>,
}

/// Everything, in order of creation.
pub(super) fn invent(shape: &Shape, communities: &[Community], seed: u64, today: Date) -> Vec<Version> {
    let mut random = Random::new(seed, "works");
    let created = creation(shape, today, &mut random);
    let (type_sums, access_sums) = (sums(TYPES.iter().map(|t| t.3)), sums(ACCESS.iter().map(|a| a.1)));
    let popularity = communities::popularity(communities);
    let membership_sums = sums(shape.memberships.into_iter());
    let end = seconds(today);
    let mut versions: Vec<Version> = Vec::with_capacity(created.len());
    let mut works = 0;
    for created in created {
        // About every eighth is a new version of one of the later works.
        let before = if versions.len() > 20 && random.chance(0.12) {
            let recent = versions.len().min(400);
            Some(versions.len() - 1 - random.below(recent))
        } else {
            None
        };
        let (work, parent, owner, kind) = match before.map(|b| &versions[b]) {
            Some(v) => (v.work, v.parent.clone(), v.owner, v.kind),
            None => {
                works += 1;
                // Few people upload much, many little.
                let people = shape.records / 10;
                let owner = random.below(people).min(random.below(people)).min(random.below(people));
                (works - 1, random.record_id(), owner, random.weighted(&type_sums))
            }
        };
        let access = ACCESS[random.weighted(&access_sums)].0;
        let files = if access == "metadata-only" { Vec::new() } else { files(kind, &mut random) };
        let deleted = random
            .chance(shape.deleted)
            .then(|| created + DAY / 4 + i64::try_from(random.below(200 * 86_400)).unwrap_or(0))
            .filter(|gone| *gone < end);
        let stays = match before.map(|b| &versions[b]) {
            // A new version is where its work is.
            Some(v) => v.stays.iter().filter(|s| s.2.is_none()).map(|s| (s.0, created, None)).collect(),
            None => stays(created, deleted.unwrap_or(end), communities, &popularity, &membership_sums, &mut random),
        };
        let metadata = metadata(kind, &mut random);
        versions.push(Version {
            id: random.record_id(),
            bucket: random.uuid(),
            interest: interest(shape, &mut random),
            published: published(created, &mut random),
            updated: deleted.unwrap_or(created + 60 + i64::try_from(random.below(7_200)).unwrap_or(0)),
            views: 0,
            downloads: 0,
            parent,
            work,
            created,
            deleted,
            files,
            owner,
            kind,
            access,
            metadata,
            stays,
        });
    }
    versions
}

/// Instants of creation, growing over the years, fewer on weekends and in summer.
fn creation(shape: &Shape, today: Date, random: &mut Random) -> Vec<i64> {
    let days: Vec<Date> = days_before(today, shape.record_days).collect();
    let all = f64::from(shape.record_days);
    let mut passed = 0.0;
    let weights: Vec<f64> = days
        .iter()
        .map(|&day| {
            passed += 1.0;
            let quiet = if day.weekday().to_monday_zero_offset() > 4 { 0.3 } else { 1.0 };
            (0.35 + passed / all) * quiet * calendar::weight(day, random)
        })
        .collect();
    let day_sums = sums(weights.into_iter());
    let hours = calendar::hours();
    let mut created: Vec<i64> = (0..shape.records)
        .map(|_| seconds(days[random.weighted(&day_sums)]) + calendar::second_of_day(random, &hours))
        .collect();
    created.sort_unstable();
    created
}

fn interest(shape: &Shape, random: &mut Random) -> f64 {
    let rank = u32::try_from(random.below(shape.records)).unwrap_or(u32::MAX);
    1.0 / (f64::from(rank) + 8.0)
}

fn files(kind: usize, random: &mut Random) -> Vec<MadeFile> {
    let extensions = TYPES[kind].4;
    let count = 1 + random.below(4).min(random.below(4)) * (1 + random.below(2));
    (0..count)
        .map(|number| {
            let ext = if number == 0 { extensions[0] } else { *random.pick(extensions) };
            let (low, high) = match ext {
                "mp4" | "nc" | "tif" => (22, 31),
                "zip" | "gz" | "mp3" => (18, 29),
                "md" | "txt" | "json" => (9, 16),
                _ => (14, 24),
            };
            MadeFile {
                key: format!("{}-{}.{ext}", random.hex(6), number + 1),
                ext,
                size: random.size(low, high),
                id: random.uuid(),
            }
        })
        .collect()
}

/// Times in communities: joined within days, a few removed, some of these back again.
fn stays(
    created: i64,
    end: i64,
    communities: &[Community],
    popularity: &[f64],
    memberships: &[f64],
    random: &mut Random,
) -> Vec<(usize, i64, Option<i64>)> {
    let mut stays: Vec<(usize, i64, Option<i64>)> = Vec::new();
    for _ in 0..random.weighted(memberships) {
        // A community that is not there yet, or has it already, is drawn again.
        let found = (0..20)
            .map(|_| random.weighted(popularity))
            .find(|&c| communities[c].created <= created && stays.iter().all(|s| s.0 != c));
        let Some(community) = found else { continue };
        let wait = if random.chance(0.7) { 0 } else { random.below(9 * 86_400) };
        let start = created + i64::try_from(wait).unwrap_or(0);
        if start >= end {
            continue;
        }
        let mut stay = (community, start, None);
        if random.chance(0.04) {
            // A third of those who leave do so within hours: somebody took the wrong one.
            let long = if random.chance(0.33) { 6 * 3_600 } else { 300 * 86_400 };
            let left = start + 60 + i64::try_from(random.below(long)).unwrap_or(0);
            if left < end {
                stay.2 = Some(left);
                let back = left + 3_600 + i64::try_from(random.below(60 * 86_400)).unwrap_or(0);
                if back < end && random.chance(0.4) {
                    stays.push(stay);
                    stay = (community, back, None);
                }
            }
        }
        stays.push(stay);
    }
    stays
}

/// The day it was put in, or, for what is older than the repository, a year, a month or a day long ago.
fn published(created: i64, random: &mut Random) -> String {
    let year = 2022 - random.below(45).min(random.below(45));
    let (month, day) = (1 + random.below(12), 1 + random.below(28));
    match random.below(100) {
        0..=7 => format!("{year}"),
        8..=13 => format!("{year}-{month:02}"),
        14..=22 => format!("{year}-{month:02}-{day:02}"),
        23 => format!("{year}/{}", year + 1),
        _ => instant(created)[..10].to_owned(),
    }
}

fn metadata(kind: usize, random: &mut Random) -> Value {
    let resource = TYPES[kind];
    let topic = random.pick(TOPICS);
    let language_sums = sums(LANGUAGES.iter().map(|l| l.2));
    let right_sums = sums(RIGHTS.iter().map(|r| r.2));
    let language = LANGUAGES[random.weighted(&language_sums)];
    let mut languages = vec![json!({"id": language.0, "title": {"en": language.1}})];
    let second = LANGUAGES[random.weighted(&language_sums)];
    if random.chance(0.06) && second.0 != language.0 {
        languages.push(json!({"id": second.0, "title": {"en": second.1}}));
    }
    let right = RIGHTS[random.weighted(&right_sums)];
    let rights = if random.chance(0.94) { vec![json!({"id": right.0, "title": {"en": right.1}})] } else { Vec::new() };
    let mut subjects = Vec::new();
    let first = random.below(SUBJECTS.len());
    for step in 0..random.below(4) {
        let number = (first + step * 5) % SUBJECTS.len();
        subjects
            .push(json!({"id": format!("subject:{number:03}"), "subject": SUBJECTS[number], "scheme": "Nordhafen"}));
    }
    let funding = if random.chance(0.2) {
        let (id, name) = random.pick(FUNDERS);
        vec![json!({"funder": id.map_or_else(|| json!({"name": name}), |id| json!({"id": id, "name": name}))})]
    } else {
        Vec::new()
    };
    let mut people = |most: usize| -> Vec<Value> {
        (0..random.below(most + 1))
            .map(|_| {
                let place = random.below(AFFILIATIONS.len()).min(random.below(AFFILIATIONS.len()));
                let (id, name) = AFFILIATIONS[place];
                json!({"affiliations": [id.map_or_else(|| json!({"name": name}), |id| json!({"id": id, "name": name}))]})
            })
            .collect()
    };
    let (creators, contributors) = (people(4), people(2));
    json!({
        "title": format!("{} {}", random.pick(FORMS), topic.to_lowercase()),
        "resource_type": {"id": resource.0, "title": {"en": resource.1, "de": resource.2}},
        "languages": languages,
        "subjects": subjects,
        "rights": rights,
        "publisher": *random.pick(PUBLISHERS),
        "funding": funding,
        "creators": creators,
        "contributors": contributors,
        "journal": (resource.0 == "publication-article" && random.chance(0.8)).then(|| *random.pick(JOURNALS)),
    })
}

/// Writes one document per version.
pub(super) fn write(out: &mut dyn Write, versions: &[Version], communities: &[Community]) -> io::Result<usize> {
    let works = versions.iter().map(|v| v.work + 1).max().unwrap_or(0);
    let mut totals = vec![(0_u64, 0_u64); works];
    for version in versions {
        totals[version.work].0 += version.views;
        totals[version.work].1 += version.downloads;
    }
    for version in versions {
        serde_json::to_writer(&mut *out, &document(version, communities, totals[version.work]))?;
        out.write_all(b"\n")?;
    }
    Ok(versions.len())
}

fn document(version: &Version, communities: &[Community], (views, downloads): (u64, u64)) -> Value {
    let mut metadata = version.metadata.clone();
    let journal = metadata.as_object_mut().and_then(|m| m.remove("journal")).filter(|j| !j.is_null());
    metadata["publication_date"] = json!(version.published);
    let ids: Vec<&str> = match version.deleted {
        Some(_) => Vec::new(),
        None => version.stays.iter().filter(|s| s.2.is_none()).map(|s| communities[s.0].id.as_str()).collect(),
    };
    let mut types: Vec<&str> = version.files.iter().map(|f| f.ext).collect();
    types.sort_unstable();
    types.dedup();
    let entries: Vec<Value> =
        version.files.iter().map(|f| json!({"key": f.key, "ext": f.ext, "size": f.size, "file_id": f.id})).collect();
    let mut document = json!({
        "id": version.id,
        "parent": {
            "id": version.parent,
            "access": {"owned_by": {"user": (version.owner + 1).to_string()}},
            "communities": {"ids": ids},
        },
        "created": zoned(version.created),
        "updated": zoned(version.updated),
        "is_published": true,
        "is_deleted": version.deleted.is_some(),
        "files": {"enabled": version.access != "metadata-only", "entries": entries, "types": types},
        "access": {"status": version.access},
        "metadata": metadata,
        "custom_fields": journal.map_or_else(|| json!({}), |title| json!({"journal:journal": {"title": title}})),
        "stats": {"all_versions": {"views": views, "downloads": downloads},
                  "this_version": {"views": version.views, "downloads": version.downloads}},
    });
    if let Some(gone) = version.deleted {
        document["tombstone"] = json!({"removal_date": zoned(gone), "removal_reason": {"id": "duplicate"}});
    }
    document
}

fn zoned(second: i64) -> String {
    format!("{}+00:00", instant(second))
}

/// Writes the membership events of everything, oldest first.
pub(super) fn write_memberships(
    out: &mut dyn Write,
    versions: &[Version],
    communities: &[Community],
) -> io::Result<usize> {
    let mut events: Vec<(i64, usize, &str, &str)> = Vec::with_capacity(versions.len() * 3);
    for (number, version) in versions.iter().enumerate() {
        events.push((version.created, number, "global", "added"));
        for &(community, start, end) in &version.stays {
            let id = communities[community].id.as_str();
            events.push((start, number, id, "added"));
            events.extend(end.map(|end| (end, number, id, "removed")));
        }
    }
    events.sort_unstable();
    for (at, number, community, kind) in &events {
        let version = &versions[*number];
        let at = instant(*at);
        let published = Timestamp::from_second(version.created).map(|t| t.to_zoned(TimeZone::UTC).date());
        let published = crate::dates::publication_day(&version.published).or(published.ok());
        let mut document = json!({
            "record_id": version.id,
            "community_id": community,
            "event_type": kind,
            "event_date": at,
            "record_created_date": zoned(version.created),
            "record_published_date": published.map(|d| d.to_string()),
            "is_deleted": version.deleted.is_some(),
            "timestamp": at,
            "updated_timestamp": at,
        });
        if let Some(gone) = version.deleted {
            document["deleted_date"] = json!(zoned(gone));
        }
        serde_json::to_writer(&mut *out, &document)?;
        out.write_all(b"\n")?;
    }
    Ok(events.len())
}
