//! A/B: the versions of one bot side by side (spec §13.6), with intervals and a verdict that minds the sample size.
//!
//! A conversation belongs to the version whose tag (category `experiment_version`) it or its messages carry; with several it is left out.

use serde::Serialize;

use super::Question;
use crate::{
    image::{NEVER, NO_SESSION, NONE},
    words::EXPERIMENT_VERSION,
};

/// A value and its 95 % confidence interval; null where there is nothing to measure (or one value: no interval).
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct Interval {
    pub value: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// What it was measured on: sessions, or traces for the response time.
    pub n: u64,
}

/// One version. `completion_rate` is a fraction, `response_time_sec` the mean over finished traces in the window.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Variant {
    pub version: String,
    pub sessions: u64,
    pub completion_rate: Interval,
    pub messages_per_session: Interval,
    pub response_time_sec: Interval,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Verdict {
    /// Too few to tell a difference of a tenth of the baseline four times out of five.
    TooFew,
    /// Enough, and the interval of the difference holds zero.
    NoDifferenceShown,
    Higher,
    Lower,
}

/// One version against the first one, in one measure.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Measure {
    pub measure: &'static str,
    pub baseline: String,
    pub version: String,
    pub difference: Option<f64>,
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Needed on each side to tell a difference of a tenth of the baseline (5 % two-sided, power 80 %).
    pub needed: Option<u64>,
    pub verdict: Verdict,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Comparison {
    pub experiment_id: i64,
    pub experiment_name: String,
    pub variants: Vec<Variant>,
    pub comparisons: Vec<Measure>,
    /// Active sessions left out: of several versions, or of none.
    pub mixed_sessions: u64,
    pub untagged_sessions: u64,
}

/// The normal quantiles for 95 % two-sided and for a power of 80 %.
const Z95: f64 = 1.959_963_984_540_054;
const Z80: f64 = 0.841_621_233_572_914;

#[derive(Default)]
struct Sample {
    n: u64,
    sum: f64,
    squares: f64,
}

impl Sample {
    fn add(&mut self, value: f64) {
        self.n += 1;
        self.sum += value;
        self.squares += value * value;
    }

    fn mean(&self) -> Option<f64> {
        (self.n > 0).then(|| self.sum / self.n as f64)
    }

    /// Sample variance (n − 1).
    fn variance(&self) -> Option<f64> {
        let mean = self.mean()?;
        (self.n > 1).then(|| ((self.squares - self.n as f64 * mean * mean) / (self.n as f64 - 1.0)).max(0.0))
    }

    /// Mean ± t · s/√n (Student 1908).
    fn interval(&self) -> Interval {
        let half = self.variance().map(|v| student95(self.n as f64 - 1.0) * (v / self.n as f64).sqrt());
        let mean = self.mean();
        Interval {
            value: mean,
            low: mean.zip(half).map(|(m, h)| m - h),
            high: mean.zip(half).map(|(m, h)| m + h),
            n: self.n,
        }
    }
}

/// The two-sided 95 % quantile of Student's t: Cornish–Fisher expansion (Abramowitz & Stegun 26.7.5), exact for 1 and 2 degrees.
fn student95(degrees: f64) -> f64 {
    if degrees < 1.5 {
        return 12.706_204_736;
    }
    if degrees < 2.5 {
        return 4.302_652_73;
    }
    let (z, d) = (Z95, degrees);
    let g1 = (z.powi(3) + z) / 4.0;
    let g2 = (5.0 * z.powi(5) + 16.0 * z.powi(3) + 3.0 * z) / 96.0;
    let g3 = (3.0 * z.powi(7) + 19.0 * z.powi(5) + 17.0 * z.powi(3) - 15.0 * z) / 384.0;
    let g4 = (79.0 * z.powi(9) + 776.0 * z.powi(7) + 1482.0 * z.powi(5) - 1920.0 * z.powi(3) - 945.0 * z) / 92_160.0;
    z + g1 / d + g2 / d.powi(2) + g3 / d.powi(3) + g4 / d.powi(4)
}

