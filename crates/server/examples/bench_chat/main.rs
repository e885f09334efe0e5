//! Measures chat (issue 4): import, every endpoint over HTTP with the response cache off, peak memory, and PostgreSQL beside it. One
//! command: bench/chat.sh.
//!
//! Arguments: the number of messages, how often PostgreSQL is asked each chart (0: not at all), how often we are (200). Beside the times of
//! the clock stands the processor time of a request, client included: where others use the machine, the former say little.

mod client;
mod files;
mod peer;

use std::{
    collections::BTreeMap,
    fmt::Write as _,
    path::Path,
    time::{Duration, Instant},
};

use client::Client;
use files::write_files;
use tallykeep_access::{AccessConfig, Accounts, InstallationKey};
use tallykeep_chat::{
    interchange::{ImportOptions, import},
    service::{Chat, ChatConfig},
};
use tallykeep_control::Control;
use tallykeep_lake::Lake;
use tallykeep_model::Clock;
use tallykeep_server::{App, serve};

pub type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const NOW: &str = "2026-06-15T12:00:00Z";
pub const ENDPOINTS: [&str; 10] = [
    "overview",
    "active-participants",
    "session-analytics",
    "message-volume",
    "bot-performance",
    "user-engagement",
    "channel-breakdown",
    "tag-analytics",
    "average-response-time",
    "engagement-views",
];
/// What a question is narrowed by, as our query spells it.
pub const FILTERS: [(&str, &str); 3] =
    [("no filter", ""), ("tag", "&tags=1"), ("tag and bot", "&tags=1&experiments=2")];

/// Medians in milliseconds by endpoint and filter.
pub type Medians = BTreeMap<(&'static str, &'static str), f64>;

#[tokio::main]
async fn main() -> Outcome<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let number = |index: usize, default: u64| arguments.get(index).map_or(Ok(default), |text| text.parse());
    if let [command, folder, rows] = arguments.as_slice()
        && command == "import"
    {
        return run_import(Path::new(folder), rows.parse()?).await;
    }
    let (messages, peer_requests, requests) = (number(0, 1_000_000)?, number(1, 5)?, number(2, 200)?);
    let folder = tempfile::tempdir()?;
    let files = folder.path().join("files");
    std::fs::create_dir(&files)?;
    let rows = write_files(&files, messages)?;
    println!("{messages} messages, {} sessions, {rows} rows in all", messages / 10);
    let load = std::fs::read_to_string("/proc/loadavg").unwrap_or_default();
    println!("load before: {}", load.split(' ').next().unwrap_or_default());
    // Import and server are processes of their own, as they are for people: each has its own peak.
    let import = [folder.path().as_os_str(), rows.to_string().as_ref()].map(std::ffi::OsStr::to_owned);
    let done = std::process::Command::new(std::env::current_exe()?).arg("import").args(import).status()?;
    if !done.success() {
        return Err("the import failed".into());
    }
    let control = Control::open(folder.path(), Clock::Fixed(NOW.parse()?)).await?;
    let lake = Lake::open(&folder.path().join("lake"), Duration::from_secs(600))?;
    let accounts = Accounts::new(
        control.clone(),
        AccessConfig { requests_per_minute: 0, ..AccessConfig::default() },
        InstallationKey::open(folder.path())?,
    )?;
    let chat = Chat::new(control.clone(), lake, ChatConfig { cache: false, ..ChatConfig::default() });
    let app = App::builder(control, accounts).with(chat).serves_timetable(false).build();
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let stop = tokio_util::sync::CancellationToken::new();
    let server = tokio::spawn(serve(app, listener, stop.clone()));
    let requests = usize::try_from(requests)?;
    let measured = tokio::task::spawn_blocking(move || measure(&address.to_string(), requests)).await?;
    let ours = measured?;
    println!("peak memory of the server: {} MiB", peak_mib());
    stop.cancel();
    server.await??;
    if peer_requests > 0 {
        let peer_requests = usize::try_from(peer_requests)?;
        tokio::task::spawn_blocking(move || peer::compare(&files, peer_requests, &ours)).await??;
    }
    Ok(())
}

async fn run_import(folder: &Path, rows: u64) -> Outcome<()> {
    let control = Control::open(folder, Clock::Fixed(NOW.parse()?)).await?;
    let lake = Lake::open(&folder.join("lake"), Duration::from_secs(600))?;
    let (started, before) = (Instant::now(), cpu_seconds());
    let options = ImportOptions::default();
    let report = import(&control, &lake, &folder.join("files"), &options, &mut |reject| println!("{reject}")).await?;
    let took = started.elapsed();
    let cpu = cpu_seconds() - before;
    println!("import: {took:.1?}, {:.0} rows/s, {} rejected", rows as f64 / took.as_secs_f64(), report.total.rejected);
    println!("        {cpu:.1} s of processor time, {:.0} rows per second of it", rows as f64 / cpu);
    println!("peak memory of the import: {} MiB", peak_mib());
    Ok(())
}

fn measure(address: &str, requests: usize) -> Outcome<Medians> {
    let mut medians = Medians::new();
    let mut client = Client::open(address)?;
    let (started, before) = (Instant::now(), cpu_seconds());
    client.get("/a/bench/dashboard/api/overview/?date_range=7")?;
    let cpu = cpu_seconds() - before;
    println!("first question (reads the team into memory): {:.1?}, {cpu:.1} s of processor time", started.elapsed());
    println!("{:<24} {:>28} {:>28} {:>28}", "p50 / p95 / max (cpu), ms", "no filter", "tag", "tag and bot");
    for endpoint in ENDPOINTS {
        let mut line = format!("{endpoint:<24}");
        for (name, filter) in FILTERS {
            let (mut times, before) = (Vec::new(), cpu_seconds());
            for request in 0..requests {
                let (start, end) = window(request)?;
                let path = format!(
                    "/a/bench/dashboard/api/{endpoint}/?date_range=custom&start_date={start}&end_date={end}{filter}"
                );
                let started = Instant::now();
                client.get(&path)?;
                times.push(started.elapsed().as_secs_f64() * 1000.0);
            }
            times.sort_by(f64::total_cmp);
            let cpu = (cpu_seconds() - before) * 1000.0 / times.len() as f64;
            let at = |share: f64| times[((times.len() as f64 * share).ceil() as usize).saturating_sub(1)];
            medians.insert((endpoint, name), at(0.5));
            let _ = write!(line, " {:>28}", format!("{:.1} / {:.1} / {:.0} ({cpu:.1})", at(0.5), at(0.95), at(1.0)));
        }
        println!("{line}");
    }
    Ok(medians)
}

/// One of 200 different windows of 365 days: first and last day.
pub fn window(request: usize) -> Outcome<(jiff::civil::Date, jiff::civil::Date)> {
    let end: jiff::civil::Date = "2026-06-14".parse()?;
    let end = end.checked_sub(jiff::Span::new().days(i64::try_from(request)?))?;
    Ok((end.checked_sub(jiff::Span::new().days(364))?, end))
}

/// Processor time of this process so far; the clock of Linux ticks 100 times a second.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or("").split_whitespace().collect();
    let ticks = |index: usize| fields.get(index).and_then(|text| text.parse::<f64>().ok()).unwrap_or(0.0);
    (ticks(11) + ticks(12)) / 100.0
}

fn peak_mib() -> u64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("");
    line.split_whitespace().next().and_then(|kib| kib.parse::<u64>().ok()).unwrap_or(0) / 1024
}
