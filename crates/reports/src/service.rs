//! Reports of one installation: making, previewing, handing out, remembering.

use std::{path::Path, time::Duration};

use base64::{Engine, engine::general_purpose::STANDARD as BASE64};
use jiff::civil::Date;
use serde::Serialize;
use serde_json::json;
use tallykeep_control::{
    ControlError, TeamControl,
    reports::{NewDelivery, ReportDelivery},
};
use tallykeep_notify::{Attachment, Letter, MailSettings, Mailer, NotifyError, Webhook, receiver};

use crate::{
    Document, OwnReport, ReportSpec, ReportsConfig, Span, Unsubscribing, WrongField,
    files::{File, attached, for_folder},
    html,
    html::escaped,
    stored, text,
};

/// Where documents come from: the domains.
#[async_trait::async_trait]
pub trait Source: Send + Sync {
    /// The documents of a report about a span: one, or one per community.
    async fn documents(&self, team: &TeamControl, spec: &ReportSpec, span: &Span)
    -> Result<Vec<Document>, SourceError>;
}

/// Why a domain could not make a report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct SourceError(pub String);

#[derive(Debug, thiserror::Error)]
pub enum ReportError {
    #[error("no report `{name}`; there {}", there(known))]
    Unknown { name: String, known: Vec<String> },
    #[error("{address} is no receiver of `{name}`; there {}", there(known))]
    NoReceiver { name: String, address: String, known: Vec<String> },
    #[error("report `{name}`: {reason}")]
    Source { name: String, reason: String },
    #[error("report `{0}` is set up in the configuration; change it there")]
    Configured(String),
    #[error(transparent)]
    Wrong(#[from] WrongField),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("a workbook could not be written: {0}")]
    Workbook(String),
}

fn there(known: &[String]) -> String {
    if known.is_empty() { "are none".to_owned() } else { format!("is {}", known.join(", ")) }
}

/// What became of one report for one receiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    pub report: String,
    pub scope: String,
    /// The community's slug where a report is about several; else empty.
    #[serde(skip_serializing_if = "String::is_empty")]
    pub slug: String,
    pub period: String,
    /// `mail`, `folder`, `webhook`.
    pub channel: &'static str,
    pub receiver: String,
    /// Why it did not arrive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
}

/// What a sending came to.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct Sent {
    pub outcomes: Vec<Outcome>,
    /// Reports that could not be made.
    pub errors: Vec<String>,
    /// Receivers left out because they unsubscribed.
    pub unsubscribed: usize,
}

impl Sent {
    pub fn is_whole(&self) -> bool {
        self.errors.is_empty() && self.outcomes.iter().all(|outcome| outcome.error.is_none())
    }

    fn take(&mut self, other: Self) {
        self.outcomes.extend(other.outcomes);
        self.errors.extend(other.errors);
        self.unsubscribed += other.unsubscribed;
    }
}

/// The reports service. Its configuration names teams; a team is given with each call.
pub struct Reports {
    config: ReportsConfig,
    mail: Option<MailSettings>,
    unsubscribing: Unsubscribing,
    /// First wait between two tries at a webhook.
    retry_base: Duration,
}

/// One way to one receiver.
enum Way<'a> {
    Mail(&'a str),
    Folder(&'a Path),
    Webhook(&'a str),
}

impl Way<'_> {
    fn channel(&self) -> &'static str {
        match self {
            Self::Mail(_) => "mail",
            Self::Folder(_) => "folder",
            Self::Webhook(_) => "webhook",
        }
    }

    /// As history shows it. The path of a webhook is often a secret: only its host is kept.
    fn receiver(&self) -> String {
        match self {
            Self::Mail(to) => (*to).to_owned(),
            Self::Folder(folder) => folder.display().to_string(),
            Self::Webhook(address) => {
                Webhook::check(address).ok().and_then(|url| url.host_str().map(str::to_owned)).unwrap_or_default()
            }
        }
    }
}

impl Reports {
    pub fn new(config: ReportsConfig, mail: Option<MailSettings>, unsubscribing: Unsubscribing) -> Self {
        Self { config, mail, unsubscribing, retry_base: Duration::from_secs(1) }
    }

