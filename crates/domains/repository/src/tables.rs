//! The repository's tables in the lake, and its rollups.

use tallykeep_lake::{Column, ColumnType::*, TableDef};
use tallykeep_rollup::Family;

/// Records as imported, every version that ever won; the current one of an id is the one with the highest `seq`.
pub static RECORDS: TableDef = TableDef {
    name: "repository_records",
    columns: &[
        Column::new("id", Text),
        Column::new("seq", Int),
        Column::nullable("updated", Instant),
        Column::new("hash", Int),
        Column::new("doc", Text),
    ],
    partition: &[],
    statistics: &["seq"],
};

/// Communities as imported, like records.
pub static COMMUNITIES: TableDef = TableDef {
    name: "repository_communities",
    columns: &[
        Column::new("id", Text),
        Column::new("seq", Int),
        Column::nullable("updated", Instant),
        Column::new("hash", Int),
        Column::new("doc", Text),
    ],
    partition: &[],
    statistics: &["seq"],
};

/// Membership events as imported or generated. Which of them have an effect is worked out on reading, so that the order of
/// imports does not matter.
pub static MEMBERSHIPS: TableDef = TableDef {
    name: "repository_community_events",
    columns: &[
        Column::new("record_id", Text),
        Column::new("community_id", Word),
        Column::new("event_type", Word),
        Column::new("event_date", Instant),
        Column::new("written", Instant),
        Column::new("source", Word),
    ],
    partition: &[],
    statistics: &["event_date"],
};

/// Usage events as imported. `own` holds the enrichment an event came with; others take theirs from records and memberships.
pub static USAGE: TableDef = TableDef {
    name: "repository_usage_events",
    columns: &[
        Column::new("ts", Instant),
        Column::new("kind", Word),
        Column::new("identity_high", Int),
        Column::new("identity_low", Int),
        Column::nullable("event_id", Text),
        Column::new("recid", Word),
        Column::nullable("parent_recid", Word),
        Column::nullable("unique_id", Text),
        Column::nullable("visitor_id", Text),
        Column::nullable("session_id", Text),
        Column::nullable("country", Word),
        Column::nullable("referrer", Text),
        Column::new("via_api", Bool),
        Column::new("is_robot", Bool),
        Column::new("is_machine", Bool),
        Column::nullable("bucket_id", Word),
        Column::nullable("file_id", Word),
        Column::nullable("file_key", Word),
        Column::nullable("size", Int),
        Column::nullable("updated", Instant),
        Column::nullable("own", Text),
    ],
    partition: &["month"],
    statistics: &["ts"],
};

macro_rules! rollup_table {
    ($name:literal, $($measure:literal),+) => {
        TableDef {
            name: $name,
            columns: &[
                Column::new("day", Day), Column::new("scope", Word), Column::new("dimension", Word), Column::new("value", Word),
                Column::nullable("first", Day),
                $(Column::new($measure, Int)),+
            ],
            partition: &["level", "bucket", "shard"],
            statistics: &["day", "scope"],
        }
    };
}

/// Measures of record rollups, in the order of [`tallykeep_rollup::population::Change`].
pub static RECORD_MEASURES: &[&str] = &[
    "records_added_md",
    "records_added_wf",
    "records_removed_md",
    "records_removed_wf",
    "parents_added_md",
    "parents_added_wf",
    "parents_removed_md",
    "parents_removed_wf",
    "files_added",
    "bytes_added",
    "contributions_added",
    "files_removed",
    "bytes_removed",
    "contributions_removed",
    "uploaders",
    "first_uploaders",
];

macro_rules! record_table {
    ($name:literal) => {
        rollup_table!(
            $name,
            "records_added_md",
            "records_added_wf",
            "records_removed_md",
            "records_removed_wf",
            "parents_added_md",
            "parents_added_wf",
            "parents_removed_md",
            "parents_removed_wf",
            "files_added",
            "bytes_added",
            "contributions_added",
            "files_removed",
            "bytes_removed",
            "contributions_removed",
            "uploaders",
            "first_uploaders"
        )
    };
}

static RECORDS_CREATED: TableDef = record_table!("repository_rollup_records_created");
static RECORDS_PUBLISHED: TableDef = record_table!("repository_rollup_records_published");
static RECORDS_ADDED: TableDef = record_table!("repository_rollup_records_added");

static USAGE_ROLLUP: TableDef = rollup_table!(
    "repository_rollup_usage",
    "view_events",
    "view_visitors",
    "view_records",
    "view_parents",
    "download_events",
    "download_visitors",
    "download_records",
    "download_parents",
    "download_files",
    "download_bytes"
);

pub static CREATED: Family =
    Family { name: "records-created", table: &RECORDS_CREATED, measures: RECORD_MEASURES, shards: 2 };
pub static PUBLISHED: Family =
    Family { name: "records-published", table: &RECORDS_PUBLISHED, measures: RECORD_MEASURES, shards: 2 };
pub static ADDED: Family =
    Family { name: "records-added", table: &RECORDS_ADDED, measures: RECORD_MEASURES, shards: 2 };

/// Measures: of views events, visitors, records, parents; of downloads events, visitors, records, parents, files, bytes.
pub static USAGE_FAMILY: Family = Family {
    name: "usage",
    table: &USAGE_ROLLUP,
    measures: &[
        "view_events",
        "view_visitors",
        "view_records",
        "view_parents",
        "download_events",
        "download_visitors",
        "download_records",
        "download_parents",
        "download_files",
        "download_bytes",
    ],
    shards: 8,
};

/// Distinct visitors of a scope and day as mergeable sets (theta sketches), for true distincts over any range.
pub static VISITOR_SETS: TableDef = TableDef {
    name: "repository_visitor_sets",
    columns: &[
        Column::new("day", Day),
        Column::new("scope", Word),
        Column::new("kind", Word),
        Column::new("visitors", Bytes),
    ],
    partition: &["month"],
    statistics: &["day", "scope"],
};

/// What each usage event was found to count for when it was enriched, beside the event itself: which entry of [`ENRICHMENTS`]. The values of
/// `config` say by which configuration of breakdowns; an event has at most one row of each.
pub static ENRICHED: TableDef = TableDef {
    name: "repository_usage_enrichment",
    columns: &[
        Column::new("ts", Instant),
        Column::new("identity_high", Int),
        Column::new("identity_low", Int),
        Column::new("enrichment", Int),
    ],
    partition: &["month", "kind", "config"],
    statistics: &["ts"],
};

/// Enrichments (spec/invenio §1.5: communities and metadata), each once, as JSON. Many events share one.
pub static ENRICHMENTS: TableDef = TableDef {
    name: "repository_enrichments",
    columns: &[Column::new("id", Int), Column::new("doc", Text)],
    partition: &[],
    statistics: &[],
};
/// The tables that imports append to, with the columns their files are sorted by. Rollups are rewritten part by part and stay few by themselves.
pub static APPENDED: [(&TableDef, &[&str]); 4] =
    [(&RECORDS, &["id", "seq"]), (&COMMUNITIES, &["id", "seq"]), (&MEMBERSHIPS, &["event_date"]), (&USAGE, &["ts"])];
