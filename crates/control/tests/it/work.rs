//! Jobs, leases, watermarks, dirty days.

use serde_json::json;
use tallykeep_control::{Coverage, JobState, Lease, NewJob, Reached, Restatement, reports::NewDelivery};
use tallykeep_model::{Clock, TeamSlug};

use crate::Database;

pub async fn a_job_is_claimed_once(database: Database) {
    let control = database.open(Clock::System).await;
    let team = control.team(&TeamSlug::default()).await.expect("the team");
    for _ in 0..5 {
        team.queue_job(&NewJob { kind: "test", args: json!({}) }).await.expect("queued");
    }
    let claims = (0..10).map(|_| {
        let control = control.clone();
        tokio::spawn(async move { control.claim_job().await.expect("it answers") })
    });
    let mut claimed = Vec::new();
    for claim in claims.collect::<Vec<_>>() {
        claimed.extend(claim.await.expect("no panic").map(|job| job.id));
    }
    // Two that looked for the same job at the same moment: one of them comes away empty and looks again later.
    while let Some(job) = control.claim_job().await.expect("it answers") {
        claimed.push(job.id);
    }
    claimed.sort();
    claimed.dedup();
    assert_eq!(claimed.len(), 5);
    let id = &claimed[0];
    control.end_job(id, JobState::Done, Some(&json!({ "n": 1 })), None).await.expect("ended");
    let job = team.job(id).await.expect("it answers").expect("the job");
    assert_eq!((job.state, job.result), (JobState::Done, Some(json!({ "n": 1 }))));
}

pub async fn a_lease_has_one_holder(database: Database) {
    let (one, two) = (database.open(Clock::System).await, database.open(Clock::System).await);
    let Lease::Taken(guard) = one.lease("table", "the first").await.expect("it answers") else { panic!("free") };
    match two.lease("table", "the second").await.expect("it answers") {
        Lease::HeldBy(holder) => assert_eq!(holder.what, "the first"),
        Lease::Taken(_) => panic!("held"),
    }
    guard.release().await.expect("given back");
    assert!(matches!(two.lease("table", "the second").await.expect("it answers"), Lease::Taken(_)));
}

pub async fn watermarks_and_dirty_days_belong_to_their_team(database: Database) {
    let control = database.open(Clock::System).await;
    let other: TeamSlug = "other".parse().expect("a slug");
    control.add_team(&other, "Other").await.expect("a team");
    let (mine, other) =
        (control.team(&TeamSlug::default()).await.expect("it"), control.team(&other).await.expect("it"));
    let day = "2026-11-01".parse().expect("a day");
    mine.set_watermark("w", "global", "7").await.expect("set");
    mine.mark_dirty("family", &[day], "test").await.expect("marked");
    assert_eq!(other.watermark("w", "global").await.expect("it answers"), None);
    assert!(other.dirty_days("family", 0).await.expect("it answers").is_empty());
    assert_eq!(mine.dirty_days("family", 0).await.expect("it answers").len(), 1);
    assert_eq!(mine.watermark("w", "global").await.expect("it answers").as_deref(), Some("7"));
}

pub async fn what_was_announced_is_forgotten_with_what_was_reached(database: Database) {
    let control = database.open_at("2026-11-21T12:00:00Z").await;
    let team = control.team(&TeamSlug::default()).await.expect("the team");
    let other: TeamSlug = "other".parse().expect("a slug");
    control.add_team(&other, "Other").await.expect("a team");
    let other = control.team(&other).await.expect("it");
    let first = team.note_intent("rollup", &json!([1])).await.expect("noted");
    let second = team.note_intent("rollup", &json!([2])).await.expect("noted");
    let theirs = other.note_intent("rollup", &json!([3])).await.expect("noted");
    assert!(first < second && second < theirs);
    let payloads = |list: Vec<tallykeep_control::Intent>| list.into_iter().map(|i| i.payload).collect::<Vec<_>>();
    assert_eq!(payloads(team.intents("rollup").await.expect("listed")), [json!([1]), json!([2])]);

    let day = "2026-11-01".parse().expect("a day");
    let covered = [Coverage {
        scope: "global".to_owned(),
        first_day: day,
        last_day: day,
        provisional_from: day,
        dirty_seq: 4,
        run_id: "run".to_owned(),
    }];
    let restated = [Restatement {
        family: "f".to_owned(),
        scope: "global".to_owned(),
        day,
        dimension: String::new(),
        value: String::new(),
        measure: "m".to_owned(),
        old: Some(1.0),
        new: Some(2.0),
        at: control.clock().now(),
        reason: "test".to_owned(),
        run_id: "run".to_owned(),
    }];
    let bookmarks = [("global".to_owned(), day)];
    let reached = Reached {
        covered: &covered,
        restated: &restated,
        bookmarks: &bookmarks,
        announced: Some(("rollup", second)),
        ..Reached::default()
    };
    team.commit_coverage("f", &reached).await.expect("committed");
    assert_eq!(team.coverage("f").await.expect("read"), covered);
    assert_eq!(team.restatements("f", "global", day, day).await.expect("read"), restated);
    assert_eq!(team.watermark("f", "global").await.expect("read").as_deref(), Some("2026-11-01"));
    assert!(team.intents("rollup").await.expect("listed").is_empty());
    assert_eq!(payloads(other.intents("rollup").await.expect("listed")), [json!([3])], "another team's stays");
    other.forget_intents("rollup", theirs).await.expect("forgotten");
    assert!(other.intents("rollup").await.expect("listed").is_empty());
}

