//! Random histories against a slow reference: imported in two parts with an aggregation after each, and in one part in any order.
//!
//! A case is the history of one community. A hundred of them share a repository and a run, so that a thousand cases go through
//! the real import, the real aggregation and the real reading; `global` is compared too, with everything in it.

mod history;
mod slow;

use std::collections::BTreeMap;

use jiff::civil::Date;
use proptest::{
    prelude::*,
    test_runner::{Config, TestRunner},
};
use serde_json::Value;
use tallykeep_repository::{TeamRepository, import::ImportRequest};

use self::{
    history::{Documents, FIRST_RUN, History, SECOND_RUN, Trouble, day, documents, history},
    slow::{Basis, Key, Numbers, Reference, trouble},
};
use crate::support::{House, aggregate, documents as ask_documents, import};

/// Histories that share a repository.
const TOGETHER: usize = 100;

/// How many histories are drawn: `TALLYKEEP_HISTORIES` (`.ci/run` asks for a thousand), else as many as share a repository.
fn cases() -> usize {
    std::env::var("TALLYKEEP_HISTORIES").ok().and_then(|text| text.parse().ok()).unwrap_or(TOGETHER)
}

fn noon(number: i32) -> String {
    format!("{}T12:00:00Z", day(number))
}

async fn bring(house: &House, repository: &TeamRepository, name: &str, documents: &Documents) {
    let file = |kind: &str, list: &[Value]| vec![house.lines(&format!("{name}-{kind}.ndjson"), list)];
    let request = ImportRequest {
        records: file("records", &documents.records),
        communities: file("communities", &documents.communities),
        community_events: file("community_events", &documents.memberships),
        usage_events: file("usage_events", &documents.usage),
        dry_run: false,
    };
    let report = import(repository, &request).await;
    assert_eq!((report.total.rejected, report.unreadable.len()), (0, 0), "{:?}", report.rejects);
}

const FAMILIES: [(&str, Option<Basis>, bool); 8] = [
    ("community-record-delta-created", Some(Basis::Created), false),
    ("community-record-delta-published", Some(Basis::Published), false),
    ("community-record-delta-added", Some(Basis::Added), false),
    ("community-record-snapshot-created", Some(Basis::Created), true),
    ("community-record-snapshot-published", Some(Basis::Published), true),
    ("community-record-snapshot-added", Some(Basis::Added), true),
    ("community-usage-delta", None, false),
    ("community-usage-snapshot", None, true),
];

/// The documents of a family as numbers by day.
async fn numbers(repository: &TeamRepository, query: &str, scope: &str) -> BTreeMap<Date, Numbers> {
    let params = serde_json::json!({"community_id": scope});
    let found = match crate::support::ask(repository, query, params).await {
        Ok(Value::Array(list)) => list,
        Ok(other) => panic!("not a list: {other}"),
        Err(tallykeep_repository::RepositoryError::NoResults { .. }) => Vec::new(),
        Err(error) => panic!("{query} of {scope}: {error}"),
    };
    let field = if query.contains("snapshot") { "snapshot_date" } else { "period_start" };
    found.iter().map(|d| (d[field].as_str().expect("a day")[..10].parse().expect("a day"), flat(query, d))).collect()
}

