//! Chat inside the program: the service, its jobs and its timetable.

use serde_json::{Value, json};
use tallykeep_chat::{
    charts::Links,
    demo::{Size, seed_demo},
    service::{Chat, ChatConfig, ChatError},
};
use tallykeep_server::{AppBuilder, Audience, JobContext, JobError, TimetableEntry};

use crate::context::Context;

/// The service as this installation configures it.
pub async fn chat(context: &Context) -> anyhow::Result<Chat> {
    let section = &context.config.chat;
    let base = section.links.trim_end_matches('/').to_owned();
    let config = ChatConfig { links: Links { base }, cache: section.cache };
    Ok(Chat::new(context.control().await?.clone(), context.lake().await?.clone(), config))
}

/// `[chat]` of the configuration.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ChatSection {
    /// Address of the bot platform, e.g. `https://bots.example.org`: rows link to its pages. Empty: to the filtered dashboard.
    pub links: String,
    /// Whether answers are kept for 30 minutes.
    pub cache: bool,
}

impl Default for ChatSection {
    fn default() -> Self {
        Self { links: String::new(), cache: true }
    }
}

/// Puts chat into a server: the service, and daily snapshots and compaction, hourly cache and weekly snapshot cleanup.
pub async fn install(builder: AppBuilder, context: &Context) -> anyhow::Result<AppBuilder> {
    let chat = chat(context).await?;
    let entries = [
        // Shortly after midnight UTC the day before is complete.
        TimetableEntry::new("chat-snapshots", "10 0 * * *", "chat.snapshots", json!({}), Audience::Once)?,
        TimetableEntry::new("chat-cache-cleanup", "25 * * * *", "chat.cache-cleanup", json!({}), Audience::Once)?,
        TimetableEntry::new(
            "chat-snapshots-cleanup",
            "40 3 * * 1",
            "chat.snapshots-cleanup",
            json!({}),
            Audience::Once,
        )?,
        // When few import and fewer look.
        TimetableEntry::new("chat-compaction", "50 2 * * *", "chat.compact", json!({}), Audience::Once)?,
    ];
    Ok(builder
        .with(chat)
        .job("chat.snapshots", |context: JobContext| async move {
            let chat = context.service::<Chat>()?;
            let today = context.clock().today();
            let yesterday = today.yesterday().unwrap_or(today);
            let before = chat.generate_daily(yesterday).await.map_err(failed)?;
            context.progress(1, Some(2), "yesterday");
            let report = chat.generate_daily(today).await.map_err(failed)?;
            Ok(json!({"yesterday": before, "today": report}))
        })
        .job("chat.cache-cleanup", |context: JobContext| async move {
            done(context.service::<Chat>()?.cleanup_cache().await)
        })
        .job("chat.snapshots-cleanup", |context: JobContext| async move {
            let days = context.job.args.get("days_to_keep").and_then(Value::as_i64).unwrap_or(365);
            done(context.service::<Chat>()?.cleanup_snapshots(days).await)
        })
        .job(
            "chat.compact",
            |context: JobContext| async move { done(context.service::<Chat>()?.compact_tables().await) },
        )
        .timetable(entries))
}

/// The second team of a demo.
const SECOND_TEAM: (&str, &str) = ("ferries", "Island Ferries");

/// Invents conversations for the chosen team and a second one unless they have some, and the snapshots of their days.
pub async fn seed(context: &Context, seed: u64) -> anyhow::Result<()> {
    let control = context.control().await?;
    let (slug, name) = (SECOND_TEAM.0.parse()?, SECOND_TEAM.1);
    let second = match control.find_team(&slug).await? {
        Some(team) => team,
        None => control.add_team(&slug, name).await?,
    };
    let chat = chat(context).await?;
    let teams =
        [(context.team_control().await?, Size::default(), seed), (control.for_team(second), Size::second(), seed + 1)];
    for (team, size, seed) in teams {
        let messages = seed_demo(&team, context.lake().await?, size, seed).await?;
        if messages > 0 {
            crate::output::say!("{messages} chat messages of team {}", team.team().slug);
            chat.regenerate_team(team, 60).await?;
        }
    }
    Ok(())
}

fn failed(error: ChatError) -> JobError {
    JobError(error.to_string())
}

fn done(report: Result<impl serde::Serialize, ChatError>) -> Result<Value, JobError> {
    serde_json::to_value(report.map_err(failed)?).map_err(|error| JobError(error.to_string()))
}
