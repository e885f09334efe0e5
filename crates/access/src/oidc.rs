//! Signing in through an OpenID Connect provider: the code flow with PKCE, state and nonce.
//!
//! The ID token comes straight from the provider's token endpoint over TLS, so TLS vouches for who issued it (OpenID
//! Connect Core 3.1.3.7, point 6) and every other check of that section is made here. Nothing is ever taken from a token
//! that came through the browser.

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD};
use jiff::{SignedDuration, Timestamp};
use secrecy::{ExposeSecret, SecretString};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use tallykeep_control::{Control, ControlError, Person, ProviderFlow};
use tallykeep_model::TeamSlug;

use crate::{AccountError, Accounts, OidcConfig, Role, hash_secret, new_secret};

/// How long somebody may take at the provider.
const FLOW: SignedDuration = SignedDuration::from_mins(10);
/// How far the provider's clock may be off.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
const MOST_BYTES: usize = 256 * 1024;

/// Why a sign-in through the provider did not work.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    #[error("no sign-in provider is configured")]
    NotConfigured,
    #[error("[access] public_url must be set for sign-in through a provider")]
    NoPublicUrl,
    #[error("{0} must be an https address")]
    NotHttps(String),
    #[error("the sign-in took too long or was started elsewhere; try again")]
    NoFlow,
    #[error("the provider said no: {0}")]
    Denied(String),
    #[error("the provider could not be asked: {0}")]
    Unreachable(String),
    #[error("the provider's answer cannot be used: {0}")]
    Answer(String),
    #[error("{0} may not sign in here")]
    NotAllowed(String),
    #[error(transparent)]
    Account(#[from] AccountError),
    #[error(transparent)]
    Control(#[from] ControlError),
}

/// Where the browser goes first, and what it must bring back.
pub struct Departure {
    pub url: String,
    /// Kept in a cookie of the browser, so that nobody else can finish this sign-in.
    pub state: String,
}

#[derive(Deserialize)]
struct Discovery {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
}

#[derive(Deserialize)]
struct TokenAnswer {
    id_token: String,
}

/// What an ID token says about a person.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Value,
    azp: Option<String>,
    exp: f64,
    nonce: Option<String>,
    email: Option<String>,
    email_verified: Option<Value>,
    name: Option<String>,
    hd: Option<String>,
    #[serde(flatten)]
    other: Map<String, Value>,
}

/// The provider's side of signing in. Cheap to make.
pub struct Provider<'a> {
    accounts: &'a Accounts,
    control: &'a Control,
    config: &'a OidcConfig,
    http: reqwest::Client,
}

impl<'a> Provider<'a> {
    pub fn new(accounts: &'a Accounts, control: &'a Control) -> Result<Self, OidcError> {
        let config = accounts.config().oidc.as_ref().ok_or(OidcError::NotConfigured)?;
        // The provider's endpoints are what discovery says; a redirect could lead anywhere.
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .timeout(std::time::Duration::from_secs(10))
            .build()
            .map_err(|error| OidcError::Unreachable(error.to_string()))?;
        Ok(Self { accounts, control, config, http })
    }

