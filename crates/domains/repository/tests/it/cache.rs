//! Kept answers: complete, never stale, never cut down for who asked for everything.

use serde_json::{Value, json};
use tallykeep_repository::{
    TeamRepository,
    cache::{Category, GenerateReport, GenerateRequest, Identity, Years},
    import::ImportRequest,
    read::{Params, Query},
    state::Basis,
};
use tallykeep_testkit::worked_example::{C1, records, usage};

use crate::{
    support::{House, aggregate, import},
    worked_example::example,
};

const ALL: [&str; 8] = [
    "record-delta-category",
    "record-snapshot-category",
    "usage-delta-category",
    "usage-snapshot-category",
    "record_delta_data_added",
    "record_delta_data_removed",
    "usage_delta_data_views",
    "usage_delta_data_downloads",
];

async fn generate(repository: &TeamRepository, request: &GenerateRequest) -> GenerateReport {
    repository.cached_responses().generate(request, &mut |_| true).await.expect("generated")
}

fn everything() -> GenerateRequest {
    GenerateRequest { all_communities: true, ..GenerateRequest::default() }
}

fn year(community: &str, year: i16) -> Value {
    json!({"community_id": community, "start_date": format!("{year}-01-01"), "end_date": format!("{year}-12-31")})
}

/// The answer as it is kept or made: its JSON, and whether it was kept.
async fn kept(repository: &TeamRepository, query: &str, params: &Value) -> (Value, bool) {
    let params = Params::from_json(query, params).expect("valid parameters");
    let served = repository.kept_answer(Query::find(query).expect(query), &params).await.expect("an answer");
    let served = served.expect("aligned to a year");
    (serde_json::from_slice(&served.body).expect("JSON"), served.hit)
}

/// The answer as it is computed from the rollups.
async fn computed(repository: &TeamRepository, query: &str, params: &Value) -> Value {
    crate::support::ask(repository, query, params.clone()).await.expect("an answer")
}

async fn is_kept(repository: &TeamRepository, query: &str, community: &str, of: i16) -> bool {
    let identity = Identity::new(community, of, Category::find(query).expect(query), Basis::Added);
    repository.cached_responses().exists(&identity).await.expect("looked up")
}

fn views(answer: &Value) -> i64 {
    let points = answer["global"]["views"][0]["data"].as_array().expect("points");
    points.iter().map(|point| point[1].as_i64().expect("a number")).sum()
}

/// One more view of R3, which is in C1.
fn late_view(house: &House, at: &str) -> ImportRequest {
    let event = json!({"timestamp": at, "recid": "R3", "parent_recid": "P1", "unique_id": "ui_R3", "visitor_id": "late",
        "unique_session_id": "late", "country": "FR", "via_api": false, "is_robot": false, "is_machine": false});
    ImportRequest { usage_events: vec![house.lines("late.ndjson", &[event])], ..ImportRequest::default() }
}

#[tokio::test]
async fn every_kept_answer_is_the_computed_one() {
    let (_house, repository) = example().await;
    let report = generate(&repository, &everything()).await;
    // C1 and global, 2024 only: both lives begin in 2024.
    assert_eq!((report.success, report.failed, report.skipped), (16, 0, 0), "{report:?}");
    for community in [C1, "global"] {
        for query in ALL {
            let (answer, hit) = kept(&repository, query, &year(community, 2024)).await;
            assert!(hit, "{query} of {community}");
            assert_eq!(answer, computed(&repository, query, &year(community, 2024)).await, "{query} of {community}");
        }
    }
    // Names of seed 004 and the slug lead to the same rows.
    for alias in ["record_delta", "record_snapshot", "usage_delta", "usage_snapshot"] {
        assert!(kept(&repository, alias, &year("c1", 2024)).await.1, "{alias}");
    }
}

