//! `cache clear-all`, `clear-item` and `clear-pattern`: never ask, and cost only time.

use jiff::civil::Date;
use serde_json::json;
use tallykeep_repository::{cache::Identity, state::Basis};

use super::category;
use crate::{context::Context, domains, exit::usage};

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
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
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
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
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
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        tracing::trace!(self.force, "never asks");
        let cleared = domains::repository(context).await?.cached_responses().invalidate(&self.pattern).await?;
        let document = json!({"pattern": self.pattern, "cleared": cleared});
        context.print(&document, || format!("Cleared {cleared} cached responses matching '{}'", self.pattern))
    }
}
