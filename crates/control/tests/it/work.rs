//! Jobs, leases, watermarks, dirty days.

use serde_json::json;
use tallykeep_control::{JobState, Lease, NewJob};
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
