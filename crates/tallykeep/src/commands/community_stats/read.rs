//! `community-stats read`

use jiff::{ToSpan, civil::Date};
use serde_json::Value;
use tallykeep_repository::{
    RepositoryError,
    read::{Params, Query},
};

use crate::{context::Context, domains, exit::usage};

/// Prints documents as JSON, oldest first
#[derive(Debug, clap::Args)]
#[command(
    after_help = "Example: tallykeep community-stats read --community-id my-community --start-date 2024-01-01 --end-date 2024-01-31 \\
    --query-type community-usage-delta"
)]
pub struct Read {
    /// UUID or slug of a community, or `global`
    #[arg(long, value_name = "ID", default_value = "global")]
    community_id: String,

    /// First day [default: yesterday]
    #[arg(long, value_name = "DATE")]
    start_date: Option<Date>,

    /// Last day [default: today]
    #[arg(long, value_name = "DATE")]
    end_date: Option<Date>,

    /// One query instead of all documents
    #[arg(long, value_name = "NAME")]
    query_type: Option<String>,
}

impl Read {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let today = context.clock.today();
        let name = self.query_type.as_deref().unwrap_or("community-stats");
        let Some(query) = Query::find(name) else {
            let known: Vec<&str> = Query::names().collect();
            return Err(usage(format!("--query-type: no query `{name}`; there are {}", known.join(", "))));
        };
        let start = self.start_date.unwrap_or_else(|| today.saturating_sub(1.day()));
        let end = self.end_date.unwrap_or(today.max(start));
        if end < start {
            return Err(usage(format!("--end-date {end} is before --start-date {start}")));
        }
        let params =
            Params { community_id: Some(self.community_id), start: Some(start), end: Some(end), ..Params::default() };
        let params = Params { all_bases: self.query_type.is_none(), ..params };
        let repository = domains::repository(context).await?;
        match repository.query(query, &params).await {
            Ok(answer) => {
                let document: Value = serde_json::from_slice(&answer.json)?;
                context.print(&document, || serde_json::to_string_pretty(&document).unwrap_or_default())
            }
            Err(RepositoryError::NoResults { .. }) => {
                let empty = if self.query_type.is_some() { Value::Array(Vec::new()) } else { serde_json::json!({}) };
                context.print(&empty, || "No data found for the specified date range.".to_owned())
            }
            Err(error) => Err(error.into()),
        }
    }
}
