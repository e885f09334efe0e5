//! npm: a range per call, cut silently at 18 months, zeros for days that are not loaded yet (spec/packages §4.3).

use jiff::civil::Date;
use serde_json::Value;
use tallykeep_collect::CollectError;

use super::{About, Asker, DailySource, Fetched, Reach, day, segment, shape};
use crate::upstreams::NPM;

pub struct Npm;

static ABOUT: About = About {
    id: "npm",
    registry: "npm",
    upstream: NPM,
    sdk: "nodejs",
    reference: "npm",
    reach: Reach {
        days: None,
        whole: false,
        chunk_days: 365,
        late_zero_days: 3,
        leaves_out_zeros: false,
        since: Some(Date::constant(2015, 1, 10)),
    },
};

#[async_trait::async_trait]
impl DailySource for Npm {
    fn about(&self) -> &'static About {
        &ABOUT
    }

    async fn daily(&self, asker: &Asker, package: &str, first: Date, last: Date) -> Result<Fetched, CollectError> {
        let path = format!("/downloads/range/{first}:{last}/{}", segment(package));
        let answer = asker.client.ask(&asker.get(NPM, &path)).await?;
        read(&answer.json()?, first)
    }
}

fn read(body: &Value, first: Date) -> Result<Fetched, CollectError> {
    let rows = body["downloads"].as_array().ok_or_else(|| shape(NPM, "`downloads` is no list"))?;
    let mut fetched = Fetched::of_rows(rows, NPM)?;
    if let Some(start) = day(&body["start"]).filter(|start| *start > first) {
        fetched.notes.push(format!("npm cut the range: asked from {first}, answered from {start}"));
    }
    Ok(fetched)
}
