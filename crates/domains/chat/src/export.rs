//! Exports (spec §9): a chart's answer as CSV or JSON, people by pseudonym unless real names were asked for and allowed.

use serde_json::{Map, Value};

use crate::{charts::Chart, filter::FieldErrors};

/// What an export may be of.
pub const CHARTS: [Chart; 9] = [
    Chart::Overview,
    Chart::ActiveParticipants,
    Chart::SessionAnalytics,
    Chart::MessageVolume,
    Chart::BotPerformance,
    Chart::UserEngagement,
    Chart::ChannelBreakdown,
    Chart::TagAnalytics,
    Chart::AverageResponseTime,
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    Csv,
    Json,
    Png,
    Pdf,
}

impl Format {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Json => "json",
            Self::Png => "png",
            Self::Pdf => "pdf",
        }
    }

    pub fn content_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv",
            Self::Json => "application/json",
            Self::Png => "image/png",
            Self::Pdf => "application/pdf",
        }
    }
}

/// What to export. Errors: `chart_type`, `export_format`, both at once.
pub fn what(chart_type: &str, export_format: &str) -> Result<(Chart, Format), FieldErrors> {
    let mut errors = FieldErrors::default();
    let chart = Chart::named(chart_type).filter(|chart| CHARTS.contains(chart));
    if chart.is_none() {
        let names: Vec<&str> = CHARTS.iter().map(|chart| chart.as_str()).collect();
        errors.add("chart_type", format!("`{chart_type}` is not a chart: use {}", names.join(", ")));
    }
    let format =
        [Format::Csv, Format::Json, Format::Png, Format::Pdf].into_iter().find(|f| f.as_str() == export_format);
    if format.is_none() {
        errors.add("export_format", format!("`{export_format}` is not a format: use csv, json, png or pdf"));
    }
    match (chart, format) {
        (Some(chart), Some(format)) => Ok((chart, format)),
        _ => Err(errors),
    }
}

/// Replaces names, ids and links of people by the pseudonym of their id.
pub fn anonymise(body: &mut Value, pseudonym: impl Fn(i64) -> String) {
    for list in ["most_active_participants", "least_active_participants"] {
        let Some(rows) = body.get_mut(list).and_then(Value::as_array_mut) else { continue };
        for row in rows.iter_mut().filter_map(Value::as_object_mut) {
            let name = pseudonym(row.get("participant_id").and_then(Value::as_i64).unwrap_or(0));
            row.insert("participant_id".to_owned(), Value::String(name.clone()));
            row.insert("participant_name".to_owned(), Value::String(name));
            row.insert("participant_url".to_owned(), Value::String(String::new()));
        }
    }
}

/// The JSON file: the chart's body, indented by 2; with an envelope its filters beside it.
pub fn json(body: &Value, filters: Option<&Value>) -> String {
    let document = match filters {
        Some(filters) => serde_json::json!({"filters": filters, "data": body}),
        None => body.clone(),
    };
    format!("{document:#}\n")
}

