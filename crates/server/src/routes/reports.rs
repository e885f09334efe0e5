//! Reports that arrive by themselves: what there is, a preview, sending now, and the page that ends a subscription.

use axum::{
    Json,
    extract::State,
    http::{HeaderValue, StatusCode, header},
    response::{IntoResponse, Response},
    routing::get,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tallykeep_access::Decision;
use tallykeep_control::NewJob;
use tallykeep_reports::{OwnReport, ReportError, ReportSpec, Reports, Span, Subject, csv, html, text};
use utoipa_axum::routes;

use super::Route;
use crate::{
    app::{
        App,
        extractors::{Doorway, TeamAdmin, Visitor},
    },
    error::ApiError,
    extract::{Path, Query},
    page::{escape, html_response, named_page},
    reports::DomainSource,
};

const SIGNED: Decision = Decision::Anyone { reason: "the link in a mail is signed for its receiver" };

/// Kind of the job that sends one report now; the binary runs it.
pub const SEND: &str = "reports.send";

pub fn routes() -> Vec<Route> {
    vec![
        Route::api(Decision::TeamAdmin, routes!(get_reports)),
        Route::page("/reports", Decision::TeamAdmin, get(reports_page)),
        Route::api(Decision::TeamAdmin, routes!(put_report)),
        Route::api(Decision::TeamAdmin, routes!(delete_report)),
        Route::api(Decision::TeamAdmin, routes!(get_preview)),
        Route::api(Decision::TeamAdmin, routes!(post_send)),
        Route::page("/reports/unsubscribe", SIGNED, get(unsubscribe_page).post(unsubscribe)),
    ]
}

impl From<ReportError> for ApiError {
    fn from(error: ReportError) -> Self {
        match error {
            ReportError::Unknown { .. } => ApiError::not_found(error.to_string()),
            ReportError::Source { .. } => ApiError::bad_request(error.to_string()),
            ReportError::Configured(_) => ApiError::new(StatusCode::CONFLICT, error.to_string()),
            ReportError::Wrong(wrong) => ApiError::field(wrong.field, wrong.reason),
            other => ApiError::internal(other),
        }
    }
}

fn reports(app: &App) -> Result<std::sync::Arc<Reports>, ApiError> {
    app.service::<Reports>().map_err(|_| ApiError::not_found("this server sends no reports"))
}

async fn reports_page(visitor: Visitor) -> Response {
    named_page(&visitor, "reports", "Reports")
}

fn span(reports: &Reports, app: &App, spec: &ReportSpec, period: Option<&str>) -> Result<Span, ApiError> {
    match period {
        None | Some("") => Ok(reports.due_span(spec, app.clock().today())),
        Some(text) => Span::parse(spec.every, text).map_err(|error| ApiError::field("period", error.to_string())),
    }
}

/// The team's reports, what was handed out lately, and who unsubscribed.
#[utoipa::path(get, path = "/api/v1/reports", tag = "reports", responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_reports(State(app): State<App>, admin: TeamAdmin) -> Result<Json<Value>, ApiError> {
    let reports = reports(&app)?;
    let team = admin.control();
    let today = app.clock().today();
    let list: Vec<Value> = reports
        .of(team)
        .await?
        .iter()
        .map(|spec| {
            json!({
                "configured": reports.is_configured(&spec.name),
                "name": spec.name, "of": spec.subject, "scope": spec.scope, "every": spec.every, "to": spec.to,
                "folder": spec.folder, "webhook": spec.webhook.is_some(), "attach": spec.attach,
                "period": reports.due_span(spec, today).key(),
            })
        })
        .collect();
    let history = reports.history(team, None, 200).await?;
    let unsubscribed = team.report_unsubscribed(None).await?;
    let mail = reports.has_mail();
    Ok(Json(json!({"reports": list, "history": history, "unsubscribed": unsubscribed, "mail": mail})))
}

