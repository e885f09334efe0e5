//! Views and downloads, day by day.

use std::{
    fmt::Write as _,
    io::{self, Write},
};

use jiff::civil::Date;

use super::{
    Shape, calendar,
    calendar::DAY,
    days_before, instant,
    random::{Random, mix, sums},
    seconds,
    words::{COUNTRIES, REFERRERS},
    works::Version,
};

/// Of the events of a day, the share that goes to what is new.
const FRESH: f64 = 0.22;
/// Days a record is new for.
const NEW_DAYS: i64 = 30;
/// Of the events on records with files, the share of downloads.
const DOWNLOADS: f64 = 0.45;

struct Event {
    at: i64,
    version: usize,
    file: Option<usize>,
    visitor: u64,
}

/// Who is behind a visitor number of a day; derived, so that all events of one visitor agree.
struct Visitor {
    id: u64,
    country: Option<&'static str>,
    robot: bool,
    machine: bool,
}

/// Writes one line per event in order of time, and counts them on their versions.
pub(super) fn write(
    out: &mut dyn Write,
    shape: &Shape,
    versions: &mut [Version],
    seed: u64,
    today: Date,
) -> io::Result<usize> {
    let mut random = Random::new(seed, "usage");
    let days: Vec<Date> = days_before(today, shape.usage_days).collect();
    let per_day = calendar::share(shape.events, &day_weights(&days, versions, &mut random));
    let interest = sums(versions.iter().map(|v| v.interest));
    let (hours, countries) = (calendar::hours(), sums(COUNTRIES.iter().map(|c| c.1)));
    let mut line = String::with_capacity(512);
    let mut lines = 0;
    for (&day, &count) in days.iter().zip(&per_day) {
        let mut events = events_of_day(day, count, versions, &interest, &hours, &mut random);
        events.sort_unstable_by_key(|e| (e.at, e.visitor, e.version, e.file));
        for event in &events {
            let visitor = visitor(event.visitor, shape, &countries);
            let version = &mut versions[event.version];
            line.clear();
            write_line(&mut line, event, version, &visitor, &mut random);
            if !visitor.robot {
                version.views += u64::from(event.file.is_none());
                version.downloads += u64::from(event.file.is_some());
            }
            out.write_all(line.as_bytes())?;
            lines += 1;
            // A double click: the same line again.
            if random.chance(shape.repeats) {
                out.write_all(line.as_bytes())?;
                lines += 1;
            }
        }
    }
    Ok(lines)
}

/// Usage follows what there is to use, and the calendar; days before the first record have none.
fn day_weights(days: &[Date], versions: &[Version], random: &mut Random) -> Vec<f64> {
    days.iter()
        .map(|&day| {
            let there = versions.partition_point(|v| v.created < seconds(day));
            let there = u32::try_from(there).unwrap_or(u32::MAX);
            let grown = if there == 0 { 0.0 } else { f64::from(there) + 60.0 };
            grown * calendar::weight(day, random)
        })
        .collect()
}

fn events_of_day(
    day: Date,
    count: usize,
    versions: &[Version],
    interest: &[f64],
    hours: &[f64],
    random: &mut Random,
) -> Vec<Event> {
    let start = seconds(day);
    let there = versions.partition_point(|v| v.created < start);
    let recent = versions[..there].partition_point(|v| v.created < start - NEW_DAYS * DAY);
    let people = (count * 5 / 11).max(1);
    let mut events = Vec::with_capacity(count);
    while events.len() < count && there > 0 {
        let version = if recent < there && random.chance(FRESH) {
            recent + random.below(there - recent)
        } else {
            random.weighted(&interest[..there])
        };
        let chosen = &versions[version];
        if chosen.deleted.is_some_and(|gone| gone < start + DAY) {
            continue;
        }
        let file = (!chosen.files.is_empty() && random.chance(DOWNLOADS)).then(|| {
            let count = chosen.files.len();
            random.below(count).min(random.below(count))
        });
        // Some come often, most once.
        let place = random.below(people).min(random.below(people));
        let visitor = mix(u64::try_from(start).unwrap_or(0) ^ mix(u64::try_from(place).unwrap_or(0)));
        events.push(Event { at: start + calendar::second_of_day(random, hours), version, file, visitor });
    }
    events
}

fn visitor(number: u64, shape: &Shape, countries: &[f64]) -> Visitor {
    let mut own = Random::new(number, "visitor");
    let robot = own.chance(shape.robots);
    let machine = !robot && own.chance(0.03);
    let country = (!own.chance(0.04)).then(|| COUNTRIES[own.weighted(countries)].0);
    Visitor { id: own.next(), country, robot, machine }
}

fn write_line(line: &mut String, event: &Event, version: &Version, visitor: &Visitor, random: &mut Random) {
    let at = instant(event.at);
    let session = mix(visitor.id ^ u64::try_from(event.at / 3_600).unwrap_or(0));
    let api = visitor.machine && event.file.is_some();
    // Nothing in these texts needs escaping; writing into a String cannot fail.
    let _ = write!(line, r#"{{"timestamp":"{at}","recid":"{}","parent_recid":"{}""#, version.id, version.parent);
    match event.file.map(|f| &version.files[f]) {
        Some(file) => {
            let _ = write!(
                line,
                r#","bucket_id":"{0}","file_id":"{1}","file_key":"{2}","size":{3},"unique_id":"{0}_{1}""#,
                version.bucket, file.id, file.key, file.size
            );
        }
        None => {
            let _ = write!(line, r#","unique_id":"ui_{}""#, version.id);
        }
    }
    let _ = write!(line, r#","visitor_id":"{:016x}","unique_session_id":"{session:016x}""#, visitor.id);
    match visitor.country {
        Some(country) => {
            let _ = write!(line, r#","country":"{country}""#);
        }
        None => line.push_str(r#","country":null"#),
    }
    if random.chance(0.3) {
        let _ = write!(line, r#","referrer":"{}""#, random.pick(REFERRERS));
    }
    let (robot, machine) = (visitor.robot, visitor.machine);
    let _ =
        writeln!(line, r#","via_api":{api},"is_robot":{robot},"is_machine":{machine},"updated_timestamp":"{at}"}}"#);
}
