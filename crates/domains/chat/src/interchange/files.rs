//! Where the files are: a folder, or an archive that is unpacked beside nothing else.

use std::{
    fs::File,
    io,
    path::{Path, PathBuf},
};

use tempfile::TempDir;

use super::ImportError;

/// The files of an import by name; an archive's live in a folder that goes away with it.
pub struct Folder {
    path: PathBuf,
    _unpacked: Option<TempDir>,
}

/// The files there may be, in the order they are read: parents first.
pub(super) const NAMES: [&str; 10] = [
    "teams",
    "experiments",
    "channels",
    "participants",
    "sessions",
    "messages",
    "tags",
    "tag_links",
    "traces",
    "usage",
];

impl Folder {
    /// Opens a folder, a `.zip`, a `.tar` or a `.tar.gz`.
    ///
    /// Errors: nothing there, an archive that breaks off, or no file with one of the names.
    pub fn open(path: &Path) -> Result<Self, ImportError> {
        let fail = |reason: String| ImportError::Folder { at: path.display().to_string(), reason };
        let folder = if path.is_dir() {
            Self { path: path.to_owned(), _unpacked: None }
        } else {
            let unpacked = tempfile::tempdir().map_err(|error| fail(error.to_string()))?;
            unpack(path, unpacked.path()).map_err(|error| fail(error.to_string()))?;
            Self { path: unpacked.path().to_owned(), _unpacked: Some(unpacked) }
        };
        if NAMES.iter().all(|name| folder.find(name).is_none()) {
            let names: Vec<String> = NAMES.iter().map(|name| format!("{name}.csv")).collect();
            return Err(fail(format!("none of {} (or .csv.gz) is there", names.join(", "))));
        }
        Ok(folder)
    }

    /// The file of a name, packed or not.
    pub(super) fn find(&self, name: &str) -> Option<PathBuf> {
        ["csv", "csv.gz", "csv.zst"]
            .iter()
            .map(|ending| self.path.join(format!("{name}.{ending}")))
            .find(|file| file.is_file())
    }
}

/// Writes the entries with a name of ours into the folder; whatever path they have in the archive, they leave it only by name.
fn unpack(archive: &Path, folder: &Path) -> io::Result<()> {
    let wanted = |name: &str| {
        let file = Path::new(name).file_name()?.to_str()?;
        let stem = file.split('.').next()?;
        let ending = file.strip_prefix(stem)?;
        (NAMES.contains(&stem) && matches!(ending, ".csv" | ".csv.gz" | ".csv.zst")).then(|| folder.join(file))
    };
    let mut file = File::open(archive)?;
    let mut start = [0_u8; 4];
    let read = io::Read::read(&mut file, &mut start)?;
    io::Seek::rewind(&mut file)?;
    if start[..read].starts_with(b"PK") {
        let mut zip = zip::ZipArchive::new(io::BufReader::new(file)).map_err(io::Error::other)?;
        for index in 0..zip.len() {
            let mut entry = zip.by_index(index).map_err(io::Error::other)?;
            let name = entry.name().map_err(io::Error::other)?.into_owned();
            if let Some(to) = wanted(&name) {
                copy_new(&mut entry, &to)?;
            }
        }
        return Ok(());
    }
    let plain: Box<dyn io::Read> = if start[..read].starts_with(&[0x1f, 0x8b]) {
        Box::new(flate2::read::MultiGzDecoder::new(io::BufReader::new(file)))
    } else {
        Box::new(io::BufReader::new(file))
    };
    let mut tar = tar::Archive::new(plain);
    for entry in tar.entries()? {
        let mut entry = entry.map_err(|_| io::Error::other("neither a folder nor a .zip, .tar or .tar.gz archive"))?;
        let name = entry.path()?.to_string_lossy().into_owned();
        if let Some(to) = wanted(&name) {
            copy_new(&mut entry, &to)?;
        }
    }
    Ok(())
}

fn copy_new(from: &mut impl io::Read, to: &Path) -> io::Result<()> {
    let mut file = File::create_new(to).map_err(|error| {
        io::Error::new(error.kind(), format!("{} is there twice", to.file_name().unwrap_or_default().display()))
    })?;
    io::copy(from, &mut file)?;
    Ok(())
}
