//! Which metrics the components of a page layout need (spec/invenio §7, *Optimisation*).

use std::{collections::BTreeSet, sync::LazyLock};

use serde_json::Value;

use super::query::SeriesKind;
use crate::layout::{CustomComponents, Need, is_known};

/// The components of a layout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Components {
    names: BTreeSet<String>,
    /// What those that are not ours show, as the configuration says.
    custom: BTreeSet<Need>,
    /// One of them is not known at all: nobody says what it shows, so everything is needed.
    whole: bool,
}

/// Breakdowns of the registry whose charts show three metrics of records.
const CHARTED: [&str; 7] =
    ["publishers", "resource_types", "file_types", "rights", "access_statuses", "languages", "affiliations"];
/// Breakdowns of which only records are counted in charts.
const COUNTED: [&str; 3] = ["funders", "subjects", "periodicals"];

impl Components {
    /// Every component a layout (`{tabs: [{rows: [{components: [{component}]}]}]}`) names.
    pub fn of_layout(layout: &Value, custom: &CustomComponents) -> Self {
        let mut found = Self::default();
        for row in list(layout, "tabs").iter().flat_map(|tab| list(tab, "rows")) {
            for component in list(row, "components") {
                let name = component.get("component").and_then(Value::as_str).unwrap_or_default();
                if found.names.contains(name) {
                    continue;
                }
                found.whole |= !is_known(name) && !custom.contains(name);
                found.custom.extend(custom.needs(name).cloned());
                found.names.insert(name.to_owned());
            }
        }
        found
    }

    /// Those of the layout that holds where nobody set another and no component of one's own is configured: every request of a page asks.
    pub(crate) fn of_default_layout() -> Self {
        static DEFAULT: LazyLock<Components> =
            LazyLock::new(|| Components::of_layout(&crate::page::default_layout(), &CustomComponents::default()));
        DEFAULT.clone()
    }

    fn any(&self, names: &[String]) -> bool {
        names.iter().any(|name| self.names.contains(name))
    }

    /// Whether a component that is not ours shows a metric. Lists by views and by downloads belong to the breakdown of their name.
    fn shown_by_custom(&self, kind: SeriesKind, key: &str, metric: &str) -> bool {
        let category = match kind {
            SeriesKind::RecordDelta => "record_deltas",
            SeriesKind::RecordSnapshot => "record_snapshots",
            SeriesKind::UsageDelta => "usage_deltas",
            SeriesKind::UsageSnapshot => "usage_snapshots",
        };
        let name = key.strip_suffix("_by_view").or_else(|| key.strip_suffix("_by_download")).unwrap_or(key);
        let is_of_it = |subcount: &str| subcount == key || subcount == name;
        self.custom.iter().any(|need| need.category == category && need.metric == metric && is_of_it(&need.subcount))
    }

    /// Whether there is a list of this ending (`MultiDisplayViews`, say): its shares are of the whole.
    fn lists(&self, ending: &str) -> bool {
        self.names.iter().any(|name| name.ends_with(ending))
    }

