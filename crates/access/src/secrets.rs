//! Random secrets, their hashes, and the installation's own key.

use std::{io::Write, path::Path};

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use rand::Rng;
use sha2::{Digest, Sha256};
use subtle::ConstantTimeEq;

/// A fresh secret: 256 random bits, URL-safe.
pub fn new_secret() -> String {
    let mut bytes = [0u8; 32];
    rand::rng().fill_bytes(&mut bytes);
    BASE64_URL_SAFE_NO_PAD.encode(bytes)
}

/// What is kept of a secret. A plain hash is enough: nobody guesses 256 random bits.
pub fn hash_secret(secret: &str) -> String {
    hex(&Sha256::digest(secret.as_bytes()))
}

/// Compares without telling by time where two texts differ.
pub fn same_secret(a: &str, b: &str) -> bool {
    a.as_bytes().ct_eq(b.as_bytes()).into()
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |text, byte| text + &format!("{byte:02x}"))
}

/// The installation's key: made on the first start, kept in the data dir, readable by its owner only.
#[derive(Clone)]
pub struct InstallationKey([u8; 32]);

impl std::fmt::Debug for InstallationKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InstallationKey(…)")
    }
}

#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    #[error("could not read or write the key {at}: {source}")]
    Io { at: String, source: std::io::Error },
    #[error("{at} is not a key: it must hold 32 bytes; move it away only if nothing depends on it (pseudonyms do)")]
    Damaged { at: String },
}

impl InstallationKey {
    /// Opens `keys/installation.key` in the data dir; makes it when absent.
    pub fn open(data_dir: &Path) -> Result<Self, KeyError> {
        let folder = data_dir.join("keys");
        let file = folder.join("installation.key");
        let at = file.display().to_string();
        let io = |source| KeyError::Io { at: at.clone(), source };
        std::fs::create_dir_all(&folder).map_err(io)?;
        own(&folder, 0o700).map_err(io)?;
        match std::fs::read(&file) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
            Err(error) => return Err(io(error)),
            Ok(bytes) => {
                own(&file, 0o600).map_err(io)?;
                return bytes.try_into().map(Self).map_err(|_| KeyError::Damaged { at });
            }
        }
        let mut key = [0u8; 32];
        rand::rng().fill_bytes(&mut key);
        // Written beside and linked into place: of two first starts one wins, and both read the winner's key.
        let draft = folder.join(format!("draft-{}", new_secret()));
        let written = (|| {
            let mut out = create_owned(&draft)?;
            out.write_all(&key)?;
            out.sync_all()?;
            match std::fs::hard_link(&draft, &file) {
                Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
                _ => std::fs::File::open(&folder)?.sync_all(),
            }
        })();
        // The draft has served its purpose either way.
        let _ = std::fs::remove_file(&draft);
        written.map_err(io)?;
        let bytes = std::fs::read(&file).map_err(io)?;
        bytes.try_into().map(Self).map_err(|_| KeyError::Damaged { at })
    }

    /// A key of its own for a purpose and whom it is about, e.g. `("participant names", "team-slug")`.
    pub fn derive(&self, purpose: &str, about: &str) -> [u8; 32] {
        self.mac(&[purpose, about])
    }

    /// The CSRF token that belongs to a session.
    pub fn csrf_token(&self, session_hash: &str) -> String {
        hex(&self.mac(&["csrf", session_hash]))
    }

    /// A stable stand-in for a name within a team: the same for the same name, telling nothing about it.
    pub fn pseudonym(&self, team: &str, kind: &str, name: &str) -> String {
        format!("{kind}-{}", &hex(&self.mac(&["pseudonym", team, kind, name]))[..12])
    }

    fn mac(&self, parts: &[&str]) -> [u8; 32] {
        let mut mac = <Hmac<Sha256> as KeyInit>::new_from_slice(&self.0).expect("HMAC takes keys of any length");
        for part in parts {
            // The length keeps ("ab", "c") and ("a", "bc") apart.
            mac.update(&(part.len() as u64).to_be_bytes());
            mac.update(part.as_bytes());
        }
        mac.finalize().into_bytes().into()
    }
}

#[cfg(unix)]
fn own(path: &Path, mode: u32) -> std::io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode))
}

#[cfg(not(unix))]
fn own(_: &Path, _: u32) -> std::io::Result<()> {
    Ok(())
}

#[cfg(unix)]
fn create_owned(path: &Path) -> std::io::Result<std::fs::File> {
    use std::os::unix::fs::OpenOptionsExt;
    std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

#[cfg(not(unix))]
fn create_owned(path: &Path) -> std::io::Result<std::fs::File> {
    std::fs::OpenOptions::new().write(true).create_new(true).open(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_made_once_and_is_the_owners_alone() {
        let dir = tempfile::tempdir().expect("a folder");
        let first = InstallationKey::open(dir.path()).expect("a key");
        let again = InstallationKey::open(dir.path()).expect("the key");
        assert_eq!(first.0, again.0);
        assert_ne!(first.0, [0; 32]);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = |path: &str| std::fs::metadata(dir.path().join(path)).expect("it").permissions().mode() & 0o777;
            assert_eq!((mode("keys"), mode("keys/installation.key")), (0o700, 0o600));
        }
        assert_eq!(std::fs::read_dir(dir.path().join("keys")).expect("a folder").count(), 1);
        std::fs::write(dir.path().join("keys/installation.key"), b"short").expect("written");
        assert!(matches!(InstallationKey::open(dir.path()), Err(KeyError::Damaged { .. })));
    }

    #[test]
    fn pseudonyms_are_stable_and_differ_by_team() {
        let dir = tempfile::tempdir().expect("a folder");
        let key = InstallationKey::open(dir.path()).expect("a key");
        let ada = key.pseudonym("a", "participant", "ada@example.org");
        assert_eq!(ada, key.pseudonym("a", "participant", "ada@example.org"));
        assert_ne!(ada, key.pseudonym("b", "participant", "ada@example.org"));
        assert!(ada.starts_with("participant-") && ada.len() == "participant-".len() + 12);
        assert_ne!(key.derive("ab", "c"), key.derive("a", "bc"));
    }
}
