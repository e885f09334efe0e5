//! `tallykeep team …`

use serde_json::json;
use tallykeep_access::{Dashboard, Role, TeamVisibility, VISIBILITY_SETTING, Visibility};
use tallykeep_model::TeamSlug;

use super::people::{record, team, user};
use crate::{context::Context, exit::usage};

#[derive(Debug, clap::Subcommand)]
pub enum Team {
    /// Add a team
    #[command(after_help = "Example: tallykeep team add herbarium --name 'The Herbarium'")]
    Add(Add),
    /// List the teams and who sees their dashboards
    #[command(after_help = "Example: tallykeep team list --json")]
    List,
    /// Decide who sees a team's dashboards, whether it tracks costs, what it is called
    #[command(after_help = "Example: tallykeep team set herbarium --visibility packages=public --cost-tracking on")]
    Set(Set),
    /// Members and their roles
    #[command(subcommand)]
    Member(Member),
    /// Who, beside editors and admins, may read restricted communities
    #[command(subcommand)]
    Reader(Reader),
}

#[derive(Debug, clap::Args)]
pub struct Add {
    /// Name in addresses and folders: a-z, 0-9, - and _
    slug: TeamSlug,
    /// Name for people; the slug where left out
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
}

#[derive(Debug, clap::Args)]
pub struct Set {
    slug: TeamSlug,
    /// New name for people
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// Who sees a dashboard: repository, packages or chat = private (editors and admins), team, signed-in or public
    #[arg(long, value_name = "DASHBOARD=WHO", num_args = 1.., value_parser = visibility)]
    visibility: Vec<(Dashboard, Visibility)>,
    /// Whether chat shows what replies cost
    #[arg(long, value_name = "on|off", value_parser = ["on", "off"])]
    cost_tracking: Option<String>,
}

#[derive(Debug, clap::Subcommand)]
pub enum Member {
    /// Make a user a member, or change a member's role
    #[command(after_help = "Example: tallykeep team member add herbarium ada@example.org --role editor")]
    Add {
        slug: TeamSlug,
        email: String,
        /// viewer, editor or admin
        #[arg(long)]
        role: Role,
    },
    /// End a membership
    #[command(after_help = "Example: tallykeep team member remove herbarium ada@example.org")]
    Remove { slug: TeamSlug, email: String },
    /// List a team's members
    #[command(after_help = "Example: tallykeep team member list herbarium")]
    List { slug: TeamSlug },
}

#[derive(Debug, clap::Subcommand)]
pub enum Reader {
    /// Let a user read a restricted community
    #[command(after_help = "Example: tallykeep team reader add herbarium 0e3b… ada@example.org")]
    Add { slug: TeamSlug, community: String, email: String },
    /// Take it back
    #[command(after_help = "Example: tallykeep team reader remove herbarium 0e3b… ada@example.org")]
    Remove { slug: TeamSlug, community: String, email: String },
    /// List who was let in
    #[command(after_help = "Example: tallykeep team reader list herbarium")]
    List { slug: TeamSlug },
}

fn visibility(text: &str) -> Result<(Dashboard, Visibility), String> {
    let (dashboard, who) = text.split_once('=').ok_or("use DASHBOARD=WHO, e.g. packages=public")?;
    let parse = |error: tallykeep_access::UnknownWord| error.to_string();
    Ok((dashboard.parse().map_err(parse)?, who.parse().map_err(parse)?))
}

impl Team {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Add(add) => add.run(context).await,
            Self::List => list(context).await,
            Self::Set(set) => set.run(context).await,
            Self::Member(member) => member.run(context).await,
            Self::Reader(reader) => reader.run(context).await,
        }
    }
}

impl Add {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let name = self.name.unwrap_or_else(|| self.slug.to_string());
        let added = context.control().await?.add_team(&self.slug, &name).await?;
        record(context, Some(&added.slug), "team.add", added.slug.to_string()).await?;
        let document = json!({ "slug": added.slug, "name": added.name });
        context.print(&document, || format!("added team {}", added.slug))
    }
}

