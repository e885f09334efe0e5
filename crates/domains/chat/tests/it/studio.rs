//! Straight from the application's database: a real PostgreSQL with tables of its shape.

use serde_json::{Value, json};
use tallykeep_chat::{
    charts::Chart,
    interchange::{ImportError, ImportReport, StudioOptions, StudioProgress, import_studio},
};
use tallykeep_testkit::postgres::Cluster;

use crate::{acme::JUNE, store::Installation};

/// A server with one database in it, and the address of the role that may read just the columns of docs/chat.md.
struct Studio {
    cluster: Cluster,
    url: String,
}

impl Studio {
    fn start() -> Option<Self> {
        let cluster = Cluster::start()?;
        let url = cluster.database("studio");
        cluster.execute(&url, include_str!("studio_schema.sql"));
        Some(Self { cluster, url })
    }

    fn sql(&self, script: &str) {
        self.cluster.execute(&self.url, script);
    }

    fn reader(&self) -> String {
        self.url.replace("tallykeep@", "reader:no-password@")
    }

    async fn import(&self, to: &Installation, options: &StudioOptions) -> Result<ImportReport, ImportError> {
        import_studio(to.chat.control(), to.chat.lake(), &self.reader(), options, &mut |_| (), &mut |_| ()).await
    }
}

fn acme_only() -> StudioOptions {
    StudioOptions { teams: vec!["acme".parse().unwrap()], ..StudioOptions::default() }
}

async fn overview(installation: &Installation, team: &str) -> Value {
    installation.ask(team, Chart::Overview, JUNE).await.unwrap()
}

#[tokio::test]
async fn the_worked_example_comes_in_by_a_role_that_cannot_read_content() {
    let Some(studio) = Studio::start() else { return };
    let installation = Installation::new().await;
    let report = studio.import(&installation, &StudioOptions::default()).await.unwrap();
    assert_eq!(report.teams, ["acme", "other"]);
    assert_eq!(report.rejects, []);
    let new = |kind: &str| report.kinds[kind].new;
    assert_eq!((new("sessions"), new("messages"), new("tag_links"), new("traces"), new("usage")), (7, 14, 7, 4, 6));
    let acme = overview(&installation, "acme").await;
    assert_eq!(
        acme,
        json!({"total_experiments":2,"total_participants":3,"total_sessions":4,"total_messages":9,"human_messages":4,"ai_messages":5,
               "active_experiments":2,"active_participants":2,"completed_sessions":2,"completion_rate":50.0,
               "avg_messages_per_session":2.25,"avg_sessions_per_participant":2.0})
    );
    let tags = installation.ask("acme", Chart::TagAnalytics, JUNE).await.unwrap();
    assert_eq!(tags["tag_categories"], json!({"User Defined":{"billing":2},"Error":{"timeout":1}}));
    assert_eq!(tags["tagged_sessions"], json!({"User Defined":{"billing":1}}));
    let times = installation.ask("acme", Chart::AverageResponseTime, JUNE).await.unwrap();
    assert_eq!(
        times,
        json!([{"date":"2026-06-02","avg_response_time_sec":1.0},{"date":"2026-06-09","avg_response_time_sec":3.46}])
    );
    installation.chat.set_cost_tracking(&installation.team("acme").await, true).await.unwrap();
    let summary = installation.ask("acme", Chart::CostSummary, JUNE).await.unwrap();
    assert_eq!(
        (summary["total"].clone(), summary["previous_total"].clone(), summary["unpriced_count"].clone()),
        (json!(1.15), json!(0.4), json!(0))
    );
    // The other team has its own message, to the microsecond, and nothing of acme's.
    let other = overview(&installation, "other").await;
    assert_eq!((other["total_messages"].clone(), other["active_participants"].clone()), (json!(1), json!(1)));
    let late = installation
        .ask("other", Chart::UserEngagement, "date_range=custom&start_date=2026-06-05&end_date=2026-06-05")
        .await
        .unwrap();
    assert_eq!(late["most_active_participants"][0]["last_activity"], json!("2026-06-05T10:00:00.000001+00:00"));
}

