//! Setting up and writing beside the numbers: init, annotations, evidence, retention.

use std::{
    io::{IsTerminal, Write},
    path::PathBuf,
};

use anyhow::Context as _;
use jiff::{Timestamp, civil::Date};
use serde_json::json;
use tallykeep_control::packages::Annotation;
use tallykeep_packages::{
    init::{Wanted, check, propose},
    jobs::evidence::ManualEvidence,
};

use super::{Of, ended};
use crate::{
    context::Context,
    exit::{Exit, usage},
};

/// Write a configuration from package and repository names, each asked for at its registry
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep packages init --package pypi:requests --package npm:@acme/tool --repository acme/tool --output packages.toml"
)]
pub struct Init {
    /// Title of the project
    #[arg(long, value_name = "TEXT")]
    title: Option<String>,
    /// Package as REGISTRY:NAME (pypi, npm, crates, cran, php), PRODUCT= in front to group; may be repeated
    #[arg(long, value_name = "REGISTRY:NAME", num_args = 1..)]
    package: Vec<String>,
    /// Repository as OWNER/NAME, PRODUCT= in front to group; may be repeated
    #[arg(long, visible_alias = "repo", value_name = "OWNER/NAME", num_args = 1..)]
    repository: Vec<String>,
    /// File to write; `-` prints
    #[arg(long, short, value_name = "FILE", default_value = "packages.toml")]
    output: PathBuf,
    /// Replace the file if it exists
    #[arg(long)]
    force: bool,
    /// Do not ask the registries
    #[arg(long)]
    no_check: bool,
}

fn asked(question: &str) -> anyhow::Result<Vec<String>> {
    crate::output::ask(&format!("{question}: "));
    std::io::stderr().flush()?;
    let mut line = String::new();
    std::io::stdin().read_line(&mut line)?;
    Ok(line.split([',', ' ']).map(str::trim).filter(|word| !word.is_empty()).map(str::to_owned).collect())
}

impl Init {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let print = self.output.as_os_str() == "-";
        if !print && !self.force && self.output.exists() {
            return Err(usage(format!("{} exists already; give --force to replace it", self.output.display())));
        }
        let mut wanted =
            Wanted { title: self.title.unwrap_or_default(), packages: self.package, repositories: self.repository };
        if wanted.packages.is_empty() && wanted.repositories.is_empty() && std::io::stdin().is_terminal() {
            wanted.title = asked("Title of the project")?.join(" ");
            wanted.packages = asked("Packages, e.g. pypi:requests npm:@acme/tool crates:acme")?;
            wanted.repositories = asked("Repositories, e.g. acme/tool")?;
        }
        let config = propose(&wanted, jobs.clock.today()).map_err(|error| usage(error.to_string()))?;
        let checked = if self.no_check { Vec::new() } else { check(&jobs.asker, &config).await };
        for line in &checked {
            crate::output::note!(
                "{} {} ({}): {}",
                if line.found { "found" } else { "NOT FOUND" },
                line.subject,
                line.registry,
                line.message
            );
        }
        let text = config.to_toml().map_err(|error| anyhow::anyhow!("{error}"))?;
        let missing = checked.iter().filter(|line| !line.found).count();
        if missing > 0 && !self.force {
            context.print(&json!({"written": false, "checked": checked}), String::new)?;
            crate::output::note!(
                "{missing} of {} could not be confirmed; nothing was written (--force writes anyway)",
                checked.len()
            );
            return Err(Exit::Said.into());
        }
        if print {
            crate::output::write_out(&text)?;
            return Ok(());
        }
        std::fs::write(&self.output, text).with_context(|| format!("could not write {}", self.output.display()))?;
        let next = format!("tallykeep packages update-all --packages-config {}", self.output.display());
        context.print(&json!({"written": true, "file": self.output, "checked": checked, "next": next}), || {
            format!("wrote {}; next: {next}", self.output.display())
        })
    }
}

