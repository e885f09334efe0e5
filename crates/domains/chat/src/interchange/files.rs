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

/// Unpacked, an archive may hold this many times its own bytes. CSV packs to a tenth or a fiftieth; what packs to a thousandth
/// was made to fill a disk.
const MOST_TIMES: u64 = 200;
/// … and so many in any case.
const ALWAYS_ALLOWED: u64 = 1 << 30;

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
            let size = path.metadata().map_err(|error| fail(error.to_string()))?.len();
            let most = size.saturating_mul(MOST_TIMES).max(ALWAYS_ALLOWED);
            unpack(path, unpacked.path(), most).map_err(|error| fail(error.to_string()))?;
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

/// Writes the entries with a name of ours into the folder, `most` bytes in all; whatever path they have in the archive, they
/// leave it only by name, and only their bytes do: a link leads nowhere.
fn unpack(archive: &Path, folder: &Path, most: u64) -> io::Result<()> {
    let mut left = most;
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
                copy_new(&mut entry, &to, &mut left)?;
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
            copy_new(&mut entry, &to, &mut left)?;
        }
    }
    Ok(())
}

fn copy_new(from: &mut impl io::Read, to: &Path, left: &mut u64) -> io::Result<()> {
    let name = to.file_name().unwrap_or_default().display();
    let mut file =
        File::create_new(to).map_err(|error| io::Error::new(error.kind(), format!("{name} is there twice")))?;
    let copied = io::copy(&mut io::Read::take(from, left.saturating_add(1)), &mut file)?;
    *left = left.checked_sub(copied).ok_or_else(|| {
        io::Error::other(format!("{name} unpacks to far more than an archive of this size should; unpack it yourself"))
    })?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    const HEAD: &str = "id,slug\n";

    /// Everything below a folder.
    fn names(folder: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(folder).expect("a folder").flatten();
        let mut names: Vec<_> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        names
    }

    fn zipped(path: &Path, members: &[(&str, &[u8])]) {
        let mut zip = zip::ZipWriter::new(File::create(path).expect("a file"));
        for (name, content) in members {
            zip.start_file(*name, zip::write::SimpleFileOptions::default()).expect("a member");
            zip.write_all(content).expect("written");
        }
        zip.finish().expect("finished");
    }

    /// A tar whose names are taken as they are given: the crate's own writer refuses those that lead out.
    fn tarred(path: &Path, members: &[(&str, tar::EntryType, &str, &[u8])]) {
        let mut out = tar::Builder::new(File::create(path).expect("a file"));
        for (name, kind, link, content) in members {
            let mut header = tar::Header::new_old();
            header.as_old_mut().name[..name.len()].copy_from_slice(name.as_bytes());
            header.as_old_mut().linkname[..link.len()].copy_from_slice(link.as_bytes());
            header.set_entry_type(*kind);
            header.set_size(content.len() as u64);
            header.set_mode(0o644);
            header.set_cksum();
            out.append(&header, *content).expect("a member");
        }
        out.finish().expect("finished");
    }

    #[test]
    fn an_archive_writes_only_where_it_is_unpacked() {
        let dir = tempfile::tempdir().expect("a folder");
        let into = dir.path().join("deep/er/into");
        let leading_out = [
            "../../teams.csv",
            "/tmp/tallykeep-evil/tags.csv",
            "..\\..\\usage.csv",
            "a/../../b/traces.csv",
            "../../evil.sh",
        ];
        let zip = dir.path().join("evil.zip");
        zipped(&zip, &leading_out.map(|name| (name, HEAD.as_bytes())));
        let tar = dir.path().join("evil.tar");
        let file = tar::EntryType::Regular;
        let mut members: Vec<_> = leading_out.map(|name| (name, file, "", HEAD.as_bytes())).to_vec();
        // A link under one of our names must not read what it points at, nor must anything be written through it.
        members.push(("messages.csv", tar::EntryType::Symlink, "/etc/passwd", b""));
        members.push(("sessions.csv", tar::EntryType::Link, "/etc/passwd", b""));
        tarred(&tar, &members);
        for archive in [&zip, &tar] {
            std::fs::create_dir_all(&into).expect("a folder");
            unpack(archive, &into, 1 << 20).expect("unpacked");
            for name in names(&into) {
                let content = std::fs::read_to_string(into.join(&name)).expect("readable");
                assert!(content == HEAD || content.is_empty(), "{name} holds {content}");
                assert!(into.join(&name).symlink_metadata().expect("there").is_file(), "{name} is a link");
            }
            assert!(names(&into).contains(&"teams.csv".to_owned()));
            std::fs::remove_dir_all(&into).expect("removed");
            assert_eq!(names(dir.path()), ["deep", "evil.tar", "evil.zip"]);
            assert_eq!(names(&dir.path().join("deep/er")), [] as [&str; 0]);
        }
        assert!(!Path::new("/tmp/tallykeep-evil").exists());
    }

    #[test]
    fn an_archive_that_unpacks_without_end_is_refused() {
        let dir = tempfile::tempdir().expect("a folder");
        let bomb = dir.path().join("bomb.zip");
        zipped(&bomb, &[("teams.csv", HEAD.as_bytes()), ("messages.csv", &vec![b'0'; 3 << 20])]);
        assert!(bomb.metadata().expect("there").len() < 100_000, "it is small before");
        let into = dir.path().join("into");
        std::fs::create_dir_all(&into).expect("a folder");
        let refused = unpack(&bomb, &into, 1 << 20).expect_err("too much");
        assert!(refused.to_string().contains("messages.csv unpacks to far more"), "{refused}");
        assert!(into.join("messages.csv").metadata().expect("there").len() <= (1 << 20) + 1, "and no more was written");
        assert!(Folder::open(&bomb).is_ok(), "three megabytes are nothing");
    }
}
