//! A believable project for `demo`: three products, gaps, a restatement, a spike, a vanished package. Same seed, same rows.

use jiff::{Timestamp, civil::Date};
use rand::{RngExt as _, SeedableRng};
use rand_chacha::ChaCha8Rng;
use serde_json::json;
use tallykeep_control::{
    TeamControl,
    packages::{Annotation, Attempt, DuckdbMonth, EvidenceRow, HistoryRow, RunStatus, StatRow},
};
use tallykeep_model::Clock;

use crate::{
    config::Config,
    days::{before, days_between, each_day, latest_completed_day, midnight, month_after, python_instant},
    environment::{Environment, Settings},
    jobs::{JobError, Jobs},
    service::silent,
};

const CATALOGUE: &str = include_str!("demo-catalogue.toml");
/// Days of history.
const DAYS: i64 = 1100;

/// One package of the demo: where it starts, how it grows, what happens to it.
struct Story {
    metric: &'static str,
    reference: &'static str,
    base: f64,
    /// Growth over the whole history, e.g. 3.0 for three times as much at the end.
    growth: f64,
    weekend: f64,
    what: Event,
}

enum Event {
    Nothing,
    /// Days (before the latest) on which the collection lost everything.
    Gaps(&'static [i64]),
    /// A fortnight of many more downloads, ending so many days before the latest.
    Spike(i64),
    /// Removed from its registry so many days before the latest.
    Vanished(i64),
}

const STORIES: [Story; 8] = [
    Story {
        metric: "downloads:driftwood-db:python",
        reference: "pypi:driftwood-db",
        base: 61_000.0,
        growth: 3.4,
        weekend: 0.55,
        what: Event::Gaps(&[57, 58, 59]),
    },
    Story {
        metric: "downloads:driftwood-db:nodejs",
        reference: "npm:@driftwood/db",
        base: 31_000.0,
        growth: 3.1,
        weekend: 0.5,
        what: Event::Spike(9),
    },
    Story {
        metric: "downloads:driftwood-db:rust",
        reference: "crates:driftwood-db",
        base: 420.0,
        growth: 3.3,
        weekend: 0.6,
        what: Event::Gaps(&[57, 200, 201, 202, 203, 204]),
    },
    Story {
        metric: "downloads:driftwood:python",
        reference: "pypi:pydriftwood",
        base: 52_000.0,
        growth: 2.0,
        weekend: 0.55,
        what: Event::Nothing,
    },
    Story {
        metric: "downloads:driftwood:rust",
        reference: "crates:driftwood",
        base: 1_100.0,
        growth: 1.7,
        weekend: 0.6,
        what: Event::Nothing,
    },
    Story {
        metric: "downloads:tidekit:python",
        reference: "pypi:tidekit",
        base: 3_100.0,
        growth: 1.2,
        weekend: 0.6,
        what: Event::Nothing,
    },
    Story {
        metric: "downloads:tidekit:nodejs",
        reference: "npm:tidekit-legacy",
        base: 900.0,
        growth: 0.3,
        weekend: 0.5,
        what: Event::Vanished(41),
    },
    Story {
        metric: "downloads:tidekit:r",
        reference: "cran:tidekit",
        base: 240.0,
        growth: 1.5,
        weekend: 0.45,
        what: Event::Nothing,
    },
];

const STARS: [(&str, &str, i64, i64); 3] = [
    ("stars:driftwood-db:github", "github-history:tidewater/driftwood-db", 2_900, 13_400),
    ("stars:driftwood:github", "github-history:tidewater/driftwood", 4_100, 9_900),
    ("stars:tidekit:github", "github-history:tidewater/tidekit", 300, 1_560),
];

/// The configuration of the demo.
pub fn demo_config() -> Config {
    Config::parse(CATALOGUE).unwrap_or_else(|error| panic!("the demo's catalogue is damaged: {error}"))
}

/// Fills a team's store. Answers the number of observations. Meant for an empty store; a second call changes nothing.
///
/// Errors: the store cannot be written, or somebody else writes.
pub async fn seed_demo(team: &TeamControl, seed: u64, clock: Clock) -> Result<u64, JobError> {
    let settings =
        Settings::from_environment(Environment::default()).map_err(|error| JobError::Usage(error.to_string()))?;
    let mut jobs = Jobs::new(team.packages(), demo_config(), settings, silent())?;
    jobs.clock = clock;
    let guard = jobs.writer("demo").await?;
    let rows = seed_held(&jobs, seed, clock).await;
    guard.release().await?;
    rows
}

async fn seed_held(jobs: &Jobs, seed: u64, clock: Clock) -> Result<u64, JobError> {
    let (latest, now) = (latest_completed_day(clock), clock.now());
    jobs.sync_catalogue().await?;
    let mut random = ChaCha8Rng::seed_from_u64(seed);
    let mut rows = Vec::new();
    let mut restated = Vec::new();
    for story in &STORIES {
        for (day, value) in tell(story, latest, &mut random) {
            rows.push(row(story.metric, day, value, "1d", story.reference));
        }
    }
    // npm repaired nine days of last month: first the low numbers, then the right ones.
    let repaired = before(latest, 31)..=before(latest, 23);
    for row in rows
        .iter_mut()
        .filter(|row| row.metric_id == "downloads:driftwood-db:nodejs" && repaired.contains(&row.period_end))
    {
        restated.push(StatRow {
            ingestion_run_id: "demo:reconcile".to_owned(),
            provenance: "recomputed".to_owned(),
            ..row.clone()
        });
        row.value = row.value * 62 / 100;
    }
    for (metric, reference, first, last) in STARS {
        let mut stars = first;
        for day in each_day(before(latest, DAYS - 1), latest) {
            let left = days_between(day, latest) + 1;
            let step = (last - stars) / left;
            stars += random.random_range(0..=(2 * step).max(1));
            rows.push(row(metric, day, stars, "cumulative_snapshot", reference));
        }
    }
    let mut written = 0;
    for batch in rows.chunks(5_000) {
        written += jobs.store.write_stats(batch).await?.inserted;
    }
    jobs.store.write_stats(&restated).await?;
    told(jobs, latest, now, written).await?;
    around(jobs, latest, now, &mut random).await?;
    jobs.derive_held(Some("derive_dashboard:demo".to_owned())).await?;
    Ok(written)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_precision_loss, reason = "invented counts, far below 2^52")]
