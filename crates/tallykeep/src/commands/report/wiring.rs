//! Reports inside the program: the service, its job, its line in the timetable.

use std::sync::Arc;

use serde_json::{Value, json};
use tallykeep_notify::MailSettings;
use tallykeep_packages::environment::Environment;
use tallykeep_reports::{ReportError, Reports, Span, Unsubscribing};
use tallykeep_server::{AppBuilder, Audience, DomainSource, JobContext, JobError, TimetableEntry};

use crate::{context::Context, exit::usage};

/// Sends one report by hand, or looks for what is due.
pub const SEND: &str = "reports.send";
pub const DUE: &str = "reports.due";

/// The reports as this installation configures them. Errors: what `[reports]` or `[mail]` may not say.
pub fn reports(context: &Context) -> anyhow::Result<Reports> {
    let config = context.config.reports.clone();
    config.check().map_err(usage)?;
    let environment = Environment::load(&std::env::current_dir()?);
    let mail = MailSettings::resolve(&context.config.mail, &|name| environment.get(name).map(str::to_owned))
        .map_err(|error| usage(error.to_string()))?;
    let key = tallykeep_access::InstallationKey::open(&context.options.data_dir)?;
    let unsubscribing = Unsubscribing::new(key, context.config.access.public_url.as_deref());
    Ok(Reports::new(config, mail, unsubscribing))
}

/// Puts reports into a server.
pub fn install(builder: AppBuilder, context: &Context) -> anyhow::Result<AppBuilder> {
    let reports = reports(context)?;
    let mut entries = Vec::new();
    let schedule = &reports.config().schedule;
    // Also where the configuration has none: teams set reports up themselves, at any time.
    if !schedule.trim().is_empty() {
        entries.push(TimetableEntry::new("reports", schedule, DUE, json!({}), Audience::EachTeam)?);
    }
    Ok(builder.with(reports).job(DUE, due).job(SEND, send).timetable(entries))
}

fn service(context: &JobContext) -> Result<(Arc<Reports>, DomainSource), JobError> {
    let reports = context.service::<Reports>()?;
    let source = DomainSource::of_job(context, reports.unsubscribing().base());
    Ok((reports, source))
}

async fn due(context: JobContext) -> Result<Value, JobError> {
    let (reports, source) = service(&context)?;
    let sent = reports.send_due(&source, context.team()).await.map_err(failed)?;
    told(&sent)
}

async fn send(context: JobContext) -> Result<Value, JobError> {
    let (reports, source) = service(&context)?;
    let args = &context.job.args;
    let name = args["report"].as_str().unwrap_or_default();
    let spec = &reports.find(context.team(), name).await.map_err(failed)?;
    let span = match args["period"].as_str() {
        Some(text) => Span::parse(spec.every, text).map_err(|error| JobError(error.to_string()))?,
        None => reports.due_span(spec, context.clock().today()),
    };
    let sent = reports.send_now(&source, context.team(), spec, &span, &[]).await.map_err(failed)?;
    told(&sent)
}

/// A job that did not reach everybody failed; what it did is in the history.
fn told(sent: &tallykeep_reports::Sent) -> Result<Value, JobError> {
    if sent.is_whole() {
        return serde_json::to_value(sent).map_err(|error| JobError(error.to_string()));
    }
    let reasons = sent.outcomes.iter().filter_map(|outcome| outcome.error.clone()).chain(sent.errors.iter().cloned());
    Err(JobError(reasons.collect::<Vec<_>>().join(" | ")))
}

fn failed(error: ReportError) -> JobError {
    JobError(error.to_string())
}
