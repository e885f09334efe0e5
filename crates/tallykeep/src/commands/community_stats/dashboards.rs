//! `community-stats enable-dashboards`

use jiff::civil::Date;
use tallykeep_repository::dashboards::EnableRequest;

use crate::{context::Context, domains};

/// Switches dashboards on, by id or by how active the communities are
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats enable-dashboards --active-since 2025-01-01 --record-threshold 10"
)]
pub struct EnableDashboards {
    /// Community UUIDs; they override the filters
    ids: Vec<String>,

    /// Communities whose first record came on this day or before
    #[arg(long, value_name = "DATE")]
    first_active: Option<Date>,

    /// Communities whose last record came on this day or later
    #[arg(long, value_name = "DATE")]
    active_since: Option<Date>,

    /// Communities with at least this many membership events
    #[arg(long, value_name = "N", default_value_t = 0)]
    record_threshold: u64,

    /// Name every community
    #[arg(long, short = 'v')]
    verbose: bool,
}

impl EnableDashboards {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let request = EnableRequest {
            ids: self.ids,
            first_active: self.first_active,
            active_since: self.active_since,
            record_threshold: self.record_threshold,
        };
        let done = domains::repository(context).await?.enable_dashboards(&request).await?;
        context.print(&done, || {
            let mut out =
                format!("{} updated, {} failed\n", done.communities_updated.len(), done.communities_failed.len());
            if self.verbose {
                done.communities_updated.iter().for_each(|id| out.push_str(&format!("updated {id}\n")));
            }
            done.communities_failed
                .iter()
                .for_each(|f| out.push_str(&format!("failed {}: {}\n", f.id, f.error_message)));
            out
        })?;
        if done.communities_failed.is_empty() || !done.communities_updated.is_empty() {
            Ok(())
        } else {
            Err(crate::exit::Exit::Said.into())
        }
    }
}
