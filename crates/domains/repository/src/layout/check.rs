//! Whether a layout is one (spec/invenio §16.9). Every problem is told, each with the JSON path it is at.

use std::{collections::BTreeSet, fmt, ops::RangeInclusive};

use serde::Serialize;
use serde_json::{Map, Value};

use super::registry::{CustomComponents, is_known};

/// What is wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LayoutProblem {
    /// E.g. `tabs[0].rows[1].components[0].width`.
    pub path: String,
    pub reason: String,
}

impl fmt::Display for LayoutProblem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.path, self.reason)
    }
}

/// Looks at one layout, `{"tabs": […]}`, standing at `path` in its document. No problem means that pages can show it.
///
/// `custom` are components that are not ours; a page shows nothing for those it does not have.
pub fn check(layout: &Value, path: &str, custom: &CustomComponents) -> Vec<LayoutProblem> {
    let mut checker = Checker { custom, problems: Vec::new() };
    checker.layout(layout, path);
    checker.problems
}

struct Checker<'a> {
    custom: &'a CustomComponents,
    problems: Vec<LayoutProblem>,
}

/// `parent.key`, or the key alone at the top.
fn below(path: &str, key: &str) -> String {
    if path.is_empty() { key.to_owned() } else { format!("{path}.{key}") }
}