#[tokio::test]
async fn a_second_run_reads_what_is_new_or_changed_and_a_full_one_what_is_gone() {
    let Some(studio) = Studio::start() else { return };
    let installation = Installation::new().await;
    studio.import(&installation, &acme_only()).await.unwrap();
    // Nothing happened: whole tables are compared, nothing of sessions and messages is even read (they changed long ago).
    let again = studio.import(&installation, &acme_only()).await.unwrap();
    assert_eq!((again.total.new, again.total.changed, again.total.rejected), (0, 0, 0));
    assert_eq!((again.kinds["messages"].read, again.kinds["sessions"].read), (0, 0));
    studio.sql(
        "update experiments_experimentsession set ended_at = '2026-06-04T00:05Z', status = 'complete', updated_at = now() where id = 102;
         insert into chat_chatmessage (id, chat_id, message_type, created_at, updated_at) values (20, 1102, 'ai', '2026-06-04T00:06Z', now());
         delete from annotations_customtaggeditem where id = 2;
         update experiments_participant set name = 'Ben' where id = 2;
         update trace_trace set duration = 500, status = 'success', \"timestamp\" = now() where id = 5;
         delete from chat_chatmessage where id = 13;",
    );
    let second = studio.import(&installation, &acme_only()).await.unwrap();
    let counts = |kind: &str| (second.kinds[kind].new, second.kinds[kind].changed);
    assert_eq!(
        [counts("sessions"), counts("messages"), counts("tag_links"), counts("participants"), counts("traces")],
        [(0, 1), (1, 0), (0, 1), (0, 1), (0, 1)]
    );
    let after = overview(&installation, "acme").await;
    assert_eq!((after["total_messages"].clone(), after["completed_sessions"].clone()), (json!(10), json!(3)));
    let tags = installation.ask("acme", Chart::TagAnalytics, JUNE).await.unwrap();
    assert_eq!(tags["total_tagged_messages"], json!(2));
    // A deleted row leaves no trace of itself: only a full run sees it.
    let full = StudioOptions { full: true, page: 3, ..acme_only() };
    let third = studio.import(&installation, &full).await.unwrap();
    assert_eq!((third.total.new, third.kinds["messages"].changed, third.kinds["sessions"].changed), (0, 1, 0));
    let after = overview(&installation, "acme").await;
    assert_eq!((after["total_messages"].clone(), after["total_sessions"].clone()), (json!(9), json!(3)));
}

#[tokio::test]
async fn a_run_that_dies_goes_on_where_it_was() {
    let Some(studio) = Studio::start() else { return };
    let installation = Installation::new().await;
    let options = StudioOptions { page: 4, ..acme_only() };
    let (mut died, died_rx) = (None, tokio::sync::oneshot::channel());
    died.replace(died_rx.0);
    let mut on_progress = |progress: &StudioProgress| {
        // After the second page of messages: the import is dropped where it next waits.
        if (progress.kind, progress.rows) == ("messages", 8)
            && let Some(died) = died.take()
        {
            let _ = died.send(());
        }
    };
    let (control, lake, url) = (installation.chat.control(), installation.chat.lake(), studio.reader());
    let mut ignore = |_: &tallykeep_collect::LineError| ();
    let first = import_studio(control, lake, &url, &options, &mut ignore, &mut on_progress);
    tokio::select! {
        biased;
        done = died_rx.1 => done.unwrap(),
        done = first => panic!("it was to be dropped: {done:?}"),
    }
    let team = installation.team("acme").await;
    // What is half in is not shown.
    assert_eq!(overview(&installation, "acme").await["total_messages"], json!(0));
    let state = team.chat_state().await.unwrap();
    assert!(state.taken > 0 && state.published == 0, "{state:?}");
    // The dead run's lease is given back a moment later.
    let second = loop {
        match studio.import(&installation, &options).await {
            Err(ImportError::Control(tallykeep_control::ControlError::Busy { .. })) => tokio::task::yield_now().await,
            done => break done.unwrap(),
        }
    };
    assert_eq!(second.kinds["messages"].new, 13 - 8);
    assert_eq!((second.kinds["sessions"].new, second.total.rejected), (0, 0));
    assert_eq!(overview(&installation, "acme").await["total_messages"], json!(9));
}

#[tokio::test]
async fn what_cannot_be_used_is_named_and_wrong_addresses_say_why() {
    let Some(studio) = Studio::start() else { return };
    let installation = Installation::new().await;
    studio.sql(
        "insert into bot_channels_experimentchannel (id, team_id, platform) values (50, 10, 'fax');
         update experiments_experimentsession set participant_id = 4 where id = 106;
         insert into chat_chatmessage (id, chat_id, message_type, created_at, updated_at) values (30, 1999, 'human', '2026-06-02T09:00Z', now());",
    );
    let report = studio.import(&installation, &acme_only()).await.unwrap();
    let rejects: Vec<String> = report.rejects.iter().map(ToString::to_string).collect();
    assert!(rejects[0].starts_with("acme/channels:50: `platform`: `fax` is not a platform"), "{rejects:?}");
    assert_eq!(rejects[1], "acme/sessions:106: team `acme` has no participant 4");
    assert_eq!(rejects[2], "acme/messages:13: team `acme` has no session 106");
    assert_eq!(rejects.len(), 3);
    // A chat without a session counts where nobody filters.
    assert_eq!(overview(&installation, "acme").await["total_messages"], json!(9));
    let nobody = StudioOptions { teams: vec!["nobody".parse().unwrap()], ..StudioOptions::default() };
    let error = studio.import(&installation, &nobody).await.unwrap_err().to_string();
    assert!(error.contains("has no team `nobody`: there are `acme`, `other`"), "{error}");
    let empty = studio.cluster.database("empty");
    let at = |url: String| {
        let installation = &installation;
        async move {
            let options = StudioOptions::default();
            let (control, lake) = (installation.chat.control(), installation.chat.lake());
            import_studio(control, lake, &url, &options, &mut |_| (), &mut |_| ()).await.unwrap_err().to_string()
        }
    };
    let error = at(empty).await;
    assert!(error.contains("no table `teams_team`") && !error.contains("tallykeep@"), "{error}");
    assert!(at("mysql://db/studio".to_owned()).await.contains("is no address such as postgres://"));
    assert!(
        at("postgres://x:hush@127.0.0.1:1/studio".to_owned())
            .await
            .contains("could not connect to postgres://127.0.0.1:1/studio")
    );
}
