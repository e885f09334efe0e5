//! `tallykeep openapi`

use std::io::Write;

use crate::context::Context;

/// Print the OpenAPI document of the HTTP API
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep openapi > openapi.json")]
pub struct Openapi {}

impl Openapi {
    pub async fn run(self, _context: &Context) -> anyhow::Result<()> {
        let document = tallykeep_server::openapi();
        let mut out = std::io::stdout().lock();
        serde_json::to_writer_pretty(&mut out, &document)?;
        writeln!(out)?;
        Ok(())
    }
}