/// Wilson's score interval of a proportion (Wilson 1927).
fn wilson(successes: u64, n: u64) -> Interval {
    if n == 0 {
        return Interval { value: None, low: None, high: None, n };
    }
    let (p, count) = (successes as f64 / n as f64, n as f64);
    let z2 = Z95 * Z95;
    let centre = (p + z2 / (2.0 * count)) / (1.0 + z2 / count);
    let half = Z95 / (1.0 + z2 / count) * (p * (1.0 - p) / count + z2 / (4.0 * count * count)).sqrt();
    Interval { value: Some(p), low: Some((centre - half).max(0.0)), high: Some((centre + half).min(1.0)), n }
}

struct Group {
    version: String,
    completed: u64,
    messages: Sample,
    response: Sample,
}

/// Compares the versions of the bot at `experiment` over the question's window and filter; `None` when there is no such bot.
///
/// Proportions: Wilson intervals, Newcombe's interval for the difference (Newcombe 1998, method 10). Means: Student and Welch (1947).
/// Needed sample: the usual normal formula for two groups (e.g. Chow, Shao & Wang 2008, §3.2 and §4.2). Several versions are compared
/// with the first by name; no correction is made for many comparisons.
pub fn compare_versions(question: &Question<'_>, experiment: i64) -> Option<Comparison> {
    let image = question.image;
    let bot = image.experiment_index(experiment)?;
    let activity = question.activity();
    let mut versions: Vec<u32> =
        (0..).zip(&image.tags).filter(|(_, tag)| tag.category == EXPERIMENT_VERSION).map(|(index, _)| index).collect();
    versions.sort_by(|a, b| image.tags[*a as usize].name.cmp(&image.tags[*b as usize].name));
    const UNTAGGED: usize = usize::MAX;
    const MIXED: usize = usize::MAX - 1;
    let mut version_of = vec![UNTAGGED; image.sessions.slots()];
    for (group, tag) in versions.iter().enumerate() {
        for slot in image.tagged.marked(*tag) {
            let version = &mut version_of[*slot as usize];
            *version = if *version == UNTAGGED { group } else { MIXED };
        }
    }
    let mut groups: Vec<Group> = versions
        .iter()
        .map(|tag| Group {
            version: image.tags[*tag as usize].name.clone(),
            completed: 0,
            messages: Sample::default(),
            response: Sample::default(),
        })
        .collect();
    let (mut mixed, mut untagged) = (0, 0);
    let mut active = vec![false; image.sessions.slots()];
    for slot in question.active_sessions().filter(|slot| image.sessions.experiment[*slot] == bot) {
        active[slot] = true;
        match version_of[slot] {
            UNTAGGED => untagged += 1,
            MIXED => mixed += 1,
            group => {
                let group = &mut groups[group];
                group.completed += u64::from(image.sessions.ended_at[slot] != NEVER);
                group.messages.add(f64::from(activity.human[slot] + activity.ai[slot]));
            }
        }
    }
    let span = question.filter.window.span;
    let first = image.traces.partition_point(|trace| trace.at < span.start);
    for trace in image.traces[first..].iter().take_while(|trace| trace.at < span.end) {
        let slot = trace.session as usize;
        if trace.session != NO_SESSION && active[slot] && version_of[slot] < MIXED {
            groups[version_of[slot]].response.add(trace.duration_ms as f64 / 1000.0);
        }
    }
    groups.retain(|group| group.messages.n > 0);
    let mut comparisons = Vec::new();
    for pair in groups.iter().skip(1) {
        comparisons.push(compare_rates(&groups[0], pair));
        comparisons.push(compare_means("messages_per_session", &groups[0], pair, |group| &group.messages));
        comparisons.push(compare_means("response_time_sec", &groups[0], pair, |group| &group.response));
    }
    Some(Comparison {
        experiment_id: experiment,
        experiment_name: if bot == NONE { String::new() } else { image.experiments[bot as usize].name.clone() },
        variants: groups
            .iter()
            .map(|group| Variant {
                version: group.version.clone(),
                sessions: group.messages.n,
                completion_rate: wilson(group.completed, group.messages.n),
                messages_per_session: group.messages.interval(),
                response_time_sec: group.response.interval(),
            })
            .collect(),
        comparisons,
        mixed_sessions: mixed,
        untagged_sessions: untagged,
    })
}

fn verdict(n: u64, needed: Option<u64>, low: Option<f64>, high: Option<f64>) -> Verdict {
    match (low, high, needed) {
        (Some(low), _, _) if low > 0.0 && n >= 10 => Verdict::Higher,
        (_, Some(high), _) if high < 0.0 && n >= 10 => Verdict::Lower,
        (Some(_), Some(_), Some(needed)) if n >= needed => Verdict::NoDifferenceShown,
        _ => Verdict::TooFew,
    }
}

