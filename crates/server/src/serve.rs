//! The server around the routes: layers every request passes, and the loop that accepts, runs and says goodbye.

use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

use axum::{
    Router,
    extract::{ConnectInfo, Request, State},
    http::{HeaderName, HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use tallykeep_access::AccessConfig;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{
        CompressionLayer, Predicate,
        predicate::{DefaultPredicate, NotForContentType},
    },
};

use crate::{
    app::App,
    error::ApiError,
    jobs, listen,
    page::CONTENT_SECURITY_POLICY,
    routes::{self, dashboard::asset_or_not_found},
    schedule::Scheduler,
};

/// How often what has ended by itself is forgotten.
const TIDY: Duration = Duration::from_secs(3600);

#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    #[error("the server stopped: {0}")]
    Io(#[from] std::io::Error),
}

/// Where a request comes from.
#[derive(Debug, Clone, Default)]
pub(crate) struct Client {
    /// The id under which the request is logged; answers carry it as `X-Request-Id`.
    pub request_id: String,
    /// The person's own address, behind trusted proxies too. None when called in process.
    pub address: Option<IpAddr>,
    /// Whether the one who connected is a proxy whose word counts.
    pub by_trusted_proxy: bool,
    /// Whether the person's side of the connection is encrypted.
    pub https: bool,
}

impl Client {
    pub fn address_text(&self) -> String {
        self.address.map_or_else(|| "unknown".to_owned(), |address| address.to_string())
    }

    fn of(request: &Request, config: &AccessConfig) -> Self {
        let peer = request.extensions().get::<ConnectInfo<SocketAddr>>().map(|info| info.0.ip().to_canonical());
        let trusts = |address: &IpAddr| config.trusted_proxies.contains(address);
        let by_trusted_proxy = peer.as_ref().is_some_and(trusts);
        let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
        // The nearest address that no trusted proxy has: what stands left of it anybody could have written.
        let forwarded = header("x-forwarded-for").filter(|_| by_trusted_proxy).and_then(|list| {
            list.rsplit(',').filter_map(|part| part.trim().parse::<IpAddr>().ok()).find(|address| !trusts(address))
        });
        let https = config.is_https() || (by_trusted_proxy && header("x-forwarded-proto") == Some("https"));
        let request_id = uuid::Uuid::now_v7().simple().to_string();
        Self { request_id, address: forwarded.or(peer), by_trusted_proxy, https }
    }
}

/// The whole server as a service. Tests call it in process.
pub fn router(app: App) -> Router {
    app.set_ready();
    let time = app.limits().time;
    routes::build(&app)
        .method_not_allowed_fallback(method_not_allowed)
        .fallback(asset_or_not_found)
        .layer(middleware::from_fn_with_state(time, limit_time))
        .layer(CatchPanicLayer::custom(answer_panic))
        .layer(CompressionLayer::new().compress_when(worth_compressing()))
        .layer(middleware::from_fn_with_state(app.clone(), frame_request))
        .with_state(app)
}

/// Archives are compressed already; marked as compressed on top, they would be unwrapped by who saves them.
fn worth_compressing() -> impl Predicate + Send + Sync + 'static {
    DefaultPredicate::new().and(NotForContentType::const_new("application/gzip"))
}

/// Serves until `stop`: HTTP, queued jobs, the timetable. Then lets running requests and jobs finish for a while.
pub async fn serve(app: App, listener: TcpListener, stop: CancellationToken) -> Result<(), ServeError> {
    listener.local_addr()?;
    let limits = app.limits().clone();
    let serving = tokio::spawn(listen::accept(listener, router(app.clone()), limits.headers, stop.clone()));
    let work = tokio::spawn(run_jobs_and_timetable(app, stop.clone()));
    stop.cancelled().await;
    let farewell = async { tokio::join!(serving, work) };
    match tokio::time::timeout(limits.farewell, farewell).await {
        Ok((served, worked)) => {
            for ended in [served, worked] {
                ended.map_err(|error| ServeError::Io(std::io::Error::other(error)))?;
            }
        }
        Err(_) => tracing::warn!("requests or jobs still ran when the server stopped; leases end by themselves"),
    }
    Ok(())
}

/// Does queued jobs, serves the timetable and tidies up until `stop`, without HTTP. `schedule run` is this alone.
pub async fn run_jobs_and_timetable(app: App, stop: CancellationToken) {
    let timetable = async {
        if app.serves_timetable() {
            tokio::join!(Scheduler::new(app.clone()).run(stop.clone()), tidy(&app, &stop));
        }
    };
    tokio::join!(jobs::run_queued(app.clone(), stop.clone()), timetable);
}

/// Forgets, every now and then, sessions and links that ended by themselves and audit rows past their time.
async fn tidy(app: &App, stop: &CancellationToken) {
    while !stop.is_cancelled() {
        match app.accounts().tidy().await {
            Ok(forgotten) => {
                tracing::debug!("forgot {forgotten} rows of ended sessions, links, tries and old audit rows")
            }
            Err(error) => tracing::warn!("could not forget what has ended: {error}"),
        }
        tokio::select! {
            () = tokio::time::sleep(TIDY) => {}
            () = stop.cancelled() => {}
        }
    }
}

/// Id, the address's rate, security headers, one log line.
async fn frame_request(State(app): State<App>, mut request: Request, next: Next) -> Response {
    let client = Client::of(&request, app.accounts().config());
    request.extensions_mut().insert(client.clone());
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let started = std::time::Instant::now();
    // Built assets and probes are not counted: one page load brings a dozen of them.
    let is_free = path.starts_with("/assets/") || path == "/healthz";
    let mut response = match if is_free { Ok(None) } else { app.rate().address(&client.address_text()).await } {
        Ok(standing) => {
            let mut response = next.run(request).await;
            if let Some(standing) = standing {
                standing.write(&mut response);
            }
            response
        }
        Err(error) => error.into_response(),
    };
    let took = started.elapsed().as_millis();
    tracing::info!("{method} {path} {} in {took} ms, request {}", response.status().as_u16(), client.request_id);
    let headers = response.headers_mut();
    if let Ok(value) = HeaderValue::from_str(&client.request_id) {
        headers.insert(HeaderName::from_static("x-request-id"), value);
    }
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "same-origin"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    if client.https {
        let value = HeaderValue::from_static("max-age=31536000; includeSubDomains");
        headers.insert(header::STRICT_TRANSPORT_SECURITY, value);
    }
    response
}

async fn limit_time(State(time): State<Duration>, request: Request, next: Next) -> Response {
    match tokio::time::timeout(time, next.run(request)).await {
        Ok(response) => response,
        Err(_) => {
            let message = format!("no answer within {} s", time.as_secs());
            ApiError::new(StatusCode::SERVICE_UNAVAILABLE, message).into_response()
        }
    }
}

async fn method_not_allowed() -> ApiError {
    ApiError::new(StatusCode::METHOD_NOT_ALLOWED, "this path does not take that method; `Allow` names those it takes")
}

fn answer_panic(panic: Box<dyn std::any::Any + Send>) -> Response {
    let said = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied())
        .unwrap_or("(no message)");
    tracing::error!("a handler panicked: {said}");
    ApiError::new(StatusCode::INTERNAL_SERVER_ERROR, "something failed inside; the log has it").into_response()
}
