//! Users, sessions, tokens, settings, the audit log.

use jiff::SignedDuration;
use serde_json::json;
use tallykeep_control::{
    AuditEntry, AuditFilter, Control, ControlError, NewPerson, NewToken, Person, SessionLife, TeamControl,
};
use tallykeep_model::Clock;

use crate::Database;

async fn person(control: &Control, email: &str) -> Person {
    control.add_person(&NewPerson { email: email.to_owned(), ..NewPerson::default() }).await.expect("a user")
}

async fn team(control: &Control, slug: &str) -> TeamControl {
    let slug = slug.parse().expect("a slug");
    control.add_team(&slug, "T").await.expect("a team");
    control.team(&slug).await.expect("the team")
}

/// As many tasks at once as `n`, their answers.
async fn at_once<T: Send + 'static, F: Future<Output = T> + Send + 'static>(
    n: usize,
    task: impl Fn(usize) -> F,
) -> Vec<T> {
    let tasks: Vec<_> = (0..n).map(|at| tokio::spawn(task(at))).collect();
    let mut answers = Vec::new();
    for task in tasks {
        answers.push(task.await.expect("no panic"));
    }
    answers
}

pub async fn a_mail_address_is_one_user_whatever_its_case(database: Database) {
    let control = database.open(Clock::System).await;
    assert!(!control.has_people().await.expect("it answers"));
    let ada = person(&control, " Ada@Example.org ").await;
    assert_eq!(ada.email, "ada@example.org");
    let twice = control.add_person(&NewPerson { email: "ADA@example.ORG".to_owned(), ..NewPerson::default() }).await;
    assert!(matches!(twice, Err(ControlError::PersonExists(email)) if email == "ada@example.org"));
    let found = control.find_person_by_email("aDa@example.org").await.expect("it answers");
    assert_eq!(found.map(|person| person.id), Some(ada.id));
    assert!(control.has_people().await.expect("it answers"));
}

pub async fn of_many_first_users_at_once_one_is_first(database: Database) {
    let control = database.open(Clock::System).await;
    let made = at_once(8, |at| {
        let control = control.clone();
        async move {
            let new = NewPerson { email: format!("user{at}@example.org"), ..NewPerson::default() };
            control.add_first_person(&new).await
        }
    })
    .await;
    // PostgreSQL may see two that did not see each other; the counter's row makes them wait for one another.
    let first: Vec<_> = made.into_iter().filter_map(|made| made.expect("it answers")).collect();
    assert_eq!(first.len(), 1);
    assert!(first[0].instance_admin);
    assert_eq!(control.people().await.expect("it answers").len(), 1);
}

pub async fn roles_change_and_end_with_their_community_rights(database: Database) {
    let control = database.open(Clock::System).await;
    let team = team(&control, "herb").await;
    let ada = person(&control, "ada@example.org").await;
    team.set_member(ada.id, "viewer").await.expect("a member");
    team.set_member(ada.id, "editor").await.expect("another role");
    assert_eq!(control.role_in(team.team().id, ada.id).await.expect("it answers").as_deref(), Some("editor"));
    team.set_community_reader("c1", ada.id, true).await.expect("let in");
    team.set_community_reader("c1", ada.id, true).await.expect("let in twice");
    assert!(team.is_community_reader("c1", ada.id).await.expect("it answers"));
    assert!(team.remove_member(ada.id).await.expect("it answers"));
    assert!(!team.remove_member(ada.id).await.expect("it answers"));
    assert!(!team.is_community_reader("c1", ada.id).await.expect("it answers"));
    assert!(team.set_member(ada.id, "boss").await.is_err(), "the database knows the roles");
}

