//! Measures chat (issue 4): import, every endpoint over HTTP with the response cache off, peak memory. One command: bench/chat.sh.
//!
//! The argument is the number of messages.

use std::{
    fmt::Write as _,
    io::{BufRead, BufReader, BufWriter, Read, Write},
    net::TcpStream,
    path::Path,
    time::{Duration, Instant},
};

use tallykeep_access::{AccessConfig, Accounts, InstallationKey};
use tallykeep_chat::{
    interchange::{ImportOptions, import},
    service::{Chat, ChatConfig},
};
use tallykeep_control::Control;
use tallykeep_lake::Lake;
use tallykeep_model::Clock;
use tallykeep_server::{App, serve};

type Outcome<T> = Result<T, Box<dyn std::error::Error + Send + Sync>>;

const NOW: &str = "2026-06-15T12:00:00Z";
const ENDPOINTS: [&str; 10] = [
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
const REQUESTS: usize = 200;

#[tokio::main]
async fn main() -> Outcome<()> {
    let messages: u64 = std::env::args().nth(1).map_or(Ok(1_000_000), |text| text.parse())?;
    let folder = tempfile::tempdir()?;
    let files = folder.path().join("files");
    std::fs::create_dir(&files)?;
    let rows = write_files(&files, messages)?;
    println!("{messages} messages, {} sessions, {rows} rows in all", messages / 10);

    let control = Control::open(folder.path(), Clock::Fixed(NOW.parse()?)).await?;
    let lake = Lake::open(&folder.path().join("lake"), Duration::from_secs(600))?;
    let (started, before) = (Instant::now(), cpu_seconds());
    let report = import(&control, &lake, &files, &ImportOptions::default(), &mut |reject| println!("{reject}")).await?;
    let took = started.elapsed();
    let cpu = cpu_seconds() - before;
    println!("import: {took:.1?}, {:.0} rows/s, {} rejected", rows as f64 / took.as_secs_f64(), report.total.rejected);
    println!("        {cpu:.1} s of processor time, {:.0} rows per second of it", rows as f64 / cpu);
    println!("peak memory after import: {} MiB", peak_mib());

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
    let measured = tokio::task::spawn_blocking(move || measure(&address.to_string())).await?;
    measured?;
    println!("peak memory: {} MiB", peak_mib());
    stop.cancel();
    server.await??;
    Ok(())
}

fn measure(address: &str) -> Outcome<()> {
    let mut client = Client::open(address)?;
    let started = Instant::now();
    client.get("/a/bench/dashboard/api/overview/?date_range=7")?;
    println!("first question (reads the team into memory): {:.1?}", started.elapsed());
    println!("{:<24} {:>28} {:>28} {:>28}", "p50 / p95 / max, ms", "no filter", "tag", "tag and bot");
    for endpoint in ENDPOINTS {
        let mut line = format!("{endpoint:<24}");
        for filter in ["", "&tags=1", "&tags=1&experiments=2"] {
            let mut times = Vec::new();
            for request in 0..REQUESTS {
                // 200 different windows of 365 days.
                let end: jiff::civil::Date = "2026-06-14".parse()?;
                let end = end.checked_sub(jiff::Span::new().days(i64::try_from(request)?))?;
                let start = end.checked_sub(jiff::Span::new().days(364))?;
                let path = format!(
                    "/a/bench/dashboard/api/{endpoint}/?date_range=custom&start_date={start}&end_date={end}{filter}"
                );
                let started = Instant::now();
                client.get(&path)?;
                times.push(started.elapsed().as_secs_f64() * 1000.0);
            }
            times.sort_by(f64::total_cmp);
            let at = |share: f64| times[((times.len() as f64 * share).ceil() as usize).saturating_sub(1)];
            let _ = write!(line, " {:>28}", format!("{:.1} / {:.1} / {:.1}", at(0.5), at(0.95), at(1.0)));
        }
        println!("{line}");
    }
    Ok(())
}

/// One connection, one request after the other.
struct Client {
    reader: BufReader<TcpStream>,
}

impl Client {
    fn open(address: &str) -> Outcome<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        Ok(Self { reader: BufReader::new(stream) })
    }

    fn get(&mut self, path: &str) -> Outcome<usize> {
        let request = format!("GET {path} HTTP/1.1\r\nHost: localhost\r\nAccept: application/json\r\n\r\n");
        self.reader.get_mut().write_all(request.as_bytes())?;
        let mut status = String::new();
        self.reader.read_line(&mut status)?;
        let (mut length, mut chunked, mut line) = (0, false, String::new());
        loop {
            line.clear();
            self.reader.read_line(&mut line)?;
            let lower = line.trim().to_lowercase();
            if lower.is_empty() {
                break;
            }
            if let Some(text) = lower.strip_prefix("content-length:") {
                length = text.trim().parse()?;
            }
            chunked |= lower == "transfer-encoding: chunked";
        }
        let mut body = vec![0; length];
        self.reader.read_exact(&mut body)?;
        while chunked {
            line.clear();
            self.reader.read_line(&mut line)?;
            let size = usize::from_str_radix(line.trim(), 16)?;
            let mut chunk = vec![0; size + 2];
            self.reader.read_exact(&mut chunk)?;
            body.extend_from_slice(&chunk[..size]);
            chunked = size > 0;
        }
        if !status.contains(" 200 ") {
            return Err(format!("{path}: {status}{}", String::from_utf8_lossy(&body)).into());
        }
        Ok(body.len())
    }
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

/// Two years of sessions of ten messages each; 20 bots, 5 platforms, a tag on 5 % of messages, a trace per bot turn of every tenth session.
fn write_files(folder: &Path, messages: u64) -> Outcome<u64> {
    let sessions = messages / 10;
    let people = (sessions / 5).max(1);
    let open = |name: &str| -> Outcome<BufWriter<std::fs::File>> {
        Ok(BufWriter::with_capacity(1 << 20, std::fs::File::create(folder.join(format!("{name}.csv")))?))
    };
    std::fs::write(folder.join("teams.csv"), "id,slug\n1,bench\n")?;
    let platforms = ["web", "telegram", "whatsapp", "slack", "embedded_widget"];
    let mut file = open("experiments")?;
    writeln!(file, "id,team_id,name,is_archived,working_version_id")?;
    for id in 1..=20 {
        writeln!(file, "{id},1,Bot {id},{},", id == 20)?;
    }
    let mut file = open("channels")?;
    writeln!(file, "id,team_id,experiment_id,platform,deleted")?;
    for (index, platform) in platforms.iter().enumerate() {
        writeln!(
            file,
            "{},1,{},{platform},false",
            index + 1,
            if index == 0 { String::new() } else { index.to_string() }
        )?;
    }
    let mut file = open("participants")?;
    writeln!(file, "id,team_id,name,identifier,platform")?;
    for id in 1..=people {
        writeln!(file, "{id},1,Person {id},p{id}@example.org,{}", platforms[usize::try_from(id % 5)?])?;
    }
    let mut file = open("tags")?;
    writeln!(file, "id,team_id,name,category")?;
    for id in 1..=10 {
        writeln!(file, "{id},1,tag {id},{}", if id > 7 { "error" } else { "" })?;
    }
    let (mut session_file, mut message_file, mut link_file, mut trace_file) =
        (open("sessions")?, open("messages")?, open("tag_links")?, open("traces")?);
    writeln!(session_file, "id,team_id,experiment_id,participant_id,platform,status,created_at,ended_at")?;
    writeln!(message_file, "id,session_id,type,created_at")?;
    writeln!(link_file, "team_id,tag_id,target_kind,target_id")?;
    writeln!(trace_file, "id,session_id,experiment_id,timestamp,duration_ms")?;
    let start = "2024-06-15T00:00:00Z".parse::<jiff::Timestamp>()?.as_second();
    let span = 730 * 86_400;
    let mut random = 88_172_645_463_325_252_u64;
    let mut below = |limit: u64| {
        // xorshift64: the same files every time.
        random ^= random << 13;
        random ^= random >> 7;
        random ^= random << 17;
        random % limit
    };
    let stamp = |second: i64| jiff::Timestamp::from_second(second).map(|at| at.to_string());
    let (mut message, mut links, mut traces) = (0_u64, 0_u64, 0_u64);
    for session in 1..=sessions {
        let mut at = start + i64::try_from(u128::from(session) * u128::try_from(span)? / u128::from(sessions))?;
        let (bot, person) = (below(20) + 1, below(people) + 1);
        let created = stamp(at)?;
        for turn in 0..10 {
            message += 1;
            writeln!(
                message_file,
                "{message},{session},{},{}",
                if turn % 2 == 0 { "human" } else { "ai" },
                stamp(at)?
            )?;
            if below(20) == 0 {
                links += 1;
                writeln!(link_file, "1,{},message,{message}", below(10) + 1)?;
            }
            if turn % 2 == 1 && session % 10 == 0 {
                traces += 1;
                writeln!(trace_file, "{traces},{session},{bot},{},{}", stamp(at)?, 500 + below(5000))?;
            }
            at += i64::try_from(10 + below(120))?;
        }
        let platform = platforms[usize::try_from(person % 5)?];
        let (status, ended) = if below(3) > 0 { ("complete", stamp(at)?) } else { ("active", String::new()) };
        writeln!(session_file, "{session},1,{bot},{person},{platform},{status},{created},{ended}")?;
    }
    for file in [&mut session_file, &mut message_file, &mut link_file, &mut trace_file] {
        file.flush()?;
    }
    Ok(1 + 20 + 5 + people + 10 + sessions + message + links + traces)
}