/// A document as numbers by key, in the order the reference has them.
fn flat(query: &str, document: &Value) -> Numbers {
    let read = |item: &Value, prefix: &str| -> Vec<i64> {
        let number = |pointer: &str| item.pointer(pointer).map_or(0, whole);
        let at = |what: &str, rest: &str| number(&format!("/{prefix}{what}{rest}"));
        match (query.contains("usage"), query.contains("snapshot")) {
            (false, false) => {
                let mut n = Vec::new();
                for what in ["records", "parents"] {
                    for side in ["added", "removed"] {
                        n.push(at(what, &format!("/{side}/metadata_only")));
                        n.push(at(what, &format!("/{side}/with_files")));
                    }
                }
                for side in ["added", "removed"] {
                    n.push(at("files", &format!("/{side}/file_count")));
                    n.push(at("files", &format!("/{side}/data_volume")));
                }
                n.extend([number("/contributions/added"), number("/contributions/removed"), number("/uploaders")]);
                n
            }
            (false, true) => vec![
                at("records", "/metadata_only"),
                at("records", "/with_files"),
                at("parents", "/metadata_only"),
                at("parents", "/with_files"),
                at("files", "/file_count"),
                at("files", "/data_volume"),
                number("/contributions"),
                number("/total_uploaders"),
                number("/distinct_uploaders"),
            ],
            (true, _) => [
                "/view/total_events",
                "/view/unique_visitors",
                "/view/unique_records",
                "/view/unique_parents",
                "/download/total_events",
                "/download/unique_visitors",
                "/download/unique_records",
                "/download/unique_parents",
                "/download/unique_files",
                "/download/total_volume",
            ]
            .map(number)
            .to_vec(),
        }
    };
    let mut found = Numbers::new();
    let total = match (query.contains("usage"), query.contains("snapshot")) {
        (true, _) => read(&document["totals"], ""),
        (false, true) => read(document, "total_"),
        (false, false) => read(document, ""),
    };
    found.insert((String::new(), String::new()), total);
    let mut add = |dimension: String, items: &Value| {
        for item in items.as_array().expect("a list") {
            let key: Key = (dimension.clone(), item["id"].as_str().expect("an id").to_owned());
            let before = found.insert(key, read(item, ""));
            assert!(before.is_none(), "twice in one list: {item}");
        }
    };
    for (name, items) in document["subcounts"].as_object().expect("subcounts") {
        match items {
            Value::Object(lists) => lists.iter().for_each(|(list, items)| add(format!("{name}/{list}"), items)),
            items => add(name.clone(), items),
        }
    }
    found
}

#[expect(clippy::cast_possible_truncation, reason = "whole numbers")]
fn whole(value: &Value) -> i64 {
    value.as_i64().or_else(|| value.as_f64().map(|f| f as i64)).expect("a number")
}

fn expected(
    reference: &Reference<'_>,
    scope: Option<usize>,
    family: (&str, Option<Basis>, bool),
    date: Date,
) -> Numbers {
    match family {
        (_, Some(basis), false) => reference.record_delta(scope, basis, date),
        (_, Some(basis), true) => reference.record_snapshot(scope, basis, date),
        (_, None, false) => reference.usage_delta(scope, date),
        (_, None, true) => reference.usage_snapshot(scope, date),
    }
}

/// Compares everything of a scope with the reference; `every` thins the days out.
async fn compare(
    repository: &TeamRepository,
    reference: &Reference<'_>,
    scope: Option<usize>,
    every: usize,
    histories: &[History],
) -> Result<(), TestCaseError> {
    let id = scope.map_or_else(|| "global".to_owned(), |s| format!("c{s}"));
    let about = || scope.map_or_else(String::new, |s| format!("{:#?}", histories[s]));
    for family in FAMILIES {
        let found = numbers(repository, family.0, &id).await;
        let days = match family.1 {
            Some(basis) => reference.record_days(scope, basis),
            None => reference.usage_days(scope),
        };
        let first = found.keys().next().copied();
        if let Some(needed) = days.first() {
            prop_assert!(
                first.is_some_and(|f| f <= *needed),
                "{} of {id} starts at {first:?}, not {needed}\n{}",
                family.0,
                about()
            );
        }
        if let (Some(first), Some((last, _))) = (first, found.last_key_value()) {
            let whole = usize::try_from((*last - first).get_days() + 1).expect("forward");
            prop_assert_eq!(found.len(), whole, "{} of {} has gaps\n{}", family.0, id, about());
            prop_assert_eq!(*last, day(SECOND_RUN), "{} of {} ends early\n{}", family.0, id, about());
        }
        for (number, (date, ours)) in found.iter().enumerate() {
            if number % every == 0 || number + 1 == found.len() {
                let theirs = expected(reference, scope, family, *date);
                prop_assert_eq!(ours, &theirs, "{} of {} on {}\n{}", family.0, id, date, about());
            }
        }
    }
    Ok(())
}

/// The documents of all imports in one, in another order.
fn shuffled(imports: &[Documents; 2], seed: u64) -> Documents {
    let mut state = seed | 1;
    let mut mix = |lists: [&[Value]; 2]| {
        let mut all: Vec<Value> = lists.concat();
        for at in (1..all.len()).rev() {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            all.swap(at, usize::try_from(state >> 33).expect("31 bits") % (at + 1));
        }
        all
    };
    Documents {
        communities: mix([&imports[0].communities, &imports[1].communities]),
        records: mix([&imports[0].records, &imports[1].records]),
        memberships: mix([&imports[0].memberships, &imports[1].memberships]),
        usage: mix([&imports[0].usage, &imports[1].usage]),
    }
}

