//! Worked examples of spec/packages §14. A, B, C, D, E, O and P stand beside the code they are about; F beside the store.

use jiff::{Timestamp, civil::Date};
use tallykeep_control::packages::{MetricOrigin, PackagesMetric};
use tallykeep_packages::{
    Config, Index,
    cumulative::value_on,
    index::{MetricRows, Observation, Window},
    months::{MonthPoint, headline, headline_coverage, month_points},
    rollups::{Rollup, downloads_between, percent_change, rollups, slope},
    signals::of_rollup,
};

use crate::support::day;

fn row(end: &str, value: i64, window: Window) -> Observation {
    Observation { start: day(end), end: day(end), value, window, provenance: "api_daily".into(), was: None }
}

fn counted(rows: &[(&str, i64)]) -> MetricRows {
    MetricRows::new(rows.iter().map(|(end, value)| row(end, *value, Window::Counted)).collect())
}

fn show(points: &[MonthPoint]) -> Vec<String> {
    points
        .iter()
        .map(|p| format!("{} {}{}", p.period_end, p.value, if p.synthetic { " synthetic" } else { "" }))
        .collect()
}

#[test]
fn example_g_months() {
    let config = Config::example();
    let rows = counted(&[("2026-01-05", 10), ("2026-01-06", 20), ("2026-01-31", 30), ("2026-02-10", 5)]);
    let points = month_points(&rows, day("2026-02-19"), &config.months);
    assert_eq!(show(&points), ["2026-01-31 60"]);
    assert_eq!(headline(&points, day("2026-02-19")).map(|p| p.value), Some(60));
    let latest = day("2026-02-28");
    let points = month_points(&rows, latest, &config.months);
    assert_eq!(show(&points), ["2026-01-31 60", "2026-02-28 5"]);
    assert_eq!(headline(&points, latest).map(|p| p.value), Some(5));
    let coverage = headline_coverage(&points, latest);
    assert_eq!((coverage.days_present, coverage.days_expected), (1, 28));
}

#[test]
fn example_h_snapshots() {
    let rows = MetricRows::new(vec![
        row("2025-08-10", 900, Window::Snapshot),
        row("2025-08-28", 700, Window::Snapshot),
        row("2025-08-15", 50, Window::Counted),
        row("2026-01-15", 5000, Window::Snapshot),
    ]);
    assert_eq!(show(&month_points(&rows, day("2026-02-19"), &Config::example().months)), ["2025-08-31 700"]);
}

#[test]
fn example_i_synthetic_month() {
    let mut rows = vec![row("2025-10-31", 400, Window::Snapshot)];
    rows.extend((1..=31).map(|d| row(&format!("2025-12-{d:02}"), if d == 1 { 701 } else { 0 }, Window::Counted)));
    let points = month_points(&MetricRows::new(rows), day("2026-01-10"), &Config::example().months);
    assert_eq!(show(&points), ["2025-10-31 400", "2025-11-30 551 synthetic", "2025-12-31 701"]);
}

#[test]
fn example_j_interpolation() {
    let rows = [row("2026-03-01", 100, Window::Cumulative), row("2026-03-05", 106, Window::Cumulative)];
    let values: Vec<_> = ["2026-03-02", "2026-03-03", "2026-03-04", "2026-02-20", "2026-03-20", "2026-03-05"]
        .iter()
        .map(|on| value_on(&rows, day(on)))
        .collect();
    assert_eq!(values, [Some(102), Some(103), Some(105), Some(100), Some(106), Some(106)]);
}

#[test]
fn example_k_overlap() {
    let span = Observation {
        start: day("2026-04-01"),
        end: day("2026-04-08"),
        value: 80,
        window: Window::Counted,
        provenance: "x".into(),
        was: None,
    };
    assert_eq!(downloads_between(&MetricRows::new(vec![span]), day("2026-04-05"), day("2026-04-30")), 40);
}

fn metric(id: &str) -> PackagesMetric {
    let parts: Vec<&str> = id.split(':').collect();
    PackagesMetric {
        metric_id: id.to_owned(),
        metric_family: parts[0].to_owned(),
        product: parts[1].to_owned(),
        subject: parts[1].to_owned(),
        sdk: Some(parts[2].to_owned()),
        source: "pypistats".to_owned(),
        value_kind: "daily_downloads".to_owned(),
        unit: "count".to_owned(),
        is_active: true,
        display_name: parts[2].to_owned(),
        created_at: Timestamp::UNIX_EPOCH,
        position: 0,
        origin: MetricOrigin::Catalogue,
    }
}

