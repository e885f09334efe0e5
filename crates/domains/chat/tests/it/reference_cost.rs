//! Response times and cost of 1,000 random teams against a slow reading of spec/chat §4.10 and §4.11.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use tallykeep_chat::{
    image::ChatImage,
    metrics::{Question, average_response_time, cost_breakdown, cost_p95, cost_summary, cost_timeseries},
    rows::*,
    words::*,
};

use crate::reference::{BASE, Case, DAY, Reference, asked, message, rows, session};

type Call = (i64, bool, usize, i64, usize, bool, (Option<i64>, Option<i64>, Option<i64>, Option<i64>));

fn call() -> impl Strategy<Value = Call> {
    let some = |most: i64| prop::option::of(1..most);
    (
        0..20 * DAY,
        any::<bool>(),
        0..3_usize,
        0..900_i64,
        0..3_usize,
        any::<bool>(),
        (some(4), some(13), some(6), some(5)),
    )
}

fn usage(calls: &[Call], sessions: usize) -> Vec<UsageRow> {
    let row = |(key, call): (i64, &Call)| {
        let (at, evaluation, model, cost, confidence, priced, (experiment, session, participant, trace)) = *call;
        UsageRow {
            key,
            at: BASE + at,
            source: if evaluation { UsageSource::Evaluation } else { UsageSource::Chat },
            service: [ServiceKind::LlmInput, ServiceKind::LlmOutput, ServiceKind::LlmCachedInput][model],
            provider: ["a", "a", "b"][model].to_owned(),
            model: ["x", "y", "x"][model].to_owned(),
            quantity: (cost % 5 != 0).then_some(cost),
            cost,
            confidence: [Confidence::Exact, Confidence::Estimated, Confidence::Unknown][confidence],
            priced,
            experiment,
            session: session.filter(|id| *id <= sessions as i64),
            participant,
            trace,
        }
    };
    (1..).zip(calls).map(row).collect()
}

/// Records of a stretch that the filter lets through.
fn counted<'a>(slow: &Reference<'a>, from: i64, to: i64, chat_only: bool) -> Vec<&'a UsageRow> {
    let narrowed = !(slow.experiments.is_empty()
        && slow.platforms.is_empty()
        && slow.participants.is_empty()
        && slow.tags.is_empty());
    let by_session = !(slow.platforms.is_empty() && slow.tags.is_empty());
    let passes = |row: &&UsageRow| {
        let of_session = row.session.and_then(|id| slow.session(id));
        row.at >= from
            && row.at < to
            && (!(narrowed || chat_only) || row.source == UsageSource::Chat)
            && (slow.experiments.is_empty() || row.experiment.is_some_and(|id| slow.experiments.contains(&id)))
            && (slow.participants.is_empty() || row.participant.is_some_and(|id| slow.participants.contains(&id)))
            && (!by_session
                || of_session.is_some_and(|session| {
                    (slow.platforms.is_empty() || session.platform.is_some_and(|p| slow.platforms.contains(&p)))
                        && (slow.tags.is_empty() || slow.carries_a_tag(session))
                }))
    };
    slow.rows.usage.iter().filter(passes).collect()
}

