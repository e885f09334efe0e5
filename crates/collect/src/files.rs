//! Files as they come: plain, `.gz` or `.zst` (told by their first bytes, not their name), CSV, JSON lines or one JSON array.
//!
//! Every record comes with the line it starts on, and every error names file and line, so a person can go and look.

use std::{
    fs::File,
    io::{BufRead, BufReader, Read},
    path::{Path, PathBuf},
};

use serde_json::Value;

/// One JSON record or CSV line may not be larger than this: a missing quote must not eat the machine.
const RECORD_LIMIT: usize = 64 * 1024 * 1024;

/// A file that cannot be read at all.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    #[error("could not read {}: {source}", .file.display())]
    Read { file: PathBuf, source: std::io::Error },
    #[error("{}:1: the file is empty, a header line was expected", .file.display())]
    NoHeader { file: PathBuf },
    #[error("{}:1: column `{column}` is missing; the header has {found}", .file.display())]
    NoColumn { file: PathBuf, column: String, found: String },
    #[error("{}:1: column `{column}` appears twice", .file.display())]
    TwiceColumn { file: PathBuf, column: String },
}

/// One line that cannot be used. The lines around it can.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[error("{file}:{line}: {reason}")]
pub struct LineError {
    pub file: String,
    pub line: u64,
    pub reason: String,
}

/// Opens a file for reading as bytes, decompressing gzip (several members too) and zstd.
///
/// Errors: `Read`, naming the file.
pub fn open_text(file: &Path) -> Result<Box<dyn BufRead + Send>, FileError> {
    let fail = |source| FileError::Read { file: file.to_owned(), source };
    let mut reader = BufReader::with_capacity(256 * 1024, File::open(file).map_err(fail)?);
    let start = reader.fill_buf().map_err(fail)?;
    if start.starts_with(&[0x1f, 0x8b]) {
        return Ok(Box::new(BufReader::with_capacity(256 * 1024, flate2::bufread::MultiGzDecoder::new(reader))));
    }
    if start.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
        let decoder = zstd::stream::read::Decoder::with_buffer(reader).map_err(fail)?;
        return Ok(Box::new(BufReader::with_capacity(256 * 1024, decoder)));
    }
    Ok(Box::new(reader))
}

/// The records of a JSON lines file or of one JSON array, each with the line it starts on.
///
/// A record that is no JSON is an error of its line and the reading goes on with the next one; a broken archive ends it.
pub struct JsonValues {
    name: String,
    reader: Box<dyn BufRead + Send>,
    line: u64,
    mode: Option<Mode>,
    done: bool,
}

#[derive(Clone, Copy, PartialEq)]
enum Mode {
    Lines,
    Array,
}

impl JsonValues {
    /// Opens a file. Errors: `Read`.
    pub fn open(file: &Path) -> Result<Self, FileError> {
        Ok(Self::from_reader(file.display().to_string(), open_text(file)?))
    }

    /// Reads from anything, under a name for errors.
    pub fn from_reader(name: impl Into<String>, reader: Box<dyn BufRead + Send>) -> Self {
        Self { name: name.into(), reader, line: 1, mode: None, done: false }
    }

    /// The next record's text and its line.
    fn next_text(&mut self) -> std::io::Result<Option<(u64, Vec<u8>)>> {
        if self.mode.is_none() {
            self.skip_space()?;
            let array = self.reader.fill_buf()?.first() == Some(&b'[');
            if array {
                self.reader.consume(1);
            }
            self.mode = Some(if array { Mode::Array } else { Mode::Lines });
        }
        if self.mode == Some(Mode::Array) { self.next_element() } else { self.next_line() }
    }

    fn next_line(&mut self) -> std::io::Result<Option<(u64, Vec<u8>)>> {
        loop {
            let mut text = Vec::new();
            let read = (&mut self.reader).take(RECORD_LIMIT as u64).read_until(b'\n', &mut text)?;
            if read == 0 {
                return Ok(None);
            }
            let line = self.line;
            self.line += 1;
            if read == RECORD_LIMIT {
                return Err(std::io::Error::other("the line is longer than 64 MiB"));
            }
            if !text.iter().all(u8::is_ascii_whitespace) {
                return Ok(Some((line, text)));
            }
        }
    }

    fn skip_space(&mut self) -> std::io::Result<()> {
        loop {
            let buffer = self.reader.fill_buf()?;
            // A byte order mark is not data.
            if self.line == 1 && buffer.starts_with(&[0xef, 0xbb, 0xbf]) {
                self.reader.consume(3);
                continue;
            }
            let space = buffer.iter().take_while(|byte| byte.is_ascii_whitespace()).count();
            if space == 0 {
                return Ok(());
            }
            self.line += buffer[..space].iter().filter(|byte| **byte == b'\n').count() as u64;
            self.reader.consume(space);
        }
    }

