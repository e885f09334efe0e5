//! GitHub stars: snapshot, history by weeks, list of stargazers, GraphQL (spec/packages §4.4).
//!
//! Stars can be taken back, and since July 2026 the list shows outsiders nothing: an empty or much too short list is a failure
//! of that path, never data.

use std::collections::BTreeMap;

use jiff::{Timestamp, civil::Date};
use serde_json::{Value, json};
use tallykeep_collect::{Answer, Ask, CollectError, http::Method};

use super::{Asker, shape};
use crate::{
    days::{after, utc_day},
    upstreams::GITHUB,
};

/// Pages of the list there are at most.
const LIST_PAGES: usize = 400;
const HISTORY_WEEKS: usize = 30;
const HISTORY_PAGES: usize = 100;

/// A repository now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Repository {
    pub stars: i64,
    /// As GitHub names it; differs from what was asked when the repository was renamed or moved.
    pub full_name: Option<String>,
    pub token_rejected: bool,
}

/// One page of the history: adds per day, newest week first.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HistoryPage {
    pub adds: BTreeMap<Date, i64>,
    /// First day of the oldest week.
    pub oldest: Option<Date>,
    pub last: bool,
}

fn ask(asker: &Asker, repository: &str, path: &str) -> Ask {
    let mut ask = asker
        .get(GITHUB, path)
        .header("accept", "application/vnd.github+json")
        .header("x-github-api-version", "2026-03-10");
    ask.token = asker.settings.github_token(repository).map(str::to_owned);
    ask
}

/// The repository's counters now. Errors: 404, a body without `stargazers_count`.
pub async fn repository(asker: &Asker, name: &str) -> Result<Repository, CollectError> {
    let answer = asker.client.ask(&ask(asker, name, &format!("/repos/{name}")).conditional()).await?;
    let body = answer.json()?;
    let stars = body["stargazers_count"].as_i64().ok_or_else(|| shape(GITHUB, "`stargazers_count` is missing"))?;
    if stars < 0 {
        return Err(shape(GITHUB, format!("{stars} stars")));
    }
    Ok(Repository {
        stars,
        full_name: body["full_name"].as_str().map(str::to_owned),
        token_rejected: answer.token_rejected,
    })
}

/// Whether a `Link` header names a page with this relation; `None` without the header.
fn has_link(answer: &Answer, relation: &str) -> Option<bool> {
    answer.header("link").map(|link| link.contains(&format!("rel=\"{relation}\"")))
}

/// One page (from 1) of the star history.
pub async fn history_page(asker: &Asker, name: &str, page: usize) -> Result<HistoryPage, CollectError> {
    let path = format!("/repos/{name}/stargazers/history?per_page={HISTORY_WEEKS}&page={page}");
    let answer = asker.client.ask(&ask(asker, name, &path).conditional()).await?;
    let body = answer.json()?;
    let weeks = body.as_array().ok_or_else(|| shape(GITHUB, "the star history is no list"))?;
    let mut adds = BTreeMap::new();
    let mut oldest = None;
    for week in weeks {
        let start = week["week"].as_i64().and_then(|seconds| Timestamp::from_second(seconds).ok()).map(utc_day);
        let (Some(start), Some(days)) = (start, week["days"].as_array().filter(|days| days.len() == 7)) else {
            return Err(shape(GITHUB, "a week of the star history lacks its start or its seven days"));
        };
        for (n, count) in (0_i64..).zip(days) {
            let count = count
                .as_i64()
                .filter(|count| *count >= 0)
                .ok_or_else(|| shape(GITHUB, "a day of the star history is no count"))?;
            adds.insert(after(start, n), count);
        }
        oldest = Some(oldest.map_or(start, |oldest: Date| oldest.min(start)));
    }
    let last = has_link(&answer, "next").map_or(weeks.len() < HISTORY_WEEKS, |more| !more)
        || weeks.is_empty()
        || page >= HISTORY_PAGES;
    Ok(HistoryPage { adds, oldest, last })
}

/// Running counts from the history: `cum(D) = S − Σ adds after D`.
pub fn running_counts(stars: i64, adds: &BTreeMap<Date, i64>, days: &[Date]) -> BTreeMap<Date, i64> {
    days.iter()
        .map(|day| {
            let later: i64 = adds.range(after(*day, 1)..).map(|(_, count)| count).sum();
            (*day, (stars - later).max(0))
        })
        .collect()
}

/// Running counts from events: those before the end of each day.
pub fn counts_of_events(events: &[Timestamp], days: &[Date]) -> BTreeMap<Date, i64> {
    let mut sorted: Vec<Date> = events.iter().map(|at| utc_day(*at)).collect();
    sorted.sort_unstable();
    days.iter().map(|day| (*day, i64::try_from(sorted.partition_point(|d| d <= day)).unwrap_or(i64::MAX))).collect()
}

