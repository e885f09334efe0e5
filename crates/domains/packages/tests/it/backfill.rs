//! A backfill that is killed at any moment goes on where it was.

use std::{
    collections::HashMap,
    process::{Command, Stdio},
};

use tallykeep_packages::{Config, jobs::update_all::UpdateAllOptions};
use tallykeep_testkit::upstream::FakeRepository;

use crate::support::{House, catalogue, clock, day, ledger};

const NOW: &str = "2026-03-08T09:00:00Z";
const ROUNDS: usize = 20;

fn config() -> Config {
    catalogue(&[
        ("downloads:a:python", "pypistats", "a"),
        ("downloads:a:nodejs", "npm", "a"),
        ("downloads:b:nodejs", "npm", "b"),
        ("downloads:a:rust", "cratesio", "a"),
        ("stars:a:github", "github", "o/r"),
    ])
}

/// Not a test of its own: what the killed process does. Reads the fake's addresses from its environment.
#[tokio::test]
#[ignore = "started by the test below"]
async fn child() {
    let Ok(dir) = std::env::var("BACKFILL_DIR") else { return };
    let control =
        tallykeep_control::Control::open(std::path::Path::new(&dir), clock(NOW)).await.expect("a control database");
    let team = control.team(&Default::default()).await.expect("the default team");
    let environment = tallykeep_packages::environment::Environment::load(std::path::Path::new("/nowhere"));
    let settings = tallykeep_packages::environment::Settings::from_environment(environment).expect("settings");
    let jobs =
        tallykeep_packages::jobs::Jobs::new(team.packages(), config(), settings, tallykeep_packages::service::silent())
            .expect("jobs");
    let options = UpdateAllOptions {
        lookback_days: 1100,
        reset_tables: false,
        seed_dir: std::path::Path::new("/nowhere"),
        accept_drops: false,
    };
    // A killed owner's turn ends by itself after some seconds; the test frees it, as a person with `leases break` would.
    control.break_lease("packages:default").await.expect("freed");
    let report = jobs.update_all(options).await.expect("a report");
    assert!(report.errors.is_empty(), "{:?}", report.errors);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn killed_at_random_steps_it_resumes_and_asks_for_no_finished_chunk_twice() {
    let mut kills = 0;
    for round in 0..ROUNDS {
        let house = House::new(NOW).await;
        let days: Vec<_> = tallykeep_packages::days::each_day(day("2023-03-01"), day("2026-03-07")).collect();
        house.fake.pypi("a", days.iter().rev().take(180).map(|d| (*d, 10, 5)));
        for name in ["a", "b"] {
            house.fake.npm(name, days.iter().map(|d| (*d, 20)));
        }
        house.fake.crate_days("a", days.iter().map(|d| (*d, 3)));
        let events = days.iter().map(|d| tallykeep_packages::days::midnight(*d)).collect::<Vec<_>>();
        house.fake.repository(
            "o/r",
            FakeRepository {
                stars: i64::try_from(events.len()).expect("few"),
                events,
                has_history: true,
                shows_list: false,
                full_name: None,
            },
        );
        // Each request takes a little, so that a kill falls between and inside of them.
        house.fake.misbehave(
            "",
            tallykeep_testkit::upstream::Misbehaviour::Slow(std::time::Duration::from_millis(15)),
            None,
        );
        let mut finished: HashMap<String, usize> = HashMap::new();
        let mut done = false;
        for attempt in 0..12 {
            let mut child = Command::new(std::env::current_exe().expect("this program"))
                .args(["--exact", "backfill::child", "--ignored", "--nocapture"])
                .env("BACKFILL_DIR", house.dir.path())
                .envs(house.fake.environment())
                .stdout(Stdio::null())
                .stderr(Stdio::null())
                .spawn()
                .expect("a child");
            if attempt < 6 {
                // From before the first request to after several, differently in each round.
                let before = house.fake.log().len();
                let wanted = before + 1 + (round * 7 + attempt * 5) % 4;
                for _ in 0..400 {
                    if house.fake.log().len() >= wanted || child.try_wait().expect("a child").is_some() {
                        break;
                    }
                    tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                }
                let pause = u64::try_from((round * 13 + attempt * 29) % 40).unwrap_or(0);
                tokio::time::sleep(std::time::Duration::from_millis(pause)).await;
                if child.try_wait().expect("a child").is_none() {
                    child.kill().expect("SIGKILL");
                    kills += 1;
                }
            }
            let status = child.wait().expect("ended");
            // What is marked finished now must not be asked for again.
            let jobs = house.jobs(NOW, &config()).await;
            if status.success() {
                done = true;
                break;
            }
            let steps = jobs.store.finished_steps("update_all:2023-03-04..2026-03-07").await.expect("steps");
            for (step, _) in steps {
                finished.entry(step.clone()).or_insert_with(|| requests_of(&house, &step).len());
            }
        }
        assert!(done, "round {round}: never finished");
        for (step, asked) in &finished {
            assert_eq!(
                requests_of(&house, step).len(),
                *asked,
                "round {round}: {step} was finished and asked for again"
            );
        }
        let jobs = house.jobs(NOW, &config()).await;
        assert_eq!(ledger(&jobs, "downloads:a:nodejs").await.len(), 1100);
        assert_eq!(ledger(&jobs, "downloads:b:nodejs").await.len(), 1100);
        assert_eq!(ledger(&jobs, "downloads:a:python").await.len(), 180);
        let stars = ledger(&jobs, "stars:a:github").await;
        assert_eq!((stars.len(), stars.last().map(String::as_str)), (1100, Some("2026-03-07 1103")));
        let runs = jobs.store.history(50).await.expect("history");
        let of = |status| runs.iter().filter(|run| run.status == status).count();
        use tallykeep_control::packages::RunStatus::{Abandoned, Success};
        assert_eq!((of(Success), of(Abandoned)), (1, runs.len() - 1), "round {round}: the killed runs left a trace");
    }
    println!("{ROUNDS} rounds, {kills} processes killed");
    assert!(kills >= ROUNDS, "{kills} kills are too few to mean anything");
}

/// The requests that belong to a finished step.
fn requests_of(house: &House, step: &str) -> Vec<String> {
    let (metric, what) = step.split_once('|').unwrap_or((step, ""));
    let range = what.replace("..", ":");
    match metric {
        "downloads:a:nodejs" => house.fake.asked(&format!("/downloads/range/{range}/a")),
        "downloads:b:nodejs" => house.fake.asked(&format!("/downloads/range/{range}/b")),
        "downloads:a:python" => house.fake.asked("/api/packages/a/"),
        "downloads:a:rust" => house.fake.asked("/api/v1/crates/a/"),
        _ => match what.strip_prefix("history page ") {
            Some(page) => house
                .fake
                .asked("/stargazers/history")
                .into_iter()
                .filter(|line| line.ends_with(&format!("&page={page}")))
                .collect(),
            None if what == "repository" => {
                house.fake.asked("GET /repos/o/r").into_iter().filter(|line| !line.contains("stargazers")).collect()
            }
            None => Vec::new(),
        },
    }
}