#[tokio::test]
async fn only_what_changed_is_made_again() {
    let (house, repository) = example().await;
    let list = |request: GenerateRequest| GenerateRequest { years: Years::List(vec![2024, 2023]), ..request };
    generate(&repository, &everything()).await;
    let changed = GenerateRequest { only_changed: true, ..everything() };
    let again = generate(&repository, &changed).await;
    assert_eq!((again.success, again.skipped), (0, 16));
    // The current year is made again whenever somebody asks for it.
    assert_eq!(generate(&repository, &list(everything())).await.success, 16);

    // Two years later: 2024 is past, and a late event changes C1's usage of 2024 and nothing else.
    let repository = house.later("2026-03-02T12:00:00Z").await;
    aggregate(&repository).await;
    let first = generate(&repository, &everything()).await;
    assert_eq!((first.success, first.failed), (48, 0), "three years of two scopes");
    import(&repository, &late_view(&house, "2024-01-13T20:00:00")).await;
    aggregate(&repository).await;
    for (query, community, of, stays) in [
        ("usage_delta", C1, 2024, false),
        ("usage_delta_data_views", C1, 2024, false),
        ("usage_delta", C1, 2025, true),
        ("usage_snapshot", C1, 2024, false),
        ("usage_snapshot", C1, 2025, false),
        ("usage_snapshot", C1, 2026, false),
        ("usage_delta", "global", 2024, false),
        ("record_delta", C1, 2024, true),
        ("record_snapshot", "global", 2025, true),
    ] {
        assert_eq!(is_kept(&repository, query, community, of).await, stays, "{query} {community} {of}");
    }
    let made = generate(&repository, &changed).await;
    // Of each scope: three of usage deltas in 2024, usage snapshots of three years.
    let names: Vec<(i16, &str)> =
        made.responses.iter().filter(|r| r.community_id == C1).map(|r| (r.year, r.category)).collect();
    assert_eq!(
        names,
        [
            (2024, "usage-delta-category"),
            (2024, "usage_delta_data_views"),
            (2024, "usage_delta_data_downloads"),
            (2024, "usage-snapshot-category"),
            (2025, "usage-snapshot-category"),
            (2026, "usage-snapshot-category"),
        ]
    );
    assert_eq!(made.success, 12);
}

#[tokio::test]
async fn an_answer_is_never_older_than_the_numbers() {
    let (house, repository) = example().await;
    generate(&repository, &everything()).await;
    let params = year(C1, 2024);
    assert_eq!(views(&kept(&repository, "usage-delta-category", &params).await.0), 4);
    import(&repository, &late_view(&house, "2024-01-13T20:00:00")).await;
    // Imported and not yet counted: what is known has not changed.
    assert!(kept(&repository, "usage-delta-category", &params).await.1);
    aggregate(&repository).await;
    let (answer, hit) = kept(&repository, "usage-delta-category", &params).await;
    assert_eq!((views(&answer), hit), (5, false));
    assert_eq!(answer, computed(&repository, "usage-delta-category", &params).await);
    assert!(kept(&repository, "usage-delta-category", &params).await.1, "kept by who asked first");
}

#[tokio::test]
async fn days_that_came_since_stand_in_answers_about_years_that_are_over() {
    let (house, _) = example().await;
    let day = house.later("2026-03-02T12:00:00Z").await;
    aggregate(&day).await;
    generate(&day, &everything()).await;
    let next = house.later("2026-03-03T12:00:00Z").await;
    aggregate(&next).await;
    let (answer, hit) = kept(&next, "usage-delta-category", &year(C1, 2024)).await;
    assert!(hit);
    assert_eq!(answer["global"]["views"][0]["coverage"]["last"], "2026-03-03");
    assert_eq!(answer, computed(&next, "usage-delta-category", &year(C1, 2024)).await);
    let (answer, hit) = kept(&next, "usage-delta-category", &year(C1, 2026)).await;
    assert!(!hit, "2026 has a day more");
    assert_eq!(answer, computed(&next, "usage-delta-category", &year(C1, 2026)).await);
}

#[tokio::test]
async fn what_is_not_complete_is_not_kept() {
    let house = House::new("2024-01-15T12:00:00Z").await;
    let repository = house.team().await;
    let community = json!({"id": C1, "slug": "c1", "created": "2024-01-01T00:00:00Z", "metadata": {"title": "One"}});
    let request = ImportRequest {
        records: vec![house.lines("records.ndjson", &records())],
        communities: vec![house.lines("communities.ndjson", &[community])],
        usage_events: vec![house.lines("usage_events.ndjson", &usage())],
        ..ImportRequest::default()
    };
    import(&repository, &request).await;
    let report = generate(&repository, &everything()).await;
    assert_eq!((report.success, report.failed, report.skipped), (0, 0, 16));
    for _ in 0..2 {
        let (answer, hit) = kept(&repository, "usage-delta-category", &year("global", 2024)).await;
        assert!(!hit && answer["global"]["views"] == json!([]), "{answer}");
    }
    let flags = repository.page_flags("global").await.expect("flags");
    assert!(flags.first_run_incomplete && !flags.agg_in_progress && !flags.caching_in_progress, "{flags:?}");
    // The first run is displaced by the events that records ask for.
    let run = repository.aggregate(&Default::default(), "first", &mut |_| true).await.expect("ran");
    assert_eq!(run.status, "displaced by community events initialization");
    let run = repository.aggregate(&Default::default(), "second", &mut |_| true).await.expect("ran");
    assert_eq!(run.status, "displaced by usage events migration");
    aggregate(&repository).await;
    assert!(!repository.page_flags(C1).await.expect("flags").first_run_incomplete);
    assert_eq!(generate(&repository, &everything()).await.success, 16);
    // Next day the day before is missing until it is aggregated.
    let next = house.later("2024-01-17T12:00:00Z").await;
    let report = generate(&next, &everything()).await;
    assert_eq!((report.success, report.skipped), (0, 16));
}