    /// Waits between tries, for tests.
    pub fn with_retry_base(mut self, retry_base: Duration) -> Self {
        self.retry_base = retry_base;
        self.mail = self.mail.map(|mail| MailSettings { retry_base, ..mail });
        self
    }

    pub fn config(&self) -> &ReportsConfig {
        &self.config
    }

    pub fn unsubscribing(&self) -> &Unsubscribing {
        &self.unsubscribing
    }

    /// The reports of a team: the configuration's, then those it set up itself.
    pub async fn of(&self, team: &TeamControl) -> Result<Vec<ReportSpec>, ReportError> {
        let slug = team.team().slug.as_str();
        let mut all: Vec<_> = self.config.reports.iter().filter(|report| report.team == slug).cloned().collect();
        // A name the configuration took later is the configuration's.
        all.extend(stored::own(team).await?.into_iter().filter(|own| self.config.find(&own.name).is_none()));
        Ok(all)
    }

    /// Whether a report is the configuration's, and not the team's to change.
    pub fn is_configured(&self, name: &str) -> bool {
        self.config.find(name).is_some()
    }

    /// A team's report. Errors: `Unknown`, also for another team's.
    pub async fn find(&self, team: &TeamControl, name: &str) -> Result<ReportSpec, ReportError> {
        let all = self.of(team).await?;
        let known = all.iter().map(|spec| spec.name.clone()).collect();
        let found = all.into_iter().find(|spec| spec.name == name);
        found.ok_or_else(|| ReportError::Unknown { name: name.to_owned(), known })
    }

    /// Sets up or changes a report of the team's own.
    ///
    /// Errors: `Configured` for a name that the configuration has, also for another team; `Wrong` names the field.
    pub async fn set(&self, team: &TeamControl, name: &str, report: OwnReport) -> Result<ReportSpec, ReportError> {
        if self.is_configured(name) {
            return Err(ReportError::Configured(name.to_owned()));
        }
        stored::set(team, name, report).await
    }

    /// Forgets a report of the team's own. What it sent stays in the history.
    ///
    /// Errors: `Unknown`, `Configured`.
    pub async fn forget(&self, team: &TeamControl, name: &str) -> Result<(), ReportError> {
        self.find(team, name).await?;
        if self.is_configured(name) {
            return Err(ReportError::Configured(name.to_owned()));
        }
        stored::forget(team, name).await
    }

    /// Whether there is a mail server to send by.
    pub fn has_mail(&self) -> bool {
        self.mail.is_some()
    }

    /// The newest span that is over for long enough.
    pub fn due_span(&self, spec: &ReportSpec, today: Date) -> Span {
        use jiff::ToSpan;
        Span::latest(spec.every, today.saturating_sub(self.config.after_days.days()))
    }

    /// The documents as they would be sent.
    pub async fn preview(
        &self,
        source: &dyn Source,
        team: &TeamControl,
        spec: &ReportSpec,
        span: &Span,
    ) -> Result<Vec<Document>, ReportError> {
        let made = source.documents(team, spec, span).await;
        made.map_err(|error| ReportError::Source { name: spec.name.clone(), reason: error.0 })
    }

    /// Sends what is due and was not sent yet; whoever was not reached before is tried again. One report's failure is not another's.
    pub async fn send_due(&self, source: &dyn Source, team: &TeamControl) -> Result<Sent, ReportError> {
        let today = team.clock().today();
        let mut sent = Sent::default();
        for spec in &self.of(team).await? {
            let span = self.due_span(spec, today);
            let mark = format!("report:{}", spec.name);
            if team.watermark(&mark, "").await?.as_deref() == Some(&span.key()) {
                continue;
            }
            match self.send_missing(source, team, spec, &span).await {
                Ok(part) => {
                    if part.is_whole() {
                        team.set_watermark(&mark, "", &span.key()).await?;
                    }
                    sent.take(part);
                }
                Err(ReportError::Control(error)) => return Err(error.into()),
                Err(error) => sent.errors.push(error.to_string()),
            }
        }
        Ok(sent)
    }

