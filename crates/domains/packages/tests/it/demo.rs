use tallykeep_packages::{
    Reader,
    dashboard::dashboard,
    demo::{demo_config, seed_demo},
    gaps::coverage,
    transfer::{ExportFilter, ExportFormat, export_stats},
};

use crate::support::{House, clock};

const NOW: &str = "2026-11-21T09:00:00Z";

async fn seeded(house: &House, seed: u64) -> Vec<u8> {
    let team = house.team(NOW).await;
    seed_demo(&team, seed, clock(NOW)).await.expect("seeded");
    let mut out = Vec::new();
    export_stats(&team.packages(), &ExportFilter::default(), ExportFormat::JsonLines, &mut out)
        .await
        .expect("exported");
    out
}

#[tokio::test]
async fn the_same_seed_makes_the_same_rows_and_the_story_is_visible() {
    let (one, two, three) = (House::new(NOW).await, House::new(NOW).await, House::new(NOW).await);
    let first = seeded(&one, 7).await;
    assert!(first == seeded(&two, 7).await, "same seed, same bytes");
    assert!(first != seeded(&three, 8).await, "another seed, other rows");
    let store = one.team(NOW).await.packages();
    let (config, latest) = (demo_config(), crate::support::day("2026-11-20"));
    let index = Reader::new(store.clone()).index().await.expect("an index");
    let document = dashboard(&index, &config, 730, latest, clock(NOW).now());
    assert_eq!(document.groups.len(), 3);
    assert!(document.total_stars.is_some_and(|stars| stars > 20_000), "{:?}", document.total_stars);
    assert!(
        document.signal_candidates.iter().any(|s| s["signal_type"] == "download_spike"),
        "{:?}",
        document.signal_candidates
    );
    // The month is incomplete too (a package vanished in it), so its state is provisional; the old total is told beside it.
    assert!(document.monthly_download_snapshots.iter().any(|month| month.contains_key("was")), "the repaired month");
    let repaired = document
        .groups
        .iter()
        .flat_map(|group| &group.items)
        .find(|item| item.metric_id == "downloads:driftwood-db:nodejs");
    assert_eq!(repaired.map(|item| item.restated), Some(1));
    assert_eq!(store.revision_count().await.expect("counted"), 9);
    let coverage = coverage(&store, &index, &config, latest, clock(NOW).now()).await.expect("coverage");
    let of = |id: &str| coverage.metrics.iter().find(|m| m.metric_id == id).expect("there").clone();
    assert_eq!(of("downloads:driftwood-db:python").missing.len(), 3);
    assert_eq!(of("downloads:tidekit:nodejs").stale_days, Some(41), "vanished");
    assert_eq!(of("downloads:driftwood-db:nodejs").pending.len(), 1);
    assert!(!coverage.is_stale);
}
