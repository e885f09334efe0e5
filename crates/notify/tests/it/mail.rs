//! Letters handed to a real SMTP conversation and read back from it.

use std::{sync::Arc, time::Duration};

use jiff::Timestamp;
use tallykeep_notify::{Attachment, Letter, MailConfig, MailSettings, Mailer, NotifyError};
use tallykeep_testkit::{
    smtp::{FakeMailServer, MailTrouble},
    tls::Certificates,
};

fn now() -> Timestamp {
    "2026-03-08T09:00:00Z".parse().expect("an instant")
}

fn settings(server: &str, pairs: &[(&str, &str)]) -> MailSettings {
    let config = MailConfig {
        server: Some(server.to_owned()),
        from: Some("Statistics <stats@example.org>".to_owned()),
        ..MailConfig::default()
    };
    let of = |name: &str| pairs.iter().find(|(known, _)| *known == name).map(|(_, value)| (*value).to_owned());
    let settings = MailSettings::resolve(&config, &of).expect("settings").expect("a server");
    MailSettings { retry_base: Duration::ZERO, ..settings }
}

fn mailer(server: &FakeMailServer) -> Mailer {
    Mailer::new(&settings(&server.address(), &[])).expect("a mailer")
}

fn letter(to: &[&str]) -> Letter {
    Letter {
        to: to.iter().map(|to| (*to).to_owned()).collect(),
        subject: "Grüße:\r\nBcc: x@example.org".to_owned(),
        text: "A line with = and €.\n.a dot first\n".to_owned(),
        ..Letter::default()
    }
}

#[tokio::test]
async fn text_html_and_files_arrive_as_they_were_written() {
    let server = FakeMailServer::start().await;
    let csv = b"day,downloads\n2026-02-28,1120\n".to_vec();
    let blob: Vec<u8> = (0..=255).collect();
    let letter = Letter {
        html: Some("<p>Grüße €</p>".to_owned()),
        attachments: vec![
            Attachment {
                name: "month.csv".to_owned(),
                content_type: "text/csv; charset=utf-8".to_owned(),
                bytes: csv.clone(),
            },
            Attachment {
                name: "a.bin".to_owned(),
                content_type: "application/octet-stream".to_owned(),
                bytes: blob.clone(),
            },
        ],
        unsubscribe: Some("https://stats.example.org/reports/unsubscribe?key=k".to_owned()),
        ..letter(&["Ann <ann@example.org>", "bob@example.org"])
    };
    let delivery = mailer(&server).send(&letter, now()).await.expect("taken");
    assert_eq!(delivery.taken, ["Ann <ann@example.org>", "bob@example.org"]);
    let mails = server.mails();
    assert_eq!(mails.iter().map(|m| m.to.clone()).collect::<Vec<_>>(), [["ann@example.org"], ["bob@example.org"]]);
    let mail = &mails[0];
    assert_eq!(mail.header("Subject").as_deref(), Some("Grüße: Bcc: x@example.org"), "no header is smuggled in");
    assert_eq!(mail.header("Bcc"), None);
    assert_eq!(mail.header("From").as_deref(), Some("Statistics <stats@example.org>"));
    assert_eq!(mail.header("Date").as_deref(), Some("Sun, 08 Mar 2026 09:00:00 +0000"));
    assert_eq!(mail.header("List-Unsubscribe-Post").as_deref(), Some("List-Unsubscribe=One-Click"));
    assert!(mail.header("Message-ID").expect("an id").ends_with("@example.org>"));
    assert_eq!(mail.text_of("text/plain").as_deref(), Some("A line with = and €.\n.a dot first\n"));
    assert_eq!(mail.text_of("text/html").as_deref(), Some("<p>Grüße €</p>"));
    assert_eq!(mail.attachment("month.csv").expect("there").bytes, csv);
    assert_eq!(mail.attachment("a.bin").expect("there").bytes, blob);
}

#[tokio::test]
async fn temporary_failures_are_tried_again_and_final_ones_are_not() {
    let server = FakeMailServer::start().await;
    let (mailer, letter) = (mailer(&server), letter(&["ann@example.org"]));
    for (command, trouble) in [
        ("CONNECT", MailTrouble::Answer(421)),
        ("CONNECT", MailTrouble::HangUp),
        ("RCPT", MailTrouble::Answer(451)),
        ("DATA", MailTrouble::HangUp),
        (".", MailTrouble::Answer(452)),
    ] {
        server.behave();
        server.forget();
        server.misbehave(command, "", trouble.clone(), Some(2));
        mailer.send(&letter, now()).await.unwrap_or_else(|error| panic!("{command} {trouble:?}: {error}"));
        assert_eq!((server.mails().len(), server.connections()), (1, 3), "{command} {trouble:?}");
    }
    for (command, code) in [("MAIL", 550), ("RCPT", 550), ("DATA", 554), (".", 552)] {
        server.behave();
        server.forget();
        server.misbehave(command, "", MailTrouble::Answer(code), None);
        let error = mailer.send(&letter, now()).await.expect_err("refused");
        assert!(!error.is_temporary() && error.to_string().contains(&code.to_string()), "{error}");
        assert!(error.to_string().contains(&server.address()), "{error}");
        assert_eq!((server.mails().len(), server.connections()), (0, 1), "{command}: {error}");
    }
    server.behave();
    server.forget();
    server.misbehave("RCPT", "", MailTrouble::Answer(451), None);
    let error = mailer.send(&letter, now()).await.expect_err("never taken");
    assert!(error.is_temporary(), "{error}");
    assert_eq!(server.connections(), 3, "three tries");
}