fn sum(rows: &[&UsageRow]) -> f64 {
    rows.iter().map(|row| row.cost).sum::<i64>() as f64 / 1e8
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1_000))]

    #[test]
    fn cost_and_response_times_agree_with_the_slow_reading(
        sessions in prop::collection::vec(session(), 0..12),
        messages in prop::collection::vec(message(), 0..30),
        links in prop::collection::vec((1..4_i64, any::<bool>(), 1..30_i64), 0..8),
        traces in prop::collection::vec((1..13_i64, 0..20 * DAY, prop::option::of(0..9_000_i64)), 0..20),
        calls in prop::collection::vec(call(), 0..30),
        asked in asked(1, 2),
    ) {
        let case: Case = (sessions, messages, links);
        let mut all = rows(&case);
        let many = all.sessions.len();
        all.traces = (1..)
            .zip(&traces)
            .filter(|(_, (session, ..))| *session <= many as i64)
            .map(|(id, (session, at, duration_ms))| TraceRow {
                id, session: *session, experiment: None, at: BASE + at, duration_ms: *duration_ms,
            })
            .collect();
        all.usage = usage(&calls, many);
        let mut image = ChatImage::default();
        image.apply(all.clone());
        let (window, filter) = asked.of(&image);
        let question = Question::new(&image, &filter, asked.size);
        let slow = asked.reference(&all, &window);

        // §4.10: finished traces inside the window, of sessions with a turn in it.
        let active: BTreeSet<i64> = slow.turns(slow.from, slow.to).iter().map(|m| m.session.unwrap()).collect();
        let mut expected = Vec::new();
        for bucket in window.buckets(asked.size).unwrap() {
            let durations: Vec<i64> = all.traces.iter()
                .filter(|t| t.at >= bucket.span.start && t.at < bucket.span.end && active.contains(&t.session))
                .filter_map(|t| t.duration_ms)
                .collect();
            if !durations.is_empty() {
                let mean = durations.iter().sum::<i64>() as f64 / durations.len() as f64 / 1000.0;
                expected.push((bucket.label, (mean * 100.0).round() / 100.0));
            }
        }
        let times: Vec<(String, f64)> =
            average_response_time(&question).unwrap().into_iter().map(|p| (p.date, p.avg_response_time_sec)).collect();
        prop_assert_eq!(times, expected);

        // §4.11: the total, the stretch before, the series, the parts.
        let records = counted(&slow, slow.from, slow.to, false);
        let before = counted(&slow, slow.from - (slow.to - slow.from), slow.from, false);
        let summary = cost_summary(&question);
        prop_assert_eq!((summary.total, summary.previous_total), (sum(&records), sum(&before)));
        let unknown = records.iter().filter(|r| r.confidence == Confidence::Unknown).count();
        let unpriced = records.iter().filter(|r| r.confidence != Confidence::Unknown && !r.priced).count();
        prop_assert_eq!((summary.unknown_count, summary.unpriced_count), (unknown as u64, unpriced as u64));
        let series = cost_timeseries(&question).unwrap();
        let mut row = 0;
        for bucket in window.buckets(asked.size).unwrap() {
            let inside = counted(&slow, bucket.span.start, bucket.span.end, false);
            if inside.is_empty() {
                continue;
            }
            let chat: Vec<&UsageRow> = inside.iter().copied().filter(|r| r.source == UsageSource::Chat).collect();
            prop_assert_eq!(series[row].chat, sum(&chat));
            row += 1;
        }
        prop_assert_eq!(row, series.len());
        let breakdown = cost_breakdown(&question);
        let mut models: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        records.iter().for_each(|r| *models.entry((&r.provider, &r.model)).or_default() += r.cost);
        let mut models: Vec<((&str, &str), i64)> = models.into_iter().collect();
        models.sort_by(|(a, x), (b, y)| y.cmp(x).then(a.cmp(b)));
        let told: Vec<((&str, &str), f64)> = breakdown.by_model.iter()
            .map(|m| ((m.provider_type.as_str(), m.model_name.as_str()), m.cost)).collect();
        prop_assert_eq!(told, models.into_iter().map(|(m, cost)| (m, cost as f64 / 1e8)).collect::<Vec<_>>());
        let tokens: i64 = records.iter().filter_map(|r| r.quantity).sum();
        prop_assert_eq!(breakdown.by_service_kind.iter().map(|k| k.tokens).sum::<i64>(), tokens);

        // p95: per bot and bucket, the ceil(0.95 n)-th cheapest trace.
        for bot in cost_p95(&question).unwrap() {
            let mut points = Vec::new();
            for bucket in window.buckets(asked.size).unwrap() {
                let mut by_trace: BTreeMap<i64, i64> = BTreeMap::new();
                for record in counted(&slow, bucket.span.start, bucket.span.end, true) {
                    if record.experiment == Some(bot.experiment_id) && let Some(trace) = record.trace {
                        *by_trace.entry(trace).or_default() += record.cost;
                    }
                }
                let mut costs: Vec<i64> = by_trace.into_values().collect();
                costs.sort_unstable();
                if !costs.is_empty() {
                    let rank = (costs.len() as f64 * 0.95).ceil() as usize;
                    points.push(costs[rank - 1] as f64 / 1e8);
                }
            }
            prop_assert_eq!(bot.points.iter().map(|p| p.p95).collect::<Vec<_>>(), points);
        }
    }
}