/// Every star by its instant, oldest first, from the list. Errors: an empty or much too short list.
pub async fn stargazers(asker: &Asker, name: &str, stars: i64) -> Result<Vec<Timestamp>, CollectError> {
    if stars > 40_000 {
        return Err(shape(GITHUB, "the list of stargazers ends at 40,000"));
    }
    let mut events = Vec::new();
    for page in 1..=LIST_PAGES {
        let mut ask = ask(asker, name, &format!("/repos/{name}/stargazers?per_page=100&page={page}"));
        ask.headers.retain(|(name, _)| *name != "accept");
        let answer = asker.client.ask(&ask.header("accept", "application/vnd.github.star+json")).await?;
        let body = answer.json()?;
        let list = body.as_array().ok_or_else(|| shape(GITHUB, "the list of stargazers is no list"))?;
        for event in list {
            let at = event["starred_at"].as_str().and_then(|at| at.parse().ok());
            events.push(at.ok_or_else(|| shape(GITHUB, "a stargazer lacks `starred_at`"))?);
        }
        if list.is_empty() || has_link(&answer, "next") == Some(false) {
            break;
        }
    }
    enough(events.len(), stars)?;
    Ok(events)
}

/// A list that shows less than nine tenths of the stars shows only what this token may see.
fn enough(found: usize, stars: i64) -> Result<(), CollectError> {
    let found = i64::try_from(found).unwrap_or(i64::MAX);
    if found * 10 < stars * 9 {
        return Err(shape(
            GITHUB,
            format!("the list of stargazers holds {found} of {stars}; the token may not see it"),
        ));
    }
    Ok(())
}

/// Running counts by GraphQL, newest star first, stopping at the first day asked for. Needs a token.
pub async fn graphql_counts(asker: &Asker, name: &str, days: &[Date]) -> Result<BTreeMap<Date, i64>, CollectError> {
    let (owner, repo) = name.split_once('/').unwrap_or((name, ""));
    let first = days.first().copied().unwrap_or(Date::MAX);
    let (mut cursor, mut events, mut stars): (Option<String>, Vec<Date>, i64) = (None, Vec::new(), 0);
    const QUERY: &str = "query($o:String!,$n:String!,$c:String){repository(owner:$o,name:$n){stargazerCount stargazers(first:100,after:$c,orderBy:{field:STARRED_AT,direction:DESC}){totalCount pageInfo{hasNextPage endCursor} edges{starredAt}}}}";
    for _ in 0..10_000 {
        let mut ask = ask(asker, name, "/graphql");
        ask.method = Method::POST;
        ask.json = Some(json!({"query": QUERY, "variables": {"o": owner, "n": repo, "c": cursor}}));
        ask.public = false;
        let body = asker.client.ask(&ask).await?.json()?;
        let repository = &body["data"]["repository"];
        let list = &repository["stargazers"];
        stars = repository["stargazerCount"].as_i64().ok_or_else(|| shape(GITHUB, graphql_reason(&body)))?;
        enough(usize::try_from(list["totalCount"].as_i64().unwrap_or(0)).unwrap_or(0), stars)?;
        let edges = list["edges"].as_array().ok_or_else(|| shape(GITHUB, "`edges` is no list"))?;
        if edges.is_empty() && events.is_empty() && stars > 0 {
            return Err(shape(GITHUB, format!("GraphQL shows no stargazers of {stars}; the token may not see them")));
        }
        for edge in edges {
            let at: Option<Timestamp> = edge["starredAt"].as_str().and_then(|at| at.parse().ok());
            events.push(utc_day(at.ok_or_else(|| shape(GITHUB, "an edge lacks `starredAt`"))?));
        }
        let done = events.last().is_some_and(|day| *day <= first);
        cursor = list["pageInfo"]["endCursor"].as_str().map(str::to_owned);
        if done || list["pageInfo"]["hasNextPage"] != json!(true) || cursor.is_none() {
            break;
        }
    }
    Ok(days
        .iter()
        .map(|day| {
            let later = events.iter().filter(|event| *event > day).count();
            (*day, (stars - i64::try_from(later).unwrap_or(0)).max(0))
        })
        .collect())
}

fn graphql_reason(body: &Value) -> String {
    body["errors"][0]["message"]
        .as_str()
        .map_or_else(|| "`stargazerCount` is missing".to_owned(), |m| m.chars().take(160).collect())
}

#[cfg(test)]
mod tests {
    use jiff::civil::date;

    use super::*;

    #[test]
    fn example_d_star_events() {
        let events: Vec<Timestamp> =
            ["2026-03-01T23:59:59Z", "2026-03-02T00:00:00Z", "2026-03-02T08:00:00Z", "2026-03-04T12:00:00Z"]
                .map(|at| at.parse().expect("an instant"))
                .to_vec();
        let days: Vec<Date> = (1..=4).map(|d| date(2026, 3, d)).collect();
        assert_eq!(counts_of_events(&events, &days).into_values().collect::<Vec<_>>(), [1, 3, 3, 4]);
    }

    #[test]
    fn example_e_star_history() {
        let mut adds = BTreeMap::new();
        for (start, counts) in [(date(2026, 3, 1), [2, 0, 4, 3, 0, 0, 0]), (date(2026, 2, 22), [1, 1, 2, 2, 3, 3, 0])] {
            for (n, count) in (0_i64..).zip(counts) {
                adds.insert(after(start, n), count);
            }
        }
        let days: Vec<Date> = (0..7).map(|n| after(date(2026, 2, 26), n)).collect();
        let counts: Vec<i64> = running_counts(500, &adds, &days).into_values().collect();
        assert_eq!(counts, [488, 491, 491, 493, 493, 497, 500]);
    }

    #[test]
    fn a_short_list_is_a_failure() {
        assert!(enough(0, 500).is_err() && enough(449, 500).is_err());
        assert!(enough(450, 500).is_ok() && enough(0, 0).is_ok());
    }
}
