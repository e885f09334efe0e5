//! The monthly report (spec/packages §16.11) and the comparison before and after a day. What people say about causes stays apart
//! from what was counted.

mod periodic;

use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Value, json};
use tallykeep_control::packages::{Annotation, PackagesMetric};

use crate::{
    config::Config,
    cumulative::value_at_or_before,
    days::{after, before, month_before},
    index::{Index, MetricRows, Window},
    months::{MonthPoint, month_points},
    rollups::percent_change,
};

pub use periodic::periodic;
pub use tallykeep_reports::grouped;

/// One line of the scorecard.
#[derive(Debug, Clone, Serialize)]
pub struct ReportLine {
    pub metric_id: String,
    pub product: String,
    pub name: String,
    pub family: String,
    pub value: Option<i64>,
    pub previous: Option<i64>,
    pub change: Option<i64>,
    pub percent_change: Option<f64>,
    /// Share of all downloads of the month.
    pub share: Option<f64>,
    pub days_present: i64,
    pub days_expected: i64,
    pub synthetic: bool,
}

#[derive(Debug, Clone, Serialize)]
pub struct Quarter {
    pub label: String,
    pub months: Vec<Date>,
    /// Downloads of the quarter's complete months so far, and of the same number of months of the quarter before.
    pub value: i64,
    pub previous: i64,
    pub percent_change: f64,
    /// Metrics and months that have no point, which make the sums too low.
    pub missing: usize,
}

#[derive(Debug, Clone, Serialize)]
pub struct MonthlyReport {
    pub title: String,
    pub month: Date,
    pub total: i64,
    pub previous_total: i64,
    pub percent_change: f64,
    pub lines: Vec<ReportLine>,
    pub quarter: Quarter,
    /// Notes people made for days of the month: theirs, not ours.
    pub said_by_people: Vec<Annotation>,
    pub remarks: Vec<String>,
}

/// The report of the month that ends on `month_end`.
pub fn monthly_report(index: &Index, config: &Config, month_end: Date, latest: Date) -> MonthlyReport {
    let previous_end = month_before(month_end);
    let metrics: Vec<&PackagesMetric> = index.active("downloads").collect();
    let points: Vec<Vec<MonthPoint>> =
        metrics.iter().map(|m| month_points(index.rows(&m.metric_id), latest, &config.months)).collect();
    let at = |points: &[MonthPoint], end: Date| points.iter().find(|p| p.period_end == end).cloned();
    let sum = |end: Date| -> i64 { points.iter().filter_map(|p| at(p, end)).map(|p| p.value).sum() };
    let (total, previous_total) = (sum(month_end), sum(previous_end));
    let mut remarks = Vec::new();
    let mut lines: Vec<ReportLine> = metrics
        .iter()
        .zip(&points)
        .map(|(metric, points)| {
            let (now, before) = (at(points, month_end), at(points, previous_end));
            if let Some(point) = now.as_ref().filter(|p| !p.is_complete()) {
                remarks.push(format!(
                    "{}: {} of {} days{}",
                    metric.metric_id,
                    point.days_present,
                    point.days_expected,
                    if point.synthetic { ", estimated from both neighbours" } else { "" }
                ));
            }
            if now.is_none() {
                remarks.push(format!("{}: no data for the month", metric.metric_id));
            }
            line(metric, config, now.as_ref(), before.as_ref(), total)
        })
        .collect();
    for metric in index.active("stars") {
        let rows = index.rows(&metric.metric_id);
        let (now, before) = (value_at_or_before(&rows.rows, month_end), value_at_or_before(&rows.rows, previous_end));
        lines.push(ReportLine {
            metric_id: metric.metric_id.clone(),
            product: metric.product.clone(),
            name: metric.subject.clone(),
            family: "stars".to_owned(),
            value: now,
            previous: before,
            change: now.zip(before).map(|(a, b)| a - b),
            percent_change: now.zip(before).map(|(a, b)| percent_change(a, b)),
            share: None,
            days_present: i64::try_from(rows.ending_in(month_end.first_of_month(), month_end).len()).unwrap_or(0),
            days_expected: i64::from(month_end.day()),
            synthetic: false,
        });
    }
    let said_by_people = index
        .derived
        .annotations
        .iter()
        .filter(|note| note.day.first_of_month() == month_end.first_of_month())
        .cloned()
        .collect();
    MonthlyReport {
        title: config.project.title.clone(),
        month: month_end,
        total,
        previous_total,
        percent_change: percent_change(total, previous_total),
        lines,
        quarter: quarter(&points, month_end),
        said_by_people,
        remarks,
    }
}

