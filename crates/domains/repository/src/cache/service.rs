//! The service of seed 004: create, read, update, delete, list, info.

use std::collections::{BTreeMap, HashMap};

use bytes::Bytes;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Value, json};
use tallykeep_control::{Generations, ResponseHead};

use super::{
    Category, Identity,
    body::{Body, digest, generation_of, unpack},
};
use crate::{RepositoryError, TeamRepository, state::Basis};

/// The kept answers of a team.
#[derive(Clone)]
pub struct CachedResponses {
    pub(super) repository: TeamRepository,
}

/// One kept answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CachedResponse {
    pub identity: Identity,
    pub cache_key: String,
    /// The JSON text.
    pub data: Bytes,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
}

impl CachedResponse {
    pub fn is_global(&self) -> bool {
        self.identity.community_id == "global"
    }

    pub fn is_expired(&self, now: Timestamp) -> bool {
        self.expires_at <= now
    }

    /// `community` or `global`.
    pub fn cache_type(&self) -> &'static str {
        if self.is_global() { "global" } else { "community" }
    }

    /// The object of seed 004. Errors: data that is no JSON.
    pub fn to_json(&self) -> Result<Value, RepositoryError> {
        Ok(json!({
            "community_id": self.identity.community_id,
            "year": self.identity.year,
            "category": self.identity.category.stat(),
            "cache_type": self.cache_type(),
            "cache_key": self.cache_key,
            "data": serde_json::from_slice::<Value>(&self.data)?,
            "created_at": self.created_at.to_string(),
            "expires_at": self.expires_at.to_string(),
        }))
    }
}

/// A kept answer in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct ListedResponse {
    pub cache_key: String,
    pub community_id: String,
    pub community_slug: String,
    pub year: i64,
    pub category: String,
    pub date_basis: String,
    /// Hash of the page layout whose part is kept beside the whole answer; empty where none is.
    pub layout_hash: String,
    pub size_bytes: i64,
    pub age_seconds: i64,
    pub created_at: String,
    pub expires_at: String,
    /// Whether it would be served.
    pub current: bool,
}

/// What keeps the answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct CacheInfo {
    pub cache_type: &'static str,
    pub version: &'static str,
    /// Answers and bytes in the memory of this process.
    pub memory_entries: u64,
    pub memory_bytes: u64,
    /// Processes that make answers now.
    pub connected_clients: usize,
    pub default_ttl_days: i64,
    pub timestamp: String,
}

/// How much is kept.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SizeInfo {
    pub key_count: usize,
    /// Of these, how many would be served.
    pub current_count: usize,
    /// Answers by the layout hash of the part kept beside them.
    pub layouts: BTreeMap<String, usize>,
    /// Of the JSON texts.
    pub total_memory_bytes: i64,
    pub total_memory_human: String,
    pub cache_prefix: String,
    pub timestamp: String,
}

impl TeamRepository {
    /// The service of kept answers.
    pub fn cached_responses(&self) -> CachedResponses {
        CachedResponses { repository: self.clone() }
    }
}

impl CachedResponses {
    pub(super) fn identity(&self, community_id: &str, year: i16, category: Category) -> Identity {
        Identity::new(community_id, year, category, Basis::Added)
    }

    fn key(&self, identity: &Identity) -> String {
        identity.key(&self.repository.settings.cache_prefix)
    }

    /// A community's id from an id, a slug or `global`. Errors: `UnknownCommunity`.
    pub async fn community_id(&self, name: &str) -> Result<String, RepositoryError> {
        Ok(self.repository.community(name).await?.map_or_else(|| "global".to_owned(), |c| c.id))
    }

    /// The kept answer, while it is true.
    pub async fn read(&self, identity: &Identity) -> Result<Option<CachedResponse>, RepositoryError> {
        let standing = self.repository.standing(identity).await?;
        let cache_key = self.key(identity);
        let Some(stored) = self.repository.control.response(&cache_key).await? else { return Ok(None) };
        if !self.repository.is_current(&stored.head, standing.generation) {
            return Ok(None);
        }
        let (json, _) = unpack(&stored, standing.coverage.as_ref(), self.repository.control.clock().now())?;
        let (created_at, expires_at) = (stored.head.created_at, stored.head.expires_at);
        Ok(Some(CachedResponse { identity: identity.clone(), cache_key, data: json.into(), created_at, expires_at }))
    }

    /// Every kept answer of a community and year.
    pub async fn read_all(&self, community_id: &str, year: i16) -> Result<Vec<CachedResponse>, RepositoryError> {
        let mut found = Vec::new();
        for category in Category::all() {
            found.extend(self.read(&self.identity(community_id, year, category)).await?);
        }
        Ok(found)
    }

