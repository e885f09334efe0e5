//! A migration killed at random steps (SIGKILL) and carried on: no event lost, none enriched twice.

use std::time::{Duration, Instant};

use serde_json::Value;
use tallykeep_lake::{
    Lake, Scan, TableDef,
    arrow::{array::AsArray, datatypes::Int64Type},
};
use tallykeep_repository::tables::{ENRICHED, USAGE};

use crate::house::House;

const ROUNDS: u64 = 20;

/// Every identity a table holds, in order; twice when it stands there twice.
fn identities(house: &House, table: &'static TableDef) -> Vec<(i64, i64)> {
    let runtime = tokio::runtime::Runtime::new().expect("a runtime");
    runtime.block_on(async {
        let lake = Lake::open(&house.data().join("lake"), Duration::from_secs(60)).expect("it opens");
        let scan = Scan { columns: vec!["identity_high", "identity_low"], filters: Vec::new() };
        let mut found = Vec::new();
        let team = lake.team(&"default".parse().expect("a slug"));
        for batch in team.table(table).scan(&scan).await.expect("read") {
            let (high, low) =
                (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
            found.extend(high.values().iter().copied().zip(low.values().iter().copied()));
        }
        found.sort_unstable();
        found
    })
}

fn remaining(house: &House) -> u64 {
    let status = house.stats(&["usage-events", "status", "--json"]).ok().json();
    ["view", "download"].iter().map(|kind| status["event_types"][kind]["remaining"].as_u64().expect("a number")).sum()
}

/// splitmix64: the same rounds every time.
fn next(state: &mut u64) -> u64 {
    *state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mixed = (*state ^ (*state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb) >> 11
}

#[test]
fn twenty_kills_lose_nothing_and_repeat_nothing() {
    let house = House::new();
    house.import_events_of("2026-");
    let events = identities(&house, &USAGE);

    let begun = Instant::now();
    // Batches of ten: a hundred of them make a commit, so there are several.
    let whole = house.stats(&["usage-events", "migrate", "--batch-size", "10", "--json"]).ok().json();
    let took = begun.elapsed().max(Duration::from_millis(200));
    assert_eq!(whole["total_processed"].as_u64(), Some(events.len() as u64));
    assert_eq!(identities(&house, &ENRICHED), events);

    let (mut state, mut halfway, mut left) = (11, 0, 0);
    for _ in 0..ROUNDS {
        let mut words = vec!["community-stats", "usage-events", "migrate", "--batch-size", "10"];
        let fresh = left == 0;
        if fresh {
            words.push("--fresh-start");
        }
        let mut child = house
            .command(&words)
            .stdout(std::process::Stdio::null())
            .stderr(std::process::Stdio::null())
            .spawn()
            .expect("the program runs");
        let share = next(&mut state) % 1_000;
        std::thread::sleep(took.mul_f64(f64::from(u32::try_from(share).expect("small")) / 900.0));
        child.kill().expect("killed");
        child.wait().expect("collected");
        let now = remaining(&house);
        assert!(fresh || now <= left, "{now} of {left} remain: something was lost");
        halfway += u64::from(now > 0 && now < events.len() as u64);
        left = now;
    }
    assert!(events.len() > 5_000, "{} events", events.len());
    assert!(halfway >= 3, "only {halfway} of {ROUNDS} kills came while a migration was half done");
    // The killed ones' lock is free: the machine knows that they are gone.
    let last: Value = house.stats(&["usage-events", "migrate", "--json"]).ok().json();
    assert_eq!(last["completed"], true, "{last}");
    assert_eq!(last["total_processed"].as_u64(), Some(left), "exactly what was left is enriched");
    assert_eq!(identities(&house, &ENRICHED), events, "every event once");
    assert_eq!(identities(&house, &USAGE), events, "the events are as they were");
}
