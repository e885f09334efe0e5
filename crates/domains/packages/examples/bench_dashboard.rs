//! 500 packages × 5 years of daily rows: how long one `dashboard/daily` takes with no kept answer. `bench/packages.sh` runs it.

use std::time::{Duration, Instant};

use jiff::civil::Date;
use tallykeep_control::{Control, packages::StatRow};
use tallykeep_model::{Clock, TeamSlug};
use tallykeep_packages::{
    Config, Reader,
    config::{Family, Metric},
    dashboard::dashboard,
    days::{before, each_day, latest_completed_day, midnight},
    environment::{Environment, Settings},
    jobs::Jobs,
    service::silent,
};

const PACKAGES: usize = 500;
const YEARS: i64 = 5;
const RUNS: usize = 60;

fn quantile(times: &[Duration], q: usize) -> f64 {
    times[(times.len() - 1) * q / 100].as_secs_f64() * 1000.0
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    let clock = Clock::Fixed("2026-11-21T09:00:00Z".parse()?);
    let control = Control::open(dir.path(), clock).await?;
    let team = control.team(&TeamSlug::default()).await?;
    let mut config = Config::example();
    config.metrics = (0..PACKAGES)
        .map(|n| {
            let (sdk, source) = [("python", "pypistats"), ("nodejs", "npm"), ("rust", "cratesio")][n % 3];
            let product = format!("product-{}", n / 5);
            Metric {
                id: format!("downloads:{product}:{sdk}-{n}"),
                family: Family::Downloads,
                product,
                source: source.to_owned(),
                subject: format!("package-{n}"),
                sdk: Some(sdk.to_owned()),
                display_name: format!("Package {n}"),
                is_active: true,
                absent_means_zero: false,
            }
        })
        .collect();
    config.months.snapshot_cutoff = Date::constant(2019, 12, 31);
    config.months.daily_start = Date::constant(2020, 1, 1);
    config.months.synthetic = Vec::new();
    let config = Config { products: Vec::new(), ..config }.checked()?;
    let jobs =
        Jobs::new(team.packages(), config.clone(), Settings::from_environment(Environment::default())?, silent())?;
    jobs.sync_catalogue().await?;
    let latest = latest_completed_day(clock);
    let started = Instant::now();
    let mut rows_written = 0;
    for metric in &config.metrics {
        let rows: Vec<StatRow> = each_day(before(latest, YEARS * 365 - 1), latest)
            .zip(1_i64..)
            .map(|(day, n)| StatRow {
                metric_id: metric.id.clone(),
                period_start: day,
                period_end: day,
                observed_at: midnight(day),
                value: 1000 + n % 97 * 13,
                provenance: "api_daily".to_owned(),
                source_window: "1d".to_owned(),
                ingestion_run_id: "bench".to_owned(),
                source_ref: String::new(),
            })
            .collect();
        rows_written += jobs.store.write_stats(&rows).await?.inserted;
    }
    println!("{rows_written} rows of {PACKAGES} packages written in {:.1} s", started.elapsed().as_secs_f64());
    let started = Instant::now();
    jobs.derive_dashboard().await?;
    println!("derive_dashboard {:.2} s", started.elapsed().as_secs_f64());
    let reader = Reader::new(jobs.store.clone());
    let started = Instant::now();
    reader.index().await?;
    println!("first reading (cold index) {:.0} ms", started.elapsed().as_secs_f64() * 1000.0);
    for days in [180, 730] {
        let (mut times, mut bytes) = (Vec::new(), 0);
        for _ in 0..RUNS {
            let started = Instant::now();
            let index = reader.index().await?;
            let document = dashboard(&index, &config, days, latest, clock.now());
            bytes = serde_json::to_vec(&document)?.len();
            times.push(started.elapsed());
        }
        times.sort();
        println!(
            "dashboard/daily?days={days}: p50 {:.1} ms, p95 {:.1} ms, {} KiB of JSON, {RUNS} runs, no kept answer",
            quantile(&times, 50),
            quantile(&times, 95),
            bytes / 1024
        );
    }
    Ok(())
}
