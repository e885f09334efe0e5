//! The three real import sets beside the checkout: every total of their `expected.json`, and the 28,107 readings of Zenodo's counters.

use std::{
    collections::{BTreeMap, BTreeSet, HashMap},
    io::Read,
    path::{Path, PathBuf},
};

use serde_json::{Value, json};
use tallykeep_lake::{
    Scan,
    arrow::{
        array::{Array, ArrayAccessor, AsArray, StringArray},
        datatypes::{Int32Type, TimestampMicrosecondType},
    },
};
use tallykeep_repository::{TeamRepository, import::ImportRequest, tables::USAGE};

use crate::support::{House, aggregate, ask, document, import, item, shared};

/// What was compared, and what differed.
#[derive(Default)]
struct Comparison {
    set: &'static str,
    groups: Vec<(String, usize)>,
    differences: Vec<String>,
}

impl Comparison {
    fn check(&mut self, group: &str, name: impl std::fmt::Display, ours: &Value, expected: &Value) {
        match self.groups.iter_mut().find(|g| g.0 == group) {
            Some(found) => found.1 += 1,
            None => self.groups.push((group.to_owned(), 1)),
        }
        let same = match (ours.as_f64(), expected.as_f64()) {
            (Some(a), Some(b)) => (a - b).abs() < 0.5,
            _ => ours == expected,
        };
        if !same {
            self.differences.push(format!("{group} {name}: ours {ours}, expected {expected}"));
        }
    }

    /// Compares a map of counts; `ours` may know more keys.
    fn counts(&mut self, group: &str, ours: &BTreeMap<String, i64>, expected: &Value) {
        for (key, number) in expected.as_object().into_iter().flatten() {
            self.check(group, key, &json!(ours.get(key).copied().unwrap_or(0)), number);
        }
    }

    fn finish(self) {
        let all: usize = self.groups.iter().map(|g| g.1).sum();
        println!("{}: {all} numbers compared, {} differ", self.set, self.differences.len());
        for (group, count) in &self.groups {
            println!("  {count:>6}  {group}");
        }
        assert!(self.differences.is_empty(), "{}:\n{}", self.set, self.differences.join("\n"));
        assert!(all > 50, "{}: only {all} numbers were there to compare", self.set);
    }
}

fn folder(set: &str) -> Option<PathBuf> {
    match shared() {
        Some(folder) => Some(folder.join(set)),
        None => {
            println!("{set}: SKIPPED, ../shared/data/repository is not there");
            None
        }
    }
}

fn files(folder: &Path) -> ImportRequest {
    let file = |name: &str| vec![folder.join(format!("{name}.ndjson.gz"))];
    ImportRequest {
        records: file("records"),
        communities: file("communities"),
        community_events: file("community_events"),
        usage_events: file("usage_events"),
        dry_run: false,
    }
}

fn gunzip(path: &Path) -> String {
    let mut text = String::new();
    let file = std::fs::File::open(path).expect("opens");
    flate2::read::GzDecoder::new(file).read_to_string(&mut text).expect("readable");
    text
}

/// One stored event: second, whether a download, record, file.
struct Stored {
    micros: i64,
    download: bool,
    recid: String,
    file: Option<String>,
    robot: bool,
}

async fn stored(repository: &TeamRepository) -> Vec<Stored> {
    let scan = Scan { columns: vec!["ts", "kind", "recid", "file_id", "is_robot"], filters: Vec::new() };
    let mut events = Vec::new();
    for batch in repository.lake().table(&USAGE).scan(&scan).await.expect("readable") {
        let word = |column: usize| {
            let dictionary = batch.column(column).as_dictionary::<Int32Type>();
            dictionary.downcast_dict::<StringArray>().expect("words")
        };
        let at = batch.column(0).as_primitive::<TimestampMicrosecondType>();
        let (kinds, recids, files) = (word(1), word(2), word(3));
        let robots = batch.column(4).as_boolean();
        events.extend((0..batch.num_rows()).map(|row| Stored {
            micros: at.value(row),
            download: kinds.value(row) == "download",
            recid: recids.value(row).to_owned(),
            file: files.is_valid(row).then(|| files.value(row).to_owned()),
            robot: robots.value(row),
        }));
    }
    events
}

