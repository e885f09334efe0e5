//! `cache info`, `list` and `test`.

use std::{fmt::Write, time::Duration};

use serde_json::json;
use tallykeep_repository::{
    cache::{CachedResponses, Identity, ListedResponse},
    state::Basis,
};

use super::{super::tasks, category};
use crate::{context::Context, domains};

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats cache info --detailed")]
pub struct Info {
    /// Count by community, year and category too
    #[arg(long)]
    detailed: bool,
}

impl Info {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let service = domains::repository(context).await?.cached_responses();
        let (info, size) = (service.info().await?, service.size_info().await?);
        let mut document = json!({"info": info, "size": size});
        let mut out = format!(
            "Cache type: {}\nVersion: {}\nCached responses: {} ({} current)\nTotal size: {} ({} bytes)\nIn memory here: {} ({} bytes)\n\
             Generating now: {}\nTime to live: {} days\nKey prefix: {}\nTime: {}\n",
            info.cache_type,
            info.version,
            size.key_count,
            size.current_count,
            size.total_memory_human,
            size.total_memory_bytes,
            info.memory_entries,
            info.memory_bytes,
            if info.connected_clients > 0 { "yes" } else { "no" },
            info.default_ttl_days,
            size.cache_prefix,
            info.timestamp
        );
        let jobs = tasks::tasks(context, domains::GENERATE).await?;
        document["tasks"] = tasks::to_json(&jobs);
        for job in &jobs {
            // Writing into a String cannot fail.
            let _ = writeln!(out, "{}", tasks::line(job));
        }
        for (layout, count) in &size.layouts {
            // Writing into a String cannot fail.
            let _ = writeln!(out, "Layout {layout}: {count} responses");
        }
        if self.detailed {
            let list = service.list(None).await?;
            let count = |of: fn(&ListedResponse) -> String| {
                let mut counts = std::collections::BTreeMap::<String, usize>::new();
                list.iter().for_each(|one| *counts.entry(of(one)).or_default() += 1);
                counts
            };
            let parts = [
                ("communities", count(|one| one.community_slug.clone())),
                ("years", count(|one| one.year.to_string())),
                ("categories", count(|one| one.category.clone())),
            ];
            for (name, counts) in &parts {
                // Writing into a String cannot fail.
                let _ = writeln!(out, "By {name}:");
                counts.iter().for_each(|(key, n)| {
                    let _ = writeln!(out, "  {key}: {n}");
                });
                document[*name] = json!(counts);
            }
        }
        context.print(&document, || out)
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats cache list --community-id global --include-sizes")]
pub struct List {
    /// At most so many
    #[arg(long, value_name = "N", default_value_t = 50)]
    limit: usize,

    /// Only those a pattern matches (as in `clear-pattern`)
    #[arg(long, value_name = "PATTERN")]
    pattern: Option<String>,

    /// Only of this community (UUID, slug or `global`)
    #[arg(long, value_name = "ID")]
    community_id: Option<String>,

    /// Identities instead of keys
    #[arg(long)]
    human_readable: bool,

    /// Show sizes
    #[arg(long)]
    include_sizes: bool,

    /// Show ages
    #[arg(long)]
    include_ages: bool,
}

impl List {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let service = domains::repository(context).await?.cached_responses();
        let mut list = service.list(self.community_id.as_deref()).await?;
        if let Some(pattern) = &self.pattern {
            list.retain(|one| CachedResponses::matches(pattern, one));
        }
        let total = list.len();
        list.truncate(self.limit);
        context.print(&json!({"total": total, "responses": list}), || {
            if total == 0 {
                return "No cached responses".to_owned();
            }
            let mut out = format!("{total} cached responses\n");
            for one in &list {
                let identity = format!("{}/{}/{}/{}", one.community_slug, one.year, one.category, one.date_basis);
                // Writing into a String cannot fail.
                let _ = if self.human_readable {
                    write!(out, "{identity}")
                } else {
                    write!(out, "{}  {identity}", one.cache_key)
                };
                if !self.human_readable && !one.layout_hash.is_empty() {
                    let _ = write!(out, "  layout {}", one.layout_hash);
                }
                if !one.current {
                    out.push_str("  old");
                }
                if self.include_sizes {
                    let _ = write!(out, "  {} bytes", one.size_bytes);
                }
                if self.include_ages {
                    let _ = write!(out, "  age {}", age(one.age_seconds));
                }
                out.push('\n');
            }
            if total > list.len() {
                let _ = writeln!(out, "… and {} more (--limit {total} shows all)", total - list.len());
            }
            out
        })
    }
}

/// `3d 04:05:06`
fn age(seconds: i64) -> String {
    let rest = Duration::from_secs(seconds.unsigned_abs()).as_secs();
    let clock = format!("{:02}:{:02}:{:02}", rest / 3600 % 24, rest / 60 % 60, rest % 60);
    if rest >= 86_400 { format!("{}d {clock}", rest / 86_400) } else { clock }
}

/// Uses a year that no community has, so that nothing that is kept is touched.
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats cache test --community-id global --stat-name record_snapshot"
)]
pub struct Test {
    /// UUID or slug of a community, or `global`
    #[arg(long, value_name = "ID", default_value = "global")]
    community_id: String,

    /// A category
    #[arg(long, value_name = "NAME", default_value = "record-snapshot-category")]
    stat_name: String,
}

impl Test {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        const NO_YEAR: i16 = 1;
        let category = category(&self.stat_name)?;
        let service = domains::repository(context).await?.cached_responses();
        let id = service.community_id(&self.community_id).await?;
        let identity = Identity::new(&id, NO_YEAR, category, Basis::Added);
        let probe = format!("{{\"test\":\"{}\"}}", uuid::Uuid::now_v7()).into_bytes();
        service.update(&identity, probe.clone()).await?;
        let written = service.exists(&identity).await?;
        let read = service.read(&identity).await?.is_some_and(|kept| kept.data == probe);
        let gone = service.delete(&id, NO_YEAR, Some(category)).await? == 1 && !service.exists(&identity).await?;
        let key = identity.key(&domains::settings(context)?.cache_prefix);
        let document = json!({"community_id": id, "category": category.stat(), "cache_key": key,
            "write": written, "read": read, "delete": gone, "ok": written && read && gone});
        let word = |ok: bool| if ok { "ok" } else { "FAILED" };
        context.print(&document, || {
            format!(
                "Key: {key}\nWrite: {}\nRead: {}\nDelete: {}\nCache test {}",
                word(written),
                word(read),
                word(gone),
                if written && read && gone { "passed" } else { "failed" }
            )
        })?;
        if written && read && gone { Ok(()) } else { Err(crate::exit::Exit::Said.into()) }
    }
}
