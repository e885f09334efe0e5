//! Kept answers of the repository, and the generations that say whether they are still true.

use std::collections::{BTreeSet, HashMap};

use jiff::Timestamp;

use crate::{Control, ControlError, Coverage, TeamControl, day_from_text, from_micros, micros};

/// Every family or every scope, in a generation.
pub const EVERY: &str = "*";
/// Every year, in a generation.
pub const EVERY_YEAR: i64 = 0;

/// What a kept answer is about and how it was made, without its body.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResponseHead {
    pub key: String,
    pub community_id: String,
    pub year: i64,
    pub stat: String,
    pub date_basis: String,
    pub generation: i64,
    /// Hash of the settings it was built with.
    pub settings: String,
    /// The coverage block as it stands in the body.
    pub coverage: String,
    /// Bytes of the JSON text.
    pub size: i64,
    pub digest: String,
    /// Hash of the page layout whose part is kept beside the whole; empty where none is.
    pub layout: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

/// A kept answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredResponse {
    pub head: ResponseHead,
    /// zstd of the JSON text.
    pub body: Vec<u8>,
    /// zstd of the part that pages of the layout `head.layout` need. Only for keeping: what is read has either the whole or the part as `body`.
    pub part: Option<Vec<u8>>,
}

/// Where to look for the generation of an answer.
#[derive(Debug, Clone, Copy)]
pub struct GenerationOf<'a> {
    /// The family whose rows the answer is made of.
    pub rows: &'a str,
    /// The family whose coverage it shows.
    pub covered: &'a str,
    pub scope: &'a str,
    /// The answer's own key: what was cleared by hand is old by itself.
    pub key: &'a str,
    pub year: i64,
    /// Whether changes of earlier years change it: running totals.
    pub cumulative: bool,
}

/// How things stand for an answer, read at one instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Standing {
    pub generation: i64,
    pub coverage: Option<Coverage>,
}

/// Every generation of a team, read at once, for lists.
#[derive(Debug, Clone, Default)]
pub struct Generations(HashMap<String, HashMap<String, Vec<(i64, i64)>>>);

impl Generations {
    fn add(&mut self, family: String, scope: String, year: i64, n: i64) {
        self.0.entry(family).or_default().entry(scope).or_default().push((year, n));
    }

    /// The generation of an answer. Same rule as [`TeamControl::standing`].
    pub fn of(&self, answer: GenerationOf<'_>) -> i64 {
        let mut newest = 0;
        for family in [answer.rows, answer.covered, answer.key, EVERY] {
            let Some(scopes) = self.0.get(family) else { continue };
            for (year, n) in [answer.scope, EVERY].iter().filter_map(|scope| scopes.get(*scope)).flatten() {
                let earlier = answer.cumulative && family == answer.rows && *year < answer.year;
                if *year == answer.year || *year == EVERY_YEAR || earlier {
                    newest = newest.max(*n);
                }
            }
        }
        newest
    }
}

#[derive(sqlx::FromRow)]
struct HeadRow {
    cache_key: String,
    community_id: String,
    year: i64,
    stat: String,
    date_basis: String,
    generation: i64,
    settings: String,
    coverage: String,
    size: i64,
    digest: String,
    layout: String,
    created_at: i64,
    expires_at: i64,
}

const HEAD: &str = "cache_key, community_id, year, stat, date_basis, generation, settings, coverage, size, digest,
    layout, created_at, expires_at";

impl HeadRow {
    fn head(self) -> Result<ResponseHead, ControlError> {
        Ok(ResponseHead {
            key: self.cache_key,
            community_id: self.community_id,
            year: self.year,
            stat: self.stat,
            date_basis: self.date_basis,
            generation: self.generation,
            settings: self.settings,
            coverage: self.coverage,
            size: self.size,
            digest: self.digest,
            layout: self.layout,
            created_at: from_micros(self.created_at)?,
            expires_at: from_micros(self.expires_at)?,
        })
    }
}

