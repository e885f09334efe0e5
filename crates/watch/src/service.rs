//! Looking once a day: what left its band is opened and told, what is back for some days is closed.

use std::time::Duration;

use jiff::{ToSpan, civil::Date};
use serde::{Deserialize, Serialize};
use serde_json::json;
use tallykeep_control::{ControlError, TeamControl, watch::WatchAlert};
use tallykeep_notify::{Circle, Letter, MailSettings, Mailer, NotifyError, Webhook};

use crate::{Course, Day, Departure, Kind, departure};

/// `[watch]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WatchConfig {
    /// When the series are looked at (cron, UTC); empty for never.
    pub schedule: String,
    pub mail_to: Vec<String>,
    pub webhook: Option<String>,
    /// Keys that are not watched, or their beginnings: `chat:`, `packages:downloads:a:python`.
    pub off: Vec<String>,
}

impl Default for WatchConfig {
    fn default() -> Self {
        Self { schedule: "45 10 * * *".to_owned(), mail_to: Vec::new(), webhook: None, off: Vec::new() }
    }
}

impl WatchConfig {
    /// Errors: name what is wrong.
    pub fn check(&self) -> Result<(), String> {
        if let Some(address) = self.mail_to.iter().find(|address| !tallykeep_notify::is_address(address)) {
            return Err(format!("[watch] mail_to: `{address}` is not a mail address"));
        }
        match self.webhook.as_deref().map(Webhook::check) {
            Some(Err(error)) => Err(format!("[watch] webhook: {error}")),
            _ => Ok(()),
        }
    }
}

/// A series that is watched.
#[derive(Debug, Clone, PartialEq)]
pub struct Watched {
    /// `repository:views`, `packages:<metric id>`, `chat:sessions_per_message`.
    pub key: String,
    /// For people.
    pub name: String,
    pub kind: Kind,
    /// One entry a day, oldest first, up to the last day that should be known.
    pub days: Vec<Day>,
    /// What to look at first when it departs.
    pub check: String,
}

/// Where series come from: the domains.
#[async_trait::async_trait]
pub trait Source: Send + Sync {
    /// Every watched series of a team over `[first, last]`.
    async fn watched(&self, team: &TeamControl, first: Date, last: Date) -> Result<Vec<Watched>, SourceError>;
}

/// Why a domain could not give its series.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

#[derive(Debug, thiserror::Error)]
pub enum WatchError {
    #[error("could not read what is watched: {0}")]
    Source(#[from] SourceError),
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// What looking came to.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Looked {
    /// Series that were looked at.
    pub watched: usize,
    pub open: Vec<WatchAlert>,
    pub opened: Vec<String>,
    pub closed: Vec<String>,
    /// Why somebody could not be told; tried again next time.
    pub send_errors: Vec<String>,
}

/// Days of history that are read: a departure followed back, and what is usual before it.
const DAYS: i64 = 130;
/// A series is back when it was usual for so many days: it does not flap.
const SETTLED: usize = 3;

/// Whether a series ran as usual on each of its last days.
pub fn is_settled(kind: Kind, days: &[Day]) -> bool {
    days.len() >= SETTLED && (0..SETTLED).all(|ago| departure(kind, &days[..days.len() - ago]).is_none())
}

/// `Views: silent since 2026-03-01; 0 on the last day, usually 120 to 310. Check …`.
pub fn message(series: &Watched, departure: &Departure) -> String {
    let digits = usize::from(series.kind == Kind::Ratio) * 2;
    let number = |value: f64| format!("{value:.digits$}");
    let usual = format!("usually {} to {}", number(departure.low), number(departure.high));
    let since = departure.since;
    let told = match (departure.course, departure.value) {
        (Course::Quiet, _) | (_, None) => format!("no value since {since}, {usual}"),
        (Course::Silent, _) => format!("0 since {since}, {usual}"),
        (Course::Below, Some(value)) => format!("below its band since {since}: {}, {usual}", number(value)),
        (Course::Above, Some(value)) => format!("above its band since {since}: {}, {usual}", number(value)),
    };
    format!("{}: {told}. {}", series.name, series.check)
}

/// What of a message fits into a subject: what it is and since when.
fn headline(message: &str) -> &str {
    message.split(", usually ").next().unwrap_or(message)
}

/// The watchdogs of one installation.
pub struct Watchdogs {
    config: WatchConfig,
    mail: Option<MailSettings>,
    retry_base: Duration,
}

impl Watchdogs {
    pub fn new(config: WatchConfig, mail: Option<MailSettings>) -> Self {
        Self { config, mail, retry_base: Duration::from_secs(1) }
    }