    /// Puts data in the place of what is kept.
    pub async fn update(&self, identity: &Identity, data: Vec<u8>) -> Result<(), RepositoryError> {
        let key = self.key(identity);
        // What others hold in memory is old from here on.
        self.repository.control.make_old(&key, &identity.community_id).await?;
        let generation = self.repository.standing(identity).await?.generation;
        let body = Body { digest: digest(&data), json: data, coverage: String::new() };
        let page = self.repository.page_components(&identity.community_id).await?;
        let stored = self.repository.stored(identity, generation, &body, page.as_ref())?;
        Ok(self.repository.control.keep_responses(&[stored], &Default::default()).await?)
    }

    /// Forgets an answer, or all of a community and year. Answers how many there were.
    pub async fn delete(
        &self,
        community_id: &str,
        year: i16,
        category: Option<Category>,
    ) -> Result<u64, RepositoryError> {
        let categories: Vec<Category> = category.map_or_else(|| Category::all().collect(), |one| vec![one]);
        let heads = self.repository.control.responses().await?;
        let own = heads.into_iter().filter(|head| {
            head.community_id == community_id
                && head.year == i64::from(year)
                && categories.iter().any(|c| c.stat() == head.stat)
        });
        self.forget(own.collect()).await
    }

    /// Whether an answer is kept and true.
    pub async fn exists(&self, identity: &Identity) -> Result<bool, RepositoryError> {
        let generation = self.repository.standing(identity).await?.generation;
        let stored = self.repository.control.response(&self.key(identity)).await?;
        Ok(stored.is_some_and(|stored| self.repository.is_current(&stored.head, generation)))
    }

    /// What is kept, by community, year and category; of one community where one is named (id, slug or `global`).
    ///
    /// Errors: `UnknownCommunity`.
    pub async fn list(&self, community: Option<&str>) -> Result<Vec<ListedResponse>, RepositoryError> {
        let only = match community {
            Some(name) => Some(self.community_id(name).await?),
            None => None,
        };
        let slugs: BTreeMap<String, String> =
            self.repository.communities().await?.into_iter().map(|c| (c.id, c.slug)).collect();
        let generations = self.repository.control.generations().await?;
        let now = self.repository.control.clock().now();
        let heads = self.repository.control.responses().await?;
        Ok(heads
            .into_iter()
            .filter(|head| only.as_ref().is_none_or(|id| head.community_id == *id))
            .map(|head| ListedResponse {
                current: self.is_true(&head, &generations),
                community_slug: slugs.get(&head.community_id).unwrap_or(&head.community_id).clone(),
                age_seconds: now.duration_since(head.created_at).as_secs(),
                created_at: head.created_at.to_string(),
                expires_at: head.expires_at.to_string(),
                cache_key: head.key,
                community_id: head.community_id,
                year: head.year,
                category: head.stat,
                date_basis: head.date_basis,
                layout_hash: head.layout,
                size_bytes: head.size,
            })
            .collect())
    }

    /// Forgets every answer whose key or identity a pattern matches (`*` any text, `?` any character). Answers how many there were.
    ///
    /// The identity is `<community id>/<year>/<category>/<date basis>`; the slug may stand for the id, and each part by itself is tried too.
    pub async fn invalidate(&self, pattern: &str) -> Result<u64, RepositoryError> {
        let slugs: BTreeMap<String, String> =
            self.repository.communities().await?.into_iter().map(|c| (c.id, c.slug)).collect();
        let heads = self.repository.control.responses().await?;
        let own = heads.into_iter().filter(|head| {
            let slug = slugs.get(&head.community_id).unwrap_or(&head.community_id);
            matches_head(pattern, head, slug)
        });
        self.forget(own.collect()).await
    }

    /// Whether a listed answer is what a pattern means.
    pub fn matches(pattern: &str, one: &ListedResponse) -> bool {
        let year = one.year.to_string();
        let parts = [one.community_id.as_str(), &one.community_slug, &year, &one.category, &one.date_basis];
        matches_any(pattern, &one.cache_key, &parts)
    }

    /// Forgets everything. Answers how many there were.
    pub async fn clear(&self) -> Result<u64, RepositoryError> {
        self.repository.memory.invalidate_all();
        self.repository.control.make_old(tallykeep_control::EVERY, tallykeep_control::EVERY).await?;
        Ok(self.repository.control.forget_every_response().await?)
    }

    /// What keeps the answers.
    pub async fn info(&self) -> Result<CacheInfo, RepositoryError> {
        let memory = &self.repository.memory;
        memory.run_pending_tasks().await;
        let control = &self.repository.control;
        let lease = crate::registry::cache_lease_name(&control.team().slug);
        Ok(CacheInfo {
            cache_type: "control database and memory",
            version: env!("CARGO_PKG_VERSION"),
            memory_entries: memory.entry_count(),
            memory_bytes: memory.weighted_size(),
            connected_clients: usize::from(control.control().lease_holder(&lease).await?.is_some()),
            default_ttl_days: self.repository.settings.cache_days,
            timestamp: control.clock().now().to_string(),
        })
    }