    /// Starts a sign-in that ends at `next`, a path of ours.
    pub async fn depart(&self, next: &str) -> Result<Departure, OidcError> {
        let provider = self.discover().await?;
        let (state, nonce, verifier) = (new_secret(), new_secret(), new_secret());
        let flow = ProviderFlow { nonce: nonce.clone(), verifier: verifier.clone(), next: next.to_owned() };
        self.control.add_provider_flow(&hash_secret(&state), &flow, self.now() + FLOW).await?;
        let challenge = BASE64_URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.as_bytes()));
        let mut url = address(&provider.authorization_endpoint)?;
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", &self.config.client_id)
            .append_pair("redirect_uri", &self.return_address()?)
            .append_pair("scope", "openid email profile")
            .append_pair("state", &state)
            .append_pair("nonce", &nonce)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        if let Some(domain) = &self.config.hosted_domain {
            url.query_pairs_mut().append_pair("hd", domain);
        }
        Ok(Departure { url: url.into(), state })
    }

    /// Finishes a sign-in: who it is, and where to go. `state` was compared with the browser's cookie already.
    pub async fn arrive(&self, code: &str, state: &str) -> Result<(Person, String), OidcError> {
        let flow = self.control.take_provider_flow(&hash_secret(state)).await?.ok_or(OidcError::NoFlow)?;
        let provider = self.discover().await?;
        let mut form = vec![
            ("grant_type", "authorization_code".to_owned()),
            ("code", code.to_owned()),
            ("redirect_uri", self.return_address()?),
            ("code_verifier", flow.verifier.clone()),
        ];
        let mut request = self.http.post(address(&provider.token_endpoint)?).header("accept", "application/json");
        match self.client_secret()? {
            Some(secret) => {
                request =
                    request.basic_auth(form_encoded(&self.config.client_id), Some(form_encoded(secret.expose_secret())))
            }
            None => form.push(("client_id", self.config.client_id.clone())),
        }
        let body = url::form_urlencoded::Serializer::new(String::new()).extend_pairs(&form).finish();
        let request = request.header("content-type", "application/x-www-form-urlencoded").body(body);
        let answer: TokenAnswer = self.read(request).await?;
        let claims = read_claims(&answer.id_token)?;
        self.check(&claims, &provider, &flow.nonce)?;
        Ok((self.person(&claims).await?, flow.next))
    }

    fn now(&self) -> Timestamp {
        self.control.clock().now()
    }

    fn return_address(&self) -> Result<String, OidcError> {
        let base = self.accounts.config().public_url.as_deref().ok_or(OidcError::NoPublicUrl)?;
        Ok(format!("{}/sign-in/provider/return", base.trim_end_matches('/')))
    }

    fn client_secret(&self) -> Result<Option<SecretString>, OidcError> {
        let Some(variable) = &self.config.client_secret_variable else { return Ok(None) };
        match std::env::var(variable) {
            Ok(secret) if !secret.is_empty() => Ok(Some(secret.into())),
            _ => Err(OidcError::Answer(format!("the variable {variable} for the client's secret is not set"))),
        }
    }

    async fn discover(&self) -> Result<Discovery, OidcError> {
        let issuer = self.config.issuer.trim_end_matches('/');
        let at = address(&format!("{issuer}/.well-known/openid-configuration"))?;
        let found: Discovery = self.read(self.http.get(at)).await?;
        if found.issuer.trim_end_matches('/') != issuer {
            return Err(OidcError::Answer(format!("it calls itself {}", found.issuer)));
        }
        Ok(found)
    }

    async fn read<T: serde::de::DeserializeOwned>(&self, request: reqwest::RequestBuilder) -> Result<T, OidcError> {
        // An error of the client may hold the address with its query; the provider's name is enough.
        let unreachable = |error: reqwest::Error| OidcError::Unreachable(error.without_url().to_string());
        let mut answer = request.send().await.map_err(unreachable)?;
        let status = answer.status();
        let mut body = Vec::new();
        while let Some(chunk) = answer.chunk().await.map_err(unreachable)? {
            if body.len() + chunk.len() > MOST_BYTES {
                return Err(OidcError::Answer("it is too long".to_owned()));
            }
            body.extend_from_slice(&chunk);
        }
        if !status.is_success() {
            return Err(OidcError::Unreachable(format!("status {}", status.as_u16())));
        }
        serde_json::from_slice(&body).map_err(|error| OidcError::Answer(error.to_string()))
    }

    fn check(&self, claims: &Claims, provider: &Discovery, nonce: &str) -> Result<(), OidcError> {
        let wrong = |what: &str| Err(OidcError::Answer(format!("its token has {what}")));
        let audience = |id: &str| match &claims.aud {
            Value::String(one) => one == id,
            Value::Array(many) => many.iter().any(|one| one == id),
            _ => false,
        };
        let several = claims.aud.as_array().is_some_and(|many| many.len() > 1);
        if claims.iss != provider.issuer {
            return wrong("another issuer");
        }
        if !audience(&self.config.client_id) {
            return wrong("another audience");
        }
        if several && claims.azp.is_none() || claims.azp.as_ref().is_some_and(|party| *party != self.config.client_id) {
            return wrong("another authorised party");
        }
        let expires = Timestamp::from_second(claims.exp as i64).unwrap_or(Timestamp::MIN);
        if expires + LEEWAY < self.now() {
            return wrong("expired");
        }
        if !claims.nonce.as_deref().is_some_and(|said| crate::same_secret(said, nonce)) {
            return wrong("another nonce");
        }
        if claims.sub.is_empty() || claims.sub.len() > 255 {
            return wrong("no usable subject");
        }
        Ok(())
    }

    /// The user of a token: known by subject, else by verified mail address, else new where the domain is allowed
    /// (spec/packages §9.6: verified mail, hosted domain equal, address in the domain).
    async fn person(&self, claims: &Claims) -> Result<Person, OidcError> {
        let verified = matches!(&claims.email_verified, Some(Value::Bool(true)))
            || claims.email_verified.as_ref().and_then(Value::as_str) == Some("true");
        let Some(email) = claims.email.as_deref().filter(|_| verified) else {
            return Err(OidcError::NotAllowed("somebody without a verified mail address".to_owned()));
        };
        let refused = || OidcError::NotAllowed(email.to_owned());
        if let Some(domain) = &self.config.hosted_domain
            && !claims.hd.as_deref().is_some_and(|hd| hd.eq_ignore_ascii_case(domain))
        {
            return Err(refused());
        }
        let config = self.accounts.config();
        if !config.mail_domains.is_empty() && !config.allows_domain_of(email) {
            return Err(refused());
        }
        let external_id = format!("{} {}", claims.iss, claims.sub);
        let known = self.control.find_person_by_external_id(&external_id).await?;
        let person = match known {
            Some(person) if person.disabled => return Err(refused()),
            Some(person) => person,
            None => {
                let name = claims.name.as_deref().unwrap_or("");
                let person = self.accounts.vouched_person(email, name).await?.ok_or_else(refused)?;
                // A user tied to another subject stays with it: a mail address can change hands.
                if !self.control.set_external_id(person.id, &external_id).await? {
                    return Err(refused());
                }
                person
            }
        };
        self.apply_groups(&person, claims).await?;
        self.control.find_person(person.id).await?.ok_or_else(refused)
    }

    /// Makes memberships what the groups say, in the teams that the rules name; other teams stay as they are.
    async fn apply_groups(&self, person: &Person, claims: &Claims) -> Result<(), OidcError> {
        let rules = &self.config.groups;
        if rules.is_empty() {
            return Ok(());
        }
        let groups: Vec<&str> = match claims.other.get(&self.config.groups_claim) {
            Some(Value::Array(many)) => many.iter().filter_map(Value::as_str).collect(),
            Some(Value::String(one)) => vec![one.as_str()],
            _ => Vec::new(),
        };
        let mut teams: Vec<&TeamSlug> = rules.iter().filter_map(|rule| rule.team.as_ref()).collect();
        teams.sort_unstable();
        teams.dedup();
        for slug in teams {
            let team = self.control.team(slug).await?;
            let matching =
                rules.iter().filter(|rule| rule.team.as_ref() == Some(slug) && groups.contains(&rule.group.as_str()));
            match matching.map(|rule| rule.role.unwrap_or(Role::Viewer)).max() {
                Some(role) => team.set_member(person.id, role.as_str()).await?,
                None => {
                    team.remove_member(person.id).await?;
                }
            }
        }
        if rules.iter().any(|rule| rule.instance_admin) {
            let admin = rules.iter().any(|rule| rule.instance_admin && groups.contains(&rule.group.as_str()));
            // The last instance admin stays one, whatever the groups say.
            self.control.set_instance_admin(person.id, admin).await?;
        }
        Ok(())
    }
}

/// The claims of a token: the middle of its three parts.
fn read_claims(token: &str) -> Result<Claims, OidcError> {
    let wrong = |what: String| OidcError::Answer(format!("its token cannot be read: {what}"));
    let mut parts = token.split('.');
    let (Some(_), Some(claims), Some(_), None) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
        return Err(wrong("it has not three parts".to_owned()));
    };
    let bytes = BASE64_URL_SAFE_NO_PAD.decode(claims).map_err(|error| wrong(error.to_string()))?;
    serde_json::from_slice(&bytes).map_err(|error| wrong(error.to_string()))
}

/// An address of the provider: https, or http on loopback for a provider on the same machine.
fn address(text: &str) -> Result<url::Url, OidcError> {
    let url: url::Url = text.parse().map_err(|_| OidcError::NotHttps(text.to_owned()))?;
    let is_loopback = match url.host() {
        Some(url::Host::Ipv4(address)) => address.is_loopback(),
        Some(url::Host::Ipv6(address)) => address.is_loopback(),
        Some(url::Host::Domain(name)) => name == "localhost",
        None => false,
    };
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback => Ok(url),
        _ => Err(OidcError::NotHttps(text.to_owned())),
    }
}

fn form_encoded(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}
