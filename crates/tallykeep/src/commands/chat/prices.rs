//! `tallykeep chat prices …`

use anyhow::anyhow;
use jiff::{civil::Date, tz::TimeZone};
use serde_json::{Value, json};
use tallykeep_chat::{
    interchange::price_unpriced,
    prices::{amount, amount_text},
    words::ServiceKind,
};
use tallykeep_control::chat::PriceRule;

use crate::{
    context::Context,
    exit::{Exit, usage},
};

#[derive(Debug, clap::Subcommand)]
pub enum Prices {
    /// Add a price. An open price of the same model and kind of token ends where it begins
    #[command(after_help = "Example: tallykeep chat prices add --provider openai --model gpt-4o --kind llm_input \
        --per-1000 0.0025 --from 2026-01-01 --team acme")]
    Add(Add),
    /// List the team's prices
    #[command(after_help = "Example: tallykeep chat prices list --team acme --json")]
    List,
    /// Remove a price; what was priced by it keeps its cost
    #[command(after_help = "Example: tallykeep chat prices remove 3 --team acme")]
    Remove {
        /// The price's number, as `list` shows it
        id: i64,
    },
    /// Price the records that have no price yet; a cost once recorded stays
    #[command(after_help = "Example: tallykeep chat prices apply --team acme")]
    Apply,
}

#[derive(Debug, clap::Args)]
pub struct Add {
    /// As usage records spell it
    #[arg(long)]
    provider: String,
    /// As usage records spell it
    #[arg(long)]
    model: String,
    /// llm_input, llm_output, llm_cached_input or llm_cache_write
    #[arg(long, value_parser = |text: &str| text.parse::<ServiceKind>().map_err(|error| error.to_string()))]
    kind: ServiceKind,
    /// Price of 1,000 tokens, with up to 8 decimals
    #[arg(long, value_name = "AMOUNT")]
    per_1000: String,
    /// First UTC day
    #[arg(long, value_name = "DATE")]
    from: Date,
    /// Last UTC day; until further notice where left out
    #[arg(long, value_name = "DATE")]
    to: Option<Date>,
}

impl Prices {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let team = context.team_control().await?;
        match self {
            Self::Add(add) => {
                let rule = add.rule()?;
                match team.chat_add_price(&rule).await? {
                    Ok(id) => {
                        let added = PriceRule { id, ..rule };
                        context.print(&document(&added), || line(&added))
                    }
                    Err(other) => Err(anyhow!("price {} is in the way: {}", other.id, line(&other).trim_end())),
                }
            }
            Self::List => {
                let rules = team.chat_prices().await?;
                let documents: Vec<Value> = rules.iter().map(document).collect();
                context.print(&documents, || rules.iter().map(line).collect())
            }
            Self::Remove { id } => {
                let removed = team.chat_remove_price(id).await?;
                context.print(&json!({"removed": removed}), || {
                    if removed { "removed".to_owned() } else { format!("no price {id}") }
                })?;
                if removed { Ok(()) } else { Err(Exit::Said.into()) }
            }
            Self::Apply => {
                let report = price_unpriced(&team, context.lake().await?).await?;
                context.print(&report, || format!("{} of {} unpriced records priced", report.priced, report.unpriced))
            }
        }
    }
}

impl Add {
    fn rule(self) -> anyhow::Result<PriceRule> {
        let per_thousand = amount(&self.per_1000).filter(|amount| *amount >= 0);
        let per_thousand = per_thousand
            .ok_or_else(|| usage(format!("--per-1000: `{}` is not an amount with up to 8 decimals", self.per_1000)))?;
        let midnight = |day: Date| {
            day.to_zoned(TimeZone::UTC).map(|at| at.timestamp()).map_err(|error| usage(format!("{day}: {error}")))
        };
        let valid_to = match self.to {
            Some(day) if day < self.from => return Err(usage("--to is before --from")),
            Some(day) => Some(midnight(day.tomorrow().map_err(|error| usage(format!("--to: {error}")))?)?),
            None => None,
        };
        Ok(PriceRule {
            id: 0,
            provider: self.provider,
            model: self.model,
            service_kind: self.kind.to_string(),
            per_thousand,
            valid_from: midnight(self.from)?,
            valid_to,
        })
    }
}

fn document(rule: &PriceRule) -> Value {
    json!({
        "id": rule.id,
        "provider": rule.provider,
        "model": rule.model,
        "service_kind": rule.service_kind,
        "per_1000": amount_text(rule.per_thousand),
        "valid_from": rule.valid_from,
        "valid_to": rule.valid_to,
    })
}

fn line(rule: &PriceRule) -> String {
    let PriceRule { id, provider, model, service_kind, .. } = rule;
    let until = rule.valid_to.map_or_else(String::new, |to| format!(" to before {to}"));
    format!(
        "{id:>4}  {provider}/{model} {service_kind}: {} per 1000 from {}{until}\n",
        amount_text(rule.per_thousand),
        rule.valid_from
    )
}
