//! `<query>/<subcount>.xlsx`, one worksheet per metric (spec/invenio §8.3).

use std::io::Write;

use jiff::civil::Date;
use rust_xlsxwriter::{DocProperties, ExcelDateTime, Format, Workbook, Worksheet};

use crate::{
    Collection, DateStyle, ExportError, Metric, Subcount,
    archive::Archive,
    csv_files::HEADER,
    names::{Taken, file_name, numbered_sheet_name, sheet_name},
    units::unit,
};

/// Rows of a worksheet, the header among them.
const ROWS: u32 = 1_048_576;
/// Characters of a cell.
const LONGEST_TEXT: usize = 32_767;
/// Whole numbers beyond lose digits in a spreadsheet.
const EXACT: u64 = 1 << 53;

impl Collection {
    /// A `.tar.gz` of one workbook per subcount.
    ///
    /// Shape: a worksheet per metric that has points, columns as in the CSV files; a metric with more rows than a worksheet holds goes on in
    /// `<metric> (2)`. A subcount without any point has the one worksheet `No Data`.
    pub fn xlsx_archive(&self) -> Result<Vec<u8>, ExportError> {
        let mut bytes = Vec::new();
        self.write_xlsx(&mut bytes)?;
        Ok(bytes)
    }

    /// The same, file by file as they are made: only one of them lies in memory.
    pub fn write_xlsx(&self, out: impl Write) -> Result<(), ExportError> {
        let mut archive = Archive::new(self.file_day(), out);
        let mut folders = Taken::default();
        for query in &self.queries {
            let folder = folders.take(file_name(&query.name), |name, n| format!("{name}_{n}"));
            let mut files = Taken::default();
            for subcount in &query.subcounts {
                let file = files.take(file_name(&subcount.key), |name, n| format!("{name}_{n}"));
                let book = workbook(&query.name, subcount, self.dates, self.file_day(), ROWS)?;
                archive.add(&format!("{folder}/{file}.xlsx"), &book)?;
            }
        }
        archive.finish()
    }
}

fn workbook(query: &str, subcount: &Subcount, dates: DateStyle, day: Date, rows: u32) -> Result<Vec<u8>, ExportError> {
    let mut book = Workbook::new();
    // Else the file would say when it was made, and no two were the same.
    let made =
        ExcelDateTime::from_ymd(day.year().unsigned_abs(), day.month().unsigned_abs(), day.day().unsigned_abs())?;
    book.set_properties(
        &DocProperties::new().set_title(format!("{query} {}", subcount.key)).set_creation_datetime(&made),
    );
    let header = Format::new().set_bold().set_background_color(0x00CC_CCCC);
    let mut taken = Taken::default();
    for metric in subcount.metrics.iter().filter(|m| m.points() > 0) {
        let mut name = || taken.take(sheet_name(&metric.key), numbered_sheet_name);
        sheets(&mut book, metric, dates, &header, rows, &mut name)?;
    }
    if subcount.metrics.iter().all(|m| m.points() == 0) {
        let sheet = book.add_worksheet().set_name("No Data")?;
        let why = format!("{query} has no points for {}", subcount.key);
        for (row, text) in (0..).zip(["No Data Available", &why, "Days without an event or record have no point."]) {
            sheet.write_string(row, 0, text)?;
        }
    }
    Ok(book.save_to_buffer()?)
}

/// Writes a metric's rows, on as many worksheets as they need.
fn sheets(
    book: &mut Workbook,
    metric: &Metric,
    dates: DateStyle,
    header: &Format,
    rows: u32,
    name: &mut impl FnMut() -> String,
) -> Result<(), ExportError> {
    let unit = unit(&metric.key);
    let (mut sheet, mut row) = (new_sheet(header, name())?, 1);
    for series in &metric.series {
        let (id, label) = (cut(&series.id), cut(&series.label));
        series.each_point(dates, |day, value| {
            if row == rows {
                book.push_worksheet(std::mem::replace(&mut sheet, new_sheet(header, name())?));
                row = 1;
            }
            sheet.write_string(row, 0, id)?.write_string(row, 1, label)?.write_string(row, 2, day)?;
            if value.unsigned_abs() <= EXACT {
                #[expect(clippy::cast_precision_loss, reason = "checked: it is exact")]
                sheet.write_number(row, 3, value as f64)?;
            } else {
                sheet.write_string(row, 3, value.to_string())?;
            }
            sheet.write_string(row, 4, unit)?;
            row += 1;
            Ok::<(), ExportError>(())
        })?;
    }
    book.push_worksheet(sheet);
    Ok(())
}

fn new_sheet(header: &Format, name: String) -> Result<Worksheet, ExportError> {
    let mut sheet = Worksheet::new();
    sheet.set_name(name)?;
    for (column, title) in (0..).zip(HEADER) {
        sheet.write_string_with_format(0, column, title, header)?;
    }
    Ok(sheet)
}

/// As much of a text as a cell holds.
fn cut(text: &str) -> &str {
    match text.char_indices().nth(LONGEST_TEXT) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use jiff::civil::date;

    use super::*;
    use crate::Series;

    #[test]
    fn what_one_worksheet_cannot_hold_goes_on_in_the_next() {
        let points = (1..=5).map(|day| (date(2024, 1, day), i64::from(day))).collect();
        let series = Series { id: "a".to_owned(), label: "A".to_owned(), bar: false, filesize: false, points };
        let subcount =
            Subcount { key: "k".to_owned(), metrics: vec![Metric { key: "views".to_owned(), series: vec![series] }] };
        // A header and two points each.
        let book = workbook("q", &subcount, DateStyle::Full, date(2024, 1, 5), 3).expect("a workbook");
        let mut zip = zip::ZipArchive::new(std::io::Cursor::new(book)).expect("a zip file");
        let mut part = |name: &str| {
            let mut text = String::new();
            zip.by_name(name).expect("a part").read_to_string(&mut text).expect("text");
            text
        };
        let names = part("xl/workbook.xml");
        for name in ["name=\"views\"", "name=\"views (2)\"", "name=\"views (3)\""] {
            assert!(names.contains(name), "{names}");
        }
        let values: Vec<String> = (1..=3)
            .flat_map(|sheet| {
                let xml = part(&format!("xl/worksheets/sheet{sheet}.xml"));
                let cells = xml
                    .split("<c r=\"D")
                    .filter(|c| !c.contains("t=\"s\"><v>3<"))
                    .map(str::to_owned)
                    .collect::<Vec<_>>();
                cells
                    .into_iter()
                    .skip(1)
                    .filter_map(|c| Some(c.split_once("\"><v>")?.1.split_once('<')?.0.to_owned()))
                    .collect::<Vec<_>>()
            })
            .collect();
        assert_eq!(values, ["1", "2", "3", "4", "5"]);
    }
}
