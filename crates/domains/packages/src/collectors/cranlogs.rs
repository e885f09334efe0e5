//! cranlogs: daily downloads of R packages from one CRAN mirror, back to October 2012.
//!
//! `GET /downloads/daily/{from}:{to}/{package}` (both days inclusive) answers a list of one object with `downloads`, a list of
//! `day` and `downloads`; days not loaded yet are absent. Unknown packages answer zeros without a `downloads` list.

use jiff::civil::Date;
use serde_json::Value;
use tallykeep_collect::CollectError;

use super::{About, Asker, DailySource, Fetched, Reach, segment, shape};
use crate::upstreams::CRANLOGS;

pub struct Cranlogs;

static ABOUT: About = About {
    id: "cranlogs",
    registry: "CRAN",
    upstream: CRANLOGS,
    sdk: "r",
    reference: "cran",
    reach: Reach {
        days: None,
        whole: false,
        chunk_days: 365,
        late_zero_days: 3,
        leaves_out_zeros: false,
        since: Some(Date::constant(2012, 10, 1)),
    },
};

#[async_trait::async_trait]
impl DailySource for Cranlogs {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn daily(&self, asker: &Asker, package: &str, first: Date, last: Date) -> Result<Fetched, CollectError> {
        let path = format!("/downloads/daily/{first}:{last}/{}", segment(package));
        let answer = asker.client.ask(&asker.get(CRANLOGS, &path)).await?;
        read(&answer.json()?)
    }
}

fn read(body: &Value) -> Result<Fetched, CollectError> {
    let rows = body[0]["downloads"]
        .as_array()
        .ok_or_else(|| shape(CRANLOGS, "there is no list of days; is the package on CRAN?"))?;
    Fetched::of_rows(rows, CRANLOGS)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_recorded_answer() {
        let body = json!([{"downloads":[{"day":"2022-02-27","downloads":71},{"day":"2022-02-28","downloads":88}],
            "start":"2022-02-27","end":"2022-02-28","package":"mikropml"}]);
        assert_eq!(read(&body).expect("fine").days.values().copied().collect::<Vec<_>>(), [71, 88]);
        assert!(read(&json!([{"start":"2022-02-27","end":"2022-02-28","package":"nope"}])).is_err());
    }
}