#[tokio::test]
async fn one_refused_receiver_does_not_keep_the_others_from_it() {
    let server = FakeMailServer::start().await;
    server.misbehave("RCPT", "gone@", MailTrouble::Answer(550), None);
    let letter = letter(&["gone@example.org", "ann@example.org", "bob@example.org"]);
    let delivery = mailer(&server).send(&letter, now()).await.expect("two took it");
    assert_eq!(delivery.taken, ["ann@example.org", "bob@example.org"]);
    assert_eq!(delivery.refused.len(), 1);
    assert!(delivery.refused[0].reason.contains("550"), "{:?}", delivery.refused);
}

#[tokio::test]
async fn a_wrong_address_sends_nothing_and_a_dead_server_is_said() {
    let server = FakeMailServer::start().await;
    let error = mailer(&server).send(&letter(&["ann@example.org", "no address"]), now()).await.expect_err("wrong");
    assert!(matches!(&error, NotifyError::Address { address, .. } if address == "no address"), "{error}");
    assert!(server.mails().is_empty() && server.connections() == 0);
    assert!(mailer(&server).send(&letter(&[]), now()).await.is_err());
    let free = std::net::TcpListener::bind("127.0.0.1:0").expect("a port").local_addr().expect("it").to_string();
    let dead = Mailer::new(&settings(&free, &[])).expect("a mailer");
    let error = dead.send(&letter(&["ann@example.org"]), now()).await.expect_err("nobody listens");
    assert!(error.is_temporary() && error.to_string().contains(&free), "{error}");
}

#[tokio::test]
async fn a_silent_server_is_waited_for_no_longer_than_said() {
    let server = FakeMailServer::start().await;
    server.misbehave("MAIL", "", MailTrouble::Silence, None);
    let settings = MailSettings { tries: 1, timeout: Duration::from_millis(200), ..settings(&server.address(), &[]) };
    let started = std::time::Instant::now();
    let error = Mailer::new(&settings).expect("a mailer").send(&letter(&["ann@example.org"]), now()).await;
    assert!(error.expect_err("silence").is_temporary());
    assert!(started.elapsed() < Duration::from_secs(20), "{:?}", started.elapsed());
}

#[tokio::test]
async fn it_logs_in_and_a_wrong_password_is_final_and_not_shown() {
    let server = FakeMailServer::start().await;
    server.require_login("stats", "s3cret");
    let of = |password: &str| {
        let pairs = [("TALLYKEEP_MAIL_USER", "stats"), ("TALLYKEEP_MAIL_PASSWORD", password)];
        Mailer::new(&settings(&server.address(), &pairs)).expect("a mailer")
    };
    of("s3cret").send(&letter(&["ann@example.org"]), now()).await.expect("taken");
    assert_eq!(server.mails()[0].login, Some(("stats".to_owned(), "s3cret".to_owned())));
    let error = of("wr0ng").send(&letter(&["ann@example.org"]), now()).await.expect_err("535");
    assert!(!error.is_temporary() && error.to_string().contains("535"), "{error}");
    assert!(!error.to_string().contains("wr0ng"), "{error}");
}

#[tokio::test]
async fn without_starttls_nothing_is_said_in_the_clear() {
    let server = FakeMailServer::start().await;
    let pairs =
        [("TALLYKEEP_MAIL_TLS", "starttls"), ("TALLYKEEP_MAIL_USER", "stats"), ("TALLYKEEP_MAIL_PASSWORD", "s3cret")];
    let mailer = Mailer::new(&settings(&server.address(), &pairs)).expect("a mailer");
    let error = mailer.send(&letter(&["ann@example.org"]), now()).await.expect_err("no STARTTLS on offer");
    assert!(!error.is_temporary(), "{error}");
    assert!(server.mails().is_empty());
    let said = server.said();
    assert!(!said.iter().any(|line| line.starts_with("AUTH") || line.starts_with("MAIL")), "{said:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_and_starttls_with_an_authority_of_ones_own_and_not_with_an_unknown_one() {
    let Some(certificates) = Certificates::make() else { return };
    let certificates = Arc::new(certificates);
    let authority = certificates.authority().display().to_string();
    for word in ["tls", "starttls"] {
        let server = match word {
            "tls" => FakeMailServer::with_tls(certificates.clone()).await,
            _ => FakeMailServer::with_starttls(certificates.clone()).await,
        };
        server.require_login("stats", "s3cret");
        let at = format!("localhost:{}", server.port());
        let mut pairs =
            vec![("TALLYKEEP_MAIL_TLS", word), ("TALLYKEEP_MAIL_USER", "stats"), ("TALLYKEEP_MAIL_PASSWORD", "s3cret")];
        let strangers = Mailer::new(&settings(&at, &pairs)).expect("a mailer");
        let error = strangers.send(&letter(&["ann@example.org"]), now()).await.expect_err("an unknown authority");
        assert!(server.mails().is_empty(), "{word}: {error}");
        assert!(!server.said().iter().any(|line| line.starts_with("AUTH")), "{word}: {:?}", server.said());
        pairs.push(("TALLYKEEP_MAIL_CA_FILE", &authority));
        let mailer = Mailer::new(&settings(&at, &pairs)).expect("a mailer");
        mailer.send(&letter(&["ann@example.org"]), now()).await.unwrap_or_else(|error| panic!("{word}: {error}"));
        let mail = server.mails().remove(0);
        assert!(mail.was_encrypted && mail.login.is_some(), "{word}");
        let text = mail.text_of("text/plain").expect("a text");
        assert_eq!(text.trim_end(), "A line with = and €.\n.a dot first", "{word}");
    }
}
