//! How long bots take to answer (spec §4.10).

use serde::Serialize;

use super::{Answer, Question, ratio, rounded};
use crate::image::NO_SESSION;

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ResponseTimePoint {
    pub date: String,
    /// Seconds, to two decimals.
    pub avg_response_time_sec: f64,
}

/// Mean duration of finished traces of active sessions, per bucket of the trace's instant inside the window.
pub fn average_response_time(question: &Question<'_>) -> Answer<Vec<ResponseTimePoint>> {
    let image = question.image;
    let mut active = vec![false; image.sessions.slots()];
    question.active_sessions().for_each(|slot| active[slot] = true);
    let mut points = Vec::new();
    for bucket in question.filter.window.buckets(question.bucketing)? {
        let start = image.traces.partition_point(|trace| trace.at < bucket.span.start);
        let (mut count, mut sum) = (0_u64, 0_i128);
        for trace in image.traces[start..].iter().take_while(|trace| trace.at < bucket.span.end) {
            if trace.session != NO_SESSION && active[trace.session as usize] {
                count += 1;
                sum += i128::from(trace.duration_ms);
            }
        }
        if count > 0 || question.fill {
            let seconds = ratio(sum as f64, count as f64) / 1000.0;
            points.push(ResponseTimePoint { date: bucket.label, avg_response_time_sec: rounded(seconds, 2) });
        }
    }
    Ok(points)
}