fn compare_rates(a: &Group, b: &Group) -> Measure {
    let (one, two) = (wilson(a.completed, a.messages.n), wilson(b.completed, b.messages.n));
    let difference = one.value.zip(two.value).map(|(a, b)| b - a);
    let bounds = |x: f64, low: f64, y: f64, high: f64| ((x - low).powi(2) + (high - y).powi(2)).sqrt();
    let (low, high) = match (one.value, one.low, one.high, two.value, two.low, two.high) {
        (Some(p1), Some(l1), Some(h1), Some(p2), Some(l2), Some(h2)) => {
            (Some(p2 - p1 - bounds(p2, l2, p1, h1)), Some(p2 - p1 + bounds(p1, l1, p2, h2)))
        }
        _ => (None, None),
    };
    let needed = one.value.filter(|p| *p > 0.0 && *p < 1.0).map(|p| {
        let other = if p * 1.1 < 1.0 { p * 1.1 } else { p * 0.9 };
        let spread = p * (1.0 - p) + other * (1.0 - other);
        ((Z95 + Z80).powi(2) * spread / (other - p).powi(2)).ceil() as u64
    });
    let n = a.messages.n.min(b.messages.n);
    Measure {
        measure: "completion_rate",
        baseline: a.version.clone(),
        version: b.version.clone(),
        difference,
        low,
        high,
        needed,
        verdict: verdict(n, needed, low, high),
    }
}

fn compare_means(measure: &'static str, a: &Group, b: &Group, of: fn(&Group) -> &Sample) -> Measure {
    let (one, two) = (of(a), of(b));
    let difference = one.mean().zip(two.mean()).map(|(a, b)| b - a);
    let half = one.variance().zip(two.variance()).map(|(v1, v2)| {
        let (s1, s2) = (v1 / one.n as f64, v2 / two.n as f64);
        let degrees = if s1 + s2 == 0.0 {
            (one.n + two.n) as f64 - 2.0
        } else {
            (s1 + s2).powi(2) / (s1.powi(2) / (one.n as f64 - 1.0) + s2.powi(2) / (two.n as f64 - 1.0))
        };
        student95(degrees) * (s1 + s2).sqrt()
    });
    let needed =
        one.mean().zip(one.variance()).filter(|(mean, _)| *mean != 0.0).map(|(mean, variance)| {
            (2.0 * (Z95 + Z80).powi(2) * variance / (mean * 0.1).powi(2)).ceil().max(2.0) as u64
        });
    let low = difference.zip(half).map(|(d, h)| d - h);
    let high = difference.zip(half).map(|(d, h)| d + h);
    Measure {
        measure,
        baseline: a.version.clone(),
        version: b.version.clone(),
        difference,
        low,
        high,
        needed,
        verdict: verdict(one.n.min(two.n), needed, low, high),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_and_intervals_agree_with_the_tables() {
        for (degrees, table) in
            [(1.0, 12.706), (2.0, 4.303), (5.0, 2.571), (10.0, 2.228), (30.0, 2.042), (1000.0, 1.962)]
        {
            assert!((student95(degrees) - table).abs() < 0.005, "{degrees}: {}", student95(degrees));
        }
        // Newcombe (1998), table I: 81 of 263 → 0.2553 to 0.3662.
        let interval = wilson(81, 263);
        assert!((interval.low.expect("low") - 0.2553).abs() < 0.0001);
        assert!((interval.high.expect("high") - 0.3662).abs() < 0.0001);
        // Newcombe (1998), second paper, table II: 56/70 − 48/80 by method 10 → 0.0524 to 0.3339.
        let group = |completed, n| {
            let mut messages = Sample::default();
            (0..n).for_each(|_| messages.add(1.0));
            Group { version: String::new(), completed, messages, response: Sample::default() }
        };
        let measure = compare_rates(&group(48, 80), &group(56, 70));
        assert!((measure.low.expect("low") - 0.0524).abs() < 0.0001, "{measure:?}");
        assert!((measure.high.expect("high") - 0.3339).abs() < 0.0001, "{measure:?}");
    }
}
