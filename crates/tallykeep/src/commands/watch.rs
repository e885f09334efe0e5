//! `tallykeep watch`: watchdogs, looked at by hand and in the timetable.

use serde_json::{Value, json};
use tallykeep_notify::MailSettings;
use tallykeep_packages::environment::Environment;
use tallykeep_server::{AppBuilder, Audience, DomainSource, JobContext, JobError, TimetableEntry};
use tallykeep_watch::{WatchError, Watchdogs};

use crate::{context::Context, exit::usage};

const LOOK: &str = "watch.look";

/// Look whether levels and ratios run as they usually do, and tell what left its band
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep watch --json")]
pub struct Watch {
    /// Only list what is open; look at nothing and tell nobody
    #[arg(long)]
    list: bool,
}

impl Watch {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let team = context.team_control().await?;
        if self.list {
            let mut open = team.watch_alerts().await?;
            open.retain(|alert| alert.closed_at.is_none());
            return context.print(&open, || lines(open.iter().map(|alert| alert.message.clone()), "nothing is open"));
        }
        let watchdogs = watchdogs(context)?;
        let source = super::report::source(context, None).await?;
        let looked = watchdogs.look(&source, &team).await.map_err(|error| match error {
            WatchError::Control(error) => anyhow::Error::from(error),
            other => other.into(),
        })?;
        for reason in &looked.send_errors {
            crate::output::note!("not told: {reason}");
        }
        context.print(&looked, || {
            let closed = looked.closed.iter().map(|message| format!("over: {message}"));
            let quiet = format!("{} series run as usual", looked.watched);
            lines(looked.open.iter().map(|alert| alert.message.clone()).chain(closed), &quiet)
        })
    }
}

fn lines(lines: impl Iterator<Item = String>, none: &str) -> String {
    let text = lines.collect::<Vec<_>>().join("\n");
    if text.is_empty() { none.to_owned() } else { text }
}

fn watchdogs(context: &Context) -> anyhow::Result<Watchdogs> {
    let config = context.config.watch.clone();
    config.check().map_err(usage)?;
    let environment = Environment::load(&std::env::current_dir()?);
    let mail = MailSettings::resolve(&context.config.mail, &|name| environment.get(name).map(str::to_owned))
        .map_err(|error| usage(error.to_string()))?;
    Ok(Watchdogs::new(config, mail))
}

/// Puts watchdogs into a server.
pub fn install(builder: AppBuilder, context: &Context) -> anyhow::Result<AppBuilder> {
    let watchdogs = watchdogs(context)?;
    let mut entries = Vec::new();
    if !watchdogs.config().schedule.trim().is_empty() {
        entries.push(TimetableEntry::new("watch", &watchdogs.config().schedule, LOOK, json!({}), Audience::EachTeam)?);
    }
    Ok(builder.with(watchdogs).job(LOOK, look).timetable(entries))
}

async fn look(context: JobContext) -> Result<Value, JobError> {
    let watchdogs = context.service::<Watchdogs>()?;
    let source = DomainSource::of_job(&context, None);
    let looked = watchdogs.look(&source, context.team()).await.map_err(|error| JobError(error.to_string()))?;
    for message in &looked.opened {
        tracing::warn!("team {}: {message}", context.team().team().slug);
    }
    serde_json::to_value(&looked).map_err(|error| JobError(error.to_string()))
}