/// Notes on charts
#[derive(Debug, clap::Subcommand)]
pub enum Annotations {
    /// Add a note
    #[command(after_help = "Example: tallykeep packages annotations add --day 2026-02-10 --text 'Version 2.0'")]
    Add {
        /// Day it is about
        #[arg(long, value_name = "DATE")]
        day: Date,
        /// What happened
        #[arg(long, value_name = "TEXT")]
        text: String,
        /// Page that says more; empty for none
        #[arg(long, value_name = "URL", default_value = "")]
        url: String,
        /// release, post, outage, …
        #[arg(long, value_name = "WORD", default_value = "note")]
        kind: String,
        /// Only on charts of this product; empty for all
        #[arg(long, value_name = "ID", default_value = "")]
        product: String,
        /// Only on the chart of this metric; empty for all
        #[arg(long, value_name = "ID", default_value = "")]
        metric_id: String,
    },
    /// List notes
    #[command(after_help = "Example: tallykeep packages annotations list")]
    List,
    /// Remove a note
    #[command(after_help = "Example: tallykeep packages annotations remove 0198f0c2-7d1a-7000-8000-000000000000")]
    Remove {
        /// Its id
        id: String,
    },
}

impl Annotations {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        match self {
            Self::Add { day, text, url, kind, product, metric_id } => {
                let note = Annotation {
                    annotation_id: String::new(),
                    day,
                    text,
                    url,
                    kind,
                    product,
                    metric_id,
                    author: "command line".to_owned(),
                    created_at: jobs.clock.now(),
                };
                let note = jobs.annotate(note).await.map_err(ended)?;
                context.print(&note, || format!("added {}", note.annotation_id))
            }
            Self::List => {
                let notes = jobs.store.annotations().await?;
                context.print(&notes, || {
                    notes
                        .iter()
                        .map(|n| format!("{} {} {}", n.annotation_id, n.day, n.text))
                        .collect::<Vec<_>>()
                        .join("\n")
                })
            }
            Self::Remove { id } => {
                if !jobs.store.delete_annotation(&id).await? {
                    anyhow::bail!("no note `{id}`");
                }
                context.print(&json!({"removed": id}), || format!("removed {id}"))
            }
        }
    }
}

/// Enter evidence by hand
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep packages add-evidence --title 'Talk at a conference' --url https://example.org --metric-id downloads:lancedb:python"
)]
pub struct AddEvidence {
    /// Title of the piece
    #[arg(long, value_name = "TEXT")]
    title: String,
    /// Page that says more; empty for none
    #[arg(long, value_name = "URL", default_value = "")]
    url: String,
    /// What it says; empty for nothing
    #[arg(long, value_name = "TEXT", default_value = "")]
    snippet: String,
    /// When it was published
    #[arg(long, value_name = "INSTANT")]
    occurred_at: Option<Timestamp>,
    /// Metrics it is about
    #[arg(long, value_name = "ID", num_args = 1..)]
    metric_id: Vec<String>,
    /// weak, medium or strong
    #[arg(long, value_name = "WORD")]
    strength: Option<String>,
}

impl AddEvidence {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let entry = ManualEvidence {
            title: self.title,
            url: self.url,
            snippet: self.snippet,
            occurred_at: self.occurred_at,
            related_metrics: self.metric_id,
            evidence_strength: self.strength,
            ..ManualEvidence::default()
        };
        let id = jobs.add_evidence(entry, "command line").await.map_err(ended)?;
        context.print(&json!({"evidence_id": id}), || format!("added {id}"))
    }
}

/// Forget old run rows; observations keep their run ids
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep packages prune-history --days-to-keep 730")]
pub struct PruneHistory {
    /// Age of what is kept
    #[arg(long, alias = "days_to_keep", value_name = "N")]
    days_to_keep: u32,
}

impl PruneHistory {
    pub async fn run(self, context: &Context, jobs: Of<'_>) -> anyhow::Result<()> {
        let before = jobs.clock.now() - jiff::SignedDuration::from_hours(24 * i64::from(self.days_to_keep));
        let gone = jobs.store.prune_history(before).await?;
        context.print(&json!({"forgotten": gone}), || format!("forgot {gone} runs"))
    }
}
