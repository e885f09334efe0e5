//! Documents fetched but not imported yet, on disk: a process that dies loses at most the page it was fetching.
//!
//! Two files: the documents as lines, and a note that says up to which byte they are whole and where the source goes on behind them.
//! The note is replaced by a rename after its page's lines are written, so lines behind it belong to a page that did not end.

use std::{
    fs::{File, OpenOptions},
    io::{BufRead, BufReader, Write},
    path::{Path, PathBuf},
};

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::SourceError;

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Note {
    /// The run and slice the lines belong to.
    belongs: String,
    bytes: u64,
    documents: u64,
    at: Value,
    is_last: bool,
}

pub(super) struct Spool {
    lines: PathBuf,
    note_file: PathBuf,
    note: Note,
}

impl Spool {
    /// Opens the spool of a slice, keeping what a dead process left of the same run and dropping what belongs to another.
    ///
    /// Errors: the folder cannot be made or written.
    pub fn open(folder: &Path, name: &str, belongs: &str) -> Result<Self, SourceError> {
        std::fs::create_dir_all(folder).map_err(SourceError::spool(folder))?;
        let (lines, note_file) = (folder.join(format!("{name}.ndjson")), folder.join(format!("{name}.json")));
        let kept: Option<Note> = std::fs::read(&note_file).ok().and_then(|text| serde_json::from_slice(&text).ok());
        let whole = |note: &Note| {
            note.belongs == belongs && std::fs::metadata(&lines).is_ok_and(|file| file.len() >= note.bytes)
        };
        let note = kept.filter(whole).unwrap_or_else(|| Note { belongs: belongs.to_owned(), ..Note::default() });
        let spool = Self { lines, note_file, note };
        let file = OpenOptions::new().create(true).write(true).truncate(false).open(&spool.lines);
        let file = file.map_err(SourceError::spool(&spool.lines))?;
        file.set_len(spool.note.bytes).map_err(SourceError::spool(&spool.lines))?;
        Ok(spool)
    }

    pub fn documents(&self) -> u64 {
        self.note.documents
    }

    pub fn file(&self) -> &Path {
        &self.lines
    }

    /// Where the source goes on behind what is here; `None` when nothing was spooled.
    pub fn at(&self) -> Option<&Value> {
        (!self.note.at.is_null()).then_some(&self.note.at)
    }

    /// Whether the slice ends with what is here.
    pub fn is_last(&self) -> bool {
        self.note.is_last
    }

    /// Adds a page.
    pub fn add(&mut self, documents: &[Value], at: Value, is_last: bool) -> Result<(), SourceError> {
        let mut text = String::new();
        for document in documents {
            text.push_str(&document.to_string());
            text.push('\n');
        }
        let mut file = OpenOptions::new().append(true).open(&self.lines).map_err(SourceError::spool(&self.lines))?;
        file.write_all(text.as_bytes()).map_err(SourceError::spool(&self.lines))?;
        self.note.bytes += text.len() as u64;
        self.note.documents += documents.len() as u64;
        self.note.at = at;
        self.note.is_last = is_last;
        self.write_note()
    }

    /// Empties it, once its documents are imported and the position is kept.
    pub fn clear(&mut self) -> Result<(), SourceError> {
        // The note goes first: lines without a note are nobody's.
        std::fs::remove_file(&self.note_file).map_err(SourceError::spool(&self.note_file))?;
        self.note = Note { belongs: std::mem::take(&mut self.note.belongs), ..Note::default() };
        File::create(&self.lines).map(drop).map_err(SourceError::spool(&self.lines))
    }

    /// Takes both files away.
    pub fn remove(self) {
        // What stays behind is dropped by the next run.
        let _ = std::fs::remove_file(&self.note_file);
        let _ = std::fs::remove_file(&self.lines);
    }

    /// The lines of the given numbers (from 1), for telling what was refused.
    pub fn named(&self, numbers: &[u64]) -> Vec<(u64, Value)> {
        let Ok(file) = File::open(&self.lines) else { return Vec::new() };
        (1..)
            .zip(BufReader::new(file).lines())
            .filter(|(number, _)| numbers.contains(number))
            .filter_map(|(number, line)| Some((number, serde_json::from_str(&line.ok()?).ok()?)))
            .collect()
    }

    fn write_note(&self) -> Result<(), SourceError> {
        let fresh = self.note_file.with_extension("json.new");
        let text = serde_json::to_vec(&self.note).map_err(crate::RepositoryError::from)?;
        std::fs::write(&fresh, text).map_err(SourceError::spool(&fresh))?;
        std::fs::rename(&fresh, &self.note_file).map_err(SourceError::spool(&self.note_file))
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_page_that_did_not_end_is_dropped_and_a_whole_one_is_kept() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spool = Spool::open(folder.path(), "records", "run 1").expect("opens");
        spool.add(&[json!({"id": "a"}), json!({"id": "b"})], json!(2), false).expect("added");
        // A process that dies while it writes leaves lines no note speaks of.
        let mut file = OpenOptions::new().append(true).open(spool.file()).expect("opens");
        file.write_all(b"{\"id\": \"c\"").expect("written");
        drop(spool);
        let mut spool = Spool::open(folder.path(), "records", "run 1").expect("opens again");
        assert_eq!((spool.documents(), spool.at()), (2, Some(&json!(2))));
        assert_eq!(std::fs::read_to_string(spool.file()).expect("text"), "{\"id\":\"a\"}\n{\"id\":\"b\"}\n");
        assert_eq!(spool.named(&[2]), [(2, json!({"id": "b"}))]);
        spool.clear().expect("cleared");
        assert_eq!((spool.documents(), spool.at()), (0, None));
    }

    #[test]
    fn what_another_run_left_is_dropped() {
        let folder = tempfile::tempdir().expect("a folder");
        let mut spool = Spool::open(folder.path(), "records", "run 1").expect("opens");
        spool.add(&[json!({"id": "a"})], json!(1), false).expect("added");
        let spool = Spool::open(folder.path(), "records", "run 2").expect("opens");
        assert_eq!((spool.documents(), spool.at()), (0, None));
        assert_eq!(std::fs::metadata(spool.file()).expect("there").len(), 0);
    }
}