impl TeamControl {
    /// The generation of an answer (0 before anything changed) and what is covered.
    pub async fn standing(&self, of: GenerationOf<'_>) -> Result<Standing, ControlError> {
        type Row = (i64, Option<String>, Option<String>, Option<String>, Option<i64>, Option<String>);
        let row: Row = sqlx::query_as(
            "select g.n, c.first_day, c.last_day, c.provisional_from, c.dirty_seq, c.run_id
             from (select coalesce(max(n), 0) as n from repository_generation
                   where team_id = $1 and family in ($2, $3, $4, '*') and scope in ($5, '*')
                     and (year = $6 or year = 0 or ($7 = 1 and family = $2 and year < $6))) g
             left join coverage c on c.team_id = $1 and c.family = $3 and c.scope = $5",
        )
        .bind(self.team.id)
        .bind(of.rows)
        .bind(of.covered)
        .bind(of.key)
        .bind(of.scope)
        .bind(of.year)
        .bind(i64::from(of.cumulative))
        .fetch_one(&self.control.pool)
        .await?;
        let (generation, first, last, provisional, dirty_seq, run_id) = row;
        let coverage = match (first, last, provisional) {
            (Some(first), Some(last), Some(provisional)) => Some(Coverage {
                scope: of.scope.to_owned(),
                first_day: day_from_text(&first)?,
                last_day: day_from_text(&last)?,
                provisional_from: day_from_text(&provisional)?,
                dirty_seq: dirty_seq.unwrap_or(0),
                run_id: run_id.unwrap_or_default(),
            }),
            _ => None,
        };
        Ok(Standing { generation, coverage })
    }

    /// Every generation, for lists.
    pub async fn generations(&self) -> Result<Generations, ControlError> {
        let rows: Vec<(String, String, i64, i64)> =
            sqlx::query_as("select family, scope, year, n from repository_generation where team_id = $1")
                .bind(self.team.id)
                .fetch_all(&self.control.pool)
                .await?;
        let mut all = Generations::default();
        rows.into_iter().for_each(|(family, scope, year, n)| all.add(family, scope, year, n));
        Ok(all)
    }

    /// Makes every answer of a family and scope old ([`EVERY`]: of all).
    pub async fn make_old(&self, family: &str, scope: &str) -> Result<(), ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        self.bump(&mut transaction, &[(family.to_owned(), scope.to_owned(), EVERY_YEAR)]).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// Gives (family, scope, year) a new generation inside the caller's transaction.
    pub(crate) async fn bump(
        &self,
        connection: &mut sqlx::AnyConnection,
        changed: &[(String, String, i64)],
    ) -> Result<(), ControlError> {
        if changed.is_empty() {
            return Ok(());
        }
        let n = Control::take_positions(connection, "repository_generation", 1).await?;
        for (family, scope, year) in changed {
            sqlx::query(
                "insert into repository_generation (team_id, family, scope, year, n) values ($1, $2, $3, $4, $5)
                 on conflict (team_id, family, scope, year) do update set n = excluded.n",
            )
            .bind(self.team.id)
            .bind(family)
            .bind(scope)
            .bind(year)
            .bind(n)
            .execute(&mut *connection)
            .await?;
        }
        Ok(())
    }

    /// A kept answer, whether or not it is still true.
    pub async fn response(&self, key: &str) -> Result<Option<StoredResponse>, ControlError> {
        let Some(head) = self.response_head(key).await? else { return Ok(None) };
        // The body of the very same answer: a newer one may have come in between.
        let body: Option<(Vec<u8>,)> = sqlx::query_as(
            "select body from repository_response where team_id = $1 and cache_key = $2 and digest = $3 and generation = $4",
        )
        .bind(self.team.id)
        .bind(key)
        .bind(&head.digest)
        .bind(head.generation)
        .fetch_optional(&self.control.pool)
        .await?;
        Ok(body.map(|(body,)| StoredResponse { head, body, part: None }))
    }

    /// The part of a kept answer for a layout, as its `body`; `None` while the part of another layout, or none, is kept.
    pub async fn response_part(&self, key: &str, layout: &str) -> Result<Option<StoredResponse>, ControlError> {
        let head = self.response_head(key).await?;
        let Some(head) = head.filter(|head| !layout.is_empty() && head.layout == layout) else { return Ok(None) };
        let part: Option<(Vec<u8>,)> = sqlx::query_as(
            "select part from repository_response where team_id = $1 and cache_key = $2 and digest = $3 and generation = $4
             and layout = $5 and part is not null",
        )
        .bind(self.team.id)
        .bind(key)
        .bind(&head.digest)
        .bind(head.generation)
        .bind(layout)
        .fetch_optional(&self.control.pool)
        .await?;
        Ok(part.map(|(body,)| StoredResponse { head, body, part: None }))
    }

