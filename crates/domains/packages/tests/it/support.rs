//! A store in a folder, a frozen clock, a fake upstream.

use std::sync::{Arc, Mutex};

use jiff::civil::Date;
use tallykeep_control::{Control, TeamControl};
use tallykeep_model::{Clock, TeamSlug};
use tallykeep_packages::{
    Config,
    environment::{Environment, Settings},
    jobs::{Jobs, Say},
};
use tallykeep_testkit::upstream::FakeUpstream;

pub struct House {
    pub dir: tempfile::TempDir,
    pub fake: FakeUpstream,
    pub said: Arc<Mutex<Vec<String>>>,
}

pub fn day(text: &str) -> Date {
    text.parse().expect("a day")
}

pub fn clock(now: &str) -> Clock {
    Clock::Fixed(now.parse().expect("an instant"))
}

impl House {
    /// The fake's day is the day of `now`.
    pub async fn new(now: &str) -> Self {
        let fake = FakeUpstream::start(clock(now).today()).await;
        Self { dir: tempfile::tempdir().expect("a folder"), fake, said: Arc::default() }
    }

    pub async fn team(&self, now: &str) -> TeamControl {
        let control = Control::open(self.dir.path(), clock(now)).await.expect("a control database");
        control.team(&TeamSlug::default()).await.expect("the default team")
    }

    pub async fn jobs(&self, now: &str, config: &Config) -> Jobs {
        self.jobs_with(now, config, &[]).await
    }

    pub async fn jobs_with(&self, now: &str, config: &Config, more: &[(&str, &str)]) -> Jobs {
        let mut pairs = self.fake.environment();
        pairs.extend(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())));
        let environment = Environment::of(pairs.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let said = self.said.clone();
        let say: Say = Arc::new(move |line: &str| said.lock().expect("unpoisoned").push(line.to_owned()));
        let settings = Settings::from_environment(environment).expect("settings");
        Jobs::new(self.team(now).await.packages(), config.clone(), settings, say).expect("jobs")
    }
}

/// `day value window` of every row of a metric.
pub async fn ledger(jobs: &Jobs, metric: &str) -> Vec<String> {
    let rows = jobs.store.stats(metric, Date::MIN, Date::MAX).await.expect("rows");
    rows.iter().map(|row| format!("{} {}", row.period_end, row.value)).collect()
}

/// A catalogue of download metrics: (id, source, subject).
pub fn catalogue(metrics: &[(&str, &str, &str)]) -> Config {
    let mut text = String::new();
    for (id, source, subject) in metrics {
        let parts: Vec<&str> = id.split(':').collect();
        let sdk = if parts[0] == "downloads" { format!("sdk = '{}'\n", parts[2]) } else { String::new() };
        text.push_str(&format!(
            "[[metric]]\nid = '{id}'\nfamily = '{}'\nproduct = '{}'\nsource = '{source}'\nsubject = '{subject}'\n{sdk}display_name = '{}'\n",
            parts[0], parts[1], parts[2]
        ));
    }
    Config::parse(&text).expect("a catalogue")
}