#[tokio::test]
async fn a_body_cut_down_is_for_who_asked_for_it() {
    let (house, repository) = example().await;
    let mut cut = year(C1, 2024);
    cut["optimize"] = json!(true);
    let whole = year(C1, 2024);
    let (small, _) = kept(&repository, "usage-delta-category", &cut).await;
    let names: Vec<&String> = small["global"].as_object().expect("metrics").keys().collect();
    assert_eq!(names, ["dataVolume", "viewUniqueRecords", "downloadUniqueFiles"]);
    let (large, hit) = kept(&repository, "usage-delta-category", &whole).await;
    assert!(hit && large["global"].as_object().expect("metrics").len() == 10, "what is kept has everything");
    assert_eq!(large, computed(&repository, "usage-delta-category", &whole).await);
    let (small_again, hit) = kept(&repository, "usage-delta-category", &cut).await;
    assert!(hit && small_again == small);
    for query in ALL {
        assert_eq!(kept(&repository, query, &cut).await.0, computed(&repository, query, &cut).await, "{query}");
    }
    // Another layout, another part of the same answer.
    let layout = json!({"global_layout": {"tabs": [{"rows": [{"components": [{"component": "SingleStatViews"}]}]}]}});
    let other = house.again("2024-01-15T12:00:00Z", |s| s.layout = Some(layout)).await;
    let (smaller, hit) = kept(&other, "usage-delta-category", &cut).await;
    let names: Vec<&String> = smaller["global"].as_object().expect("metrics").keys().collect();
    assert!(hit && names == ["viewUniqueRecords"], "{names:?}");
    // A site that cuts nothing down gives everything.
    let never = house.again("2024-01-15T12:00:00Z", |s| s.optimize = false).await;
    assert_eq!(kept(&never, "usage-delta-category", &cut).await, (large, true));
    // Other settings, other answers: what was kept with the old ones is not served.
    let fewer = house.again("2024-01-15T12:00:00Z", |s| s.top_limit = 1).await;
    assert!(!kept(&fewer, "usage-delta-category", &whole).await.1);
}

#[tokio::test]
async fn a_changed_layout_never_gets_the_part_of_another() {
    let (house, repository) = example().await;
    generate(&repository, &everything()).await;
    let layouts = async |of: &TeamRepository| of.cached_responses().size_info().await.expect("sizes").layouts;
    let first = layouts(&repository).await;
    let (old, count) = first.first_key_value().expect("a layout");
    assert_eq!((first.len(), *count), (1, 16), "{first:?}");

    // A process that never held an answer in memory, after the layout of all communities has changed.
    let layout = json!({"tabs": [{"name": "t", "label": "T", "rows": [{"name": "r", "components": [{"component": "SingleStatViews"}]}]}]});
    let other = house.again("2024-01-15T12:00:00Z", |_| {}).await;
    let scope = other.layout_scope("communities").await.expect("a scope");
    other.set_layout(&scope, &layout, "test").await.expect("set");
    let mut page = year(C1, 2024);
    page["optimize"] = json!(true);
    let identity = Identity::new(C1, 2024, Category::find("usage_delta").expect("a category"), Basis::Added);
    let key = identity.key("stats_dashboard");
    let part = async |hash: &str| other.control().response_part(&key, hash).await.expect("looked up").is_some();
    assert!(part(old).await, "what is kept is the other layout's");
    let (answer, hit) = kept(&other, "usage-delta-category", &page).await;
    let names: Vec<&String> = answer["global"].as_object().expect("metrics").keys().collect();
    assert!(hit && names == ["viewUniqueRecords"], "{names:?}");
    assert_eq!(answer, computed(&other, "usage-delta-category", &page).await);
    // Its own part took the other's place, and the next process takes it from there.
    let new = layouts(&other).await.into_keys().find(|hash| hash != old).expect("another layout");
    assert!(part(&new).await && !part(old).await);
    let next = house.again("2024-01-15T12:00:00Z", |_| {}).await;
    assert_eq!(kept(&next, "usage-delta-category", &page).await, (answer, true));
    assert_eq!(
        kept(&next, "usage-delta-category", &year(C1, 2024)).await.0["global"].as_object().map(|m| m.len()),
        Some(10)
    );

    // Generation makes anew what was cut for another layout, and nothing else: global's layout is as it was.
    let changed = GenerateRequest { only_changed: true, ..everything() };
    let plan = next.cached_responses().plan(&changed).await.expect("a plan");
    assert_eq!((plan.total, plan.existing), (16, 9));
    let made = generate(&next, &changed).await;
    assert_eq!((made.success, made.skipped), (7, 9));
    assert_eq!(layouts(&next).await, [(old.clone(), 8), (new, 8)].into());
    assert_eq!(generate(&next, &changed).await.success, 0);
}

