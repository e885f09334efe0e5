//! Serving kept answers: from memory, else from control, else made once however many ask at the same time.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use bytes::Bytes;
use jiff::Timestamp;
use tallykeep_control::{Standing, StoredResponse};

use super::{
    Identity,
    body::{layout_hash, pack, unpack},
};
use crate::{
    RepositoryError, TeamRepository,
    read::{Components, Params, Query, Shape, coverage_block},
};

/// Bytes of answers kept in memory, over all teams.
const ROOM: u64 = 64 * 1024 * 1024;

/// Answers in memory. What became old is never asked for again and makes room by itself.
pub(crate) type Memory = moka::future::Cache<HotKey, Arc<Ready>>;

/// An answer as it must be now.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(crate) struct HotKey {
    team: i64,
    key: String,
    layout: String,
    generation: i64,
    covered: String,
}

#[derive(Debug)]
pub(crate) struct Ready {
    body: Bytes,
    digest: String,
    expires_at: Timestamp,
    kept: bool,
}

/// An answer to send.
#[derive(Debug, Clone)]
pub struct Served {
    pub body: Bytes,
    /// Of the numbers, without the time the answer was made at.
    pub digest: String,
    /// Whether it was there already.
    pub hit: bool,
}

pub(crate) fn memory() -> Memory {
    moka::future::Cache::builder()
        .max_capacity(ROOM)
        .weigher(|_: &HotKey, ready: &Arc<Ready>| u32::try_from(ready.body.len() + 512).unwrap_or(u32::MAX))
        .build()
}

impl TeamRepository {
    /// The answer to a request that is aligned to one whole year, kept or made now; `None` for other requests.
    ///
    /// A body that was cut down for a page is never given to a request that asked for everything. Errors: as [`TeamRepository::query`].
    pub async fn kept_answer(&self, query: Query, params: &Params) -> Result<Option<Served>, RepositoryError> {
        if !matches!(query.shape, Shape::Category(..)) || self.settings.cache_days == 0 {
            return Ok(None);
        }
        let name = params.community_id.as_deref().unwrap_or("global");
        let community = self.community(name).await?;
        let scope = community.as_ref().map_or("global", |c| c.id.as_str());
        let Some(identity) = Identity::of_request(query, params, scope) else { return Ok(None) };
        let components = self.needed_components(params, community.as_ref()).await?;
        self.serve(&identity, components.as_ref()).await.map(Some)
    }

    pub(super) async fn serve(
        &self,
        identity: &Identity,
        components: Option<&Components>,
    ) -> Result<Served, RepositoryError> {
        let standing = self.standing(identity).await?;
        let now = self.control.clock().now();
        let hot = HotKey {
            team: self.control.team().id,
            key: identity.key(&self.settings.cache_prefix),
            layout: layout_hash(components),
            generation: standing.generation,
            // The instant does not matter, the days do.
            covered: standing.coverage.as_ref().map_or_else(String::new, |c| coverage_block(c, Timestamp::UNIX_EPOCH)),
        };
        if let Some(ready) = self.memory.get(&hot).await {
            if ready.expires_at > now {
                return Ok(Served { body: ready.body.clone(), digest: ready.digest.clone(), hit: true });
            }
            self.memory.invalidate(&hot).await;
        }
        let made = Arc::new(AtomicBool::new(false));
        let noted = made.clone();
        let making = async { self.ready(identity, components, standing, &noted).await.map(Arc::new) };
        let ready = self.memory.try_get_with_by_ref(&hot, making).await.map_err(shared)?;
        if !ready.kept {
            // Of what is not complete yet the next request gets a fresh look.
            self.memory.invalidate(&hot).await;
        }
        let hit = !made.load(Ordering::Relaxed) && ready.kept;
        Ok(Served { body: ready.body.clone(), digest: ready.digest.clone(), hit })
    }