impl Checker<'_> {
    fn tell(&mut self, path: impl Into<String>, reason: impl Into<String>) {
        self.problems.push(LayoutProblem { path: path.into(), reason: reason.into() });
    }

    fn object<'v>(&mut self, value: &'v Value, path: &str) -> Option<&'v Map<String, Value>> {
        let found = value.as_object();
        if found.is_none() {
            self.tell(if path.is_empty() { "$" } else { path }, "is not an object");
        }
        found
    }

    /// The entries of a list that must have some.
    fn list<'v>(&mut self, of: &'v Map<String, Value>, path: &str, key: &str) -> &'v [Value] {
        let at = below(path, key);
        match of.get(key) {
            Some(Value::Array(list)) if !list.is_empty() => list,
            Some(Value::Array(_)) => {
                self.tell(at, "is empty; at least one is needed");
                &[]
            }
            Some(_) => {
                self.tell(at, "is not a list");
                &[]
            }
            None => {
                self.tell(at, "is missing");
                &[]
            }
        }
    }

    fn known_keys(&mut self, of: &Map<String, Value>, path: &str, known: &[&str]) {
        for key in of.keys().filter(|key| !known.contains(&key.as_str())) {
            self.tell(below(path, key), format!("is unknown here; known are {}", known.join(", ")));
        }
    }

    fn text(&mut self, of: &Map<String, Value>, path: &str, key: &str, required: bool) {
        match of.get(key) {
            Some(Value::String(text)) if !text.trim().is_empty() => {}
            Some(_) => self.tell(below(path, key), "is not a text with something in it"),
            None if required => self.tell(below(path, key), "is missing"),
            None => {}
        }
    }

    /// A text, or one for each language.
    fn label(&mut self, of: &Map<String, Value>, path: &str, key: &str, required: bool) {
        match of.get(key) {
            Some(Value::Object(languages)) if !languages.is_empty() && languages.values().all(Value::is_string) => {}
            _ => self.text(of, path, key, required),
        }
    }

    fn layout(&mut self, layout: &Value, path: &str) {
        let Some(fields) = self.object(layout, path) else { return };
        self.known_keys(fields, path, &["tabs"]);
        let mut names = BTreeSet::new();
        for (number, tab) in self.list(fields, path, "tabs").iter().enumerate() {
            let at = below(path, &format!("tabs[{number}]"));
            let Some(fields) = self.object(tab, &at) else { continue };
            self.known_keys(fields, &at, &["name", "label", "icon", "date_range_phrase", "rows"]);
            self.text(fields, &at, "name", true);
            self.label(fields, &at, "label", true);
            self.text(fields, &at, "icon", false);
            self.label(fields, &at, "date_range_phrase", false);
            if let Some(name) = fields.get("name").and_then(Value::as_str)
                && !names.insert(name)
            {
                self.tell(below(&at, "name"), format!("`{name}` names another tab already"));
            }
            self.rows(fields, &at);
        }
    }

    fn rows(&mut self, tab: &Map<String, Value>, path: &str) {
        for (number, row) in self.list(tab, path, "rows").iter().enumerate() {
            let at = below(path, &format!("rows[{number}]"));
            let Some(fields) = self.object(row, &at) else { continue };
            self.known_keys(fields, &at, &["name", "components"]);
            self.text(fields, &at, "name", true);
            for (number, component) in self.list(fields, &at, "components").iter().enumerate() {
                let at = below(&at, &format!("components[{number}]"));
                self.component(component, &at);
            }
        }
    }

    fn component(&mut self, component: &Value, path: &str) {
        let Some(fields) = self.object(component, path) else { return };
        self.known_keys(fields, path, &["component", "width", "props"]);
        self.text(fields, path, "component", true);
        if let Some(name) = fields.get("component").and_then(Value::as_str)
            && !is_known(name)
            && !self.custom.contains(name)
        {
            self.tell(
                below(path, "component"),
                format!("no component is called `{name}`; `layout components` lists them, STATS_DASHBOARD_COMPONENT_METRICS_REGISTRY adds some"),
            );
        }
        self.number(fields, path, "width", 1.0..=16.0, true);
        if let Some(props) = fields.get("props") {
            let at = below(path, "props");
            if let Some(props) = self.object(props, &at) {
                self.props(props, &at);
            }
        }
    }

    fn props(&mut self, props: &Map<String, Value>, path: &str) {
        self.label(props, path, "title", false);
        self.text(props, path, "icon", false);
        self.text(props, path, "maxHeight", false);
        for key in ["width", "mobile", "tablet"] {
            self.number(props, path, key, 1.0..=16.0, true);
        }
        for key in ["height", "minHeight"] {
            self.number(props, path, key, 100.0..=2000.0, false);
        }
        self.number(props, path, "maxSeries", 1.0..=50.0, true);
        self.number(props, path, "pageSize", 1.0..=100.0, true);
        self.number(props, path, "zoom", 1.0..=20.0, false);
        self.number(props, path, "compactThreshold", 1.0..=f64::MAX, false);
        for key in ["hideOtherInCharts", "useSnapshot", "uniformColorMode"] {
            if props.get(key).is_some_and(|value| !value.is_boolean()) {
                self.tell(below(path, key), "is not true or false");
            }
        }
        if props.get("display_subcounts").is_some_and(|value| !value.is_object()) {
            self.tell(below(path, "display_subcounts"), "is not an object");
        }
        self.one_of(props.get("chartType"), &below(path, "chartType"), &["bar", "line"]);
        self.one_of(props.get("metric"), &below(path, "metric"), &["views", "downloads", "visitors", "dataVolume"]);
        let views = ["pie", "bar", "list", "table"];
        self.one_of(props.get("default_view"), &below(path, "default_view"), &views);
        match props.get("available_views") {
            None => {}
            Some(Value::Array(list)) => {
                for (number, view) in list.iter().enumerate() {
                    self.one_of(Some(view), &below(path, &format!("available_views[{number}]")), &views);
                }
            }
            Some(_) => self.tell(below(path, "available_views"), "is not a list"),
        }
        match props.get("center") {
            None => {}
            Some(Value::Array(pair)) if pair.len() == 2 && pair.iter().all(Value::is_number) => {}
            Some(_) => self.tell(below(path, "center"), "is not a pair of numbers (longitude, latitude)"),
        }
    }

    fn number(&mut self, of: &Map<String, Value>, path: &str, key: &str, range: RangeInclusive<f64>, whole: bool) {
        let Some(value) = of.get(key) else { return };
        let fits = value.as_f64().is_some_and(|n| range.contains(&n) && (!whole || n.fract() == 0.0));
        if !fits {
            let kind = if whole { "a whole number" } else { "a number" };
            let ends = if *range.end() == f64::MAX {
                format!("of {} or more", range.start())
            } else {
                format!("from {} to {}", range.start(), range.end())
            };
            self.tell(below(path, key), format!("{value} is not {kind} {ends}"));
        }
    }

    fn one_of(&mut self, value: Option<&Value>, path: &str, known: &[&str]) {
        if let Some(value) = value
            && !value.as_str().is_some_and(|text| known.contains(&text))
        {
            self.tell(path, format!("{value} is none of {}", known.join(", ")));
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn problems(layout: &Value) -> Vec<String> {
        let custom = CustomComponents::from_json(&json!({"usage_deltas": {"global": {"views": ["MyWidget"]}}}));
        check(layout, "", &custom.expect("a registry")).iter().map(ToString::to_string).collect()
    }

    #[test]
    fn the_default_layout_is_one() {
        assert_eq!(problems(&crate::page::default_layout()), [""; 0]);
    }

    #[test]
    fn every_problem_has_its_path() {
        let layout = json!({"tabs": [
            {"name": "a", "label": {"en": "A", "de": "A"}, "rows": [
                {"name": "r", "components": [
                    {"component": "MyWidget", "width": 16, "props": {"anything": [1, 2]}},
                    {"component": "NoSuchThing", "width": 17, "props": {"pageSize": 0, "zoom": 1.3, "default_view": "cake"}}]},
                {"name": "empty", "components": []}]},
            {"name": "a", "label": 7, "rows": {}}], "tab": []});
        assert_eq!(
            problems(&layout),
            [
                "tab: is unknown here; known are tabs",
                "tabs[0].rows[0].components[1].component: no component is called `NoSuchThing`; `layout components` lists them, STATS_DASHBOARD_COMPONENT_METRICS_REGISTRY adds some",
                "tabs[0].rows[0].components[1].width: 17 is not a whole number from 1 to 16",
                "tabs[0].rows[0].components[1].props.pageSize: 0 is not a whole number from 1 to 100",
                "tabs[0].rows[0].components[1].props.default_view: \"cake\" is none of pie, bar, list, table",
                "tabs[0].rows[1].components: is empty; at least one is needed",
                "tabs[1].label: is not a text with something in it",
                "tabs[1].name: `a` names another tab already",
                "tabs[1].rows: is not a list",
            ]
        );
        assert_eq!(problems(&json!([])), ["$: is not an object"]);
    }
}