#[test]
fn example_l_rollup() {
    let latest = day("2026-03-14");
    let week = |now: i64, before: i64| -> Vec<Observation> {
        vec![row("2026-03-07", before, Window::Counted), row("2026-03-14", now, Window::Counted)]
    };
    let index = Index::of(
        vec![metric("downloads:p:python"), metric("downloads:p:nodejs")],
        [("downloads:p:python".to_owned(), week(700, 350)), ("downloads:p:nodejs".to_owned(), week(300, 650))],
    );
    let seven: Vec<Rollup> =
        rollups(&index, latest, Timestamp::UNIX_EPOCH).into_iter().filter(|r| r.window == "7d").collect();
    let close = |a: f64, b: f64| assert!((a - b).abs() < 1e-6, "{a} is not {b}");
    let (python, node) = (&seven[0], &seven[1]);
    assert_eq!((python.delta, python.rollup_id.as_str()), (Some(350), "downloads:p:python:7d:2026-03-14"));
    close(python.percent_change.expect("known"), 100.0);
    close(python.sdk_share, 0.7);
    close(python.previous_sdk_share, 0.35);
    close(python.sdk_share_delta, 0.35);
    assert_eq!(node.delta, Some(-350));
    close(node.percent_change.expect("known"), -53.846154);
    close(node.sdk_share_delta, -0.35);
    close(percent_change(12, 0), 100.0);
    close(percent_change(0, 0), 0.0);
}

#[test]
fn example_m_slope() {
    let values: Vec<(f64, f64)> =
        [100.0, 120.0, 90.0, 150.0, 180.0, 210.0].iter().zip(0_u8..).map(|(y, x)| (f64::from(x), *y)).collect();
    assert!((slope(&values) - 22.571429).abs() < 1e-6);
}

fn rollup(window: &str, current: i64, percent: f64, slope: f64, share: f64) -> Rollup {
    Rollup {
        rollup_id: "x".to_owned(),
        metric_id: "downloads:lancedb:nodejs".to_owned(),
        metric_family: "downloads".to_owned(),
        product: "lancedb".to_owned(),
        sdk: "nodejs".to_owned(),
        subject: "@lancedb/lancedb".to_owned(),
        window: window.to_owned(),
        window_start: day("2026-02-06"),
        window_end: day("2026-03-07"),
        current_value: Some(current),
        previous_value: Some(1),
        delta: Some(1),
        percent_change: Some(percent),
        sdk_share: 0.5,
        previous_sdk_share: 0.5 - share,
        sdk_share_delta: share,
        trend_slope: slope,
        days_present: 30,
        days_expected: 30,
        previous_days_present: 30,
        updated_at: Timestamp::UNIX_EPOCH,
    }
}

#[test]
fn example_n_signals() {
    let found = |rollup: Rollup| -> Vec<String> {
        of_rollup(&rollup, &Config::example(), Timestamp::UNIX_EPOCH)
            .iter()
            .map(|s| format!("{} {} {}", s.title, (s.score * 100.0).round() / 100.0, s.confidence))
            .collect()
    };
    assert!(found(rollup("30d", 900, 400.0, 0.0, 0.0)).is_empty());
    assert_eq!(found(rollup("30d", 1000, 100.0, 0.0, 0.0)), ["LanceDB Nodejs downloads spiked 100 medium"]);
    assert_eq!(found(rollup("30d", 2000, 312.0, 0.0, 0.0)), ["LanceDB Nodejs downloads spiked 100 high"]);
    assert_eq!(found(rollup("90d", 10, 20.0, 0.1, 0.0)), ["LanceDB Nodejs shows sustained growth 20 medium"]);
    assert!(found(rollup("90d", 10, 20.0, 0.0, 0.0)).is_empty());
    assert_eq!(found(rollup("30d", 10, 0.0, 0.0, -0.15)), ["LanceDB Nodejs lost SDK share 15 medium"]);
    let id = &of_rollup(&rollup("30d", 1000, 100.0, 0.0, 0.0), &Config::example(), Timestamp::UNIX_EPOCH)[0].signal_id;
    assert_eq!(id, "download_spike:2026-02-06:2026-03-07:lancedb-nodejs-downloads-spiked");
}

proptest::proptest! {
    /// Window sums add up: `[a, b]` and `[b+1, c]` are `[a, c]` for single days.
    #[test]
    fn windows_add_up(values in proptest::collection::btree_map(0_i64..120, 0_i64..10_000, 0..60), cut in 1_i64..119) {
        let first = Date::constant(2026, 1, 1);
        let at = |n: i64| tallykeep_packages::days::after(first, n);
        let rows = MetricRows::new(values.iter().map(|(n, value)| Observation { start: at(*n), end: at(*n), value: *value, window: Window::Counted, provenance: "x".into(), was: None }).collect());
        let whole = downloads_between(&rows, first, at(119));
        let parts = downloads_between(&rows, first, at(cut - 1)) + downloads_between(&rows, at(cut), at(119));
        proptest::prop_assert_eq!(whole, parts);
        proptest::prop_assert_eq!(whole, values.values().sum::<i64>());
        let months: i64 = rows.months.iter().map(|m| m.value).sum();
        proptest::prop_assert_eq!(months, whole);
    }
}
