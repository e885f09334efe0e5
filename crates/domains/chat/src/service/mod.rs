//! Chat as a service: images kept per team, answers kept for half an hour.

mod answers;
mod images;
mod live;
mod snapshots;
mod upkeep;

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, atomic::AtomicU64},
};

use serde_json::Value;
use tallykeep_control::{Control, TeamControl};
use tallykeep_lake::Lake;

pub use answers::{Answer, CleanupReport};
pub use live::LiveView;
pub use snapshots::{CleanupSnapshots, DailyReport, HistoricalReport};
pub use upkeep::CompactionReport;

use crate::{charts::Links, filter::FieldErrors, image::ChatImage, store::StoreError};

/// Why there is no answer.
#[derive(Debug, thiserror::Error)]
pub enum ChatError {
    /// The question is wrong.
    #[error(transparent)]
    Fields(#[from] FieldErrors),
    #[error(transparent)]
    Control(#[from] tallykeep_control::ControlError),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("an answer could not be computed: {0}")]
    Compute(#[from] tokio::task::JoinError),
}

/// How answers are made.
#[derive(Debug, Clone)]
pub struct ChatConfig {
    pub links: Links,
    /// Whether answers are kept at all.
    pub cache: bool,
}

impl Default for ChatConfig {
    fn default() -> Self {
        Self { links: Links::default(), cache: true }
    }
}

/// The chats of an installation.
pub struct Chat {
    control: Control,
    lake: Lake,
    config: ChatConfig,
    images: Mutex<HashMap<i64, Arc<images::TeamImage>>>,
    /// Simultaneous misses of one key wait for the first.
    flights: Mutex<HashMap<String, Arc<tokio::sync::Mutex<()>>>>,
    hits: AtomicU64,
    misses: AtomicU64,
}

/// An image that is read; it does not change meanwhile.
pub struct ImageGuard {
    state: tokio::sync::OwnedRwLockReadGuard<images::State>,
}

impl ImageGuard {
    pub fn image(&self) -> &ChatImage {
        &self.state.image
    }

    /// The number of the last write that is in.
    pub fn generation(&self) -> i64 {
        self.state.generation
    }
}

impl Chat {
    pub fn new(control: Control, lake: Lake, config: ChatConfig) -> Self {
        Self {
            control,
            lake,
            config,
            images: Mutex::default(),
            flights: Mutex::default(),
            hits: AtomicU64::new(0),
            misses: AtomicU64::new(0),
        }
    }

    pub fn control(&self) -> &Control {
        &self.control
    }

    pub fn lake(&self) -> &Lake {
        &self.lake
    }

    pub fn links(&self) -> &Links {
        &self.config.links
    }

    /// Whether the team tracks cost (off until it says so).
    pub async fn cost_tracking(&self, team: &TeamControl) -> Result<bool, ChatError> {
        Ok(team.setting("cost_tracking").await?.and_then(|value| value.as_bool()).unwrap_or(false))
    }

    pub async fn set_cost_tracking(&self, team: &TeamControl, on: bool) -> Result<(), ChatError> {
        Ok(team.set_setting("cost_tracking", Value::Bool(on)).await?)
    }

    /// The zone a question without `tz` is answered in: the person's, else the team's, else UTC.
    pub async fn zone(&self, team: &TeamControl, owner: &str) -> Result<jiff::tz::TimeZone, ChatError> {
        let settings = team.settings().await?;
        let named = |key: &str| settings.get(key).and_then(Value::as_str).and_then(crate::filter::zone_named);
        let zone = named(&format!("chat_zone:{owner}")).or_else(|| named("time_zone"));
        Ok(zone.unwrap_or(jiff::tz::TimeZone::UTC))
    }

    /// Saves the zone of a person, or with an empty name forgets it. Errors: `tz`.
    pub async fn set_zone(&self, team: &TeamControl, owner: &str, name: &str) -> Result<(), ChatError> {
        let value = match name {
            "" => Value::Null,
            name if crate::filter::zone_named(name).is_some() => Value::String(name.to_owned()),
            name => return Err(FieldErrors::one("tz", format!("`{name}` is not a time zone")).into()),
        };
        Ok(team.set_setting(&format!("chat_zone:{owner}"), value).await?)
    }
}
