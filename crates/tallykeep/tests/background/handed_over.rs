//! What `--async` hands over: its tasks are named, stand in the queue while a server lives, and whoever does queued jobs does them.

use serde_json::Value;
use tallykeep_control::Control;
use tallykeep_model::Clock;

use crate::{golden::small, house::House};

/// The ids of `📋 Task IDs: ['…', '…']`.
fn task_ids(out: &str) -> Vec<String> {
    let list = out.lines().find_map(|line| line.strip_prefix("📋 Task IDs: [")).expect("the tasks");
    let list = list.strip_suffix(']').expect("a list").split(", ");
    list.map(|id| id.trim_matches('\'').to_owned()).collect()
}

fn states(house: &House, words: &[&str]) -> Vec<(String, String)> {
    let document = house.stats(&[words, &["--json"]].concat()).ok().json();
    let text = |task: &Value, key: &str| task[key].as_str().expect("a text").to_owned();
    let tasks = document["tasks"].as_array().expect("tasks").iter();
    tasks.map(|task| (text(task, "id"), text(task, "state"))).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_handed_over_waits_for_the_server_is_told_and_done() {
    let house = small();
    house.stats(&["community-events", "generate"]).ok();
    // A server lives, as far as commands can see, and has its hands full.
    let control = Control::open(&house.data(), Clock::System).await.expect("control opens");
    let server = control.lease_or_busy("serve", "serve on 127.0.0.1:8080 (test)").await.expect("a lease");

    let said = house.stats(&["usage-events", "migrate", "--async", "--batch-size", "500"]).ok().out;
    let ids = task_ids(&said);
    assert_eq!(
        said,
        format!(
            "Queued as job {0} for the running server (serve on 127.0.0.1:8080 (test)).\n📋 Task IDs: ['{0}']\n\
             Follow it with: tallykeep community-stats usage-events status\n",
            ids[0]
        )
    );
    assert_eq!(states(&house, &["usage-events", "status"]), [(ids[0].clone(), "queued".to_owned())]);
    let status = house.stats(&["usage-events", "status"]).ok().out;
    assert!(status.contains(&format!("\nTask {}: queued\n", ids[0])), "{status}");
    assert!(status.contains("Months: 0 completed, 0 in progress, 4 not started"), "{status}");

    // No process of its own was started: the job is there for the next who does queued jobs.
    server.release().await.expect("released");
    assert_eq!(house.run(&["worker", "--json"]).ok().json()["jobs"], 1);
    assert_eq!(states(&house, &["usage-events", "status"]), [(ids[0].clone(), "done".to_owned())]);
    let status = house.stats(&["usage-events", "status"]).ok().out;
    assert!(status.contains(&format!("\nTask {}: done\n", ids[0])), "{status}");
    assert!(status.contains("Months: 4 completed, 0 in progress, 0 not started"), "{status}");

    // The same for kept answers: one task for each community and global.
    house.stats(&["aggregate", "--eager"]).ok();
    let server = control.lease_or_busy("serve", "serve (test)").await.expect("a lease");
    let said = house.stats(&["cache", "generate", "--all-years", "--async"]).ok().out;
    let ids = task_ids(&said);
    assert_eq!(said.lines().next(), Some("✅ Cache generation started in background"));
    assert_eq!((said.lines().count(), ids.len()), (2, 2), "no process of its own: {said}");
    let again = house.stats(&["cache", "generate", "--year", "2026", "--async", "--json"]).ok().json();
    assert_eq!((again["async"].as_bool(), again["task_count"].as_i64()), (Some(true), Some(1)));
    let queued = states(&house, &["cache", "info"]);
    let wanted = ids.iter().map(String::as_str).chain(again["task_ids"][0].as_str());
    assert_eq!(queued, wanted.map(|id| (id.to_owned(), "queued".to_owned())).collect::<Vec<_>>());
    let info = house.stats(&["cache", "info"]).ok().out;
    assert!(
        info.contains("Cached responses: 0 (0 current)") && info.contains(&format!("Task {}: queued", ids[1])),
        "{info}"
    );

    server.release().await.expect("released");
    assert_eq!(house.run(&["worker", "--json"]).ok().json()["jobs"], 3);
    let info = house.stats(&["cache", "info"]).ok().out;
    assert!(info.contains("Cached responses: 16 (16 current)") && info.contains(": done"), "{info}");
}
