//! Reports handed out to a mail server, a folder and a webhook, and read back from them.

use std::{path::Path, sync::Mutex, time::Duration};

use jiff::Timestamp;
use tallykeep_access::InstallationKey;
use tallykeep_control::{Control, TeamControl};
use tallykeep_model::{Clock, TeamSlug};
use tallykeep_notify::{MailConfig, MailSettings};
use tallykeep_reports::{
    Attach, Document, Every, Figure, OwnReport, ReportError, ReportSpec, Reports, ReportsConfig, Section, Source,
    SourceError, Span, Subject, Unsubscribing,
};
use tallykeep_testkit::{
    smtp::{FakeMailServer, MailTrouble},
    upstream::{FakeUpstream, Misbehaviour},
};

/// Two communities, or one document; fails on request; counts how often it was asked.
#[derive(Default)]
struct Fake {
    communities: bool,
    broken: Mutex<bool>,
    asked: Mutex<usize>,
}

#[async_trait::async_trait]
impl Source for Fake {
    async fn documents(&self, _: &TeamControl, spec: &ReportSpec, span: &Span) -> Result<Vec<Document>, SourceError> {
        *self.asked.lock().expect("unpoisoned") += 1;
        if *self.broken.lock().expect("unpoisoned") {
            return Err(SourceError("no figures today".to_owned()));
        }
        let document = |scope: &str, views| Document {
            report: spec.name.clone(),
            scope: scope.to_owned(),
            slug: scope.to_owned(),
            title: format!("Statistics of <{scope}>"),
            about: "Views.".to_owned(),
            period: *span,
            before: span.before(),
            sections: vec![Section {
                title: "Use".to_owned(),
                figures: vec![
                    Figure::count("Views", Some(views), Some(1000)),
                    Figure::count("=cmd|' /C calc'!A0", None, Some(3)),
                    Figure::bytes("Data", Some(1_500_000), None),
                ],
            }],
            remarks: vec!["Use: complete until 2026-02-27".to_owned()],
            link: Some("https://stats.example.org/stats".to_owned()),
        };
        Ok(if self.communities { vec![document("a", 1234), document("b", 7)] } else { vec![document("", 1234)] })
    }
}

struct House {
    dir: tempfile::TempDir,
    mail: FakeMailServer,
    web: FakeUpstream,
    source: Fake,
}

const NOW: &str = "2026-03-03T10:15:00Z";

impl House {
    async fn new() -> Self {
        let web = FakeUpstream::start("2026-03-03".parse().expect("a day")).await;
        web.fixed("/hook/s3cret", serde_json::json!({"ok": true}));
        Self {
            dir: tempfile::tempdir().expect("a folder"),
            mail: FakeMailServer::start().await,
            web,
            source: Fake::default(),
        }
    }

    async fn team(&self, now: &str) -> TeamControl {
        let now: Timestamp = now.parse().expect("an instant");
        let control = Control::open(self.dir.path(), Clock::Fixed(now)).await.expect("a control database");
        control.team(&TeamSlug::default()).await.expect("the default team")
    }

    fn spec(&self) -> ReportSpec {
        ReportSpec {
            name: "board".to_owned(),
            subject: Subject::Repository,
            scope: "global".to_owned(),
            every: Every::Month,
            team: "default".to_owned(),
            to: vec!["ann@example.org".to_owned(), "Bob <bob@example.org>".to_owned()],
            folder: Some(self.dir.path().join("out")),
            webhook: Some(format!("{}/hook/s3cret", self.web.base())),
            attach: vec![Attach::Csv, Attach::Xlsx],
        }
    }

    fn reports(&self, specs: Vec<ReportSpec>) -> Reports {
        let config = ReportsConfig { reports: specs, ..ReportsConfig::default() };
        config.check().expect("fine");
        let mail = MailConfig { server: Some(self.mail.address()), ..MailConfig::default() };
        let mail = MailSettings::resolve(&mail, &|_| None).expect("settings");
        let key = InstallationKey::open(self.dir.path()).expect("a key");
        let unsubscribing = Unsubscribing::new(key, Some("https://stats.example.org"));
        Reports::new(config, mail, unsubscribing).with_retry_base(Duration::ZERO)
    }
}