fn number(value: &Value) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "whole numbers")]
    value.as_i64().or_else(|| value.as_f64().map(|f| f as i64)).unwrap_or_else(|| panic!("{value} is not a number"))
}

/// Sums a global series by the first `digits` of its dates.
async fn series(
    repository: &TeamRepository,
    query: &str,
    metric: &str,
    basis: &str,
    digits: usize,
) -> BTreeMap<String, i64> {
    let params = json!({"metric": metric, "date_basis": basis});
    let answer = ask(repository, query, params).await.expect("a series");
    let series = &answer[0];
    let mut sums = BTreeMap::new();
    for point in series["data"].as_array().into_iter().flatten() {
        let day = match series.get("year") {
            Some(year) => format!("{year}-{}", point[0].as_str().expect("a day")),
            None => point[0].as_str().expect("a day").to_owned(),
        };
        *sums.entry(day[..digits].to_owned()).or_default() += number(&point[1]);
    }
    sums
}

/// Records of each item of a breakdown in a snapshot.
fn records_of(list: &Value) -> BTreeMap<String, i64> {
    let items = list.as_array().expect("a list").iter();
    items
        .map(|i| {
            let records = number(&i["records"]["metadata_only"]) + number(&i["records"]["with_files"]);
            (i["id"].as_str().expect("an id").to_owned(), records)
        })
        .collect()
}

fn total(snapshot: &Value, name: &str) -> i64 {
    number(&snapshot[name]["metadata_only"]) + number(&snapshot[name]["with_files"])
}

async fn compare_records(c: &mut Comparison, repository: &TeamRepository, expected: &Value, last: &str) {
    for basis in ["added", "created"] {
        let query = format!("community-record-snapshot-{basis}");
        let snapshot = document(repository, &query, "global", last).await;
        let group = format!("records, {basis}");
        c.check(&group, "total", &json!(total(&snapshot, "total_records")), &expected["records"]["total"]);
        c.check(&group, "with files", &snapshot["total_records"]["with_files"], &expected["records"]["with_files"]);
        c.check(&group, "parents", &json!(total(&snapshot, "total_parents")), &expected["parents"]);
        c.check(&group, "files", &snapshot["total_files"]["file_count"], &expected["files"]["count"]);
        c.check(&group, "bytes", &snapshot["total_files"]["data_volume"], &expected["files"]["bytes"]);
        c.check(&group, "uploaders", &snapshot["distinct_uploaders"], &expected["uploaders"]);
        let subcounts = &snapshot["subcounts"];
        for (ours, theirs) in [
            ("access_statuses", "by_access_status"),
            ("resource_types", "by_resource_type"),
            ("languages", "by_language"),
            ("rights", "by_rights"),
            ("funders", "by_funder"),
            ("file_types", "records_by_file_type"),
        ] {
            c.counts(&format!("records {theirs}, {basis}"), &records_of(&subcounts[ours]), &expected[theirs]);
        }
    }
    let years = series(repository, "record-delta-series", "records", "created", 4).await;
    c.counts("records created per year", &years, &expected["records_created_per_year"]);
    for (slug, community) in expected["communities"].as_object().into_iter().flatten() {
        let snapshot = document(repository, "community-record-snapshot-added", slug, last).await;
        c.check(
            "members of communities",
            slug,
            &json!(total(&snapshot, "total_records")),
            &community["current_members"],
        );
    }
}

