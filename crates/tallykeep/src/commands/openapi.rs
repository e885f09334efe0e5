//! `tallykeep openapi`

use crate::{context::Context, output::write_out};

/// Print the OpenAPI document of the HTTP API
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep openapi > openapi.json")]
pub struct Openapi {}

impl Openapi {
    pub async fn run(self, _context: &Context) -> anyhow::Result<()> {
        let document = tallykeep_server::openapi();
        write_out(&format!("{}\n", serde_json::to_string_pretty(&document)?))
    }
}
