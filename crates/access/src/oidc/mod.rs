//! Signing in through an OpenID Connect provider: the code flow with PKCE, state and nonce.
//!
//! The library checks the ID token as OpenID Connect Core 3.1.3.7 has it: signature by a key of the provider's set, issuer,
//! audience, expiry, nonce. Ours is what it leaves open: the authorised party, and what a person's claims open here.

mod client;
mod people;

use jiff::{SignedDuration, Timestamp};
use openidconnect::{
    AccessToken, AdditionalClaims, AuthType, AuthenticationFlow, AuthorizationCode, Client, ClientId, ClientSecret,
    CsrfToken, EmptyExtraTokenFields, EndpointMaybeSet, EndpointNotSet, EndpointSet, IdTokenClaims, IdTokenFields,
    IssuerUrl, Nonce, OAuth2TokenResponse, PkceCodeChallenge, PkceCodeVerifier, RedirectUrl, RequestTokenError, Scope,
    StandardErrorResponse, StandardTokenResponse, SubjectIdentifier, TokenResponse, UserInfoClaims,
    core::{
        CoreAuthDisplay, CoreAuthPrompt, CoreClientAuthMethod, CoreErrorResponseType, CoreGenderClaim, CoreJsonWebKey,
        CoreJweContentEncryptionAlgorithm, CoreJwsSigningAlgorithm, CoreProviderMetadata, CoreResponseType,
        CoreRevocableToken, CoreRevocationErrorResponse, CoreTokenIntrospectionResponse, CoreTokenType,
    },
};
use secrecy::{ExposeSecret, SecretString};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use tallykeep_control::{Control, ControlError, Person, ProviderFlow};

use self::client::{AskError, ProviderHttp};
use crate::{AccountError, Accounts, OidcConfig, hash_secret, new_secret};

/// How long somebody may take at the provider.
const FLOW: SignedDuration = SignedDuration::from_mins(10);
/// How far the provider's clock may be off.
const LEEWAY: SignedDuration = SignedDuration::from_secs(60);
/// Signatures that only the provider can make. Shared secrets (HS…) and `none` are never taken.
const ALGORITHMS: [CoreJwsSigningAlgorithm; 10] = [
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha384,
    CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha512,
    CoreJwsSigningAlgorithm::RsaSsaPssSha256,
    CoreJwsSigningAlgorithm::RsaSsaPssSha384,
    CoreJwsSigningAlgorithm::RsaSsaPssSha512,
    CoreJwsSigningAlgorithm::EcdsaP256Sha256,
    CoreJwsSigningAlgorithm::EcdsaP384Sha384,
    CoreJwsSigningAlgorithm::EcdsaP521Sha512,
    CoreJwsSigningAlgorithm::EdDsa,
];

/// Why a sign-in through the provider did not work.
#[derive(Debug, thiserror::Error)]
pub enum OidcError {
    #[error("no sign-in provider is configured")]
    NotConfigured,
    #[error("[access] public_url must be set for sign-in through a provider")]
    NoPublicUrl,
    #[error("[access] {0} is no address")]
    NoAddress(&'static str),
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

impl From<AskError> for OidcError {
    fn from(error: AskError) -> Self {
        Self::Unreachable(error.to_string())
    }
}

/// Where the browser goes first, and what it must bring back.
pub struct Departure {
    pub url: String,
    /// Kept in a cookie of the browser, so that nobody else can finish this sign-in.
    pub state: String,
}

/// Claims beside the standard ones: the hosted domain and the groups, whatever they are called.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
struct OtherClaims(Map<String, Value>);

impl AdditionalClaims for OtherClaims {}

type TokenAnswer = StandardTokenResponse<
    IdTokenFields<
        OtherClaims,
        EmptyExtraTokenFields,
        CoreGenderClaim,
        CoreJweContentEncryptionAlgorithm,
        CoreJwsSigningAlgorithm,
    >,
    CoreTokenType,
>;
type Claims = IdTokenClaims<OtherClaims, CoreGenderClaim>;
/// As discovery leaves it: the place to send people to is known, the others may be missing.
type OurClient = Client<
    OtherClaims,
    CoreAuthDisplay,
    CoreGenderClaim,
    CoreJweContentEncryptionAlgorithm,
    CoreJsonWebKey,
    CoreAuthPrompt,
    StandardErrorResponse<CoreErrorResponseType>,
    TokenAnswer,
    CoreTokenIntrospectionResponse,
    CoreRevocableToken,
    CoreRevocationErrorResponse,
    EndpointSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointNotSet,
    EndpointMaybeSet,
    EndpointMaybeSet,
>;

/// What the provider says about a person, whichever of its answers said it.
struct Said {
    /// `<issuer> <subject>`: who it is, for good.
    external_id: String,
    email: Option<String>,
    email_verified: bool,
    name: String,
    other: Map<String, Value>,
}

/// The provider's side of signing in. Cheap to make.
pub struct Provider<'a> {
    accounts: &'a Accounts,
    control: &'a Control,
    config: &'a OidcConfig,
    http: ProviderHttp,
}

impl<'a> Provider<'a> {
    pub fn new(accounts: &'a Accounts, control: &'a Control) -> Result<Self, OidcError> {
        let config = accounts.config().oidc.as_ref().ok_or(OidcError::NotConfigured)?;
        Ok(Self { accounts, control, config, http: ProviderHttp::new(&config.issuer)? })
    }

