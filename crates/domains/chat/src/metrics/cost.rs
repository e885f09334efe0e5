//! What it costs (spec §4.11). Sums are exact: amounts are whole numbers of 1/100,000,000.

use std::collections::BTreeMap;

use serde::Serialize;

use super::{Answer, Question, money};
use crate::{
    filter::Bucketing,
    image::{ChatImage, NONE},
    words::{Confidence, ServiceKind, UsageSource},
};

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostPoint {
    pub date: String,
    pub chat: f64,
    /// Absent when the question is narrowed: an attribution counts chats only.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub evaluation: Option<f64>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelCost {
    pub provider_type: String,
    pub model_name: String,
    pub cost: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct KindCost {
    pub service_kind: &'static str,
    pub cost: f64,
    pub tokens: i64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostBreakdown {
    pub by_model: Vec<ModelCost>,
    pub by_service_kind: Vec<KindCost>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct P95Point {
    pub date: String,
    pub p95: f64,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct BotP95 {
    pub experiment_id: i64,
    pub experiment_name: String,
    pub points: Vec<P95Point>,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ModelCount {
    pub provider_type: String,
    pub model_name: String,
    pub count: u64,
}

/// `change_percent` is against the equally long stretch before, null when that cost nothing.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct CostSummary {
    pub total: f64,
    pub previous_total: f64,
    pub change_percent: Option<f64>,
    pub exact: f64,
    pub estimated: f64,
    /// Records whose confidence is unknown.
    pub unknown_count: u64,
    /// Records no price matched, unknown ones aside.
    pub unpriced_count: u64,
    pub estimated_models: Vec<ModelCount>,
    pub unknown_models: Vec<ModelCount>,
    pub unpriced_models: Vec<ModelCount>,
}

/// The bucket size of cost charts: hours are days.
fn cost_bucketing(question: &Question<'_>) -> Bucketing {
    if question.bucketing == Bucketing::Hourly { Bucketing::Daily } else { question.bucketing }
}

/// UTC is spelt `Z` in cost charts.
fn cost_label(label: String) -> String {
    label.strip_suffix("+00:00").map_or_else(|| label.clone(), |start| format!("{start}Z"))
}

/// Cost per bucket and source; buckets without records are absent unless filled.
pub fn cost_timeseries(question: &Question<'_>) -> Answer<Vec<CostPoint>> {
    let narrowed = question.filter.is_narrowed();
    let mut usage = question.usage(false).peekable();
    let mut points = Vec::new();
    for bucket in question.filter.window.buckets(cost_bucketing(question))? {
        let (mut chat, mut evaluation, mut any) = (0_i128, 0_i128, false);
        while let Some(record) = usage.next_if(|record| record.at < bucket.span.end) {
            any = true;
            match record.source {
                UsageSource::Chat => chat += i128::from(record.cost),
                UsageSource::Evaluation => evaluation += i128::from(record.cost),
            }
        }
        if any || question.fill {
            let evaluation = (!narrowed).then(|| money(evaluation));
            points.push(CostPoint { date: cost_label(bucket.label), chat: money(chat), evaluation });
        }
    }
    Ok(points)
}

/// Cost by model (highest first, then provider, model) and by kind of token (in the order of the words).
pub fn cost_breakdown(question: &Question<'_>) -> CostBreakdown {
    let mut models = vec![None::<i128>; question.image.models.len()];
    let mut kinds: BTreeMap<ServiceKind, (i128, i64)> = BTreeMap::new();
    for record in question.usage(false) {
        *models[record.model as usize].get_or_insert(0) += i128::from(record.cost);
        let kind = kinds.entry(record.service).or_default();
        kind.0 += i128::from(record.cost);
        kind.1 += record.quantity;
    }
    let mut by_model: Vec<(i128, &(String, String))> = models
        .into_iter()
        .zip(&question.image.models)
        .filter_map(|(cost, model)| cost.map(|cost| (cost, model)))
        .collect();
    by_model.sort_by(|(cost_a, a), (cost_b, b)| cost_b.cmp(cost_a).then(a.cmp(b)));
    CostBreakdown {
        by_model: by_model
            .into_iter()
            .map(|(cost, (provider, model))| ModelCost {
                provider_type: provider.clone(),
                model_name: model.clone(),
                cost: money(cost),
            })
            .collect(),
        by_service_kind: kinds
            .into_iter()
            .map(|(kind, (cost, tokens))| KindCost { service_kind: kind.as_str(), cost: money(cost), tokens })
            .collect(),
    }
}

/// The 95th percentile (nearest rank) of what a trace cost, per bucket, of the five bots that spent most.
///
/// Chats only; records without trace or bot are left out. Archived bots keep their name.
pub fn cost_p95(question: &Question<'_>) -> Answer<Vec<BotP95>> {
    let image = question.image;
    let mut spent: BTreeMap<u32, i128> = BTreeMap::new();
    let mut records = Vec::new();
    for record in question.usage(true) {
        if let (Some(trace), true) = (record.trace, record.experiment != NONE) {
            *spent.entry(record.experiment).or_default() += i128::from(record.cost);
            records.push((record.experiment, record.at, trace, record.cost));
        }
    }
    let mut bots: Vec<(u32, i128)> = spent.into_iter().collect();
    let id = |bot: u32| image.experiments[bot as usize].id;
    bots.sort_by(|(a, cost_a), (b, cost_b)| cost_b.cmp(cost_a).then_with(|| id(*a).cmp(&id(*b))));
    let buckets = question.filter.window.buckets(cost_bucketing(question))?;
    let mut found = Vec::new();
    for (bot, _) in bots.into_iter().take(5) {
        let own: Vec<_> = records.iter().filter(|(known, ..)| *known == bot).collect();
        let mut points = Vec::new();
        for bucket in &buckets {
            let start = own.partition_point(|(_, at, ..)| *at < bucket.span.start);
            let end = own.partition_point(|(_, at, ..)| *at < bucket.span.end);
            let mut by_trace: BTreeMap<i64, i128> = BTreeMap::new();
            for (_, _, trace, cost) in &own[start..end] {
                *by_trace.entry(*trace).or_default() += i128::from(*cost);
            }
            let mut costs: Vec<i128> = by_trace.into_values().collect();
            costs.sort_unstable();
            if let Some(p95) = costs.get((costs.len() * 95).div_ceil(100).saturating_sub(1)) {
                points.push(P95Point { date: cost_label(bucket.label.clone()), p95: money(*p95) });
            }
        }
        let row = &image.experiments[bot as usize];
        found.push(BotP95 { experiment_id: row.id, experiment_name: row.name.clone(), points });
    }
    Ok(found)
}

/// The panel's figures.
pub fn cost_summary(question: &Question<'_>) -> CostSummary {
    let total: i128 = question.usage(false).map(|record| i128::from(record.cost)).sum();
    let before = question.filter.over(question.filter.window.span.before());
    let previous: i128 = Question::new(question.image, &before, question.bucketing)
        .usage(false)
        .map(|record| i128::from(record.cost))
        .sum();
    let of = |confidence: Confidence| -> i128 {
        question
            .usage(false)
            .filter(|record| record.confidence == confidence)
            .map(|record| i128::from(record.cost))
            .sum()
    };
    let count = |wanted: fn(Confidence, bool) -> bool| {
        let mut models = vec![0_u64; question.image.models.len()];
        for record in question.usage(false).filter(|record| wanted(record.confidence, record.priced)) {
            models[record.model as usize] += 1;
        }
        model_counts(question.image, &models)
    };
    let unknown_models = count(|confidence, _| confidence == Confidence::Unknown);
    let unpriced_models = count(|confidence, priced| confidence != Confidence::Unknown && !priced);
    let sum = |models: &[ModelCount]| models.iter().map(|model| model.count).sum();
    CostSummary {
        total: money(total),
        previous_total: money(previous),
        change_percent: (previous != 0).then(|| (total - previous) as f64 / previous as f64 * 100.0),
        exact: money(of(Confidence::Exact)),
        estimated: money(of(Confidence::Estimated)),
        unknown_count: sum(&unknown_models),
        unpriced_count: sum(&unpriced_models),
        estimated_models: count(|confidence, _| confidence == Confidence::Estimated),
        unknown_models,
        unpriced_models,
    }
}

fn model_counts(image: &ChatImage, counts: &[u64]) -> Vec<ModelCount> {
    let mut found: Vec<ModelCount> = image
        .models
        .iter()
        .zip(counts)
        .filter(|(_, count)| **count > 0)
        .map(|((provider, model), count)| ModelCount {
            provider_type: provider.clone(),
            model_name: model.clone(),
            count: *count,
        })
        .collect();
    found.sort_by(|a, b| {
        b.count.cmp(&a.count).then_with(|| (&a.provider_type, &a.model_name).cmp(&(&b.provider_type, &b.model_name)))
    });
    found
}
