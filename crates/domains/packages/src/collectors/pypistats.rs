//! pypistats: the whole retained series (about 180 days) in one call (spec/packages §4.1).

use jiff::civil::Date;
use serde_json::Value;
use tallykeep_collect::CollectError;

use super::{About, Asker, DailySource, Fetched, Reach, day, segment, shape};
use crate::upstreams::PYPISTATS;

pub struct Pypistats;

static ABOUT: About = About {
    id: "pypistats",
    registry: "PyPI",
    upstream: PYPISTATS,
    sdk: "python",
    reference: "pypi",
    reach: Reach {
        days: Some(180),
        whole: true,
        chunk_days: 180,
        late_zero_days: 0,
        leaves_out_zeros: false,
        since: None,
    },
};

#[async_trait::async_trait]
impl DailySource for Pypistats {
    fn about(&self) -> &'static About {
        &ABOUT
    }
    fn source_ref(&self, asker: &Asker, package: &str) -> String {
        // The reference's spelling for its only mode; the other mode says so.
        if asker.pypi_mirrors { format!("pypi:{package}") } else { format!("pypi:{package}?mirrors=false") }
    }

    async fn daily(&self, asker: &Asker, package: &str, _: Date, _: Date) -> Result<Fetched, CollectError> {
        let path = format!("/api/packages/{}/overall?mirrors={}", segment(&normalised(package)), asker.pypi_mirrors);
        let answer = asker.client.ask(&asker.get(PYPISTATS, &path).conditional()).await?;
        read(&answer.json()?, asker.pypi_mirrors)
    }
}

/// Lower case, runs of `-`, `_` and `.` as one `-`.
pub fn normalised(package: &str) -> String {
    let mut name = String::new();
    for letter in package.trim().to_lowercase().chars() {
        if matches!(letter, '-' | '_' | '.') {
            if !name.ends_with('-') {
                name.push('-');
            }
        } else {
            name.push(letter);
        }
    }
    name
}

fn read(body: &Value, mirrors: bool) -> Result<Fetched, CollectError> {
    let data = &body["data"];
    let rows =
        data.as_array().or_else(|| data["data"].as_array()).ok_or_else(|| shape(PYPISTATS, "`data` is no list"))?;
    let wanted = if mirrors { "with_mirrors" } else { "without_mirrors" };
    let mut fetched = Fetched::default();
    for row in rows {
        // Both categories may be there: a day must not take whichever comes last.
        if row["category"].as_str().is_some_and(|category| category != wanted) {
            continue;
        }
        let found = day(&row["date"]).or_else(|| day(&row["day"]));
        let count = row["downloads"].as_i64().or_else(|| row["count"].as_i64());
        if let (Some(day), Some(count)) = (found, count) {
            fetched.take(day, count);
        }
    }
    Ok(fetched)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn names_are_normalised() {
        assert_eq!(normalised("Zope.Interface__x"), "zope-interface-x");
    }

    #[test]
    fn both_shapes_both_categories_and_zeros() {
        let body = json!({"data": {"data": [
            {"category": "with_mirrors", "date": "2026-03-03", "downloads": 5},
            {"category": "without_mirrors", "date": "2026-03-03", "downloads": 3},
            {"day": "2026-03-04", "count": 0}, {"date": "2026-03-05"}, {"downloads": 1},
            {"date": "2026-03-06", "downloads": -1}]}});
        let with = read(&body, true).expect("fine");
        let values: Vec<_> = with.days.values().copied().collect();
        assert_eq!(values, [5, 0]);
        assert_eq!(with.refused.len(), 1);
        assert_eq!(read(&body, false).expect("fine").days.values().copied().collect::<Vec<_>>(), [3, 0]);
        assert!(read(&json!({"error": "x"}), true).is_err());
    }
}