fn tell(story: &Story, latest: Date, random: &mut ChaCha8Rng) -> Vec<(Date, i64)> {
    let mut days = Vec::new();
    for ago in (0..DAYS).rev() {
        let day = before(latest, ago);
        let along = (DAYS - ago) as f64 / DAYS as f64;
        let noise = 0.9 + random.random::<f64>() * 0.2;
        let weekend = if matches!(day.weekday().to_monday_zero_offset(), 5 | 6) { story.weekend } else { 1.0 };
        let holidays = if day.month() == 12 && day.day() > 22 { 0.6 } else { 1.0 };
        let mut value = story.base * story.growth.powf(along) / story.growth.max(1.0) * noise * weekend * holidays;
        match story.what {
            Event::Gaps(lost) if lost.contains(&ago) => continue,
            Event::Spike(end) if (end..end + 14).contains(&ago) => value *= 4.5,
            Event::Vanished(since) if ago < since => continue,
            _ => {}
        }
        // npm is a day late, as it often is.
        if story.reference.starts_with("npm") && ago == 0 {
            continue;
        }
        days.push((day, value.round() as i64));
    }
    days
}

fn row(metric: &str, day: Date, value: i64, window: &str, reference: &str) -> StatRow {
    StatRow {
        metric_id: metric.to_owned(),
        period_start: day,
        period_end: day,
        observed_at: midnight(day),
        value,
        provenance: "api_daily".to_owned(),
        source_window: window.to_owned(),
        ingestion_run_id: "demo:backfill".to_owned(),
        source_ref: reference.to_owned(),
    }
}

