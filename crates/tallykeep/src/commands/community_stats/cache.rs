//! `community-stats cache …` (seeds 001 and 004)

use std::{collections::BTreeSet, fmt::Write, time::Duration};

use jiff::civil::Date;
use serde_json::json;
use tallykeep_control::NewJob;
use tallykeep_repository::{
    Settings, TeamRepository,
    cache::{
        CachedResponses, Category, GeneratePlan, GenerateReport, GenerateRequest, Identity, ListedResponse, Years,
    },
    state::Basis,
};

use super::tasks;
use crate::{
    background::{self, Folder, Process, Reporter},
    context::Context,
    domains,
    exit::usage,
    output::note,
};

#[derive(Debug, clap::Subcommand)]
pub enum Cache {
    /// Make answers before anybody asks
    Generate(Generate),
    /// The same in a process of its own
    GenerateBackground(GenerateBackground),
    /// Forget every kept answer
    ClearAll(ClearAll),
    /// Forget the kept answers of one community and category
    ClearItem(ClearItem),
    /// Forget kept answers by key or identity
    ClearPattern(ClearPattern),
    /// What keeps answers, and how much there is
    Info(Info),
    /// Every kept answer with its identity and key
    List(List),
    /// Keep, read and forget an answer, to see that it works
    Test(Test),
}

impl Cache {
    pub async fn run(self, context: &Context, settings: &Settings) -> anyhow::Result<()> {
        match self {
            Self::Generate(command) => command.run(context, settings).await,
            Self::GenerateBackground(command) => command.run(context, settings).await,
            Self::ClearAll(command) => command.run(context).await,
            Self::ClearItem(command) => command.run(context).await,
            Self::ClearPattern(command) => command.run(context).await,
            Self::Info(command) => command.run(context).await,
            Self::List(command) => command.run(context).await,
            Self::Test(command) => command.run(context).await,
        }
    }
}

/// Categories of a community and year are made from one reading; what is there and true is left alone.
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats cache generate --community-id global --years 2020-2023")]
pub struct Generate {
    #[command(flatten)]
    pub what: What,

    /// Hand the work to a running `serve`, or to a process of its own
    #[arg(long = "async")]
    asynchronous: bool,

    /// Say what would be made, and make nothing
    #[arg(long)]
    dry_run: bool,
}

/// What is generated; the same for a process in the background.
#[derive(Debug, Clone, clap::Args)]
pub struct What {
    /// UUID or slug of a community, or `global` [default: global]
    #[arg(long, value_name = "ID", num_args = 1..)]
    community_id: Vec<String>,

    /// Slug of a community
    #[arg(long, value_name = "SLUG", num_args = 1..)]
    community_slug: Vec<String>,

    /// A year, or several as 2020-2023
    #[arg(long, value_name = "YEAR", num_args = 1.., conflicts_with = "all_years")]
    year: Vec<String>,

    /// Years, e.g. 2020-2023
    #[arg(long, value_name = "RANGE", conflicts_with = "all_years")]
    years: Option<String>,

    /// Every year since a community began (the default); without a community: of every enabled one and global
    #[arg(long)]
    all_years: bool,

    /// Make anew what is there and true
    #[arg(long)]
    overwrite: bool,

    /// The same, also while scheduled cache generation is switched off
    #[arg(long)]
    force: bool,
}

impl What {
    /// The request, with names looked up. Errors: unknown communities, ranges that are none, a switched-off schedule.
    pub async fn request(self, repository: &TeamRepository, settings: &Settings) -> anyhow::Result<GenerateRequest> {
        if !settings.scheduled_caching && !self.force {
            anyhow::bail!(
                "scheduled cache generation is switched off (COMMUNITY_STATS_SCHEDULED_CACHE_TASKS_ENABLED is False); use --force to \
                 generate anyway"
            );
        }
        let mut communities = self.community_id;
        for name in &communities {
            repository.community(name).await?;
        }
        let known = repository.communities().await?;
        for slug in self.community_slug {
            match known.iter().find(|c| c.slug == slug) {
                Some(community) => communities.push(community.id.clone()),
                None => anyhow::bail!("Community with slug '{slug}' not found"),
            }
        }
        let mut years = BTreeSet::new();
        for text in self.year.iter().chain(&self.years) {
            years.extend(year_range(text)?);
        }
        Ok(GenerateRequest {
            all_communities: communities.is_empty() && self.all_years,
            communities,
            years: if years.is_empty() { Years::Auto } else { Years::List(years.into_iter().collect()) },
            overwrite: self.overwrite || self.force,
            ..GenerateRequest::default()
        })
    }
}