async fn list(context: &Context) -> anyhow::Result<()> {
    let control = context.control().await?;
    let mut rows = Vec::new();
    for team in control.teams().await? {
        let seen = TeamVisibility::from_settings(&control.for_team(team.clone()).settings().await?);
        rows.push((team, seen));
    }
    let document: Vec<_> = rows
        .iter()
        .map(|(team, seen)| json!({ "slug": team.slug, "name": team.name, "visibility": seen.to_setting() }))
        .collect();
    context.print(&document, || {
        let line = |(team, seen): &(tallykeep_model::Team, TeamVisibility)| {
            let seen: Vec<_> = Dashboard::ALL.iter().map(|d| format!("{d}={}", seen.of(*d))).collect();
            format!("{}\t{}\t{}\n", team.slug, team.name, seen.join(" "))
        };
        rows.iter().map(line).collect()
    })
}

impl Set {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        if self.name.is_none() && self.visibility.is_empty() && self.cost_tracking.is_none() {
            return Err(usage("nothing to set: name --name, --visibility or --cost-tracking"));
        }
        let team = team(context, Some(&self.slug)).await?;
        let mut seen = TeamVisibility::from_settings(&team.settings().await?);
        for (dashboard, who) in &self.visibility {
            seen = seen.with(*dashboard, *who).map_err(usage)?;
        }
        if let Some(name) = &self.name {
            team.rename_team(name).await?;
            record(context, Some(&self.slug), "team.rename", name.clone()).await?;
        }
        if !self.visibility.is_empty() {
            team.set_setting(VISIBILITY_SETTING, seen.to_setting()).await?;
            let said: Vec<_> = self.visibility.iter().map(|(dashboard, who)| format!("{dashboard} {who}")).collect();
            record(context, Some(&self.slug), "team.visibility", said.join(", ")).await?;
        }
        if let Some(word) = &self.cost_tracking {
            team.set_setting("cost_tracking", json!(word == "on")).await?;
            record(context, Some(&self.slug), "team.cost-tracking", word.clone()).await?;
        }
        let settings = team.settings().await?;
        let costs = settings.get("cost_tracking").and_then(serde_json::Value::as_bool).unwrap_or(false);
        let document = json!({ "slug": self.slug, "visibility": seen.to_setting(), "cost_tracking": costs });
        context.print(&document, || format!("team {} is set", self.slug))
    }
}

impl Member {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Add { slug, email, role } => {
                let team = team(context, Some(&slug)).await?;
                let person = user(context, &email).await?;
                team.set_member(person.id, role.as_str()).await?;
                record(context, Some(&slug), "member.set", format!("{} {role}", person.email)).await?;
                let document = json!({ "team": slug, "email": person.email, "role": role });
                context.print(&document, || format!("{} is {role} in {slug}", person.email))
            }
            Self::Remove { slug, email } => {
                let team = team(context, Some(&slug)).await?;
                let person = user(context, &email).await?;
                anyhow::ensure!(team.remove_member(person.id).await?, "{} is no member of {slug}", person.email);
                record(context, Some(&slug), "member.remove", person.email.clone()).await?;
                let document = json!({ "team": slug, "email": person.email, "removed": true });
                context.print(&document, || format!("{} is no member of {slug} any more", person.email))
            }
            Self::List { slug } => {
                let members = team(context, Some(&slug)).await?.members().await?;
                context.print(&members, || {
                    members.iter().map(|m| format!("{}\t{}\t{}\n", m.email, m.role, m.name)).collect()
                })
            }
        }
    }
}

impl Reader {
    async fn run(self, context: &Context) -> anyhow::Result<()> {
        let (slug, community, email, reads) = match self {
            Self::Add { slug, community, email } => (slug, community, email, true),
            Self::Remove { slug, community, email } => (slug, community, email, false),
            Self::List { slug } => {
                let rows = team(context, Some(&slug)).await?.community_readers().await?;
                let document: Vec<_> = rows
                    .iter()
                    .map(|(community, email)| json!({ "community_id": community, "email": email }))
                    .collect();
                return context.print(&document, || rows.iter().map(|(c, e)| format!("{c}\t{e}\n")).collect());
            }
        };
        let person = user(context, &email).await?;
        team(context, Some(&slug)).await?.set_community_reader(&community, person.id, reads).await?;
        let action = if reads { "community-reader.add" } else { "community-reader.remove" };
        record(context, Some(&slug), action, format!("{community} {}", person.email)).await?;
        let document = json!({ "team": slug, "community_id": community, "email": person.email, "reads": reads });
        let may = if reads { "may" } else { "may not" };
        context.print(&document, || format!("{} {may} read {community}", person.email))
    }
}
