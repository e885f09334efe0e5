//! Queued jobs and the timetable.

use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use tallykeep_access::{AccessConfig, Accounts, InstallationKey};
use tallykeep_control::{Control, JobState, NewJob};
use tallykeep_model::{Clock, TeamSlug};
use tallykeep_server::{App, Audience, JobError, Retry, Scheduler, TimetableEntry, run_until_idle};

use crate::support::{As, Server, text};

#[tokio::test]
async fn a_queued_job_runs_with_its_team_and_service_and_keeps_its_result() {
    let server = Server::with(AccessConfig::default(), |builder| {
        builder.with(String::from("a service")).job("test.greet", |context| async move {
            context.progress(1, Some(2), "half");
            let service = context.service::<String>()?;
            Ok(json!({ "team": context.team().team().slug.to_string(), "service": *service, "args": context.job.args }))
        })
    })
    .await;
    let team = server.control.team(&TeamSlug::default()).await.expect("the team");
    let id = team.queue_job(&NewJob { kind: "test.greet", args: json!([1]) }).await.expect("queued");
    assert_eq!(run_until_idle(&server.app).await.expect("done"), 1);
    let job = team.job(&id).await.expect("it").expect("the job");
    assert_eq!((job.state, job.progress.done), (JobState::Done, 1));
    assert_eq!(job.result, Some(json!({ "team": "default", "service": "a service", "args": [1] })));
}

#[tokio::test]
async fn a_job_that_fails_or_panics_says_why_and_the_server_is_unwell_until_the_next_success() {
    let server = Server::with(AccessConfig::default(), |builder| {
        builder.job("test.job", |context| async move {
            match context.job.args.as_str() {
                Some("fail") => Err(JobError("upstream said no".to_owned())),
                Some("panic") => panic!("a bug"),
                _ => Ok(json!({})),
            }
        })
    })
    .await;
    let team = server.control.team(&TeamSlug::default()).await.expect("the team");
    for (args, error, healthy) in
        [("fail", Some("upstream said no"), false), ("panic", Some("a bug"), false), ("work", None, true)]
    {
        let id = team.queue_job(&NewJob { kind: "test.job", args: json!(args) }).await.expect("queued");
        run_until_idle(&server.app).await.expect("done");
        let job = team.job(&id).await.expect("it").expect("the job");
        match error {
            Some(error) => assert!(job.error.as_deref().is_some_and(|said| said.contains(error)), "{:?}", job.error),
            None => assert_eq!(job.state, JobState::Done),
        }
        let health = server.get("/healthz", &As::Nobody).await;
        assert_eq!(health.status().is_success(), healthy, "{args}");
        assert!(!text(health).await.contains("upstream said no"), "what failed is for the team's members");
    }
    let id = team.queue_job(&NewJob { kind: "test.unknown", args: json!(null) }).await.expect("queued");
    run_until_idle(&server.app).await.expect("done");
    let job = team.job(&id).await.expect("it").expect("the job");
    assert_eq!(job.error.as_deref(), Some("nothing here does jobs of kind `test.unknown`"));
}

/// The timetable's app at an instant, on the same data dir.
async fn at(dir: &std::path::Path, now: &str) -> App {
    let clock = Clock::Fixed(now.parse::<Timestamp>().expect("an instant"));
    let control = Control::open(dir, clock).await.expect("a database");
    let key = InstallationKey::open(dir).expect("a key");
    let accounts = Accounts::new(control.clone(), AccessConfig::default(), key).expect("accounts");
    let daily =
        TimetableEntry::new("daily", "30 6 * * *", "test.daily", json!({}), Audience::EachTeam).expect("a line");
    App::builder(control, accounts).timetable([daily]).build()
}

#[tokio::test]
async fn a_slot_is_served_once_and_many_missed_ones_are_caught_up_once() {
    let dir = tempfile::tempdir().expect("a folder");
    for (now, queued) in [
        ("2026-11-20T12:00:00Z", 0), // the first look: the next slot is the first
        ("2026-11-21T06:29:59Z", 0),
        ("2026-11-21T06:30:00Z", 1),
        ("2026-11-21T06:31:00Z", 0),
        ("2026-11-25T08:00:00Z", 1), // four slots passed
        ("2026-11-25T09:00:00Z", 0),
        ("2026-11-24T09:00:00Z", 0), // a clock set back queues nothing twice
    ] {
        let due = Scheduler::new(at(dir.path(), now).await).queue_due().await.expect("looked");
        assert_eq!(due.len(), queued, "{now}");
    }
}

#[test]
fn a_line_that_is_no_cron_line_is_named() {
    let error = TimetableEntry::new("nightly", "at night", "x", json!({}), Audience::Once).expect_err("refused");
    assert!(error.to_string().starts_with("timetable entry `nightly`: `at night` is no cron line"), "{error}");
}

/// The timetable's app at an instant, with a source that answers or not, tried again after ten minutes and then twenty.
async fn source_at(dir: &std::path::Path, now: &str, answers: bool) -> App {
    let clock = Clock::Fixed(now.parse::<Timestamp>().expect("an instant"));
    let control = Control::open(dir, clock).await.expect("a database");
    let key = InstallationKey::open(dir).expect("a key");
    let accounts = Accounts::new(control.clone(), AccessConfig::default(), key).expect("accounts");
    let entry = |name, args| {
        let entry = TimetableEntry::new(name, "30 2 * * *", "test.source", args, Audience::EachTeam).expect("a line");
        entry.retried(Retry { first_wait: SignedDuration::from_mins(10), times: 2 })
    };
    let timetable = [entry("one", json!({"source": 1})), entry("two", json!({"source": 2}))];
    let builder = App::builder(control, accounts).timetable(timetable);
    let builder = builder.job("test.source", move |context| async move {
        // The second source always answers: its jobs are not taken for those of the first.
        if answers || context.job.args["source"] == 2 { Ok(json!({})) } else { Err(JobError("503 from it".to_owned())) }
    });
    builder.build()
}

#[tokio::test]
async fn a_failed_slot_is_tried_again_after_waits_that_double_until_it_succeeds_or_its_tries_are_used_up() {
    let dir = tempfile::tempdir().expect("a folder");
    for (now, answers, queued) in [
        ("2026-11-20T12:00:00Z", false, 0), // the first look: the next slot is the first
        ("2026-11-21T02:30:00Z", false, 2),
        ("2026-11-21T02:39:00Z", false, 0),
        ("2026-11-21T02:40:00Z", false, 1), // fails again
        ("2026-11-21T02:59:00Z", false, 0),
        ("2026-11-21T03:00:00Z", false, 1), // its last try
        ("2026-11-21T12:00:00Z", false, 0),
        ("2026-11-22T02:30:00Z", false, 2), // the next slot begins anew
        ("2026-11-22T02:40:00Z", true, 1),  // and is made good
        ("2026-11-22T09:00:00Z", false, 0),
    ] {
        let app = source_at(dir.path(), now, answers).await;
        let due = Scheduler::new(app.clone()).queue_due().await.expect("looked");
        assert_eq!(due.len(), queued, "{now}");
        run_until_idle(&app).await.expect("done");
    }
}
