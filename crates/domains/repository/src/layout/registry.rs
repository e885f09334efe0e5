//! The components a layout may name (spec/invenio §16.2).

use std::collections::BTreeSet;

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

pub(super) fn is_known(name: &str) -> bool {
    components().contains(name)
}

/// Names in a registry of the configuration: `{category: {subcount: {metric: [component, …]}}}`.
///
/// Errors: it has another shape, with the path.
pub(crate) fn custom_components(registry: &Value) -> Result<BTreeSet<String>, String> {
    let mut names = BTreeSet::new();
    let object =
        |value: &Value, path: &str| value.as_object().cloned().ok_or_else(|| format!("{path} is not an object"));
    for (category, subcounts) in object(registry, "it")? {
        for (subcount, metrics) in object(&subcounts, &category)? {
            let path = format!("{category}.{subcount}");
            for (metric, components) in object(&metrics, &path)? {
                let Some(list) = components.as_array().filter(|list| list.iter().all(Value::is_string)) else {
                    return Err(format!("{path}.{metric} is not a list of names"));
                };
                names.extend(list.iter().filter_map(Value::as_str).map(str::to_owned));
            }
        }
    }
    Ok(names)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_of_a_registry_are_custom_components_and_its_shape_is_checked() {
        let names =
            custom_components(&json!({"usage_deltas": {"global": {"views": ["MyViews", "MyMap"]}}})).expect("fine");
        assert_eq!(names.into_iter().collect::<Vec<_>>(), ["MyMap", "MyViews"]);
        let error = custom_components(&json!({"usage_deltas": {"global": {"views": "MyViews"}}})).expect_err("refused");
        assert_eq!(error, "usage_deltas.global.views is not a list of names");
    }
}