    /// Whether a metric of a breakdown is needed. Breakdowns the registry does not know are needed whole.
    pub(super) fn need(&self, kind: SeriesKind, key: &str, metric: &str) -> bool {
        let suffix = if kind.is_snapshot() { "Cumulative" } else { "" };
        let names = |list: &[&str]| list.iter().map(|name| format!("{name}{suffix}")).collect::<Vec<_>>();
        // Tables show whatever there is.
        if self.whole || self.names.contains("StatsTable") || self.shown_by_custom(kind, key, metric) {
            return true;
        }
        if kind.is_records() {
            let chart = names(&["ContentStatsChart"]);
            let of_whole = self.lists(if kind.is_snapshot() { "MultiDisplay" } else { "MultiDisplayDelta" });
            if key == "global" {
                return match metric {
                    "records" => of_whole || self.any(&names(&["ContentStatsChart", "SingleStatRecordCount"])),
                    "uploaders" | "distinct_uploaders" => {
                        self.any(&names(&["ContentStatsChart", "SingleStatUploaders"]))
                    }
                    "data_volume" => self.any(&names(&["ContentStatsChart", "SingleStatDataVolume"])),
                    "file_count" => self.any(&chart),
                    _ => false,
                };
            }
            let list = [format!("{}MultiDisplay{}", family(key), if kind.is_snapshot() { "" } else { "Delta" })];
            return match metric {
                // Contributions explain the records of affiliations.
                "records" | "contributions" if CHARTED.contains(&key) || COUNTED.contains(&key) => {
                    self.any(&chart) || self.any(&list)
                }
                "data_volume" | "file_count" if CHARTED.contains(&key) => self.any(&chart),
                _ => !CHARTED.contains(&key) && !COUNTED.contains(&key),
            };
        }
        let delta = if kind.is_snapshot() { "" } else { "Delta" };
        let (name, views, downloads) = match (key.strip_suffix("_by_view"), key.strip_suffix("_by_download")) {
            (Some(name), _) => (name, true, false),
            (_, Some(name)) => (name, false, true),
            _ => (key, true, true),
        };
        let charted = CHARTED.contains(&name) || COUNTED.contains(&name) || matches!(name, "countries" | "referrers");
        if !charted && key != "global" {
            return true;
        }
        let chart = self.any(&names(&["TrafficStatsChart"]));
        let single = |name: &str| key == "global" && self.any(&names(&[name]));
        let map = matches!(name, "countries" | "global") && self.names.contains("StatsMap");
        let list = |what: &str| {
            self.any(&[format!("{}MultiDisplay{what}{delta}", family(name))])
                || (key == "global" && self.lists(&format!("MultiDisplay{what}{delta}")))
        };
        match metric {
            "view_unique_records" => views && (chart || map || single("SingleStatViews") || list("Views")),
            "download_unique_files" => {
                downloads && (chart || map || single("SingleStatDownloads") || list("Downloads"))
            }
            "data_volume" => downloads && (chart || single("SingleStatTraffic") || list("Downloads")),
            _ => false,
        }
    }
}

impl Components {
    /// Cuts the JSON text of a whole category (as `write` made it) down to the metrics that are needed; `None` for a text of another shape.
    pub(crate) fn cut(&self, kind: SeriesKind, json: &[u8]) -> Option<Vec<u8>> {
        let mut text = Text { json, at: 0 };
        let mut out = Vec::with_capacity(json.len() / 2);
        text.expect(b'{')?;
        let mut first = true;
        while let Some(category) = text.key()? {
            out.extend_from_slice(if first { b"{" } else { b"," });
            first = false;
            out.extend_from_slice(format!("\"{category}\":{{").as_bytes());
            text.expect(b'{')?;
            let key = super::write::snake(category);
            let mut none = true;
            while let Some(metric) = text.key()? {
                let list = text.value()?;
                // Presence of files is not in the registry and always there.
                if key == "file_presence" || self.need(kind, &key, &super::write::snake(metric)) {
                    out.extend_from_slice(if none { b"" } else { b"," });
                    none = false;
                    out.extend_from_slice(format!("\"{metric}\":").as_bytes());
                    out.extend_from_slice(list);
                }
            }
            out.push(b'}');
        }
        out.extend_from_slice(if first { b"{}" } else { b"}" });
        Some(out)
    }
}

/// A place in a JSON text of ours: no spaces, and keys without escapes.
struct Text<'a> {
    json: &'a [u8],
    at: usize,
}

impl<'a> Text<'a> {
    fn expect(&mut self, byte: u8) -> Option<()> {
        (self.json.get(self.at) == Some(&byte)).then(|| self.at += 1)
    }

    /// The next key of the object at hand; `None` inside at its end.
    fn key(&mut self) -> Option<Option<&'a str>> {
        if self.expect(b'}').is_some() {
            return Some(None);
        }
        let _ = self.expect(b',');
        self.expect(b'"')?;
        let rest = &self.json[self.at..];
        let length = rest.iter().position(|byte| *byte == b'"')?;
        self.at += length + 1;
        self.expect(b':')?;
        std::str::from_utf8(&rest[..length]).ok().map(Some)
    }

    /// The list at hand.
    fn value(&mut self) -> Option<&'a [u8]> {
        let start = self.at;
        let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
        for (offset, byte) in self.json[start..].iter().enumerate() {
            match byte {
                _ if escaped => escaped = false,
                b'\\' if quoted => escaped = true,
                b'"' => quoted = !quoted,
                b'[' | b'{' if !quoted => depth += 1,
                b']' | b'}' if !quoted => {
                    depth = depth.checked_sub(1)?;
                    if depth == 0 {
                        self.at = start + offset + 1;
                        return Some(&self.json[start..self.at]);
                    }
                }
                _ => {}
            }
        }
        None
    }
}

