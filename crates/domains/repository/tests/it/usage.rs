//! Migration of usage events, its validation, re-enrichment, invented events, destruction: numbers computed by hand.

use std::collections::{BTreeMap, HashSet};

use serde_json::{Value, json};
use tallykeep_lake::{
    Change, Scan,
    arrow::{
        array::{ArrayRef, AsArray, Int64Array, RecordBatch, TimestampMicrosecondArray},
        datatypes::Int64Type,
    },
};
use tallykeep_repository::{
    TeamRepository,
    aggregate::AggregateRequest,
    documents::UsageKind,
    import::ImportRequest,
    subcounts::Subcount,
    tables::{ENRICHED, ENRICHMENTS, USAGE},
    usage::{ClearBookmarks, GenerateRequest, MigrateRequest, Migrated, MonthState, ReenrichRequest},
};

use crate::support::{House, aggregate, document, import, item};

const C1: &str = "11111111-1111-4111-8111-111111111111";
const NOW: &str = "2024-03-15T12:00:00Z";

fn record() -> Value {
    json!({
        "id": "R1", "parent": {"id": "P1", "access": {"owned_by": {"user": "U1"}}, "communities": {"ids": []}},
        "created": "2024-01-10T09:00:00Z", "updated": "2024-01-10T09:00:00Z", "is_published": true, "is_deleted": false,
        "access": {"status": "open"},
        "files": {"enabled": true, "entries": [{"key": "a.pdf", "ext": "pdf", "size": 1000, "file_id": "f1"},
                                                {"key": "b.csv", "ext": "csv", "size": 500, "file_id": "f2"}]},
        "metadata": {
            "publication_date": "2024", "publisher": "Acme", "version": "v1",
            "resource_type": {"id": "dataset", "title": {"en": "Dataset"}},
            "funding": [{"funder": {"id": "fu1", "name": "Fund"}}],
            "creators": [{"affiliations": [{"id": "a1", "name": "Institute"}]}],
            "contributors": [{"affiliations": [{"id": "a2", "name": "Academy"}]}],
        },
        "custom_fields": {"journal:journal": {"title": "Annals"}},
    })
}

fn view(at: &str, visitor: &str) -> Value {
    json!({"timestamp": at, "event_type": "view", "recid": "R1", "parent_recid": "P1", "unique_id": "ui_R1", "visitor_id": visitor})
}

fn download(at: &str, visitor: &str) -> Value {
    let mut event = view(at, visitor);
    event["event_type"] = json!("download");
    event["file_id"] = json!("f2");
    event["file_key"] = json!("b.csv");
    event["size"] = json!(500);
    event
}

/// R1 is in C1 from 12 January to 1 February: it has left since. Of the seven events one came enriched and one is of a record nobody knows.
fn events() -> Vec<Value> {
    let mut own = view("2024-01-20T10:00:00", "v4");
    own["community_ids"] = json!(["elsewhere"]);
    own["publisher"] = json!("Old Acme");
    let mut unknown = view("2024-02-03T10:00:00", "v5");
    unknown["recid"] = json!("R9");
    vec![
        view("2024-01-11T10:00:00", "v1"),
        view("2024-01-12T10:00:00", "v2"),
        view("2024-01-31T23:59:59", "v3"),
        own,
        download("2024-01-13T10:00:00", "v1"),
        view("2024-02-02T10:00:00", "v1"),
        unknown,
    ]
}

async fn house() -> (House, TeamRepository) {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let community = json!({"id": C1, "slug": "c1", "created": "2024-01-01T00:00:00Z", "metadata": {"title": "One"}});
    let membership =
        |kind: &str, at: &str| json!({"record_id": "R1", "community_id": C1, "event_type": kind, "event_date": at});
    let request = ImportRequest {
        records: vec![house.lines("records.ndjson", &[record()])],
        communities: vec![house.lines("communities.ndjson", &[community])],
        community_events: vec![house.lines(
            "community_events.ndjson",
            &[membership("added", "2024-01-12T08:00:00"), membership("removed", "2024-02-01T00:00:00")],
        )],
        usage_events: vec![house.lines("usage_events.ndjson", &events())],
        dry_run: false,
    };
    assert_eq!(import(&repository, &request).await.total.rejected, 0);
    (house, repository)
}

