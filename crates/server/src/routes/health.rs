//! `GET /healthz`: 200 only if newest data and jobs are as they should be.

use std::sync::Arc;

use axum::{
    Json,
    extract::State,
    http::StatusCode,
    response::{IntoResponse, Response},
};
use serde::Serialize;
use tallykeep_access::Decision;
use tallykeep_control::{ControlError, JobState};
use utoipa::ToSchema;
use utoipa_axum::routes;

use super::Route;
use crate::{
    app::{App, HealthContext, System},
    schedule::Scheduler,
};

/// How late the timetable may be before it counts as broken.
const GRACE: jiff::SignedDuration = jiff::SignedDuration::from_mins(15);

pub fn routes() -> Vec<Route> {
    vec![Route::api(Decision::Anyone { reason: "says only whether the server is well, for probes" }, routes!(healthz))]
}

/// Whether the server is well, and if not, why.
#[derive(Debug, Serialize, ToSchema)]
struct Health {
    /// `ok`, `starting` or `unwell`
    status: &'static str,
    /// One sentence per thing that is not as it should be
    reasons: Vec<String>,
}

/// 200 only if newest data and jobs are as they should be; else 503 with the reasons.
#[utoipa::path(get, path = "/healthz", tag = "server",
    responses((status = 200, body = Health), (status = 503, body = Health)))]
async fn healthz(State(app): State<App>) -> Response {
    let health = if !app.is_ready() {
        Health { status: "starting", reasons: vec!["the server is starting".to_owned()] }
    } else {
        let reasons = reasons(&app).await.unwrap_or_else(|error| {
            tracing::error!("healthz: {error}");
            vec!["the control database does not answer".to_owned()]
        });
        Health { status: if reasons.is_empty() { "ok" } else { "unwell" }, reasons }
    };
    let status = if health.reasons.is_empty() { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    (status, Json(health)).into_response()
}

async fn reasons(app: &App) -> Result<Vec<String>, ControlError> {
    let control = app.system(System::Health);
    let teams: Vec<_> = control.teams().await?.into_iter().map(|team| control.for_team(team)).collect();
    let mut reasons = Vec::new();
    for team in &teams {
        for kind in app.job_kinds() {
            // The latest that ended decides: one success makes an earlier failure good.
            let ended = team.jobs(Some(kind), 20).await?.into_iter().find(|job| job.ended_at.is_some());
            if let Some(job) = ended.filter(|job| job.state == JobState::Failed) {
                // Why it failed may name a team's own things and is for its members; this page is everybody's.
                reasons.push(format!("the last {kind} job failed (job {})", job.id));
            }
        }
    }
    match Scheduler::new(app.clone()).overdue(GRACE).await {
        Ok(overdue) if app.serves_timetable() && overdue > 0 => {
            reasons.push(format!("{overdue} entries of the timetable are overdue"));
        }
        Ok(_) => {}
        Err(error) => {
            tracing::error!("healthz: {error}");
            reasons.push("the timetable cannot be read".to_owned());
        }
    }
    let context = Arc::new(HealthContext { app: app.clone(), teams, clock: app.clock() });
    for (name, check) in app.health_checks() {
        if let Err(reason) = check(context.clone()).await {
            reasons.push(format!("{name}: {reason}"));
        }
    }
    Ok(reasons)
}
