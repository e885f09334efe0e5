//! Who is told of something once: a webhook and mail addresses, each on its own.

use jiff::Timestamp;
use serde_json::Value;

use crate::{Letter, Mailer, NotifyError, Webhook};

/// The receivers of alerts, as the operator configured them.
#[derive(Debug, Clone, Copy)]
pub struct Circle<'a> {
    pub webhook: Option<&'a str>,
    pub mail_to: &'a [String],
}

impl Circle<'_> {
    /// Tells those who are not in `told` yet and adds them to it. Answers why somebody could not be told, each reason once.
    ///
    /// `letter` has no receiver of its own; the mailer and the webhook are only asked for when they are needed.
    pub async fn tell(
        &self,
        told: &mut Vec<String>,
        (body, letter): (&Value, &Letter),
        mailer: impl Fn() -> Result<Mailer, NotifyError>,
        webhook: impl Fn() -> Result<Webhook, NotifyError>,
        now: Timestamp,
    ) -> Vec<String> {
        let mut reasons: Vec<String> = Vec::new();
        let mut note = |told: &mut Vec<String>, key: String, sent: Result<(), NotifyError>| match sent {
            Ok(()) => told.push(key),
            Err(error) => {
                let reason = error.to_string();
                if !reasons.contains(&reason) {
                    reasons.push(reason);
                }
            }
        };
        if let Some(address) = self.webhook
            && !told.iter().any(|key| key == "webhook")
        {
            let sent = match webhook() {
                Ok(webhook) => webhook.post(address, body).await,
                Err(error) => Err(error),
            };
            note(told, "webhook".to_owned(), sent);
        }
        for to in self.mail_to {
            let key = format!("mail:{to}");
            if told.contains(&key) {
                continue;
            }
            let letter = Letter { to: vec![to.clone()], ..letter.clone() };
            let sent = match mailer() {
                Ok(mailer) => mailer.send(&letter, now).await.map(|_| ()),
                Err(error) => Err(error),
            };
            note(told, key, sent);
        }
        reasons
    }
}
