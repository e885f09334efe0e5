//! `tallykeep import chat`

use std::io::Write;

use anyhow::Context as _;
use tallykeep_chat::interchange::{Counts, ImportOptions, ImportReport, import};

use crate::{context::Context, exit::Exit};

/// Conversations of chatbots: a folder or archive of CSV files
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep import chat ./export\n\n\
    Files: teams, experiments, channels, participants, sessions, messages, tags, tag_links, traces, usage (.csv, .csv.gz);\n\
    any of them may be missing. A line whose parent is nowhere is named; good lines are kept. See docs/chat.md.")]
pub struct Chat {
    /// Folder, .zip, .tar or .tar.gz
    #[arg(value_name = "DIR")]
    path: std::path::PathBuf,
    /// Fail when a line cannot be used (good lines are kept all the same)
    #[arg(long)]
    strict: bool,
}

impl Chat {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        // `default` is also what --team says when nobody said anything.
        let team = Some(context.options.team.clone()).filter(|team| *team != tallykeep_model::TeamSlug::default());
        let options = ImportOptions { team };
        let (control, lake) = (context.control().await?, context.lake().await?);
        let mut on_reject = |reject: &tallykeep_collect::LineError| {
            // When standard error is closed there is nobody left to tell.
            let _ = writeln!(std::io::stderr(), "{reject}");
        };
        let report = import(control, lake, &self.path, &options, &mut on_reject)
            .await
            .with_context(|| format!("could not import {}", self.path.display()))?;
        ended(context, &report, self.strict)
    }
}

/// Prints what was read. Errors: nothing could be used, or, where `strict`, not everything.
pub(super) fn ended(context: &Context, report: &ImportReport, strict: bool) -> anyhow::Result<()> {
    context.print(report, || {
        let mut text = String::new();
        for (kind, counts) in &report.kinds {
            text.push_str(&line(kind, counts));
        }
        text + &line("total", &report.total)
    })?;
    if report.is_refused() || (strict && report.total.rejected > 0) {
        return Err(Exit::Said.into());
    }
    Ok(())
}

/// One line of a report.
fn line(kind: &str, counts: &Counts) -> String {
    let Counts { read, new, changed, unchanged, rejected } = counts;
    format!("{kind:<13} read={read} new={new} changed={changed} unchanged={unchanged} rejected={rejected}\n")
}
