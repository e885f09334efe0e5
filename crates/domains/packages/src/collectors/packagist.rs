//! Packagist: daily downloads of PHP packages (`vendor/name`) as two lists side by side.
//!
//! `GET /packages/{vendor}/{name}/stats/all.json?average=daily&from=…&to=…` answers `labels` (days) and `values` (a list per
//! package, one count per label). The running day is partial; unknown packages are 404.

use jiff::civil::Date;
use serde_json::Value;
use tallykeep_collect::CollectError;

use super::{About, Asker, DailySource, Fetched, Reach, segment, shape};
use crate::upstreams::PACKAGIST;

pub struct Packagist;

static ABOUT: About = About {
    id: "packagist",
    registry: "Packagist",
    upstream: PACKAGIST,
    sdk: "php",
    reference: "packagist",
    reach: Reach {
        days: None,
        whole: false,
        chunk_days: 365,
        late_zero_days: 1,
        leaves_out_zeros: false,
        since: Some(Date::constant(2012, 4, 13)),
    },
};

#[async_trait::async_trait]
impl DailySource for Packagist {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn daily(&self, asker: &Asker, package: &str, first: Date, last: Date) -> Result<Fetched, CollectError> {
        let Some((vendor, name)) = package.split_once('/') else {
            return Err(shape(PACKAGIST, format!("`{package}` should be vendor/name")));
        };
        let path = format!(
            "/packages/{}/{}/stats/all.json?average=daily&from={first}&to={last}",
            segment(vendor),
            segment(name)
        );
        let answer = asker.client.ask(&asker.get(PACKAGIST, &path)).await?;
        read(&answer.json()?, package)
    }
}

fn read(body: &Value, package: &str) -> Result<Fetched, CollectError> {
    let labels = body["labels"].as_array().ok_or_else(|| shape(PACKAGIST, "`labels` is no list"))?;
    let values =
        body["values"][package].as_array().ok_or_else(|| shape(PACKAGIST, format!("no values for {package}")))?;
    if labels.len() != values.len() {
        return Err(shape(PACKAGIST, format!("{} days but {} values", labels.len(), values.len())));
    }
    let mut fetched = Fetched::default();
    for (label, value) in labels.iter().zip(values) {
        let (Some(day), Some(count)) = (super::day(label), value.as_i64()) else {
            return Err(shape(PACKAGIST, "a day or a value is not one"));
        };
        fetched.take(day, count);
    }
    Ok(fetched)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recorded_answer() {
        let body = json!({"labels":["2026-03-05","2026-03-06"],"values":{"acme/tool":[12,0]},"average":"daily"});
        assert_eq!(read(&body, "acme/tool").expect("fine").days.values().copied().collect::<Vec<_>>(), [12, 0]);
        let short = json!({"labels":["2026-03-05","2026-03-06"],"values":{"acme/tool":[12]}});
        assert!(read(&short, "acme/tool").is_err());
    }
}
