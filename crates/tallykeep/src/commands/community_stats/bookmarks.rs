//! `community-stats clear-bookmarks`

use std::{collections::BTreeMap, fmt::Write};

use serde_json::json;
use tallykeep_repository::aggregate::Aggregator;

use crate::{context::Context, domains, exit::usage};

/// Never asks. The next aggregation starts at the first day again; the numbers stay until it replaces them
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats clear-bookmarks --community-id my-community --all-aggregation-types"
)]
pub struct ClearBookmarks {
    /// UUID or slug of a community, or `global`
    #[arg(long, value_name = "ID", num_args = 1.., conflicts_with = "all_communities")]
    community_id: Vec<String>,

    /// Only these aggregations
    #[arg(long, value_name = "NAME", num_args = 1.., conflicts_with = "all_aggregation_types")]
    aggregation_type: Vec<String>,

    /// Every community, and `global`
    #[arg(long)]
    all_communities: bool,

    /// Every aggregation
    #[arg(long)]
    all_aggregation_types: bool,

    /// Accepted: nothing is asked
    #[arg(long)]
    confirm: bool,
}

impl ClearBookmarks {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        if self.community_id.is_empty() && !self.all_communities {
            return Err(usage("say whose: --community-id, or --all-communities"));
        }
        if self.aggregation_type.is_empty() && !self.all_aggregation_types {
            return Err(usage("say which: --aggregation-type, or --all-aggregation-types"));
        }
        let aggregators = if self.all_aggregation_types {
            Aggregator::ALL.to_vec()
        } else {
            let known = || Aggregator::ALL.map(Aggregator::name).join(", ");
            self.aggregation_type
                .iter()
                .map(|name| {
                    Aggregator::from_name(name)
                        .ok_or_else(|| usage(format!("--aggregation-type: no `{name}`; there are {}", known())))
                })
                .collect::<anyhow::Result<Vec<_>>>()?
        };
        let repository = domains::repository(context).await?;
        let mut scopes: Vec<Option<String>> = Vec::new();
        for name in &self.community_id {
            let community = repository.community(name).await?;
            scopes.push(Some(community.map_or_else(|| "global".to_owned(), |community| community.id)));
        }
        if self.all_communities {
            scopes.push(None);
        }
        let control = context.team_control().await?;
        let mut cleared: BTreeMap<&str, u64> = BTreeMap::new();
        for aggregator in aggregators {
            for scope in &scopes {
                let count = control.clear_watermarks(Some(aggregator.name()), scope.as_deref()).await?;
                *cleared.entry(aggregator.name()).or_default() += count;
            }
        }
        let total: u64 = cleared.values().sum();
        context.print(&json!({"cleared": cleared, "total": total}), || {
            let mut out = String::new();
            for (name, count) in &cleared {
                let _ = writeln!(out, "{name}: {count}");
            }
            let _ = writeln!(out, "{total} bookmarks cleared");
            out
        })
    }
}