    async fn response_head(&self, key: &str) -> Result<Option<ResponseHead>, ControlError> {
        let head: Option<HeadRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "select {HEAD} from repository_response where team_id = $1 and cache_key = $2"
        )))
        .bind(self.team.id)
        .bind(key)
        .fetch_optional(&self.control.pool)
        .await?;
        head.map(HeadRow::head).transpose()
    }

    /// Keeps the part for another layout beside an answer, unless a newer answer has come.
    pub async fn keep_part(&self, head: &ResponseHead, layout: &str, part: &[u8]) -> Result<(), ControlError> {
        sqlx::query(
            "update repository_response set layout = $1, part = $2
             where team_id = $3 and cache_key = $4 and digest = $5 and generation = $6",
        )
        .bind(layout)
        .bind(part)
        .bind(self.team.id)
        .bind(&head.key)
        .bind(&head.digest)
        .bind(head.generation)
        .execute(&self.control.pool)
        .await?;
        Ok(())
    }

    /// Every kept answer without its body, by community, year and query.
    pub async fn responses(&self) -> Result<Vec<ResponseHead>, ControlError> {
        let rows: Vec<HeadRow> = sqlx::query_as(sqlx::AssertSqlSafe(format!(
            "select {HEAD} from repository_response where team_id = $1 order by community_id, year, stat, date_basis"
        )))
        .bind(self.team.id)
        .fetch_all(&self.control.pool)
        .await?;
        rows.into_iter().map(HeadRow::head).collect()
    }

    /// Keeps answers, and the values that stand in them without a label, in one transaction. What was kept under the same key is replaced.
    pub async fn keep_responses(
        &self,
        responses: &[StoredResponse],
        unlabelled: &BTreeSet<(String, String)>,
    ) -> Result<(), ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        for response in responses {
            let head = &response.head;
            sqlx::query(
                "insert into repository_response (team_id, cache_key, community_id, year, stat, date_basis, generation, settings, coverage,
                     size, digest, body, created_at, expires_at, layout, part)
                 values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)
                 on conflict (team_id, cache_key) do update set generation = excluded.generation, settings = excluded.settings,
                     coverage = excluded.coverage, size = excluded.size, digest = excluded.digest, body = excluded.body,
                     created_at = excluded.created_at, expires_at = excluded.expires_at, layout = excluded.layout, part = excluded.part",
            )
            .bind(self.team.id)
            .bind(&head.key)
            .bind(&head.community_id)
            .bind(head.year)
            .bind(&head.stat)
            .bind(&head.date_basis)
            .bind(head.generation)
            .bind(&head.settings)
            .bind(&head.coverage)
            .bind(head.size)
            .bind(&head.digest)
            .bind(&response.body[..])
            .bind(micros(head.created_at))
            .bind(micros(head.expires_at))
            .bind(&head.layout)
            .bind(response.part.as_deref())
            .execute(&mut *transaction)
            .await?;
        }
        for (dimension, value) in unlabelled {
            sqlx::query(
                "insert into repository_unlabelled (team_id, dimension, value) values ($1, $2, $3)
                 on conflict (team_id, dimension, value) do nothing",
            )
            .bind(self.team.id)
            .bind(dimension)
            .bind(value)
            .execute(&mut *transaction)
            .await?;
        }
        transaction.commit().await?;
        Ok(())
    }

    /// Values that stand without a label in kept answers, as (dimension, value).
    pub async fn unlabelled(&self) -> Result<BTreeSet<(String, String)>, ControlError> {
        let rows: Vec<(String, String)> =
            sqlx::query_as("select dimension, value from repository_unlabelled where team_id = $1")
                .bind(self.team.id)
                .fetch_all(&self.control.pool)
                .await?;
        Ok(rows.into_iter().collect())
    }

    /// Forgets kept answers by key. Answers how many there were.
    pub async fn forget_responses(&self, keys: &[String]) -> Result<u64, ControlError> {
        let mut transaction = self.control.pool.begin().await?;
        let mut gone = 0;
        for key in keys {
            let done = sqlx::query("delete from repository_response where team_id = $1 and cache_key = $2")
                .bind(self.team.id)
                .bind(key)
                .execute(&mut *transaction)
                .await?;
            gone += done.rows_affected();
        }
        transaction.commit().await?;
        Ok(gone)
    }

    /// Forgets every kept answer. Answers how many there were.
    pub async fn forget_every_response(&self) -> Result<u64, ControlError> {
        let done = sqlx::query("delete from repository_response where team_id = $1")
            .bind(self.team.id)
            .execute(&self.control.pool)
            .await?;
        sqlx::query("delete from repository_unlabelled where team_id = $1")
            .bind(self.team.id)
            .execute(&self.control.pool)
            .await?;
        Ok(done.rows_affected())
    }

    /// Forgets what has expired. Answers how many there were.
    pub async fn forget_expired_responses(&self) -> Result<u64, ControlError> {
        let done = sqlx::query("delete from repository_response where team_id = $1 and expires_at <= $2")
            .bind(self.team.id)
            .bind(micros(self.clock().now()))
            .execute(&self.control.pool)
            .await?;
        Ok(done.rows_affected())
    }
}