    /// Starts a sign-in that ends at `next`, a path of ours.
    pub async fn depart(&self, next: &str) -> Result<Departure, OidcError> {
        let client = self.client().await?;
        let (state, nonce, verifier) = (new_secret(), new_secret(), new_secret());
        let flow = ProviderFlow { nonce: nonce.clone(), verifier: verifier.clone(), next: next.to_owned() };
        self.control.add_provider_flow(&hash_secret(&state), &flow, self.now() + FLOW).await?;
        let challenge = PkceCodeChallenge::from_code_verifier_sha256(&PkceCodeVerifier::new(verifier));
        let told = state.clone();
        let mut request = client
            .authorize_url(
                AuthenticationFlow::<CoreResponseType>::AuthorizationCode,
                move || CsrfToken::new(told),
                move || Nonce::new(nonce),
            )
            .add_scope(Scope::new("email".to_owned()))
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(challenge);
        for scope in &self.config.scopes {
            request = request.add_scope(Scope::new(scope.clone()));
        }
        if let Some(domain) = &self.config.hosted_domain {
            request = request.add_extra_param("hd", domain);
        }
        let (url, _, _) = request.url();
        Ok(Departure { url: url.into(), state })
    }

    /// Finishes a sign-in: who it is, and where to go. `state` was compared with the browser's cookie already.
    pub async fn arrive(&self, code: &str, state: &str) -> Result<(Person, String), OidcError> {
        let flow = self.control.take_provider_flow(&hash_secret(state)).await?.ok_or(OidcError::NoFlow)?;
        let client = self.client().await?;
        let request = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| OidcError::Answer(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(flow.verifier));
        let answer = request.request_async(&self.http).await.map_err(refused_code)?;
        let token = answer.id_token().ok_or_else(|| OidcError::Answer("it holds no ID token".to_owned()))?;
        let now = self.chrono_now()?;
        let leeway = chrono::Duration::seconds(LEEWAY.as_secs());
        let verifier = client
            .id_token_verifier()
            .set_allowed_algs(ALGORITHMS)
            .set_time_fn(move || now - leeway)
            .set_issue_time_verifier_fn(move |issued| {
                if issued > now + leeway { Err("issued in the future".to_owned()) } else { Ok(()) }
            })
            // Several audiences are no fault as long as the token was made for us: `check_party`.
            .set_other_audience_verifier_fn(|_| true);
        let claims = token
            .claims(&verifier, &Nonce::new(flow.nonce))
            .map_err(|error| OidcError::Answer(format!("its token has a fault: {error}")))?;
        self.check_party(claims)?;
        let said = self.said(&client, claims, answer.access_token()).await?;
        Ok((self.person(&said).await?, flow.next))
    }

    fn now(&self) -> Timestamp {
        self.control.clock().now()
    }

    fn chrono_now(&self) -> Result<chrono::DateTime<chrono::Utc>, OidcError> {
        chrono::DateTime::from_timestamp(self.now().as_second(), 0)
            .ok_or_else(|| OidcError::Answer("the clock is out of range".to_owned()))
    }

    fn return_address(&self) -> Result<RedirectUrl, OidcError> {
        let base = self.accounts.config().public_url.as_deref().ok_or(OidcError::NoPublicUrl)?;
        RedirectUrl::new(format!("{}/sign-in/provider/return", base.trim_end_matches('/')))
            .map_err(|_| OidcError::NoAddress("public_url"))
    }