/// `2023` or `2020-2023`.
fn year_range(text: &str) -> anyhow::Result<Vec<i16>> {
    let wrong = || usage(format!("Invalid year range format: {text}"));
    let year = |part: &str| part.trim().parse::<i16>().ok().filter(|y| (1..=9999).contains(y)).ok_or_else(wrong);
    let (first, last) = match text.split_once('-') {
        Some((first, last)) => (year(first)?, year(last)?),
        None => (year(text)?, year(text)?),
    };
    if last < first {
        return Err(usage(format!("Invalid year range format: {text} ({last} is before {first})")));
    }
    Ok((first..=last).collect())
}

impl Generate {
    async fn run(self, context: &Context, settings: &Settings) -> anyhow::Result<()> {
        let repository = domains::repository(context).await?;
        // Nothing is made by looking: a dry run is allowed while the schedule is off.
        let what = What { force: self.what.force || self.dry_run, ..self.what.clone() };
        let mut request = what.request(&repository, settings).await?;
        request.overwrite = self.what.overwrite || self.what.force;
        let service = repository.cached_responses();
        if self.dry_run {
            let plan = service.plan(&request).await?;
            return context.print(&plan, || plan_text(&plan));
        }
        if self.asynchronous {
            return self.enqueue(context, &service, &request).await;
        }
        let stop = crate::context::interrupted();
        let watched = context.is_terminal();
        let report = service
            .generate(&request, &mut |p| {
                if watched {
                    note!("{}/{} {}", p.done, p.all, p.step);
                }
                !stop.is_cancelled()
            })
            .await?;
        context.print(&report, || report_text(&report))?;
        if report.failed > 0 { Err(crate::exit::Exit::Said.into()) } else { Ok(()) }
    }

    /// One job for each community.
    async fn enqueue(
        &self,
        context: &Context,
        service: &CachedResponses,
        request: &GenerateRequest,
    ) -> anyhow::Result<()> {
        let control = context.team_control().await?;
        let mut ids = Vec::new();
        for community in service.plan(request).await?.communities {
            let communities = vec![community.community_id];
            let own = GenerateRequest { communities, all_communities: false, ..request.clone() };
            let mut args = own.to_json();
            args["wait"] = json!(true);
            ids.push(control.queue_job(&NewJob { kind: domains::GENERATE, args }).await?);
        }
        let mut how = String::new();
        if control.control().lease_holder(domains::SERVE_LEASE).await?.is_none() {
            let (pid, log) = domains::start_worker(context)?;
            how = format!(
                "No server is running: started a process of its own (PID {pid}); it logs to {}.\n",
                log.display()
            );
        }
        let document = json!({"async": true, "task_count": ids.len(), "task_ids": ids});
        context.print(&document, || {
            let list: Vec<String> = ids.iter().map(|id| format!("'{id}'")).collect();
            format!("✅ Cache generation started in background\n📋 Task IDs: [{}]\n{how}", list.join(", "))
        })
    }
}

/// Makes answers in a process of its own, which outlives this one
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats cache generate-background --all-years --pid-dir /var/run/tallykeep"
)]
pub struct GenerateBackground {
    #[command(flatten)]
    what: What,

    #[command(flatten)]
    folder: Folder,
}

impl GenerateBackground {
    async fn run(self, context: &Context, settings: &Settings) -> anyhow::Result<()> {
        background::check(context, Process::CacheGeneration, &self.folder)?;
        let repository = domains::repository(context).await?;
        let request = self.what.request(&repository, settings).await?;
        background::run(context, Process::CacheGeneration, &self.folder, async |reporter: Reporter| {
            let report = repository
                .cached_responses()
                .generate(&request, &mut |p| {
                    reporter.tell(u64::try_from(p.done).unwrap_or(0), u64::try_from(p.all).unwrap_or(0), &p.step)
                })
                .await?;
            crate::output::say!("{}", report_text(&report));
            if report.failed > 0 { Err(crate::exit::Exit::Said.into()) } else { Ok(()) }
        })
        .await
    }
}

fn plan_text(plan: &GeneratePlan) -> String {
    let mut out = format!(
        "Would generate {} cached responses:\n  Communities: {}\n  Years: {}\n  Categories: {}\n",
        plan.total,
        plan.communities.len(),
        plan.years.len(),
        plan.categories.len()
    );
    for community in &plan.communities {
        let span = match (community.years.first(), community.years.last()) {
            (Some(first), Some(last)) if first == last => first.to_string(),
            (Some(first), Some(last)) => format!("{first}-{last}"),
            _ => format!("none (it begins in {})", community.first_year),
        };
        // Writing into a String cannot fail.
        let _ = writeln!(out, "  {} ({}): {span}", community.community_slug, community.community_id);
    }
    let _ = writeln!(out, "  Already cached: {}", plan.existing);
    out
}

