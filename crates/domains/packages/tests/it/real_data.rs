//! The real files of ../shared/data/packages load, and their known totals come out. Skipped, saying so, where they are not.

use std::{
    collections::BTreeMap,
    path::{Path, PathBuf},
};

use jiff::civil::Date;
use tallykeep_collect::CsvFile;
use tallykeep_control::packages::StatRow;
use tallykeep_packages::{
    Config, Reader,
    dashboard::dashboard,
    jobs::{downloads::DownloadOptions, update_all::UpdateAllOptions},
    months::month_points,
    transfer::ImportOptions,
};

use crate::support::{House, day};

fn shared(what: &str) -> Option<PathBuf> {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../../shared/data/packages").join(what);
    if dir.exists() {
        return Some(dir);
    }
    println!("skipped: {} is not there", dir.display());
    None
}

const NOW: &str = "2026-04-07T09:00:00Z";

fn options(source: &str) -> ImportOptions {
    ImportOptions {
        source: Some(source.to_owned()),
        window: Some("1d".to_owned()),
        provenance: Some("api_daily".to_owned()),
        ..ImportOptions::default()
    }
}

#[tokio::test]
async fn the_seed_csvs_months() {
    let Some(dir) = shared("lancedb-seed") else { return };
    let house = House::new("2026-03-05T09:00:00Z").await;
    let jobs = house.jobs("2026-03-05T09:00:00Z", &Config::example()).await;
    let report = jobs.seed_from_csv(&dir).await.expect("a report");
    assert_eq!((report.inserted, report.errors.len()), (18 * 5 + 32, 0), "{:?}", report.errors);
    let index = Reader::new(jobs.store.clone()).index().await.expect("an index");
    let mut sums = Vec::new();
    for (metric, expected) in [
        ("downloads:lance:python", 18_932_280),
        ("downloads:lancedb:python", 20_647_300),
        ("downloads:lancedb:nodejs", 3_187_294),
        ("downloads:lance:rust", 624_923),
        ("downloads:lancedb:rust", 149_293),
    ] {
        let rows = index.rows(metric);
        let sum: i64 = rows.rows.iter().map(|row| row.value).sum();
        assert_eq!(sum, expected, "{metric}");
        sums.push(sum);
        let points = month_points(rows, day("2026-03-04"), &Config::example().months);
        // Two rows of October 2025 are one month (the later one); the two rows after the cutoff are no months.
        assert_eq!(points.len(), 15, "{metric}");
        assert!(points.iter().all(|p| p.period_end <= day("2025-11-30")));
    }
    let october = month_points(index.rows("downloads:lance:python"), day("2026-03-04"), &Config::example().months);
    assert_eq!(october.iter().find(|p| p.period_end == day("2025-10-31")).map(|p| p.value), Some(2_037_341));
    let document = dashboard(&index, &Config::example(), 730, day("2026-03-04"), jobs.clock.now());
    assert_eq!(document.total_stars, Some(6067 + 9018));
    let again = jobs.seed_from_csv(&dir).await.expect("a report");
    assert_eq!((again.inserted, again.updated, again.unchanged), (0, 0, 122));
    println!("seed CSVs: column sums {sums:?}, 15 months each, total stars 15,085: as known");
}

/// Python lance-format stars of 2026-02-20 fall on the same UTC day in both files; update_all keeps the seeds before its window.
#[tokio::test]
async fn update_all_keeps_seed_months_apart_from_recent_days() {
    let Some(dir) = shared("lancedb-seed") else { return };
    let now = "2026-03-05T09:00:00Z";
    let house = House::new(now).await;
    house.fake.pypi("pylance", [(day("2026-03-04"), 7, 7)]);
    let jobs = house.jobs(now, &Config::example()).await;
    let options = UpdateAllOptions { lookback_days: 90, reset_tables: false, seed_dir: &dir, accept_drops: false };
    let first = jobs.update_all(options.clone()).await.expect("a report");
    assert_eq!(first.errors.len(), 8, "all but pylance are unknown to the fake: {:?}", first.errors);
    let rows = jobs.store.stats("downloads:lance:python", Date::MIN, Date::MAX).await.expect("rows");
    assert_eq!(rows.iter().filter(|r| r.provenance == "csv_seed").count(), 16, "strictly before 2025-12-05");
    jobs.update_all(options).await.expect("a report");
    let again = jobs.store.stats("downloads:lance:python", Date::MIN, Date::MAX).await.expect("rows");
    assert_eq!(again.len(), rows.len(), "nothing vanishes (defect 1 of §15)");
}

