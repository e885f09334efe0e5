//! `cache generate` and `cache generate-background`.

use std::{collections::BTreeSet, fmt::Write};

use serde_json::json;
use tallykeep_control::NewJob;
use tallykeep_repository::{
    Settings, TeamRepository,
    cache::{CachedResponses, GeneratePlan, GenerateReport, GenerateRequest, Years},
};

use crate::{
    background::{self, Folder, Process, Reporter},
    context::Context,
    domains,
    exit::usage,
    output::note,
};

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
    pub async fn run(self, context: &Context, settings: &Settings) -> anyhow::Result<()> {
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
    pub async fn run(self, context: &Context, settings: &Settings) -> anyhow::Result<()> {
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
            crate::output::say!("{}", report_text(&report).trim_end());
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