/// Sets up a report of the team's own, or changes it. It goes by mail only; folders and webhooks are the configuration's to give.
///
/// Errors: 400 names the field; 409 for a report of the configuration.
#[utoipa::path(put, path = "/api/v1/reports/{name}", tag = "reports", params(("name" = String, Path)), request_body = serde_json::Value,
               responses((status = 200, body = serde_json::Value), (status = 400, description = "The field that is wrong"),
                         (status = 409, description = "A report of the configuration")))]
pub(super) async fn put_report(
    State(app): State<App>,
    admin: TeamAdmin,
    Path(path): Path<ReportPath>,
    crate::extract::Json(report): crate::extract::Json<OwnReport>,
) -> Result<Json<Value>, ApiError> {
    let reports = reports(&app)?;
    let team = admin.control();
    if report.subject == Subject::Repository && !matches!(report.scope.as_str(), "global" | "communities") {
        let repository = app
            .service::<tallykeep_repository::Repository>()
            .map_err(|_| ApiError::field("of", "this server has no repository"))?;
        if let Err(error) = repository.of(team.clone()).community(&report.scope).await {
            return Err(ApiError::field("scope", error.to_string()));
        }
    }
    let spec = reports.set(team, &path.name, report).await?;
    admin.record("report.set", &spec.name, None, None).await;
    Ok(Json(json!({"report": spec.name, "period": reports.due_span(&spec, app.clock().today()).key()})))
}

/// Forgets a report of the team's own; its history stays.
#[utoipa::path(delete, path = "/api/v1/reports/{name}", tag = "reports", params(("name" = String, Path)),
               responses((status = 204), (status = 404, description = "No such report"), (status = 409, description = "A report of the configuration")))]
pub(super) async fn delete_report(
    State(app): State<App>,
    admin: TeamAdmin,
    Path(path): Path<ReportPath>,
) -> Result<StatusCode, ApiError> {
    reports(&app)?.forget(admin.control(), &path.name).await?;
    admin.record("report.forget", &path.name, None, None).await;
    Ok(StatusCode::NO_CONTENT)
}

#[derive(Deserialize)]
pub(super) struct ReportPath {
    name: String,
}

#[derive(Deserialize, utoipa::IntoParams)]
pub(super) struct PreviewQuery {
    /// `2026-02` or `2026-W10`; the newest that is over when left out
    period: Option<String>,
    /// `json`, `html`, `text` or `csv`
    format: Option<String>,
}

/// A report as it would be sent.
#[utoipa::path(get, path = "/api/v1/reports/{name}/preview", tag = "reports", params(("name" = String, Path), PreviewQuery), responses((status = 200, body = serde_json::Value)))]
pub(super) async fn get_preview(
    State(app): State<App>,
    admin: TeamAdmin,
    Path(path): Path<ReportPath>,
    Query(query): Query<PreviewQuery>,
) -> Result<Response, ApiError> {
    let reports = reports(&app)?;
    let spec = &reports.find(admin.control(), &path.name).await?;
    let span = span(&reports, &app, spec, query.period.as_deref())?;
    let source = DomainSource::of(&app, reports.unsubscribing().base());
    let documents = reports.preview(&source, admin.control(), spec, &span).await?;
    let all = |of: &dyn Fn(&tallykeep_reports::Document) -> String| documents.iter().map(of).collect::<Vec<_>>();
    let (kind, body) = match query.format.as_deref() {
        None | Some("json") => return Ok(Json(json!({"documents": documents})).into_response()),
        Some("html") => ("text/html; charset=utf-8", all(&|document| html(document, "")).join("\n")),
        Some("text") => ("text/plain; charset=utf-8", all(&text).join("\n")),
        Some("csv") => ("text/csv; charset=utf-8", all(&|d| String::from_utf8_lossy(&csv(d)).into_owned()).join("\n")),
        Some(other) => {
            return Err(ApiError::field("format", format!("`{other}` is none of json, html, text and csv")));
        }
    };
    let mut response = body.into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    Ok(response)
}