/// The items of a list in an object; none where there is no list.
fn list<'a>(value: &'a Value, key: &str) -> &'a [Value] {
    value.get(key).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

/// `resource_types` → `ResourceTypes`.
fn family(key: &str) -> String {
    let upper =
        |part: &str| part.chars().next().map(|c| format!("{}{}", c.to_ascii_uppercase(), &part[c.len_utf8()..]));
    key.split('_').filter_map(upper).collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_text_is_cut_between_metrics() {
        let layout = json!({"tabs": [{"rows": [{"components": [{"component": "SingleStatViews"}]}]}]});
        let components = Components::of_layout(&layout, &CustomComponents::default());
        let json = br#"{"global":{"views":[{"id":"]}\"["}],"viewUniqueRecords":[{"id":"g","data":[["01-12",1]]}]},"languages":{"views":[]},"myOwn":{"views":[1]}}"#;
        let cut = components.cut(SeriesKind::UsageDelta, json).expect("a text of ours");
        assert_eq!(
            String::from_utf8(cut).expect("text"),
            r#"{"global":{"viewUniqueRecords":[{"id":"g","data":[["01-12",1]]}]},"languages":{},"myOwn":{"views":[1]}}"#
        );
        assert_eq!(components.cut(SeriesKind::UsageDelta, b"{}").as_deref(), Some(&b"{}"[..]));
        for other in [&b"[]"[..], b"", b"{\"a\":1}", b"{\"a\":{\"b\":[}"] {
            assert_eq!(components.cut(SeriesKind::UsageDelta, other), None);
        }
    }

    #[test]
    fn what_is_not_ours_needs_what_it_declares_and_what_nobody_declares_needs_everything() {
        let custom = CustomComponents::from_json(&json!({"usage_snapshots": {"countries": {"views": ["MyGlobe"]}}}));
        let custom = custom.expect("a registry");
        let of = |name: &str| {
            let layout = json!({"tabs": [{"rows": [{"components": [{"component": name}]}]}]});
            Components::of_layout(&layout, &custom)
        };
        let globe = of("MyGlobe");
        assert!(globe.need(SeriesKind::UsageSnapshot, "countries_by_view", "views"));
        assert!(globe.need(SeriesKind::UsageSnapshot, "countries", "views"));
        assert!(!globe.need(SeriesKind::UsageDelta, "countries", "views"), "of another category");
        assert!(!globe.need(SeriesKind::UsageSnapshot, "rights", "views"));
        assert!(!globe.need(SeriesKind::UsageSnapshot, "countries_by_view", "downloads"));
        assert!(of("TheirGlobe").need(SeriesKind::RecordDelta, "funders", "parents"));
        let standard = Components::of_layout(&crate::page::default_layout(), &custom);
        assert!(!standard.whole, "our own layout names what we know");
    }

    #[test]
    fn a_layout_needs_what_its_components_show() {
        let layout = json!({"tabs": [{"rows": [
            {"components": [{"component": "SingleStatViews"}, {"component": "LanguagesMultiDisplayViewsDelta"}]},
            {"components": [{"component": "StatsMap"}, {"component": "ContentStatsChartCumulative"}]}]}]});
        let components = Components::of_layout(&layout, &CustomComponents::default());
        let usage = |key, metric| components.need(SeriesKind::UsageDelta, key, metric);
        assert!(usage("global", "view_unique_records") && !usage("global", "views") && !usage("global", "data_volume"));
        assert!(usage("global", "download_unique_files"), "the map's");
        assert!(usage("languages", "view_unique_records") && !usage("languages", "download_unique_files"));
        assert!(usage("countries", "view_unique_records") && !usage("rights", "view_unique_records"));
        assert!(usage("my_own", "views"));
        assert!(components.need(SeriesKind::RecordSnapshot, "rights", "file_count"));
        assert!(!components.need(SeriesKind::RecordSnapshot, "funders", "file_count"));
        assert!(!components.need(SeriesKind::RecordDelta, "rights", "records"));
        assert!(components.need(SeriesKind::UsageSnapshot, "countries_by_view", "view_unique_records"));
        assert!(!components.need(SeriesKind::UsageSnapshot, "countries_by_download", "view_unique_records"));
    }
}
