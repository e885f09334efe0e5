//! The report that arrives by itself: downloads and stars of a month or week beside the one before.
//!
//! A month's figures are those of the dashboard's month points; a week's are sums of counted days. A package without a single
//! counted day has no figure, and a figure with missing days says so.

use jiff::civil::Date;
use tallykeep_control::packages::PackagesMetric;
use tallykeep_reports::{Document, Every, Figure, Section, Span};

use super::monthly_report;
use crate::{
    config::Config,
    cumulative::value_at_or_before,
    index::{Index, MetricRows},
    rollups::{days_counted, downloads_between},
};

/// A line before it is a figure.
struct Line {
    product: String,
    name: String,
    now: Option<i64>,
    before: Option<i64>,
    note: String,
    /// Some of its days are missing and nothing stands in for them.
    is_partial: bool,
}

/// The document of a span; `latest` is the latest completed day.
pub fn periodic(index: &Index, config: &Config, report: &str, span: &Span, latest: Date) -> Document {
    let (lines, mut remarks) = match span.every {
        Every::Month => month_lines(index, config, span, latest),
        Every::Week => week_lines(index, config, span),
    };
    let mut totals = vec![sum("All downloads", lines.iter())];
    if config.products.len() > 1 {
        for product in &config.products {
            let mut of_product = lines.iter().filter(|line| line.product == product.id).peekable();
            if of_product.peek().is_some() {
                totals.push(sum(&product.title, of_product));
            }
        }
    }
    let mut sections = vec![Section { title: "Downloads".to_owned(), figures: totals }];
    let figures = |lines: Vec<Line>| -> Vec<Figure> {
        lines.into_iter().map(|line| Figure::count(line.name, line.now, line.before).with_note(line.note)).collect()
    };
    sections.push(Section { title: "Downloads by package".to_owned(), figures: figures(lines) });
    let stars = star_lines(index, span);
    if !stars.is_empty() {
        sections.push(Section { title: "Stars at the end".to_owned(), figures: figures(stars) });
    }
    for gap in index.recent_gaps(latest).iter().filter(|gap| span.first <= gap.day && gap.day <= span.last) {
        remarks.push(format!("{}: several sources dropped together; that is a gap in collecting", gap.day));
    }
    let notes = index.derived.annotations.iter().filter(|note| span.first <= note.day && note.day <= span.last);
    remarks.extend(notes.map(|note| format!("{}: {} (a note by {})", note.day, note.text, note.author)));
    Document {
        report: report.to_owned(),
        scope: String::new(),
        slug: String::new(),
        title: config.project.title.clone(),
        about: "Downloads are package pulls by people, build servers and mirrors; they are not users.".to_owned(),
        period: *span,
        before: span.before(),
        sections,
        remarks,
        link: None,
    }
}

/// A total of what is known; nothing when nothing is.
fn sum<'a>(name: &str, lines: impl Iterator<Item = &'a Line>) -> Figure {
    let (mut now, mut before, mut unknown, mut partial) = (None::<i64>, None::<i64>, 0, 0);
    for line in lines {
        if let Some(value) = line.now {
            *now.get_or_insert(0) += value;
        }
        if let Some(value) = line.before {
            *before.get_or_insert(0) += value;
        }
        unknown += usize::from(line.now.is_none());
        partial += usize::from(line.now.is_some() && line.is_partial);
    }
    let packages = |many: usize, one: &str, more: &str| match many {
        0 => None,
        1 => Some(format!("one package {one}")),
        n => Some(format!("{n} packages {more}")),
    };
    let notes =
        [packages(unknown, "has no data", "have no data"), packages(partial, "with missing days", "with missing days")];
    Figure::count(name, now, before).with_note(notes.into_iter().flatten().collect::<Vec<_>>().join(", "))
}

fn month_lines(index: &Index, config: &Config, span: &Span, latest: Date) -> (Vec<Line>, Vec<String>) {
    let report = monthly_report(index, config, span.last, latest);
    let downloads = report.lines.into_iter().filter(|line| line.family == "downloads");
    let lines = downloads.map(|line| Line {
        note: match (line.value, line.synthetic) {
            (None, _) => String::new(),
            (_, true) => "estimated from both neighbours".to_owned(),
            _ if line.days_present < line.days_expected => {
                format!("{} of {} days", line.days_present, line.days_expected)
            }
            _ => String::new(),
        },
        is_partial: line.value.is_some() && !line.synthetic && line.days_present < line.days_expected,
        product: line.product,
        name: line.name,
        now: line.value,
        before: line.previous,
    });
    let lines = lines.collect();
    // Pages say a metric by its id beside its name; a mail has names only.
    let mut remarks = report.remarks;
    for remark in &mut remarks {
        if let Some(metric) =
            index.active("downloads").find(|metric| remark.starts_with(&format!("{}: ", metric.metric_id)))
        {
            *remark = format!("{}{}", name(config, metric), &remark[metric.metric_id.len()..]);
        }
    }
    (lines, remarks)
}

fn name(config: &Config, metric: &PackagesMetric) -> String {
    format!("{} {}", config.product_title(&metric.product), metric.display_name)
}

fn week_lines(index: &Index, config: &Config, span: &Span) -> (Vec<Line>, Vec<String>) {
    let known = |rows: &MetricRows, span: &Span| {
        let days = days_counted(rows, span.first, span.last);
        (days, (days > 0).then(|| downloads_between(rows, span.first, span.last)))
    };
    let mut remarks = Vec::new();
    let lines = index.active("downloads").map(|metric| {
        let rows = index.rows(&metric.metric_id);
        let (days, now) = known(rows, span);
        let note =
            if days > 0 && days < span.days() { format!("{days} of {} days", span.days()) } else { String::new() };
        if days < span.days() {
            remarks.push(format!("{}: {days} of {} days", name(config, metric), span.days()));
        }
        Line {
            is_partial: !note.is_empty(),
            product: metric.product.clone(),
            name: name(config, metric),
            now,
            before: known(rows, &span.before()).1,
            note,
        }
    });
    (lines.collect(), remarks)
}

fn star_lines(index: &Index, span: &Span) -> Vec<Line> {
    let stars = index.active("stars").map(|metric| {
        let rows = &index.rows(&metric.metric_id).rows;
        Line {
            product: metric.product.clone(),
            name: metric.subject.clone(),
            now: value_at_or_before(rows, span.last),
            before: value_at_or_before(rows, span.before().last),
            note: String::new(),
            is_partial: false,
        }
    });
    stars.collect()
}
