//! A report as plain text.

use crate::{Amount, Document, Figure};

/// For mails and terminals.
pub fn text(document: &Document) -> String {
    let mut out = format!(
        "{}\n{}, compared with {}.\n{}\n",
        document.title,
        upper_first(&document.period.label()),
        document.before.label(),
        document.about
    );
    for section in &document.sections {
        out.push_str(&format!("\n{}\n", section.title));
        let width = section.figures.iter().map(|figure| figure.name.chars().count()).max().unwrap_or(0);
        let values: Vec<String> = section.figures.iter().map(|figure| shown(figure.now)).collect();
        let value_width = values.iter().map(|value| value.chars().count()).max().unwrap_or(0);
        for (figure, value) in section.figures.iter().zip(&values) {
            let pad = " ".repeat(width - figure.name.chars().count());
            let value_pad = " ".repeat(value_width - value.chars().count());
            let note = if figure.note.is_empty() { String::new() } else { format!("; {}", figure.note) };
            out.push_str(&format!(
                "  {}{pad}  {value_pad}{value}  ({} before, {}{note})\n",
                figure.name,
                shown(figure.before),
                change(figure)
            ));
        }
    }
    if !document.remarks.is_empty() {
        out.push_str("\nTo know about it\n");
        for remark in &document.remarks {
            out.push_str(&format!("  - {remark}\n"));
        }
    }
    if let Some(link) = &document.link {
        out.push_str(&format!("\nMore: {link}\n"));
    }
    out
}

fn upper_first(text: &str) -> String {
    let mut letters = text.chars();
    letters.next().map_or_else(String::new, |first| first.to_uppercase().chain(letters).collect())
}

/// A number as people read it; `no data` where there is none.
pub(crate) fn shown(amount: Option<Amount>) -> String {
    match amount {
        None => "no data".to_owned(),
        Some(Amount::Count(n)) => grouped(n),
        Some(Amount::Bytes(n)) => bytes(n),
        Some(Amount::Percent(n)) => format!("{n:.1}%"),
        Some(Amount::Average(n)) => format!("{n:.2}"),
    }
}

/// `+12.5%`, or why there is none.
pub(crate) fn change(figure: &Figure) -> String {
    // A share that moves does so by points: percent of percents would mislead.
    if let (Some(Amount::Percent(now)), Some(Amount::Percent(before))) = (figure.now, figure.before) {
        return format!("{:+.1} points", now - before);
    }
    match figure.percent_change() {
        Some(percent) => format!("{percent:+.1}%"),
        None => "no comparison".to_owned(),
    }
}

/// `1234567` → `1,234,567`.
pub fn grouped(value: i64) -> String {
    let digits = value.unsigned_abs().to_string();
    let mut text = String::new();
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    if value < 0 { format!("−{text}") } else { text }
}

#[expect(clippy::cast_precision_loss, reason = "shown with one decimal")]
fn bytes(value: i64) -> String {
    let mut size = value as f64;
    let mut unit = "B";
    for next in ["kB", "MB", "GB", "TB", "PB"] {
        if size.abs() < 1000.0 {
            break;
        }
        size /= 1000.0;
        unit = next;
    }
    if unit == "B" { format!("{} B", grouped(value)) } else { format!("{size:.1} {unit}") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Every, Section, Span};

    #[test]
    fn a_report_reads_like_a_ledger() {
        let period = Span::parse(Every::Month, "2026-02").expect("a month");
        let document = Document {
            report: "board".to_owned(),
            scope: String::new(),
            slug: String::new(),
            title: "Statistics of Lances".to_owned(),
            about: "Downloads are package pulls, not users.".to_owned(),
            period,
            before: period.before(),
            sections: vec![Section {
                title: "Downloads".to_owned(),
                figures: vec![
                    Figure::count("All", Some(1120), Some(310)),
                    Figure::count("Rust", Some(280), None).with_note("14 of 28 days"),
                    Figure::bytes("Moved", Some(2_500_000), Some(0)),
                    Figure {
                        name: "Share".to_owned(),
                        now: Some(Amount::Percent(75.0)),
                        before: Some(Amount::Percent(80.5)),
                        note: String::new(),
                    },
                ],
            }],
            remarks: vec!["downloads:a:rust: 14 of 28 days".to_owned()],
            link: Some("https://stats.example.org/packages".to_owned()),
        };
        assert_eq!(
            text(&document),
            "Statistics of Lances\nFebruary 2026, compared with January 2026.\nDownloads are package pulls, not users.\n\
             \nDownloads\n\
             \x20 All     1,120  (310 before, +261.3%)\n\
             \x20 Rust      280  (no data before, no comparison; 14 of 28 days)\n\
             \x20 Moved  2.5 MB  (0 B before, no comparison)\n\
             \x20 Share   75.0%  (80.5% before, -5.5 points)\n\
             \nTo know about it\n  - downloads:a:rust: 14 of 28 days\n\nMore: https://stats.example.org/packages\n"
        );
    }
}