/// The totals of usage, from the rollups and from what is stored.
async fn compare_usage(c: &mut Comparison, repository: &TeamRepository, expected: &Value, last: &str, robots: bool) {
    let group = if robots { "usage, all events" } else { "usage without robots" };
    let snapshot = document(repository, "community-usage-snapshot", "global", last).await;
    let totals = &snapshot["totals"];
    c.check(group, "views", &totals["view"]["total_events"], &expected["views"]);
    c.check(group, "downloads", &totals["download"]["total_events"], &expected["downloads"]);
    c.check(group, "volume", &totals["download"]["total_volume"], &expected["download_volume"]);
    c.check(
        group,
        "sum of daily view visitors",
        &totals["view"]["unique_visitors"],
        &expected["sum_of_daily_distinct_view_visitors"],
    );
    let types = snapshot["subcounts"]["resource_types"].as_array().expect("a list").iter();
    let types =
        types.map(|i| (i["id"].as_str().expect("an id").to_owned(), number(&i["view"]["total_events"]))).collect();
    c.counts(&format!("{group}, views by resource type"), &types, &expected["views_by_resource_type"]);
    let countries = &snapshot["subcounts"]["countries"];
    for (country, events) in expected["countries_top"].as_object().into_iter().flatten() {
        let lists = [&countries["by_view"], &countries["by_download"]];
        let found = lists.iter().find_map(|l| l.as_array()?.iter().find(|i| i["id"] == country.as_str()));
        let ours = found.map_or(0, |i| number(&i["view"]["total_events"]) + number(&i["download"]["total_events"]));
        c.check(&format!("{group}, events by country"), country, &json!(ours), events);
    }
    let monthly = [
        series(repository, "usage-delta-series", "views", "added", 7).await,
        series(repository, "usage-delta-series", "downloads", "added", 7).await,
    ];
    for (month, numbers) in expected["per_month"].as_object().into_iter().flatten() {
        for (at, sums) in monthly.iter().enumerate() {
            let ours = json!(sums.get(month).copied().unwrap_or(0));
            c.check(&format!("{group}, per month"), month, &ours, &numbers[at]);
        }
    }
    for (day, numbers) in expected["per_day"].as_object().into_iter().flatten() {
        let delta = document(repository, "community-usage-delta", "global", day).await;
        let (view, download) = (&delta["totals"]["view"], &delta["totals"]["download"]);
        let ours =
            [&view["total_events"], &view["unique_visitors"], &download["total_events"], &download["total_volume"]];
        for (at, ours) in ours.into_iter().enumerate() {
            c.check(&format!("{group}, per day"), day, ours, &numbers[at]);
        }
    }
    // True distincts of visitors come from sketches: exact to 4,096, within three standard errors above.
    let ours = number(&snapshot["distinct"]["view"]["unique_visitors"]);
    let wanted = number(&expected["distinct_view_visitors"]);
    let allowed = if wanted <= 4_096 { 0 } else { wanted * 3 / 64 };
    let close = json!((ours - wanted).abs() <= allowed);
    c.check(group, format!("distinct view visitors: {ours} of {wanted} within {allowed}"), &close, &json!(true));
    compare_stored(c, repository, expected, robots).await;
}

async fn compare_stored(c: &mut Comparison, repository: &TeamRepository, expected: &Value, robots: bool) {
    let group = if robots { "stored events, all" } else { "stored events without robots" };
    let events: Vec<Stored> = stored(repository).await.into_iter().filter(|e| robots || !e.robot).collect();
    let records = |download: bool| {
        let of_kind = events.iter().filter(|e| e.download == download);
        json!(of_kind.map(|e| e.recid.as_str()).collect::<BTreeSet<_>>().len())
    };
    let files = events.iter().filter(|e| e.download).filter_map(|e| e.file.as_deref()).collect::<BTreeSet<_>>();
    let second = |micros: Option<i64>| {
        let at = jiff::Timestamp::from_microsecond(micros.unwrap_or(0)).expect("an instant");
        json!(at.strftime("%Y-%m-%dT%H:%M:%S").to_string())
    };
    c.check(group, "events", &json!(events.len()), &expected["events"]);
    c.check(group, "first", &second(events.iter().map(|e| e.micros).min()), &expected["first"]);
    c.check(group, "last", &second(events.iter().map(|e| e.micros).max()), &expected["last"]);
    c.check(group, "viewed records", &records(false), &expected["distinct_viewed_records"]);
    c.check(group, "downloaded records", &records(true), &expected["distinct_downloaded_records"]);
    c.check(group, "downloaded files", &json!(files.len()), &expected["distinct_downloaded_files"]);
}

