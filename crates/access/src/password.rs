//! Passwords: argon2id, a few at a time on threads of their own.

use std::sync::Arc;

use argon2::{
    Argon2,
    password_hash::{PasswordHasher, PasswordVerifier, phc::PasswordHash},
};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::Semaphore;

/// The least length, in characters (OWASP ASVS 5, 6.2.1).
pub const MIN_LENGTH: usize = 8;
/// The most bytes; longer ones would only cost time.
pub const MAX_BYTES: usize = 1024;
/// How many hashes are computed at the same time: each takes 19 MiB and a core.
const AT_ONCE: usize = 2;

#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum PasswordError {
    #[error("the password must have at least {MIN_LENGTH} characters")]
    TooShort,
    #[error("the password must have at most {MAX_BYTES} bytes")]
    TooLong,
    #[error("the password must not contain your mail address")]
    LikeEmail,
    #[error("this password is among the first anybody tries")]
    Common,
    #[error("the password could not be hashed: {0}")]
    Hash(String),
}

/// The first that attackers try, of at least eight characters; shorter ones are refused anyway.
const COMMON: [&str; 24] = [
    "password",
    "password1",
    "password123",
    "12345678",
    "123456789",
    "1234567890",
    "qwertyuiop",
    "qwerty123",
    "11111111",
    "00000000",
    "iloveyou",
    "sunshine",
    "princess",
    "football",
    "baseball",
    "superman",
    "trustno1",
    "letmein1",
    "welcome1",
    "admin123",
    "administrator",
    "changeme",
    "abcd1234",
    "1q2w3e4r",
];

/// Whether a password may be used at all.
pub fn check_password(password: &SecretString, email: &str) -> Result<(), PasswordError> {
    let text = password.expose_secret();
    let lower = text.to_lowercase();
    if text.chars().count() < MIN_LENGTH {
        Err(PasswordError::TooShort)
    } else if text.len() > MAX_BYTES {
        Err(PasswordError::TooLong)
    } else if !email.is_empty() && lower.contains(&email.to_lowercase()) {
        Err(PasswordError::LikeEmail)
    } else if COMMON.contains(&lower.as_str()) {
        Err(PasswordError::Common)
    } else {
        Ok(())
    }
}

/// Hashes and checks passwords. Cheap to clone.
#[derive(Clone)]
pub struct Hasher {
    permits: Arc<Semaphore>,
    /// A hash that no password has; checked when there is no user, so that time tells nothing.
    nobody: Arc<str>,
}

impl Hasher {
    pub fn new() -> Result<Self, PasswordError> {
        let nobody = hash_now(crate::new_secret().as_bytes())?;
        Ok(Self { permits: Arc::new(Semaphore::new(AT_ONCE)), nobody: nobody.into() })
    }

    /// The PHC text of a password's hash.
    pub async fn hash(&self, password: &SecretString) -> Result<String, PasswordError> {
        let bytes = password.expose_secret().as_bytes().to_vec();
        self.run(move || hash_now(&bytes)).await?
    }

    /// Whether a password belongs to a hash. Without a hash it takes as long and is `false`.
    pub async fn verify(&self, password: &SecretString, hash: Option<&str>) -> Result<bool, PasswordError> {
        let is_known = hash.is_some();
        let hash = hash.unwrap_or(&self.nobody).to_owned();
        let bytes = password.expose_secret().as_bytes().to_vec();
        if bytes.len() > MAX_BYTES {
            return Ok(false);
        }
        let fits = self
            .run(move || {
                let parsed = PasswordHash::new(&hash).map_err(|error| PasswordError::Hash(error.to_string()))?;
                Ok(Argon2::default().verify_password(&bytes, &parsed).is_ok())
            })
            .await??;
        Ok(fits && is_known)
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T, PasswordError> {
        let _permit = self.permits.acquire().await.map_err(|error| PasswordError::Hash(error.to_string()))?;
        tokio::task::spawn_blocking(work).await.map_err(|error| PasswordError::Hash(error.to_string()))
    }
}

fn hash_now(password: &[u8]) -> Result<String, PasswordError> {
    let hash = Argon2::default().hash_password(password).map_err(|error| PasswordError::Hash(error.to_string()))?;
    Ok(hash.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_hash_is_argon2id_and_fits_only_its_password() {
        let hasher = Hasher::new().expect("a hasher");
        let right = SecretString::from("correct horse battery");
        let hash = hasher.hash(&right).await.expect("a hash");
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert_ne!(hash, hasher.hash(&right).await.expect("another"), "salted");
        assert_eq!(hasher.verify(&right, Some(&hash)).await, Ok(true));
        assert_eq!(hasher.verify(&"Correct horse battery".into(), Some(&hash)).await, Ok(false));
        assert_eq!(hasher.verify(&right, None).await, Ok(false));
    }

    #[test]
    fn weak_passwords_are_refused_by_name() {
        let check = |text: &str| check_password(&SecretString::from(text), "ada@example.org");
        assert_eq!(check("short"), Err(PasswordError::TooShort));
        assert_eq!(check(&"x".repeat(1025)), Err(PasswordError::TooLong));
        assert_eq!(check("Password123"), Err(PasswordError::Common));
        assert_eq!(check("my ada@example.org"), Err(PasswordError::LikeEmail));
        assert_eq!(check("ünïcødé!"), Ok(()));
    }
}