    /// The kept answer if it is current, else a new one, which is kept if it is complete. What is kept has everything; who asked for a part of it
    /// gets that part: the one kept beside it if it is of the same layout, else one cut now, which takes the other's place.
    async fn ready(
        &self,
        identity: &Identity,
        components: Option<&Components>,
        standing: Standing,
        made: &AtomicBool,
    ) -> Result<Ready, RepositoryError> {
        let key = identity.key(&self.settings.cache_prefix);
        let now = self.control.clock().now();
        if components.is_some()
            && let Some(part) = self.control.response_part(&key, &layout_hash(components)).await?
            && self.is_current(&part.head, standing.generation)
        {
            let (json, _) = unpack(&part, standing.coverage.as_ref(), now)?;
            let digest = super::digest(&json);
            return Ok(Ready { body: json.into(), digest, expires_at: part.head.expires_at, kept: true });
        }
        if let Some(stored) = self.control.response(&key).await?
            && self.is_current(&stored.head, standing.generation)
        {
            let (json, digest) = unpack(&stored, standing.coverage.as_ref(), now)?;
            let own = ready(identity, components, (json, digest), (stored.head.expires_at, true))?;
            if components.is_some() {
                self.keep_part(&stored, components, identity).await;
            }
            return Ok(own);
        }
        made.store(true, Ordering::Relaxed);
        let _turn = self.making.acquire().await.map_err(|e| RepositoryError::Worker(e.to_string()))?;
        let mut kept = self.is_complete(identity, standing.coverage.is_some()).await?;
        let labels = self.labels_version().await?;
        let frame = self.cache_frame(identity).await?;
        let body = self.body(&frame, identity.category)?;
        let mut expires_at = Timestamp::MAX;
        if kept {
            let page = match components {
                Some(components) => Some(components.clone()),
                None => self.page_components(&identity.community_id).await?,
            };
            let stored = self.stored(identity, standing.generation, &body, page.as_ref())?;
            expires_at = stored.head.expires_at;
            kept = match self.keep_answers(vec![stored], &self.bare_values(&frame), &labels).await {
                Ok(kept) => kept,
                Err(error) => {
                    // The answer is as good without being kept.
                    tracing::warn!(%error, "an answer could not be kept");
                    false
                }
            };
        }
        ready(identity, components, (body.json, body.digest), (expires_at, kept))
    }
}

impl TeamRepository {
    /// Keeps the part for another layout beside an answer. An answer is as good without it: what goes wrong is said in the log.
    async fn keep_part(&self, stored: &StoredResponse, components: Option<&Components>, identity: &Identity) {
        let kept = async {
            // As it was kept, not as it is sent: the days covered since are put in on reading.
            let (whole, _) = unpack(stored, None, self.control.clock().now())?;
            let Some(part) = components.and_then(|c| c.cut(identity.category.kind(), &whole)) else { return Ok(()) };
            Ok::<_, RepositoryError>(
                self.control.keep_part(&stored.head, &layout_hash(components), &pack(&part)?).await?,
            )
        };
        if let Err(error) = kept.await {
            tracing::warn!(%error, "the part of an answer that a page shows could not be kept");
        }
    }
}

/// A whole body, or the part of it that was asked for, in memory.
fn ready(
    identity: &Identity,
    components: Option<&Components>,
    (json, digest): (Vec<u8>, String),
    (expires_at, kept): (Timestamp, bool),
) -> Result<Ready, RepositoryError> {
    let Some(components) = components else { return Ok(Ready { body: json.into(), digest, expires_at, kept }) };
    let cut = components.cut(identity.category.kind(), &json);
    let cut = cut.ok_or_else(|| RepositoryError::Damaged(format!("a kept answer ({})", identity.category.stat())))?;
    let digest = super::digest(&cut);
    Ok(Ready { body: cut.into(), digest, expires_at, kept })
}

/// An error that several callers wait for.
fn shared(error: Arc<RepositoryError>) -> RepositoryError {
    Arc::try_unwrap(error).unwrap_or_else(|error| RepositoryError::Worker(error.to_string()))
}