async fn migrate(repository: &TeamRepository, request: MigrateRequest) -> Migrated {
    repository.migrate_usage(&request, &mut |_| true).await.expect("it runs")
}

/// The stored enrichment of every event, by its instant; an event without one is absent, one with several fails the test.
async fn enriched(repository: &TeamRepository) -> BTreeMap<String, Value> {
    let lake = repository.lake();
    let mut documents: BTreeMap<i64, Value> = BTreeMap::new();
    for batch in lake.table(&ENRICHMENTS).scan(&Scan::default()).await.expect("read") {
        let (ids, docs) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_string::<i32>());
        for row in 0..batch.num_rows() {
            documents.insert(ids.value(row), serde_json::from_str(docs.value(row)).expect("JSON"));
        }
    }
    let mut found = BTreeMap::new();
    for batch in lake.table(&ENRICHED).scan(&Scan::default()).await.expect("read") {
        let at = batch.column(0).as_primitive::<tallykeep_lake::arrow::datatypes::TimestampMicrosecondType>();
        let enrichments = batch.column(3).as_primitive::<Int64Type>();
        for row in 0..batch.num_rows() {
            let at = jiff::Timestamp::from_microsecond(at.value(row)).expect("an instant").to_string();
            let before = found.insert(at.clone(), documents[&enrichments.value(row)].clone());
            assert!(before.is_none(), "{at} is enriched twice");
        }
    }
    found
}

async fn identities(repository: &TeamRepository, table: &'static tallykeep_lake::TableDef) -> Vec<(i64, i64)> {
    let scan = Scan { columns: vec!["identity_high", "identity_low"], filters: Vec::new() };
    let mut found = Vec::new();
    for batch in repository.lake().table(table).scan(&scan).await.expect("read") {
        let (high, low) = (batch.column(0).as_primitive::<Int64Type>(), batch.column(1).as_primitive::<Int64Type>());
        found.extend(high.values().iter().copied().zip(low.values().iter().copied()));
    }
    found.sort_unstable();
    found
}

#[tokio::test]
async fn every_event_gets_what_its_record_and_the_interval_around_it_say() {
    let (_house, repository) = house().await;
    let migrated = migrate(&repository, MigrateRequest::default()).await;
    assert_eq!((migrated.total_processed, migrated.total_errors, migrated.completed), (7, 0, true), "{migrated:?}");
    let january = &migrated.event_types["view"].months["2024-01"];
    assert_eq!((january.processed, january.batches_attempted, january.batches_succeeded), (4, 1, 1));
    assert_eq!(
        (january.source_index.as_str(), january.target_index.as_str()),
        ("events-stats-record-view-2024-01", "events-stats-record-view-2024-01-v2.0.0")
    );
    assert_eq!(migrated.event_types["download"].months["2024-01"].processed, 1);
    assert_eq!(migrated.event_types["view"].months["2024-02"].processed, 2);

    let stored = enriched(&repository).await;
    let communities = |at: &str| stored[at]["community_ids"].clone();
    assert_eq!(communities("2024-01-11T10:00:00Z"), json!([]), "before it joined");
    assert_eq!(communities("2024-01-12T10:00:00Z"), json!([C1]));
    assert_eq!(
        communities("2024-01-31T23:59:59Z"),
        json!([C1]),
        "a past event of a record that left keeps its community"
    );
    assert_eq!(communities("2024-02-02T10:00:00Z"), json!([]), "after it left");
    let full = &stored["2024-01-12T10:00:00Z"];
    // What the replaced system leaves empty: funders, affiliations, the journal.
    assert_eq!(full["funders"], json!([{"id": "fu1", "name": "Fund"}]));
    assert_eq!(full["affiliations"], json!([{"id": "a2", "name": "Academy"}, {"id": "a1", "name": "Institute"}]));
    assert_eq!(full["journal_title"], "Annals");
    assert_eq!((&full["publisher"], &full["access_status"]), (&json!("Acme"), &json!("open")));
    assert_eq!(full["file_types"], json!(["pdf", "csv"]));
    assert_eq!(stored["2024-01-13T10:00:00Z"]["file_types"], json!(["csv"]), "of a download the one file's");
    assert_eq!(
        stored["2024-01-20T10:00:00Z"],
        json!({"community_ids": ["elsewhere"], "publisher": "Old Acme"}),
        "its own"
    );
    assert_eq!(stored["2024-02-03T10:00:00Z"], json!({"community_ids": []}), "no record, no community, and legal");

    let again = migrate(&repository, MigrateRequest::default()).await;
    assert_eq!((again.total_processed, again.completed), (0, true));
    let status = repository.migration_status().await.expect("it answers");
    assert_eq!(
        (status.event_types["view"].old, status.event_types["view"].migrated, status.event_types["view"].remaining),
        (6, 6, 0)
    );
    assert_eq!(status.completed.len(), 3);
    assert!(status.event_types["view"].months[0].bookmark.as_ref().is_some_and(|b| b.completed && b.processed == 4));
}