    /// How much is kept.
    pub async fn size_info(&self) -> Result<SizeInfo, RepositoryError> {
        let generations = self.repository.control.generations().await?;
        let heads = self.repository.control.responses().await?;
        let total = heads.iter().map(|head| head.size).sum();
        let mut layouts = BTreeMap::new();
        for head in heads.iter().filter(|head| !head.layout.is_empty()) {
            *layouts.entry(head.layout.clone()).or_default() += 1;
        }
        Ok(SizeInfo {
            layouts,
            key_count: heads.len(),
            current_count: heads.iter().filter(|head| self.is_true(head, &generations)).count(),
            total_memory_bytes: total,
            total_memory_human: human(total),
            cache_prefix: self.repository.settings.cache_prefix.clone(),
            timestamp: self.repository.control.clock().now().to_string(),
        })
    }

    /// What is kept and true, with the layout hash of the part kept beside it.
    pub(super) async fn current_layouts(&self) -> Result<HashMap<Identity, String>, RepositoryError> {
        let generations = self.repository.control.generations().await?;
        let heads = self.repository.control.responses().await?;
        let own = heads.iter().filter(|head| self.is_true(head, &generations));
        Ok(own.filter_map(|head| Some((identity_of(head)?, head.layout.clone()))).collect())
    }

    fn is_true(&self, head: &ResponseHead, generations: &Generations) -> bool {
        let Some(identity) = identity_of(head) else { return false };
        let generation = generations.of(generation_of(&identity, &head.key));
        self.repository.is_current(head, generation)
    }

    async fn forget(&self, heads: Vec<ResponseHead>) -> Result<u64, RepositoryError> {
        for head in &heads {
            self.repository.control.make_old(&head.key, &head.community_id).await?;
        }
        let keys: Vec<String> = heads.into_iter().map(|head| head.key).collect();
        Ok(self.repository.control.forget_responses(&keys).await?)
    }
}

fn identity_of(head: &ResponseHead) -> Option<Identity> {
    let basis = Basis::ALL.into_iter().find(|basis| basis.as_str() == head.date_basis)?;
    Some(Identity::new(&head.community_id, i16::try_from(head.year).ok()?, Category::find(&head.stat)?, basis))
}

fn matches_head(pattern: &str, head: &ResponseHead, slug: &str) -> bool {
    let year = head.year.to_string();
    matches_any(pattern, &head.key, &[&head.community_id, slug, &year, &head.stat, &head.date_basis])
}

/// `parts`: id, slug, year, category, basis.
fn matches_any(pattern: &str, key: &str, parts: &[&str; 5]) -> bool {
    let [id, slug, year, category, basis] = parts;
    let whole = |community: &str| format!("{community}/{year}/{category}/{basis}");
    // The names of seed 004 are known to people who never saw a query's name.
    let alias = Category::find(pattern).is_some_and(|c| c.stat() == *category);
    alias
        || glob(pattern, key)
        || glob(pattern, &whole(id))
        || glob(pattern, &whole(slug))
        || parts.iter().any(|part| glob(pattern, part))
}

/// Whether a text is what a pattern with `*` and `?` says.
fn glob(pattern: &str, text: &str) -> bool {
    let (pattern, text): (Vec<char>, Vec<char>) = (pattern.chars().collect(), text.chars().collect());
    // The places in the text up to which the pattern so far may reach.
    let mut reach: Vec<bool> = vec![false; text.len() + 1];
    reach[0] = true;
    for part in pattern {
        let mut next = vec![false; text.len() + 1];
        for at in 0..=text.len() {
            next[at] = match part {
                '*' => reach[at] || (at > 0 && next[at - 1]),
                '?' => at > 0 && reach[at - 1],
                exact => at > 0 && reach[at - 1] && text[at - 1] == exact,
            };
        }
        reach = next;
    }
    reach[text.len()]
}

/// `1.5 MB`, base 1000.
fn human(bytes: i64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
    let mut number = bytes as f64;
    for unit in ["B", "kB", "MB", "GB"] {
        if number < 1000.0 {
            return if unit == "B" { format!("{bytes} B") } else { format!("{number:.1} {unit}") };
        }
        number /= 1000.0;
    }
    format!("{number:.1} TB")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_mean_identities() {
        let parts = ["1111-22", "one", "2024", "usage-delta-category", "added"];
        let is = |pattern: &str| matches_any(pattern, "stats_dashboard:ab12", &parts);
        for pattern in [
            "one",
            "2024",
            "usage-delta-category",
            "usage_delta",
            "usage*",
            "one/2024/*",
            "*",
            "stats_dashboard:ab??",
            "*/2024/*/added",
        ] {
            assert!(is(pattern), "{pattern}");
        }
        for pattern in ["on", "202", "usage", "two/*", "", "record*", "*/2023/*"] {
            assert!(!is(pattern), "{pattern}");
        }
    }

    #[test]
    fn bytes_for_people() {
        assert_eq!(
            (human(999).as_str(), human(1_500).as_str(), human(2_500_000).as_str()),
            ("999 B", "1.5 kB", "2.5 MB")
        );
    }
}