pub async fn sessions_end_idle_or_old(database: Database) {
    let life = SessionLife { idle: SignedDuration::from_hours(24), absolute: SignedDuration::from_hours(72) };
    let control = database.open_at("2026-11-01T00:00:00Z").await;
    let ada = person(&control, "ada@example.org").await;
    for hash in ["used", "idle"] {
        control.add_session(hash, ada.id, "::1", "test").await.expect("a session");
    }
    for (now, used, idle) in [
        ("2026-11-01T20:00:00Z", true, true),
        ("2026-11-02T19:00:00Z", true, true),
        ("2026-11-03T18:00:00Z", true, true),
        ("2026-11-03T23:59:59Z", true, true),
        ("2026-11-04T00:00:00Z", false, false), // three days old
    ] {
        let control = database.open_at(now).await;
        assert_eq!(control.find_session("used", life).await.expect("it answers").is_some(), used, "{now}");
        assert_eq!(control.find_session("idle", life).await.expect("it answers").is_some(), idle, "{now}");
    }
    let control = database.open_at("2026-11-05T00:00:00Z").await;
    control.add_session("new", ada.id, "::1", "test").await.expect("a session");
    let control = database.open_at("2026-11-06T00:00:00Z").await;
    assert!(control.find_session("new", life).await.expect("it answers").is_none(), "a day without a request");
    assert_eq!(control.forget_ended_sessions(life).await.expect("it answers"), 3);
}

pub async fn tokens_end_by_date_or_by_hand(database: Database) {
    let control = database.open_at("2026-11-01T00:00:00Z").await;
    let (herb, other) = (team(&control, "herb").await, team(&control, "other").await);
    let until = "2026-11-02T00:00:00Z".parse().expect("an instant");
    let new = |expires_at| NewToken {
        name: "ci".to_owned(),
        scopes: vec!["read".to_owned(), "ingest".to_owned()],
        expires_at,
        created_by: "test".to_owned(),
    };
    herb.add_token("dated", &new(Some(until))).await.expect("a token");
    let forever = herb.add_token("forever", &new(None)).await.expect("a token");
    assert_eq!(control.find_token("dated").await.expect("it answers").expect("it lives").scopes, ["read", "ingest"]);
    let later = database.open_at("2026-11-02T00:00:00Z").await;
    assert!(later.find_token("dated").await.expect("it answers").is_none());
    assert!(later.find_token("forever").await.expect("it answers").is_some());
    assert!(!other.revoke_token(forever.id).await.expect("it answers"), "another team's");
    assert!(herb.revoke_token(forever.id).await.expect("it answers"));
    assert!(!herb.revoke_token(forever.id).await.expect("it answers"), "twice");
    assert!(later.find_token("forever").await.expect("it answers").is_none());
}

pub async fn a_link_works_once_even_for_many_at_once(database: Database) {
    let control = database.open_at("2026-11-01T00:00:00Z").await;
    let ada = person(&control, "ada@example.org").await;
    let until = "2026-11-01T01:00:00Z".parse().expect("an instant");
    control.add_one_time_link("old", ada.id, until).await.expect("a link");
    control.add_one_time_link("new", ada.id, until).await.expect("a link");
    assert_eq!(control.use_one_time_link("old").await.expect("it answers"), None, "a newer one replaced it");
    let used = at_once(6, |_| {
        let control = control.clone();
        async move { control.use_one_time_link("new").await.expect("it answers") }
    })
    .await;
    assert_eq!(used.into_iter().flatten().collect::<Vec<_>>(), [ada.id]);
    control.add_one_time_link("late", ada.id, until).await.expect("a link");
    let later = database.open_at("2026-11-01T01:00:00Z").await;
    assert_eq!(later.use_one_time_link("late").await.expect("it answers"), None);
}

pub async fn tries_are_counted_one_by_one(database: Database) {
    let quiet = SignedDuration::from_mins(15);
    let control = database.open_at("2026-11-01T00:00:00Z").await;
    let mut counted = at_once(20, |_| {
        let control = control.clone();
        async move { control.count_try("pair", quiet).await.expect("it answers") }
    })
    .await;
    counted.sort_unstable();
    assert_eq!(counted, (1..=20).collect::<Vec<_>>());
    let within = database.open_at("2026-11-01T00:14:59Z").await;
    assert_eq!(within.tries("pair", quiet).await.expect("it answers"), 20);
    let after = database.open_at("2026-11-01T00:15:00Z").await;
    assert_eq!(after.tries("pair", quiet).await.expect("it answers"), 0);
    assert_eq!(after.count_try("pair", quiet).await.expect("it answers"), 1);
}