    /// Waits between tries, for tests.
    pub fn with_retry_base(mut self, retry_base: Duration) -> Self {
        self.retry_base = retry_base;
        self.mail = self.mail.map(|mail| MailSettings { retry_base, ..mail });
        self
    }

    pub fn config(&self) -> &WatchConfig {
        &self.config
    }

    /// Looks at every series of a team as of yesterday; opens, tells and closes alerts.
    pub async fn look(&self, source: &dyn Source, team: &TeamControl) -> Result<Looked, WatchError> {
        let last = team.clock().today().saturating_sub(1.day());
        let mut series = source.watched(team, last.saturating_sub((DAYS - 1).days()), last).await?;
        series.retain(|series| !self.config.off.iter().any(|off| series.key.starts_with(off.as_str())));
        let known = team.watch_alerts().await?;
        let now = team.clock().now();
        let mut looked = Looked { watched: series.len(), ..Looked::default() };
        for series in &series {
            let old = known.iter().find(|alert| alert.key == series.key && alert.closed_at.is_none());
            let mut alert = match (departure(series.kind, &series.days), old) {
                (None, None) => continue,
                (None, Some(old)) if is_settled(series.kind, &series.days) => {
                    looked.closed.push(old.message.clone());
                    team.write_watch_alert(&WatchAlert { closed_at: Some(now), ..old.clone() }).await?;
                    continue;
                }
                (None, Some(old)) => old.clone(),
                (Some(departure), Some(old)) => {
                    // What has lasted for weeks slowly becomes usual: its beginning stays the one that was told.
                    let since = old.since.min(departure.since);
                    WatchAlert { message: message(series, &Departure { since, ..departure }), since, ..old.clone() }
                }
                (Some(departure), None) => {
                    let message = message(series, &departure);
                    looked.opened.push(message.clone());
                    WatchAlert {
                        key: series.key.clone(),
                        message,
                        since: departure.since,
                        opened_at: now,
                        closed_at: None,
                        told: Vec::new(),
                    }
                }
            };
            for reason in self.tell(team, &mut alert).await {
                if !looked.send_errors.contains(&reason) {
                    looked.send_errors.push(reason);
                }
            }
            team.write_watch_alert(&alert).await?;
        }
        // A series that is not watched any more has nothing to be open about.
        for alert in known.iter().filter(|a| a.closed_at.is_none() && !series.iter().any(|s| s.key == a.key)) {
            looked.closed.push(alert.message.clone());
            team.write_watch_alert(&WatchAlert { closed_at: Some(now), ..alert.clone() }).await?;
        }
        looked.open = team.watch_alerts().await?.into_iter().filter(|alert| alert.closed_at.is_none()).collect();
        Ok(looked)
    }

    async fn tell(&self, team: &TeamControl, alert: &mut WatchAlert) -> Vec<String> {
        let body = json!({
            "kind": "watch", "key": alert.key, "message": alert.message, "text": alert.message, "since": alert.since,
            "opened_at": alert.opened_at, "team": team.team().slug,
        });
        let letter = Letter {
            subject: format!("{}: {}", team.team().name, headline(&alert.message)),
            text: format!(
                "{}\n\nTeam: {}. It is told once; `tallykeep watch` lists what is open.\n",
                alert.message,
                team.team().slug
            ),
            ..Letter::default()
        };
        let circle = Circle { webhook: self.config.webhook.as_deref(), mail_to: &self.config.mail_to };
        let mailer = || match &self.mail {
            Some(settings) => Mailer::new(settings),
            None => Err(NotifyError::Settings(
                "[watch] mail_to names receivers, but no mail server is configured ([mail] server)".to_owned(),
            )),
        };
        let webhook = || Webhook::new(Duration::from_secs(30), self.retry_base);
        circle.tell(&mut alert.told, (&body, &letter), mailer, webhook, team.clock().now()).await
    }
}
