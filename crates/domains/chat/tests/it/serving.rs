//! The service: kept answers, snapshots, live views, saved searches.

use jiff::{civil::date, tz::TimeZone};
use serde_json::{Map, Value, json};
use tallykeep_chat::{charts::Chart, service::LiveView};
use tallykeep_model::Period;

use crate::{
    acme::{JUNE, params},
    store::{ACME, Installation, write_files},
};

async fn acme() -> Installation {
    let (folder, installation) = (tempfile::tempdir().unwrap(), Installation::new().await);
    write_files(folder.path(), ACME);
    installation.import(folder.path()).await.unwrap();
    installation
}

async fn add_message(installation: &Installation, id: i64, at: &str) {
    let folder = tempfile::tempdir().unwrap();
    write_files(folder.path(), &format!("## messages\nid,session_id,type,created_at\n{id},101,human,{at}"));
    installation.import(folder.path()).await.unwrap();
}

#[tokio::test]
async fn answers_are_kept_replaced_and_never_older_than_the_data() {
    let installation = acme().await;
    let team = installation.team("acme").await;
    let ask = async |query: &str| {
        let answer = installation.chat.answer(&team, Chart::Overview, &params(query), &TimeZone::UTC).await.unwrap();
        (answer.hit, answer.body["total_messages"].as_i64().unwrap())
    };
    assert_eq!(ask(JUNE).await, (false, 9));
    assert_eq!(ask(JUNE).await, (true, 9));
    assert_eq!(ask(&format!("{JUNE}&experiments=1,2")).await, (false, 8));
    assert_eq!(ask(&format!("{JUNE}&experiments=2&experiments=1&experiments=1")).await, (true, 8));
    assert_eq!(ask(&format!("{JUNE}&refresh=1")).await, (false, 9));
    // Empty answers are kept too.
    let empty = "date_range=custom&start_date=2020-01-01&end_date=2020-01-02";
    assert_eq!((ask(empty).await, ask(empty).await), ((false, 0), (true, 0)));
    add_message(&installation, 50, "2026-06-12T09:00:00Z").await;
    assert_eq!(ask(JUNE).await, (false, 10));
    let report = installation.chat.cleanup_cache().await.unwrap();
    assert_eq!((report.expired_entries_deleted, report.hits, report.misses), (0, 3, 5));
}

#[tokio::test]
async fn snapshots_equal_the_live_figures() {
    let installation = acme().await;
    let chat = &installation.chat;
    let report = chat.generate_daily(date(2026, 6, 9)).await.unwrap();
    assert_eq!((report.teams_processed, report.snapshots_created, report.snapshots_updated), (1, 1, 0));
    assert_eq!(chat.generate_daily(date(2026, 6, 9)).await.unwrap().snapshots_updated, 1);
    let period = Period::inclusive(date(2026, 6, 1), date(2026, 6, 14)).unwrap();
    let report = chat.generate_historical(period, None, |_| ()).await.unwrap();
    assert_eq!((report.teams_count, report.total_processed, report.total_errors), (1, 14, 0));
    let kept = chat.snapshots(&installation.team("acme").await, period.start, period.last()).await.unwrap();
    assert_eq!(kept.len(), 14);
    let sum = |field: &str| kept.iter().map(|day| day[field].as_i64().unwrap()).sum::<i64>();
    let live = installation.ask("acme", Chart::Overview, JUNE).await.unwrap();
    assert_eq!(json!(sum("messages_sent")), live["total_messages"]);
    assert_eq!(json!(sum("human_messages")), live["human_messages"]);
    for day in &kept {
        let day_of = day["date"].as_str().unwrap();
        let of_day = installation
            .ask("acme", Chart::Overview, &format!("date_range=custom&start_date={day_of}&end_date={day_of}"))
            .await
            .unwrap();
        assert_eq!(day["active_participants"], of_day["active_participants"], "{day_of}");
        assert_eq!(day["active_experiments"], of_day["active_experiments"], "{day_of}");
    }
    let cleanup = chat.cleanup_snapshots(5).await.unwrap();
    assert_eq!((cleanup.snapshots_deleted, cleanup.cutoff_date, cleanup.days_kept), (9, date(2026, 6, 10), 5));
    assert_eq!(chat.regenerate_team(installation.team("acme").await, 30).await.unwrap().total_processed, 31);
}