fn report_text(report: &GenerateReport) -> String {
    let mut out = format!(
        "✅ Cache generation completed\n📊 Success: {}, Failed: {}\nSkipped: {}\n",
        report.success, report.failed, report.skipped
    );
    if !report.errors.is_empty() {
        out.push_str("❌ Errors:\n");
    }
    for error in &report.errors {
        let _ = writeln!(out, "  {}/{}/{}: {}", error.community_id, error.year, error.category, error.error);
    }
    out
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats cache clear-all")]
pub struct ClearAll {
    /// Accepted: clearing never asks
    #[arg(long)]
    force: bool,

    /// Accepted: clearing never asks
    #[arg(long)]
    yes_i_know: bool,
}

impl ClearAll {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        tracing::trace!(self.force, self.yes_i_know, "never asks");
        let cleared = domains::repository(context).await?.cached_responses().clear().await?;
        context.print(&json!({ "cleared": cleared }), || format!("Cleared {cleared} cached responses"))
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats cache clear-item global record_snapshots")]
pub struct ClearItem {
    /// UUID or slug of a community, or `global`
    #[arg(value_name = "COMMUNITY_ID")]
    community_id: String,

    /// A category by its name here or in seed 004, also in the plural
    #[arg(value_name = "STAT_NAME")]
    stat_name: String,

    /// First day of the year [default: every year]
    #[arg(long, value_name = "DATE")]
    start_date: Option<Date>,

    /// Last day of the year
    #[arg(long, value_name = "DATE")]
    end_date: Option<Date>,

    /// Date a record's time starts at: `added`, `created` or `published`
    #[arg(long, value_name = "BASIS", default_value = "added")]
    date_basis: String,

    /// Answers are kept as JSON
    #[arg(long, value_name = "TYPE", default_value = "application/json")]
    content_type: String,
}

impl ClearItem {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let category = category(&self.stat_name)?;
        let basis = Basis::ALL.into_iter().find(|basis| basis.as_str() == self.date_basis);
        let basis = basis.ok_or_else(|| {
            usage(format!("--date-basis: `{}` is none of added, created, published", self.date_basis))
        })?;
        if self.content_type != "application/json" {
            return Err(usage(format!(
                "--content-type: nothing is kept as `{}`, only as application/json",
                self.content_type
            )));
        }
        let first = self.start_date.map_or(i16::MIN, Date::year);
        let last = self.end_date.map_or(if self.start_date.is_some() { first } else { i16::MAX }, Date::year);
        if last < first {
            return Err(usage(format!("--end-date is before --start-date {}", self.start_date.unwrap_or_default())));
        }
        let service = domains::repository(context).await?.cached_responses();
        let id = service.community_id(&self.community_id).await?;
        let basis = Identity::new(&id, 0, category, basis).basis;
        let mut cleared = 0;
        for one in service.list(Some(&id)).await? {
            let year = i16::try_from(one.year).unwrap_or_default();
            if one.category == category.stat() && one.date_basis == basis.as_str() && (first..=last).contains(&year) {
                cleared += service.invalidate(&one.cache_key).await?;
            }
        }
        let document =
            json!({"community_id": id, "category": category.stat(), "date_basis": basis.as_str(), "cleared": cleared});
        context.print(&document, || format!("Cleared {cleared} cached responses of {id}/{}", category.stat()))
    }
}

fn category(name: &str) -> anyhow::Result<Category> {
    Category::find(name)
        .ok_or_else(|| usage(format!("no category `{name}`; there are {}", Category::names().join(", "))))
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats cache clear-pattern 'my-community/2024/*'")]
pub struct ClearPattern {
    /// A key, or `community/year/category/basis` or one part of it; `*` is any text, `?` any character
    pattern: String,

    /// Accepted: clearing never asks
    #[arg(long)]
    force: bool,
}

impl ClearPattern {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        tracing::trace!(self.force, "never asks");
        let cleared = domains::repository(context).await?.cached_responses().invalidate(&self.pattern).await?;
        let document = json!({"pattern": self.pattern, "cleared": cleared});
        context.print(&document, || format!("Cleared {cleared} cached responses matching '{}'", self.pattern))
    }
}

#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep community-stats cache info --detailed")]
pub struct Info {
    /// Count by community, year and category too
    #[arg(long)]
    detailed: bool,
}

impl Info {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
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
    async fn run(self, context: &Context) -> anyhow::Result<()> {
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
                    let _ = write!(out, "  {} old", age(one.age_seconds));
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
    async fn run(self, context: &Context) -> anyhow::Result<()> {
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
