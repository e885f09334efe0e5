use jiff::Timestamp;
use tallykeep_control::packages::RunStatus;
use tallykeep_packages::jobs::stars::StarOptions;
use tallykeep_testkit::upstream::{FakeRepository, Misbehaviour};

use crate::support::{House, catalogue, day, ledger};

const NOW: &str = "2026-03-05T09:00:00Z";
const ID: &str = "stars:a:github";

fn events(list: &[&str]) -> Vec<Timestamp> {
    list.iter().map(|at| at.parse().expect("an instant")).collect()
}

fn repository(has_history: bool, shows_list: bool) -> FakeRepository {
    let events =
        events(&["2026-03-01T23:59:59Z", "2026-03-02T00:00:00Z", "2026-03-02T08:00:00Z", "2026-03-04T12:00:00Z"]);
    FakeRepository { stars: 4, events, has_history, shows_list, full_name: None }
}

fn config() -> tallykeep_packages::Config {
    catalogue(&[(ID, "github", "o/r")])
}

fn options(lookback_days: i64) -> StarOptions {
    StarOptions { lookback_days, ..StarOptions::default() }
}

const LINE: [&str; 4] = ["2026-03-01 1", "2026-03-02 3", "2026-03-03 3", "2026-03-04 4"];

#[tokio::test]
async fn history_first_without_a_token() {
    let house = House::new(NOW).await;
    house.fake.repository("o/r", repository(true, false));
    let jobs = house.jobs(NOW, &config()).await;
    let report = jobs.update_daily_stars(options(4)).await.expect("a report");
    assert_eq!(report.status, RunStatus::Success, "{:?}", report.errors);
    assert_eq!(ledger(&jobs, ID).await, LINE);
    let rows = jobs.store.stats(ID, day("2026-03-01"), day("2026-03-04")).await.expect("rows");
    assert_eq!(
        (rows[0].source_ref.as_str(), rows[0].source_window.as_str()),
        ("github-history:o/r", "cumulative_snapshot")
    );
    assert_eq!(house.fake.log().len(), 2, "the repository and one page: {:?}", house.fake.asked(""));
}

#[tokio::test]
async fn then_the_list_then_graphql_with_a_token_that_goes_nowhere_else() {
    let house = House::new(NOW).await;
    house.fake.repository("o/r", repository(false, true));
    let jobs = house.jobs_with(NOW, &config(), &[("GITHUB_TOKEN", "s3cret")]).await;
    let report = jobs.update_daily_stars(options(4)).await.expect("a report");
    assert_eq!((ledger(&jobs, ID).await, report.errors.len()), (LINE.map(str::to_owned).to_vec(), 0));
    let house = House::new(NOW).await;
    house.fake.repository("o/r", repository(false, true));
    house.fake.misbehave("/stargazers?", Misbehaviour::EmptyList, None);
    let jobs = house.jobs_with(NOW, &config(), &[("GITHUB_TOKEN", "s3cret")]).await;
    jobs.update_daily_stars(options(4)).await.expect("a report");
    assert_eq!(ledger(&jobs, ID).await, LINE);
    assert_eq!(house.fake.asked("POST /graphql").len(), 1);
    assert!(house.fake.log().iter().all(|asked| asked.headers["authorization"] == "Bearer s3cret"));
}