    async fn send_missing(
        &self,
        source: &dyn Source,
        team: &TeamControl,
        spec: &ReportSpec,
        span: &Span,
    ) -> Result<Sent, ReportError> {
        let mut sent = Sent::default();
        for document in self.preview(source, team, spec, span).await? {
            let delivered = team.report_delivered(&spec.name, &document.scope, &span.key()).await?;
            let is_missing = |way: &Way<'_>| !delivered.contains(&(way.channel().to_owned(), way.receiver()));
            let ways: Vec<Way<'_>> = ways(spec).filter(is_missing).collect();
            sent.take(self.hand_out(team, spec, &document, ways, "schedule").await?);
        }
        Ok(sent)
    }

    /// Sends now, whatever was sent before. With `only_to`, mails these addresses and nobody else.
    pub async fn send_now(
        &self,
        source: &dyn Source,
        team: &TeamControl,
        spec: &ReportSpec,
        span: &Span,
        only_to: &[String],
    ) -> Result<Sent, ReportError> {
        let mut sent = Sent::default();
        for document in self.preview(source, team, spec, span).await? {
            let ways: Vec<Way<'_>> = if only_to.is_empty() {
                ways(spec).collect()
            } else {
                only_to.iter().map(|to| Way::Mail(to)).collect()
            };
            sent.take(self.hand_out(team, spec, &document, ways, "by hand").await?);
        }
        Ok(sent)
    }

    async fn hand_out(
        &self,
        team: &TeamControl,
        spec: &ReportSpec,
        document: &Document,
        ways: Vec<Way<'_>>,
        by: &str,
    ) -> Result<Sent, ReportError> {
        let mut sent = Sent::default();
        let gone: Vec<String> =
            team.report_unsubscribed(Some(&spec.name)).await?.into_iter().map(|entry| entry.address).collect();
        let files = attached(document, &spec.attach).map_err(|error| ReportError::Workbook(error.to_string()))?;
        for way in ways {
            if let Way::Mail(to) = way
                && gone.iter().any(|address| is_same(address, to))
            {
                sent.unsubscribed += 1;
                continue;
            }
            let done = match way {
                Way::Mail(to) => self.mail(team, spec, document, &files, to).await.map_err(|error| error.to_string()),
                Way::Webhook(address) => {
                    self.post(team, document, &files, address).await.map_err(|error| error.to_string())
                }
                Way::Folder(folder) => write(document, spec, folder),
            };
            let outcome = Outcome {
                report: spec.name.clone(),
                scope: document.scope.clone(),
                slug: document.slug.clone(),
                period: document.period.key(),
                channel: way.channel(),
                receiver: way.receiver(),
                error: done.err(),
            };
            team.note_report_delivery(&NewDelivery {
                report: &outcome.report,
                scope: &outcome.scope,
                period: &outcome.period,
                channel: outcome.channel,
                receiver: &outcome.receiver,
                error: outcome.error.as_deref(),
                by,
            })
            .await?;
            if let Some(error) = &outcome.error {
                tracing::warn!("report {} for {}: {error}", outcome.report, outcome.receiver);
            }
            sent.outcomes.push(outcome);
        }
        Ok(sent)
    }

    /// A mail: text and HTML, the files attached, a link to unsubscribe of the receiver's own.
    async fn mail(
        &self,
        team: &TeamControl,
        spec: &ReportSpec,
        document: &Document,
        files: &[File],
        to: &str,
    ) -> Result<(), NotifyError> {
        let Some(settings) = &self.mail else {
            return Err(NotifyError::Settings(
                "there are receivers by mail, but no mail server is configured ([mail] server)".to_owned(),
            ));
        };
        let unsubscribe = self.unsubscribing.link(team.team().slug.as_str(), &spec.name, to);
        let mut plain = text(document);
        let mut footer = String::new();
        if let Some(link) = &unsubscribe {
            plain.push_str(&format!("\n--\nThis report comes every {}. Stop it: {link}\n", every(spec)));
            footer = format!("This report comes every {}. <a href=\"{}\">Stop it</a>.", every(spec), escaped(link));
        }
        let letter = Letter {
            to: vec![to.to_owned()],
            subject: document.subject(),
            text: plain,
            html: Some(html(document, &footer)),
            attachments: files
                .iter()
                .map(|file| Attachment {
                    name: file.name.clone(),
                    content_type: file.content_type.to_owned(),
                    bytes: file.bytes.clone(),
                })
                .collect(),
            unsubscribe,
        };
        Mailer::new(settings)?.send(&letter, team.clock().now()).await?;
        Ok(())
    }

    /// The document as JSON; `text` is what chats show.
    async fn post(
        &self,
        team: &TeamControl,
        document: &Document,
        files: &[File],
        address: &str,
    ) -> Result<(), NotifyError> {
        let files: Vec<_> = files
            .iter()
            .map(|file| {
                json!({"name": file.name, "content_type": file.content_type, "base64": BASE64.encode(&file.bytes)})
            })
            .collect();
        let body = json!({
            "team": team.team().slug, "report": document.report, "subject": document.subject(), "text": text(document),
            "document": document, "files": files,
        });
        Webhook::new(Duration::from_secs(30), self.retry_base)?.post(address, &body).await
    }

    /// Sends an address a report no more, however the configuration writes it. Errors: `NoReceiver`.
    pub async fn unsubscribe(&self, team: &TeamControl, spec: &ReportSpec, address: &str) -> Result<(), ReportError> {
        if !spec.to.iter().any(|to| is_same(to, address)) {
            let (name, address, known) = (spec.name.clone(), address.to_owned(), spec.to.clone());
            return Err(ReportError::NoReceiver { name, address, known });
        }
        Ok(team.report_unsubscribe(&spec.name, address, team.clock().now()).await?)
    }

    /// Sends an address a report again. Answers whether it had unsubscribed.
    pub async fn resubscribe(&self, team: &TeamControl, spec: &ReportSpec, address: &str) -> Result<bool, ReportError> {
        let mut changed = false;
        for gone in team.report_unsubscribed(Some(&spec.name)).await? {
            if is_same(&gone.address, address) {
                changed |= team.report_resubscribe(&spec.name, &gone.address).await?;
            }
        }
        Ok(changed)
    }

    /// What was handed out, newest first.
    pub async fn history(
        &self,
        team: &TeamControl,
        report: Option<&str>,
        limit: i64,
    ) -> Result<Vec<ReportDelivery>, ReportError> {
        Ok(team.report_deliveries(report, limit).await?)
    }
}

