//! Watchdogs day by day: what is opened, told, kept and closed.

use std::{sync::Mutex, time::Duration};

use jiff::{Timestamp, ToSpan, civil::Date};
use tallykeep_control::{Control, TeamControl};
use tallykeep_model::{Clock, TeamSlug};
use tallykeep_notify::{MailConfig, MailSettings};
use tallykeep_testkit::smtp::{FakeMailServer, MailTrouble};
use tallykeep_watch::{Day, Kind, Source, SourceError, WatchConfig, Watchdogs, Watched};

/// One series whose usual days are 100, with a weekend of 40; zero from `silent` until `back`.
struct Fake {
    silent: Date,
    back: Mutex<Option<Date>>,
}

#[async_trait::async_trait]
impl Source for Fake {
    async fn watched(&self, _: &TeamControl, first: Date, last: Date) -> Result<Vec<Watched>, SourceError> {
        let back = *self.back.lock().expect("unpoisoned");
        let days =
            std::iter::successors(Some(first), |day| Some(day.saturating_add(1.day()))).take_while(|day| *day <= last);
        let value = |day: Date| {
            let is_silent = day >= self.silent && back.is_none_or(|back| day < back);
            let weekend = day.weekday().to_monday_zero_offset() > 4;
            let wobble = f64::from(day.day() % 5);
            if is_silent {
                0.0
            } else if weekend {
                40.0 + wobble
            } else {
                100.0 + wobble
            }
        };
        Ok(vec![Watched {
            key: "chat:messages".to_owned(),
            name: "Messages".to_owned(),
            kind: Kind::Level,
            days: days.map(|date| Day { date, value: Some(value(date)) }).collect(),
            check: "Check the bots.".to_owned(),
        }])
    }
}

async fn team(dir: &std::path::Path, on: Date) -> TeamControl {
    let now: Timestamp = format!("{on}T10:45:00Z").parse().expect("an instant");
    let control = Control::open(dir, Clock::Fixed(now)).await.expect("a control database");
    control.team(&TeamSlug::default()).await.expect("the default team")
}

#[tokio::test]
async fn a_silent_line_is_told_within_a_day_once_and_closed_when_it_is_back_for_days() {
    let dir = tempfile::tempdir().expect("a folder");
    let mail = FakeMailServer::start().await;
    let day = |text: &str| text.parse::<Date>().expect("a day");
    let source = Fake { silent: day("2026-06-10"), back: Mutex::new(None) };
    let config = WatchConfig { mail_to: vec!["ann@example.org".to_owned()], ..WatchConfig::default() };
    let settings = MailConfig { server: Some(mail.address()), ..MailConfig::default() };
    let settings = MailSettings::resolve(&settings, &|_| None).expect("settings");
    let watchdogs = Watchdogs::new(config, settings).with_retry_base(Duration::ZERO);
    let mut told = Vec::new();
    let mut on = day("2026-05-20");
    mail.misbehave("RCPT", "", MailTrouble::Answer(452), Some(3));
    while on < day("2026-07-10") {
        if on == day("2026-06-25") {
            *source.back.lock().expect("unpoisoned") = Some(day("2026-06-24"));
        }
        let looked = watchdogs.look(&source, &team(dir.path(), on).await).await.expect("looked");
        for message in &looked.opened {
            told.push(format!("{on} opened {message}"));
        }
        for _ in &looked.closed {
            told.push(format!("{on} closed"));
        }
        if on == day("2026-06-20") {
            assert_eq!((looked.open.len(), looked.open[0].since), (1, day("2026-06-10")), "still since its first day");
        }
        on = on.saturating_add(1.day());
    }
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(told[0].starts_with("2026-06-11 opened Messages: 0 since 2026-06-10, usually "), "{told:?}");
    assert!(told[0].ends_with(". Check the bots."), "{told:?}");
    assert_eq!(told[1], "2026-06-27 closed", "three usual days: 24, 25, 26");
    let mails = mail.mails();
    assert_eq!(mails.len(), 1, "the first try failed, the next day's did not, and then it was told");
    assert!(mails[0].text_of("text/plain").expect("a text").contains("0 since 2026-06-10"));
    let subject = mails[0].header("subject").expect("a subject");
    assert!(subject.ends_with("Messages: 0 since 2026-06-10"), "what is usual and what to check is inside: {subject}");
}

#[tokio::test]
async fn what_is_switched_off_is_not_watched_and_its_alert_ends() {
    let dir = tempfile::tempdir().expect("a folder");
    let on: Date = "2026-06-15".parse().expect("a day");
    let source = Fake { silent: "2026-06-10".parse().expect("a day"), back: Mutex::new(None) };
    let team = team(dir.path(), on).await;
    let look = async |off: Vec<String>| {
        let watchdogs = Watchdogs::new(WatchConfig { off, ..WatchConfig::default() }, None);
        watchdogs.look(&source, &team).await.expect("looked")
    };
    assert_eq!(look(Vec::new()).await.open.len(), 1);
    let looked = look(vec!["chat:".to_owned()]).await;
    assert_eq!((looked.watched, looked.open.len(), looked.closed.len()), (0, 0, 1));
    assert!(WatchConfig { mail_to: vec!["x".to_owned()], ..WatchConfig::default() }.check().is_err());
    assert!(WatchConfig { webhook: Some("ftp://x".to_owned()), ..WatchConfig::default() }.check().is_err());
}
