//! Signing in, sessions, tokens, links that work once.

use std::net::IpAddr;

use jiff::SignedDuration;
use secrecy::SecretString;
use tallykeep_control::{ApiToken, AuditEntry, Control, ControlError, NewPerson, NewToken, Person, TeamControl};

use crate::{
    AccessConfig, InstallationKey, TokenScope, hash_secret, new_secret,
    password::{Hasher, PasswordError, check_password},
};

/// After a quiet spell of this length failures are forgotten.
const QUIET: SignedDuration = SignedDuration::from_mins(15);
/// Tries for one account from one address.
const TRIES_PER_PAIR: i64 = 8;
/// Tries for one account from anywhere: higher, so that a stranger cannot easily lock somebody out.
const TRIES_PER_ACCOUNT: i64 = 100;
/// Tries from one address for any account.
const TRIES_PER_ADDRESS: i64 = 25;

#[derive(Debug, thiserror::Error)]
pub enum AccountError {
    /// The same words whether the user is unknown, disabled, has no password, or it is wrong.
    #[error("the mail address or the password is wrong")]
    WrongPassword,
    #[error("too many tries; try again in {retry_after} seconds")]
    Throttled { retry_after: i64 },
    #[error("`{0}` is not a mail address")]
    NotAnEmail(String),
    #[error("the link is not valid any more; ask for another")]
    DeadLink,
    #[error("there is a user already; sign in instead")]
    NotTheFirst,
    #[error(transparent)]
    Password(#[from] PasswordError),
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// A session that just began.
pub struct NewSession {
    pub person: Person,
    /// Goes into the cookie and nowhere else.
    pub secret: String,
    pub csrf: String,
}

/// People and their ways in. Cheap to clone.
#[derive(Clone)]
pub struct Accounts {
    control: Control,
    config: std::sync::Arc<AccessConfig>,
    key: InstallationKey,
    hasher: Hasher,
}

impl Accounts {
    pub fn new(control: Control, config: AccessConfig, key: InstallationKey) -> Result<Self, PasswordError> {
        Ok(Self { control, config: config.into(), key, hasher: Hasher::new()? })
    }

    pub fn config(&self) -> &AccessConfig {
        &self.config
    }

    pub fn key(&self) -> &InstallationKey {
        &self.key
    }

    /// Adds a user; without a password one signs in through a provider or a one-time link.
    pub async fn add_person(
        &self,
        email: &str,
        name: &str,
        password: Option<&SecretString>,
        instance_admin: bool,
    ) -> Result<Person, AccountError> {
        let new = self.new_person(email, name, password, instance_admin).await?;
        Ok(self.control.add_person(&new).await?)
    }

    /// Adds the first user, an instance admin. Errors: `NotTheFirst`.
    pub async fn add_first_person(&self, email: &str, password: &SecretString) -> Result<Person, AccountError> {
        let new = self.new_person(email, "", Some(password), true).await?;
        self.control.add_first_person(&new).await?.ok_or(AccountError::NotTheFirst)
    }

    async fn new_person(
        &self,
        email: &str,
        name: &str,
        password: Option<&SecretString>,
        instance_admin: bool,
    ) -> Result<NewPerson, AccountError> {
        let email = email.trim();
        if !looks_like_email(email) {
            return Err(AccountError::NotAnEmail(email.to_owned()));
        }
        let password_hash = match password {
            Some(password) => {
                check_password(password, email)?;
                Some(self.hasher.hash(password).await?)
            }
            None => None,
        };
        Ok(NewPerson {
            email: email.to_owned(),
            name: name.to_owned(),
            password_hash,
            instance_admin,
            external_id: None,
        })
    }

    /// Signs in with a password. A session that the browser brought along is ended: a new sign-in, a new secret.
    pub async fn sign_in(
        &self,
        email: &str,
        password: &SecretString,
        address: Option<IpAddr>,
        agent: &str,
        old_secret: Option<&str>,
    ) -> Result<NewSession, AccountError> {
        let address = address.map_or_else(|| "unknown".to_owned(), |address| address.to_string());
        // Names of accounts are kept only as hashes: people type passwords into the wrong field.
        let account = hash_secret(&email.trim().to_lowercase());
        let pair = format!("pair:{account}:{address}");
        let by_account = format!("account:{account}");
        let by_address = format!("address:{address}");
        for (name, most) in
            [(&pair, TRIES_PER_PAIR), (&by_account, TRIES_PER_ACCOUNT), (&by_address, TRIES_PER_ADDRESS)]
        {
            // A try that is refused here does not prolong the wait.
            if self.control.tries(name, QUIET).await? >= most || self.control.count_try(name, QUIET).await? > most {
                return Err(AccountError::Throttled { retry_after: QUIET.as_secs() });
            }
        }
        let person = self.control.find_person_by_email(email).await?;
        let hash = match &person {
            Some(person) if !person.disabled => self.control.password_hash(person.id).await?,
            _ => None,
        };
        let fits = self.hasher.verify(password, hash.as_deref()).await?;
        let Some(person) = person.filter(|_| fits) else {
            self.write_down("anonymous", "", "session.refused", &account[..16], &address).await?;
            return Err(AccountError::WrongPassword);
        };
        for name in [&pair, &by_account, &by_address] {
            self.control.forget_tries(name).await?;
        }
        self.start_session(person, &address, agent, old_secret, "password").await
    }

    /// Starts a session for somebody who proved who he is.
    pub async fn start_session(
        &self,
        person: Person,
        address: &str,
        agent: &str,
        old_secret: Option<&str>,
        by: &str,
    ) -> Result<NewSession, AccountError> {
        if let Some(old) = old_secret {
            self.control.end_session(&hash_secret(old)).await?;
        }
        let secret = new_secret();
        let hash = hash_secret(&secret);
        self.control.add_session(&hash, person.id, address, agent).await?;
        self.control.note_sign_in(person.id).await?;
        self.write_down(&format!("user:{}", person.id), &person.email, "session.start", by, address).await?;
        Ok(NewSession { csrf: self.key.csrf_token(&hash), person, secret })
    }

    /// The user and session id of a cookie's secret, if it lives.
    pub async fn find_session(&self, secret: &str) -> Result<Option<(Person, i64)>, ControlError> {
        self.control.find_session(&hash_secret(secret), self.config.session_life()).await
    }

    /// The CSRF token that goes with a cookie's secret.
    pub fn csrf_of(&self, secret: &str) -> String {
        self.key.csrf_token(&hash_secret(secret))
    }

    /// The live token behind a bearer secret, with its scopes.
    pub async fn find_token(&self, secret: &str) -> Result<Option<(ApiToken, Vec<TokenScope>)>, ControlError> {
        let Some(token) = self.control.find_token(&hash_secret(secret)).await? else { return Ok(None) };
        let scopes = token.scopes.iter().filter_map(|scope| scope.parse().ok()).collect();
        Ok(Some((token, scopes)))
    }

    /// Makes a token; the secret is answered this once.
    pub async fn create_token(
        &self,
        team: &TeamControl,
        name: &str,
        scopes: &[TokenScope],
        expires_at: Option<jiff::Timestamp>,
        created_by: &str,
    ) -> Result<(ApiToken, String), ControlError> {
        // The prefix lets secret scanners and people recognise it.
        let secret = format!("tallykeep_{}", new_secret());
        let new = NewToken {
            name: name.to_owned(),
            scopes: scopes.iter().map(|scope| scope.to_string()).collect(),
            expires_at,
            created_by: created_by.to_owned(),
        };
        let token = team.add_token(&hash_secret(&secret), &new).await?;
        Ok((token, secret))
    }

    /// Changes one's own password; every other session ends. Guessing the old one is slow, too.
    pub async fn change_password(
        &self,
        person: &Person,
        session: Option<i64>,
        old: &SecretString,
        new: &SecretString,
    ) -> Result<(), AccountError> {
        let name = format!("change:{}", person.id);
        if self.control.count_try(&name, QUIET).await? > TRIES_PER_PAIR {
            return Err(AccountError::Throttled { retry_after: QUIET.as_secs() });
        }
        let hash = self.control.password_hash(person.id).await?;
        if !self.hasher.verify(old, hash.as_deref()).await? {
            return Err(AccountError::WrongPassword);
        }
        check_password(new, &person.email)?;
        self.control.forget_tries(&name).await?;
        self.set_password(person.id, new, session).await
    }

    async fn set_password(&self, person: i64, new: &SecretString, but: Option<i64>) -> Result<(), AccountError> {
        let hash = self.hasher.hash(new).await?;
        self.control.set_password_hash(person, &hash).await?;
        self.control.end_sessions_of(person, but).await?;
        Ok(())
    }

    /// The secret of a link with which somebody sets a new password, once.
    pub async fn new_password_link(&self, person: i64) -> Result<String, ControlError> {
        let secret = new_secret();
        let until = self.control.clock().now() + SignedDuration::from_hours(self.config.link_hours.max(1));
        self.control.add_one_time_link(&hash_secret(&secret), person, until).await?;
        Ok(secret)
    }

    /// Sets a password by a one-time link; every session of the user ends. Errors: `DeadLink`, a weak password (the link
    /// still works then).
    pub async fn use_password_link(&self, secret: &str, password: &SecretString) -> Result<Person, AccountError> {
        check_password(password, "")?;
        let person = self.control.use_one_time_link(&hash_secret(secret)).await?.ok_or(AccountError::DeadLink)?;
        let person = self.control.find_person(person).await?.filter(|p| !p.disabled).ok_or(AccountError::DeadLink)?;
        self.set_password(person.id, password, None).await?;
        Ok(person)
    }

    /// The person a trusted proxy or a provider vouches for: a user already, or a new one of an allowed domain.
    pub async fn vouched_person(&self, email: &str, name: &str) -> Result<Option<Person>, AccountError> {
        if let Some(person) = self.control.find_person_by_email(email).await? {
            let may = self.config.mail_domains.is_empty() || self.config.allows_domain_of(email);
            return Ok(Some(person).filter(|person| may && !person.disabled));
        }
        if !self.config.allows_domain_of(email) {
            return Ok(None);
        }
        match self.add_person(email, name, None, false).await {
            Ok(person) => Ok(Some(person)),
            // Two first requests at once: the other one added the user.
            Err(AccountError::Control(ControlError::PersonExists(_))) => {
                Ok(self.control.find_person_by_email(email).await?)
            }
            Err(error) => Err(error),
        }
    }

    /// What runs now and then: forgets what ended by itself and audit rows past their time.
    pub async fn tidy(&self) -> Result<u64, ControlError> {
        let mut forgotten = self.control.forget_ended_sessions(self.config.session_life()).await?;
        forgotten += self.control.forget_quiet_tries(QUIET).await?;
        if self.config.audit_days > 0 {
            let before = self.control.clock().now() - SignedDuration::from_hours(24 * self.config.audit_days);
            let actor =
                AuditEntry { actor: "system".to_owned(), actor_name: "retention".to_owned(), ..AuditEntry::default() };
            forgotten += self.control.forget_audit(before, &actor).await?;
        }
        Ok(forgotten)
    }

    async fn write_down(
        &self,
        actor: &str,
        actor_name: &str,
        action: &str,
        target: &str,
        address: &str,
    ) -> Result<(), ControlError> {
        self.control
            .audit(&AuditEntry {
                actor: actor.to_owned(),
                actor_name: actor_name.to_owned(),
                action: action.to_owned(),
                target: target.to_owned(),
                address: address.to_owned(),
                ..AuditEntry::default()
            })
            .await?;
        Ok(())
    }
}

/// Something before and after one `@`, no spaces, not too long. Whether mail arrives there only mail can tell.
pub fn looks_like_email(text: &str) -> bool {
    let plain =
        text.len() <= 254 && !text.chars().any(|c| c.is_whitespace() || c.is_control() || "<>\"'\\,;".contains(c));
    plain
        && text
            .split_once('@')
            .is_some_and(|(local, domain)| !local.is_empty() && !domain.is_empty() && !domain.contains('@'))
}
