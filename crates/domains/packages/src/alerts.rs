//! Alerts (spec/packages §16.10): conditions looked at after each run; each told once when it appears, closed when it is gone.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::json;
use tallykeep_control::packages::{AlertRow, RunStatus};
use tallykeep_notify::{Circle, Letter, MailConfig, MailSettings, Mailer, NotifyError, Webhook};

use crate::{
    days::before,
    gaps::coverage,
    index::Reader,
    jobs::{JobError, Jobs},
};

/// Something a person should know.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Condition {
    pub key: String,
    pub kind: &'static str,
    pub message: String,
}

/// What looking came to.
#[derive(Debug, Clone, Serialize)]
pub struct Looked {
    pub open: Vec<AlertRow>,
    pub opened: Vec<String>,
    pub closed: Vec<String>,
    /// Why an alert could not be sent; it is tried again next time.
    pub send_errors: Vec<String>,
}

impl Jobs {
    /// What is wrong now.
    pub async fn conditions(&self) -> Result<Vec<Condition>, JobError> {
        let index = Reader::new(self.store.clone()).index().await?;
        let now = self.clock.now();
        let coverage = coverage(&self.store, &index, &self.config, self.latest(), now).await?;
        let mut found = Vec::new();
        let mut add = |key: String, kind, message: String| found.push(Condition { key, kind, message });
        let runs = self.store.history(200).await?;
        let mut in_a_row: BTreeMap<&str, usize> = BTreeMap::new();
        for job in ["update_daily_downloads", "update_daily_stars"] {
            let bad = runs
                .iter()
                .filter(|run| run.job_name == job && run.status != RunStatus::Running)
                .take_while(|run| run.status != RunStatus::Success)
                .count();
            in_a_row.insert(job, bad);
        }
        for (job, bad) in in_a_row {
            if bad >= self.config.alerts.failed_runs {
                add(format!("runs:{job}"), "failed_runs", format!("{job}: the last {bad} runs were partial or failed"));
            }
        }
        if coverage.is_stale && !runs.is_empty() {
            let age = coverage.age_hours.map_or_else(|| "ever".to_owned(), |hours| format!("for {hours} h"));
            add("stale".to_owned(), "stale", format!("no successful refresh {age}"));
        }
        for metric in &coverage.metrics {
            let id = &metric.metric_id;
            if let Some(attempt) = &metric.last_attempt {
                match attempt.outcome.as_str() {
                    "vanished" => add(
                        format!("vanished:{id}"),
                        "vanished",
                        format!("{id}: {} is not found at {} any more", metric.subject, metric.registry),
                    ),
                    "renamed" => add(
                        format!("renamed:{id}"),
                        "renamed",
                        format!("{id}: {} was renamed or moved; change its subject", metric.subject),
                    ),
                    _ => {}
                }
            }
            if let (Some(first), Some(last)) = (metric.leaving_soon.first(), metric.leaving_soon.last()) {
                let until = metric.missing.iter().filter_map(|m| m.until.filter(|_| m.deliverable)).min();
                let until = until.map_or_else(String::new, |until| format!(", the first after {until}"));
                add(
                    format!("leaving:{id}"),
                    "gap_leaves_window",
                    format!(
                        "{id}: {} missing days ({first} to {last}) can soon not be fetched any more{until}; run update-daily-downloads --reconcile",
                        metric.leaving_soon.len()
                    ),
                );
            }
        }
        for metric in index.active("stars") {
            let rows = &index.rows(&metric.metric_id).rows;
            let Some(newest) = rows.last() else { continue };
            let Some(earlier) = rows.iter().rev().find(|row| row.end < newest.end && row.end >= before(newest.end, 7))
            else {
                continue;
            };
            #[expect(clippy::cast_precision_loss, reason = "star counts are small")]
            let fall = (earlier.value - newest.value) as f64 / earlier.value.max(1) as f64 * 100.0;
            if fall >= self.config.alerts.star_drop_percent {
                add(
                    format!("stars:{}", metric.metric_id),
                    "star_drop",
                    format!(
                        "{}: stars fell from {} on {} to {} on {}",
                        metric.metric_id, earlier.value, earlier.end, newest.value, newest.end
                    ),
                );
            }
        }
        Ok(found)
    }

