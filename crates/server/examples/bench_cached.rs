//! Measures kept answers (issue 5): a cached read over HTTP at 200 requests a second while an aggregation runs, beside the same bytes as a
//! static file from the same server. One command: bench/cache.

use std::{
    io::{BufRead, BufReader, Read, Write},
    net::TcpStream,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::{Duration, Instant},
};

use axum::{body::Bytes, http::header, routing::get};
use tallykeep_access::{AccessConfig, Accounts, InstallationKey};
use tallykeep_control::Control;
use tallykeep_lake::Lake;
use tallykeep_model::{Clock, TeamSlug};
use tallykeep_repository::{
    Config, Repository, TeamRepository,
    aggregate::AggregateRequest,
    cache::GenerateRequest,
    demo::{Size, write_files},
    import::ImportRequest,
};
use tallykeep_server::{App, router};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const NOW: &str = "2026-11-21T12:00:00Z";
const PER_SECOND: u32 = 200;
const REQUESTS: u32 = 4000;

#[tokio::main]
async fn main() -> Outcome<()> {
    let folder = tempfile::tempdir()?;
    let control = Control::open(folder.path(), Clock::Fixed(NOW.parse()?)).await?;
    let lake = Lake::open(&folder.path().join("lake"), Duration::from_secs(600))?;
    let repository = Repository::new(control.clone(), lake, Config::default().settings()?);
    let team = repository.of(control.team(&TeamSlug::default()).await?);
    let community = fill(&team, folder.path()).await?;
    let report = team
        .cached_responses()
        .generate(&GenerateRequest { all_communities: true, ..Default::default() }, &mut |_| true)
        .await?;
    println!("{} answers kept, {} failed", report.success, report.failed);

    let config = AccessConfig { requests_per_minute: 0, ..AccessConfig::default() };
    let accounts = Accounts::new(control.clone(), config, InstallationKey::open(folder.path())?)?;
    let app = App::builder(control, accounts).with(repository).serves_timetable(false).build();
    let body = |optimize: bool| {
        format!(
            "{{\"usage-delta-category\":{{\"params\":{{\"community_id\":\"{community}\",\"start_date\":\"2025-01-01\",\"end_date\":\"2025-12-31\",\
             \"optimize\":{optimize}}}}}}}"
        )
    };
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?.to_string();
    let forms: Arc<std::sync::Mutex<Vec<Bytes>>> = Arc::default();
    let mut served = router(app);
    for (at, name) in ["/yardstick/plain", "/yardstick/br"].into_iter().enumerate() {
        let forms = forms.clone();
        let read = move || async move {
            let bytes = forms.lock().map(|forms| forms.get(at).cloned().unwrap_or_default()).unwrap_or_default();
            // Said to be compressed, so that nobody compresses it on the way.
            ([(header::CONTENT_TYPE, "application/octet-stream"), (header::CONTENT_ENCODING, "identity")], bytes)
        };
        served = served.route(name, get(read));
    }
    tokio::spawn(async move { axum::serve(listener, served).await });

    let post = |accept: &str, optimize: bool| {
        let body = body(optimize);
        format!(
            "POST /api/stats-dashboard HTTP/1.1\r\nhost: 127.0.0.1\r\naccept: application/json\r\naccept-encoding: {accept}\r\n\
             content-type: application/json\r\ncontent-length: {}\r\n\r\n{body}",
            body.len()
        )
    };
    let fetched = address.clone();
    let (plain, packed, part) = (post("identity", false), post("br", false), post("br", true));
    // Asked once each before the clock starts: the first who asks for a form waits until it is packed.
    let requests = [plain.clone(), packed.clone(), part.clone()];
    let bytes = tokio::task::spawn_blocking(move || -> Outcome<Vec<Bytes>> {
        requests.iter().map(|request| Ok(Client::open(&fetched)?.ask(request)?.into())).collect()
    })
    .await??;
    println!(
        "bodies: {} bytes as they are, {} bytes in brotli; a page's part {} bytes in brotli",
        bytes[0].len(),
        bytes[1].len(),
        bytes[2].len()
    );
    *forms.lock().map_err(|e| e.to_string())? = bytes;

    let file = |name: &str| format!("GET /yardstick/{name} HTTP/1.1\r\nhost: 127.0.0.1\r\n\r\n");
    for busy in [false, true] {
        let stop = Arc::new(AtomicBool::new(false));
        let aggregation = busy.then(|| tokio::spawn(aggregate(team.clone(), stop.clone())));
        println!("{}", if busy { "while an aggregation runs:" } else { "with nothing else to do:" });
        for (name, request) in [
            ("static file, brotli", file("br")),
            ("kept answer, brotli", packed.clone()),
            ("a page's part, brotli", part.clone()),
            ("static file, as it is", file("plain")),
            ("kept answer, as it is", plain.clone()),
        ] {
            let address = address.clone();
            let mut times = tokio::task::spawn_blocking(move || measure(&address, &request)).await??;
            times.sort_unstable();
            let at = |share: f64| times[((times.len() as f64 * share) as usize).min(times.len() - 1)];
            println!(
                "  {name:<24} p50 {:>8.2} ms   p99 {:>8.2} ms   greatest {:>8.2} ms",
                millis(at(0.5)),
                millis(at(0.99)),
                millis(at(1.0))
            );
        }
        stop.store(true, Ordering::Relaxed);
        if let Some(aggregation) = aggregation {
            println!("  aggregations meanwhile: {}", aggregation.await??);
        }
    }
    Ok(())
}

