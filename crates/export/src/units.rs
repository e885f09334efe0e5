//! Units of the metrics, as spec/invenio §8.3 words them.

/// The unit of a metric by its JSON key; empty where the spec has none.
pub fn unit(metric: &str) -> &'static str {
    match metric {
        "dataVolume" => "bytes",
        "downloads" => "unique downloads",
        "views" => "unique views",
        "downloadUniqueFiles" => "unique files downloaded",
        "downloadUniqueParents" => "unique parents of downloaded files",
        "downloadUniqueRecords" => "unique records downloaded",
        "viewUniqueParents" => "unique parents of viewed records",
        "viewUniqueRecords" => "unique records viewed",
        "downloadVisitors" => "unique visitors who downloaded",
        "viewVisitors" => "unique visitors who viewed",
        "records" => "records",
        "fileCount" => "files",
        "parents" => "parent records",
        "uploaders" => "unique uploaders",
        _ => "",
    }
}

/// What kind of number a metric is: `volume`, `distinct` or `count`.
pub(crate) fn measurement(metric: &str) -> &'static str {
    if metric == "dataVolume" {
        "volume"
    } else if metric.contains("Unique")
        || metric.ends_with("Visitors")
        || metric.to_ascii_lowercase().ends_with("uploaders")
    {
        "distinct"
    } else {
        "count"
    }
}