/// The years whose answers look different once coverage is `new`; [`EVERY_YEAR`] where nothing was covered before.
pub(crate) fn changed_years(old: Option<&Coverage>, new: &Coverage) -> BTreeSet<i64> {
    let Some(old) = old else { return [EVERY_YEAR].into() };
    let mut years = BTreeSet::new();
    let ends =
        [(old.first_day, new.first_day), (old.last_day, new.last_day), (old.provisional_from, new.provisional_from)];
    for (a, b) in ends.into_iter().filter(|(a, b)| a != b) {
        years.extend((a.min(b).year()..=a.max(b).year()).map(i64::from));
    }
    years
}

#[cfg(test)]
mod tests {
    use jiff::civil::{Date, date};

    use super::*;

    fn covered(first: Date, last: Date, provisional_from: Date) -> Coverage {
        let run_id = String::new();
        Coverage {
            scope: "global".to_owned(),
            first_day: first,
            last_day: last,
            provisional_from,
            dirty_seq: 0,
            run_id,
        }
    }

    #[test]
    fn a_further_day_makes_its_year_old_and_no_other() {
        let old = covered(date(2020, 3, 1), date(2026, 3, 1), date(2026, 3, 1));
        let new = covered(date(2020, 3, 1), date(2026, 3, 2), date(2026, 3, 2));
        assert_eq!(changed_years(Some(&old), &new), [2026].into());
        assert_eq!(changed_years(Some(&old), &old), BTreeSet::new());
        assert_eq!(changed_years(None, &old), [EVERY_YEAR].into());
        // The last day of a year becomes final on the first day of the next.
        let eve = covered(date(2020, 3, 1), date(2025, 12, 31), date(2025, 12, 31));
        let day = covered(date(2020, 3, 1), date(2026, 1, 1), date(2026, 1, 1));
        assert_eq!(changed_years(Some(&eve), &day), [2025, 2026].into());
    }

    #[test]
    fn earlier_years_count_for_running_totals_only() {
        let mut rows = Generations::default();
        for (family, year, n) in [("delta", 2023, 7), ("delta", 2025, 9), ("snapshot", 2023, 8)] {
            rows.add(family.to_owned(), "c".to_owned(), year, n);
        }
        let answer = |scope, covered, year, cumulative| GenerationOf {
            rows: "delta",
            covered,
            scope,
            key: "k",
            year,
            cumulative,
        };
        let of = |covered, year, cumulative| rows.of(answer("c", covered, year, cumulative));
        assert_eq!(of("delta", 2024, false), 0);
        assert_eq!(of("snapshot", 2024, true), 7);
        assert_eq!(of("snapshot", 2023, true), 8);
        assert_eq!(of("snapshot", 2026, true), 9);
        assert_eq!(rows.of(answer("d", "delta", 2023, false)), 0);
    }
}
