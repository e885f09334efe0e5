//! The components a layout may name (spec/invenio §16.2).

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

/// Breakdowns with lists of records, views and downloads.
const SUBJECTS: [&str; 10] = [
    "ResourceTypes",
    "Subjects",
    "AccessStatuses",
    "Rights",
    "Affiliations",
    "Funders",
    "Periodicals",
    "Publishers",
    "Languages",
    "FileTypes",
];
/// Breakdowns that only usage has.
const OF_USAGE: [&str; 2] = ["Countries", "Referrers"];
const STATS: [&str; 6] = ["RecordCount", "Uploaders", "DataVolume", "Views", "Downloads", "Traffic"];
const OTHERS: [&str; 9] = [
    "StatsMap",
    "StatsChart",
    "StatsTable",
    "SingleStatBox",
    "StatsPopup",
    "StatsMultiDisplay",
    "DateRangeSelector",
    "GranularitySelector",
    "ReportSelector",
];

/// Every component there is, by name.
pub fn components() -> BTreeSet<String> {
    let mut names: BTreeSet<String> = OTHERS.iter().map(|&name| name.to_owned()).collect();
    for suffix in ["", "Cumulative"] {
        names.extend(STATS.iter().map(|stat| format!("SingleStat{stat}{suffix}")));
        names.extend(["Content", "Traffic"].map(|chart| format!("{chart}StatsChart{suffix}")));
    }
    for delta in ["", "Delta"] {
        names.extend(SUBJECTS.iter().map(|subject| format!("{subject}MultiDisplay{delta}")));
        for side in ["Views", "Downloads"] {
            let all = SUBJECTS.iter().chain(&OF_USAGE);
            names.extend(all.map(|subject| format!("{subject}MultiDisplay{side}{delta}")));
        }
        names.extend(["MostViewed", "MostDownloaded"].map(|list| format!("{list}RecordsMultiDisplay{delta}")));
    }
    names.extend(["MostViewedRecords", "MostDownloadedRecords"].map(str::to_owned));
    names
}

pub(crate) fn is_known(name: &str) -> bool {
    components().contains(name)
}

/// Categories of metrics, as registries call them.
const CATEGORIES: [&str; 4] = ["record_deltas", "record_snapshots", "usage_deltas", "usage_snapshots"];

/// A metric that a component shows: its category, breakdown and name, all as the registry calls them.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Need {
    pub category: String,
    pub subcount: String,
    pub metric: String,
}

/// Components that are not ours, and the metrics they show.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CustomComponents(BTreeMap<String, BTreeSet<Need>>);

impl CustomComponents {
    /// Reads a registry of the configuration: `{category: {subcount: {metric: [component, …]}}}`.
    ///
    /// Errors: it has another shape or names a category there is not, with the path.
    pub fn from_json(registry: &Value) -> Result<Self, String> {
        let mut found = Self::default();
        let object =
            |value: &Value, path: &str| value.as_object().cloned().ok_or_else(|| format!("{path} is not an object"));
        for (category, subcounts) in object(registry, "it")? {
            if !CATEGORIES.contains(&category.as_str()) {
                return Err(format!("{category} is no category; there are {}", CATEGORIES.join(", ")));
            }
            for (subcount, metrics) in object(&subcounts, &category)? {
                let path = format!("{category}.{subcount}");
                for (metric, components) in object(&metrics, &path)? {
                    let Some(list) = components.as_array().filter(|list| list.iter().all(Value::is_string)) else {
                        return Err(format!("{path}.{metric} is not a list of names"));
                    };
                    let need = Need {
                        category: category.clone(),
                        subcount: crate::read::snake(&subcount),
                        metric: crate::read::snake(&metric),
                    };
                    for name in list.iter().filter_map(Value::as_str) {
                        found.0.entry(name.to_owned()).or_default().insert(need.clone());
                    }
                }
            }
        }
        Ok(found)
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.0.keys().map(String::as_str)
    }

    pub fn contains(&self, name: &str) -> bool {
        self.0.contains_key(name)
    }

    /// What a component of this name shows; nothing for one that is not here.
    pub(crate) fn needs(&self, name: &str) -> impl Iterator<Item = &Need> {
        self.0.get(name).into_iter().flatten()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_a_registry_are_custom_components_and_its_shape_is_checked() {
        let custom = CustomComponents::from_json(
            &json!({"usage_deltas": {"global": {"viewVisitors": ["MyViews", "MyMap"]}, "countries": {"views": ["MyMap"]}}}),
        )
        .expect("fine");
        assert_eq!(custom.names().collect::<Vec<_>>(), ["MyMap", "MyViews"]);
        let needs: Vec<[&str; 2]> = custom.needs("MyMap").map(|need| [&*need.subcount, &*need.metric]).collect();
        assert_eq!(needs, [["countries", "views"], ["global", "view_visitors"]]);
        let error = CustomComponents::from_json(&json!({"usage_deltas": {"global": {"views": "MyViews"}}}))
            .expect_err("refused");
        assert_eq!(error, "usage_deltas.global.views is not a list of names");
        let error = CustomComponents::from_json(&json!({"usage": {}})).expect_err("refused");
        assert!(error.starts_with("usage is no category; there are record_deltas, "), "{error}");
    }
}