#[tokio::test]
async fn a_migration_refuses_without_membership_events() {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let request = ImportRequest { usage_events: vec![house.lines("u.ndjson", &events())], ..ImportRequest::default() };
    import(&repository, &request).await;
    let migrated = migrate(&repository, MigrateRequest::default()).await;
    assert_eq!(
        migrated.error.as_deref(),
        Some("Community events index does not exist - cannot proceed with reindexing")
    );
    assert!(!migrated.completed && enriched(&repository).await.is_empty());
}

#[tokio::test]
async fn what_is_interrupted_carries_on_and_late_events_are_taken() {
    let (house, repository) = house().await;
    let careful = || MigrateRequest { batch_size: Some(1), max_batches: Some(1), ..MigrateRequest::default() };
    let first = migrate(&repository, careful()).await;
    // Views of January 1 of 4, of February 1 of 2, the one download.
    assert_eq!((first.total_processed, first.completed), (3, false));
    let january = &first.event_types["view"].months["2024-01"];
    assert!(january.interrupted && !january.completed && january.last_processed_id.is_some());
    assert!(first.event_types["download"].months["2024-01"].completed);
    let status = repository.migration_status().await.expect("it answers");
    assert_eq!(status.event_types["view"].months[0].state, MonthState::InProgress);
    assert_eq!((status.event_types["view"].migrated, status.event_types["view"].remaining), (2, 4));

    let full = MigrateRequest { memory: || Some(91.0), ..MigrateRequest::default() };
    let unwell = migrate(&repository, full).await;
    assert_eq!((unwell.total_processed, unwell.completed), (0, false));
    assert_eq!(unwell.health_issues, ["Memory usage too high: 91%"]);

    let mut left = 1;
    let stopped = repository
        .migrate_usage(&MigrateRequest { batch_size: Some(1), ..MigrateRequest::default() }, &mut |_| {
            left -= 1;
            left >= 0
        })
        .await
        .expect("it runs");
    assert_eq!((stopped.total_processed, stopped.completed), (1, false), "stopped after the batch at hand");

    let rest = migrate(&repository, MigrateRequest::default()).await;
    assert_eq!((rest.total_processed, rest.completed), (3, true));
    assert_eq!(identities(&repository, &ENRICHED).await, identities(&repository, &USAGE).await);

    let late = ImportRequest {
        usage_events: vec![house.lines("late.ndjson", &[view("2024-02-20T10:00:00", "v7")])],
        ..ImportRequest::default()
    };
    import(&repository, &late).await;
    let late = migrate(&repository, MigrateRequest { kinds: vec![UsageKind::View], ..MigrateRequest::default() }).await;
    assert_eq!(late.event_types["view"].months["2024-02"].processed, 1);
    assert_eq!(late.event_types["view"].months["2024-01"].processed, 0);
    assert_eq!(identities(&repository, &ENRICHED).await, identities(&repository, &USAGE).await);
}

