//! What a migration is asked, and what it answers.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Value, json};

use crate::{
    Settings,
    documents::UsageKind,
    usage::{KINDS, Slice, memory_percent},
};

/// Most events in a batch.
const MAX_BATCH: usize = 10_000;

/// What to migrate.
#[derive(Debug, Clone)]
pub struct MigrateRequest {
    /// Empty means both.
    pub kinds: Vec<UsageKind>,
    /// Months and ranges `A:B`; empty means all.
    pub months: Vec<String>,
    /// Batches per kind and month; `None`: as configured.
    pub max_batches: Option<u64>,
    pub batch_size: Option<usize>,
    pub max_memory_percent: Option<f64>,
    /// Forget what was enriched in these months and do it again.
    pub fresh_start: bool,
    /// Delete replaced files of a month once it is complete.
    pub delete_old: bool,
    /// Where the share of memory that is taken comes from.
    pub memory: fn() -> Option<f64>,
}

impl Default for MigrateRequest {
    fn default() -> Self {
        Self {
            kinds: Vec::new(),
            months: Vec::new(),
            max_batches: None,
            batch_size: None,
            max_memory_percent: None,
            fresh_start: false,
            delete_old: false,
            memory: memory_percent,
        }
    }
}

impl MigrateRequest {
    /// As arguments of a job.
    pub fn to_json(&self) -> Value {
        json!({
            "event_types": self.kinds.iter().map(|k| k.as_str()).collect::<Vec<_>>(),
            "months": self.months, "max_batches": self.max_batches, "batch_size": self.batch_size,
            "max_memory_percent": self.max_memory_percent, "fresh_start": self.fresh_start,
            "delete_old_indices": self.delete_old,
        })
    }

    /// The inverse of [`Self::to_json`]; what is missing has its default.
    pub fn from_json(args: &Value) -> Self {
        let texts = |key: &str| -> Vec<String> {
            let list = args.get(key).and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
            list.iter().filter_map(Value::as_str).map(str::to_owned).collect()
        };
        let flag = |key: &str| args.get(key).and_then(Value::as_bool).unwrap_or(false);
        let kinds = texts("event_types");
        Self {
            kinds: KINDS.into_iter().filter(|kind| kinds.iter().any(|text| text == kind.as_str())).collect(),
            months: texts("months"),
            max_batches: args.get("max_batches").and_then(Value::as_u64),
            batch_size: args.get("batch_size").and_then(Value::as_u64).and_then(|n| usize::try_from(n).ok()),
            max_memory_percent: args.get("max_memory_percent").and_then(Value::as_f64),
            fresh_start: flag("fresh_start"),
            delete_old: flag("delete_old_indices"),
            ..Self::default()
        }
    }

    pub(in crate::usage) fn batch_size(&self, settings: &Settings) -> usize {
        let configured = usize::try_from(settings.migrate_batch).unwrap_or(MAX_BATCH);
        self.batch_size.unwrap_or(configured).clamp(1, MAX_BATCH)
    }

    pub(in crate::usage) fn kinds(&self) -> Vec<UsageKind> {
        if self.kinds.is_empty() { KINDS.to_vec() } else { self.kinds.clone() }
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct OperationalError {
    #[serde(rename = "type")]
    pub kind: String,
    pub message: String,
    pub timestamp: String,
}

/// What a run did to one kind and month.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct MonthResult {
    pub month: String,
    pub event_type: String,
    pub source_index: String,
    pub target_index: String,
    /// Events enriched by this run.
    pub processed: u64,
    pub interrupted: bool,
    pub batches_succeeded: u64,
    pub batches_attempted: u64,
    pub completed: bool,
    pub last_processed_id: Option<String>,
    pub validation_errors: Vec<String>,
    pub operational_errors: Vec<OperationalError>,
    pub start_time: String,
    /// Seconds.
    pub total_time: f64,
    /// Replaced files deleted for good.
    pub old_files_deleted: usize,
}

impl MonthResult {
    pub(in crate::usage) fn of(slice: &Slice, now: jiff::Timestamp) -> Self {
        Self {
            month: slice.month.clone(),
            event_type: slice.kind.as_str().to_owned(),
            source_index: slice.source(),
            target_index: slice.target(),
            start_time: now.to_string(),
            ..Self::default()
        }
    }
}

#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct TypeResult {
    pub processed: u64,
    pub errors: u64,
    pub months: BTreeMap<String, MonthResult>,
}

/// What a migration did.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Migrated {
    pub total_processed: u64,
    pub total_errors: u64,
    pub event_types: BTreeMap<String, TypeResult>,
    pub health_issues: Vec<String>,
    /// Invalid months, which were skipped.
    pub warnings: Vec<String>,
    pub completed: bool,
    pub error: Option<String>,
}

/// How far a migration is.
#[derive(Debug, Clone)]
pub struct Progress {
    pub done: u64,
    pub all: u64,
    pub step: String,
}

/// Watches a migration; answering `false` stops it after the batch at hand.
pub type Watch<'a> = dyn FnMut(Progress) -> bool + Send + 'a;
