//! crates.io: up to 90 days including today, in two lists that must be added (spec/packages §4.2).

use std::collections::BTreeMap;

use jiff::civil::Date;
use serde_json::Value;
use tallykeep_collect::CollectError;

use super::{About, Asker, DailySource, Fetched, Reach, day, segment, shape};
use crate::upstreams::CRATES;

pub struct CratesIo;

static ABOUT: About = About {
    id: "cratesio",
    registry: "crates.io",
    upstream: CRATES,
    sdk: "rust",
    reference: "crates",
    reach: Reach {
        days: Some(90),
        whole: true,
        chunk_days: 90,
        late_zero_days: 0,
        leaves_out_zeros: true,
        since: None,
    },
};

#[async_trait::async_trait]
impl DailySource for CratesIo {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn daily(&self, asker: &Asker, package: &str, _: Date, _: Date) -> Result<Fetched, CollectError> {
        let path = format!("/api/v1/crates/{}/downloads", segment(package));
        let answer = asker.client.ask(&asker.get(CRATES, &path).conditional()).await?;
        read(&answer.json()?)
    }
}

fn read(body: &Value) -> Result<Fetched, CollectError> {
    let versions =
        body["version_downloads"].as_array().ok_or_else(|| shape(CRATES, "`version_downloads` is no list"))?;
    let others =
        body["meta"]["extra_downloads"].as_array().ok_or_else(|| shape(CRATES, "`meta.extra_downloads` is no list"))?;
    let mut sums: BTreeMap<Date, i64> = BTreeMap::new();
    let mut fetched = Fetched::default();
    for row in versions.iter().chain(others) {
        let (Some(day), Some(count)) = (day(&row["date"]), row["downloads"].as_i64()) else {
            return Err(shape(CRATES, "a row lacks its date or its downloads"));
        };
        if count < 0 {
            fetched.refused.insert(day, format!("a negative count ({count})"));
        }
        *sums.entry(day).or_default() += count;
    }
    for (day, sum) in sums {
        if !fetched.refused.contains_key(&day) {
            fetched.take(day, sum);
        }
    }
    Ok(fetched)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn both_lists_are_added() {
        let body = json!({"version_downloads":[
            {"date":"2026-03-06","downloads":7,"version":1201}, {"date":"2026-03-07","downloads":9,"version":1201},
            {"date":"2026-03-06","downloads":3,"version":1188}],
            "meta":{"extra_downloads":[{"date":"2026-03-06","downloads":5},{"date":"2026-03-08","downloads":2}]}});
        let days: Vec<_> = read(&body).expect("fine").days.into_iter().map(|(d, n)| format!("{d} {n}")).collect();
        assert_eq!(days, ["2026-03-06 15", "2026-03-07 9", "2026-03-08 2"]);
        // Without the second list a sum would be too low and look right.
        assert!(read(&json!({"version_downloads": []})).is_err());
    }
}
