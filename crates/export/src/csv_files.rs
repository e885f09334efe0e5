//! `<query>/<subcount>/<metric>.csv` (spec/invenio §8.3).

use std::{borrow::Cow, io::Write};

use crate::{
    Collection, DateStyle, ExportError, Metric,
    archive::Archive,
    names::{Taken, file_name},
    units::unit,
};

/// Columns of every table.
pub(crate) const HEADER: [&str; 5] = ["id", "label", "date", "value", "units"];

impl Collection {
    /// A `.tar.gz` of one CSV file per metric that has points.
    ///
    /// Shape: columns `id,label,date,value,units`, one row per point, series after series as they stand in the collection. Unit: see
    /// [`unit`]. A metric without points has no file.
    pub fn csv_archive(&self) -> Result<Vec<u8>, ExportError> {
        let mut bytes = Vec::new();
        self.write_csv(&mut bytes)?;
        Ok(bytes)
    }

    /// The same, file by file as they are made: only one of them lies in memory.
    pub fn write_csv(&self, out: impl Write) -> Result<(), ExportError> {
        let mut archive = Archive::new(self.file_day(), out);
        let mut folders = Taken::default();
        for query in &self.queries {
            let folder = folders.take(file_name(&query.name), |name, n| format!("{name}_{n}"));
            let mut files = Taken::default();
            for subcount in &query.subcounts {
                for metric in subcount.metrics.iter().filter(|m| m.points() > 0) {
                    let path = format!("{folder}/{}/{}", file_name(&subcount.key), file_name(&metric.key));
                    let path = files.take(path, |name, n| format!("{name}_{n}"));
                    archive.add(&format!("{path}.csv"), &table(metric, self.dates)?)?;
                }
            }
        }
        archive.finish()
    }
}

fn table(metric: &Metric, dates: DateStyle) -> Result<Vec<u8>, ExportError> {
    let mut out = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(Vec::new());
    out.write_record(HEADER)?;
    let unit = unit(&metric.key);
    for series in &metric.series {
        let (id, label) = (safe(&series.id), safe(&series.label));
        series.each_point(dates, |day, value| {
            let number = value.to_string();
            out.write_record([id.as_ref(), label.as_ref(), day, number.as_str(), unit])
        })?;
    }
    out.into_inner().map_err(|error| ExportError::Io(error.into_error()))
}

/// Ids and labels come from records anybody may write. One that a spreadsheet would take for a formula gets an apostrophe.
fn safe(text: &str) -> Cow<'_, str> {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) {
        Cow::Owned(format!("'{text}"))
    } else {
        Cow::Borrowed(text)
    }
}