/// Puts a row into the enrichment of January's views that no migration would write.
async fn tamper(repository: &TeamRepository, row: (i64, (i64, i64), i64), remove: bool) {
    let table = repository.lake().table(&ENRICHED);
    let view = table.view().await.expect("read");
    let file = view.files.iter().find(|f| f.partition[..2] == ["2024-01", "view"]).expect("migrated").clone();
    let columns: Vec<ArrayRef> = vec![
        std::sync::Arc::new(TimestampMicrosecondArray::from(vec![row.0]).with_timezone("UTC")),
        std::sync::Arc::new(Int64Array::from(vec![row.1.0])),
        std::sync::Arc::new(Int64Array::from(vec![row.1.1])),
        std::sync::Arc::new(Int64Array::from(vec![row.2])),
    ];
    let batch = RecordBatch::try_new(ENRICHED.schema(), columns).expect("a batch");
    let mut batches = vec![batch];
    let kept = table.scan_files(std::slice::from_ref(&file), &Scan::default()).await.expect("read");
    if remove {
        batches.extend(kept.iter().map(|batch| batch.slice(1, batch.num_rows() - 1)));
    } else {
        batches.extend(kept);
    }
    let staged = table.stage(&file.partition, &batches).expect("staged");
    table.commit(Change { add: vec![staged], remove: vec![file], position: None }).await.expect("committed");
    // Somebody says it is not completed, so that it is looked at again.
    let clear = ClearBookmarks { kinds: vec![UsageKind::View], months: vec!["2024-01".to_owned()] };
    assert_eq!(repository.clear_migration_bookmarks(&clear).await.expect("cleared").0, ["view-2024-01-reindexing"]);
}

#[tokio::test]
async fn validation_really_finds_what_is_wrong_and_the_month_is_done_again() {
    for (row, remove, says) in [
        // A row too many: of an event that does not exist.
        ((1, (2, 3), 0), false, "4 events in events-stats-record-view-2024-01 but 5 in"),
        // A row of another event in the place of one: it is missing, so it is enriched again, and there is one too many.
        ((1, (2, 3), 0), true, "4 events in events-stats-record-view-2024-01 but 5 in"),
    ] {
        let (_house, repository) = house().await;
        migrate(&repository, MigrateRequest::default()).await;
        tamper(&repository, row, remove).await;
        let january = MigrateRequest { months: vec!["2024-01".to_owned()], ..MigrateRequest::default() };
        let found = migrate(&repository, january.clone()).await;
        let month = &found.event_types["view"].months["2024-01"];
        assert!(!month.completed && !found.completed);
        assert!(month.validation_errors.iter().any(|error| error.contains(says)), "{:?}", month.validation_errors);
        assert!(
            month.validation_errors.iter().any(|error| error.contains("is not stored")),
            "{:?}",
            month.validation_errors
        );
        assert_eq!(identities(&repository, &USAGE).await.len(), 7, "the events are as they were");
        let again = migrate(&repository, january).await;
        assert!(again.completed, "{again:?}");
        assert_eq!(identities(&repository, &ENRICHED).await, identities(&repository, &USAGE).await);
    }
}

#[tokio::test]
async fn a_wrong_enrichment_of_the_right_event_is_found_by_the_spot_check() {
    let (_house, repository) = house().await;
    migrate(&repository, MigrateRequest::default()).await;
    // The first event of January's views, said to be in a community it was not in.
    let table = repository.lake().table(&ENRICHED);
    let view = table.view().await.expect("read");
    let file = view.files.iter().find(|f| f.partition[..2] == ["2024-01", "view"]).expect("migrated").clone();
    let batch = table.scan_files(std::slice::from_ref(&file), &Scan::default()).await.expect("read").remove(0);
    let int = |column: usize, row: usize| batch.column(column).as_primitive::<Int64Type>().value(row);
    let at = batch.column(0).as_primitive::<tallykeep_lake::arrow::datatypes::TimestampMicrosecondType>().value(0);
    assert_ne!(int(3, 0), int(3, 1), "before and after joining are two enrichments");
    tamper(&repository, (at, (int(1, 0), int(2, 0)), int(3, 1)), true).await;
    let january = MigrateRequest { months: vec!["2024-01".to_owned()], ..MigrateRequest::default() };
    let found = migrate(&repository, january).await;
    let errors = &found.event_types["view"].months["2024-01"].validation_errors;
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].contains("at 2024-01-11T10:00:00Z is not what its record and communities say"), "{errors:?}");
}