    /// Opens, sends and closes alerts.
    pub async fn look_for_alerts(&self) -> Result<Looked, JobError> {
        let now = self.clock.now();
        let known = self.store.alerts().await?;
        let conditions = self.conditions().await?;
        let (mut opened, mut closed, mut send_errors) = (Vec::new(), Vec::new(), Vec::new());
        for condition in &conditions {
            let old = known.iter().find(|alert| alert.alert_key == condition.key && alert.closed_at.is_none());
            let mut alert = old.cloned().unwrap_or_else(|| AlertRow {
                alert_key: condition.key.clone(),
                kind: condition.kind.to_owned(),
                message: condition.message.clone(),
                opened_at: now,
                closed_at: None,
                sent_at: None,
                send_error: None,
                told: Vec::new(),
            });
            if old.is_none() {
                opened.push(condition.message.clone());
            }
            alert.message.clone_from(&condition.message);
            let reasons = self.tell(&mut alert).await;
            if alert.sent_at.is_none() && !alert.told.is_empty() {
                alert.sent_at = Some(now);
            }
            alert.send_error = (!reasons.is_empty()).then(|| reasons.join("; "));
            for reason in reasons {
                if !send_errors.contains(&reason) {
                    send_errors.push(reason);
                }
            }
            self.store.write_alert(&alert).await?;
        }
        for alert in known.iter().filter(|a| a.closed_at.is_none() && !conditions.iter().any(|c| c.key == a.alert_key))
        {
            closed.push(alert.message.clone());
            self.store.write_alert(&AlertRow { closed_at: Some(now), ..alert.clone() }).await?;
        }
        let open = self.store.alerts().await?.into_iter().filter(|alert| alert.closed_at.is_none()).collect();
        Ok(Looked { open, opened, closed, send_errors })
    }

    /// Tells those who were not told yet, and notes them. Answers why somebody could not be told; tried again next time.
    async fn tell(&self, alert: &mut AlertRow) -> Vec<String> {
        let team = &self.store.team().team().slug;
        let body = json!({
            "kind": alert.kind, "message": alert.message, "text": alert.message, "opened_at": alert.opened_at,
            "team": team, "project": self.config.project.title,
        });
        let letter = Letter {
            subject: format!("{}: {}", self.config.project.title, alert.message),
            text: format!(
                "{}\n\nSince {} (UTC). Kind: {}. Team: {team}.\nIt is told once; `tallykeep packages alerts` lists what is open.\n",
                alert.message,
                alert.opened_at.strftime("%Y-%m-%d %H:%M"),
                alert.kind,
            ),
            ..Letter::default()
        };
        let circle = Circle { webhook: self.config.alerts.webhook.as_deref(), mail_to: &self.config.alerts.mail_to };
        let webhook = || Webhook::new(self.settings.timeout, self.settings.retry_base.unwrap_or(RETRY_BASE));
        circle.tell(&mut alert.told, (&body, &letter), || self.alert_mailer(), webhook, self.clock.now()).await
    }

    /// The installation's mail server, or the one `[alerts]` names, which is spoken to without the installation's login.
    fn alert_mailer(&self) -> Result<Mailer, NotifyError> {
        let alerts = &self.config.alerts;
        let own =
            MailConfig { server: alerts.mail_server.clone(), from: alerts.mail_from.clone(), ..MailConfig::default() };
        let settings = match MailSettings::resolve(&own, &|_| None)? {
            Some(settings) => settings,
            None => self.mail.clone().ok_or_else(|| {
                NotifyError::Settings(
                    "[alerts] mail_to names receivers, but no mail server is configured ([mail] server)".to_owned(),
                )
            })?,
        };
        let retry_base = self.settings.retry_base.unwrap_or(settings.retry_base);
        Mailer::new(&MailSettings { retry_base, ..settings })
    }
}

/// First wait between two tries at a webhook.
const RETRY_BASE: std::time::Duration = std::time::Duration::from_secs(1);
