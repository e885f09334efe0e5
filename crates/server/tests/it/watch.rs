//! Watchdogs on the series of the demo: quiet for a year, awake within a day of a line that goes flat.

use std::time::Duration;

use jiff::{ToSpan, civil::Date};
use serde_json::json;
use tallykeep_access::AccessConfig;
use tallykeep_chat::service::{Chat, ChatConfig};
use tallykeep_control::{Control, TeamControl};
use tallykeep_lake::Lake;
use tallykeep_model::{Clock, TeamSlug};
use tallykeep_packages::{Packages, environment::Environment};
use tallykeep_server::DomainSource;
use tallykeep_watch::{Course, Kind, Source, WatchConfig, Watchdogs, Watched, departure, is_settled};

use crate::support::{As, Server, value};

/// Days that are judged, after the eight weeks they are judged by.
const YEAR: usize = 365;

async fn demo() -> (Server, TeamControl) {
    let clock = Clock::Fixed("2026-11-21T12:00:00Z".parse().expect("an instant"));
    let dir = tempfile::tempdir().expect("a folder");
    let control = Control::open(dir.path(), clock).await.expect("a database");
    let lake = Lake::open(&dir.path().join("lake"), Duration::from_secs(60)).expect("a lake");
    let server = Server::on(control, dir, AccessConfig::default(), |control, builder| {
        let packages = Packages::new(None, None, Environment::of([])).expect("the shipped example");
        let config = ChatConfig { cache: false, ..ChatConfig::default() };
        builder.with(packages).with(Chat::new(control.clone(), lake.clone(), config))
    });
    let team = server.control.team(&TeamSlug::default()).await.expect("the default team");
    tallykeep_packages::demo::seed_demo(&team, 7, clock).await.expect("packages");
    tallykeep_chat::demo::seed_demo(&team, &lake, tallykeep_chat::demo::Size::default(), 7).await.expect("chats");
    (server, team)
}

/// How often a year of daily looks opens an alert for a series.
fn openings(series: &Watched) -> Vec<Date> {
    let (mut opened, mut is_open) = (Vec::new(), false);
    for until in series.days.len().saturating_sub(YEAR)..=series.days.len() {
        let days = &series.days[..until];
        match departure(series.kind, days) {
            Some(_) if !is_open => {
                is_open = true;
                opened.push(days[until - 1].date);
            }
            None if is_open && is_settled(series.kind, days) => is_open = false,
            _ => {}
        }
    }
    opened
}

#[tokio::test]
async fn the_demo_is_quiet_and_a_flat_line_in_it_is_not() {
    let (server, team) = demo().await;
    let source = DomainSource::of(&server.app, None);
    let last = team.clock().today().saturating_sub(1.day());
    let first = last.saturating_sub(i64::try_from(YEAR + 70).expect("small").days());
    let watched = source.watched(&team, first, last).await.expect("series");
    let keys: Vec<&str> = watched.iter().map(|series| series.key.as_str()).collect();
    assert!(keys.contains(&"chat:messages") && keys.contains(&"packages:downloads:driftwood:python"), "{keys:?}");
    assert!(keys.len() > 8, "{keys:?}");
    for series in &watched {
        let opened = openings(series);
        println!("{}: {opened:?}", series.key);
        assert!(opened.len() <= 1, "{}: {opened:?}", series.key);
    }
    // A line that goes flat on any day of the last month is told on that day.
    let mut judged = 0;
    for series in watched.iter().filter(|series| series.kind == Kind::Level) {
        for ago in [1, 9, 17, 25] {
            let mut days = series.days[..series.days.len() - ago].to_vec();
            if departure(series.kind, &days).is_some() {
                continue;
            }
            let Some(flat) = days.last_mut().filter(|day| day.value.is_some_and(|value| value >= 50.0)) else {
                continue;
            };
            flat.value = Some(0.0);
            let since = flat.date;
            let found = departure(series.kind, &days).unwrap_or_else(|| panic!("{}: flat since {since}", series.key));
            assert_eq!((found.since, found.course), (since, Course::Silent), "{}", series.key);
            judged += 1;
        }
    }
    assert!(judged >= 20, "only {judged} flat lines were looked at");
}

#[tokio::test]
async fn what_was_found_is_served() {
    let (server, team) = demo().await;
    let source = DomainSource::of(&server.app, None);
    let looked = Watchdogs::new(WatchConfig::default(), None).look(&source, &team).await.expect("looked");
    let body = value(server.get("/api/v1/watch", &As::Nobody).await).await;
    let open: Vec<_> = body["alerts"].as_array().expect("a list").iter().filter(|a| a["closed_at"].is_null()).collect();
    assert_eq!(open.len(), looked.open.len());
    // The demo's vanished package gives nothing any more.
    let alert = looked.open.iter().find(|alert| alert.key == "packages:downloads:tidekit:nodejs").expect("it is told");
    assert!(alert.message.contains("no value since 2026-10-11"), "{}", alert.message);
    assert_eq!(json!(looked)["watched"], json!(looked.watched));
}
