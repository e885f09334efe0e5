//! The tables of a team's chats. `seq` is the number of the write, `gone` takes the row out.

use tallykeep_lake::{
    Column,
    ColumnType::{Bool, Instant, Int, Text, Word},
    TableDef,
};

const SEQ: Column = Column::new("seq", Int);
const GONE: Column = Column::new("gone", Bool);
const ID: Column = Column::new("id", Int);

pub(crate) static EXPERIMENTS: TableDef = TableDef {
    name: "chat_experiments",
    columns: &[
        SEQ,
        GONE,
        ID,
        Column::new("name", Text),
        Column::new("archived", Bool),
        Column::nullable("working_version", Int),
    ],
    partition: &[],
    statistics: &["seq", "id"],
};

pub(crate) static CHANNELS: TableDef = TableDef {
    name: "chat_channels",
    columns: &[
        SEQ,
        GONE,
        ID,
        Column::nullable("experiment", Int),
        Column::new("platform", Word),
        Column::new("deleted", Bool),
    ],
    partition: &[],
    statistics: &["seq", "id"],
};

pub(crate) static PARTICIPANTS: TableDef = TableDef {
    name: "chat_participants",
    columns: &[
        SEQ,
        GONE,
        ID,
        Column::new("name", Text),
        Column::new("identifier", Text),
        Column::new("platform", Word),
        Column::nullable("created_at", Instant),
    ],
    partition: &[],
    statistics: &["seq", "id"],
};

pub(crate) static SESSIONS: TableDef = TableDef {
    name: "chat_sessions",
    columns: &[
        SEQ,
        GONE,
        ID,
        Column::new("experiment", Int),
        Column::nullable("participant", Int),
        Column::nullable("platform", Word),
        Column::new("status", Word),
        Column::new("created_at", Instant),
        Column::nullable("ended_at", Instant),
    ],
    partition: &[],
    statistics: &["seq", "id", "created_at"],
};

/// Partitioned by the UTC month of `created_at`, so that other tools prune by time.
pub(crate) static MESSAGES: TableDef = TableDef {
    name: "chat_messages",
    columns: &[
        SEQ,
        GONE,
        ID,
        Column::nullable("session", Int),
        Column::new("kind", Word),
        Column::new("created_at", Instant),
    ],
    partition: &["month"],
    statistics: &["seq", "id", "created_at"],
};

pub(crate) static TAGS: TableDef = TableDef {
    name: "chat_tags",
    columns: &[SEQ, GONE, ID, Column::new("name", Text), Column::new("category", Text)],
    partition: &[],
    statistics: &["seq", "id"],
};

/// `id` is the target's; `own` is false for a link whose tag or target belongs to another team.
pub(crate) static TAG_LINKS: TableDef = TableDef {
    name: "chat_tag_links",
    columns: &[SEQ, GONE, ID, Column::new("tag", Int), Column::new("kind", Word), Column::new("own", Bool)],
    partition: &[],
    statistics: &["seq", "id"],
};

pub(crate) static TRACES: TableDef = TableDef {
    name: "chat_traces",
    columns: &[
        SEQ,
        GONE,
        ID,
        Column::new("session", Int),
        Column::nullable("experiment", Int),
        Column::new("at", Instant),
        Column::nullable("duration_ms", Int),
    ],
    partition: &[],
    statistics: &["seq", "id", "at"],
};

/// `id` is drawn from the record's content; `cost` is in 1/100,000,000 of the currency.
pub(crate) static USAGE: TableDef = TableDef {
    name: "chat_usage",
    columns: &[
        SEQ,
        GONE,
        ID,
        Column::new("at", Instant),
        Column::new("source", Word),
        Column::new("service", Word),
        Column::new("provider", Word),
        Column::new("model", Word),
        Column::nullable("quantity", Int),
        Column::new("cost", Int),
        Column::new("confidence", Word),
        Column::new("priced", Bool),
        Column::nullable("experiment", Int),
        Column::nullable("session", Int),
        Column::nullable("participant", Int),
        Column::nullable("trace", Int),
    ],
    partition: &[],
    statistics: &["seq", "id", "at"],
};

/// Every table of chat.
pub static TABLES: [&TableDef; 9] =
    [&EXPERIMENTS, &CHANNELS, &PARTICIPANTS, &SESSIONS, &MESSAGES, &TAGS, &TAG_LINKS, &TRACES, &USAGE];