pub async fn deliveries_and_subscriptions_of_reports(database: Database) {
    let control = database.open_at("2026-03-03T10:15:00Z").await;
    let other: TeamSlug = "other".parse().expect("a slug");
    control.add_team(&other, "Other").await.expect("a team");
    let (mine, other) =
        (control.team(&TeamSlug::default()).await.expect("it"), control.team(&other).await.expect("it"));
    let delivery = |receiver: &'static str, error| NewDelivery {
        report: "board",
        scope: "",
        period: "2026-02",
        channel: "mail",
        receiver,
        error,
        by: "schedule",
    };
    for (receiver, error) in [("ann", None), ("bob", Some("452")), ("bob", None), ("cyd", Some("550"))] {
        mine.note_report_delivery(&delivery(receiver, error)).await.expect("noted");
    }
    let mut reached = mine.report_delivered("board", "", "2026-02").await.expect("asked");
    reached.sort();
    assert_eq!(reached, [("mail".to_owned(), "ann".to_owned()), ("mail".to_owned(), "bob".to_owned())]);
    assert!(mine.report_delivered("board", "", "2026-01").await.expect("asked").is_empty());
    let rows = mine.report_deliveries(Some("board"), 2).await.expect("history");
    assert_eq!(rows.iter().map(|row| row.receiver.as_str()).collect::<Vec<_>>(), ["cyd", "bob"], "newest first");
    assert_eq!((rows[0].error.as_deref(), rows[0].by.as_str()), (Some("550"), "schedule"));
    assert!(mine.report_deliveries(Some("another"), 9).await.expect("history").is_empty());
    assert_eq!(mine.report_deliveries(None, 9).await.expect("history").len(), 4);
    let now = "2026-03-03T10:15:00Z".parse().expect("an instant");
    mine.report_unsubscribe("board", "ann", now).await.expect("noted");
    mine.report_unsubscribe("board", "ann", now + jiff::SignedDuration::from_hours(1)).await.expect("noted before");
    let gone = mine.report_unsubscribed(None).await.expect("asked");
    assert_eq!((gone.len(), gone[0].address.as_str(), gone[0].at), (1, "ann", now));
    assert!(mine.report_unsubscribed(Some("another")).await.expect("asked").is_empty());
    assert!(other.report_unsubscribed(None).await.expect("asked").is_empty());
    assert!(other.report_deliveries(None, 9).await.expect("asked").is_empty());
    assert!(mine.report_resubscribe("board", "ann").await.expect("undone"));
    assert!(!mine.report_resubscribe("board", "ann").await.expect("asked"));
}

pub async fn alerts_of_watchdogs_are_one_a_series(database: Database) {
    let control = database.open_at("2026-03-03T10:15:00Z").await;
    let other: TeamSlug = "other".parse().expect("a slug");
    control.add_team(&other, "Other").await.expect("a team");
    let (mine, other) =
        (control.team(&TeamSlug::default()).await.expect("it"), control.team(&other).await.expect("it"));
    let at = |text: &str| text.parse::<jiff::Timestamp>().expect("an instant");
    let alert = |key: &str, opened: &str, closed: Option<&str>| tallykeep_control::watch::WatchAlert {
        key: key.to_owned(),
        message: "Views: 0".to_owned(),
        since: "2026-03-01".parse().expect("a day"),
        opened_at: at(opened),
        closed_at: closed.map(at),
        told: vec!["mail:ann@example.org".to_owned()],
    };
    mine.write_watch_alert(&alert("repository:views", "2026-03-02T10:45:00Z", None)).await.expect("written");
    mine.write_watch_alert(&alert("chat:messages", "2026-03-03T10:45:00Z", None)).await.expect("written");
    let closed = alert("repository:views", "2026-03-02T10:45:00Z", Some("2026-03-05T10:45:00Z"));
    mine.write_watch_alert(&closed).await.expect("written");
    let kept = mine.watch_alerts().await.expect("read");
    assert_eq!(kept, [alert("chat:messages", "2026-03-03T10:45:00Z", None), closed]);
    assert!(!json!(kept).to_string().contains("ann@"), "receivers are shown to nobody");
    assert!(other.watch_alerts().await.expect("read").is_empty());
}