#[tokio::test]
async fn answers_end_after_their_time() {
    let (house, repository) = example().await;
    generate(&repository, &everything()).await;
    let list = repository.cached_responses().list(None).await.expect("a list");
    assert!(list.iter().all(|one| one.expires_at == "2024-02-14T12:00:00Z" && one.current), "{list:?}");
    let before = house.later("2024-02-14T11:59:59Z").await;
    assert!(is_kept(&before, "record_delta", C1, 2024).await);
    let after = house.later("2024-02-14T12:00:00Z").await;
    assert!(!is_kept(&after, "record_delta", C1, 2024).await);
    assert!(!kept(&after, "record_delta", &year(C1, 2024)).await.1);
    let none = house.again("2024-01-15T12:00:00Z", |s| s.cache_days = 0).await;
    let params = Params::from_json("record_delta", &year(C1, 2024)).expect("parameters");
    let query = Query::find("record_delta").expect("a query");
    assert!(none.kept_answer(query, &params).await.expect("an answer").is_none(), "0 days keep nothing");
}

#[tokio::test]
async fn a_label_that_changes_or_comes_late_is_shown() {
    let (house, repository) = example().await;
    let report = generate(&repository, &everything()).await;
    assert_eq!(report.success, 16);
    let mut r2 = records().remove(1);
    r2["metadata"]["resource_type"]["title"]["en"] = json!("Journal article");
    r2["updated"] = json!("2024-01-15T09:00:00Z");
    import(&repository, &ImportRequest { records: vec![house.lines("r2.ndjson", &[r2])], ..ImportRequest::default() })
        .await;
    aggregate(&repository).await;
    for query in ALL {
        assert!(!is_kept(&repository, query, C1, 2024).await, "{query}");
        let (answer, _) = kept(&repository, query, &year(C1, 2024)).await;
        assert_eq!(answer, computed(&repository, query, &year(C1, 2024)).await, "{query}");
    }
}

#[tokio::test]
async fn a_run_that_died_in_between_makes_everything_old() {
    let (_house, repository) = example().await;
    generate(&repository, &everything()).await;
    // What a run leaves behind when it is killed between the lake and control.
    repository.control().set_watermark("registry", "in_flight", "run").await.expect("set");
    aggregate(&repository).await;
    for community in [C1, "global"] {
        for query in ALL {
            assert!(!is_kept(&repository, query, community, 2024).await, "{query} of {community}");
        }
    }
    generate(&repository, &everything()).await;
    aggregate(&repository).await;
    assert!(is_kept(&repository, "record_delta", C1, 2024).await, "a run that ends leaves nothing");
}

#[tokio::test]
async fn many_who_ask_at_once_cost_one_answer() {
    let (_house, repository) = example().await;
    let params = Params::from_json("usage_delta", &year(C1, 2024)).expect("parameters");
    let query = Query::find("usage_delta").expect("a query");
    let asked: Vec<_> = (0..12)
        .map(|_| {
            let (repository, params) = (repository.clone(), params.clone());
            tokio::spawn(async move { repository.kept_answer(query, &params).await })
        })
        .collect();
    let (mut made, mut bodies) = (0, std::collections::BTreeSet::new());
    for one in asked {
        let served = one.await.expect("ran").expect("an answer").expect("aligned");
        made += usize::from(!served.hit);
        bodies.insert(served.digest);
    }
    assert_eq!((made, bodies.len()), (1, 1));
}

