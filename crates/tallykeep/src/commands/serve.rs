//! `tallykeep serve`

use std::net::SocketAddr;

use tallykeep_control::Lease;
use tokio::net::TcpListener;

use crate::{context::Context, domains};

/// API, dashboard, timetable and queued jobs in one process
#[derive(Debug, clap::Args)]
#[command(after_help = "Example: tallykeep serve --listen 127.0.0.1:8080")]
pub struct Serve {
    /// Address to listen on; any other than loopback turns login on
    #[arg(long, env = "TALLYKEEP_LISTEN", default_value_t = crate::context::default_listen(), value_name = "ADDRESS")]
    pub listen: SocketAddr,
}

impl Serve {
    pub async fn run(self, context: &Context) -> anyhow::Result<()> {
        let listener = TcpListener::bind(self.listen)
            .await
            .map_err(|error| anyhow::anyhow!("could not listen on {}: {error}", self.listen))?;
        let address = listener.local_addr()?;
        let app = domains::app(context, address.ip().is_loopback()).await?.build();
        // Commands look for this lease to know whether somebody does queued jobs.
        let what = format!("serve on {address}, process {}", std::process::id());
        let lease = context.control().await?.lease(domains::SERVE_LEASE, &what).await?;
        let guard = match lease {
            Lease::Taken(guard) => Some(guard),
            Lease::HeldBy(holder) => {
                tracing::info!("another server is running: {}", holder.what);
                None
            }
        };
        crate::output::say!("Tallykeep serves http://{address}/");
        if !address.ip().is_loopback()
            && let Some(code) = app.first_run_code().await?
        {
            crate::output::say!("Nobody may sign in yet. Open http://{address}/first-run and use the code {code}");
        }
        tallykeep_server::serve(app, listener, crate::context::interrupted()).await?;
        if let Some(guard) = guard {
            guard.release().await?;
        }
        Ok(())
    }
}