async fn compare_set(set: &'static str, now: &str, last: &str) {
    let Some(folder) = folder(set) else { return };
    let expected: Value =
        serde_json::from_str(&std::fs::read_to_string(folder.join("expected.json")).expect("there")).expect("JSON");
    let mut c = Comparison { set, ..Comparison::default() };
    let house = House::new(now).await;
    let repository = house.team().await;
    let request = files(&folder);
    let report = import(&repository, &request).await;
    let lines = |name: &str| gunzip(&folder.join(format!("{name}.ndjson.gz"))).lines().count();
    c.check("import", "usage lines read", &json!(report.usage_events.read), &json!(lines("usage_events")));
    c.check("import", "usage events new", &json!(report.usage_events.new), &expected["usage_all_events"]["events"]);
    c.check("import", "records new", &json!(report.records.new), &expected["records"]["total"]);
    c.check(
        "import",
        "community events read",
        &json!(report.community_events.read),
        &expected["community_events"]["total"],
    );
    c.check("import", "rejected", &json!(report.total.rejected), &json!(0));
    let again = import(&repository, &request).await;
    c.check("second import", "new", &json!(again.total.new), &json!(0));
    c.check("second import", "unchanged", &json!(again.total.unchanged), &json!(again.total.read));

    aggregate(&repository).await;
    compare_records(&mut c, &repository, &expected, last).await;
    compare_usage(&mut c, &repository, &expected["usage_without_robots"], last, false).await;
    if expected["usage_all_events"]["events"] != expected["usage_without_robots"]["events"] {
        let house = House::with(now, |settings| settings.exclude_robots = false).await;
        let repository = house.team().await;
        import(&repository, &request).await;
        aggregate(&repository).await;
        compare_usage(&mut c, &repository, &expected["usage_all_events"], last, true).await;
    }
    if folder.join("expected_cumulative.csv.gz").exists() {
        compare_readings(&mut c, &folder, &stored(&repository).await);
        compare_leavers(&mut c, &repository).await;
    }
    c.finish();
}

/// Events of each record before each day on which somebody read Zenodo's counters.
fn compare_readings(c: &mut Comparison, folder: &Path, events: &[Stored]) {
    let mut by_record: HashMap<&str, [Vec<i64>; 2]> = HashMap::new();
    for event in events {
        by_record.entry(&event.recid).or_default()[usize::from(event.download)].push(event.micros);
    }
    for list in by_record.values_mut().flatten() {
        list.sort_unstable();
    }
    let text = gunzip(&folder.join("expected_cumulative.csv.gz"));
    let mut rows = 0;
    for row in text.lines().skip(1) {
        let fields: Vec<&str> = row.split(',').collect();
        let day: jiff::civil::Date = fields[0].parse().expect("a day");
        let before = i64::from(tallykeep_lake::day_number(day)) * 86_400_000_000;
        let ours =
            by_record.get(fields[1]).map_or([0, 0], |l| [0, 1].map(|k: usize| l[k].partition_point(|at| *at < before)));
        let wanted = [fields[2], fields[3]].map(|n| n.parse::<usize>().expect("a count"));
        c.check("rows of expected_cumulative.csv", row, &json!(ours), &json!(wanted));
        rows += 1;
    }
    assert_eq!(rows, 28_107);
}

/// Three records left the collection: their later usage is no longer the collection's.
async fn compare_leavers(c: &mut Comparison, repository: &TeamRepository) {
    for day in ["2024-11-26", "2025-03-11", "2025-08-26"] {
        let delta = document(repository, "community-record-delta-added", "nfdi4bioimage-training", day).await;
        c.check("records that left", day, &delta["records"]["removed"]["with_files"], &json!(1));
    }
    let snapshot = document(repository, "community-record-snapshot-added", "global", "2026-08-10").await;
    let kept = item(&snapshot["subcounts"]["access_statuses"], "open");
    c.check("records that left", "still in the repository", &kept["records"]["with_files"], &json!(473));
}

#[tokio::test]
async fn zenodo_ipbes() {
    compare_set("zenodo-ipbes", "2026-01-20T12:00:00Z", "2026-01-14").await;
}

#[tokio::test]
async fn zenodo_nfdi4bioimage() {
    compare_set("zenodo-nfdi4bioimage", "2026-08-12T12:00:00Z", "2026-08-11").await;
}

#[tokio::test]
async fn dataverse_harvard_log() {
    compare_set("dataverse-harvard-log", "2025-02-02T12:00:00Z", "2025-01-31").await;
}