#[tokio::test]
async fn the_service_of_the_seed() {
    let (_house, repository) = example().await;
    let service = repository.cached_responses();
    let request = GenerateRequest { communities: vec!["c1".to_owned(), "global".to_owned()], ..Default::default() };
    let plan = service.plan(&request).await.expect("a plan");
    assert_eq!((plan.communities.len(), plan.years.as_slice(), plan.categories.len()), (2, &[2024][..], 8));
    assert_eq!((plan.total, plan.existing), (16, 0));
    generate(&repository, &request).await;
    assert_eq!(service.plan(&request).await.expect("a plan").existing, 16);
    // Years outside a life have nothing to make.
    let earlier = GenerateRequest { years: Years::List(vec![1999, 2030]), ..request.clone() };
    assert_eq!(service.plan(&earlier).await.expect("a plan").total, 0);

    let all = service.read_all(C1, 2024).await.expect("read");
    assert_eq!(all.len(), 8);
    let one = &all[0];
    let document = one.to_json().expect("JSON");
    assert_eq!((document["cache_type"].as_str(), document["year"].as_i64()), (Some("community"), Some(2024)));
    assert_eq!(document["data"], computed(&repository, "record-delta-category", &year(C1, 2024)).await);
    assert!(!one.is_global() && !one.is_expired(one.created_at) && one.is_expired(one.expires_at));
    let keys: Vec<&str> = document.as_object().expect("an object").keys().map(String::as_str).collect();
    assert_eq!(
        keys,
        ["community_id", "year", "category", "cache_type", "cache_key", "data", "created_at", "expires_at"]
    );

    // What is updated is what is served, from memory too.
    kept(&repository, "record_delta", &year(C1, 2024)).await;
    service.update(&one.identity, b"{\"mine\":1}".to_vec()).await.expect("updated");
    assert_eq!(kept(&repository, "record_delta", &year(C1, 2024)).await, (json!({"mine": 1}), true));
    assert_eq!(service.delete(C1, 2024, Some(one.identity.category)).await.expect("deleted"), 1);
    assert!(!service.exists(&one.identity).await.expect("looked up"));
    let (answer, hit) = kept(&repository, "record_delta", &year(C1, 2024)).await;
    assert!(!hit && answer["mine"].is_null());
    assert_eq!(service.delete(C1, 2024, None).await.expect("deleted"), 8);
    assert!(!kept(&repository, "usage_delta", &year(C1, 2024)).await.1);

    assert_eq!(service.invalidate("global/2024/usage*").await.expect("invalidated"), 4);
    assert_eq!(service.invalidate("record_snapshot").await.expect("invalidated"), 1);
    let size = service.size_info().await.expect("sizes");
    assert_eq!((size.key_count, size.current_count), (4, 4), "three of global, one of C1 that was asked for");
    assert!(size.total_memory_bytes > 1000 && size.cache_prefix == "stats_dashboard", "{size:?}");
    assert_eq!(service.info().await.expect("info").default_ttl_days, 30);
    assert_eq!(service.clear().await.expect("cleared"), 4);
    assert_eq!(service.size_info().await.expect("sizes").key_count, 0);
    assert!(!kept(&repository, "record_snapshot", &year("global", 2024)).await.1);
}

#[tokio::test]
async fn one_generation_at_a_time_and_it_can_be_stopped() {
    let (_house, repository) = example().await;
    let service = repository.cached_responses();
    let stopped = service.generate(&everything(), &mut |_| false).await.expect_err("stopped");
    assert!(matches!(stopped, tallykeep_repository::RepositoryError::Stopped), "{stopped}");
    assert_eq!(service.size_info().await.expect("sizes").key_count, 8, "what was done is kept");
    let name = tallykeep_repository::registry::cache_lease_name(&repository.control().team().slug);
    let guard = repository.control().control().lease_or_busy(&name, "cache generate (test)").await.expect("a lease");
    let busy = service.generate(&everything(), &mut |_| true).await.expect_err("busy");
    assert!(busy.to_string().contains("cache generate (test)"), "{busy}");
    guard.release().await.expect("released");
    let mut seen = Vec::new();
    let watched = repository.clone();
    service
        .generate(&everything(), &mut |progress| {
            seen.push(progress.step);
            true
        })
        .await
        .expect("generated");
    assert_eq!(seen, ["c1 2024", "global 2024"]);
    assert!(!watched.page_flags(C1).await.expect("flags").caching_in_progress);
}

#[tokio::test]
async fn teams_do_not_see_each_others_answers() {
    let (house, repository) = example().await;
    generate(&repository, &everything()).await;
    let other = house.add_team("other").await;
    assert_eq!(other.cached_responses().size_info().await.expect("sizes").key_count, 0);
    let (answer, hit) = kept(&other, "usage_delta", &year("global", 2024)).await;
    assert!(!hit && answer["global"]["views"] == json!([]));
    assert_eq!(other.cached_responses().clear().await.expect("cleared"), 0);
    assert!(kept(&repository, "usage_delta", &year("global", 2024)).await.1);
}