#[tokio::test]
async fn the_pypi_days() {
    let Some(dir) = shared("pypi-daily") else { return };
    let house = House::new(NOW).await;
    let jobs = house.jobs(NOW, &Config::example()).await;
    let started = std::time::Instant::now();
    let imported = jobs.import_stats(&[&dir.join("daily.csv.gz")], &options("pypistats")).await.expect("imported");
    let took = started.elapsed();
    assert_eq!(
        (imported.read, imported.report.inserted, imported.rejected, imported.metrics_added),
        (298_233, 298_233, 0, 203)
    );
    let index = Reader::new(jobs.store.clone()).index().await.expect("an index");
    let mut total = 0;
    let mut csv = CsvFile::open(&dir.join("totals.csv.gz")).expect("opens");
    let (package, sum) = (0, csv.header().len() - 1);
    let mut compared = 0;
    while let Some(line) = csv.next_line() {
        let line = line.expect("a line");
        let metric = index.metrics.iter().find(|m| m.subject == line.field(package)).expect("added");
        let ours: i64 = index.rows(&metric.metric_id).rows.iter().map(|row| row.value).sum();
        let known: i64 = (0..=sum).rev().find_map(|n| line.field(n).parse().ok()).expect("a number");
        assert_eq!(ours, known, "{}", line.field(package));
        total += ours;
        compared += 1;
    }
    assert_eq!((compared, total), (203, 52_254_547));
    // Days absent for every package are missing, never 0.
    for lost in ["2023-01-24", "2024-10-25", "2025-02-11"] {
        assert!(
            index.metrics.iter().all(|m| index.rows(&m.metric_id).ending_in(day(lost), day(lost)).is_empty()),
            "{lost}"
        );
        let gaps = tallykeep_packages::anomalies::collection_gaps(&index, day(lost), day(lost));
        assert_eq!(gaps.first().map(|g| g.kind), Some("source_outage"), "{lost}");
    }
    println!("PyPI days: 298,233 rows of 203 packages in {took:.1?}, sum 52,254,547, three outages: as known");
}

