//! `tallykeep token …`

use jiff::Timestamp;
use serde_json::json;
use tallykeep_access::TokenScope;

use super::people::{accounts, day_or_instant, note, record, team};
use crate::context::Context;

#[derive(Debug, clap::Subcommand)]
pub enum Token {
    /// Make a token of the team; it is printed this once
    #[command(
        after_help = "Example: tallykeep token create --team herbarium --scope read --expires 2027-12-31 --name 'monthly report'"
    )]
    Create(Create),
    /// List the team's tokens
    #[command(after_help = "Example: tallykeep token list --team herbarium")]
    List,
    /// End a token for good
    #[command(after_help = "Example: tallykeep token revoke 7 --team herbarium")]
    Revoke {
        /// The token's number, see `token list`
        id: i64,
    },
}

#[derive(Debug, clap::Args)]
pub struct Create {
    /// What it may do: read, ingest, admin
    #[arg(long, required = true, num_args = 1..)]
    scope: Vec<TokenScope>,
    /// Last day it works, or the instant it stops
    #[arg(long, value_name = "DATE", value_parser = day_or_instant)]
    expires: Option<Timestamp>,
    /// What it is for
    #[arg(long, value_name = "NAME", default_value = "")]
    name: String,
}

impl Token {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        match self {
            Self::Create(create) => create.run(context).await,
            Self::List => {
                let tokens = team(context, None).await?.tokens().await?;
                context.print(&tokens, || {
                    let now = context.clock.now();
                    let line = |token: &tallykeep_control::ApiToken| {
                        let state = match (token.revoked_at, token.expires_at) {
                            (Some(_), _) => "revoked".to_owned(),
                            (None, Some(at)) if at <= now => "expired".to_owned(),
                            (None, Some(at)) => format!("until {at}"),
                            (None, None) => "works".to_owned(),
                        };
                        format!("{}\t{}\t{}\t{state}\n", token.id, token.scopes.join(","), token.name)
                    };
                    tokens.iter().map(line).collect()
                })
            }
            Self::Revoke { id } => {
                let team = team(context, None).await?;
                let slug = team.team().slug.clone();
                anyhow::ensure!(team.revoke_token(id).await?, "team {slug} has no living token {id}");
                record(context, Some(&slug), "token.revoke", format!("token:{id}")).await?;
                context.print(&json!({ "id": id, "revoked": true }), || format!("token {id} is revoked"))
            }
        }
    }
}

impl Create {
    async fn run(mut self, context: &Context) -> anyhow::Result<()> {
        self.scope.sort_unstable();
        self.scope.dedup();
        let team = team(context, None).await?;
        let slug = team.team().slug.clone();
        let made = accounts(context).await?.create_token(&team, &self.name, &self.scope, self.expires, "cli").await?;
        let (token, secret) = made;
        record(context, Some(&slug), "token.create", format!("token:{} {}", token.id, token.scopes.join(","))).await?;
        if self.expires.is_some_and(|at| at <= context.clock.now()) {
            note("the token has expired already");
        }
        let document = json!({
            "token": secret, "id": token.id, "team": slug, "name": token.name,
            "scopes": token.scopes, "expires_at": token.expires_at,
        });
        if !context.options.json {
            note("this is shown once; keep it safe");
        }
        context.print(&document, || secret.clone())
    }
}