/// Runs and attempts, so that ages, pending days and the vanished package have their history.
async fn told(jobs: &Jobs, latest: Date, now: Timestamp, written: u64) -> Result<(), JobError> {
    let at = midnight(crate::days::after(latest, 1)).max(now - jiff::SignedDuration::from_hours(20)).min(now);
    let vanished = "downloads:tidekit:nodejs";
    let days = STORIES.iter().find_map(|story| if let Event::Vanished(days) = story.what { Some(days) } else { None });
    let since = at - jiff::SignedDuration::from_hours(24 * (days.unwrap_or(0) - 1));
    let message =
        format!("not found since {}: 404 from npm: package tidekit-legacy not found", since.strftime("%Y-%m-%d"));
    for (job, name) in [
        ("update_daily_downloads", "demo:downloads"),
        ("update_daily_stars", "demo:stars"),
        ("update_all", "demo:backfill"),
    ] {
        let rows_inserted = if job == "update_all" { i64::try_from(written).unwrap_or(i64::MAX) } else { 8 };
        jobs.store
            .write_history(&HistoryRow {
                ingestion_run_id: name.to_owned(),
                job_name: job.to_owned(),
                started_at: at,
                finished_at: Some(at),
                status: RunStatus::Success,
                rows_inserted,
                rows_updated: 0,
                error_summary: None,
                details: None,
            })
            .await?;
    }
    for story in &STORIES {
        let gone = story.metric == vanished;
        jobs.store
            .write_attempt(&Attempt {
                metric_id: story.metric.to_owned(),
                attempted_at: at,
                succeeded_at: (!gone).then_some(at),
                outcome: if gone { "vanished" } else { "ok" }.to_owned(),
                message: gone.then(|| message.clone()),
                pending: if story.reference.starts_with("npm") && !gone { vec![latest] } else { Vec::new() },
                gaps: Vec::new(),
                try_again_at: None,
                not_found_since: gone.then_some(since),
            })
            .await?;
    }
    Ok(())
}

/// What stands beside the numbers: notes, an extension's installs, a piece of evidence.
async fn around(jobs: &Jobs, latest: Date, now: Timestamp, random: &mut ChaCha8Rng) -> Result<(), JobError> {
    for (n, (ago, text, kind, product)) in [
        (240, "Driftwood DB 2.0 released", "release", "driftwood-db"),
        (58, "PyPI statistics were down for three days", "outage", ""),
        (22, "Talk about Driftwood at a data conference", "post", "driftwood"),
    ]
    .into_iter()
    .enumerate()
    {
        jobs.store
            .write_annotation(&Annotation {
                annotation_id: format!("demo:{n}"),
                day: before(latest, ago),
                text: text.to_owned(),
                url: String::new(),
                kind: kind.to_owned(),
                product: product.to_owned(),
                metric_id: String::new(),
                author: "demo".to_owned(),
                created_at: now,
            })
            .await?;
    }
    let mut months = Vec::new();
    let mut start = before(latest, 330).first_of_month();
    while start <= latest {
        let partial = start.last_of_month() > latest;
        let weeks = if partial { 2 } else { 8 };
        let (core, community) = (random.random_range(900..1300) * weeks, random.random_range(1500..2300) * weeks);
        months.push(DuckdbMonth {
            extension: "driftwood".to_owned(),
            month_start: start,
            month_label: start.strftime("%Y-%m").to_string(),
            core_downloads: core,
            community_downloads: community,
            total_downloads: core + community,
            is_partial_month: partial,
            latest_source_update_at: midnight(start.last_of_month().min(latest)),
            weeks_present: weeks,
            weeks_expected: if partial { 4 } else { 8 },
        });
        start = month_after(start.last_of_month()).first_of_month();
    }
    jobs.store.write_duckdb_months(&months).await?;
    let occurred_at = midnight(before(latest, 21));
    let document = json!({
        "evidence_id": "github:demo-1", "source_type": "github", "source_name": "GitHub", "observed_at": python_instant(occurred_at),
        "occurred_at": python_instant(occurred_at), "title": "Add driftwood-db as default store", "url": "https://example.org/tidewater/agents/pull/41",
        "snippet": "Package manifests now list @driftwood/db as an exact dependency.", "matched_terms": ["@driftwood/db"],
        "related_metrics": ["downloads:driftwood-db:nodejs"], "related_packages": ["@driftwood/db"], "related_repos": [],
        "communities": ["agents"], "evidence_strength": "medium", "raw_ref": "{}",
    });
    jobs.store
        .write_evidence(&[EvidenceRow {
            evidence_id: "github:demo-1".to_owned(),
            source_type: "github".to_owned(),
            occurred_at,
            document,
        }])
        .await?;
    Ok(())
}