#[tokio::test]
async fn a_fresh_start_replaces_and_the_clean_up_deletes_what_was_replaced() {
    let (_house, repository) = house().await;
    migrate(&repository, MigrateRequest::default()).await;
    let files = repository.lake().table(&ENRICHED).view().await.expect("read").files.len();
    assert_eq!(repository.cleanup_old_enrichment(&[], true).await.expect("it runs").months, []);
    let fresh = migrate(&repository, MigrateRequest { fresh_start: true, ..MigrateRequest::default() }).await;
    assert_eq!((fresh.total_processed, fresh.completed), (7, true));
    let dry = repository.cleanup_old_enrichment(&[], true).await.expect("it runs");
    assert_eq!(dry.months.iter().map(|m| m.files).sum::<usize>(), files);
    assert!(dry.months.iter().all(|m| m.action == "would_delete") && dry.files_deleted == 0);
    // Without its bookmark a month is not known to be complete.
    let clear = ClearBookmarks { kinds: vec![UsageKind::Download], months: Vec::new() };
    repository.clear_migration_bookmarks(&clear).await.expect("cleared");
    let done = repository.cleanup_old_enrichment(&[], false).await.expect("it runs");
    let actions: BTreeMap<&str, &str> =
        done.months.iter().map(|m| (m.event_type.as_str(), m.action.as_str())).collect();
    assert_eq!(actions, BTreeMap::from([("view", "deleted"), ("download", "kept")]));
    assert_eq!(done.files_deleted, files - 1);
    let last = MigrateRequest { delete_old: true, ..MigrateRequest::default() };
    assert_eq!(migrate(&repository, last).await.event_types["download"].months["2024-01"].old_files_deleted, 1);
    assert_eq!(enriched(&repository).await.len(), 7);
}

#[tokio::test]
async fn an_aggregation_is_displaced_by_the_migration_of_what_nobody_enriched() {
    let house = House::new(NOW).await;
    let repository = house.team().await;
    let usage = ImportRequest { usage_events: vec![house.lines("u.ndjson", &events())], ..ImportRequest::default() };
    import(&repository, &usage).await;
    let records = ImportRequest { records: vec![house.lines("r.ndjson", &[record()])], ..ImportRequest::default() };
    import(&repository, &records).await;
    let run = async || {
        repository.aggregate(&AggregateRequest::default(), "test", &mut |_| true).await.expect("it runs").status
    };
    assert_eq!(run().await, "displaced by community events initialization");
    assert_eq!(run().await, "displaced by usage events migration");
    assert_eq!(enriched(&repository).await.len(), 7, "the migration is a real one");
    assert_eq!(run().await, "completed");
}

fn with_versions() -> Vec<Subcount> {
    let mut all = tallykeep_repository::subcounts::default_subcounts();
    let own = json!({"versions": {
        "records": {"snapshot_type": "all", "source_fields": [{"field": "metadata.version"}]},
        "usage_events": {"snapshot_type": "all", "event_field": "version", "extraction_path_for_event": "metadata.version",
                         "source_fields": [{"field": "version"}]}}});
    all.extend(Subcount::list_from_json(&own).expect("valid"));
    all
}

#[tokio::test]
async fn a_breakdown_added_later_gets_its_past() {
    let (house, before) = house().await;
    migrate(&before, MigrateRequest::default()).await;
    aggregate(&before).await;
    let usage = async |repository: &TeamRepository| {
        document(repository, "community-usage-delta", "global", "2024-01-12").await["subcounts"].clone()
    };
    assert!(usage(&before).await.get("versions").is_none());

    let after = house.again(NOW, |settings| settings.subcounts = with_versions()).await;
    let status = after.migration_status().await.expect("it answers");
    assert_eq!(status.event_types["view"].months[0].older_configuration, 4);
    let mut steps = 0;
    let done = after
        .reenrich_usage(&ReenrichRequest::default(), &mut |p| {
            assert!(p.done <= p.all);
            steps += 1;
            true
        })
        .await
        .expect("it runs");
    assert_eq!((done.total_processed, done.completed, done.up_to_date), (7, true, 0), "{done:?}");
    assert_eq!(steps, 3, "one batch for each kind and month");
    assert_eq!(done.added["usage"].iter().filter(|name| *name == "versions").count(), 1);
    assert_eq!(enriched(&after).await["2024-01-12T10:00:00Z"]["version"], "v1");
    assert_eq!(identities(&after, &ENRICHED).await, identities(&after, &USAGE).await, "each event once");
    assert_eq!(
        after.migration_status().await.expect("it answers").event_types["view"].months[0].older_configuration,
        0
    );

    aggregate(&after).await;
    let past = usage(&after).await;
    let versions = &item(&past["versions"], "v1");
    assert_eq!(versions["view"]["total_events"], 1, "{past}");
    let records = document(&after, "community-record-delta-created", "global", "2024-01-10").await;
    assert_eq!(item(&records["subcounts"]["versions"], "v1")["records"]["added"]["with_files"], 1);
    // What was missing is not restated by its coming, and nothing else changed.
    let day = |text: &str| text.parse().expect("a day");
    for family in ["community-usage-delta-agg", "community-records-delta-created-agg"] {
        let ledger = after.control().restatements(family, "global", day("2024-01-01"), day("2024-03-15")).await;
        assert_eq!(ledger.expect("read"), [], "{family}");
    }
    let again = after.reenrich_usage(&ReenrichRequest::default(), &mut |_| true).await.expect("it runs");
    assert_eq!((again.total_processed, again.up_to_date), (0, 3));
}