#[tokio::test]
async fn an_empty_list_never_zeroes_a_line_and_the_fallback_is_the_last_day_only() {
    let house = House::new(NOW).await;
    house.fake.repository("o/r", repository(false, false));
    let jobs = house.jobs_with(NOW, &config(), &[("GITHUB_TOKEN", "s3cret")]).await;
    let report = jobs.update_daily_stars(options(4)).await.expect("a report");
    assert_eq!(ledger(&jobs, ID).await, ["2026-03-04 4"]);
    assert_eq!(report.status, RunStatus::Partial);
    assert!(report.errors[0].starts_with("stars:a:github: stargazer backfill failed ("), "{:?}", report.errors);
    assert!(report.errors[0].contains("; fell back to snapshot") && !report.errors[0].contains("s3cret"));
    let mut reference = config();
    reference.refresh.star_fallback = tallykeep_packages::config::StarFallback::AllDays;
    let house = House::new(NOW).await;
    house.fake.repository("o/r", repository(false, false));
    let jobs = house.jobs(NOW, &reference).await;
    jobs.update_daily_stars(options(4)).await.expect("a report");
    assert_eq!(ledger(&jobs, ID).await, ["2026-03-01 4", "2026-03-02 4", "2026-03-03 4", "2026-03-04 4"]);
}

#[tokio::test]
async fn one_day_due_takes_the_snapshot_and_a_large_fall_is_refused() {
    let house = House::new(NOW).await;
    house.fake.repository("o/r", FakeRepository { stars: 100, ..repository(true, false) });
    let jobs = house.jobs(NOW, &config()).await;
    jobs.update_daily_stars(options(0)).await.expect("a report");
    assert_eq!((ledger(&jobs, ID).await, house.fake.log().len()), (vec!["2026-03-04 100".to_owned()], 1));
    let later = "2026-03-06T09:00:00Z";
    house.fake.repository("o/r", FakeRepository { stars: 79, ..repository(true, false) });
    let jobs = house.jobs(later, &config()).await;
    let report = jobs.update_daily_stars(options(0)).await.expect("a report");
    assert_eq!((report.status, ledger(&jobs, ID).await.len()), (RunStatus::Failed, 1), "the only metric failed");
    assert!(report.errors[0].contains("fall from 100 to 79"), "{:?}", report.errors);
    let report = jobs.update_daily_stars(StarOptions { accept_drops: true, ..options(0) }).await.expect("a report");
    assert_eq!((report.inserted, ledger(&jobs, ID).await[1].as_str()), (1, "2026-03-05 79"));
}

#[tokio::test]
async fn a_renamed_repository_is_followed_and_told_and_a_bad_token_is_said() {
    let house = House::new(NOW).await;
    house.fake.repository("n/r", FakeRepository { full_name: Some("n/r".to_owned()), ..repository(true, false) });
    house.fake.misbehave("GET /repos/o/r", Misbehaviour::Redirect("/repos/n/r".to_owned()), Some(1));
    let jobs = house.jobs(NOW, &config()).await;
    let report = jobs.update_daily_stars(options(0)).await.expect("a report");
    assert_eq!((report.metrics[0].outcome.as_str(), report.inserted), ("renamed", 1));
    house.fake.behave();
    house.fake.repository("o/r", repository(true, false));
    house.fake.misbehave("GET /repos/o/r", Misbehaviour::Status(401), Some(1));
    let jobs = house.jobs_with("2026-03-06T09:00:00Z", &config(), &[("GITHUB_TOKEN", "s3cret")]).await;
    let report = jobs.update_daily_stars(options(0)).await.expect("a report");
    assert_eq!((report.inserted, report.errors.len()), (1, 0));
    assert!(house.said.lock().expect("unpoisoned").iter().any(|line| line.contains("rejects GITHUB_TOKEN")));
}

#[tokio::test]
async fn a_rate_limit_far_away_is_not_waited_for() {
    let house = House::new(NOW).await;
    house.fake.repository("o/r", repository(true, false));
    house.fake.misbehave("/repos/o/r", Misbehaviour::RateLimited(1_772_704_800), None);
    let jobs = house.jobs(NOW, &config()).await;
    let report = jobs.update_daily_stars(options(0)).await.expect("a report");
    assert_eq!(report.metrics[0].outcome, "throttled");
    assert_eq!(report.metrics[0].try_again_at.map(|t| t.to_string()).as_deref(), Some("2026-03-05T10:00:00Z"));
}
