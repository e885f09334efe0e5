//! `tallykeep report …`: reports that arrive by themselves, looked at and sent by hand.

pub mod wiring;

use std::sync::Arc;

use serde_json::json;
use tallykeep_control::TeamControl;
use tallykeep_reports::{ReportError, ReportSpec, Reports, Sent, Span, csv, html, text, xlsx};
use tallykeep_repository::Repository;
use tallykeep_server::DomainSource;

use crate::{
    context::Context,
    exit::{Exit, usage},
    output::write_out,
};

#[derive(Debug, clap::Subcommand)]
pub enum Report {
    /// The team's reports, and which period each is about now
    #[command(after_help = "Example: tallykeep report list --json")]
    List,
    /// A report as it would be sent
    Preview(Preview),
    /// Send a report to its receivers now, whatever was sent before
    Send(Send),
    /// Send what is due and was not sent yet, as the timetable does
    #[command(after_help = "Example: tallykeep report due")]
    Due,
    /// What was sent to whom, newest first
    History(History),
    /// Send an address a report no more
    #[command(after_help = "Example: tallykeep report unsubscribe board ann@example.org")]
    Unsubscribe(Subscription),
    /// Send an address a report again
    #[command(after_help = "Example: tallykeep report resubscribe board ann@example.org")]
    Resubscribe(Subscription),
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep report preview board --period 2026-02 --format html > board.html")]
pub struct Preview {
    /// Name of the report
    name: String,
    /// Month (2026-02) or week (2026-W10); the newest that is over when left out
    #[arg(long, value_name = "PERIOD")]
    period: Option<String>,
    /// Of a report about several communities only this one's (slug or id)
    #[arg(long, value_name = "ID")]
    community: Option<String>,
    /// How to write it
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
}

#[derive(Debug, Clone, Copy, clap::ValueEnum)]
enum Format {
    Text,
    Html,
    Csv,
    Xlsx,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep report send board --period 2026-02 --to ann@example.org")]
pub struct Send {
    /// Name of the report
    name: String,
    /// Month (2026-02) or week (2026-W10); the newest that is over when left out
    #[arg(long, value_name = "PERIOD")]
    period: Option<String>,
    /// Mail it to these addresses and to nobody else
    #[arg(long, value_name = "ADDRESS", num_args = 1..)]
    to: Vec<String>,
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep report history board --limit 20")]
pub struct History {
    /// Only this report
    name: Option<String>,
    /// Rows at most
    #[arg(long, default_value_t = 100, value_name = "N")]
    limit: i64,
}

#[derive(Debug, clap::Args)]
pub struct Subscription {
    /// Name of the report
    name: String,
    /// Mail address, with the report's name for it or without
    address: String,
}

impl Report {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let reports = wiring::reports(context)?;
        let team = context.team_control().await?;
        match self {
            Self::List => list(context, &reports, &team).await,
            Self::Preview(command) => command.run(context, &reports, &team).await,
            Self::Send(command) => command.run(context, &reports, &team).await,
            Self::Due => {
                let source = source(context, reports.unsubscribing().base()).await?;
                told(context, &reports.send_due(&source, &team).await.map_err(ended)?)
            }
            Self::History(command) => command.run(context, &reports, &team).await,
            Self::Unsubscribe(command) => {
                let spec = reports.find(&team, &command.name).await.map_err(ended)?;
                reports.unsubscribe(&team, &spec, &command.address).await.map_err(ended)?;
                let document = json!({"report": spec.name, "address": command.address, "unsubscribed": true});
                context.print(&document, || format!("{} gets {} no more", command.address, spec.name))
            }
            Self::Resubscribe(command) => {
                let spec = reports.find(&team, &command.name).await.map_err(ended)?;
                let changed = reports.resubscribe(&team, &spec, &command.address).await.map_err(ended)?;
                let document = json!({"report": spec.name, "address": command.address, "changed": changed});
                context.print(&document, || match changed {
                    true => format!("{} gets {} again", command.address, spec.name),
                    false => format!("{} had not unsubscribed from {}", command.address, spec.name),
                })
            }
        }
    }
}

async fn list(context: &Context, reports: &Reports, team: &TeamControl) -> anyhow::Result<()> {
    let today = team.clock().today();
    let all = reports.of(team).await.map_err(ended)?;
    let rows: Vec<_> = all
        .iter()
        .map(|spec| {
            let mut row = json!({"period": reports.due_span(spec, today).key()});
            row["report"] = json!(spec);
            row
        })
        .collect();
    context.print(&rows, || {
        let lines = all.iter().map(|spec| {
            format!(
                "{}: {} {} each {}, now {}",
                spec.name,
                format!("{:?}", spec.subject).to_lowercase(),
                spec.scope,
                format!("{:?}", spec.every).to_lowercase(),
                reports.due_span(spec, today).key()
            )
        });
        let text = lines.collect::<Vec<_>>().join("\n");
        if text.is_empty() {
            "this team has no reports ([[reports.report]] or the page /reports)".to_owned()
        } else {
            text
        }
    })
}

impl Preview {
    async fn run(self, context: &Context, reports: &Reports, team: &TeamControl) -> anyhow::Result<()> {
        let spec = &reports.find(team, &self.name).await.map_err(ended)?;
        let span = span(reports, team, spec, self.period.as_deref())?;
        let source = source(context, reports.unsubscribing().base()).await?;
        let mut documents = reports.preview(&source, team, spec, &span).await.map_err(ended)?;
        let slugs = documents.iter().map(|document| document.slug.clone()).collect::<Vec<_>>().join(", ");
        if let Some(community) = &self.community {
            documents.retain(|document| document.slug == *community || document.scope == *community);
            if documents.is_empty() {
                return Err(usage(format!("--community: {} is not about `{community}`; about {slugs}", spec.name)));
            }
        }
        if context.options.json {
            return context.print(&documents, String::new);
        }
        // Tables of several communities in one would not say whose a line is.
        if let (Format::Csv | Format::Xlsx, many) = (self.format, documents.len())
            && many != 1
        {
            let problem = format!("--format csv and xlsx write one table; {} has {many}", spec.name);
            let way = if slugs.is_empty() { String::new() } else { format!(": --community names one ({slugs})") };
            return Err(usage(problem + &way));
        }
        if let (Format::Xlsx, [document]) = (self.format, documents.as_slice()) {
            use std::io::Write;
            return Ok(std::io::stdout().write_all(&xlsx(document)?)?);
        }
        let texts = documents.iter().map(|document| match self.format {
            Format::Html => html(document, ""),
            Format::Csv => String::from_utf8_lossy(&csv(document)).into_owned(),
            Format::Text | Format::Xlsx => text(document),
        });
        write_out(&texts.collect::<Vec<_>>().join("\n"))
    }
}

impl Send {
    async fn run(self, context: &Context, reports: &Reports, team: &TeamControl) -> anyhow::Result<()> {
        let spec = &reports.find(team, &self.name).await.map_err(ended)?;
        let span = span(reports, team, spec, self.period.as_deref())?;
        if let Some(address) = self.to.iter().find(|address| !tallykeep_notify::is_address(address)) {
            return Err(usage(format!("--to {address} is not a mail address")));
        }
        let source = source(context, reports.unsubscribing().base()).await?;
        told(context, &reports.send_now(&source, team, spec, &span, &self.to).await.map_err(ended)?)
    }
}

impl History {
    async fn run(self, context: &Context, reports: &Reports, team: &TeamControl) -> anyhow::Result<()> {
        let rows = reports.history(team, self.name.as_deref(), self.limit).await.map_err(ended)?;
        // Rows keep a community's id; people know it by its slug.
        let communities = match rows.iter().any(|row| !row.scope.is_empty()) {
            true => crate::domains::repository(context).await?.communities().await?,
            false => Vec::new(),
        };
        let slug = |id: &str| communities.iter().find(|c| c.id == id).map_or_else(|| id.to_owned(), |c| c.slug.clone());
        context.print(&rows, || {
            let lines = rows.iter().map(|row| {
                let scope = if row.scope.is_empty() { String::new() } else { format!(" ({})", slug(&row.scope)) };
                let end = row.error.as_ref().map_or_else(|| "sent".to_owned(), |error| format!("not sent: {error}"));
                let at = row.at.round(jiff::Unit::Second).unwrap_or(row.at);
                format!("{at} {}{scope} {} {} {}, {}: {end}", row.report, row.period, row.channel, row.receiver, row.by)
            });
            lines.collect::<Vec<_>>().join("\n")
        })
    }
}

fn span(reports: &Reports, team: &TeamControl, spec: &ReportSpec, period: Option<&str>) -> anyhow::Result<Span> {
    match period {
        None => Ok(reports.due_span(spec, team.clock().today())),
        Some(text) => Span::parse(spec.every, text).map_err(|error| usage(format!("--period {error}"))),
    }
}

/// The domains, opened for one command.
pub async fn source(context: &Context, base: Option<&str>) -> anyhow::Result<DomainSource> {
    let control = context.control().await?.clone();
    let settings = crate::domains::settings(context)?;
    Ok(DomainSource {
        repository: Some(Arc::new(Repository::new(control, context.lake().await?.clone(), settings))),
        packages: Some(Arc::new(super::packages::service(context, None)?)),
        chat: Some(Arc::new(super::chat::wiring::chat(context).await?)),
        base: base.map(str::to_owned),
    })
}

/// Says who got what; whoever was not reached makes it a failure.
fn told(context: &Context, sent: &Sent) -> anyhow::Result<()> {
    context.print(sent, || {
        let mut lines: Vec<String> = sent
            .outcomes
            .iter()
            .map(|outcome| {
                let about = if outcome.slug.is_empty() { String::new() } else { format!(" ({})", outcome.slug) };
                let what = format!("{}{about} {}", outcome.report, outcome.period);
                match &outcome.error {
                    None => format!("{what} sent by {} to {}", outcome.channel, outcome.receiver),
                    Some(error) => format!("{what} not sent to {}: {error}", outcome.receiver),
                }
            })
            .collect();
        lines.extend(sent.errors.iter().cloned());
        if sent.unsubscribed > 0 {
            lines.push(format!("{} left out: unsubscribed", sent.unsubscribed));
        }
        if lines.is_empty() { "nothing is due".to_owned() } else { lines.join("\n") }
    })?;
    if sent.is_whole() { Ok(()) } else { Err(Exit::Said.into()) }
}

fn ended(error: ReportError) -> anyhow::Error {
    match error {
        ReportError::Unknown { .. } | ReportError::NoReceiver { .. } => usage(error.to_string()),
        ReportError::Control(error) => error.into(),
        other => other.into(),
    }
}
