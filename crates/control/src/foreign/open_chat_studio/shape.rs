//! Which tables and columns there are: the application's schema has grown over the years.

use std::collections::{HashMap, HashSet};

/// What differs between versions of the schema.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Shape {
    /// The table of channels; its app was renamed.
    pub channels: &'static str,
    /// Sessions name their platform themselves; before, only their channel did.
    pub session_platform: bool,
    pub tag_category: bool,
    pub traces: bool,
    pub usage: Option<UsageShape>,
}

/// The table of usage records, and how it says that a price matched.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct UsageShape {
    pub table: &'static str,
    pub priced: &'static str,
}

const CHANNELS: [&str; 2] = ["bot_channels_experimentchannel", "channels_experimentchannel"];
const USAGE: [&str; 2] = ["cost_tracking_usagerecord", "usage_metrics_usagerecord"];
/// A column that says so, and the expression over `u` that reads it; the first one there is wins.
const PRICED: [(&str, &str); 5] = [
    ("priced", "u.priced"),
    ("price_rule_id", "u.price_rule_id is not null"),
    ("pricing_rule_id", "u.pricing_rule_id is not null"),
    ("price_id", "u.price_id is not null"),
    ("cost", "u.cost is not null"),
];

const NEEDED: [(&str, &[&str]); 9] = [
    ("teams_team", &["id", "slug", "name"]),
    ("experiments_experiment", &["id", "team_id", "name", "is_archived", "working_version_id"]),
    ("experiments_participant", &["id", "team_id", "name", "identifier", "platform", "created_at"]),
    (
        "experiments_experimentsession",
        &[
            "id",
            "team_id",
            "experiment_id",
            "participant_id",
            "experiment_channel_id",
            "chat_id",
            "status",
            "created_at",
            "updated_at",
            "ended_at",
        ],
    ),
    ("chat_chat", &["id", "team_id"]),
    ("chat_chatmessage", &["id", "chat_id", "message_type", "created_at", "updated_at"]),
    ("annotations_tag", &["id", "team_id", "name"]),
    ("annotations_customtaggeditem", &["id", "team_id", "tag_id", "object_id", "content_type_id"]),
    ("django_content_type", &["id", "app_label", "model"]),
];

const CHANNEL: &[&str] = &["id", "team_id", "experiment_id", "platform", "deleted"];
const TRACE: &[&str] = &["id", "team_id", "session_id", "experiment_id", "timestamp", "duration", "status"];
const USAGE_COLUMNS: &[&str] = &[
    "id",
    "team_id",
    "timestamp",
    "source",
    "service_kind",
    "provider_type",
    "model_name",
    "quantity",
    "cost",
    "confidence",
    "experiment_id",
    "session_id",
    "participant_id",
    "trace_id",
];

impl Shape {
    /// Errors: what is missing, in words.
    pub fn of(columns: Vec<(String, String)>) -> Result<Self, String> {
        let mut tables: HashMap<String, HashSet<String>> = HashMap::new();
        for (table, column) in columns {
            tables.entry(table).or_default().insert(column);
        }
        let has = |table: &str, column: &str| tables.get(table).is_some_and(|columns| columns.contains(column));
        let check = |table: &str, columns: &[&str]| -> Result<(), String> {
            if !tables.contains_key(table) {
                return Err(format!("no table `{table}` that this role may read"));
            }
            let missing = columns.iter().find(|column| !has(table, column));
            missing.map_or(Ok(()), |column| Err(format!("no column `{table}.{column}` that this role may read")))
        };
        for (table, columns) in NEEDED {
            check(table, columns)?;
        }
        let known = |names: &[&'static str; 2]| names.iter().copied().find(|name| tables.contains_key(*name));
        let channels = known(&CHANNELS).ok_or_else(|| format!("no table `{}` that this role may read", CHANNELS[0]))?;
        check(channels, CHANNEL)?;
        let traces = tables.contains_key("trace_trace");
        if traces {
            check("trace_trace", TRACE)?;
        }
        let usage = match known(&USAGE) {
            None => None,
            Some(table) => {
                check(table, USAGE_COLUMNS)?;
                let priced = PRICED.iter().find(|(column, _)| has(table, column)).map_or("false", |(_, read)| read);
                Some(UsageShape { table, priced })
            }
        };
        Ok(Self {
            channels,
            session_platform: has("experiments_experimentsession", "platform"),
            tag_category: has("annotations_tag", "category"),
            traces,
            usage,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn full() -> Vec<(String, String)> {
        let more = [(CHANNELS[0], CHANNEL), ("trace_trace", TRACE), (USAGE[0], USAGE_COLUMNS)];
        NEEDED
            .into_iter()
            .chain(more)
            .flat_map(|(table, columns)| columns.iter().map(move |column| (table.to_owned(), (*column).to_owned())))
            .collect()
    }

    #[test]
    fn what_is_missing_is_named() {
        let mut columns = full();
        columns.retain(|(table, column)| (table.as_str(), column.as_str()) != ("chat_chatmessage", "message_type"));
        assert_eq!(
            Shape::of(columns).err().as_deref(),
            Some("no column `chat_chatmessage.message_type` that this role may read")
        );
        let mut columns = full();
        columns.retain(|(table, _)| table != "teams_team");
        assert_eq!(Shape::of(columns).err().as_deref(), Some("no table `teams_team` that this role may read"));
    }

    #[test]
    fn versions_of_the_schema_are_told_apart() {
        let old = Shape::of(full()).expect("a schema");
        assert_eq!((old.session_platform, old.traces), (false, true));
        assert_eq!(old.usage.map(|usage| usage.priced), Some("u.cost is not null"));
        let mut columns = full();
        columns.push(("experiments_experimentsession".into(), "platform".into()));
        columns.push((USAGE[0].into(), "price_rule_id".into()));
        let new = Shape::of(columns).expect("a schema");
        assert!(new.session_platform);
        assert_eq!(new.usage.map(|usage| usage.priced), Some("u.price_rule_id is not null"));
    }

    #[test]
    fn content_is_no_column_we_ask_for() {
        let asked =
            NEEDED.iter().flat_map(|(_, columns)| columns.iter()).chain(CHANNEL).chain(TRACE).chain(USAGE_COLUMNS);
        assert!(asked.into_iter().all(|column| *column != "content"));
    }
}
