//! npm: a range per call, cut silently at 18 months, zeros for days that are not loaded yet (spec/packages §4.3).

use jiff::civil::Date;
use serde_json::Value;
use tallykeep_collect::CollectError;

use super::{Asker, DailySource, Fetched, Reach, day, segment, shape};
use crate::upstreams::{NPM, Upstream};

pub struct Npm;

#[async_trait::async_trait]
impl DailySource for Npm {
    fn id(&self) -> &'static str {
        "npm"
    }
    fn registry(&self) -> &'static str {
        "npm"
    }
    fn upstream(&self) -> Upstream {
        NPM
    }
    fn reach(&self) -> Reach {
        let since = Some(Date::constant(2015, 1, 10));
        Reach { days: None, whole: false, chunk_days: 365, late_zero_days: 3, leaves_out_zeros: false, since }
    }
    fn sdk(&self) -> &'static str {
        "nodejs"
    }
    fn source_ref(&self, _: &Asker, package: &str) -> String {
        format!("npm:{package}")
    }

    async fn daily(&self, asker: &Asker, package: &str, first: Date, last: Date) -> Result<Fetched, CollectError> {
        let path = format!("/downloads/range/{first}:{last}/{}", segment(package));
        let answer = asker.client.ask(&asker.get(NPM, &path)).await?;
        read(&answer.json()?, first)
    }
}

fn read(body: &Value, first: Date) -> Result<Fetched, CollectError> {
    let rows = body["downloads"].as_array().ok_or_else(|| shape(NPM, "`downloads` is no list"))?;
    let mut fetched = Fetched::default();
    for row in rows {
        let (Some(day), Some(count)) = (day(&row["day"]), row["downloads"].as_i64()) else {
            return Err(shape(NPM, "a row lacks its day or its downloads"));
        };
        fetched.take(day, count);
    }
    if let Some(start) = day(&body["start"]).filter(|start| *start > first) {
        fetched.notes.push(format!("npm cut the range: asked from {first}, answered from {start}"));
    }
    Ok(fetched)
}
