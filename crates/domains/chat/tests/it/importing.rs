//! Files in: counts, rejects with their line, repetition, change, archives, teams that share ids.

use serde_json::json;
use tallykeep_chat::charts::Chart;

use crate::{
    acme::JUNE,
    store::{ACME, Installation, write_files},
};

#[tokio::test]
async fn the_worked_example_comes_in_and_answers() {
    let (folder, installation) = (tempfile::tempdir().unwrap(), Installation::new().await);
    write_files(folder.path(), ACME);
    let report = installation.import(folder.path()).await.unwrap();
    assert_eq!((report.total.rejected, report.kinds["messages"].new, report.kinds["usage"].new), (0, 13, 5));
    assert_eq!(report.teams, ["acme"]);
    let overview = installation.ask("acme", Chart::Overview, JUNE).await.unwrap();
    assert_eq!((overview["total_sessions"].clone(), overview["total_messages"].clone()), (json!(4), json!(9)));
    let tags = installation.ask("acme", Chart::TagAnalytics, JUNE).await.unwrap();
    assert_eq!(tags["tag_categories"], json!({"User Defined":{"billing":2},"Error":{"timeout":1}}));
    let times = installation.ask("acme", Chart::AverageResponseTime, JUNE).await.unwrap();
    assert_eq!(times[1], json!({"date":"2026-06-09","avg_response_time_sec":3.46}));
    // Cost is off until the team says so.
    assert_eq!(installation.ask("acme", Chart::CostTimeseries, JUNE).await.unwrap(), json!([]));
    assert_eq!(installation.ask("acme", Chart::CostBreakdown, JUNE).await.unwrap(), json!({}));
    let bots = installation.ask("acme", Chart::BotPerformance, JUNE).await.unwrap();
    assert!(bots["results"][0].get("cost").is_none());
    installation.chat.set_cost_tracking(&installation.team("acme").await, true).await.unwrap();
    let summary = installation.ask("acme", Chart::CostSummary, JUNE).await.unwrap();
    assert_eq!((summary["total"].clone(), summary["change_percent"].clone()), (json!(1.15), json!(187.5)));
    let bots = installation.ask("acme", Chart::BotPerformance, JUNE).await.unwrap();
    assert_eq!(
        (bots["results"][0]["cost"].clone(), bots["results"][1]["cost_per_session"].clone()),
        (json!(0.4), json!(0.5))
    );
    // The default team has nothing to do with it.
    let other = installation.ask("default", Chart::Overview, JUNE).await.unwrap();
    assert_eq!(other["total_messages"], json!(0));
}

#[tokio::test]
async fn importing_again_changes_nothing_and_changed_lines_replace() {
    let (folder, installation) = (tempfile::tempdir().unwrap(), Installation::new().await);
    write_files(folder.path(), ACME);
    installation.import(folder.path()).await.unwrap();
    let before = installation.team("acme").await.chat_state().await.unwrap();
    let again = installation.import(folder.path()).await.unwrap();
    assert_eq!((again.total.new, again.total.changed, again.total.rejected), (0, 0, 0));
    assert_eq!(again.total.unchanged, again.total.read);
    assert_eq!(installation.team("acme").await.chat_state().await.unwrap(), before);
    write_files(
        folder.path(),
        "## messages
         id,session_id,type,created_at,deleted
         1,101,human,2026-06-12T09:00:00Z,false
         13,106,ai,2026-06-10T08:00:00Z,true
         20,102,ai,2026-06-01T00:00:00Z,
         ## sessions
         id,team_id,experiment_id,participant_id,platform,status,created_at,ended_at
         102,10,1,2,telegram,complete,2026-06-03T23:50:00Z,2026-06-04T00:05:00Z",
    );
    let changed = installation.import(folder.path()).await.unwrap();
    assert_eq!(
        (changed.kinds["messages"].new, changed.kinds["messages"].changed, changed.kinds["sessions"].changed),
        (1, 2, 1)
    );
    let overview = installation.ask("acme", Chart::Overview, JUNE).await.unwrap();
    assert_eq!(
        (
            overview["total_sessions"].clone(),
            overview["completed_sessions"].clone(),
            overview["human_messages"].clone(),
            overview["ai_messages"].clone()
        ),
        (json!(3), json!(3), json!(4), json!(5))
    );
}

#[tokio::test]
async fn every_line_that_cannot_be_used_is_named_and_the_good_ones_stay() {
    let (folder, installation) = (tempfile::tempdir().unwrap(), Installation::new().await);
    write_files(
        folder.path(),
        "## teams
         id,slug
         1,one
         2,Two Words
         ## experiments
         id,team_id,name,is_archived,working_version_id
         1,1,Bot,maybe,
         2,1,Bot,false,
         3,9,Bot,false,
         ## participants
         id,team_id,name,identifier,platform
         1,1,,a,fax
         2,1,,b,web
         ## sessions
         id,team_id,experiment_id,participant_id,platform,status,created_at,ended_at
         1,1,99,2,web,active,2026-06-02T09:00:00Z,
         2,1,2,99,web,active,2026-06-02T09:00:00Z,
         3,1,2,2,web,active,yesterday,
         4,1,2,2,web,active,2026-06-02T09:00:00Z,
         ## messages
         id,session_id,type,created_at
         1,4,human,2026-06-02T09:00:00Z
         2,77,human,2026-06-02T09:00:00Z
         3,4,robot,2026-06-02T09:00:00Z
         4,4,human
         ## tags
         id,team_id,name,category
         1,1,t,
         ## tag_links
         team_id,tag_id,target_kind,target_id
         1,5,message,1
         1,1,message,55
         1,1,chat,4",
    );
    let report = installation.import(folder.path()).await.unwrap();
    let rejects: Vec<String> = report.rejects.iter().map(ToString::to_string).collect();
    let expected = [
        "teams.csv:3: `slug`",
        "experiments.csv:2: `is_archived` is `maybe`",
        "experiments.csv:4: no team 9",
        "participants.csv:2: `platform`: `fax`",
        "sessions.csv:2: team `one` has no experiment 99",
        "sessions.csv:3: team `one` has no participant 99",
        "sessions.csv:4: `created_at` is `yesterday`",
        "messages.csv:3: no session 77",
        "messages.csv:4: `type`: `robot`",
        "messages.csv:5: 3 fields",
        "tag_links.csv:2: no tag 5",
        "tag_links.csv:3: no message 55",
    ];
    assert_eq!(rejects.len(), expected.len(), "{rejects:#?}");
    for (got, wanted) in rejects.iter().zip(expected) {
        assert!(got.starts_with(wanted), "{got} / {wanted}");
    }
    assert_eq!((report.kinds["messages"].new, report.kinds["tag_links"].new), (1, 1));
    assert!(!report.is_refused());
}