#[tokio::test]
async fn live_views_end_field_by_field_equal_to_a_fresh_read() {
    let installation = acme().await;
    let team = installation.team("acme").await;
    let filters =
        [JUNE.to_owned(), format!("{JUNE}&experiments=1"), format!("{JUNE}&channels=telegram&granularity=weekly")];
    let mut seen: Vec<Map<String, Value>> = vec![Map::new(); 3];
    let mut views: Vec<LiveView> =
        filters.iter().map(|filter| LiveView::new(params(filter), TimeZone::UTC, Vec::new())).collect();
    for round in 0..4 {
        if round == 2 {
            // The second viewer loses the connection and comes back: it is sent everything again.
            views[1] = LiveView::new(params(&filters[1]), TimeZone::UTC, Vec::new());
        }
        for (view, seen) in views.iter_mut().zip(&mut seen) {
            if let Some(Value::Object(changed)) = installation.chat.live_changes(&team, view).await.unwrap() {
                seen.extend(changed);
            }
            assert_eq!(installation.chat.live_changes(&team, view).await.unwrap(), None);
        }
        if round < 3 {
            add_message(&installation, 100 + round, "2026-06-11T09:00:00Z").await;
        }
    }
    for (filter, seen) in filters.iter().zip(&seen) {
        for chart in Chart::ALL {
            let fresh = installation.ask("acme", chart, &format!("{filter}&refresh=1")).await.unwrap();
            assert_eq!(seen[chart.as_str()], fresh, "{} {filter}", chart.as_str());
        }
    }
    assert_eq!(seen[0]["overview"]["total_messages"], json!(12));
    assert_eq!(seen[2]["overview"]["total_messages"], json!(3));
}

#[tokio::test]
async fn saved_searches_narrow_and_unknown_ones_are_refused() {
    let installation = acme().await;
    let team = installation.team("acme").await;
    let id = team.chat_save_expression("billing", "tag = billing", "local").await.unwrap();
    let by_tag = installation.ask("acme", Chart::Overview, &format!("{JUNE}&tags=1")).await.unwrap();
    assert_eq!(installation.ask("acme", Chart::Overview, &format!("{JUNE}&saved=billing")).await.unwrap(), by_tag);
    assert_eq!(installation.ask("acme", Chart::Overview, &format!("{JUNE}&saved={id}")).await.unwrap(), by_tag);
    let refused = installation.ask("acme", Chart::Overview, "saved=nothing").await.unwrap_err();
    assert_eq!(refused.to_string(), "saved: `nothing` is not a saved search of this team");
}

#[tokio::test]
async fn presets_are_their_owners_and_one_is_the_default_also_when_saved_at_once() {
    let installation = acme().await;
    let team = installation.team("acme").await;
    let saves = (0..8).map(|n| {
        let team = team.clone();
        tokio::spawn(async move {
            team.chat_save_preset("user:1", &format!("p{}", n % 4), &json!({"n": n}), true).await.unwrap()
        })
    });
    for save in saves.collect::<Vec<_>>() {
        save.await.unwrap();
    }
    let presets = team.chat_presets("user:1").await.unwrap();
    assert_eq!((presets.len(), presets.iter().filter(|preset| preset.is_default).count()), (4, 1));
    assert!(presets[0].is_default);
    assert!(team.chat_presets("user:2").await.unwrap().is_empty());
    assert!(installation.team("default").await.chat_preset("user:1", presets[0].id).await.unwrap().is_none());
    assert!(!team.chat_delete_preset("user:2", presets[0].id).await.unwrap());
    assert!(team.chat_delete_preset("user:1", presets[0].id).await.unwrap());
}