#[derive(Deserialize, utoipa::ToSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct SendBody {
    /// `2026-02` or `2026-W10`; the newest that is over when left out
    period: Option<String>,
}

/// Sends a report to its receivers now, whatever was sent before. Answers the job; the history tells what became of it.
#[utoipa::path(post, path = "/api/v1/reports/{name}/send", tag = "reports", params(("name" = String, Path)), request_body = SendBody, responses((status = 202, body = serde_json::Value)))]
pub(super) async fn post_send(
    State(app): State<App>,
    admin: TeamAdmin,
    Path(path): Path<ReportPath>,
    crate::extract::Json(body): crate::extract::Json<SendBody>,
) -> Result<Response, ApiError> {
    let reports = reports(&app)?;
    let spec = &reports.find(admin.control(), &path.name).await?;
    let span = span(&reports, &app, spec, body.period.as_deref())?;
    let args = json!({"report": spec.name, "period": span.key()});
    let job = admin.control().queue_job(&NewJob { kind: SEND, args }).await?;
    admin.record("report.send", &format!("{} {}", spec.name, span.key()), None, None).await;
    Ok((StatusCode::ACCEPTED, Json(json!({"job": job, "report": spec.name, "period": span.key()}))).into_response())
}

#[derive(Deserialize)]
pub(super) struct Link {
    #[serde(default)]
    team: String,
    #[serde(default)]
    report: String,
    #[serde(default)]
    to: String,
    #[serde(default)]
    signature: String,
}

/// Asks. Mail programs look at links by themselves, so looking changes nothing.
async fn unsubscribe_page(State(app): State<App>, _: Doorway, Query(link): Query<Link>) -> Result<Response, ApiError> {
    let reports = reports(&app)?;
    if !reports.unsubscribing().is_signed(&link.team, &link.report, &link.to, &link.signature) {
        return Ok(plain_page(
            StatusCode::FORBIDDEN,
            "This link is not valid",
            "<p>It may have been cut off. Copy it from the mail as a whole.</p>",
        ));
    }
    let action: String = url::form_urlencoded::Serializer::new(String::new())
        .extend_pairs([
            ("team", &link.team),
            ("report", &link.report),
            ("to", &link.to),
            ("signature", &link.signature),
        ])
        .finish();
    let body = format!(
        "<p>{} gets the report “{}”.</p><form method=\"post\" action=\"/reports/unsubscribe?{}\"><p><button type=\"submit\">Stop it</button></p></form>",
        escape(&link.to),
        escape(&link.report),
        escape(&action),
    );
    Ok(plain_page(StatusCode::OK, "Stop this report?", &body))
}

/// Ends the subscription. The signature is the proof: mail programs post without a cookie (RFC 8058).
async fn unsubscribe(State(app): State<App>, door: Doorway, Query(link): Query<Link>) -> Result<Response, ApiError> {
    let reports = reports(&app)?;
    let refused = || plain_page(StatusCode::FORBIDDEN, "This link is not valid", "");
    if !reports.unsubscribing().is_signed(&link.team, &link.report, &link.to, &link.signature) {
        return Ok(refused());
    }
    let Ok(slug) = link.team.parse() else { return Ok(refused()) };
    let team = door.control().team(&slug).await?;
    team.report_unsubscribe(&link.report, &link.to, app.clock().now()).await?;
    let body = format!(
        "<p>{} gets “{}” no more. Whoever runs the reports can undo it.</p>",
        escape(&link.to),
        escape(&link.report)
    );
    Ok(plain_page(StatusCode::OK, "Done", &body))
}

fn plain_page(status: StatusCode, title: &str, body: &str) -> Response {
    let html = format!(
        "<!doctype html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><meta name=\"viewport\" content=\"width=device-width, initial-scale=1\"><title>{title} · Tallykeep</title></head>\n<body>\n<main>\n<h1>{title}</h1>\n{body}\n</main>\n</body>\n</html>\n"
    );
    html_response(status, html)
}
