//! `community-stats clear-lock`

use std::fmt::Write;

use serde_json::json;
use tallykeep_control::LeaseHolder;

use crate::context::Context;

/// A dead owner's lock ends by itself, at the latest after 10 s; this frees one at once, also of a live owner, who is not stopped by it
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats clear-lock --list-locks")]
pub struct ClearLock {
    /// Lock to free: community_stats_aggregation, community_stats_cache_generation, usage_events_migration, repository_import, repository_source
    #[arg(long, value_name = "NAME", default_value = "community_stats_aggregation")]
    lock_name: String,

    /// Say who holds what, and free nothing
    #[arg(long)]
    list_locks: bool,

    /// Say what would be freed, and free nothing
    #[arg(long)]
    dry_run: bool,
}

impl ClearLock {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let control = context.team_control().await?;
        let team = control.team().slug.clone();
        // Locks of a team end with its name; another team's are none of this command's business.
        let own: Vec<LeaseHolder> = control
            .control()
            .leases()
            .await?
            .into_iter()
            .filter(|holder| holder.name.rsplit_once(':').is_none_or(|(_, of)| of == team.as_str()))
            .collect();
        let short = |holder: &LeaseHolder| holder.name.split(':').next().unwrap_or_default().to_owned();
        if self.list_locks {
            let list: Vec<_> = own
                .iter()
                .map(|holder| {
                    json!({"name": short(holder), "holder": holder.what, "since": holder.since, "until": holder.until})
                })
                .collect();
            return context.print(&json!({"locks": list}), || {
                if own.is_empty() {
                    return "No locks are held".to_owned();
                }
                let mut out = String::new();
                for holder in &own {
                    let _ = writeln!(out, "{}: held by {} since {}", short(holder), holder.what, holder.since);
                }
                out
            });
        }
        let held = own.iter().find(|holder| holder.name == self.lock_name || short(holder) == self.lock_name);
        let cleared = match held {
            Some(holder) if !self.dry_run => control.control().break_lease(&holder.name).await?,
            _ => false,
        };
        let document = json!({"name": self.lock_name, "held": held.is_some(), "holder": held.map(|h| h.what.clone()),
            "cleared": cleared, "dry_run": self.dry_run});
        context.print(&document, || match held {
            None => format!("Lock {} is not held", self.lock_name),
            Some(holder) if self.dry_run => {
                format!("Would clear lock {} held by {} since {}", self.lock_name, holder.what, holder.since)
            }
            Some(holder) => format!("Cleared lock {} held by {} since {}", self.lock_name, holder.what, holder.since),
        })
    }
}