fn millis(took: Duration) -> f64 {
    took.as_secs_f64() * 1000.0
}

/// Everything again and again until told to stop. Answers how often.
async fn aggregate(team: TeamRepository, stop: Arc<AtomicBool>) -> Outcome<u32> {
    let mut rounds = 0;
    while !stop.load(Ordering::Relaxed) {
        let request = AggregateRequest { ignore_bookmark: true, ..AggregateRequest::default() };
        let flag = stop.clone();
        match team.aggregate(&request, "bench", &mut |_| !flag.load(Ordering::Relaxed)).await {
            Ok(_) => rounds += 1,
            Err(tallykeep_repository::RepositoryError::Stopped) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(rounds)
}

async fn fill(team: &TeamRepository, folder: &std::path::Path) -> Outcome<String> {
    let files = write_files(folder, Size::Demo, 7, "2026-11-21".parse()?)?;
    let request = ImportRequest {
        records: vec![files.records],
        communities: vec![files.communities],
        community_events: vec![files.community_events],
        usage_events: vec![files.usage_events],
        dry_run: false,
    };
    team.import(&request, &mut |_| true).await?;
    team.aggregate(&AggregateRequest::default(), "bench", &mut |_| true).await?;
    Ok(team.communities().await?.first().map(|c| c.id.clone()).unwrap_or_default())
}

/// Sends requests at a fixed pace over four connections and measures from the instant each was due: a server that falls behind shows.
fn measure(address: &str, request: &str) -> Outcome<Vec<Duration>> {
    const CONNECTIONS: u32 = 4;
    let started = Instant::now() + Duration::from_millis(50);
    let pace = Duration::from_secs(1) / PER_SECOND;
    let ask = |own: u32| -> Outcome<Vec<Duration>> {
        let mut client = Client::open(address)?;
        let mut times = Vec::new();
        for number in (own..REQUESTS).step_by(CONNECTIONS as usize) {
            let due = started + pace * number;
            std::thread::sleep(due.saturating_duration_since(Instant::now()));
            client.ask(request)?;
            times.push(due.elapsed());
        }
        Ok(times)
    };
    std::thread::scope(|scope| {
        let ask = &ask;
        let threads: Vec<_> = (0..CONNECTIONS).map(|own| scope.spawn(move || ask(own))).collect();
        let mut all = Vec::new();
        for thread in threads {
            all.extend(thread.join().map_err(|_| "a client panicked")??);
        }
        Ok(all)
    })
}

struct Client {
    stream: BufReader<TcpStream>,
}

impl Client {
    fn open(address: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { stream: BufReader::with_capacity(256 * 1024, stream) })
    }

    fn ask(&mut self, request: &str) -> Outcome<Vec<u8>> {
        self.stream.get_mut().write_all(request.as_bytes())?;
        let (mut line, mut length, mut status) = (String::new(), 0, String::new());
        loop {
            line.clear();
            self.stream.read_line(&mut line)?;
            let text = line.trim_end();
            if status.is_empty() {
                text.clone_into(&mut status);
            }
            if let Some(number) = text.to_ascii_lowercase().strip_prefix("content-length:") {
                length = number.trim().parse()?;
            }
            if text.is_empty() {
                break;
            }
        }
        if !status.contains(" 200 ") {
            return Err(status.into());
        }
        let mut body = vec![0; length];
        self.stream.read_exact(&mut body)?;
        Ok(body)
    }
}
