//! What derived tables hold, and which of it the dashboard shows.

use indexmap::IndexMap;
use jiff::Timestamp;
use serde_json::{Map, Value};
use tallykeep_control::{
    ControlError,
    packages::{Annotation, DuckdbMonth, EvidenceRow, GuidanceRow, PackagesStore},
};

use crate::{rollups::Rollup, signals::identity};

/// What derived tables hold, read once per document.
#[derive(Debug, Clone, Default)]
pub struct Derived {
    pub rollups: Vec<Value>,
    /// Of the rollups, what the dashboard shows, and the movers; sorted once per derivation.
    pub shown_rollups: Vec<Value>,
    pub movers: Vec<Value>,
    pub signals: Vec<Value>,
    pub guidance: Vec<GuidanceRow>,
    pub evidence: Vec<EvidenceRow>,
    pub duckdb: Vec<DuckdbMonth>,
    pub annotations: Vec<Annotation>,
}

impl Derived {
    pub async fn read(store: &PackagesStore) -> Result<Self, ControlError> {
        let rollups = store.rollups().await?;
        Ok(Self {
            shown_rollups: shown_rollups(&rollups),
            movers: movers(&rollups),
            rollups,
            signals: store.signals().await?,
            guidance: store.guidance().await?,
            evidence: store.evidence(Timestamp::MIN, 500).await?,
            duckdb: store.duckdb_months().await?,
            annotations: store.annotations().await?,
        })
    }
}

fn window_place(window: &str) -> usize {
    crate::rollups::WINDOWS.iter().position(|w| *w == window).unwrap_or(usize::MAX)
}

/// By window, then by the size of the change; at most 80. The client cannot read nulls, so windows that cannot be known are left
/// out here; `/api/v1/packages/rollups` has every one.
fn shown_rollups(rollups: &[Value]) -> Vec<Value> {
    let mut shown: Vec<&Value> = rollups.iter().filter(|rollup| !rollup["percent_change"].is_null()).collect();
    shown.sort_by(|a, b| {
        let place = |r: &Value| window_place(r["window"].as_str().unwrap_or(""));
        let change = |r: &Value| r["percent_change"].as_f64().unwrap_or(0.0).abs();
        place(a).cmp(&place(b)).then(change(b).total_cmp(&change(a)))
    });
    shown.into_iter().take(80).cloned().collect()
}

/// Up to six 7-day download rollups by the size of the change, from all rollups.
fn movers(rollups: &[Value]) -> Vec<Value> {
    let mut movers: Vec<&Value> = rollups
        .iter()
        .filter(|r| r["window"] == "7d" && r["metric_family"] == "downloads" && !r["percent_change"].is_null())
        .collect();
    let change = |r: &Value| r["percent_change"].as_f64().unwrap_or(0.0).abs();
    movers.sort_by(|a, b| change(b).total_cmp(&change(a)));
    movers.into_iter().take(6).cloned().collect()
}

pub(super) fn shown_evidence(evidence: &[EvidenceRow]) -> Vec<Value> {
    evidence
        .iter()
        .filter(|item| !matches!(item.source_type.as_str(), "hackernews" | "manual"))
        .take(8)
        .map(|item| item.document.clone())
        .collect()
}

pub(super) fn shown_signals(signals: &[Value]) -> Vec<Value> {
    let mut shown: Vec<&Value> =
        signals.iter().filter(|signal| signal["signal_type"] != "social_mention_burst").collect();
    shown.sort_by(|a, b| b["score"].as_f64().unwrap_or(0.0).total_cmp(&a["score"].as_f64().unwrap_or(0.0)));
    shown.into_iter().take(8).cloned().collect()
}

/// Guidance of current signals, by id or identity, newest first, at most 20 per identity, without the raw answer.
pub(super) fn shown_guidance(guidance: &[GuidanceRow], signals: &[Value]) -> Vec<Value> {
    let ids: Vec<&str> = signals.iter().filter_map(|signal| signal["signal_id"].as_str()).collect();
    let identities: Vec<String> = ids.iter().filter_map(|id| identity(id)).collect();
    let mut counts: IndexMap<String, usize> = IndexMap::new();
    let mut shown = Vec::new();
    for row in guidance {
        let key = identity(&row.signal_id);
        let current = ids.contains(&row.signal_id.as_str()) || key.as_ref().is_some_and(|key| identities.contains(key));
        let count = counts.entry(key.unwrap_or_else(|| row.signal_id.clone())).or_default();
        if !current || *count >= 20 {
            continue;
        }
        *count += 1;
        let mut document: Map<String, Value> = row.document.as_object().cloned().unwrap_or_default();
        document.remove("raw_response");
        let citations: Vec<Value> = document
            .get("citations")
            .and_then(Value::as_array)
            .map(|list| list.iter().filter(|c| c["source_id"].is_string() && c["fact"].is_string()).cloned().collect())
            .unwrap_or_default();
        document.insert("citations".to_owned(), Value::Array(citations));
        shown.push(Value::Object(document));
    }
    shown
}

/// Every rollup, whole (`GET /api/v1/packages/rollups`).
pub fn parsed_rollups(documents: &[Value]) -> Vec<Rollup> {
    documents.iter().filter_map(|document| serde_json::from_value(document.clone()).ok()).collect()
}
