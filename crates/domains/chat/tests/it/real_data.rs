//! The conversations of ../shared/data/chat load and give the totals stated there.

use std::path::{Path, PathBuf};

use serde_json::Value;
use tallykeep_chat::charts::Chart;

use crate::store::Installation;

fn folder(name: &str) -> Option<PathBuf> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/chat").join(name);
    if !path.is_dir() {
        println!("skipped: {} is not there", path.display());
        return None;
    }
    Some(path)
}

fn same(what: &str, ours: &Value, theirs: &Value) {
    let equal = match (ours.as_f64(), theirs.as_f64()) {
        (Some(a), Some(b)) => (a - b).abs() < 1e-9,
        _ => ours == theirs,
    };
    assert!(equal, "{what}: {ours} is not {theirs}");
}

/// Compares every window of an expected.json object (`2025-01-01/2026-01-01` → figures).
async fn compare(installation: &Installation, team: &str, expected: &Value) {
    let mut windows = 0;
    for (window, figures) in expected.as_object().unwrap().iter().filter(|(key, _)| key.contains('/')) {
        windows += 1;
        let (start, end) = window.split_once('/').unwrap();
        let last: jiff::civil::Date = end.parse::<jiff::civil::Date>().unwrap().yesterday().unwrap();
        let query = format!("date_range=custom&start_date={start}&end_date={last}&granularity=monthly");
        let overview = installation.ask(team, Chart::Overview, &query).await.unwrap();
        for (field, value) in figures["overview"].as_object().unwrap() {
            same(&format!("{window} {field}"), &overview[field], value);
        }
        let analytics = installation.ask(team, Chart::SessionAnalytics, &query).await.unwrap();
        let volume = installation.ask(team, Chart::MessageVolume, &query).await.unwrap();
        let monthly = figures["monthly"].as_array().unwrap();
        assert_eq!(volume["totals"].as_array().unwrap().len(), monthly.len());
        for (index, month) in monthly.iter().enumerate() {
            let date = volume["totals"][index]["date"].as_str().unwrap();
            assert!(date.starts_with(month["date"].as_str().unwrap()), "{date} {month}");
            same(date, &volume["totals"][index]["human_messages"], &month["human"]);
            same(date, &volume["totals"][index]["ai_messages"], &month["ai"]);
            same(date, &analytics["sessions"][index]["active_sessions"], &month["active_sessions"]);
            same(date, &analytics["participants"][index]["active_participants"], &month["active_participants"]);
        }
        let channels = installation.ask(team, Chart::ChannelBreakdown, &query).await.unwrap();
        for row in figures["by_platform"].as_array().unwrap() {
            let ours = channels["platforms"].as_array().unwrap().iter().find(|p| p["platform"] == row["platform"]);
            same(&format!("{window} {}", row["platform"]), &ours.unwrap()["sessions"], &row["sessions"]);
        }
        let bots = installation.ask(team, Chart::BotPerformance, &format!("{query}&page_size=100")).await.unwrap();
        for row in figures["by_bot"].as_array().unwrap().iter().filter(|row| row["archived"] == "false") {
            let ours = bots["results"]
                .as_array()
                .unwrap()
                .iter()
                .find(|b| b["experiment_id"] == row["experiment_id"])
                .unwrap();
            for field in ["participants", "sessions", "messages"] {
                same(&format!("{window} bot {} {field}", row["name"]), &ours[field], &row[field]);
            }
        }
        let people = installation.ask(team, Chart::UserEngagement, &query).await.unwrap();
        for (index, row) in figures["top_participants_by_human_messages"].as_array().unwrap().iter().enumerate() {
            let ours = &people["most_active_participants"][index];
            for field in ["participant_id", "total_messages", "total_sessions"] {
                same(&format!("{window} person {index} {field}"), &ours[field], &row[field]);
            }
        }
        let tags = installation.ask(team, Chart::TagAnalytics, &query).await.unwrap();
        for (name, count) in figures["message_tag_links"].as_object().unwrap() {
            let categories = tags["tag_categories"].as_object().unwrap();
            let ours = categories.values().filter_map(|tags| tags.get(name)).next().unwrap();
            same(&format!("{window} tag {name}"), ours, count);
        }
    }
    assert!(windows > 0);
}

fn expected(folder: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).unwrap()).unwrap()
}

fn rows(report: &tallykeep_chat::interchange::ImportReport, expected: &Value) {
    for (kind, count) in expected["rows"].as_object().unwrap() {
        same(kind, &serde_json::json!(report.kinds[kind.as_str()].new), count);
    }
    assert_eq!(report.total.rejected, 0);
}

#[tokio::test]
async fn ubuntu_gives_its_totals() {
    let Some(folder) = folder("ubuntu-irc-conversations") else { return };
    let installation = Installation::new().await;
    let report = installation.import(&folder).await.unwrap();
    let expected = expected(&folder);
    rows(&report, &expected);
    compare(&installation, "ubuntu", &expected).await;
}

#[tokio::test]
async fn raku_gives_its_totals() {
    let Some(folder) = folder("raku-irc-bots") else { return };
    let installation = Installation::new().await;
    let started = std::time::Instant::now();
    let report = installation.import(&folder).await.unwrap();
    println!("{} rows in {:?}", report.total.read, started.elapsed());
    let expected = expected(&folder);
    rows(&report, &expected);
    compare(&installation, "raku", &expected).await;
}

#[tokio::test]
async fn raku_recent_gives_its_totals_before_and_after_the_append() {
    let Some(folder) = folder("raku-irc-bots-recent") else { return };
    let expected = expected(&folder);
    let alone = Installation::new().await;
    let refused = alone.import(&folder.join("append")).await.unwrap();
    assert!(refused.is_refused(), "the append alone was taken");
    assert!(refused.rejects.iter().all(|reject| reject.line >= 2));
    let installation = Installation::new().await;
    installation.import(&folder.join("base")).await.unwrap();
    compare(&installation, "raku", &expected["base"]).await;
    let appended = installation.import(&folder.join("append")).await.unwrap();
    assert_eq!(
        (appended.kinds["sessions"].new, appended.kinds["messages"].new, appended.kinds["tag_links"].new),
        (63, 241, 149)
    );
    assert_eq!(appended.total.rejected, 0);
    compare(&installation, "raku", &expected["base_plus_append"]).await;
    let again = installation.import(&folder.join("append")).await.unwrap();
    assert_eq!((again.total.new, again.total.changed, again.total.unchanged), (0, 0, 63 + 241 + 149));
    compare(&installation, "raku", &expected["base_plus_append"]).await;
}