fn line(
    metric: &PackagesMetric,
    config: &Config,
    now: Option<&MonthPoint>,
    before: Option<&MonthPoint>,
    total: i64,
) -> ReportLine {
    let (value, previous) = (now.map(|p| p.value), before.map(|p| p.value));
    #[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
    let share = value.filter(|_| total > 0).map(|value| value as f64 / total as f64);
    ReportLine {
        metric_id: metric.metric_id.clone(),
        product: metric.product.clone(),
        name: format!("{} {}", config.product_title(&metric.product), metric.display_name),
        family: "downloads".to_owned(),
        value,
        previous,
        change: value.zip(previous).map(|(a, b)| a - b),
        percent_change: value.zip(previous).map(|(a, b)| percent_change(a, b)),
        share,
        days_present: now.map_or(0, |p| p.days_present),
        days_expected: now.map_or(0, |p| p.days_expected),
        synthetic: now.is_some_and(|p| p.synthetic),
    }
}

fn quarter(points: &[Vec<MonthPoint>], month_end: Date) -> Quarter {
    let place = (month_end.month() - 1) % 3;
    let mut months = vec![month_end];
    for _ in 0..place {
        months.push(month_before(months[months.len() - 1]));
    }
    months.reverse();
    let earlier: Vec<Date> = months.iter().map(|end| month_before(month_before(month_before(*end)))).collect();
    let sum = |ends: &[Date]| -> i64 {
        points.iter().flatten().filter(|p| ends.contains(&p.period_end)).map(|p| p.value).sum()
    };
    let there = |ends: &[Date]| points.iter().flatten().filter(|p| ends.contains(&p.period_end)).count();
    let (value, previous) = (sum(&months), sum(&earlier));
    Quarter {
        label: format!("Q{} {}", (month_end.month() - 1) / 3 + 1, month_end.year()),
        missing: 2 * points.len() * months.len() - there(&months) - there(&earlier),
        months,
        value,
        previous,
        percent_change: percent_change(value, previous),
    }
}

/// Average downloads a day before and after a day, of the days that have a count.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    pub metric_id: String,
    pub day: Date,
    pub days: i64,
    pub before_average: Option<f64>,
    pub after_average: Option<f64>,
    /// `(post − pre) / pre × 100`.
    pub percent: Option<f64>,
    pub before_days_present: i64,
    pub after_days_present: i64,
}