    fn client_secret(&self) -> Result<Option<SecretString>, OidcError> {
        let Some(variable) = &self.config.client_secret_variable else { return Ok(None) };
        match std::env::var(variable) {
            Ok(secret) if !secret.is_empty() => Ok(Some(secret.into())),
            _ => Err(OidcError::Answer(format!("the variable {variable} for the client's secret is not set"))),
        }
    }

    /// Asks the provider for its addresses and keys.
    async fn client(&self) -> Result<OurClient, OidcError> {
        let issuer = IssuerUrl::new(self.config.issuer.clone()).map_err(|_| OidcError::NoAddress("oidc.issuer"))?;
        let metadata = CoreProviderMetadata::discover_async(issuer, &self.http).await.map_err(|error| match error {
            openidconnect::DiscoveryError::Request(error) => OidcError::from(error),
            other => OidcError::Answer(other.to_string()),
        })?;
        let methods = metadata.token_endpoint_auth_methods_supported().cloned().unwrap_or_default();
        let takes_basic = methods.is_empty() || methods.contains(&CoreClientAuthMethod::ClientSecretBasic);
        let secret = self.client_secret()?.map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let client: OurClient =
            Client::from_provider_metadata(metadata, ClientId::new(self.config.client_id.clone()), secret);
        let style = if takes_basic { AuthType::BasicAuth } else { AuthType::RequestBody };
        Ok(client.set_auth_type(style).set_redirect_uri(self.return_address()?))
    }

    /// OpenID Connect Core 3.1.3.7, points 4 and 5: a token for several must say that it was made for us.
    fn check_party(&self, claims: &Claims) -> Result<(), OidcError> {
        let wrong = |what: &str| Err(OidcError::Answer(format!("its token has {what}")));
        let party = claims.authorized_party().map(|party| party.as_str());
        if party.is_some_and(|party| party != self.config.client_id)
            || (party.is_none() && claims.audiences().len() > 1)
        {
            return wrong("another authorised party");
        }
        if claims.subject().is_empty() || claims.subject().len() > 255 {
            return wrong("no usable subject");
        }
        Ok(())
    }

    /// What is known about a person: from the ID token, and where that is silent (many providers keep it short) from the
    /// provider's user info, which must speak of the same subject.
    async fn said(&self, client: &OurClient, claims: &Claims, access: &AccessToken) -> Result<Said, OidcError> {
        let mut said = Said {
            external_id: format!("{} {}", claims.issuer().as_str(), claims.subject().as_str()),
            email: claims.email().map(|email| email.as_str().to_owned()),
            email_verified: claims.email_verified() == Some(true),
            name: claims
                .name()
                .and_then(|name| name.get(None))
                .map(|name| name.as_str().to_owned())
                .unwrap_or_default(),
            other: claims.additional_claims().0.clone(),
        };
        let lacks_groups = !self.config.groups.is_empty() && !said.other.contains_key(&self.config.groups_claim);
        if said.email.is_some() && !lacks_groups {
            return Ok(said);
        }
        let subject = SubjectIdentifier::new(claims.subject().to_string());
        // A provider without this address has said all it says.
        let Ok(request) = client.user_info(access.clone(), Some(subject)) else { return Ok(said) };
        let more: UserInfoClaims<OtherClaims, CoreGenderClaim> = request
            .require_signed_response(false)
            .request_async(&self.http)
            .await
            .map_err(|error| OidcError::Answer(format!("its user info cannot be used: {error}")))?;
        if said.email.is_none() {
            said.email = more.email().map(|email| email.as_str().to_owned());
            said.email_verified = more.email_verified() == Some(true);
        }
        if said.name.is_empty()
            && let Some(name) = more.name().and_then(|name| name.get(None))
        {
            said.name = name.as_str().to_owned();
        }
        for (claim, value) in &more.additional_claims().0 {
            said.other.entry(claim.clone()).or_insert_with(|| value.clone());
        }
        Ok(said)
    }
}

/// Why the provider did not take the code.
fn refused_code(error: RequestTokenError<AskError, StandardErrorResponse<CoreErrorResponseType>>) -> OidcError {
    match error {
        RequestTokenError::ServerResponse(response) => OidcError::Answer(response.to_string()),
        RequestTokenError::Request(error) => error.into(),
        RequestTokenError::Parse(error, _) => OidcError::Answer(format!("its token answer cannot be read: {error}")),
        RequestTokenError::Other(what) => OidcError::Answer(what),
    }
}