#[tokio::test]
async fn invented_events_are_those_of_their_seed_and_never_in_the_future() {
    let (_house, repository) = house().await;
    let request = GenerateRequest {
        start: None,
        end: None,
        event_start: None,
        event_end: Some("2024-12-31".parse().expect("a day")),
        events_per_record: 20,
        max_records: 0,
        enrich: true,
        dry_run: true,
        seed: 5,
    };
    let dry = repository.generate_usage(&request, &mut |_, _| true).await.expect("it runs");
    assert_eq!((dry.records_processed, dry.views, dry.downloads, dry.indexed), (1, 20, 20, 0));
    assert_eq!(identities(&repository, &USAGE).await.len(), 7);
    let request = GenerateRequest { dry_run: false, ..request };
    let done = repository.generate_usage(&request, &mut |_, _| true).await.expect("it runs");
    assert_eq!((done.indexed, done.errors, done.unchanged), (40, 0, 0));
    assert!(done.first_event.expect("some") >= "2024-01-10T09:00:00Z".parse().expect("an instant"));
    assert!(done.last_event.expect("some") < NOW.parse().expect("an instant"));
    let same = repository.generate_usage(&request, &mut |_, _| true).await.expect("it runs");
    assert_eq!((same.indexed, same.unchanged), (0, 40), "the same seed, the same events");
    let other = GenerateRequest { seed: 6, ..request.clone() };
    assert_eq!(repository.generate_usage(&other, &mut |_, _| true).await.expect("it runs").indexed, 40);
    let wrong = GenerateRequest { event_start: Some("2025-01-01".parse().expect("a day")), ..request };
    let error = repository.generate_usage(&wrong, &mut |_, _| true).await.expect_err("refused").to_string();
    assert_eq!(error, "--event-end-date 2024-12-31 is before --event-start-date 2025-01-01");
}

#[tokio::test]
async fn destroying_leaves_what_was_imported_and_everything_can_be_made_again() {
    let (_house, repository) = house().await;
    migrate(&repository, MigrateRequest::default()).await;
    aggregate(&repository).await;
    let before = document(&repository, "community-usage-delta", "global", "2024-01-12").await;
    let events = identities(&repository, &USAGE).await;
    let done = repository.destroy_indices().await.expect("it runs");
    // Eight aggregations of two scopes, three kinds and months.
    assert_eq!(done.bookmarks_deleted, 8 * 2 + 3);
    assert_eq!((done.deleted.len(), done.not_found.len()), (8, 0), "{done:?}");
    assert!(repository.destroy_plan().await.expect("it answers").iter().all(|plan| !plan.exists));
    assert_eq!(identities(&repository, &USAGE).await, events);
    let status = repository.status(&[]).await.expect("it answers");
    assert!(status.iter().flat_map(|s| s.aggregations.values()).all(|a| !a.index_exists && a.document_count == 0));
    let run = async || {
        repository.aggregate(&AggregateRequest::default(), "test", &mut |_| true).await.expect("it runs").status
    };
    assert_eq!(run().await, "displaced by community events initialization");
    assert_eq!(run().await, "displaced by usage events migration");
    assert_eq!(run().await, "completed");
    let mut after = document(&repository, "community-usage-delta", "global", "2024-01-12").await;
    for field in ["timestamp", "updated_timestamp"] {
        after[field] = before[field].clone();
    }
    assert_eq!(after, before);
    let left: HashSet<String> =
        repository.lake().table(&ENRICHED).leftovers().await.expect("read").into_iter().map(|l| l.path).collect();
    assert!(left.is_empty(), "{left:?}");
}