#[tokio::test]
async fn links_across_teams_are_kept_and_never_counted() {
    let (folder, installation) = (tempfile::tempdir().unwrap(), Installation::new().await);
    let two = ACME
        .replace("10,acme", "10,acme\n11,other")
        .replace("3,10,v2,experiment_version", "3,10,v2,experiment_version\n9,11,billing,")
        .replace("10,1,chat,102", "10,1,chat,102\n11,9,message,1\n11,1,message,2\n10,9,message,9\n11,9,chat,101");
    write_files(folder.path(), &two);
    let report = installation.import(folder.path()).await.unwrap();
    assert_eq!((report.kinds["tag_links"].new, report.total.rejected), (9, 0));
    let tags = installation.ask("acme", Chart::TagAnalytics, JUNE).await.unwrap();
    assert_eq!(tags["total_tagged_messages"], json!(3));
    assert_eq!(installation.ask("other", Chart::TagAnalytics, JUNE).await.unwrap()["total_tagged_messages"], json!(0));
    // A tag of the other team is as unknown as one that does not exist.
    let foreign = installation.ask("acme", Chart::Overview, "tags=9").await.unwrap_err().to_string();
    assert_eq!(
        foreign.replace('9', "N"),
        installation.ask("acme", Chart::Overview, "tags=8").await.unwrap_err().to_string().replace('8', "N")
    );
}

#[tokio::test]
async fn two_sources_with_the_same_ids_never_touch() {
    let (folder, installation) = (tempfile::tempdir().unwrap(), Installation::new().await);
    write_files(folder.path(), ACME);
    installation.import(folder.path()).await.unwrap();
    write_files(folder.path(), &ACME.replace("10,acme", "10,twin").replace("Helper", "Twin Helper"));
    installation.import(folder.path()).await.unwrap();
    let bot = |answer: serde_json::Value| answer["results"][0]["experiment_name"].clone();
    assert_eq!(bot(installation.ask("acme", Chart::BotPerformance, JUNE).await.unwrap()), json!("Helper"));
    assert_eq!(bot(installation.ask("twin", Chart::BotPerformance, JUNE).await.unwrap()), json!("Twin Helper"));
    // Lines that could be either team's are refused, unless told which.
    let more = tempfile::tempdir().unwrap();
    write_files(more.path(), "## messages\nid,session_id,type,created_at\n50,101,human,2026-06-12T09:00:00Z");
    let refused = installation.import(more.path()).await.unwrap();
    assert!(refused.is_refused() && refused.rejects[0].reason.contains("`acme` and `twin`"), "{refused:?}");
    installation.import_as(more.path(), Some("twin")).await.unwrap();
    let messages = |answer: serde_json::Value| answer["total_messages"].clone();
    assert_eq!(messages(installation.ask("acme", Chart::Overview, JUNE).await.unwrap()), json!(9));
    assert_eq!(messages(installation.ask("twin", Chart::Overview, JUNE).await.unwrap()), json!(10));
}

#[tokio::test]
async fn archives_are_read_like_folders() {
    let (folder, files) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    write_files(files.path(), ACME);
    let tar_file = folder.path().join("chats.tar.gz");
    let packed = flate2::write::GzEncoder::new(std::fs::File::create(&tar_file).unwrap(), flate2::Compression::fast());
    let mut tar = tar::Builder::new(packed);
    tar.append_dir_all("export/chats", files.path()).unwrap();
    tar.into_inner().unwrap().finish().unwrap();
    let zip_file = folder.path().join("chats.zip");
    let mut zip = zip::ZipWriter::new(std::fs::File::create(&zip_file).unwrap());
    for entry in std::fs::read_dir(files.path()).unwrap() {
        let entry = entry.unwrap();
        let name = format!("chats/{}", entry.file_name().to_string_lossy());
        zip.start_file(name, zip::write::SimpleFileOptions::default()).unwrap();
        std::io::Write::write_all(&mut zip, &std::fs::read(entry.path()).unwrap()).unwrap();
    }
    zip.finish().unwrap();
    for archive in [tar_file, zip_file] {
        let installation = Installation::new().await;
        let report = installation.import(&archive).await.unwrap();
        assert_eq!((report.total.rejected, report.kinds["messages"].new), (0, 13));
    }
    let broken = folder.path().join("broken.tar.gz");
    std::fs::write(&broken, b"not an archive").unwrap();
    assert!(Installation::new().await.import(&broken).await.is_err());
    assert!(Installation::new().await.import(folder.path()).await.unwrap_err().to_string().contains("messages.csv"));
}