#[tokio::test]
async fn the_restatements_replayed() {
    let Some(dir) = shared("pypi-daily") else { return };
    let house = House::new(NOW).await;
    let jobs = house.jobs(NOW, &Config::example()).await;
    let mut steps: Vec<(String, Date, i64, i64)> = Vec::new();
    let mut csv = CsvFile::open(&dir.join("restated.csv.gz")).expect("opens");
    let column = |csv: &CsvFile, name: &str| csv.column(name).expect("there");
    let (p, d, o, n) =
        (column(&csv, "package"), column(&csv, "date"), column(&csv, "old_downloads"), column(&csv, "new_downloads"));
    while let Some(line) = csv.next_line() {
        let line = line.expect("a line");
        let number = |c: usize| line.field(c).parse::<i64>().expect("a count");
        steps.push((line.field(p).to_owned(), day(line.field(d)), number(o), number(n)));
    }
    assert_eq!(steps.len(), 5805);
    let mut first: BTreeMap<(String, Date), i64> = BTreeMap::new();
    for (package, day, old, _) in &steps {
        first.entry((package.clone(), *day)).or_insert(*old);
    }
    // As it was before the corrections: the final file with the first old values.
    let mut csv = CsvFile::open(&dir.join("daily.csv.gz")).expect("opens");
    let mut rows: Vec<StatRow> = Vec::new();
    let mut last: BTreeMap<(String, Date), i64> = BTreeMap::new();
    while let Some(line) = csv.next_line() {
        let line = line.expect("a line");
        let key = (line.field(0).to_owned(), day(line.field(1)));
        let value: i64 = line.field(2).parse().expect("a count");
        rows.push(stat(&key.0, key.1, first.get(&key).copied().unwrap_or(value)));
        last.insert(key, value);
    }
    for batch in rows.chunks(20_000) {
        jobs.store.write_stats(batch).await.expect("written");
    }
    let mut counts = tallykeep_control::packages::WriteCounts::default();
    // Each reading is a batch of its own: a value may be corrected twice.
    let mut from = 0;
    while from < steps.len() {
        let mut seen = std::collections::BTreeSet::new();
        let to =
            from + steps[from..].iter().take_while(|(package, day, ..)| seen.insert((package.clone(), *day))).count();
        let batch: Vec<StatRow> =
            steps[from..to].iter().map(|(package, day, _, new)| stat(package, *day, *new)).collect();
        counts += jobs.store.write_stats(&batch).await.expect("written");
        from = to;
    }
    assert_eq!(counts.revisions, 5805);
    assert_eq!(jobs.store.revision_count().await.expect("counted"), 5805);
    let mut compared = 0;
    for metric in jobs.store.metrics_with_stats().await.expect("metrics") {
        for row in jobs.store.stats(&metric, Date::MIN, Date::MAX).await.expect("rows") {
            assert_eq!(
                last.get(&(
                    metric.trim_start_matches("downloads:").trim_end_matches(":python").to_owned(),
                    row.period_end
                )),
                Some(&row.value),
                "{metric} {}",
                row.period_end
            );
            compared += 1;
        }
    }
    assert_eq!(compared, last.len());
    println!("restatements: 5,805 replayed, 5,805 revisions, {compared} rows equal daily.csv.gz");
}

fn stat(package: &str, on: Date, value: i64) -> StatRow {
    StatRow {
        metric_id: format!("downloads:{package}:python"),
        period_start: on,
        period_end: on,
        observed_at: tallykeep_packages::days::midnight(on),
        value,
        provenance: "api_daily".to_owned(),
        source_window: "1d".to_owned(),
        ingestion_run_id: "replay".to_owned(),
        source_ref: String::new(),
    }
}

#[tokio::test]
async fn the_recorded_answers_of_the_very_call() {
    let Some(dir) = shared("pypi-daily/upstream") else { return };
    let house = House::new(NOW).await;
    let known = [
        ("llm", 1_111_604),
        ("sqlite-utils", 3_739_946),
        ("datasette", 852_948),
        ("shot-scraper", 502_832),
        ("csv-diff", 6_188_321),
        ("strip-tags", 37_018),
    ];
    let ids: Vec<String> = known.iter().map(|(name, _)| format!("downloads:{name}:python")).collect();
    let metrics: Vec<_> = known.iter().zip(&ids).map(|((name, _), id)| (id.as_str(), "pypistats", *name)).collect();
    let jobs = house.jobs(NOW, &crate::support::catalogue(&metrics)).await;
    for (name, _) in known {
        let file = std::fs::read_dir(&dir)
            .expect("a folder")
            .filter_map(Result::ok)
            .find(|e| e.file_name().to_string_lossy().contains(name))
            .expect("a file");
        let body = serde_json::from_slice(&std::fs::read(file.path()).expect("read")).expect("JSON");
        house.fake.fixed(&format!("/api/packages/{name}/overall"), body);
    }
    let report = jobs
        .update_daily_downloads(DownloadOptions { lookback_days: 181, ..DownloadOptions::default() })
        .await
        .expect("a report");
    assert_eq!(report.errors.len(), 0, "{:?}", report.errors);
    for ((name, sum), id) in known.iter().zip(&ids) {
        let rows = jobs.store.stats(id, Date::MIN, Date::MAX).await.expect("rows");
        assert_eq!(rows.iter().map(|r| r.value).sum::<i64>(), *sum, "{name}");
    }
    println!("recorded pypistats answers: six sums as known");
}

