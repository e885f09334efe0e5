//! A `.tar.gz` whose bytes depend on its files alone.

use std::io::Write;

use flate2::{Compression, write::GzEncoder};
use jiff::{civil::Date, tz::TimeZone};

use crate::ExportError;

pub(crate) struct Archive<W: Write> {
    tar: tar::Builder<GzEncoder<W>>,
    /// Seconds since 1970, of every file.
    time: u64,
}

impl<W: Write> Archive<W> {
    /// An archive whose files all bear a day's first second.
    pub(crate) fn new(day: Date, out: W) -> Self {
        let start = day.to_zoned(TimeZone::UTC).map_or(0, |at| at.timestamp().as_second());
        let tar = tar::Builder::new(GzEncoder::new(out, Compression::default()));
        Self { tar, time: u64::try_from(start).unwrap_or(0) }
    }

    pub(crate) fn add(&mut self, path: &str, bytes: &[u8]) -> Result<(), ExportError> {
        let mut header = tar::Header::new_gnu();
        header.set_entry_type(tar::EntryType::Regular);
        header.set_mode(0o644);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(self.time);
        header.set_size(bytes.len() as u64);
        Ok(self.tar.append_data(&mut header, path, bytes)?)
    }

    pub(crate) fn finish(self) -> Result<(), ExportError> {
        Ok(self.tar.into_inner()?.finish()?.flush()?)
    }
}
