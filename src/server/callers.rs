//! Who calls: bearer tokens, client certificates, scopes, connector lists.
//!
//! A token is 256 random bits, so its plain SHA-256 is safe to keep: there is no dictionary to try, which is what slow
//! password hashes defend against, and a slow hash on every call would be a lever for overload. Comparison looks at
//! every client and takes constant time. A client that declares both a token and a certificate must show both.

use std::fmt;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use http::{HeaderMap, HeaderValue, header};
use sha2::{Digest as _, Sha256};
use subtle::{Choice, ConstantTimeEq as _};
use zeroize::Zeroizing;

use super::Problem;
use crate::secret::Secret;

/// Makes a token recognisable, for people and for secret scanners.
const PREFIX: &str = "dwt_";

/// What a client may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Scope {
    /// Ask for verdicts.
    Authenticate,
    /// Run the send test.
    Test,
    /// Read connectors, metrics and the API description.
    Read,
    /// Make the daemon read its connectors again.
    Reload,
}

impl Scope {
    /// Every scope.
    pub const ALL: [Self; 4] = [Self::Authenticate, Self::Test, Self::Read, Self::Reload];

    /// The word of the configuration.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Authenticate => "authenticate",
            Self::Test => "test",
            Self::Read => "read",
            Self::Reload => "reload",
        }
    }

    /// The `WWW-Authenticate` of a call that lacks this scope (RFC 6750 section 3).
    pub(super) fn challenge(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Authenticate => "Bearer error=\"insufficient_scope\", scope=\"authenticate\"",
            Self::Test => "Bearer error=\"insufficient_scope\", scope=\"test\"",
            Self::Read => "Bearer error=\"insufficient_scope\", scope=\"read\"",
            Self::Reload => "Bearer error=\"insufficient_scope\", scope=\"reload\"",
        })
    }
}

/// A new bearer token.
pub struct Token(Secret);

impl Token {
    /// Draws 256 bits from the operating system. Fails when it has no randomness to give.
    pub fn draw() -> Result<Self, getrandom::Error> {
        let mut bytes = Zeroizing::new([0; 32]);
        getrandom::fill(bytes.as_mut())?;
        let text = Zeroizing::new(URL_SAFE_NO_PAD.encode(bytes.as_ref()));
        Ok(Self(Secret::new(format!("{PREFIX}{}", *text))))
    }

    /// The text that the client sends; shown once, by `doorward token new`.
    pub fn expose(&self) -> &str {
        self.0.expose()
    }

    /// What the configuration keeps.
    pub fn hash(&self) -> TokenHash {
        TokenHash::of(self.0.expose())
    }
}

/// SHA-256 of a token's text.
#[derive(Clone, Copy)]
pub struct TokenHash([u8; 32]);

impl TokenHash {
    /// The hash of a token as it is sent.
    pub fn of(token: &str) -> Self {
        Self(Sha256::digest(token.as_bytes()).into())
    }

    /// Reads `sha256:` and 64 hex digits.
    pub fn parse(text: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        hex::decode_to_slice(text.strip_prefix("sha256:")?, &mut bytes).ok()?;
        Some(Self(bytes))
    }
}

impl fmt::Display for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256:{}", hex::encode(self.0))
    }
}

// Derived from a credential, so it is shown only on purpose.
impl fmt::Debug for TokenHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("‹secret›")
    }
}

/// What a verified client certificate says about its holder.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Certificate {
    /// DNS names of the subject alternative name, lower case.
    pub dns: Vec<String>,
    /// URIs of the subject alternative name (SPIFFE ids).
    pub uris: Vec<String>,
    /// SHA-256 of the certificate, lower-case hex.
    pub sha256: String,
}

/// Which certificate a client must show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum CertificateRule {
    /// One with this DNS name.
    Dns(String),
    /// One with this URI.
    Uri(String),
    /// This very one.
    Sha256(String),
}

impl CertificateRule {
    fn matches(&self, certificate: &Certificate) -> bool {
        match self {
            Self::Dns(name) => certificate.dns.iter().any(|dns| dns.eq_ignore_ascii_case(name)),
            Self::Uri(uri) => certificate.uris.contains(uri),
            Self::Sha256(hash) => certificate.sha256.eq_ignore_ascii_case(hash),
        }
    }
}

/// One client of the configuration.
#[derive(Debug, Clone)]
pub struct Caller {
    /// Its name in logs, audit lines and metrics.
    pub name: String,
    /// Its tokens (two while one replaces the other); empty: certificate only.
    pub tokens: Vec<TokenHash>,
    /// The certificate it must show.
    pub certificate: Option<CertificateRule>,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// The connectors it may use; `None`: all.
    pub connectors: Option<Vec<String>>,
    /// Most calls it may have open.
    pub max_in_flight: Option<usize>,
}

impl Caller {
    /// Whether it may use this connector.
    pub fn may_use(&self, connector: &str) -> bool {
        self.connectors.as_ref().is_none_or(|list| list.iter().any(|id| id == connector))
    }

