//! `tallykeep layout …`

use std::io::Read;

use anyhow::Context as _;
use serde_json::{Value, json};
use tallykeep_repository::layout::{LayoutError, LayoutScope, components};

use crate::{context::Context, domains, exit::usage};

#[derive(Debug, clap::Subcommand)]
pub enum Layout {
    /// The layout a page is drawn with, and where it comes from
    #[command(after_help = "Example: tallykeep layout show --community biodiversity > layout.json")]
    Show(Scope),
    /// Set a layout; every problem in it is named by its JSON path
    #[command(after_help = "Example: tallykeep layout set layout.json --community biodiversity")]
    Set(Set),
    /// Forget a layout that was set, so that the next wider one holds
    #[command(after_help = "Example: tallykeep layout reset --community biodiversity")]
    Reset(Scope),
    /// Which layouts were set, by whom and when
    #[command(after_help = "Example: tallykeep layout list")]
    List,
    /// The components a layout may name
    #[command(after_help = "Example: tallykeep layout components")]
    Components,
}

/// Without any of these: the whole repository.
#[derive(Debug, clap::Args)]
pub struct Scope {
    /// One community (id or slug)
    #[arg(long, value_name = "ID", conflicts_with = "all_communities")]
    community: Option<String>,

    /// Every community without a layout of its own
    #[arg(long)]
    all_communities: bool,
}

#[derive(Debug, clap::Args)]
pub struct Set {
    /// JSON: `{"tabs": […]}`; `-` reads standard input
    #[arg(value_name = "FILE")]
    file: std::path::PathBuf,

    #[command(flatten)]
    scope: Scope,

    /// Look at it only, set nothing
    #[arg(long)]
    dry_run: bool,
}

impl Scope {
    fn name(&self) -> &str {
        if self.all_communities {
            tallykeep_repository::layout::COMMUNITIES
        } else {
            self.community.as_deref().unwrap_or("global")
        }
    }
}

impl Layout {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let repository = domains::repository(context).await?;
        match self {
            Self::Show(scope) => {
                let scope = repository.layout_scope(scope.name()).await?;
                let shown = repository.shown_layout(&scope).await?;
                let text = serde_json::to_string_pretty(&shown.layout)?;
                context.print(&shown, || text)
            }
            Self::Set(set) => {
                let scope = repository.layout_scope(set.scope.name()).await?;
                let value = read(&set.file)?;
                let outcome = if set.dry_run {
                    repository.check_layout(&scope, &value).map(|()| Vec::new()).map_err(LayoutError::Problems)
                } else {
                    repository.set_layout(&scope, &value, "command line").await
                };
                let set_scopes = match outcome {
                    Ok(scopes) => scopes,
                    Err(LayoutError::Problems(problems)) => {
                        let lines: Vec<String> =
                            problems.iter().map(|p| format!("{}: {p}", set.file.display())).collect();
                        anyhow::bail!("the layout cannot be used:\n{}", lines.join("\n"));
                    }
                    Err(LayoutError::Repository(error)) => return Err(error.into()),
                };
                context.print(&json!({"set": set_scopes, "dry_run": set.dry_run}), || {
                    if set.dry_run {
                        "the layout can be used; nothing was set".to_owned()
                    } else {
                        format!("set: {}", set_scopes.join(", "))
                    }
                })
            }
            Self::Reset(scope) => {
                let scope: LayoutScope = repository.layout_scope(scope.name()).await?;
                let was_set = repository.reset_layout(&scope).await?;
                let shown = repository.shown_layout(&scope).await?;
                context.print(&json!({"was_set": was_set, "from": shown.from}), || {
                    let before = if was_set { "forgotten" } else { "none was set" };
                    format!("{before}; what holds now comes from: {}", shown.from)
                })
            }
            Self::List => {
                let found = repository.set_layouts().await?;
                context.print(&json!({ "layouts": found }), || {
                    let line = |l: &Value| {
                        let text = |key: &str| l[key].as_str().unwrap_or("").to_owned();
                        format!(
                            "{:<38} {:<24} {} by {}",
                            text("scope"),
                            text("community"),
                            text("set_at"),
                            text("set_by")
                        )
                    };
                    if found.is_empty() {
                        "no layout was set".to_owned()
                    } else {
                        found.iter().map(line).collect::<Vec<_>>().join("\n")
                    }
                })
            }
            Self::Components => {
                let mut names = components();
                names.extend(repository.settings().custom_components.names().map(str::to_owned));
                context.print(&json!({ "components": names }), || names.iter().cloned().collect::<Vec<_>>().join("\n"))
            }
        }
    }
}

fn read(file: &std::path::Path) -> anyhow::Result<Value> {
    let text = if file.as_os_str() == "-" {
        let mut text = String::new();
        std::io::stdin().read_to_string(&mut text)?;
        text
    } else {
        std::fs::read_to_string(file).with_context(|| format!("could not read {}", file.display()))?
    };
    serde_json::from_str(&text).map_err(|error| usage(format!("{}: not JSON: {error}", file.display())))
}
