//! Sources that `serve` reads by itself: at their time, since their checkpoint, again after a failure, once for nights that were missed.

use std::{
    process::Stdio,
    time::{Duration, Instant},
};

use serde_json::{Value, json};
use tallykeep_control::Control;
use tallykeep_model::Clock;
use tallykeep_testkit::search::{FakeSearch, Fault, Flavour};

use crate::source_house::{House, filled};

const KIND: &str = "repository.import_source";

/// A file that reads the fake every night at half past two and has nothing else to do.
fn configure(house: &House, fake: &FakeSearch) {
    let quiet = [
        "daily_refresh",
        "update_duckdb_extension_downloads",
        "reconcile",
        "collect_hn_evidence",
        "generate_signal_guidance",
    ];
    let quiet: String = quiet.iter().map(|name| format!("{name} = \"\"\n")).collect();
    let text = format!(
        "[repository]\nCOMMUNITY_STATS_SCHEDULED_TASKS_ENABLED = false\n\n[repository.sources.nightly]\ntype = \"opensearch\"\n\
         url = \"{}\"\nrate = 1000\nschedule = \"30 2 * * *\"\n\n[packages.schedule]\n{quiet}",
        fake.base()
    );
    std::fs::write(house.folder.path().join("tallykeep.toml"), text).expect("written");
}

/// The jobs of the source, newest first.
async fn jobs(house: &House) -> Vec<Value> {
    let answer = house.json(&["schedule", "jobs", "--kind", KIND]).await;
    answer["jobs"].as_array().expect("jobs").clone()
}

/// Serves at an instant until `is_enough`, then ends it; answers what its health said at the end.
async fn serve(house: &House, now: &str, mut is_enough: impl AsyncFnMut() -> bool) -> (u16, String) {
    let mut command = house.command(&["serve", "--listen", "127.0.0.1:0", "--config", "tallykeep.toml"]);
    command.env("TALLYKEEP_NOW", now).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut child = tokio::process::Command::from(command).kill_on_drop(true).spawn().expect("it starts");
    let mut lines = tokio::io::BufReader::new(child.stdout.take().expect("piped"));
    let mut line = String::new();
    tokio::io::AsyncBufReadExt::read_line(&mut lines, &mut line).await.expect("its address");
    let address = line.split("http://").nth(1).expect("an address").trim().trim_end_matches('/').to_owned();
    let begun = Instant::now();
    while !is_enough().await {
        assert!(begun.elapsed() < Duration::from_secs(60), "{now}: {:?}", jobs(house).await);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let health = get(&address, "/healthz").await;
    let id = child.id().expect("it runs").to_string();
    assert!(std::process::Command::new("kill").args(["-TERM", &id]).status().expect("kill runs").success());
    assert!(child.wait().await.expect("it ends").success());
    health
}

async fn get(address: &str, path: &str) -> (u16, String) {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    let mut socket = tokio::net::TcpStream::connect(address).await.expect("it listens");
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    socket.write_all(request.as_bytes()).await.expect("written");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("an answer");
    (answer[9..12].parse().expect("a status"), answer)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_source_is_read_at_its_time_since_its_checkpoint_again_after_a_failure_and_once_for_missed_nights() {
    let fake = filled(Flavour::OpenSearch2, "").await;
    let house = House::new();
    configure(&house, &fake);
    // The first look at the timetable: the next slot will be its first.
    let looked = async || {
        let control = Control::open(&house.folder.path().join("data"), Clock::System).await.expect("a database");
        let team = control.team(&"default".parse().expect("a slug")).await.expect("the team");
        let kept = team.watermark("timetable:repository source nightly", "").await.expect("it answers");
        kept.as_deref() == Some("2026-02-01T02:30:00Z")
    };
    serve(&house, "2026-02-01T12:00:00Z", looked).await;
    assert!(fake.log().is_empty() && jobs(&house).await.is_empty());

    let ended = |many: usize| {
        let house = &house;
        async move || {
            let jobs = jobs(house).await;
            jobs.len() == many && jobs.iter().all(|job| !job["ended_at"].is_null())
        }
    };
    let health = serve(&house, "2026-02-02T02:30:05Z", ended(1)).await;
    // 642 documents, and 78 memberships that follow from the records.
    let first = &jobs(&house).await[0];
    assert_eq!((&first["state"], &first["result"]["total"]["new"]), (&json!("done"), &json!(720)), "{first}");
    assert_eq!(health.0, 200, "{}", health.1);

    // Three nights nobody served are made up for by one reading. The server refuses everything.
    fake.forget();
    fake.misbehave("", Fault::Status(503, None), 0, 4);
    let health = serve(&house, "2026-02-05T09:00:00Z", ended(2)).await;
    let failed = &jobs(&house).await[0];
    assert_eq!(failed["state"], "failed", "{failed}");
    assert!(failed["error"].as_str().is_some_and(|error| error.contains("503 from 127.0.0.1")), "{failed}");
    assert!(health.0 == 503 && health.1.contains(failed["id"].as_str().expect("an id")), "{}", health.1);
    assert_eq!(fake.log().len(), 4, "four tries, and no more");
    let told = String::from_utf8_lossy(&house.run(&["schedule", "jobs"]).await.stdout).into_owned();
    assert!(told.contains("failed     repository.import_source  source=\"nightly\"\n    503 from 127.0.0.1"), "{told}");

    // Ten minutes later it is tried again, and asks for what was written since an hour before the first reading began.
    fake.forget();
    let health = serve(&house, "2026-02-05T09:10:00Z", ended(3)).await;
    let again = &jobs(&house).await[0];
    assert_eq!((&again["state"], &again["result"]["total"]["new"]), (&json!("done"), &json!(0)), "{again}");
    assert_eq!(health.0, 200, "{}", health.1);
    let asked: Vec<String> =
        fake.log().into_iter().map(|served| served.asked.body).filter(|body| body.contains("range")).collect();
    assert!(!asked.is_empty() && asked.iter().all(|body| body.contains("2026-02-02T01:30:05")), "{asked:?}");
    assert_eq!(fake.given().len(), 0, "nothing was written since");
}
