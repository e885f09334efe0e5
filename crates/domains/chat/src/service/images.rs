//! Images in memory: read when first asked for, kept up with new writes, dropped when idle or when memory is short.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicI64, Ordering},
    },
};

use tallykeep_control::TeamControl;
use tokio::sync::RwLock;

use super::{Chat, ChatError, ImageGuard};
use crate::{image::ChatImage, store::load_changes};

/// Images of idle teams go when all together hold more than this.
const MOST_BYTES: usize = 768 * 1024 * 1024;
/// An image nobody asked for this long is dropped.
const IDLE_SECONDS: i64 = 30 * 60;

pub(super) struct TeamImage {
    state: Arc<RwLock<State>>,
    last_used: AtomicI64,
    bytes: AtomicI64,
}

pub(super) struct State {
    pub image: ChatImage,
    pub generation: i64,
}

impl Chat {
    /// The team's image with every published write in it.
    pub async fn image(&self, team: &TeamControl) -> Result<ImageGuard, ChatError> {
        let published = team.chat_state().await?.published;
        let entry = self.entry(team.team().id);
        let now = jiff::Timestamp::now().as_second();
        entry.last_used.store(now, Ordering::Relaxed);
        loop {
            let read = entry.state.clone().read_owned().await;
            if read.generation >= published {
                return Ok(ImageGuard { state: read });
            }
            drop(read);
            let mut state = entry.state.clone().write_owned().await;
            if state.generation < published {
                let after = state.generation;
                let lake = self.lake.team(&team.team().slug);
                let started = std::time::Instant::now();
                let loaded = load_changes(&lake, &mut state.image, after, published).await;
                if loaded.is_err() {
                    // Half of a change may be in: start over next time.
                    *state = State::empty();
                }
                loaded?;
                state.generation = published;
                let took = started.elapsed();
                if took > self.lake.slow_query() {
                    let (team, rows) = (&team.team().slug, state.image.messages.len());
                    tracing::warn!(%team, ?took, rows, "slow query: read chats of {team} into memory");
                }
                entry.bytes.store(i64::try_from(state.image.bytes()).unwrap_or(i64::MAX), Ordering::Relaxed);
                tracing::info!(
                    team = %team.team().slug, after, published, took = ?started.elapsed(),
                    messages = state.image.messages.len(), "read chats of {} up to write {published}", team.team().slug
                );
                drop(state);
                self.drop_idle(team.team().id, now);
            }
        }
    }

    fn entry(&self, team: i64) -> Arc<TeamImage> {
        let mut images = self.images.lock().unwrap_or_else(PoisonError::into_inner);
        images
            .entry(team)
            .or_insert_with(|| {
                Arc::new(TeamImage {
                    state: Arc::new(RwLock::new(State::empty())),
                    last_used: AtomicI64::new(0),
                    bytes: AtomicI64::new(0),
                })
            })
            .clone()
    }

    /// Drops what nobody asked for lately, and the longest idle ones while all together are too large; never `keep`.
    fn drop_idle(&self, keep: i64, now: i64) {
        let mut images = lock(&self.images);
        images.retain(|team, image| *team == keep || now - image.last_used.load(Ordering::Relaxed) < IDLE_SECONDS);
        let total = |images: &HashMap<i64, Arc<TeamImage>>| -> i64 {
            images.values().map(|image| image.bytes.load(Ordering::Relaxed)).sum()
        };
        while total(&images) > i64::try_from(MOST_BYTES).unwrap_or(i64::MAX) {
            let idlest = images
                .iter()
                .filter(|(team, _)| **team != keep)
                .min_by_key(|(_, image)| image.last_used.load(Ordering::Relaxed))
                .map(|(team, _)| *team);
            match idlest {
                Some(team) => images.remove(&team),
                None => break,
            };
        }
    }
}

impl State {
    fn empty() -> Self {
        Self { image: ChatImage::default(), generation: 0 }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