fn files(dir: &Path) -> Vec<String> {
    let entries = std::fs::read_dir(dir).map(|entries| entries.flatten().collect::<Vec<_>>()).unwrap_or_default();
    let mut names: Vec<_> = entries.iter().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[tokio::test]
async fn a_due_report_reaches_everybody_once() {
    let house = House::new().await;
    let (team, reports) = (house.team(NOW).await, house.reports(vec![house.spec()]));
    let sent = reports.send_due(&house.source, &team).await.expect("sent");
    assert!(sent.is_whole() && sent.outcomes.len() == 4, "{sent:?}");
    let mails = house.mail.mails();
    assert_eq!(mails.len(), 2);
    let mail = &mails[0];
    assert_eq!(mail.header("Subject").as_deref(), Some("Statistics of <>: February 2026"));
    let text = mail.text_of("text/plain").expect("a text");
    assert!(text.contains("Views") && text.contains("1,234  (1,000 before, +23.4%)"), "{text}");
    assert!(text.contains("no data  (3 before, no comparison)"), "missing is no zero: {text}");
    assert!(
        text.contains("complete until 2026-02-27") && text.contains("More: https://stats.example.org/stats"),
        "{text}"
    );
    let html = mail.text_of("text/html").expect("a page");
    assert!(html.contains("<b>1,234</b>") && html.contains("Statistics of &lt;&gt;"), "{html}");
    assert!(!html.contains("<script") && !html.contains("src="), "nothing is fetched");
    let csv = mail.attachment("board-2026-02.csv").expect("attached").text();
    assert_eq!(
        csv,
        "report,period,section,name,unit,value,previous,percent_change,note\nboard,2026-02,Use,Views,count,1234,1000,23.4000,\nboard,2026-02,Use,'=cmd|' /C calc'!A0,count,,3,,\nboard,2026-02,Use,Data,bytes,1500000,,,\n"
    );
    assert!(mail.attachment("board-2026-02.xlsx").expect("attached").bytes.starts_with(b"PK"));
    let link = mail.header("List-Unsubscribe").expect("a link");
    assert!(text.contains(link.trim_matches(['<', '>'])), "{link}");
    assert_ne!(Some(link), mails[1].header("List-Unsubscribe"), "each receiver's own");
    assert_eq!(
        files(&house.dir.path().join("out")),
        ["board-2026-02.csv", "board-2026-02.html", "board-2026-02.txt", "board-2026-02.xlsx"]
    );
    let posted: serde_json::Value = serde_json::from_str(&house.web.log()[0].body).expect("JSON");
    assert_eq!(posted["document"]["sections"][0]["figures"][0]["now"]["value"], 1234);
    assert!(posted["text"].as_str().is_some_and(|text| text.contains("1,234")));
    assert_eq!(posted["files"][0]["name"], "board-2026-02.csv");
    // Later the same month: nothing is due, and nothing is computed for it.
    for now in [NOW, "2026-03-04T10:15:00Z", "2026-04-01T10:15:00Z"] {
        let team = house.team(now).await;
        assert!(reports.send_due(&house.source, &team).await.expect("looked").outcomes.is_empty(), "{now}");
    }
    assert_eq!((house.mail.mails().len(), *house.source.asked.lock().expect("unpoisoned")), (2, 1));
    // A day after the end of March its report is due.
    let team = house.team("2026-04-02T10:15:00Z").await;
    let sent = reports.send_due(&house.source, &team).await.expect("sent");
    assert_eq!((sent.outcomes.len(), sent.outcomes[0].period.as_str()), (4, "2026-03"));
}

#[tokio::test]
async fn who_was_not_reached_is_tried_again_and_nobody_gets_it_twice() {
    let house = House::new().await;
    let (team, reports) = (house.team(NOW).await, house.reports(vec![house.spec()]));
    house.mail.misbehave("RCPT", "bob@", MailTrouble::Answer(452), Some(3));
    house.web.misbehave("/hook", Misbehaviour::Redirect(format!("{}/inside", house.web.base())), Some(1));
    let sent = reports.send_due(&house.source, &team).await.expect("sent");
    let failed: Vec<_> = sent.outcomes.iter().filter(|outcome| outcome.error.is_some()).collect();
    assert_eq!(failed.iter().map(|outcome| outcome.channel).collect::<Vec<_>>(), ["mail", "webhook"]);
    assert!(!sent.is_whole() && !format!("{sent:?}").contains("s3cret"), "{sent:?}");
    let sent = reports.send_due(&house.source, &team).await.expect("sent");
    assert!(sent.is_whole() && sent.outcomes.len() == 2, "{sent:?}");
    let mut got: Vec<_> = house.mail.mails().into_iter().flat_map(|mail| mail.to).collect();
    got.sort();
    assert_eq!(got, ["ann@example.org", "bob@example.org"]);
    let history = reports.history(&team, Some("board"), 10).await.expect("history");
    assert_eq!((history.len(), history.iter().filter(|row| row.error.is_some()).count()), (6, 2));
    assert!(reports.send_due(&house.source, &team).await.expect("looked").outcomes.is_empty());
}

#[tokio::test]
async fn a_report_that_cannot_be_made_keeps_no_other_back_and_comes_later() {
    let house = House::new().await;
    let team = house.team(NOW).await;
    let reports = house.reports(vec![house.spec()]);
    *house.source.broken.lock().expect("unpoisoned") = true;
    let sent = reports.send_due(&house.source, &team).await.expect("looked");
    assert_eq!((sent.errors.len(), house.mail.mails().len()), (1, 0));
    assert!(sent.errors[0].contains("board") && sent.errors[0].contains("no figures today"), "{:?}", sent.errors);
    *house.source.broken.lock().expect("unpoisoned") = false;
    assert!(reports.send_due(&house.source, &team).await.expect("sent").is_whole());
    assert_eq!(house.mail.mails().len(), 2);
}

#[tokio::test]
async fn each_community_is_a_report_of_its_own() {
    let mut house = House::new().await;
    house.source.communities = true;
    let spec = ReportSpec { scope: "communities".to_owned(), webhook: None, ..house.spec() };
    let (team, reports) = (house.team(NOW).await, house.reports(vec![spec]));
    let sent = reports.send_due(&house.source, &team).await.expect("sent");
    assert_eq!((sent.outcomes.len(), house.mail.mails().len()), (6, 4));
    assert!(files(&house.dir.path().join("out")).contains(&"board-b-2026-02.csv".to_owned()));
    assert!(reports.send_due(&house.source, &team).await.expect("looked").outcomes.is_empty());
}

#[tokio::test]
async fn whoever_unsubscribed_is_left_out_until_asked_for_again() {
    let house = House::new().await;
    let (team, reports) = (house.team(NOW).await, house.reports(vec![house.spec()]));
    let now = team.clock().now();
    team.report_unsubscribe("board", "ann@example.org", now).await.expect("noted");
    team.report_unsubscribe("board", "ann@example.org", now).await.expect("noted once");
    // However the configuration writes an address, and however its owner does.
    let spec = &reports.find(&team, "board").await.expect("there");
    reports.unsubscribe(&team, spec, "BOB@example.org").await.expect("a receiver");
    let span = reports.due_span(spec, team.clock().today());
    let sent = reports.send_now(&house.source, &team, spec, &span, &[]).await.expect("sent");
    assert_eq!((sent.unsubscribed, house.mail.mails().len()), (2, 0));
    assert!(reports.resubscribe(&team, spec, "Bob <bob@example.org>").await.expect("undone"));
    assert!(!reports.resubscribe(&team, spec, "bob@example.org").await.expect("asked"));
    let error =
        reports.unsubscribe(&team, spec, "bop@example.org").await.expect_err("nobody gets it there").to_string();
    assert!(error.starts_with("bop@example.org is no receiver of `board`; there is ann@example.org, Bob"), "{error}");
    team.report_unsubscribe("another", "Bob <bob@example.org>", now).await.expect("noted");
    let sent = reports.send_due(&house.source, &team).await.expect("sent");
    assert_eq!((sent.unsubscribed, house.mail.mails().len()), (1, 1));
    assert_eq!(house.mail.mails()[0].to, ["bob@example.org"]);
    assert_eq!(team.report_unsubscribed(Some("board")).await.expect("listed").len(), 1);
    assert!(team.report_resubscribe("board", "ann@example.org").await.expect("undone"));
    assert!(!team.report_resubscribe("board", "ann@example.org").await.expect("asked"));
    let span = reports.due_span(&house.spec(), "2026-03-03".parse().expect("a day"));
    let spec = &reports.find(&team, "board").await.expect("there");
    reports.send_now(&house.source, &team, spec, &span, &[]).await.expect("sent");
    assert_eq!(house.mail.mails().len(), 3);
    // One address only, by hand.
    let only = ["me@example.org".to_owned()];
    let sent = reports.send_now(&house.source, &team, spec, &span, &only).await.expect("sent");
    assert_eq!((sent.outcomes.len(), house.mail.mails()[3].to.clone()), (1, vec!["me@example.org".to_owned()]));
    let history = reports.history(&team, None, 1).await.expect("history").remove(0);
    assert_eq!((history.by.as_str(), history.receiver.as_str()), ("by hand", "me@example.org"));
}

#[tokio::test]
async fn without_a_mail_server_it_is_said_and_a_team_has_its_own_reports_only() {
    let house = House::new().await;
    let team = house.team(NOW).await;
    let config = ReportsConfig {
        reports: vec![house.spec(), ReportSpec { name: "theirs".to_owned(), team: "other".to_owned(), ..house.spec() }],
        ..ReportsConfig::default()
    };
    let key = InstallationKey::open(house.dir.path()).expect("a key");
    let reports = Reports::new(config, None, Unsubscribing::new(key, None)).with_retry_base(Duration::ZERO);
    let sent = reports.send_due(&house.source, &team).await.expect("looked");
    let errors: Vec<_> = sent.outcomes.iter().filter_map(|outcome| outcome.error.as_deref()).collect();
    assert!(errors.len() == 2 && errors[0].contains("no mail server is configured"), "{sent:?}");
    let error = reports.find(&team, "theirs").await.expect_err("another team's");
    assert!(matches!(&error, ReportError::Unknown { known, .. } if *known == ["board"]), "{error}");
}

#[tokio::test]
async fn a_report_a_team_set_up_is_sent_when_due_and_gives_way_to_the_configuration() {
    let house = House::new().await;
    let team = house.team(NOW).await;
    let service = |config: ReportsConfig| {
        let key = InstallationKey::open(house.dir.path()).expect("a key");
        Reports::new(config, None, Unsubscribing::new(key, None)).with_retry_base(Duration::ZERO)
    };
    let empty = service(ReportsConfig::default());
    let own = OwnReport {
        subject: house.spec().subject,
        scope: "global".to_owned(),
        every: Every::Month,
        to: vec!["bob@example.org".to_owned()],
        attach: vec![],
    };
    let wrong = OwnReport { to: vec!["bob".to_owned()], ..own.clone() };
    let error = empty.set(&team, "board", wrong).await.expect_err("refused");
    assert_eq!(error.to_string(), "to: `bob` is not a mail address");
    assert!(empty.of(&team).await.expect("asked").is_empty(), "nothing is stored then");
    empty.set(&team, "board", own.clone()).await.expect("set up");
    let sent = empty.send_due(&house.source, &team).await.expect("looked");
    let receivers: Vec<_> = sent.outcomes.iter().map(|outcome| outcome.receiver.as_str()).collect();
    assert!(!receivers.is_empty() && receivers.iter().all(|to| *to == "bob@example.org"), "{sent:?}");
    // The configuration takes the name: its report is the one that counts, and the team's may not change it.
    let taken = service(ReportsConfig { reports: vec![house.spec()], ..ReportsConfig::default() });
    let spec = taken.find(&team, "board").await.expect("there");
    assert_eq!((spec.to, taken.of(&team).await.expect("asked").len()), (house.spec().to, 1));
    assert!(matches!(taken.set(&team, "board", own).await, Err(ReportError::Configured(_))));
    assert!(matches!(taken.forget(&team, "board").await, Err(ReportError::Configured(_))));
    empty.forget(&team, "board").await.expect("forgotten");
    assert!(empty.of(&team).await.expect("asked").is_empty());
}

#[test]
fn mistakes_of_the_configuration_are_named() {
    let spec = || ReportSpec {
        name: "a".to_owned(),
        subject: Subject::Chat,
        scope: "global".to_owned(),
        every: Every::Week,
        team: "default".to_owned(),
        to: vec!["ann@example.org".to_owned()],
        folder: None,
        webhook: None,
        attach: Vec::new(),
    };
    let one = |spec| ReportsConfig { reports: vec![spec], ..ReportsConfig::default() };
    for (config, expected) in [
        (one(ReportSpec { name: "a b".to_owned(), ..spec() }), "use letters"),
        (one(ReportSpec { to: Vec::new(), ..spec() }), "nobody gets it"),
        (one(ReportSpec { to: vec!["ann".to_owned()], ..spec() }), "`ann` is not a mail address"),
        (one(ReportSpec { webhook: Some("file:///etc/passwd".to_owned()), ..spec() }), "webhook: "),
        (one(ReportSpec { scope: "communities".to_owned(), ..spec() }), "scope is for reports of the repository"),
        (ReportsConfig { reports: vec![spec(), spec()], ..ReportsConfig::default() }, "appears twice"),
        (ReportsConfig { after_days: 40, ..ReportsConfig::default() }, "after_days is 40"),
    ] {
        let error = config.check().expect_err(expected);
        assert!(error.contains(expected), "{error}");
    }
}