    /// One element of an array: the bytes up to the comma or bracket outside strings and nesting.
    fn next_element(&mut self) -> std::io::Result<Option<(u64, Vec<u8>)>> {
        self.skip_space()?;
        let start = self.line;
        let (mut text, mut depth, mut quoted, mut escaped) = (Vec::new(), 0_i64, false, false);
        loop {
            let buffer = self.reader.fill_buf()?;
            if buffer.is_empty() {
                return Err(std::io::Error::other("the array does not end"));
            }
            let mut used = 0;
            let mut end = None;
            for byte in buffer {
                used += 1;
                self.line += u64::from(*byte == b'\n');
                if quoted {
                    match byte {
                        _ if escaped => escaped = false,
                        b'\\' => escaped = true,
                        b'"' => quoted = false,
                        _ => {}
                    }
                } else {
                    match byte {
                        b'"' => quoted = true,
                        b'{' | b'[' => depth += 1,
                        b',' if depth == 0 => end = Some(false),
                        b']' if depth == 0 => end = Some(true),
                        b'}' | b']' => depth -= 1,
                        _ => {}
                    }
                    if end.is_some() {
                        break;
                    }
                }
                text.push(*byte);
            }
            self.reader.consume(used);
            if text.len() > RECORD_LIMIT {
                return Err(std::io::Error::other("the record is longer than 64 MiB"));
            }
            if let Some(last) = end {
                self.done = last;
                if text.iter().all(u8::is_ascii_whitespace) {
                    return if last { Ok(None) } else { self.next_element() };
                }
                return Ok(Some((start, text)));
            }
        }
    }
}

impl Iterator for JsonValues {
    type Item = Result<(u64, Value), LineError>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.done {
            return None;
        }
        let fail = |name: &str, line, reason: String| Err(LineError { file: name.to_owned(), line, reason });
        match self.next_text() {
            Ok(None) => {
                self.done = true;
                None
            }
            Ok(Some((line, text))) => Some(match serde_json::from_slice(&text) {
                Ok(value) => Ok((line, value)),
                Err(error) => fail(&self.name, line, format!("not JSON: {}", without_position(&error))),
            }),
            Err(error) => {
                self.done = true;
                Some(fail(&self.name, self.line, error.to_string()))
            }
        }
    }
}

/// serde_json ends its messages with the line and column inside the record; ours is the line of the file.
fn without_position(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.rfind(" at line ") {
        Some(at) => format!("{} (column {})", &text[..at], error.column()),
        None => text,
    }
}

/// A CSV file with a header line.
pub struct CsvFile {
    name: PathBuf,
    header: Vec<String>,
    reader: csv::Reader<Box<dyn BufRead + Send>>,
}

/// One line of a CSV file.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct CsvLine {
    pub line: u64,
    pub fields: csv::StringRecord,
}

impl CsvLine {
    /// The field of a column found with [`CsvFile::column`], trimmed.
    pub fn field(&self, column: usize) -> &str {
        self.fields.get(column).unwrap_or("").trim()
    }
}

impl CsvFile {
    /// Opens a file and reads its header. Errors: `Read`, `NoHeader`, `TwiceColumn`.
    pub fn open(file: &Path) -> Result<Self, FileError> {
        let mut reader = csv::ReaderBuilder::new().flexible(false).from_reader(open_text(file)?);
        let header = reader
            .headers()
            .map_err(|error| FileError::Read { file: file.to_owned(), source: std::io::Error::other(error) })?;
        let header: Vec<String> =
            header.iter().map(|name| name.trim_start_matches('\u{feff}').trim().to_owned()).collect();
        if header.iter().all(String::is_empty) {
            return Err(FileError::NoHeader { file: file.to_owned() });
        }
        for (index, name) in header.iter().enumerate() {
            if header[..index].contains(name) {
                return Err(FileError::TwiceColumn { file: file.to_owned(), column: name.clone() });
            }
        }
        Ok(Self { name: file.to_owned(), header, reader })
    }

    pub fn header(&self) -> &[String] {
        &self.header
    }

    /// The position of a column. Errors: `NoColumn`, naming what the header has.
    pub fn column(&self, name: &str) -> Result<usize, FileError> {
        self.find(name).ok_or_else(|| FileError::NoColumn {
            file: self.name.clone(),
            column: name.to_owned(),
            found: self.header.iter().map(|h| format!("`{h}`")).collect::<Vec<_>>().join(", "),
        })
    }

    /// The position of a column that may be absent.
    pub fn find(&self, name: &str) -> Option<usize> {
        self.header.iter().position(|column| column == name)
    }

    /// An error of one line of this file.
    pub fn error(&self, line: u64, reason: impl Into<String>) -> LineError {
        LineError { file: self.name.display().to_string(), line, reason: reason.into() }
    }

    /// The next line, `None` at the end. A line with a wrong number of fields or bad text is an error of that line only.
    pub fn next_line(&mut self) -> Option<Result<CsvLine, LineError>> {
        let mut line = CsvLine::default();
        Some(self.read_line(&mut line)?.map(|()| line))
    }

    /// The same into a line that was read before: for files of millions of lines.
    pub fn read_line(&mut self, into: &mut CsvLine) -> Option<Result<(), LineError>> {
        match self.reader.read_record(&mut into.fields) {
            Ok(false) => None,
            Ok(true) => {
                into.line = into.fields.position().map_or(0, csv::Position::line);
                Some(Ok(()))
            }
            Err(error) => {
                let line = error.position().map_or_else(|| self.reader.position().line(), csv::Position::line);
                let reason = match error.kind() {
                    csv::ErrorKind::UnequalLengths { expected_len, len, .. } => {
                        format!("{len} fields, but the header has {expected_len}")
                    }
                    csv::ErrorKind::Utf8 { .. } => "not UTF-8".to_owned(),
                    _ => error.to_string(),
                };
                // An archive that breaks off would give the same error for ever.
                if matches!(error.kind(), csv::ErrorKind::Io(_)) {
                    self.reader = csv::Reader::from_reader(Box::new(std::io::empty()));
                }
                Some(Err(self.error(line, reason)))
            }
        }
    }
}