    /// Fails unless it has `scope`.
    pub fn require(&self, scope: Scope) -> Result<(), Problem> {
        if self.scopes.contains(&scope) { Ok(()) } else { Err(Problem::OutOfScope(scope)) }
    }
}

/// All clients.
#[derive(Debug, Default)]
pub struct Callers(Vec<Arc<Caller>>);

impl Callers {
    /// The clients of the configuration.
    pub fn new(callers: Vec<Caller>) -> Self {
        Self(callers.into_iter().map(Arc::new).collect())
    }

    /// Finds the client behind a call. A call with a token is that token's client or nobody; a call without one is the
    /// first client without tokens whose certificate rule holds.
    pub fn identify(&self, headers: &HeaderMap, certificate: Option<&Certificate>) -> Result<Arc<Caller>, Problem> {
        let shown = |caller: &Caller| match (&caller.certificate, certificate) {
            (None, _) => true,
            (Some(rule), Some(certificate)) => rule.matches(certificate),
            (Some(_), None) => false,
        };
        let found = match bearer(headers)? {
            Some(token) => self.by_token(token).filter(|caller| shown(caller)),
            None => {
                self.0.iter().find(|caller| caller.tokens.is_empty() && caller.certificate.is_some() && shown(caller))
            }
        };
        found.cloned().ok_or(Problem::Unauthorized)
    }

    /// Compares with every token of every client, so that time says nothing about which one came near.
    fn by_token(&self, token: &str) -> Option<&Arc<Caller>> {
        let hash = TokenHash::of(token);
        let mut found = None;
        for caller in &self.0 {
            let mut hit = Choice::from(0);
            for known in &caller.tokens {
                hit |= known.0.ct_eq(&hash.0);
            }
            if hit.into() {
                found = Some(caller);
            }
        }
        found
    }
}

/// The bearer token of a call (RFC 6750 section 2.1). Two `Authorization` headers, another scheme or a text that is no
/// token are refused rather than ignored, so that a certificate never covers for a wrong token.
fn bearer(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let mut values = headers.get_all(header::AUTHORIZATION).iter();
    let Some(value) = values.next() else { return Ok(None) };
    if values.next().is_some() {
        return Err(Problem::Unauthorized);
    }
    let text = value.to_str().map_err(|_| Problem::Unauthorized)?;
    match text.split_once(' ') {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") && !token.is_empty() => Ok(Some(token)),
        _ => Err(Problem::Unauthorized),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn caller(name: &str, token: Option<&str>, certificate: Option<CertificateRule>) -> Caller {
        Caller {
            name: name.to_owned(),
            tokens: token.map(TokenHash::of).into_iter().collect(),
            certificate,
            scopes: vec![Scope::Authenticate],
            connectors: None,
            max_in_flight: None,
        }
    }

    fn headers(token: Option<&str>) -> HeaderMap {
        token.map(|token| (header::AUTHORIZATION, format!("Bearer {token}").parse().unwrap())).into_iter().collect()
    }

    #[test]
    fn a_client_shows_all_that_it_declares() {
        let dns = |name: &str| Some(CertificateRule::Dns(name.to_owned()));
        let callers = Callers::new(vec![
            caller("token", Some("t1"), None),
            caller("both", Some("t2"), dns("gw.example.com")),
            caller("certificate", None, dns("sdk.example.com")),
            caller("nothing", None, None),
        ]);
        let gateway = Certificate { dns: vec!["GW.example.com".to_owned()], ..Certificate::default() };
        let sdk = Certificate { dns: vec!["sdk.example.com".to_owned()], ..Certificate::default() };
        for (token, certificate, expected) in [
            (Some("t1"), None, Some("token")),
            (Some("t1"), Some(&sdk), Some("token")),
            (Some("t2"), None, None),
            (Some("t2"), Some(&sdk), None),
            (Some("t2"), Some(&gateway), Some("both")),
            (None, Some(&sdk), Some("certificate")),
            (None, Some(&gateway), None),
            (Some("wrong"), Some(&sdk), None),
            (None, None, None),
        ] {
            let found = callers.identify(&headers(token), certificate).ok();
            assert_eq!(found.as_ref().map(|caller| caller.name.as_str()), expected, "{token:?} {certificate:?}");
        }
    }

    #[test]
    fn a_token_and_its_hash() {
        let (token, other) = (Token::draw().unwrap(), Token::draw().unwrap());
        assert_ne!(token.expose(), other.expose());
        assert_eq!(token.expose().len(), "dwt_".len() + 43); // 256 bits in base64url
        let written = token.hash().to_string();
        assert_eq!(TokenHash::parse(&written).unwrap().to_string(), written);
        assert!(!format!("{:?}", token.hash()).contains(&written[7..15]));
        for wrong in ["", "sha256:", "sha256:00", &written[7..], &format!("{written}00")] {
            assert!(TokenHash::parse(wrong).is_none(), "{wrong}");
        }
    }
}