/// Compares `days` days before `day` with `days` days from `day` on, up to `latest`.
pub fn compare(index: &Index, metric: &PackagesMetric, day: Date, days: i64, latest: Date) -> Comparison {
    let rows = index.rows(&metric.metric_id);
    let (pre, pre_days) = average(rows, before(day, days), before(day, 1));
    let (post, post_days) = average(rows, day, after(day, days - 1).min(latest));
    Comparison {
        metric_id: metric.metric_id.clone(),
        day,
        days,
        before_average: pre,
        after_average: post,
        percent: pre.zip(post).filter(|(pre, _)| *pre > 0.0).map(|(pre, post)| (post - pre) / pre * 100.0),
        before_days_present: pre_days,
        after_days_present: post_days,
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts are far below 2^52")]
fn average(rows: &MetricRows, first: Date, last: Date) -> (Option<f64>, i64) {
    let (mut sum, mut days) = (0.0, 0);
    for row in rows.ending_in(first, last).iter().filter(|row| row.window == Window::Counted && row.is_single_day()) {
        sum += row.value as f64;
        days += 1;
    }
    ((days > 0).then(|| sum / days as f64), days)
}

impl MonthlyReport {
    pub fn to_csv(&self) -> String {
        let rows: Vec<Value> = self
            .lines
            .iter()
            .map(|line| {
                json!({"month": self.month, "metric_id": line.metric_id, "name": line.name, "family": line.family, "value": line.value,
                    "previous": line.previous, "change": line.change, "percent_change": line.percent_change, "share": line.share,
                    "days_present": line.days_present, "days_expected": line.days_expected, "synthetic": line.synthetic})
            })
            .collect();
        crate::transfer::csv_of(&rows)
    }

    /// A page of its own: no scripts, nothing from elsewhere.
    pub fn to_html(&self) -> String {
        let month = self.month.strftime("%B %Y").to_string();
        let mut html = format!(
            "<!doctype html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>{0}: {1}</title><style>body{{font:15px/1.5 system-ui,sans-serif;max-width:60rem;margin:2rem auto;padding:0 1rem;color:#17201d;background:#fbfbf9}}table{{border-collapse:collapse;width:100%}}th,td{{text-align:right;padding:.3rem .6rem;border-bottom:1px solid #e1e5df;font-variant-numeric:tabular-nums}}th:first-child,td:first-child{{text-align:left}}h1,h2{{border-top:2px solid #17201d;padding-top:.4rem}}</style></head><body><h1>{0}: {1}</h1>",
            escaped(&self.title),
            month
        );
        html.push_str(&format!("<p>{} downloads, {} on the month before. Downloads are package pulls by people, build servers and mirrors; they are not users.</p>", grouped(self.total), percent(Some(self.percent_change))));
        html.push_str("<h2>Scorecard</h2><table><thead><tr><th>Metric</th><th>Value</th><th>Month before</th><th>Change</th><th>Share</th><th>Days</th></tr></thead><tbody>");
        for line in &self.lines {
            let number = |value: Option<i64>| value.map_or_else(|| "no data".to_owned(), grouped);
            html.push_str(&format!(
                "<tr><td>{} ({})</td><td>{}</td><td>{}</td><td>{}</td><td>{}</td><td>{} of {}{}</td></tr>",
                escaped(&line.name),
                line.family,
                number(line.value),
                number(line.previous),
                percent(line.percent_change),
                line.share.map_or_else(String::new, |share| format!("{:.1}%", share * 100.0)),
                line.days_present,
                line.days_expected,
                if line.synthetic { ", estimated" } else { "" }
            ));
        }
        html.push_str(&format!(
            "</tbody></table><h2>Quarter to date</h2><p>{}: {} downloads in {} complete month{}, {} in as many months of the quarter before ({}).{}</p>",
            self.quarter.label,
            grouped(self.quarter.value),
            self.quarter.months.len(),
            if self.quarter.months.len() == 1 { "" } else { "s" },
            grouped(self.quarter.previous),
            percent(Some(self.quarter.percent_change)),
            if self.quarter.missing > 0 { " Some months have no data: the sums are too low." } else { "" }
        ));
        let list = |title: &str, items: Vec<String>| {
            let items: String = items.iter().map(|item| format!("<li>{item}</li>")).collect();
            if items.is_empty() { String::new() } else { format!("<h2>{title}</h2><ul>{items}</ul>") }
        };
        html.push_str(&list("What is incomplete", self.remarks.iter().map(|r| escaped(r)).collect()));
        let notes = self
            .said_by_people
            .iter()
            .map(|note| format!("{}: {} ({})", note.day, escaped(&note.text), escaped(&note.author)))
            .collect();
        html.push_str(&list("What people say about it (not counted by us)", notes));
        html + "</body></html>\n"
    }
}

fn percent(value: Option<f64>) -> String {
    value.map_or_else(|| "no comparison".to_owned(), |value| format!("{value:+.1}%"))
}

fn escaped(text: &str) -> String {
    text.replace('&', "&amp;").replace('<', "&lt;").replace('>', "&gt;").replace('"', "&quot;")
}
