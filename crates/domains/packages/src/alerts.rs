//! Alerts (spec/packages §16.10): conditions looked at after each run; each told once when it appears, closed when it is gone.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use tallykeep_collect::{Ask, http::one_line};
use tallykeep_control::packages::{AlertRow, RunStatus};
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader},
    net::TcpStream,
};

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
            });
            if old.is_none() {
                opened.push(condition.message.clone());
            }
            alert.message.clone_from(&condition.message);
            if alert.sent_at.is_none() && self.has_receiver() {
                match self.send(&alert).await {
                    Ok(()) => (alert.sent_at, alert.send_error) = (Some(now), None),
                    Err(reason) => {
                        send_errors.push(reason.clone());
                        alert.send_error = Some(reason);
                    }
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

    fn has_receiver(&self) -> bool {
        let alerts = &self.config.alerts;
        alerts.webhook.is_some() || (alerts.mail_server.is_some() && !alerts.mail_to.is_empty())
    }

    async fn send(&self, alert: &AlertRow) -> Result<(), String> {
        let alerts = &self.config.alerts;
        if let Some(webhook) = &alerts.webhook {
            let body = json!({
                "kind": alert.kind, "message": alert.message, "text": alert.message, "opened_at": alert.opened_at,
                "team": self.store.team().team().slug, "project": self.config.project.title,
            });
            self.asker
                .client
                .ask(&Ask::post("the alert webhook", webhook.as_str(), body))
                .await
                .map_err(|error| error.to_string())?;
        }
        if let (Some(server), false) = (&alerts.mail_server, alerts.mail_to.is_empty()) {
            let from = alerts.mail_from.as_deref().unwrap_or("tallykeep@localhost");
            let subject = format!("{}: {}", self.config.project.title, alert.message);
            mail(server, from, &alerts.mail_to, &subject, &alert.message, self.clock.now())
                .await
                .map_err(|error| format!("the mail server {server} did not take the alert: {error}"))?;
        }
        Ok(())
    }
}

/// Hands a message to a mail server that takes mail without a login.
async fn mail(
    server: &str,
    from: &str,
    to: &[String],
    subject: &str,
    text: &str,
    now: Timestamp,
) -> std::io::Result<()> {
    let address = if server.contains(':') { server.to_owned() } else { format!("{server}:25") };
    let talk = async {
        let (reader, mut writer) = TcpStream::connect(&address).await?.into_split();
        let mut reader = BufReader::new(reader);
        expect(&mut reader, '2').await?;
        let plain = |text: &str| one_line(text, 500);
        let mut commands = vec![("EHLO tallykeep".to_owned(), '2'), (format!("MAIL FROM:<{}>", plain(from)), '2')];
        commands.extend(to.iter().map(|to| (format!("RCPT TO:<{}>", plain(to)), '2')));
        commands.push(("DATA".to_owned(), '3'));
        let date = jiff::fmt::rfc2822::to_string(&now.to_zoned(jiff::tz::TimeZone::UTC)).unwrap_or_default();
        commands.push((
            format!(
                "From: {}\r\nTo: {}\r\nSubject: {}\r\nDate: {date}\r\nMIME-Version: 1.0\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n{}\r\n.",
                plain(from),
                plain(&to.join(", ")),
                one_line(subject, 150),
                text.lines().map(|line| if line.starts_with('.') { format!(".{line}") } else { line.to_owned() }).collect::<Vec<_>>().join("\r\n")
            ),
            '2',
        ));
        for (command, answer) in commands {
            writer.write_all(format!("{command}\r\n").as_bytes()).await?;
            expect(&mut reader, answer).await?;
        }
        writer.write_all(b"QUIT\r\n").await
    };
    tokio::time::timeout(std::time::Duration::from_secs(30), talk)
        .await
        .map_err(|_| std::io::Error::other("no answer within 30 s"))?
}

/// Reads an answer, whose last line has a blank after the number.
async fn expect(reader: &mut BufReader<tokio::net::tcp::OwnedReadHalf>, first: char) -> std::io::Result<()> {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).await? == 0 {
            return Err(std::io::Error::other("the connection ended"));
        }
        if line.as_bytes().get(3) == Some(&b'-') {
            continue;
        }
        return if line.starts_with(first) { Ok(()) } else { Err(std::io::Error::other(one_line(&line, 160))) };
    }
}
