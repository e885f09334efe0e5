//! The control database, on SQLite and on PostgreSQL: the same scenarios, the same answers.

mod copy;
mod packages;
mod people;
mod work;

use std::{future::Future, pin::Pin};

use tallykeep_control::Control;
use tallykeep_model::Clock;
use tallykeep_testkit::postgres::Cluster;

/// An empty database somewhere.
#[derive(Clone)]
pub struct Database {
    url: String,
}

impl Database {
    /// Opens it as a process with that clock would.
    pub async fn open(&self, clock: Clock) -> Control {
        Control::open_url(&self.url, clock).await.expect("the database opens")
    }

    pub async fn open_at(&self, now: &str) -> Control {
        self.open(Clock::Fixed(now.parse().expect("an instant"))).await
    }

    /// Runs a statement behind Control's back.
    pub async fn tamper(&self, statement: &'static str) {
        use sqlx::{Connection, Executor};
        sqlx::any::install_default_drivers();
        let mut connection = sqlx::AnyConnection::connect(&self.url).await.expect("a connection");
        connection.execute(statement).await.expect("the statement runs");
    }
}

type Scenario = fn(Database) -> Pin<Box<dyn Future<Output = ()>>>;

macro_rules! scenarios {
    ($($module:ident :: $name:ident),+ $(,)?) => {
        /// Each on an SQLite file of its own.
        mod sqlite {
            $(#[tokio::test]
            async fn $name() {
                let dir = tempfile::tempdir().expect("a folder");
                let url = format!("sqlite://{}?mode=rwc", dir.path().join("control.db").display());
                super::$module::$name(super::Database { url }).await;
            })+
        }

        const ALL: &[(&str, Scenario)] = &[$((stringify!($name), |database| Box::pin($module::$name(database)))),+];
    };
}

scenarios!(
    people::a_mail_address_is_one_user_whatever_its_case,
    people::of_many_first_users_at_once_one_is_first,
    people::roles_change_and_end_with_their_community_rights,
    people::sessions_end_idle_or_old,
    people::tokens_end_by_date_or_by_hand,
    people::a_link_works_once_even_for_many_at_once,
    people::tries_are_counted_one_by_one,
    people::settings_decided_at_once_all_stay,
    people::the_audit_chain_holds_under_many_writers_and_shows_tampering,
    people::teams_do_not_see_each_others_people,
    packages::example_f_replace_versus_upsert,
    packages::a_seed_never_replaces_what_an_api_counted_and_gives_way_to_it,
    packages::only_where_it_comes_from_changed_is_no_revision,
    packages::as_known_on_answers_what_was_stored_then,
    packages::a_reader_follows_by_generation_and_sees_a_reset,
    packages::many_rows_go_in_whole,
    packages::two_writers_at_once_lose_nothing,
    packages::definitions_keep_their_birth_and_are_retired_not_lost,
    packages::runs_leave_a_row_whatever_becomes_of_them,
    packages::what_is_derived_is_replaced_and_guidance_is_kept,
    packages::evidence_months_and_notes_are_kept_once,
    packages::collectors_remember_bodies_steps_and_attempts,
    packages::alerts_configuration_and_the_writers_turn,
    packages::packages_of_two_teams_never_meet,
    work::a_job_is_claimed_once,
    work::a_lease_has_one_holder,
    work::deliveries_and_subscriptions_of_reports,
    work::alerts_of_watchdogs_are_one_a_series,
    work::watermarks_and_dirty_days_belong_to_their_team,
    work::what_was_announced_is_forgotten_with_what_was_reached,
);

/// All of them on one private server, each in a database of its own.
#[tokio::test]
async fn postgresql_answers_the_same() {
    let Some(cluster) = Cluster::start() else { return };
    for (name, scenario) in ALL {
        println!("{name}");
        scenario(Database { url: cluster.database(name) }).await;
    }
}

/// First starts at the same time on one data dir, and on one PostgreSQL database.
#[tokio::test]
async fn many_first_starts_at_once_all_succeed() {
    let dir = tempfile::tempdir().expect("a folder");
    let starts = (0..8).map(|_| {
        let path = dir.path().to_owned();
        tokio::spawn(async move { Control::open(&path, Clock::System).await.map(|_| ()) })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.expect("no panic").expect("it opens");
    }
    let Some(cluster) = Cluster::start() else { return };
    let url = cluster.database("starts");
    let starts = (0..8).map(|_| {
        let url = url.clone();
        tokio::spawn(async move { Control::open_url(&url, Clock::System).await.map(|_| ()) })
    });
    for start in starts.collect::<Vec<_>>() {
        start.await.expect("no panic").expect("it opens");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn the_database_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt;
    let dir = tempfile::tempdir().expect("a folder");
    let control = Control::open(dir.path(), Clock::System).await.expect("it opens");
    control.people().await.expect("it answers");
    let mode = std::fs::metadata(dir.path().join("control.db")).expect("the file").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}