#[tokio::test]
async fn one_teams_own_tracker_with_real_zeros() {
    let Some(dir) = shared("multi-source") else { return };
    let house = House::new("2026-06-01T09:00:00Z").await;
    let jobs = house.jobs("2026-06-01T09:00:00Z", &Config::example()).await;
    let mut csv = CsvFile::open(&dir.join("armoriq_daily.csv")).expect("opens");
    let (mut npm, mut pypi) = (String::from("package,date,downloads\n"), String::from("package,date,downloads\n"));
    let column = |name: &str, csv: &CsvFile| csv.column(name).expect("there");
    let (d, p, s, n) =
        (column("date", &csv), column("package", &csv), column("source", &csv), column("downloads", &csv));
    while let Some(line) = csv.next_line() {
        let line = line.expect("a line");
        let text = format!("{},{},{}\n", line.field(p), line.field(d), line.field(n));
        match line.field(s) {
            "npm" => npm.push_str(&text),
            "pypi" => pypi.push_str(&text),
            _ => {}
        }
    }
    let mut sums = BTreeMap::new();
    for (source, text) in [("npm", npm), ("pypistats", pypi)] {
        let file = house.dir.path().join(source);
        std::fs::write(&file, text).expect("written");
        let imported = jobs.import_stats(&[&file], &options(source)).await.expect("imported");
        assert_eq!(imported.rejected, 0, "{:?}", imported.rejects);
    }
    let index = Reader::new(jobs.store.clone()).index().await.expect("an index");
    for metric in index.metrics.iter().filter(|m| m.subject.contains("armor")) {
        let rows = &index.rows(&metric.metric_id).rows;
        sums.insert(
            format!("{} {}", metric.source, metric.subject),
            (rows.len(), rows.iter().map(|r| r.value).sum::<i64>()),
        );
    }
    let known = [
        ("npm @armoriq/armorclaw", (440, 709)),
        ("npm @armoriq/sdk", (441, 1923)),
        ("npm armoriq-openclaw-plugin", (408, 204)),
        ("pypistats armoriq-sdk", (105, 7682)),
    ];
    assert_eq!(sums, known.into_iter().map(|(k, v)| (k.to_owned(), v)).collect());
    println!("armoriq tracker: {sums:?}: as known");
}

#[tokio::test]
async fn two_readings_of_one_r_package_agree() {
    let Some(dir) = shared("cran-daily") else { return };
    let house = House::new("2026-07-01T09:00:00Z").await;
    let jobs = house.jobs("2026-07-01T09:00:00Z", &Config::example()).await;
    let mut csv = CsvFile::open(&dir.join("daily_top.csv.gz")).expect("opens");
    let mut text = String::from("package,date,downloads\n");
    while let Some(line) = csv.next_line() {
        let line = line.expect("a line");
        if line.field(0) == "mikropml" {
            text.push_str(&format!("mikropml,{},{}\n", line.field(1), line.field(3)));
        }
    }
    let first = house.dir.path().join("top.csv");
    std::fs::write(&first, text).expect("written");
    let one = jobs.import_stats(&[&first], &options("cranlogs")).await.expect("imported");
    let map = vec![("period_end".to_owned(), "date".to_owned()), ("value".to_owned(), "count".to_owned())];
    let two = jobs
        .import_stats(&[&dir.join("mikropml_daily.csv")], &ImportOptions { map, ..options("cranlogs") })
        .await
        .expect("imported");
    assert_eq!(
        (two.report.unchanged, two.report.updated, two.rejected),
        (463, 0, 0),
        "{} first, {:?}",
        one.report.inserted,
        two.rejects
    );
    println!("mikropml: {} days of one reading, {} of the other, 463 common days unchanged", one.read, two.read);
}
