//! `tallykeep schedule …`

use std::fmt::Write;

use serde_json::json;
use tallykeep_control::Job;

use crate::{context::Context, domains};

#[derive(Debug, clap::Subcommand)]
pub enum Schedule {
    /// Run the timetable alone, without a server
    #[command(after_help = "Example: tallykeep schedule run")]
    Run,
    /// The team's latest jobs: how they ended, and why one failed
    #[command(after_help = "Example: tallykeep schedule jobs --kind repository.import_source")]
    Jobs {
        /// Only jobs of this kind
        #[arg(long, value_name = "KIND")]
        kind: Option<String>,

        /// At most so many, newest first
        #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(i64).range(1..=1000))]
        limit: i64,
    },
}

impl Schedule {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Run => {
                let app = domains::app(context, true).await?.build();
                crate::output::say!("The timetable runs; stop it with Ctrl-C.");
                tallykeep_server::run_jobs_and_timetable(app, crate::context::interrupted()).await;
                Ok(())
            }
            Self::Jobs { kind, limit } => {
                let jobs = context.team_control().await?.jobs(kind.as_deref(), limit).await?;
                context.print(&json!({ "jobs": jobs }), || text(&jobs))
            }
        }
    }
}

fn text(jobs: &[Job]) -> String {
    if jobs.is_empty() {
        return "No job was done yet".to_owned();
    }
    let mut out = String::new();
    for job in jobs {
        let when = job.ended_at.or(job.started_at).unwrap_or(job.created_at);
        let _ = write!(out, "{when}  {:<9}  {}", job.state.as_str(), job.kind);
        // What tells two jobs of a kind apart, e.g. which source.
        if let Some(named) = job.args.as_object().filter(|args| !args.is_empty()) {
            let named: Vec<String> = named.iter().map(|(name, value)| format!("{name}={value}")).collect();
            let _ = write!(out, "  {}", named.join(" "));
        }
        if let Some(step) = job.progress.step.as_ref().filter(|_| job.ended_at.is_none()) {
            let _ = write!(out, "  {step}");
        }
        if let Some(error) = &job.error {
            let _ = write!(out, "\n    {error}");
        }
        out.push('\n');
    }
    out
}