/// The CSV file: comma separated, CRLF, with a header; with an envelope its filters as `# key: value` lines before it.
pub fn csv(chart: Chart, body: &Value, filters: Option<&Value>) -> String {
    let mut text = String::new();
    if let Some(Value::Object(filters)) = filters {
        for (key, value) in filters {
            let shown = value.as_str().map_or_else(|| value.to_string(), str::to_owned);
            text.push_str(&format!("# {key}: {}\r\n", shown.replace(['\r', '\n'], " ")));
        }
    }
    for row in table(chart, body) {
        let cells: Vec<String> = row.iter().map(|cell| quoted(&safe(cell))).collect();
        text.push_str(&cells.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A cell that a spreadsheet would take for a formula gets an apostrophe. Numbers are never texts of ours, so they stay.
fn safe(cell: &Value) -> String {
    match cell {
        Value::Null => String::new(),
        Value::String(text) if text.starts_with(['=', '+', '-', '@', '\t', '\r']) => format!("'{text}"),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\r', '\n']) { format!("\"{}\"", text.replace('"', "\"\"")) } else { text.to_owned() }
}

fn table(chart: Chart, body: &Value) -> Vec<Vec<Value>> {
    let head = |names: &[&str]| vec![names.iter().map(|name| Value::String((*name).to_owned())).collect::<Vec<_>>()];
    let rows = |names: &[&str], list: &Value, fields: &[&str]| {
        let mut table = head(names);
        for row in list.as_array().into_iter().flatten() {
            table.push(fields.iter().map(|field| row.get(*field).cloned().unwrap_or(Value::Null)).collect());
        }
        table
    };
    match chart {
        Chart::Overview => {
            let mut table = head(&["Metric", "Value"]);
            for (key, value) in body.as_object().into_iter().flatten() {
                table.push(vec![Value::String(title_case(key)), value.clone()]);
            }
            table
        }
        Chart::ActiveParticipants => rows(&["date", "active_participants"], body, &["date", "active_participants"]),
        Chart::SessionAnalytics => session_table(body),
        Chart::MessageVolume => rows(
            &["Date", "Human Messages", "AI Messages", "Total Messages"],
            &body["totals"],
            &["date", "human_messages", "ai_messages", "total_messages"],
        ),
        Chart::BotPerformance => rows(
            &[
                "Experiment Name",
                "Participants",
                "Sessions",
                "Messages",
                "Avg Session Duration",
                "Completion Rate",
                "Avg Messages/Session",
            ],
            body,
            &[
                "experiment_name",
                "participants",
                "sessions",
                "messages",
                "avg_session_duration",
                "completion_rate",
                "avg_messages_per_session",
            ],
        ),
        Chart::UserEngagement => rows(
            &["Participant", "Messages", "Sessions", "Last Activity"],
            &body["most_active_participants"],
            &["participant_name", "total_messages", "total_sessions", "last_activity"],
        ),
        Chart::ChannelBreakdown => rows(
            &["Platform", "Sessions", "Messages", "Participants"],
            &body["platforms"],
            &["platform", "sessions", "messages", "participants"],
        ),
        Chart::TagAnalytics => {
            let mut table = head(&["Category", "Tag", "Count"]);
            for (category, tags) in body["tag_categories"].as_object().into_iter().flatten() {
                for (tag, count) in tags.as_object().into_iter().flatten() {
                    table.push(vec![Value::String(category.clone()), Value::String(tag.clone()), count.clone()]);
                }
            }
            table
        }
        Chart::AverageResponseTime => {
            rows(&["Date", "Avg Response Time (sec)"], body, &["date", "avg_response_time_sec"])
        }
        _ => Vec::new(),
    }
}

fn session_table(body: &Value) -> Vec<Vec<Value>> {
    let names = ["Date", "Total Sessions", "Unique Participants"];
    let mut table = vec![names.iter().map(|name| Value::String((*name).to_owned())).collect::<Vec<_>>()];
    let empty = Map::new();
    let rows = |list: &Value| list.as_array().cloned().unwrap_or_default();
    for (sessions, people) in rows(&body["sessions"]).iter().zip(rows(&body["participants"])) {
        let (sessions, people) = (sessions.as_object().unwrap_or(&empty), people.as_object().unwrap_or(&empty));
        let get = |row: &Map<String, Value>, field: &str| row.get(field).cloned().unwrap_or(Value::Null);
        table.push(vec![get(sessions, "date"), get(sessions, "active_sessions"), get(people, "active_participants")]);
    }
    table
}

/// `total_experiments` → `Total Experiments`.
fn title_case(key: &str) -> String {
    let word = |word: &str| {
        let mut letters = word.chars();
        letters.next().map(|first| first.to_uppercase().collect::<String>() + letters.as_str()).unwrap_or_default()
    };
    key.split('_').map(word).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn cells_are_safe_in_a_spreadsheet() {
        let body = json!({"tag_categories": {"User Defined": {"=1+1": 2, "@x": 1, "a,b": 1, "say \"hi\"": 1}}});
        let text = csv(Chart::TagAnalytics, &body, None);
        assert_eq!(
            text,
            "Category,Tag,Count\r\nUser Defined,'=1+1,2\r\nUser Defined,'@x,1\r\nUser Defined,\"a,b\",1\r\nUser Defined,\"say \"\"hi\"\"\",1\r\n"
        );
    }

    #[test]
    fn filters_come_only_in_an_envelope() {
        let body = json!({"total_experiments": 2, "completion_rate": 50.0});
        let filters = json!({"tz": "UTC", "tags": [1]});
        assert_eq!(
            csv(Chart::Overview, &body, None),
            "Metric,Value\r\nTotal Experiments,2\r\nCompletion Rate,50.0\r\n"
        );
        assert!(
            csv(Chart::Overview, &body, Some(&filters)).starts_with("# tz: UTC\r\n# tags: [1]\r\nMetric,Value\r\n")
        );
        assert_eq!(json(&body, None), "{\n  \"total_experiments\": 2,\n  \"completion_rate\": 50.0\n}\n");
    }

    #[test]
    fn no_name_is_left_of_people() {
        let mut body = json!({"most_active_participants": [{"participant_id": 1, "participant_name": "Ana", "participant_url": "/x/1", "total_messages": 3}]});
        anonymise(&mut body, |id| format!("participant-{id:x}"));
        assert_eq!(
            body["most_active_participants"][0],
            json!({"participant_id": "participant-1", "participant_name": "participant-1", "participant_url": "", "total_messages": 3})
        );
    }
}