/// Whether two ways to write it mean one receiver: names and capitals make no other.
fn is_same(one: &str, other: &str) -> bool {
    one == other || receiver(one).is_some_and(|address| receiver(other).as_ref() == Some(&address))
}

fn every(spec: &ReportSpec) -> &'static str {
    match spec.every {
        crate::Every::Month => "month",
        crate::Every::Week => "week",
    }
}

fn ways(spec: &ReportSpec) -> impl Iterator<Item = Way<'_>> {
    let mails = spec.to.iter().map(|to| Way::Mail(to));
    mails.chain(spec.folder.as_deref().map(Way::Folder)).chain(spec.webhook.as_deref().map(Way::Webhook))
}

/// Written beside and moved into place: whoever watches the folder never sees half a file.
fn write(document: &Document, spec: &ReportSpec, folder: &Path) -> Result<(), String> {
    let told = |what: &Path, error: std::io::Error| format!("{}: {error}", what.display());
    std::fs::create_dir_all(folder).map_err(|error| told(folder, error))?;
    for file in for_folder(document, &spec.attach).map_err(|error| error.to_string())? {
        let (draft, place) = (folder.join(format!(".{}.part", file.name)), folder.join(&file.name));
        std::fs::write(&draft, &file.bytes).map_err(|error| told(&draft, error))?;
        std::fs::rename(&draft, &place).map_err(|error| told(&place, error))?;
    }
    Ok(())
}
