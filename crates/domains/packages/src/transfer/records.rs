//! Records of a file, JSON lines or CSV, and their fields by mapping, own name or alias.

use std::{collections::HashMap, path::Path};

use serde_json::{Value, json};
use tallykeep_collect::{CsvFile, FileError, JsonValues, LineError};

/// Names other tools give to our fields, taken when nothing is mapped.
const ALIASES: [(&str, &[&str]); 3] = [
    ("period_end", &["day", "date"]),
    ("value", &["downloads", "count", "stars"]),
    ("subject", &["package", "repository", "crate"]),
];

/// One record of a file by column.
pub(super) type Record = HashMap<String, Value>;

/// The records of a file, JSON or CSV told by the first byte, each with its line.
pub(super) fn records(file: &Path) -> Result<Box<dyn Iterator<Item = Result<(u64, Record), LineError>>>, FileError> {
    use std::io::BufRead;
    let mut peek = tallykeep_collect::open_text(file)?;
    let fail = |source| FileError::Read { file: file.to_owned(), source };
    let start = peek.fill_buf().map_err(fail)?;
    let first = start.iter().copied().find(|byte| !byte.is_ascii_whitespace());
    if matches!(first, Some(b'{' | b'[')) {
        let name = file.display().to_string();
        return Ok(Box::new(JsonValues::open(file)?.map(move |record| {
            let (line, value) = record?;
            match value {
                Value::Object(map) => Ok((line, map.into_iter().collect())),
                _ => Err(LineError { file: name.clone(), line, reason: "not an object".to_owned() }),
            }
        })));
    }
    let mut csv = CsvFile::open(file)?;
    let header = csv.header().to_vec();
    Ok(Box::new(std::iter::from_fn(move || {
        let line = csv.next_line()?;
        Some(line.map(|line| {
            let record = header.iter().cloned().zip((0..header.len()).map(|n| json!(line.field(n)))).collect();
            (line.line, record)
        }))
    })))
}

/// Reads fields of records by mapping, own name, alias.
pub(super) struct Fields<'a> {
    pub map: &'a [(String, String)],
}

impl Fields<'_> {
    pub fn text(&self, record: &Record, field: &str) -> Option<String> {
        let plain = |value: &Value| match value {
            Value::Null => None,
            Value::String(text) if text.trim().is_empty() => None,
            Value::String(text) => Some(text.trim().to_owned()),
            other => Some(other.to_string()),
        };
        if let Some((_, column)) = self.map.iter().find(|(name, _)| name == field) {
            if column.contains('{') {
                let mut text = column.clone();
                for (name, value) in record {
                    text = text.replace(&format!("{{{name}}}"), &plain(value).unwrap_or_default());
                }
                return Some(text);
            }
            return record.get(column).and_then(plain);
        }
        let aliases = ALIASES.iter().find(|(name, _)| *name == field).map_or(&[][..], |(_, names)| names);
        std::iter::once(&field).chain(aliases).find_map(|name| record.get(*name)).and_then(plain)
    }
}

/// A whole number; fractions are rounded half away from zero, blanks and thousands commas left out.
pub(super) fn whole(text: &str) -> Option<i64> {
    let text: String = text.chars().filter(|c| !c.is_whitespace() && *c != ',').collect();
    if let Ok(whole) = text.parse() {
        return Some(whole);
    }
    let number: f64 = text.parse().ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "checked to be inside what an i64 and a double both hold")]
    (number.is_finite() && number.abs() < 9.0e15).then(|| number.round() as i64)
}