/// One round: two parts with an aggregation after each, and everything at once in another order.
async fn round(histories: &[History], seed: u64) -> Result<(), TestCaseError> {
    let imports = documents(histories);
    let reference = Reference::new(histories);

    let house = House::new(&noon(FIRST_RUN)).await;
    let early = house.team().await;
    bring(&house, &early, "first", &imports[0]).await;
    aggregate(&early).await;
    let incremental = house.later(&noon(SECOND_RUN)).await;
    bring(&house, &incremental, "second", &imports[1]).await;
    aggregate(&incremental).await;
    for scope in 0..histories.len() {
        compare(&incremental, &reference, Some(scope), 1, histories).await?;
    }
    compare(&incremental, &reference, None, 9, histories).await?;

    let other = House::new(&noon(SECOND_RUN)).await;
    let rebuilt = other.team().await;
    bring(&other, &rebuilt, "all", &shuffled(&imports, seed)).await;
    aggregate(&rebuilt).await;
    // `global` holds everything; of the communities every fourth keeps a thousand cases affordable.
    let scopes = (0..histories.len()).step_by(4).map(|s| format!("c{s}")).chain(["global".to_owned()]);
    for scope in scopes {
        for (query, ..) in FAMILIES {
            let (once, twice) = (numbers(&rebuilt, query, &scope).await, numbers(&incremental, query, &scope).await);
            for (date, numbers) in &once {
                prop_assert_eq!(Some(numbers), twice.get(date), "{} of {} on {} rebuilt", query, scope, date);
            }
        }
    }
    Ok(())
}

#[test]
fn random_histories_give_the_numbers_of_the_reference_incremental_and_rebuilt_in_any_order() {
    let rounds = u32::try_from(cases().div_ceil(TOGETHER)).expect("few rounds");
    let config = Config { cases: rounds, max_shrink_iters: 0, failure_persistence: None, ..Config::default() };
    let strategy = (prop::collection::vec(history(), TOGETHER), any::<u64>());
    let seen = std::cell::RefCell::new((0_usize, [0_usize; 5]));
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    let outcome = TestRunner::new(config).run(&strategy, |(histories, seed)| {
        let mut seen = seen.borrow_mut();
        seen.0 += histories.len();
        for history in &histories {
            let Trouble { delete, restore, rejoin, same_day_leave, late_event } = trouble(history);
            for (count, holds) in seen.1.iter_mut().zip([delete, restore, rejoin, same_day_leave, late_event]) {
                *count += usize::from(holds);
            }
        }
        runtime.block_on(round(&histories, seed))
    });
    if let Err(error) = outcome {
        let text = error.to_string();
        panic!("{}", text.char_indices().nth(20_000).map_or(&text[..], |(end, _)| &text[..end]));
    }
    let (all, counts) = seen.into_inner();
    println!("{all} histories: [delete, restore, rejoin, same-day leave, late event] = {counts:?}");
    assert!(counts.iter().all(|count| count * 10 >= all), "each kind of trouble in a tenth of {all}: {counts:?}");
}

#[tokio::test]
async fn two_teams_with_the_same_ids_never_touch() {
    let mut runner = TestRunner::deterministic();
    let mut draw = || -> Vec<History> {
        let strategy = prop::collection::vec(history(), 5);
        let tree = proptest::strategy::Strategy::new_tree(&strategy, &mut runner).expect("a value");
        proptest::strategy::ValueTree::current(&tree)
    };
    let (ours, theirs) = (draw(), draw());
    let house = House::new(&noon(SECOND_RUN)).await;
    let (first, second) = (house.team().await, house.add_team("other").await);
    let all = |histories: &[History]| shuffled(&documents(histories), 5);
    bring(&house, &first, "ours", &all(&ours)).await;
    aggregate(&first).await;
    bring(&house, &second, "theirs", &all(&theirs)).await;
    aggregate(&second).await;
    aggregate(&first).await;
    for (repository, histories) in [(&first, &ours), (&second, &theirs)] {
        let reference = Reference::new(histories);
        for scope in 0..histories.len() {
            compare(repository, &reference, Some(scope), 1, histories).await.expect("its own numbers");
        }
        compare(repository, &reference, None, 1, histories).await.expect("its own numbers");
    }
    let day = day(SECOND_RUN - 1).to_string();
    let of = |list: Vec<Value>| list[0]["total_records"].clone();
    let ours = of(ask_documents(&first, "community-record-snapshot-created", "global", &day, &day).await);
    let theirs = of(ask_documents(&second, "community-record-snapshot-created", "global", &day, &day).await);
    assert_ne!(ours, theirs, "two different repositories");
}