pub async fn settings_decided_at_once_all_stay(database: Database) {
    let control = database.open(Clock::System).await;
    let team = team(&control, "herb").await;
    at_once(8, |at| {
        let team = team.clone();
        async move { team.set_setting(&format!("key{at}"), json!(at)).await.expect("it is set") }
    })
    .await;
    let settings = team.settings().await.expect("they are read");
    assert_eq!(settings.len(), 8, "{settings:?}");
    team.set_setting("key3", json!(null)).await.expect("it is forgotten");
    assert_eq!(team.setting("key3").await.expect("it answers"), None);
}

pub async fn the_audit_chain_holds_under_many_writers_and_shows_tampering(database: Database) {
    let control = database.open_at("2026-11-01T00:00:00Z").await;
    let entry = |target: String| AuditEntry {
        team: Some("herb".to_owned()),
        actor: "user:1".to_owned(),
        action: "test.write".to_owned(),
        target,
        rows: Some(3),
        ..AuditEntry::default()
    };
    at_once(16, |at| {
        let (control, entry) = (control.clone(), entry(at.to_string()));
        async move { control.audit(&entry).await.expect("it is written") }
    })
    .await;
    let check = control.check_audit().await.expect("it answers");
    assert!(check.intact && check.rows == 16, "{check:?}");
    let newest = AuditFilter {
        team: Some("herb".to_owned()),
        action: Some("test.".to_owned()),
        limit: 5,
        ..AuditFilter::default()
    };
    assert_eq!(
        control.audit_rows(&newest).await.expect("it answers").iter().map(|row| row.id).collect::<Vec<_>>(),
        [16, 15, 14, 13, 12]
    );
    let elsewhere = AuditFilter { team: Some("other".to_owned()), limit: 5, ..AuditFilter::default() };
    assert!(control.audit_rows(&elsewhere).await.expect("it answers").is_empty());

    let before = "2026-11-01T00:00:01Z".parse().expect("an instant");
    let later = database.open_at("2026-11-02T00:00:00Z").await;
    assert_eq!(later.forget_audit(before, &AuditEntry::default()).await.expect("it answers"), 16);
    assert!(later.check_audit().await.expect("it answers").intact, "forgetting is written down");
    later.audit(&entry("17".to_owned())).await.expect("it is written");
    later.audit(&entry("18".to_owned())).await.expect("it is written");

    for (statement, undo, found) in [
        (
            "update audit set row_count = 4 where id = 18",
            "update audit set row_count = 3 where id = 18",
            "row 18: was changed",
        ),
        (
            "update audit set team = null where id = 18",
            "update audit set team = 'herb' where id = 18",
            "row 18: was changed",
        ),
        ("delete from audit where id = 18", "select 1", "row 19: does not follow"),
        ("delete from audit where id = 17", "select 1", "the oldest rows are missing"),
    ] {
        database.tamper(statement).await;
        let check = later.check_audit().await.expect("it answers");
        assert!(
            !check.intact && check.problem.as_deref().is_some_and(|said| said.contains(found)),
            "{statement}: {check:?}"
        );
        database.tamper(undo).await;
    }
}

pub async fn teams_do_not_see_each_others_people(database: Database) {
    let control = database.open(Clock::System).await;
    let (herb, other) = (team(&control, "herb").await, team(&control, "other").await);
    let ada = person(&control, "ada@example.org").await;
    herb.set_member(ada.id, "admin").await.expect("a member");
    herb.set_community_reader("same", ada.id, true).await.expect("let in");
    herb.set_setting("visibility", json!({ "packages": "public" })).await.expect("it is set");
    assert!(other.members().await.expect("it answers").is_empty());
    assert!(other.tokens().await.expect("it answers").is_empty());
    assert!(!other.is_community_reader("same", ada.id).await.expect("it answers"));
    assert!(other.settings().await.expect("it answers").is_empty());
    assert!(!other.remove_member(ada.id).await.expect("it answers"));
    let teams = control.teams_of_person(ada.id).await.expect("it answers");
    assert_eq!(
        teams.iter().map(|(team, role)| (team.slug.as_str(), role.as_str())).collect::<Vec<_>>(),
        [("herb", "admin")]
    );
}
