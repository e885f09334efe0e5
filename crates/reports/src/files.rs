//! A report as files: CSV and XLSX with the same rows.

use rust_xlsxwriter::{Format, Workbook, XlsxError};

use crate::{Amount, Attach, Document, html, text};

/// A file with what its receiver needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct File {
    pub name: String,
    pub content_type: &'static str,
    pub bytes: Vec<u8>,
}

const COLUMNS: [&str; 9] =
    ["report", "period", "section", "name", "unit", "value", "previous", "percent_change", "note"];

fn unit(amount: Option<Amount>) -> &'static str {
    match amount {
        None => "",
        Some(Amount::Count(_)) => "count",
        Some(Amount::Bytes(_)) => "bytes",
        Some(Amount::Percent(_)) => "percent",
        Some(Amount::Average(_)) => "average",
    }
}

fn number(amount: Option<Amount>) -> String {
    match amount {
        None => String::new(),
        Some(Amount::Count(n) | Amount::Bytes(n)) => n.to_string(),
        Some(Amount::Percent(n) | Amount::Average(n)) => n.to_string(),
    }
}

/// A text that a spreadsheet would take for a formula gets an apostrophe before it.
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { format!("'{text}") } else { text.to_owned() }
}

/// One line per figure: `report,period,section,name,unit,value,previous,percent_change,note`. Unknown values are blank.
pub fn csv(document: &Document) -> Vec<u8> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    // A writer into memory does not fail.
    let _ = writer.write_record(COLUMNS);
    for section in &document.sections {
        for figure in &section.figures {
            let _ = writer.write_record([
                document.report.as_str(),
                &document.period.key(),
                &harmless(&section.title),
                &harmless(&figure.name),
                unit(figure.now.or(figure.before)),
                &number(figure.now),
                &number(figure.before),
                &figure.percent_change().map_or_else(String::new, |percent| format!("{percent:.4}")),
                &harmless(&figure.note),
            ]);
        }
    }
    writer.into_inner().unwrap_or_default()
}

/// The same rows as a workbook.
pub fn xlsx(document: &Document) -> Result<Vec<u8>, XlsxError> {
    let mut workbook = Workbook::new();
    let sheet = workbook.add_worksheet();
    sheet.set_name("Report")?;
    let bold = Format::new().set_bold();
    for (column, name) in (0_u16..).zip(COLUMNS) {
        sheet.write_with_format(0, column, name, &bold)?;
    }
    let mut row = 1_u32;
    for section in &document.sections {
        for figure in &section.figures {
            for (column, text) in [
                (0, document.report.as_str()),
                (1, &document.period.key()),
                (2, &section.title),
                (3, &figure.name),
                (4, unit(figure.now.or(figure.before))),
                (8, &figure.note),
            ] {
                sheet.write_string(row, column, text)?;
            }
            for (column, amount) in [(5, figure.now), (6, figure.before)] {
                if let Some(amount) = amount {
                    sheet.write_number(row, column, amount.number())?;
                }
            }
            if let Some(percent) = figure.percent_change() {
                sheet.write_number(row, 7, percent)?;
            }
            row += 1;
        }
    }
    sheet.autofit();
    workbook.save_to_buffer()
}

/// `board-2026-02` or `board-COMMUNITY-2026-02`, of letters a file system takes.
pub(crate) fn stem(document: &Document) -> String {
    let safe = |text: &str| text.replace(|c: char| !c.is_ascii_alphanumeric() && c != '-' && c != '_', "-");
    if document.slug.is_empty() {
        format!("{}-{}", safe(&document.report), document.period.key())
    } else {
        format!("{}-{}-{}", safe(&document.report), safe(&document.slug), document.period.key())
    }
}

/// The files that go with a report.
pub(crate) fn attached(document: &Document, kinds: &[Attach]) -> Result<Vec<File>, XlsxError> {
    kinds
        .iter()
        .map(|kind| {
            Ok(match kind {
                Attach::Csv => File {
                    name: format!("{}.csv", stem(document)),
                    content_type: "text/csv; charset=utf-8",
                    bytes: csv(document),
                },
                Attach::Xlsx => File {
                    name: format!("{}.xlsx", stem(document)),
                    content_type: "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
                    bytes: xlsx(document)?,
                },
            })
        })
        .collect()
}

/// The files for a folder: the report itself as text and HTML beside them.
pub(crate) fn for_folder(document: &Document, kinds: &[Attach]) -> Result<Vec<File>, XlsxError> {
    let mut files = vec![
        File {
            name: format!("{}.html", stem(document)),
            content_type: "text/html; charset=utf-8",
            bytes: html(document, "").into_bytes(),
        },
        File {
            name: format!("{}.txt", stem(document)),
            content_type: "text/plain; charset=utf-8",
            bytes: text(document).into_bytes(),
        },
    ];
    files.extend(attached(document, kinds)?);
    Ok(files)
}
